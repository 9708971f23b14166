"""A broker, and the two baselines: the bare round trip, and a subscriber that does nothing."""

from __future__ import annotations

import contextlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

CONF = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 1000
max_queued_messages 0
log_type error
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def mosquitto() -> Iterator[int]:
    """Run a broker of the kind the product ships a configuration for; yields its port."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "mosquitto.conf"
        conf.write_text(CONF.format(port=port))
        process = subprocess.Popen([program, "-c", str(conf)])
        try:
            wait_for_port(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def wait_for_port(port: int, within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")


@contextlib.contextmanager
def client(port: int, on_message: Callable[[str, bytes], None] | None = None, *topics: str) -> Iterator[mqtt.Client]:
    """Connect a client with Nagle off that is subscribed before this yields."""
    made = mqtt.Client(CallbackAPIVersion.VERSION2)
    made.max_inflight_messages_set(1000)
    made.max_queued_messages_set(0)
    ready = threading.Event()

    def opened(_client: object, _data: object, sock: Any) -> None:  # noqa: ANN401  # paho's own socket type hides setsockopt
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connected(*_: object) -> None:
        if topics:
            made.subscribe([(topic, 1) for topic in topics])
        else:
            ready.set()

    made.on_socket_open = opened
    made.on_connect = connected
    made.on_subscribe = lambda *_: ready.set()
    if on_message is not None:
        made.on_message = lambda _c, _d, message: on_message(message.topic, bytes(message.payload))
    made.connect("127.0.0.1", port)
    made.loop_start()
    try:
        if not ready.wait(20):
            raise TimeoutError("no connection to the broker")
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def bare_round_trip_ms(port: int, n: int = 200, pause_s: float = 0.02) -> list[float]:
    """Publish, and be told by a second client that just echoes the time: QoS 1 both ways through the broker."""
    came = threading.Event()
    times: list[float] = []
    with client(port, lambda _t, _p: came.set(), "bench/echo"), client(port) as sender:
        for _ in range(n):
            came.clear()
            started = time.perf_counter()
            sender.publish("bench/echo", b"x" * 200, qos=1)
            if not came.wait(10):
                raise TimeoutError("the broker lost a message")
            times.append((time.perf_counter() - started) * 1000)
            time.sleep(pause_s)
    return times


def quantile(values: list[float], q: float) -> float:
    """Return the value below which a share `q` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def median(values: list[float]) -> float:
    return statistics.median(values)

"""The broker dies and comes back: 200 nodes with 50 spooled signals each, all at once, and one desk that is pressed.

Measured from the moment that the broker answers again. The desk says its press again after a second without a receipt,
as a node does, so its first page tells how soon the site works again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench._figure import Figure
from bench._hub import ROOT, SITE, hub
from bench._mqtt import CONF, client, free_port, median, wait_for_port

NODES = 200
SIGNALS = 50
ALONE = 100
AWAY_S = 3.0
PAUSE_S = 0.05
AGAIN_S = 1.0


def run() -> list[Figure]:
    """Return how long until all is receipted, and press to page meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        conf = Path(folder) / "mosquitto.conf"
        conf.write_text(CONF.format(port=port))
        broker = Broker(conf, port)
        broker.start()
        try:
            with hub(port, plan=_plan()):
                return _measure(broker)
        finally:
            broker.kill()


class Broker:
    """One that can be killed and comes back on its port."""

    def __init__(self, conf: Path, port: int) -> None:
        self.port = port
        self._command = [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(conf)]

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command)
        wait_for_port(self.port)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()


def _measure(broker: Broker) -> list[Figure]:
    port = broker.port
    command = [sys.executable, "-m", "bench._swarm", str(port), str(NODES), str(SIGNALS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as swarm:
        assert swarm.stdout is not None
        if swarm.stdout.readline() != "up\n":
            raise RuntimeError("the nodes did not come up")
        desk = Desk(port)
        alone = desk.measure(lambda: len(desk.times) >= ALONE)
        broker.kill()
        time.sleep(AWAY_S)
        begun_s = time.perf_counter()
        broker.start()
        done = threading.Event()
        said: list[str] = []

        def listen() -> None:
            said.extend(swarm.stdout or ())
            done.set()

        threading.Thread(target=listen, daemon=True).start()
        desk = Desk(port, first=10_000)
        beside = desk.measure(lambda: done.is_set() and len(desk.times) > 1)
        result = json.loads(said[-1])
    times = result["times"]
    return [
        Figure(
            f"{NODES} nodes with {SIGNALS} each: all receipted", times[-1], "s", note=f"half: {median(times):.2f} s"
        ),
        Figure("  lists sent", result["lists"] / NODES, "x"),
        Figure("  the first page after the broker was back", desk.first_s - begun_s, "s"),
        Figure(
            "  press to page p50 meanwhile",
            median(beside[1:]) / median(alone),
            "x alone",
            note=f"{median(beside[1:]):.2f} ms of {median(alone):.2f} ms, {len(beside) - 1} presses",
        ),
        Figure("  the slowest of them", max(beside[1:]), "ms", note=f"alone {max(alone):.2f} ms"),
    ]


class Desk:
    """A desk that is pressed, paged about, and reset, again and again."""

    def __init__(self, port: int, *, first: int = 0) -> None:
        self.port, self.seq = port, first
        self.times: list[float] = []
        self.first_s = 0.0
        """When its first page came."""

    def measure(self, over: Callable[[], bool]) -> list[float]:
        """Press until it is over; return milliseconds from press to page."""
        came, receipted = threading.Event(), [0]

        def hear(topic: str, payload: bytes) -> None:
            if topic.endswith("receipt"):
                said = json.loads(payload)
                receipted[0] = max([receipted[0], said["seq"], *(last for _, last in said["also"])])
            elif b'"kind":"page"' in payload:
                self.first_s = self.first_s or time.perf_counter()
                came.set()

        with client(self.port, hear, f"{ROOT}/page/live", f"{ROOT}/node/live/receipt") as link:
            while not over():
                came.clear()
                self.seq += 1
                mono, began = time.monotonic(), time.perf_counter()
                while True:
                    link.publish(f"{ROOT}/node/live/signal", _signal("pressed", self.seq, mono), qos=1)
                    if came.wait(AGAIN_S) or (receipted[0] >= self.seq and came.wait(30)):
                        break
                self.times.append((time.perf_counter() - began) * 1000)
                self.seq += 1
                link.publish(f"{ROOT}/node/live/signal", _signal("reset", self.seq, time.monotonic()), qos=1)
                time.sleep(PAUSE_S)
        return self.times


def _signal(name: str, seq: int, mono: float) -> bytes:
    body = {"device": "mot", "signal": name, "seq": seq, "boot": "live", "mono": mono, "sent": time.monotonic()}
    return json.dumps(body).encode()


def _plan() -> str:
    desks = [*(f"desk-{n}" for n in range(NODES)), "live"]
    parts = [
        f'[site]\nid = "{SITE}"\nname = "Bench"\ntimezone = "Europe/Rome"\n[channels.radio]\nurl = "mqtt://"\n',
        *(f'[groups.{name}]\nname = "{name}"\nchannels = ["radio"]\n' for name in ("staff", "live")),
    ]
    for desk in desks:
        group = "live" if desk == "live" else "staff"
        parts.append(
            f'[touchpoints.{desk}]\nname = "{desk}"\ngroup = "{group}"\n[nodes.{desk}]\ntouchpoint = "{desk}"\n'
            f'[nodes.{desk}.devices.mot]\nkind = "mot-button"\nbutton = 17\nlamp = 27\n'
        )
    for name, places, group in (("wait", desks[:-1], "staff"), ("now", ["live"], "live")):
        listed = ", ".join(f'"{each}"' for each in places)
        parts.append(
            f'[expectations.{name}]\npromise = "I wait no more than 15 minutes."\ntouchpoints = [{listed}]\n'
            'opens = ["pressed"]\ncloses = ["reset"]\nfails_after = "3m"\n'
            f'[[expectations.{name}.pages]]\nleft = "3m"\ngroup = "{group}"\n'
        )
    return "".join(parts)

"""Memory and start time of hub and node, against the bare libraries they stand on."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import psutil

from bench._figure import Figure
from bench._hub import LINES, ROOT, hub, press
from bench._mqtt import client, mosquitto

ENTRIES = 100_000
PORTION = 10_000
BARE_NODE = """
import resource, gpiozero, paho.mqtt.client
from gpiozero.pins.mock import MockFactory
button = gpiozero.Button(17, pin_factory=MockFactory())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)
"""


def run() -> list[Figure]:
    """Return what a hub and a node weigh, and how soon they work."""
    with tempfile.TemporaryDirectory() as folder, mosquitto() as port:
        data = Path(folder) / "data"
        with hub(port, data) as running:
            time.sleep(1)
            idle_mb = running.memory_mb()
            _fill(port)
            entries = running.entries()
        first_page_s = _first_page(port, data)
    bare = subprocess.run([sys.executable, "-c", BARE_NODE], check=True, capture_output=True)
    bare_mb = float(bare.stdout)
    node_mb, node_s = _node()
    return [
        Figure("hub, memory when idle", idle_mb, "MB", most=90),
        Figure(f"hub, exec to first page, {entries:,} entries", first_page_s, "s", most=0.9),
        Figure("node, memory", node_mb, "MB", most=36, note=f"bare gpiozero and paho {bare_mb:.1f} MB"),
        Figure("node, exec to birth", node_s, "s", most=0.5),
    ]


def _fill(port: int) -> None:
    """Give the hub a long journal, in portions: a node waits for its receipts too."""
    arrived = threading.Condition()
    receipted = dict.fromkeys(range(LINES), 0)

    def receipt(topic: str, payload: bytes) -> None:
        with arrived:
            line = int(topic.split("desk-")[1].split("/", maxsplit=1)[0])
            receipted[line] = max(receipted[line], json.loads(payload)["seq"])
            arrived.notify_all()

    with client(port, receipt, f"{ROOT}/node/+/receipt") as desks:
        for first in range(0, ENTRIES, PORTION):
            for n in range(first, first + PORTION):
                topic, body = press(n)
                desks.publish(topic, body, qos=1)
            due = (first + PORTION) // LINES
            with arrived:
                if not arrived.wait_for(partial(_all_have, receipted, due), 120):
                    raise TimeoutError(f"signal {due} of some desk was never receipted")


def _all_have(receipted: dict[int, int], seq: int) -> bool:
    return min(receipted.values()) >= seq


def _first_page(port: int, data: Path) -> float:
    """Return seconds from exec until a press that waited is paged."""
    came = threading.Event()
    with client(port, lambda _t, _p: came.set(), f"{ROOT}/page/staff") as desk:
        stop = threading.Event()

        def keep_pressing() -> None:
            n = ENTRIES + 1
            while not stop.is_set():
                topic, body = press(0, name="pressed" if n % 2 else "reset", seq=n, mono=5_000 + n / 1000)
                desk.publish(topic, body, qos=1)
                n += 1
                stop.wait(0.01)

        presser = threading.Thread(target=keep_pressing)
        begun = time.perf_counter()
        presser.start()
        try:
            with hub(port, data):
                if not came.wait(60):
                    raise TimeoutError("no page after the start")
                return time.perf_counter() - begun
        finally:
            stop.set()
            presser.join()


def _node() -> tuple[float, float]:
    """Return what `andgate edge` holds in memory with a button, a lamp and the link, and seconds from exec to birth."""
    born = threading.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        mosquitto() as port,
        hub(port) as _,
        client(port, lambda _t, p: born.set() if b"online" in p else None, f"{ROOT}/node/desk-0/state"),
    ):
        begun = time.perf_counter()
        node = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cli.main",
                "edge",
                "--node=desk-0",
                f"--broker=mqtt://127.0.0.1:{port}",
                f"--data={folder}",
                "--pins=mock",
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            if not born.wait(20):
                raise TimeoutError("the node was not born")
            took = time.perf_counter() - begun
            time.sleep(1)
            return float(psutil.Process(node.pid).memory_info().rss) / 1e6, took
        finally:
            node.terminate()
            node.wait(20)

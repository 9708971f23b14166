"""Memory of hub and node, against the bare libraries they stand on, and the start of a node; `restart` starts hubs."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from typing import IO

import psutil

from bench._crowd import crowd, crowd_plan
from bench._figure import Figure
from bench._hub import ROOT, hub
from bench._mqtt import client, mosquitto

NODES, DASHBOARDS = 200, 50
LOADED_S = 20.0
"""Longer than every node takes to say how it is."""
BARE_NODE = """
import gpiozero, paho.mqtt.client
from gpiozero.pins.mock import MockFactory
button = gpiozero.Button(17, pin_factory=MockFactory())
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS")))
"""


def run() -> list[Figure]:
    """Return what a hub and a node weigh, and how soon they work."""
    with mosquitto() as port, hub(port) as running:
        time.sleep(1)
        idle_mb = running.memory_mb()
    loaded_mb = _loaded()
    bare = subprocess.run([sys.executable, "-c", BARE_NODE], check=True, capture_output=True)
    bare_mb = float(bare.stdout) * 1024 / 1e6
    node_mb, node_s = _node()
    return [
        Figure("hub, memory when idle", idle_mb, "MB", most=90),
        Figure(f"hub, memory with {NODES} nodes, {DASHBOARDS} dashboards", loaded_mb, "MB", most=115),
        Figure("node, memory", node_mb, "MB", most=36, note=f"bare gpiozero and paho {bare_mb:.1f} MB"),
        Figure("node, exec to birth", node_s, "s", most=0.5),
    ]


def _loaded() -> float:
    """Return what a hub holds in memory while nodes live and dashboards listen."""
    with (
        mosquitto() as port,
        contextlib.ExitStack() as stack,  # closed when the hub is gone, which ends what is read
        hub(port, plan=crowd_plan(NODES)) as running,
        crowd(port, NODES),
    ):
        for _ in range(DASHBOARDS):
            url = f"http://127.0.0.1:{running.http}/api/v1/stream"
            threading.Thread(
                target=_listen, args=(stack.enter_context(urllib.request.urlopen(url)),), daemon=True
            ).start()
        time.sleep(LOADED_S)
        return running.memory_mb()


def _listen(stream: IO[bytes]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        while stream.read(4_096):
            pass


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

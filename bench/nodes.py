"""Two thousand nodes on one hub: what their births, health and presses do to a press elsewhere, and what they cost."""

from __future__ import annotations

import json
import os
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from bench._crowd import crowd, crowd_plan
from bench._figure import Figure
from bench._hub import Hub, hub
from bench._mqtt import bare_round_trip_ms, median, mosquitto, quantile
from bench.press_to_page import measure

NODES = 2_000
BORN_S = 60.0


def run() -> list[Figure]:
    """Return press to page beside the crowd against the same without it, and processor time, memory and starts."""
    plan = crowd_plan(NODES)
    with tempfile.TemporaryDirectory() as folder, mosquitto() as port:
        data = Path(folder) / "data"
        with hub(port):
            alone = measure(port, first=0)
        with hub(port, data, plan=plan) as running, crowd(port, NODES):
            first_s = running.started_s
            born_s = all_online(running)
            bare = bare_round_trip_ms(port)
            begun, used = time.perf_counter(), cpu_s(running)
            beside = measure(port, first=0)
            used, took = cpu_s(running) - used, time.perf_counter() - begun
            memory_mb = running.memory_mb()
        with hub(port, data, plan=plan) as running:
            again_s = running.started_s
    p50, p99 = median(beside) / median(alone), quantile(beside, 0.99) / quantile(alone, 0.99)
    return [
        Figure(f"press to page beside {NODES:,} nodes, p99", p99, "x", most=1.5, note=_ms(beside, alone, 0.99)),
        Figure("  p50", p50, "x", most=1.5, note=_ms(beside, alone, 0.5)),
        Figure("  bare round trip beside them, p50", median(bare), "ms", note=f"p99 {quantile(bare, 0.99):.2f} ms"),
        Figure("  all births taken", born_s, "s"),
        Figure("  processor time of one core", 100 * used / took, "%", note=f"load {os.getloadavg()[0]:.1f}"),
        Figure("  memory of the hub", memory_mb, "MB"),
        Figure("  exec to ready, first and again", again_s, "s", note=f"first {first_s:.2f} s"),
    ]


def all_online(running: Hub) -> float:
    """Return after how many seconds from now the hub says that all nodes are online."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < BORN_S:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.http}/api/v1/nodes", timeout=30) as answer:
            nodes = json.load(answer)["items"]
        if sum(node["state"] == "online" for node in nodes) >= NODES:
            return time.perf_counter() - begun
        time.sleep(0.1)
    raise TimeoutError(f"of {NODES} births not all were taken within {BORN_S} s")


def cpu_s(running: Hub) -> float:
    """Return the processor time that a hub has used."""
    times = psutil.Process(running.process.pid).cpu_times()
    return float(times.user + times.system)


def _ms(beside: list[float], alone: list[float], q: float) -> str:
    return f"{quantile(beside, q):.2f} against {quantile(alone, q):.2f} ms"

"""Durable ingest: judged, chained, committed with FULL and receipted; against a subscriber that does nothing.

The load comes from a process of its own. What is timed is from the first signal to the last receipt. A page, and the
word that it is over, is a message of its own with an acknowledgement of its own: there is a line for signals that page
nobody, as nearly all do, and one for presses and resets of which each lets a page or an "over" go out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench._figure import Figure
from bench._hub import LINES, PAGED_AT_ONCE, PAGED_LATER, ROOT, hub, plan_text, press
from bench._mqtt import client, median, mosquitto
from edge.delivery import LONGEST_LIST

SINGLE = 10_000
LISTED = 50_000
A_LIST = LONGEST_LIST
ROUNDS = 1


def run() -> list[Figure]:
    """Return both ratios."""
    rates: dict[str, list[float]] = {"noop": [], "single": [], "paged": [], "lists": []}
    costs_us: dict[str, list[float]] = {"single": [], "paged": [], "lists": []}
    singles = [press(n) for n in range(SINGLE)]
    loads = {
        "single": (PAGED_LATER, singles, SINGLE),
        "paged": (PAGED_AT_ONCE, singles, SINGLE),
        "lists": (PAGED_AT_ONCE, _lists(), LISTED),  # a spool pages nobody before its last list
    }
    for _ in range(ROUNDS):
        with mosquitto() as port:
            rates["noop"].append(_noop(port))
            for name, (wait, messages, signals) in loads.items():
                with hub(port, plan=plan_text(wait=wait)) as running:
                    before_s = running.cpu_s()
                    rates[name].append(signals / SINGLE * receipted(port, messages, signals // LINES))
                    costs_us[name].append((running.cpu_s() - before_s) / signals * 1e6)
    noop = median(rates["noop"])
    notes = {name: f"{median(rates[name]):,.0f}/s, {median(costs_us[name]):.0f} us of CPU each" for name in loads}
    return [
        Figure(
            "ingest, one signal a message", median(rates["single"]) / noop, "x noop", least=0.4, note=notes["single"]
        ),
        Figure('  a page or an "over" for each', median(rates["paged"]) / noop, "x noop", note=notes["paged"]),
        Figure("  subscriber that does nothing", noop, "/s"),
        Figure(f"ingest, lists of {A_LIST}", median(rates["lists"]) / noop, "x noop", least=2, note=notes["lists"]),
    ]


def _lists() -> list[tuple[str, bytes]]:
    """Return what draining spools send: each desk's signals in lists."""
    made = []
    for start in range(0, LISTED // LINES, A_LIST):
        for line in range(LINES):
            turns = range(start, min(start + A_LIST, LISTED // LINES))
            last = turns.stop >= LISTED // LINES
            members = [json.loads(press(line + turn * LINES)[1]) for turn in turns]
            if not last:
                members = [member | {"more": True} for member in members]
            made.append((f"{ROOT}/node/desk-{line}/signal", json.dumps(members, separators=(",", ":")).encode()))
    return made


def _load(port: int, messages: list[tuple[str, bytes]], folder: str) -> subprocess.Popen[bytes]:
    file = Path(folder) / "load"
    file.write_bytes(b"\n".join(topic.encode() + b"\t" + payload for topic, payload in messages))
    return subprocess.Popen([sys.executable, "-m", "bench._load", str(port), str(file)], stdout=subprocess.DEVNULL)


def _noop(port: int) -> float:
    """Return messages a second that a subscriber with an empty callback takes."""
    seen = 0
    first = last = 0.0
    done = threading.Event()

    def count(_topic: str, _payload: bytes) -> None:
        nonlocal seen, first, last
        last = time.perf_counter()
        first = first or last
        seen += 1
        if seen == SINGLE:
            done.set()

    with client(port, count, f"{ROOT}/#"), tempfile.TemporaryDirectory() as folder:
        load = _load(port, [press(n) for n in range(SINGLE)], folder)
        if not done.wait(120):
            raise TimeoutError(f"{seen} of {SINGLE} came")
        load.wait()
    return SINGLE / (last - first)


def receipted(port: int, messages: list[tuple[str, bytes]], each: int) -> float:
    """Return `SINGLE` over the seconds until every desk's last signal was receipted."""
    first = last = 0.0
    missing = set(range(LINES))
    done = threading.Event()

    def receipt(topic: str, payload: bytes) -> None:
        nonlocal last
        said = json.loads(payload)
        if said["seq"] >= each:
            missing.discard(int(topic.split("desk-")[1].split("/", maxsplit=1)[0]))
            if not missing:
                last = time.perf_counter()
                done.set()

    def started(_topic: str, _payload: bytes) -> None:
        nonlocal first
        first = first or time.perf_counter()

    with (
        client(port, started, f"{ROOT}/node/desk-0/signal"),
        client(port, receipt, f"{ROOT}/node/+/receipt"),
        tempfile.TemporaryDirectory() as folder,
    ):
        load = _load(port, messages, folder)
        if not done.wait(120):
            raise TimeoutError(f"{len(missing)} desks wait for their last receipt")
        load.wait()
    return SINGLE / (last - first)

"""From exec to the first page, on a journal of weeks; and pages that came due while the hub was down."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench._figure import Figure
from bench._hub import LINES, ROOT, hub
from bench._mqtt import client, mosquitto
from bench._past import journal, past_plan, press

DOWN_MS = 60_000
"""So long ago the journal ends at least: what is open has come due meanwhile."""
SIZES = ((100_000, 100, 0.9), (1_000_000, 1_000, 3.0))
"""Entries, moments open, target in seconds."""


@dataclass
class Start:
    """What was heard from exec on, in seconds."""

    pressed: float = 0.0
    """The page of a press that was waiting."""
    due: list[float] = field(default_factory=list)
    """Pages that came due while it was down and say so."""


def run() -> list[Figure]:
    """Return how soon a hub is at work again."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        empty_s = start(Path(folder) / "data", begin_ms=int(time.time() * 1000), entries=0, flights=0).pressed
        figures.append(Figure("exec to first page, empty journal", empty_s, "s"))
    for entries, flights, most in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            data, end_ms = Path(folder) / "data", int(time.time() * 1000) - DOWN_MS
            begin_ms = journal(data, entries, end_ms, flights=flights)
            settle(data)
            seen = start(data, begin_ms=begin_ms, entries=entries, flights=flights)
        figures += [
            Figure(f"exec to first page, {entries:,} entries, {flights:,} open", seen.pressed, "s", most=most),
            Figure("  pages due while down, from first to last", seen.due[-1] - seen.due[0], "s", most=1),
            Figure("  of them lost, or not marked late", flights - len(seen.due), "", most=0),
        ]
    return figures


def settle(data: Path) -> None:
    """Wait until what was made is on the disk: the hub that starts must not wait for it."""
    for path in data.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def start(data: Path, *, begin_ms: int, entries: int, flights: int) -> Start:
    """Start a hub on what `journal` has made, while a desk is pressed and reset again and again."""
    seen = Start()
    begun = 0.0
    all_there = threading.Event()

    def paged(_topic: str, payload: bytes) -> None:
        page = json.loads(payload)
        if page["kind"] == "page":
            after_s = time.perf_counter() - begun
            if page["text"].startswith("Line 0:"):
                seen.pressed = seen.pressed or after_s
            elif page["late"]:
                seen.due.append(after_s)
        if seen.pressed and len(seen.due) >= flights:
            all_there.set()

    with mosquitto() as port, client(port, paged, f"{ROOT}/page/staff") as desk:
        stop = threading.Event()

        def keep_pressing() -> None:
            n = (entries - flights) // (2 * LINES) * 2 * LINES
            while not stop.wait(0.01):
                since_ms = int(time.time() * 1000) - begin_ms
                desk.publish(*press(n, since_ms), qos=1)
                n += 1 if n % 2 == 0 else 2 * LINES - 1  # the same desk's next

        presser = threading.Thread(target=keep_pressing)
        begun = time.perf_counter()
        presser.start()
        try:
            with hub(port, data, plan=past_plan()):
                all_there.wait(60)
        finally:
            stop.set()
            presser.join()
    if not seen.pressed:
        raise TimeoutError("no page after the start")
    return seen

"""Success rates over a million verdicts of a year: by every breakdown, from the reader and over the API."""

from __future__ import annotations

import os
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from bench._figure import Figure
from bench._hub import hub
from bench._mqtt import mosquitto
from bench._past import DAY_MS
from bench._verdicts import DAYS, VERDICTS, verdicts, year_plan
from hub.store import Reader
from hub.store.rows import By

MOST_MS = 50.0
ROUNDS = 7
KEYS_DAYS = 1
"""Flights are asked for by the day: a year of them is a list of hundreds of thousands."""
PAGES = (7, 30, 90)


def run() -> list[Figure]:
    """Return milliseconds of each breakdown over everything, and of the pages that show them."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        data, now_ms = Path(folder) / "data", int(time.time() * 1000)
        verdicts(data, now_ms)
        text = year_plan()
        with mosquitto() as port, hub(port, data, plan=text) as running:
            base = f"http://127.0.0.1:{running.http}"
            wait_for(f"{base}/api/v1/success?by=team&since={_at(now_ms)}")
            for by in get_args(By):
                since_ms = now_ms - KEYS_DAYS * DAY_MS if by == "key" else None
                figures.append(_breakdown(data, base, by, since_ms))
            figures += [_span(base, now_ms, by) for by in ("touchpoint", "hour")]
            figures += [_page(base, days) for days in PAGES]
    load = os.getloadavg()[0]
    return [Figure(f"{VERDICTS:,} verdicts of {DAYS} days", load, "load"), *figures]


def _breakdown(data: Path, base: str, by: By, since_ms: int | None) -> Figure:
    """Return the best of some requests for one breakdown; beside it the first, and what the reader alone needs."""
    with Reader(data) as reader:
        cold_ms, best_ms = _times(lambda: reader.tally(by=by, since_ms=since_ms))
    span = "" if since_ms is None else f"&since={_at(since_ms)}"
    first_ms, api_ms = _times(lambda: get(f"{base}/api/v1/success?by={by}{span}"))
    note = f"first {first_ms:.1f}; tally alone {best_ms:.1f}, first {cold_ms:.1f} ms"
    name = f"by {by}" + (f", {KEYS_DAYS} day" if since_ms else "")
    return Figure(name, api_ms, "ms", most=MOST_MS, note=note)


def _span(base: str, now_ms: int, by: By) -> Figure:
    """Return the same for most of the year, begun and ended in the middle of a day, month and hour, at one place."""
    since, until = _at(now_ms - 350 * DAY_MS - 17_000_000), _at(now_ms - 12 * DAY_MS - 5_000_000)
    first_ms, best_ms = _times(lambda: get(f"{base}/api/v1/success?by={by}&area=Area%201&since={since}&until={until}"))
    return Figure(f"by {by}, one area, 338 days", best_ms, "ms", most=MOST_MS, note=f"first {first_ms:.1f} ms")


def _page(base: str, days: int) -> Figure:
    first_ms, best_ms = _times(lambda: get(f"{base}/success?days={days}"))
    return Figure(f"the page of {days} days", best_ms, "ms", note=f"first {first_ms:.1f} ms")


def _times(ask: Callable[[], object]) -> tuple[float, float]:
    """Return how long the first took, and the shortest after it: other programs only make it longer."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1000)
    return took[0], min(took[1:])


def get(url: str) -> bytes:
    """Return what a hub answers."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - our own hub
        return bytes(answer.read())


def wait_for(url: str, within_s: float = 30) -> None:
    """Wait until the web is there: it comes after the first page."""
    until = time.monotonic() + within_s
    while True:
        try:
            get(url)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _at(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

"""A data folder with a long journal, as a hub that ran for weeks leaves it behind: judged, not invented.

All but the last day is judged once and kept under ``build/bench/``, for a plan, a version and its tables: a million
entries take minutes. The last day, which is what a starting hub still has in its hands, is judged anew each time.
"""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

from andgate import __version__
from andgate.plan import parse_plan
from bench._hub import LINES, ROOT, plan_text
from hub.driver import Past
from hub.store.marker import MARKER, mark
from hub.store.schema import LATEST
from hub.store.store import DATABASE

DAY_MS = 86_400_000
DAYS = 28
SPAN_MS = DAYS * DAY_MS
BOOT = "past"
PAGED_AFTER_MS = 30_000
"""A flight at the stand pages so long after it came."""
KEPT = Path(__file__).resolve().parents[1] / "build" / "bench"
RESET_AFTER_MS = 60_000
"""A press is reset so long after; sooner where the next follows soon."""
STAND = """
[touchpoints.stand]
name = "Stand"
group = "staff"
[expectations.turn]
promise = "We leave within 25 minutes."
touchpoints = ["stand"]
key = "flight"
opens = ["docked"]
closes = ["unloaded"]
fails_after = "25m"
[[expectations.turn.pages]]
left = "24m30s"
group = "staff"
"""


def past_plan() -> str:
    """Return the plan for measuring, with a stand whose flights page half a minute after they came."""
    return plan_text() + STAND


def journal(data: Path, entries: int, end_ms: int, *, flights: int = 0) -> int:
    """Make a journal of about so many entries that ends at `end_ms`; return when its nodes started.

    Evenly over four weeks all desks are pressed and soon reset, by nodes whose clocks are known; between the last day
    and those before there may be a pause, if those were judged for an earlier run. Last of all, within the last half
    minute, so many flights dock at the stand: open, and not yet paged.
    """
    rounds = (entries - flights) // (2 * LINES)
    old = rounds * (DAYS - 1) // DAYS
    begin_ms = _old(data, rounds, old, end_ms - SPAN_MS)
    past = Past(data, parse_plan(past_plan()), past_plan(), now_ms=end_ms - DAY_MS, unsafe=True)
    try:
        each_ms = (DAY_MS - PAGED_AFTER_MS) / max(1, rounds - old)
        for n in range(old, rounds):
            _round(past, n, end_ms - DAY_MS + (n - old) * each_ms, each_ms, begin_ms)
        for n in range(flights):
            docked = {"id": f"past-{n}", "touchpoint": "stand", "signal": "docked", "key": f"AG{n}/past"}
            at_ms = end_ms - (flights - n) * (PAGED_AFTER_MS - 2_000) // flights
            past.hear([(f"{ROOT}/feed/ops/signal", json.dumps(docked).encode())], at_ms)
    finally:
        past.close()
    return begin_ms


def _old(data: Path, rounds: int, old: int, begin_ms: int) -> int:
    """Put all but the last day's journal into `data`, judged now if there is none; return when it begins."""
    key = f"{__version__} {LATEST} {rounds} {old} {past_plan()}"
    kept = KEPT / f"past-{rounds * 2 * LINES}-{sha256(key.encode()).hexdigest()[:12]}"
    if not kept.exists():
        torn = kept.with_suffix(".torn")
        shutil.rmtree(torn, ignore_errors=True)
        torn.mkdir(parents=True)
        past = Past(torn, parse_plan(past_plan()), past_plan(), now_ms=begin_ms, unsafe=True)
        try:
            each_ms = (SPAN_MS - DAY_MS) / max(1, old)
            for n in range(old):
                _round(past, n, begin_ms + n * each_ms, each_ms, begin_ms)
        finally:
            past.close()
        (torn / "begin").write_text(str(begin_ms))
        torn.rename(kept)
    shutil.copytree(kept, data)
    known = json.loads((data / MARKER).read_bytes())  # it is no copy that somebody put back: it says so
    mark(data / DATABASE, known["epoch"], known["entry"], bytes.fromhex(known["hash"]))
    return int((data / "begin").read_text())


def _round(past: Past, n: int, at_ms: float, each_ms: float, begin_ms: int) -> None:
    """Let every desk be pressed, and reset a little later, for the n-th time."""
    for what, after_ms in ((0, 0.0), (1, min(RESET_AFTER_MS, each_ms / 3))):
        now_ms = round(at_ms + after_ms)
        messages = [press(2 * (n * LINES + line) + what, now_ms - begin_ms) for line in range(LINES)]
        past.hear(messages, now_ms)


def press(n: int, since_ms: int) -> tuple[str, bytes]:
    """Return the n-th signal, said as it happened, `since_ms` after the nodes started."""
    line, turn = n // 2 % LINES, n // 2 // LINES * 2 + n % 2
    body = {
        "device": "mot",
        "signal": "reset" if n % 2 else "pressed",
        "seq": turn + 1,
        "boot": BOOT,
        "mono": 1 + since_ms / 1000,
        "sent": 1 + since_ms / 1000,
    }
    return f"{ROOT}/node/desk-{line}/signal", json.dumps(body).encode()

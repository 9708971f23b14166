"""A data folder with a long journal, as a hub that ran for weeks leaves it behind: judged, not invented."""

from __future__ import annotations

import json
from pathlib import Path

from andgate.plan import parse_plan
from bench._hub import LINES, ROOT, plan_text
from hub.driver import Past

SPAN_MS = 28 * 86_400_000
BOOT = "past"
PAGED_AFTER_MS = 30_000
"""A flight at the stand pages so long after it came."""
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


def journal(data: Path, entries: int, end_ms: int, *, flights: int = 0) -> None:
    """Make a journal of so many entries that ends at `end_ms`.

    Evenly over four weeks a desk is pressed and soon reset, the desks taking turns, by nodes whose clocks are known.
    Last of all, within the last half minute, so many flights dock at the stand: open, and not yet paged.
    """
    text = past_plan()
    begin_ms = end_ms - SPAN_MS
    past = Past(data, parse_plan(text), text, now_ms=begin_ms)
    try:
        presses = entries - flights
        each_ms = (SPAN_MS - PAGED_AFTER_MS) / presses
        for n in range(presses):
            past.hear([press(n, round(n * each_ms))], begin_ms + round(n * each_ms))
        for n in range(flights):
            docked = {"id": f"past-{n}", "touchpoint": "stand", "signal": "docked", "key": f"AG{n}/past"}
            at_ms = end_ms - (flights - n) * (PAGED_AFTER_MS - 2_000) // flights
            past.hear([(f"{ROOT}/feed/ops/signal", json.dumps(docked).encode())], at_ms)
    finally:
        past.close()


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

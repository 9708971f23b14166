"""A spool of 100,000 signals is emptied while others press: what that does to their pages.

The node sends as `andgate edge` does: lists of 100, the next one upon the receipt for the last. The others say 500
signals a second, and one desk among them is timed from press to page.
"""

from __future__ import annotations

import json
import threading
import time

from bench._figure import Figure
from bench._hub import LINES, ROOT, hub
from bench._mqtt import client, median, mosquitto, quantile
from bench.press_to_page import PRESSES, measure, traffic
from edge.delivery import LONGEST_LIST

SPOOL = 100_000
A_LIST = LONGEST_LIST
LIVE_A_SECOND = 500
DESK = LINES - 1
SENT_S = 2_000_000.0
EACH_S = 0.5
"""Between two signals of the spool; all of it lies within a day."""


def run() -> list[Figure]:
    """Return press to page with and without the drain, and how fast it drained."""
    with mosquitto() as port, hub(port):
        stop, drained = threading.Event(), threading.Event()
        others = threading.Thread(target=traffic, args=(port, stop, LIVE_A_SECOND))
        others.start()
        spool = threading.Thread(target=_drain, args=(port, drained))
        try:
            alone = measure(port, first=0)
            begun = time.perf_counter()
            spool.start()
            beside = measure(port, first=2 * PRESSES, until=drained)
            spool.join()
            took_s = time.perf_counter() - begun
        finally:
            stop.set()
            others.join()
    return [
        Figure(
            "press to page p50 while a spool drains",
            median(beside) / median(alone),
            "x alone",
            note=f"{median(beside):.2f} ms of {median(alone):.2f} ms, {len(beside)} presses",
        ),
        Figure(
            "  p99",
            quantile(beside, 0.99) / quantile(alone, 0.99),
            "x alone",
            note=f"{quantile(beside, 0.99):.2f} ms of {quantile(alone, 0.99):.2f} ms",
        ),
        Figure(f"  {SPOOL:,} signals drained", SPOOL / took_s, "/s"),
    ]


def _drain(port: int, drained: threading.Event) -> None:
    """Send a spool as a node does."""
    come = threading.Event()
    receipted = 0

    def receipt(_topic: str, payload: bytes) -> None:
        nonlocal receipted
        receipted = json.loads(payload)["seq"]
        come.set()

    with client(port, receipt, f"{ROOT}/node/desk-{DESK}/receipt") as node:
        for first in range(1, SPOOL, A_LIST):
            last = first + A_LIST - 1
            members = [_member(seq, more=last < SPOOL) for seq in range(first, last + 1)]
            payload = json.dumps(members, separators=(",", ":")).encode()
            node.publish(f"{ROOT}/node/desk-{DESK}/signal", payload, qos=1)
            while receipted < last:
                if not come.wait(60):
                    raise TimeoutError(f"no receipt for {last}")
                come.clear()
    drained.set()


def _member(seq: int, *, more: bool) -> dict[str, object]:
    body: dict[str, object] = {
        "device": "mot",
        "signal": "pressed" if seq % 2 else "reset",
        "seq": seq,
        "boot": "spool",
        "mono": SENT_S - (SPOOL - seq) * EACH_S,
        "sent": SENT_S,
    }
    return body | {"more": True} if more else body

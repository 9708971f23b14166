"""A burst of 5,000 moments at once: every one paged once, none lost, none twice."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

from bench._figure import Figure
from bench._hub import ROOT, hub
from bench._mqtt import client, mosquitto

EVENTS = 5_000


def run() -> list[Figure]:
    """Return how long until the last page, and what was lost or sent twice."""
    pages: Counter[str] = Counter()
    done = threading.Event()
    last = 0.0

    def paged(_topic: str, payload: bytes) -> None:
        nonlocal last
        last = time.perf_counter()
        pages[json.loads(payload)["id"]] += 1
        if len(pages) == EVENTS:
            done.set()

    bodies = [
        json.dumps({"id": f"burst-{n}", "touchpoint": "belt", "signal": "docked", "key": f"AG{n}/2026-11-21"}).encode()
        for n in range(EVENTS)
    ]
    with mosquitto() as port, hub(port), client(port, paged, f"{ROOT}/page/#"), client(port) as feed:
        started = time.perf_counter()
        for body in bodies:
            feed.publish(f"{ROOT}/feed/ops/signal", body, qos=1)
        done.wait(60)
        time.sleep(0.5)  # a second copy would come now
    return [
        Figure(
            "burst of 5,000, all paged", last - started, "s", most=0.5, note="absolute: the machine's noise is in it"
        ),
        Figure("  lost", EVENTS - len(pages), "", most=0),
        Figure("  twice", sum(pages.values()) - len(pages), "", most=0),
    ]

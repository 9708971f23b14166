"""From a press in the broker to the page in the pager, with everything on; against the bare round trip."""

from __future__ import annotations

import itertools
import threading
import time

from bench._figure import Figure
from bench._hub import LINES, ROOT, hub, press
from bench._mqtt import bare_round_trip_ms, client, median, mosquitto, quantile

PRESSES = 300
PAUSE_S = 0.02
TRAFFIC_A_SECOND = 1_000


def run() -> list[Figure]:
    """Return the ratios at 50 presses a second, and while other signals flow."""
    with mosquitto() as port:
        bare = bare_round_trip_ms(port)
        with hub(port):
            ours = measure(port, first=0)
            stop = threading.Event()
            others = threading.Thread(target=traffic, args=(port, stop, TRAFFIC_A_SECOND))
            others.start()
            try:
                busy = measure(port, first=2 * LINES * PRESSES)
            finally:
                stop.set()
                others.join()
    bare_p50, bare_p99 = median(bare), quantile(bare, 0.99)
    return [
        Figure("press to page, p50", median(ours) / bare_p50, "x bare", most=4, note=f"{median(ours):.2f} ms"),
        Figure("  bare round trip, p50", bare_p50, "ms", note=f"p99 {bare_p99:.2f} ms"),
        Figure("  press to page, p99", quantile(ours, 0.99), "ms"),
        Figure(
            f"  p99 while {TRAFFIC_A_SECOND} signals/s flow",
            quantile(busy, 0.99) / bare_p99,
            "x bare",
            most=4,
            note=f"{quantile(busy, 0.99):.2f} ms; p50 {median(busy):.2f} ms",
        ),
    ]


def measure(port: int, *, first: int, until: threading.Event | None = None) -> list[float]:
    """Press line 0 and wait for the page, then reset it, again and again: so often, or until something is over."""
    came = threading.Event()
    times: list[float] = []
    topic = f"{ROOT}/page/staff"

    def paged(_topic: str, payload: bytes) -> None:
        if b'"Line 0:' in payload and b'"kind":"page"' in payload:
            came.set()

    with client(port, paged, topic) as desk:
        for n in itertools.count():
            if until.is_set() if until else n == PRESSES:
                break
            came.clear()
            seq = first + 2 * n + 1
            where, body = press(0, name="pressed", seq=seq, mono=time.monotonic())
            started = time.perf_counter()
            desk.publish(where, body, qos=1)
            if not came.wait(10):
                raise TimeoutError(f"press {n} was never paged")
            times.append((time.perf_counter() - started) * 1000)
            where, body = press(0, name="reset", seq=seq + 1, mono=time.monotonic())
            desk.publish(where, body, qos=1)
            time.sleep(PAUSE_S)
    return times


def traffic(port: int, stop: threading.Event, a_second: int) -> None:
    """Let other desks (but the last) report, evenly spread, things that judge nothing and yet are stored."""
    with client(port) as others:
        n = 0
        begun = time.perf_counter()
        while not stop.is_set():
            while n < (time.perf_counter() - begun) * a_second:
                n += 1
                where, body = press(1 + n % (LINES - 2), name="seen", seq=n, mono=time.monotonic())
                others.publish(where, body, qos=1)
            time.sleep(0.005)

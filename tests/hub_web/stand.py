"""A hub for the web's tests: the real driver on a real store, with a clock driven by hand."""

from __future__ import annotations

from pathlib import Path

from andgate.plan import Plan
from andgate.wire.codec import parse_time
from hub.clock import HandClock
from hub.driver import Driver
from hub.store import Reader, Store

NOON = parse_time("2026-11-21T12:00:00.000Z")
FLIGHT = "AG1234/2026-11-21"


class Stand:
    """Everything an application is made of."""

    def __init__(self, data: Path, plan: Plan) -> None:
        self.clock = HandClock(NOON)
        self.driver = Driver(Store(data), plan, self.clock)
        self.driver.start()
        self.reader = Reader(data)

    def close(self) -> None:
        self.reader.close()
        self.driver.stop()

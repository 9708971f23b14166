"""The shape of a clock. Times are arguments everywhere in the library; only programs own a real clock."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells a program's site time. `hub.clock` and `edge.clock` have the real ones, tests a hand-driven one."""

    def now_ms(self) -> int:
        """UTC now, in whole milliseconds since 1970. Never goes back while the program runs."""

    def mono_s(self) -> float:
        """Seconds on a scale that only goes forward, from an arbitrary start (the node's boot on a node)."""

    def real_s(self, site_s: float) -> float:
        """How many seconds of real waiting `site_s` seconds of this clock take (a fast demo waits less)."""

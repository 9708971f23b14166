"""The demo's clock: stands still until the curtain rises, then runs so many times as fast as the world."""

from __future__ import annotations

from collections.abc import Callable

from andgate.clock import Clock


class CurtainClock:
    """One clock for hub, nodes and terminal alike.

    Its rate never changes, since nodes learn it when they start; while everything is being set up it stands.
    """

    def __init__(self, world: Clock, *, start_ms: int, rate: float) -> None:
        """Stand at `start_ms` (UTC ms).

        Args:
            world: the clock whose seconds are real ones.
            start_ms: site time until the curtain rises.
            rate: site seconds per real second after that.
        """
        self.rate = rate
        self._world = world
        self._start_ms = start_ms
        self._raised_s: float | None = None
        self._waiters: list[Callable[[], None]] = []

    def now_ms(self) -> int:
        """Site time, UTC ms."""
        return self._start_ms + int(self.mono_s() * 1000)

    def mono_s(self) -> float:
        """Site seconds since the curtain rose."""
        return 0.0 if self._raised_s is None else (self._world.mono_s() - self._raised_s) * self.rate

    def real_s(self, site_s: float) -> float:
        """Return the real seconds that `site_s` seconds of the site take."""
        return site_s / self.rate

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it begins to run."""
        self._waiters.append(wake)

    def raise_curtain(self) -> None:
        """Begin to run."""
        self._raised_s = self._world.mono_s()
        for wake in tuple(self._waiters):
            wake()

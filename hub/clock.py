"""The hub's only now()."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from andgate.clock import Clock

_SLEW = 0.1
"""A system clock that was set back is caught up with by going a tenth slower, never by going back."""


class HubClock(Clock, Protocol):
    """A clock that a hub can run on."""

    @property
    def rate(self) -> float:
        """Site seconds per real second; 1 everywhere but in a demo."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever the clock jumps, so that nobody sleeps through it."""


class SystemClock:
    """The machine's UTC, tied to its monotonic clock: it follows steps forward and never goes back."""

    rate = 1.0

    def __init__(self, wall_s: Callable[[], float] = time.time, mono_s: Callable[[], float] = time.monotonic) -> None:
        """Begin at the system's time."""
        self._wall_s = wall_s
        self._mono_s = mono_s
        self._lock = threading.Lock()
        self._seen_mono_s = mono_s()
        self._seen_s = wall_s()

    def now_ms(self) -> int:
        """UTC now, in whole milliseconds since 1970."""
        with self._lock:
            mono_s = self._mono_s()
            passed_s = mono_s - self._seen_mono_s
            now_s = self._seen_s + passed_s
            ahead_s = now_s - self._wall_s()
            now_s -= min(ahead_s, passed_s * _SLEW)
            self._seen_mono_s, self._seen_s = mono_s, now_s
            return int(now_s * 1000)

    def mono_s(self) -> float:
        """Seconds since some start, only forward."""
        return self._mono_s()

    def real_s(self, site_s: float) -> float:
        """Return the seconds to wait for `site_s` seconds to pass: the same."""
        return site_s

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Accept a waiter; this clock never jumps, so nobody has to be woken."""


class ScaledClock:
    """A site's clock that runs `rate` times as fast as the world, from `start_ms` on. For demos only."""

    def __init__(self, rate: float, start_ms: int) -> None:
        """Begin at `start_ms` (UTC ms); `rate` is site seconds per real second."""
        self.rate = rate
        self._start_ms = start_ms
        self._begun_s = time.monotonic()

    def now_ms(self) -> int:
        """Site time now, UTC ms."""
        return self._start_ms + int((time.monotonic() - self._begun_s) * self.rate * 1000)

    def mono_s(self) -> float:
        """Site seconds since some start, only forward."""
        return (time.monotonic() - self._begun_s) * self.rate

    def real_s(self, site_s: float) -> float:
        """Return the real seconds that `site_s` seconds of the site take."""
        return site_s / self.rate

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Accept a waiter; this clock never jumps, so nobody has to be woken."""


class HandClock:
    """A clock that stands still until it is moved, and then wakes whoever waits for it. For tests and fast runs."""

    rate = 1.0
    _FOREVER_S = 3600.0

    def __init__(self, start_ms: int) -> None:
        """Stand at `start_ms` (UTC ms)."""
        self._now_ms = start_ms
        self._start_ms = start_ms
        self._waiters: list[Callable[[], None]] = []

    def now_ms(self) -> int:
        """Where it stands."""
        return self._now_ms

    def mono_s(self) -> float:
        """Seconds since it was made."""
        return (self._now_ms - self._start_ms) / 1000

    def real_s(self, site_s: float) -> float:
        """Nobody can wait for this clock; whoever does is woken when it is moved."""
        return min(site_s, 0.0) or self._FOREVER_S

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` after every move."""
        self._waiters.append(wake)

    def advance(self, ms: int) -> None:
        """Move forward by `ms` milliseconds."""
        self._now_ms += ms
        for wake in tuple(self._waiters):
            wake()

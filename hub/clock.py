"""The hub's only now().

Site time is UTC as it was at the start plus what a monotonic clock has counted since, so that no setting of the
system's clock makes a moment longer or shorter (docs/decisions/0032).
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Protocol

from andgate.clock import Clock

SLEW = 50e-6
"""A small difference from UTC is worked off this fast: a quartz is as wrong as that, so nobody sees it in a duration,
and nodes' offsets are followed through it."""
STEP_S = 2.0
"""A greater one is a clock that was set. A leap second is less."""
QUIET_S = 0.001
"""Less than this is the noise of reading two clocks."""
READS = 5
"""How often two clocks are read at most, until nothing came between."""
STEADY_S = 60.0
"""A clock that was set counts when it has stayed so for this long: whoever mistypes a date corrects it."""
_BOOTTIME: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_TIMEX_BYTES = 512
"""More than the kernel's `struct timex` on any machine; all zeros asks without changing anything."""
_TIME_ERROR = 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def synchronised() -> bool:
    """Ask the kernel whether something (NTP, a receiver) keeps its UTC right."""
    try:
        state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return 0 <= state < _TIME_ERROR


def _boottime_s() -> float:
    """Return seconds since the kernel booted, those that it slept too."""
    return time.clock_gettime(_BOOTTIME)


class HubClock(Clock, Protocol):
    """A clock that a hub can run on."""

    @property
    def rate(self) -> float:
        """Site seconds per real second; 1 everywhere but in a demo."""

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever the clock jumps, so that nobody sleeps through it."""


class SystemClock:
    """The machine's UTC at the start, carried on by its monotonic clock; may be asked from any thread.

    A difference from the system's UTC of up to `STEP_S` is slewed away. A greater one is not followed: durations would
    be wrong. It is told (`ahead_s`), and `follow` goes over to UTC once nobody is hurt by it.
    """

    rate = 1.0

    def __init__(self, wall_s: Callable[[], float] = time.time, mono_s: Callable[[], float] = _boottime_s) -> None:
        """Begin at the system's time."""
        self._wall_s = wall_s
        self._mono_s = mono_s
        self._lock = threading.Lock()
        self._waiters: list[Callable[[], None]] = []
        self._seen_mono_s, self._seen_s = self._both_s()
        self._ahead_s = 0.0
        self._steady_s = self._seen_mono_s

    def now_ms(self) -> int:
        """UTC now, in whole milliseconds since 1970, as far as the clock was right at the start."""
        with self._lock:
            return int(self._look() * 1000)

    def _both_s(self) -> tuple[float, float]:
        """Read the monotonic clock and UTC at one instant; where something came between, once more.

        A busy machine may stop us between the two for so long that they would differ by it ever after.
        """
        best_s, read = inf, (0.0, 0.0)
        for _ in range(READS):
            mono_s, wall_s = self._mono_s(), self._wall_s()
            took_s = self._mono_s() - mono_s
            if took_s < best_s:
                best_s, read = took_s, (mono_s, wall_s)
            if took_s < QUIET_S:
                break
        return read

    def _look(self) -> float:
        mono_s, wall_s = self._both_s()
        passed_s = max(mono_s - self._seen_mono_s, 0.0)
        now_s = self._seen_s + passed_s
        ahead_s = wall_s - now_s
        if QUIET_S < abs(ahead_s) <= STEP_S:
            now_s += min(max(ahead_s, -passed_s * SLEW), passed_s * SLEW)
        if abs(ahead_s - self._ahead_s) > STEP_S:
            self._steady_s = mono_s
        self._ahead_s = wall_s - now_s
        self._seen_mono_s, self._seen_s = max(mono_s, self._seen_mono_s), now_s
        return now_s

    @property
    def ahead_s(self) -> float:
        """By how much the system's UTC is ahead of site time; negative: behind."""
        with self._lock:
            self._look()
            return self._ahead_s

    @property
    def steady_s(self) -> float:
        """For how long that has been so."""
        with self._lock:
            self._look()
            return self._seen_mono_s - self._steady_s

    def stand(self, at_ms: int) -> None:
        """Go on from `at_ms`, whatever the system's UTC says; only while nobody else has asked for the time."""
        with self._lock:
            self._look()
            self._seen_s = at_ms / 1000
            self._ahead_s = self._wall_s() - self._seen_s

    def follow(self) -> int:
        """Go over to a UTC that is ahead; return by how many milliseconds."""
        with self._lock:
            before_s = self._look()
            self._seen_s = max(before_s, self._wall_s())
            self._ahead_s = self._wall_s() - self._seen_s
            by_ms = int(self._seen_s * 1000) - int(before_s * 1000)
        for wake in tuple(self._waiters):
            wake()
        return by_ms

    def scale(self) -> tuple[str, int]:
        """Return what names this scale in other runs of the same machine: the kernel's boot, and site time then."""
        try:
            boot = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            boot = ""
        with self._lock:
            return boot, int((self._look() - self._seen_mono_s) * 1000)

    def mono_s(self) -> float:
        """Seconds since the kernel booted, only forward, through sleep too."""
        return self._mono_s()

    def real_s(self, site_s: float) -> float:
        """Return the seconds to wait for `site_s` seconds to pass: the same."""
        return site_s

    def subscribe(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the clock goes over to another UTC."""
        self._waiters.append(wake)


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

"""The node's clock: the only place in the edge that asks the machine for the time.

A Pi has no battery behind its clock, so what counts is the monotonic clock since the kernel booted: the hub puts it on
the site's timeline. It goes on while the machine sleeps (CLOCK_BOOTTIME), or everything seen after a sleep would stand
too early. The node's own idea of UTC is told beside it, with whether it is synchronised.
"""

from __future__ import annotations

import ctypes
import time
import uuid
from pathlib import Path
from typing import Protocol, runtime_checkable

from andgate.clock import Clock

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIME_NAMESPACE = Path("/proc/self/timens_offsets")
"""How far a container's monotonic clocks are from the kernel's."""
_TIMEX_BYTES = 512
"""More than the kernel's `struct timex` on any machine; all zeros asks without changing anything."""
_TIME_ERROR = 5
_BOOTTIME: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _boot_id() -> str:
    """Return the name of the machine's monotonic scale: the kernel's boot, and how far a container has moved it."""
    try:
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())
    try:
        offsets = TIME_NAMESPACE.read_text(encoding="ascii").split()
    except OSError:
        return boot
    moved = offsets[offsets.index("boottime") + 1 :][:2] if "boottime" in offsets else []
    return boot if set(moved) <= {"0"} else f"{boot}+{'.'.join(moved)}"


@runtime_checkable
class NodeClock(Clock, Protocol):
    """A clock that also names its monotonic scale and knows whether its UTC can be trusted."""

    @property
    def boot_id(self) -> str:
        """Return the name of the monotonic scale: readings of two scales cannot be compared."""

    def synced(self) -> bool:
        """Say whether `now_ms` is synchronised with the world."""


class RealClock:
    """The machine's own clock; seconds since the kernel booted, the same in every process of one boot."""

    def __init__(self) -> None:
        """Start at the machine's time."""
        self._latest_ms = 0
        self._boot_id = _boot_id()

    @property
    def boot_id(self) -> str:
        """Return the kernel's boot id."""
        return self._boot_id

    def now_ms(self) -> int:
        """Return UTC in whole milliseconds; it never goes back, even where the machine's clock is set back."""
        self._latest_ms = max(self._latest_ms, time.time_ns() // 1_000_000)
        return self._latest_ms

    def mono_s(self) -> float:
        """Return seconds since the kernel booted, those that it slept too."""
        return time.clock_gettime(_BOOTTIME)

    def real_s(self, site_s: float) -> float:
        """Return the same: real seconds are real."""
        return site_s

    def synced(self) -> bool:
        """Ask the kernel whether something keeps its clock right."""
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            state: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        except (OSError, AttributeError):
            return False
        return 0 <= state < _TIME_ERROR


class BorrowedClock:
    """A clock that the surrounding program handed in: a demo's fast one, a test's hand-driven one.

    Its UTC is the site's own time, so it counts as synchronised; its monotonic scale is new with each start, unless
    the clock itself has a `boot_id`.
    """

    def __init__(self, clock: Clock) -> None:
        """Wrap a clock."""
        self._clock = clock
        self._boot_id = str(getattr(clock, "boot_id", "") or uuid.uuid4())

    @property
    def boot_id(self) -> str:
        """Return the name of this scale."""
        return self._boot_id

    def now_ms(self) -> int:
        """Return the lender's UTC."""
        return self._clock.now_ms()

    def mono_s(self) -> float:
        """Return the lender's monotonic seconds."""
        return self._clock.mono_s()

    def real_s(self, site_s: float) -> float:
        """Return how long that takes in real seconds."""
        return self._clock.real_s(site_s)

    def synced(self) -> bool:
        """Return what the lender says, else True."""
        said = getattr(self._clock, "synced", None)
        return bool(said()) if callable(said) else True


def node_clock(clock: Clock | None) -> NodeClock:
    """Return the machine's clock, or what the surrounding program lends."""
    if clock is None:
        return RealClock()
    return clock if isinstance(clock, NodeClock) else BorrowedClock(clock)

"""What a sign says, as values; times are what is left, so that drawing needs no clock."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Phase = Literal["unknown", "plain", "last", "over", "broken"]
"""Clock lost; counting; the last third; past 0:00; past the promise."""


class SignFlight(Struct, frozen=True):
    """One flight that a sign counts for."""

    label: str
    """What people read: the key up to its slash; empty where the moment has no key."""
    left_ms: int | None
    """To what the sign counts down to; negative after it; None: the clock is lost and the sign says ``--:--``."""
    span_ms: int = 0
    """From the opening to what the sign counts down to."""
    promise_left_ms: int = 0
    """To the deadline."""
    grace_ms: int = 0
    """From what the sign counts down to, to the deadline."""

    @property
    def phase(self) -> Phase:
        """Say which of the sign's five looks it has; each differs from the others by more than colour."""
        if self.left_ms is None:
            return "unknown"
        if self.promise_left_ms < 0:
            return "broken"
        if self.left_ms <= 0:
            return "over"
        return "last" if 3 * self.left_ms <= self.span_ms else "plain"

    @property
    def time(self) -> str:
        """Return the time as people read it: ``07:41``, ``+1:12``, ``--:--``.

        Counting down it rounds up and counting on it rounds down, so that 0:00 is the instant itself.
        """
        return "--:--" if self.left_ms is None else _read(self.left_ms)

    @property
    def widest(self) -> tuple[str, ...]:
        """Return the longest times that this look's count comes to: whatever fits them fits all the way.

        One size holds from the opening to the promise, and one from there on, when the panel is turned over anyway.
        """
        if self.left_ms is None:
            return ("00:00", self.time)
        if self.phase == "broken":
            return ("+00:00", self.time)
        return ("00:00", self.time, _read(self.span_ms), _read(min(-self.grace_ms, -1000)))


def _read(left_ms: int) -> str:
    seconds = -(-left_ms // 1000) if left_ms > 0 else -left_ms // 1000
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:02d}:{rest:02d}" if left_ms > 0 or not seconds else f"+{minutes}:{rest:02d}"


class SignDone(Struct, frozen=True):
    """A flight that is finished, shown for a while."""

    label: str
    clock: str
    """When, on the wall clock of the place: ``18:42``."""
    kept: bool = True
    """The promise was kept."""


class SignState(Struct, frozen=True):
    """Everything a sign says at one instant."""

    flights: tuple[SignFlight, ...] = ()
    """Nearest deadline first; the first is the one that the button closes."""
    done: SignDone | None = None
    link: bool = True
    """False: cut off, and the sign says so."""


def flight(key: str | None, opened_ms: int, counts_to_ms: int, ends_ms: int, now_ms: int | None) -> SignFlight:
    """Return how an open moment looks at `now_ms` (UTC ms as the others); None: the clock is lost."""
    label = (key or "").split("/", 1)[0].upper()
    if now_ms is None:
        return SignFlight(label, None)
    return SignFlight(
        label,
        left_ms=counts_to_ms - now_ms,
        span_ms=counts_to_ms - opened_ms,
        promise_left_ms=ends_ms - now_ms,
        grace_ms=ends_ms - counts_to_ms,
    )

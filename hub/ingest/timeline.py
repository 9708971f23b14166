"""Where a node's monotonic clock stands on the site's timeline: one boot's offset as a function of its own time. Pure.

Two kinds of knowledge come in: *bounds* (`bounds.py`) of every message that says when it was sent, and *readings*
(`readings.py`) of exchanges. While there are no readings the bounds alone tell the offset, and nobody knows how wrong
it is. Beside readings a bound only caps them: nothing is received before it is sent. But the first exchanges of a boot
may be slow ones (a hub that starts, a disk that stalls), of which mostly one way took long: then the middle is a worse
guess than the quickest message nearby, and the exchange only tells how wrong that may be.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from hub.ingest.bounds import GAP_MS, Bound, Bounds
from hub.ingest.quartz import RATE_FAULT, RATE_MOST
from hub.ingest.readings import Reading, Readings

QUIET_MS = 1.0
"""Beside readings a quicker message is news if it is quicker by more than this."""
CLEAR_MS = 1_000
"""What readings exclude by more than this cannot be."""
WIDE_MS = 50.0
"""An exchange that leaves more open than this guesses worse than messages nearby."""
PATH = 3
"""So many wide readings are no accident: the way to the hub is that long, and half of it is the better guess."""


class Place(Struct, frozen=True, gc=False):
    """Where a time of the node's clock stands."""

    offset_ms: float
    within_ms: float | None
    """How wrong that may be; None: nobody knows."""


class _Kept(Struct):
    bounds: list[Bound] = []
    readings: list[Reading] = []
    odd: int = 0
    sure: bool = False
    settled: float = -1.0


class Timeline:
    """One boot's offset. Times of the node are milliseconds of its monotonic clock."""

    __slots__ = ("_bounds", "_fresh", "_readings", "settled_ms")

    def __init__(self) -> None:
        """Know nothing."""
        self._bounds = Bounds()
        self._readings = Readings()
        self._fresh = True
        self.settled_ms = -1.0
        """What happened up to this time of the node's clock and is stored stays where it stands: site time itself
        jumped after it."""

    # ---------------------------------------------------------------------------------------------- asking

    @property
    def known(self) -> bool:
        """Whether there is any offset."""
        return self._bounds.low_ms is not None or bool(self._readings.all)

    @property
    def sure(self) -> bool:
        """Whether it is known how wrong the offset may be."""
        return bool(self._readings.all)

    @property
    def odd(self) -> int:
        """Times that cannot be, set aside."""
        return self._bounds.odd

    @property
    def fresh(self) -> bool:
        """There is something that `dump` has not given yet, worth to be stored."""
        return self._fresh or self._bounds.fresh

    def at(self, mono_ms: float) -> Place | None:
        """Return the offset at a time of the node's clock, None where nothing is known."""
        if self._readings.all:
            offset_ms, within_ms = self._readings.at(mono_ms)
            if within_ms > WIDE_MS and len(self._readings.all) < PATH:
                return self._between(mono_ms, offset_ms, within_ms)
            return Place(min(offset_ms, self._bounds.cap(mono_ms)), within_ms)
        alone_ms = self._bounds.at(mono_ms)
        return None if alone_ms is None else Place(alone_ms, None)

    def _between(self, mono_ms: float, offset_ms: float, within_ms: float) -> Place:
        """Return what the messages nearby tell, as far as a slow exchange allows it."""
        cap_ms = self._bounds.cap(mono_ms)
        near_ms = self._bounds.near(mono_ms)
        low_ms, high_ms = offset_ms - within_ms, min(offset_ms + within_ms, cap_ms)
        if near_ms is None or low_ms > high_ms:
            return Place(min(offset_ms, cap_ms), within_ms)
        place_ms = min(max(near_ms, low_ms), high_ms)
        return Place(place_ms, max(place_ms - low_ms, high_ms - place_ms))

    @property
    def newest(self) -> Place | None:
        """Where the newest time of the node's clock that is believed stands."""
        return self.at(self._latest_ms)

    @property
    def _latest_ms(self) -> float:
        return max((it[-1].mono_ms for it in (self._bounds.all, self._readings.all) if it), default=0.0)

    @property
    def rate(self) -> float | None:
        """How fast the offset rises (the clock is slow) or falls, in seconds a second; None: not known yet."""
        if len(self._readings.all) > 1:
            return self._readings.rate
        return self._bounds.line[1] if self._bounds.line is not None else None

    @property
    def fault(self) -> str | None:
        """What is wrong with the clock, in words; None while nothing is."""
        faults = []
        if self.odd:
            faults.append(f"its clock named an impossible time {'once' if self.odd == 1 else f'{self.odd} times'}")
        rate = self.rate
        if rate is not None and abs(rate) > RATE_FAULT:
            faults.append(f"its clock runs {abs(rate) * 1e6:.0f} millionths {'slow' if rate > 0 else 'fast'}")
        return "; ".join(faults) or None

    # ---------------------------------------------------------------------------------------------- learning

    def bound(self, mono_ms: float, received_ms: int) -> bool:
        """Take a message sent at `mono_ms` and received at `received_ms`; whether the offset may be another now."""
        offset_ms = received_ms - mono_ms
        if not self._readings.all:
            return self._bounds.take(mono_ms, offset_ms, received_ms)
        read_ms, within_ms = self._readings.at(mono_ms)
        if offset_ms < read_ms - within_ms - CLEAR_MS:
            self._bounds.set_aside()
            return False
        if within_ms > WIDE_MS and len(self._readings.all) < PATH:
            before_ms = self._between(mono_ms, read_ms, within_ms).offset_ms
            self._bounds.put(mono_ms, offset_ms)
            return abs(self._between(mono_ms, read_ms, within_ms).offset_ms - before_ms) > QUIET_MS
        capped_ms = min(read_ms, self._bounds.cap(mono_ms))
        self._bounds.put(mono_ms, offset_ms)
        return offset_ms < capped_ms - QUIET_MS

    def told(self, asked_ms: float, at_ms: float, heard_ms: float, *, sent_ms: float, received_ms: int) -> bool:
        """Take an exchange as a node tells it in a later message; whether it counts.

        What cannot be true beside that message's own sending and receipt is set aside, as a bound is.
        """
        middle_ms = (asked_ms + heard_ms) / 2
        most_ms = received_ms - sent_ms + (heard_ms - asked_ms) / 2 + RATE_MOST * (sent_ms - middle_ms)
        over_ms = at_ms - middle_ms - most_ms
        if over_ms > CLEAR_MS or over_ms < -GAP_MS - (heard_ms - asked_ms) - 2 * RATE_MOST * (sent_ms - middle_ms):
            self._bounds.set_aside()
            return False
        return self.read(asked_ms, at_ms, heard_ms)

    def read(self, asked_ms: float, at_ms: float, heard_ms: float) -> bool:
        """Take an exchange: asked and heard on the node's clock, answered at the site's `at_ms`; whether it counts."""
        new = self._readings.take(asked_ms, at_ms, heard_ms)
        if new is None:
            return False
        if len(self._readings.all) == 1:  # beside readings no impossible bound is taken
            self._bounds.purge(new.mono_ms, new.offset_ms - new.spread_ms - CLEAR_MS)
        self._fresh = True
        return True

    def differs(self, other: Timeline, *, by_ms: float) -> bool:
        """Whether another puts any time that this one knows of farther off than `by_ms`."""
        for mono_ms in [it.mono_ms for it in self._bounds.all] + [it.mono_ms for it in self._readings.all]:
            mine, its = self.at(mono_ms), other.at(mono_ms)
            if mine is not None and its is not None and abs(mine.offset_ms - its.offset_ms) > by_ms:
                return True
        return False

    def shift(self, by_ms: int) -> None:
        """Take a jump of site time itself: the node's clock has not moved."""
        self._bounds.shift(by_ms)
        self._readings.shift(by_ms)
        self.settled_ms = self._latest_ms
        self._fresh = True

    # ---------------------------------------------------------------------------------------------- keeping

    def dump(self) -> bytes:
        """Return what is to be stored."""
        self._fresh = self._bounds.fresh = False
        bounds = self._bounds
        return msgspec.json.encode(_Kept(bounds.all, self._readings.all, bounds.odd, bounds.sure, self.settled_ms))

    @classmethod
    def load(cls, kept: bytes) -> Timeline:
        """Take back what `dump` gave; ValueError if it is something else."""
        stored = msgspec.json.decode(kept, type=_Kept)
        it = cls()
        it._bounds = Bounds(stored.bounds, odd=stored.odd, sure=stored.sure)
        it._readings = Readings(stored.readings)
        it._fresh = False
        it.settled_ms = stored.settled
        return it

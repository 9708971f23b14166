"""Where a node's monotonic clock stands on the site's timeline: one boot's offset as a function of its own time. Pure.

Two kinds of knowledge come in:

- A *bound*: a message that says when it was sent cannot have been received before, so receipt - sent is never less than
  the offset. Alone, the smallest one seen is the offset (rule 11 of the contract). Where the smallest ones of the parts
  of a long run lie on a line that rises or falls, the clock drifts, and the line under all of them is the offset (Moon,
  Skelly and Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999).
- A *reading*: a question for the time together with its answer. The site's time lay between the asking and the hearing,
  so the offset is known to half of the round trip (Cristian, "Probabilistic clock synchronization", Distributed
  Computing 3, 1989). Of readings near each other the quickest counts, as in NTP's minimum filter (RFC 5905, section
  10): clocks cannot part faster than `RATE_MOST`, so a slow exchange is cut down to what its neighbours allow. Between
  two readings the offset runs straight, beyond the last one at the rate of the last hours.

A bound that cannot be (sent long after it was received, as all the others show) is set aside and counted: it would hold
for ever. What it takes to believe it after all, or to see that the first bounds of a boot were the wrong ones, are
others that agree with it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import msgspec
from msgspec import Struct

BLOCK_MS = 64_000
"""Bounds and readings nearer than this to each other are one; nodes ask every 64 s at the slowest."""
BLOCKS_MOST = 48
"""Of each kind; older ones are thinned out, so that a day is known roughly and the last hour well."""
RATE_MOST = 600e-6
"""How fast two clocks part at most: a bad quartz has 100 millionths, NTP slews a machine's by up to 500."""
RATE_FAULT = 200e-6
"""A quartz that is worse than this is broken; shown, and followed all the same."""
WANDER = 10e-6
"""How much the rate of a quartz changes with its temperature in a building."""
BASE_MS = 600_000
"""A rate is believed if it was measured over so long."""
BASE_MOST_MS = 2_400_000
"""What was longer ago says nothing about the rate of now."""
TURN = 100e-6
"""By how much the rate may have changed since the last reading: somebody corrects one of both clocks."""
GAP_MS = 60_000
"""A bound so far under all others is no quicker message but a wrong clock: nothing waits that long without exchange."""
QUIET_MS = 1.0
"""A quicker message than the ones nearby is news if it is quicker by more than this."""
CLEAR_MS = 1_000
"""The same where readings say what is possible."""
AGREE_MS = 2_000
"""Live messages of one node agree to this."""
APART_MS = 1_000
"""Two messages received within this are one witness: a queue that was let go."""
WITNESSES = 3
"""So many that agree are believed against what was known."""
LINE_BLOCKS = 8
LINE_EACH = 3
LINE_SPAN_MS = 1_800_000
LINE_RISE_MS = 100.0
LINE_TIGHT = 8
"""A drift is believed without exchange if so many blocks, of so many bounds each, over so long, rise or fall by so
much, and three of four lie nearer to the line than this part of the rise."""


class Bound(Struct, array_like=True):
    """The smallest receipt - sent of a stretch of the node's time."""

    mono_ms: float
    offset_ms: float
    count: int = 1


class Reading(Struct, frozen=True, array_like=True):
    """The offset at one moment of the node's time, good to `spread_ms` either way."""

    mono_ms: float
    offset_ms: float
    spread_ms: float


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


class _Witness(Struct):
    """Bounds that contradict what is known, and agree with each other; one after the other."""

    offset_ms: float
    received_ms: int
    count: int = 1


class Timeline:
    """One boot's offset. Times of the node are milliseconds of its monotonic clock."""

    __slots__ = (
        "_bounds",
        "_early",
        "_late",
        "_line",
        "_low_ms",
        "_near_low_ms",
        "_near_ms",
        "_readings",
        "_sure",
        "fresh",
        "odd",
        "settled_ms",
    )

    def __init__(self) -> None:
        """Know nothing."""
        self._bounds: list[Bound] = []
        self._readings: list[Reading] = []
        self._low_ms: float | None = None
        self._line: tuple[float, float] | None = None
        self._near_ms, self._near_low_ms = 0, 0.0
        self._sure = False
        """Two live messages agree about the smallest bound."""
        self._early: _Witness | None = None
        self._late: _Witness | None = None
        self.odd = 0
        """Bounds that cannot be, set aside."""
        self.fresh = True
        """There is something that `dump` has not given yet, worth to be stored."""
        self.settled_ms = -1.0
        """What happened up to this time of the node's clock and is stored stays where it stands: site time itself
        jumped after it."""

    # ---------------------------------------------------------------------------------------------- asking

    @property
    def known(self) -> bool:
        """Whether there is any offset."""
        return self._low_ms is not None or bool(self._readings)

    @property
    def sure(self) -> bool:
        """Whether it is known how wrong the offset may be."""
        return bool(self._readings)

    def at(self, mono_ms: float) -> Place | None:
        """Return the offset at a time of the node's clock, None where nothing is known."""
        if self._readings:
            place = self._read_at(mono_ms)
            cap_ms = self._cap(mono_ms)
            if cap_ms < place.offset_ms:
                return Place(cap_ms, place.within_ms)
            return place
        if self._low_ms is None:
            return None
        if self._line is not None:
            begin_ms, rate = self._line
            return Place(begin_ms + rate * mono_ms, None)
        return Place(self._low_ms, None)

    @property
    def newest(self) -> Place | None:
        """Where the newest time of the node's clock that is believed stands."""
        return self.at(self._latest_ms)

    @property
    def _latest_ms(self) -> float:
        return max((it[-1].mono_ms for it in (self._bounds, self._readings) if it), default=0.0)

    @property
    def rate(self) -> float | None:
        """How fast the offset rises (the clock is slow) or falls, in seconds a second; None: not known yet."""
        if len(self._readings) > 1:
            last = self._readings[-1]
            rate, band = self._rate_before(last)
            return None if band > WANDER or last.mono_ms - self._readings[0].mono_ms < BASE_MS else rate
        return self._line[1] if self._line is not None else None

    @property
    def fault(self) -> str | None:
        """What is wrong with the clock, in words; None while nothing is."""
        faults = []
        if self.odd:
            faults.append(f"its clock named an impossible time {_times(self.odd)}")
        rate = self.rate
        if rate is not None and abs(rate) > RATE_FAULT:
            faults.append(f"its clock runs {abs(rate) * 1e6:.0f} millionths {'slow' if rate > 0 else 'fast'}")
        return "; ".join(faults) or None

    def _read_at(self, mono_ms: float) -> Place:
        readings = self._readings
        index = bisect_right(readings, mono_ms, key=_mono)
        if index == 0:
            return self._beyond(readings[0], mono_ms)
        before = readings[index - 1]
        if index == len(readings):
            return self._beyond(before, mono_ms)
        after = readings[index]
        away_ms = after.mono_ms - before.mono_ms
        rise_ms = after.offset_ms - before.offset_ms
        passed_ms, left_ms = mono_ms - before.mono_ms, after.mono_ms - mono_ms
        if abs(rise_ms) > RATE_MOST * away_ms + before.spread_ms + after.spread_ms:
            # It stood still, or was set: nobody knows when in between.
            nearer = before if passed_ms < left_ms else after
            return Place(nearer.offset_ms, abs(rise_ms))
        share = passed_ms / away_ms
        spread_ms = before.spread_ms + (after.spread_ms - before.spread_ms) * share
        return Place(before.offset_ms + rise_ms * share, spread_ms + WANDER * min(passed_ms, left_ms))

    def _beyond(self, reading: Reading, mono_ms: float) -> Place:
        away_ms = mono_ms - reading.mono_ms
        rate, band = self._rate_before(reading) if away_ms >= 0 else self._rate_after(reading)
        within_ms = reading.spread_ms + abs(away_ms) * (band + WANDER)
        return Place(reading.offset_ms + rate * away_ms, within_ms)

    def _rate_before(self, last: Reading) -> tuple[float, float]:
        index = bisect_left(self._readings, last.mono_ms - BASE_MOST_MS, key=_mono)
        return _rate(self._readings[index], last)

    def _rate_after(self, first: Reading) -> tuple[float, float]:
        index = bisect_right(self._readings, first.mono_ms + BASE_MOST_MS, key=_mono)
        return _rate(first, self._readings[index - 1])

    def _cap(self, mono_ms: float) -> float:
        """Return what bounds nearby allow at most: a message is not received before it is sent."""
        index = bisect_right(self._bounds, mono_ms, key=_mono)
        near = self._bounds[max(index - 2, 0) : index + 2]
        return min((bound.offset_ms + RATE_MOST * abs(mono_ms - bound.mono_ms) for bound in near), default=float("inf"))

    # ---------------------------------------------------------------------------------------------- learning

    def bound(self, mono_ms: float, received_ms: int) -> bool:
        """Take a message sent at `mono_ms` and received at `received_ms`; whether the offset may be another now."""
        offset_ms = received_ms - mono_ms
        if self._readings:
            return self._bound_read(mono_ms, offset_ms)
        low_ms = self._low_ms
        if low_ms is None:
            return self._begin(mono_ms, offset_ms, received_ms)
        if offset_ms < low_ms - GAP_MS - RATE_MOST * self._away(mono_ms) and self._sure:
            self._early = _agreeing(self._early, offset_ms, received_ms)
            self.fresh = True
            if self._early.count < WITNESSES:
                self.odd += 1
                return False
            self.odd -= WITNESSES - 1
            return self._begin(mono_ms, offset_ms, received_ms)
        self._early = None
        if offset_ms > low_ms + GAP_MS and not self._sure:
            self._late = _agreeing(self._late, offset_ms, received_ms)
            if self._late.count >= WITNESSES:
                # The first was the wrong one: nobody agreed with it, and others do with each other.
                self.odd += 1
                return self._begin(mono_ms, offset_ms, received_ms)
        if not self._sure and offset_ms <= low_ms + AGREE_MS and received_ms - self._near_ms >= APART_MS:
            self._sure = True
            self.fresh = True
        return self._add(mono_ms, offset_ms, received_ms)

    def _bound_read(self, mono_ms: float, offset_ms: float) -> bool:
        """A bound beside readings only caps them; one that they exclude is set aside."""
        place = self._read_at(mono_ms)
        if offset_ms < place.offset_ms - (place.within_ms or 0.0) - CLEAR_MS:
            self.odd += 1
            self.fresh = True
            return False
        capped_ms = min(place.offset_ms, self._cap(mono_ms))
        self._put(mono_ms, offset_ms)
        return offset_ms < capped_ms - QUIET_MS

    def _begin(self, mono_ms: float, offset_ms: float, received_ms: int) -> bool:
        """Begin anew with this bound."""
        self._bounds = [Bound(mono_ms, offset_ms)]
        self._low_ms, self._line = offset_ms, None
        self._near_ms, self._near_low_ms, self._sure = received_ms, offset_ms, False
        self._early = self._late = None
        self.fresh = True
        return True

    def _add(self, mono_ms: float, offset_ms: float, received_ms: int) -> bool:
        low_ms, line = self._low_ms, self._line
        fresh = self._put(mono_ms, offset_ms)
        if low_ms is None or offset_ms < low_ms:
            if offset_ms < self._near_low_ms - AGREE_MS:
                self._near_ms, self._near_low_ms, self._sure = received_ms, offset_ms, False
            self._low_ms = offset_ms
        if fresh:
            self._line = _line(self._bounds)
        elif line is not None and offset_ms < line[0] + line[1] * mono_ms:
            self._line = (offset_ms - line[1] * mono_ms, line[1])
        return self._line != line or (self._line is None and self._low_ms != low_ms)

    def _put(self, mono_ms: float, offset_ms: float) -> bool:
        """Keep a bound in its stretch; whether that is a new one."""
        bounds = self._bounds
        index = bisect_left(bounds, mono_ms - BLOCK_MS / 2, key=_mono)
        if index < len(bounds) and bounds[index].mono_ms <= mono_ms + BLOCK_MS / 2:
            bound = bounds[index]
            bound.count += 1
            if offset_ms < bound.offset_ms:
                bound.offset_ms, bound.mono_ms = offset_ms, mono_ms
                bounds.sort(key=_mono)
                self.fresh = True
            return False
        self.fresh = True
        bounds.insert(bisect_left(bounds, mono_ms, key=_mono), Bound(mono_ms, offset_ms))
        if len(bounds) > BLOCKS_MOST:
            index = least([bound.mono_ms for bound in bounds])
            one = bounds.pop(index)
            kept = bounds[index - 1]
            kept.count += one.count
            if one.offset_ms < kept.offset_ms:
                kept.offset_ms, kept.mono_ms = one.offset_ms, one.mono_ms
        return True

    def _away(self, mono_ms: float) -> float:
        return min((abs(mono_ms - bound.mono_ms) for bound in self._bounds), default=0.0)

    def told(self, asked_ms: float, at_ms: float, heard_ms: float, *, sent_ms: float, received_ms: int) -> bool:
        """Take an exchange as a node tells it in a later message; whether it counts.

        What cannot be true beside that message's own sending and receipt is set aside, as a bound is.
        """
        middle_ms = (asked_ms + heard_ms) / 2
        most_ms = received_ms - sent_ms + (heard_ms - asked_ms) / 2 + RATE_MOST * (sent_ms - middle_ms)
        over_ms = at_ms - middle_ms - most_ms
        if over_ms > CLEAR_MS or over_ms < -GAP_MS - (heard_ms - asked_ms) - 2 * RATE_MOST * (sent_ms - middle_ms):
            self.odd += 1
            self.fresh = True
            return False
        return self.read(asked_ms, at_ms, heard_ms)

    def read(self, asked_ms: float, at_ms: float, heard_ms: float) -> bool:
        """Take an exchange: asked and heard on the node's clock, answered at the site's `at_ms`; whether it counts."""
        spread_ms = max((heard_ms - asked_ms) / 2, 0.0) + 1.0  # both clocks are told in whole or half milliseconds
        mono_ms = (asked_ms + heard_ms) / 2
        new = self._cut(Reading(mono_ms, at_ms - mono_ms, spread_ms))
        readings = self._readings
        index = bisect_left(readings, mono_ms, key=_mono)
        for near in (index - 1, index):
            if 0 <= near < len(readings) and abs(readings[near].mono_ms - mono_ms) < BLOCK_MS / 2:
                if readings[near].spread_ms <= new.spread_ms:
                    return False
                readings[near] = new
                readings.sort(key=_mono)
                break
        else:
            readings.insert(index, new)
            if len(readings) > BLOCKS_MOST:
                del readings[least([reading.mono_ms for reading in readings])]
        self._purge(new)
        self.fresh = True
        return True

    def _cut(self, new: Reading) -> Reading:
        """Cut a reading down to what its neighbours allow; whole where they and it cannot all be right."""
        index = bisect_left(self._readings, new.mono_ms, key=_mono)
        near = self._readings[max(index - 1, 0) : index + 1]
        if index == len(self._readings) and near and self._rate_before(near[-1])[1] < RATE_FAULT:
            place = self._beyond(near[-1], new.mono_ms)
            may_ms = (place.within_ms or 0.0) + TURN * (new.mono_ms - near[-1].mono_ms)
            cut = _meet(new, place.offset_ms, may_ms)
            if cut is not None:
                return cut
        for reading in near:
            drift_ms = RATE_MOST * abs(reading.mono_ms - new.mono_ms)
            new = _meet(new, reading.offset_ms, reading.spread_ms + drift_ms) or new
        return new

    def _purge(self, new: Reading) -> None:
        """Drop the bounds that a reading shows to be impossible."""
        kept = [
            bound
            for bound in self._bounds
            if bound.offset_ms
            >= new.offset_ms - new.spread_ms - CLEAR_MS - RATE_MOST * abs(bound.mono_ms - new.mono_ms)
            or len(self._readings) > 1
        ]
        if len(kept) < len(self._bounds):
            self.odd += len(self._bounds) - len(kept)
            self._bounds, self._line, self._sure = kept, None, False
            self._low_ms = min((bound.offset_ms for bound in kept), default=None)

    def differs(self, other: Timeline, *, by_ms: float) -> bool:
        """Whether another puts any time that this one knows of farther off than `by_ms`."""
        for mono_ms in [it.mono_ms for it in self._bounds] + [it.mono_ms for it in self._readings]:
            mine, its = self.at(mono_ms), other.at(mono_ms)
            if mine is not None and its is not None and abs(mine.offset_ms - its.offset_ms) > by_ms:
                return True
        return False

    def shift(self, by_ms: int) -> None:
        """Take a jump of site time itself: the node's clock has not moved."""
        self._bounds = [Bound(it.mono_ms, it.offset_ms + by_ms, it.count) for it in self._bounds]
        self._readings = [Reading(it.mono_ms, it.offset_ms + by_ms, it.spread_ms) for it in self._readings]
        self._low_ms = None if self._low_ms is None else self._low_ms + by_ms
        self._line = None if self._line is None else (self._line[0] + by_ms, self._line[1])
        self._near_ms, self._near_low_ms = self._near_ms + by_ms, self._near_low_ms + by_ms
        self._early = self._late = None
        self.settled_ms = self._latest_ms
        self.fresh = True

    # ---------------------------------------------------------------------------------------------- keeping

    def dump(self) -> bytes:
        """Return what is to be stored."""
        self.fresh = False
        return msgspec.json.encode(_Kept(self._bounds, self._readings, self.odd, self._sure, self.settled_ms))

    @classmethod
    def load(cls, kept: bytes) -> Timeline:
        """Take back what `dump` gave; ValueError if it is something else."""
        stored = msgspec.json.decode(kept, type=_Kept)
        it = cls()
        it._bounds, it._readings = stored.bounds, stored.readings
        it._low_ms = min((bound.offset_ms for bound in stored.bounds), default=None)
        it._line = _line(stored.bounds)
        it._near_low_ms = it._low_ms or 0.0
        it.odd, it._sure = stored.odd, stored.sure
        it.settled_ms, it.fresh = stored.settled, False
        return it


def _mono(it: Bound | Reading) -> float:
    return it.mono_ms


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _agreeing(known: _Witness | None, offset_ms: float, received_ms: int) -> _Witness:
    if known is None or abs(known.offset_ms - offset_ms) > AGREE_MS:
        return _Witness(offset_ms, received_ms)
    if received_ms - known.received_ms >= APART_MS:
        known.count, known.received_ms = known.count + 1, received_ms
    return known


def _meet(reading: Reading, offset_ms: float, within_ms: float) -> Reading | None:
    """Return what a reading and another opinion of the offset have in common, None if that is nothing."""
    low_ms = max(reading.offset_ms - reading.spread_ms, offset_ms - within_ms)
    high_ms = min(reading.offset_ms + reading.spread_ms, offset_ms + within_ms)
    return None if low_ms > high_ms else Reading(reading.mono_ms, (low_ms + high_ms) / 2, (high_ms - low_ms) / 2)


def _rate(first: Reading, last: Reading) -> tuple[float, float]:
    """Return the rate between two readings and how wrong it may be; what is not measured is taken as nought."""
    base_ms = last.mono_ms - first.mono_ms
    if base_ms <= 0:
        return 0.0, RATE_FAULT
    rate = (last.offset_ms - first.offset_ms) / base_ms
    band = (first.spread_ms + last.spread_ms) / base_ms
    if abs(rate) > RATE_MOST + band or band > RATE_FAULT:
        return 0.0, RATE_FAULT
    if abs(rate) <= band and base_ms < BASE_MS:
        return 0.0, 2 * band
    return rate, band


def least(monos_ms: list[float]) -> int:
    """Return which one to leave out: neither the first nor the last, near to its neighbours for its age."""
    last_ms = monos_ms[-1]
    return min(
        range(1, len(monos_ms) - 1),
        key=lambda index: (monos_ms[index + 1] - monos_ms[index - 1]) / (last_ms - monos_ms[index] + BLOCK_MS),
    )


def _line(bounds: list[Bound]) -> tuple[float, float] | None:
    """Return (offset at 0, rate) of the line under all bounds where they show that the clock drifts, else None."""
    full = [bound for bound in bounds if bound.count >= LINE_EACH]
    if len(full) < LINE_BLOCKS or full[-1].mono_ms - full[0].mono_ms < LINE_SPAN_MS:
        return None
    hull: list[Bound] = []
    for bound in full:
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], bound):
            hull.pop()
        hull.append(bound)
    middle_ms = sum(bound.mono_ms for bound in full) / len(full)
    index = min(max(bisect_left(hull, middle_ms, key=_mono), 1), len(hull) - 1)
    left, right = hull[index - 1], hull[index]
    rate = (right.offset_ms - left.offset_ms) / (right.mono_ms - left.mono_ms)
    begin_ms = left.offset_ms - rate * left.mono_ms
    rise_ms = abs(rate) * (full[-1].mono_ms - full[0].mono_ms)
    above_ms = sorted(bound.offset_ms - begin_ms - rate * bound.mono_ms for bound in full)
    if abs(rate) > RATE_MOST or rise_ms < LINE_RISE_MS or above_ms[len(above_ms) * 3 // 4] > rise_ms / LINE_TIGHT:
        return None
    return begin_ms, rate


def _turns_down(one: Bound, two: Bound, three: Bound) -> bool:
    """Whether the middle one of three is not on the lower hull."""
    rise, run = two.offset_ms - one.offset_ms, two.mono_ms - one.mono_ms
    return (three.offset_ms - one.offset_ms) * run <= rise * (three.mono_ms - one.mono_ms)

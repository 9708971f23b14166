"""What messages that say when they were sent tell of a boot's offset: it is at most receipt - sent. Pure.

Alone, the smallest bound seen is the offset (rule 11 of the contract). Where the smallest ones of the parts of a long
run lie on a line that rises or falls, the clock drifts, and the line under all of them is the offset (Moon, Skelly and
Towsley, "Estimation and removal of clock skew from network delay measurements", INFOCOM 1999).

A bound that cannot be (sent long after it was received, as all the others show) is set aside and counted: it would hold
for ever. What it takes to believe it after all, or to see that the first bounds of a boot were the wrong ones, are
others that agree with it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from msgspec import Struct

from hub.ingest.quartz import BLOCK_MS, BLOCKS_MOST, RATE_MOST, least

GAP_MS = 60_000
"""A bound so far under all others is no quicker message but a wrong clock: nothing waits that long without exchange."""
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


class _Witness(Struct):
    """Bounds that contradict what is known, and agree with each other; one after the other."""

    offset_ms: float
    received_ms: int
    count: int = 1


class Bounds:
    """The bounds of one boot, and the offset that they alone tell."""

    __slots__ = ("_early", "_late", "_near_low_ms", "_near_ms", "all", "fresh", "line", "low_ms", "odd", "sure")

    def __init__(self, kept: list[Bound] | None = None, *, odd: int = 0, sure: bool = False) -> None:
        """Begin with those that are stored."""
        self.all = kept or []
        """In the order of the node's time."""
        self.low_ms: float | None = min((bound.offset_ms for bound in self.all), default=None)
        """The smallest."""
        self.line = _line(self.all)
        """(offset at 0, rate) of the line under all of them, where they show that the clock drifts."""
        self.odd = odd
        """Times that cannot be, set aside."""
        self.sure = sure
        """Two live messages agree about the smallest bound."""
        self.fresh = False
        """There is something worth to be stored."""
        self._near_ms, self._near_low_ms = 0, self.low_ms or 0.0
        self._early: _Witness | None = None
        self._late: _Witness | None = None

    def at(self, mono_ms: float) -> float | None:
        """Return the offset that they alone tell."""
        if self.low_ms is None or self.line is None:
            return self.low_ms
        begin_ms, rate = self.line
        return begin_ms + rate * mono_ms

    def cap(self, mono_ms: float) -> float:
        """Return what bounds nearby allow at most: a message is not received before it is sent."""
        index = bisect_right(self.all, mono_ms, key=_mono)
        near = self.all[max(index - 2, 0) : index + 2]
        return min((bound.offset_ms + RATE_MOST * abs(mono_ms - bound.mono_ms) for bound in near), default=float("inf"))

    def near(self, mono_ms: float) -> float | None:
        """Return the smallest bound within a stretch of a time, None where there is none."""
        first = bisect_left(self.all, mono_ms - BLOCK_MS, key=_mono)
        near = self.all[first : bisect_right(self.all, mono_ms + BLOCK_MS, key=_mono)]
        return min((it.offset_ms for it in near), default=None)

    def set_aside(self) -> None:
        """Count a time that cannot be."""
        self.odd += 1
        self.fresh = True

    def take(self, mono_ms: float, offset_ms: float, received_ms: int) -> bool:
        """Take a bound where nothing else is known; whether the offset may be another now."""
        low_ms = self.low_ms
        if low_ms is None:
            return self._begin(mono_ms, offset_ms, received_ms)
        if offset_ms < low_ms - GAP_MS - RATE_MOST * self._away(mono_ms) and self.sure:
            self._early = _agreeing(self._early, offset_ms, received_ms)
            self.fresh = True
            if self._early.count < WITNESSES:
                self.odd += 1
                return False
            self.odd -= WITNESSES - 1
            return self._begin(mono_ms, offset_ms, received_ms)
        self._early = None
        if offset_ms > low_ms + GAP_MS and not self.sure:
            self._late = _agreeing(self._late, offset_ms, received_ms)
            if self._late.count >= WITNESSES:
                # The first was the wrong one: nobody agreed with it, and others do with each other.
                self.odd += 1
                return self._begin(mono_ms, offset_ms, received_ms)
        if not self.sure and offset_ms <= low_ms + AGREE_MS and received_ms - self._near_ms >= APART_MS:
            self.sure = True
            self.fresh = True
        return self._add(mono_ms, offset_ms, received_ms)

    def _begin(self, mono_ms: float, offset_ms: float, received_ms: int) -> bool:
        """Begin anew with this bound."""
        self.all = [Bound(mono_ms, offset_ms)]
        self.low_ms, self.line = offset_ms, None
        self._near_ms, self._near_low_ms, self.sure = received_ms, offset_ms, False
        self._early = self._late = None
        self.fresh = True
        return True

    def _add(self, mono_ms: float, offset_ms: float, received_ms: int) -> bool:
        low_ms, line = self.low_ms, self.line
        new = self.put(mono_ms, offset_ms)
        if low_ms is None or offset_ms < low_ms:
            if offset_ms < self._near_low_ms - AGREE_MS:
                self._near_ms, self._near_low_ms, self.sure = received_ms, offset_ms, False
            self.low_ms = offset_ms
        if new:
            self.line = _line(self.all)
        elif line is not None and offset_ms < line[0] + line[1] * mono_ms:
            self.line = (offset_ms - line[1] * mono_ms, line[1])
        return self.line != line or (self.line is None and self.low_ms != low_ms)

    def put(self, mono_ms: float, offset_ms: float) -> bool:
        """Keep a bound in its stretch; whether that is a new one."""
        bounds = self.all
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
        return min((abs(mono_ms - bound.mono_ms) for bound in self.all), default=0.0)

    def purge(self, mono_ms: float, least_ms: float) -> None:
        """Drop what is under an offset known to be at least `least_ms` at a time."""
        kept = [it for it in self.all if it.offset_ms >= least_ms - RATE_MOST * abs(it.mono_ms - mono_ms)]
        if len(kept) < len(self.all):
            self.odd += len(self.all) - len(kept)
            self.all, self.line, self.sure = kept, None, False
            self.low_ms = min((bound.offset_ms for bound in kept), default=None)

    def shift(self, by_ms: int) -> None:
        """Take a jump of site time itself."""
        self.all = [Bound(it.mono_ms, it.offset_ms + by_ms, it.count) for it in self.all]
        self.low_ms = None if self.low_ms is None else self.low_ms + by_ms
        self.line = None if self.line is None else (self.line[0] + by_ms, self.line[1])
        self._near_ms, self._near_low_ms = self._near_ms + by_ms, self._near_low_ms + by_ms
        self._early = self._late = None
        self.fresh = True


def _mono(it: Bound) -> float:
    return it.mono_ms


def _agreeing(known: _Witness | None, offset_ms: float, received_ms: int) -> _Witness:
    if known is None or abs(known.offset_ms - offset_ms) > AGREE_MS:
        return _Witness(offset_ms, received_ms)
    if received_ms - known.received_ms >= APART_MS:
        known.count, known.received_ms = known.count + 1, received_ms
    return known


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

"""What exchanges tell of a boot's offset: a question for the time, together with its answer. Pure.

The site's time lay between the asking and the hearing, so the offset is known to half of the round trip (Cristian,
"Probabilistic clock synchronization", Distributed Computing 3, 1989). Of readings near each other the quickest counts,
as in NTP's minimum filter (RFC 5905, section 10): clocks cannot part faster than `RATE_MOST`, so a slow exchange is cut
down to what its neighbours allow. Between two readings the offset runs straight, beyond the last one at the rate of the
last hours.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from msgspec import Struct

from hub.ingest.quartz import BLOCK_MS, BLOCKS_MOST, RATE_FAULT, RATE_MOST, WANDER, least

BASE_MS = 600_000
"""A rate is believed if it was measured over so long."""
BASE_MOST_MS = 2_400_000
"""What was longer ago says nothing about the rate of now."""
TURN = 100e-6
"""By how much the rate may have changed since the last reading: somebody corrects one of both clocks."""


class Reading(Struct, frozen=True, array_like=True):
    """The offset at one moment of the node's time, good to `spread_ms` either way."""

    mono_ms: float
    offset_ms: float
    spread_ms: float


class Readings:
    """The readings of one boot, and the offset that they tell with how wrong it may be."""

    __slots__ = ("all",)

    def __init__(self, kept: list[Reading] | None = None) -> None:
        """Begin with those that are stored."""
        self.all = kept or []
        """In the order of the node's time."""

    def at(self, mono_ms: float) -> tuple[float, float]:
        """Return the offset at a time of the node's clock, and how wrong it may be; asked only where there are any."""
        readings = self.all
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
            return nearer.offset_ms, abs(rise_ms)
        share = passed_ms / away_ms
        spread_ms = before.spread_ms + (after.spread_ms - before.spread_ms) * share
        return before.offset_ms + rise_ms * share, spread_ms + WANDER * min(passed_ms, left_ms)

    @property
    def rate(self) -> float | None:
        """How fast the offset rises at the last one, in seconds a second; None: not known yet."""
        last = self.all[-1]
        rate, band = self._rate_before(last)
        return None if band > WANDER or last.mono_ms - self.all[0].mono_ms < BASE_MS else rate

    def _beyond(self, reading: Reading, mono_ms: float) -> tuple[float, float]:
        away_ms = mono_ms - reading.mono_ms
        rate, band = self._rate_before(reading) if away_ms >= 0 else self._rate_after(reading)
        within_ms = reading.spread_ms + abs(away_ms) * (band + WANDER)
        return reading.offset_ms + rate * away_ms, within_ms

    def _rate_before(self, last: Reading) -> tuple[float, float]:
        index = bisect_left(self.all, last.mono_ms - BASE_MOST_MS, key=_mono)
        return _rate(self.all[index], last)

    def _rate_after(self, first: Reading) -> tuple[float, float]:
        index = bisect_right(self.all, first.mono_ms + BASE_MOST_MS, key=_mono)
        return _rate(first, self.all[index - 1])

    def take(self, asked_ms: float, at_ms: float, heard_ms: float) -> Reading | None:
        """Take an exchange; return its reading, None where a better one is known nearby."""
        spread_ms = max((heard_ms - asked_ms) / 2, 0.0) + 1.0  # both clocks are told in whole or half milliseconds
        mono_ms = (asked_ms + heard_ms) / 2
        new = self._cut(Reading(mono_ms, at_ms - mono_ms, spread_ms))
        readings = self.all
        index = bisect_left(readings, mono_ms, key=_mono)
        for near in (index - 1, index):
            if 0 <= near < len(readings) and abs(readings[near].mono_ms - mono_ms) < BLOCK_MS / 2:
                if readings[near].spread_ms <= new.spread_ms:
                    return None
                readings[near] = new
                readings.sort(key=_mono)
                break
        else:
            readings.insert(index, new)
            if len(readings) > BLOCKS_MOST:
                del readings[least([reading.mono_ms for reading in readings])]
        return new

    def _cut(self, new: Reading) -> Reading:
        """Cut a reading down to what its neighbours allow; whole where they and it cannot all be right."""
        index = bisect_left(self.all, new.mono_ms, key=_mono)
        near = self.all[max(index - 1, 0) : index + 1]
        if index == len(self.all) and near and self._rate_before(near[-1])[1] < RATE_FAULT:
            offset_ms, within_ms = self._beyond(near[-1], new.mono_ms)
            cut = _meet(new, offset_ms, within_ms + TURN * (new.mono_ms - near[-1].mono_ms))
            if cut is not None:
                return cut
        for reading in near:
            drift_ms = RATE_MOST * abs(reading.mono_ms - new.mono_ms)
            new = _meet(new, reading.offset_ms, reading.spread_ms + drift_ms) or new
        return new

    def shift(self, by_ms: int) -> None:
        """Take a jump of site time itself."""
        self.all = [Reading(it.mono_ms, it.offset_ms + by_ms, it.spread_ms) for it in self.all]


def _mono(it: Reading) -> float:
    return it.mono_ms


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

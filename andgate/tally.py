"""From verdicts to rates that can be trusted: with their interval, their counts, and what they leave out.

Four success rates come from the same counts: over all interactions, per interaction, per expectation, and per
customer or flight (key). A rate never stands alone: it has its Wilson interval, because five out of five says little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from andgate.moment.gate import Outcome
from andgate.moment.moments import Moment

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""

D2_FOR_PAIRS = 1.128
"""Mean moving range of pairs in units of sigma (Shewhart's d2 for n = 2)."""


class Interval(Struct, frozen=True):
    """A share and its interval, 0 to 1."""

    share: float
    low: float
    high: float


def wilson(successes: int, n: int, z: float = Z95) -> Interval | None:
    """Return the Wilson score interval of a proportion; None where nothing was counted.

    (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n); good for small n and near 0 and 1, where the simple
    normal interval is not (E. B. Wilson, 1927).

    Raises:
        ValueError: if not 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        message = f"{successes} successes of {n}: count between 0 and the number counted"
        raise ValueError(message)
    if n == 0:
        return None
    share = successes / n
    middle = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low = 0.0 if successes == 0 else (middle - half) / scale
    high = 1.0 if successes == n else (middle + half) / scale
    return Interval(share, low, high)


class Count(Struct, frozen=True):
    """Verdicts counted. Open moments are in none of these; `void` is outside the rate, but never out of sight."""

    success: int = 0
    failure: int = 0
    void: int = 0
    saved: int = 0
    """Of `success`."""
    answered: int = 0
    """Of `success`."""
    anomaly: int = 0
    """Of `success`."""
    provisional: int = 0
    """Of `success` and `failure`."""

    def __add__(self, other: Count) -> Count:
        """Return the sum, field by field."""
        return Count(*(getattr(self, field) + getattr(other, field) for field in Count.__struct_fields__))

    @property
    def judged(self) -> int:
        """Successes and failures."""
        return self.success + self.failure

    @property
    def rate(self) -> Interval | None:
        """The success rate with its interval; None where nothing was judged."""
        return wilson(self.success, self.judged)

    @property
    def threatened(self) -> int:
        """Moments that needed somebody: saved or failed."""
        return self.saved + self.failure

    @property
    def save_rate(self) -> Interval | None:
        """Of those that needed somebody, how many were saved."""
        return wilson(self.saved, self.threatened)


def count_of(moment: Moment) -> Count:
    """Return what one published moment adds to the counts; nothing while it has no verdict or is withdrawn."""
    if moment.withdrawn or moment.verdict is None:
        return Count()
    if moment.verdict == "void":
        return Count(void=1)
    success = moment.verdict == "success"
    return Count(
        success=int(success),
        failure=int(not success),
        saved=int(moment.saved),
        answered=int(moment.answered),
        anomaly=int(moment.anomaly),
        provisional=int(moment.provisional),
    )


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of counts."""
    return sum(counts, Count())


class Line(Struct, frozen=True):
    """One line of the Customer Success table: a promise, and how many interactions it broke first."""

    expectation: str
    count: Count
    fails_first: int


def success_table(
    journey: Sequence[str], counts: dict[str, Count], outcomes: Iterable[Outcome]
) -> tuple[tuple[Line, ...], Count]:
    """Return the Customer Success table of one interaction: its lines in journey order, and the gate's own count.

    Args:
        journey: expectations in the order a customer meets them.
        counts: verdicts per expectation.
        outcomes: of the interaction, decided ones; pending and incomplete ones are left out of the rate.
    """
    first: dict[str, int] = {}
    gate = Count()
    for outcome in outcomes:
        if outcome.state == "success":
            gate += Count(success=1)
        elif outcome.state == "failure" and outcome.first is not None:
            gate += Count(failure=1)
            first[outcome.first.expectation] = first.get(outcome.first.expectation, 0) + 1
    lines = tuple(Line(name, counts.get(name, Count()), first.get(name, 0)) for name in journey)
    return lines, gate


def worst_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return the lines by their rate, worst first; those never judged last."""
    return tuple(sorted(lines, key=lambda line: line.count.rate.share if line.count.rate else 2.0))


class ControlPoint(Struct, frozen=True):
    """One day on a control chart: shares from 0 to 1."""

    share: float
    low: float
    high: float
    outside: bool


class ControlChart(Struct, frozen=True):
    """A Laney p' chart."""

    mean: float
    sigma_z: float
    """How much wider than binomial the days scatter; 1 is binomial."""
    points: tuple[ControlPoint | None, ...]
    """None for a day on which nothing was judged."""


def control_chart(failures: Sequence[int], judged: Sequence[int]) -> ControlChart | None:
    """Return a Laney p' chart of failures per day; None with fewer than two days that were judged.

    Plain p-limits are p ± 3·sqrt(p(1-p)/n). Airport days are not binomial, so the limits are widened by sigma_z =
    mean moving range of the days' z-scores / 1.128 (D. Laney, Quality Engineering 14, 2002).
    """
    days = [(bad, n) for bad, n in zip(failures, judged, strict=True) if n]
    enough = 2
    if len(days) < enough:
        return None
    mean = sum(bad for bad, _ in days) / sum(n for _, n in days)
    sigmas = [math.sqrt(mean * (1 - mean) / n) for _, n in days]
    scores = [(bad / n - mean) / sigma if sigma else 0.0 for (bad, n), sigma in zip(days, sigmas, strict=True)]
    ranges = [abs(later - earlier) for earlier, later in pairwise(scores)]
    sigma_z = sum(ranges) / len(ranges) / D2_FOR_PAIRS
    points: list[ControlPoint | None] = []
    for bad, n in zip(failures, judged, strict=True):
        if not n:
            points.append(None)
            continue
        half = 3 * math.sqrt(mean * (1 - mean) / n) * sigma_z
        low, high = max(0.0, mean - half), min(1.0, mean + half)
        share = bad / n
        points.append(ControlPoint(share, low, high, outside=not low <= share <= high))
    return ControlChart(mean, sigma_z, tuple(points))


class Bar(Struct, frozen=True):
    """One bar of a Pareto: a cause, how often, and the share of all up to here."""

    name: str
    n: int
    cumulative: float


def pareto(names: Iterable[str]) -> tuple[Bar, ...]:
    """Return causes by how often they are given, most first, with cumulative shares."""
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    everything, so_far = sum(counts.values()), 0
    bars = []
    for name, n in ordered:
        so_far += n
        bars.append(Bar(name, n, so_far / everything))
    return tuple(bars)

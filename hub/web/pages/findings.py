"""The success page's sentences: how well promises are kept, what breaks first, when and why, as far as data carry it.

Where a difference may be chance, nothing is called the worst.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from hub.web.pages.words import rich, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.tally import Bar, Interval
    from hub.web.pages.success import Hour, Input

FEW = 20
"""Fewer moments than this say nothing."""
CLEAR = 1.96
"""How many standard errors apart two counts must be before one is called the worst."""
NO_CAUSE = ""


def finding(inputs: Sequence[Input], rate: Interval | None, n: int, things: str, *, gate: bool) -> Markup:
    """Return the page's finding: the rate in words, and what breaks first if the data carries it."""
    if rate is None:
        return rich("success.none")
    said = ratio(rate.share, n)
    if not gate:
        judged = [each for each in inputs if each.rate is not None]
        worst = min(judged, key=lambda each: each.rate.share if each.rate else 1.0)
        rest = [each.rate.low for each in judged if each is not worst and each.rate is not None]
        clear = worst.rate is not None and bool(rest) and worst.rate.high < min(rest)
        after = rich("success.find.worst", promise=worst.promise.rstrip(".")) if clear else Markup()
        return rich("success.find.all", rate=said, worst=after)
    ordered = sorted(inputs, key=lambda each: -each.first)
    if rate.share >= 1.0:
        after = rich("success.find.clean")
    elif len(ordered) < 2:  # noqa: PLR2004 it takes two for one to be the worse
        after = Markup()
    elif stands_apart(ordered[0].first, ordered[1].first):
        after = rich("success.find.breaks", promise=ordered[0].promise.rstrip("."))
    else:
        after = rich("success.find.weak")
    return rich("success.find.gate", rate=said, things=things, breaks=after)


def ratio(share: float, n: int) -> str:
    """Return a rate that can be said aloud: ``9 of 10``, ``97 % of``, ``All 42``."""
    if share >= 1.0:
        return say("success.ratio.all", n=n)
    if n < FEW:
        return say("success.ratio.few", kept=round(share * n), n=n)
    tenths = share * 10
    close = 0.15
    if abs(tenths - round(tenths)) <= close and 0 < round(tenths) < 10:  # noqa: PLR2004 tenths
        return say("success.ratio", n=round(tenths))
    return say("success.ratio.percent", percent=percent(share))


def percent(share: float) -> str:
    """Return ``97.5``; never 100.0 for less than everything, never 0.0 for more than nothing."""
    tenths = round(share * 1000)
    if share < 1:
        tenths = min(tenths, 999)
    if share > 0:
        tenths = max(tenths, 1)
    return f"{tenths / 10:.1f}"


def stands_apart(more: int, fewer: int) -> bool:
    """Return whether two counts differ by more than chance."""
    both = more + fewer
    return both > 0 and (more - fewer) / math.sqrt(both) > CLEAR


def heat_finding(weeks: Sequence[Sequence[Hour]]) -> str:
    """Say when promises fail most, if one stretch of a weekday stands out from the week; else only what it is."""
    failed = sum(hour.failed for day in weeks for hour in day)
    judged = sum(hour.all for day in weeks for hour in day)
    if not judged or not failed:
        return say("success.heat")
    mean = failed / judged
    worst: tuple[float, int, int] | None = None
    for day, hours in enumerate(weeks):
        for hour, one in enumerate(hours):
            if one.share is not None and (worst is None or one.share > worst[0]):
                worst = (one.share, day, hour)
    if worst is None:
        return say("success.heat")
    _, day, start = worst
    end = start
    high = mean * 2

    def stands_out(hour: int) -> bool:
        share = weeks[day][hour].share if 0 <= hour < len(weeks[day]) else None
        return share is not None and share >= high

    while stands_out(start - 1):
        start -= 1
    while stands_out(end + 1):
        end += 1
    bad = sum(weeks[day][hour].failed for hour in range(start, end + 1))
    n = sum(weeks[day][hour].all for hour in range(start, end + 1))
    # Four times the width that chance alone gives: the worst stretch of 168 hours always looks bad.
    if bad / n < mean + 4 * math.sqrt(mean * (1 - mean) / n):
        return say("success.heat")
    return say("success.heat.find", day=say(f"days.{day}"), start=f"{start:02}", end=f"{end + 1:02}")


def causes_finding(bars: Sequence[Bar], failures: int) -> str:
    """Say how many causes make half of the failures, if most failures have one."""
    if not failures:
        return say("success.causes.none")
    ungiven = next((bar.n for bar in bars if bar.name == NO_CAUSE), 0)
    if ungiven * 2 > failures:
        return say("success.causes.ungiven", n=ungiven, all=failures)
    given = [bar for bar in bars if bar.name != NO_CAUSE]
    so_far = 0
    for index, bar in enumerate(given, 1):
        so_far += bar.n
        if so_far * 2 >= failures:
            if index == 1:
                return say("success.causes.find.one", all=failures)
            return say("success.causes.find", n=say_number(index), all=failures)
    return say("success.causes", n=failures)


def say_number(n: int) -> str:
    """Return a small number as a word that begins a sentence."""
    words = say("numbers").split()
    return words[n] if n < len(words) else str(n)

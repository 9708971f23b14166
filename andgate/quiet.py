"""Who must not be paged, about what, and until when. Pure: time is an argument.

A mute covers a page where everything fits that its scope names. One that comes again is a span of each day by the
clocks on the site's walls. A suspension is made of what its contacts said; while one of them says so, it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from andgate.plan import Plan, local_time
from andgate.plan.quiet import SUSPENDED, Recurring, Scope, Suspends

HUB = "hub"
"""The source of what the hub says in the stead of others."""
MISSED_MS = 60_000
"""Nobody who repeats a word is missed sooner: it may be said twice at once, and then wait for a while."""
_DAY_MIN = 24 * 60


class Span(Struct, frozen=True, order=True):
    """From when to when, UTC milliseconds; the last one is no part of it. `to_ms` None: it stands."""

    from_ms: int
    to_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether a time is within."""
        return self.from_ms <= at_ms and (self.to_ms is None or at_ms < self.to_ms)

    def meets(self, from_ms: int, to_ms: int) -> bool:
        """Whether any of it is between two times, both of them included."""
        return self.from_ms <= to_ms and (self.to_ms is None or from_ms < self.to_ms)


class Contact(Struct, frozen=True):
    """What one contact said, or the hub in its stead; `order` is its place on the site's timeline."""

    order: tuple[int, str, int, int, str]
    device: str
    """Empty where a feed said it and named none."""
    touchpoint: str
    on: bool
    """``suspended``, else ``resumed``."""

    @property
    def at_ms(self) -> int:
        """Return when it said so."""
        return self.order[0]

    @property
    def own(self) -> bool:
        """Whether the contact said so itself."""
        return self.order[1] != HUB


def covers(scope: Scope, plan: Plan, *, touchpoint: str, expectation: str, group: str) -> bool:
    """Tell whether a page about a promise at a touchpoint to a group is within a scope."""
    place = plan.touchpoints.get(touchpoint)
    area = place.area if place is not None else ""
    return (
        (not scope.areas or area in scope.areas)
        and (not scope.touchpoints or touchpoint in scope.touchpoints)
        and (not scope.expectations or expectation in scope.expectations)
        and (not scope.groups or group in scope.groups)
    )


def places(scope: Scope | Suspends, plan: Plan) -> tuple[str, ...]:
    """Return the touchpoints that something is quiet at, in plan order."""
    if isinstance(scope, Suspends):
        return tuple(
            each.id
            for each in plan.touchpoints.values()
            if not (scope.areas or scope.touchpoints) or each.area in scope.areas or each.id in scope.touchpoints
        )
    spoken = {
        name for promise in scope.expectations if promise in plan.expectations
        for name in plan.expectations[promise].touchpoints
    }  # fmt: skip
    return tuple(
        each.id
        for each in plan.touchpoints.values()
        if (not scope.areas or each.area in scope.areas)
        and (not scope.touchpoints or each.id in scope.touchpoints)
        and (not scope.expectations or each.id in spoken)
    )


def whole_places(scope: Scope) -> bool:
    """Whether everything about its places is quiet, their sounds too: it is not about some promises or groups only."""
    return not scope.expectations and not scope.groups


def occurrence(mute: Recurring, plan: Plan, at_ms: int) -> Span | None:
    """Return the occurrence of a mute that holds at a time, else the next one; None: there is none for two weeks.

    It begins and ends when the clocks on the walls show these times first: where they are put forward over one of
    them, at that moment; where an hour comes twice, at its first coming.
    """
    today = local_time(plan, at_ms).date()
    found = (span for span in _spans(mute, plan, today - timedelta(days=1), 16) if at_ms < (span.to_ms or 0))
    return next(found, None)


def occurrences(mute: Recurring, plan: Plan, from_ms: int, to_ms: int) -> Iterator[Span]:
    """Yield every occurrence that meets a span of time, in order."""
    first, last = (local_time(plan, at_ms).date() for at_ms in (from_ms, to_ms))
    for span in _spans(mute, plan, first - timedelta(days=1), (last - first).days + 2):
        if span.meets(from_ms, to_ms):
            yield span


def _spans(mute: Recurring, plan: Plan, first: date, days: int) -> Iterator[Span]:
    over = mute.end_min if mute.end_min > mute.start_min else mute.end_min + _DAY_MIN
    for number in range(days):
        day = first + timedelta(days=number)
        if mute.days and day.weekday() not in mute.days:
            continue
        begin_ms, end_ms = (_wall_ms(plan, day, minute) for minute in (mute.start_min, over))
        if begin_ms < end_ms:  # a span within the hour that is skipped in spring is none
            yield Span(begin_ms, end_ms)


def _wall_ms(plan: Plan, day: date, minute: int) -> int:
    """Return when the clocks of a site show so many minutes from midnight of a day, or first show more."""
    wall = datetime.combine(day, datetime.min.time(), ZoneInfo(plan.site.timezone)) + timedelta(minutes=minute)
    before, after = (round(wall.replace(fold=fold).timestamp() * 1000) for fold in (0, 1))
    if before <= after:
        return before
    # The clocks never show it: they skip from before it to after it, where both readings of it change places.
    low, high = after, before
    while high - low > 1:
        middle = (low + high) // 2
        if local_time(plan, middle).replace(tzinfo=None) < wall.replace(tzinfo=None):
            low = middle
        else:
            high = middle
    return high


def suspensions(said: Iterable[Contact]) -> dict[str, tuple[Span, ...]]:
    """Return for each contact the spans in which it said ``suspended``, in order.

    A contact is a device; what a feed says of a touchpoint is one more. Saying it again changes nothing.
    """
    spans: dict[str, list[Span]] = {}
    for each in sorted(said, key=lambda each: each.order):
        mine = spans.setdefault(contact(each.device, each.touchpoint), [])
        stands = bool(mine) and mine[-1].to_ms is None
        if each.on and not stands:
            mine.append(Span(each.at_ms))
        elif not each.on and stands:
            mine[-1] = Span(mine[-1].from_ms, each.at_ms)
    return {name: tuple(span for span in found if span.to_ms != span.from_ms) for name, found in spans.items()}


def stands_again(said: Iterable[Contact]) -> bool:
    """Whether one contact that is heard again suspends again: only the hub, in its stead, has said that it is over."""
    words = sorted(said, key=lambda each: each.order)
    own = [each for each in words if each.own]
    return bool(own) and own[-1].on and not words[-1].on


def missed_ms(heard_ms: Sequence[int]) -> int | None:
    """Return when whoever repeats a word is missed: after twice the longest pause so far; None: no pause is known.

    Args:
        heard_ms: when it was said, in order.
    """
    pauses = [later - sooner for sooner, later in pairwise(heard_ms)]
    return heard_ms[-1] + max(MISSED_MS, 2 * max(pauses)) if pauses else None


def contact(device: str, touchpoint: str) -> str:
    """Return what a contact is called: its device, or the touchpoint that a feed spoke of."""
    return device or f"{touchpoint}/"


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans without overlaps, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.from_ms):
        last = found[-1] if found else None
        if last is None or (last.to_ms is not None and last.to_ms < span.from_ms):
            found.append(span)
        elif last.to_ms is not None and (span.to_ms is None or span.to_ms > last.to_ms):
            found[-1] = Span(last.from_ms, span.to_ms)
    return found


def listening(said: Sequence[tuple[int, bool]], from_ms: int, to_ms: int) -> list[Span]:
    """Return when the hub only listened, within a span of time.

    Args:
        said: (since when, whether it only listens), oldest first; before the first it is not known, so neither.
        from_ms: of the span.
        to_ms: its end.
    """
    found = []
    for index, (at_ms, on) in enumerate(said):
        end_ms = said[index + 1][0] if index + 1 < len(said) else to_ms
        begin_ms, end_ms = max(at_ms, from_ms), min(end_ms, to_ms)
        if on and begin_ms < end_ms:
            found.append(Span(begin_ms, end_ms))
    return merged(found)


__all__ = [
    "HUB",
    "MISSED_MS",
    "SUSPENDED",
    "Contact",
    "Span",
    "contact",
    "covers",
    "listening",
    "merged",
    "missed_ms",
    "occurrence",
    "occurrences",
    "places",
    "stands_again",
    "suspensions",
    "whole_places",
]

"""Before and after: what a place did while it was only listened to, and since people are paged. Pure.

Two spans of a real floor are no experiment: the hours of the day, the number of customers and the season differ, and
whoever is watched works otherwise. So each column says how many hours and how many customers it is made of, every share
has its interval, and where the two intervals overlap nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.quiet import Span, listening, merged
from andgate.tally import Interval, wilson

HOUR_MS = 3_600_000


class Side(Struct, frozen=True, kw_only=True):
    """One column of one promise."""

    hours: float
    """Of the span, over all places where the promise is made."""
    moments: int
    """Judged: kept or broken."""
    threats: int
    """Of these, threatened."""
    failed: int
    saved: int
    broken: Interval | None
    """Failures of all that were judged."""
    rescued: Interval | None
    """Saved of all that were threatened."""
    claim_s: float | None
    """Half of those claimed were claimed within so many seconds of the threat; None: nobody claimed."""
    claims: int


class Row(Struct, frozen=True, kw_only=True):
    """One promise, listened to and paged about."""

    expectation: str
    """Empty: all of them together."""
    before: Side
    after: Side

    @property
    def apart(self) -> bool:
        """Whether the shares of broken promises differ by more than chance would make them."""
        one, two = self.before.broken, self.after.broken
        return one is not None and two is not None and (one.high < two.low or two.high < one.low)


class Baseline(Struct, frozen=True, kw_only=True):
    """The table."""

    since_ms: int
    until_ms: int
    before_h: float
    """Hours in which somebody only listened, over all places that have a promise."""
    after_h: float
    rows: tuple[Row, ...]
    total: Row | None


def spans(
    hub: Sequence[tuple[int, bool]], plans: Sequence[tuple[int, frozenset[str]]], place: str, from_ms: int, to_ms: int
) -> list[Span]:
    """Return when a place was only listened to.

    Args:
        hub: since when the whole hub only listened, or paged; oldest first.
        plans: since when a plan is in force, and the places that only listen by it; oldest first.
        place: the touchpoint.
        from_ms: of the span of time.
        to_ms: its end.
    """
    by_plan = [(at_ms, place in places) for at_ms, places in plans]
    return merged([*listening(hub, from_ms, to_ms), *listening(by_plan, from_ms, to_ms)])


def baseline(
    moments: Iterable[Moment],
    places_of: dict[str, tuple[str, ...]],
    listened: Callable[[str], Sequence[Span]],
    since_ms: int,
    until_ms: int,
) -> Baseline | None:
    """Return the table; None where nothing was ever only listened to within the span.

    Args:
        moments: opened within it, decided.
        places_of: promise -> the touchpoints where it is made.
        listened: touchpoint -> when it was only listened to.
        since_ms: of the span.
        until_ms: its end.
    """
    known = {place: list(listened(place)) for places in places_of.values() for place in places}
    if not any(known.values()):
        return None
    quiet_ms = {place: sum((span.to_ms or until_ms) - span.from_ms for span in found) for place, found in known.items()}
    sides: dict[str, tuple[list[Moment], list[Moment]]] = {name: ([], []) for name in places_of}
    for moment in moments:
        if moment.expectation in sides and moment.verdict in ("success", "failure") and moment.training is None:
            only = any(span.holds(moment.opened_ms) for span in known.get(moment.touchpoint, ()))
            sides[moment.expectation][0 if only else 1].append(moment)
    rows = []
    for name, (before, after) in sides.items():
        quiet_h = sum(quiet_ms[place] for place in places_of[name]) / HOUR_MS
        whole_h = len(places_of[name]) * (until_ms - since_ms) / HOUR_MS
        rows.append(Row(expectation=name, before=_side(before, quiet_h), after=_side(after, whole_h - quiet_h)))
    all_h = len(known) * (until_ms - since_ms) / HOUR_MS
    before_h = sum(quiet_ms.values()) / HOUR_MS
    whole = ([each for one, _ in sides.values() for each in one], [each for _, two in sides.values() for each in two])
    total = Row(expectation="", before=_side(whole[0], before_h), after=_side(whole[1], all_h - before_h))
    return Baseline(
        since_ms=since_ms,
        until_ms=until_ms,
        before_h=before_h,
        after_h=all_h - before_h,
        rows=tuple(rows),
        total=total if len(rows) > 1 else None,
    )


def _side(moments: Sequence[Moment], hours: float) -> Side:
    failed = sum(moment.verdict == "failure" for moment in moments)
    saved = sum(moment.saved for moment in moments)
    threats = sum(moment.threatened_ms is not None for moment in moments)
    waits = [
        (moment.claimed_ms - moment.threatened_ms) / 1000
        for moment in moments
        if moment.claimed_ms is not None and moment.threatened_ms is not None
    ]
    return Side(
        hours=hours,
        moments=len(moments),
        threats=threats,
        failed=failed,
        saved=saved,
        broken=wilson(failed, len(moments)),
        rescued=wilson(min(saved, threats), threats),
        claim_s=median(waits) if waits else None,
        claims=len(waits),
    )

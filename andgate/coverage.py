"""Coverage: for how much of the time in which a promise was due somebody would have seen it broken. Sums, no clock.

The law: *a time is seen when a verdict given in it would not be provisional for blindness.* So it asks what the fold
asks (`Fold.blind_at`): is a device that can report anything that judges this promise, at this touchpoint, by the plan
in force at that time, blind. A time is due when the touchpoint is within its hours. A promise that no device judges at
a touchpoint (feeds only) has no coverage there: nobody watches, so nobody can be blind.

Times are milliseconds on the site's timeline; spans are [from, to).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from msgspec import Struct

from andgate.moment.roles import names_of
from andgate.plan import Hours, Plan, is_open

Span = tuple[int, int]
Order = tuple[int, str, int, int, str]
_QUARTER_MS = 900_000
"""Every zone's offset is a multiple of it, so a quarter lies within one local hour."""
_MINUTE_MS = 60_000
_QUARTERS_KEPT = 8_192


class Sight(Struct, frozen=True):
    """A device went blind or sees again: a signal of the journal, as coverage needs it."""

    order: Order
    """Its place in the fold: site time, source, boot first seen, seq, id."""
    device: str
    touchpoint: str
    blind: bool


class Spell(Struct, frozen=True):
    """A device was blind at its touchpoint."""

    device: str
    touchpoint: str
    from_ms: int
    to_ms: int | None
    """When it saw again; None while it does not."""


class Cell(Struct, frozen=True, order=True):
    """Where time counts."""

    hour_ms: int
    """When the local hour began, UTC."""
    expectation: str
    touchpoint: str
    team: str
    area: str


class Covered(Struct, frozen=True):
    """How much of a cell's time was due, and how much of that was seen."""

    due_ms: int = 0
    seen_ms: int = 0

    def __add__(self, other: Covered) -> Covered:
        """Add up."""
        return Covered(self.due_ms + other.due_ms, self.seen_ms + other.seen_ms)

    @property
    def share(self) -> float | None:
        """Seen of due, 0 to 1; None where nothing was due."""
        return self.seen_ms / self.due_ms if self.due_ms else None

    @property
    def blind_ms(self) -> int:
        """Due and not seen."""
        return self.due_ms - self.seen_ms


class Watch:
    """Who judges what where under one plan, compiled once a version."""

    def __init__(self, plan: Plan) -> None:
        """Compile `plan`."""
        self.plan = plan
        self.pairs = tuple(_pairs(plan))
        """(expectation, touchpoint, devices that judge it there); those that no device judges are left out."""


class Reign(Struct, frozen=True):
    """A plan was in force for a time."""

    watch: Watch
    from_ms: int
    to_ms: int


def _pairs(plan: Plan) -> Iterator[tuple[str, str, frozenset[str]]]:
    at: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for device in plan.devices.values():
        at.setdefault(device.touchpoint, []).append((device.name, frozenset(device.signals.values())))
    for expectation in plan.expectations.values():
        names = names_of(expectation)
        for touchpoint in expectation.touchpoints:
            devices = frozenset(name for name, says in at.get(touchpoint, ()) if not names.isdisjoint(says))
            if devices:
                yield expectation.id, touchpoint, devices


def spells(sights: Iterable[Sight]) -> list[Spell]:
    """Fold what is known of some devices into the spells in which each was blind, in the order of their beginnings."""
    standing: dict[str, Sight] = {}
    found: list[Spell] = []
    for sight in sorted(sights, key=lambda sight: sight.order):
        if sight.blind:
            standing.setdefault(sight.device, sight)
            continue
        blind = standing.pop(sight.device, None)
        if blind is not None and blind.order[0] < sight.order[0]:
            found.append(Spell(blind.device, blind.touchpoint, blind.order[0], sight.order[0]))
    found += [Spell(blind.device, blind.touchpoint, blind.order[0], None) for blind in standing.values()]
    return sorted(found, key=lambda spell: (spell.from_ms, spell.device))


def cells(
    reigns: Iterable[Reign],
    blind: Iterable[Spell],
    span: Span,
    hour_of: Callable[[int], int],
    touchpoints: frozenset[str] | None = None,
) -> dict[Cell, Covered]:
    """Return what was due and seen in a span, by local hour, expectation and touchpoint; what was not due left out.

    Args:
        reigns: the plans that were in force, one after the other.
        blind: every spell that reaches into the span.
        span: what is asked for.
        hour_of: when the local hour of a time began.
        touchpoints: only these; None: all.
    """
    spells_at: dict[str, list[Spell]] = {}
    for spell in blind:
        spells_at.setdefault(spell.touchpoint, []).append(spell)
    found: dict[Cell, Covered] = {}
    for reign in reigns:
        from_ms, to_ms = max(span[0], reign.from_ms), min(span[1], reign.to_ms)
        for hour in _hours(from_ms, to_ms, hour_of):
            for cell, covered in _hour(reign.watch, spells_at, hour, hour_of(hour[0]), touchpoints):
                found[cell] = found.get(cell, _NOTHING) + covered
    return found


_NOTHING = Covered()


def _hours(from_ms: int, to_ms: int, hour_of: Callable[[int], int]) -> Iterator[Span]:
    """Cut a span at the beginnings of local hours."""
    begun_ms = from_ms
    while begun_ms < to_ms:
        hour_ms = hour_of(begun_ms)
        end_ms = (begun_ms // _QUARTER_MS + 1) * _QUARTER_MS
        while end_ms < to_ms and hour_of(end_ms) == hour_ms:
            end_ms += _QUARTER_MS
        yield begun_ms, min(end_ms, to_ms)
        begun_ms = end_ms


def _hour(
    watch: Watch, spells_at: dict[str, list[Spell]], span: Span, hour_ms: int, touchpoints: frozenset[str] | None
) -> Iterator[tuple[Cell, Covered]]:
    plan = watch.plan
    due_by: dict[Hours | None, list[Span]] = {}
    for expectation, touchpoint, devices in watch.pairs:
        if touchpoints is not None and touchpoint not in touchpoints:
            continue
        place = plan.touchpoints[touchpoint]
        due = due_by.get(place.hours)
        if due is None:
            due = due_by[place.hours] = served(place.hours, plan.site.timezone, span)
        due_ms = sum(to_ms - from_ms for from_ms, to_ms in due)
        if not due_ms:
            continue
        dark = [
            (spell.from_ms, span[1] if spell.to_ms is None else spell.to_ms)
            for spell in spells_at.get(touchpoint, ())
            if spell.device in devices
        ]
        unseen_ms = _overlap_ms(due, dark) if dark else 0
        cell = Cell(hour_ms, expectation, touchpoint, place.group, place.area)
        yield cell, Covered(due_ms, due_ms - unseen_ms)


def served(hours: Hours | None, timezone: str, span: Span) -> list[Span]:
    """Return when within a span a place with these hours is served, to the minute: what `is_served` says."""
    from_ms, to_ms = span
    if hours is None:
        return [span] if from_ms < to_ms else []
    found: list[Span] = []
    for quarter in range(from_ms // _QUARTER_MS, -(-to_ms // _QUARTER_MS)):
        for begun_ms, ended_ms in _served_in(hours, timezone, quarter):
            begun, ended = max(begun_ms, from_ms), min(ended_ms, to_ms)
            if found and found[-1][1] == begun:
                found[-1] = (found[-1][0], ended)
            elif begun < ended:
                found.append((begun, ended))
    return found


@lru_cache(maxsize=_QUARTERS_KEPT)
def _served_in(hours: Hours, timezone: str, quarter: int) -> tuple[Span, ...]:
    """Return the served minutes of a quarter of an hour, joined where they touch."""
    found: list[Span] = []
    for minute_ms in range(quarter * _QUARTER_MS, (quarter + 1) * _QUARTER_MS, _MINUTE_MS):
        if is_open(hours, timezone, minute_ms):
            if found and found[-1][1] == minute_ms:
                found[-1] = (found[-1][0], minute_ms + _MINUTE_MS)
            else:
                found.append((minute_ms, minute_ms + _MINUTE_MS))
    return tuple(found)


def _overlap_ms(due: list[Span], dark: list[Span]) -> int:
    """Return how much of the due spans lies in any of the dark ones, which may overlap each other."""
    total, until_ms = 0, 0
    for from_ms, to_ms in sorted(dark):
        begun_ms = max(from_ms, until_ms)
        if begun_ms < to_ms:
            total += sum(max(0, min(to_ms, end) - max(begun_ms, start)) for start, end in due)
            until_ms = to_ms
    return total

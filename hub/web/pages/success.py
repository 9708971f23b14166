"""How well promises are kept: rates with intervals, where failure begins, when, and why. Sums, no drawing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from andgate.coverage import Covered
from andgate.tally import Bar, ControlChart, Count, Interval, control_chart, pareto, wilson
from hub.web.api.success import shift_name
from hub.web.pages.agreement import Agreement, agreements
from hub.web.pages.findings import FEW, NO_CAUSE, causes_finding, finding, heat_finding, percent
from hub.web.pages.names import promise, touchpoint_name
from hub.web.pages.spans import DAY_MS, HOUR_MS, MINUTE_MS, date_words, local, midnight_ms
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from markupsafe import Markup

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.store.rows import By, CellRow, OutcomeRow, TallyRow
    from hub.web.pages.source import Source

DAYS = (7, 30, 90)
LEAST_DAYS = 8
"""Fewer days than this are no control chart."""
LEAST_HOURS = 8
"""A heat map of fewer hours than this is drawn over the whole day."""
LONG_MIN = 120
"""So many minutes are told as hours."""
BY: tuple[By, By] = ("expectation", "touchpoint")
"""What coverage is told by."""


class Input(Struct, frozen=True, kw_only=True):
    """One promise of the gate."""

    expectation: str
    promise: str
    count: Count
    rate: Interval | None
    first: int
    """How many failures of the whole began here."""
    covered: Covered = Covered()
    """How much of its time was seen."""


class Hour(Struct, frozen=True):
    """One hour of the week."""

    failed: int
    all: int

    @property
    def share(self) -> float | None:
        """Failed, 0 to 1; None where too few were judged."""
        return self.failed / self.all if self.all >= FEW else None


class Day(Struct, frozen=True):
    """One day of the control chart."""

    start_ms: int
    failed: int
    all: int


class Place(Struct, frozen=True):
    """One place or area in the tables."""

    name: str
    touchpoint: str | None
    count: Count
    covered: Covered = Covered()


class FalseAlarms(Struct, frozen=True):
    """How often somebody came to a place and nobody waited there."""

    place: str
    touchpoint: str
    n: int
    of: int
    """Verdicts there, false alarms among them."""


class Report(Struct, frozen=True, kw_only=True):
    """The Customer Success table and what surrounds it."""

    interaction: str | None
    name: str
    since_ms: int
    until_ms: int
    days: int
    inputs: tuple[Input, ...]
    """In journey order."""
    gate: Count
    """The whole: outcomes of the interaction, or all promises together."""
    rate: Interval | None
    things: str
    finding: Markup
    weeks: tuple[tuple[Hour, ...], ...]
    """Seven days of 24 hours, Monday first."""
    hours: tuple[int, int]
    """First and last hour that anything was judged in."""
    heat_title: str
    chart: ControlChart | None
    per_day: tuple[Day, ...]
    causes: tuple[Bar, ...]
    causes_title: str
    places: tuple[Place, ...]
    areas: tuple[Place, ...]
    covered: Covered = Covered()
    """How much of the time of its promises was seen."""

    agreements: tuple[Agreement, ...] = ()
    """What sensors said of presses, by place and promise."""
    false_alarms: tuple[FalseAlarms, ...] = ()
    """Where people came for nothing, most first; by place, never by person."""
    shifts: tuple[Place, ...] = ()
    """The shifts of teams that work in shifts, worst first."""

    @property
    def worst(self) -> tuple[Input, ...]:
        """The promises, worst first; those never judged last."""
        return tuple(sorted(self.inputs, key=lambda each: (each.rate.share if each.rate else 2.0, each.expectation)))


def counts_by(cells: Iterable[CellRow], name: str) -> dict[str, Count]:
    """Return what cells add up to, by expectation or touchpoint; nothing for those without a cell."""
    sums: dict[str, list[int]] = {}  # a year has a hundred thousand cells: no `Count` for each
    group = attrgetter(name)
    for cell in cells:
        of = group(cell)
        known = sums.get(of)
        if known is None:
            known = sums[of] = [0, 0, 0, 0]
        known[0] += cell.success
        known[1] += cell.failure
        known[2] += cell.saved
        known[3] += cell.anomaly
    return defaultdict(
        Count,
        {of: Count(success=each[0], failure=each[1], saved=each[2], anomaly=each[3]) for of, each in sums.items()},
    )


def by_hour(cells: Iterable[CellRow]) -> dict[int, tuple[int, int]]:
    """Return what failed and what was judged, by the beginning of the hour."""
    failed: dict[int, int] = defaultdict(int)
    judged: dict[int, int] = defaultdict(int)
    for cell in cells:
        failed[cell.hour_ms] += cell.failure
        judged[cell.hour_ms] += cell.failure + cell.success
    return {hour_ms: (failed[hour_ms], all_) for hour_ms, all_ in judged.items()}


def week(hours: Mapping[int, tuple[int, int]], zone: str) -> tuple[tuple[Hour, ...], ...]:
    """Return failures by local weekday and hour."""
    failed: Counter[tuple[int, int]] = Counter()
    judged: Counter[tuple[int, int]] = Counter()
    for hour_ms, (bad, all_) in hours.items():
        when = local(hour_ms, zone)
        where = (when.weekday(), when.hour)
        failed[where] += bad
        judged[where] += all_
    return tuple(tuple(Hour(failed[day, hour], judged[day, hour]) for hour in range(24)) for day in range(7))


def open_hours(weeks: Sequence[Sequence[Hour]]) -> tuple[int, int]:
    """Return the first and last hour of the day in which anything was judged."""
    used = [hour for hour in range(24) if any(day[hour].all for day in weeks)]
    if not used or used[-1] - used[0] < LEAST_HOURS:
        return (0, 23)
    return (used[0], used[-1])


def things_of(plan: Plan, interaction: str | None) -> str:
    """Return what an interaction's outcomes are called: flights, visits."""
    key = plan.interactions[interaction].key if interaction is not None else None
    if key is None:
        return say("success.things.none")
    return say("success.things.flight") if key == "flight" else say("success.things.other", key=key)


def unknown_last(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Return causes with those not yet known at the end: that is no cause, however often."""
    return tuple(sorted(bars, key=lambda bar: bar.name == NO_CAUSE))


def days_of(since_ms: int, until_ms: int, zone: str) -> tuple[int, ...]:
    """Return when each local day of a span began; days of 23 and 25 hours included."""
    found = []
    at = midnight_ms(since_ms, zone)
    while at < until_ms:
        found.append(at)
        at = midnight_ms(at + DAY_MS + 2 * HOUR_MS, zone)
    return tuple(found)


def build(
    plan: Plan,
    interaction: str | None,
    days: int,
    cells: Sequence[CellRow],
    outcomes: Sequence[OutcomeRow],
    failures: Sequence[Moment],
    since_ms: int,
    now_ms: int,
) -> Report:
    """Return the report; pure. Without an interaction it is about every promise, each moment for itself."""
    zone = plan.site.timezone
    journey = plan.expectations_of(interaction) if interaction is not None else tuple(plan.expectations)
    own = [cell for cell in cells if cell.expectation in journey]
    hours = by_hour(own)
    counts, at = counts_by(own, "expectation"), counts_by(own, "touchpoint")
    broke = {moment.id: moment.expectation for moment in failures}
    decided = [row for row in outcomes if row.state in ("success", "failure")]
    first = Counter(broke[row.first] for row in decided if row.first is not None and row.first in broke)
    inputs = tuple(
        Input(
            expectation=name,
            promise=promise(plan, name),
            count=counts[name],
            rate=counts[name].rate,
            first=first[name] if interaction is not None else counts[name].failure,
        )
        for name in journey
    )
    starts = days_of(since_ms, now_ms, zone)
    if interaction is not None:
        lost = sum(row.state == "failure" for row in decided)
        gate = Count(success=len(decided) - lost, failure=lost)
        per_day = _days(starts, [(row.at_ms, int(row.state == "failure"), 1) for row in decided])
    else:
        gate = sum((each.count for each in inputs), Count())
        per_day = _days(starts, [(hour_ms, bad, all_) for hour_ms, (bad, all_) in hours.items()])
    things = things_of(plan, interaction)
    rate = wilson(gate.success, gate.judged)
    weeks = week(hours, zone)
    mine = [moment for moment in failures if moment.expectation in journey]
    causes = unknown_last(pareto(moment.cause or NO_CAUSE for moment in mine))
    judged_days = sum(day.all > 0 for day in per_day)
    chart = control_chart([day.failed for day in per_day], [day.all for day in per_day])
    return Report(
        interaction=interaction,
        name=plan.interactions[interaction].name if interaction is not None else say("success.all"),
        since_ms=since_ms,
        until_ms=now_ms,
        days=days,
        inputs=inputs,
        gate=gate,
        rate=rate,
        things=things,
        finding=finding(inputs, rate, gate.judged, things, gate=interaction is not None),
        weeks=weeks,
        hours=open_hours(weeks),
        heat_title=heat_finding(weeks),
        chart=chart if judged_days >= LEAST_DAYS else None,
        per_day=per_day,
        causes=causes,
        causes_title=causes_finding(causes, len(mine)),
        places=_places(plan, at),
        areas=_areas(plan, at),
    )


def _days(starts: Sequence[int], rows: Iterable[tuple[int, int, int]]) -> tuple[Day, ...]:
    """Return each day's sums of (time, failed, judged); what was before the first day is in none."""
    failed, judged = [0] * len(starts), [0] * len(starts)
    for at_ms, bad, all_ in rows:
        day = bisect_right(starts, at_ms) - 1
        if day >= 0:
            failed[day] += bad
            judged[day] += all_
    return tuple(map(Day, starts, failed, judged))


def _worst_first(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda each: each.count.success / each.count.judged))


def _places(plan: Plan, counts: dict[str, Count]) -> tuple[Place, ...]:
    return _worst_first(
        Place(touchpoint.name, touchpoint.id, counts[touchpoint.id])
        for touchpoint in plan.touchpoints.values()
        if counts[touchpoint.id].judged
    )


def _areas(plan: Plan, counts: dict[str, Count]) -> tuple[Place, ...]:
    found: dict[str, Count] = {}
    for touchpoint in plan.touchpoints.values():
        name = touchpoint.area or say("floor.area.other")
        found[name] = found.get(name, Count()) + counts[touchpoint.id]
    return _worst_first(Place(name, None, count) for name, count in found.items() if count.judged)


def covering(report_: Report, plan: Plan, seen: Mapping[str, Covered], seen_at: Mapping[str, Covered]) -> Report:
    """Return a report with how much of its time was seen, given that by expectation and by touchpoint."""
    areas: dict[str, Covered] = {}
    for touchpoint in plan.touchpoints.values():
        name = touchpoint.area or say("floor.area.other")
        areas[name] = areas.get(name, Covered()) + seen_at.get(touchpoint.id, Covered())
    return replace(
        report_,
        inputs=tuple(replace(each, covered=seen.get(each.expectation, Covered())) for each in report_.inputs),
        places=tuple(replace(each, covered=seen_at.get(each.touchpoint or "", Covered())) for each in report_.places),
        areas=tuple(replace(each, covered=areas[each.name]) for each in report_.areas),
        covered=sum((seen.get(each.expectation, Covered()) for each in report_.inputs), Covered()),
    )


def saw(covered: Covered) -> str:
    """Return ``94.1 %, blind 41 min``; nothing where no device judges it, so that nobody could be blind."""
    if covered.share is None:
        return ""
    minutes = -(-covered.blind_ms // MINUTE_MS)
    if not minutes:
        return say("success.saw.all")
    time = say("success.saw.min", n=minutes)
    if minutes >= LONG_MIN:
        time = say("success.saw.hm" if minutes % 60 else "success.saw.h", h=minutes // 60, min=minutes % 60)
    return say("success.saw", percent=percent(covered.share), time=time)


def report(source: Source, interaction: str | None, days: int) -> Report:
    """Read what a report needs and build it."""
    plan, now_ms = source.plan, source.now_ms()
    zone = plan.site.timezone
    since_ms = midnight_ms(midnight_ms(now_ms, zone) - (days - 1) * DAY_MS + 2 * HOUR_MS, zone)
    until_ms = now_ms + 1
    outcomes = source.outcomes(interaction, since_ms, until_ms) if interaction is not None else ()
    cells, failures = source.cells(since_ms, until_ms), source.failures(since_ms, until_ms)
    seen, seen_at = (source.coverage(by, since_ms, until_ms) for by in BY)
    made = build(plan, interaction, days, cells, outcomes, failures, since_ms, now_ms)
    false = false_alarms(plan, cells, source.false_alarms(since_ms, until_ms))
    made = replace(covering(made, plan, seen, seen_at), agreements=agreements(plan, cells), false_alarms=false)
    if not any(group.shifts for group in plan.groups.values()):
        return made
    rows = [row for each in made.inputs for row in source.shifts(each.expectation, since_ms, until_ms)]
    return replace(made, shifts=by_shift(plan, rows))


def false_alarms(plan: Plan, cells: Iterable[CellRow], found: Mapping[str, int]) -> tuple[FalseAlarms, ...]:
    """Return where people came for nothing, most first."""
    judged: dict[str, int] = defaultdict(int)
    for cell in cells:
        judged[cell.touchpoint] += cell.success + cell.failure
    made = [
        FalseAlarms(touchpoint_name(plan, touchpoint), touchpoint, n, n + judged[touchpoint])
        for touchpoint, n in found.items()
    ]
    return tuple(sorted(made, key=lambda each: (-each.n, each.place)))


def by_shift(plan: Plan, rows: Iterable[TallyRow]) -> tuple[Place, ...]:
    """Return the shifts with what they kept, worst first."""
    counts: dict[str, Count] = {}
    for row in rows:
        got = row.counts
        counts[row.group] = counts.get(row.group, Count()) + Count(
            success=got.success, failure=got.failure, saved=got.saved, anomaly=got.anomaly
        )
    judged = [(group, count) for group, count in counts.items() if count.judged]
    judged.sort(key=lambda each: (each[1].rate.share if each[1].rate else 2.0, each[0]))
    return tuple(Place(shift_name(group, plan), None, count) for group, count in judged)


def range_words(report_: Report, zone: str) -> str:
    """Return ``23 Oct to 21 Nov 2026, all areas, all teams``."""
    since = date_words(report_.since_ms, zone)
    return say("success.range", since=since, until=date_words(report_.until_ms, zone, year=True))

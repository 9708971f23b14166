"""``/success`` and ``/interactions``: were the promises kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Response

from andgate.coverage import Covered
from andgate.tally import wilson
from andgate.wire.codec import format_time_or_none
from hub.store.covered import Asked
from hub.store.rows import By, OutcomeState
from hub.web.api import shapes
from hub.web.api.answer import answers, json
from hub.web.api.answers import OutcomeList, Success, SuccessEntry
from hub.web.api.arguments import DEFAULT_LIMIT, Cursor, Filter, Limit, Since, Until, only_known, span
from hub.web.api.moments import Here, Reads
from hub.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from andgate.plan import Plan
    from hub.store.rows import TallyRow

PLACED: tuple[By, ...] = ("expectation", "touchpoint", "area")
"""What the precision of buttons is told by."""

router = APIRouter(tags=["success"], dependencies=[Depends(only_known), Reads])

Breakdown = Annotated[By, Query(description="What to break the rates down by.")]


@router.get("/success", **answers(Success))
def success(
    here: Here,
    since_ms: Since,
    until_ms: Until,
    by: Breakdown = "expectation",
    expectation: Filter = None,
    touchpoint: Filter = None,
    area: Filter = None,
    team: Filter = None,
) -> Response:
    """Give success rates with their interval and counts; spans are taken down to full hours of the openings."""
    span(since_ms, until_ms)
    rows = here.reader.tally(
        since_ms=since_ms,
        until_ms=until_ms,
        by=by,
        expectation=expectation,
        touchpoint=touchpoint,
        area=area,
        team=team,
    )
    plan = here.driver.plan
    asked = Asked(since_ms, until_ms, expectation=expectation, touchpoint=touchpoint, area=area, team=team)
    groups: By = "expectation" if by in ("interaction", "remedy") else by  # nothing watches whether a task is done
    seen = here.reader.coverage(groups, asked, now_ms=here.clock.now_ms(), timezone=plan.site.timezone)
    if by == "interaction":
        seen = {gate: _of_gate(plan.expectations_of(gate), seen) for gate in plan.interactions}
    false: dict[str, int] = {}
    if by == "touchpoint":
        found = here.reader.false_alarms(since_ms=since_ms, until_ms=until_ms)
        false = {row.group: found.get(row.group, 0) for row in rows}
    entries = [
        success_entry(
            row,
            name_of(by, row.group, plan),
            seen.get(row.group),
            placed=by in PLACED,
            false_alarms=false.get(row.group),
        )
        for row in rows
    ]
    return json(
        Success(
            by=by, since=format_time_or_none(since_ms), until=format_time_or_none(until_ms), items=entries, next=None
        )
    )


@router.get("/interactions/{interaction}/outcomes", **answers(OutcomeList, 404))
def outcomes(
    here: Here,
    interaction: str,
    since_ms: Since,
    until_ms: Until,
    state: OutcomeState | None = None,
    key: Filter = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response:
    """List the outcomes of an interaction, newest first; a failure names every input that failed."""
    span(since_ms, until_ms)
    found = here.reader.outcomes(
        interaction, state=state, key=key, since_ms=since_ms, until_ms=until_ms, cursor=cursor, limit=limit
    )
    if not found.items and interaction not in here.driver.plan.interactions:
        raise ProblemError(
            404,
            "unknown-interaction",
            f'There is no interaction "{interaction}".',
            remedy="The plan has: " + (", ".join(here.driver.plan.interactions) or "none") + ".",
        )
    return json(OutcomeList(items=[shapes.outcome_entry(each) for each in found.items], next=found.next))


def _of_gate(leaves: Iterable[str], seen: Mapping[str, Covered]) -> Covered:
    """Return what was seen of all a gate's promises together."""
    return sum((seen[name] for name in leaves if name in seen), Covered())


def success_entry(
    row: TallyRow, name: str, covered: Covered | None, *, placed: bool, false_alarms: int | None = None
) -> SuccessEntry:
    """Return a tally row with its rate and 95 % Wilson interval, and how much of its time was seen."""
    counts = row.counts
    total = counts.success + counts.failure
    interval = wilson(counts.success, total)
    return SuccessEntry(
        group=row.group,
        name=name,
        rate=interval.share if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=total,
        success=counts.success,
        failure=counts.failure,
        void=counts.void,
        saved=counts.saved,
        answered=counts.answered,
        anomaly=counts.anomaly,
        provisional=counts.provisional,
        pending=counts.pending,
        incomplete=counts.incomplete,
        coverage=covered.share if covered else None,
        blind_s=covered.blind_ms / 1000 if covered else None,
        pressed=counts.pressed if placed else None,
        agreed=counts.agreed if placed else None,
        contradicted=counts.contradicted if placed else None,
        false_alarms=false_alarms,
    )


def name_of(by: By, group: str, plan: Plan) -> str:
    """Return a group as people call it; its id where the plan no longer has it."""
    if by == "interaction" and group in plan.interactions:
        return plan.interactions[group].name
    if by == "expectation" and group in plan.expectations:
        return plan.expectations[group].promise
    if by == "remedy" and group in plan.judged:
        return plan.judged[group].promise
    if by == "touchpoint" and group in plan.touchpoints:
        return plan.touchpoints[group].name
    if by == "team" and group in plan.groups:
        return plan.groups[group].name
    if by == "shift":
        return shift_name(group, plan)
    if by == "key":
        return group.partition("/")[0]
    return group


def shift_name(group: str, plan: Plan) -> str:
    """Return a team's shift, ``ticket-agents/early``, as people call it; its ids where the plan no longer has them."""
    team, _, shift = group.partition("/")
    known = plan.groups.get(team)
    if known is None:
        return group
    if not shift:
        return f"{known.name}, nobody on shift"
    return f"{known.name}, {known.shifts[shift].name}" if shift in known.shifts else group

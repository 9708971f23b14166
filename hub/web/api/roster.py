"""``/roster``: who stands on which shift of which date, and who instead of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from andgate.plan.shifts import WEEKDAYS
from andgate.shifts import Turn, turns
from andgate.wire.codec import Decoder, format_time
from hub.people import edit
from hub.people.roster import Standing, standings, unreachable
from hub.store.people import Book, Duty, StandIn
from hub.web.api.answer import answers, json, takes
from hub.web.api.arguments import Filter, Since, Until, only_known, read_struct, span
from hub.web.api.moments import Here, name_of
from hub.web.api.people import Sees, duty_entry, people_of
from hub.web.api.staff import (
    DutyBody,
    DutyEntry,
    Gone,
    Place,
    Roster,
    StandInBody,
    StandInEntry,
    StandInList,
    SwapBody,
    TurnEntry,
)
from hub.web.auth import Caller, Needs
from hub.web.problems import ProblemError, unprocessable

if TYPE_CHECKING:
    from andgate.plan import Plan

WEEK_MS = 7 * 86_400_000
LONGEST_MS = 400 * 86_400_000

router = APIRouter(tags=["roster"], dependencies=[Depends(only_known)])

Keeper = Annotated[Caller, Depends(Needs("supervise"))]


@router.get("/roster", dependencies=[Sees], **answers(Roster, 404))
def show_roster(request: Request, here: Here, since_ms: Since, until_ms: Until, group: Filter = None) -> Response:
    """Show the turns that reach into a span (the coming week, if it is not given), with who stands on each."""
    span(since_ms, until_ms)
    plan, now_ms = here.driver.plan, here.clock.now_ms()
    if group is not None and group not in plan.groups:
        raise ProblemError(404, "unknown-group", f'The plan has no group "{group}".')
    since = now_ms if since_ms is None else since_ms
    until = since + WEEK_MS if until_ms is None else until_ms
    if until - since > LONGEST_MS:
        raise unprocessable("The span is longer than 400 days.", "Ask for less at once.")
    people = people_of(request)
    book = people.book()
    failed = people.failed(book.people)
    wanted = [group] if group is not None else list(plan.groups)
    found = sorted(turn for each in wanted for turn in turns(plan, each, since, until))
    items = [turn_entry(plan, book, turn, failed, now_ms) for turn in found]
    return json(Roster(since=format_time(since), until=format_time(until), items=items))


_duty = Decoder(DutyBody)
_swap = Decoder(SwapBody)
_ANY_DAY = DutyBody(person="~0123456789abcdef", group="ticket-agents", shift="early", days=["mon", "tue"])
_INSTEAD = SwapBody(
    stand_ins=[
        StandInBody(
            date="2026-12-24",
            group="ticket-agents",
            shift="early",
            person="~0123456789abcdef",
            instead_of="~fedcba9876543210",
            reason="ill",
        )
    ]
)


@router.post(
    "/roster/duties", openapi_extra=takes(DutyBody, example=_ANY_DAY), **answers(DutyEntry, 404, 413, 415, status=201)
)
async def put_on(request: Request, here: Here, who: Keeper) -> Response:  # noqa: ARG001 - the right
    """Put somebody on a shift, week after week or on one date."""
    body = await read_struct(request, _duty)
    wanted = Duty(
        person=body.person,
        group=body.group,
        shift=body.shift,
        days=tuple(sorted(WEEKDAYS.index(each) for each in set(body.days))),
        date=body.date,
        first=body.from_,
        last=body.until,
    )
    made = await run_in_threadpool(people_of(request).put_on, edit.duty(wanted, here.driver.plan))
    return json(duty_entry(made), status=201)


@router.delete("/roster/duties/{duty}", **answers(Gone, 404))
def take_off(request: Request, who: Keeper, duty: int) -> Response:  # noqa: ARG001 - the right
    """Delete a line of the roster, for every date."""
    if not people_of(request).take_off(min(duty, 2**63 - 1)):
        raise ProblemError(404, "unknown-duty", f"The roster has no line {duty}.", remedy="See GET /api/v1/roster.")
    return json(Gone(id=str(duty)))


@router.post(
    "/roster/stand-ins",
    openapi_extra=takes(SwapBody, example=_INSTEAD),
    **answers(StandInList, 404, 413, 415, status=201),
)
async def stand_in(request: Request, here: Here, who: Keeper) -> Response:
    """Decide who stands on one shift of one date instead of whom; two at once are a swap."""
    body = await read_struct(request, _swap)
    by, now_ms = name_of(who, body.by), here.clock.now_ms()
    wanted = [
        edit.stand_in(
            StandIn(
                date=each.date,
                group=each.group,
                shift=each.shift,
                person=each.person,
                instead_of=each.instead_of,
                by=by,
                reason=each.reason,
                at_ms=now_ms,
            ),
            here.driver.plan,
        )
        for each in body.stand_ins
    ]
    people = people_of(request)
    if len(wanted) > 1:
        wanted = await run_in_threadpool(edit.swap, wanted, people.book(), here.driver.plan)
    made = await run_in_threadpool(people.stand_in, wanted)
    return json(StandInList(items=[_stand_in(each, by) for each in made]), status=201)


@router.delete("/roster/stand-ins/{stand_in}", **answers(Gone, 404))
def take_back(request: Request, who: Keeper, stand_in: int) -> Response:  # noqa: ARG001 - the right
    """Take a decision back, and the other half of a swap."""
    if not people_of(request).take_back(min(stand_in, 2**63 - 1)):
        raise ProblemError(
            404, "unknown-stand-in", f"There is no decision {stand_in}.", remedy="See GET /api/v1/roster."
        )
    return json(Gone(id=str(stand_in)))


def turn_entry(plan: Plan, book: Book, turn: Turn, failed: frozenset[str], now_ms: int) -> TurnEntry:
    """Return a turn as the API shows it."""
    places = [(_place(plan, book, each, failed), each.off) for each in standings(book, turn)]
    return TurnEntry(
        group=turn.group,
        shift=turn.shift,
        name=plan.groups[turn.group].shifts[turn.shift].name,
        date=turn.date,
        from_=format_time(turn.start_ms),
        until=format_time(turn.end_ms),
        on=turn.start_ms <= now_ms < turn.end_ms,
        people=[place for place, off in places if not off],
        off=[place for place, off in places if off],
    )


def _place(plan: Plan, book: Book, standing: Standing, failed: frozenset[str]) -> Place:
    person = book.people.get(standing.person or "")
    why_not = unreachable(plan, book, person, failed) if person is not None else "nobody is there"
    decided = standing.stand_in
    return Place(
        id=standing.person,
        name=person.name if person is not None else None,
        reachable=why_not is None,
        why_not=why_not,
        duty=standing.duty.id if standing.duty is not None else None,
        stand_in=decided.id if decided is not None else None,
        instead_of=decided.instead_of if decided is not None and not standing.off else None,
        reason=decided.reason if decided is not None else "",
    )


def _stand_in(made: StandIn, by: str) -> StandInEntry:
    return StandInEntry(
        id=made.id,
        date=made.date,
        group=made.group,
        shift=made.shift,
        person=made.person,
        instead_of=made.instead_of,
        by=by,
        reason=made.reason,
        pair=made.pair,
    )

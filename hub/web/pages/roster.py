"""``/roster``: the week of a group, who stands on each shift; and one shift of one date, where that is changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from andgate.errors import RefusedError
from andgate.shifts import Turn, local_date, turn_of
from hub.people import edit
from hub.store.people import Duty, StandIn
from hub.web.api.moments import name_of
from hub.web.api.people import people_of
from hub.web.auth import Caller, Needs, caller
from hub.web.context import Context, context
from hub.web.pages.form import form_of
from hub.web.pages.render import who_of
from hub.web.pages.shift_day import one_day
from hub.web.pages.shift_week import week
from hub.web.problems import ProblemError, sentence

if TYPE_CHECKING:
    from andgate.plan import Plan
    from hub.store import People
    from hub.web.pages.render import Pages

YEARS_DAYS = 3650
"""No roster is asked for so far away."""

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs("act"))])

Here = Annotated[Context, Depends(context)]
Keeper = Annotated[Caller, Depends(Needs("supervise"))]


@router.get("/roster")
def roster(request: Request, here: Here, group: str | None = None) -> HTMLResponse:
    """Show a group's week."""
    draw: Pages = request.app.state.pages
    plan, now_ms = here.driver.plan, here.clock.now_ms()
    people = people_of(request)
    working = [each for each in plan.groups.values() if each.shifts]
    chosen = next((each for each in working if group in {None, each.id}), None)
    if chosen is None and working:
        raise ProblemError(404, "unknown-group", f'No group "{group}" works in shifts.', remedy="See /roster.")
    today = local_date(plan.site.timezone, now_ms)
    try:
        day = date.fromisoformat(request.query_params.get("week", today.isoformat()))
    except ValueError:
        day = today
    if not today - timedelta(days=YEARS_DAYS) < day < today + timedelta(days=YEARS_DAYS):
        day = today
    found = None
    if chosen is not None:
        book = people.book()
        monday = day - timedelta(days=day.weekday())
        found = week(plan, book, chosen, monday, now_ms, people.failed(book.people))
    return draw.page(request, "roster.html", alive=False, here="roster", week=found)


@router.get("/roster/{group}/{shift}/{day}")
def turn(request: Request, here: Here, group: str, shift: str, day: str) -> HTMLResponse:
    """Show one shift of one date."""
    return _turn(request, here, group, shift, day)


def _turn(request: Request, here: Context, group: str, shift: str, day: str, wrong: str = "") -> HTMLResponse:
    draw: Pages = request.app.state.pages
    people, plan, now_ms = people_of(request), here.driver.plan, here.clock.now_ms()
    book = people.book()
    found = _known(plan, group, shift, day)
    return draw.page(
        request,
        "turn.html",
        status=422 if wrong else 200,
        alive=False,
        here="roster",
        turn=one_day(plan, book, found, now_ms, people.failed(book.people)),
        may=caller(request).may("supervise"),
        wrong=wrong,
        said=request.query_params.get("said") == "done",
    )


def put_on_by(request: Request, who: Caller) -> str:
    """Return under which name whoever uses a form decides."""
    return name_of(who, (who_of(request) or None) if who.via == "open" else None)


def _known(plan: Plan, group: str, shift: str, day: str) -> Turn:
    try:
        found = turn_of(plan, group, shift, edit.day(day))
    except RefusedError:
        found = None
    if found is None:
        raise ProblemError(404, "unknown-shift", "There is no such shift.", remedy="Choose at /roster.")
    return found


@router.post("/roster/{group}/{shift}/{day}/{do}")
async def change(request: Request, here: Here, who: Keeper, group: str, shift: str, day: str, do: str) -> Response:
    """Do what a form of a shift asks for."""
    fields = await form_of(request)
    found = _known(here.driver.plan, group, shift, day)
    by = put_on_by(request, who)
    try:
        await run_in_threadpool(_do, request, here, found, do, fields, by)
    except RefusedError as wrong:
        return await run_in_threadpool(_turn, request, here, group, shift, day, sentence(str(wrong)))
    return RedirectResponse(f"/roster/{quote(group)}/{quote(shift)}/{quote(found.date)}?said=done", 303)


def _do(request: Request, here: Context, turn: Turn, do: str, fields: dict[str, str], by: str) -> None:
    people, plan = people_of(request), here.driver.plan
    now_ms = here.clock.now_ms()

    def decided(turn: tuple[str, str, str], person: str | None, instead_of: str | None) -> StandIn:
        group, shift, day = turn
        made = StandIn(
            date=day,
            group=group,
            shift=shift,
            person=person or None,
            instead_of=instead_of or None,
            by=by,
            reason=fields.get("reason", "")[:200],
            at_ms=now_ms,
        )
        return edit.stand_in(made, plan)

    if do == "replace":
        people.stand_in([decided(turn.key, fields.get("person"), fields.get("instead_of"))])
    elif do == "swap":
        mine, (shift, day, other) = fields.get("instead_of", ""), _other(fields.get("with", ""))
        both = [decided(turn.key, other, mine), decided((turn.group, shift, edit.day(day)), mine, other)]
        people.stand_in(edit.swap(both, people.book(), plan))
    elif do == "add":
        put_on(people, here, turn, fields.get("person", ""), fields.get("when", "once"), by)
    elif do == "take-back":
        people.take_back(_number(fields.get("id", "")))
    elif do == "take-off":
        people.end_duty(_number(fields.get("id", "")), turn.date)
    else:
        raise ProblemError(404, "not-found", f'Nothing called "{do[:40]}" can be done to a shift.')


def put_on(people: People, here: Context, turn: Turn, person: str, when: str, by: str) -> None:
    """Put somebody on a shift: ``once``, on its ``weekday`` from then on, or on ``all`` of its days.

    Raises:
        RefusedError: there is nobody of this id.
    """
    plan = here.driver.plan
    if when == "once":
        made = StandIn(
            date=turn.date,
            group=turn.group,
            shift=turn.shift,
            person=person,
            instead_of=None,
            by=by,
            at_ms=here.clock.now_ms(),
        )
        people.stand_in([edit.stand_in(made, plan)])
        return
    shift = plan.groups[turn.group].shifts[turn.shift]
    weekday = date.fromisoformat(turn.date).weekday()
    days = (weekday,) if when == "weekday" or not shift.days else shift.days
    duty = Duty(person=person, group=turn.group, shift=turn.shift, days=days, first=turn.date)
    people.put_on(edit.duty(duty, plan))


def turn_named(plan: Plan, value: str) -> Turn:
    """Return the turn that a form names: group, shift and date."""
    return _known(plan, *(*value.split(), "", "", "")[:3])


def _other(value: str) -> tuple[str, str, str]:
    parts = value.split()
    if len(parts) != 3:  # noqa: PLR2004 - shift, date, person
        raise RefusedError("nobody is named to swap with. Choose somebody")
    return parts[0], parts[1], parts[2]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0  # noqa: PLR2004 - SQLite's integers

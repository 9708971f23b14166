"""``/people``: who can be paged and over what; to add, change, try and remove them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from andgate.errors import RefusedError
from andgate.shifts import local_date
from hub.people import edit
from hub.people.addresses import MOST
from hub.people.roster import unreachable
from hub.store.people import Book, Person
from hub.web.api.people import people_of, tried, unknown
from hub.web.auth import Caller, Needs, caller
from hub.web.context import Context, context
from hub.web.pages.form import form_of
from hub.web.pages.person import QUIET_MOST, Fields, fields_of, story
from hub.web.pages.phones import setting_up
from hub.web.pages.reach import offers, rows, urls_of, way_name
from hub.web.pages.roster import put_on, put_on_by, turn_named
from hub.web.pages.shift_week import date_said
from hub.web.pages.speech import languages, tags_of
from hub.web.pages.words import listed, rich, say
from hub.web.problems import sentence

if TYPE_CHECKING:
    from markupsafe import Markup

    from andgate.plan import Plan
    from hub.store import People
    from hub.web.pages.render import Pages

_SAID = frozenset({"added", "saved", "tested", "on"})

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs("act"))])

Here = Annotated[Context, Depends(context)]
Keeper = Depends(Needs("supervise"))


class Row(Struct, frozen=True, kw_only=True):
    """Somebody in the list."""

    id: str
    name: str
    speaks: str
    shifts: str
    ways: str
    why_not: str
    """Empty where they can be reached, as far as anybody knows."""
    proven: bool
    """A page is known to have come to them."""


class Listing(Struct, frozen=True, kw_only=True):
    """Everybody."""

    sayable: Markup
    unproven: str
    """How many can be reached as far as anybody knows, and it was never seen; empty: nobody."""
    rows: tuple[Row, ...]


def listing(plan: Plan, book: Book, failed: frozenset[str], proven: frozenset[str], now_ms: int) -> Listing:
    """Return everybody, by name; pure.

    Args:
        plan: the plan in force.
        book: everybody.
        failed: whom the last page did not reach, for good.
        proven: to whom a page is known to have come.
        now_ms: site time.
    """
    today = local_date(plan.site.timezone, now_ms).isoformat()
    rows = tuple(
        Row(
            id=person.id,
            name=person.name,
            speaks=languages(person.languages),
            shifts=listed(_shifts(plan, book, person, today)) or say("people.noshift"),
            ways=", ".join(way_name(plan, url) for url in person.channels) or say("people.noway"),
            why_not=unreachable(plan, book, person, failed) or "",
            proven=person.id in proven,
        )
        for person in book.people.values()
    )
    reached = sum(not row.why_not for row in rows)
    if not rows:
        sayable = rich("people.say.none")
    elif reached == len(rows):
        sayable = rich("people.say.one") if reached == 1 else rich("people.say", n=reached)
    else:
        sayable = rich("people.say.some", n=reached, all=len(rows))
    unproven = sum(not row.why_not and not row.proven for row in rows)
    return Listing(sayable=sayable, unproven=say("people.unproven", n=unproven) if unproven else "", rows=rows)


def _shifts(plan: Plan, book: Book, person: Person, today: str) -> list[str]:
    found: dict[str, None] = {}
    for duty in book.duties:
        group = plan.groups.get(duty.group)
        over = today > (duty.date or duty.last or today)
        if duty.person == person.id and not over and group is not None and duty.shift in group.shifts:
            found[f"{group.shifts[duty.shift].name}, {group.name}"] = None
    for each in book.stand_ins:
        group = plan.groups.get(each.group)
        if each.person == person.id and each.date >= today and group is not None and each.shift in group.shifts:
            day = date_said(each.date, date.fromisoformat(today))
            found[say("people.once", shift=group.shifts[each.shift].name, group=group.name, day=day)] = None
    return list(found)


def person_of(id: str, fields: Fields, plan: Plan) -> Person:
    """Return the person that a form says; RefusedError says what is wrong in it."""
    made = Person(
        id=id,
        name=fields.name,
        languages=tags_of(fields.languages),
        channels=urls_of(fields.ways, plan),
        quiet=tuple(edit.span(start, end, _rungs(steps)) for start, end, steps in fields.quiet),
        active=fields.active,
    )
    return edit.person(made, plan)


# ------------------------------------------------------------------------------------------------------- addresses


@router.get("/people")
def people(request: Request, here: Here) -> HTMLResponse:
    """List everybody."""
    return _list(request, here, people_of(request))


def _list(
    request: Request, here: Context, people: People, fields: Fields | None = None, wrong: str = ""
) -> HTMLResponse:
    draw: Pages = request.app.state.pages
    book, plan = people.book(), here.driver.plan
    shown = fields or Fields()
    return draw.page(
        request,
        "people.html",
        status=422 if wrong else 200,
        alive=False,
        here="roster",
        list=listing(plan, book, people.failed(book.people), people.proven(book.people), here.clock.now_ms()),
        may=caller(request).may("supervise"),
        fields=shown,
        ways=rows(shown.ways),
        offers=offers(plan, shown.ways),
        wrong=wrong,
        gone=request.query_params.get("said") == "gone",
    )


@router.post("/people", dependencies=[Keeper])
async def add(request: Request, here: Here) -> Response:
    """Add somebody."""
    keeper, fields = people_of(request), _fields(await form_of(request))
    try:
        wanted = await run_in_threadpool(person_of, "", fields, here.driver.plan)
        made = await run_in_threadpool(keeper.add, wanted, here.clock.now_ms())
    except RefusedError as wrong:
        return await run_in_threadpool(_list, request, here, keeper, fields, sentence(str(wrong)))
    return RedirectResponse(f"/people/{quote(made.id)}?said=added#main", 303)


@router.get("/people/{person}")
def one(request: Request, here: Here, person: str) -> HTMLResponse:
    """Show one person."""
    return _one(request, here, person)


def _one(request: Request, here: Context, id: str, fields: Fields | None = None, wrong: str = "") -> HTMLResponse:
    draw: Pages = request.app.state.pages
    keeper, plan = people_of(request), here.driver.plan
    book = keeper.book()
    known = book.people.get(id)
    if known is None:
        raise unknown(id)
    found = story(plan, book, known, keeper.failed([id]), keeper.last_pages(id), here.clock.now_ms())
    said = request.query_params.get("said", "")
    may = caller(request).may("supervise")
    shown = fields or (fields_of(known) if may else Fields())
    return draw.page(
        request,
        "person.html",
        status=422 if wrong else 200,
        alive=False,
        here="roster",
        person=found,
        phone=setting_up(request, plan, known, here.clock.now_ms()),
        fields=shown,
        ways=rows(shown.ways),
        offers=offers(plan, shown.ways),
        may=may,
        wrong=wrong,
        said=said if said in _SAID else "",
    )


@router.post("/people/{person}", dependencies=[Keeper])
async def change(request: Request, here: Here, person: str) -> Response:
    """Keep what is new about somebody."""
    keeper, fields = people_of(request), _fields(await form_of(request))
    try:
        wanted = await run_in_threadpool(person_of, person, fields, here.driver.plan)
        if not await run_in_threadpool(keeper.change, wanted):
            raise unknown(person)
    except RefusedError as wrong:
        return await run_in_threadpool(_one, request, here, person, fields, sentence(str(wrong)))
    return RedirectResponse(f"/people/{quote(person)}?said=saved#main", 303)


@router.post("/people/{person}/test/{channel}", dependencies=[Keeper])
async def test(request: Request, person: str, channel: int) -> Response:
    """Send a test page."""
    await form_of(request)
    await tried(request, person, channel)
    return RedirectResponse(f"/people/{quote(person)}?said=tested", 303)


@router.post("/people/{person}/put-on")
async def on_a_shift(request: Request, here: Here, who: Annotated[Caller, Keeper], person: str) -> Response:
    """Put somebody on a shift."""
    fields = await form_of(request)
    turn = turn_named(here.driver.plan, fields.get("turn", ""))
    by, when = put_on_by(request, who), fields.get("when", "once")
    try:
        await run_in_threadpool(put_on, people_of(request), here, turn, person, when, by)
    except RefusedError as wrong:
        return await run_in_threadpool(_one, request, here, person, None, sentence(str(wrong)))
    return RedirectResponse(f"/people/{quote(person)}?said=on", 303)


@router.post("/people/{person}/remove", dependencies=[Keeper])
async def remove(request: Request, person: str) -> Response:
    """Take somebody off the list."""
    await form_of(request)
    if not await run_in_threadpool(people_of(request).remove, person):
        raise unknown(person)
    return RedirectResponse("/people?said=gone", 303)


def _rungs(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(",") if each.isascii() and each.isdigit() and len(each) == 1)


def _fields(form: dict[str, str]) -> Fields:
    quiet = (
        (form.get(f"from-{n}", ""), form.get(f"until-{n}", ""), form.get(f"rungs-{n}", ""))
        for n in range(1, QUIET_MOST + 1)
    )
    typed = ((form.get(f"way-{n}", ""), form.get(f"to-{n}", "")) for n in range(1, MOST + 1))
    return Fields(
        name=form.get("name", ""),
        languages=form.get("languages", ""),
        ways=tuple((value, text) for value, text in typed if value or text),
        quiet=tuple((start, end, steps) for start, end, steps in quiet if start or end),
        active="active" in form,
    )

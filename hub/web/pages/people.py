"""``/people``: who can be paged and over what; to add, change, test and remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from andgate.errors import RefusedError
from andgate.plan.addresses import kind_of
from andgate.routing import personal
from andgate.shifts import turns
from hub.people import edit
from hub.people.roster import on_turn, unreachable
from hub.store.people import Book, Person, Quiet
from hub.web.api.people import people_of, tried, unknown
from hub.web.auth import Needs, caller
from hub.web.context import Context, context
from hub.web.pages.form import form_of
from hub.web.pages.spans import DAY_MS, when_words
from hub.web.pages.words import ENGLISH, listed, rich, say
from hub.web.problems import sentence

if TYPE_CHECKING:
    from markupsafe import Markup

    from andgate.plan import Plan
    from hub.store import People
    from hub.store.people import LastPage
    from hub.web.pages.render import Pages

AHEAD_MS = 28 * DAY_MS
"""So far ahead somebody's next shifts are looked for."""
_MOST_TURNS = 6
_SAID = frozenset({"added", "saved", "tested"})

router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs("act"))])

Here = Annotated[Context, Depends(context)]
Keeper = Depends(Needs("supervise"))


class Way(Struct, frozen=True):
    """One way to reach somebody."""

    number: int
    name: str
    last: str
    failed: bool


class Row(Struct, frozen=True, kw_only=True):
    """Somebody in the list."""

    id: str
    name: str
    shifts: str
    ways: str
    why_not: str
    """Empty where they can be reached."""


class Listing(Struct, frozen=True, kw_only=True):
    """Everybody."""

    sayable: Markup
    rows: tuple[Row, ...]


class Fields(Struct, frozen=True, kw_only=True):
    """A person as the form shows them."""

    name: str = ""
    languages: str = ""
    channels: str = ""
    quiet_from: str = ""
    quiet_to: str = ""
    active: bool = True


class Story(Struct, frozen=True, kw_only=True):
    """One person's page."""

    id: str
    name: str
    fields: Fields
    why_not: str
    ways: tuple[Way, ...]
    turns: tuple[tuple[str, str], ...]
    """(address, words) of the next shifts."""
    phone: bool
    """One of the ways is a phone that must add itself."""


def way_name(url: str) -> str:
    """Return what a channel is called, without what may be a secret in it."""
    kind = kind_of(url)
    if kind == "mqtt":
        return say("way.mqtt", to=url.partition("://")[2])
    return say(f"way.{kind}") if f"way.{kind}" in ENGLISH else say("way.other", kind=kind)


def last_words(last: LastPage | None, now_ms: int, zone: str) -> str:
    """Return what became of the newest page over a channel."""
    if last is None:
        return say("person.last.none")
    when = when_words(last.at_ms, now_ms, zone)
    if last.state == "queued" and last.note:
        return say("person.last.queued.why", when=when, note=last.note)
    return say(f"person.last.{last.state}", when=when, note=last.note)


def listing(plan: Plan, book: Book, failed: frozenset[str]) -> Listing:
    """Return everybody, by name; pure."""
    rows = tuple(
        Row(
            id=person.id,
            name=person.name,
            shifts=listed(_shifts(plan, book, person)) or say("people.noshift"),
            ways=", ".join(way_name(url) for url in person.channels) or say("people.noway"),
            why_not=unreachable(plan, book, person, failed) or "",
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
    return Listing(sayable=sayable, rows=rows)


def _shifts(plan: Plan, book: Book, person: Person) -> list[str]:
    found: dict[str, None] = {}
    for duty in book.duties:
        group = plan.groups.get(duty.group)
        if duty.person == person.id and group is not None and duty.shift in group.shifts:
            found[f"{group.shifts[duty.shift].name}, {group.name}"] = None
    return list(found)


def story(
    plan: Plan, book: Book, person: Person, failed: frozenset[str], last: dict[str, LastPage], now_ms: int
) -> Story:
    """Return one person's page; pure."""
    zone = plan.site.timezone
    ahead = [
        (turn, plan.groups[turn.group].shifts[turn.shift].name)
        for group in plan.groups
        for turn in turns(plan, group, now_ms, now_ms + AHEAD_MS)
        if any(each.id == person.id for each in on_turn(book, turn))
    ]
    ways = []
    for rank, url in enumerate(person.channels):
        sent = last.get(personal(person.id, rank))
        ways.append(
            Way(rank + 1, way_name(url), last_words(sent, now_ms, zone), sent is not None and sent.state == "failed")
        )
    return Story(
        id=person.id,
        name=person.name,
        fields=fields_of(person),
        why_not=unreachable(plan, book, person, failed) or "",
        ways=tuple(ways),
        turns=tuple(
            (f"/roster/{turn.group}/{turn.shift}/{turn.date}", f"{name}, {when_words(turn.start_ms, now_ms, zone)}")
            for turn, name in sorted(ahead)[:_MOST_TURNS]
        ),
        phone=any(kind_of(url) == "webpush" for url in person.channels) and person.id not in book.phones,
    )


def fields_of(person: Person) -> Fields:
    """Return somebody as the form shows them: the first quiet span, which is all the form knows."""
    quiet = person.quiet[0] if person.quiet else None
    return Fields(
        name=person.name,
        languages=" ".join(person.languages),
        channels="\n".join(person.channels),
        quiet_from=_time(quiet.start_min) if quiet else "",
        quiet_to=_time(quiet.end_min) if quiet else "",
        active=person.active,
    )


def person_of(id: str, fields: Fields, before: Person | None, plan: Plan) -> Person:
    """Return the person that a form says; RefusedError says what is wrong in it."""
    quiet: tuple[Quiet, ...] = ()
    if fields.quiet_from or fields.quiet_to:
        first = before.quiet[0].steps if before is not None and before.quiet else ()
        quiet = (edit.span(fields.quiet_from, fields.quiet_to, first), *(before.quiet[1:] if before else ()))
    made = Person(
        id=id,
        name=fields.name,
        languages=tuple(fields.languages.replace(",", " ").split()),
        channels=tuple(fields.channels.split()),
        quiet=quiet,
        active=fields.active,
    )
    return edit.person(made, plan)


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


# ------------------------------------------------------------------------------------------------------- addresses


@router.get("/people")
def people(request: Request, here: Here) -> HTMLResponse:
    """List everybody."""
    return _list(request, here, people_of(request))


def _list(
    request: Request, here: Context, people: People, fields: Fields | None = None, wrong: str = ""
) -> HTMLResponse:
    draw: Pages = request.app.state.pages
    book = people.book()
    found = listing(here.driver.plan, book, people.failed(book.people))
    return draw.page(
        request,
        "people.html",
        status=422 if wrong else 200,
        alive=False,
        here="people",
        list=found,
        may=caller(request).may("supervise"),
        fields=fields or Fields(),
        wrong=wrong,
        gone=request.query_params.get("said") == "gone",
    )


@router.post("/people", dependencies=[Keeper])
async def add(request: Request, here: Here) -> Response:
    """Add somebody."""
    keeper, fields = people_of(request), _fields(await form_of(request))
    try:
        wanted = await run_in_threadpool(person_of, "", fields, None, here.driver.plan)
        made = await run_in_threadpool(keeper.add, wanted, here.clock.now_ms())
    except RefusedError as wrong:
        return await run_in_threadpool(_list, request, here, keeper, fields, sentence(str(wrong)))
    return RedirectResponse(f"/people/{quote(made.id)}?said=added", 303)


@router.get("/people/{person}")
def one(request: Request, here: Here, person: str) -> HTMLResponse:
    """Show one person."""
    return _one(request, here, person)


def _one(request: Request, here: Context, id: str, fields: Fields | None = None, wrong: str = "") -> HTMLResponse:
    draw: Pages = request.app.state.pages
    keeper = people_of(request)
    book = keeper.book()
    known = book.people.get(id)
    if known is None:
        raise unknown(id)
    found = story(here.driver.plan, book, known, keeper.failed([id]), keeper.last_pages(id), here.clock.now_ms())
    said = request.query_params.get("said", "")
    may = caller(request).may("supervise")
    return draw.page(
        request,
        "person.html",
        status=422 if wrong else 200,
        alive=False,
        here="people",
        person=found,
        fields=fields or (found.fields if may else Fields()),
        may=may,
        wrong=wrong,
        said=said if said in _SAID else "",
    )


@router.post("/people/{person}", dependencies=[Keeper])
async def change(request: Request, here: Here, person: str) -> Response:
    """Keep what is new about somebody."""
    keeper, fields = people_of(request), _fields(await form_of(request))
    before = keeper.book().people.get(person)
    try:
        wanted = await run_in_threadpool(person_of, person, fields, before, here.driver.plan)
        if not await run_in_threadpool(keeper.change, wanted):
            raise unknown(person)
    except RefusedError as wrong:
        return await run_in_threadpool(_one, request, here, person, fields, sentence(str(wrong)))
    return RedirectResponse(f"/people/{quote(person)}?said=saved", 303)


@router.post("/people/{person}/test/{channel}", dependencies=[Keeper])
async def test(request: Request, person: str, channel: int) -> Response:
    """Send a test page."""
    await form_of(request)
    await tried(request, person, channel)
    return RedirectResponse(f"/people/{quote(person)}?said=tested", 303)


@router.post("/people/{person}/remove", dependencies=[Keeper])
async def remove(request: Request, person: str) -> Response:
    """Take somebody off the list."""
    await form_of(request)
    if not await run_in_threadpool(people_of(request).remove, person):
        raise unknown(person)
    return RedirectResponse("/people?said=gone", 303)


def _fields(form: dict[str, str]) -> Fields:
    return Fields(
        name=form.get("name", ""),
        languages=form.get("languages", ""),
        channels=form.get("channels", ""),
        quiet_from=form.get("quiet_from", ""),
        quiet_to=form.get("quiet_to", ""),
        active="active" in form,
    )

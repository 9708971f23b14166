"""``/people``: who can be paged, over what, and whether they can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from andgate.plan.addresses import kind_of
from andgate.plan.shifts import WEEKDAYS
from andgate.routing import personal
from andgate.wire.codec import Decoder, format_time
from hub.people import edit
from hub.people.roster import unreachable
from hub.store.people import Book, Duty, Person, Quiet
from hub.web.api.answer import answers, json, takes
from hub.web.api.arguments import only_known, read_struct
from hub.web.api.moments import Here, committed
from hub.web.api.staff import (
    ChannelEntry,
    DutyEntry,
    Gone,
    LastSent,
    PersonBody,
    PersonEntry,
    PersonList,
    QuietSpan,
    TestBody,
    TestSent,
)
from hub.web.auth import Caller, Needs, caller
from hub.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from andgate.plan import Plan
    from hub.store import People
    from hub.store.people import LastPage

EXAMPLE = PersonBody(
    name="Ada Bianchi",
    languages=["it", "en"],
    channels=["mqtt://pager-7", "webpush://"],
    quiet=[QuietSpan(from_="22:00", to="06:00")],
)

router = APIRouter(tags=["people"], dependencies=[Depends(only_known)])

Sees = Depends(Needs("act"))
Keeper = Annotated[Caller, Depends(Needs("supervise"))]


class Asks(Protocol):
    """Who asks a pager that is tried whether it has the page."""

    def ask(self, channel: str, page: str) -> None:
        """Ask the pager behind a person's channel, by name, about a page by id."""


def people_of(request: Request) -> People:
    """Return who keeps the people; 404 on a hub without."""
    found: People | None = getattr(request.app.state, "people", None)
    if found is None:
        raise ProblemError(404, "no-people", "This hub keeps no people.")
    return found


@router.get("/people", dependencies=[Sees], **answers(PersonList, 404))
def list_people(request: Request, here: Here) -> Response:
    """List everybody who can be paged. Addresses are shown to whoever may edit them."""
    people, whole = people_of(request), caller(request).may("supervise")
    plan, book = here.driver.plan, people.book()
    failed = people.failed(book.people)
    items = [person_entry(plan, people, book, each, failed, whole=whole) for each in book.people.values()]
    return json(PersonList(items=items))


_person = Decoder(PersonBody)
_test = Decoder(TestBody)
_keeps = answers(PersonEntry, 404, 413, 415)


@router.post(
    "/people", openapi_extra=takes(PersonBody, example=EXAMPLE), **answers(PersonEntry, 404, 413, 415, status=201)
)
async def add_person(request: Request, here: Here, who: Keeper) -> Response:  # noqa: ARG001 - the right
    """Add somebody. The name is the one under which they claim; with it comes their id in the journal."""
    body = await read_struct(request, _person)
    people = people_of(request)
    made = await run_in_threadpool(people.add, await _checked(here, "", body), here.clock.now_ms())
    return json(await run_in_threadpool(_entry, here.driver.plan, people, made.id), status=201)


@router.get("/people/{person}", dependencies=[Sees], **answers(PersonEntry, 404))
def show_person(request: Request, here: Here, person: str) -> Response:
    """Show somebody."""
    return json(_entry(here.driver.plan, people_of(request), person, whole=caller(request).may("supervise")))


@router.put("/people/{person}", openapi_extra=takes(PersonBody, example=EXAMPLE), **_keeps)
async def keep_person(request: Request, here: Here, who: Keeper, person: str) -> Response:  # noqa: ARG001 - the right
    """Keep somebody as the body says, whole: what it leaves out is empty from now on."""
    body = await read_struct(request, _person)
    people = people_of(request)
    if not await run_in_threadpool(people.change, await _checked(here, person, body)):
        raise unknown(person)
    return json(await run_in_threadpool(_entry, here.driver.plan, people, person))


@router.delete("/people/{person}", **answers(Gone, 404))
def remove_person(request: Request, who: Keeper, person: str) -> Response:  # noqa: ARG001 - the right
    """Take somebody off the list and every roster. Their name stays with what they did: `andgate erase` forgets it."""
    if not people_of(request).remove(person):
        raise unknown(person)
    return json(Gone(id=person))


@router.post(
    "/people/{person}/test",
    openapi_extra=takes(TestBody, required=False, example=TestBody(channel=1)),
    **answers(TestSent, 404, 413, 415, 503, status=202),
)
async def try_channel(request: Request, who: Keeper, person: str) -> Response:  # noqa: ARG001 - the right
    """Send a test page over one of somebody's channels; what became of it is told with the channel."""
    body = await read_struct(request, _test)
    return json(TestSent(page=await tried(request, person, body.channel)), status=202)


async def tried(request: Request, person: str, channel: int) -> str:
    """Send a test page, and return its id."""
    known = people_of(request).book().people.get(person)
    if known is None:
        raise unknown(person)
    if not 1 <= channel <= len(known.channels):
        raise ProblemError(
            404,
            "unknown-channel",
            f"{known.name} has no way {channel} to be reached.",
            remedy=f"There are {len(known.channels)}.",
        )
    if not known.active:
        raise ProblemError(409, "not-active", f"{known.name} is not to be paged now, so nothing is sent there.")
    send: Callable[[str, str], Future[str]] = request.app.state.try_channel
    name = personal(person, channel - 1)
    page = await committed(send(person, name))
    pagers: Asks | None = request.app.state.drills
    if pagers is not None:
        pagers.ask(name, page)
    return page


async def _checked(here: Here, id: str, body: PersonBody) -> Person:
    made = Person(
        id=id,
        name=body.name,
        languages=tuple(body.languages),
        channels=tuple(body.channels),
        quiet=tuple(edit.span(each.from_, each.to, tuple(each.steps)) for each in body.quiet),
        active=body.active,
    )
    return await run_in_threadpool(edit.person, made, here.driver.plan)


def unknown(person: str) -> ProblemError:
    """Return the 404 for an id that nobody has."""
    return ProblemError(
        404,
        "unknown-person",
        f'There is no person "{person[:40]}".',
        remedy="Who is on the list is at /people, for programs at /api/v1/people.",
    )


def _entry(plan: Plan, people: People, id: str, *, whole: bool = True) -> PersonEntry:
    book = people.book()
    known = book.people.get(id)
    if known is None:
        raise unknown(id)
    return person_entry(plan, people, book, known, people.failed([id]), whole=whole)


def person_entry(
    plan: Plan, people: People, book: Book, person: Person, failed: frozenset[str], *, whole: bool
) -> PersonEntry:
    """Return somebody as the API shows them; `whole`: with addresses."""
    why_not = unreachable(plan, book, person, failed)
    last = people.last_pages(person.id)
    channels = []
    for rank, url in enumerate(person.channels):
        sent = last.get(personal(person.id, rank))
        told = _last(sent) if sent is not None else None
        channels.append(ChannelEntry(channel=rank + 1, kind=kind_of(url), url=url if whole else None, last=told))
    return PersonEntry(
        id=person.id,
        name=person.name,
        languages=list(person.languages),
        channels=channels,
        quiet=[quiet_entry(each) for each in person.quiet],
        active=person.active,
        reachable=why_not is None,
        why_not=why_not,
        duties=[duty_entry(duty) for duty in book.duties if duty.person == person.id],
    )


def _last(page: LastPage) -> LastSent:
    return LastSent(
        state=page.state,
        at=format_time(page.at_ms),
        note=page.note,
        delivered=None if page.delivered_ms is None else format_time(page.delivered_ms),
        read=None if page.read_ms is None else format_time(page.read_ms),
    )


def quiet_entry(quiet: Quiet) -> QuietSpan:
    """Return a quiet span as the API shows it."""
    start, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (quiet.start_min, quiet.end_min))
    return QuietSpan(from_=start, to=end, steps=list(quiet.steps))


def duty_entry(duty: Duty) -> DutyEntry:
    """Return a line of the roster as the API shows it."""
    return DutyEntry(
        id=duty.id,
        person=duty.person,
        group=duty.group,
        shift=duty.shift,
        days=[WEEKDAYS[each] for each in duty.days],  # type: ignore[misc]
        date=duty.date,
        from_=duty.first,
        until=duty.last,
    )

"""``/annunciator/GROUP``: a break room's screen. What its people were paged about, and one big button. No names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from andgate.moment.claims import one_of_us
from hub.quiet import NOTHING
from hub.web.api.moments import act, name_of
from hub.web.auth import Caller, Needs
from hub.web.context import Context, context
from hub.web.pages.board import scope
from hub.web.pages.card import coming_words, urgent
from hub.web.pages.form import form_of
from hub.web.pages.hush import suspended_words
from hub.web.pages.names import capital, key_words, touchpoint_name
from hub.web.pages.spans import hm, left
from hub.web.pages.told import for_rooms
from hub.web.pages.words import listed, say
from hub.web.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.quiet import View
    from hub.web.pages.render import Pages
    from hub.web.pages.source import Source

SHOWN = 4
"""Further calls under the first; a room needs no more to send somebody."""
LOOKED_AT = 50
"""Of all that is threatened, those with the nearest deadlines."""

router = APIRouter(include_in_schema=False)

Here = Annotated[Context, Depends(context)]
Reader = Depends(Needs("read"))
Actor = Annotated[Caller, Depends(Needs("act"))]


class Call(Struct, frozen=True, kw_only=True):
    """Something that a group has been paged about."""

    id: str
    level: str
    state: str
    place: str
    about: str
    """Which flight, and what to do first; may be empty."""
    ends_ms: int
    left: str
    claimed_ms: int | None
    since: str
    saw: int
    """So many are on it."""
    suspended: bool = False
    """A fire alarm is on there: nobody is asked to go."""


class BreakRoom(Struct, frozen=True, kw_only=True):
    """Everything on the screen."""

    group: str
    name: str
    first: Call | None
    """Of what nobody is on, the nearest deadline that can still be met, where somebody may go; else what comes next."""
    others: tuple[Call, ...]
    more: int
    calm: str
    suspended: str = ""
    """What of its places is suspended, and since when, in words; empty: nothing is."""


class Choice(Struct, frozen=True):
    """A break room one may open."""

    id: str
    name: str


def choices(plan: Plan) -> tuple[Choice, ...]:
    """Return every group."""
    return tuple(Choice(group.id, group.name) for group in plan.groups.values())


def build(plan: Plan, group: str, calls: Sequence[Moment], now_ms: int, quiet: View = NOTHING) -> BreakRoom | None:
    """Return a break room's screen; pure. `calls` is what it was paged about; what is muted for it is not shown."""
    known = plan.groups.get(group)
    if known is None:
        return None
    calls = [it for it in calls if quiet.muted_for(plan, it.touchpoint, it.expectation, group, now_ms) is None]
    waiting = sorted(
        calls,
        key=lambda it: (
            it.claimed_ms is not None,
            quiet.suspended(it.touchpoint) is not None,
            it.level == "failed",
            it.ends_ms,
            it.id,
        ),
    )
    shown = [
        _call(plan, each, now_ms, suspended=quiet.suspended(each.touchpoint) is not None)
        for each in waiting[: SHOWN + 1]
    ]
    ways = listed(known.channels)
    calm = say("annunciator.calm.more", group=known.name, ways=ways) if ways else ""
    return BreakRoom(
        group=group,
        name=known.name,
        first=shown[0] if shown else None,
        others=tuple(shown[1:]),
        more=max(0, len(waiting) - SHOWN - 1),
        calm=calm or say("annunciator.calm.alone", group=known.name),
        suspended=suspended_words(plan, quiet, scope(plan, group) or ()),
    )


def _call(plan: Plan, moment: Moment, now_ms: int, *, suspended: bool) -> Call:
    said = [each for each in (moment.key and key_words(moment.key), coming_words(moment)) if each]
    promise = plan.expectations.get(moment.expectation)
    first = promise.first_actions(moment.touchpoint) if promise is not None else ()
    said += [say("annunciator.first", what=first[0])] if first and not suspended else []
    return Call(
        id=moment.id,
        level=moment.level,
        state=say(f"state.{moment.level}"),
        place=touchpoint_name(plan, moment.touchpoint),
        about=capital(". ".join(said)),
        ends_ms=moment.ends_ms,
        left=left(moment.ends_ms - now_ms),
        claimed_ms=moment.claimed_ms,
        since=hm(moment.claimed_ms, plan.site.timezone) if moment.claimed_ms is not None else "",
        saw=len(moment.coming),
        suspended=suspended,
    )


def break_room(source: Source, group: str) -> BreakRoom | None:
    """Read what a break room's screen shows and build it."""
    near = urgent(source.open_moments())[:LOOKED_AT]
    calls = [moment for moment in near if group in for_rooms(source.deliveries(moment.id))]
    return build(source.plan, group, calls, source.now_ms(), source.quiet)


def _pages(request: Request) -> Pages:
    found: Pages = request.app.state.pages
    return found


@router.get("/annunciator", dependencies=[Reader])
def choose(request: Request) -> HTMLResponse:
    """Ask whose break room it is."""
    draw = _pages(request)
    found, none = choices(draw.source.plan), say("annunciator.none")
    heading = say("annunciator.which")
    return draw.page(
        request, "choose.html", alive=False, heading=heading, choices=found, base="/annunciator", none=none
    )


@router.get("/annunciator/{group}", dependencies=[Reader])
def annunciator(request: Request, group: str) -> Response:
    """Show a break room's screen."""
    draw = _pages(request)

    def drawn() -> HTMLResponse:
        found = break_room(draw.source, group)
        if found is None:
            raise _unknown(group)
        return draw.page(request, "annunciator.html", room=found)

    return draw.shared(request, drawn)


@router.post("/annunciator/{group}/claim/{moment}")
async def claim(request: Request, here: Here, who: Actor, group: str, moment: str) -> Response:
    """Say that one of the group comes: under the token's name, on an open hub under the group's own.

    A second press is a second person where two are needed, as at a room's own button.
    """
    known = here.driver.plan.groups.get(group)
    if known is None:
        raise _unknown(group)
    saw = (await form_of(request)).get("saw", "")
    about = await run_in_threadpool(here.reader.moment, moment)
    if about is not None and here.driver.quiet.suspended(about.touchpoint) is not None:
        raise ProblemError(409, "suspended", say("annunciator.suspended"), remedy=say("annunciator.suspended.more"))
    by = known.name
    if about is not None:
        seen = int(saw) if saw.isascii() and saw.isdigit() else 0
        by = one_of_us(by, about.coming, about.needs, saw=seen, at_ms=here.clock.now_ms())
    await act(here, "claim", moment, name_of(who, by if who.via == "open" else None))
    return RedirectResponse(f"/annunciator/{group}", 303)


def _unknown(group: str) -> ProblemError:
    return ProblemError(404, "unknown-group", f'The plan has no group "{group}".', remedy="Choose at /annunciator.")

"""Who is on a moment, on its page: claiming for a while, giving back, handing over, overriding a refused reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.responses import RedirectResponse

from hub.web.api.afterwards import doing
from hub.web.api.answers import HandOverBody
from hub.web.api.claims import Overrides, Whose, handed, whose
from hub.web.api.moments import act, name_of
from hub.web.auth import Caller, Keyring, Needs, caller
from hub.web.context import Context, context
from hub.web.login import local
from hub.web.pages.form import form_of
from hub.web.pages.render import who_of
from hub.web.pages.spans import hms
from hub.web.pages.speech import speakers
from hub.web.pages.words import say
from hub.web.problems import ProblemError

if TYPE_CHECKING:
    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.store.people import People

PROMISES_MIN = (1, 2, 5)
"""Minutes within which somebody may promise to be done; the API takes any."""
MOST_REASON = 500

router = APIRouter(include_in_schema=False)
Here = Annotated[Context, Depends(context)]
Actor = Annotated[Caller, Depends(Needs("act"))]
Supervisor = Annotated[Caller, Depends(Overrides())]


class Choice(Struct, frozen=True):
    """Somebody who may take over."""

    value: str
    name: str


class Claiming(Struct, frozen=True, kw_only=True):
    """What the page of a moment says and offers about who is on it."""

    coming: tuple[str, ...]
    """Who is on it until when, first come first."""
    count: str
    """How many of how many needed; empty where one is enough."""
    mine: bool
    """Whoever looks is on it."""
    may_end: bool
    """Whoever looks may give back a claim: their own, or as a supervisor the last."""
    promises: tuple[int, ...] = PROMISES_MIN
    groups: tuple[Choice, ...] = ()
    people: tuple[Choice, ...] = ()
    speakers: tuple[tuple[str, str], ...] = ()
    """(language, who on shift speaks it)."""
    may_override: bool


def claiming(moment: Moment, plan: Plan, people: People | None, request: Request, now_ms: int) -> Claiming:
    """Return what a moment's page offers to whoever looks."""
    who, zone = caller(request), plan.site.timezone
    me = who.id if who.via != "open" else who_of(request)
    names = [claim.by for claim in moment.coming]
    open_now = moment.state == "open"
    mine = me in names
    keyring: Keyring | None = request.app.state.keyring
    acts = who.may("act")
    return Claiming(
        coming=tuple(
            say("coming.open", name=claim.by)
            if claim.until_ms is None
            else say("coming.until", name=claim.by, time=hms(claim.until_ms, zone))
            for claim in moment.coming
        ),
        count=say("coming.some", have=len(names), needs=moment.needs) if moment.needs > 1 else "",
        mine=mine,
        may_end=open_now and bool(names) and (mine or who.via == "open" or who.may("supervise")),
        groups=tuple(Choice(f"group/{group.id}", group.name) for group in plan.groups.values()),
        people=_people(people, names),
        speakers=speakers(plan, people.book(), now_ms) if people is not None and acts else (),
        may_override=who.may("supervise") or (acts and (keyring is None or not keyring.supervised)),
    )


def _people(people: People | None, names: list[str]) -> tuple[Choice, ...]:
    if people is None:
        return ()
    known = people.book().people.values()
    return tuple(
        Choice(f"person/{person.id}", person.name)
        for person in sorted(known, key=lambda person: person.name)
        if person.active and person.name not in names
    )


def who_acts(request: Request, who: Caller) -> str:
    """Return under which name a form acts: the token's, on an open hub the one this screen keeps."""
    return name_of(who, (who_of(request) if who.via == "open" else None) or None)


def back(fields: dict[str, str]) -> Response:
    """Lead back to where it was asked."""
    return RedirectResponse(local(fields.get("back", "/")), 303)


@router.post("/moments/{moment}/claim")
async def claim(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Say that somebody is on it, for so many minutes or to the next step."""
    fields = await form_of(request)
    minutes = fields.get("minutes", "")
    promise_ms = int(minutes) * 60_000 if minutes in {str(each) for each in PROMISES_MIN} else None
    plan, first = here.driver.plan, fields.get("first")
    await act(
        here,
        "claim",
        moment,
        who_acts(request, who),
        promise_ms=promise_ms,
        saying=lambda about: doing(plan, about, first),
    )
    return back(fields)


@router.post("/moments/{moment}/unclaim")
async def unclaim(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Give one's own claim back, or as a supervisor the last one."""
    fields = await form_of(request)
    by = who_acts(request, who)
    await act(here, "unclaim", moment, by, saying=lambda about: Whose(whose(about, who, by)))
    return back(fields)


@router.post("/moments/{moment}/hand-over")
async def hand_over(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Ask a group, or one person, to take a claim over."""
    fields = await form_of(request)
    kind, _, id = fields.get("to", "").partition("/")
    body = HandOverBody(group=id if kind == "group" else None, person=id if kind == "person" else None)
    by, reason, plan = who_acts(request, who), fields.get("reason", "")[:MOST_REASON] or None, here.driver.plan
    await act(here, "hand-over", moment, by, reason=reason, saying=lambda about: handed(about, who, by, body, plan))
    return back(fields)


@router.post("/moments/{moment}/reset")
async def reset(request: Request, here: Here, who: Supervisor, moment: str) -> Response:
    """End a moment although a hold may stand; a supervisor's business."""
    fields = await form_of(request)
    reason = fields.get("reason", "")[:MOST_REASON]
    if not reason:
        raise ProblemError(422, "no-reason", "The reason is empty.", remedy="Say it in a few words.")
    await act(here, "reset", moment, who_acts(request, who), reason=reason)
    return back(fields)

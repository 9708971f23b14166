"""``/a/{token}``: what the link in a page leads to. Looking does nothing; one button says "I am on my way".

Mail scanners and previews open every link they see, so GET and HEAD change nothing at all. POST does one thing, once:
it claims what the page was about, or says that it is a false alarm. Nobody need be signed in: whoever has the link got
the page, and it is good for nothing else.
"""

from __future__ import annotations

import itertools
import secrets
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from andgate.errors import RefusedError
from andgate.moment.events import Claimed, ClaimLapsed, Unclaimed
from andgate.moment.signals import Action
from andgate.routing import place
from hub.answers.links import GOOD_MS, PATH, Links
from hub.driver.answering import rejection
from hub.store.persons import SOMEBODY
from hub.web.api.moments import act, committed
from hub.web.auth import caller
from hub.web.context import Context, context
from hub.web.pages.form import form_of
from hub.web.pages.names import group_name, promise
from hub.web.pages.render import WHO_COOKIE, YEAR_S, Pages, who_of
from hub.web.pages.spans import hms, left
from hub.web.pages.words import say
from hub.web.problems import ProblemError, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.store import PageRow, Reader
    from hub.store.taps import Tap

State = Literal["ready", "mine", "released", "lapsed", "rejected", "used", "over", "expired", "unknown"]
PROMISES_MIN = (2, 1, 5)
"""Minutes that can be promised with one tap; the first is the big button."""
MOST_NAME = 60
_STATUS: dict[State, int] = {"unknown": 404, "expired": 410, "over": 410, "used": 409}
_serial = itertools.count()

router = APIRouter(include_in_schema=False)
Here = Annotated[Context, Depends(context)]


class Place(Struct, frozen=True, kw_only=True):
    """One moment that the page was about."""

    name: str
    level: str
    promise: str
    ends_ms: int
    left: str
    until: str
    first: str
    """What to do first; empty where the plan does not say."""
    actions: tuple[str, ...]
    """The same one by one, to choose from."""
    remedy: str
    """What is owed to the customer if it breaks, or has; empty where the plan does not say."""
    others: tuple[str, ...]
    """Who is on it, first come first, without whoever looks."""
    needs: int
    have: int


class Answer(Struct, frozen=True, kw_only=True):
    """What the page behind a link shows."""

    state: State
    says: str = ""
    """What has become of it, in words."""
    row: int = 0
    places: tuple[Place, ...] = ()
    moments: tuple[str, ...] = ()
    asked: str = ""
    person: str | None = None
    """Whose link it is, by opaque id."""
    name: str = ""
    """Who looks, as far as that is known."""
    may_reject: bool = False


def answer(reader: Reader, links: Links, plan: Plan, token: str, name: str, now_ms: int) -> Answer:
    """Return how the link with a token stands for whoever looks.

    Args:
        reader: looks into the database.
        links: knows which tokens are genuine.
        plan: in force.
        token: as it stands in the address.
        name: who looks, where the link does not say.
        now_ms: site time.
    """
    number = links.number(token)
    row = reader.delivery(number) if number is not None else None
    if row is None or not links.genuine(token, row):
        return Answer(state="unknown", says=say("answer.unknown.more"))
    if row.person is not None:
        name = reader.name_of(row.person)
        if name == SOMEBODY:  # erased: a claim by nobody would keep others from being paged
            return Answer(state="unknown", says=say("answer.unknown.nobody"))
    told = (found for found in map(reader.moment, reader.told_by(row.page)) if found is not None)
    moments = sorted(told, key=lambda moment: (moment.ends_ms <= now_ms, moment.ends_ms, moment.touchpoint))
    taps = reader.taps(row.id)
    mine = next((tap for tap in taps if (row.person or reader.name_of(tap.who)) in {tap.who, name}), None)
    state, says = _state(reader, row, moments, taps, mine, name, plan.site.timezone, now_ms)
    asked = hms(row.decided_ms, plan.site.timezone)
    return Answer(
        state=state,
        says=says,
        row=row.id,
        places=tuple(_place(plan, moment, name, now_ms) for moment in moments if moment.state == "open"),
        moments=tuple(moment.id for moment in moments if moment.state == "open"),
        asked=say("answer.asked.you", time=asked)
        if row.person is not None
        else say("answer.asked", group=group_name(plan, row.group), time=asked),
        person=row.person,
        name=name,
        may_reject=len(moments) == 1 and moments[0].verdict != "failure",
    )


def _state(
    reader: Reader,
    row: PageRow,
    moments: Sequence[Moment],
    taps: Sequence[Tap],
    mine: Tap | None,
    name: str,
    zone: str,
    now_ms: int,
) -> tuple[State, str]:
    """Return how it stands, and what is said of that."""
    if mine is not None and mine.do == "reject":
        return "rejected", say("answer.rejected.more", time=hms(mine.at_ms, zone))
    running = [moment for moment in moments if moment.state == "open"]
    if not running:
        return "over", _over(moments, zone)
    if mine is not None:
        return _mine(reader, running, mine, name, zone)
    needs = 1 if row.person is not None else max(moment.needs for moment in running)
    if len(taps) >= needs:
        return "used", say("answer.used.more", name=reader.name_of(taps[0].who), time=hms(taps[0].at_ms, zone))
    if now_ms > row.decided_ms + GOOD_MS:
        return "expired", say("answer.expired.more", time=hms(row.decided_ms + GOOD_MS, zone))
    return "ready", ""


def _mine(reader: Reader, running: Sequence[Moment], mine: Tap, name: str, zone: str) -> tuple[State, str]:
    """Return how it stands for somebody who has said that they come."""
    at = hms(mine.at_ms, zone)
    claims = [claim for moment in running for claim in moment.coming if claim.by == name]
    if claims:
        until_ms = min((claim.until_ms for claim in claims if claim.until_ms is not None), default=None)
        if until_ms is None:
            return "mine", say("answer.mine.open", time=at)
        return "mine", say("answer.mine.until", time=at, until=hms(until_ms, zone))
    back_ms = [each for moment in running if (each := _given_back(reader, moment, name)) is not None]
    state: State = "released" if back_ms else "lapsed"
    at = hms(max(back_ms), zone) if back_ms else at
    if all(moment.claimed_ms is not None for moment in running):  # enough others come, and nobody is paged on
        return state, say(f"answer.{state}.others", time=at, name=running[0].coming[0].by)
    return state, say(f"answer.{state}.more", time=at)


def _given_back(reader: Reader, moment: Moment, name: str) -> int | None:
    """Return when somebody said that they cannot come after all, if that was the last they said; else None."""
    events = [line.event for line in reader.trail(moment.id)]
    said = [each for each in events if isinstance(each, Claimed | Unclaimed | ClaimLapsed) and each.by == name]
    return said[-1].at_ms if said and isinstance(said[-1], Unclaimed) else None


def _over(moments: Sequence[Moment], zone: str) -> str:
    if not moments or moments[-1].withdrawn:
        return say("answer.over.gone")
    last = max(moments, key=lambda moment: moment.ended_ms or 0)
    time = hms(last.ended_ms or last.ends_ms, zone)
    if last.verdict == "void":
        return say("answer.over.void", reason=last.reason or say("state.void"))
    how = "failed" if last.verdict == "failure" else "saved" if last.saved else "kept"
    return say(f"answer.over.{how}", time=time)


def _place(plan: Plan, moment: Moment, name: str, now_ms: int) -> Place:
    zone = plan.site.timezone
    expectation = plan.judged.get(moment.expectation)
    actions = expectation.first_actions(moment.touchpoint) if expectation is not None else ()
    others = []
    for claim in moment.coming:
        if claim.by != name:
            since = hms(claim.at_ms, zone)
            if claim.until_ms is None:
                others.append(say("answer.others", name=claim.by, time=since))
            else:
                until = hms(claim.until_ms, zone)
                others.append(say("answer.others.until", name=claim.by, time=since, until=until))
    late = now_ms > moment.ends_ms
    return Place(
        name=place(moment, plan),
        level=moment.level,
        promise=promise(plan, moment.expectation),
        ends_ms=moment.ends_ms,
        left=left(moment.ends_ms - now_ms),
        until=say("answer.late" if late else "answer.left", time=hms(moment.ends_ms, zone)),
        first=say("answer.first", actions=", ".join(actions)) if actions else "",
        actions=actions,
        remedy=_remedy(plan, moment),
        others=tuple(others),
        needs=moment.needs,
        have=len(moment.coming),
    )


def _remedy(plan: Plan, moment: Moment) -> str:
    promised = plan.expectations.get(moment.expectation)
    if promised is None or not promised.remedy:
        return ""
    return say("answer.remedy.now" if moment.verdict == "failure" else "answer.remedy", remedy=promised.remedy)


def links_of(request: Request) -> Links | None:
    """Return what knows links; None where the hub writes none."""
    found: Links | None = request.app.state.links
    return found


def who_looks(request: Request) -> str:
    """Return who looks: whoever is signed in, else whom this phone remembers."""
    who = caller(request)
    return who.id if who.via == "cookie" else who_of(request)


async def _found(request: Request, here: Context, token: str, name: str) -> Answer:
    links = links_of(request)
    if links is None:
        return Answer(state="unknown", says=say("answer.unknown.more"))
    return await run_in_threadpool(answer, here.reader, links, here.driver.plan, token, name, here.clock.now_ms())


def _drawn(request: Request, found: Answer, token: str, *, wrong: str = "") -> Response:
    drawn: Pages = request.app.state.pages
    status = _STATUS.get(found.state, 200)
    made = drawn.page(
        request,
        "answer.html",
        status=409 if wrong and status == 200 else status,  # noqa: PLR2004 - the HTTP status
        alive=False,
        answer=found,
        token=token,
        path_of_answer=f"{PATH}{token}",
        promises=PROMISES_MIN,
        asks_name=found.person is None and caller(request).via != "cookie",
        wrong=wrong,
    )
    made.headers["x-robots-tag"] = "noindex, nofollow"
    return made


@router.get(f"{PATH}{{token}}")
async def show(request: Request, here: Here, token: str) -> Response:
    """Show what the link will do; do nothing."""
    return _drawn(request, await _found(request, here, token, who_looks(request)), token)


@router.head(f"{PATH}{{token}}")
async def peek(token: str) -> Response:
    """Answer whoever only looks whether there is something."""
    return Response(status_code=200, headers={"cache-control": "no-store"} if token else {})


@router.post(f"{PATH}{{token}}")
async def do(request: Request, here: Here, token: str) -> Response:
    """Claim what the page was about, or call it a false alarm; once."""
    fields = await form_of(request)
    name = who_looks(request)
    if caller(request).via != "cookie":
        name = "".join(letter for letter in fields.get("who", name)[:MOST_NAME] if letter.isprintable()).strip() or name
    found = await _found(request, here, token, name)
    gives_back = fields.get("do") == "unclaim"
    if gives_back and found.state == "mine":
        return await _give_back(request, here, found, token, name)
    if gives_back or found.state != "ready":
        return _answered(request, found, token, name)
    if not found.name:
        return _drawn(request, found, token, wrong=say("answer.name.more"))
    rejects = fields.get("do") == "reject"
    if rejects and not found.may_reject:
        return _drawn(request, found, token, wrong=say("answer.over"))
    minutes = fields.get("minutes", "")
    promised = int(minutes) if minutes in {str(each) for each in PROMISES_MIN} else PROMISES_MIN[0]
    at_ms = here.clock.now_ms()
    actions = [
        Action(
            id=f"w/{at_ms:012x}-l{next(_serial):07x}-{secrets.token_hex(4)}",
            do="void" if rejects else "claim",
            moment=moment,
            at_ms=at_ms,
            by=found.person or found.name,
            promise_ms=None if rejects else promised * 60_000,
            reason=rejection(fields.get("reason")) if rejects else None,
            first=None if rejects else _chosen(found, fields),
        )
        for moment in found.moments
    ]
    wrong = ""
    try:
        await committed(here.driver.tap(found.row, actions, found.person))
    except RefusedError as refused:
        wrong = sentence(str(refused))
    found = await _found(request, here, token, name)
    if wrong and found.state == "ready":
        return _drawn(request, found, token, wrong=say("answer.refused", why=wrong))
    return _answered(request, found, token, name)


def _chosen(found: Answer, fields: dict[str, str]) -> str | None:
    """Return which first action somebody says to do, where the plan has it."""
    words = fields.get("first", "")
    return words if len(found.places) == 1 and words in found.places[0].actions else None


async def _give_back(request: Request, here: Context, found: Answer, token: str, name: str) -> Response:
    """Say of everything that the page told that whoever said to come cannot come after all."""
    for moment in found.moments:
        try:
            await act(here, "unclaim", moment, found.person or found.name)
        except ProblemError as wrong:
            if wrong.status not in {404, 409}:  # over meanwhile, or never theirs
                raise
    return _answered(request, await _found(request, here, token, name), token, name)


def _answered(request: Request, found: Answer, token: str, name: str) -> Response:
    """Show how it stands now, and let the phone remember who answered.

    There is no redirect to a page that a reload would only show: a phone that keeps no cookies would be a stranger
    there, and a second POST by the same person is answered alike and does nothing.
    """
    made = _drawn(request, found, token)
    if found.state in {"mine", "rejected"} and found.person is None and caller(request).via != "cookie":
        secure = request.scope["scheme"] == "https"
        made.set_cookie(WHO_COOKIE, quote(name), max_age=YEAR_S, samesite="lax", secure=secure)
    return made

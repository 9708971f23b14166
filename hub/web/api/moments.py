"""``/moments``: looking at moments of truth, and what persons do about them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from typing import Annotated, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct
from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool

from andgate.errors import RefusedError, UsageError
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind
from andgate.wire.codec import Decoder, moment_message
from andgate.wire.messages import MomentMessage
from hub.web.api import shapes
from hub.web.api.afterwards import Saying, cause_said, decides, doing, remedy_said
from hub.web.api.answer import answers, json, takes
from hub.web.api.answers import (
    ByBody,
    CauseBody,
    ClaimBody,
    HandOverBody,
    MomentDetail,
    MomentList,
    ReasonBody,
    RemedyBody,
)
from hub.web.api.arguments import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Cursor,
    Filter,
    Limit,
    Since,
    Until,
    only_known,
    read_struct,
    span,
)
from hub.web.api.claims import Overrides, Whose, handed, whose
from hub.web.auth import Caller, Needs
from hub.web.context import Context, context
from hub.web.problems import ProblemError, sentence, unprocessable

log = logging.getLogger(__name__)

Done = TypeVar("Done")
ANSWER_WITHIN_S = 30.0
"""The driver answers in milliseconds; if it takes this long, something is very wrong and the caller must know."""

router = APIRouter(tags=["moments"], dependencies=[Depends(only_known)])

Here = Annotated[Context, Depends(context)]
Reads = Depends(Needs("read"))
Actor = Annotated[Caller, Depends(Needs("act"))]
Supervisor = Annotated[Caller, Depends(Overrides())]


@router.get("/moments", dependencies=[Reads], **answers(MomentList))
def list_moments(  # noqa: PLR0913, PLR0917 - one for each filter
    here: Here,
    since_ms: Since,
    until_ms: Until,
    state: Literal["open", "ended"] | None = None,
    expectation: Filter = None,
    touchpoint: Filter = None,
    key: Filter = None,
    withdrawn: Annotated[bool, Query(description="Also those that turned out not to be moments of their own.")] = False,  # noqa: FBT002
    training: Annotated[bool, Query(description="Also those of training.")] = False,  # noqa: FBT002
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response:
    """List moments, newest opening first."""
    span(since_ms, until_ms)
    found = here.reader.moments(
        state=state,
        expectation=expectation,
        touchpoint=touchpoint,
        key=key,
        since_ms=since_ms,
        until_ms=until_ms,
        cursor=cursor,
        limit=limit,
        withdrawn=withdrawn,
        training=training,
    )
    return json(MomentList(items=[moment_message(each) for each in found.items], next=found.next))


@router.get("/moments/{moment}", dependencies=[Reads], **answers(MomentDetail, 404))
def show_moment(here: Here, moment: str) -> Response:
    """Show a moment with its whole trail: signals, events, pages sent and not sent, with reasons."""
    found = here.reader.moment(moment)
    if found is None:
        raise _unknown(moment)
    pages = here.reader.pages(moment=moment, limit=MAX_LIMIT).items
    return json(shapes.moment_detail(found, here.reader.trail(moment), here.reader.signals_of(moment), pages))


_serial = itertools.count()
"""Two actions in one millisecond stand in the order of their ids: the one that came first must sort first."""

_claim = Decoder(ClaimBody)
_by = Decoder(ByBody)
_reason = Decoder(ReasonBody)
_hand_over = Decoder(HandOverBody)
_cause = Decoder(CauseBody)
_remedy = Decoder(RemedyBody)
_acts = answers(MomentMessage, 404, 409, 413, 415, 503)


@router.post(
    "/moments/{moment}/claim", openapi_extra=takes(ClaimBody, required=False, example=ClaimBody(promise_s=120)), **_acts
)
async def claim(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Say that somebody is on it; cancels in the same transaction what the plan says a claim cancels."""
    body = await read_struct(request, _claim)
    promise_ms = None if body.promise_s is None else round(body.promise_s * 1000)
    return await act(
        here,
        "claim",
        moment,
        name_of(who, body.by),
        promise_ms=promise_ms,
        saying=lambda about: doing(here.driver.plan, about, body.first),
    )


@router.delete("/moments/{moment}/claim", openapi_extra=takes(ByBody, required=False), **_acts)
async def unclaim(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Give one's own claim back, or as a supervisor the last one; if too few are left the escalation goes on."""
    body = await read_struct(request, _by)
    by = name_of(who, body.by)
    return await act(here, "unclaim", moment, by, saying=lambda about: Whose(whose(about, who, by)))


@router.post(
    "/moments/{moment}/hand-over",
    openapi_extra=takes(HandOverBody, example=HandOverBody(group="supervisors", reason="A fall at gate 4.")),
    **_acts,
)
async def hand_over(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Ask others to take a claim over: they are paged, and until one of them claims it stays with whoever has it."""
    body = await read_struct(request, _hand_over)
    by, plan = name_of(who, body.by), here.driver.plan
    return await act(
        here, "hand-over", moment, by, reason=body.reason, saying=lambda about: handed(about, who, by, body, plan)
    )


@router.post(
    "/moments/{moment}/void", openapi_extra=takes(ReasonBody, example=ReasonBody(reason="false alarm")), **_acts
)
async def void(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Take a moment out of the rates (it stays in every list); an open one ends."""
    body = await read_struct(request, _reason)
    return await act(here, "void", moment, name_of(who, body.by), reason=body.reason)


@router.delete("/moments/{moment}/void", openapi_extra=takes(ByBody, required=False), **_acts)
async def unvoid(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Take a void back."""
    body = await read_struct(request, _by)
    return await act(here, "unvoid", moment, name_of(who, body.by))


@router.post(
    "/moments/{moment}/reset",
    openapi_extra=takes(ReasonBody, example=ReasonBody(reason="The line has gone; the beam is blocked by a trolley.")),
    **_acts,
)
async def reset(request: Request, here: Here, who: Supervisor, moment: str) -> Response:
    """End an open moment although a hold may stand; the reason stays on its trail."""
    body = await read_struct(request, _reason)
    return await act(here, "reset", moment, name_of(who, body.by), reason=body.reason)


@router.post(
    "/moments/{moment}/cause", openapi_extra=takes(CauseBody, example=CauseBody(cause="people: desk 3 closed")), **_acts
)
async def cause(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Say why it failed, from the plan's list or in words of one's own; said again it corrects what was said."""
    body = await read_struct(request, _cause)

    def saying(about: Moment) -> Saying:
        return cause_said(
            here.driver.plan, about, id=body.id, words=body.cause, category=body.category, comment=body.comment
        )

    return await act(here, "cause", moment, name_of(who, body.by), saying=saying)


@router.post(
    "/moments/{moment}/remedy",
    openapi_extra=takes(RemedyBody, example=RemedyBody(remedy="Apologised in person; priority tags.")),
    **_acts,
)
async def remedy(request: Request, here: Here, who: Actor, moment: str) -> Response:
    """Say what was done for the customer, about the failed moment or its remedy task: it ends the task."""
    body = await read_struct(request, _remedy)

    def saying(about: Moment) -> Saying:
        return remedy_said(
            here.driver.plan,
            about,
            free=decides(request),
            gave=body.gave,
            words=body.remedy,
            comment=body.comment,
        )

    return await act(here, "remedy", moment, name_of(who, body.by), saying=saying)


def name_of(who: Caller, by: str | None) -> str:
    """Return the opaque id the journal keeps: the token's; on an open hub what the body says, else "somebody"."""
    if who.via == "open":
        return by or who.id
    if by is not None and by != who.id:
        raise unprocessable(f'by is "{by}", but the token is "{who.id}".', "Leave by out: the token says who acts.")
    return who.id


async def act(
    here: Context,
    do: ActionKind,
    moment: str,
    by: str,
    *,
    promise_ms: int | None = None,
    reason: str | None = None,
    saying: Callable[[Moment], Struct] | None = None,
) -> Response:
    """Hand an action to the driver; answer with the moment after the commit.

    `saying` returns what else an action says, or raises the problem that it is.
    """
    about = await run_in_threadpool(here.reader.moment, moment)
    if about is None:
        raise _unknown(moment)
    at_ms = here.clock.now_ms()
    action = Action(
        id=f"w/{at_ms:012x}-{next(_serial):08x}-{secrets.token_hex(4)}",
        do=do,
        moment=moment,
        at_ms=at_ms,
        by=by,
        promise_ms=promise_ms,
        reason=reason,
    )
    if saying is not None:
        action = replace(action, **msgspec.structs.asdict(saying(about)))
    try:
        now: Moment = await committed(here.driver.act(action))
    except RefusedError as refused:
        raise ProblemError(
            409, "refused", sentence(str(refused)), remedy=f"See the moment at /api/v1/moments/{moment}."
        ) from refused
    return json(moment_message(now))


async def committed(future: Future[Done]) -> Done:
    """Return the driver's word, or raise the 503 where none comes; giving up does not cancel what the driver does."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return await asyncio.shield(asyncio.wrap_future(future))
    except (TimeoutError, asyncio.CancelledError) as late:  # cancelled: the hub stops while its disk refuses
        raise ProblemError(
            503,
            "busy",
            "The hub has not confirmed this in time; it may still happen.",
            remedy="Look before you repeat it; see /readyz.",
            headers={"retry-after": "2"},
        ) from late
    except UsageError as ours:
        log.warning("the driver did not take a request: %s", ours)
        raise ProblemError(
            503,
            "not-taken",
            "The hub did not take this: it stops, or made a mistake that its log tells of.",
            remedy="Try again in a moment.",
            headers={"retry-after": "2"},
        ) from ours


def _unknown(moment: str) -> ProblemError:
    return ProblemError(
        404, "unknown-moment", f'There is no moment "{moment}".', remedy="List moments at /api/v1/moments."
    )

"""``/drills``: proving every channel of the coming shift; ``/pages/{page}/claim``: claiming all that a page tells."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from andgate.errors import RefusedError
from andgate.wire.codec import Decoder, format_time, format_time_or_none
from andgate.wire.messages import MomentMessage
from hub.store.drills import Drill, DrillLog, Part, PartState
from hub.web.api.answer import answers, json, takes
from hub.web.api.answers import ClaimBody
from hub.web.api.arguments import DEFAULT_LIMIT, Limit, only_known, read_struct
from hub.web.api.moments import Actor, Here, Reads, act, name_of
from hub.web.problems import ProblemError, sentence

router = APIRouter(tags=["site"], dependencies=[Depends(only_known)])


class DrillBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which drill."""

    group: str | None = None
    """The only group; null: all of them, and every node."""
    loud: bool = False
    """Whether it may sound, and send messages to people; a silent one leaves out what cannot be proven without."""
    by: str | None = None
    """On an open hub: whoever asks for it."""


class PartEntry(Struct, frozen=True, kw_only=True):
    """One channel, or node, of a drill."""

    kind: str
    """``channel``, ``person`` or ``node``."""
    name: str
    """Channel or node; of a person which of their channels, as ``1``."""
    group: str | None
    person: str | None
    """Opaque id."""
    state: PartState
    sent_at: str | None
    latency_ms: int | None
    """From the handing over to the answer of the far end."""
    note: str


class DrillEntry(Struct, frozen=True, kw_only=True):
    """One drill."""

    id: int
    at: str
    by: str
    group: str | None
    loud: bool
    state: str
    """``running``, ``passed``, ``failed``, or ``interrupted`` where the hub was stopped meanwhile."""
    ended_at: str | None
    parts: list[PartEntry]


class DrillList(Struct, frozen=True, kw_only=True):
    """The newest drills, newest first."""

    items: list[DrillEntry]
    next: str | None


class ClaimedAll(Struct, frozen=True, kw_only=True):
    """What became of each threat that a page tells."""

    items: list[MomentMessage]
    """Those that are claimed now."""
    refused: dict[str, str]
    """Moment -> why not: it is over, or somebody is on it already."""
    next: str | None = None


def state_of(drill: Drill, *, running: bool) -> str:
    """Say in a word how a drill stands."""
    if drill.ended_ms is None:
        return "running" if running else "interrupted"
    return "failed" if drill.failed else "passed"


def entry(drill: Drill, *, running: bool) -> DrillEntry:
    """Return a drill as the API shows it."""
    return DrillEntry(
        id=drill.id,
        at=format_time(drill.id),
        by=drill.by,
        group=drill.group or None,
        loud=drill.loud,
        state=state_of(drill, running=running),
        ended_at=format_time_or_none(drill.ended_ms),
        parts=[_part(part) for part in drill.parts],
    )


def _part(part: Part) -> PartEntry:
    return PartEntry(
        kind=part.kind,
        name=part.name.rpartition("/")[2],
        group=part.group or None,
        person=part.person,
        state=part.state,
        sent_at=format_time_or_none(part.sent_ms),
        latency_ms=part.latency_ms,
        note=part.note,
    )


_drill = Decoder(DrillBody)
_claim = Decoder(ClaimBody)


@router.post(
    "/drills",
    openapi_extra=takes(DrillBody, required=False, example=DrillBody(group="ticket-agents")),
    **answers(DrillEntry, 404, 409, 413, 415, 503, status=202),
)
async def begin(request: Request, here: Here, who: Actor) -> Response:
    """Begin a drill; what comes out is at ``/drills/{id}``, within half a minute."""
    body = await read_struct(request, _drill)
    drills = request.app.state.drills
    if drills is None:
        raise ProblemError(404, "no-drills", "This hub proves no channels.")
    if body.group is not None and body.group not in here.driver.plan.groups:
        raise ProblemError(404, "unknown-group", f'There is no group "{body.group}".', remedy="See the plan.")
    try:
        begun = await run_in_threadpool(drills.begin, name_of(who, body.by), group=body.group, loud=body.loud)
    except RefusedError as refused:
        raise ProblemError(409, "refused", sentence(str(refused))) from refused
    return json(entry(begun, running=True), 202)


@router.get("/drills", dependencies=[Reads], **answers(DrillList))
def drills(request: Request, limit: Limit = DEFAULT_LIMIT) -> Response:
    """List the newest drills, newest first: each channel, whether it was proven, and how long that took."""
    log: DrillLog | None = request.app.state.drill_log
    found = () if log is None else log.drills(limit)
    return json(DrillList(items=[_shown(request, each) for each in found], next=None))


@router.get("/drills/{drill}", dependencies=[Reads], **answers(DrillEntry, 404))
def show(request: Request, drill: int) -> Response:
    """Show one drill."""
    log: DrillLog | None = request.app.state.drill_log
    running = request.app.state.drills.running(drill) if request.app.state.drills is not None else None
    found = running or (log.drill(drill) if log is not None and 0 <= drill < 2**63 else None)
    if found is None:
        raise ProblemError(404, "unknown-drill", f"There is no drill {drill}.", remedy="List them at /api/v1/drills.")
    return json(entry(found, running=running is not None))


def _shown(request: Request, drill: Drill) -> DrillEntry:
    runs = request.app.state.drills is not None and request.app.state.drills.running(drill.id) is not None
    return entry(drill, running=runs)


@router.post(
    "/pages/{page}/claim",
    openapi_extra=takes(ClaimBody, required=False, example=ClaimBody(promise_s=120)),
    **answers(ClaimedAll, 404, 409, 413, 415, 503),
)
async def claim_all(request: Request, here: Here, who: Actor, page: str) -> Response:
    """Say that somebody is on everything that a page tells: on one threat, or on all of a bundle."""
    body = await read_struct(request, _claim)
    promise_ms = None if body.promise_s is None else round(body.promise_s * 1000)
    moments = await run_in_threadpool(here.reader.told_by, page)
    if not moments:
        raise ProblemError(
            404, "unknown-page", f'There is no page "{page}" to be claimed.', remedy="See /api/v1/pages."
        )
    by = name_of(who, body.by)
    done = await asyncio.gather(
        *(act(here, "claim", moment, by, promise_ms=promise_ms) for moment in moments), return_exceptions=True
    )
    claimed: list[MomentMessage] = []
    refused: dict[str, str] = {}
    for moment, said in zip(moments, done, strict=True):
        if isinstance(said, Response):
            claimed.append(_message(bytes(said.body)))
        elif isinstance(said, ProblemError) and said.status in {404, 409}:
            refused[moment] = said.detail
        else:
            raise said
    if not claimed:
        raise ProblemError(409, "refused", "None of it can be claimed: " + "; ".join(refused.values()))
    return json(ClaimedAll(items=claimed, refused=refused))


_message = Decoder(MomentMessage)
__all__ = ["ClaimedAll", "DrillEntry", "DrillList", "entry", "router", "state_of"]

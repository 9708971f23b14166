"""``/mutes``, ``/trainings`` and ``/suspensions``: what keeps pages from people, by whose word, and until when."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from concurrent.futures import Future
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from msgspec import Struct

from andgate.errors import RefusedError
from andgate.moment.signals import Muted, Trained, Unmuted, Untrained
from andgate.plan.quiet import Scope
from andgate.wire.codec import Decoder, format_time, format_time_or_none, parse_time
from hub.quiet import Mute, Training, View
from hub.web.api.answer import answers, json, takes
from hub.web.api.arguments import Limit, Since, Until, only_known, read_struct, span
from hub.web.api.moments import Actor, Here, Reads, committed, name_of
from hub.web.context import Context
from hub.web.problems import ProblemError, sentence, unprocessable

MOST_REASON = 300
DEFAULT_LIMIT = 100

router = APIRouter(tags=["quiet"], dependencies=[Depends(only_known)])


class MuteEntry(Struct, frozen=True, kw_only=True):
    """A mute: whoever its scope names is not paged between its begin and its end; everything is judged all the same."""

    id: str
    reason: str
    owner: str
    """Who answers for it."""
    by: str | None
    """Who made it; null: it is the plan's."""
    begin: str
    end: str
    stands: bool
    """It counts now."""
    recurring: bool
    """It comes again, by the plan; this is its occurrence now, or the next."""
    faults: bool
    """Technicians are not paged of faults there either."""
    areas: list[str]
    touchpoints: list[str]
    expectations: list[str]
    groups: list[str]
    """What is named counts together; nothing named is the whole site."""
    ended_at: str | None = None
    """When somebody ended it early."""
    ended_by: str | None = None


class MuteList(Struct, frozen=True, kw_only=True):
    """Mutes, by their begin."""

    items: list[MuteEntry]
    next: str | None


class MuteBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to mute. It must end: give `end`, or `lasts_s`; 8 hours at most."""

    reason: str
    end: str | None = None
    lasts_s: float | None = None
    begin: str | None = None
    """Null: now."""
    owner: str | None = None
    """Who answers for it; null: whoever makes it."""
    by: str | None = None
    faults: bool = False
    areas: list[str] = []
    touchpoints: list[str] = []
    expectations: list[str] = []
    groups: list[str] = []


class TrainingEntry(Struct, frozen=True, kw_only=True):
    """Devices in training: what they say is judged apart, and only the trainer is paged."""

    id: str | None
    """Null where the plan says so; then only the plan ends it."""
    who: str
    """A node, or ``node/device``."""
    trainer: str
    """Group."""
    devices: list[str]
    until: str | None
    by: str | None


class TrainingList(Struct, frozen=True, kw_only=True):
    """What is in training now."""

    items: list[TrainingEntry]
    next: str | None


class TrainingBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to give to training, and for how long: give `until`, or `lasts_s`; 14 days at most."""

    who: str
    trainer: str
    until: str | None = None
    lasts_s: float | None = None
    by: str | None = None


class SuspensionEntry(Struct, frozen=True, kw_only=True):
    """A span in which a fire alarm's contact stopped all pages, sounds and signs."""

    contact: str
    """Its device; ``touchpoint/`` where a feed spoke."""
    since: str
    until: str | None
    """Null: it stands."""


class SuspensionList(Struct, frozen=True, kw_only=True):
    """Suspensions, newest first."""

    items: list[SuspensionEntry]
    next: str | None


_mute = Decoder(MuteBody)
_train = Decoder(TrainingBody)
_serial = itertools.count()


@router.get("/mutes", dependencies=[Reads], **answers(MuteList))
def list_mutes(
    here: Here,
    past: Annotated[bool, Query(description="Those that are over, newest first, in place of those to come.")] = False,  # noqa: FBT002
    limit: Limit = DEFAULT_LIMIT,
) -> Response:
    """List the mutes that count now, and those to come."""
    now_ms = here.clock.now_ms()
    if not past:
        return json(MuteList(items=[_entry(mute, now_ms) for mute in here.driver.quiet.mutes], next=None))
    rows = [row for row in here.reader.mutes() if now_ms >= (row.ended_ms or row.end_ms)]
    items = [
        MuteEntry(
            id=row.id,
            reason=row.reason,
            owner=row.owner,
            by=row.by,
            begin=format_time(row.begin_ms),
            end=format_time(row.end_ms),
            stands=False,
            recurring=row.id.startswith("plan/"),
            faults=row.faults,
            areas=list(row.scope.areas),
            touchpoints=list(row.scope.touchpoints),
            expectations=list(row.scope.expectations),
            groups=list(row.scope.groups),
            ended_at=format_time_or_none(row.ended_ms),
            ended_by=row.ended_by,
        )
        for row in rows[:limit]
    ]
    return json(MuteList(items=items, next=None))


@router.post(
    "/mutes",
    openapi_extra=takes(MuteBody, example=MuteBody(reason="Floor is being washed", lasts_s=1800, areas=["Terminal 1"])),
    **answers(MuteList, 409, 413, 415, 503, status=201),
)
async def mute(request: Request, here: Here, who: Actor) -> Response:
    """Mute something for a while; the answer is what is muted from then on."""
    body = await read_struct(request, _mute)
    begin_ms = None if body.begin is None else _time("begin", body.begin)
    end_ms = _end(here, "end", body.end, body.lasts_s, begin_ms)
    view = await muted(
        here,
        name_of(who, body.by),
        reason=body.reason,
        owner=body.owner,
        begin_ms=begin_ms,
        end_ms=end_ms,
        faults=body.faults,
        scope=Scope(
            areas=tuple(body.areas),
            touchpoints=tuple(body.touchpoints),
            expectations=tuple(body.expectations),
            groups=tuple(body.groups),
        ),
    )
    now_ms = here.clock.now_ms()
    return json(MuteList(items=[_entry(each, now_ms) for each in view.mutes], next=None), 201)


@router.delete("/mutes/{mute:path}", **answers(MuteList, 404, 409, 503))
async def unmute(here: Here, who: Actor, mute: str) -> Response:
    """End a mute before its time, whoever made it: the present state is paged at once."""
    view = await unmuted(here, name_of(who, None), mute)
    now_ms = here.clock.now_ms()
    return json(MuteList(items=[_entry(each, now_ms) for each in view.mutes], next=None))


@router.get("/trainings", dependencies=[Reads], **answers(TrainingList))
def list_trainings(here: Here) -> Response:
    """List what is in training now."""
    return json(_trainings(here.driver.quiet))


@router.post(
    "/trainings",
    openapi_extra=takes(TrainingBody, example=TrainingBody(who="desk-a1", trainer="supervisors", lasts_s=7200)),
    **answers(TrainingList, 409, 413, 415, 503, status=201),
)
async def train(request: Request, here: Here, who: Actor) -> Response:
    """Give the buttons of a node, or one of them, to training for a while."""
    body = await read_struct(request, _train)
    until_ms = _end(here, "until", body.until, body.lasts_s, None)
    return json(_trainings(await trained(here, name_of(who, body.by), body.who, body.trainer, until_ms)), 201)


@router.delete("/trainings/{training}", **answers(TrainingList, 404, 409, 503))
async def untrain(here: Here, who: Actor, training: str) -> Response:
    """End a training before its time."""
    return json(_trainings(await untrained(here, name_of(who, None), training)))


@router.get("/suspensions", dependencies=[Reads], **answers(SuspensionList))
def suspensions(here: Here, since_ms: Since, until_ms: Until) -> Response:
    """List when a fire alarm stopped all pages, newest first."""
    span(since_ms, until_ms)
    items = [
        SuspensionEntry(contact=contact, since=format_time(each.from_ms), until=format_time_or_none(each.to_ms))
        for contact, each in here.reader.suspensions()
        if (until_ms is None or each.from_ms < until_ms)
        and (since_ms is None or each.to_ms is None or each.to_ms > since_ms)
    ]
    return json(SuspensionList(items=items, next=None))


# ------------------------------------------------------------------------------------- what the screens do as well


async def muted(
    here: Context,
    by: str,
    *,
    reason: str,
    owner: str | None,
    begin_ms: int | None,
    end_ms: int,
    faults: bool,
    scope: Scope,
) -> View:
    """Mute; return what is quiet from then on, or raise the problem that says why not."""
    words = " ".join(reason.split())
    if not words or len(words) > MOST_REASON:
        raise unprocessable(
            "A mute has a reason that everybody can read.", f"Say it in a few words, at most {MOST_REASON} characters."
        )
    now_ms = here.clock.now_ms()
    asked = Muted(
        id=_id("m", now_ms),
        at_ms=now_ms,
        by=by,
        owner=" ".join((owner or by).split())[:60] or by,
        reason=words,
        scope=scope,
        begin_ms=now_ms if begin_ms is None else begin_ms,
        end_ms=end_ms,
        faults=faults,
    )
    return await _done(here.driver.hush(asked))


async def unmuted(here: Context, by: str, mute: str) -> View:
    """End a mute; return what is quiet from then on."""
    return await _done(here.driver.hush(Unmuted(mute=mute, at_ms=here.clock.now_ms(), by=by)))


async def trained(here: Context, by: str, who: str, trainer: str, until_ms: int) -> View:
    """Give devices to training; return what is quiet from then on."""
    now_ms = here.clock.now_ms()
    asked = Trained(id=_id("t", now_ms), at_ms=now_ms, by=by, who=who, trainer=trainer, until_ms=until_ms)
    return await _done(here.driver.hush(asked))


async def untrained(here: Context, by: str, training: str) -> View:
    """End a training; return what is quiet from then on."""
    return await _done(here.driver.hush(Untrained(training=training, at_ms=here.clock.now_ms(), by=by)))


async def _done(future: Future[View]) -> View:
    try:
        return await committed(future)
    except RefusedError as refused:
        status = 404 if "there is no such" in str(refused) else 409
        raise ProblemError(
            status,
            "refused",
            sentence(str(refused)),
            remedy="See what is quiet at /api/v1/mutes." if status == 404 else "",  # noqa: PLR2004
        ) from refused
    except asyncio.CancelledError:
        raise


def _id(kind: str, now_ms: int) -> str:
    return f"{kind}{now_ms:012x}-{next(_serial):04x}{secrets.token_hex(3)}"


def _time(name: str, text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as wrong:
        raise unprocessable(f"{name} is wrong: {wrong}.", "Write it as 2026-11-21T20:46:06Z.") from wrong


def _end(here: Context, name: str, end: str | None, lasts_s: float | None, begin_ms: int | None) -> int:
    if (end is None) == (lasts_s is None):
        raise unprocessable(f"It must end: give {name}, or lasts_s, and not both.")
    if end is not None:
        return _time(name, end)
    assert lasts_s is not None  # noqa: S101 - one of the two is there
    if not 0 < lasts_s < 86_400 * 366:
        raise unprocessable("lasts_s is not a duration.", "Give seconds, more than 0.")
    return (here.clock.now_ms() if begin_ms is None else begin_ms) + round(lasts_s * 1000)


def _entry(mute: Mute, now_ms: int) -> MuteEntry:
    return MuteEntry(
        id=mute.id,
        reason=mute.reason,
        owner=mute.owner,
        by=mute.by or None,
        begin=format_time(mute.begin_ms),
        end=format_time(mute.end_ms),
        stands=mute.holds(now_ms),
        recurring=mute.recurring,
        faults=mute.faults,
        areas=list(mute.scope.areas),
        touchpoints=list(mute.scope.touchpoints),
        expectations=list(mute.scope.expectations),
        groups=list(mute.scope.groups),
    )


def _trainings(view: View) -> TrainingList:
    return TrainingList(items=[_training(each) for each in view.training], next=None)


def _training(each: Training) -> TrainingEntry:
    return TrainingEntry(
        id=each.id or None,
        who=each.who,
        trainer=each.trainer,
        devices=list(each.devices),
        until=format_time_or_none(each.until_ms),
        by=each.by or None,
    )

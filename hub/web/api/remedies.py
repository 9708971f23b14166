"""``/remedies`` and ``/causes``: what is owed to customers after failures, and why these came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Response
from msgspec import Struct

from andgate.causes import pareto
from andgate.plan.model import Category
from andgate.routing import exceptional, place
from andgate.wire.codec import format_time_or_none, moment_message
from andgate.wire.messages import MomentMessage
from hub.web.api.afterwards import promise_of
from hub.web.api.answer import answers, json
from hub.web.api.arguments import Filter, Since, Until, only_known, span
from hub.web.api.moments import Here, Reads

if TYPE_CHECKING:
    from andgate.moment.moments import Moment
    from andgate.plan import Plan

router = APIRouter(tags=["remedies"], dependencies=[Depends(only_known), Reads])

NOT_KNOWN = "not yet known"


class CauseEntry(Struct, frozen=True, kw_only=True):
    """So many failures have this cause."""

    category: Category | None
    """null: not yet known, or words that name none."""
    cause: str | None
    """Its id in the plan's list; empty for words of somebody's own; null: nobody has said why yet."""
    name: str
    n: int
    share: float
    """Of all failures."""
    cumulative: float
    """Share of those up to here among the failures of which a cause is known; 0 for those of which none is."""


class CauseList(Struct, frozen=True, kw_only=True):
    """Causes by how often they were given, most first; what is not known yet comes last."""

    since: str | None
    until: str | None
    failures: int
    known: int
    """Failures of which somebody has said why."""
    items: list[CauseEntry]
    next: str | None


@router.get("/causes", **answers(CauseList))
def causes(
    here: Here,
    since_ms: Since,
    until_ms: Until,
    expectation: Filter = None,
    touchpoint: Filter = None,
    area: Filter = None,
    team: Filter = None,
) -> Response:
    """Say why promises were broken that opened in [since, until), and of how many nobody has said it yet."""
    span(since_ms, until_ms)
    counts = here.reader.causes(
        since_ms=since_ms, until_ms=until_ms, expectation=expectation, touchpoint=touchpoint, area=area, team=team
    )
    found = [
        CauseEntry(
            category=each.category,
            cause=each.cause,
            name=each.text if each.cause is not None else NOT_KNOWN,
            n=each.n,
            share=each.share,
            cumulative=each.cumulative,
        )
        for each in pareto(counts)
    ]
    failures = sum(each.n for each in found)
    return json(
        CauseList(
            since=format_time_or_none(since_ms),
            until=format_time_or_none(until_ms),
            failures=failures,
            known=sum(each.n for each in found if each.cause is not None),
            items=found,
            next=None,
        )
    )


class RemedyEntry(Struct, frozen=True, kw_only=True):
    """One remedy task that nobody has done yet."""

    task: MomentMessage
    """Its own moment: deadline, claim, level. It is claimed and voided like any other."""
    failed: str
    """The moment that failed: ``POST /moments/{failed}/remedy`` says what was given, and ends the task."""
    place: str
    """Where, and for which flight, as people say it."""
    owed: str
    """What is to be done, in the plan's words."""
    may: list[str]
    """What staff may give without asking anybody."""
    group: str
    """Who is to do it."""
    left_s: float
    """Until its deadline; negative where that has passed."""
    exceptional: bool
    """Something had failed for the same key before."""
    before: str
    """What, in words; empty where nothing had."""


class RemedyList(Struct, frozen=True, kw_only=True):
    """Open tasks, nearest deadline first."""

    items: list[RemedyEntry]
    next: str | None


def entry(task: Moment, plan: Plan, now_ms: int) -> RemedyEntry:
    """Return one open task as the API shows it."""
    promise = plan.judged.get(task.expectation)
    source = promise_of(plan, task)
    group = source.task.group if source is not None and source.task is not None else ""
    return RemedyEntry(
        task=moment_message(task),
        failed=task.remedies or "",
        place=place(task, plan),
        owed=promise.promise if promise is not None else "",
        may=list(promise.first) if promise is not None else [],
        group=group,
        left_s=(task.ends_ms - now_ms) / 1000,
        exceptional=bool(task.before),
        before=exceptional(task, plan),
    )


@router.get("/remedies", **answers(RemedyList))
def remedies(here: Here, touchpoint: Filter = None, group: Filter = None) -> Response:
    """List the remedy tasks that nobody has done yet, nearest deadline first.

    Those that are done, too late or given up are moments like any other: ``GET /moments?expectation=ID.remedy``.
    """
    plan, now_ms = here.driver.plan, here.clock.now_ms()
    tasks = [here.reader.on_its_way(task, plan.interactions) for task in here.driver.open_tasks()]
    items = [entry(task, plan, now_ms) for task in tasks]
    items = [each for each in items if touchpoint in (None, each.task.touchpoint) and group in (None, each.group)]
    return json(RemedyList(items=items, next=None))

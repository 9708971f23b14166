"""What is owed to customers after failures: for the agent who has one of them in front of them, and for a hall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.routing import exceptional
from hub.web.pages.names import group_name, place, promise
from hub.web.pages.spans import hm, left, midnight_ms, span
from hub.web.pages.words import rich, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.web.pages.source import Source

HALL_SHOWN = 4
LATELY_SHOWN = 8


class Task(Struct, frozen=True, kw_only=True):
    """One thing that is owed, as a card."""

    id: str
    failed: str
    """The moment that failed; what is given is said of it."""
    level: str
    place: str
    owed: str
    may: tuple[str, ...]
    exceptional: str
    """What had failed before, in words; empty where nothing had."""
    ends_ms: int
    left: str
    late: bool
    group: str
    """Who, and until when."""
    claimed_by: str | None
    claimed_ms: int | None


class Done(Struct, frozen=True, kw_only=True):
    """One that has ended today."""

    failed: str
    place: str
    time: str
    what: str


class Tasks(Struct, frozen=True, kw_only=True):
    """The page."""

    sayable: Markup
    tasks: tuple[Task, ...]
    more: int
    """Of those that a hall has no room for."""
    done: tuple[Done, ...]


def card(plan: Plan, task: Moment, now_ms: int) -> Task:
    """Return one open task."""
    known = plan.judged.get(task.expectation)
    source = plan.expectations.get(known.remedy_of or "") if known is not None else None
    group = group_name(plan, source.task.group) if source is not None and source.task is not None else ""
    zone = plan.site.timezone
    late = task.ends_ms < now_ms
    until = say("remedies.since" if late else "remedies.until", time=hm(task.ends_ms, zone))
    return Task(
        id=task.id,
        failed=task.remedies or task.id,
        level="failed" if late else "failing" if task.level == "failing" else "threatened",
        place=place(plan, task),
        owed=promise(plan, task.expectation),
        may=known.first if known is not None else (),
        exceptional=exceptional(task, plan).rstrip("."),
        ends_ms=task.ends_ms,
        left=left(task.ends_ms - now_ms),
        late=late,
        group=say("remedies.group", group=group, until=until) if group else until,
        claimed_by=task.claimed_by,
        claimed_ms=task.claimed_ms,
    )


def sayable(tasks: Sequence[Moment], now_ms: int) -> Markup:
    """Return the one sentence that can be said aloud."""
    if not tasks:
        return rich("remedies.none")
    first = min(task.ends_ms for task in tasks)
    one = ".one" if len(tasks) == 1 else ""
    if first < now_ms:
        return rich(f"remedies.say.late{one}", n=len(tasks))
    return rich(f"remedies.say{one}", n=len(tasks), left=span(first - now_ms))


def done(plan: Plan, task: Moment, failed: Moment | None) -> Done:
    """Return one that has ended, with what was given."""
    what = (failed.remedy if failed is not None else None) or ""
    if task.verdict == "void":
        what = say("remedies.lately.void", reason=task.reason or "")
    elif not what:
        what = say("remedies.lately.never")
    elif task.verdict == "failure":
        what = say("remedies.lately.late", what=what)
    ended_ms = task.ended_ms if task.ended_ms is not None else task.ends_ms
    return Done(
        failed=task.remedies or task.id, place=place(plan, task), time=hm(ended_ms, plan.site.timezone), what=what
    )


def build(
    plan: Plan, tasks: Sequence[Moment], ended: Sequence[tuple[Moment, Moment | None]], now_ms: int, *, hall: bool
) -> Tasks:
    """Return the page; pure. `ended` are today's, newest first, each with what failed; a hall shows what it can."""
    shown = tasks[:HALL_SHOWN] if hall else tasks
    return Tasks(
        sayable=sayable(tasks, now_ms),
        tasks=tuple(card(plan, task, now_ms) for task in shown),
        more=len(tasks) - len(shown),
        done=() if hall else tuple(done(plan, task, failed) for task, failed in ended[:LATELY_SHOWN]),
    )


def remedies(source: Source, *, hall: bool = False, group: str | None = None) -> Tasks:
    """Read what is owed and build the page; of one group, if it is named."""
    plan, now_ms = source.plan, source.now_ms()
    open_tasks = [task for task in source.open_tasks() if group is None or group == owing_group(plan, task)]
    ended: list[tuple[Moment, Moment | None]] = []
    if not hall:
        since_ms = midnight_ms(now_ms, plan.site.timezone)
        lately = [task for task in source.tasks_since(since_ms) if task.state == "ended"]
        ended = [(task, source.moment(task.remedies or "")) for task in lately[:LATELY_SHOWN]]
    return build(plan, open_tasks, ended, now_ms, hall=hall)


def rates(source: Source, since_ms: int, until_ms: int) -> tuple[tuple[str, str], ...]:
    """Return of what was owed after failures how much was given in time: (what, how much), in plan order."""
    found = source.owed(since_ms, until_ms) if owes(source.plan) else {}
    return tuple(
        (promise(source.plan, name), say("remedies.rate", done=done_, all=every))
        for name in source.plan.judged
        for done_, every in [found.get(name, (0, 0))]
        if every
    )


def owing_group(plan: Plan, task: Moment) -> str | None:
    """Return who is to make it good."""
    known = plan.judged.get(task.expectation)
    source = plan.expectations.get(known.remedy_of or "") if known is not None else None
    return source.task.group if source is not None and source.task is not None else None


def owes(plan: Plan) -> bool:
    """Return whether any promise's remedy has a clock, so that there can be anything on this page."""
    return len(plan.judged) > len(plan.expectations)

"""The board of a break room or hall: two threats at most, today's saves, what the last failure taught. No names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.events import Paged, Threatened
from hub.quiet import NOTHING
from hub.web.pages.card import urgent
from hub.web.pages.day import Day, count, decided_ms
from hub.web.pages.guidance import leader
from hub.web.pages.hush import suspended_words
from hub.web.pages.labels import shorten, width_of, wrap
from hub.web.pages.names import capital, group_name, key_words, place, signal_words, touchpoint_name
from hub.web.pages.sight import blind
from hub.web.pages.spans import clock, hm, left, midnight_ms
from hub.web.pages.told import paged_groups
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from andgate.moment.lessons import Advice
    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.quiet import View
    from hub.store.rows import TrailLine
    from hub.web.pages.source import Source

SHOWN = 2
STROKES = 14
"""Most saves drawn as strokes; the number stands beside them anyway."""
ALL = "all"
BAR_U, LOW_U = 49.0, 62.4
"""Room for words in a threat's bar and beside the saves, in hundredths of the screen's width."""
PLACE_U, SAID_U, LESSON_U, HEAD_U = (5.5, 4.2), (3.7, 3.15), (3.65, 3.15), (2.9, 2.9)
LEAST_U = 2.65
"""Type sizes, in the same, large and less so; the least is what can be read at 8 m."""
TIGHT, CLOSE = -0.02, -0.01
"""Between letters, as shares of the size: of the two larger sizes, and of the least."""


class Said(Struct, frozen=True):
    """Words that fit where they stand: smaller if need be, then fewer, never cut through."""

    words: str
    step: int = 0
    """0: in full size; 1: less; 2: in the least that can be read."""
    lines: int = 1

    def __str__(self) -> str:
        """Return the words."""
        return self.words


def fit(words: str, room: float, sizes: tuple[float, float], *, bold: bool = False, most: int = 1) -> Said:
    """Return words that fit into one line of `room`, or in the least size into at most so many."""
    for step, size in enumerate(sizes):
        if width_of(words, size, bold=bold, spacing=TIGHT) <= room:
            return Said(words, step)
    lines = wrap(words, room, LEAST_U, bold=bold, most=most, spacing=CLOSE)
    return Said(" ".join(lines), 2, len(lines))


def fit_head(where: str, time: str, late: str) -> Said:
    """Return the head of the last failure; where its place has a long name, that name gives way, not the time."""
    whole = say("board.last.late", place="", time=time, late=late) if late else say("board.last", place="", time=time)
    place_u = LOW_U - width_of(whole, LEAST_U, spacing=CLOSE)
    where = shorten(where, place_u, LEAST_U, spacing=CLOSE)
    said = say("board.last.late" if late else "board.last", place=where, time=time, late=late)
    return fit(said, LOW_U, HEAD_U)


class Threat(Struct, frozen=True, kw_only=True):
    """One threat, readable across a hall."""

    id: str
    level: str
    state: str
    place: Said
    first: Said
    second: Said
    ends_ms: int
    left: str
    claimed_ms: int | None
    since: str
    leads: bool = False
    """Of several threats this one comes first."""
    suspended: bool = False
    """A fire alarm is on there: nobody is told to go."""


class Lesson(Struct, frozen=True):
    """The last failure as what was learnt, not who."""

    head: Said
    cause: Said
    remedy: Said


class Board(Struct, frozen=True, kw_only=True):
    """Everything on a board."""

    name: str
    threats: tuple[Threat, ...]
    more: int
    day: Day
    strokes: int
    lesson: Lesson | None
    head: str
    """What is said largest when nothing is threatened: never that all is calm where something cannot be seen."""
    calm: str
    """What is said below it."""
    suspended: str = ""
    """What is suspended, in words; empty: nothing is."""
    muted: str = ""
    """What is muted and until when, in words, without names; empty: nothing is."""


class Choice(Struct, frozen=True):
    """A board one may hang up."""

    id: str
    name: str


def slug(name: str) -> str:
    """Return an area's name as part of an address."""
    kept = "".join(letter.lower() if letter.isalnum() else "-" for letter in name)
    return "-".join(part for part in kept.split("-") if part)


def choices(plan: Plan) -> tuple[Choice, ...]:
    """Return every board: the site, its areas, its groups."""
    areas = dict.fromkeys(touchpoint.area for touchpoint in plan.touchpoints.values() if touchpoint.area)
    found = [Choice(ALL, say("board.all"))]
    found += [Choice(slug(area), area) for area in areas]
    found += [Choice(group.id, group.name) for group in plan.groups.values()]
    return tuple({choice.id: choice for choice in reversed(found)}.values())[::-1]


def scope(plan: Plan, which: str) -> frozenset[str] | None:
    """Return the touchpoints a board is about: of an area, or of what its group is paged for; None: no such board."""
    if which == ALL:
        return frozenset(plan.touchpoints)
    found = {each.id for each in plan.touchpoints.values() if which in (each.group, slug(each.area))}
    if which in plan.groups:
        for promise in plan.expectations.values():
            if any(step.group == which for step in promise.pages):
                found.update(promise.touchpoints)
        return frozenset(found)
    return frozenset(found) if found else None


def threat(plan: Plan, moment: Moment, trail: Sequence[TrailLine], signals: Mapping[str, str], now_ms: int) -> Threat:
    """Return a moment for the board."""
    said = []
    if moment.key:
        said.append(key_words(moment.key))
    reasons = [line.event.signal for line in trail if isinstance(line.event, Threatened)]
    said += [signal_words(signals[reason]) for reason in reasons if reason is not None and reason in signals]
    about = capital(", ".join(said)) + "." if said else ""
    if moment.claimed_ms is not None:
        who = say("board.somebody")
    elif moment.coming:
        who = say("coming.some", have=len(moment.coming), needs=moment.needs)
    elif moment.level == "failed":
        who = say("board.waiting")
    else:
        who = say("board.nobody")
    groups = paged_groups(trail)
    paged = ""
    if groups and moment.claimed_ms is None:
        at_ms = max(line.event.at_ms for line in trail if isinstance(line.event, Paged))
        paged = say("board.paged", group=group_name(plan, groups[-1]), time=hm(at_ms, plan.site.timezone))
    elif moment.claimed_ms is None:
        paged = say("board.paged.none")
    first, second = (about, who) if about else (who, paged)
    return Threat(
        id=moment.id,
        level=moment.level,
        state=say(f"state.{moment.level}"),
        place=fit(touchpoint_name(plan, moment.touchpoint), BAR_U, PLACE_U, bold=True, most=2),
        first=fit(first, BAR_U, SAID_U),
        second=fit(second, BAR_U, SAID_U),
        ends_ms=moment.ends_ms,
        left=left(moment.ends_ms - now_ms),
        claimed_ms=moment.claimed_ms,
        since=hm(moment.claimed_ms, plan.site.timezone) if moment.claimed_ms is not None else "",
    )


def lesson(plan: Plan, decided: Sequence[Moment]) -> Lesson | None:
    """Return what the day's last failure taught."""
    failed = [moment for moment in decided if moment.verdict == "failure"]
    if not failed:
        return None
    last = max(failed, key=decided_ms)
    where = touchpoint_name(plan, last.touchpoint)
    time = hm(last.ends_ms, plan.site.timezone)
    late = last.late_s if last.state == "ended" else None
    _, _, words = (last.cause or "").partition(": ")
    cause = capital(words or last.cause or "").rstrip(".")
    expectation = plan.expectations.get(last.expectation)
    remedy = last.remedy or (expectation.remedy if expectation else None)
    said = fit(f"{cause}." if cause else say("board.last.nocause"), LOW_U, LESSON_U, bold=True, most=2)
    now = say("board.last.remedy", remedy=remedy[:1].lower() + remedy[1:]) if remedy else ""
    return Lesson(
        head=fit_head(where, time, clock(int(late)) if late is not None else ""),
        cause=said,
        remedy=fit(now, LOW_U, LESSON_U, most=3 - said.lines),
    )


def wanted(mine: Iterable[Moment], view: View) -> list[Moment]:
    """Return what needs somebody, first where somebody may go, then where a fire alarm is on."""
    return sorted(urgent(mine), key=lambda moment: view.suspended(moment.touchpoint) is not None)


def build(
    plan: Plan,
    which: str,
    running: Sequence[Moment],
    decided: Sequence[Moment],
    trails: Mapping[str, Sequence[TrailLine]],
    signals: Mapping[str, str],
    now_ms: int,
    view: View = NOTHING,
) -> Board | None:
    """Return a board; pure. None where the plan has no such area or group."""
    about = scope(plan, which)
    if about is None:
        return None
    mine = [moment for moment in running if moment.touchpoint in about]
    done = [moment for moment in decided if moment.touchpoint in about]
    needs = wanted(mine, view)
    coming = min((m for m in mine if m.ends_ms > now_ms), key=lambda m: m.ends_ms, default=None)
    following = (
        say("board.calm.next", place=place(plan, coming), time=hm(coming.ends_ms, plan.site.timezone))
        if coming
        else say("board.calm.none")
    )
    day = count(done)
    suspended = suspended_words(plan, view, about)
    shown = SHOWN - 1 if suspended else SHOWN  # the words that something is suspended take the room of one
    return Board(
        name=next((choice.name for choice in choices(plan) if choice.id == which), which),
        threats=tuple(
            replace(
                threat(plan, m, trails.get(m.id, ()), signals, now_ms),
                suspended=view.suspended(m.touchpoint) is not None,
            )
            for m in needs[:shown]
        ),
        more=max(len(needs) - shown, 0),
        day=day,
        strokes=min(day.saved, STROKES),
        lesson=lesson(plan, done),
        head=say("board.calm"),
        calm=following,
        suspended=suspended,
        muted=_muted(plan, view, about, now_ms),
    )


def unseen(plan: Plan, found: Board, dark: Sequence[str]) -> Board:
    """Return a board without threats, that says of some of its places that they cannot be seen."""
    if not dark:
        return found
    said = (
        say("board.blind.one", place=touchpoint_name(plan, dark[0]))
        if len(dark) == 1
        else say("board.blind", n=len(dark))
    )
    return replace(found, head=say("board.calm.blind"), calm=f"{said} {found.calm}")


def _muted(plan: Plan, view: View, about: frozenset[str], now_ms: int) -> str:
    """Say what is muted there; the hall reads no names, so not by whom."""
    here = [name for name in plan.touchpoints if name in about and view.muted(plan, name, now_ms) is not None]
    if not here:
        return ""
    ends = {mute.end_ms for name in here if (mute := view.muted(plan, name, now_ms)) is not None}
    names = [touchpoint_name(plan, name) for name in here]
    what = names[0] if len(names) == 1 else say("board.muted.places", n=len(names))
    return say("board.muted", what=what, time=hm(max(ends), plan.site.timezone))


def board(source: Source, which: str) -> Board | None:
    """Read what a board shows and build it."""
    plan, now_ms = source.plan, source.now_ms()
    about = scope(plan, which)
    if about is None:
        return None
    running = source.open_moments()
    shown = wanted((moment for moment in running if moment.touchpoint in about), source.quiet)[:SHOWN]
    trails = {moment.id: source.told(moment.id) for moment in shown}
    signals = {row.signal.id: row.signal.name for moment in shown for row in source.signals(moment.id)}
    decided = source.decided(midnight_ms(now_ms, plan.site.timezone))
    found = build(plan, which, running, decided, trails, signals, now_ms, source.quiet)
    free = [each for each in running if each.touchpoint in about and source.quiet.suspended(each.touchpoint) is None]
    first = leader(free, now_ms)
    todo = {moment.id: source.advice(moment)[:1] for moment in shown if moment in free and moment.claimed_ms is None}
    if found is None:
        return None
    if not shown:
        dark = dict.fromkeys(each.touchpoint for each in blind(plan, source.nodes(), now_ms))
        return unseen(plan, found, [name for name in dark if name in about])
    return replace(found, threats=tuple(_guided(each, first, todo) for each in found.threats))


def _guided(threat: Threat, first: str | None, todo: Mapping[str, Sequence[Advice]]) -> Threat:
    """Say what to do first, in place of who was paged; and of several threats which comes first."""
    what = todo.get(threat.id, ())
    second = fit(say("first.board", what=what[0].text), BAR_U, SAID_U) if what else threat.second
    leads = threat.id == first
    state = say("first.short", state=threat.state) if leads else threat.state
    return replace(threat, second=second, leads=leads, state=state)

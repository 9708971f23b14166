"""One moment with its trail: what a contested verdict is explained with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup
from msgspec import Struct

from andgate.causes import Fact
from andgate.moment import events as e
from andgate.moment.case import CONTRADICTED
from andgate.moment.view import verdict_ms
from hub.quiet import NOTHING
from hub.web.pages.asking import Ask, ask, facts, said_words
from hub.web.pages.card import URGENT, next_words
from hub.web.pages.fate import fate, whom
from hub.web.pages.guidance import Tip, tips
from hub.web.pages.hush import Strip, strip
from hub.web.pages.names import group_name, place, promise, signal_words, witness_words
from hub.web.pages.narrate import Teller
from hub.web.pages.scale import NARROW
from hub.web.pages.spans import clock, hm, hms, span, when_words
from hub.web.pages.timeline import Timeline, left_words
from hub.web.pages.told import told as told_of
from hub.web.pages.why import Why, why
from hub.web.pages.words import rich, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.coverage import Spell
    from andgate.moment.lessons import Advice
    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.quiet import View
    from hub.store.rows import PageRow, SignalRow, TrailLine
    from hub.web.pages.source import Source


class Pair(Struct, frozen=True):
    """A name and what is said of it."""

    name: str
    value: str


class Told(Struct, frozen=True):
    """One line of the trail in words."""

    happened: str
    learned: str
    late: bool
    what: str


class Story(Struct, frozen=True, kw_only=True):
    """Everything on the moment's page."""

    moment: Moment
    title: str
    place: str
    level: str
    """Which icon and ink stand beside the heading."""
    head: Markup
    promise: str
    next: Markup | None
    """What happens next and when, while it needs somebody."""
    firm: str
    chart: Markup
    narrow: Markup
    """The same for a phone."""
    witnesses: tuple[Pair, ...]
    agree: str
    pages: tuple[Pair, ...]
    pages_after: str
    causes: tuple[Pair, ...]
    trail: tuple[Told, ...]
    why: tuple[str, ...]
    """Why it is provisional, was confirmed or revised, or is asked about."""
    ask: Ask
    """Why it failed and what was given, as far as somebody is to say it."""
    task: Moment | None
    """The remedy task that makes it good, if there is one."""
    owed: str
    """How that stands, in words."""
    exceptional: tuple[Pair, ...]
    """What had failed for the same flight before, with the moment's id as value."""
    first: tuple[Tip, ...]
    """What to do first, while it needs somebody, with what is on record."""
    quiet: Strip
    """What is quiet where it is."""
    paging: Why
    """Each page sent and not sent, with rule, time and reason."""
    can_reset: bool
    can_void: bool
    voided: bool


def level_of(moment: Moment) -> str:
    """Return what a moment looks like in a list: its verdict once it has one, else its level."""
    if moment.verdict == "void":
        return "void"
    if moment.verdict == "failure":
        return "failed"
    if moment.verdict == "success":
        return "saved" if moment.saved else "kept"
    return moment.level if moment.level in ("threatened", "failing", "failed") else "open"


def heading(moment: Moment, now_ms: int) -> Markup:
    """Return the outcome in words: ``Saved with 0:19 left``."""
    if moment.withdrawn:
        return rich("moment.withdrawn")
    level = level_of(moment)
    if level in ("saved", "kept", "open", "threatened", "failing"):
        return rich(f"moment.{level}", left=left_words(moment, now_ms))
    if level == "void":
        return rich("moment.void", reason=moment.reason) if moment.reason else rich("moment.void.none")
    if moment.state == "open":
        return rich("moment.failed.open")
    if moment.late_s is None:
        return rich("moment.failed.never")
    return rich("moment.failed", late=clock(int(moment.late_s)))


def witnesses(plan: Plan, trail: Sequence[TrailLine], rows: Sequence[SignalRow]) -> tuple[tuple[Pair, ...], str]:
    """Return what each witness said, and how far apart those were that saw it begin."""
    zone = plan.site.timezone
    pairs = tuple(
        Pair(
            witness_words(plan, row.signal.witness),
            _said(row, zone),
        )
        for row in sorted(rows, key=lambda row: row.signal.order)
    )
    first: dict[str, int] = {}
    for line in trail:
        if isinstance(line.event, e.Opened | e.Witnessed):
            first.setdefault(line.event.witness, line.at_ms)
    if not pairs:
        return (), say("moment.witnesses.none")
    if len(first) < 2:  # noqa: PLR2004 it takes two to agree
        return pairs, say("moment.alone")
    return pairs, say("moment.agree", n=len(first), time=span(max(first.values()) - min(first.values())))


def _said(row: SignalRow, zone: str) -> str:
    """Return what a signal said and when; and how sure that is, where somebody knows."""
    signal, time = signal_words(row.signal.name), hms(row.signal.at_ms, zone)
    if row.within_ms is None:
        return say("moment.signal", signal=signal, time=time)
    return say("moment.signal.within", signal=signal, time=time, within=row.within_ms)


def page_pairs(plan: Plan, trail: Sequence[TrailLine], sent: Sequence[PageRow]) -> tuple[Pair, ...]:
    """Return what became of every page: sent, not sent, and why."""
    zone = plan.site.timezone
    pairs = []
    for row in sent:
        if row.state == "cancelled" and not row.channel:
            continue  # a step that was skipped; the trail below says so in full
        name = whom(plan, row)
        if row.kind == "over":
            name = f"{say('moment.over.short')}, {name[:1].lower()}{name[1:]}"
        pairs.append(Pair(name, fate(row, zone)))
    for line in trail:
        if isinstance(line.event, e.PageSkipped):
            because = say(f"moment.skip.{line.event.because}")
            pairs.append(Pair(group_name(plan, line.event.group), say("moment.pages.skipped", because=because)))
    return tuple(pairs)


def after_end(moment: Moment, trail: Sequence[TrailLine]) -> str:
    """Say whether anybody was paged after the end was known."""
    known = [line.now_ms for line in trail if isinstance(line.event, e.Kept | e.Saved | e.Closed | e.Voided)]
    pages = [line for line in trail if isinstance(line.event, e.Paged)]
    if not pages:
        return say("moment.pages.none")
    if moment.state == "open" or not known:
        return ""
    late = sum(line.now_ms > min(known) for line in pages)
    return say("moment.over.late", n=late) if late else say("moment.over.clean")


def firm_words(moment: Moment) -> str:
    """Say how firm the verdict is, and whether it has been changed."""
    if moment.verdict is None:
        firm = say("moment.undecided")
    else:
        firm = say("moment.provisional" if moment.provisional else "moment.confirmed")
    if not moment.revision:
        return firm
    return say("moment.revision" if moment.revision > 1 else "moment.revision.one", n=moment.revision, firm=firm)


def owed_words(plan: Plan, task: Moment) -> str:
    """Return how a remedy task stands."""
    if task.withdrawn or task.verdict == "void":
        return say("moment.task.none")
    if task.state == "open":
        return say("moment.task.open", time=hm(task.ends_ms, plan.site.timezone), owed=promise(plan, task.expectation))
    if task.verdict == "success":
        return say("moment.task.done")
    if task.late_s is None:
        return say("moment.task.never")
    return say("moment.task.late", late=clock(int(task.late_s)))


def before_pairs(plan: Plan, task: Moment | None) -> tuple[Pair, ...]:
    """Return what had failed for the same flight before: in words, and which moment that was."""
    if task is None:
        return ()
    zone = plan.site.timezone
    return tuple(
        Pair(say("moment.before", what=promise(plan, each.expectation), time=hm(each.at_ms, zone)), each.moment)
        for each in task.before
    )


def cause_pairs(plan: Plan, moment: Moment) -> tuple[Pair, ...]:
    """Return cause, remedy and the version of the promise."""
    expectation = plan.expectations.get(moment.expectation)
    remedy = moment.remedy if moment.given is None else said_words(moment.given, "remedy", plan)
    unknown = say("moment.cause.unknown") if moment.verdict == "failure" else say("moment.none.given")
    cause = moment.cause if moment.caused is None else said_words(moment.caused, "cause", plan)
    if remedy is None and moment.verdict == "failure":
        due = expectation.remedy if expectation else None
        remedy = say("moment.remedy.due", remedy=due) if due else say("moment.none.given")
    elif remedy is None:
        remedy = say("moment.remedy.none") if moment.verdict == "success" else say("moment.none.given")
    return (
        Pair(say("moment.cause"), cause or unknown),
        Pair(say("moment.remedy"), remedy),
        Pair(say("moment.plan"), say("moment.plan.version", version=moment.plan)),
    )


def reasons(
    plan: Plan, moment: Moment, trail: Sequence[TrailLine], blind: Sequence[Spell], teller: Teller
) -> tuple[str, ...]:
    """Return why it is provisional, was confirmed or revised, or is asked about, in sentences."""
    zone = plan.site.timezone
    told: list[str] = []
    if moment.asks_until_ms is not None:
        told.append(say("moment.asked", until=hms(moment.asks_until_ms, zone)))
    elif moment.reason == CONTRADICTED and moment.provisional:
        told.append(say("moment.contradicted", since=hms(moment.opened_ms, zone)))
    elif moment.provisional:
        if moment.reason:
            told.append(say("card.provisional", reason=moment.reason))
        doubted = {line.event.device for line in trail if isinstance(line.event, e.Doubted)}
        for spell in blind:
            if spell.device not in doubted:
                continue  # it could not have contradicted
            who, since = witness_words(plan, spell.device), hms(spell.from_ms, zone)
            told.append(
                say("moment.blind", device=who, since=since)
                if spell.to_ms is None
                else say("moment.blind.to", device=who, since=since, until=hms(spell.to_ms, zone))
            )
    confirmed = [line for line in trail if isinstance(line.event, e.Confirmed)]
    if confirmed and not moment.provisional:
        because = getattr(confirmed[-1].event, "because", None)
        if because:
            told.append(say("moment.confirmed.at", time=hms(confirmed[-1].now_ms, zone), because=because))
    revisions = [(line.now_ms, line.event) for line in trail if isinstance(line.event, e.Revised)]
    told += [
        say("moment.revised.n", n=number, time=hms(at_ms, zone), because=teller.because(event))
        for number, (at_ms, event) in enumerate(revisions, 1)
    ]
    return tuple(told)


def build(  # noqa: PLR0913 - a moment is explained with all this
    plan: Plan,
    moment: Moment,
    trail: Sequence[TrailLine],
    signals: Sequence[SignalRow],
    sent: Sequence[PageRow],
    now_ms: int,
    blind: Sequence[Spell] = (),
    *,
    task: Moment | None = None,
    known: Sequence[Advice] = (),
    view: View = NOTHING,
    suspended: Sequence[str] = (),
) -> Story:
    """Return the page; pure.

    Args:
        plan: in force.
        moment: the moment.
        trail: what was decided about it, in order.
        signals: that its trail names.
        sent: its pages, oldest first.
        now_ms: site time.
        blind: who did not see when it was decided.
        task: what makes it good; the moment itself where it is one.
        known: what to do first, with what is on record.
        view: what is quiet now.
        suspended: which alarms suspended its place while it ran, in words.
    """
    zone = plan.site.timezone
    teller = Teller(plan, {row.signal.id: row.signal.name for row in signals})
    saw, agree = witnesses(plan, trail, signals)
    heard = told_of(trail, sent)
    where = place(plan, moment)
    ladder = plan.judged.get(moment.expectation)
    return Story(
        moment=moment,
        title=say("moment.title", place=where, when=when_words(moment.opened_ms, now_ms, zone)),
        place=where,
        level=level_of(moment),
        head=heading(moment, now_ms),
        promise=promise(plan, moment.expectation),
        next=next_words(plan, moment, trail, now_ms, heard, view) if moment.level in URGENT else None,
        firm=firm_words(moment),
        chart=Timeline(plan, moment, trail, signals, now_ms, told=heard).markup(),
        narrow=Timeline(plan, moment, trail, signals, now_ms, NARROW, heard).markup(),
        witnesses=saw,
        agree=agree,
        pages=page_pairs(plan, trail, sent),
        pages_after=after_end(moment, heard),
        causes=cause_pairs(plan, moment),
        trail=tuple(
            Told(
                hms(line.at_ms, zone),
                hms(line.now_ms, zone),
                line.now_ms - line.at_ms > 2000,  # noqa: PLR2004 the second that a deadline waits is no delay
                teller.tell(line.event),
            )
            for line in trail
        ),
        why=reasons(plan, moment, trail, blind, teller),
        ask=ask(plan, moment, (*(Fact("suspended", words) for words in suspended), *facts(trail, signals, sent))),
        task=task if moment.remedies is None else None,
        owed=owed_words(plan, task) if task is not None else "",
        exceptional=before_pairs(plan, task),
        first=tips(known) if moment.level in URGENT and moment.remedies is None else (),
        quiet=strip(plan, view, now_ms, [moment.touchpoint]),
        paging=why(plan, moment, trail, sent, now_ms, ladder.pages if ladder is not None else ()),
        can_reset=moment.state == "open" and moment.remedies is None,
        can_void=not moment.withdrawn,
        voided=moment.verdict == "void",
    )


def story(source: Source, moment_id: str) -> Story | None:
    """Read a moment and build its page; None where there is no such moment."""
    moment = source.moment(moment_id)
    if moment is None:
        return None
    trail, signals = source.trail(moment_id), source.signals(moment_id)
    blind: Sequence[Spell] = ()
    if moment.provisional and moment.verdict in ("success", "failure"):
        blind = source.spells(moment.touchpoint, verdict_ms(moment))
    task = source.on_its_way(moment) if moment.remedies is not None else next(iter(source.tasks_of(moment)), None)
    sent = source.deliveries(moment_id)
    plan, now_ms = source.plan, source.now_ms()
    zone = plan.site.timezone
    spans = [
        say("moment.suspended", where=where, begin=hm(span.from_ms, zone), end=_end_words(span.to_ms, zone))
        for where, span in source.suspensions_of(moment)
    ]
    known = source.advice(moment)
    return build(
        plan, moment, trail, signals, sent, now_ms, blind, task=task, known=known, view=source.quiet, suspended=spans
    )


def _end_words(at_ms: int | None, zone: str) -> str:
    return say("moment.suspended.on") if at_ms is None else hm(at_ms, zone)

"""Why was nobody paged? Each rung of a moment's ladder, and every page beside it: due when, by which rule, what became.

And why nothing happened at all: every signal of a place, with what came of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.moment import events as e
from andgate.moment.engine import HORIZON_MS
from andgate.moment.roles import names_of
from andgate.plan.durations import format_duration
from andgate.plan.quiet import RESUMED, SUSPENDED
from andgate.plan.reserved import RESERVED
from hub.web.pages.fate import fate, whom
from hub.web.pages.names import group_name, key_words, signal_words, touchpoint_name, witness_words
from hub.web.pages.spans import hms, span
from hub.web.pages.told import of_page
from hub.web.pages.words import listed, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from andgate.moment.moments import Moment
    from andgate.moment.signals import Signal
    from andgate.plan import Expectation, PageStep, Plan
    from hub.store.rows import PageRow, TrailLine
    from hub.web.pages.source import Source

LATE_MS = 2_000
"""What is learned so long after it happened came late."""
LADDER = ("time-left", "claim-lapsed")
SHOWN = 60
"""Signals on the page of a place."""
LOOKED_AT = 4_000
"""Journal entries that are looked through for them."""


class Became(Struct, frozen=True):
    """One delivery, or what there was in place of any."""

    who: str
    what: str


class Rung(Struct, frozen=True, kw_only=True):
    """One reason to page somebody: when, whom, by which rule, and what became of it."""

    when: str
    who: str
    rule: str
    became: tuple[Became, ...]


class Why(Struct, frozen=True, kw_only=True):
    """Every page of a moment, sent or not."""

    rungs: tuple[Rung, ...]
    notes: tuple[str, ...]
    """What must be known beside, in sentences."""


def why(
    plan: Plan,
    moment: Moment,
    trail: Sequence[TrailLine],
    sent: Sequence[PageRow],
    now_ms: int,
    steps: Sequence[PageStep],
) -> Why:
    """Return every page of a moment, sent and not sent, with rule, time and reason; pure.

    Args:
        plan: in force.
        moment: as it was published last.
        trail: what was decided about it.
        sent: its deliveries.
        now_ms: now.
        steps: the ladder of the promise it is judged by.
    """
    zone = plan.site.timezone
    paged = [(line.now_ms, line.event) for line in trail if isinstance(line.event, e.Paged)]
    skipped = [(line.now_ms, line.event) for line in trail if isinstance(line.event, e.PageSkipped)]
    rungs: list[tuple[int, Rung]] = []
    for index, step in enumerate(steps):
        due_ms = max(moment.opened_ms, moment.ends_ms - step.left_ms)
        mine = [event for _, event in paged if event.step == index and event.reason in LADDER]
        became = [each for event in mine for each in _delivered(plan, sent, event.page)]
        became += [
            Became("", say("why.skipped", time=hms(at_ms, zone), because=say(f"moment.skip.{event.because}")))
            for at_ms, event in skipped
            if event.step == index
        ]
        late = max((event.late_ms for event in mine), default=0)
        if late > LATE_MS:
            became.append(Became("", say("why.late", late=span(late))))
        if not became:
            became = [Became("", _undecided(moment, due_ms, now_ms, zone))]
        rule = say("why.rule", left=format_duration(step.left_ms))
        if step.unless_claimed:
            rule = say("why.rule.unless", rule=rule)
        rungs.append(
            (
                due_ms,
                Rung(when=hms(due_ms, zone), who=_group(plan, moment, step.group), rule=rule, became=tuple(became)),
            )
        )
    for at_ms, event in paged:
        if event.reason not in LADDER or event.step >= len(steps):
            rule = say(f"why.rule.{event.reason}", signal=signal_words(event.signal) if event.signal else "")
            became = _delivered(plan, sent, event.page)
            rung = Rung(
                when=hms(event.at_ms, zone), who=_group(plan, moment, event.group), rule=rule, became=tuple(became)
            )
            rungs.append((at_ms, rung))
    over = [row for row in sent if row.kind == "over"]
    if over:
        became = [Became(whom(plan, row), fate(row, zone)) for row in over]
        at_ms = over[0].decided_ms
        rungs.append(
            (at_ms, Rung(when=hms(at_ms, zone), who=say("why.paged"), rule=say("why.rule.over"), became=tuple(became)))
        )
    ordered = tuple(rung for _, rung in sorted(rungs, key=lambda each: each[0]))
    return Why(rungs=ordered, notes=tuple(_notes(plan, moment, trail, steps, now_ms)))


def _group(plan: Plan, moment: Moment, group: str) -> str:
    return group_name(plan, group if moment.training is None else moment.training)


def _delivered(plan: Plan, sent: Iterable[PageRow], page: str) -> list[Became]:
    """Return what became of a page, and of those that went instead of it."""
    zone = plan.site.timezone
    return [Became(whom(plan, row), fate(row, zone)) for row in of_page(page, sent)] or [Became("", say("why.nothing"))]


def _undecided(moment: Moment, due_ms: int, now_ms: int, zone: str) -> str:
    """Say why nothing is known of a rung."""
    if moment.withdrawn:
        return say("why.withdrawn")
    if moment.ended_ms is not None and moment.ended_ms <= due_ms:
        return say("why.ended", time=hms(moment.ended_ms, zone))
    if moment.state == "open" and due_ms > now_ms:
        return say("why.ahead", left=span(due_ms - now_ms))
    return say("why.undecided")


def _notes(
    plan: Plan, moment: Moment, trail: Sequence[TrailLine], steps: Sequence[PageStep], now_ms: int
) -> Iterable[str]:
    zone = plan.site.timezone
    if moment.training is not None:
        yield say("why.training", group=group_name(plan, moment.training))
    if not steps:
        yield say("why.no-steps")
        return
    opened = next((line for line in trail if isinstance(line.event, e.Opened)), None)
    if opened is not None and opened.now_ms - opened.at_ms > LATE_MS:
        who = witness_words(plan, opened.event.witness) if isinstance(opened.event, e.Opened) else ""
        yield say("why.learned", who=who, late=span(opened.now_ms - opened.at_ms), time=hms(opened.now_ms, zone))
    for line in trail:
        if isinstance(line.event, e.Claimed):
            yield say("why.claimed", time=hms(line.at_ms, zone))
        elif isinstance(line.event, e.ClaimLapsed):
            yield say("why.lapsed", time=hms(line.at_ms, zone))
        elif isinstance(line.event, e.Doubted):
            yield say("why.blind", device=witness_words(plan, line.event.device))
    first_ms = max(moment.opened_ms, moment.ends_ms - steps[0].left_ms)
    if moment.ended_ms is not None and moment.ended_ms <= first_ms:
        yield say("why.never", left=format_duration(steps[0].left_ms))
    elif moment.state == "open" and now_ms < first_ms:
        yield say("why.not-yet", left=format_duration(steps[0].left_ms))
    groups = listed([group_name(plan, group) for group in dict.fromkeys(step.group for step in steps)])
    yield say("why.outside", groups=groups)


# ------------------------------------------------------------------------------------------------ nothing happened


class Came(Struct, frozen=True, kw_only=True):
    """One signal of a place, and what came of it."""

    when: str
    learned: str
    late: bool
    who: str
    what: str
    became: str
    moment: str
    """Which moment that was; empty: none."""


class Place(Struct, frozen=True, kw_only=True):
    """A place's signals, newest first."""

    id: str
    name: str
    rows: tuple[Came, ...]
    quarantined: int
    """Things of late that were not taken at all, from anywhere."""
    waiting: tuple[str, ...]
    """Nodes there in whose spools signals wait, or that are not heard."""


def became(plan: Plan, signal: Signal, events: Sequence[e.AnyEvent], taken_back: bool) -> tuple[str, str]:  # noqa: FBT001
    """Say what came of a signal, and of which moment; pure.

    Args:
        plan: in force.
        signal: as it is stored.
        events: those of its entry that name it.
        taken_back: a later signal took it back.
    """
    moment = events[0].moment if events else ""
    if taken_back:
        return say("came.back"), moment
    if signal.received_ms - signal.at_ms > HORIZON_MS:
        return say("came.late"), ""
    for event in events:
        found = say(f"came.{_tag(event)}")
        return (say("came.training", what=found) if signal.training is not None else found), moment
    if signal.name in (SUSPENDED, RESUMED) and signal.touchpoint in plan.quiet.suspends:
        return say(f"came.{signal.name}"), ""
    if signal.name in RESERVED:
        return say("came.reserved"), ""
    promises = [each for each in plan.judged.values() if signal.touchpoint in each.touchpoints]
    heard = [each for each in promises if signal.name in names_of(each)]
    if not heard:
        return say("came.unheard" if promises else "came.nowhere"), ""
    return _nothing(heard, signal), ""


def _tag(event: e.AnyEvent) -> str:
    return str(type(event).__struct_config__.tag)


def _nothing(heard: Sequence[Expectation], signal: Signal) -> str:
    """Say why a signal that means something there did nothing."""
    opens = [each for each in heard if signal.name in each.opens]
    if opens and all(each.key is not None and signal.key is None for each in opens):
        return say("came.no-key", key=opens[0].key)
    if any(signal.name in each.holds or signal.name in each.holds.values() for each in heard):
        return say("came.hold")
    if any(signal.name in (*each.closes, *each.voids, *each.threatens) for each in heard):
        return say("came.nothing-open")
    return say("came.found") if signal.found else say("came.already")


def place(source: Source, touchpoint: str) -> Place | None:
    """Read a place's latest signals and say what came of each; None where there is no such place."""
    plan = source.plan
    if touchpoint not in plan.touchpoints:
        return None
    zone = plan.site.timezone
    found = source.signals_at(touchpoint, most=SHOWN, entries=LOOKED_AT)
    back = {signal.retracts for signal, _, _ in found if signal.retracts is not None}
    rows = []
    for signal, now_ms, events in found:
        mine = [event for event in events if getattr(event, "signal", None) == signal.id]
        words, moment = became(plan, signal, mine, signal.id in back)
        key = f" {key_words(signal.key)}" if signal.key else ""
        rows.append(
            Came(
                when=hms(signal.at_ms, zone),
                learned=hms(now_ms, zone),
                late=now_ms - signal.at_ms > LATE_MS,
                who=witness_words(plan, signal.witness),
                what=signal_words(signal.name) + key,
                became=words,
                moment=moment,
            )
        )
    here = {device.node for device in plan.devices.values() if device.touchpoint == touchpoint}
    waiting = []
    for node in source.nodes():
        if node.node in here and node.state != "online":
            waiting.append(say("came.node.away", node=node.node))
        elif node.node in here and node.health is not None and node.health.spool:
            waiting.append(say("came.node.spool", node=node.node, n=node.health.spool))
    return Place(
        id=touchpoint,
        name=touchpoint_name(plan, touchpoint),
        rows=tuple(rows),
        quarantined=len(source.quarantine(100)),
        waiting=tuple(waiting),
    )

"""Rows of the store as the API shows them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Literal

import msgspec

from andgate.quiet import places
from andgate.wire.codec import format_time, format_time_or_none, moment_message
from hub.web.api.answers import (
    FaultEntry,
    FeedEntry,
    MomentDetail,
    NodeEntry,
    OutcomeEntry,
    PageEntry,
    QuietEntry,
    SignalEntry,
    TouchpointEntry,
    TrailEntry,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from andgate.plan.model import Hours, Touchpoint
    from andgate.plan.quiet import Scope
    from hub.fleet.faults import Fault
    from hub.quiet import Training, View
    from hub.store.rows import NodeRow, OutcomeRow, PageRow, SenderRow, SignalRow, TrailLine
    from hub.web.api.answers import Facts

URGENCY = ("open", "threatened", "failing", "failed")


def moment_detail(
    moment: Moment, trail: Sequence[TrailLine], signals: Sequence[SignalRow], pages: Sequence[PageRow]
) -> MomentDetail:
    """Return a moment with everything that led to its verdict."""
    return MomentDetail(
        **msgspec.structs.asdict(moment_message(moment)),
        trail=[trail_entry(line) for line in trail],
        signals=[signal_entry(row) for row in signals],
        pages=[page_entry(row) for row in pages],
    )


def trail_entry(line: TrailLine) -> TrailEntry:
    """Return an event as the API shows it."""
    said = msgspec.to_builtins(line.event)
    facts = {name: value for name, value in said.items() if name not in {"event", "moment", "at_ms"}}
    return TrailEntry(
        entry=line.n,
        at=format_time(line.at_ms),
        learned_at=format_time(line.now_ms),
        event=said["event"],
        facts=_on_the_wire(facts),
    )


SPANS = {"left_ms": "left_s", "late_ms": "late_s"}


def _on_the_wire(facts: dict[str, object]) -> Facts:
    """Times inside are milliseconds; on the wire they are texts, and spans are seconds."""
    shown: dict[str, object] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            shown[name] = _on_the_wire(value)
        elif name in SPANS and isinstance(value, int):
            shown[SPANS[name]] = value / 1000
        elif name.endswith("_ms"):
            shown[name.removesuffix("_ms") + "_at"] = format_time(value) if isinstance(value, int) else value
        elif name == "changed" and isinstance(value, list | tuple):
            shown[name] = [f"{field.removesuffix('_ms')}_at" if field.endswith("_ms") else field for field in value]
        else:
            shown[name] = value
    return shown  # type: ignore[return-value]


def signal_entry(row: SignalRow) -> SignalEntry:
    """Return a stored signal as the API shows it."""
    signal = row.signal
    return SignalEntry(
        id=signal.id,
        signal=signal.name,
        touchpoint=signal.touchpoint,
        at=format_time(signal.at_ms),
        received_at=format_time(signal.received_ms),
        source=signal.source,
        device=signal.device,
        key=signal.key,
        value=signal.value,
        found=signal.found,
        retracts=signal.retracts,
        state=row.state,
        moved_ms=signal.at_ms - row.first_at_ms,
        within_ms=row.within_ms,
    )


def page_entry(row: PageRow) -> PageEntry:
    """Return a delivery as the API shows it."""
    return PageEntry(
        page=row.page,
        kind=row.kind,
        moment=row.about,
        expectation=row.expectation,
        touchpoint=row.touchpoint,
        key=row.key,
        group=row.group,
        channel=row.channel,
        title=row.title,
        text=row.text + row.adds,
        reason=row.reason,
        left_s=row.left_s,
        late=row.late,
        state=row.state,
        decided_at=format_time(row.decided_ms),
        due_at=format_time(row.due_ms),
        sent_at=format_time_or_none(row.sent_ms),
        tries=row.tries,
        again=row.again,
        note=row.note,
        delivered_at=format_time_or_none(row.delivered_ms),
        read_at=format_time_or_none(row.read_ms),
        fallback=row.stands_for is not None,
        bundle=row.bundle.removesuffix("+") or None,
    )


def outcome_entry(row: OutcomeRow) -> OutcomeEntry:
    """Return an outcome as the API shows it."""
    return OutcomeEntry(
        interaction=row.interaction,
        key=row.key,
        state=row.state,
        first=row.first,
        failing=list(row.failing),
        at=format_time(row.at_ms),
        decided_at=format_time(row.decided_ms),
    )


def fault_entry(fault: Fault) -> FaultEntry:
    """Return a fault as the API shows it."""
    return FaultEntry(
        device=fault.device or None,
        kind=fault.kind,
        since=format_time(fault.since_ms),
        what=fault.words,
        do=fault.do,
        page=fault.page or None,
    )


def feed_entry(row: SenderRow, faults: Sequence[Fault]) -> FeedEntry:
    """Return a feed as the API shows it, given every fault."""
    return FeedEntry(
        id=row.name,
        accepted=row.accepted,
        duplicates=row.duplicates,
        quarantined=row.quarantined,
        per_minute=row.minute,
        seen_at=format_time(row.seen_ms),
        faults=[fault_entry(each) for each in faults if each.node == f"feed/{row.name}"],
    )


def node_entry(
    row: NodeRow, faults: Sequence[Fault], sender: SenderRow | None, training: Sequence[Training] = ()
) -> NodeEntry:
    """Return a node as the API shows it, given its faults, what came from it, and what is in training on the site."""
    health = row.health
    return NodeEntry(
        id=row.node,
        state=row.state,
        since=format_time_or_none(row.since_ms),
        seen_at=format_time_or_none(row.seen_ms),
        session=row.session,
        boot=row.boot,
        version=row.version,
        config=row.config,
        config_wanted=row.wanted,
        fault=row.fault,
        blind=list(row.blind),
        untimed=row.untimed,
        clock_within_ms=None if row.within_ms is None else ceil(row.within_ms),
        clock_fault=row.clock,
        spool=health.spool if health else None,
        synced=health.synced if health else None,
        temperature_c=health.temperature_c if health else None,
        uptime_s=health.uptime_s if health else None,
        wear=health.wear if health else None,
        drops=health.drops if health else None,
        health_at=format_time_or_none(row.health_ms),
        devices=health.devices if health else {},
        faults=[fault_entry(each) for each in faults],
        accepted=sender.accepted if sender else 0,
        duplicates=sender.duplicates if sender else 0,
        quarantined=sender.quarantined if sender else 0,
        per_minute=sender.minute if sender else 0,
        training=[_trains(each) for each in training if each.who.partition("/")[0] == row.node],
    )


def quiet_entries(view: View, plan: Plan, touchpoint: str, now_ms: int) -> list[QuietEntry]:
    """Return what keeps pages about a touchpoint from people now, in the order in which it is asked."""
    found = [
        _quiet(
            "suspended",
            plan.touchpoints[each.touchpoint].name,
            id=each.contact,
            since_ms=each.since_ms,
            until_ms=each.until_ms,
        )
        for each in view.suspensions
        if touchpoint in each.places
    ]
    if view.listen_only:
        found.insert(0, _quiet("listening", "the hub only listens"))
    if touchpoint in view.listens:
        found.append(_quiet("listening", "the plan only listens here"))
    found += [
        _quiet(
            "muted",
            each.reason,
            id=each.id,
            since_ms=each.begin_ms,
            until_ms=each.end_ms,
            owner=each.owner,
            scope=each.scope,
        )
        for each in sorted(view.mutes, key=lambda each: -each.end_ms)
        if each.holds(now_ms) and touchpoint in places(each.scope, plan)
    ]
    return [*found, *map(_trains, view.trains(touchpoint))]


def _trains(each: Training) -> QuietEntry:
    found = _quiet("training", "training", id=each.id or None, until_ms=each.until_ms, owner=each.trainer)
    return msgspec.structs.replace(found, devices=list(each.devices))


def _quiet(
    rule: Literal["suspended", "muted", "listening", "training"],
    reason: str,
    *,
    id: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    owner: str | None = None,
    scope: Scope | None = None,
) -> QuietEntry:
    return QuietEntry(
        rule=rule,
        id=id,
        since=format_time_or_none(since_ms),
        until=format_time_or_none(until_ms),
        owner=owner,
        reason=reason,
        expectations=list(scope.expectations) if scope else [],
        groups=list(scope.groups) if scope else [],
        devices=[],
    )


def touchpoint_entry(
    touchpoint: Touchpoint, plan: Plan, moments: Sequence[Moment], blind: Sequence[str], quiet: list[QuietEntry]
) -> TouchpointEntry:
    """Return a touchpoint and how it stands, given the site's open moments, blind devices, and what is quiet there."""
    here = sorted((each for each in moments if each.touchpoint == touchpoint.id), key=lambda each: each.ends_ms)
    devices = {name for name, device in plan.devices.items() if device.touchpoint == touchpoint.id}
    levels = [each.level for each in here if each.level in URGENCY]
    return TouchpointEntry(
        id=touchpoint.id,
        name=touchpoint.name,
        area=touchpoint.area,
        group=touchpoint.group,
        hours=hours_text(touchpoint.hours),
        expectations=[each.id for each in plan.expectations.values() if touchpoint.id in each.touchpoints],
        nodes=sorted({plan.devices[name].node for name in devices}),
        level=max(levels, key=URGENCY.index, default="calm"),  # type: ignore[arg-type]
        moments=[each.id for each in here],
        blind=sorted(devices.intersection(blind)),
        quiet=quiet,
    )


def hours_text(hours: Hours | None) -> str | None:
    """Return opening hours as the plan writes them."""
    if hours is None:
        return None
    start, end = hours.start_min, hours.end_min
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"

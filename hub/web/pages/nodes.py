"""The technicians' page: every node, what its inputs say right now, and what came in that nobody could read."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from msgspec import Struct

from hub.fleet.faults import LASTING
from hub.fleet.traffic import OTHERS
from hub.web.pages.names import kind_words, touchpoint_name
from hub.web.pages.spans import clock, hms, span, when_words
from hub.web.pages.words import listed, rich, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.plan import Plan
    from hub.fleet.faults import Fault
    from hub.store.rows import NodeRow, QuarantineRow, SenderRow
    from hub.web.pages.source import Source

TAIL = 50
SENDERS = 20
SENDING = frozenset({"flood", "garbage"})
"""Faults of what is sent, not of who sends it."""
START = 120
"""Most characters of a reject's payload."""


class Wire(Struct, frozen=True, kw_only=True):
    """One input or output of a node."""

    device: str
    kind: str
    level: Literal["on", "off", "unknown"]
    words: str
    since: str
    blind: bool
    fault: str


class Trouble(Struct, frozen=True):
    """Something that is wrong, and what to do about it."""

    who: str
    """The device, or the feed; empty where it is the node's own."""
    what: str
    since: str
    do: str
    told: bool
    """Technicians were paged."""


class Sends(Struct, frozen=True):
    """What came from one sender."""

    who: str
    kind: str
    minute: int
    accepted: int
    duplicates: int
    refused: int
    troubles: tuple[Trouble, ...]


class Row(Struct, frozen=True, kw_only=True):
    """One node."""

    id: str
    place: str
    state: Literal["online", "lost", "stopped", "unseen"]
    state_words: str
    since: str
    heard_ms: int | None
    heard: str
    wires: tuple[Wire, ...]
    spool: str
    spooled: int
    clock: str
    machine: str
    last: str
    troubles: tuple[Trouble, ...]
    blind: bool
    fault: bool
    """Something is wrong with it."""
    known: bool
    """The plan has it, so it can be told to blink."""


class Reject(Struct, frozen=True):
    """Something in quarantine."""

    when: str
    topic: str
    reason: str
    start: str


class Nodes(Struct, frozen=True, kw_only=True):
    """Everything on the page."""

    sayable: Markup
    rows: tuple[Row, ...]
    rejects: tuple[Reject, ...]
    senders: tuple[Sends, ...]
    """Those that trouble most."""
    clock: str | None = None
    """What is wrong with the clock of the hub's machine, in words."""
    own: tuple[tuple[str, tuple[Trouble, ...]], ...] = ()
    """What the auditor found, by whom or what it is about."""


def row(plan: Plan, node: NodeRow, now_ms: int, faults: Sequence[Fault] = ()) -> Row:
    """Return one node."""
    zone = plan.site.timezone
    known = plan.nodes.get(node.node)
    places = dict.fromkeys(it.touchpoint for it in known.devices.values() if it.touchpoint) if known else {}
    if known and known.touchpoint:
        places = {known.touchpoint: None, **places}
    health = node.health
    machine = []
    if health is not None and health.temperature_c is not None:
        machine.append(f"{health.temperature_c:.0f} °C")
    if health is not None and health.uptime_s is not None:
        machine.append(say("nodes.uptime", time=clock(int(health.uptime_s))))
    if health is not None and health.wear:
        machine.append(health.wear)
    if node.version:
        machine.append(node.version)
    if node.config != node.wanted and node.wanted is not None and node.config is not None:
        machine.append(say("nodes.config.old"))
    last = []
    if health is not None and health.drops:
        last.append(say("nodes.drops", n=health.drops))
    spooled = health.spool if health is not None else 0
    return Row(
        id=node.node,
        place=listed([touchpoint_name(plan, touchpoint) for touchpoint in places]),
        state=node.state,
        state_words=say(f"nodes.{node.state}"),
        since=say("nodes.since", time=when_words(node.since_ms, now_ms, zone)) if node.since_ms is not None else "",
        heard_ms=node.seen_ms,
        heard=span(now_ms - node.seen_ms) if node.seen_ms is not None else "",
        wires=wires(plan, node, now_ms),
        spool=say("nodes.spool.n", n=spooled) if spooled else say("nodes.spool.empty"),
        spooled=spooled,
        clock=_clock(node),
        machine=", ".join(machine),
        last="; ".join(last),
        troubles=troubles(plan, faults, now_ms),
        blind=bool(node.blind) or node.state != "online",
        fault=bool(faults),
        known=known is not None,
    )


def _clock(node: NodeRow) -> str:
    """Return how good the node's clock is, in words."""
    if node.within_ms is not None:
        return say("nodes.within", within=ceil(node.within_ms))
    if node.health is None:
        return ""
    return say("nodes.synced" if node.health.synced else "nodes.unsynced")


def wires(plan: Plan, node: NodeRow, now_ms: int) -> tuple[Wire, ...]:
    """Return a node's inputs and outputs in plan order, then those that only the node knows."""
    zone = plan.site.timezone
    known = plan.nodes.get(node.node)
    reported = node.health.devices if node.health is not None else {}
    names = dict.fromkeys([*(known.devices if known else ()), *reported])
    found = []
    for name in names:
        device = known.devices.get(name) if known else None
        said = reported.get(name)
        # What a node said before it was lost is not what its inputs are now.
        level = said.level if said is not None and node.state == "online" else "unknown"
        since = ""
        if said is not None and said.since is not None and node.offset_ms is not None and node.state == "online":
            since = hms(min(round(said.since * 1000 + node.offset_ms), now_ms), zone)
        found.append(
            Wire(
                device=name,
                kind=kind_words(device.kind) if device else "",
                level=level,
                words=say(f"nodes.level.{level}"),
                since=since,
                blind=f"{node.node}/{name}" in node.blind,
                fault=(said.fault if said is not None and said.fault else ""),
            )
        )
    return tuple(found)


def reject(quarantined: QuarantineRow, plan: Plan, now_ms: int) -> Reject:
    """Return one reject, its payload as text that can be looked at safely."""
    text = quarantined.payload[:START].decode("utf-8", "backslashreplace")
    start = "".join(letter if letter.isprintable() else "·" for letter in text)
    when = when_words(quarantined.at_ms, now_ms, plan.site.timezone)
    return Reject(when, quarantined.topic, quarantined.reason, start + ("…" if quarantined.size > START else ""))


def troubles(plan: Plan, faults: Sequence[Fault], now_ms: int) -> tuple[Trouble, ...]:
    """Return faults in words, oldest first."""
    zone = plan.site.timezone
    return tuple(
        Trouble(
            who=each.device,
            what=each.words,
            since=say("nodes.since", time=when_words(each.since_ms, now_ms, zone)),
            do=each.do,
            told=bool(each.page),
        )
        for each in faults
    )


def senders(plan: Plan, rows: Sequence[SenderRow], faults: Sequence[Fault], now_ms: int) -> tuple[Sends, ...]:
    """Return the senders that trouble most: faulty ones, then by what was refused, then by how much they send."""
    mine: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.kind in SENDING:
            mine.setdefault(fault.node, []).append(fault)
    found = []
    for each in rows:
        name = each.name if each.kind == "node" else f"feed/{each.name}"
        sends = Sends(
            who=say("nodes.senders.others") if each.name == OTHERS else each.name,
            kind=say(f"nodes.senders.{each.kind}"),
            minute=each.minute,
            accepted=each.accepted,
            duplicates=each.duplicates,
            refused=each.quarantined,
            troubles=troubles(plan, mine.get(name, ()), now_ms),
        )
        found.append(sends)
    found.sort(key=lambda each: (-len(each.troubles), -each.refused, -each.minute, -each.accepted, each.who))
    return tuple(found[:SENDERS])


def build(
    plan: Plan,
    nodes: Sequence[NodeRow],
    rejects: Sequence[QuarantineRow],
    now_ms: int,
    faults: Sequence[Fault] = (),
    sent: Sequence[SenderRow] = (),
    clock: str | None = None,
) -> Nodes:
    """Return the page; pure. Those in trouble stand first, the rest in their own order."""
    wrong: dict[str, list[Fault]] = {}
    for fault in faults:
        wrong.setdefault(fault.node, []).append(fault)
    rows = [row(plan, node, now_ms, wrong.get(node.node, ())) for node in nodes]
    trouble = {"lost": 0, "unseen": 1, "stopped": 2, "online": 3}
    rows.sort(key=lambda each: (not (each.blind or each.fault), trouble[each.state], each.id))
    return Nodes(
        sayable=rich(
            "nodes.say",
            online=sum(each.state == "online" for each in rows),
            all=len(rows),
            blind=sum(each.blind for each in rows),
            wrong=len(faults),
            faults=say("nodes.fault" if len(faults) == 1 else "nodes.faults"),
            spooled=sum(each.spooled for each in rows),
        ),
        rows=tuple(rows),
        rejects=tuple(reject(each, plan, now_ms) for each in rejects),
        senders=senders(plan, sent, faults, now_ms),
        clock=clock,
        own=tuple((each.who, troubles(plan, (each,), now_ms)) for each in faults if each.kind in LASTING),
    )


def nodes(source: Source) -> Nodes:
    """Read what the page shows and build it."""
    return build(
        source.plan,
        source.nodes(),
        source.quarantine(TAIL),
        source.now_ms(),
        source.faults(),
        source.senders(),
        source.clock_fault,
    )

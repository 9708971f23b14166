"""What can be wrong with a node or a device: decided from what is known, said in words, with what to do about it.

A fault is never a threat and never a reset: it makes what is blind visible and calls a technician. `decide` is pure;
`KINDS` is the one place where faults have words. Some faults are states (a node is lost until it is back), some are
events (a number is gone for good) that stand for a while after the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from andgate.plan import Plan, springs_back
from andgate.wire.messages import DeviceHealth, Health
from hub.store.rows import UNSTAFFED, FaultRow

Pages = Literal["never", "at once", "later"]
"""Whether technicians are paged: later is after the plan's `technicians_after`, and only within hours."""

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
STUCK_MS = MINUTE_MS
"""Nobody holds a button for so long."""
HOT_C = 80.0
"""Where a Raspberry Pi begins to slow down; it is well again 5 degrees below."""
COOL_C = 75.0


Key = tuple[str, str, str]
"""(node, device, kind)."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of fault."""

    words: str
    """What is wrong; ``{}`` is what was seen."""
    many: str
    """How several are counted, as in "17 nodes lost"."""
    do: str
    """What a technician does about it."""
    pages: Pages = "at once"
    shown_after_ms: int = 0
    """It is none before it has stood so long."""
    lasts_ms: int | None = None
    """An event: it stands for so long after the last one. None: a state, over when it is over."""


AUDIT = frozenset({"unreached", "no-channel", "unsent", "forgotten", "unreleased"})
"""What the auditor finds: of the hub and of the ways to people, not of nodes."""
OWN = AUDIT | {UNSTAFFED}
"""What is about people and the hub itself, and no node's."""
SPOKEN = OWN | {"unheard"}
"""What is paged whatever is quiet: it says that pages do not go, or go again."""
UNPROVEN = "unproven"
"""What a drill finds."""
LASTING = OWN | {UNPROVEN}
"""What ends when whoever found it says so."""

KINDS: dict[str, Kind] = {
    "lost": Kind(
        words="lost",
        many="nodes lost",
        do="Look whether it has power and network. What it sees meanwhile is kept on its card",
        pages="later",
    ),
    "silent": Kind(
        words="calls itself alive, but its health is not heard",
        many="nodes silent",
        do="Look at its network, then restart it: its program hangs, or little gets through",
        pages="later",
    ),
    "stopped": Kind(
        words="was stopped, and has not come back",
        many="nodes stopped",
        do="Start it: sudo systemctl start andgate-edge",
        pages="later",
    ),
    "unseen": Kind(
        words="was never heard",
        many="nodes never heard",
        do="Install it, or take it out of the plan",
        pages="never",
    ),
    "stranger": Kind(
        words="is not in the plan",
        many="nodes not in the plan",
        do="Give it a place in the plan, or take its password away at the broker",
        pages="never",
    ),
    "chattering": Kind(
        words="changes faster than anybody could press",
        many="inputs chattering",
        do="Look for a loose wire or a worn contact",
    ),
    "stuck": Kind(
        words="stuck",
        many="inputs stuck",
        do="Look for a jammed button, a dirty lens or something that stands in the way",
    ),
    "unreadable": Kind(
        words="cannot be read{}",
        many="inputs unreadable",
        do="Look at its wiring and its pin in the plan",
    ),
    "faulty": Kind(
        words="reports a fault{}",
        many="devices faulty",
        do="Look at its wiring",
    ),
    "deaf": Kind(
        words="stands {}, and nobody was told of the change",
        many="inputs deaf",
        do="Move it by hand and look whether the nodes page follows. If not: its wiring, then restart the node",
        shown_after_ms=MINUTE_MS,
    ),
    "disagree": Kind(
        words="button and sensor contradict each other: {}",
        many="places where button and sensor disagree",
        do="Look whether the sensor still sees the line, and whether the button is pressed for other things",
        lasts_ms=HOUR_MS,
    ),
    "config": Kind(
        words="runs another configuration than the plan's",
        many="nodes with another configuration",
        do="Its log says why it does not take the plan's: journalctl -u andgate-edge",
        shown_after_ms=MINUTE_MS,
    ),
    "clock": Kind(
        words="{} without a time: kept and shown, never judged",
        many="nodes with signals without a time",
        do="Nothing brings their time back. Give the node a network when it starts, or a battery clock",
    ),
    "dial": Kind(
        words="clock {}",
        many="nodes whose clock cannot be right",
        do="Its other messages say when things happened. If it comes again: replace the board, or correct the program",
        pages="never",
        lasts_ms=HOUR_MS,
    ),
    "unheard": Kind(
        words="suspended all pages and was not heard for too long: pages go again",
        many="alarm contacts not heard",
        do="Ask whether the alarm is over. Then look at the contact's node: while it is not heard, it suspends nothing",
        lasts_ms=HOUR_MS,
    ),
    "gap": Kind(
        words="{} lost for good",
        many="nodes that lost signals",
        do="Look at its card: it was full, worn or replaced. What it did not tell counts as not seen",
        lasts_ms=DAY_MS,
    ),
    "late": Kind(
        words="{} came more than 24 hours late: kept, never judged",
        many="senders of what is too late",
        do="What happened then stands in no figure: tell the supervisor. If nobody was cut off so long, its clock lies",
        lasts_ms=DAY_MS,
    ),
    "flood": Kind(
        words="sends {} messages a minute",
        many="senders that flood",
        do="Unplug what drives it; the others are not hurt. Its log says what it repeats",
        lasts_ms=2 * MINUTE_MS,
    ),
    "garbage": Kind(
        words="sends what cannot be used: {}",
        many="senders of what cannot be used",
        do="The quarantine on the nodes page says what and why. Most often its program is of another version",
        lasts_ms=10 * MINUTE_MS,
    ),
    "itself": Kind(
        words="says of itself: {}",
        many="nodes that report a fault",
        do="Look at its card, its supply and its log",
    ),
    "hot": Kind(
        words="is {} hot",
        many="nodes too hot",
        do="Give it air: it slows down, and its card ages",
    ),
    "unreached": Kind(
        words="was not reached about {}",
        many="groups not reached",
        do="Call them: nobody knows. Then look at the channel's address and its service",
    ),
    "no-channel": Kind(
        words="has no channel, nor has anybody else who should be told of {}",
        many="groups without a channel",
        do="Call them: nobody knows. Then give the group a channel in the plan",
    ),
    "unsent": Kind(
        words="does not send: pages wait for {}",
        many="channels that do not send",
        do="Call whoever should know. Look whether its service answers; if it does, restart the hub",
    ),
    UNSTAFFED: Kind(
        words="nobody of the shift can be reached by name: {}",
        many="groups with nobody who can be reached",
        do="Put somebody on the shift, on the roster page, and test how they are reached",
    ),
    UNPROVEN: Kind(
        words="did not answer the drill: {}",
        many="channels that did not answer the drill",
        do="Look at its address and its service, then prove it again: andgate drill",
    ),
    "forgotten": Kind(
        words="a threat has no next step: {}",
        many="threats without a next step",
        do="Call whoever should know, then restart the hub: it takes up every open threat. Report it with its log",
    ),
    "unreleased": Kind(
        words="a page is kept back though nothing is quiet there any more: {}",
        many="threats whose pages are kept back for no reason",
        do="Call whoever should know, then restart the hub: it lets go what nothing keeps back. Report it with its log",
    ),
}


class Fault(Struct, frozen=True, kw_only=True):
    """Something is wrong with a node, or with one of its devices."""

    node: str
    device: str = ""
    """Empty where it is the node's own."""
    kind: str
    since_ms: int
    seen_ms: int = 0
    """When it was last seen to be so; matters for events."""
    detail: str = ""
    page: str = ""
    """The page that told technicians; empty where none did."""
    known_ms: int = 0
    """Since when this hub knows of it; 0: since its start. It may have begun long before."""

    @property
    def key(self) -> Key:
        """What it is the same fault by."""
        return (self.node, self.device, self.kind)

    @property
    def who(self) -> str:
        """Return whom it is about: ``desk-a1``, ``desk-a1/mot`` or ``feed/ops``."""
        return f"{self.node}/{self.device}" if self.device else self.node

    @property
    def words(self) -> str:
        """Return what is wrong."""
        return KINDS[self.kind].words.replace("{}", self.detail)

    @property
    def do(self) -> str:
        """Return what to do about it."""
        return KINDS[self.kind].do

    def shown(self, now_ms: int) -> bool:
        """Whether it has stood long enough to be one."""
        return now_ms - self.since_ms >= KINDS[self.kind].shown_after_ms


class Known(Struct, frozen=True, kw_only=True):
    """What is known of a node."""

    node: str
    state: str
    since_ms: int | None = None
    """Since when it is in this state."""
    stale_ms: int | None = None
    """Since when its health is overdue."""
    wanted: str | None = None
    config: str | None = None
    health: Health | None = None
    """What it said of itself since the hub started."""
    health_ms: int | None = None
    untimed: int = 0
    """Signals that nobody can put on the timeline."""
    told: Mapping[str, str] = {}
    """Device -> the level that its last signal told, ``on`` or ``off``; where that is known."""


def decide(known: Known, plan: Plan, standing: Mapping[tuple[str, str, str], Fault], now_ms: int) -> list[Fault]:
    """Return the states that are wrong with a node now; events are counted elsewhere.

    Args:
        known: the node.
        plan: in force.
        standing: its faults so far. What a node said of itself before it went dark stands until it says otherwise.
        now_ms: now.
    """
    node = known.node
    if known.wanted is None:
        return [_fault(known, "stranger", known.since_ms, now_ms)]
    found: list[Fault] = []
    if known.untimed:
        many = f"{known.untimed} signal{'s' if known.untimed > 1 else ''}"
        found.append(_fault(known, "clock", None, now_ms, detail=many))
    if known.state == "unseen":
        return [*found, _fault(known, "unseen", known.since_ms, now_ms)]
    if known.state != "online" or known.stale_ms is not None:
        found += [fault for fault in standing.values() if fault.node == node and fault.kind in _SAID]
        if known.state == "online":
            return [*found, _fault(known, "silent", known.stale_ms, now_ms)]
        return [*found, _fault(known, "lost" if known.state == "lost" else "stopped", known.since_ms, now_ms)]
    if known.config is not None and known.config != known.wanted:
        found.append(_fault(known, "config", None, now_ms))
    if known.health is None:  # a hub that has just started: what was wrong is, until the node says otherwise
        found += [
            fault
            for fault in standing.values()
            if fault.node == node and fault.kind in _SAID and fault.kind != "config"
        ]
    else:
        found += _machine(known, known.health, standing, now_ms)
        for device, said in known.health.devices.items():
            found += _device(known, known.health, device, said, plan, standing, now_ms)
    return found


_SAID = frozenset({"config", "itself", "hot", "chattering", "stuck", "unreadable", "faulty", "deaf"})
"""What a node says of itself and its devices."""


def _fault(known: Known, kind: str, since_ms: int | None, now_ms: int, *, device: str = "", detail: str = "") -> Fault:
    since_ms = now_ms if since_ms is None else min(since_ms, now_ms)
    return Fault(node=known.node, device=device, kind=kind, since_ms=since_ms, seen_ms=now_ms, detail=detail)


def _machine(
    known: Known, health: Health, standing: Mapping[tuple[str, str, str], Fault], now_ms: int
) -> Iterator[Fault]:
    if health.fault:
        yield _fault(known, "itself", None, now_ms, detail=health.fault)
    if health.temperature_c is not None:
        limit = COOL_C if (known.node, "", "hot") in standing else HOT_C
        if health.temperature_c >= limit:
            yield _fault(known, "hot", None, now_ms, detail=f"{health.temperature_c:.0f} °C")


def _device(
    known: Known,
    health: Health,
    device: str,
    said: DeviceHealth,
    plan: Plan,
    standing: Mapping[tuple[str, str, str], Fault],
    now_ms: int,
) -> Iterator[Fault]:
    heard_ms = now_ms if known.health_ms is None else known.health_ms
    stood_ms = 0 if said.since is None else max(0, round((health.mono - said.since) * 1000))
    because = _because(said.fault)
    planned = plan.devices.get(f"{known.node}/{device}")
    if said.fault and "chatter" in said.fault:
        yield _fault(known, "chattering", None, now_ms, device=device)
    elif said.fault and "stuck" in said.fault:
        yield _fault(known, "stuck", heard_ms - stood_ms, now_ms, device=device)
    elif said.level == "unknown":
        yield _fault(known, "unreadable", None, now_ms, device=device, detail=because)
    elif said.fault:
        yield _fault(known, "faulty", None, now_ms, device=device, detail=because)
    elif planned is not None and springs_back(planned) and said.level == "on" and stood_ms >= STUCK_MS:
        yield _fault(known, "stuck", heard_ms - stood_ms, now_ms, device=device)
    told = known.told.get(device)
    if told is None:  # a hub that has just started knows no signal yet
        if (known.node, device, "deaf") in standing:
            yield _fault(known, "deaf", None, now_ms, device=device, detail=said.level)
    elif said.level in ("on", "off") and said.level != told and not health.spool:
        yield _fault(known, "deaf", None, now_ms, device=device, detail=said.level)


def _because(fault: str | None) -> str:
    """Return what a device's word for its fault adds to the fault's own words."""
    word, _, more = (fault or "").partition(":")
    said = more if word == "unreadable" else fault or ""
    return f": {said.strip()}" if said.strip() else ""


def standing(rows: Iterable[FaultRow], now_ms: int) -> tuple[Fault, ...]:
    """Return stored faults that have stood long enough to be shown."""
    found = (
        Fault(
            node=row.node,
            device=row.device,
            kind=row.kind,
            since_ms=row.since_ms,
            seen_ms=row.seen_ms,
            detail=row.detail,
            page=row.page,
        )
        for row in rows
        if row.kind in KINDS
    )
    return tuple(fault for fault in found if fault.shown(now_ms))


def again(old: Fault, new: Fault) -> Fault:
    """Return a fault that was seen once more: it is as old as it was, in the newest words."""
    return msgspec.structs.replace(new, since_ms=old.since_ms, page=old.page, known_ms=old.known_ms)

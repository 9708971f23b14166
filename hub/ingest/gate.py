"""The gatekeeper: from what was sent to what is judged.

One message is one `Taken`. Nothing that comes in raises here: what cannot be taken is quarantined with its reason. What
nodes send is taken in here, since its times need the timeline; what feeds send, which tell the time, in `Feeds`.

The timeline (rule 11 of the contract):

=============================  =============================  ======================================================
the boot has an offset         `mono` + offset at that time of its clock
no offset, the boot runs       `at` if it says `synced`       else the receipt
no offset, the boot has ended  `at` if it says `synced`       else untimed: kept, shown, judged never
later than the receipt         up to 60 s: the receipt        more: quarantined (HTTP: refused)
=============================  =============================  ======================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from andgate.errors import PayloadError
from andgate.moment.engine import HORIZON_MS
from andgate.moment.signals import GAP, Retimed, Signal
from andgate.plan import Plan
from andgate.wire.codec import decode_node_signals, parse_time
from andgate.wire.messages import NodeSignal, Retraction, TimeAsk
from hub.ingest.boots import RETIME_MS, Boot, Boots
from hub.ingest.feeds import Feeds
from hub.ingest.taken import AHEAD_MS, Taken, digest, set_aside
from hub.ingest.timeline import Place
from hub.ingest.vocabulary import Vocabularies, Vocabulary
from hub.store import Store

UNDIGESTED_MOST = 10_000
"""Signals that could not be judged that are remembered as such."""


class _Numbered(Struct):
    boot: str
    seq: int


class Gate:
    """The gatekeeper of one hub; belongs to the driver's thread."""

    def __init__(
        self,
        store: Store,
        boots: Boots,
        plans: Sequence[tuple[int, Plan]],
        site_ms: Callable[[int], int] = lambda utc_ms: utc_ms,
        behind: Callable[[str], bool] = lambda _node: False,
    ) -> None:
        """Take signals into `store`, by the names in the plan of when they happened.

        Args:
            store: of the hub.
            boots: of the same.
            plans: each with the site time since when it is in force; the last is in force now.
            site_ms: from a UTC that others tell to site time: the same, unless the machine's clock was set.
            behind: whether a node still runs the configuration of an earlier plan: it speaks by the names of that one.
        """
        self._store = store
        self._site_ms = site_ms
        self._behind = behind
        self._boots = boots
        self._undigested: dict[str, None] = {}
        self._running: dict[str, str] = {}
        """Node -> the boot its birth named."""
        self._words = Vocabularies(plans)
        self.feeds = Feeds(store, self._words, self._undigested, site_ms)

    def use_plan(self, plan: Plan, now_ms: int) -> None:
        """Know this plan's names from now on."""
        self._words.use_plan(plan, now_ms, now_ms - HORIZON_MS)

    def born(self, node: str, boot: str, now_ms: int) -> None:
        """A node said which boot it runs."""
        self._running[node] = boot
        self._see(node, boot, now_ms)

    def _see(self, node: str, boot: str, now_ms: int) -> Boot:
        return self._boots.see(node, boot, now_ms, stranger=not self._words.knows_node(node))

    # ---------------------------------------------------------------------------------------------- nodes

    def node_signals(self, node: str, topic: str, payload: bytes, received_ms: int, *, retained: bool) -> Taken:
        """Take a message of ``node/{node}/signal``."""
        taken = Taken()
        try:
            members, taken.more = decode_node_signals(payload)
        except PayloadError as wrong:
            self._store.quarantine(received_ms, topic, str(wrong), payload)
            self._number_bad(node, payload, taken, received_ms)
            return taken
        boots: dict[str, Boot] = {}
        told: set[tuple[str, float]] = set()  # a list is sent once, whatever it holds: one bound
        for member in members:
            if isinstance(member, PayloadError) or member.sent is None or (member.boot, member.sent) in told:
                continue
            told.add((member.boot, member.sent))
            boot = boots.get(member.boot)
            if boot is None:
                boot = boots[member.boot] = self._see(node, member.boot, received_ms)
            if boot.bound(member.sent * 1000, received_ms):
                self._better(boot, received_ms, taken)
        bad = False
        for member in members:
            if isinstance(member, PayloadError):
                self._store.quarantine(received_ms, topic, str(member), payload)
                bad = True
            else:
                boot = boots.get(member.boot)
                if boot is None:
                    boot = boots[member.boot] = self._see(node, member.boot, received_ms)
                self._node_signal(boot, member, taken, topic, received_ms, retained=retained)
        if bad:
            self._number_bad(node, payload, taken, received_ms)
        return taken

    def _node_signal(
        self, boot: Boot, member: NodeSignal, taken: Taken, topic: str, received_ms: int, *, retained: bool
    ) -> None:
        node = boot.node
        id = f"n/{node}/{member.boot}/{member.seq}"
        known = member.seq in boot.numbers or boot.numbers.forgot(member.seq)
        kept = self._store.signals.kept(id) if known else None
        if kept is not None:  # else that number was set aside, and what comes under it now may be good
            boot.numbers.add(member.seq)
            taken.boots[boot.rank] = boot
            taken.duplicates += 1
            if kept.digest != digest(member):
                set_aside(
                    self._store, received_ms, topic, "this number is stored already, with another content", member
                )
            return
        if retained:
            set_aside(self._store, received_ms, topic, "a signal delivered as retained may be from the past", member)
            return
        taken.boots[boot.rank] = boot
        if id in self._undigested:
            return
        boot.numbers.add(member.seq)
        mono_ms = member.mono * 1000
        place = boot.timeline.at(mono_ms)
        at_ms = self._unplaced(member, boot, received_ms) if place is None else round(mono_ms + place.offset_ms)
        words = self._words.now if at_ms is None else self._words.at(at_ms)
        fault = words.node_fault(node, member.device, member.signal)
        if fault is not None:
            words = self._words.now  # a device that is new, by a clock that is a little behind
            if node in words.devices and member.device not in words.devices[node] and self._behind(node):
                words = self._words.before(node, member.device) or words
            fault = words.node_fault(node, member.device, member.signal)
        if fault is not None and not (member.signal == GAP and node in words.devices):
            set_aside(self._store, received_ms, topic, fault, member)
            return
        if at_ms is None:
            signal = self._signal(member, id, boot, words, received_ms, received_ms)
            boot.untimed += 1
            self._store.signals.keep(signal, digest(member), boot=boot.rank, mono_ms=mono_ms, untimed=True)
            boot.keep()
            taken.accepted += 1
            return
        if at_ms > received_ms + AHEAD_MS:
            set_aside(
                self._store, received_ms, topic, "it says that it happened more than 60 s after it was received", member
            )
            return
        signal = self._signal(member, id, boot, words, min(at_ms, received_ms), received_ms, _within(place))
        self._store.signals.keep(signal, digest(member), boot=boot.rank, mono_ms=mono_ms)
        if place is not None:
            boot.stood.timed(mono_ms, place.offset_ms)
        boot.vague |= signal.within_ms is None
        boot.keep()
        taken.accepted += 1
        taken.inputs.append(signal)

    def _signal(
        self,
        member: NodeSignal,
        id: str,
        boot: Boot,
        words: Vocabulary,
        at_ms: int,
        received_ms: int,
        within_ms: int | None = None,
    ) -> Signal:
        node = boot.node
        device = words.devices[node].get(member.device)
        # A gap is the node's own word, not a device's.
        touchpoint = words.plan.nodes[node].touchpoint or "" if device is None else device.touchpoint
        retracts: str | None = None
        if isinstance(member.retracts, Retraction):
            retracts = f"n/{node}/{member.retracts.boot}/{member.retracts.seq}"
        elif member.retracts is not None or member.press is not None:
            retracts = f"n/{node}/{member.boot}/{member.retracts or member.press}"
        return Signal(
            id=id,
            name=member.signal,
            touchpoint=touchpoint,
            at_ms=at_ms,
            received_ms=received_ms,
            source=node,
            device=f"{node}/{member.device}",
            boot_rank=boot.rank,
            seq=member.seq,
            key=member.key,
            value=member.value,
            to=member.to,
            about=member.about,
            found=member.found,
            retracts=retracts,
            within_ms=within_ms,
        )

    def _unplaced(self, member: NodeSignal, boot: Boot, received_ms: int) -> int | None:
        """Return when a signal of a boot without an offset happened, or None where nobody can tell."""
        if member.synced and member.at is not None:
            boot.floating = True
            return self._site_ms(parse_time(member.at))
        running = self._running.get(boot.node)
        newest = self._boots.newest(boot.node)
        if boot.boot == running or (running is None and boot is newest):
            boot.floating = True
            return received_ms
        return None

    def asked(
        self, node: str, ask: TimeAsk, received_ms: int, now_of: Callable[[int], int] = lambda at_ms: at_ms
    ) -> Taken:
        """Take a node's question for the time: it bounds the offset as a signal does, the one before says more.

        Args:
            node: who asks.
            ask: what it says.
            received_ms: when it came.
            now_of: from a site time that this hub told once to what that is now.
        """
        taken = Taken()
        boot = taken.boots[0] = self._see(node, ask.boot, received_ms)
        sent_ms, before = ask.mono * 1000, ask.before
        at_ms = None if before is None else now_of(parse_time(before.at))
        better = boot.bound(sent_ms, received_ms)
        if before is not None and at_ms is not None and before.asked <= before.heard <= ask.mono:
            asked_ms, heard_ms = before.asked * 1000, before.heard * 1000
            better |= boot.read(asked_ms, at_ms, heard_ms, sent_ms=sent_ms, received_ms=received_ms)
        if better:
            self._better(boot, received_ms, taken)
        return taken

    def _better(self, boot: Boot, now_ms: int, taken: Taken) -> None:
        """Decide anew what a better offset moves by more than 50 ms, and judge what had no time at all."""
        timeline = boot.timeline
        if boot.untimed:
            for signal, mono_ms in self._store.signals.untimed_of(boot.rank):
                place = timeline.at(mono_ms)
                if place is None:
                    return
                at_ms = min(round(mono_ms + place.offset_ms), signal.received_ms)
                self._store.signals.time(signal.id, at_ms, _within(place))
                boot.stood.timed(mono_ms, place.offset_ms)
                taken.inputs.append(replace(signal, at_ms=at_ms, within_ms=_within(place)))
            boot.untimed = 0
        if not boot.moves() or not boot.pay():
            return
        for it in self._store.signals.timed_of(boot.rank, now_ms - HORIZON_MS):
            place = timeline.at(it.mono_ms)
            if place is None or it.mono_ms <= timeline.settled_ms:
                continue
            at_ms, within_ms = min(round(it.mono_ms + place.offset_ms), it.received_ms or now_ms), _within(place)
            if abs(at_ms - it.at_ms) <= RETIME_MS:
                if it.within_ms is not None or within_ms is None:
                    continue
                # It stays where it is, and now it is known how wrong that may be.
                at_ms, within_ms = it.at_ms, within_ms + abs(at_ms - it.at_ms)
            self._store.signals.retime(it.id, at_ms, within_ms)
            taken.inputs.append(Retimed(signal=it.id, at_ms=at_ms, within_ms=within_ms))
        boot.stood.settle(timeline)
        boot.floating = False
        boot.vague = boot.vague and not timeline.sure

    def _number_bad(self, node: str, payload: bytes, taken: Taken, now_ms: int) -> None:
        """Receipt what is set aside, so that its node does not send it for ever; if it at least has a number."""
        try:
            raws = msgspec.json.decode(payload, type=list[Raw] | dict[str, Raw])
            members = [msgspec.json.decode(raw, type=_Numbered) for raw in raws] if isinstance(raws, list) else []
            if not members:
                members = [msgspec.json.decode(payload, type=_Numbered)]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        for member in members:
            if 1 <= member.seq <= 2**53 and 1 <= len(member.boot) <= 200:  # noqa: PLR2004 - the contract's bounds
                boot = self._see(node, member.boot, now_ms)
                boot.numbers.add(member.seq)
                taken.boots[boot.rank] = boot

    def unkeep(self, id: str, *, undigested: bool) -> None:
        """Let a signal's number go, so that it is not receipted: nobody could judge it.

        With `undigested` it is not even looked at again until the hub starts anew.
        """
        if undigested:
            self._undigested[id] = None
            if len(self._undigested) > UNDIGESTED_MOST:
                del self._undigested[next(iter(self._undigested))]
        kind, _, rest = id.partition("/")
        node, _, rest = rest.partition("/")
        boot, _, seq = rest.rpartition("/")
        if kind == "n" and seq.isdecimal():
            self._boots.unnumber(node, boot, int(seq))

    def own(self, signal: Signal, taken: Taken) -> None:
        """Take a signal of the hub's own (a device went blind)."""
        self._store.signals.keep(signal, b"")
        taken.inputs.append(signal)


def _within(place: Place | None) -> int | None:
    """Return how wrong a time may be, in whole milliseconds; None where nobody knows."""
    return None if place is None or place.within_ms is None else ceil(place.within_ms)

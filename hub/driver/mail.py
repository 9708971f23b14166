"""What comes over MQTT: signals, births, health, questions, answers; each is taken into a batch, message by message."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from andgate.errors import PayloadError, TopicError
from andgate.moment.signals import GAP, HEARD, Signal
from andgate.wire.codec import (
    decode_health,
    decode_node_state,
    decode_page_receipt,
    decode_time_ask,
    format_time,
)
from andgate.wire.messages import TimeReply
from andgate.wire.topics import parse
from hub.driver.batch import Batch
from hub.driver.intake import (
    Delivered,
)
from hub.fleet.sight import Change
from hub.fleet.traffic import SenderKind
from hub.ingest.taken import Taken

if TYPE_CHECKING:
    from hub.driver.judge import Judge

STRANGERS_MOST = 500
"""Nodes outside the plan that are remembered at all."""
_TOPICS_KEPT = 8_192
_SENDERS: dict[str, SenderKind] = {
    "node/signal": "node",
    "node/state": "node",
    "node/health": "node",
    "node/time": "node",
    "feed/signal": "feed",
}

_parse = lru_cache(_TOPICS_KEPT)(parse)
"""A site says the same few topics for ever."""


class Mail:
    """Opens the judge's letters; belongs to the judge's thread."""

    def __init__(self, judge: Judge) -> None:
        """Open them for `judge`."""
        self._judge = judge

    def message(self, batch: Batch, item: Delivered) -> None:
        """Take one message; what cannot be read is set aside."""
        try:
            topic = _parse(item.topic)
        except TopicError as wrong:
            self._judge.store.quarantine(item.received_ms, item.topic, str(wrong), item.payload)
            return
        name, received_ms = topic.name, self._judge.timekeeper.now_of(item.received_ms)
        try:
            if topic.kind == "node/signal":
                taken = self._judge.gate.node_signals(
                    name, item.topic, item.payload, received_ms, retained=item.retained
                )
                batch.boots |= taken.boots
                for boot in taken.boots.values():
                    self._judge.holes.note(boot)
                self._judge.holes.answered(taken.inputs)
                self._judge.fleet.heard(name, received_ms)
                self._judge.take_in(batch, taken)
                self._judge.hands.pressed(batch, taken)
                self._drained(batch, name, taken)
                self._judge.watch.signals(taken.inputs, taken.boots.values(), received_ms)
            elif topic.kind == "feed/signal":
                taken = self._judge.gate.feeds.signals(
                    name, item.topic, item.payload, received_ms, retained=item.retained
                )
                self._judge.take_in(batch, taken)
                if taken.ids:
                    batch.feeds.setdefault(name, []).extend(taken.ids)
            elif topic.kind == "answer":
                self._judge.hands.answer(batch, item)
            elif topic.kind == "node/page":
                self._judge.hands.told(decode_page_receipt(item.payload), name)
            elif topic.kind == "node/time":
                self._asked(batch, name, item.payload, received_ms)
            elif item.payload or not item.retained:  # an empty retained payload takes a state back
                self._node_said(batch, topic.kind, name, item)
        except PayloadError as wrong:
            self._judge.store.quarantine(received_ms, item.topic, str(wrong), item.payload)

    def count(self, batch: Batch, item: Delivered, before: tuple[int, int, int]) -> None:
        """Count a message for its sender, and what of it was no good."""
        bad = self._judge.store.quarantined - before[2]
        try:
            topic = _parse(item.topic)
        except TopicError:
            return  # the broker lets nobody near the topics of others: whoever this was has no name
        sender = _SENDERS.get(topic.kind)
        if sender is not None and (bad or topic.kind.endswith("/signal")):
            accepted, duplicates = batch.accepted - before[0], batch.duplicates - before[1]
            self._judge.watch.took(
                sender,
                topic.name,
                batch.now_ms,
                accepted,
                duplicates,
                bad,
                self._judge.store.last_reason if bad else "",
            )

    def _asked(self, batch: Batch, node: str, payload: bytes, received_ms: int) -> None:
        """Answer a node's question for the time."""
        ask = decode_time_ask(payload)
        if self._judge.reply is not None:
            self._judge.reply(node, TimeReply(n=ask.n, at=format_time(received_ms), rate=self._judge.clock.rate))
        if node in self._judge.in_force.nodes:
            self._judge.fleet.heard(node, received_ms)
            taken = self._judge.gate.asked(node, ask, received_ms, self._judge.timekeeper.now_of)
            self._judge.watch.clocks(taken.boots.values(), received_ms)
            self._judge.take_in(batch, taken)

    def _node_said(self, batch: Batch, kind: str, node: str, item: Delivered) -> None:
        if node not in self._judge.in_force.nodes and self._judge.fleet.strangers(node) >= STRANGERS_MOST:
            raise PayloadError(f'the plan has no node "{node}", nor have {STRANGERS_MOST} others that spoke')
        if kind == "node/state":
            said = decode_node_state(item.payload)
            was = self._judge.fleet.state_of(node)
            standing, own = self._judge.fleet.said(node, said, batch.now_ms, retained=item.retained)
            if said.state == "online" and said.boot is not None and node in self._judge.in_force.nodes:
                self._judge.gate.born(node, said.boot, batch.now_ms)
            if standing.state != was:
                batch.nodes.append((node, standing.state))
        else:
            health = decode_health(item.payload)
            if health.drill is not None and not item.retained:
                batch.drilled.append(health.drill)
            own = self._judge.fleet.health(node, health, batch.now_ms)
            batch.commands += [(node, command) for command in self._judge.holes.ask(node, batch.now_ms)]
            if health.spool == 0:
                for boot in sorted(self._judge.fleet.waits(node)):
                    if self._judge.boots.gapless(node, boot) or self._judge.holes.only_gone(node, boot):
                        own += self._judge.fleet.drained(node, boot, batch.now_ms)
        self._judge.watch.said(node)
        self._judge.say(batch, self.first_heard(node, batch.now_ms) + own)

    def first_heard(self, node: str, now_ms: int) -> list[Signal]:
        """Return the journal's word that a node is there, the first time: until then it counts as blind."""
        devices = self._judge.store.coverage.unheard.get(node)
        if devices is None or self._judge.fleet.state_of(node) == "unseen":
            return []
        touchpoint = next(iter(devices.values()))[0]
        return [self._judge.fleet.sight.signal(Change(HEARD, node, touchpoint, now_ms), now_ms)]

    def _drained(self, batch: Batch, node: str, taken: Taken) -> None:
        """Ask whether a node that is back has now told everything it saw while nobody heard it."""
        if not self._judge.fleet.waits(node):
            return
        for item in taken.inputs:
            if isinstance(item, Signal) and item.name == GAP:
                self._judge.fleet.gone(item)
        if taken.more:
            return
        for boot in taken.boots.values():
            if not boot.numbers.ranges:
                self._judge.say(batch, self._judge.fleet.drained(node, boot.boot, batch.now_ms))

"""A node's mail: what the hub says, message by message, and what the node does about it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from andgate.errors import PayloadError, WireError
from andgate.wire import topics
from andgate.wire.codec import (
    decode_command,
    decode_config,
    decode_group_board,
    decode_hub_beat,
    decode_hub_state,
    decode_node_state,
    decode_receipt,
    decode_time_reply,
    decode_touchpoint,
    decode_transmission,
    parse_time,
)
from edge.link import Down, Message, Said, Up

if TYPE_CHECKING:
    from edge.worker import Worker

_log = logging.getLogger("andgate.edge")

IDENTIFY_S = 10.0
DRILL_S = 3.0
"""Real seconds that devices blink: when somebody looks for one, and in a drill that is not silent."""


class Mail:
    """Opens the worker's letters; belongs to the worker's thread."""

    def __init__(self, worker: Worker) -> None:
        """Open them for `worker`."""
        self._worker = worker
        self.unkept: dict[str, bytes] = {}
        """The hub's word, not yet on disk, by what it is about."""
        self._session: int | None = None
        self._epoch = ""
        """Of the hub, as it said them last."""
        self._handlers: dict[str, Callable[[Message], None]] = {
            "hub/state": self._on_hub,
            "hub/beat": self._on_beat,
            "node/state": self._on_own_state,
            "node/receipt": self._on_receipt,
            "node/time/reply": self._on_time,
            "node/config": self._on_config,
            "node/command": self._on_command,
            "touchpoint/moment": self._on_moments,
            "group/board": self._on_board,
            "node/transmit": self._on_transmit,
        }

    def hear(self, said: Said) -> None:
        """Take what the link tells."""
        now_s = self._worker.clock.mono_s()
        if isinstance(said, Up):
            self._worker.hearing.up(now_s)
            self._on_up(now_s)
        elif isinstance(said, Down):
            self._worker.delivery.down()
            self._worker.hearing.down(now_s)
            self._worker.connect()
        else:
            self._on_message(said)

    def _on_message(self, message: Message) -> None:
        """Take a message; one that is not in the contract is dropped, and the log says why.

        An empty one is how MQTT takes a retained message back: it says nothing.
        """
        if not message.payload:
            return
        try:
            topic = topics.parse(message.topic)
            handler = self._handlers.get(topic.kind)
            if handler is not None:
                handler(message)
                if topic.kind not in ("hub/state", "node/state") and not message.retained:
                    self._hub_spoke(beat=topic.kind == "hub/beat")
        except WireError as wrong:
            _log.warning("%s: dropped a message on %s: %s", self._worker.node, message.topic, wrong)

    def _on_up(self, now_s: float) -> None:
        if self._worker.presence.names is None:
            return
        self._worker.presence.birth(self._worker.config_hash)
        self._worker.hurry("health")
        self._worker.questions.begin()
        self._worker.delivery.up(now_s)

    def _on_own_state(self, message: Message) -> None:
        self._worker.presence.heard(decode_node_state(message.payload), self._worker.config_hash)

    def _on_hub(self, message: Message) -> None:
        said = decode_hub_state(message.payload)
        now_s = self._worker.clock.mono_s()
        again = self._session is not None and said.session != self._session
        self._session = said.session
        if said.state == "online" and said.epoch:
            self._epoch = said.epoch
            again |= self.begin_epoch()
        self._worker.hearing.state(now_s, online=said.state == "online", beat_s=said.beat_s)
        if said.state == "online" and again:
            self._worker.questions.begin()
        self._worker.delivery.hub(said, now_s, again=again, live=not message.retained)

    def begin_epoch(self) -> bool:
        """Send again what is kept, if the hub has begun a new epoch; a disk that refuses it is asked again."""
        known = (self._worker.spool.fact("epoch") or b"").decode()
        if self._epoch in ("", known):
            return False
        freed = self._worker.spool.begin_epoch(self._epoch)
        if known or freed:
            _log.info("%s: the hub begins a new epoch; %s kept signals are sent again", self._worker.node, freed)
        return bool(known or freed)

    def _on_beat(self, message: Message) -> None:
        said = decode_hub_beat(message.payload)
        if self._session is not None and said.session < self._session:
            raise PayloadError("a beat of a session that is over")

    def _hub_spoke(self, *, beat: bool) -> None:
        """Take note that the hub is there; after a silence what was sent into it goes again at once."""
        now_s = self._worker.clock.mono_s()
        if self._worker.hearing.heard(now_s, beat=beat):
            self._worker.delivery.silence_over(now_s)

    def _on_receipt(self, message: Message) -> None:
        receipt = decode_receipt(message.payload)
        now_s = self._worker.clock.mono_s()
        self._worker.delivery.receipt(receipt, now_s, self._worker.time.ms(now_s) or self._worker.clock.now_ms())
        self._worker.face.receipted(receipt, now_s)

    def _on_time(self, message: Message) -> None:
        reply = decode_time_reply(message.payload)
        now_s = self._worker.clock.mono_s()
        asked_s = self._worker.questions.answered(reply, now_s)
        if asked_s is None:
            return
        if self._worker.time.learn(parse_time(reply.at), asked_s, now_s, reply.rate):
            self._worker.spool.keep("time", self._worker.time.dump())
            self._worker.review()

    def _on_config(self, message: Message) -> None:
        config = decode_config(message.payload)
        topic = topics.parse(message.topic)
        self._worker.spool.keep("config", message.payload)
        changed = self._worker.config is None or config.hash != self._worker.config.hash
        if self._worker.presence.names is None:
            self._worker.presence.learn(topic.site)
            self._worker.use_config(config, self._worker.clock.mono_s())
            self._worker.link.drop()  # the next connection has a will and a birth
        elif changed:
            self._worker.use_config(config, self._worker.clock.mono_s())
            self._worker.presence.birth(config.hash)

    def _on_moments(self, message: Message) -> None:
        said = decode_touchpoint(message.payload)
        touchpoint = topics.parse(message.topic).name
        self.unkept[f"moments {touchpoint}"] = message.payload
        self._worker.face.hear(touchpoint, said, self._worker.clock.mono_s())

    def _on_board(self, message: Message) -> None:
        said = decode_group_board(message.payload)
        group = topics.parse(message.topic).name
        self.unkept[f"board {group}"] = message.payload
        self._worker.room.hear(group, said)

    def _on_transmit(self, message: Message) -> None:
        """Send a page; one that the broker has kept is from the past."""
        if not message.retained:
            self._worker.room.transmit(decode_transmission(message.payload), self._worker.clock.mono_s())

    def keep(self) -> None:
        """Put on disk what is not there yet."""
        for name, payload in self.unkept.items():
            self._worker.spool.keep(name, payload)
        self.unkept.clear()

    def _on_command(self, message: Message) -> None:
        """Do what the hub asks; a command kept by the broker is from the past and is not done."""
        if message.retained:
            return
        command = decode_command(message.payload)
        now_s = self._worker.clock.mono_s()
        if command.do in ("identify", "drill"):
            if command.do == "identify" or command.loud:
                self._worker.face.identify(command.device, now_s, IDENTIFY_S if command.do == "identify" else DRILL_S)
            self._worker.drill = command.drill or self._worker.drill
            self._worker.hurry("health", now_s + self._worker.pace)
        elif command.do == "refused":
            self._worker.face.refuse(command.device, now_s)
        elif command.do == "reload":
            self._worker.reload = True
        elif command.do == "resend":
            gone = self._worker.gaps.requeue(command)
            self._worker.delivery.requeued(now_s)
            if gone:
                self._worker.delivery.live(self._worker.gaps.tell(gone, now_s), now_s)


def is_state(topic: str) -> bool:
    """Say whether a message on this topic replaces what was said on it before."""
    return topic.endswith(("/moment", "/board"))

"""The one thread that owns a node's state: what devices saw becomes numbered signals, what the hub says becomes light.

Everything that happens comes through one queue: edges from the pins, what the link tells, and the wish to stop. Between
two of them the worker sleeps until the next thing is due. What has come together is handled together: one commit for
all presses of a moment, and only then are they sent.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import msgspec

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
    encode,
    parse_time,
)
from andgate.wire.messages import About, NodeConfig
from edge.break_room import BreakRoom
from edge.clock import NodeClock
from edge.delivery import Delivery
from edge.devices import Edge, Input, Report
from edge.devices.annunciator import Annunciator
from edge.devices.rack import Rack
from edge.face import REMEMBERED, Face
from edge.gaps import Gaps
from edge.health import ITSELF, faulty, health
from edge.hearing import Hearing
from edge.link import Down, Link, Message, Said, Up
from edge.memory import give_back
from edge.pen import Pen
from edge.presence import Presence
from edge.questions import Questions
from edge.site_time import SiteTime
from edge.spool import Spool
from edge.view import Effect

_log = logging.getLogger("andgate.edge")

HEALTH_S = 15.0
POLL_S = 1.0
"""Levels are read again this often: the kernel may miss an edge."""
PURGE_S = 3600.0
IDENTIFY_S = 10.0
DRILL_S = 3.0
RELOAD_S = 5.0
"""Devices are opened anew at most so often: each time their levels are found, and that is written to disk."""
KEEP_S = 1.0
"""The hub's word is put on disk at most so often, however often it speaks: a card wears out."""
TRIM_S = 600.0
"""What starting and long lists have taken of memory goes back to the system this often; a Pi Zero has little."""
MEND_S = 5.0
"""A disk that was full is tried again so often."""


class Stop:
    """The wish to stop; `goodbye` False is a power cut."""

    def __init__(self, *, goodbye: bool) -> None:
        """Make the wish."""
        self.goodbye = goodbye


Event = Edge | Up | Down | Message | Stop


class Worker:
    """A node at work; everything here belongs to the thread that calls `run`."""

    def __init__(
        self,
        node: str,
        site: str | None,
        *,
        spool: Spool,
        link: Link,
        clock: NodeClock,
        pin_factory: Any,  # noqa: ANN401 - gpiozero has no types
        inbox: queue.SimpleQueue[Event],
    ) -> None:
        """Put the parts together; `run` does the rest."""
        self.node = node
        self.spool, self.link, self.clock, self.inbox = spool, link, clock, inbox
        self.pace = 1.0 / clock.real_s(1.0)
        self.rack = Rack(pin_factory, clock, inbox.put)
        self.time = SiteTime(clock.boot_id, self.pace)
        self.delivery = Delivery(spool, self._send_signals, clock)
        self.pen = Pen(self.time)
        self.gaps = Gaps(spool, self.pen)
        self.presence = Presence(node, site, spool, link)
        self.questions = Questions(self.pace)
        self.face = Face(node, self.rack, self.time, clock)
        self.room = BreakRoom(self.rack, self.time, clock, self.face)
        self.hearing = Hearing(clock.mono_s(), self.pace)
        self.config: NodeConfig | None = None
        self._hub_session: int | None = None
        self._epoch = ""
        """Of the hub, as it said it last."""
        self._synced = clock.synced()
        self._faulty: set[str] = set()
        self._drill: str | None = None
        self._wrong: list[Exception] = []
        """What went wrong in this turn."""
        self._timers: dict[str, float] = {}
        self._unkept: dict[str, bytes] = {}
        """The hub's word, not yet on disk, by what it is about."""
        self._reload = False
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

    # ------------------------------------------------------------------------------------------ life

    def arm(self) -> None:
        """Take up what is on disk and open the devices: from here on a press counts, with or without a broker."""
        now_s = self.clock.mono_s()
        self.time.load(self.spool.fact("time"))
        self._guess_time(now_s)
        kept = self.spool.fact("config")
        if kept is not None:
            try:
                config = decode_config(kept)
                self._remember(config)
                self._use_config(config, now_s)
            except WireError:
                _log.warning("%s: the kept configuration is not readable; waiting for the hub's", self.node)
        self._connect()

    def _remember(self, config: NodeConfig) -> None:
        """Take up what this node saw before it started and nobody has confirmed: its own countdowns go on."""
        known = (self.pen.read(entry.body, config.devices) for entry in self.spool.newest(REMEMBERED))
        self.face.add([effect for effect in known if effect is not None])

    def run(self) -> None:
        """Work until somebody wishes to stop."""
        stop: Stop | None = None
        while stop is None:
            try:
                stop = self._turn()
            except Exception as wrong:  # noqa: BLE001 - no fault must stop a node
                _log.error("%s: %s: %s", self.node, type(wrong).__name__, wrong)
                _log.debug("at", exc_info=True)
                threading.Event().wait(1.0)
        if stop.goodbye and self.presence.names is not None:
            self.presence.goodbye()
            self._keep_moments()
        self.link.close(polite=stop.goodbye)
        self.rack.close()
        self.spool.close()

    def _turn(self) -> Stop | None:
        """Wait for the next thing, then handle all that has come."""
        events: list[Event] = []
        wait_s = self.clock.real_s(self._due_s() - self.clock.mono_s())
        with contextlib.suppress(queue.Empty):
            if wait_s > 0:
                events.append(self.inbox.get(timeout=min(wait_s, 60.0)))
            while True:
                events.append(self.inbox.get_nowait())
        reports: list[tuple[Input, Report]] = []
        latest = {event.topic: event for event in events if isinstance(event, Message)}
        for event in events:
            if isinstance(event, Stop):
                return event
            if isinstance(event, Message) and _is_state(event.topic) and latest[event.topic] is not event:
                continue  # the hub has said something newer of it already
            with self._apart():
                if isinstance(event, Edge):
                    device = self.rack.devices.get(event.device)
                    if isinstance(device, Input):
                        reports += [(device, report) for report in device.feed(event.at_s, event.level)]
                else:
                    self._hear(event)
        self._pass_time(reports, touched=bool(events))
        if self._wrong:
            wrong = self._wrong[0]
            self._wrong.clear()
            raise wrong
        return None

    @contextlib.contextmanager
    def _apart(self) -> Iterator[None]:
        """Do what others must not suffer from: its fault is raised when the turn is over, and what they saw is kept."""
        try:
            yield
        except Exception as wrong:  # noqa: BLE001 - `_turn` raises it
            self._wrong.append(wrong)

    def _pass_time(self, reports: list[tuple[Input, Report]], *, touched: bool) -> None:
        now_s = self.clock.mono_s()
        poll = touched or self._timer("poll", POLL_S, now_s)
        for device in self.rack.inputs:
            due_s = device.due_s()
            if poll or (due_s is not None and due_s <= now_s):
                with self._apart():
                    found = device.advance(now_s) + device.check(now_s)
                    reports += [(device, report) for report in found]
        if reports:
            self._report(reports, now_s)
        self.delivery.advance(now_s)
        news = poll and self._news(now_s)
        if self.delivery.connected:
            if now_s >= self.questions.due_s:
                self.questions.plan(now_s)
                self._ask_time(now_s)
            if self._timer("health", HEALTH_S, now_s) or news:
                self._tell_health(now_s)
        self._keep_house(now_s)
        if self.time.settle(now_s):
            self._review()
        alone = self.hearing.alone_s(now_s) is not None
        self.face.hearing(now_s, alone=alone, told=self.hearing.told_s(now_s) is not None)
        if touched or reports or now_s >= self.face.due_s:
            self.face.show(now_s, linked=not alone)
        if touched or reports or now_s >= self.room.due_s:
            self.room.show(now_s)
        self._tell_receipts()

    def _keep_house(self, now_s: float) -> None:
        if self._timer("trim", TRIM_S, now_s):
            give_back()
        if self._timer("purge", PURGE_S, now_s):
            self.spool.purge(self.time.ms(now_s) or self.clock.now_ms())
        if self.spool.trouble is not None and self._timer("mend", MEND_S, now_s) and self.spool.mend():
            self.face.safe()
            if self._begin_epoch():
                self.delivery.requeued(now_s)
        if self._unkept and self._timer("keep", KEEP_S, now_s):
            self._keep_moments()
        if self._reload and self.config is not None and self._timer("reload", RELOAD_S, now_s):
            self._reload = False
            self._use_config(self.config, now_s, anew=True)

    def _timer(self, name: str, every_s: float, now_s: float) -> bool:
        """Say whether it is time for something; in a fast demo nothing runs more than ten times a real second."""
        due_s = self._timers.get(name, -inf)
        if now_s < due_s:
            return False
        self._timers[name] = now_s + max(every_s, 0.1 * self.pace)
        return True

    def _due_s(self) -> float:
        """Return when something is to be done next."""
        names = ("poll", "purge", "health") if self.delivery.connected else ("poll", "purge")
        dues = [self._timers.get(name, -inf) for name in names]
        dues += [self.questions.due_s] if self.delivery.connected else []
        dues += [due for due in (device.due_s() for device in self.rack.inputs) if due is not None]
        dues += [self.face.due_s, self.room.due_s, self.hearing.due_s(self.clock.mono_s())]
        return min(self.delivery.due_s() or inf, *dues)

    # ------------------------------------------------------------------------------------------ seeing

    def _report(self, reports: list[tuple[Input, Report]], now_s: float) -> None:
        """Number what devices saw, put it on disk in one commit, then send it."""
        effects: list[Effect] = []
        writes = [
            self.pen.write(device, report, self.face.shown_key(device), effects, self._about(device, now_s))
            for device, report in reports
            # Going blind and seeing again are no signals: the health tells them, and it has just changed.
            if report.occasion in device.hands.config.signals
        ]
        if not writes:
            return
        entries = self.spool.append(writes)
        # A disk that was full made some bodies twice, under two numberings; only the last of each holds.
        numbered = {(entry.boot, entry.seq) for entry in entries}
        kept = {(entry.boot, entry.seq) for entry in entries if self.spool.durable(entry.boot)}
        self.face.add(
            [
                msgspec.structs.replace(effect, kept=(effect.boot, effect.seq) in kept)
                for effect in effects
                if (effect.boot, effect.seq) in numbered
            ]
        )
        self.delivery.live(entries, now_s)

    # ------------------------------------------------------------------------------------------ hearing

    def _hear(self, said: Said) -> None:
        now_s = self.clock.mono_s()
        if isinstance(said, Up):
            self.hearing.up(now_s)
            self._on_up(now_s)
        elif isinstance(said, Down):
            self.delivery.down()
            self.hearing.down(now_s)
            self._connect()
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
            _log.warning("%s: dropped a message on %s: %s", self.node, message.topic, wrong)

    def _connect(self) -> None:
        self.presence.connect(self._touchpoints(), self.room.groups_of(self.config))

    def _touchpoints(self) -> set[str]:
        devices = self.config.devices.values() if self.config is not None else ()
        return {device.touchpoint for device in devices if device.touchpoint}

    @property
    def _config_hash(self) -> str | None:
        return self.config.hash if self.config is not None else None

    def _on_up(self, now_s: float) -> None:
        if self.presence.names is None:
            return
        self.presence.birth(self._config_hash)
        self._timers["health"] = -inf
        self.questions.begin()
        self.delivery.up(now_s)

    def _on_own_state(self, message: Message) -> None:
        self.presence.heard(decode_node_state(message.payload), self._config_hash)

    def _on_hub(self, message: Message) -> None:
        said = decode_hub_state(message.payload)
        now_s = self.clock.mono_s()
        again = self._hub_session is not None and said.session != self._hub_session
        self._hub_session = said.session
        if said.state == "online" and said.epoch:
            self._epoch = said.epoch
            again |= self._begin_epoch()
        self.hearing.state(now_s, online=said.state == "online", beat_s=said.beat_s)
        if said.state == "online" and again:
            self.questions.begin()
        self.delivery.hub(said, now_s, again=again, live=not message.retained)

    def _begin_epoch(self) -> bool:
        """Send again what is kept, if the hub has begun a new epoch; a disk that refuses it is asked again."""
        known = (self.spool.fact("epoch") or b"").decode()
        if self._epoch in ("", known):
            return False
        freed = self.spool.begin_epoch(self._epoch)
        if known or freed:
            _log.info("%s: the hub begins a new epoch; %s kept signals are sent again", self.node, freed)
        return bool(known or freed)

    def _on_beat(self, message: Message) -> None:
        said = decode_hub_beat(message.payload)
        if self._hub_session is not None and said.session < self._hub_session:
            raise PayloadError("a beat of a session that is over")

    def _hub_spoke(self, *, beat: bool) -> None:
        """Take note that the hub is there; after a silence what was sent into it goes again at once."""
        now_s = self.clock.mono_s()
        if self.hearing.heard(now_s, beat=beat):
            self.delivery.silence_over(now_s)

    def _on_receipt(self, message: Message) -> None:
        receipt = decode_receipt(message.payload)
        now_s = self.clock.mono_s()
        self.delivery.receipt(receipt, now_s, self.time.ms(now_s) or self.clock.now_ms())
        self.face.receipted(receipt, now_s)

    def _on_time(self, message: Message) -> None:
        reply = decode_time_reply(message.payload)
        now_s = self.clock.mono_s()
        asked_s = self.questions.answered(reply, now_s)
        if asked_s is None:
            return
        if self.time.learn(parse_time(reply.at), asked_s, now_s, reply.rate):
            self.spool.keep("time", self.time.dump())
            self._review()

    def _on_config(self, message: Message) -> None:
        config = decode_config(message.payload)
        topic = topics.parse(message.topic)
        self.spool.keep("config", message.payload)
        changed = self.config is None or config.hash != self.config.hash
        if self.presence.names is None:
            self.presence.learn(topic.site)
            self._use_config(config, self.clock.mono_s())
            self.link.drop()  # the next connection has a will and a birth
        elif changed:
            self._use_config(config, self.clock.mono_s())
            self.presence.birth(config.hash)

    def _use_config(self, config: NodeConfig, now_s: float, *, anew: bool = False) -> None:
        """Be what the configuration says; levels found at new devices are reported as found."""
        self.config = config
        reports = [(device, report) for device in self.rack.fit(config, anew=anew) for report in device.start()]
        groups = self.room.groups_of(config)
        self.presence.listen(self._touchpoints(), groups)
        for touchpoint in self._touchpoints() - self.face.said.keys():
            kept = self.spool.fact(f"moments {touchpoint}")
            if kept is not None:
                with contextlib.suppress(WireError):
                    self.face.hear(touchpoint, decode_touchpoint(kept), now_s)
        for group in groups - self.room.boards.keys():
            kept = self.spool.fact(f"board {group}")
            if kept is not None:
                with contextlib.suppress(WireError):
                    self.room.hear(group, decode_group_board(kept))
        self.pen.zone = config.timezone
        self.face.configure(config)
        self.room.configure(config)
        self._report(reports, now_s)
        self._timers["health"] = -inf

    def _on_moments(self, message: Message) -> None:
        said = decode_touchpoint(message.payload)
        touchpoint = topics.parse(message.topic).name
        self._unkept[f"moments {touchpoint}"] = message.payload
        self.face.hear(touchpoint, said, self.clock.mono_s())

    def _on_board(self, message: Message) -> None:
        said = decode_group_board(message.payload)
        group = topics.parse(message.topic).name
        self._unkept[f"board {group}"] = message.payload
        self.room.hear(group, said)

    def _on_transmit(self, message: Message) -> None:
        """Send a page; one that the broker has kept is from the past."""
        if not message.retained:
            self.room.transmit(decode_transmission(message.payload), self.clock.mono_s())

    def _keep_moments(self) -> None:
        for name, payload in self._unkept.items():
            self.spool.keep(name, payload)
        self._unkept.clear()

    def _on_command(self, message: Message) -> None:
        """Do what the hub asks; a command kept by the broker is from the past and is not done."""
        if message.retained:
            return
        command = decode_command(message.payload)
        now_s = self.clock.mono_s()
        if command.do in ("identify", "drill"):
            if command.do == "identify" or command.loud:
                self.face.identify(command.device, now_s, IDENTIFY_S if command.do == "identify" else DRILL_S)
            self._drill = command.drill or self._drill
            self._timers["health"] = min(self._timers["health"], now_s + self.pace)
        elif command.do == "refused":
            self.face.refuse(command.device, now_s)
        elif command.do == "reload":
            self._reload = True
        elif command.do == "resend":
            gone = self.gaps.requeue(command)
            self.delivery.requeued(now_s)
            if gone:
                self.delivery.live(self.gaps.tell(gone, now_s), now_s)

    # ------------------------------------------------------------------------------------------ telling

    def _send_signals(self, payload: bytes) -> None:
        names = self.presence.names
        if names is not None:
            self.link.publish(names.node_signal(self.node), payload)

    def _ask_time(self, now_s: float) -> None:
        names = self.presence.names
        if names is None:
            return
        self._guess_time(now_s)
        ask = self.questions.ask(self.spool.boot, self.clock.mono_s())
        self.link.publish(names.node_time(self.node), encode(ask))

    def _review(self) -> None:
        """Judge anew what is seen here: the site's time is known better."""
        self.face.review()
        self.room.review()

    def _about(self, device: Input, now_s: float) -> About | None:
        """Return what else a signal of a device says: a claim, which moment somebody comes for."""
        return self.room.pressed(device, now_s) if isinstance(device, Annunciator) else None

    def _tell_receipts(self) -> None:
        names = self.presence.names
        while self.room.receipts and names is not None and self.delivery.connected:
            self.link.publish(names.node_page(self.node), encode(self.room.receipts.popleft()))

    def _guess_time(self, now_s: float) -> None:
        self._synced = self.clock.synced()
        if self._synced:
            self.time.guess(self.clock.now_ms(), now_s)

    def _news(self, now_s: float) -> bool:
        """Say whether a device's fault came or went: the hub is to know at once who is blind."""
        now_faulty = faulty(self.rack, self.spool, now_s)
        news, self._faulty = now_faulty != self._faulty, now_faulty
        if news:
            inputs = {device.id for device in self.rack.inputs} | self.rack.faults.keys()
            self.face.blind(now_faulty & inputs, now_s)
            self.face.trouble_s = (self.face.trouble_s or now_s) if ITSELF in now_faulty else None
        return news

    def _tell_health(self, now_s: float) -> None:
        names = self.presence.names
        if names is not None:
            said = health(
                self.rack,
                self.spool,
                self.time,
                now_s,
                synced=self._synced,
                config=self._config_hash,
                drill=self._drill,
            )
            self.link.publish(names.node_health(self.node), encode(said))


def _is_state(topic: str) -> bool:
    """Say whether a message on this topic replaces what was said on it before."""
    return topic.endswith(("/moment", "/board"))

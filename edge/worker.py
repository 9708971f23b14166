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
from collections.abc import Iterator
from math import inf
from typing import Any

import msgspec

from andgate.errors import WireError
from andgate.wire.codec import (
    decode_config,
    decode_group_board,
    decode_touchpoint,
    encode,
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
from edge.link import Down, Link, Message, Up
from edge.mail import Mail, is_state
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
        self.drill: str | None = None
        """The last drill that asked whether the node is there."""
        self.reload = False
        """The devices are to be opened anew."""
        self.mail = Mail(self)
        self._synced = clock.synced()
        self._faulty: set[str] = set()
        self._wrong: list[Exception] = []
        """What went wrong in this turn."""
        self._timers: dict[str, float] = {}

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
                self.use_config(config, now_s)
            except WireError:
                _log.warning("%s: the kept configuration is not readable; waiting for the hub's", self.node)
        self.connect()

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
            self.mail.keep()
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
                with self._apart():
                    self._report(reports, self.clock.mono_s())  # what was seen before it is kept
                return event
            if isinstance(event, Message) and is_state(event.topic) and latest[event.topic] is not event:
                continue  # the hub has said something newer of it already
            with self._apart():
                if isinstance(event, Edge):
                    device = self.rack.devices.get(event.device)
                    if isinstance(device, Input):
                        reports += [(device, report) for report in device.feed(event.at_s, event.level)]
                else:
                    self.mail.hear(event)
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
            self.review()
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
            if self.mail.begin_epoch():
                self.delivery.requeued(now_s)
        if self.mail.unkept and self._timer("keep", KEEP_S, now_s):
            self.mail.keep()
        if self.reload and self.config is not None and self._timer("reload", RELOAD_S, now_s):
            self.reload = False
            self.use_config(self.config, now_s, anew=True)

    def _timer(self, name: str, every_s: float, now_s: float) -> bool:
        """Say whether it is time for something; in a fast demo nothing runs more than ten times a real second."""
        due_s = self._timers.get(name, -inf)
        if now_s < due_s:
            return False
        self._timers[name] = now_s + max(every_s, 0.1 * self.pace)
        return True

    def hurry(self, name: str, at_s: float = -inf) -> None:
        """Let something be due by then: at once, where nothing else is said."""
        self._timers[name] = min(self._timers.get(name, -inf), at_s)

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

    # ------------------------------------------------------------------------------------------ being

    def connect(self) -> None:
        """Ask for the next connection."""
        self.presence.connect(self._touchpoints(), self.room.groups_of(self.config))

    def _touchpoints(self) -> set[str]:
        devices = self.config.devices.values() if self.config is not None else ()
        return {device.touchpoint for device in devices if device.touchpoint}

    @property
    def config_hash(self) -> str | None:
        """Which configuration it is."""
        return self.config.hash if self.config is not None else None

    def use_config(self, config: NodeConfig, now_s: float, *, anew: bool = False) -> None:
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
        self.hurry("health")

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

    def review(self) -> None:
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
                config=self.config_hash,
                drill=self.drill,
            )
            self.link.publish(names.node_health(self.node), encode(said))

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
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import msgspec

import andgate
from andgate.errors import PayloadError, WireError
from andgate.wire import topics
from andgate.wire.codec import (
    decode_command,
    decode_config,
    decode_hub_beat,
    decode_hub_state,
    decode_node_state,
    decode_receipt,
    decode_time_reply,
    decode_touchpoint,
    encode,
    format_time,
    parse_time,
)
from andgate.wire.messages import (
    Command,
    Exchange,
    Health,
    NodeConfig,
    NodeState,
    TimeAsk,
)
from edge.clock import NodeClock
from edge.delivery import Delivery
from edge.devices import Edge, Input, Report
from edge.devices.rack import Rack
from edge.face import REMEMBERED, Face
from edge.hearing import Hearing
from edge.link import Down, Link, Message, Said, Up, Will
from edge.memory import give_back
from edge.pen import Pen
from edge.site_time import SiteTime
from edge.spool import Spool
from edge.view import Effect

_log = logging.getLogger("andgate.edge")

HEALTH_S = 15.0
TIME_S = (2.0, 64.0)
"""The time is asked for soon after a connection, then twice as long apart each time, up to the second."""
SLOW_S = 0.1
"""An answer that took longer says little: the next questions come sooner again, at most once a round."""
POLL_S = 1.0
"""Levels are read again this often: the kernel may miss an edge."""
PURGE_S = 3600.0
IDENTIFY_S = 10.0
DRILL_S = 3.0
GONE_AT_MOST = 100_000
"""A resend of more numbers than this is a mistake."""
GAPS_MOST = 100
"""Gap signals for one resend; the hub asks again for the rest."""
GAPS_REMEMBERED = 1_000
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
        self.node, self.site = node, site
        self.spool, self.link, self.clock, self.inbox = spool, link, clock, inbox
        self.pace = 1.0 / clock.real_s(1.0)
        self.rack = Rack(pin_factory, clock, inbox.put)
        self.time = SiteTime(clock.boot_id, self.pace)
        self.delivery = Delivery(spool, self._send_signals, clock)
        self.pen = Pen(self.time)
        self.face = Face(node, self.rack, self.time, clock)
        self.hearing = Hearing(clock.mono_s(), self.pace)
        self.config: NodeConfig | None = None
        self.session = int(spool.fact("session") or 0)
        self.run_number = self.session + 1
        """Names this run of the program; sessions only grow."""
        self._asked: dict[int, float] = {}
        self._asks = 0
        self._ask_every_s = TIME_S[0]
        self._exchange: tuple[float, str, float] | None = None
        """The quickest since the last question: asked, answered, heard."""
        self._hub_session: int | None = None
        self._synced = clock.synced()
        self._faulty: set[str] = set()
        self._subscribed: set[str] = set()
        self._timers: dict[str, float] = {}
        self._unkept: dict[str, bytes] = {}
        """The hub's word, not yet on disk, by touchpoint."""
        self._gaps: dict[tuple[str, int, int], tuple[str, int]] = {}
        """What was told to be gone -> the gap signal that told it."""
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
        }

    # ------------------------------------------------------------------------------------------ life

    def arm(self) -> None:
        """Take up what is on disk and open the devices: from here on a press counts, with or without a broker."""
        now_s = self.clock.mono_s()
        self.time.load(self.spool.fact("time"))
        self._guess_time(now_s)
        if self.site is None:
            self.site = (self.spool.fact("site") or b"").decode() or None
        else:
            self.spool.keep("site", self.site.encode())
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
            except Exception as wrong:  # noqa: BLE001 - a fault in one device must not stop a node
                _log.error("%s: %s: %s", self.node, type(wrong).__name__, wrong)
                _log.debug("at", exc_info=True)
                threading.Event().wait(1.0)
        if stop.goodbye and self.site is not None:
            goodbye = NodeState(state="stopped", session=self.session, boot=self.spool.boot)
            self.link.publish(topics.Topics(self.site).node_state(self.node), encode(goodbye), retain=True)
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
            if isinstance(event, Edge):
                device = self.rack.devices.get(event.device)
                if isinstance(device, Input):
                    reports += [(device, report) for report in device.feed(event.at_s, event.level)]
            else:
                self._hear(event)
        self._pass_time(reports, touched=bool(events))
        return None

    def _pass_time(self, reports: list[tuple[Input, Report]], *, touched: bool) -> None:
        now_s = self.clock.mono_s()
        poll = touched or self._timer("poll", POLL_S, now_s)
        for device in self.rack.inputs:
            due_s = device.due_s()
            if poll or (due_s is not None and due_s <= now_s):
                found = device.advance(now_s) + device.check(now_s)
                reports += [(device, report) for report in found]
        if reports:
            self._report(reports, now_s)
        self.delivery.advance(now_s)
        news = poll and self._news(now_s)
        if self.delivery.connected:
            if self._timer("time", self._ask_every_s, now_s):
                self._ask_every_s = min(self._ask_every_s * 2, TIME_S[1])
                self._ask_time(now_s)
            if self._timer("health", HEALTH_S, now_s) or news:
                self._tell_health(now_s)
        self._keep_house(now_s)
        if self.time.settle(now_s):
            self.face.review()
        alone = self.hearing.alone_s(now_s) is not None
        self.face.hearing(now_s, alone=alone, told=self.hearing.told_s(now_s) is not None)
        if touched or reports or now_s >= self.face.due_s:
            self.face.show(now_s, linked=not alone)

    def _keep_house(self, now_s: float) -> None:
        if self._timer("trim", TRIM_S, now_s):
            give_back()
        if self._timer("purge", PURGE_S, now_s):
            self.spool.purge(self.time.ms(now_s) or self.clock.now_ms())
        if self.spool.trouble is not None and self._timer("mend", MEND_S, now_s) and self.spool.mend():
            self.face.safe()
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
        names = ("poll", "purge", "time", "health") if self.delivery.connected else ("poll", "purge")
        dues = [self._timers.get(name, -inf) for name in names]
        dues += [due for due in (device.due_s() for device in self.rack.inputs) if due is not None]
        return min(self.face.due_s, self.delivery.due_s() or inf, self.hearing.due_s(self.clock.mono_s()), *dues)

    # ------------------------------------------------------------------------------------------ seeing

    def _report(self, reports: list[tuple[Input, Report]], now_s: float) -> None:
        """Number what devices saw, put it on disk in one commit, then send it."""
        effects: list[Effect] = []
        writes = [
            self.pen.write(device, report, self.face.shown_key(device), effects)
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
        """Prepare the next session: its number goes into the will, so that a late will cannot kill a newer birth."""
        if self.site is None:
            self.link.connect(None, [f"{topics.ROOT}/+/node/{self.node}/config"])
            return
        self.session += 1
        self.spool.keep("session", str(self.session).encode())
        names = topics.Topics(self.site)
        will = Will(names.node_state(self.node), encode(NodeState(state="lost", session=self.session)))
        self._subscribed = set(self._filters(names))
        self.link.connect(will, sorted(self._subscribed))

    def _filters(self, names: topics.Topics) -> list[str]:
        devices = self.config.devices.values() if self.config is not None else ()
        return list(names.node_filters(self.node, sorted({device.touchpoint for device in devices})))

    def _on_up(self, now_s: float) -> None:
        self._birth()
        if self.site is None:
            return
        self._timers["time"] = self._timers["health"] = -inf
        self._ask_every_s = TIME_S[0]
        self.delivery.up(now_s)

    def _birth(self) -> None:
        """Say that we are here; on every connection, and again when somebody says otherwise."""
        if self.site is None:
            return
        birth = NodeState(
            state="online",
            session=self.session,
            boot=self.spool.boot,
            version=andgate.__version__,
            config=self.config.hash if self.config is not None else None,
            run=self.run_number,
        )
        self.link.publish(topics.Topics(self.site).node_state(self.node), encode(birth), retain=True)

    def _on_own_state(self, message: Message) -> None:
        said = decode_node_state(message.payload)
        if said.session > self.session:
            # Our numbers went back (a restored card): a will with a lower number would be ignored.
            self.session = said.session
            self.spool.keep("session", str(self.session).encode())
            self.link.drop()
        elif said.state != "online":
            self._birth()

    def _on_hub(self, message: Message) -> None:
        said = decode_hub_state(message.payload)
        now_s = self.clock.mono_s()
        again = self._hub_session is not None and said.session != self._hub_session
        self._hub_session = said.session
        epoch = (self.spool.fact("epoch") or b"").decode()
        if said.state == "online" and said.epoch and said.epoch != epoch:
            if epoch:
                freed = self.spool.requeue()
                _log.info("%s: the hub begins a new epoch; %d kept signals are sent again", self.node, freed)
                again = True
            self.spool.keep("epoch", said.epoch.encode())
        self.hearing.state(now_s, online=said.state == "online", beat_s=said.beat_s)
        if said.state == "online" and again:
            self._timers["time"], self._ask_every_s = -inf, TIME_S[0]
        self.delivery.hub(said, now_s, again=again, live=not message.retained)

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
        asked_s = self._asked.pop(reply.n, None)
        if asked_s is None:
            return
        now_s = self.clock.mono_s()
        quickest = self._exchange
        if quickest is None or now_s - asked_s < quickest[2] - quickest[0]:
            self._exchange = (asked_s, reply.at, now_s)
        if now_s - asked_s > SLOW_S * self.pace and self._ask_every_s >= TIME_S[1]:
            self._ask_every_s = TIME_S[0]
            self._timers["time"] = now_s + TIME_S[0]
        if self.time.learn(parse_time(reply.at), asked_s, now_s, reply.rate):
            self.spool.keep("time", self.time.dump())
            self.face.review()

    def _on_config(self, message: Message) -> None:
        config = decode_config(message.payload)
        topic = topics.parse(message.topic)
        self.spool.keep("config", message.payload)
        changed = self.config is None or config.hash != self.config.hash
        if self.site is None:
            self.site = topic.site
            self.spool.keep("site", self.site.encode())
            self._use_config(config, self.clock.mono_s())
            self.link.drop()  # the next connection has a will and a birth
        elif changed:
            self._use_config(config, self.clock.mono_s())
            self._birth()

    def _use_config(self, config: NodeConfig, now_s: float, *, anew: bool = False) -> None:
        """Be what the configuration says; levels found at new devices are reported as found."""
        self.config = config
        reports = [(device, report) for device in self.rack.fit(config, anew=anew) for report in device.start()]
        if self.site is not None:
            wanted = set(self._filters(topics.Topics(self.site)))
            more = sorted(wanted - self._subscribed)
            self._subscribed |= wanted
            if more:
                self.link.subscribe(more)
        for touchpoint in {device.touchpoint for device in config.devices.values()} - self.face.said.keys():
            kept = self.spool.fact(f"moments {touchpoint}")
            if kept is not None:
                with contextlib.suppress(WireError):
                    self.face.hear(touchpoint, decode_touchpoint(kept), now_s)
        self.pen.zone = config.timezone
        self.face.configure(config)
        self._report(reports, now_s)
        self._timers["health"] = -inf

    def _on_moments(self, message: Message) -> None:
        said = decode_touchpoint(message.payload)
        touchpoint = topics.parse(message.topic).name
        self._unkept[touchpoint] = message.payload
        self.face.hear(touchpoint, said, self.clock.mono_s())

    def _keep_moments(self) -> None:
        for touchpoint, payload in self._unkept.items():
            self.spool.keep(f"moments {touchpoint}", payload)
        self._unkept.clear()

    def _on_command(self, message: Message) -> None:
        """Do what the hub asks; a command kept by the broker is from the past and is not done."""
        if message.retained:
            return
        command = decode_command(message.payload)
        now_s = self.clock.mono_s()
        if command.do in ("identify", "drill"):
            self.face.identify(command.device, now_s, IDENTIFY_S if command.do == "identify" else DRILL_S)
            self._timers["health"] = min(self._timers["health"], now_s + self.pace)
        elif command.do == "refused":
            self.face.refuse(command.device, now_s)
        elif command.do == "reload":
            self._reload = True
        elif command.do == "resend":
            self._resend(command, now_s)

    def _resend(self, command: Command, now_s: float) -> None:
        """Send a range again; what is gone is answered by a gap signal, so that nobody waits for it for ever."""
        boot = command.boot or self.spool.boot
        first = max(command.from_ or 1, 1)
        last = min(command.to or first, first + GONE_AT_MOST)
        self.spool.requeue(boot, first, last)
        gone = []
        for low, high in self.spool.missing(boot, first, last)[:GAPS_MOST]:
            told = self._told_gone(boot, low, high)
            if told is None or self.spool.missing(told[0], told[1], told[1]):
                gone.append((low, high))
            else:
                self.spool.requeue(told[0], told[1], told[1])  # said once, kept once, however often it is asked for
        self.delivery.requeued(now_s)
        if gone:
            entries = self.spool.append([self.pen.gap(boot, low, high, now_s) for low, high in gone])
            for (low, high), entry in zip(gone, entries, strict=True):
                self._gaps[boot, low, high] = (entry.boot, entry.seq)
            for old in list(self._gaps)[:-GAPS_REMEMBERED]:
                del self._gaps[old]
            self.delivery.live(entries, now_s)

    def _told_gone(self, boot: str, low: int, high: int) -> tuple[str, int] | None:
        """Return the gap signal that has told of these numbers already, or None."""
        for (of, first, last), told in self._gaps.items():
            if of == boot and first <= low and high <= last:
                return told
        return None

    # ------------------------------------------------------------------------------------------ telling

    def _send_signals(self, payload: bytes) -> None:
        if self.site is not None:
            self.link.publish(topics.Topics(self.site).node_signal(self.node), payload)

    def _ask_time(self, now_s: float) -> None:
        if self.site is None:
            return
        self._guess_time(now_s)
        self._asks += 1
        self._asked = {n: at_s for n, at_s in self._asked.items() if n > self._asks - 4}
        self._asked[self._asks] = asked_s = self.clock.mono_s()
        before = None
        if self._exchange is not None:
            first_s, at, heard_s = self._exchange
            before, self._exchange = Exchange(asked=first_s, at=at, heard=heard_s), None
        ask = TimeAsk(n=self._asks, boot=self.spool.boot, mono=asked_s, before=before)
        self.link.publish(topics.Topics(self.site).node_time(self.node), encode(ask))

    def _guess_time(self, now_s: float) -> None:
        self._synced = self.clock.synced()
        if self._synced:
            self.time.guess(self.clock.now_ms(), now_s)

    def _news(self, now_s: float) -> bool:
        """Say whether a device's fault came or went: the hub is to know at once who is blind."""
        faulty = {name for name, said in self.rack.health(now_s).items() if said.fault or said.level == "unknown"}
        if self.spool.trouble is not None:
            faulty.add("")  # no device is called so: it is the node's own
        news, self._faulty = faulty != self._faulty, faulty
        if news:
            blind = faulty & {device.id for device in self.rack.inputs} | (faulty & self.rack.faults.keys())
            self.face.blind(blind, now_s)
            self.face.trouble_s = (self.face.trouble_s or now_s) if "" in faulty else None
        return news

    def _tell_health(self, now_s: float) -> None:
        if self.site is None:
            return
        site_ms = self.time.ms(now_s)
        self.link.publish(
            topics.Topics(self.site).node_health(self.node),
            encode(
                Health(
                    boot=self.spool.boot,
                    mono=now_s,
                    devices=self.rack.health(now_s),
                    spool=self.spool.depth,
                    synced=self._synced,
                    at=None if site_ms is None else format_time(site_ms),
                    temperature_c=_temperature_c(),
                    uptime_s=round(now_s, 1),
                    wear=self.spool.trouble or f"{self.spool.commits} writes since start",
                    config=self.config.hash if self.config is not None else None,
                    version=andgate.__version__,
                    drops=self.rack.drops,
                    fault=self.spool.trouble,
                )
            ),
        )


def _is_state(topic: str) -> bool:
    """Say whether a message on this topic replaces what was said on it before."""
    return topic.endswith("/moment")


def _temperature_c() -> float | None:
    try:
        return int(Path("/sys/class/thermal/thermal_zone0/temp").read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None

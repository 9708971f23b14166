from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import parse_plan
from andgate.wire.messages import FeedSignal
from hub.broker.broker import configuration
from hub.clock import HandClock
from hub.config import Address
from hub.driver import Accepted, Committed, Delivered, Driver
from hub.store import PageRow, Reader, Store
from tests.plans import CREWS, SITE
from tests.ports import free_port

START_MS = 1_795_000_000_000
ROOT = "andgate/v1/agx"
WAIT_S = 40.0

PLAN = (
    SITE
    + CREWS
    + """
[touchpoints.counter-a]
name = "Check-in counter A"
area = "Terminal 1"
group = "ticket-agents"
[touchpoints.belt-3]
name = "Baggage belt 3"
group = "supervisors"
[nodes.desk-a1]
touchpoint = "counter-a"
[nodes.desk-a1.devices.mot]
kind = "mot-button"
button = 17
lamp = 27
[nodes.mark-a.devices.mark]
touchpoint = "counter-a"
kind = "beam"
pin = 22
[nodes.belt-3.devices.done]
touchpoint = "belt-3"
kind = "done-button"
button = 5
[nodes.belt-3.devices.sign]
touchpoint = "belt-3"
kind = "sign"
driver = "text"
[expectations.check-in-wait]
promise = "I wait no more than 15 minutes to check in."
touchpoints = ["counter-a"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
holds = { reached = "cleared" }
fails_after = "3m"
[[expectations.check-in-wait.pages]]
left = "3m"
group = "ticket-agents"
[[expectations.check-in-wait.pages]]
left = "90s"
group = "supervisors"
unless = "claimed"
[expectations.baggage-claim]
promise = "I have my bag within 25 minutes of docking."
touchpoints = ["belt-3"]
key = "flight"
opens = ["docked"]
closes = ["unloaded"]
threatens = ["jammed"]
voids = ["cancelled"]
countdown = "22m"
fails_after = "25m"
better_than = "8m"
[[expectations.baggage-claim.pages]]
left = "8m"
group = "supervisors"
[interactions.arrival]
name = "Arriving with us"
key = "flight"
inputs = ["baggage-claim"]
"""
)


def node_signal(seq: int, signal: str = "pressed", **more: Any) -> bytes:
    said = {"device": "mot", "signal": signal, "seq": seq, "boot": "b1", "mono": 10.0 + seq, **more}
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


class Desk:
    """A driver on a data folder, driven by hand."""

    def __init__(self, data: Path, clock: HandClock, *, plan: str = PLAN, listen_only: bool = False) -> None:
        self.clock = clock
        self.acks: list[int] = []
        self.replies: list[tuple[str, Any]] = []
        self.commits: list[Committed] = []
        self.driver = Driver(
            Store(data),
            parse_plan(plan),
            clock,
            listen_only=listen_only,
            acknowledge=self.acks.extend,
            reply=lambda node, reply: self.replies.append((node, reply)),
        )
        self.unsent = self.driver.queued_pages()
        self.driver.listeners.append(self.commits.append)
        self.driver.start()
        self.reader = Reader(data)
        self._token = 0

    def say(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        self.deliver(topic, payload, retained=retained)
        self.sync()

    def deliver(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Say something without waiting until it is judged."""
        self._token += 1
        self.driver.deliver(Delivered(f"{ROOT}/{topic}", payload, retained, self.clock.now_ms(), self._token))

    def sync(self) -> None:
        """Everything that was said so far is judged and committed; the asking may overtake lists."""
        self.driver.signals([], "nobody").result(WAIT_S)
        while len(self.acks) < self._token:
            self.driver.signals([], "nobody").result(WAIT_S)

    def pass_ms(self, ms: int) -> None:
        self.clock.advance(ms)
        self.sync()

    def node(self, payload: bytes, node: str = "desk-a1", *, retained: bool = False) -> None:
        self.say(f"node/{node}/signal", payload, retained=retained)

    def post(self, id: str, signal: str, touchpoint: str = "belt-3", **more: Any) -> Accepted:
        member = FeedSignal(id=id, touchpoint=touchpoint, signal=signal, **more)
        return self.driver.signals([member], "ops").result(WAIT_S)

    def act(self, do: Any, moment: str, by: str = "p1", **more: Any) -> Moment:
        action = Action(
            id=f"{do}-{self.clock.now_ms()}", do=do, moment=moment, at_ms=self.clock.now_ms(), by=by, **more
        )
        return self.driver.act(action).result(WAIT_S)

    def moments(self) -> tuple[Moment, ...]:
        return self.reader.moments(limit=1000, withdrawn=True).items

    def only(self) -> Moment:
        (moment,) = self.reader.moments().items
        return moment

    def pages(self, **wanted: Any) -> list[PageRow]:
        """Every page like that, oldest first; not those that say that nobody sends here, which is found some time."""
        rows = [row for row in self.reader.pages(limit=1000).items if not row.reason.endswith(" unsent")]
        return [row for row in reversed(rows) if all(getattr(row, name) == value for name, value in wanted.items())]

    def reasons(self) -> list[str]:
        return [row.reason for row in reversed(self.reader.quarantine())]

    def stop(self) -> None:
        self.reader.close()
        self.driver.stop()


class Broker:
    """A Mosquitto on a port of its own; it can be stopped and started again."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.port = port or free_port()
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(self.configuration(), encoding="utf-8")
        self._program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.start()

    def configuration(self) -> str:
        """As the hub would configure it."""
        return configuration(Address("127.0.0.1", self.port))

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._conf)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if " running" in line:
                break
        else:
            raise AssertionError(f"the broker does not start: {said}")
        self._reader = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()


def _no_delay(_client: mqtt.Client, _data: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Ear:
    """An MQTT client that hears and says."""

    def __init__(self, port: int, *filters: str) -> None:
        self.heard: SimpleQueue[tuple[str, bytes, bool]] = SimpleQueue()
        self._passed: list[tuple[str, Any]] = []
        self._published: set[int] = set()
        self._changed = threading.Condition()
        up = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.on_socket_open = _no_delay
        client.on_connect = lambda c, u, f, r, p: c.subscribe([(name, 1) for name in filters or ("$none",)])
        client.on_subscribe = lambda *_: up.set()
        client.on_publish = self._on_publish
        client.on_message = lambda c, u, m: self.heard.put((m.topic, bytes(m.payload), m.retain))
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert up.wait(WAIT_S)

    def _on_publish(self, _client: Any, _data: Any, number: int, *_: Any) -> None:
        with self._changed:
            self._published.add(number)
            self._changed.notify_all()

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Say something; where the broker has just gone it goes out when it is back: paho keeps what is of QoS 1."""
        number = self._client.publish(f"{ROOT}/{topic}", payload, qos=1, retain=retain).mid
        with self._changed:
            assert self._changed.wait_for(lambda: number in self._published, WAIT_S), f"never published to {topic}"

    def shout(self, topic: str, payload: bytes) -> None:
        """Say something without waiting until the broker has it."""
        self._client.publish(f"{ROOT}/{topic}", payload, qos=1)

    def hear(self, topic: str, accept: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait for a message on a topic that is accepted, also among those passed over before; return it decoded."""
        for index, (heard, said) in enumerate(self._passed):
            if heard == f"{ROOT}/{topic}" and accept(said):
                del self._passed[index]
                return said
        while True:
            try:
                heard, payload, _ = self.heard.get(timeout=WAIT_S)
            except Empty:
                raise AssertionError(f"nothing heard on {topic}") from None
            said = json.loads(payload) if payload else None
            if heard == f"{ROOT}/{topic}" and accept(said):
                return said
            self._passed.append((heard, said))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def as_killed(data: Path, copy: Path) -> Path:
    """Copy what a kill -9 would leave of a running hub's data: all that is committed, no snapshot."""
    copy.mkdir()
    for name in ("andgate.db", "andgate.db-wal"):
        shutil.copy(data / name, copy / name)
    return copy

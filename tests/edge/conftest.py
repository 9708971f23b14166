"""A real broker, a hub that is not one, and a clock for a hand: what the node's tests stand on."""

from __future__ import annotations

import contextlib
import queue
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from andgate.errors import WireError
from andgate.plan.kinds import KINDS
from andgate.wire import topics
from andgate.wire.codec import decode_node_signals, decode_node_state, decode_time_ask, encode, format_time
from andgate.wire.messages import (
    Command,
    DeviceConfig,
    ExpectationConfig,
    HubBeat,
    HubState,
    NodeConfig,
    NodeSignal,
    NodeState,
    Receipt,
    TimeReply,
    TouchpointMoments,
)
from edge.clock import RealClock
from edge.link import set_nodelay
from tests.ports import free_port

LONG_S = 40.0
"""Longer than anything takes on two slow, shared cores; nothing waits so long unless it is broken."""


class HandClock:
    """A clock that stands still until it is pushed."""

    boot_id = "hand"

    def __init__(self, mono_s: float = 1000.0, now_ms: int = 1_795_000_000_000) -> None:
        self.mono, self.utc_ms = mono_s, now_ms
        self.is_synced = True

    def now_ms(self) -> int:
        return self.utc_ms

    def mono_s(self) -> float:
        return self.mono

    def real_s(self, site_s: float) -> float:
        return site_s

    def synced(self) -> bool:
        return self.is_synced

    def push(self, seconds: float) -> float:
        self.mono += seconds
        self.utc_ms += round(seconds * 1000)
        return self.mono


def device(
    kind: str, touchpoint: str = "counter-a", signals: dict[str, str] | None = None, **settings: Any
) -> DeviceConfig:
    """Configure a device as the hub does: defaults filled in, durations in milliseconds."""
    known: dict[str, Any] = {}
    for name, setting in KINDS[kind].settings.items():
        value = settings.pop(name, setting.default)
        if setting.type == "duration":
            seconds = (
                float(str(value).removesuffix("ms")) / 1000 if str(value).endswith("ms") else float(str(value)[:-1])
            )
            known[f"{name}_ms"] = round(seconds * 1000)
        elif value is not None:
            known[name] = value
    assert not settings, settings
    return DeviceConfig(kind=kind, touchpoint=touchpoint, settings=known, signals=signals or KINDS[kind].signals)


def node_config(
    version: str = "h1", expectations: list[ExpectationConfig] | None = None, **devices: DeviceConfig
) -> NodeConfig:
    """Configure a node; names with underscores become names with hyphens."""
    named = {name.replace("_", "-"): it for name, it in devices.items()}
    return NodeConfig(hash=version, site="agx", timezone="UTC", devices=named, expectations=expectations or [])


class Mosquitto:
    """A broker of our own on a free port; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            "max_inflight_messages 1000\nmax_queued_messages 100000\n",
            encoding="ascii",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", self._config], stderr=subprocess.DEVNULL)
        for _ in range(int(LONG_S / 0.05)):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                threading.Event().wait(0.05)
            else:
                return
        raise AssertionError("the broker did not start")

    def freeze(self, *, on: bool = True) -> None:
        """Say nothing any more and drop no connection: a cable pulled, a machine without power."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Hub:
    """Speaks the hub's half of the contract and judges nothing."""

    def __init__(self, port: int, site: str = "agx") -> None:
        self.topics = topics.Topics(site)
        self.clock = RealClock()
        self.receipting = True
        self.answering_time = True
        self.session, self.epoch = 1, "e1"
        self.signals: dict[tuple[str, int], NodeSignal] = {}
        self.messages: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self.payloads: list[list[NodeSignal]] = []
        self.states: list[NodeState] = []
        self.changed = threading.Condition()
        self._published: set[int] = set()
        self._subscribed = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="hub")
        client.on_socket_open = set_nodelay
        client.on_connect = lambda c, *_: c.subscribe([(one, 1) for one in self.topics.hub_filters()])
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", port)
        client.loop_start()
        self.client = client
        assert self._subscribed.wait(LONG_S)
        self.say()

    def _on_subscribe(self, *_: Any) -> None:
        """As the contract has it: the hub's state goes out again on every connection."""
        if self._subscribed.is_set():
            online = HubState(state="online", session=self.session, epoch=self.epoch)
            self.client.publish(self.topics.hub_state, encode(online), qos=1, retain=True)
        self._subscribed.set()

    def say(self, state: str = "online", beat_s: float | None = None) -> None:
        said = HubState(state=state, session=self.session, epoch=self.epoch, beat_s=beat_s)  # type: ignore[arg-type]
        self.publish(self.topics.hub_state, said, retain=True)

    def beat(self) -> None:
        beat = HubBeat(session=self.session, at=format_time(self.clock.now_ms()))
        self.client.publish(self.topics.hub_beat, encode(beat), qos=0)

    def _on_publish(self, _client: Any, _data: Any, number: int, *_: Any) -> None:
        with self.changed:
            self._published.add(number)
            self.changed.notify_all()

    def publish(self, topic: str, message: Any, *, retain: bool = False) -> None:
        """Publish; where the broker has just gone it goes out when it is back, since paho keeps what is of QoS 1."""
        number = self.client.publish(topic, encode(message), qos=1, retain=retain).mid
        with self.changed:
            assert self.changed.wait_for(lambda: number in self._published, LONG_S), f"never published to {topic}"

    def configure(self, node: str, config: NodeConfig) -> None:
        self.publish(self.topics.node_config(node), config, retain=True)

    def command(self, node: str, command: Command) -> None:
        self.publish(self.topics.node_command(node), command)

    def moments(self, touchpoint: str, said: TouchpointMoments) -> None:
        self.publish(self.topics.touchpoint_moment(touchpoint), said, retain=True)

    def receipt(self, node: str) -> None:
        """Receipt everything that is stored."""
        for boot in {mark[0] for mark in self.signals}:
            numbers = sorted(seq for name, seq in self.signals if name == boot)
            upto = next((n for n in range(1, numbers[-1] + 2) if n not in numbers), 1) - 1
            spans = [(n, n) for n in numbers if n > upto]
            self.client.publish(self.topics.node_receipt(node), encode(Receipt(boot=boot, seq=upto, also=spans)), qos=1)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        topic, payload = topics.parse(message.topic), bytes(message.payload)
        with self.changed:
            self.messages.put((topic.kind, payload, bool(message.retain)))
            if topic.kind == "node/signal":
                members, _ = decode_node_signals(payload)
                good = [member for member in members if isinstance(member, NodeSignal)]
                assert len(good) == len(members), members
                self.payloads.append(good)
                self.signals.update({(member.boot, member.seq): member for member in good})
                if self.receipting:
                    self.receipt(topic.name)
            elif topic.kind == "node/state":
                with contextlib.suppress(WireError):
                    self.states.append(decode_node_state(payload))
            elif topic.kind == "node/time" and self.answering_time:
                ask = decode_time_ask(payload)
                reply = TimeReply(n=ask.n, at=format_time(self.clock.now_ms()))
                self.client.publish(self.topics.node_time_reply(topic.name), encode(reply), qos=1)
            self.changed.notify_all()

    def wait(self, what: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(what, LONG_S), (self.signals, self.states)

    def seen(self, *names: str) -> list[NodeSignal]:
        """Wait for signals by name, at least so many of each, and return them all by time."""
        self.wait(lambda: all(len(self._named(name)) >= names.count(name) for name in names))
        return sorted((it for it in self.signals.values() if it.signal in names), key=lambda it: (it.boot, it.seq))

    def _named(self, name: str) -> list[NodeSignal]:
        return [it for it in self.signals.values() if it.signal == name]

    def online(self, node: str) -> NodeState:
        """Wait for a node's birth."""
        del node
        self.wait(lambda: any(state.state == "online" and state.config for state in self.states))
        return next(state for state in reversed(self.states) if state.state == "online")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def until(what: Callable[[], Any]) -> None:
    """Wait until something is so, looking often."""
    pause = threading.Event()
    for _ in range(int(LONG_S / 0.01)):
        if what():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to be so")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def hub(broker: Mosquitto) -> Iterator[Hub]:
    there = Hub(broker.port)
    yield there
    there.close()

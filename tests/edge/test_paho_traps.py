"""What is known to go wrong with paho and brokers, one test each, against a real one. No press may be lost to any."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from andgate.wire.messages import NodeConfig, NodeState
from edge.broker import Broker
from edge.link import Link, Message
from tests.edge.conftest import Hub, Mosquitto, device, node_config, until
from tests.edge.node import Node


def desk(version: str = "h1") -> NodeConfig:
    return node_config(version, mot=device("mot-button", button=17, lamp=27, hold="300ms"))


class Pressed(Node):
    def press(self, times: int = 1) -> None:
        for _ in range(times):
            before = self.depth()
            self.board.press(17)
            until(lambda before=before: self.depth() > before)  # type: ignore[misc]


@pytest.fixture
def node(broker: Mosquitto, hub: Hub, tmp_path: Path) -> Iterator[Pressed]:
    there = Pressed(broker.url, tmp_path / "node")
    hub.configure("desk", desk())
    hub.online("desk")
    yield there
    there.crash()


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[mqtt.Client]:
    """Every paho client that is made."""
    made: list[mqtt.Client] = []
    original = mqtt.Client

    def make(*args: Any, **more: Any) -> mqtt.Client:
        made.append(original(*args, **more))
        return made[-1]

    monkeypatch.setattr(mqtt, "Client", make)
    return made


def test_a_return_code_is_looked_at_what_paho_did_not_take_is_not_waited_for(
    hub: Hub, node: Pressed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`publish` does not raise: it returns a code, and the message may be gone. The spool still has it."""
    refused = []

    def refuse(client: mqtt.Client, topic: str, *_: Any, **__: Any) -> mqtt.MQTTMessageInfo:
        refused.append(topic)
        info = mqtt.MQTTMessageInfo(0)
        info.rc = mqtt.MQTT_ERR_QUEUE_SIZE
        return info

    with monkeypatch.context() as patch:
        patch.setattr(mqtt.Client, "publish", refuse)
        node.board.press(17)
        until(lambda: any(topic.endswith("/signal") for topic in refused))
        assert node.depth() == 1
    hub.say()  # it spoke just now, so it is asked again soon
    hub.seen("pressed")
    until(lambda: node.depth() == 0)


def test_offline_nothing_is_queued_in_paho(
    hub: Hub, node: Pressed, broker: Mosquitto, clients: list[mqtt.Client]
) -> None:
    """paho keeps in memory what is published while it is offline, and a power cut takes it. We give it nothing."""
    broker.kill()
    until(lambda: not node.app.connected)
    node.press(5)
    assert [len(client._out_messages) for client in clients] == [0] * len(clients)
    broker.start()
    hub.seen(*["pressed"] * 5)
    until(lambda: node.depth() == 0)


def test_a_full_queue_drops_the_newest_but_never_ours(broker: Mosquitto, hub: Hub, node: Pressed) -> None:
    """paho drops the newest of what is too much. Live presses in a burst all arrive, the last one too."""
    worker = node.app._worker
    assert worker is not None
    link = worker.link
    before = len(hub.signals)
    hub.receipting = False
    for _ in range(60):
        node.board.press(17, for_s=0.04)
    until(lambda: node.depth() >= 60)
    for number in range(3_000):  # what the node says of itself may flood the way, too
        link.publish(hub.topics.node_health("desk"), b"%d" % number)
    hub.receipting = True
    node.board.press(17)
    hub.wait(lambda: len(hub.signals) >= before + 61)
    until(lambda: node.depth() == 0)


def test_a_birth_on_every_connection(hub: Hub, node: Pressed, broker: Mosquitto) -> None:
    """paho reconnects and says nothing; then the will of the last connection stands for ever."""
    births = [state.session for state in hub.states if state.state == "online"]
    for _ in range(2):
        broker.kill()
        until(lambda: not node.app.connected)
        before = len(hub.states)
        broker.start()
        hub.wait(lambda before=before: any(state.state == "online" for state in hub.states[before:]))  # type: ignore[misc]
    sessions = [state.session for state in hub.states if state.state == "online"]
    assert len(set(sessions)) >= len(set(births)) + 2
    assert sessions == sorted(sessions)


def test_the_first_press_after_a_reconnect(hub: Hub, node: Pressed, broker: Mosquitto) -> None:
    """The first change after a reconnect is what others lose: pressed in the very moment the connection stands."""
    for round_ in range(1, 4):
        broker.kill()
        until(lambda: not node.app.connected)
        broker.start()
        until(lambda: node.app.connected)
        node.board.press(17)
        hub.seen(*["pressed"] * round_)
    assert sorted(seq for _, seq in hub.signals) == list(range(1, len(hub.signals) + 1))


def test_the_will_of_an_older_session_is_answered_by_a_birth(hub: Hub, node: Pressed) -> None:
    """A broker speaks the will of a half-dead connection after the new one's birth: the node says its birth again."""
    birth = next(state for state in reversed(hub.states) if state.state == "online")
    before = len(hub.states)
    hub.publish(hub.topics.node_state("desk"), NodeState(state="lost", session=birth.session - 1), retain=True)
    hub.wait(lambda: [state.state for state in hub.states[before:]][-1:] == ["online"])
    assert hub.states[-1].session == birth.session


def test_many_nodes_do_not_knock_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that comes back is not stormed: pauses grow, and differ by chance."""
    pauses: dict[int, list[float]] = {}
    for number in range(40):
        link = Link(Broker.at("mqtt://127.0.0.1:1"), f"n{number}", lambda _said: None, lambda: 0.0)
        mine = pauses.setdefault(number, [])

        def wait(timeout: float, link: Link = link, mine: list[float] = mine) -> bool:
            mine.append(timeout)
            if len(mine) == 12:
                link._closing.set()
            return False

        monkeypatch.setattr(link._closing, "wait", wait)
        logging.getLogger("andgate.edge").setLevel(logging.ERROR)
        link.connect(None, [])
        until(lambda mine=mine: len(mine) == 12)  # type: ignore[misc]
        link.close()
    logging.getLogger("andgate.edge").setLevel(logging.NOTSET)
    first, last = [it[0] for it in pauses.values()], [it[-1] for it in pauses.values()]
    assert max(first) < 0.4
    assert max(last) - min(last) > 7.5
    assert len({round(pause, 3) for pause in last}) > 30


def test_too_much_from_the_broker_makes_the_broker_wait(hub: Hub, broker: Mosquitto) -> None:
    """While the node has no room nothing is read; what was said comes when there is room, all of it in order."""
    taken: list[bytes] = []
    room = [False]
    link = Link(
        Broker.at(broker.url),
        "greedy",
        lambda said: taken.append(said.payload) if isinstance(said, Message) else None,
        lambda: 0.0,
        room=lambda: room[0] or len(taken) < 50,
    )
    room[0] = True
    link.connect(None, ["flood"])
    until(lambda: link._connected)
    hub.client.publish("flood", b"ready", qos=1)
    until(lambda: taken == [b"ready"])
    room[0] = False
    for number in range(500):
        hub.client.publish("flood", b"%d" % number, qos=1)
    until(lambda: len(taken) >= 50)
    assert len(taken) < 120  # what one reading brings may come on top
    room[0] = True
    until(lambda: len(taken) == 501)
    assert taken[1:] == [b"%d" % number for number in range(500)]
    with contextlib.suppress(OSError):
        link.close()

"""A node against a real broker: pins are driven, a hub that is not one answers, lamps light and signs count."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import paho.mqtt.client as mqtt
import pytest
from msgspec import json

from andgate.wire.codec import decode_health, encode, format_time
from andgate.wire.messages import Command, ExpectationConfig, LiveMoment, NodeConfig, Receipt, TouchpointMoments
from edge import link as link_module
from edge import worker
from edge.app import EdgeApp
from edge.broker import Broker
from edge.delivery import LONGEST_LIST
from edge.devices import Edge
from edge.devices.mock import MockBoard
from edge.spool import Spool
from tests.edge.conftest import HandClock, Hub, Mosquitto, device, node_config, until
from tests.edge.node import Node
from tests.ports import free_port

BAGGAGE = ExpectationConfig(
    id="baggage-claim",
    touchpoints=["belt-3"],
    opens=["docked"],
    closes=["unloaded"],
    fails_after_s=1500,
    countdown_s=1320,
    key="flight",
)


def desk(version: str = "h1") -> NodeConfig:
    return node_config(
        version,
        mot=device("mot-button", button=17, lamp=27, hold="300ms"),
        mark=device("beam", pin=22, settle="100ms"),
    )


def belt() -> NodeConfig:
    return node_config(
        expectations=[BAGGAGE],
        done=device("done-button", "belt-3", button=5),
        start=device("start-button", "belt-3", button=6),
        sign=device("sign", "belt-3"),
    )


def moment(hub: Hub, key: str, left_s: float, span_s: float = 1320) -> LiveMoment:
    counts_to_ms = hub.clock.now_ms() + round(left_s * 1000)
    return LiveMoment(
        id=key,
        expectation="baggage-claim",
        state="open",
        level="open",
        key=key,
        opened=format_time(counts_to_ms - round(span_s * 1000)),
        deadline=format_time(counts_to_ms + 180_000),
        failing=None,
        counts_to=format_time(counts_to_ms),
        threatened=None,
        claimed=None,
        claimed_by=None,
        verdict=None,
        saved=False,
        change=1,
    )


@pytest.fixture
def it(broker: Mosquitto, tmp_path: Path) -> Iterator[Node]:
    there = Node(broker.url, tmp_path / "node", "desk-a1")
    yield there
    there.app.stop()
    there.board.close()


def test_a_press_becomes_a_signal_and_its_receipt_makes_the_lamp_steady(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    birth = hub.online("desk-a1")
    hub.receipting = False
    it.board.press(17)
    (pressed,) = hub.seen("pressed")
    assert (pressed.device, pressed.boot, pressed.found, pressed.more) == ("mot", birth.boot, False, False)
    assert pressed.sent is not None
    assert 0 <= pressed.sent - pressed.mono < 10
    until(lambda: len(it.board.pin(27).states) > 4)  # it blinks: seen here
    hub.receipt("desk-a1")
    until(lambda: it.board.level(27))
    (found,) = hub.seen("cleared")
    assert found.found


def test_a_node_is_not_called_armed_before_its_devices_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow, really = threading.Event(), worker.Worker.arm

    def arm(it: worker.Worker) -> None:
        slow.wait()
        really(it)

    monkeypatch.setattr(worker.Worker, "arm", arm)
    monkeypatch.setattr("edge.app.START_S", 0.01)
    app = EdgeApp("desk", broker_url="mqtt://127.0.0.1:1", data_dir=tmp_path, pin_factory=MockBoard().factory)
    starting = threading.Thread(target=app.start)
    starting.start()
    until(lambda: caplog.text.count("desk: not armed yet") > 1)
    assert starting.is_alive()
    slow.set()
    starting.join()
    app.stop()


def test_a_hold_resets_and_names_its_press(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    it.board.press(17, for_s=1.0)
    pressed, reset = hub.seen("pressed", "reset")
    assert (reset.press, reset.boot) == (pressed.seq, pressed.boot)
    assert reset.mono - pressed.mono == pytest.approx(0.3, abs=0.001)


def test_a_line_at_the_mark(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    it.board.drive(22, high=False)
    (reached,) = hub.seen("reached")
    it.board.drive(22, high=True)
    cleared = hub.seen("cleared", "cleared")[-1]
    assert not reached.found
    assert cleared.mono > reached.mono


def test_without_broker_presses_wait_on_disk_and_all_come_later(broker: Mosquitto, hub: Hub, it: Node) -> None:
    """The broker dies between two presses and comes back: the first press after it is not lost, nor any other."""
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    it.board.press(17)
    hub.seen("pressed")
    until(lambda: it.depth() == 0)
    hub.receipting = False
    it.board.press(17)  # under way while the broker dies
    broker.kill()
    until(lambda: not it.app.connected)
    for wanted in (2, 3, 4):
        it.board.press(17)
        until(lambda wanted=wanted: it.depth() >= wanted)  # type: ignore[misc]
    it.app.crash()
    it.start()  # without broker and hub: it is what it last was
    it.board.press(17)
    until(lambda: it.depth() >= 6)
    hub.receipting = True
    broker.start()
    assert len(hub.seen(*["pressed"] * 6)) == 6
    until(lambda: it.depth() == 0)
    assert [seq for _, seq in sorted(hub.signals)] == sorted({seq for _, seq in hub.signals})


def test_a_long_backlog_comes_in_lists_oldest_first_while_a_live_press_goes_alone(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    until(lambda: it.depth() == 0)
    hub.receipting = False
    hub.say("stopped")
    worker = it.worker
    boot = worker.spool.boot
    before = len(hub.payloads)
    it.app.crash()
    filler = worker.spool.__class__(it.folder, worker.clock.boot_id)
    signal = json.encode({"device": "mot", "signal": "pressed", "mono": 1.0})
    filler.append(
        [lambda boot, seq: signal[:-1] + f',"boot":"{boot}","seq":{seq}}}'.encode()]
        * 1110,  # whatever the length of the lists: the last one holds several
    )
    filler.close()
    hub.receipting = True
    hub.session += 1
    hub.say()
    it.start()
    hub.wait(lambda: len([1 for mark in hub.signals if mark[0] == boot]) >= 1110)
    lists = [one for one in hub.payloads[before:] if len(one) > 1]
    assert all(len(one) <= LONGEST_LIST for one in lists)
    assert [one[0].seq for one in lists] == sorted(one[0].seq for one in lists)
    assert all(member.more for member in lists[0])
    assert not any(member.more for member in lists[-1])
    until(lambda: it.depth() == 0)


def test_a_hub_that_was_away_gets_what_it_missed(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    until(lambda: it.depth() == 0)
    hub.receipting = False
    it.board.press(17)
    hub.seen("pressed")
    hub.signals.clear()
    hub.receipting = True
    hub.session += 1
    hub.say()
    hub.seen("pressed")
    until(lambda: it.depth() == 0)


def test_a_new_epoch_gets_all_that_is_kept(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    it.board.press(17)
    hub.seen("pressed", "cleared")
    until(lambda: it.depth() == 0)
    hub.signals.clear()
    hub.session, hub.epoch = 1, "e2"
    hub.say()
    hub.seen("pressed", "cleared")
    until(lambda: it.depth() == 0)


def test_a_new_epoch_gets_all_that_is_kept_however_full_the_card_was_just_then(
    hub: Hub, it: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MEND_S", 0.1)
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    it.board.press(17)
    hub.seen("pressed", "cleared")
    until(lambda: it.depth() == 0)
    hub.signals.clear()
    whole, refused = Spool.begin_epoch, threading.Event()

    def full(spool: Spool, _epoch: str) -> None:
        spool.trouble = "database or disk is full"
        monkeypatch.setattr(Spool, "begin_epoch", whole)
        refused.set()

    monkeypatch.setattr(Spool, "begin_epoch", full)
    hub.session, hub.epoch = 1, "e2"
    hub.say()
    assert refused.wait(20)
    hub.seen("pressed", "cleared")
    until(lambda: it.depth() == 0)


def test_what_is_gone_is_answered_by_a_gap(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    birth = hub.online("desk-a1")
    it.board.press(17)
    hub.seen("pressed", "cleared")
    until(lambda: it.depth() == 0)
    kept = len(hub.signals)
    hub.signals.clear()
    hub.command("desk-a1", Command(do="resend", boot=birth.boot, from_=1, to=5))
    (gap,) = hub.seen("gap")
    assert gap.about == {"boot": birth.boot, "from": kept + 1, "to": 5}
    hub.seen("pressed", "cleared")


def test_birth_will_and_goodbye(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    birth = hub.online("desk-a1")
    assert (birth.config, birth.version is not None) == ("h1", True)
    it.app.crash()
    hub.wait(lambda: hub.states[-1].state == "lost")
    assert hub.states[-1].session == birth.session
    it.start()
    hub.wait(lambda: hub.states[-1].state == "online")
    assert hub.states[-1].session > birth.session
    # A late will of the old session reaches us: we say that we are here.
    births = len(hub.states)
    hub.publish(
        hub.topics.node_state("desk-a1"), hub.states[-1].__class__(state="lost", session=birth.session), retain=True
    )
    hub.wait(lambda: len(hub.states) >= births + 2 and hub.states[-1].state == "online")
    it.app.stop()
    hub.wait(lambda: hub.states[-1].state == "stopped")


def test_numbers_that_went_back_are_overtaken(hub: Hub, it: Node) -> None:
    """A card restored from a backup: its session is lower than what the broker keeps."""
    hub.configure("desk-a1", desk())
    birth = hub.online("desk-a1")
    hub.publish(
        hub.topics.node_state("desk-a1"), birth.__class__(state="lost", session=birth.session + 40), retain=True
    )
    hub.wait(lambda: hub.states[-1].state == "online" and hub.states[-1].session > birth.session + 40)


def test_refused_is_three_blinks_and_identify_many(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    until(lambda: it.depth() == 0)
    before = len(it.board.pin(27).states)
    hub.command("desk-a1", Command(do="refused", device="mot", reason="the line still stands at the mark"))
    until(lambda: len(it.board.pin(27).states) >= before + 6)
    hub.command("desk-a1", Command(do="identify"))
    until(lambda: len(it.board.pin(27).states) >= before + 14)


def test_garbage_stops_nothing(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    names = hub.topics
    for topic in (
        names.node_config("desk-a1"),
        names.node_command("desk-a1"),
        names.node_receipt("desk-a1"),
        names.node_time_reply("desk-a1"),
        names.node_state("desk-a1"),
        names.hub_state,
        names.touchpoint_moment("counter-a"),
    ):
        for payload in (b"", b"{", b"\xff\xfe", b"[]", b'{"state":7}', b'{"at":"yesterday","moments":[]}', b"null"):
            hub.client.publish(topic, payload, qos=1)
    hub.publish(names.node_receipt("desk-a1"), Receipt(boot="another", seq=2**60))
    it.board.press(17)
    hub.seen("pressed")


def test_a_changed_configuration_is_taken_up_and_a_broken_device_leaves_the_others(hub: Hub, it: Node) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    hub.seen("cleared")
    changed = node_config(
        "h2",
        mot=device("mot-button", button=17, lamp=27, hold="300ms"),
        horn=device("buzzer", pin=19),
        bad=device("lamp", pin=19),
    )
    hub.configure("desk-a1", changed)
    hub.wait(lambda: hub.states[-1].config == "h2")
    hub.wait(
        lambda: any(
            "bad" in decode_health(body).devices for kind, body, _ in list(hub.messages.queue) if kind == "node/health"
        )
    )
    said = [decode_health(body) for kind, body, _ in list(hub.messages.queue) if kind == "node/health"][-1]
    assert "already in use" in (said.devices["bad"].fault or "")
    assert said.devices["mot"].fault is None
    it.board.press(17)
    hub.seen("pressed")


def test_the_sign_counts_and_the_button_closes_what_it_shows(hub: Hub, broker: Mosquitto, it: Node) -> None:
    hub.configure("desk-a1", belt())
    hub.online("desk-a1")
    at = format_time(hub.clock.now_ms())
    hub.moments("belt-3", TouchpointMoments(at=at, moments=[moment(hub, "AG1234/d", 461), moment(hub, "AG9/d", 900)]))
    until(lambda: it.app.sign_text("sign").startswith("AG1234 07:"))
    broker.kill()
    until(lambda: "(no link)" in it.app.sign_text("sign"))
    alone = it.app.sign_text("sign")
    until(lambda: it.app.sign_text("sign")[:12] < alone[:12])  # it goes on by itself
    it.board.press(5)
    until(lambda: "AG1234 DONE" in it.app.sign_text("sign") and it.app.sign_text("sign").startswith("AG9"))
    it.board.press(5)  # a glove presses twice
    broker.start()
    first, second = hub.seen("unloaded", "unloaded")
    assert (first.key, second.key) == ("AG1234/d", "AG1234/d")


def test_a_countdown_started_on_the_spot_without_anybody(hub: Hub, broker: Mosquitto, it: Node) -> None:
    hub.configure("desk-a1", belt())
    hub.online("desk-a1")
    broker.kill()
    until(lambda: not it.app.connected)
    it.board.press(6)
    until(lambda: it.app.sign_text("sign").startswith("SPOT-"))
    assert " 22:00" in it.app.sign_text("sign") or " 21:" in it.app.sign_text("sign")
    broker.start()
    (docked,) = hub.seen("docked")
    assert docked.key is not None
    assert docked.key.startswith("SPOT-")


def test_every_socket_has_nagle_off(
    hub: Hub, tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = []
    original = link_module.set_nodelay

    def watched(client: mqtt.Client, data: object, sock: socket.socket) -> None:
        original(client, data, sock)
        options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(link_module, "set_nodelay", watched)
    hub.configure("desk-a1", desk())
    there = Node(broker.url, tmp_path / "node", "desk-a1")
    hub.online("desk-a1")
    there.app.stop()
    assert options
    assert all(options)


def test_nobody_there_is_said_once_and_presses_are_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    app = EdgeApp(
        "desk-a1", "agx", broker_url=f"mqtt://127.0.0.1:{port}", data_dir=tmp_path, pin_factory=MockBoard().factory
    )
    with caplog.at_level(logging.INFO):
        app.start()
        assert app._worker is not None
        until(lambda: app._worker is not None and app._worker.link._delay_s > 0.3)
        app.stop()
    said = [record for record in caplog.records if "cannot be reached" in record.message]
    assert len(said) == 1
    assert f"127.0.0.1:{port}" in said[0].message


def test_many_nodes_in_one_process(hub: Hub, broker: Mosquitto, tmp_path: Path) -> None:
    desks = []
    for number in range(12):
        hub.configure(f"desk-{number}", desk())
        desks.append(Node(broker.url, tmp_path / str(number), f"desk-{number}"))
    hub.wait(lambda: len([1 for state in hub.states if state.state == "online" and state.config]) >= 12)
    for one in desks:
        one.board.press(17)
    hub.seen(*["pressed"] * 12)
    for one in desks:
        one.app.stop()


def test_what_was_seen_before_the_wish_to_stop_is_kept(tmp_path: Path) -> None:
    """A press and the wish come in one turn: a service manager asks for nobody's leave."""
    clock, board, inbox = HandClock(), MockBoard(), SimpleQueue[worker.Event]()
    spool = Spool(tmp_path, clock.boot_id)
    spool.keep("config", encode(desk()))
    link = link_module.Link(Broker("127.0.0.1", free_port()), "desk", inbox.put, clock.mono_s)
    it = worker.Worker("desk", None, spool=spool, link=link, clock=clock, pin_factory=board.factory, inbox=inbox)
    it.arm()
    now_s = clock.push(1.0)
    inbox.put(Edge("mot", now_s - 0.2, level=True))
    inbox.put(Edge("mot", now_s - 0.1, level=False))
    inbox.put(worker.Stop(goodbye=True))
    it.run()
    board.close()
    again = Spool(tmp_path, clock.boot_id)
    said = [json.decode(entry.body)["signal"] for entry in again.waiting(10)]
    again.close()
    assert "pressed" in said

"""A loose wire, a broker that floods, states too large: memory and card stay bounded, and all others are heard."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from andgate.wire.codec import decode_health, format_time
from andgate.wire.messages import Command, NodeConfig, TouchpointMoments
from edge.devices import Edge, Hands
from edge.devices.base import PENDING_MOST
from edge.devices.beam import Beam
from edge.devices.mock import MockBoard
from edge.devices.mot_button import MotButton
from tests.edge.conftest import HandClock, Hub, Mosquitto, device, node_config, until
from tests.edge.node import Node

BUTTON, OTHER, BEAM = 17, 5, 22


def desk(version: str = "h1") -> NodeConfig:
    return node_config(
        version,
        mot=device("mot-button", button=BUTTON, lamp=27),
        help=device("mot-button", button=OTHER, signals={"press": "help", "hold": "helped"}),
        mark=device("beam", pin=BEAM, settle="50ms"),
    )


@pytest.fixture
def node(broker: Mosquitto, hub: Hub, tmp_path: Path) -> Iterator[Node]:
    there = Node(broker.url, tmp_path / "node")
    hub.configure("desk", desk())
    hub.online("desk")
    hub.seen("cleared")
    until(lambda: there.spool.depth == 0)
    yield there
    there.crash()


def faults(hub: Hub) -> dict[str, tuple[str, str | None]]:
    said = [decode_health(body) for kind, body, _ in list(hub.messages.queue) if kind == "node/health"]
    return {name: (it.level, it.fault) for name, it in said[-1].devices.items()} if said else {}


def test_a_loose_wire_is_a_fault_and_not_a_thousand_presses(hub: Hub, node: Node) -> None:
    """A thousand edges a second: nothing is believed, little is stored, and the button beside it works."""
    before = node.spool._seq
    now_s = node.board._clock.mono_s()
    for edge in range(5_000):
        node.board.drive(BUTTON, high=bool(edge % 2), at_s=now_s + edge / 1000)
    until(lambda: faults(hub).get("mot") == ("unknown", "chattering"))
    node.board.press(OTHER)
    hub.seen("help")
    assert node.spool._seq - before <= 3
    assert node.worker.inbox.qsize() <= 2 * PENDING_MOST


def test_what_fails_takes_nothing_along_that_others_saw(
    hub: Hub, node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    mark, face = node.worker.rack.devices["mark"], node.worker.face
    monkeypatch.setattr(mark, "advance", fail)
    monkeypatch.setattr(face, "hear", fail)
    hub.moments("counter-a", TouchpointMoments(at=format_time(hub.clock.now_ms()), moments=[]))
    node.board.press(OTHER)
    hub.seen("help")
    until(lambda: "out of order" in caplog.text)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def button(clock: HandClock, board: MockBoard, edges: list[Edge]) -> MotButton:
    config = device("mot-button", button=BUTTON, lamp=27)
    return MotButton(Hands("mot", config, board.factory, clock, edges.append))


def test_a_worn_contact_that_presses_by_itself_is_believed_only_so_often(clock: HandClock) -> None:
    """Slow enough to settle, so each would be a press: a hundred, then it is unknown until it stands still."""
    board, edges = MockBoard(clock), list[Edge]()
    it = button(clock, board, edges)
    reports = []
    for _ in range(4_000):
        for high in (False, True):
            board.drive(BUTTON, high=high)
            clock.push(0.04)
            while edges:
                edge = edges.pop(0)
                reports += it.feed(edge.at_s, edge.level)
            reports += it.advance(clock.mono)
    words = [report.occasion for report in reports]
    assert words.count("press") <= 101
    assert words.count("blind") == 1
    assert it.health(clock.mono).level == "unknown"
    assert it.due_s() is not None
    assert [report.occasion for report in it.advance(clock.push(11))] == ["sighted"]
    assert it.health(clock.mono).fault is None
    board.drive(BUTTON, high=False)
    it.feed(edges[0].at_s, edges[0].level)
    assert [report.occasion for report in it.advance(clock.push(0.05))] == ["press"]
    board.close()


def test_while_nobody_fetches_them_edges_do_not_pile_up(clock: HandClock) -> None:
    board, edges = MockBoard(clock), list[Edge]()
    it = button(clock, board, edges)
    for edge in range(10_000):
        board.drive(BUTTON, high=bool(edge % 2))
    assert len(edges) == PENDING_MOST
    for edge_ in edges:
        it.feed(edge_.at_s, edge_.level)
    assert it.health(clock.mono).fault == "chattering"
    assert it.drops > 9_000
    board.close()


def test_a_sensor_that_has_stood_still_again_says_what_it_finds(clock: HandClock) -> None:
    board, edges = MockBoard(clock), list[Edge]()
    it = Beam(Hands("mark", device("beam", pin=BEAM, settle="50ms"), board.factory, clock, edges.append))
    for edge in range(201):
        board.drive(BEAM, high=bool(edge % 2))
    reports = [report for edge_ in edges for report in it.feed(edge_.at_s, edge_.level)]
    assert [report.occasion for report in reports] == ["blind"]
    found = it.advance(clock.push(60))
    assert [(report.occasion, report.found) for report in found] == [("sighted", False), ("on", True)]
    board.close()


def test_a_pin_that_cannot_be_read_is_unknown_and_found_again(
    clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, edges = MockBoard(clock), list[Edge]()
    it = Beam(Hands("mark", device("beam", pin=BEAM, settle="50ms"), board.factory, clock, edges.append))

    def broken(_: object) -> float:
        raise OSError("Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(type(it._contact), "value", property(broken))
        assert [report.occasion for report in it.check(clock.push(1))] == ["blind"]
        assert it.check(clock.push(1)) == []
        said = it.health(clock.mono)
        assert (said.level, said.fault) == ("unknown", "unreadable")
    assert [report.occasion for report in it.check(clock.push(1))] == ["sighted", "off"]
    assert it.health(clock.mono).fault is None
    board.close()


def test_a_flood_from_the_broker_costs_neither_memory_nor_card(hub: Hub, node: Node) -> None:
    before, commits = node.spool._seq, node.spool.commits
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = hub.topics
    for number in range(3_000):
        hub.command("desk", Command(do="identify" if number % 2 else "reload")) if number < 300 else None
        at = format_time(hub.clock.now_ms())
        hub.client.publish(
            names.touchpoint_moment("counter-a"),
            b'{"at":"%s","moments":[],"x":"%s"}' % (at.encode(), b"x" * (number % 500)),
            qos=1,
        )
    for _ in range(20):
        hub.client.publish(names.touchpoint_moment("counter-a"), b'{"at":"' + b"x" * 500_000, qos=1, retain=True)
        hub.client.publish(names.node_config("desk"), b"{" * 500_000, qos=1)
        hub.command("desk", Command(do="resend", from_=1, to=2**53))
    node.board.press(OTHER)
    hub.seen("help")
    until(lambda: node.spool.depth == 0)
    # One gap for all that never was, however often it was asked for, and a few levels found by `reload`.
    assert node.spool._seq - before < 20
    assert node.spool.commits - commits < 300
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - largest < 60_000
    said = TouchpointMoments(at=format_time(hub.clock.now_ms()), moments=[])
    hub.moments("counter-a", said)
    worker = node.app._worker
    assert worker is not None
    until(lambda: worker.face.said["counter-a"] == said)

"""A node that nobody hears: it says so, does its touchpoint's job by itself, and gives way when the hub is back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from andgate.wire.codec import format_time
from andgate.wire.messages import ExpectationConfig, NodeConfig, TouchpointMoments
from tests.edge.conftest import Hub, Mosquitto, device, node_config, until
from tests.edge.node import Node

LAMP, HORN, BUTTON, BEAM = 27, 19, 17, 22


def wait(fails_after_s: float = 180.0, left_s: float = 120.0) -> ExpectationConfig:
    return ExpectationConfig(
        id="wait",
        touchpoints=["counter-a"],
        opens=["pressed", "reached"],
        closes=["reset", "cleared"],
        holds={"reached": "cleared"},
        fails_after_s=fails_after_s,
        countdown_s=fails_after_s,
        threatened_left_s=left_s,
    )


def place(version: str, expectation: ExpectationConfig) -> NodeConfig:
    return node_config(
        version,
        [expectation],
        mot=device("mot-button", button=BUTTON, lamp=LAMP, hold="300ms"),
        mark=device("beam", pin=BEAM, settle="50ms"),
        horn=device("buzzer", pin=HORN),
    )


class Watched(Node):
    """Remembers all that its lamp has said, also for a blink only."""

    def start(self) -> None:
        super().start()
        face, self.said = self.worker.face, list[str]()
        show = face.show

        def watched(now_s: float, *, linked: bool) -> None:
            show(now_s, linked=linked)
            self.said.append(self.says(now_s))

        face.show = watched  # type: ignore[method-assign]

    def hears(self) -> bool:
        """Whether a beat has reached it."""
        return self.worker.hearing._beats


@pytest.fixture
def node(broker: Mosquitto, hub: Hub, tmp_path: Path) -> Iterator[Watched]:
    there = Watched(broker.url, tmp_path / "node")
    yield there
    there.crash()


class Heart:
    """A hub's beat, as often as it is promised."""

    def __init__(self, hub: Hub, node: Watched, beat_s: float) -> None:
        self.hub, self.beat_s, self.stopped = hub, beat_s, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        hub.say(beat_s=beat_s)
        self.thread.start()
        until(node.hears)

    def run(self) -> None:
        while not self.stopped.wait(self.beat_s):
            self.hub.beat()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()


def test_a_hub_that_says_nothing_any_more_is_told_and_so_is_its_return(hub: Hub, node: Watched) -> None:
    """No connection breaks and no will comes: only the beat is missing."""
    hub.configure("desk", place("h1", wait()))
    hub.online("desk")
    heart = Heart(hub, node, 0.3)
    until(lambda: node.says() == "calm")
    heart.stop()
    until(lambda: node.says() == "alone")
    assert node.app.connected
    until(lambda: len(node.board.pin(HORN).states) >= 4)  # two ticks
    heart = Heart(hub, node, 0.3)
    until(lambda: node.says() == "calm")
    heart.stop()


def test_a_broker_that_freezes_is_told_though_no_connection_breaks(hub: Hub, node: Watched, broker: Mosquitto) -> None:
    hub.configure("desk", place("h1", wait()))
    hub.online("desk")
    heart = Heart(hub, node, 0.3)
    until(lambda: node.says() == "calm")
    broker.freeze()
    until(lambda: node.says() == "alone")
    node.board.press(BUTTON)
    until(lambda: node.depth() > 0)
    broker.freeze(on=False)
    until(lambda: node.says() == "calm" and node.depth() == 0)
    heart.stop()


@pytest.mark.parametrize("word", ["lost", "stopped"])
def test_a_hub_that_is_gone_is_told_and_its_return_ends_it(hub: Hub, node: Watched, word: str) -> None:
    hub.configure("desk", place("h1", wait()))
    hub.online("desk")
    until(lambda: node.says() == "calm")
    hub.say(word)
    until(lambda: node.says() == "alone")
    hub.session += 1
    hub.say()
    until(lambda: node.says() == "calm")


def test_alone_it_does_the_touchpoints_job_and_the_hubs_word_holds_after(
    hub: Hub, node: Watched, broker: Mosquitto
) -> None:
    hub.configure("desk", place("h1", wait(fails_after_s=12.0, left_s=11.0)))
    hub.online("desk")
    hub.seen("cleared")
    until(lambda: node.depth() == 0)
    broker.kill()
    until(lambda: node.says() == "alone")
    node.board.drive(BEAM, high=False)
    until(lambda: node.depth() == 1)
    told = {"threatened", "failing", "failed"}
    until(lambda: "threatened" in node.said)
    node.board.press(BUTTON, for_s=0.6)  # a hold: the line still stands
    until(lambda: "refused" in node.said)
    node.app.crash()
    node.start()  # without power for a moment: the countdown goes on where it was
    until(lambda: "failed" in node.said)
    assert set(node.said) & told
    until(lambda: "untold" in node.said)  # by turns: nobody else was told
    node.board.drive(BEAM, high=True)
    until(lambda: not _open(node))
    broker.start()
    assert [it.signal for it in hub.seen("cleared", "cleared", "reached", "pressed", "reset")]
    until(lambda: node.depth() == 0)
    # Another witness spoke: what the hub says holds, whatever the node has made of its own.
    hub.moments("counter-a", TouchpointMoments(at=format_time(hub.clock.now_ms()), moments=[]))
    until(lambda: node.says() == "calm")


def _open(node: Watched) -> bool:
    return bool(node.worker.face._view("counter-a").moments)

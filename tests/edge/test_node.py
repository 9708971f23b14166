"""A node against a real broker: a pin is driven, a hub that is not one answers, a lamp lights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from andgate.wire.messages import NodeConfig
from edge.app import EdgeApp
from edge.devices.mock import MockBoard
from tests.edge.conftest import Hub, Mosquitto, device, node_config, until


def desk() -> NodeConfig:
    return node_config(mot=device("mot-button", button=17, lamp=27), mark=device("beam", pin=22, settle="100ms"))


@pytest.fixture
def board() -> Iterator[MockBoard]:
    there = MockBoard()
    yield there
    there.close()


@pytest.fixture
def node(broker: Mosquitto, tmp_path: Path, board: MockBoard) -> Iterator[EdgeApp]:
    app = EdgeApp("desk-a1", broker_url=broker.url, data_dir=tmp_path / "node", pin_factory=board.factory)
    app.start()
    yield app
    app.stop()


def test_a_press_becomes_a_signal_and_its_receipt_makes_the_lamp_steady(
    hub: Hub, node: EdgeApp, board: MockBoard
) -> None:
    hub.configure("desk-a1", desk())
    hub.online("desk-a1")
    hub.receipting = False
    board.press(17)
    (pressed,) = hub.seen("pressed")
    assert pressed.device == "mot"
    assert pressed.sent is not None
    assert pressed.mono <= pressed.sent
    assert not pressed.found
    until(lambda: len(board.pin(27).states) > 4)  # it blinks: seen here
    hub.receipt("desk-a1")
    until(lambda: board.level(27))

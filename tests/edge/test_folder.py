"""A data folder is one node's, and one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from andgate.errors import UsageError
from edge.app import EdgeApp
from edge.broker import Broker
from edge.devices.mock import MockBoard
from edge.folder import FolderLock


def _node(folder: Path, name: str = "desk-a1") -> EdgeApp:
    board = MockBoard()
    return EdgeApp(name, "agx", broker_url="mqtt://127.0.0.1:1", data_dir=folder, pin_factory=board.factory)


def test_two_nodes_never_number_from_one_spool(tmp_path: Path) -> None:
    first = _node(tmp_path)
    first.start()
    with pytest.raises(UsageError, match="another node runs on"):
        _node(tmp_path).start()
    first.crash()
    again = _node(tmp_path)
    again.start()
    again.stop()


def test_what_waits_in_a_folder_is_never_said_in_another_name(tmp_path: Path) -> None:
    first = _node(tmp_path)
    first.start()
    first.stop()
    with pytest.raises(UsageError, match="is that of the node desk-a1"):
        _node(tmp_path, "mark-a").start()
    first.start()
    first.stop()


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot be used"):
        FolderLock(tmp_path / "file")


def test_a_broker_at_no_port() -> None:
    with pytest.raises(UsageError, match="is wrong"):
        Broker.at("mqtt://127.0.0.1:0")

"""A disk that is full, read-only, broken or wiped costs no press, and is never called safe."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from andgate.errors import UsageError
from andgate.wire.codec import decode_health, encode
from andgate.wire.messages import NodeConfig, NodeSignal, Receipt
from edge import spool as spool_module
from edge.folder import FolderLock
from edge.spool import Entry, Spool
from tests.edge.conftest import Hub, device, node_config, until
from tests.edge.node import Node


def body(boot: str, seq: int) -> bytes:
    return encode(NodeSignal(device="mot", signal="pressed", seq=seq, boot=boot, mono=1.0))


def fill(spool: Spool, count: int = 1) -> list[Entry]:
    return spool.append([body] * count)


def desk(version: str = "h1") -> NodeConfig:
    return node_config(version, mot=device("mot-button", button=17, lamp=27, hold="300ms"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes; only root may have one."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "andgate-test", place], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("nobody may mount a small disk here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def health(hub: Hub, what: str) -> None:
    """Wait until the node says of itself what is wrong."""
    hub.wait(
        lambda: any(
            what in (decode_health(payload).fault or "")
            for kind, payload, _ in list(hub.messages.queue)
            if kind == "node/health"
        )
    )


def test_a_full_disk_keeps_nobody_from_pressing(hub: Hub, disk: Path) -> None:
    hub.configure("desk", desk())
    node = Node(f"mqtt://127.0.0.1:{hub.client.port}", disk / "node")
    hub.online("desk")
    node.board.press(17)
    hub.seen("pressed")
    until(lambda: node.spool.depth == 0)
    full = disk / "full"
    with contextlib.suppress(OSError), full.open("wb", buffering=0) as file:
        while file.write(b"\0" * 512):
            pass
    hub.receipting = False
    for wanted in range(1, 200):  # what WAL had reserved is used up first
        node.board.press(17, for_s=0.04)
        until(lambda wanted=wanted: node.spool.depth >= wanted)  # type: ignore[misc]
        if node.spool.trouble is not None:
            break
    assert "memory only" in (node.spool.trouble or "")
    until(lambda: node.says() == "untold")  # not "seen here": the next power cut would take it
    pressed = node.spool.depth
    health(hub, "memory only")
    full.unlink()
    until(lambda: node.spool.trouble is None)
    assert node.spool.depth == pressed
    node.app.crash()
    assert Spool(node.folder, "kernel").depth == pressed  # it was put on disk when there was room
    node.start()
    hub.receipting = True
    hub.say()
    until(lambda: node.spool.depth == 0)
    assert len([it for it in hub.signals.values() if it.signal == "pressed"]) == pressed + 1
    node.app.stop()


def test_a_disk_that_is_read_only_from_the_start(hub: Hub, disk: Path) -> None:
    """The kernel found errors and mounted it so: the node works on from memory with what it can still read."""
    hub.configure("desk", desk())
    url = f"mqtt://127.0.0.1:{hub.client.port}"
    node = Node(url, disk / "node")
    hub.online("desk")
    node.board.press(17)
    hub.seen("pressed")
    node.app.crash()
    spool = Spool(node.folder, "kernel")
    fill(spool)
    hub.say("lost")
    subprocess.run(["mount", "-o", "remount,ro,bind", disk], check=False, capture_output=True)
    spool.close()
    if subprocess.run(["mount", "-o", "remount,ro", disk], check=False, capture_output=True).returncode:
        pytest.skip("this disk cannot be made read-only")
    node = Node(url, disk / "node")
    assert node.spool.depth >= 1
    assert node.worker.config is not None  # it is what it was
    assert "memory only" in (node.spool.trouble or "")
    hub.signals.clear()
    node.board.press(17)
    hub.say()
    hub.seen("pressed")
    with pytest.raises(UsageError, match="another node runs on"):
        FolderLock(node.folder)
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    until(lambda: node.spool.trouble is None)
    node.board.press(17)
    hub.seen("pressed", "pressed")
    node.app.stop()


def test_a_folder_that_is_only_wrong_is_still_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with pytest.raises(UsageError, match="cannot be used"):
        Spool(tmp_path, "kernel")


def test_a_lock_where_no_file_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def no_room(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", no_room)
    lock = FolderLock(tmp_path)
    with pytest.raises(UsageError, match="another node runs on"):
        FolderLock(tmp_path)
    lock.close()
    FolderLock(tmp_path).close()


@pytest.mark.parametrize("how", ["garbage", "inside"])
def test_a_broken_spool_is_put_aside_and_a_new_numbering_begins(tmp_path: Path, how: str) -> None:
    spool = Spool(tmp_path, "kernel")
    fill(spool, 200)
    old = spool.boot
    spool.close()
    file = tmp_path / "spool.db"
    size = file.stat().st_size
    with file.open("r+b") as broken:
        broken.seek(0 if how == "garbage" else 4096)
        broken.write(b"\xff" * (size - 4096))
    fresh = Spool(tmp_path, "kernel")
    assert fresh.boot != old
    assert list(tmp_path.glob("spool.db.broken-*"))
    assert [entry.seq for entry in fill(fresh, 2)] == [1, 2]
    fresh.close()


def test_a_wiped_spool_begins_a_new_numbering(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "kernel")
    fill(spool)
    spool.close()
    for file in tmp_path.glob("spool.db*"):
        file.unlink()
    assert Spool(tmp_path, "kernel").boot != spool.boot


def test_memory_is_bounded_and_what_it_loses_is_seen_by_the_numbers(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "kernel")
    spool._in_memory = True
    most = spool_module.LOOSE_MOST
    for _ in range(3):
        fill(spool, most // 2)
    assert spool.depth == most
    kept = spool.waiting(2 * most)
    assert kept[-1].seq == 3 * (most // 2)
    assert spool.missing(kept[0].boot, 1, kept[-1].seq) == [(1, kept[0].seq - 1)]
    assert not spool.durable(spool.boot)
    loose = spool.boot
    spool._in_memory = False
    assert spool.mend()
    assert spool.durable(loose)
    assert spool.depth == most
    assert spool.receipt(Receipt(boot=loose, seq=10**6), 0) == most
    spool.close()


def test_a_disk_that_cannot_be_read_says_so_and_raises_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "kernel")
    fill(spool)
    spool._base.close()
    assert spool.depth == 0
    assert spool.waiting(5) == spool.newest(5) == []
    assert spool.fact("site") is None
    assert "cannot be" in (spool.trouble or "")
    (entry,) = fill(spool)
    assert spool.waiting(5) == [entry]

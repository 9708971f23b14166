from __future__ import annotations

import contextlib
import json
import logging
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from andgate.errors import StorageError, UsageError
from hub.clock import HandClock
from hub.evidence.backup import backup, unpack
from hub.evidence.restore import restore
from hub.evidence.verify import verify
from hub.store import Reader
from tests.hub.day import flight, live
from tests.hub.desk import START_MS, Desk, as_killed, node_signal

AT = "2026-11-21T03:00:00.000Z"


def _press(desk: Desk, seq: int, signal: str = "pressed") -> None:
    # Each says when it was sent, so that all of them stand where they were pressed, whenever they come.
    mono = 10.0 + (desk.clock.now_ms() - START_MS) / 1000
    desk.node(node_signal(seq, signal, mono=mono, sent=mono))


def test_a_backup_of_a_running_hub_restores_to_the_same(desk: Desk, tmp_path: Path) -> None:
    live(desk, 1, 40)
    head, told = desk.driver.chain, desk.moments()
    busy = threading.Thread(target=live, args=(desk, 2, 30), kwargs={"first": 1000})
    made = backup(tmp_path / "data", tmp_path / "b.andgate", AT)
    busy.start()
    while_busy = backup(tmp_path / "data", tmp_path / "c.andgate", AT)
    busy.join()
    assert (made.entry, made.head, made.site) == (head.entry, head.hash, "agx")
    assert while_busy.entry >= made.entry
    assert (tmp_path / "b.andgate").stat().st_mode & 0o777 == 0o600
    for name in ("b", "c"):
        restored = restore(tmp_path / f"{name}.andgate", tmp_path / name)
        assert verify(tmp_path / name / "andgate.db").sound(witnessed=False)
        assert restored.epoch != made.epoch
    with Reader(tmp_path / "b") as reader:
        assert reader.moments(limit=1000, withdrawn=True).items == told
    assert not list(tmp_path.glob(".*"))


def test_a_restored_hub_begins_a_new_epoch_once_and_goes_on_with_the_sessions(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = make_desk()
    desk.post("a", "docked", key=flight(1))
    backup(tmp_path / "data", tmp_path / "b", AT)
    epoch, session = desk.driver.epoch, desk.driver.session
    restore(tmp_path / "b", tmp_path / "new")
    again = make_desk(data=tmp_path / "new")
    assert again.driver.epoch != epoch
    assert again.driver.session > session + 100
    mine = again.driver.epoch
    again.stop()
    assert make_desk(data=tmp_path / "new").driver.epoch == mine


def test_what_nodes_send_again_is_judged_once_and_as_if_nothing_had_been_lost(
    make_desk: Callable[..., Desk], tmp_path: Path, clock: HandClock
) -> None:
    desk = make_desk()
    _press(desk, 1)
    clock.advance(30_000)
    _press(desk, 2, "reset")
    clock.advance(30_000)
    _press(desk, 3)
    backup(tmp_path / "data", tmp_path / "b", AT)
    kept: list[tuple[int, int, str]] = [(1, 0, "pressed"), (2, 30_000, "reset"), (3, 60_000, "pressed")]
    for number, signal in enumerate(["reset", "pressed", "pressed", "reset", "pressed"], 4):
        clock.advance(45_000)
        _press(desk, number, signal)
        kept.append((number, clock.now_ms() - START_MS, signal))
    clock.advance(7_200_000)
    desk.sync()
    told = {moment.id: (moment.opened_ms, moment.verdict, moment.ended_ms) for moment in desk.moments()}
    desk.stop()
    shutil.rmtree(tmp_path / "data")

    restore(tmp_path / "b", tmp_path / "new")
    clock.advance(3_600_000)
    restored = make_desk(data=tmp_path / "new")
    for _ in range(2):  # and a second time, since a receipt may get lost
        for number, at_ms, signal in kept:
            mono = 10.0 + at_ms / 1000
            sent = 10.0 + (clock.now_ms() - START_MS) / 1000
            restored.node(node_signal(number, signal, mono=mono, sent=sent))
    clock.advance(3_600_000)
    restored.sync()
    assert {m.id: (m.opened_ms, m.verdict, m.ended_ms) for m in restored.moments() if not m.withdrawn} == told
    assert verify(tmp_path / "new" / "andgate.db").sound(witnessed=False)


def test_pages_that_waited_in_a_backup_are_looked_at_again(
    make_desk: Callable[..., Desk], tmp_path: Path, clock: HandClock
) -> None:
    desk = make_desk()
    desk.node(node_signal(1))
    backup(tmp_path / "data", tmp_path / "b", AT)
    desk.stop()
    assert restore(tmp_path / "b", tmp_path / "new").over == 0
    clock.advance(86_400_000)
    restored = make_desk(data=tmp_path / "new")
    # Whoever sends them asks which moments are open: this one gave up yesterday.
    assert [row.kind for row in restored.unsent] == ["page"]
    assert restored.driver.open_moments() == ()
    assert all(row.again for row in restored.pages(kind="page") if row.state == "queued" and row.decided_ms == START_MS)


def test_words_that_it_is_over_are_not_sent_out_of_a_backup(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk()
    desk.node(node_signal(1))
    desk.clock.advance(10_000)
    desk.node(node_signal(2, "reset"))
    (row,) = desk.pages(kind="over")
    assert row.state == "queued"
    backup(tmp_path / "data", tmp_path / "b", AT)
    assert restore(tmp_path / "b", tmp_path / "new").over == 1
    with Reader(tmp_path / "new") as reader:
        assert [it.state for it in reader.pages().items if it.kind == "over"] == ["cancelled"]


def test_refusals(desk: Desk, tmp_path: Path) -> None:
    desk.post("a", "docked", key=flight(1))
    file = tmp_path / "b"
    backup(tmp_path / "data", file, AT)
    with pytest.raises(UsageError, match="is there already"):
        backup(tmp_path / "data", file, AT)
    with pytest.raises(UsageError, match="holds no hub's data"):
        backup(tmp_path / "none", tmp_path / "c", AT)
    with pytest.raises(UsageError, match="No such file"):
        backup(tmp_path / "data", tmp_path / "no" / "c", AT)
    with pytest.raises(UsageError, match="is not empty"):
        restore(file, tmp_path / "data")
    with pytest.raises(UsageError, match="is no folder"):
        restore(file, file)
    with pytest.raises(UsageError, match="there is no"):
        restore(tmp_path / "none", tmp_path / "new")
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(StorageError, match="damaged, or no backup"):
        restore(tmp_path / "junk", tmp_path / "new")
    with ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a", "b")
    with pytest.raises(UsageError, match="no backup of Andgate's"):
        restore(tmp_path / "other.zip", tmp_path / "new")
    assert not (tmp_path / "new" / "andgate.db").exists()


def test_a_changed_backup_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.post("a", "docked", key=flight(1))
    file = tmp_path / "b"
    backup(tmp_path / "data", file, AT)
    with ZipFile(file) as pack:
        manifest, database = json.loads(pack.read("manifest.json")), pack.read("andgate.db")

    def packed(**changes: object) -> Path:
        target = tmp_path / "changed"
        with ZipFile(target, "w") as pack:
            pack.writestr("manifest.json", json.dumps(manifest | {"sha256": manifest["sha256"]} | changes))
            pack.writestr("andgate.db", database)
        return target

    with pytest.raises(StorageError, match="not the one that was backed up"):
        unpack(packed(sha256="0" * 64), None)
    with pytest.raises(UsageError, match="of a newer Andgate"):
        unpack(packed(format=9), None)
    with pytest.raises(StorageError, match="ends elsewhere"):
        restore(packed(entry=1), tmp_path / "new")
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    file.write_bytes(whole)
    with pytest.raises(StorageError, match="damaged"):
        unpack(file, None)


def test_a_backup_with_a_turned_bit_is_refused_in_words_or_is_whole(desk: Desk, tmp_path: Path) -> None:
    _press(desk, 1)
    backup(tmp_path / "data", tmp_path / "b.zip", "2026-11-21T12:00:00.000Z")
    whole, chance = (tmp_path / "b.zip").read_bytes(), random.Random(1)
    for n in range(120):
        said = bytearray(whole)
        said[chance.randrange(len(said))] ^= 1 << chance.randrange(8)
        (tmp_path / "x.zip").write_bytes(said)
        with contextlib.suppress(StorageError, UsageError):  # a bit in a date of the zip does no harm
            restore(tmp_path / "x.zip", tmp_path / f"r{n}")
            assert not verify(tmp_path / f"r{n}" / "andgate.db").differences


def test_a_database_put_back_by_hand_is_noticed(
    make_desk: Callable[..., Desk], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = make_desk()
    desk.post("a", "docked", key=flight(1))
    epoch, session = desk.driver.epoch, desk.driver.session
    copied = as_killed(tmp_path / "data", tmp_path / "copied")
    desk.stop()
    whole = shutil.copytree(tmp_path / "data", tmp_path / "whole")
    desk = make_desk()
    assert desk.driver.epoch == epoch
    desk.post("b", "docked", key=flight(2))
    desk.stop()

    seen = {epoch}
    for what, old, why in (
        ("a copy without its marker", copied, "no head.json came with it"),
        ("a whole folder", whole, "it is a copy"),
    ):
        with caplog.at_level(logging.WARNING):
            again = make_desk(data=old)
        assert why in caplog.text, what
        assert again.driver.epoch not in seen
        seen.add(again.driver.epoch)
        assert again.driver.session > session + 100
        again.stop()
        mine = make_desk(data=old)
        assert mine.driver.epoch in seen, "only once"
        mine.stop()
        caplog.clear()

    # An old state of the very file: what a snapshot of the disk brings back.
    database = tmp_path / "data" / "andgate.db"
    with sqlite3.connect(database) as db:
        db.execute("delete from entry where n = (select max(n) from entry)")
    db.close()
    with caplog.at_level(logging.WARNING):
        again = make_desk()
    assert "it ends at entry 2, and had come to entry 3" in caplog.text
    assert again.driver.epoch not in seen

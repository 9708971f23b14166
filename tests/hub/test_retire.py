from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from andgate.errors import StorageError, UsageError
from andgate.plan import parse_plan
from hub.clock import HandClock
from hub.evidence.backup import backup
from hub.evidence.frozen import database_of
from hub.evidence.key import secret
from hub.evidence.rejudge import rejudge
from hub.evidence.restore import restore
from hub.evidence.retire import retire
from hub.evidence.verify import verify
from hub.evidence.whatif import what_if
from hub.store.seals import newest
from tests.hub.day import GATED, OTHER, live
from tests.hub.desk import START_MS, WAIT_S, Desk

DAY_MS = 86_400_000
BORDER_MS = START_MS + 5 * DAY_MS


def _months(data: Path, clock: HandClock) -> None:
    """Ten days of work around a border, one of them across it."""
    for day in range(10):
        desk = Desk(data, clock, plan=GATED if day < 7 else OTHER)
        live(desk, day, 30, first=1000 * day)
        if day == 4:
            clock.advance(BORDER_MS - clock.now_ms() - 60_000)
            desk.post("across", "docked", key="AG77/2026-11-23")
            clock.advance(120_000)
            desk.post("beyond", "unloaded", key="AG77/2026-11-23")
        desk.stop()
        clock.advance(DAY_MS - (clock.now_ms() - START_MS) % DAY_MS)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("year") / "data"
    _months(data, HandClock(START_MS))
    return data


@pytest.fixture
def data(year: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(year, tmp_path / "data"))


NOW_MS = START_MS + 40 * DAY_MS


def _retire(data: Path, to: str = "old.jsonl.gz", before_ms: int = BORDER_MS) -> Path:
    retire(data, "2026-12", before_ms, NOW_MS, data.parent / to)
    return data.parent / to


def test_what_is_left_verifies_and_replays_and_the_archive_verifies_across(data: Path) -> None:
    before = verify(database_of(data))
    assert before.sound(witnessed=False)
    with sqlite3.connect(database_of(data)) as db:
        rates = db.execute("select * from tally order by 1, 2, 3, 4, 5").fetchall()
        hashes = dict(db.execute("select n, hash from entry").fetchall())
    db.close()
    archive = _retire(data)
    found = verify(database_of(data))
    assert found.sound(witnessed=False), (found.broken, list(map(str, found.differences)))
    assert (found.entry, found.head) == (before.entry, before.head)
    (seal,) = found.seals
    assert 1 < seal.last < found.first == seal.last + 1
    assert found.entries == before.entry - seal.last
    with sqlite3.connect(database_of(data)) as db:
        assert db.execute("select * from tally order by 1, 2, 3, 4, 5").fetchall() == rates
        assert db.execute("select min(n) from entry").fetchone() == (found.first,)
        assert db.execute("select count(*) from moment where opened_ms < ?", (START_MS + 2 * DAY_MS,)).fetchone() == (
            0,
        )
    db.close()
    assert rejudge(database_of(data)).first is None
    what_if(database_of(data), parse_plan(OTHER))
    # An outside witness of an entry that is gone is found in the archive, and only there.
    assert not verify(database_of(data), head=hashes[2]).sound(witnessed=True)
    across = verify(database_of(data), head=hashes[2], archives=[archive], key=bytes.fromhex(seal.key))
    assert across.sound(witnessed=True)
    assert across.witness is not None
    assert across.witness.entry == 2
    assert verify(database_of(data), head=hashes[seal.last]).sound(witnessed=True)
    # The archive needs nothing of ours to be checked.
    head, *bodies, end = gzip.decompress(archive.read_bytes()).splitlines()
    link = bytes.fromhex(json.loads(head)["prev"])
    for body in bodies:
        link = sha256(link + body).digest()
    assert json.loads(end) == {"last": seal.last, "hash": link.hex()}
    assert (data / "site.key").stat().st_mode & 0o777 == 0o600


def test_months_go_one_after_the_other(data: Path) -> None:
    first = _retire(data, "first", START_MS + 2 * DAY_MS)
    second = _retire(data, "second")
    found = verify(database_of(data), archives=[second, first])
    assert found.sound(witnessed=False), (found.broken, list(map(str, found.differences)))
    assert [seal.first for seal in found.seals] == [1, found.seals[0].last + 1]
    with pytest.raises(UsageError, match="nothing was recorded before"):
        _retire(data, "third")
    assert not (data.parent / "third").exists()


@pytest.mark.parametrize("snapshots", [True, False])
def test_a_hub_goes_on_after_a_retirement_as_if_there_had_been_none(
    data: Path, tmp_path: Path, snapshots: bool
) -> None:
    twin = Path(shutil.copytree(data, tmp_path / "twin"))
    _retire(data)
    told = []
    for folder in (data, twin):
        if not snapshots:
            shutil.rmtree(folder / "snapshots")
        clock = HandClock(START_MS + 10 * DAY_MS)
        desk = Desk(folder, clock, plan=OTHER)
        live(desk, 99, 40, first=90_000)
        told.append([(m.id, m.change, m.verdict, m.opened_ms) for m in desk.moments() if m.opened_ms > BORDER_MS])
        desk.stop()
        assert verify(database_of(folder)).sound(witnessed=False)
    assert told[0] == told[1]
    assert told[0]


def test_a_running_hub_is_not_disturbed(data: Path) -> None:
    desk = Desk(data, HandClock(START_MS + 10 * DAY_MS), plan=OTHER)
    live(desk, 5, 10, first=90_000)
    _retire(data)
    live(desk, 6, 10, first=95_000)
    desk.stop()
    found = verify(database_of(data))
    assert found.sound(witnessed=False), (found.broken, list(map(str, found.differences)))


def test_backup_and_restore_of_what_is_left(data: Path, tmp_path: Path) -> None:
    _retire(data)
    backup(data, tmp_path / "b", "2026-12-24T00:00:00.000Z")
    restore(tmp_path / "b", tmp_path / "new")
    assert verify(database_of(tmp_path / "new")).sound(witnessed=False)
    assert (tmp_path / "new" / "site.key").read_text() == (data / "site.key").read_text()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update seal set document = cast(replace(cast(document as text), 'agx', 'agy') as blob)", "signature"),
        ("update seal set signature = zeroblob(64)", "signature"),
        ("update seal set document = x'7b'", "cannot be read"),
        ("update seal set base = zeroblob(9)", "what was kept of the entries"),
        ("update seal set key = 'x'", "it is no bytes"),
        ("update seal set rest = x'00'", "interrupted"),
        ("delete from seal", "entries 1 to"),
        ("update signal set at_ms = at_ms - 1 where entry = 3", "identities of signals"),
        ("delete from signal where entry = 3", "identities of signals"),
        ("update tally set success = success + 1 where hour_ms = (select min(hour_ms) from tally)", "tally ["),
        ("update plan set body = body || ' ' where entry = 1", "plan [entry=1]"),
        ("insert into entry select 1, now_ms, body, prev, hash from entry limit 1", "entry 1 is there"),
    ],
)
def test_what_is_sealed_cannot_be_changed_unseen(data: Path, statement: str, words: str) -> None:
    _retire(data)
    with sqlite3.connect(database_of(data)) as db:
        assert db.execute(statement).rowcount
    db.close()
    found = verify(database_of(data))
    assert not found.sound(witnessed=False)
    assert words in "\n".join([found.broken or "", *map(str, found.differences)])


def test_another_key_is_noticed(data: Path) -> None:
    _retire(data)
    assert "another key" in (verify(database_of(data), key=bytes(32)).broken or "")


def test_a_changed_archive_is_noticed(data: Path, tmp_path: Path) -> None:
    archive = _retire(data)
    lines = gzip.decompress(archive.read_bytes()).splitlines(keepends=True)
    other = tmp_path / "other"

    def found(*some: bytes) -> str:
        other.write_bytes(gzip.compress(b"".join(some)))
        return verify(database_of(data), archives=[other]).broken or ""

    assert found(*lines) == ""
    assert "was changed: it does not end as it says" in found(lines[0], lines[1].replace(b"agx", b"agy"), *lines[2:])
    assert "cannot be read" in found(lines[0], b"{\n", *lines[2:])
    assert "its last line is missing" in found(*lines[:-1])
    assert "says that it is entry 3" in found(*lines[:2], *lines[3:])
    assert "no seal knows" in found(lines[0].replace(b'"first":1', b'"first":9'), *lines[1:])
    other.write_bytes(archive.read_bytes()[:-100])
    assert "is damaged" in (verify(database_of(data), archives=[other]).broken or "")
    other.write_bytes(b"x")
    with pytest.raises(UsageError, match="no archive of Andgate's"):
        verify(database_of(data), archives=[other])


def test_an_interrupted_retirement_is_gone_on_with(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> int:
        raise StorageError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr("hub.evidence.retire._delete_trail", dies)
        with pytest.raises(StorageError, match="power"):
            _retire(data)
    assert "interrupted" in (verify(database_of(data)).broken or "")
    done = retire(data, "2026-12", BORDER_MS, NOW_MS, data.parent / "another")
    assert done.archive is None
    assert done.deleted
    assert verify(database_of(data), archives=[data.parent / "old.jsonl.gz"]).sound(witnessed=False)
    with sqlite3.connect(database_of(data)) as db:
        seal = newest(db)
        assert seal is not None
        assert seal.rest is None
    db.close()


def test_refusals(data: Path, make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too young"):
        retire(data, "2026-12", BORDER_MS, BORDER_MS + DAY_MS, tmp_path / "x")
    (tmp_path / "there").write_text("x")
    with pytest.raises(UsageError, match="is there already"):
        _retire(data, "there")
    with pytest.raises(UsageError, match="cannot write"):
        _retire(data, "no/where")
    (data / "site.key").write_text("no key")
    with pytest.raises(StorageError, match="is not the key"):
        _retire(data)


def test_a_state_that_no_version_reads_any_more_costs_only_what_stood_since_before(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _retire(data)
    shutil.rmtree(data / "snapshots")

    def refuses(_: bytes) -> None:
        raise UsageError("an engine state of a version that nobody knows")

    with monkeypatch.context() as patched:
        patched.setattr(sys.modules["hub.store.restore"], "load", refuses)
        desk = Desk(data, HandClock(START_MS + 10 * DAY_MS), plan=OTHER)
    assert "the state kept with the seal" in caplog.text
    live(desk, 3, 20, first=90_000)
    desk.stop()
    assert verify(database_of(data)).sound(witnessed=False)


def test_whoever_asks_first_the_site_has_one_key_and_never_half_of_one(tmp_path: Path) -> None:
    for number in range(20):
        data = tmp_path / str(number)
        data.mkdir()
        together = threading.Barrier(4)

        def ask(data: Path = data, together: threading.Barrier = together) -> bytes:
            together.wait(WAIT_S)
            return secret(data, b"links")

        with ThreadPoolExecutor(4) as pool:
            assert len({asked.result(WAIT_S) for asked in [pool.submit(ask) for _ in range(4)]}) == 1
        assert [file.name for file in data.iterdir()] == ["site.key"]

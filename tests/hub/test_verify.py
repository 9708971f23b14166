from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from andgate.errors import StorageError, UsageError
from hub.clock import HandClock
from hub.evidence.compare import PROJECTIONS
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import Verified, verify
from hub.store.journal import GENESIS, link
from hub.store.steps import REWORDED
from tests.hub.day import GATED, OTHER, flight, live
from tests.hub.desk import START_MS, Desk, node_signal


def _plain(desk: Desk) -> None:
    """A day with a bit of everything."""
    desk.post("a", "docked", key=flight(1))
    desk.post("v", "serving", "counter-a", key=flight(1))
    desk.pass_ms(1000)
    desk.node(node_signal(1))
    desk.act("claim", desk.reader.moments(expectation="check-in-wait").items[0].id)
    desk.pass_ms(60_000)
    desk.node(node_signal(2, "reset"))
    desk.driver.reload(OTHER).result(30)
    desk.pass_ms(1_800_000)
    desk.post("b", "unloaded", key=flight(1))
    desk.post("c", "docked", key=flight(2))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("day")
    desk = Desk(folder, HandClock(START_MS), plan=GATED)
    _plain(desk)
    desk.stop()
    return folder / "andgate.db"


@pytest.fixture
def file(day: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(day, tmp_path / "andgate.db"))


def _change(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def _told(found: Verified) -> str:
    return "\n".join([found.broken or "", *map(str, found.differences)])


QUIET = ("mute", "training", "suspension", "listening")
"""Tables about what keeps quiet: tests/hub/test_quiet.py fills them."""


def test_a_whole_journal_is_found_whole_while_the_hub_runs(desk: Desk, tmp_path: Path) -> None:
    _plain(desk)
    found = verify(tmp_path / "data" / "andgate.db")
    assert found.sound(witnessed=False), _told(found)
    assert (found.entry, found.head.hex()) == (desk.driver.chain.entry, desk.driver.chain.hash)
    assert all(
        found.rows[table.name]
        for table in PROJECTIONS
        if not table.name.startswith(("serving", "gate_tally", "shift_tally", "coverage", *QUIET))
    )
    assert found.site == "agx"


def test_a_witness_finds_its_entry(file: Path) -> None:
    with sqlite3.connect(file) as db:
        rows = db.execute("select n, now_ms, hash from entry").fetchall()
    db.close()
    for n, now_ms, head in rows:
        found = verify(file, head=head)
        assert found.sound(witnessed=True)
        assert found.witness is not None
        assert (found.witness.entry, found.witness.now_ms) == (n, now_ms)
    assert verify(file, head=GENESIS).sound(witnessed=True)
    assert not verify(file, head=b"\1" * 32).sound(witnessed=True)


def _flip(file: Path, n: int) -> None:
    with sqlite3.connect(file) as db:
        (body,) = db.execute("select body from entry where n = ?", (n,)).fetchone()
        at = len(body) // 2
        db.execute("update entry set body = ? where n = ?", (body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], n))
    db.close()


def _swap(file: Path) -> None:
    _change(
        file,
        "update entry set n = -1 where n = 3",
        "update entry set n = 3 where n = 4",
        "update entry set n = 4 where n = -1",
    )


def _forge(file: Path) -> None:
    """Somebody who can count: the body of entry 2 changed, and every hash after it made again."""
    with sqlite3.connect(file) as db:
        head = db.execute("select hash from entry where n = 1").fetchone()[0]
        for n, body in db.execute("select n, body from entry where n > 1 order by n").fetchall():
            new = body.replace(b'"AG1/', b'"AG9/') if n == 2 else body
            after = link(head, new)
            db.execute("update entry set body = ?, prev = ?, hash = ? where n = ?", (new, head, after, n))
            head = after
    db.close()


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (lambda file: _flip(file, 3), "entry 3 was changed"),
        (lambda file: _change(file, "delete from entry where n = 4"), "entry 4 is missing"),
        (lambda file: _change(file, "delete from entry where n in (4, 5)"), "entries 4 to 5 are missing"),
        (lambda file: _change(file, "delete from entry where n = 1"), "entry 1 is missing"),
        (_swap, "entry 3 is not bound to entry 2"),
        (lambda file: _change(file, "update entry set hash = zeroblob(32) where n = 5"), "entry 5 was changed"),
        (lambda file: _change(file, "update entry set prev = zeroblob(32) where n = 5"), "entry 5 is not bound"),
        (
            lambda file: _change(file, "update entry set now_ms = now_ms + 1 where n = 2"),
            "entry 2 was changed: its row",
        ),
        (_forge, "outcome [interaction=arrival, occurrence=AG9"),
        (lambda file: _change(file, "delete from entry where n = (select max(n) from entry)"), "it is there"),
        (
            lambda file: _change(file, "update moment set counts = 1 where expectation = 'check-in-wait'"),
            "counts is 1, and by the journal",
        ),
        (lambda file: _change(file, "delete from moment where expectation = 'check-in-wait'"), "moment [id="),
        (
            lambda file: _change(file, "update signal set at_ms = at_ms - 1 where id = 'f/a'"),
            "signal [id=f/a]: at_ms is",
        ),
        (lambda file: _change(file, "update signal set state = 1 where id = 'f/a'"), "signal [id=f/a]"),
        (lambda file: _change(file, "update tally set success = success + 1"), "success is 2, and by the journal 1"),
        (lambda file: _change(file, "update gate_tally set failure = 7"), "failure is 7"),
        (lambda file: _change(file, "update tally_days set failure = 7"), "failure is 7"),
        (lambda file: _change(file, "update tally_weeks set success = 900"), "success is 900"),
        (lambda file: _change(file, "update outcome set state = 'success'"), "outcome [interaction="),
        (lambda file: _change(file, "update page set text = 'Nothing.' where id = 1"), 'text is "Nothing."'),
        (lambda file: _change(file, "delete from page where id = 1"), "page [page="),
        (lambda file: _change(file, "delete from serving"), "serving [signal=f/v]: it is missing"),
        (lambda file: _change(file, "delete from trail where idx = 0 and n = 2"), "trail [moment="),
        (
            lambda file: _change(
                file, "update plan set body = replace(cast(body as text), 'Terminal 1', 'Terminal 9')"
            ),
            "plan [entry=1]: body is",
        ),
        (lambda file: _change(file, "update plan set version = 'ffffffffffff' where entry = 1"), "plan [entry=1]: ver"),
    ],
)
def test_what_was_tampered_with_is_named(tamper: Callable[[Path], None], words: str, file: Path) -> None:
    tamper(file)
    found = verify(file)
    assert not found.sound(witnessed=False)
    assert words in _told(found)


def test_pages_of_a_former_release_keep_its_words_and_nothing_else(file: Path) -> None:
    _change(file, "update page set title = 'Soon', text = 'Soon.', left_s = 1")
    _change(file, REWORDED)
    told = _told(verify(file))
    assert "left_s is 1" in told
    assert "text is" not in told
    assert "title is" not in told
    _change(file, "update meta set value = '0' where key = 'reworded_ms'")
    assert 'text is "Soon."' in _told(verify(file))


def test_a_journal_cut_with_all_that_followed_is_found_by_an_outside_witness(day: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "short", HandClock(START_MS), plan=GATED)
    desk.post("a", "docked", key=flight(1))
    desk.stop()
    short = tmp_path / "short" / "andgate.db"
    with sqlite3.connect(day) as db:
        (head,) = db.execute("select hash from entry order by n desc limit 1").fetchone()
    db.close()
    assert verify(short).sound(witnessed=False)
    assert not verify(short, head=head).sound(witnessed=True)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_random_days_verify_and_replay_and_any_single_change_is_found(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("random")
    clock = HandClock(START_MS)
    for part in range(2):  # with a restart in between
        desk = Desk(folder, clock, plan=GATED)
        live(desk, seed + part, first=1000 * part)
        desk.stop()
    file = folder / "andgate.db"
    found = verify(file)
    assert found.sound(witnessed=False), _told(found)
    judged = rejudge(file)
    assert judged.first is None, judged.first
    assert judged.compared == found.entries
    chance = random.Random(seed)
    for _ in range(6):
        copy = Path(shutil.copy(file, folder / "copy.db"))
        what = _mutate(copy, chance)
        if what is not None:
            assert not verify(copy).sound(witnessed=False), what


def _mutate(file: Path, chance: random.Random) -> str | None:
    """Change one value of one row that the journal decides, or take the row out; return what was done."""
    with sqlite3.connect(file) as db:
        table = chance.choice([*PROJECTIONS, None])
        name = "entry" if table is None else table.name
        unknown = () if table is None else table.unknown
        where = f" where {table.where}" if table is not None and table.where else ""
        rows = db.execute(f"select rowid from {name}{where}").fetchall() if name not in _BARE else []
        columns = [row[1] for row in db.execute(f"pragma table_info({name})") if row[1] not in unknown]
        if name in _BARE:
            key = _BARE[name]
            rows = db.execute(f"select {', '.join(key)} from {name}").fetchall()
            if table is not None and table.counts:
                some = " or ".join(f"{column} != 0" for column in table.counts)
                rows = db.execute(f"select {', '.join(key)} from {name} where {some}").fetchall()
            match = " and ".join(f"{column} = ?" for column in key)
        else:
            match = "rowid = ?"
        if not rows:
            return None
        row = chance.choice(rows)
        if chance.random() < 0.2:
            db.execute(f"delete from {name} where {match}", row)
            done = f"{name} {row} taken out"
        else:
            column = chance.choice(columns)
            (old,) = db.execute(f"select {column} from {name} where {match}", row).fetchone()
            new = _other(old, chance)
            try:
                db.execute(f"update {name} set {column} = ? where {match}", (new, *row))
            except sqlite3.IntegrityError:
                return None
            done = f"{name} {row} {column}: {old!r} -> {new!r}"
    db.close()
    return done


_BARE = {
    "trail": ("moment", "n", "idx"),
    "outcome": ("interaction", "occurrence"),
    "serving": ("signal",),
    "tally": ("hour_ms", "expectation", "touchpoint", "team", "area"),
    "gate_tally": ("hour_ms", "interaction"),
    "sight": ("signal",),
    "spell": ("device", "from_ms"),
    "coverage": ("hour_ms", "expectation", "touchpoint", "team", "area"),
    **{
        f"{table}_{width}": ("block", own, "expectation", "touchpoint", "team", "area")
        for table in ("tally", "coverage")
        for width, own in (("days", "day"), ("weeks", "hour"))
    },
}
"""Tables without row numbers, and what names their rows."""


def _other(old: Any, chance: random.Random) -> Any:
    if old is None:
        return "something"
    if isinstance(old, (int, float)):
        return old + chance.choice([1, -1, 1000])
    if isinstance(old, str):
        return old + "x" if not old or chance.random() < 0.5 else chr(ord(old[0]) ^ 1) + old[1:]
    at = chance.randrange(len(old))
    return old[:at] + bytes([old[at] ^ (1 << chance.randrange(7))]) + old[at + 1 :]


def test_there_must_be_something_to_check(tmp_path: Path, file: Path) -> None:
    with pytest.raises(UsageError, match="holds no hub's data"):
        verify(tmp_path / "nothing" / "andgate.db")
    _change(file, "pragma user_version = 0")
    with pytest.raises(UsageError, match="of an older version"):
        verify(file)
    file.write_bytes(b"x" * 10_000)
    with pytest.raises(StorageError, match="cannot be read"):
        verify(file)

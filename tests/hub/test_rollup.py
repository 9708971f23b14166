"""The rollups of the tally and of coverage are what adding up the hours would give, whoever writes the hours."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.store.rollup import COVERAGE, COVERAGE_SUMS, TALLY, TALLY_SUMS, sums_of
from hub.store.rows import By
from hub.store.schema import LATEST, prepare
from hub.store.tally import FIELDS

HOUR_MS = 3_600_000
BEGIN_MS = 1_795_262_400_000
DAYS = 70
NAMES = ("expectation", "touchpoint", "team", "area", "day", "hour")
BREAKDOWNS: tuple[By, ...] = NAMES  # type: ignore[assignment]
TABLES = ((TALLY, TALLY_SUMS), (COVERAGE, COVERAGE_SUMS))


def filled(db: sqlite3.Connection, seed: int = 1) -> None:
    chance = random.Random(seed)
    for _ in range(1_500):
        hour = chance.randrange(DAYS * 24)
        # A local date that changes at another hour than UTC's, as everywhere but in London.
        key = (
            BEGIN_MS + hour * HOUR_MS + chance.choice((0, 0, 0, 1_800_000)),
            chance.choice(("wait", "bag")),
            chance.choice(("belt", "line")),
            chance.choice(("staff", "")),
            chance.choice(("", "Terminal 1")),
            f"day {(hour + 2) // 24:03}",
            (hour + 2) % 24,
        )
        for table, sums in TABLES:
            columns = ("hour_ms", "expectation", "touchpoint", "team", "area", "day", "hour", *sums)
            added = ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
            db.execute(
                f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))}) "
                f"on conflict (hour_ms, expectation, touchpoint, team, area) do update set {added}",
                (*key, *(chance.randint(-1, 3) for _ in sums)),
            )
    db.execute("delete from tally where hour_ms % 7 = 0")
    db.execute("delete from coverage where touchpoint = 'belt' and hour_ms % 5 = 0")
    db.execute("update coverage set seen_ms = seen_ms - 1 where hour_ms % 3 = 0")
    db.commit()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "andgate.db")
    prepare(connection)
    filled(connection)
    yield connection
    connection.close()


def plain(
    db: sqlite3.Connection, table: str, sums: tuple[str, ...], by: By, span: tuple[int, int], only: dict[str, str]
) -> dict[str, list[int]]:
    """Add the hours up, one by one."""
    db.row_factory = sqlite3.Row
    found: dict[str, list[int]] = {}
    for row in db.execute(f"select * from {table}"):
        if span[0] - HOUR_MS < row["hour_ms"] < span[1] and all(row[name] == wanted for name, wanted in only.items()):
            known = found.setdefault(f"{row['hour']:02}" if by == "hour" else row[by], [0] * len(sums))
            for index, name in enumerate(sums):
                known[index] += row[name]
    db.row_factory = None
    return dict(sorted(found.items()))


def nonzero(found: dict[str, list[int]]) -> dict[str, list[int]]:
    return {group: counts for group, counts in found.items() if any(counts)}


@pytest.mark.parametrize(("table", "sums"), TABLES)
@pytest.mark.parametrize("by", BREAKDOWNS)
def test_a_span_is_summed_up_as_its_hours(db: sqlite3.Connection, table: str, sums: tuple[str, ...], by: By) -> None:
    chance = random.Random(by)
    for _ in range(60):
        since = BEGIN_MS + chance.randrange(-2 * 24 * HOUR_MS, DAYS * 24 * HOUR_MS)
        span = (since, since + chance.choice((0, 1, HOUR_MS, 5, 40, 70)) * chance.randrange(1, 24 * HOUR_MS))
        span = tuple(at // HOUR_MS * HOUR_MS if chance.random() < 0.3 else at for at in span)  # type: ignore[assignment]
        only = (
            {"touchpoint": "belt"}
            if chance.random() < 0.3
            else {"area": "", "team": "staff"}
            if chance.random() < 0.2
            else {}
        )
        wanted = plain(db, table, sums, by, span, only)
        found = sums_of(db, table, sums, by, span, only)
        assert nonzero(found) == nonzero(wanted)
        assert list(found) == sorted(found)
    ever = (BEGIN_MS - HOUR_MS, BEGIN_MS + (DAYS + 1) * 24 * HOUR_MS)
    middle = BEGIN_MS + 33 * 24 * HOUR_MS + 1
    for asked, span in (((None, None), ever), ((middle, None), (middle, ever[1])), ((None, middle), (ever[0], middle))):
        assert nonzero(sums_of(db, table, sums, by, asked, {})) == nonzero(plain(db, table, sums, by, span, {}))


def test_a_database_from_before_gets_its_rollups(db: sqlite3.Connection) -> None:
    made = {
        (table, width): db.execute(f"select * from {table}_{width}").fetchall()
        for table, _ in TABLES
        for width in ("days", "weeks")
    }
    for table, width in made:
        db.execute(f"drop table {table}_{width}")
        for event in ("insert", "update", "delete"):
            db.execute(f"drop trigger {table}_{width}_{event}")
    db.execute("delete from _sqlite_migrations where name = 'm010_rollups'")
    db.execute(f"pragma user_version = {LATEST - 1}")  # whichever: what was applied is noted by name
    db.commit()
    prepare(db)
    for (table, width), rows in made.items():
        sums = len(dict(TABLES)[table])
        # What is kept row by row may have cells of nothing, where all of it was taken back.
        kept = [row for row in rows if any(row[-sums:])]
        anew = [row for row in db.execute(f"select * from {table}_{width}") if any(row[-sums:])]
        assert anew == kept
        assert len(anew) > 10


def test_every_field_of_the_tally_is_rolled_up() -> None:
    assert FIELDS == TALLY_SUMS

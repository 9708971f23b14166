"""Rollups: the tally and coverage once more in wider cells, so that a year is summed up in the time of a month.

``*_days`` has cells of a UTC day and a local date, ``*_weeks`` cells of two weeks and an hour of the day. Triggers keep
them with every row of the table that they are made of, whoever writes it, in the same transaction. A question over a
span takes whole cells from the rollup, and what is left at both ends from the hours themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from hub.store.rows import By

HOUR_MS = 3_600_000
_KEY = ("expectation", "touchpoint", "team", "area")
TALLY = "tally"
TALLY_SUMS = (
    "success",
    "failure",
    "void",
    "saved",
    "answered",
    "anomaly",
    "provisional",
    "pressed",
    "agreed",
    "contradicted",
)
"""What `hub.store.tally.FIELDS` was when the rollups were made; another field needs another migration."""
COVERAGE = "coverage"
COVERAGE_SUMS = ("due_ms", "seen_ms")
IS_TASK = "expectation like '%.remedy'"
"""A remedy task (`andgate.plan.task_of`): it counts in its own rate, and in no other."""
IS_PROMISE = "expectation not like '%.remedy'"
_COLUMN: Mapping[By, str] = {
    "expectation": "expectation",
    "remedy": "expectation",
    "touchpoint": "touchpoint",
    "area": "area",
    "team": "team",
    "day": "day",
    "hour": "printf('%02d', hour)",
}


class _Width(Struct, frozen=True):
    """One rollup of each table."""

    suffix: str
    own: str
    """The column that it keeps beside the names."""
    block_ms: int


_DAYS = _Width("days", "day", 86_400_000)
_WEEKS = _Width("weeks", "hour", 14 * 86_400_000)


def migrate() -> Iterator[str]:
    """Yield the statements that make the rollups of what is there, and keep them from then on: a step of the schema."""
    for table, sums in ((TALLY, TALLY_SUMS), (COVERAGE, COVERAGE_SUMS)):
        for width in (_DAYS, _WEEKS):
            yield from _made(table, sums, width)


def _made(table: str, sums: tuple[str, ...], width: _Width) -> Iterator[str]:
    name = f"{table}_{width.suffix}"
    key = ("block", width.own, *_KEY)
    kinds = {"block": "integer", "hour": "integer"}
    columns = [f"{column} {kinds.get(column, 'text')} not null" for column in key]
    columns += [f"{column} integer not null" for column in sums]
    yield f"create table {name} ({', '.join(columns)}, primary key ({', '.join(key)})) without rowid"
    into = f"insert into {name} ({', '.join((*key, *sums))}) "
    names = ", ".join((width.own, *_KEY))
    totals = ", ".join(f"sum({column})" for column in sums)
    groups = f"hour_ms / {width.block_ms}, {names}"  # rounds down: no hour of a site is before 1970
    yield f"{into}select {groups}, {totals} from {table} group by {groups}"
    added = ", ".join(f"{column} = {column} + excluded.{column}" for column in sums)
    conflict = f"on conflict ({', '.join(key)}) do update set {added}"
    for event, row, deltas in (
        ("insert", "new", [f"new.{column}" for column in sums]),
        ("update", "new", [f"new.{column} - old.{column}" for column in sums]),
        ("delete", "old", [f"-old.{column}" for column in sums]),
    ):
        values = [f"{row}.hour_ms / {width.block_ms}", *(f"{row}.{column}" for column in (width.own, *_KEY)), *deltas]
        yield (
            f"create trigger {name}_{event} after {event} on {table} begin "
            f"{into}values ({', '.join(values)}) {conflict}; end"
        )


def sums_of(
    db: sqlite3.Connection,
    table: str,
    sums: tuple[str, ...],
    by: By,
    span: tuple[int | None, int | None],
    only: Mapping[str, object],
) -> dict[str, list[int]]:
    """Return the sums of each group, in the order of the groups.

    Args:
        db: to read from.
        table: `TALLY` or `COVERAGE`.
        sums: its columns to add up.
        by: what to group by; one that the hours' cells have.
        span: hours that reach into [since, until), UTC ms; None: no end there.
        only: column -> what it must be.
    """
    width = _WEEKS if by == "hour" else _DAYS
    since_ms, until_ms = span
    # Hours begin in (since - 1 h, until); of these whole blocks.
    first = None if since_ms is None else (since_ms - HOUR_MS) // width.block_ms + 1
    end = None if until_ms is None else until_ms // width.block_ms
    if first is not None and end is not None and first >= end:
        arms = [_arm(table, sums, by, only, {"hour_ms > ?": since_ms - HOUR_MS, "hour_ms < ?": until_ms})]  # type: ignore[operator]
    else:
        whole = {"block >= ?": first, "block < ?": end}
        arms = [_arm(f"{table}_{width.suffix}", sums, by, only, whole)]
        if first is not None and since_ms is not None:
            before = {"hour_ms > ?": since_ms - HOUR_MS, "hour_ms < ?": first * width.block_ms}
            arms.append(_arm(table, sums, by, only, before))
        if end is not None:
            after = {"hour_ms >= ?": end * width.block_ms, "hour_ms < ?": until_ms}
            arms.append(_arm(table, sums, by, only, after))
    # One statement, so that all of it is of one commit.
    found = db.execute(" union all ".join(arm for arm, _ in arms), [value for _, values in arms for value in values])
    return _added(found, len(sums))


def _arm(
    table: str, sums: tuple[str, ...], by: By, only: Mapping[str, object], span: Mapping[str, int | None]
) -> tuple[str, list[object]]:
    conditions = {condition: value for condition, value in span.items() if value is not None}
    conditions |= {f"{column} = ?": value for column, value in only.items()}  # type: ignore[misc]
    wanted = list(conditions)
    if "expectation" not in only:
        wanted.append(IS_TASK if by == "remedy" else IS_PROMISE)
    where = f" where {' and '.join(wanted)}" if wanted else ""
    totals = ", ".join(f"sum({column})" for column in sums)
    return f"select {_COLUMN[by]}, {totals} from {table}{where} group by 1", list(conditions.values())


def _added(rows: Iterable[tuple[str, *tuple[int, ...]]], width: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for group, *counts in rows:
        known = found.setdefault(group, [0] * width)
        for index, count in enumerate(counts):
            known[index] += count
    return {group: found[group] for group in sorted(found)}

"""Two databases, table by table and row by row: what the journal says, and what the hub has written beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from hub.store.rollup import COVERAGE, COVERAGE_SUMS, TALLY, TALLY_SUMS
from hub.store.rows import BUNDLE, NOTICE, SHIFT, TEST
from hub.store.tally import FIELDS


class Table(Struct, frozen=True, kw_only=True):
    """A table that the journal decides, in whole or in part."""

    name: str
    key: tuple[str, ...]
    """What names a row."""
    unknown: tuple[str, ...] = ()
    """Columns that no entry knows."""
    where: str = ""
    """Which of the live rows the journal knows; empty for all."""
    counts: tuple[str, ...] = ()
    """Columns that are counts: a row of zeros is as good as none."""
    entry: str = ""
    """The column that names the entry, where rows of sealed entries stay; the seal vouches for those."""
    later: tuple[str, ...] = ()
    """Columns that a later version added: empty in rows from before it."""
    worded: tuple[str, ...] = ()
    """Columns that say in words what the others say: those of pages up to `reworded_ms` are a former release's."""


PROJECTIONS = (
    Table(name="plan", key=("entry",), unknown=("source",)),
    Table(
        name="signal",
        key=("id",),
        # What was received is digested at the door, where a node's clock is read too.
        unknown=("digest", "mono_ms"),
        later=("received_ms", "within_ms"),
        where="not (state = 1 and entry = 0)",
        entry="entry",
    ),
    Table(name="moment", key=("id",)),
    Table(name="trail", key=("moment", "n", "idx")),
    Table(
        name="page",
        key=("page", "kind", "team", "channel"),
        # Some pages are about no moment. Bundles and fallbacks follow from what became of others, and who stood
        # on a shift is erasable: decisions 0036 and 0035.
        where=" and ".join(f"moment not like '{begins}%'" for begins in (NOTICE, BUNDLE, SHIFT, TEST))
        + " and stands_for is null and person is null",
        # That it was decided is the journal's; what became of it is the network's.
        unknown=(
            *("id", "state", "due_ms", "tries", "sent_ms", "again", "note", "session"),
            *("delivered_ms", "read_ms", "bundle", "adds"),
        ),
        worded=("title", "text"),
    ),
    # What is taken back and has never come leaves a mark that depends on what was committed together.
    Table(name="serving", key=("signal",), where="key != ''"),
    # When it was computed depends on how many entries were committed together.
    Table(name="outcome", key=("interaction", "occurrence"), unknown=("decided_ms",)),
    Table(
        name="tally",
        key=("hour_ms", "expectation", "touchpoint", "team", "area"),
        counts=FIELDS,
    ),
    Table(
        name="shift_tally",
        key=("start_ms", "team", "shift", "expectation", "touchpoint", "area"),
        counts=FIELDS,
    ),
    Table(name="sight", key=("signal",)),
    Table(name="spell", key=("device", "from_ms")),
    Table(name="mute", key=("id",)),
    Table(name="training", key=("id",)),
    Table(name="suspension", key=("signal",)),
    Table(name="listening", key=("at_ms",)),
    Table(
        name="coverage",
        key=("hour_ms", "expectation", "touchpoint", "team", "area"),
        counts=("due_ms", "seen_ms"),
    ),
    Table(
        name="gate_tally",
        key=("hour_ms", "interaction"),
        counts=("success", "failure", "pending", "incomplete"),
    ),
    *(
        Table(name=f"{table}_{width}", key=("block", own, "expectation", "touchpoint", "team", "area"), counts=sums)
        for table, sums in ((TALLY, TALLY_SUMS), (COVERAGE, COVERAGE_SUMS))
        for width, own in (("days", "day"), ("weeks", "hour"))
    ),
)
"""Not here, because no entry decides them: boots' offsets, nodes' states, the quarantine, the facts in ``meta``."""


class Difference(Struct, frozen=True):
    """One place where the database is not what the journal says."""

    table: str
    row: str
    """Its key, as ``column=value``."""
    column: str
    """Empty where the whole row is missing, or should not be there."""
    stored: str
    rebuilt: str

    def __str__(self) -> str:
        """One line."""
        where = f"{self.table} [{self.row}]"
        if self.column:
            return f"{where}: {self.column} is {self.stored}, and by the journal {self.rebuilt}"
        return f"{where}: {self.stored}, and by the journal {self.rebuilt}"


def differences(
    live: sqlite3.Connection,
    scratch: sqlite3.Connection,
    table: Table,
    *,
    sealed: int = 0,
    reworded_ms: int = 0,
) -> Iterator[Difference]:
    """Yield every difference in a table, but for rows of entries up to `sealed`, and words from up to `reworded_ms`."""
    columns = [row[1] for row in live.execute(f"pragma table_info({table.name})")]
    known = [*table.key, *(name for name in columns if name not in table.unknown and name not in table.key)]
    width = len(table.key)
    order = ", ".join(table.key)
    filters = [f"({' or '.join(f'{name} != 0' for name in table.counts)})"] if table.counts else []
    select = f"select {', '.join(known)} from {table.name}"
    mine = [*filters, *([table.where] if table.where else [])]
    if sealed and table.entry:
        mine.append(f"{table.entry} > {sealed}")
    ours = _rows(live, select, mine, order)
    theirs = _rows(scratch, select, filters, order)
    left, right = next(ours, None), next(theirs, None)
    while left is not None or right is not None:
        if right is None or (left is not None and _key(left, width) < _key(right, width)):
            assert left is not None  # noqa: S101 - one of the two is there
            yield Difference(table.name, _name(table, left), "", "it is there", "it is not")
            left = next(ours, None)
        elif left is None or _key(right, width) < _key(left, width):
            yield Difference(table.name, _name(table, right), "", "it is missing", "it is there")
            right = next(theirs, None)
        else:
            old = table.worded and right[known.index("decided_ms")] <= reworded_ms
            for column, stored, rebuilt in zip(known[width:], left[width:], right[width:], strict=True):
                if (stored is None and column in table.later) or (old and column in table.worded):
                    continue
                if stored != rebuilt or type(stored) is not type(rebuilt):
                    yield Difference(
                        table.name, _name(table, left), column, _shown(stored, rebuilt), _shown(rebuilt, stored)
                    )
            left, right = next(ours, None), next(theirs, None)


def _rows(db: sqlite3.Connection, select: str, filters: list[str], order: str) -> Iterator[tuple[Any, ...]]:
    where = f" where {' and '.join(filters)}" if filters else ""
    yield from db.execute(f"{select}{where} order by {order}")


def _key(row: tuple[Any, ...], width: int) -> tuple[tuple[int, Any], ...]:
    """Order rows as SQLite does: nothing, then numbers, then text, then bytes."""
    return tuple((_rank(value), 0 if value is None else value) for value in row[:width])


def _rank(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, (int, float)):
        return 1
    return 2 if isinstance(value, str) else 3


def _name(table: Table, row: tuple[Any, ...]) -> str:
    return ", ".join(f"{name}={value}" for name, value in zip(table.key, row, strict=False))


_MOST = 60


def _shown(value: object, other: object) -> str:
    """Show a value; of a long one the part where it differs from the other."""
    if value is None:
        return "nothing"
    if not isinstance(value, (bytes, str)):
        return repr(value)
    text = value.decode("utf-8", errors="backslashreplace") if isinstance(value, bytes) else value
    if len(text) <= _MOST:
        return f'"{text}"'
    against = other.decode("utf-8", errors="backslashreplace") if isinstance(other, bytes) else str(other)
    at = next((i for i, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), min(len(text), len(against)))
    begin = max(0, at - _MOST // 2)
    return f'"...{text[begin : begin + _MOST]}..."'

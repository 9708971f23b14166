"""Counts by group: the queries behind every success rate."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from hub.store.rows import By, Counts, TallyRow
from hub.store.tally import FIELDS

_SUMS = ", ".join(f"sum({name})" for name in FIELDS)
_BITS = ", ".join(f"sum((counts >> {bit}) & 1)" for bit in range(len(FIELDS)))
_COLUMN = {
    "expectation": "expectation",
    "touchpoint": "touchpoint",
    "area": "area",
    "team": "team",
    "day": "day",
    "hour": "printf('%02d', hour)",
}


def rows(db: sqlite3.Connection, by: By, where: str, values: Sequence[object]) -> tuple[TallyRow, ...]:
    """Return the counts of each group; `where` is ready-made SQL over the table that `by` reads."""
    if by == "interaction":
        found = db.execute(
            "select interaction, sum(success), sum(failure), sum(pending), sum(incomplete) "
            f"from gate_tally{where} group by 1 order by 1",
            values,
        )
        return tuple(
            TallyRow(row[0], Counts(success=row[1], failure=row[2], pending=row[3], incomplete=row[4])) for row in found
        )
    if by == "key":
        keyed = f"{where} and" if where else " where"
        found = db.execute(
            f"select key, {_BITS} from moment{keyed} key is not null and withdrawn = 0 group by 1 order by 1", values
        )
    else:
        found = db.execute(f"select {_COLUMN[by]}, {_SUMS} from tally{where} group by 1 order by 1", values)
    return tuple(TallyRow(row[0], Counts(**dict(zip(FIELDS, row[1:], strict=True)))) for row in found if any(row[1:]))

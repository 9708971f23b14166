"""Counts by group: the queries behind every success rate."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from hub.store.rollup import IS_PROMISE, TALLY, sums_of
from hub.store.rows import By, Counts, TallyRow
from hub.store.tally import FIELDS

_BITS = ", ".join(f"sum((counts >> {bit}) & 1)" for bit in range(len(FIELDS)))


def rows(
    db: sqlite3.Connection, by: By, span: tuple[int | None, int | None], only: Mapping[str, str]
) -> tuple[TallyRow, ...]:
    """Return the counts of each group of the hours that reach into a span [since, until); None: no end there.

    Args:
        db: to read from.
        by: what to group by.
        span: UTC milliseconds.
        only: column -> what it must be; no question for interactions.
    """
    if by == "interaction":
        where, values = _where("hour_ms", span, {})
        found = db.execute(
            "select interaction, sum(success), sum(failure), sum(pending), sum(incomplete) "
            f"from gate_tally{where} group by 1 order by 1",
            values,
        )
        return tuple(
            TallyRow(row[0], Counts(success=row[1], failure=row[2], pending=row[3], incomplete=row[4])) for row in found
        )
    if by == "key":
        where, values = _where("opened_ms", span, only)
        if "expectation" not in only:
            where = f"{where} and {IS_PROMISE}" if where else f" where {IS_PROMISE}"
        keyed = f"{where} and" if where else " where"
        found = db.execute(
            f"select key, {_BITS} from moment{keyed} key is not null and withdrawn = 0 group by 1 order by 1", values
        )
        sums = {row[0]: row[1:] for row in found}
    elif by == "shift":
        sums = _shifts(db, span, only)
    else:
        sums = sums_of(db, TALLY, FIELDS, by, span, only)
    return tuple(
        TallyRow(group, Counts(**dict(zip(FIELDS, counts, strict=True))))
        for group, counts in sums.items()
        if any(counts)
    )


def _shifts(
    db: sqlite3.Connection, span: tuple[int | None, int | None], only: Mapping[str, str]
) -> dict[str, tuple[int, ...]]:
    """Return the counts of each shift, ``team/shift``, of those turns that begin in a span."""
    asked = {"start_ms >= ?": span[0], "start_ms < ?": span[1]}
    conditions: dict[str, object] = {condition: value for condition, value in asked.items() if value is not None}
    conditions |= {f"{column} = ?": value for column, value in only.items()}
    where = [*conditions] if "expectation" in only else [*conditions, IS_PROMISE]
    totals = ", ".join(f"sum({name})" for name in FIELDS)
    found = db.execute(
        f"select team || '/' || shift, {totals} from shift_tally where {' and '.join(where)} group by 1 order by 1",
        list(conditions.values()),
    )
    return {row[0]: row[1:] for row in found}


def _where(time: str, span: tuple[int | None, int | None], only: Mapping[str, str]) -> tuple[str, list[object]]:
    asked = {f"{time} > ? - 3600000": span[0], f"{time} < ?": span[1]}
    conditions: dict[str, object] = {condition: value for condition, value in asked.items() if value is not None}
    conditions |= {f"{column} = ?": value for column, value in only.items()}
    return (f" where {' and '.join(conditions)}" if conditions else ""), list(conditions.values())

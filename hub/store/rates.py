"""Reading what is counted: outcomes of moments, how much was seen, why promises were broken, false alarms."""

from __future__ import annotations

from andgate.causes import split
from andgate.coverage import Covered
from andgate.plan import Category
from hub.store import breakdown, covered
from hub.store.connections import Connections
from hub.store.covered import Asked
from hub.store.query import Where
from hub.store.rollup import IS_PROMISE
from hub.store.rows import By, CellRow, TallyRow
from hub.store.tally import FAILURE, VOID
from hub.store.taps import FALSE_ALARM


class Rates(Connections):
    """Everything that is a number."""

    def tally(
        self,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        by: By = "expectation",
        expectation: str | None = None,
        touchpoint: str | None = None,
        area: str | None = None,
        team: str | None = None,
    ) -> tuple[TallyRow, ...]:
        """Return counts by group, from the tally that is kept with every publication; in the order of the groups.

        `since_ms` and `until_ms` are taken to full local hours of the moments' openings. ``by="interaction"`` counts
        outcomes (by the opening of their first moment), ``by="key"`` every moment of each key.
        """
        asked = {"expectation": expectation, "touchpoint": touchpoint, "area": area, "team": team}
        only = {column: value for column, value in asked.items() if value is not None}
        with self._borrow() as db:
            return breakdown.rows(db, by, (since_ms, until_ms), only)

    def coverage(self, by: By, asked: Asked, *, now_ms: int, timezone: str) -> dict[str, Covered]:
        """Return how much of what was due was seen, by group, up to now; full local hours, as `tally`.

        Promises that no device judges are in none of it, and interactions and keys have none of their own.
        """
        with self._borrow() as db:
            return covered.rows(db, by, asked, now_ms, timezone)

    def blind_ms(self, *, since_ms: int, now_ms: int) -> dict[str, int]:
        """Return for how long each touchpoint was blind since then, within its hours; those that saw all left out."""
        with self._borrow() as db:
            return covered.blind_ms(db, Asked(since_ms, None), now_ms)

    def cells(self, *, since_ms: int, until_ms: int) -> tuple[CellRow, ...]:
        """Return the tally cell by cell, for breakdowns of more than one dimension; full local hours, as `tally`."""
        rows = self._all(
            "select hour_ms, expectation, touchpoint, sum(success), sum(failure), sum(saved), sum(anomaly), "
            "sum(pressed), sum(agreed), sum(contradicted) from tally "
            f"where hour_ms > ? - 3600000 and hour_ms < ? and {IS_PROMISE} "
            "group by hour_ms, expectation, touchpoint "
            "having sum(success) + sum(failure) + sum(pressed) > 0",
            (since_ms, until_ms),
        )
        return tuple(CellRow(*row) for row in rows)

    def false_alarms(self, *, since_ms: int | None = None, until_ms: int | None = None) -> dict[str, int]:
        """Return how many moments opened in [since, until) people called false alarms, by touchpoint."""
        where = Where()
        # The literal lets SQLite use the index over void moments alone, and the + keeps it from one that is in order.
        where.add(f"counts & {VOID} != 0")
        where.add(IS_PROMISE)
        where.add("opened_ms >= ?", since_ms)
        where.add("opened_ms < ?", until_ms)
        where.add("json_extract(body, '$.reason') like ?", f"{FALSE_ALARM}%")
        rows = self._all(f"select touchpoint, count(*) from moment{where} group by +touchpoint", where.values)
        return {str(touchpoint): int(n) for touchpoint, n in rows}

    def causes(
        self,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        expectation: str | None = None,
        touchpoint: str | None = None,
        area: str | None = None,
        team: str | None = None,
    ) -> dict[tuple[Category | None, str | None, str], int]:
        """Return why the moments opened in [since, until) failed: (category, id, words) -> how many.

        The id is empty for words of somebody's own, None where nobody has said why yet.
        """
        where = Where()
        where.add(f"counts & {FAILURE} != 0")  # the literal lets SQLite use the index over failed moments alone
        if expectation is None:
            where.add(IS_PROMISE)
        asked = {"expectation": expectation, "touchpoint": touchpoint, "area": area, "team": team}
        for column, value in asked.items():
            where.add(f"{column} = ?", value)
        where.add("opened_ms >= ?", since_ms)
        where.add("opened_ms < ?", until_ms)
        rows = self._all(
            "select json_extract(body, '$.caused.category'), json_extract(body, '$.caused.cause'), "
            f"json_extract(body, '$.cause'), count(*) from moment{where} group by 1, 2, 3",
            where.values,
        )
        found: dict[tuple[Category | None, str | None, str], int] = {}
        for said, cause, text, n in rows:
            category, words = split(text or "")
            known = (said or category, None if text is None else cause or "", words)
            found[known] = found.get(known, 0) + n
        return found

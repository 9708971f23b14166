"""Reading coverage: closed hours out of their table, the hours since then summed up on the spot."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from andgate.coverage import Cell, Covered
from hub.store.coverage import HOUR_MS, closed_ms, covered_in
from hub.store.hours import Hours
from hub.store.rollup import COVERAGE, COVERAGE_SUMS, sums_of
from hub.store.rows import By


class Asked:
    """Which part of the time is asked about; full local hours, as the tally."""

    def __init__(self, since_ms: int | None, until_ms: int | None, **only: str | None) -> None:
        """Ask for hours that lie in [since, until), of this expectation, touchpoint, team or area only."""
        self.since_ms = since_ms
        self.until_ms = until_ms
        self.only = {name: value for name, value in only.items() if value is not None}

    def where(self) -> tuple[str, list[object]]:
        """Return the condition and its values."""
        parts = [f"{name} = ?" for name in self.only]
        values: list[object] = list(self.only.values())
        if self.since_ms is not None:
            parts.append("hour_ms > ? - 3600000")
            values.append(self.since_ms)
        if self.until_ms is not None:
            parts.append("hour_ms < ?")
            values.append(self.until_ms)
        return (f" where {' and '.join(parts)}" if parts else ""), values

    def has(self, cell: Cell) -> bool:
        """Whether a cell is asked about."""
        if self.since_ms is not None and cell.hour_ms <= self.since_ms - HOUR_MS:
            return False
        if self.until_ms is not None and cell.hour_ms >= self.until_ms:
            return False
        return all(getattr(cell, name) == value for name, value in self.only.items())


def running(db: sqlite3.Connection, asked: Asked, now_ms: int) -> Iterator[tuple[Cell, Covered]]:
    """Yield what the hours that are not closed yet had due and seen up to now."""
    closed = closed_ms(db)
    if closed is None or (asked.until_ms is not None and asked.until_ms <= closed):
        return
    touchpoint = asked.only.get("touchpoint")
    places = None if touchpoint is None else frozenset({touchpoint})
    for cell, covered in covered_in(db, (closed, now_ms), places).items():
        if asked.has(cell):
            yield cell, covered


def rows(db: sqlite3.Connection, by: By, asked: Asked, now_ms: int, timezone: str) -> dict[str, Covered]:
    """Return what was due and seen, by group; nothing where time has no such groups (interactions, keys, shifts)."""
    if by in ("interaction", "key", "shift"):
        return {}
    sums = sums_of(db, COVERAGE, COVERAGE_SUMS, by, (asked.since_ms, asked.until_ms), asked.only)
    found = {group: Covered(due_ms, seen_ms) for group, (due_ms, seen_ms) in sums.items() if due_ms}
    hours = Hours(timezone)
    for cell, covered in running(db, asked, now_ms):
        hour = hours.of(cell.hour_ms)
        group = hour.day if by == "day" else f"{hour.hour:02}" if by == "hour" else str(getattr(cell, by))
        found[group] = found.get(group, Covered()) + covered
    return found


def blind_ms(db: sqlite3.Connection, asked: Asked, now_ms: int) -> dict[str, int]:
    """Return for how long each touchpoint was blind; of its promises the one that was blind longest, hour by hour."""
    where, values = asked.where()
    worst: dict[tuple[int, str], int] = {}
    for hour_ms, touchpoint, unseen_ms in db.execute(
        f"select hour_ms, touchpoint, max(due_ms - seen_ms) from coverage{where} group by 1, 2 "
        "having max(due_ms - seen_ms) > 0",
        values,
    ):
        worst[hour_ms, touchpoint] = unseen_ms
    for cell, covered in running(db, asked, now_ms):
        place = (cell.hour_ms, cell.touchpoint)
        worst[place] = max(worst.get(place, 0), covered.blind_ms)
    found: dict[str, int] = {}
    for (_, touchpoint), unseen_ms in worst.items():
        if unseen_ms:
            found[touchpoint] = found.get(touchpoint, 0) + unseen_ms
    return found


__all__ = ["Asked", "blind_ms", "rows", "running"]

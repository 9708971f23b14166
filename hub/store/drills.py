"""Drills on record: which channels were proven to their end, when, and how long that took.

No part of the journal: a drill decides nothing. The newest `KEPT` stay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from hub.store.store import DATABASE

KEPT = 400
"""A year of nights, and some by hand."""
_BUSY_S = 30
_DRILL = "insert or replace into drill (id, at_ms, by, team, loud, ended_ms) values (?, ?, ?, ?, ?, ?)"
_PART = (
    "insert or replace into drill_part (drill, n, kind, name, team, person, state, sent_ms, proven_ms, note) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

PartState = Literal["waiting", "proven", "failed", "skipped"]
"""Skipped: it cannot be proven without disturbing somebody, and the drill was silent."""


class Part(Struct, frozen=True, kw_only=True):
    """One channel, or node, of a drill."""

    n: int
    kind: Literal["channel", "person", "node"]
    name: str
    """Channel of the plan, one person's channel (`andgate.routing.personal`), or node."""
    group: str
    """Empty for a node."""
    person: str | None = None
    state: PartState = "waiting"
    sent_ms: int | None = None
    """When the drill was handed to it."""
    proven_ms: int | None = None
    """When its far end had answered."""
    note: str = ""
    """What went wrong, in words."""

    @property
    def latency_ms(self) -> int | None:
        """From the handing over to the answer."""
        return None if self.sent_ms is None or self.proven_ms is None else self.proven_ms - self.sent_ms


class Drill(Struct, frozen=True, kw_only=True):
    """One drill."""

    id: int
    """Site time at which it began, in UTC milliseconds; no two begin together."""
    by: str
    """Whoever asked for it; ``night`` for the plan's own."""
    group: str = ""
    """The only one that was asked for; empty: all."""
    loud: bool = False
    ended_ms: int | None = None
    """None: it runs, or the hub was stopped meanwhile."""
    parts: tuple[Part, ...] = ()

    @property
    def failed(self) -> tuple[Part, ...]:
        """What was not proven."""
        return tuple(part for part in self.parts if part.state == "failed")


def statements(drill: Drill) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield what writes a drill, whole; for the driver's transaction."""
    yield _DRILL, (drill.id, drill.id, drill.by, drill.group, drill.loud, drill.ended_ms)
    for part in drill.parts:
        yield _PART, (drill.id, *msgspec.structs.astuple(part))
    for table, id in (("drill", "id"), ("drill_part", "drill")):
        yield (
            f"delete from {table} where {id} <= ? and {id} not in (select id from drill order by id desc limit ?)",
            (drill.id, KEPT),
        )


class DrillLog:
    """Reads them; from any thread."""

    def __init__(self, data: Path) -> None:
        """Look into `data`; nothing is read before it is asked for."""
        self._data = data

    def drills(self, limit: int = 50) -> tuple[Drill, ...]:
        """Return the newest drills, newest first."""
        return self._read("1 = 1 order by id desc limit ?", limit)

    def drill(self, id: int) -> Drill | None:
        """Return one of them."""
        return next(iter(self._read("id = ?", id)), None)

    def _read(self, where: str, value: int) -> tuple[Drill, ...]:
        with closing(sqlite3.connect(self._data / DATABASE, isolation_level=None, timeout=_BUSY_S)) as db:
            rows = db.execute(f"select id, by, team, loud, ended_ms from drill where {where}", (value,)).fetchall()
            parts: dict[int, list[Part]] = {}
            for row in rows:
                found = db.execute(
                    "select n, kind, name, team, person, state, sent_ms, proven_ms, note from drill_part "
                    "where drill = ? order by n",
                    (row[0],),
                )
                fields = Part.__struct_fields__
                parts[row[0]] = [msgspec.convert(dict(zip(fields, each, strict=True)), Part) for each in found]
        return tuple(
            Drill(id=row[0], by=row[1], group=row[2], loud=bool(row[3]), ended_ms=row[4], parts=tuple(parts[row[0]]))
            for row in rows
        )

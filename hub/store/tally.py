"""The tally: counts of verdicts by local hour and place, kept with every publication, so that rates are always ready.

A moment counts in exactly one cell, that of the local hour of its opening. When a publication changes what it counts
as, the old share is taken out and the new one put in, in the same transaction as the publication itself.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.plan import Plan
from hub.store.hours import Hours

FIELDS = (
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
"""What is counted, bit by bit. The last three are about presses where a sensor is, void moments among them."""
SUCCESS, FAILURE, VOID, SAVED, ANSWERED, ANOMALY, PROVISIONAL, PRESSED, AGREED, CONTRADICTED = (
    1 << bit for bit in range(len(FIELDS))
)
TRAINING = 2
"""In the column `withdrawn` of a moment: it was training, so that it is in no list and no count unless asked for."""
_REMEMBERED = 8_192

_UPSERT = (
    "insert into tally (hour_ms, expectation, touchpoint, team, area, day, hour, "
    + ", ".join(FIELDS)
    + ") values ("
    + ", ".join("?" * (7 + len(FIELDS)))
    + ") "
    + "on conflict (hour_ms, expectation, touchpoint, team, area) do update set "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)
)

_SHIFT_UPSERT = (
    "insert into shift_tally (start_ms, team, shift, expectation, touchpoint, area, "
    + ", ".join(FIELDS)
    + ") values ("
    + ", ".join("?" * (6 + len(FIELDS)))
    + ") "
    + "on conflict (start_ms, team, shift, expectation, touchpoint, area) do update set "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)
)


class Cell(Struct, frozen=True):
    """Where a moment counts."""

    hour_ms: int
    expectation: str
    touchpoint: str
    team: str
    area: str
    shift: str | None = None
    """That answered for it at its opening; empty: none was on. None: the team does not work in shifts."""
    shift_ms: int | None = None
    """When that shift began; the hour where none was on."""


def bits_of(moment: Moment) -> int:
    """Return what a publication counts as."""
    if moment.withdrawn or moment.verdict is None or moment.training is not None:
        return 0
    bits = 0
    for flag, bit in (
        (moment.sensor is not None, PRESSED),
        (moment.sensor == "agreed", AGREED),
        (moment.sensor == "contradicted", CONTRADICTED),
    ):
        if flag:
            bits |= bit
    if moment.verdict == "void":
        return bits | VOID
    bits |= SUCCESS if moment.verdict == "success" else FAILURE
    for flag, bit in (
        (moment.saved, SAVED),
        (moment.answered, ANSWERED),
        (moment.anomaly, ANOMALY),
        (moment.provisional, PROVISIONAL),
    ):
        if flag:
            bits |= bit
    return bits


def moment_row(moment: Moment, body: bytes, cell: Cell, bits: int) -> tuple[object, ...]:
    """Return the row of a moment's newest publication: what lists filter by, where and as what it counts.

    Args:
        moment: the publication.
        body: the same as JSON.
        cell: where it counts, as `Tally.count` says.
        bits: as what it counts.
    """
    decided_ms = moment.ended_ms
    if decided_ms is None and moment.verdict == "failure":
        decided_ms = moment.ends_ms
    return (
        moment.id,
        moment.change,
        moment.expectation,
        moment.touchpoint,
        moment.key,
        moment.state,
        TRAINING if moment.training is not None and not moment.withdrawn else int(moment.withdrawn),
        moment.opened_ms,
        decided_ms,
        cell.hour_ms,
        cell.team,
        cell.area,
        bits,
        body,
        cell.shift,
        cell.shift_ms,
    )


class Tally:
    """The driver's side of the tally: differences waiting for the next commit."""

    def __init__(self, db: sqlite3.Connection, hours: Hours, plan: Plan) -> None:
        """Write through `db`; areas and teams are the plan's."""
        self._db = db
        self.use(hours, plan)
        self._known: OrderedDict[str, tuple[Cell, int]] = OrderedDict()
        self._counted: dict[str, tuple[Cell, int]] = {}
        self._new: set[str] = set()
        """Moments that this transaction publishes first: nothing is stored of them."""

    def use(self, hours: Hours, plan: Plan) -> None:
        """Take hours, areas and teams from here from now on."""
        self.hours = hours
        self._places = {point.id: (point.group, point.area) for point in plan.touchpoints.values()}

    def opened(self, moment: str) -> None:
        """Say that a moment is new, so that nobody looks for what it counted as."""
        self._new.add(moment)

    def count(self, moment: Moment) -> tuple[Cell, int]:
        """Put a publication in its cell; return the cell and what it counts as."""
        team, area = self._places.get(moment.touchpoint, ("", ""))
        hour_ms = self.hours.of(moment.opened_ms).start_ms
        cell = Cell(hour_ms, moment.expectation, moment.touchpoint, team, area)
        on = moment.team
        if on is not None:
            since_ms = hour_ms if on.since_ms is None else on.since_ms
            cell = Cell(hour_ms, moment.expectation, moment.touchpoint, on.group, area, on.shift or "", since_ms)
        counted = (cell, bits_of(moment))
        self._counted[moment.id] = counted
        return counted

    def write(self) -> None:
        """Add the differences to the transaction."""
        delta: dict[Cell, list[int]] = {}
        for moment, (cell, bits) in self._counted.items():
            old = None if moment in self._new else self._old(moment)
            if old == (cell, bits):
                continue
            if old is not None and old[1]:
                _add(delta, old[0], old[1], -1)
            if bits:
                _add(delta, cell, bits, 1)
        rows = []
        for cell, counts in delta.items():
            if any(counts):
                hour = self.hours.of(cell.hour_ms)
                rows.append(
                    (
                        cell.hour_ms,
                        cell.expectation,
                        cell.touchpoint,
                        cell.team,
                        cell.area,
                        hour.day,
                        hour.hour,
                        *counts,
                    )
                )
        if rows:
            self._db.executemany(_UPSERT, rows)
        shifts = [
            (cell.shift_ms, cell.team, cell.shift, cell.expectation, cell.touchpoint, cell.area, *counts)
            for cell, counts in delta.items()
            if cell.shift is not None and any(counts)
        ]
        if shifts:
            self._db.executemany(_SHIFT_UPSERT, shifts)

    def _old(self, moment: str) -> tuple[Cell, int] | None:
        known = self._known.get(moment)
        if known is not None:
            return known
        row = self._db.execute(
            "select hour_ms, expectation, touchpoint, team, area, shift, shift_ms, counts from moment where id = ?",
            (moment,),
        ).fetchone()
        return None if row is None else (Cell(*row[:7]), row[7])

    def committed(self) -> None:
        """What was written is what is known now."""
        known = self._known
        for moment, counted in self._counted.items():
            known[moment] = counted
            known.move_to_end(moment)
        while len(known) > _REMEMBERED:
            known.popitem(last=False)
        self._counted.clear()
        self._new.clear()


def _add(delta: dict[Cell, list[int]], cell: Cell, bits: int, sign: int) -> None:
    counts = delta.setdefault(cell, [0] * len(FIELDS))
    for index in range(len(FIELDS)):
        if bits & (1 << index):
            counts[index] += sign

"""Coverage as a projection of the journal: who was blind when, and how much of what was due was seen, by local hour.

Everything here follows from the journal's inputs (`blind`, `sighted`, what takes a `blind` back, the plans, and the
first signal of each node) and from one number, up to when hours are closed. `project` makes the same rows from a whole
journal as `Coverage` has made one by one. The hours after the last closed one are summed up when somebody asks.

A node that the plan has and that was never heard is blind from the plan's first day on. It judges nothing, so it makes
no verdict provisional; but a share of time seen that leaves it out would be invented.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from andgate.coverage import Cell, Covered, Reign, Sight, Span, Spell, Watch, cells, spells
from andgate.moment.engine import HORIZON_MS
from andgate.moment.signals import BLIND, HEARD, SIGHTED, Input, Replanned, Retimed, Signal
from andgate.plan import Plan
from hub.store.hours import Hours
from hub.store.journal import decode_inputs

CLOSED = "coverage"
"""Key in `meta`: up to when hours are closed, UTC ms."""
ROWS_AT_ONCE = 4_000
"""About so many rows are closed in one transaction: after a long stop the presses that wait come between."""
HOUR_MS = 3_600_000
_LONG_AGO = 0

_SIGHT = (
    "insert into sight (signal, device, touchpoint, blind, at_ms, source, boot_rank, seq, taken_back) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, 0) on conflict (signal) do nothing"
)
_SIGHT_AS_IT_IS = (
    "insert into sight (signal, device, touchpoint, blind, at_ms, source, boot_rank, seq, taken_back) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SPELL = "insert into spell (device, touchpoint, from_ms, to_ms) values (?, ?, ?, ?)"
_CELL = (
    "insert into coverage (hour_ms, expectation, touchpoint, team, area, day, hour, due_ms, seen_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (hour_ms, expectation, touchpoint, team, area) do update set "
    "due_ms = due_ms + excluded.due_ms, seen_ms = seen_ms + excluded.seen_ms"
)
_META = "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value"

_WORDS = frozenset({BLIND, SIGHTED, HEARD})

SightRow = tuple[str, str, str, bool, int, str, int, int, bool]


class Projection(Struct, frozen=True):
    """What a journal says of sight, as the store keeps it."""

    sights: tuple[SightRow, ...]
    """Rows of `sight`, by signal."""
    spells: tuple[Spell, ...]
    """Rows of `spell`, by device and beginning."""
    cells: dict[Cell, Covered]
    """Rows of `coverage`."""


class Known:
    """What the journal's inputs have said of sight so far."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.heard: set[str] = set()
        """Nodes of which there was ever a signal."""
        self.unheard: dict[str, dict[str, tuple[str, int]]] = {}
        """Node that no signal came of yet -> device -> its touchpoint, and since when the plan has it."""

    def take(self, item: Input) -> Iterator[SightRow]:
        """Yield what an input adds to `sight`."""
        if isinstance(item, Replanned):
            yield from self._planned(item)
        elif isinstance(item, Signal):
            yield from self._signal(item)

    def _planned(self, item: Replanned) -> Iterator[SightRow]:
        for device in item.plan.devices.values():
            if device.signals and device.touchpoint and device.node not in self.heard:
                waiting = self.unheard.setdefault(device.node, {})
                if device.name not in waiting:
                    waiting[device.name] = (device.touchpoint, item.at_ms)
                    yield f"plan/{device.name}", device.name, device.touchpoint, True, item.at_ms, "", 0, 0, False

    def _signal(self, signal: Signal) -> Iterator[SightRow]:
        sight = signal.name in (BLIND, SIGHTED)
        if self.unheard:
            own = sight or signal.name == HEARD
            node = signal.device.partition("/")[0] if own else signal.source
            for device, (touchpoint, since_ms) in self.unheard.pop(node, {}).items():
                self.heard.add(node)
                at_ms = max(signal.at_ms, since_ms)
                yield f"heard/{device}", device, touchpoint, False, at_ms, "", 0, 1, False
        if sight and signal.received_ms - signal.at_ms <= HORIZON_MS:  # else it is too late to change anything
            at_ms, source, rank, seq, id = signal.order
            yield id, signal.device, signal.touchpoint, signal.name == BLIND, at_ms, source, rank, seq, False


def project(inputs: Iterable[Input], closed_ms: int) -> Projection:
    """Return what the inputs of a journal, in its order, say of sight, with the hours up to `closed_ms`; pure."""
    known = Known()
    rows: dict[str, SightRow] = {}
    plans: list[tuple[int, Plan]] = []
    for item in inputs:
        for row in known.take(item):
            rows.setdefault(row[0], row)
        if isinstance(item, Replanned):
            plans.append((item.at_ms, item.plan))
        elif isinstance(item, Signal) and item.retracts is not None and item.retracts in rows:
            rows[item.retracts] = (*rows[item.retracts][:8], True)
        elif isinstance(item, Retimed) and item.signal in rows:
            rows[item.signal] = (*rows[item.signal][:4], item.at_ms, *rows[item.signal][5:])
    dark = spells(_sight(row) for row in rows.values() if not row[8])
    ends = [at_ms for at_ms, _ in plans[1:]] + [closed_ms]
    reigns = [Reign(Watch(plan), at_ms, end_ms) for (at_ms, plan), end_ms in zip(plans, ends, strict=True)]
    return Projection(
        tuple(rows[name] for name in sorted(rows)),
        tuple(sorted(dark, key=lambda spell: (spell.device, spell.from_ms))),
        _cells(reigns, dark, (_LONG_AGO, closed_ms)),
    )


def _sight(row: SightRow | tuple[object, ...]) -> Sight:
    signal, device, touchpoint, blind, at_ms, source, rank, seq = row[:8]
    return Sight((at_ms, source, rank, seq, signal), device, touchpoint, bool(blind))  # type: ignore[arg-type]


@lru_cache(maxsize=8)
def _hours(timezone: str) -> Hours:
    return Hours(timezone)


@lru_cache(maxsize=8)
def _watch(body: bytes) -> Watch:
    return Watch(msgspec.json.decode(body, type=Plan))


def _cells(
    reigns: Iterable[Reign], dark: Iterable[Spell], span: Span, touchpoints: frozenset[str] | None = None
) -> dict[Cell, Covered]:
    dark = list(dark)
    found: dict[Cell, Covered] = {}
    for reign in reigns:
        hours = _hours(reign.watch.plan.site.timezone)
        made = cells((reign,), dark, span, lambda at_ms, hours=hours: hours.of(at_ms).start_ms, touchpoints)  # type: ignore[misc]
        for cell, covered in made.items():
            found[cell] = found.get(cell, Covered()) + covered
    return found


def reigns_of(db: sqlite3.Connection, span: Span) -> list[Reign]:
    """Return the plans that were in force in a span, one after the other."""
    rows: list[tuple[int, bytes]] = []
    for at_ms, body in db.execute("select at_ms, body from plan where at_ms < ? order by entry desc", (span[1],)):
        rows.append((at_ms, body))
        if at_ms <= span[0]:
            break
    ends = [span[1], *(at_ms for at_ms, _ in rows)]
    found = [Reign(_watch(body), at_ms, end_ms) for (at_ms, body), end_ms in zip(rows, ends, strict=False)]
    return found[::-1]


def spells_of(db: sqlite3.Connection, span: Span) -> list[Spell]:
    """Return every spell that reaches into a span."""
    rows = db.execute(
        "select device, touchpoint, from_ms, to_ms from spell where to_ms is null and from_ms < ? "
        "union all select device, touchpoint, from_ms, to_ms from spell where to_ms > ? and from_ms < ?",
        (span[1], span[0], span[1]),
    )
    return [Spell(*row) for row in rows]


def covered_in(db: sqlite3.Connection, span: Span, touchpoints: frozenset[str] | None = None) -> dict[Cell, Covered]:
    """Return what was due and seen in a span, summed up now from plans and spells."""
    if span[0] >= span[1]:
        return {}
    return _cells(reigns_of(db, span), spells_of(db, span), span, touchpoints)


def closed_ms(db: sqlite3.Connection) -> int | None:
    """Return up to when hours are closed; None before the first plan."""
    row = db.execute("select value from meta where key = ?", (CLOSED,)).fetchone()
    return None if row is None else int(row[0])


class Coverage:
    """The driver's side: takes what the journal takes, and closes hours; one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        """Go on from what is stored."""
        self._db = db
        self._closed_ms = closed_ms(db)
        self._known = _stored(db)
        self._waiting: list[tuple[list[SightRow], str | None, int | None]] = []
        """Rows to add, and which sight is taken back, or moved to another time."""
        self._begun_ms: int | None = None
        """When the first plan's first hour began, while that waits for its commit."""
        self._until_ms = 0
        self._written_ms: int | None = None

    def use(self, hours: Hours) -> None:
        """Close hours by this zone's clocks from now on."""
        self._hours = hours
        if self._closed_ms is None:
            self._adopt()

    def _adopt(self) -> None:
        """Make everything of a journal that is older than this table."""
        db = self._db
        last = db.execute("select now_ms from entry order by n desc limit 1").fetchone()
        if last is None:
            return
        until = self._hours.of(last[0]).start_ms
        bodies = db.execute("select body from entry order by n")
        made = project((item for (body,) in bodies for item in decode_inputs(body).in_), until)
        db.execute("begin immediate")
        db.executemany(_SIGHT_AS_IT_IS, made.sights)
        db.executemany(_SPELL, [msgspec.structs.astuple(spell) for spell in made.spells])
        self._put(made.cells)
        db.execute(_META, (CLOSED, str(until)))
        db.execute("commit")
        self._closed_ms = until
        self._known = _stored(db)

    @property
    def unheard(self) -> Mapping[str, Mapping[str, tuple[str, int]]]:
        """Nodes that no signal came of yet -> device -> its touchpoint, and since when the plan has it."""
        return self._known.unheard

    def wants(self, item: Input) -> bool:
        """Whether an input says anything of sight."""
        if isinstance(item, Signal):
            if item.name in _WORDS or item.retracts is not None:
                return True
            return bool(self._known.unheard) and item.source in self._known.unheard
        return isinstance(item, Retimed | Replanned)

    def saw(self, item: Input) -> None:
        """Take an input that it wants; it waits for `write`."""
        target = item.retracts if isinstance(item, Signal) else item.signal if isinstance(item, Retimed) else None
        moved_ms = item.at_ms if isinstance(item, Retimed) else None
        self._waiting.append((list(self._known.take(item)), target, moved_ms))
        if isinstance(item, Replanned) and self._closed_ms is None and self._begun_ms is None:
            self._begun_ms = self._hours.of(item.at_ms).start_ms

    def roll(self, now_ms: int) -> bool:
        """Let time pass; return whether there is an hour to close."""
        if self._closed_ms is None:
            return False
        self._until_ms = self._hours.of(now_ms).start_ms
        return self._until_ms > self._closed_ms

    def next_ms(self) -> int | None:
        """Return when the next hour can be closed, or a little later."""
        return None if self._closed_ms is None else self._closed_ms + HOUR_MS

    def write(self) -> None:
        """Add what waits to the transaction; a commit that fails changes nothing here."""
        closed = self._begun_ms if self._closed_ms is None else self._closed_ms
        if closed is None:
            return
        changed: dict[str, Span] = {}
        for rows, target, moved_ms in self._waiting:
            self._take(rows, target, moved_ms, changed)
        for touchpoint, (from_ms, to_ms) in changed.items():
            if from_ms < closed:
                self._again(touchpoint, (from_ms, min(to_ms, closed)), closed)
        until, made = closed, 0
        while until < self._until_ms and made < ROWS_AT_ONCE:
            end = self._hours.of(until + HOUR_MS).start_ms
            end = min(end, self._until_ms) if end > until else self._until_ms
            made += self._put(covered_in(self._db, (until, end)))
            until = end
        if until != self._closed_ms:
            self._db.execute(_META, (CLOSED, str(until)))
        self._written_ms = until

    def committed(self) -> None:
        """What was written is what is known now."""
        if self._written_ms is not None:
            self._closed_ms, self._written_ms = self._written_ms, None
        self._waiting.clear()

    def _take(self, rows: list[SightRow], target: str | None, moved_ms: int | None, changed: dict[str, Span]) -> None:
        self._db.executemany(_SIGHT, [row[:8] for row in rows])
        devices = [row[1] for row in rows]
        if target is not None:
            found = self._db.execute("select device from sight where signal = ?", (target,)).fetchone()
            if found is not None:
                if moved_ms is None:
                    self._db.execute("update sight set taken_back = 1 where signal = ?", (target,))
                else:
                    self._db.execute("update sight set at_ms = ? where signal = ?", (moved_ms, target))
                devices.append(found[0])
        for device in dict.fromkeys(devices):
            self._fold(device, changed)

    def _fold(self, device: str, changed: dict[str, tuple[int, int]]) -> None:
        """Fold one device's sights anew, and note where that changes what was blind."""
        rows = self._db.execute("select device, touchpoint, from_ms, to_ms from spell where device = ?", (device,))
        before = {Spell(*row) for row in rows}
        rows = self._db.execute(
            "select signal, device, touchpoint, blind, at_ms, source, boot_rank, seq from sight "
            "where device = ? and taken_back = 0",
            (device,),
        )
        after = set(spells(_sight(row) for row in rows))
        for spell in before - after:
            self._db.execute("delete from spell where device = ? and from_ms = ?", (device, spell.from_ms))
        self._db.executemany(
            _SPELL, [(spell.device, spell.touchpoint, spell.from_ms, spell.to_ms) for spell in after - before]
        )
        for spell in before ^ after:
            to_ms = 1 << 62 if spell.to_ms is None else spell.to_ms
            known = changed.get(spell.touchpoint, (spell.from_ms, to_ms))
            changed[spell.touchpoint] = (min(known[0], spell.from_ms), max(known[1], to_ms))

    def _again(self, touchpoint: str, span: Span, closed: int) -> None:
        """Sum up the closed hours of a touchpoint that a span lies in anew."""
        begun = self._hours.of(span[0]).start_ms
        ended = min(self._hours.of(span[1] - 1 + HOUR_MS).start_ms, closed)
        self._db.execute(
            "delete from coverage where touchpoint = ? and hour_ms >= ? and hour_ms < ?", (touchpoint, begun, ended)
        )
        self._put(covered_in(self._db, (begun, ended), frozenset({touchpoint})))

    def _put(self, found: dict[Cell, Covered]) -> int:
        rows = []
        for cell, covered in found.items():
            hour = self._hours.of(cell.hour_ms)
            where = (cell.hour_ms, cell.expectation, cell.touchpoint, cell.team, cell.area)
            rows.append((*where, hour.day, hour.hour, covered.due_ms, covered.seen_ms))
        if rows:
            self._db.executemany(_CELL, rows)
        return max(len(rows), 1)


def _stored(db: sqlite3.Connection) -> Known:
    """Return what the stored sights say of who was heard."""
    known = Known()
    for signal, device, touchpoint, at_ms in db.execute(
        "select signal, device, touchpoint, at_ms from sight where source = ''"
    ):
        node = device.partition("/")[0]
        if signal.startswith("heard/"):
            known.heard.add(node)
        else:
            known.unheard.setdefault(node, {})[device] = (touchpoint, at_ms)
    for node in known.heard:
        known.unheard.pop(node, None)
    return known

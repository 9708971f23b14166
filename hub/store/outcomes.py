"""Outcomes of the AND gates, kept with every publication.

What may have changed is gathered while a batch is judged and judged once at its end, from the moments as they then
stand. A key's moments are few; what costs is asking for them, so nothing is asked where no gate is concerned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from andgate.moment.engine import HORIZON_MS
from andgate.moment.gate import INCOMPLETE_AFTER_MS, Outcome, Serving, outcome
from andgate.moment.moments import Moment
from andgate.moment.signals import RELEASED, SERVING, Input, Retimed, Signal
from andgate.plan import Plan
from hub.store.hours import Hours

_STATES = ("success", "failure", "pending", "incomplete")
_LOOK_BACK_MS = 6 * 3_600_000
"""Nobody is served at one counter for longer than this without a word."""

_decode = msgspec.json.Decoder(Moment).decode

_UPSERT = (
    "insert into outcome (interaction, occurrence, key, state, first, failing, at_ms, decided_ms, hour_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (interaction, occurrence) do update set state = excluded.state, "
    "first = excluded.first, failing = excluded.failing, at_ms = excluded.at_ms, decided_ms = excluded.decided_ms, "
    "hour_ms = excluded.hour_ms"
)
_SERVED = (
    "insert into serving (signal, touchpoint, key, at_ms, released) values (?, ?, ?, ?, ?) "
    "on conflict (signal) do update set touchpoint = excluded.touchpoint, key = excluded.key, "
    "released = excluded.released, taken_back = serving.at_ms - excluded.at_ms <= ?, at_ms = excluded.at_ms "
    "where serving.key = ''"
)
_TAKEN_BACK = (
    "insert or ignore into serving (signal, touchpoint, key, at_ms, released, taken_back) values (?, '', '', ?, 0, 1)"
)
"""What is taken back before it has come: `at_ms` is when that was received. No key is empty."""
_TALLY = (
    "insert into gate_tally (hour_ms, interaction, day, hour, success, failure, pending, incomplete) "
    "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (hour_ms, interaction) do update set "
    "success = success + excluded.success, failure = failure + excluded.failure, "
    "pending = pending + excluded.pending, incomplete = incomplete + excluded.incomplete"
)


class Outcomes:
    """The driver's side of the outcomes: what to judge again at the next commit."""

    def __init__(self, db: sqlite3.Connection, hours: Hours, plan: Plan) -> None:
        """Write through `db`."""
        self._db = db
        self.use(hours, plan)
        self._keys: dict[tuple[str, str], None] = {}
        self._single: dict[tuple[str, str], None] = {}
        self._places: dict[str, Moment] = {}

    def use(self, hours: Hours, plan: Plan) -> None:
        """Judge by this plan from now on."""
        self._hours = hours
        self._plan = plan
        self._lines = {
            gate: tuple(name for name in plan.expectations_of(gate) if plan.expectations[name].key is None)
            for gate, it in plan.interactions.items()
            if it.key is not None
        }

    # ---------------------------------------------------------------------------------------------- gathering

    def saw(self, inputs: Sequence[Input]) -> None:
        """Take note of who was served where."""
        for item in inputs:
            if isinstance(item, Signal):
                too_late = item.received_ms - item.at_ms > HORIZON_MS
                if item.name in {SERVING, RELEASED} and item.key is not None and not too_late:
                    self._db.execute(
                        _SERVED, (item.id, item.touchpoint, item.key, item.at_ms, item.name == RELEASED, HORIZON_MS)
                    )
                    self._touch(item.key)
            elif isinstance(item, Retimed):
                self._change(item.signal, f"at_ms = {int(item.at_ms)}")
        for item in inputs:  # in whichever order they came
            if isinstance(item, Signal) and item.retracts is not None:
                self._take_back(item.retracts, item.received_ms)

    def _take_back(self, signal: str, received_ms: int) -> None:
        """Take back what a signal said of a serving, also one that comes later; a day old it stands as it is."""
        since_ms = received_ms - HORIZON_MS
        # One that has no time yet has not come either: it serves nobody before it has.
        if self._db.execute("select 1 from signal where id = ? and state = 0", (signal,)).fetchone() is None:
            self._db.execute("delete from serving where key = '' and at_ms < ?", (since_ms,))
            self._db.execute(_TAKEN_BACK, (signal, received_ms))
        self._change(signal, "taken_back = 1", since_ms=since_ms)

    def _change(self, signal: str, change: str, *, since_ms: int = 0) -> None:
        """Change what a signal said of a serving; one from before `since_ms` stands as it is."""
        row = self._db.execute(
            "select key from serving where signal = ? and at_ms >= ? and key != ''", (signal, since_ms)
        ).fetchone()
        if row is not None:
            self._db.execute(f"update serving set {change} where signal = ?", (signal,))
            self._touch(row[0])

    def _touch(self, key: str) -> None:
        for gate, lines in self._lines.items():
            if lines:
                self._keys[gate, key] = None

    def published(self, moment: Moment) -> None:
        """Take note of a publication."""
        for gate in moment.interactions:
            it = self._plan.interactions.get(gate)
            if it is None:
                continue
            if it.key is None:
                self._single[gate, moment.id] = None
            elif moment.key is not None:
                self._keys[gate, moment.key] = None
            else:
                self._places[moment.id] = moment

    # ---------------------------------------------------------------------------------------------- judging

    def write(self, now_ms: int) -> None:
        """Judge what may have changed, by what the transaction holds now."""
        for moment in self._places.values():
            rows = self._db.execute(
                "select distinct key from serving where touchpoint = ? and at_ms between ? and ?",
                # Up to its deadline even where it has ended: it may have counted for longer until now.
                (moment.touchpoint, moment.opened_ms - _LOOK_BACK_MS, moment.ends_ms),
            )
            for (key,) in rows.fetchall():
                for gate in moment.interactions:
                    if gate in self._lines:
                        self._keys[gate, key] = None
        for gate, key in self._db.execute(
            "select interaction, key from outcome where state = 'pending' and at_ms <= ? and key is not null",
            (now_ms - INCOMPLETE_AFTER_MS,),
        ).fetchall():
            if gate in self._plan.interactions:
                self._keys[gate, key] = None
        for gate, key in self._keys:
            servings = self._servings(key) if self._lines[gate] else []
            moments = self._moments(gate, key, servings)
            self._put(gate, key, key, outcome(gate, key, self._plan, moments, servings, now_ms), now_ms)
        for gate, id in self._single:
            row = self._db.execute("select body from moment where id = ?", (id,)).fetchone()
            if row is not None:
                self._put(gate, id, None, outcome(gate, None, self._plan, [_decode(row[0])], (), now_ms), now_ms)

    def _servings(self, key: str) -> list[Serving]:
        found: list[Serving] = []
        begun: dict[str, int] = {}
        for touchpoint, at_ms, released in self._db.execute(
            "select touchpoint, at_ms, released from serving where key = ? and taken_back = 0 order by at_ms, signal",
            (key,),
        ):
            if not released:
                begun.setdefault(touchpoint, at_ms)
            elif touchpoint in begun:
                from_ms = begun.pop(touchpoint)
                found.append(Serving(touchpoint, key, from_ms, min(at_ms, from_ms + _LOOK_BACK_MS)))
        found += [Serving(touchpoint, key, at_ms, at_ms + _LOOK_BACK_MS) for touchpoint, at_ms in begun.items()]
        return found

    def _moments(self, gate: str, key: str, servings: list[Serving]) -> list[Moment]:
        found = [_decode(row[0]) for row in self._db.execute("select body from moment where key = ?", (key,))]
        for line in self._lines[gate]:
            for serving in servings:
                found += [
                    _decode(row[0])
                    for row in self._db.execute(
                        "select body from moment "
                        "where expectation = ? and touchpoint = ? and opened_ms between ? and ?",
                        (line, serving.touchpoint, serving.from_ms - _LOOK_BACK_MS, serving.to_ms),
                    )
                ]
        return list({moment.id: moment for moment in found}.values())

    def _put(self, gate: str, occurrence: str, key: str | None, judged: Outcome | None, now_ms: int) -> None:
        old = self._db.execute(
            "select hour_ms, state from outcome where interaction = ? and occurrence = ?", (gate, occurrence)
        ).fetchone()
        if old is not None:
            self._count(gate, old[0], old[1], -1)
        if judged is None:
            self._db.execute("delete from outcome where interaction = ? and occurrence = ?", (gate, occurrence))
            return
        hour = self._hours.of(judged.from_ms)
        failing = msgspec.json.encode([each.moment for each in judged.failing]).decode()
        first = judged.first.moment if judged.first else None
        self._db.execute(
            _UPSERT,
            (gate, occurrence, key, judged.state, first, failing, judged.from_ms, now_ms, hour.start_ms),
        )
        self._count(gate, hour.start_ms, judged.state, 1)

    def _count(self, gate: str, hour_ms: int, state: str, by: int) -> None:
        hour = self._hours.of(hour_ms)
        counts = [by if state == name else 0 for name in _STATES]
        self._db.execute(_TALLY, (hour_ms, gate, hour.day, hour.hour, *counts))

    def committed(self) -> None:
        """What was written is done."""
        self._keys.clear()
        self._single.clear()
        self._places.clear()

"""Every projection, made again from the journal alone, in a scratch database.

The journal's own words are written down as they stand (moments, trails, identities, plans); what is counted or judged
from them (tallies, outcomes, pages) is counted by the very classes that the running hub uses, fed from the journal.
What no entry knows is left out here and in the comparison: see `hub.evidence.compare`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
from msgspec import Raw, Struct, field

from andgate.errors import StorageError
from andgate.moment.events import Claimed, Paged, PageSkipped, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Input, Replanned, Retimed, Signal
from andgate.plan import Plan
from hub.store.chain import Step
from hub.store.coverage import Coverage
from hub.store.hours import Hours
from hub.store.hushes import written
from hub.store.outbox import Outbox
from hub.store.outcomes import Outcomes
from hub.store.pages import Pages
from hub.store.schema import prepare
from hub.store.tally import Tally, moment_row

FIRST = 1
PORTION = 2_000
"""Entries in one transaction of the scratch database."""
_PAGING = (Paged, StoodDown, Claimed, PageSkipped)

_decode_moment = msgspec.json.Decoder(Moment).decode

_SIGNAL = (
    "insert into signal (id, digest, entry, state, boot, mono_ms, first_at_ms, at_ms, body, received_ms, "
    "within_ms) values (?, x'', ?, 0, ?, null, ?, ?, null, ?, ?) on conflict (id) do nothing"
)
_MOMENT = (
    "insert or replace into moment (id, change, expectation, touchpoint, key, state, withdrawn, opened_ms, "
    "decided_ms, hour_ms, team, area, counts, body, shift, shift_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class _Plans(Struct):
    """The plans of an entry, as they were written."""

    in_: tuple[dict[str, Raw], ...] = field(default=(), name="in")


_decode_plans = msgspec.json.Decoder(_Plans).decode


class Rebuild:
    """Takes entries in order; `finish` makes the scratch database whole."""

    def __init__(self, folder: Path) -> None:
        """Make an empty scratch database in `folder`, which is somebody else's to remove."""
        self.file = folder / "scratch.db"
        self.db = sqlite3.connect(self.file, isolation_level=None)
        for pragma in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive", "cache_size = -64000"):
            self.db.execute(f"pragma {pragma}")
        prepare(self.db)
        self.db.execute("begin")
        self._pages = Pages(self.db, 0)
        self._outbox = Outbox(self._pages, listen_only=False)
        self._plan: Plan | None = None
        self._hours: Hours | None = None
        self._tally: Tally | None = None
        self._outcomes: Outcomes | None = None
        self._coverage: Coverage | None = None
        self._now_ms = 0
        self._waiting = 0
        self._signals: list[tuple[object, ...]] = []
        self._retimed: list[tuple[int, int | None, str]] = []
        self._trail: list[tuple[str, int, int]] = []
        self._moments: dict[str, tuple[Moment, bytes]] = {}
        self._inputs: list[Input] = []

    def take(self, step: Step, body: bytes) -> None:
        """Take the next entry; `body` is what `step` was read from."""
        if any(isinstance(item, Replanned) for item in step.in_):
            self._flush()  # what was before counts by the plan before
            self._replan(step, body)
        if self._plan is None or self._tally is None or self._outcomes is None:
            raise StorageError(f"entry {step.n} comes before any plan: the journal does not begin with one")
        self._now_ms = step.now
        for item in step.in_:
            if self._coverage is not None and self._coverage.wants(item):
                self._coverage.saw(item)
            for statement, values in written(item):
                self.db.execute(statement, values)
            if isinstance(item, Signal):
                self._signals.append(
                    (
                        item.id,
                        step.n,
                        item.boot_rank or None,
                        item.at_ms,
                        item.at_ms,
                        item.received_ms,
                        item.within_ms,
                    )
                )
                self._inputs.append(item)
            elif isinstance(item, Retimed):
                self._retime(item)
        self._trail += [(event.moment, step.n, index) for index, event in enumerate(step.events)]
        self._publish(step, self._plan, self._tally, self._outcomes)
        self._waiting += 1
        if self._waiting >= PORTION:
            self._flush()

    def _publish(self, step: Step, plan: Plan, tally: Tally, outcomes: Outcomes) -> None:
        for raw in step.moments:
            moment = _decode_moment(raw)
            self._moments[moment.id] = (moment, bytes(raw))
            if moment.change == FIRST:
                tally.opened(moment.id)
                self._outbox.opened(moment)
            if moment.interactions:
                outcomes.published(moment)
        for event in step.events:
            if isinstance(event, _PAGING):
                about = self._about(event.moment)
                if about is not None:
                    self._outbox.decided(event, about, plan, step.now)

    def _retime(self, item: Retimed) -> None:
        self._retimed.append((item.at_ms, item.within_ms, item.signal))
        self._inputs.append(item)

    def _about(self, moment: str) -> Moment | None:
        waiting = self._moments.get(moment)
        if waiting is not None:
            return waiting[0]
        row = self.db.execute("select body from moment where id = ?", (moment,)).fetchone()
        return None if row is None else _decode_moment(row[0])

    def _replan(self, step: Step, body: bytes) -> None:
        for item, raws in zip(step.in_, _decode_plans(body).in_, strict=True):
            if isinstance(item, Replanned):
                self.db.execute(
                    "insert or replace into plan (version, entry, at_ms, body) values (?, ?, ?, ?)",
                    (item.plan.version, step.n, item.at_ms, bytes(raws["plan"])),
                )
                self.use_plan(item.plan)

    def use_plan(self, plan: Plan) -> None:
        """Take names, areas, teams, gates and the time zone from `plan` from now on."""
        self._plan = plan
        self._outbox.use_plan(plan)
        if self._hours is None or self._hours.timezone != plan.site.timezone:
            self._hours = Hours(plan.site.timezone)
        if self._tally is None or self._outcomes is None:
            self._tally = Tally(self.db, self._hours, plan)
            self._outcomes = Outcomes(self.db, self._hours, plan)
            self._coverage = Coverage(self.db)
        else:
            self._tally.use(self._hours, plan)
            self._outcomes.use(self._hours, plan)
        if self._coverage is not None:
            self._coverage.use(self._hours)

    def finish(self, closed_ms: int | None) -> None:
        """Write what waits, and close the hours of coverage up to `closed_ms`, as far as the live database has."""
        self._flush()
        if self._coverage is not None and closed_ms is not None:
            while self._coverage.roll(closed_ms):
                self._coverage.write()
                self._coverage.committed()
        self.db.execute("delete from serving where key = ''")  # taken back, and never came
        self.db.execute("commit")

    def hour_of(self, at_ms: int) -> int:
        """Return when the local hour of a time began."""
        return at_ms if self._hours is None else self._hours.of(at_ms).start_ms

    def close(self) -> None:
        """Let go of the scratch database."""
        self.db.close()

    def _flush(self) -> None:
        if self._plan is None or self._tally is None or self._outcomes is None or not self._waiting:
            return
        db = self.db
        db.executemany(_SIGNAL, self._signals)
        db.executemany("update signal set at_ms = ?, within_ms = ? where id = ?", self._retimed)
        db.executemany("insert into trail (moment, n, idx) values (?, ?, ?)", self._trail)
        counted = [(moment, raw, *self._tally.count(moment)) for moment, raw in self._moments.values()]
        self._tally.write()  # before the moments: what they counted as until now is read from their rows
        rows = [moment_row(moment, raw, cell, bits) for moment, raw, cell, bits in counted]
        db.executemany(_MOMENT, rows)
        if self._coverage is not None:
            self._coverage.write()
            self._coverage.committed()
        self._outcomes.saw(self._inputs)
        self._outcomes.write(self._now_ms)
        self._pages.write()
        self._pages.committed()
        self._pages.queued.clear()  # nobody sends them: what was sent is known to the live database only
        self._tally.committed()
        self._outcomes.committed()
        self._waiting = 0
        self._signals, self._retimed, self._trail, self._inputs = [], [], [], []
        self._moments = {}
        db.execute("commit")
        db.execute("begin")

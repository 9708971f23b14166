"""The one writing connection. Only the driver's thread uses it; everybody else has a `Reader`.

What is recorded waits in lists until `commit` writes all of it in one transaction (WAL, synchronous FULL: what is
committed survives a power cut). A commit that fails keeps the lists, so that it can be tried again; nothing is
acknowledged to anybody before.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from andgate.errors import UsageError
from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment
from andgate.moment.signals import RELEASED, SERVING, Input, Retimed, Signal
from andgate.plan import Plan
from hub.store.coverage import Coverage
from hub.store.hours import Hours
from hub.store.hushes import Written, written
from hub.store.journal import GENESIS, Body, encode_body, link
from hub.store.lock import FolderLock
from hub.store.marker import doubt, try_to_mark
from hub.store.outcomes import Outcomes
from hub.store.pages import Pages
from hub.store.rows import ChainHead, Entry
from hub.store.schema import prepare
from hub.store.signals import Signals
from hub.store.tally import Tally, moment_row

_log = logging.getLogger(__name__)

DATABASE = "andgate.db"
SESSIONS_APART = 1_000
"""A database from the past does not know the last sessions' numbers; no number is used twice."""
QUARANTINE_KEPT = 10_000
QUARANTINE_BYTES = 8_192

NEVER = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What a commit raises that no disk is to blame for: it would be refused again for ever."""
FIRST = 1
"""The `change` of a moment's first publication."""
_SERVED = frozenset({SERVING, RELEASED})

_encode = msgspec.json.Encoder().encode

_ENTRY = "insert into entry (n, now_ms, body, prev, hash) values (?, ?, ?, ?, ?)"
_MOMENT = (
    "insert into moment (id, change, expectation, touchpoint, key, state, withdrawn, opened_ms, decided_ms, hour_ms, "
    "team, area, counts, body, shift, shift_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set "
    "change = excluded.change, touchpoint = excluded.touchpoint, key = excluded.key, state = excluded.state, "
    "withdrawn = excluded.withdrawn, opened_ms = excluded.opened_ms, decided_ms = excluded.decided_ms, "
    "hour_ms = excluded.hour_ms, team = excluded.team, area = excluded.area, counts = excluded.counts, "
    "body = excluded.body, shift = excluded.shift, shift_ms = excluded.shift_ms"
)
_TRAIL = "insert into trail (moment, n, idx) values (?, ?, ?)"
_QUARANTINE = "insert into quarantine (at_ms, topic, reason, payload, size) values (?, ?, ?, ?, ?)"
_PLAN = "insert into plan (version, entry, at_ms, body, source) values (?, ?, ?, ?, ?)"
_META = "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value"


class Store:
    """The journal, the outbox and the projections of one data folder, for one thread."""

    def __init__(self, data: Path) -> None:
        """Open (or make) the database in `data` and hold the folder. UsageError if another hub has it."""
        self.data = data
        self._lock = FolderLock(data)
        try:
            self.db = sqlite3.connect(data / DATABASE, isolation_level=None, check_same_thread=False, timeout=10)
            self.db.execute("pragma journal_mode = wal")
            self.db.execute("pragma synchronous = full")
            self.db.execute("pragma wal_autocheckpoint = 0")  # a checkpoint has no place between a press and its page
            self.db.execute("pragma cache_size = -8000")
            prepare(self.db)
            self.epoch, self.session = self._begin_session()
        except BaseException as wrong:
            self._lock.close()
            if isinstance(wrong, sqlite3.Error):
                raise UsageError(
                    f"the database {data / DATABASE} cannot be used: {wrong}. Make room if the disk is full, put a "
                    "copy in its place if it is damaged, or name another --data folder"
                ) from wrong
            raise
        self.entry: int
        self.hash: bytes
        self.entry, self.hash = self._committed()
        self.signals = Signals(self.db, lambda: self.entry + 1)
        self.pages = Pages(self.db, self.session)
        self.tally: Tally | None = None
        self.outcomes: Outcomes | None = None
        self.coverage = Coverage(self.db)
        self._rolls = False
        self._now_ms = 0
        self.last_reason = ""
        """Why the last thing was quarantined."""
        self.quarantined = int(self._meta("quarantined") or 0)
        self._clear()

    def _clear(self) -> None:
        self._entries: list[tuple[Any, ...]] = []
        self._moments: dict[str, Moment] = {}
        self._trail: list[tuple[str, int, int]] = []
        self._quarantine: list[tuple[Any, ...]] = []
        self._plans: list[tuple[Any, ...]] = []
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._served: list[Input] = []
        self._hushes: list[Written] = []

    def _meta(self, key: str) -> str | None:
        row = self.db.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _begin_session(self) -> tuple[str, int]:
        epoch = self._meta("epoch")
        session = int(self._meta("session") or 0) + 1
        database = self.data / DATABASE
        n, head = self._committed()
        why = doubt(database, epoch, n, self._hash_of) if epoch is not None and self._meta("marked") else None
        if epoch is None or why is not None:
            epoch = secrets.token_hex(16)
        if why is not None:
            session += SESSIONS_APART
            _log.warning(
                "%s was put back by hand (%s): a new epoch begins, and nodes send again what they keep", database, why
            )
        self.db.execute("begin immediate")
        self.db.executemany(_META, [("epoch", epoch), ("session", str(session)), ("marked", "1")])
        self.db.execute("commit")
        try_to_mark(database, epoch, n, head)
        return epoch, session

    def _committed(self) -> tuple[int, bytes]:
        row = self.db.execute("select n, hash from entry order by n desc limit 1").fetchone()
        return row or (0, GENESIS)

    def _hash_of(self, n: int) -> bytes | None:
        row = self.db.execute("select hash from entry where n = ?", (n,)).fetchone()
        return None if row is None else bytes(row[0])

    def mark(self, entry: int, head: bytes) -> None:
        """Note beside the database that it has come to a committed entry, and its hash; from any thread."""
        try_to_mark(self.data / DATABASE, self.epoch, entry, head)

    def use_plan(self, plan: Plan) -> None:
        """Take names, areas, teams and the time zone of the tally from `plan` from now on."""
        hours = self.tally.hours if self.tally else None
        if hours is None or hours.timezone != plan.site.timezone:
            hours = Hours(plan.site.timezone)
        if self.tally is None or self.outcomes is None:
            self.tally = Tally(self.db, hours, plan)
            self.outcomes = Outcomes(self.db, hours, plan)
        else:
            self.tally.use(hours, plan)
            self.outcomes.use(hours, plan)
        self.coverage.use(hours)

    def roll(self, now_ms: int) -> None:
        """Let time pass: hours that are over are closed with the next commit."""
        self._rolls = self.coverage.roll(now_ms)

    # ---------------------------------------------------------------------------------------------- recording

    def record(
        self,
        now_ms: int,
        inputs: tuple[Input, ...],
        events: tuple[AnyEvent, ...],
        published: tuple[Moment, ...],
        *,
        more: bool = False,
    ) -> int:
        """Add one step of the engine to the journal and to what follows from it; return the entry's number."""
        n = self.entry + 1
        body = encode_body(Body(n=n, now=now_ms, in_=inputs, events=events, moments=published, more=more))
        prev, self.hash, self.entry = self.hash, link(self.hash, body), n
        self._entries.append((n, now_ms, body, prev, self.hash))
        trail = self._trail
        for index, event in enumerate(events):
            trail.append((event.moment, n, index))
        outcomes = self.outcomes
        for item in inputs:
            if self.coverage.wants(item):
                self.coverage.saw(item)
            self._hushes += written(item)
        if outcomes is not None:
            for item in inputs:
                if isinstance(item, Retimed) or (isinstance(item, Signal) and (item.name in _SERVED or item.retracts)):
                    self._served.append(item)
        for moment in published:
            self._moments[moment.id] = moment
            if moment.change == FIRST and self.tally is not None:
                self.tally.opened(moment.id)
            if moment.interactions and outcomes is not None:
                outcomes.published(moment)
        self._now_ms = now_ms
        return n

    def quarantine(self, at_ms: int, topic: str, reason: str, payload: bytes) -> None:
        """Keep something that was not taken, for people to see."""
        self.quarantined += 1
        self.last_reason = reason
        self._quarantine.append((at_ms, topic[:500], reason[:500], payload[:QUARANTINE_BYTES], len(payload)))

    def plan(self, plan: Plan, at_ms: int, source: str) -> None:
        """Remember a plan that the next `record` puts in force."""
        self._plans.append((plan.version, self.entry + 1, at_ms, _encode(plan), source))

    def row(self, statement: str, values: tuple[Any, ...]) -> None:
        """Add any other row to the transaction (boots, nodes); the rows of one statement keep their order."""
        self._rows.setdefault(statement, []).append(values)

    # ---------------------------------------------------------------------------------------------- committing

    def fact(self, statement: str, values: tuple[Any, ...]) -> str | None:
        """Return the first value of the first row that a question finds, of what is committed; None where none is."""
        row = self.db.execute(statement, values).fetchone()
        return None if row is None else str(row[0])

    @property
    def dirty(self) -> bool:
        """Whether there is anything to commit."""
        return bool(
            self._entries or self.signals.dirty or self._rows or self._quarantine or self.pages.dirty or self._rolls
        )

    def commit(self) -> None:
        """Write everything recorded since the last one, in one transaction, or raise and keep it all."""
        db = self.db
        if not db.in_transaction:
            db.execute("begin immediate")
        try:
            self.signals.write()
            self._write(db)
            db.execute("commit")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("rollback")
            self.signals.rolled_back()
            raise
        self._clear()
        self._rolls = False
        self.signals.committed()
        self.pages.committed()
        self.coverage.committed()
        if self.tally is not None and self.outcomes is not None:
            self.tally.committed()
            self.outcomes.committed()

    def _write(self, db: sqlite3.Connection) -> None:
        if self._entries:
            db.executemany(_ENTRY, self._entries)
        self.signals.write_times()
        if self._trail:
            db.executemany(_TRAIL, self._trail)
        if self._moments:
            self._write_moments(db)
        if self.outcomes is not None and self._entries:
            self.outcomes.saw(self._served)
            self.outcomes.write(self._now_ms)
        for statement, rows in self._rows.items():
            db.executemany(statement, rows)
        for statement, values in self._hushes:  # one after the other: they are about the same rows
            db.execute(statement, values)
        if self._plans:
            db.executemany(_PLAN, self._plans)
        self.coverage.write()  # after the plans, by which it counts
        if self._quarantine:
            db.executemany(_QUARANTINE, self._quarantine)
            db.execute("delete from quarantine where id <= (select max(id) from quarantine) - ?", (QUARANTINE_KEPT,))
            db.execute(_META, ("quarantined", str(self.quarantined)))
        self.pages.write()

    def _write_moments(self, db: sqlite3.Connection) -> None:
        tally = self.tally
        if tally is None:
            raise RuntimeError("use_plan comes before the first commit")
        counted = [(moment, *tally.count(moment)) for moment in self._moments.values()]
        tally.write()  # before the moments: what they counted as until now is read from their rows
        rows = [moment_row(moment, _encode(moment), cell, bits) for moment, cell, bits in counted]
        db.executemany(_MOMENT, rows)

    # ---------------------------------------------------------------------------------------------- reading back

    @property
    def head(self) -> ChainHead:
        """The newest entry, committed or not."""
        return ChainHead(self.entry, self.hash.hex())

    def entries(self, first: int) -> Iterator[Entry]:
        """Yield committed entries from `first` on."""
        for row in self.db.execute("select n, now_ms, body, prev, hash from entry where n >= ? order by n", (first,)):
            yield Entry(*row)

    def has_entry(self, n: int, head: bytes) -> bool:
        """Whether the journal has entry `n` with this hash."""
        if n == 0:
            return head == GENESIS
        row = self.db.execute("select hash from entry where n = ?", (n,)).fetchone()
        return row is not None and row[0] == head

    def first_plan(self) -> Plan | None:
        """Return the plan the journal began with."""
        return self._a_plan("asc")

    def last_plan(self) -> Plan | None:
        """Return the plan taken last."""
        return self._a_plan("desc")

    def _a_plan(self, order: str) -> Plan | None:
        row = self.db.execute(f"select body from plan order by entry {order} limit 1").fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Plan)

    def close(self) -> None:
        """Move the write-ahead log into the database and let go of the folder."""
        try:
            if self.db.in_transaction:
                self.db.execute("rollback")
            self.mark(*self._committed())
            self.db.execute("pragma wal_checkpoint(truncate)")
        except sqlite3.Error:
            pass  # the log is as good as the database; the next start reads it
        finally:
            self.db.close()
            self._lock.close()

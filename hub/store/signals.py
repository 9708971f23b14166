"""Signals by their identity: which ones the hub has, with which content, and where they stand on the timeline."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from andgate.moment.signals import Signal

JUDGED, UNTIMED = 0, 1

_encode = msgspec.json.Encoder().encode

_SIGNAL = (
    "insert into signal (id, digest, entry, state, boot, mono_ms, received_ms, first_at_ms, at_ms, within_ms, body) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Kept(msgspec.Struct, frozen=True):
    """What the store knows of a signal it has: enough to tell a duplicate from a contradiction."""

    digest: bytes
    state: int


class TimedRow(msgspec.Struct, frozen=True, gc=False):
    """Where a stored signal of a node stands."""

    id: str
    mono_ms: float
    at_ms: int
    within_ms: int | None
    received_ms: int | None
    """None in rows from before it was kept."""


class Signals:
    """The signals of one store; they wait for its commit, and what asks for them sees them before."""

    def __init__(self, db: sqlite3.Connection, entry: Callable[[], int]) -> None:
        """Read and write through `db`; `entry` gives the number of the journal's next entry."""
        self._db = db
        self._entry = entry
        self._written: list[tuple[Any, ...]] = []
        """In the transaction already, because somebody asked."""
        self.unjudged: list[str] = []
        """Kept since `begin`, and not in the journal yet."""
        self._begun = (0, 0)
        self._clear()

    def begin(self) -> None:
        """A message begins: what is kept from now on is judged with it, or let go with it (`abandon`)."""
        self.unjudged = []
        self._begun = (len(self._timed), len(self._retimed))

    def abandon(self) -> None:
        """Take back what the message that began last did to signals that were there before it."""
        timed, retimed = self._begun
        del self._timed[timed:]
        del self._retimed[retimed:]

    def _clear(self) -> None:
        self._begun = (0, 0)
        self._new: list[tuple[Any, ...]] = []
        self._retimed: list[tuple[int, int | None, str]] = []
        self._timed: list[tuple[int, int, int, int | None, str]] = []
        self._fresh: dict[str, Kept] = {}

    @property
    def dirty(self) -> bool:
        """Whether anything waits that no entry of the journal brings along."""
        return bool(self._new or self._timed)

    def keep(
        self,
        signal: Signal,
        digest: bytes,
        *,
        boot: int | None = None,
        mono_ms: float | None = None,
        untimed: bool = False,
    ) -> None:
        """Remember a signal's identity; unless it is untimed the next entry takes it in."""
        state = UNTIMED if untimed else JUDGED
        self._fresh[signal.id] = Kept(digest, state)
        self.unjudged.append(signal.id)
        self._new.append(
            (
                signal.id,
                digest,
                0 if untimed else self._entry(),
                state,
                boot,
                mono_ms,
                signal.received_ms,
                signal.at_ms,
                signal.at_ms,
                signal.within_ms,
                _encode(signal) if untimed else None,
            )
        )

    def forget(self, signals: Collection[str]) -> None:
        """Forget signals that were kept since the last commit: as if they had never come."""
        gone = set(signals)
        self._new = [row for row in self._new if row[0] not in gone]
        self._timed = [row for row in self._timed if row[-1] not in gone]
        for row in self._written:
            if row[0] in gone:
                self._db.execute("delete from signal where id = ?", (row[0],))
        self._written = [row for row in self._written if row[0] not in gone]
        for signal in gone:
            self._fresh.pop(signal, None)

    def kept(self, signal: str) -> Kept | None:
        """Return what is known of a signal by identity, committed or not; None if it is new."""
        fresh = self._fresh.get(signal)
        if fresh is not None:
            return fresh
        row = self._db.execute("select digest, state from signal where id = ?", (signal,)).fetchone()
        return None if row is None else Kept(row[0], row[1])

    def retime(self, signal: str, at_ms: int, within_ms: int | None) -> None:
        """A better offset moved a stored signal; it may still be wrong by `within_ms`."""
        self._retimed.append((at_ms, within_ms, signal))

    def time(self, signal: str, at_ms: int, within_ms: int | None) -> None:
        """An untimed signal found its time; the next entry takes it in."""
        self._timed.append((self._entry(), at_ms, at_ms, within_ms, signal))

    def timed_of(self, boot: int, since_ms: int) -> list[TimedRow]:
        """Return a boot's signals that are judged and stand at `since_ms` or later."""
        self.write()
        rows = self._db.execute(
            "select id, mono_ms, at_ms, received_ms, within_ms from signal "
            "where boot = ? and at_ms >= ? and state = 0 and mono_ms is not null",
            (boot, since_ms),
        ).fetchall()
        moved = {signal: (at_ms, within_ms) for at_ms, within_ms, signal in self._retimed}
        found = []
        for name, mono_ms, first_ms, received_ms, sure_ms in rows:
            at_ms, within_ms = moved.get(name, (first_ms, sure_ms))
            found.append(TimedRow(name, mono_ms, at_ms, within_ms, received_ms))
        return found

    def untimed_of(self, boot: int) -> list[tuple[Signal, float]]:
        """Return a boot's untimed signals with their monotonic milliseconds."""
        self.write()
        rows = self._db.execute("select body, mono_ms from signal where boot = ? and state = 1", (boot,)).fetchall()
        return [(msgspec.json.decode(row[0], type=Signal), row[1]) for row in rows]

    # ---------------------------------------------------------------------------------------------- committing

    def write(self) -> None:
        """Write the new ones (also ahead of the commit, where a query must see them)."""
        if self._new:
            if not self._db.in_transaction:
                self._db.execute("begin immediate")
            self._db.executemany(_SIGNAL, self._new)
            self._written = [*self._written, *self._new]
            self._new = []

    def write_times(self) -> None:
        """Write what found its time or another one."""
        if self._timed:
            self._db.executemany(
                "update signal set entry = ?, state = 0, first_at_ms = ?, at_ms = ?, within_ms = ?, body = null "
                "where id = ?",
                self._timed,
            )
        if self._retimed:
            self._db.executemany("update signal set at_ms = ?, within_ms = ? where id = ?", self._retimed)

    def rolled_back(self) -> None:
        """The transaction failed: everything waits again."""
        self._new = [*self._written, *self._new]
        self._written = []

    def committed(self) -> None:
        """Everything is on disk."""
        self._clear()
        self._written = []

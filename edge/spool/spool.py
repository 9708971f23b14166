"""Numbered, durable store-and-forward: a press is on disk before anybody hears of it, and goes on the hub's receipt.

Every signal gets the next number of one *numbering*, named `boot`: new when the kernel boots or the spool is new, and
each begins at 1. What the hub has receipted is kept for seven more days, for a hub that comes back empty (a new epoch).

SQLite with WAL and synchronous FULL: measured with a virtual machine killed in the middle of writing, nothing that was
acknowledged was lost. One thread owns a spool.

When the disk is full, read-only or dying the spool goes on in memory under a numbering of its own, so that no number is
ever used twice, and says so (`trouble`); as soon as the disk takes it again it is written there (`mend`). Memory is
bounded: of what never came to a disk the oldest goes first, and the hub sees by the numbers that it is gone.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from andgate.errors import UsageError
from andgate.wire.messages import Receipt
from edge.spool.file import SpoolFile

_log = logging.getLogger("andgate.edge")

LOOSE_MOST = 5_000
"""Signals in memory at most: some 3 MB, and two days of a busy desk."""
KEEP_MS = 7 * 86_400_000
"""How long a receipted entry is kept: longer than any outage in which a hub is replaced."""
_FIRST, _LAST = 1, 2**53
_NOT_LAST = "id < (select max(id) from entry)"
"""The last entry stays whatever happens: it remembers how far the numbers have gone."""


class Entry(NamedTuple):
    """One signal in the spool."""

    boot: str
    seq: int
    body: bytes
    """The signal as JSON, without what is said at the moment of sending."""


Write = Callable[[str, int], bytes]
"""Makes a signal's body, given its numbering and its number."""


def is_stored(receipt: Receipt, boot: str, seq: int) -> bool:
    """Say whether a receipt tells that the hub has this number."""
    return boot == receipt.boot and (seq <= receipt.seq or any(low <= seq <= high for low, high in receipt.also))


class Spool:
    """A node's signals, numbered and durable; also the few facts a node keeps across starts."""

    def __init__(self, folder: Path, boot_id: str) -> None:
        """Open or make the spool in a folder.

        Args:
            folder: where ``spool.db`` lives; made if missing.
            boot_id: names the monotonic clock's scale (the kernel's boot).

        Raises:
            UsageError: if the folder cannot be used, with what to do.
        """
        self._file = SpoolFile(folder / "spool.db")
        self.trouble: str | None = None
        """Why the spool is not durable just now, or None."""
        self.commits = 0
        """Writes to the disk since start: what wears an SD card."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._base, self.trouble = self._file.open_somehow()
        except (OSError, sqlite3.Error) as wrong:
            raise UsageError(
                f"the data folder {folder} cannot be used: {wrong}. Choose another with --data, or make room"
            ) from wrong
        self._in_memory = self.trouble is not None
        """The file could not be written at the start: `_base` is a copy of it."""
        spool_id = (self.fact("spool") or b"").decode() or uuid.uuid4().hex[:12]
        self.keep("spool", spool_id.encode())
        self._boot_id = boot_id
        self._name = f"{boot_id}.{spool_id}"
        self.boot = self._name
        """The numbering in use."""
        row = self._base.execute("select max(seq) from entry where boot = ?", (self._name,)).fetchone()
        self._seq = int(row[0] or 0)
        self._loose: list[Entry] = []
        self._done: list[tuple[Entry, int]] = []
        """What was receipted before the disk took it, and when: it is kept for a new epoch like everything else."""
        self._loose_seq = 0
        self._loose_name = ""

    def durable(self, boot: str) -> bool:
        """Say whether signals of a numbering are on disk."""
        return boot != self._loose_name or not self._loose

    def mend(self) -> bool:
        """Try to put on disk what is in memory only; return whether all is well again."""
        try:
            if self._in_memory:
                base = self._file.open()
                facts = self._base.execute("select name, body from fact").fetchall()
                known = base.execute("select body from fact where name = 'epoch'").fetchone()
                if dict(facts).get("epoch") != (known and known[0]):  # what a new epoch asked for came to the copy only
                    base.execute("update entry set receipted_ms = null")
                with contextlib.closing(self._base):
                    self._base = base
                self._in_memory = False
                self._commit("insert or replace into fact (name, body) values (?, ?)", facts)
            if self._done:
                rows = [(*entry, at_ms) for entry, at_ms in self._done]
                self._commit("insert into entry (boot, seq, body, receipted_ms) values (?, ?, ?, ?)", rows)
                self._done = []
            if self._loose:
                self._commit("insert into entry (boot, seq, body) values (?, ?, ?)", self._loose)
                self._loose = []
            else:
                # Nothing to save, so ask: a disk that takes this takes the next press.
                self._commit("insert or replace into fact (name, body) values (?, ?)", [("mended", b"1")])
        except sqlite3.Error as wrong:
            self.trouble = f"signals are kept in memory only: {wrong}"
            return False
        self.trouble = None
        self.boot = self._name
        return True

    def close(self) -> None:
        """Close the file; whatever is not receipted waits in it."""
        if self._loose or self._done:
            self.mend()
        self._base.close()

    @property
    def depth(self) -> int:
        """How many signals wait for their receipt."""
        return self._stored_depth() + len(self._loose)

    def _stored_depth(self) -> int:
        rows = self._read("select count(*) from entry where receipted_ms is null", ())
        return int(rows[0][0]) if rows else 0

    def _read(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Return rows; a disk that cannot be read has none, and says so."""
        try:
            return self._base.execute(query, values).fetchall()
        except sqlite3.Error as wrong:
            self.trouble = f"the disk cannot be read: {wrong}"
            return []

    def is_of_this_boot(self, numbering: str) -> bool:
        """Say whether a numbering's times are on the monotonic scale that runs now."""
        return numbering.startswith(f"{self._boot_id}.")

    def append(self, signals: Sequence[Write]) -> list[Entry]:
        """Number signals and put them on disk, all in one commit; return them as they stand.

        It never raises for a full or broken disk: then they are kept in memory and `trouble` says so.
        """
        if not signals:
            return []
        entries = [
            Entry(self._name, seq, write(self._name, seq)) for seq, write in enumerate(signals, start=self._seq + 1)
        ]
        for attempt in () if self._in_memory else (0, 1):
            try:
                self._commit("insert into entry (boot, seq, body) values (?, ?, ?)", entries)
            except sqlite3.Error as wrong:
                self.trouble = f"signals are kept in memory only: {wrong}"
                if attempt or not self._make_room():
                    break
            else:
                self._seq = entries[-1].seq
                self.boot = self._name
                if not self._loose and not self._done:
                    self.trouble = None
                return entries
        return self._append_loose(signals)

    def _append_loose(self, signals: Sequence[Write]) -> list[Entry]:
        """Go on in memory under a numbering that dies with the process: the disk does not know its numbers."""
        if not self._loose_name:
            self._loose_name = f"{self._name}.{uuid.uuid4().hex[:8]}"
        self.boot = self._loose_name
        entries = []
        for write in signals:
            self._loose_seq += 1
            entries.append(Entry(self.boot, self._loose_seq, write(self.boot, self._loose_seq)))
        self._loose = (self._loose + entries)[-LOOSE_MOST:]
        return entries

    def _make_room(self) -> bool:
        """Give up what is only kept for a new epoch: a press now is worth more than a press receipted last week."""
        try:
            self._commit(f"delete from entry where receipted_ms is not null and {_NOT_LAST}", [()])  # noqa: S608 - ours
        except sqlite3.Error:
            return False
        return True

    def _commit(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        with self._transaction():
            self._base.executemany(statement, rows)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._base.execute("begin immediate")
            yield
            self._base.execute("commit")
        except sqlite3.Error:
            if self._base.in_transaction:
                self._base.execute("rollback")
            raise
        self.commits += 1

    def waiting(self, limit: int, *, skip: int = 0) -> list[Entry]:
        """Return signals without a receipt, oldest first, after the first `skip`."""
        query = "select boot, seq, body from entry where receipted_ms is null order by id limit ? offset ?"
        stored = [Entry(*row) for row in self._read(query, (limit, skip))]
        if len(stored) == limit:
            return stored
        start = max(skip - self._stored_depth(), 0)
        return stored + self._loose[start : start + limit - len(stored)]

    def newest(self, limit: int) -> list[Entry]:
        """Return the newest signals without a receipt, oldest first."""
        query = "select boot, seq, body from entry where receipted_ms is null order by id desc limit ?"
        return ([Entry(*row) for row in self._read(query, (limit,))][::-1] + self._loose)[-limit:]

    def receipt(self, receipt: Receipt, now_ms: int) -> int:
        """Take a receipt; return how many signals it freed. Receipts may repeat and overlap."""
        spans = [(_FIRST, min(receipt.seq, _LAST)), *((low, min(high, _LAST)) for low, high in receipt.also)]
        done = [
            entry
            for entry in self._loose
            if entry.boot == receipt.boot and any(low <= entry.seq <= high for low, high in spans)
        ]
        if done:
            gone = set(done)
            self._loose = [entry for entry in self._loose if entry not in gone]
            self._done = [*self._done, *((entry, now_ms) for entry in done)][-LOOSE_MOST:]
        freed = len(done)
        if freed and not self._loose and not self._in_memory:
            self.mend()  # nothing is at risk any more; whether the disk takes the next one is seen now
        total = self._base.total_changes
        try:
            self._commit(
                "update entry set receipted_ms = ? where boot = ? and seq between ? and ? and receipted_ms is null",
                [(now_ms, receipt.boot, low, high) for low, high in spans],
            )
        except sqlite3.Error as wrong:
            self.trouble = f"receipts cannot be kept: {wrong}"
            return freed
        return freed + self._base.total_changes - total

    def give_up(self, entry: Entry) -> None:
        """Wait for no receipt for a signal whose body is broken."""
        self._loose = [it for it in self._loose if it != entry]
        try:
            statement = "update entry set receipted_ms = 0 where boot = ? and seq = ?"
            self._commit(statement, [(entry.boot, entry.seq)])
        except sqlite3.Error as wrong:
            self.trouble = f"receipts cannot be kept: {wrong}"

    def purge(self, now_ms: int) -> int:
        """Drop what was receipted more than seven days ago; return how many. The last one stays."""
        total = self._base.total_changes
        try:
            self._commit(f"delete from entry where receipted_ms < ? and {_NOT_LAST}", [(now_ms - KEEP_MS,)])  # noqa: S608
        except sqlite3.Error as wrong:
            self.trouble = f"old signals cannot be dropped: {wrong}"
            return 0
        return self._base.total_changes - total

    def requeue(self, boot: str | None = None, first: int = _FIRST, last: int = _LAST) -> int:
        """Let receipted signals wait again: all that are kept, or a range of one numbering; return how many."""
        back = [it for it, _ in self._done if boot is None or (it.boot == boot and first <= it.seq <= last)]
        gone = set(back)
        self._done = [it for it in self._done if it[0] not in gone]
        self._loose = back + self._loose
        total = self._base.total_changes
        where, values = ("", ()) if boot is None else (" and boot = ? and seq between ? and ?", (boot, first, last))
        try:
            self._commit(f"update entry set receipted_ms = null where receipted_ms is not null{where}", [values])  # noqa: S608 - no value in it
        except sqlite3.Error as wrong:
            self.trouble = f"signals cannot be sent again: {wrong}"
            return len(back)
        return len(back) + self._base.total_changes - total

    def begin_epoch(self, epoch: str) -> int | None:
        """Take note that the hub begins with an epoch; all that is kept waits again, since it may have lost it.

        Return how many signals wait that did not; None where the disk refuses: then ask again when it is mended.
        """
        back, before = len(self._done), self._base.total_changes
        self._loose = [entry for entry, _ in self._done] + self._loose
        self._done = []
        try:
            with self._transaction():
                self._base.executemany("update entry set receipted_ms = null where receipted_ms is not null", [()])
                freed = self._base.total_changes - before
                self._base.execute("insert or replace into fact (name, body) values ('epoch', ?)", (epoch.encode(),))
        except sqlite3.Error as wrong:
            self.trouble = f"signals cannot be sent again: {wrong}"
            return None
        return back + freed

    def missing(self, boot: str, first: int, last: int) -> list[tuple[int, int]]:
        """Return the ranges of a numbering that are not here any more (or never were)."""
        query = "select seq from entry where boot = ? and seq between ? and ? order by seq"
        here = [int(row[0]) for row in self._read(query, (boot, first, last))]
        loose = [*self._loose, *(entry for entry, _ in self._done)]
        here += [entry.seq for entry in loose if entry.boot == boot and first <= entry.seq <= last]
        gaps, start = [], first
        for seq in [*sorted(here), last + 1]:
            if seq > start:
                gaps.append((start, seq - 1))
            start = seq + 1
        return gaps

    def fact(self, name: str) -> bytes | None:
        """Return a fact kept under a name, or None."""
        rows = self._read("select body from fact where name = ?", (name,))
        return bytes(rows[0][0]) if rows else None

    def keep(self, name: str, body: bytes) -> None:
        """Keep a fact across starts; only a change is written. A full disk is no reason to stop (`trouble`)."""
        try:
            if self.fact(name) != body:
                self._commit("insert or replace into fact (name, body) values (?, ?)", [(name, body)])
        except sqlite3.Error as wrong:
            self.trouble = f"settings cannot be kept: {wrong}"

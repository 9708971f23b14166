"""Verifying a data folder: the chain from its beginning, and every projection against what the chain says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from andgate.errors import StorageError
from hub.store import chain
from hub.store.compare import PROJECTIONS, Difference, differences
from hub.store.frozen import Frozen
from hub.store.journal import GENESIS
from hub.store.rebuild import Rebuild

SHOWN_MOST = 100
"""Differences that are told one by one, in each table."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it, out of how much (0: unknown)."""


class Found(Struct, frozen=True):
    """An entry with a hash that somebody outside had kept."""

    entry: int
    now_ms: int


class Verified(Struct, frozen=True):
    """What was found."""

    site: str
    first: int
    """The first entry that is there; those before are retired."""
    entries: int
    """Entries checked."""
    entry: int
    head: bytes
    now_ms: int
    """Of the newest entry."""
    broken: str | None
    """How the chain is broken; then nothing was compared."""
    witness: Found | None
    """Where the hash that was asked for stands."""
    differences: tuple[Difference, ...]
    more: int
    """Further differences."""
    rows: dict[str, int]
    """Rows of each table that the journal decides."""

    def sound(self, *, witnessed: bool) -> bool:
        """Whether all is as it should be; `witnessed`: a hash was asked for, so it must have been found."""
        return self.broken is None and not self.differences and (not witnessed or self.witness is not None)


def _quiet(_what: str, _done: int, _all: int) -> None:
    """Say nothing."""


def verify(
    file: Path,
    *,
    head: bytes | None = None,
    scratch: Path | None = None,
    progress: Progress = _quiet,
) -> Verified:
    """Check the database `file`; a hub may be running on it.

    Args:
        file: the database.
        head: hash of an entry that somebody outside has kept.
        scratch: where the projections are made again; needs as much room as the database. None: where temporary
            files go.
        progress: told how far it is.

    Raises:
        UsageError: there is nothing to check, or it is of another version.
        StorageError: it cannot be read.
    """
    with Frozen(file) as frozen, TemporaryDirectory(prefix="andgate-verify-", dir=scratch) as folder:
        rebuild = Rebuild(Path(folder))
        try:
            return _Verification(frozen.db, rebuild, head, progress).run()
        except sqlite3.OperationalError as wrong:
            if "full" in str(wrong):
                raise StorageError(
                    f"no room to make the projections again in {folder}: name a --scratch folder"
                ) from None
            raise
        finally:
            rebuild.close()


class _Verification:
    def __init__(self, db: sqlite3.Connection, rebuild: Rebuild, head: bytes | None, progress: Progress) -> None:
        self._db = db
        self._rebuild = rebuild
        self._wanted = head
        self._progress = progress
        self._witness: Found | None = None
        self._n, self._head, self._now_ms = 0, GENESIS, 0
        self._entries = 0

    def run(self) -> Verified:
        first = 1
        if self._wanted == GENESIS:
            self._witness = Found(0, 0)
        broken: str | None = None
        try:
            self._walk()
        except chain.BrokenChainError as wrong:
            broken = str(wrong)
        found: list[Difference] = []
        more = 0
        rows: dict[str, int] = {}
        if broken is None:
            self._rebuild.finish()
            found, more, rows = self._compare()
        return Verified(
            site=self._site(),
            first=first,
            entries=self._entries,
            entry=self._n,
            head=self._head,
            now_ms=self._now_ms,
            broken=broken,
            witness=self._witness,
            differences=tuple(found),
            more=more,
            rows=rows,
        )

    def _walk(self) -> None:
        total = self._db.execute("select count(*) from entry").fetchone()[0]
        for entry in chain.walk(self._db, self._n, self._head):
            self._rebuild.take(chain.read(entry), entry.body)
            self._n, self._head, self._now_ms = entry.n, entry.hash, entry.now_ms
            self._entries += 1
            if entry.hash == self._wanted:
                self._witness = Found(entry.n, entry.now_ms)
            if self._entries % 1_000 == 0:
                self._progress("entries", self._entries, total)
        self._progress("entries", self._entries, total)

    def _compare(self) -> tuple[list[Difference], int, dict[str, int]]:
        found: list[Difference] = []
        more = 0
        rows: dict[str, int] = {}
        for table in PROJECTIONS:
            rows[table.name] = self._rebuild.db.execute(f"select count(*) from {table.name}").fetchone()[0]
            self._progress(table.name, 0, rows[table.name])
            each = differences(self._db, self._rebuild.db, table)
            found += islice(each, SHOWN_MOST)
            more += sum(1 for _ in each)
        return found, more, rows

    def _site(self) -> str:
        row = self._db.execute(
            "select json_extract(cast(body as text), '$.site.id') from plan order by entry desc limit 1"
        ).fetchone()
        return "" if row is None else str(row[0])

"""Verifying a data folder: the chain from its beginning, and every projection against what the chain says."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from andgate.errors import StorageError
from hub.evidence import archive
from hub.evidence.compare import PROJECTIONS, Difference, differences
from hub.evidence.frozen import Frozen
from hub.evidence.key import signed
from hub.store import base, chain, seals
from hub.store.coverage import closed_ms
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


class Sealed(Struct, frozen=True):
    """Entries that retention took out, as their seal vouches for them."""

    before: str
    first: int
    last: int
    key: str
    """The public key that signed, in hex."""
    archive: str | None
    """The archive that was found to hold them, whole; None where none was given."""


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
    seals: tuple[Sealed, ...]
    """What was taken out before the first entry."""
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


class _Named(Struct):
    id: str


class _Planned(Struct):
    site: _Named


def _quiet(_what: str, _done: int, _all: int) -> None:
    """Say nothing."""


def verify(
    file: Path,
    *,
    head: bytes | None = None,
    key: bytes | None = None,
    archives: Sequence[Path] = (),
    scratch: Path | None = None,
    progress: Progress = _quiet,
) -> Verified:
    """Check the database `file`; a hub may be running on it.

    Args:
        file: the database.
        head: hash of an entry that somebody outside has kept.
        key: the site's public key, as somebody outside has kept it: what is sealed must be signed by it.
        archives: files of what retention took out, to be checked as well.
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
            return _Verification(frozen.db, rebuild, head, progress).run(key, archives)
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
        self._sealed = 0

    def run(self, key: bytes | None, archives: Sequence[Path]) -> Verified:
        if self._wanted == GENESIS:
            self._witness = Found(0, 0)
        broken: str | None = None
        sealed: list[Sealed] = []
        try:
            sealed = self._seals(key, archives)
            self._walk()
        except StorageError as wrong:
            broken = str(wrong)
        found: list[Difference] = []
        more = 0
        rows: dict[str, int] = {}
        if broken is None:
            self._rebuild.finish(self._closed_ms())
            found, more, rows = self._compare()
        return Verified(
            site=self._site(),
            first=self._n - self._entries + 1,
            seals=tuple(sealed),
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

    def _seals(self, key: bytes | None, archives: Sequence[Path]) -> list[Sealed]:
        """Check every seal, and the archives that are given; the live journal begins after the newest."""
        found = []
        given = {archive.heading_of(file).first: file for file in archives}
        newest = seals.newest(self._db)
        for seal in seals.seals(self._db):
            document, name = seal.document, f"the seal of the entries before {seal.document.before}"
            if not signed(seal.key, seal.signed, seal.signature):
                raise StorageError(f"{name} was changed: its signature is not of what it says")
            if key is not None and seal.key != key:
                raise StorageError(f"{name} is signed with another key: {seal.key.hex()}")
            if (document.last, document.first, document.prev) != (seal.last, self._n + 1, self._head.hex()):
                raise StorageError(f"{name} is not bound to what was before it")
            self._n, self._head, self._now_ms = seal.last, seal.head, document.to_ms
            if self._wanted == seal.head:
                self._witness = Found(seal.last, document.to_ms)
            file = given.pop(document.first, None)
            if file is not None:
                self._archive(file, seal)
            found.append(
                Sealed(document.before, document.first, document.last, seal.key.hex(), str(file) if file else None)
            )
        if given:
            raise StorageError(f"{next(iter(given.values()))} holds entries that no seal knows")
        if newest is not None:
            self._base(newest)
        return found

    def _archive(self, file: Path, seal: seals.Seal) -> None:
        last = None
        for last in archive.entries(file):
            if last.hash == self._wanted:
                self._witness = Found(last.n, last.now_ms)
            if last.n % 1_000 == 0:
                self._progress(file.name, last.n, seal.last)
        if last is None or (last.n, last.hash) != (seal.last, seal.head):
            raise StorageError(f"{file} is not what was taken out of this journal")

    def _base(self, seal: seals.Seal) -> None:
        """Check what the live journal builds upon, and build upon it."""
        if seal.rest is not None:
            raise StorageError("a retirement was interrupted: run andgate retire again, and it goes on with it")
        if sha256(seal.base).hexdigest() != seal.document.base:
            raise StorageError(f"what was kept of the entries before {seal.document.before} was changed")
        if seals.identities(self._db, seal.last) != (seal.document.signals, seal.document.identities):
            raise StorageError(f"identities of signals from before {seal.document.before} were changed")
        base.lay(base.unpack(seal.base), self._rebuild)

    def _walk(self) -> None:
        total = self._db.execute("select count(*) from entry where n > ?", (self._n,)).fetchone()[0]
        stray = self._db.execute("select max(n) from entry where n <= ?", (self._n,)).fetchone()[0]
        if stray is not None:
            raise StorageError(f"entry {stray} is there, and was taken out before")
        self._sealed = self._n
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
        reworded = self._db.execute("select value from meta where key = 'reworded_ms'").fetchone()
        reworded_ms = 0 if reworded is None else int(reworded[0])
        for table in PROJECTIONS:
            rows[table.name] = self._rebuild.db.execute(f"select count(*) from {table.name}").fetchone()[0]
            self._progress(table.name, 0, rows[table.name])
            each = differences(self._db, self._rebuild.db, table, sealed=self._sealed, reworded_ms=reworded_ms)
            found += islice(each, SHOWN_MOST)
            more += sum(1 for _ in each)
        return found, more, rows

    def _closed_ms(self) -> int | None:
        try:
            return closed_ms(self._db)
        except ValueError:
            return None  # what was counted will differ, and is told

    def _site(self) -> str:
        row = self._db.execute("select body from plan order by entry desc limit 1").fetchone()
        try:
            return "" if row is None else msgspec.json.decode(row[0], type=_Planned).site.id
        except (msgspec.MsgspecError, TypeError):
            return "?"  # somebody has been at it: that is told with the other differences

"""The file of a spool: whole, or put aside where it is broken, or copied into memory where it cannot be written."""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
import sqlite3
import tempfile
import uuid
from pathlib import Path

_log = logging.getLogger("andgate.edge")

_CHECKED_BYTES = 16 << 20
"""Up to here a file is read through when it is opened."""
_SCHEMA = """
create table if not exists entry (
  id integer primary key autoincrement, boot text not null, seq integer not null, body blob not null,
  receipted_ms integer, unique (boot, seq));
create index if not exists waiting on entry (id) where receipted_ms is null;
create index if not exists kept on entry (receipted_ms) where receipted_ms is not null;
create table if not exists fact (name text primary key, body blob not null);
"""


class SpoolFile:
    """``spool.db``; a file that is no database any more is never overwritten."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path

    def open(self) -> sqlite3.Connection:
        """Open it, made where it is missing; sqlite3.Error where it is broken or cannot be written."""
        base = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            base.execute("pragma journal_mode = wal")
            base.execute("pragma synchronous = full")
            base.executescript(_SCHEMA)
            self._sound(base)
        except sqlite3.Error:
            base.close()
            raise
        return base

    def open_somehow(self) -> tuple[sqlite3.Connection, str | None]:
        """Open it, broken (it is put aside) or not; where it cannot be written return a copy in memory, and why."""
        try:
            return self.open(), None
        except sqlite3.OperationalError as wrong:
            if not self._unwritable():
                raise
            return self._copy(), f"signals are kept in memory only: {wrong}"
        except sqlite3.DatabaseError as wrong:
            aside = self.path.with_name(f"{self.path.name}.broken-{uuid.uuid4().hex[:8]}")
            _log.error("the spool is broken (%s): what waited in it stays in %s; a new one begins", wrong, aside)
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + end).rename(aside.with_name(aside.name + end))
            return self.open(), None

    def _unwritable(self) -> bool:
        """Say whether the place is full or read-only: then a node works on, which it does not for a wrong folder."""
        try:
            with tempfile.TemporaryFile(dir=self.path.parent) as probe:
                probe.write(b"\0" * 65_536)
                probe.flush()
        except OSError as wrong:
            return wrong.errno in (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO)
        return False

    def _copy(self) -> sqlite3.Connection:
        """Return a copy in memory of what can still be read, with what had not yet moved into the file itself."""
        base = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with contextlib.suppress(OSError, sqlite3.Error), _room() as place:
            for end in ("", "-wal"):
                file = self.path.with_name(self.path.name + end)
                if file.exists():
                    shutil.copy(file, place)
            with contextlib.closing(sqlite3.connect(Path(place) / self.path.name)) as old:
                old.backup(base)
        base.executescript(_SCHEMA)
        return base

    def _sound(self, base: sqlite3.Connection) -> None:
        """Raise DatabaseError for a file that is broken inside; a long one is not read through: it would take."""
        if self.path.stat().st_size <= _CHECKED_BYTES:
            found = base.execute("pragma quick_check(1)").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(str(found))


def _room() -> tempfile.TemporaryDirectory[str]:
    """Return a place for a moment's copy; in memory, since the disk is what does not work."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    return tempfile.TemporaryDirectory(prefix="andgate-spool-", dir=memory if memory.is_dir() else None)

"""A data folder's database as of one instant, for whoever examines it while the hub goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from andgate.errors import StorageError, UsageError
from hub.store.schema import LATEST
from hub.store.store import DATABASE

_BUSY_S = 10


class Frozen:
    """One read transaction on a database: what is committed meanwhile is not seen, and nothing can be written."""

    def __init__(self, file: Path) -> None:
        """Open the database `file`.

        Raises:
            UsageError: where there is none, or one of an older version that no hub has opened since the upgrade.
            StorageError: where it cannot be read.
        """
        if not file.is_file():
            raise UsageError(f"{file.parent} holds no hub's data. Name the --data folder of a hub that has run")
        try:
            self.db = sqlite3.connect(
                f"{file.resolve().as_uri()}?mode=ro",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=_BUSY_S,
            )
            self.db.text_factory = _text
            self.db.execute("begin")
            version = self.db.execute("pragma user_version").fetchone()[0]
            self.db.execute("select count(*) from sqlite_schema").fetchone()  # from here on nothing moves
        except sqlite3.Error as wrong:
            raise StorageError(f"the database {file} cannot be read: {wrong}") from wrong
        if version != LATEST:
            self.close()
            older = version < LATEST
            raise UsageError(
                f"the data in {file.parent} is of {'an older' if older else 'a newer'} version of Andgate. "
                + ("Start its hub once with this version" if older else "Use the version that wrote it")
            )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        """Close it; what SQLite refuses to read is told as a StorageError."""
        self.close()
        if isinstance(wrong, sqlite3.Error):
            raise StorageError(f"the database cannot be read to its end: {wrong}") from wrong

    def close(self) -> None:
        """Let go of the instant."""
        self.db.close()

    def meta(self, key: str) -> str | None:
        """Return a fact about the store."""
        row = self.db.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])


def _text(stored: bytes) -> str:
    """Read text also where somebody has been at it."""
    return stored.decode("utf-8", errors="surrogateescape")


def database_of(data: Path) -> Path:
    """Return the database's file in a data folder."""
    return data / DATABASE

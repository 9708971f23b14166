"""Connections that only read, lent to whichever thread asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self

from andgate.errors import UsageError

_KEPT_CONNECTIONS = 4


class Connections:
    """What is committed is read through these; a few wait for the next who asks. A context manager."""

    def __init__(self, data: Path) -> None:
        """Read the database in the data folder `data`; UsageError if there is none."""
        path = data / "andgate.db"
        if not path.exists():
            raise UsageError(f"{data} holds no hub's data. Name the --data folder of a hub that has run")
        self._uri = f"{path.resolve().as_uri()}?mode=ro"
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._closed = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def _borrow(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._idle.get_nowait()
        except Empty:
            db = sqlite3.connect(self._uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10)
            db.execute("pragma cache_size = -2000")
        try:
            yield db
        finally:
            if self._closed or self._idle.qsize() >= _KEPT_CONNECTIONS:
                db.close()
            else:
                self._idle.put(db)

    def _all(self, statement: str, values: object = ()) -> list[tuple[Any, ...]]:
        with self._borrow() as db:
            return db.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def _one(self, statement: str, values: object = ()) -> tuple[Any, ...] | None:
        rows = self._all(statement, values)
        return rows[0] if rows else None

"""What stands in the hub's database beside the journal: written now and then, by whoever has a connection for a moment.

Nothing of it is judged or chained, and what is personal in it is written over when it is deleted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hub.store.store import DATABASE

_BUSY_S = 30


class Beside:
    """A way into one data folder's database, for tables of which the journal knows nothing; from any thread."""

    def __init__(self, data: Path) -> None:
        """Look into `data`; nothing is opened before it is needed."""
        self._file = data / DATABASE

    def connect(self, *, shared: bool = False) -> sqlite3.Connection:
        """Open a connection that its caller closes; `shared`: by several threads, one at a time."""
        return sqlite3.connect(self._file, isolation_level=None, timeout=_BUSY_S, check_same_thread=not shared)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Open a connection to ask with."""
        with closing(self.connect()) as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a connection and a transaction: on the disk when this ends well, undone when it does not."""
        with self.read() as db:
            db.execute("pragma synchronous = full")
            db.execute("pragma secure_delete = on")
            db.execute("begin immediate")
            try:
                yield db
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

"""Moving the write-ahead log into the database, off the way of the presses."""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

from hub.store.store import DATABASE

_log = logging.getLogger(__name__)
_WORTH_BYTES = 4 << 20


class Checkpoints(threading.Thread):
    """A thread with a connection of its own; `poke` it after commits."""

    def __init__(self, data: Path) -> None:
        """Look after the database in `data`."""
        super().__init__(name="checkpoints", daemon=True)
        self._data = data
        self._wake = threading.Event()
        self._over = False

    def poke(self) -> None:
        """Say that something was committed."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._over = True
        self._wake.set()
        self.join()

    def run(self) -> None:
        """Checkpoint whenever the log is worth it."""
        wal = self._data / f"{DATABASE}-wal"
        db = sqlite3.connect(self._data / DATABASE, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            while True:
                self._wake.wait()
                self._wake.clear()
                if self._over:
                    return
                try:
                    if wal.exists() and wal.stat().st_size >= _WORTH_BYTES:
                        db.execute("pragma wal_checkpoint(passive)")
                except (OSError, sqlite3.Error) as wrong:
                    _log.warning("the write-ahead log could not be moved into the database yet: %s", wrong)
        finally:
            db.close()

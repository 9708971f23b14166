"""`andgate hub` on a slow disk: every commit takes 20 ms longer, at the place where SQLite waits for the disk.

That is what an fsync on a worn memory card costs. Reading, checkpoints and snapshots are as fast as ever: they are not
on the way of a signal.
"""

from __future__ import annotations

import functools
import sqlite3
import sys
import time
from typing import Any

FSYNC_S = 0.02


class SlowConnection(sqlite3.Connection):
    """A connection whose commits wait."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:  # noqa: ANN401
        """Do what is asked for; a commit after a pause, in which other threads go on as in an fsync."""
        if sql.lower() == "commit":
            time.sleep(FSYNC_S)
        return super().execute(sql, *parameters)


if __name__ == "__main__":
    sqlite3.connect = functools.partial(sqlite3.connect, factory=SlowConnection)  # type: ignore[assignment]
    from cli.main import main

    sys.exit(main())

"""One hub per data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from andgate.errors import UsageError


class FolderLock:
    """Holds a data folder for this process until closed; the system lets go of it even when the process is killed."""

    def __init__(self, data: Path) -> None:
        """Take `data`, making it if needed. UsageError if another hub has it or it cannot be made."""
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._file = (data / "hub.lock").open("a+", encoding="ascii")
        except OSError as wrong:
            raise UsageError(
                f"cannot use the data folder {data}: {wrong.strerror}. Name one that can be written"
            ) from wrong
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise UsageError(
                f"another hub (process {holder}) runs on {data}. Stop it first, or give this one another --data folder"
            ) from None
        self._file.seek(0)
        try:
            self._file.truncate()
            self._file.write(str(os.getpid()))
            self._file.flush()
        except OSError as wrong:
            raise UsageError(
                f"cannot write into the data folder {data}: {wrong.strerror}. Make room, or name another"
            ) from wrong

    def close(self) -> None:
        """Let go of the folder."""
        self._file.close()

"""One node per data folder: two that number from one spool would give one number to two presses."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from andgate.errors import UsageError


class FolderLock:
    """Holds a data folder until closed; the system lets go of it even when the process is killed."""

    def __init__(self, folder: Path) -> None:
        """Take `folder`, making it if needed. UsageError if another node has it or it cannot be made."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = _lock_file(folder)
        except OSError as wrong:
            raise UsageError(
                f"the data folder {folder} cannot be used: {wrong.strerror}. Choose another with --data, or make room"
            ) from wrong
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise UsageError(
                f"another node runs on {folder}. Stop it first, or give this one a --data folder of its own"
            ) from None

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._file)


def _lock_file(folder: Path) -> int:
    """Open what is locked: a file, or the folder itself where the disk takes no file any more; a node works on."""
    try:
        return os.open(folder / "node.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as wrong:
        if wrong.errno not in (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
    try:
        return os.open(folder / "node.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)

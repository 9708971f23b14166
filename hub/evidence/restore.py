"""A data folder made of a backup: the past, in a new epoch, so that what came after it is sent again."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from andgate.errors import StorageError, UsageError
from hub.evidence.backup import KEY, Manifest, check, new, sync_folder, unpack
from hub.store.lock import FolderLock
from hub.store.marker import mark
from hub.store.schema import LATEST
from hub.store.snapshots import Snapshots
from hub.store.store import DATABASE, SESSIONS_APART

Progress = Callable[[str, int, int], None]

_OURS = {"hub.lock"}
_META = "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value"


class Restored(Struct, frozen=True):
    """What was made."""

    manifest: Manifest
    epoch: str
    over: int
    """Words that something is over, which waited in the backup and go to nobody now."""


def restore(file: Path, data: Path, progress: Progress = lambda _what, _done, _all: None) -> Restored:
    """Make the data folder `data`, which must be new or empty, of the backup `file`.

    Raises:
        UsageError: the folder is not empty, a hub runs on it, or there is no such backup.
        StorageError: the backup is damaged.
    """
    if data.exists():
        if not data.is_dir():
            raise UsageError(f"{data} is no folder. Name a new one with --data")
        there = sorted(each.name for each in data.iterdir() if each.name not in _OURS)
        if there:
            raise UsageError(
                f"{data} is not empty ({', '.join(there[:3])}{', ...' if len(there) > 3 else ''}). "  # noqa: PLR2004 - enough to know it by
                "Move it away, or name a new folder with --data: a restore never writes over anything"
            )
    lock = FolderLock(data)
    part = data / f"{DATABASE}.part"
    try:
        unpacked = unpack(file, part, progress)
        epoch, over = _renew(part, unpacked.manifest, file, progress)
        if unpacked.snapshot is not None:
            Snapshots(data).put(unpacked.manifest.entry, unpacked.snapshot)
        if unpacked.key is not None:
            with new(data / KEY) as key:
                key.write(unpacked.key)
        part.replace(data / DATABASE)
        mark(data / DATABASE, epoch, unpacked.manifest.entry, bytes.fromhex(unpacked.manifest.head))
        sync_folder(data)
    except sqlite3.Error as wrong:
        raise StorageError(f"{file} cannot be restored: {wrong}") from wrong
    except OSError as wrong:
        raise UsageError(
            f"cannot write {data}: {wrong.strerror or wrong}. Name a --data that can be written"
        ) from wrong
    finally:
        part.unlink(missing_ok=True)
        lock.close()
    return Restored(unpacked.manifest, epoch, over)


def _renew(part: Path, manifest: Manifest, file: Path, progress: Progress) -> tuple[str, int]:
    """Check the database and begin a new epoch in it; return that and how many words nobody needs any more."""
    db = sqlite3.connect(part, isolation_level=None)
    try:
        version = db.execute("pragma user_version").fetchone()[0]
        if version > LATEST:
            raise UsageError(f"{file} is a backup of a newer Andgate ({manifest.version}). Restore it with that one")
        if check(db, progress) != (manifest.entry, bytes.fromhex(manifest.head)):
            raise StorageError(f"{file} is damaged: its journal ends elsewhere than its manifest says")
        epoch = secrets.token_hex(16)
        session = manifest.session + SESSIONS_APART
        db.execute("begin immediate")
        db.executemany(_META, [("epoch", epoch), ("session", str(session)), ("marked", "1"), ("restored", manifest.at)])
        # Queued pages are looked at when the hub starts: what is over by then is not sent, what may have gone out is
        # sent marked as such. Who was to hear then that something was over has seen it long since.
        over = db.execute(
            "update page set state = 'cancelled', note = 'not sent: it waited in a backup, and is long over' "
            "where state = 'queued' and kind = 'over'"
        ).rowcount
        db.execute("commit")
        db.execute("pragma journal_mode = delete")
    finally:
        db.close()
    return epoch, over


__all__ = ["Restored", "restore"]

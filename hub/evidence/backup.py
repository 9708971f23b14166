"""A backup: one file with the database as of one instant, the newest snapshot and a manifest that vouches for both.

The file is a zip, so that anybody can look into it. It is written beside its final name, flushed to the disk, read
again and compared before it gets that name: a backup that is there is whole.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import msgspec
from msgspec import Struct

from andgate import __version__
from andgate.errors import StorageError, UsageError
from hub.evidence.frozen import Frozen, database_of
from hub.store import chain
from hub.store.seals import beginning
from hub.store.snapshots import Snapshots
from hub.store.store import DATABASE

MANIFEST = "manifest.json"
SNAPSHOT = "snapshot"
KEY = "site.key"
FORMAT = 1
LAST = "last-backup.json"
"""In the data folder: the manifest of the newest backup, for whoever asks how old it is."""
_CHUNK = 1 << 20
_PAGES = 4_096
_QUICK = 1
"""Level of compression: JSON shrinks to a sixth of its size, and the disk stays the slowest part."""

Progress = Callable[[str, int, int], None]


class Manifest(Struct, frozen=True, kw_only=True):
    """What a backup holds."""

    format: int
    version: str
    """Of Andgate."""
    site: str
    epoch: str
    session: int
    at: str
    """When it was made, RFC 3339."""
    entry: int
    """The newest entry of the journal, and its hash."""
    head: str
    bytes: int
    """Size of the database, and its SHA-256."""
    sha256: str


_decode = msgspec.json.Decoder(Manifest).decode


def backup(data: Path, to: Path, at: str, progress: Progress = lambda _what, _done, _all: None) -> Manifest:
    """Write a backup of the data folder `data`, on which a hub may be running, to the new file `to`.

    Args:
        data: the folder.
        to: the file; it must not be there.
        at: the time, RFC 3339.
        progress: told how far it is.

    Raises:
        UsageError: there is nothing to back up, or `to` is there already or cannot be written.
        StorageError: the database is damaged, or what was written is not what was to be written.
    """
    if to.exists():
        raise UsageError(f"{to} is there already; a backup never writes over another. Name a new file")
    part, copy = to.with_name(f".{to.name}.part"), to.with_name(f".{to.name}.db")
    try:
        # First the snapshot, then the database: so the journal goes at least as far as the snapshot.
        snapshot = next(Snapshots(data).files(), None)
        state = None if snapshot is None else snapshot.read_bytes()
        _copy(database_of(data), copy, progress)
        manifest = _look(copy, at, progress)
        _pack(part, copy, manifest, {SNAPSHOT: state, KEY: _bytes_of(data / KEY)}, progress)
        unpack(part, None, progress)
        part.replace(to)
        sync_folder(to.parent)
    except OSError as wrong:
        raise UsageError(f"cannot write {to}: {wrong.strerror or wrong}. Name a --to that can be written") from wrong
    finally:
        part.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
    return manifest


def _bytes_of(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def _copy(database: Path, to: Path, progress: Progress) -> None:
    """Copy the database as of one instant; writers go on meanwhile."""
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with Frozen(database) as frozen:  # its read transaction keeps the copying from beginning again at every commit
        target = sqlite3.connect(to, isolation_level=None)
        try:
            frozen.db.backup(
                target, pages=_PAGES, progress=lambda _, left, total: progress("pages", total - left, total)
            )
            target.execute("pragma journal_mode = delete")  # one file, with nothing beside it
        finally:
            target.close()


def _look(copy: Path, at: str, progress: Progress) -> Manifest:
    """Check a copy and describe it."""
    with Frozen(copy) as frozen:
        entry, head = check(frozen.db, progress)
        row = frozen.db.execute("select body from plan order by entry desc limit 1").fetchone()
        site = "" if row is None else msgspec.json.decode(row[0])["site"]["id"]
        return Manifest(
            format=FORMAT,
            version=__version__,
            site=site,
            epoch=frozen.meta("epoch") or "",
            session=int(frozen.meta("session") or 0),
            at=at,
            entry=entry,
            head=head.hex(),
            bytes=copy.stat().st_size,
            sha256=_digest(copy),
        )


def check(db: sqlite3.Connection, progress: Progress) -> tuple[int, bytes]:
    """Check that a database is whole and its chain unbroken; return the newest entry and its hash."""
    wrong = db.execute("pragma quick_check(1)").fetchone()[0]
    if wrong != "ok":
        raise StorageError(f"the database is damaged: {wrong}")
    n, head = beginning(db)
    total = db.execute("select count(*) from entry").fetchone()[0]
    for entry in chain.walk(db, n, head):
        n, head = entry.n, entry.hash
        if n % 10_000 == 0:
            progress("entries", n, total)
    return n, head


def _pack(part: Path, copy: Path, manifest: Manifest, beside: dict[str, bytes | None], progress: Progress) -> None:
    with (
        os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file,
        ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_QUICK) as pack,
    ):
        pack.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        for name, content in beside.items():
            if content is not None:
                pack.writestr(name, content)
        with copy.open("rb") as source, pack.open(DATABASE, "w", force_zip64=True) as target:
            done = 0
            for chunk in _chunks(source):
                target.write(chunk)
                done += len(chunk)
                progress("bytes", done, manifest.bytes)
        pack.close()
        file.flush()
        os.fsync(file.fileno())


class Unpacked(Struct, frozen=True):
    """What a backup held."""

    manifest: Manifest
    snapshot: bytes | None
    key: bytes | None
    """The file of the site's key; None where it has none yet."""


def unpack(file: Path, database: Path | None, progress: Progress = lambda _what, _done, _all: None) -> Unpacked:
    """Read a backup and compare it with its manifest; write its database to `database`, if given, and flush it.

    Raises:
        UsageError: there is no such file, it is no backup, or a newer version's.
        StorageError: it is damaged.
    """
    with _opened(file) as pack:
        if any(each.flag_bits & 1 for each in pack.infolist()):
            raise StorageError(f"{file} is damaged: it calls itself encrypted")
        names = set(pack.namelist())
        if not {MANIFEST, DATABASE} <= names:
            raise UsageError(f"{file} is no backup of Andgate's")
        try:
            manifest = _decode(pack.read(MANIFEST))
        except msgspec.MsgspecError as wrong:
            raise StorageError(f"{file} is damaged: its manifest cannot be read ({wrong})") from wrong
        if manifest.format != FORMAT:
            raise UsageError(f"{file} is a backup of a newer Andgate ({manifest.version}). Restore it with that one")
        digest, done = sha256(), 0
        target = None if database is None else new(database)
        try:
            with pack.open(DATABASE) as source:
                for chunk in _chunks(source):
                    digest.update(chunk)
                    done += len(chunk)
                    if target is not None:
                        target.write(chunk)
                    progress("bytes", done, manifest.bytes)
            if target is not None:
                target.flush()
                os.fsync(target.fileno())
        finally:
            if target is not None:
                target.close()
        if (done, digest.hexdigest()) != (manifest.bytes, manifest.sha256):
            raise StorageError(f"{file} is damaged: its database is not the one that was backed up")
        snapshot, key = (pack.read(name) if name in names else None for name in (SNAPSHOT, KEY))
        return Unpacked(manifest, snapshot, key)


@contextmanager
def _opened(file: Path) -> Iterator[ZipFile]:
    try:
        with ZipFile(file) as pack:
            yield pack
    except FileNotFoundError:
        raise UsageError(f"there is no {file}") from None
    except (BadZipFile, zlib.error, EOFError, NotImplementedError) as wrong:  # whatever zipfile makes of nonsense
        raise StorageError(f"{file} is damaged, or no backup of Andgate's: {wrong}") from wrong


def new(file: Path) -> IO[bytes]:
    """Open a file that is not there yet, for its owner only."""
    return os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _digest(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as source:
        for chunk in _chunks(source):
            digest.update(chunk)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def note_backup(data: Path, manifest: Manifest, to: Path) -> None:
    """Note in the data folder when it was backed up last, and where to. OSError where that cannot be."""
    (data / LAST).write_bytes(msgspec.json.encode({"file": str(to), **msgspec.to_builtins(manifest)}) + b"\n")

"""An archive: the entries that retention took out, as JSON lines, compressed, with all that is needed to check them.

The first line says what follows; then each line is the body of an entry, byte for byte; the last line says how it ends.
The hash of an entry is SHA-256 over the hash before it and its body, so anybody can check it with a few lines of any
language, and `andgate verify --archive` does.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from andgate.errors import StorageError, UsageError
from hub.store.chain import BrokenChainError, read
from hub.store.journal import link
from hub.store.rows import Entry

FORMAT = 1


class Heading(Struct, frozen=True, kw_only=True):
    """The first line."""

    archive: int
    """The format."""
    site: str
    first: int
    prev: str
    """The hash before the first entry."""
    plan: Raw
    """In force before the first entry; null where the first one brings it."""


class Ending(Struct, frozen=True, kw_only=True):
    """The last line."""

    last: int
    hash: str


class Archive:
    """Writes one; use it as a context manager, and `finish` it."""

    def __init__(self, file: Path, heading: Heading) -> None:
        """Begin the new file `file`. UsageError where it is there already, or cannot be written."""
        try:
            self._raw = os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except FileExistsError:
            raise UsageError(f"{file} is there already. Name a new file with --to") from None
        except OSError as wrong:
            raise UsageError(f"cannot write {file}: {wrong.strerror}. Name another with --to") from wrong
        self._zip = gzip.GzipFile(filename="", mode="wb", fileobj=self._raw, mtime=0)
        self._line(msgspec.json.encode(heading))

    def _line(self, line: bytes) -> None:
        self._zip.write(line + b"\n")

    def take(self, entry: Entry) -> None:
        """Add the next entry."""
        self._line(entry.body)

    def finish(self, ending: Ending) -> None:
        """Write the last line, and make sure that all of it is on the disk."""
        self._line(msgspec.json.encode(ending))
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._raw.close()


def heading_of(file: Path) -> Heading:
    """Return what an archive says it holds. UsageError where it is none."""
    with _opened(file) as lines:
        return _heading(file, lines)


def entries(file: Path) -> Iterator[Entry]:
    """Yield the entries of an archive, checking that each is bound to the one before.

    Raises:
        UsageError: it is no archive.
        StorageError: it is damaged, or was changed.
    """
    with _opened(file) as lines:
        heading = _heading(file, lines)
        n, head = heading.first - 1, bytes.fromhex(heading.prev)
        waiting: bytes | None = None
        try:
            for line in lines:
                if waiting is not None:
                    n += 1
                    after = link(head, waiting)
                    now_ms = _now_of(n, waiting)
                    entry = Entry(n, now_ms, waiting, head, after)
                    read(entry)
                    yield entry
                    head = after
                waiting = line.rstrip(b"\n")
        except (OSError, EOFError, zlib.error) as wrong:
            raise StorageError(f"{file} is damaged: {wrong}") from wrong
        try:
            ending = msgspec.json.decode(waiting or b"", type=Ending)
        except msgspec.MsgspecError as wrong:
            raise StorageError(f"{file} is damaged: its last line is missing") from wrong
        if (ending.last, ending.hash) != (n, head.hex()):
            raise StorageError(f"{file} was changed: it does not end as it says")


class _Now(Struct):
    now: int


def _now_of(n: int, body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_Now).now
    except msgspec.MsgspecError as wrong:
        raise BrokenChainError(n, f"entry {n} cannot be read: {wrong}") from wrong


def _opened(file: Path) -> gzip.GzipFile:
    try:
        return gzip.GzipFile(file, "rb")
    except OSError as wrong:
        raise UsageError(f"cannot read {file}: {wrong.strerror}") from wrong


def _heading(file: Path, lines: gzip.GzipFile) -> Heading:
    try:
        heading = msgspec.json.decode(lines.readline(), type=Heading)
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError):
        raise UsageError(f"{file} is no archive of Andgate's") from None
    if heading.archive != FORMAT:
        raise UsageError(f"{file} is an archive of a newer Andgate's")
    return heading


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as source:
        whole = sha256()
        while chunk := source.read(1 << 20):
            whole.update(chunk)
        return whole.hexdigest()

"""The engine's state in a file, so that a restart need not judge the whole journal again.

A snapshot is only a cache: one that is torn, of another journal or of other code is passed over, and the journal says
the same, only slower.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from andgate import __version__

_MAGIC = b"andgate snapshot 1\n"
_KEEP = 2


class Snapshot(Struct, frozen=True):
    """State after journal entry `entry`, whose hash was `head`."""

    entry: int
    head: bytes
    state: bytes


class Snapshots:
    """The snapshots of one data folder. Writing one is safe beside everything else."""

    def __init__(self, data: Path) -> None:
        """Keep them in ``snapshots`` under `data`."""
        self._folder = data / "snapshots"

    def write(self, snapshot: Snapshot) -> None:
        """Write one, whole or not at all, and drop all but the newest two."""
        self._folder.mkdir(exist_ok=True)
        body = b"%s%s\n%d %s\n" % (_MAGIC, __version__.encode(), snapshot.entry, snapshot.head.hex().encode())
        path = self._folder / f"{snapshot.entry:012d}.snapshot"
        torn = path.with_suffix(".torn")
        with torn.open("wb") as file:
            file.write(body)
            file.write(sha256(body + snapshot.state).hexdigest().encode() + b"\n")
            file.write(snapshot.state)
            file.flush()
            os.fsync(file.fileno())
        torn.replace(path)
        for old in sorted(self._folder.glob("*.snapshot"))[:-_KEEP]:
            old.unlink(missing_ok=True)

    def read(self) -> Iterator[Snapshot]:
        """Yield every whole snapshot of this code, newest first."""
        for path in self.files():
            snapshot = self._read(path)
            if snapshot is not None:
                yield snapshot

    def files(self) -> Iterator[Path]:
        """Yield the files that may hold one, newest first."""
        yield from sorted(self._folder.glob("*.snapshot"), reverse=True)

    def put(self, entry: int, content: bytes) -> None:
        """Put a file back that `files` had yielded in another folder."""
        self._folder.mkdir(exist_ok=True)
        (self._folder / f"{entry:012d}.snapshot").write_bytes(content)

    @staticmethod
    def _read(path: Path) -> Snapshot | None:
        try:
            magic, version, place, checksum, state = path.read_bytes().split(b"\n", 4)
            entry, head = place.split(b" ")
            body = b"\n".join((magic, version, place, b""))
            if magic + b"\n" != _MAGIC or version.decode() != __version__:
                return None
            if sha256(body + state).hexdigest().encode() != checksum:
                return None
            return Snapshot(entry=int(entry), head=bytes.fromhex(head.decode()), state=state)
        except (OSError, ValueError):
            return None

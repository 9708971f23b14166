"""A word beside the database about how far it had come, so that one that is put back by hand is noticed.

A node deletes what the hub has receipted, but keeps it for a week for a hub that comes back from the past. It learns of
that by the epoch in ``hub/state``. `andgate restore` begins a new one; a person who copies a folder back does not. What
is copied is another file, or it has not come as far as the marker says, or there is no marker with it: then the hub
begins a new epoch by itself. To be wrong costs little: nodes send again what they keep, and all of it is a duplicate.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

MARKER = "head.json"
_log = logging.getLogger(__name__)


class Marker(Struct, frozen=True):
    """Where a database stood."""

    epoch: str
    entry: int
    hash: str
    file: int
    """Its inode: a copy has another one."""


_decode = msgspec.json.Decoder(Marker).decode


def mark(database: Path, epoch: str, entry: int, head: bytes) -> None:
    """Write the marker beside `database`, whole or not at all. OSError where that cannot be."""
    marker = Marker(epoch, entry, head.hex(), database.stat().st_ino)
    path = database.with_name(MARKER)
    torn = path.with_suffix(".torn")
    with torn.open("wb") as file:
        file.write(msgspec.json.encode(marker) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    torn.replace(path)


def try_to_mark(database: Path, epoch: str, entry: int, head: bytes) -> None:
    """Write the marker; a disk that refuses costs at most a new epoch."""
    try:
        mark(database, epoch, entry, head)
    except OSError as wrong:
        _log.warning("%s could not be written: %s", database.with_name(MARKER), wrong)


def doubt(database: Path, epoch: str, entry: int, head_of: Callable[[int], bytes | None]) -> str | None:
    """Return why `database`, which ends at `entry`, is not the one that was here last; None where it is.

    Args:
        database: its file.
        epoch: what it calls itself.
        entry: its newest entry.
        head_of: returns the hash of one of its entries, None where it has none.
    """
    try:
        marker = _decode(database.with_name(MARKER).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return f"no {MARKER} came with it"
    if marker.epoch != epoch:
        return f"{MARKER} is of another one"
    if marker.entry > entry:
        return f"it ends at entry {entry}, and had come to entry {marker.entry}"
    known = head_of(marker.entry) if marker.entry else None
    if known is not None and known.hex() != marker.hash:
        return f"its entry {marker.entry} is not the one that was there"
    if marker.file != database.stat().st_ino:
        return "it is a copy"
    return None

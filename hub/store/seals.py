"""Seals: what stands in the place of entries that retention took out of the live journal.

A seal names the last entry that is gone and its hash, so the chain goes on from there; it is signed, and carries what
the entries after it still build upon (`hub.store.base`), bound by its hash. The newest one is enough to begin from;
the earlier ones are kept as the record of what was taken out when.
"""

from __future__ import annotations

import sqlite3
from hashlib import sha256

import msgspec
from msgspec import Struct

from andgate.errors import StorageError
from hub.store.journal import GENESIS

FORMAT = 1


class Document(Struct, frozen=True, kw_only=True):
    """What is signed."""

    format: int
    site: str
    before: str
    """The month, ``2026-10``, before which everything was taken out."""
    first: int
    last: int
    """The entries that are gone, and the hashes before the first and of the last."""
    prev: str
    hash: str
    from_ms: int
    to_ms: int
    counts: dict[str, dict[str, int]]
    """Moments that are gone, by expectation and verdict."""
    signals: int
    """Identities kept of signals in these entries and all before, and the SHA-256 over them."""
    identities: str
    base: str
    """SHA-256 of the base."""
    archive: str
    """SHA-256 of the archive's file."""


class Seal(Struct, frozen=True):
    """A row of ``seal``."""

    last: int
    document: Document
    signed: bytes
    """The document as it was signed."""
    key: bytes
    signature: bytes
    base: bytes
    rest: bytes | None
    """What is still to be taken out; None where all is done."""

    @property
    def head(self) -> bytes:
        """The hash of the last entry that is gone."""
        return bytes.fromhex(self.document.hash)


_decode = msgspec.json.Decoder(Document).decode
_SELECT = "select last, document, key, signature, base, rest from seal"


def seals(db: sqlite3.Connection) -> list[Seal]:
    """Return every seal, oldest first. StorageError where one cannot be read."""
    return [_seal(row) for row in db.execute(f"{_SELECT} order by last")]


def newest(db: sqlite3.Connection) -> Seal | None:
    """Return the newest seal. StorageError where it cannot be read."""
    row = db.execute(f"{_SELECT} order by last desc limit 1").fetchone()
    return None if row is None else _seal(row)


def beginning(db: sqlite3.Connection) -> tuple[int, bytes]:
    """Return after which entry the live journal begins, and that one's hash."""
    seal = newest(db)
    return (0, GENESIS) if seal is None else (seal.last, seal.head)


def _seal(row: tuple[int, bytes, bytes, bytes, bytes, bytes | None]) -> Seal:
    try:
        if not all(isinstance(part, bytes) for part in row[1:5]):
            raise StorageError(f"the seal of entry {row[0]} was changed: it is no bytes")
        return Seal(row[0], _decode(row[1]), *row[1:])
    except msgspec.MsgspecError as wrong:
        raise StorageError(f"the seal of entry {row[0]} was changed: it cannot be read") from wrong


def identities(db: sqlite3.Connection, last: int) -> tuple[int, str]:
    """Return how many identities are kept of the signals up to entry `last`, and the SHA-256 over them."""
    digest, count = sha256(), 0
    for row in db.execute(
        "select id, entry, first_at_ms, at_ms from signal where entry between 1 and ? order by entry, id", (last,)
    ):
        digest.update("\x1f".join(map(str, row)).encode("utf-8", errors="surrogateescape") + b"\n")
        count += 1
    return count, digest.hexdigest()

"""Walking the hash chain: every entry in its place, bound to the one before, holding what was hashed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct, field

from andgate.errors import StorageError
from andgate.moment.events import AnyEvent
from andgate.moment.signals import Input
from hub.store.journal import link
from hub.store.rows import Entry


class Step(Struct, frozen=True):
    """An entry's body, with its publications as they were written."""

    n: int
    now: int
    in_: tuple[Input, ...] = field(default=(), name="in")
    events: tuple[AnyEvent, ...] = ()
    moments: tuple[Raw, ...] = ()
    more: bool = False


class BrokenChainError(StorageError):
    """The journal is not what it was: an entry was changed, taken out, added or put elsewhere."""

    def __init__(self, n: int, message: str) -> None:
        """Keep the number of the first entry that is wrong."""
        super().__init__(message)
        self.n = n


_decode = msgspec.json.Decoder(Step).decode
_COLUMNS = "select n, now_ms, body, prev, hash from entry where n > ? order by n"


def walk(db: sqlite3.Connection, after: int, head: bytes) -> Iterator[Entry]:
    """Yield every entry after entry `after`, whose hash is `head`.

    Raises:
        BrokenChainError: at the first entry that is not what it was.
    """
    n = after
    for row in db.execute(_COLUMNS, (after,)):
        entry = Entry(*row)
        if entry.n != n + 1:
            gone = f"entry {n + 1} is" if entry.n == n + 2 else f"entries {n + 1} to {entry.n - 1} are"
            raise BrokenChainError(n + 1, f"{gone} missing from the journal")
        n = entry.n
        if not all(isinstance(part, bytes) for part in (entry.body, entry.prev, entry.hash)):
            raise BrokenChainError(n, f"entry {n} is not what was written: a part of it is no bytes")
        whole = link(head, entry.body) == entry.hash
        if entry.prev != head:
            what = "its own content is whole" if link(entry.prev, entry.body) == entry.hash else "nor is its content"
            raise BrokenChainError(n, f"entry {n} is not bound to entry {n - 1}: another one was before it; {what}")
        if not whole:
            raise BrokenChainError(n, f"entry {n} was changed: its content or its hash is not what was written")
        head = entry.hash
        yield entry


def read(entry: Entry) -> Step:
    """Return what an entry says.

    Raises:
        BrokenChainError: where it cannot be read, or says another number or time than its row.
    """
    try:
        step = _decode(entry.body)
    except msgspec.MsgspecError as wrong:
        raise BrokenChainError(entry.n, f"entry {entry.n} cannot be read: {wrong}") from wrong
    if step.n != entry.n:
        raise BrokenChainError(entry.n, f"entry {entry.n} says that it is entry {step.n}")
    if step.now != entry.now_ms:
        raise BrokenChainError(entry.n, f"entry {entry.n} was changed: its row and its content name different times")
    return step

"""The base of a live journal: what the entries after a seal build upon, as the journal had it at the seal.

The engine's state, the plans, all tallies, and the moments, outcomes and servings of the last two days, with those that
later entries change. Everything else before the seal is gone.
"""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any

import msgspec
from msgspec import Struct

from andgate.errors import StorageError
from andgate.plan import Plan
from hub.store.rebuild import Rebuild

WHOLE = (
    "plan",
    "tally",
    "shift_tally",
    "gate_tally",
    "sight",
    "spell",
    "coverage",
    "meta",
    "mute",
    "training",
    "suspension",
    "listening",
)
"""Tables that stay as they are."""
RECENT = ("moment", "outcome", "serving")
"""Tables of which the last days stay."""


class Base(Struct):
    """What is in a base."""

    state: bytes
    """The engine's."""
    tables: dict[str, list[tuple[Any, ...]]]


_decode = msgspec.msgpack.Decoder(Base).decode


def pack(base: Base) -> bytes:
    """Return a base as bytes."""
    return zlib.compress(msgspec.msgpack.encode(base), 6)


def unpack(content: bytes) -> Base:
    """Return the base in these bytes. StorageError where they are none."""
    try:
        return _decode(zlib.decompress(content))
    except (zlib.error, msgspec.MsgspecError) as wrong:
        raise StorageError(f"the base of the journal is damaged: {wrong}") from wrong


def last_plan(base: Base) -> Plan:
    """Return the plan that was in force at the seal."""
    row = max(base.tables["plan"], key=lambda row: row[1])  # version, entry, at_ms, body, source
    return msgspec.json.decode(bytes(row[3]), type=Plan)


def columns(db: sqlite3.Connection, table: str) -> list[str]:
    """Return a table's columns."""
    return [row[1] for row in db.execute(f"pragma table_info({table})")]


def lay(base: Base, rebuild: Rebuild) -> None:
    """Put a base into an empty scratch database, so that the entries after it can be taken."""
    for table, rows in base.tables.items():
        if rows:
            # A later version may have added columns, always at the end.
            names = columns(rebuild.db, table)[: len(rows[0])]
            # In place of what a new database begins with.
            rebuild.db.executemany(
                f"insert or replace into {table} ({', '.join(names)}) values ({', '.join('?' * len(names))})", rows
            )
    rebuild.use_plan(last_plan(base))

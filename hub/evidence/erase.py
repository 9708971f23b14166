"""Forgetting a person: the name goes, and what was done stays, done by somebody."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from msgspec import Struct

from andgate.errors import StorageError
from hub.evidence.frozen import Frozen, database_of
from hub.store.people import bump, forget

_BUSY_S = 30


class Erased(Struct, frozen=True):
    """What was found of a person."""

    ids: int
    """Ids that are nobody's now."""
    quarantined: int
    """Messages that named the person and could not be taken."""
    wishes: int
    """Flights that a passenger of this address or number asked to be told about."""
    plain: int
    """Moments whose claim names the person in the journal itself: from before there were ids, bound into the chain."""


def erase(data: Path, name: str) -> Erased:
    """Forget the person called `name` in the data folder `data`; a hub may be running on it.

    Raises:
        UsageError: there is no data.
        StorageError: the disk refuses.
    """
    with Frozen(database_of(data)):  # there is a database, and of this version
        pass
    db = sqlite3.connect(database_of(data), isolation_level=None, timeout=_BUSY_S)
    try:
        db.execute("pragma synchronous = full")
        db.execute("pragma secure_delete = on")  # what is deleted is written over
        db.execute("begin immediate")
        known = db.execute("select id from person where name = ?", (name,)).fetchall()
        for (id,) in known:
            forget(db, id)  # off the list, the rosters and the phones
        bump(db)
        ids = db.execute("delete from person where name = ?", (name,)).rowcount
        quarantined = db.execute(
            "delete from quarantine where instr(payload, cast(? as blob)) > 0 and topic like '%/answer'", (name,)
        ).rowcount
        db.execute("delete from telling where customer in (select token from customer where address = ?)", (name,))
        wishes = db.execute("delete from customer where address = ?", (name,)).rowcount
        (plain,) = db.execute(
            "select count(*) from moment where json_extract(cast(body as text), '$.claimed_by') = ?", (name,)
        ).fetchone()
        db.execute("commit")
        db.execute("pragma wal_checkpoint(truncate)")  # as far as nobody is reading
    except sqlite3.Error as wrong:
        raise StorageError(f"{data} cannot be written: {wrong}") from wrong
    finally:
        db.close()
    return Erased(ids, quarantined, wishes, plain)

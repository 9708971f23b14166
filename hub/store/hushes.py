"""What was quiet when, as tables made from the journal: mutes, training, alarms, when the hub only listened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec

from andgate.moment.engine import HORIZON_MS
from andgate.moment.signals import Input, Listening, Muted, Retimed, Signal, Trained, Unmuted, Untrained
from andgate.plan.quiet import RESUMED, SUSPENDED, Scope
from andgate.quiet import Contact
from hub.store.rows import MuteRow, TrainingRow

Written = tuple[str, tuple[Any, ...]]
"""A statement and its values."""

_MUTE = (
    "insert or ignore into mute (id, scope, owner, reason, faults, begin_ms, end_ms, by, made_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UNMUTE = "update mute set ended_ms = ?, ended_by = ? where id = ? and ended_ms is null"
_TRAIN = "insert or ignore into training (id, who, trainer, from_ms, until_ms, by) values (?, ?, ?, ?, ?, ?)"
_UNTRAIN = "update training set ended_ms = ?, ended_by = ? where id = ? and ended_ms is null"
_LISTEN = "insert or replace into listening (at_ms, only) values (?, ?)"
_SAID = (
    "insert into suspension (signal, device, touchpoint, suspended, at_ms, source, boot_rank, seq) "
    "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (signal) do update set device = excluded.device, "
    "touchpoint = excluded.touchpoint, suspended = excluded.suspended, at_ms = excluded.at_ms, "
    "source = excluded.source, boot_rank = excluded.boot_rank, seq = excluded.seq where source = ''"
)
_GONE = "update suspension set gone = 1 where signal = ?"
_GONE_AHEAD = (
    "insert into suspension (signal, device, touchpoint, suspended, at_ms, source, boot_rank, seq, gone) "
    "values (?, '', '', 0, 0, '', 0, 0, 1) on conflict (signal) do update set gone = 1"
)
"""What a contact takes back may still be on its way: it is kept as gone, and stays so when it comes."""
_MOVED = "update suspension set at_ms = ? where signal = ?"
ALARM = frozenset({SUSPENDED, RESUMED})


def written(item: Input) -> Iterator[Written]:
    """Yield what one input changes; in the order of the journal."""
    if isinstance(item, Signal):
        if item.name in ALARM and item.training is None and item.received_ms - item.at_ms <= HORIZON_MS:
            suspended = item.name == SUSPENDED
            where = (item.source, item.boot_rank, item.seq)
            yield _SAID, (item.id, item.device, item.touchpoint, suspended, item.at_ms, *where)
        if item.retracts is not None:
            yield _GONE_AHEAD if item.name in ALARM else _GONE, (item.retracts,)
    elif isinstance(item, Retimed):
        yield _MOVED, (item.at_ms, item.signal)
    elif isinstance(item, Muted):
        scope = msgspec.json.encode(item.scope).decode()
        who = (item.owner, item.reason, item.faults, item.begin_ms, item.end_ms, item.by, item.at_ms)
        yield _MUTE, (item.id, scope, *who)
    elif isinstance(item, Unmuted):
        yield _UNMUTE, (item.at_ms, item.by, item.mute)
    elif isinstance(item, Trained):
        yield _TRAIN, (item.id, item.who, item.trainer, item.at_ms, item.until_ms, item.by)
    elif isinstance(item, Untrained):
        yield _UNTRAIN, (item.at_ms, item.by, item.training)
    elif isinstance(item, Listening):
        yield _LISTEN, (item.at_ms, item.on)


def mutes(db: sqlite3.Connection, since_ms: int | None = None) -> list[MuteRow]:
    """Return the mutes made to end later than a time (None: all), newest first."""
    rows = db.execute(
        "select id, scope, owner, reason, faults, begin_ms, end_ms, by, made_ms, ended_ms, ended_by from mute "
        "where end_ms > ? order by begin_ms desc, id desc",
        (-1 if since_ms is None else since_ms,),
    )
    return [
        MuteRow(
            id=row[0],
            scope=msgspec.json.decode(row[1], type=Scope),
            owner=row[2],
            reason=row[3],
            faults=bool(row[4]),
            begin_ms=row[5],
            end_ms=row[6],
            by=row[7],
            made_ms=row[8],
            ended_ms=row[9],
            ended_by=row[10],
        )
        for row in rows
    ]


def trainings(db: sqlite3.Connection, since_ms: int | None = None) -> list[TrainingRow]:
    """Return the spans of training made to end later than a time (None: all), newest first."""
    rows = db.execute(
        "select id, who, trainer, from_ms, until_ms, by, ended_ms, ended_by from training "
        "where until_ms > ? order by from_ms desc, id desc",
        (-1 if since_ms is None else since_ms,),
    )
    return [TrainingRow(*row) for row in rows]


def contacts(db: sqlite3.Connection) -> dict[str, Contact]:
    """Return what contacts of alarms said, by signal; what was taken back left out."""
    rows = db.execute(
        "select signal, device, touchpoint, suspended, at_ms, source, boot_rank, seq from suspension where gone = 0"
    )
    return {
        row[0]: Contact((row[4], row[5], row[6], row[7], row[0]), device=row[1], touchpoint=row[2], on=bool(row[3]))
        for row in rows
    }


def gone(db: sqlite3.Connection) -> set[str]:
    """Return what contacts of alarms have taken back, also before it came."""
    return {signal for (signal,) in db.execute("select signal from suspension where gone = 1")}


def listened(db: sqlite3.Connection) -> list[tuple[int, bool]]:
    """Return since when the hub only listened (true) or paged (false), oldest first; empty: it always paged."""
    rows = db.execute("select at_ms, only from listening order by at_ms")
    return [(at_ms, bool(only)) for at_ms, only in rows]

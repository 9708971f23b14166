"""Everybody who can be paged, and every roster, as one value: how it is read from the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

NUMBER = "people"
"""The name of the book's number among the facts in ``meta``."""


class Quiet(Struct, frozen=True, forbid_unknown_fields=True):
    """A daily span in which somebody gets only the first page of a threat, minutes from midnight on the site's clocks.

    `end_min` <= `start_min` runs over midnight.
    """

    start_min: int
    end_min: int
    steps: tuple[int, ...] = ()
    """The rungs of the ladder that are held back, 1 is the first; empty: all."""


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who can be paged."""

    id: str
    """Opaque: it is what pages and the journal keep."""
    name: str
    languages: tuple[str, ...] = ()
    """Language tags, the preferred one first: ``it``, ``en``."""
    channels: tuple[str, ...] = ()
    """URLs in the order in which they are tried. They may hold secrets: they are shown to nobody who may not edit."""
    quiet: tuple[Quiet, ...] = ()
    active: bool = True
    """False: on leave or gone; nobody is paged who is not active."""


class Duty(Struct, frozen=True, kw_only=True):
    """Somebody stands on a shift: on some days of the week, or on one date."""

    id: int = 0
    person: str
    group: str
    shift: str
    days: tuple[int, ...] = ()
    """Days of the week on which the shift begins, 0 is Monday; empty where `date` says when."""
    date: str | None = None
    """The only date, ``2026-12-24``."""
    first: str | None = None
    """Not before this date."""
    last: str | None = None
    """Not after this date."""


class StandIn(Struct, frozen=True, kw_only=True):
    """For one shift of one date somebody stands in for somebody else, or comes on top, or somebody is off."""

    id: int = 0
    date: str
    """The date on which the shift begins."""
    group: str
    shift: str
    person: str | None
    """Who stands there; None: nobody in place of `instead_of`."""
    instead_of: str | None
    """Who does not; None: `person` comes on top."""
    by: str
    """Who decided it."""
    reason: str = ""
    pair: int | None = None
    """Two stand-ins of the same number are one swap."""
    at_ms: int = 0


class Book(Struct, frozen=True):
    """Everybody and every roster, as of one number."""

    number: int = 0
    people: dict[str, Person] = {}
    duties: tuple[Duty, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    phones: frozenset[str] = frozenset()
    """Who of them has a phone that asked to be paged."""
    deciders: dict[str, str] = {}
    """Id -> name of whoever decided a stand-in."""


def number_of(db: sqlite3.Connection) -> int:
    """Return the number of the book as it is now: another one with every change."""
    row = db.execute("select value from meta where key = ?", (NUMBER,)).fetchone()
    return int(row[0]) if row else 0


def read(db: sqlite3.Connection) -> Book:
    """Return everybody and every roster, as of one instant."""
    db.execute("begin")
    try:
        people = db.execute(
            "select id, name, languages, channels, quiet, active from staff join person on id = person "
            "order by name, id"
        ).fetchall()
        duties = db.execute(
            "select id, person, team, shift, days, day, first_day, last_day from duty order by id"
        ).fetchall()
        stand_ins = db.execute(
            "select id, day, team, shift, person, instead_of, by, reason, pair, at_ms from stand_in order by id"
        ).fetchall()
        phones = db.execute("select distinct team from phone where team in (select person from staff)").fetchall()
        deciders = db.execute(
            "select distinct person.id, person.name from person join stand_in on stand_in.by = person.id"
        ).fetchall()
        number = number_of(db)
    finally:
        db.execute("rollback")
    known = {row[0]: _person(row) for row in people}
    return Book(
        number=number,
        people=known,
        duties=tuple(_duty(row) for row in duties if row[1] in known),
        stand_ins=tuple(StandIn(**dict(zip(StandIn.__struct_fields__, row, strict=True))) for row in stand_ins),
        phones=frozenset(row[0] for row in phones),
        deciders=dict(deciders),
    )


def _person(row: Sequence[Any]) -> Person:
    return Person(
        id=row[0],
        name=row[1],
        languages=msgspec.json.decode(row[2], type=tuple[str, ...]),
        channels=msgspec.json.decode(row[3], type=tuple[str, ...]),
        quiet=msgspec.json.decode(row[4], type=tuple[Quiet, ...]),
        active=bool(row[5]),
    )


def _duty(row: Sequence[Any]) -> Duty:
    return Duty(
        id=row[0],
        person=row[1],
        group=row[2],
        shift=row[3],
        days=msgspec.json.decode(row[4], type=tuple[int, ...]),
        date=row[5],
        first=row[6],
        last=row[7],
    )

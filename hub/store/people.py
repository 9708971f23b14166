"""People who can be paged, and who of them stands on which shift: the tables that are edited on the screens.

Written by whoever has a connection for a moment, like phones: it happens a few times a day, and is no part of the
journal. A person's name stands in the table `person`, under the id by which the journal knows whoever acted, so that
somebody who claims is the same somebody who is on the roster; what `andgate erase` forgets is gone here too.

Everything is read as one `Book`, kept in memory until a write (also one of another process) has changed its number:
who is paged is asked in the driver's thread, for every page.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from andgate.errors import RefusedError
from hub.store.beside import Beside
from hub.store.book import NUMBER, Book, Duty, Person, Quiet, StandIn, number_of, read
from hub.store.persons import SOMEBODY
from hub.store.rows import PageState

_log = logging.getLogger(__name__)

KEPT_MS = 400 * 86_400_000
"""So long it is known who stood in for whom: another one that is decided lets go of those decided before."""
MOST = 5_000
"""People of a site."""
_BUMP = (
    "insert into meta (key, value) values (?, '1') on conflict (key) do update set value = cast(value as integer) + 1"
)
_CAME = "select 1 from page where person = ? and (delivered_ms is not null or read_ms is not null) limit 1"
_encode = msgspec.json.Encoder().encode


class LastPage(Struct, frozen=True):
    """What became of the newest page over one person's channel."""

    state: PageState
    at_ms: int
    """When it went out, or was decided."""
    note: str
    delivered_ms: int | None = None
    read_ms: int | None = None


class People(Beside):
    """The people of one data folder; from any thread."""

    def __init__(self, data: Path) -> None:
        """Look into `data`; nothing is read before it is needed."""
        super().__init__(data)
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._book = Book(number=-1)

    # ---------------------------------------------------------------------------------------------- reading

    def book(self) -> Book:
        """Return everybody and every roster as of now; the same object as long as nothing changes.

        Where the database cannot be read this moment, that is what was known last: a page is decided with that.
        """
        with self._lock:
            try:
                if self._db is None:
                    self._db = self.connect(shared=True)
                number = number_of(self._db)
                if number != self._book.number:
                    self._book = read(self._db)
            except sqlite3.Error as wrong:
                _log.warning("people and rosters cannot be read (%s): what was known last counts", wrong)
                if self._db is not None:
                    with suppress(sqlite3.Error):
                        self._db.close()
                    self._db = None
                if self._book.number < 0:
                    return Book()
            return self._book

    def last_pages(self, person: str) -> dict[str, LastPage]:
        """Return what became of the newest page over each of somebody's channels, by the channel's name on a page."""
        with self.read() as db:
            rows = db.execute(
                "select channel, state, coalesce(sent_ms, decided_ms), note, delivered_ms, read_ms, max(id) from page "
                "where person = ? group by channel",
                (person,),
            ).fetchall()
        return {row[0]: LastPage(*row[1:6]) for row in rows}

    def failed(self, ids: Iterable[str]) -> frozenset[str]:
        """Return who of these people was not reached by the last page to them, for good."""
        with self._lock:
            try:
                if self._db is None:
                    self._db = self.connect(shared=True)
                db = self._db
                return frozenset(id for id in ids if _last_failed(db, id))
            except sqlite3.Error:
                return frozenset()

    def proven(self, ids: Iterable[str]) -> frozenset[str]:
        """Return to whom of these people a page, or a drill, is known to have come: device or person has said so."""
        with self.read() as db:
            drilled = {row[0] for row in db.execute("select distinct person from drill_part where state = 'proven'")}
            return frozenset(id for id in ids if id in drilled or db.execute(_CAME, (id,)).fetchone())

    # ---------------------------------------------------------------------------------------------- people

    def add(self, person: Person, now_ms: int) -> Person:
        """Add somebody; return them with their id, which is the one their name already has in the journal.

        Raises:
            RefusedError: there is somebody of that name, or there are too many.
        """
        with self.write() as db:
            (known,) = db.execute("select count(*) from staff").fetchone()
            if known >= MOST:
                raise RefusedError(f"there are {MOST} people already. Remove some who are gone")
            id = _id_of(db, person.name)
            if db.execute("select 1 from staff where person = ?", (id,)).fetchone():
                raise RefusedError(f'there is a "{person.name}" already. Give this one a name that tells them apart')
            made = msgspec.structs.replace(person, id=id)
            db.execute("insert into staff values (?, ?, ?, ?, ?, ?)", (id, *_columns(made), now_ms))
            return made

    def change(self, person: Person) -> bool:
        """Keep what is new about somebody; False where nobody has this id.

        Raises:
            RefusedError: somebody else has that name.
        """
        with self.write() as db:
            other = db.execute(
                "select 1 from person join staff on staff.person = id where name = ? and id != ?",
                (person.name, person.id),
            ).fetchone()
            if other:
                raise RefusedError(f'there is a "{person.name}" already. Give this one a name that tells them apart')
            found = db.execute(
                "update staff set languages = ?, channels = ?, quiet = ?, active = ? where person = ?",
                (*_columns(person), person.id),
            ).rowcount
            if found:
                db.execute("update person set name = ? where id = ?", (person.name, person.id))
            return bool(found)

    def remove(self, id: str) -> bool:
        """Take somebody off the list and all rosters; their name stays with what they did. False where nobody is."""
        with self.write() as db:
            return forget(db, id)

    # ---------------------------------------------------------------------------------------------- rosters

    def put_on(self, duty: Duty) -> Duty:
        """Put somebody on a shift; return it with its number. RefusedError where nobody has that id."""
        with self.write() as db:
            _known(db, duty.person)
            cursor = db.execute(
                "insert into duty (person, team, shift, days, day, first_day, last_day) values (?, ?, ?, ?, ?, ?, ?)",
                (
                    duty.person,
                    duty.group,
                    duty.shift,
                    _encode(duty.days).decode(),
                    duty.date,
                    duty.first,
                    duty.last,
                ),
            )
            return msgspec.structs.replace(duty, id=cursor.lastrowid or 0)

    def take_off(self, duty: int) -> bool:
        """Delete somebody's place on a shift; False where there is none of this number."""
        with self.write() as db:
            return bool(db.execute("delete from duty where id = ?", (duty,)).rowcount)

    def end_duty(self, duty: int, day: str) -> bool:
        """End somebody's place on a shift from a date on, so that who stood there before is still known.

        Args:
            duty: its number.
            day: the first date on which they do not stand there; one that only begins then is deleted.

        Returns:
            False where there is none of this number.
        """
        last = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        with self.write() as db:
            gone = db.execute("delete from duty where id = ? and (day is not null or first_day > ?)", (duty, last))
            ended = db.execute("update duty set last_day = min(ifnull(last_day, ?2), ?2) where id = ?1", (duty, last))
            return bool(gone.rowcount or ended.rowcount)

    def stand_in(self, wanted: Sequence[StandIn]) -> tuple[StandIn, ...]:
        """Keep stand-ins, all or none; two are a swap, and are taken back together. `by` is a name here, not an id.

        Raises:
            RefusedError: nobody has one of the ids.
        """
        with self.write() as db:
            made = []
            db.execute("delete from stand_in where at_ms < ?", (max(each.at_ms for each in wanted) - KEPT_MS,))
            for said in wanted:
                each = msgspec.structs.replace(said, by=_id_of(db, said.by))
                for id in (each.person, each.instead_of):
                    if id is not None:
                        _known(db, id)
                cursor = db.execute(
                    "insert into stand_in (day, team, shift, person, instead_of, by, reason, pair, at_ms) "
                    "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        each.date,
                        each.group,
                        each.shift,
                        each.person,
                        each.instead_of,
                        each.by,
                        each.reason,
                        None,
                        each.at_ms,
                    ),
                )
                made.append(msgspec.structs.replace(each, id=cursor.lastrowid or 0))
            if len(made) > 1:
                pair = made[0].id
                db.executemany("update stand_in set pair = ? where id = ?", [(pair, each.id) for each in made])
                made = [msgspec.structs.replace(each, pair=pair) for each in made]
            return tuple(made)

    def take_back(self, stand_in: int) -> bool:
        """Delete a stand-in, and the other half of a swap; False where there is none of this number."""
        with self.write() as db:
            row = db.execute("select pair from stand_in where id = ?", (stand_in,)).fetchone()
            if row is None:
                return False
            db.execute("delete from stand_in where id = ? or (pair is not null and pair = ?)", (stand_in, row[0]))
            return True

    def close(self) -> None:
        """Let go of the database; the next question opens it again."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction as `Beside` does, at whose end the book is another."""
        with super().write() as db:
            yield db
            bump(db)


def bump(db: sqlite3.Connection) -> None:
    """Say, in the transaction that changes anything here, that the book is another."""
    db.execute(_BUMP, (NUMBER,))


def forget(db: sqlite3.Connection, id: str) -> bool:
    """Take somebody off the list and all rosters, in a transaction of the caller's; whether there was anybody.

    Where they stood in for somebody, nobody does now: whom they replaced had a reason.
    """
    found = db.execute("delete from staff where person = ?", (id,)).rowcount
    found += db.execute("delete from duty where person = ?", (id,)).rowcount
    found += db.execute("delete from phone where team = ?", (id,)).rowcount
    db.execute("update stand_in set person = null where person = ?", (id,))
    db.execute("update stand_in set instead_of = null where instead_of = ?", (id,))
    db.execute("delete from stand_in where person is null and instead_of is null")
    return bool(found)


def _id_of(db: sqlite3.Connection, name: str) -> str:
    """Return the id of whoever has this name; somebody new gets one."""
    row = db.execute("select id from person where name = ? order by id limit 1", (name,)).fetchone()
    if row is not None or name == SOMEBODY:
        return row[0] if row is not None else name
    id = f"~{secrets.token_hex(8)}"
    db.execute("insert into person (id, name) values (?, ?)", (id, name))
    return id


def _known(db: sqlite3.Connection, id: str) -> None:
    if db.execute("select 1 from staff where person = ?", (id,)).fetchone() is None:
        raise RefusedError(f'there is no person "{id[:40]}". Take one of the list of people')


def _columns(person: Person) -> tuple[str, str, str, bool]:
    return (
        _encode(person.languages).decode(),
        _encode(person.channels).decode(),
        _encode(person.quiet).decode(),
        person.active,
    )


def _last_failed(db: sqlite3.Connection, person: str) -> bool:
    row = db.execute(
        "select state from page where person = ? and state in ('sent', 'failed') order by id desc limit 1", (person,)
    ).fetchone()
    return row is not None and row[0] == "failed"


__all__ = ["Book", "Duty", "LastPage", "People", "Person", "Quiet", "StandIn", "bump", "forget"]

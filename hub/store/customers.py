"""Passengers who asked to be told what is new about their flight, and what they were told.

Everything personal stands here and nowhere else: an address, a flight, the words that went out. It is kept as long as
the flight needs, erased at once when somebody stops it, and never in the journal, which knows only how many were told.
A word to tell is queued once for each passenger and each news, so that no crash tells anything twice unmarked.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Literal

import msgspec
from msgspec import Struct

from hub.store.beside import Beside

MOST = 20_000
"""Passengers of a site at one time; more is no airport but somebody's script."""
ASKS_MOST = 5
"""Unconfirmed asks of one address: nobody can have somebody else's letter box filled."""
FLIGHTS_MOST = 20
"""Flights that one address watches."""
ASKED_MS = 86_400_000
"""An ask that nobody confirms is erased after so long."""
OPT_IN = "opt-in"
"""What `Word.news` is where the word asks whether the passenger asked."""

WordState = Literal["queued", "sending", "sent", "failed"]


class Customer(Struct, frozen=True):
    """One passenger's wish to be told about one flight, in one way."""

    token: str
    """Drawn by lot: it names the wish, and whoever has it may confirm and stop it."""
    flight: str
    """The key: ``AG1234/2026-11-21``."""
    way: str
    """Id of the way in the plan."""
    address: str
    confirmed: bool
    asked_ms: int
    until_ms: int
    """Erased then."""


class Word(Struct, frozen=True):
    """Something to tell one passenger."""

    customer: str
    news: str
    """Identity of the signal that brought the news, or `OPT_IN`."""
    title: str
    text: str
    state: WordState
    tries: int
    due_ms: int
    again: bool
    """An attempt may have reached the passenger already."""
    decided_ms: int
    sent_ms: int | None = None
    note: str = ""


_CUSTOMER = "token, flight, way, address, confirmed, asked_ms, until_ms"
_WORD = "customer, news, title, text, state, tries, due_ms, again, decided_ms, sent_ms, note"


def _customer(row: tuple[object, ...]) -> Customer:
    fields = dict(zip(Customer.__struct_fields__, row, strict=True))
    return msgspec.convert(fields | {"confirmed": bool(fields["confirmed"])}, Customer)


def _word(row: tuple[object, ...]) -> Word:
    fields = dict(zip(Word.__struct_fields__, row, strict=True))
    return msgspec.convert(fields | {"again": bool(fields["again"])}, Word)


class Customers(Beside):
    """The wishes of one data folder, and the words that are due; from any thread."""

    # ---------------------------------------------------------------------------------------------- wishes

    def ask(self, flight: str, way: str, address: str, *, until_ms: int, now_ms: int, word: tuple[str, str]) -> str:
        """Keep somebody's wish, unconfirmed, with the word that asks whether it was them.

        Args:
            flight: the key.
            way: id in the plan.
            address: where they are reached that way.
            until_ms: when it is erased.
            now_ms: site time.
            word: title and text; ``{token}`` in the text becomes the wish's token.

        Returns:
            An empty string, or why not: ``full``, ``asked`` (too often, unconfirmed) or ``watches`` (too many flights).
            A wish that is there already changes nothing, and is told to nobody again.
        """
        token = secrets.token_urlsafe(16)
        with self.write() as db:
            mine = db.execute(
                "select flight, way, confirmed from customer where address = ? and until_ms > ?", (address, now_ms)
            ).fetchall()
            if any((row[0], row[1]) == (flight, way) for row in mine):
                return ""
            if sum(not row[2] for row in mine) >= ASKS_MOST:
                return "asked"
            if len(mine) >= FLIGHTS_MOST:
                return "watches"
            if db.execute("select count(*) from customer").fetchone()[0] >= MOST:
                return "full"
            db.execute(
                f"insert into customer ({_CUSTOMER}) values (?, ?, ?, ?, 0, ?, ?)",
                (token, flight, way, address, now_ms, min(until_ms, now_ms + ASKED_MS)),
            )
            self._queue(db, token, OPT_IN, word[0], word[1].replace("{token}", token), now_ms)
        return ""

    def confirm(self, token: str, *, until_ms: int) -> Customer | None:
        """Note that it was them who asked; return the wish, or None where there is none."""
        with self.write() as db:
            db.execute("update customer set confirmed = 1, until_ms = ? where token = ?", (until_ms, token))
        return self.find(token)

    def find(self, token: str) -> Customer | None:
        """Return a wish."""
        with self.read() as db:
            row = db.execute(f"select {_CUSTOMER} from customer where token = ?", (token,)).fetchone()
        return None if row is None else _customer(row)

    def of_flight(self, flight: str) -> list[Customer]:
        """Return every confirmed wish for a flight."""
        with self.read() as db:
            rows = db.execute(
                f"select {_CUSTOMER} from customer where flight = ? and confirmed = 1 order by asked_ms, token",
                (flight,),
            ).fetchall()
        return [_customer(row) for row in rows]

    def of_address(self, address: str) -> list[Customer]:
        """Return every confirmed wish of one address or number."""
        with self.read() as db:
            rows = db.execute(
                f"select {_CUSTOMER} from customer where address = ? and confirmed = 1 order by flight, way", (address,)
            ).fetchall()
        return [_customer(row) for row in rows]

    def stop(self, token: str) -> bool:
        """Erase a wish, and every word about it; whether there was one."""
        with self.write() as db:
            return self._erase(db, "token = ?", (token,)) > 0

    def erase(self, address: str) -> int:
        """Erase everything of an address or number; return how many wishes that were."""
        with self.write() as db:
            return self._erase(db, "address = ?", (address,))

    def erase_due(self, now_ms: int) -> int:
        """Erase what no flight needs any more; return how many wishes that were."""
        with self.read() as db:
            if db.execute("select 1 from customer where until_ms <= ? limit 1", (now_ms,)).fetchone() is None:
                return 0
        with self.write() as db:
            return self._erase(db, "until_ms <= ?", (now_ms,))

    @staticmethod
    def _erase(db: Connection, where: str, values: tuple[object, ...]) -> int:
        db.execute(f"delete from telling where customer in (select token from customer where {where})", values)
        return db.execute(f"delete from customer where {where}", values).rowcount

    # ---------------------------------------------------------------------------------------------- words

    def tell(self, news: str, words: Sequence[tuple[str, str, str]], now_ms: int) -> None:
        """Queue news: (token, title, text) for each passenger, each once whatever happens."""
        with self.write() as db:
            for token, title, text in words:
                self._queue(db, token, news, title, text, now_ms)

    @staticmethod
    def _queue(db: Connection, token: str, news: str, title: str, text: str, now_ms: int) -> None:
        db.execute(
            f"insert or ignore into telling ({_WORD}) "
            "select ?, ?, ?, ?, 'queued', 0, ?, 0, ?, null, '' where exists (select 1 from customer where token = ?)",
            (token, news, title, text, now_ms, now_ms, token),
        )

    def unsent(self) -> list[Word]:
        """Return what is queued or was being sent, oldest first."""
        with self.read() as db:
            rows = db.execute(
                f"select {_WORD} from telling where state in ('queued', 'sending') order by decided_ms, rowid"
            ).fetchall()
        return [_word(row) for row in rows]

    def told(self, news: str) -> list[Word]:
        """Return what became of one piece of news, passenger by passenger."""
        with self.read() as db:
            rows = db.execute(f"select {_WORD} from telling where news = ? order by rowid", (news,)).fetchall()
        return [_word(row) for row in rows]

    def note(self, word: Word) -> None:
        """Write down what became of a word; one whose passenger has stopped meanwhile is gone, and stays so."""
        with self.write() as db:
            db.execute(
                "update telling set state = ?, tries = ?, due_ms = ?, again = ?, sent_ms = ?, note = ? "
                "where customer = ? and news = ?",
                (
                    *(word.state, word.tries, word.due_ms, word.again, word.sent_ms, word.note),
                    *(word.customer, word.news),
                ),
            )

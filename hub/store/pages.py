"""The outbox: pages to be sent, and for every one ever decided whether it went out and why (not).

A page is queued in the transaction that decides it and handed to the notify worker by that commit. Until the worker has
recorded its fate it may or may not have gone out, so after a crash it is sent again, marked `again`: a page rather
twice than never. A page that surely did not go out is held by session 0, until a commit holds it for the next attempt.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from itertools import islice
from typing import Literal

import msgspec

from andgate.moment.moments import Moment
from hub.store.rows import NAMED, PageRow, PageState

COLUMNS = (
    "id, page, kind, moment, expectation, touchpoint, key, team, channel, title, text, reason, left_s, late, cancels, "
    "state, decided_ms, due_ms, tries, sent_ms, again, note, session, "
    "person, "
    "delivered_ms, read_ms, stands_for, bundle, adds"
)
_INSERT = f"insert into page ({COLUMNS}) values ({', '.join('?' * 29)})"
_UPDATE = (
    "update page set state = ?, due_ms = ?, tries = ?, sent_ms = ?, again = ?, note = ?, session = ?, "
    "delivered_ms = ?, read_ms = ?, bundle = ? where id = ?"
)


def page_row(row: tuple[object, ...]) -> PageRow:
    """Make a PageRow of a row of `COLUMNS`."""
    return msgspec.convert(
        dict(zip(PageRow.__struct_fields__, row, strict=True))
        | {"late": bool(row[13]), "cancels": bool(row[14]), "again": bool(row[20])},
        PageRow,
    )


QUEUED = f"select {COLUMNS} from page where state = 'queued' order by +id"
"""With the + SQLite sorts the few that wait, and reads no others to have them in order."""
BUNDLED = "select id, moment from page where bundle in (?, ?) and bundle != ''"
"""Without its last words SQLite would not use the index over what is bundled, and read every page there ever was."""
_NOTE_MOST = 1_000
"""Characters of a page's note: a pager that answers under ever new names fills no disk."""
_LAST = 50
"""Pages over a channel that are asked whether it ever says that it delivered."""
_REMEMBERED = 2_048
"""Moments whose deliveries stay in memory, beside those of which something waits to be sent."""


def _first(*times_ms: int | None) -> int | None:
    """Return the first that is known."""
    return next((each for each in times_ms if each is not None), None)


class PageFate(msgspec.Struct, frozen=True):
    """What the notify worker reports of one delivery."""

    id: int
    moment: str
    state: PageState
    note: str
    tries: int
    due_ms: int
    sent_ms: int | None = None
    surely_unsent: bool = False
    """The attempt cannot have reached anybody (no connection): sending it later is not `again`. Before it is tried once
    more it must be held (`Pages.held`)."""
    delivered_ms: int | None = None
    """When its receiver's device had it, where the channel said so at once."""
    read_ms: int | None = None
    """When a person saw it, where the channel said so at once."""


class Receipt(msgspec.Struct, frozen=True):
    """What a receiver said of a delivery after it went out."""

    id: int
    moment: str
    at_ms: int
    read: bool = False
    """A person saw it; else only the device has it."""


class Pages:
    """The writing side of the outbox; one thread.

    All deliveries of a moment are read once, when the moment is first asked for, and then kept in memory while they
    matter: a burst of a thousand pages asks the database nothing twice.
    """

    def __init__(self, db: sqlite3.Connection, session: int) -> None:
        """Read what is still queued; rows that another session held may have gone out, so they are marked `again`."""
        self._db = db
        self._session = session
        self._next = (db.execute("select max(id) from page").fetchone()[0] or 0) + 1
        self._new: dict[int, PageRow] = {}
        self._changed: dict[int, PageRow] = {}
        self._moments: OrderedDict[str, dict[int, PageRow]] = OrderedDict()
        self.queued: dict[int, PageRow] = {}
        self._answers: dict[int, list[str]] = {}
        """What was answered to deliveries that are still on their way."""
        for values in db.execute(QUEUED):
            row = page_row(values)
            held = msgspec.structs.replace(row, session=session, again=row.again or row.session not in {0, session})
            self.queued[row.id] = self._changed[row.id] = held

    @property
    def dirty(self) -> bool:
        """Whether anything waits for the commit."""
        return bool(self._new or self._changed)

    def _of(self, moment: str) -> dict[int, PageRow]:
        known = self._moments.get(moment)
        if known is None:
            stored = self._db.execute(f"select {COLUMNS} from page where moment = ? order by id", (moment,))
            known = {row.id: self._changed.get(row.id, row) for row in map(page_row, stored)}
            self._moments[moment] = known
        else:
            self._moments.move_to_end(moment)
        return known

    def opened(self, moment: str) -> None:
        """Say that a moment is new, so that nobody looks for its deliveries."""
        self._moments.setdefault(moment, {})

    def of(self, moment: str) -> list[PageRow]:
        """Return every delivery of a moment, with what waits for the commit."""
        return list(self._of(moment).values())

    def known(self, moment: str, page: str, kind: str, group: str, channel: str) -> bool:
        """Whether this very delivery was decided before: a page is sent once."""
        wanted = (page, kind, group, channel)
        return any((it.page, it.kind, it.group, it.channel) == wanted for it in self._of(moment).values())

    def hold(self) -> tuple[int, int]:
        """Return the `id` and the `session` of a new delivery."""
        self._next += 1
        return self._next - 1, self._session

    def begin(  # noqa: PLR0913 - a delivery says as much
        self,
        page: str,
        about: Moment | str,
        to: tuple[str, str, str | None],
        now_ms: int,
        *,
        reason: str,
        kind: Literal["page", "over"] = "page",
        state: PageState = "queued",
        note: str = "",
        title: str = "",
        text: str = "",
        touchpoint: str = "",
        left_s: float = 0.0,
        late: bool = False,
        cancels: bool = False,
        stands_for: int | None = None,
    ) -> PageRow:
        """Add a delivery of which nobody has tried anything yet, due now, and return it.

        Args:
            page: the page's name; whoever is told it in several ways is told the same page.
            about: the moment; or what a page that is about none stands under, and then it has no expectation.
            to: group, channel, and the person whose channel it is; None: the group's own.
            now_ms: site time.
            reason: why it was decided.
            kind: a page, or the word that it is over.
            state: its first fate: to be sent, or not at all.
            note: why that, in words.
            title: where.
            text: what it says.
            touchpoint: where a page that is about no moment belongs.
            left_s: time left then.
            late: it was decided later than it should have been.
            cancels: a claim cancels it.
            stands_for: the delivery in whose place it goes.
        """
        moment = None if isinstance(about, str) else about
        id, session = self.hold()
        row = PageRow(
            id=id,
            page=page,
            kind=kind,
            moment=about if isinstance(about, str) else about.id,
            expectation="" if moment is None else moment.expectation,
            touchpoint=touchpoint if moment is None else moment.touchpoint,
            key=None if moment is None else moment.key,
            group=to[0],
            channel=to[1],
            person=to[2],
            title=title,
            text=text,
            reason=reason,
            left_s=left_s,
            late=late,
            cancels=cancels,
            state=state,
            decided_ms=now_ms,
            due_ms=now_ms,
            tries=0,
            sent_ms=None,
            again=False,
            note=note,
            session=session,
            stands_for=stands_for,
        )
        self.add(row)
        return row

    def add(self, row: PageRow) -> None:
        """Add a delivery, whose `id` and `session` come from `hold`."""
        self._of(row.moment)[row.id] = self._new[row.id] = row
        if row.state == "queued":
            self.queued[row.id] = row

    def cancel(self, moment: str, note: str, *, claimed: bool) -> list[int]:
        """Cancel a moment's queued pages (only those that a claim cancels, if `claimed`); return their ids."""
        gone = [
            row
            for row in self._of(moment).values()
            if row.state == "queued" and row.kind == "page" and (row.cancels or not claimed)
        ]
        for row in gone:
            self._put(msgspec.structs.replace(row, state="cancelled", note=note))
        return [row.id for row in gone]

    def mute(self, moment: str, id: int, note: str) -> bool:
        """Keep back a queued page, as `note` says; whether there was one."""
        row = self._of(moment).get(id)
        if row is None or row.state != "queued":
            return False
        self._put(msgspec.structs.replace(row, state="muted", note=note))
        return True

    def moment_of(self, page: str) -> str | None:
        """Return the moment that a page was about, None if there is no such page."""
        for row in self._new.values():
            if row.page == page:
                return row.moment
        found = self._db.execute("select moment from page where page = ?", (page,)).fetchone()
        return None if found is None else str(found[0])

    def answered(self, moment: str, page: str | None, note: str) -> None:
        """Add what somebody answered to the notes of a moment's pages, or of one of them, as far as there is room."""
        for row in self.of(moment):
            about = row.kind == "page" and row.channel and page in {None, row.page}
            if about and note not in row.note and len(row.note) + len(note) < _NOTE_MOST:
                self._put(msgspec.structs.replace(row, note=f"{row.note}; {note}" if row.note else note))
                if row.state == "queued":
                    self._answers.setdefault(row.id, []).append(note)

    def fate(self, fate: PageFate) -> None:
        """Record what became of a delivery. What was surely sent is told so even if it was cancelled meanwhile."""
        row = self._of(fate.moment).get(fate.id)
        if row is None or (row.state != "queued" and fate.state != "sent"):
            return
        if row.state == "cancelled":
            note = f"sent just before this: {row.note}"
        else:  # whoever has the page may answer before its channel says what became of it
            answers = [row.note] if row.state == "sent" else self._answers.get(row.id, ())
            note = "; ".join(dict.fromkeys(filter(None, (fate.note, *answers))))
        session = 0 if fate.surely_unsent else self._session
        # Whoever is asked to take it once more may have had it: all but what surely never left.
        in_doubt = fate.state == "queued" and fate.tries > 0 and not fate.surely_unsent
        self._put(
            msgspec.structs.replace(
                row,
                state=fate.state,
                note=note,
                tries=fate.tries,
                due_ms=fate.due_ms,
                sent_ms=fate.sent_ms,
                again=row.again or in_doubt,
                session=session,
                delivered_ms=_first(row.delivered_ms, fate.delivered_ms, fate.read_ms),
                read_ms=_first(row.read_ms, fate.read_ms),
            )
        )

    def received(self, receipt: Receipt) -> PageRow | None:
        """Record what a receiver said; return the delivery as it is now, None if that is no news.

        Whoever has it was sent it, whatever the channel believed.
        """
        row = self._of(receipt.moment).get(receipt.id)
        if row is None or not row.channel or row.read_ms is not None or (row.delivered_ms and not receipt.read):
            return None
        now = msgspec.structs.replace(
            row,
            delivered_ms=_first(row.delivered_ms, receipt.at_ms),
            read_ms=_first(row.read_ms, receipt.at_ms) if receipt.read else row.read_ms,
        )
        if row.state in {"queued", "failed"}:
            now = msgspec.structs.replace(now, state="sent", sent_ms=_first(row.sent_ms, receipt.at_ms))
        self._put(now)
        return now

    def change(self, row: PageRow) -> PageRow:
        """Keep a delivery as it is now; return it."""
        self._put(row)
        return row

    def bundled(self, bundle: str, *, named: bool = False) -> list[PageRow]:
        """Return the deliveries that a page about several moments tells; with `named` also those it names once more."""
        wanted = (bundle, bundle + NAMED) if named else (bundle, bundle)
        stored = self._db.execute(BUNDLED, wanted).fetchall()
        stored += [(row.id, row.moment) for row in (*self._new.values(), *self._changed.values())]
        rows = (self._of(moment).get(id) for id, moment in dict.fromkeys(stored) if moment != bundle)
        return [row for row in rows if row is not None and row.bundle in wanted]

    def lately(self, most: int) -> list[PageRow]:
        """Return the newest pages about moments, oldest first."""
        rows = self._db.execute(
            f"select {COLUMNS} from page where kind = 'page' and channel != '' order by id desc limit ?", (most,)
        ).fetchall()
        return [row for row in map(page_row, reversed(rows)) if row.about is not None]

    def delivers(self, channel: str) -> bool:
        """Whether a person's channel said of one of its last pages that it delivered: then silence says something."""
        (found,) = self._db.execute(
            "select count(delivered_ms) from (select delivered_ms from page where person = ? and channel = ? "
            "order by id desc limit ?)",
            (channel.partition("/")[0], channel, _LAST),
        ).fetchone()
        return bool(found)

    def held(self, id: int, moment: str) -> None:
        """Say that a delivery is about to be tried, of which it was on record that it surely did not go out."""
        row = self._of(moment).get(id)
        if row is not None and row.state == "queued" and row.session != self._session:
            self._put(msgspec.structs.replace(row, session=self._session))

    def _put(self, row: PageRow) -> None:
        self._of(row.moment)[row.id] = row
        if row.id in self._new:
            self._new[row.id] = row
        else:
            self._changed[row.id] = row
        if row.state == "queued":
            self.queued[row.id] = row
        else:
            self.queued.pop(row.id, None)
            self._answers.pop(row.id, None)

    def write(self) -> None:
        """Add what waits to the transaction."""
        if self._new:
            self._db.executemany(_INSERT, [msgspec.structs.astuple(row) for row in self._new.values()])
        if self._changed:
            self._db.executemany(
                _UPDATE,
                [
                    (
                        row.state,
                        row.due_ms,
                        row.tries,
                        row.sent_ms,
                        row.again,
                        row.note,
                        row.session,
                        row.delivered_ms,
                        row.read_ms,
                        row.bundle,
                        row.id,
                    )
                    for row in self._changed.values()
                ],
            )

    def committed(self) -> None:
        """What waited is written."""
        self._new.clear()
        self._changed.clear()
        for moment in list(islice(self._moments, max(0, len(self._moments) - _REMEMBERED))):
            if any(row.state == "queued" for row in self._moments[moment].values()):
                self._moments.move_to_end(moment)  # it is asked for again when it has gone out
            else:
                del self._moments[moment]

"""Reading the store from any thread: read-only connections beside the one that writes.

What a `Reader` shows is what is committed, never more. Everything here may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from andgate.coverage import Spell
from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment, State
from andgate.moment.signals import Before, Signal
from andgate.plan.quiet import Quiets
from andgate.quiet import Span, suspensions
from andgate.wire.messages import Health
from hub.store import hushes
from hub.store.journal import GENESIS, decode_body
from hub.store.pages import COLUMNS as PAGE_COLUMNS
from hub.store.pages import page_row
from hub.store.persons import FIND, Names
from hub.store.query import Where, number_of, place_of
from hub.store.rates import Rates
from hub.store.rollup import IS_PROMISE, IS_TASK
from hub.store.rows import (
    BUNDLE,
    NAMED,
    NOTICE,
    ChainHead,
    Entry,
    FaultRow,
    Listing,
    MuteRow,
    NodeRow,
    OutcomeListing,
    OutcomeRow,
    OutcomeState,
    PageListing,
    PageRow,
    QuarantineRow,
    SenderRow,
    SignalRow,
    TrailLine,
)
from hub.store.tally import FAILURE
from hub.store.taps import COLUMNS as TAP_COLUMNS
from hub.store.taps import Tap

_moment = msgspec.json.Decoder(Moment).decode


class _Quiet(msgspec.Struct):
    """Of a plan, what it says about quiet."""

    quiet: Quiets = Quiets()


_listens = msgspec.json.Decoder(_Quiet).decode
_SHOWN = {(False, False): "withdrawn = 0", (True, False): "withdrawn != 2", (False, True): "withdrawn != 1"}
"""(withdrawn ones, those of training) -> which of the column `withdrawn`."""
_health = msgspec.json.Decoder(Health).decode


class Reader(Rates):
    """Everything the screens, the API and the reports may know. Close it when done; it is a context manager too."""

    def __init__(self, data: Path) -> None:
        """Read the database in the data folder `data`; UsageError if there is none."""
        super().__init__(data)
        self._names = Names(self._named)

    # ---------------------------------------------------------------------------------------------- moments

    def moment(self, moment: str) -> Moment | None:
        """Return the newest publication of a moment (also a withdrawn one), or None if there is none."""
        row = self._one("select body from moment where id = ?", (moment,))
        return None if row is None else self._moment(row[0])

    def _moment(self, body: bytes) -> Moment:
        return self._names.moment(_moment(body))

    def _named(self, id: str) -> str | None:
        row = self._one(FIND, (id,))
        return None if row is None else str(row[0])

    def trail(self, moment: str) -> tuple[TrailLine, ...]:
        """Return every event of a moment, oldest first."""
        rows = self._all(
            "select e.n, e.now_ms, e.body, t.idx from trail t join entry e on e.n = t.n where t.moment = ? "
            "order by t.n, t.idx",
            (moment,),
        )
        lines = []
        body, of = None, 0
        for n, now_ms, blob, index in rows:
            if body is None or of != n:
                body, of = decode_body(blob), n
            event = self._names.event(body.events[index])
            lines.append(TrailLine(n=n, at_ms=event.at_ms, now_ms=now_ms, event=event))
        return tuple(lines)

    def signals_of(self, moment: str) -> tuple[SignalRow, ...]:
        """Return the signals that a moment's trail names, in the order of the fold."""
        names: dict[str, None] = {}
        for line in self.trail(moment):
            name = getattr(line.event, "signal", None)
            if isinstance(name, str):
                names[name] = None
        found = (self.signal(name) for name in names)
        return tuple(sorted((row for row in found if row is not None), key=lambda row: row.signal.order))

    def signals_at(
        self, touchpoint: str, *, most: int, entries: int
    ) -> tuple[tuple[Signal, int, tuple[AnyEvent, ...]], ...]:
        """Return the latest signals of a place, newest first: each with its entry's time and events.

        Args:
            touchpoint: where.
            most: so many at most.
            entries: of so many of the journal's last entries.
        """
        found: list[tuple[Signal, int, tuple[AnyEvent, ...]]] = []
        needle = f'"touchpoint":"{touchpoint}"'.encode()
        with self._borrow() as db:
            for (body,) in db.execute("select body from entry order by n desc limit ?", (entries,)):
                if needle not in body:
                    continue
                step = decode_body(body)
                here = [it for it in step.in_ if isinstance(it, Signal) and it.touchpoint == touchpoint]
                found += [(it, step.now, step.events) for it in reversed(here)]
                if len(found) >= most:
                    break
        return tuple(found[:most])

    def signal(self, signal: str) -> SignalRow | None:
        """Return one stored signal by its identity."""
        row = self._one("select entry, state, first_at_ms, at_ms, within_ms, body from signal where id = ?", (signal,))
        if row is None:
            return None
        entry, state, first_at_ms, at_ms, within_ms, body = row
        if body is not None:
            return SignalRow(msgspec.json.decode(body, type=Signal), 0, "untimed", first_at_ms)
        stored = self._one("select body from entry where n = ?", (entry,))
        if stored is None:
            return None
        for given in decode_body(stored[0]).in_:
            if isinstance(given, Signal) and given.id == signal:
                known = msgspec.structs.replace(given, at_ms=at_ms, within_ms=within_ms)
                return SignalRow(known, entry, "judged" if state == 0 else "untimed", first_at_ms, within_ms)
        return None

    def moments(  # noqa: PLR0913 - the API's own filters
        self,
        *,
        state: State | None = None,
        expectation: str | None = None,
        touchpoint: str | None = None,
        key: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
        withdrawn: bool = False,
        training: bool = False,
        tasks: bool | None = False,
    ) -> Listing:
        """Return moments opened in [since, until), newest opening first; a bad cursor is a PayloadError.

        Remedy tasks are left out unless `expectation` names theirs; `tasks` True: only they; None: both.
        """
        where = Where()
        if expectation is None and tasks is not None:
            where.add(IS_TASK if tasks else IS_PROMISE)
        # The literal lets SQLite use the index over open moments alone.
        if state == "open":
            where.add("state = 'open'")
        else:
            where.add("state = ?", state)
        where.add("expectation = ?", expectation)
        where.add("touchpoint = ?", touchpoint)
        where.add("key = ?", key)
        where.add("opened_ms >= ?", since_ms)
        where.add("opened_ms < ?", until_ms)
        if not (withdrawn and training):
            where.add(_SHOWN[withdrawn, training])
        if cursor is not None:
            where.add("(opened_ms, id) < (?, ?)", *place_of(cursor))
        rows = self._all(
            f"select opened_ms, id, body from moment{where} order by opened_ms desc, id desc limit ?",
            (*where.values, limit + 1),
        )
        more = f"{rows[limit - 1][0]}.{rows[limit - 1][1]}" if len(rows) > limit else None
        return Listing(items=tuple(self._moment(row[2]) for row in rows[:limit]), next=more)

    def day_moments(self, since_ms: int) -> tuple[Moment, ...]:
        """Return every moment that has ended, or failed, at `since_ms` or later: the floor's day; oldest end first."""
        rows = self._all(
            f"select body from moment where decided_ms >= ? and withdrawn = 0 and {IS_PROMISE} order by decided_ms, id",
            (since_ms,),
        )
        return tuple(self._moment(row[0]) for row in rows)

    def failures(self, *, since_ms: int, until_ms: int, limit: int = 1_000) -> tuple[Moment, ...]:
        """Return the failed moments opened in [since, until), newest opening first."""
        rows = self._all(
            # The literal lets SQLite use the index over failed moments alone.
            f"select body from moment where opened_ms >= ? and opened_ms < ? and counts & {FAILURE} != 0 "
            f"and {IS_PROMISE} "
            "order by opened_ms desc, id desc limit ?",
            (since_ms, until_ms, limit),
        )
        return tuple(self._moment(row[0]) for row in rows)

    def outcomes(
        self,
        interaction: str,
        *,
        state: OutcomeState | None = None,
        key: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> OutcomeListing:
        """Return the outcomes of an interaction, newest first."""
        where = Where()
        where.add("interaction = ?", interaction)
        where.add("state = ?", state)
        where.add("key = ?", key)
        where.add("at_ms >= ?", since_ms)
        where.add("at_ms < ?", until_ms)
        if cursor is not None:
            where.add("(at_ms, occurrence) < (?, ?)", *place_of(cursor))
        rows = self._all(
            "select interaction, key, state, first, failing, at_ms, decided_ms, occurrence from outcome"
            f"{where} order by at_ms desc, occurrence desc limit ?",
            (*where.values, limit + 1),
        )
        items = tuple(
            OutcomeRow(row[0], row[1], row[2], row[3], tuple(msgspec.json.decode(row[4])), row[5], row[6])
            for row in rows[:limit]
        )
        more = f"{rows[limit - 1][5]}.{rows[limit - 1][7]}" if len(rows) > limit else None
        return OutcomeListing(items=items, next=more)

    def on_its_way(self, task: Moment, interactions: Iterable[str]) -> Moment:
        """Return a remedy task with what else had failed for its flight, where many are served at once: a line.

        The engine knows failures of the same key; which flights stood in a line is known by the interactions' outcomes.
        """
        known = {task.remedies, *(each.moment for each in task.before)}
        found: dict[str, Moment] = {}
        for gate in interactions if task.key is not None else ():
            row = self._one("select failing from outcome where interaction = ? and occurrence = ?", (gate, task.key))
            for name in [] if row is None else msgspec.json.decode(row[0], type=list[str]):
                other = None if name in known else self.moment(name)
                if other is not None and other.key is None and other.ends_ms <= task.opened_ms:
                    found[name] = other
        more = [Before(each.id, each.expectation, each.touchpoint, each.ends_ms) for each in found.values()]
        if not more:
            return task
        return msgspec.structs.replace(
            task, before=tuple(sorted((*task.before, *more), key=lambda each: (each.at_ms, each.moment)))
        )

    def spells(self, touchpoint: str, at_ms: int) -> tuple[Spell, ...]:
        """Return who was blind at a touchpoint at a time, from when to when, as known by now."""
        rows = self._all(
            "select device, touchpoint, from_ms, to_ms from spell "
            "where touchpoint = ? and from_ms <= ? and (to_ms is null or to_ms > ?) order by from_ms, device",
            (touchpoint, at_ms, at_ms),
        )
        return tuple(Spell(*row) for row in rows)

    # ---------------------------------------------------------------------------------------------- pages, nodes

    def delivery(self, id: int) -> PageRow | None:
        """Return one delivery of a page; None where there is none (any more)."""
        row = self._one(f"select {PAGE_COLUMNS} from page where id = ?", (id,))
        if row is None:
            return None
        found = page_row(row)
        return msgspec.structs.replace(found, note=self._names.text(found.note))

    def taps(self, page: int) -> tuple[Tap, ...]:
        """Return who used the link of a delivery, first come first, by opaque id."""
        rows = self._all(f"select {TAP_COLUMNS} from tap where page = ? order by at_ms, who", (page,))
        return tuple(Tap(*row) for row in rows)

    def pages(self, *, moment: str | None = None, cursor: str | None = None, limit: int = 100) -> PageListing:
        """Return deliveries, newest first: each page sent or not sent, over each channel, with the reason."""
        where = Where()
        where.add("moment = ?", moment)
        if cursor is not None:
            where.add("id < ?", number_of(cursor))
        rows = self._all(
            f"select {PAGE_COLUMNS} from page{where} order by id desc limit ?",
            (*where.values, limit + 1),
        )
        more = str(rows[limit - 1][0]) if len(rows) > limit else None
        found = (page_row(row) for row in rows[:limit])
        items = tuple(msgspec.structs.replace(row, note=self._names.text(row.note)) for row in found)
        return PageListing(items=items, next=more)

    def told_by(self, page: str) -> tuple[str, ...]:
        """Return the moments that a page tells: one, those of a bundle, or none where there is no such page."""
        rows = self._all(
            # The index over what is bundled wants to hear that it is.
            "select distinct moment from page where (page = ? or (bundle in (?, ?) and bundle != '')) "
            "and kind = 'page' and moment not like ? and moment not like ? order by moment",
            (page, page, page + NAMED, f"{NOTICE}%", f"{BUNDLE}%"),
        )
        return tuple(row[0] for row in rows)

    def name_of(self, id: str) -> str:
        """Return whose opaque id it is; "somebody" for one that was erased."""
        return self._names.name(id)

    def unsent(self) -> int:
        """Return how many deliveries wait in the outbox."""
        row = self._one("select count(*) from page where state = 'queued'")
        return 0 if row is None else int(row[0])

    def nodes(self) -> tuple[NodeRow, ...]:
        """Return every node of the plan and every other one ever seen, by id."""
        rows = self._all(
            "select n.node, n.state, n.session, n.boot, n.version, n.config, n.wanted, n.since_ms, n.seen_ms, "
            "n.health, n.health_ms, b.offset_ms, "
            "(select coalesce(sum(untimed), 0) from boot u where u.node = n.node), n.blind, n.fault, "
            "b.within_ms, b.clock "
            "from node n left join boot b on b.node = n.node and b.boot = n.boot order by n.node"
        )
        return tuple(
            NodeRow(
                node=row[0],
                state=row[1],
                session=row[2],
                boot=row[3],
                version=row[4],
                config=row[5],
                wanted=row[6],
                since_ms=row[7],
                seen_ms=row[8],
                health=None if row[9] is None else _health(row[9]),
                health_ms=row[10],
                offset_ms=row[11],
                untimed=row[12],
                blind=tuple(msgspec.json.decode(row[13])),
                fault=row[14],
                within_ms=row[15],
                clock=row[16],
            )
            for row in rows
        )

    def faults(self) -> tuple[FaultRow, ...]:
        """Return every fault of a node or device, oldest first; also those that do not yet stand long enough."""
        rows = self._all(
            "select node, device, kind, since_ms, seen_ms, detail, page from fault "
            "order by since_ms, node, device, kind"
        )
        return tuple(FaultRow(*row) for row in rows)

    def senders(self) -> tuple[SenderRow, ...]:
        """Return how much came from each node and feed; written once a minute."""
        rows = self._all(
            "select kind, sender, accepted, duplicates, quarantined, minute, seen_ms from sender order by kind, sender"
        )
        return tuple(SenderRow(*row) for row in rows)

    def mutes(self) -> tuple[MuteRow, ...]:
        """Return every mute that anybody made, newest first, with people's names."""
        with self._borrow() as db:
            rows = hushes.mutes(db)
        name = self._names.name
        return tuple(
            msgspec.structs.replace(
                row,
                owner=name(row.owner),
                by=name(row.by),
                ended_by=None if row.ended_by is None else name(row.ended_by),
            )
            for row in rows
        )

    def suspensions(self) -> tuple[tuple[str, Span], ...]:
        """Return when which contact suspended, newest first."""
        with self._borrow() as db:
            said = hushes.contacts(db)
        found = [(contact, span) for contact, spans in suspensions(said.values()).items() for span in spans]
        return tuple(sorted(found, key=lambda each: each[1].from_ms, reverse=True))

    def listened(self) -> list[tuple[int, bool]]:
        """Return since when the hub only listened (true) or paged (false), oldest first; empty: it always paged."""
        with self._borrow() as db:
            return hushes.listened(db)

    def listening_plans(self) -> list[tuple[int, frozenset[str]]]:
        """Return since when each plan is in force, and which places only listen by it, oldest first."""
        rows = self._all("select at_ms, body from plan order by entry", ())
        return [(at_ms, frozenset(_listens(body).quiet.listens)) for at_ms, body in rows]

    def begun_ms(self) -> int:
        """Return when the record that is here began; 0 where there is none."""
        row = self._one("select min(at_ms) from plan", ())
        return 0 if row is None or row[0] is None else int(row[0])

    def quarantine(self, limit: int = 100) -> tuple[QuarantineRow, ...]:
        """Return what was not taken, newest first; the store keeps the newest 10,000."""
        rows = self._all(
            "select id, at_ms, topic, reason, payload, size from quarantine order by id desc limit ?", (limit,)
        )
        return tuple(QuarantineRow(*row) for row in rows)

    def quarantined(self) -> int:
        """Return how many things were ever quarantined."""
        return int(self.meta("quarantined") or 0)

    # ---------------------------------------------------------------------------------------------- the journal

    def chain(self) -> ChainHead:
        """Return the head of the journal's hash chain; entry 0 for an empty journal."""
        row = self._one("select n, hash from entry order by n desc limit 1")
        return ChainHead(0, GENESIS.hex()) if row is None else ChainHead(row[0], row[1].hex())

    def entries(self, first: int = 1) -> Iterator[Entry]:
        """Yield journal entries from `first` on, in order."""
        with self._borrow() as db:
            for row in db.execute("select n, now_ms, body, prev, hash from entry where n >= ? order by n", (first,)):
                yield Entry(*row)

    def meta(self, key: str) -> str | None:
        """Return a fact about the store: ``epoch``, ``session``, ``quarantined``."""
        row = self._one("select value from meta where key = ?", (key,))
        return None if row is None else str(row[0])

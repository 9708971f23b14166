"""What the pages read: the hub's reader, its open moments and its clock, asked for exactly what a screen shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.moment.lessons import Advice, advice
from andgate.plan import task_of
from andgate.quiet import places
from hub.fleet.faults import Fault, standing
from hub.store.covered import Asked
from hub.web.pages.spans import local
from hub.web.pages.told import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from andgate.coverage import Covered, Spell
    from andgate.moment.events import AnyEvent
    from andgate.moment.moments import Moment
    from andgate.moment.signals import Signal
    from andgate.plan import Plan
    from andgate.quiet import Span
    from hub.clock import HubClock
    from hub.quiet import View
    from hub.store.reader import Reader
    from hub.store.rows import (
        By,
        CellRow,
        Listing,
        MuteRow,
        NodeRow,
        OutcomeRow,
        PageRow,
        QuarantineRow,
        SenderRow,
        SignalRow,
        TallyRow,
        TrailLine,
    )
    from hub.web.context import Judge

MOST_OUTCOMES = 20_000
"""Outcomes a report looks at: three months of the largest airport's arrivals."""
MOST_FAILURES = 5_000
PAGE = 1_000


class Query(Struct, frozen=True, kw_only=True):
    """Filters of the list of moments."""

    state: str | None = None
    verdict: str | None = None
    """``success``, ``failure``, ``void``, or ``saved``."""
    expectation: str | None = None
    touchpoint: str | None = None
    key: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    cause: str | None = None
    """A cause as it was given, or ``-`` for those without."""
    week_hour: tuple[int, int] | None = None
    """Local weekday (Monday 0) and hour of the opening."""
    cursor: str | None = None
    limit: int = 50

    @property
    def picky(self) -> bool:
        """Whether most of what the store finds may not fit."""
        return not (self.verdict is None and self.cause is None and self.week_hour is None)


class Found(Struct, frozen=True):
    """One page of the list of moments, newest opening first."""

    items: tuple[Moment, ...]
    next: str | None


class Source:
    """Reads only; every method may be called from any thread."""

    def __init__(self, driver: Judge, reader: Reader, clock: HubClock) -> None:
        """Read from a hub's parts."""
        self._driver = driver
        self._reader = reader
        self._clock = clock

    @property
    def clock_fault(self) -> str | None:
        """What is wrong with the clock of the hub's machine, in words."""
        return self._driver.timekeeper.fault

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._driver.plan

    @property
    def quiet(self) -> View:
        """What is quiet, as of the last commit."""
        return self._driver.quiet

    def mutes(self) -> tuple[MuteRow, ...]:
        """Return every mute that anybody made, newest first, with names."""
        return self._reader.mutes()

    def now_ms(self) -> int:
        """Return site time."""
        return self._clock.now_ms()

    def entry(self) -> int:
        """Return the journal's last entry: while it stands, nothing was judged anew."""
        return self._driver.chain.entry

    def rate(self) -> float:
        """Return site seconds per real second: 1, but for a demo."""
        return self._clock.rate

    def open_moments(self) -> tuple[Moment, ...]:
        """Return every open moment as last committed."""
        found = self._driver.open_moments()
        return tuple(moment for moment in found if not moment.withdrawn and moment.training is None)

    def advice(self, moment: Moment) -> tuple[Advice, ...]:
        """Return what to do first about a moment, in the order to try it, with what is on record."""
        promise = self.plan.judged.get(moment.expectation)
        actions = promise.first_actions(moment.touchpoint) if promise is not None else ()
        hour = local(self.now_ms(), self.plan.site.timezone).hour
        return advice(self._driver.lessons, actions, moment.expectation, moment.touchpoint, hour)

    def open_tasks(self) -> tuple[Moment, ...]:
        """Return what is owed after failures and not given yet, nearest deadline first."""
        gates = self.plan.interactions
        return tuple(self._reader.on_its_way(task, gates) for task in self._driver.open_tasks() if not task.withdrawn)

    def owed(self, since_ms: int, until_ms: int) -> dict[str, tuple[int, int]]:
        """Return how many remedy tasks of each promise were done in time, of how many."""
        rows = self._reader.tally(by="remedy", since_ms=since_ms, until_ms=until_ms)
        return {row.group: (row.counts.success, row.counts.success + row.counts.failure) for row in rows}

    def tasks_since(self, since_ms: int) -> tuple[Moment, ...]:
        """Return the remedy tasks opened since then, newest first."""
        return self._reader.moments(tasks=True, since_ms=since_ms, limit=PAGE).items

    def on_its_way(self, task: Moment) -> Moment:
        """Return a task with what else had failed for its flight on its way, a line at check-in too."""
        return self._reader.on_its_way(task, self.plan.interactions)

    def tasks_of(self, moment: Moment) -> tuple[Moment, ...]:
        """Return the task that makes a moment good; at most one."""
        found = self._reader.moments(expectation=task_of(moment.expectation), key=moment.key, limit=PAGE).items
        gates = self.plan.interactions
        return tuple(self._reader.on_its_way(task, gates) for task in found if task.remedies == moment.id)

    def decided(self, since_ms: int) -> tuple[Moment, ...]:
        """Return moments whose verdict counts and that ended, or failed, since then; oldest first."""
        return tuple(
            moment
            for moment in self._reader.day_moments(since_ms)
            if moment.verdict in ("success", "failure") and not moment.withdrawn
        )

    def moment(self, moment_id: str) -> Moment | None:
        """Return the newest publication of a moment."""
        return self._reader.moment(moment_id)

    def trail(self, moment_id: str) -> tuple[TrailLine, ...]:
        """Return what was decided about a moment, in the order in which it was decided."""
        return self._reader.trail(moment_id)

    def signals(self, moment_id: str) -> tuple[SignalRow, ...]:
        """Return the signals that the moment's trail names."""
        return self._reader.signals_of(moment_id)

    def listened(self) -> list[tuple[int, bool]]:
        """Return since when the hub only listened (true) or paged (false), oldest first; empty: it always paged."""
        return self._reader.listened()

    def listening_plans(self) -> list[tuple[int, frozenset[str]]]:
        """Return since when each plan is in force, and which places only listen by it, oldest first."""
        return self._reader.listening_plans()

    def begun_ms(self) -> int:
        """Return when the record began."""
        return self._reader.begun_ms()

    def judged(self, since_ms: int, until_ms: int, most: int) -> Iterator[Moment]:
        """Yield the moments opened in a span that have a verdict, newest first, at most so many."""
        cursor = None
        while most > 0:
            listing = self._reader.moments(since_ms=since_ms, until_ms=until_ms, cursor=cursor, limit=PAGE)
            yield from (moment for moment in listing.items if moment.verdict is not None)
            most -= PAGE
            cursor = listing.next
            if cursor is None:
                return

    def suspensions_of(self, moment: Moment) -> list[tuple[str, Span]]:
        """Return which alarms suspended a moment's place while it ran: where each is, and from when to when."""
        plan = self.plan
        found = []
        for name, span in self._reader.suspensions():
            device = plan.devices.get(name)
            where = device.touchpoint if device is not None else name.rstrip("/")
            suspends = plan.quiet.suspends.get(where)
            if suspends is None or moment.touchpoint not in places(suspends, plan):
                continue
            if span.meets(moment.opened_ms, min(moment.ended_ms or moment.ends_ms, moment.ends_ms)):
                found.append((plan.touchpoints[where].name, span))
        return found

    def signals_at(
        self, touchpoint: str, *, most: int, entries: int
    ) -> tuple[tuple[Signal, int, tuple[AnyEvent, ...]], ...]:
        """Return a place's latest signals, newest first: each with when it was judged and what was decided then."""
        return self._reader.signals_at(touchpoint, most=most, entries=entries)

    def deliveries(self, moment_id: str) -> tuple[PageRow, ...]:
        """Return its pages and what became of them, oldest first."""
        return tuple(reversed(self._reader.pages(moment=moment_id, limit=PAGE).items))

    def told(self, moment_id: str) -> tuple[TrailLine, ...]:
        """Return its trail with the pages that went out, to whom they went: nobody may believe in others."""
        return told(self.trail(moment_id), self.deliveries(moment_id))

    def find(self, query: Query) -> Found:
        """Return the moments that fit, newest opening first; reads on until a page is full or nothing is left."""
        found: list[Moment] = []
        cursor = query.cursor
        zone = self.plan.site.timezone
        while True:
            listing = self._list(query, cursor)
            found += [moment for moment in listing.items if fits(moment, query, zone)]
            cursor = listing.next
            if cursor is None or len(found) >= query.limit:
                return Found(tuple(found), cursor)

    def _list(self, query: Query, cursor: str | None) -> Listing:
        return self._reader.moments(
            training=True,
            state="open" if query.state == "open" else "ended" if query.state == "ended" else None,
            expectation=query.expectation,
            touchpoint=query.touchpoint,
            key=query.key,
            since_ms=query.since_ms,
            until_ms=query.until_ms,
            cursor=cursor,
            limit=PAGE if query.picky else query.limit,
        )

    def nodes(self) -> tuple[NodeRow, ...]:
        """Return every node."""
        return self._reader.nodes()

    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong with nodes and devices, oldest first; what does not stand long enough left out."""
        return standing(self._reader.faults(), self.now_ms())

    def senders(self) -> tuple[SenderRow, ...]:
        """Return how much came from whom."""
        return self._reader.senders()

    def coverage(self, by: By, since_ms: int, until_ms: int) -> dict[str, Covered]:
        """Return how much of what was due was seen, by group."""
        asked = Asked(since_ms, until_ms)
        return self._reader.coverage(by, asked, now_ms=self.now_ms(), timezone=self.plan.site.timezone)

    def shifts(self, expectation: str, since_ms: int, until_ms: int) -> tuple[TallyRow, ...]:
        """Return the counts of a promise by shift, of those shifts that began in a span."""
        return self._reader.tally(by="shift", expectation=expectation, since_ms=since_ms, until_ms=until_ms)

    def blind_ms(self, since_ms: int) -> int:
        """Return for how long places were blind since then, summed over places."""
        return sum(self._reader.blind_ms(since_ms=since_ms, now_ms=self.now_ms()).values())

    def quarantine(self, limit: int) -> tuple[QuarantineRow, ...]:
        """Return the latest rejects, newest first."""
        return self._reader.quarantine(limit)

    def spells(self, touchpoint: str, at_ms: int) -> tuple[Spell, ...]:
        """Return who was blind there and then, from when to when."""
        return self._reader.spells(touchpoint, at_ms)

    def cells(self, since_ms: int, until_ms: int) -> tuple[CellRow, ...]:
        """Return the tally, cell by cell."""
        return self._reader.cells(since_ms=since_ms, until_ms=until_ms)

    def outcomes(self, interaction: str, since_ms: int, until_ms: int) -> tuple[OutcomeRow, ...]:
        """Return an interaction's outcomes, oldest first, at most the newest `MOST_OUTCOMES`."""
        found: list[OutcomeRow] = []
        cursor = None
        while len(found) < MOST_OUTCOMES:
            listing = self._reader.outcomes(
                interaction, since_ms=since_ms, until_ms=until_ms, cursor=cursor, limit=PAGE
            )
            found += listing.items
            cursor = listing.next
            if cursor is None:
                break
        return tuple(reversed(found))

    def false_alarms(self, since_ms: int, until_ms: int) -> dict[str, int]:
        """Return how many moments were called false alarms, by touchpoint."""
        return self._reader.false_alarms(since_ms=since_ms, until_ms=until_ms)

    def failures(self, since_ms: int, until_ms: int) -> tuple[Moment, ...]:
        """Return failed moments opened in a span, newest first, at most `MOST_FAILURES`."""
        return self._reader.failures(since_ms=since_ms, until_ms=until_ms, limit=MOST_FAILURES)


def fits(moment: Moment, query: Query, zone: str) -> bool:
    """Return whether a moment passes the filters that the store does not know."""
    if query.verdict == "saved" and not moment.saved:
        return False
    if query.verdict not in (None, "saved", moment.verdict):
        return False
    if query.cause is not None and (moment.cause or "-") != query.cause:
        return False
    if query.week_hour is None:
        return True
    when = local(moment.opened_ms, zone)
    return (when.weekday(), when.hour) == query.week_hour

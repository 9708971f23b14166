"""When a shift ends: whose claims lapse, what the new shift is told, and who is warned of a shift with nobody on it.

Belongs to the driver's thread. The last boundary of each group that was handed over is in the store, written in the
transaction that does it: whatever dies in between, it is done once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import Plan, local_time
from andgate.routing import clock_text, place
from andgate.shifts import Turn, next_boundary, next_turns, on_at
from hub.people.roster import Known, on_turn, unreachable
from hub.store.people import Book
from hub.store.rows import UNSTAFFED

HUB = "andgate"
"""Who ends a claim when a shift ends."""
LOOK_MS = 15_000
"""So often it is looked whether people can be reached, while nothing else happens."""
_LISTED = 6
_DONE = "handover/"
_META = "insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value"
_FACT = "select value from meta where key = ?"


class Change(Struct, frozen=True):
    """A boundary at which shifts of a group ended."""

    group: str
    at_ms: int
    ended: tuple[Turn, ...]
    on: tuple[Turn, ...]
    """Who is on from then on."""


class Facts(Protocol):
    """What is needed of the store."""

    def fact(self, statement: str, values: tuple[Any, ...]) -> str | None:
        """Return the first value of the first row that a question finds."""

    def row(self, statement: str, values: tuple[Any, ...]) -> None:
        """Add a row to the transaction."""


class Handover:
    """Looks at boundaries of shifts; the driver's thread only."""

    def __init__(self, store: Facts, people: Known, plan: Plan) -> None:
        """Go on from what is stored."""
        self._store = store
        self._people = people
        self._done: dict[str, int] = {}
        """Group -> the boundary up to which everything is handed over."""
        self._look_ms = 0
        self._staffed_ms = 0
        self._number = -1
        self.use_plan(plan)

    def use_plan(self, plan: Plan) -> None:
        """Hand over by this plan from now on."""
        self._plan = plan
        self._groups = tuple(group.id for group in plan.groups.values() if group.shifts)
        self._look_ms = self._staffed_ms = 0

    def next_ms(self) -> int | None:
        """Return when to look again; None where nobody works in shifts."""
        return min(self._look_ms, self._staffed_ms) if self._groups else None

    # ---------------------------------------------------------------------------------------------- boundaries

    def look(self, now_ms: int) -> list[Change]:
        """Return the newest boundary of each group that has not been handed over, and take it as handed over."""
        if not self._groups or now_ms < self._look_ms:
            return []
        found = [self._newest(group, now_ms) for group in self._groups]
        ahead = (next_boundary(self._plan, group, now_ms) for group in self._groups)
        self._look_ms = min((at_ms for at_ms in ahead if at_ms is not None), default=now_ms + LOOK_MS * 240)
        return [change for change in found if change is not None]

    def _newest(self, group: str, now_ms: int) -> Change | None:
        done_ms = self._done.get(group)
        if done_ms is None:
            known = self._store.fact(_FACT, (_DONE + group,))
            if known is None:  # a group that has shifts for the first time has nothing to hand over
                self._set(group, now_ms)
                return None
            done_ms = self._done[group] = int(known)
        change = newest_change(self._plan, group, done_ms, now_ms)
        if change is not None:
            self._set(group, change.at_ms)
        return change

    def handed_ms(self, group: str) -> int | None:
        """Return the boundary up to which everything of a group is handed over; None: it never had one."""
        known = self._store.fact(_FACT, (_DONE + group,))
        return self._done.get(group, None if known is None else int(known))

    def _set(self, group: str, at_ms: int) -> None:
        self._done[group] = at_ms
        self._store.row(_META, (_DONE + group, str(at_ms)))

    def lapses(self, change: Change, moments: Iterable[Moment]) -> list[Action]:
        """Return what ends the claims of those who leave."""
        book = self._people.book()
        gone = leavers(book, change)
        if not gone:
            return []
        names = " and ".join(
            dict.fromkeys(self._plan.groups[change.group].shifts[turn.shift].name for turn in change.ended)
        )
        return [
            Action(
                id=f"handover/{change.group}/{change.at_ms}/{moment.id}/{claim.by}",
                do="unclaim",
                moment=moment.id,
                at_ms=change.at_ms,
                by=HUB,
                whose=claim.by,
                reason=f"{names} of {self._plan.groups[change.group].name} ended",
            )
            for moment in moments
            if change.group in groups_of(moment, self._plan)
            for claim in moment.coming
            if claim.by in gone and claim.at_ms < change.at_ms
        ]

    def concerned(self, group: str, moments: Iterable[Moment]) -> list[Moment]:
        """Return the moments that a new shift of a group must know of."""
        return [
            moment
            for moment in moments
            if group in groups_of(moment, self._plan)
            and moment.level in {"threatened", "failing", "failed"}
            and moment.training is None
        ]

    def told(self, change: Change, moments: Iterable[Moment], now_ms: int) -> tuple[str, str] | None:
        """Return title and text of what the new shift is told of these moments; None: nothing, or nobody is there."""
        mine = sorted(moments, key=lambda moment: (moment.ends_ms, moment.id))
        if not change.on or not mine:
            return None
        said = [f"{_said(moment, self._plan, now_ms)}" for moment in mine[:_LISTED]]
        more = f", and {len(mine) - _LISTED} more" if len(mine) > _LISTED else ""
        group = self._plan.groups[change.group]
        shift = " and ".join(dict.fromkeys(group.shifts[turn.shift].name for turn in change.on))
        return f"{shift}: handover", f"Handover to {shift}, {len(mine)} open: {', '.join(said)}{more}."

    # ---------------------------------------------------------------------------------------------- staffing

    def staffing(self, now_ms: int) -> dict[tuple[str, str, str], str] | None:
        """Return the groups with nobody who can be reached, now or when the next shift begins; None: not looked.

        By the key of the fault that it is: why, in words.
        """
        if not self._groups:
            if self._staffed_ms == 0:
                self._staffed_ms = now_ms + LOOK_MS
                return {}
            return None
        number = self._people.book().number
        if now_ms < self._staffed_ms and number == self._number:
            return None
        self._number = number
        self._staffed_ms = now_ms + LOOK_MS
        found = {}
        for group in self._groups:
            why = self._unstaffed(group, now_ms)
            if why is not None:
                found[f"group/{group}", "", UNSTAFFED] = why
        return found

    def _unstaffed(self, group: str, now_ms: int) -> str | None:
        plan, warning_ms = self._plan, self._plan.site.shift_warning_ms
        if not warning_ms:
            return None
        book = self._people.book()
        coming = next_turns(plan, group, now_ms)
        soon_ms = coming[0].start_ms if coming and coming[0].start_ms <= now_ms + warning_ms else None
        for at_ms in (now_ms, soon_ms):
            on = on_at(plan, group, at_ms) if at_ms is not None else ()
            why = self._alone(plan, book, on) if on else None
            if why is not None:
                turn = on[-1]
                begins = local_time(plan, turn.start_ms).strftime("%H:%M")
                return f"{plan.groups[group].shifts[turn.shift].name}, from {begins}: {why}"
        return None

    def _alone(self, plan: Plan, book: Book, on: Iterable[Turn]) -> str | None:
        people = {person.id: person for turn in on for person in on_turn(book, turn)}
        if not people:
            return "nobody stands on it"
        failed = self._people.failed(people)
        whys = [unreachable(plan, book, person, failed) for person in people.values()]
        if None in whys:
            return None
        who = "the one person on it" if len(people) == 1 else f"each of the {len(people)} people on it"
        return f"{who} {', '.join(dict.fromkeys(why for why in whys if why))}"


def newest_change(plan: Plan, group: str, after_ms: int, until_ms: int) -> Change | None:
    """Return the last boundary in (after, until] at which a shift of a group ended; None where none did."""
    found: Change | None = None
    at_ms = next_boundary(plan, group, after_ms)
    while at_ms is not None and at_ms <= until_ms:
        ended = tuple(turn for turn in on_at(plan, group, at_ms - 1) if turn.end_ms == at_ms)
        if ended:
            found = Change(group, at_ms, ended, on_at(plan, group, at_ms))
        at_ms = next_boundary(plan, group, at_ms)
    return found


def leavers(book: Book, change: Change) -> frozenset[str]:
    """Return who stood on a shift that ended and is on none of the group that goes on."""
    stay = {person.id for turn in change.on for person in on_turn(book, turn)}
    return frozenset(person.id for turn in change.ended for person in on_turn(book, turn)) - stay


def groups_of(moment: Moment, plan: Plan) -> frozenset[str]:
    """Return the groups that an open moment concerns: those whose place it is, and those whom it is escalated to."""
    promise = plan.judged.get(moment.expectation)
    touchpoint = plan.touchpoints.get(moment.touchpoint)
    groups = {step.group for step in promise.pages} if promise is not None else set()
    return frozenset(groups | ({touchpoint.group} if touchpoint is not None else set()))


def _said(moment: Moment, plan: Plan, now_ms: int) -> str:
    left = (moment.ends_ms - now_ms) / 1000
    time = f"{clock_text(left)} left" if left > 0 else "failed, customers wait"
    claimed = ", somebody is on it" if moment.coming else ""
    return f"{place(moment, plan)} ({time}{claimed})"

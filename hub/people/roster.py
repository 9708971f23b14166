"""Who stands on a turn, who is on now, who comes next, and who of them can be reached. Pure, but for `Roster`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Protocol

from msgspec import Struct

from andgate.plan import Plan, local_time
from andgate.plan.addresses import kind_of
from andgate.routing import personal
from andgate.shifts import Turn, next_turns, on_at, turns
from hub.people.directory import PHONES, channel_of
from hub.store.crew import Crew, Mate, Rota
from hub.store.people import Book, Duty, Person, StandIn

_HOUR_MIN = 60
_NAMED = 3


class Standing(Struct, frozen=True, kw_only=True):
    """Somebody's place on a turn, or that they are off it."""

    person: str | None
    """None: nobody stands in for `instead_of`."""
    duty: Duty | None = None
    """By the roster."""
    stand_in: StandIn | None = None
    """By a decision for this date; of somebody who is off, the one that took them off."""
    off: bool = False
    """The roster says so, but not on this date."""


def stands(duty: Duty, turn: Turn) -> bool:
    """Tell whether a line of the roster is about a turn."""
    if (duty.group, duty.shift) != (turn.group, turn.shift):
        return False
    if duty.date is not None:
        return duty.date == turn.date
    if (duty.first is not None and turn.date < duty.first) or (duty.last is not None and turn.date > duty.last):
        return False
    return date.fromisoformat(turn.date).weekday() in duty.days


def standings(book: Book, turn: Turn) -> tuple[Standing, ...]:
    """Return everybody who stands on a turn, and who does not although the roster says so.

    A later decision goes before an earlier one: whoever was put in someone's place can be replaced in turn.
    """
    placed: dict[str, Standing] = {}
    for duty in book.duties:
        if stands(duty, turn):
            placed.setdefault(duty.person, Standing(person=duty.person, duty=duty))
    empty: list[Standing] = []
    for each in book.stand_ins:
        if (each.group, each.shift, each.date) != turn.key:
            continue
        gone = placed.pop(each.instead_of, None) if each.instead_of is not None else None
        if gone is not None:
            empty.append(Standing(person=gone.person, duty=gone.duty, stand_in=each, off=True))
        if each.person is not None:
            placed[each.person] = Standing(person=each.person, stand_in=each)
    return (*placed.values(), *(each for each in empty if each.person not in placed))


def on_turn(book: Book, turn: Turn) -> tuple[Person, ...]:
    """Return the people who stand on a turn; those who are not active are not there."""
    found = [book.people.get(each.person or "") for each in standings(book, turn) if not each.off]
    return tuple(person for person in found if person is not None and person.active)


def on_now(plan: Plan, book: Book, group: str, at_ms: int) -> tuple[tuple[Turn, tuple[Person, ...]], ...]:
    """Return the turns of a group that are on at a time, with who stands on each."""
    return tuple((turn, on_turn(book, turn)) for turn in on_at(plan, group, at_ms))


def on_next(plan: Plan, book: Book, group: str, after_ms: int) -> tuple[tuple[Turn, tuple[Person, ...]], ...]:
    """Return the turns of a group that begin next, with who stands on each."""
    return tuple((turn, on_turn(book, turn)) for turn in next_turns(plan, group, after_ms))


def elsewhere(plan: Plan, book: Book, person: str, turn: Turn) -> Turn | None:
    """Return another turn, of any group, on which somebody stands while this one lasts; None: there is none."""
    for group in plan.groups:
        for each in turns(plan, group, turn.start_ms, turn.end_ms):
            if each.key != turn.key and any(mate.id == person for mate in on_turn(book, each)):
                return each
    return None


def ways(plan: Plan, book: Book, person: Person) -> tuple[int, ...]:
    """Return the ranks of somebody's channels that can work.

    Phones are one where a phone has asked to be paged, and one over a way of the plan where the plan still has it.
    """
    return tuple(
        rank
        for rank, url in enumerate(person.channels)
        if (channel_of(plan, "", url) is not None if kind_of(url) != PHONES else person.id in book.phones)
    )


def unreachable(plan: Plan, book: Book, person: Person, failed: Iterable[str] = ()) -> str | None:
    """Return why somebody cannot be reached, in words; None: they can, as far as anybody knows.

    Args:
        plan: the plan in force.
        book: everybody.
        person: who.
        failed: the people whom the last page did not reach, for good.
    """
    if not person.active:
        return "is not to be paged now"
    if not person.channels:
        return "has no way to be reached"
    if not ways(plan, book, person):
        phone = any(kind_of(url) == PHONES for url in person.channels)
        return "has not set up their phone yet" if phone else "has no way that the plan still has"
    if person.id in failed:
        return "was not reached by the last page"
    return None


def hushes(plan: Plan, person: Person, at_ms: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return the quiet spans of somebody that run now: (in words, rungs held back; empty: all)."""
    local = local_time(plan, at_ms)
    minute = local.hour * _HOUR_MIN + local.minute
    found = []
    for quiet in person.quiet:
        start, end = quiet.start_min, quiet.end_min
        runs = start <= minute < end if start < end else minute >= start or minute < end
        if runs:
            found.append((f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}", quiet.steps))
    return tuple(found)


class Known(Protocol):
    """Who knows everybody, and how the last pages to them went."""

    def book(self) -> Book:
        """Return everybody and every roster as of now."""

    def failed(self, ids: Iterable[str]) -> frozenset[str]:
        """Return who of these people was not reached by the last page to them, for good."""


class Roster(Rota):
    """Says for the outbox who of a group is paged now."""

    def __init__(self, people: Known) -> None:
        """Look into `people`."""
        self._people = people

    def crew(self, plan: Plan, group: str, now_ms: int) -> Crew | None:
        """Return who of a group is paged now, each on their first channel that can work.

        None where the plan gives the group no shifts: nobody is looked for then.
        """
        known = plan.groups.get(group)
        if known is None or not known.shifts:
            return None
        book = self._people.book()
        on = on_now(plan, book, group, now_ms)
        if not on:
            return Crew((), f"no shift of {known.name} is on")
        people = {person.id: person for _, crew in on for person in crew}
        shifts = " and ".join(known.shifts[turn.shift].name for turn, _ in on)
        if not people:
            return Crew((), f"nobody stands on {shifts} of {known.name}")
        mates = tuple(self._mate(plan, book, person, now_ms) for person in people.values() if ways(plan, book, person))
        failed = self._people.failed(people)
        whys = [unreachable(plan, book, person, failed) for person in people.values()]
        if None in whys:
            return Crew(mates)
        reasons = ", ".join(dict.fromkeys(why for why in whys if why is not None))
        who = "the one person" if len(people) == 1 else f"each of the {len(people)} people"
        return Crew(mates, f"{who} on {shifts} of {known.name} {reasons}")

    @staticmethod
    def _mate(plan: Plan, book: Book, person: Person, now_ms: int) -> Mate:
        return Mate(person.id, personal(person.id, ways(plan, book, person)[0]), hushes(plan, person, now_ms))

    def mate(self, plan: Plan, id: str, now_ms: int) -> Mate | None:
        """Return how one person is paged now; None where nobody knows them or they have no channel that can work."""
        book = self._people.book()
        person = book.people.get(id)
        if person is None or not person.active or not ways(plan, book, person):
            return None
        return self._mate(plan, book, person, now_ms)

"""One shift of one date: who stands on it and why, who could stand in, who could swap. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.plan.shift_words import days_words
from andgate.shifts import Turn, is_on, local_date, turns
from hub.people.roster import Standing, elsewhere, on_turn, standings, unreachable
from hub.store.people import Book
from hub.web.pages.shift_week import date_said, day_words
from hub.web.pages.spans import DAY_MS, hm
from hub.web.pages.words import rich, say

if TYPE_CHECKING:
    from markupsafe import Markup

    from andgate.plan import Plan

SWAP_MS = 14 * DAY_MS
"""So far ahead somebody is looked for who could swap."""


class Place(Struct, frozen=True, kw_only=True):
    """Somebody on a turn, as its own page shows them."""

    person: str
    name: str
    why: str
    why_not: str
    also: str
    """On which other shift they are meanwhile; empty where on none."""
    duty: int | None
    again: bool
    """The roster puts them on other dates as well."""
    stand_in: int | None


class Day(Struct, frozen=True, kw_only=True):
    """One shift of one date."""

    path: str
    back: str
    title: str
    sayable: Markup
    on: bool
    past: bool
    """It is over: nothing about it needs anybody any more."""
    places: tuple[Place, ...]
    off: tuple[Place, ...]
    people: tuple[tuple[str, str], ...]
    """(id, name) of everybody who could stand here."""
    others: tuple[tuple[str, str], ...]
    """(value, words) of other shifts of others."""
    weekday: str
    all_days: str


def one_day(plan: Plan, book: Book, turn: Turn, now_ms: int, failed: frozenset[str]) -> Day:
    """Return one shift of one date; pure."""
    group, zone = plan.groups[turn.group], plan.site.timezone
    shift, day = group.shifts[turn.shift], date.fromisoformat(turn.date)
    past = turn.end_ms <= now_ms
    places: list[Place] = []
    off: list[Place] = []
    for each in standings(book, turn):
        person = book.people.get(each.person or "")
        if person is None:
            continue
        place = Place(
            person=person.id,
            name=person.name,
            why=_why(book, each, local_date(zone, now_ms)),
            also="" if each.off or past else _also(plan, book, person.id, turn),
            why_not="" if past else unreachable(plan, book, person, failed) or "",
            duty=each.duty.id if each.duty is not None else None,
            again=each.duty is not None and each.duty.date is None,
            stand_in=each.stand_in.id if each.stand_in is not None else None,
        )
        (off if each.off else places).append(place)
    here = {place.person for place in places}
    return Day(
        path=f"/roster/{turn.group}/{turn.shift}/{turn.date}",
        back=f"/roster?group={turn.group}&week={(day - timedelta(days=day.weekday())).isoformat()}",
        title=say("turn.title", shift=shift.name, day=date_said(turn.date, local_date(zone, now_ms))),
        sayable=rich(
            "turn.say",
            shift=shift.name,
            group=group.name,
            day=day_words(day, long=True),
            start=hm(turn.start_ms, zone),
            end=hm(turn.end_ms, zone),
        ),
        on=is_on(plan, shift, turn.date),
        past=past,
        places=tuple(places),
        off=tuple(off),
        people=tuple((each.id, each.name) for each in book.people.values() if each.active and each.id not in here),
        others=_others(plan, book, turn, now_ms, here),
        weekday=say("roster.days.long").split()[day.weekday()],
        all_days=days_words(shift.days, holidays=shift.holidays),
    )


def _also(plan: Plan, book: Book, person: str, turn: Turn) -> str:
    other = elsewhere(plan, book, person, turn)
    if other is None:
        return ""
    group = plan.groups[other.group]
    return say("turn.also", shift=group.shifts[other.shift].name, group=group.name)


def _why(book: Book, standing: Standing, today: date) -> str:
    duty, decided = standing.duty, standing.stand_in
    parts: list[str] = []
    if standing.off and decided is not None:
        other = book.people.get(decided.person or "")
        person = book.people[standing.person or ""]
        said = (
            say("turn.off.for", name=person.name, other=other.name) if other else say("turn.off.why", name=person.name)
        )
        parts.append(said)
    elif decided is not None:
        replaced = book.people.get(decided.instead_of or "")
        parts.append(say("turn.why.instead", name=replaced.name) if replaced else say("turn.why.extra"))
    elif duty is not None and duty.date is not None:
        parts.append(say("turn.why.date"))
    elif duty is not None:
        parts.append(days_words(duty.days, holidays=False))
        parts += [say("turn.why.first", date=date_said(duty.first, today))] if duty.first else []
        parts += [say("turn.why.last", date=date_said(duty.last, today))] if duty.last else []
    if decided is not None:
        parts += [decided.reason] if decided.reason else []
        parts.append(
            say("turn.why.by", by=book.deciders.get(decided.by, decided.by if decided.by[:1] != "~" else "somebody"))
        )
    return ", ".join(parts)


def _others(plan: Plan, book: Book, turn: Turn, now_ms: int, here: set[str]) -> tuple[tuple[str, str], ...]:
    found = []
    since_ms = max(now_ms, turn.start_ms - SWAP_MS)
    for each in turns(plan, turn.group, since_ms, max(since_ms, turn.end_ms) + SWAP_MS):
        if each.key == turn.key or each.end_ms <= now_ms:
            continue
        on_it = on_turn(book, each)
        if here & {person.id for person in on_it}:
            continue  # whoever is on both has nothing to give
        shift = plan.groups[each.group].shifts[each.shift].name
        found += [
            (
                f"{each.shift} {each.date} {person.id}",
                say("turn.swap.option", name=person.name, shift=shift, day=day_words(date.fromisoformat(each.date))),
            )
            for person in on_it
            if person.id not in here
        ]
    return tuple(found)

"""The week of a group: who stands on each of its shifts. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup
from msgspec import Struct

from andgate.shifts import Turn, is_on, local_date, turn_of
from hub.people.roster import Standing, on_next, on_now, standings, unreachable
from hub.store.people import Book, Person
from hub.web.pages.spans import hm
from hub.web.pages.words import listed, rich, say

if TYPE_CHECKING:
    from andgate.plan import Group, Plan

DAYS = 7


class Mate(Struct, frozen=True, kw_only=True):
    """Somebody on a shift, as the week shows them."""

    name: str
    more: str
    """For whom they stand in; empty where the roster says so."""
    why_not: str
    """Why they cannot be reached; empty where they can."""


class Cell(Struct, frozen=True, kw_only=True):
    """One shift of one date."""

    href: str
    label: str
    """All of it in a sentence."""
    on: bool
    """By the plan."""
    now: bool
    past: bool
    """It is over: nothing about it needs anybody any more."""
    mates: tuple[Mate, ...]


class Crew(Struct, frozen=True, kw_only=True):
    """Who of a group is on now."""

    group: str
    name: str
    on: bool
    """One of its shifts is on."""
    mates: tuple[Mate, ...]


class Week(Struct, frozen=True, kw_only=True):
    """A group's week."""

    group: str
    groups: tuple[tuple[str, str], ...]
    """(id, name) of every group with shifts."""
    on: Markup
    next: Markup
    now: tuple[Crew, ...]
    """Every group with shifts."""
    days: tuple[tuple[str, bool], ...]
    """(words, whether it is a holiday)."""
    shifts: tuple[tuple[str, str, tuple[Cell, ...]], ...]
    """(name, span, its cells)."""
    title: str
    before: str
    after: str


def day_words(day: date, *, long: bool = False) -> str:
    """Return ``Mon 23 Nov``."""
    name = say("roster.days.long" if long else "roster.days").split()[day.weekday()]
    return f"{name} {day.day} {say('months').split()[day.month - 1]}"


def date_said(text: str, today: date) -> str:
    """Return a date as people write it, ``Mon 23 Nov``; with the year where it is another one than today's."""
    day = date.fromisoformat(text)
    return day_words(day) if day.year == today.year else f"{day_words(day)} {day.year}"


def week(plan: Plan, book: Book, group: Group, monday: date, now_ms: int, failed: frozenset[str]) -> Week:
    """Return a group's week; pure."""
    days = [monday + timedelta(days=each) for each in range(DAYS)]
    shifts = tuple(
        (
            shift.name,
            _span(shift.start_min, shift.end_min),
            tuple(_cell(plan, book, group, shift.id, day, now_ms, failed) for day in days),
        )
        for shift in group.shifts.values()
    )
    base, today = f"/roster?group={group.id}&week=", local_date(plan.site.timezone, now_ms)
    return Week(
        group=group.id,
        groups=tuple((each.id, each.name) for each in plan.groups.values() if each.shifts),
        on=_on_words(plan, book, group, now_ms, failed),
        next=_next_words(plan, book, group, now_ms, failed),
        now=tuple(_crew(plan, book, each, now_ms, failed) for each in plan.groups.values() if each.shifts),
        days=tuple((day_words(day), day.isoformat() in plan.site.holidays) for day in days),
        shifts=shifts,
        title=say("roster.week", first=day_words(days[0]), last=date_said(days[-1].isoformat(), today)),
        before=f"{base}{(monday - timedelta(days=DAYS)).isoformat()}",
        after=f"{base}{(monday + timedelta(days=DAYS)).isoformat()}",
    )


def _crew(plan: Plan, book: Book, group: Group, now_ms: int, failed: frozenset[str]) -> Crew:
    on = on_now(plan, book, group.id, now_ms)
    people = {person.id: person for _, mates in on for person in mates}  # where two shifts overlap, once
    mates = [
        Mate(name=person.name, more="", why_not=unreachable(plan, book, person, failed) or "")
        for person in people.values()
    ]
    return Crew(group=group.id, name=group.name, on=bool(on), mates=tuple(mates))


def _cell(plan: Plan, book: Book, group: Group, shift: str, day: date, now_ms: int, failed: frozenset[str]) -> Cell:
    turn = turn_of(plan, group.id, shift, day.isoformat())
    assert turn is not None  # noqa: S101 - the shift is the group's own
    past = turn.end_ms <= now_ms
    mates = tuple(_mate(plan, book, each, failed, past=past) for each in standings(book, turn) if not each.off)
    mates = tuple(mate for mate in mates if mate.name)
    on = is_on(plan, group.shifts[shift], turn.date)
    names = [say("roster.mate.unreached", name=mate.name) if mate.why_not else mate.name for mate in mates]
    said = listed(names) or say("roster.nobody") if on else say("roster.off")
    return Cell(
        href=f"/roster/{group.id}/{shift}/{turn.date}",
        label=say("roster.cell", shift=group.shifts[shift].name, day=day_words(day), people=said),
        on=on,
        now=on and turn.start_ms <= now_ms < turn.end_ms,
        past=past,
        mates=mates,
    )


def _mate(plan: Plan, book: Book, standing: Standing, failed: frozenset[str], *, past: bool) -> Mate:
    person = book.people.get(standing.person or "")
    if person is None or not person.active:
        return Mate(name="", more="", why_not="")
    more = ""
    if standing.stand_in is not None:
        replaced = book.people.get(standing.stand_in.instead_of or "")
        more = say("roster.for", name=replaced.name) if replaced is not None else say("roster.extra")
    why_not = None if past else unreachable(plan, book, person, failed)
    return Mate(name=person.name, more=more, why_not=why_not or "")


def _on_words(plan: Plan, book: Book, group: Group, now_ms: int, failed: frozenset[str]) -> Markup:
    said = [
        rich(
            "roster.on.turn",
            shift=group.shifts[turn.shift].name,
            until=hm(turn.end_ms, plan.site.timezone),
            people=_counted(plan, book, people, failed),
        )
        for turn, people in on_now(plan, book, group.id, now_ms)
    ]
    return rich("roster.on", who=_joined(said) or say("roster.on.noshift"))


def _next_words(plan: Plan, book: Book, group: Group, now_ms: int, failed: frozenset[str]) -> Markup:
    said = [
        rich(
            "roster.next.turn",
            shift=group.shifts[turn.shift].name,
            start=_starts(plan, turn, now_ms),
            people=_counted(plan, book, people, failed),
        )
        for turn, people in on_next(plan, book, group.id, now_ms)
    ]
    return rich("roster.next", who=_joined(said) or say("roster.next.none"))


def _starts(plan: Plan, turn: Turn, now_ms: int) -> str:
    zone = plan.site.timezone
    at = hm(turn.start_ms, zone)
    day = local_date(zone, turn.start_ms)
    return at if day == local_date(zone, now_ms) else f"{day_words(day)} {at}"


def _joined(said: list[Markup]) -> Markup | None:
    return Markup(", ").join(said) if said else None


def _counted(plan: Plan, book: Book, people: tuple[Person, ...], failed: frozenset[str]) -> Markup:
    reached = sum(unreachable(plan, book, person, failed) is None for person in people)
    if not people:
        return rich("roster.people.none")
    if len(people) == 1:
        return rich("roster.people.one" if reached else "roster.people.one.not")
    if reached < len(people):
        return rich("roster.people.some", n=len(people), reached=reached)
    return rich("roster.people", n=len(people))


def _span(start_min: int, end_min: int) -> str:
    return f"{start_min // 60:02d}:{start_min % 60:02d}–{end_min // 60:02d}:{end_min % 60:02d}"

"""What may be written into lists and rosters: the same words for the API and the pages.

Raises RefusedError with what is wrong and what to do; nothing is written then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import msgspec

from andgate.errors import RefusedError
from andgate.plan import Plan, local_time
from andgate.shifts import Turn, turn_of
from hub.people.addresses import wrong_with_all
from hub.people.roster import elsewhere, on_turn
from hub.store.people import Book, Duty, Person, Quiet, StandIn

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_MOST_NAME = 60
_FIRST_YEAR, _LAST_YEAR = 2000, 2999
"""Shifts of other years are slips of the hand, and the calendar itself ends before a shift of its last day does."""


def person(given: Person, plan: Plan) -> Person:
    """Return somebody as they may be kept: the name tidied, every channel looked at."""
    name = " ".join(given.name.split())
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        raise RefusedError(f"a name has 1 to {_MOST_NAME} characters. Write it as the person says it")
    if name.startswith("~") or name in {"somebody", "andgate"}:
        raise RefusedError(f'"{name}" cannot be a name here. Write it as the person says it')
    for language in given.languages:
        if not _LANGUAGE.fullmatch(language):
            raise RefusedError(f'"{language[:20]}" is no short code of a language. Write one such as "it" or "en-GB"')
    wrong = wrong_with_all(given.channels, plan)
    if wrong is not None:
        raise RefusedError(wrong)
    for quiet in given.quiet:
        if quiet.start_min == quiet.end_min:
            raise RefusedError("a quiet span ends when it begins. Write from when to when")
    return Person(
        id=given.id,
        name=name,
        languages=tuple(dict.fromkeys(given.languages)),
        channels=given.channels,
        quiet=given.quiet,
        active=given.active,
    )


def minute(text: str) -> int:
    """Return minutes from midnight of ``22:00``."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise RefusedError(f'"{text[:20]}" is no time of the day. Write one such as "22:00"')
    return int(found[1]) * 60 + int(found[2])


def span(start: str, end: str, steps: tuple[int, ...] = ()) -> Quiet:
    """Return a quiet span."""
    return Quiet(minute(start), minute(end), steps)


def day(text: str) -> str:
    """Return a date that the calendar has."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise RefusedError(f'"{text[:20]}" is no date. Write one such as "2026-12-24"')
    return found.isoformat()


def duty(given: Duty, plan: Plan) -> Duty:
    """Return a line of the roster as it may be kept."""
    _shift(plan, given.group, given.shift)
    if bool(given.days) == (given.date is not None):
        raise RefusedError("a line of the roster has days of the week or one date. Give one of the two")
    for each in (given.date, given.first, given.last):
        if each is not None:
            day(each)
    if given.date is not None and (given.first or given.last):
        raise RefusedError("one date needs no span of dates. Leave that out")
    if given.first is not None and given.last is not None and given.last < given.first:
        raise RefusedError("the last date is before the first. Swap them")
    return given


def stand_in(given: StandIn, plan: Plan) -> StandIn:
    """Return a decision for one shift of one date as it may be kept."""
    _shift(plan, given.group, given.shift)
    day(given.date)
    if given.person is None and given.instead_of is None:
        raise RefusedError("nobody is named. Say who stands there, or who does not")
    if given.person == given.instead_of:
        raise RefusedError("nobody stands in for themselves. Name two people")
    return given


def swap(wanted: Sequence[StandIn], book: Book, plan: Plan) -> list[StandIn]:
    """Return decisions that belong together as they may be kept, looked at all at once.

    Whoever gives a shift away must stand on it, and whoever takes one must not be on another of any group meanwhile.
    """
    after = msgspec.structs.replace(book, stand_ins=(*book.stand_ins, *wanted))
    for each in wanted:
        turn = turn_of(plan, each.group, each.shift, each.date)
        if turn is None:
            continue  # `stand_in` has refused it
        if each.instead_of is not None and all(mate.id != each.instead_of for mate in on_turn(book, turn)):
            raise RefusedError(f"{_name(book, each.instead_of)} is not on {_said(plan, turn)} any more. Look again")
        other = elsewhere(plan, after, each.person, turn) if each.person is not None else None
        if each.person is not None and other is not None:
            raise RefusedError(
                f"{_name(book, each.person)} would be on two shifts at once: {_said(plan, turn)}, and "
                f"{_said(plan, other)}. Take them off the other one first, or swap with somebody else"
            )
    return list(wanted)


def _name(book: Book, id: str) -> str:
    known = book.people.get(id)
    return known.name if known is not None else "somebody"


def _said(plan: Plan, turn: Turn) -> str:
    group, at = plan.groups[turn.group], local_time(plan, turn.start_ms)
    return f"{group.shifts[turn.shift].name} of {group.name} on {at:%A} {at.day} {at:%B}"


def _shift(plan: Plan, group: str, shift: str) -> None:
    known = plan.groups.get(group)
    if known is None:
        raise RefusedError(f'the plan has no group "{group[:63]}". It has: {", ".join(plan.groups) or "none"}')
    if shift not in known.shifts:
        raise RefusedError(f'{known.name} have no shift "{shift[:63]}". They have: {", ".join(known.shifts) or "none"}')

"""One person's page: how they are reached and whether that works, when they are on next, what is kept of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.routing import personal
from andgate.shifts import Turn, turns
from hub.people.roster import on_turn, unreachable
from hub.web.pages.reach import is_fresh, last_words, order, typed_of, way_name
from hub.web.pages.spans import DAY_MS, date_words, hm, midnight_ms, when_words
from hub.web.pages.speech import languages
from hub.web.pages.words import say

if TYPE_CHECKING:
    from andgate.plan import Plan
    from hub.store.people import Book, LastPage, Person

AHEAD_MS = 28 * DAY_MS
"""So far ahead somebody's next shifts are looked for."""
SOON_MS = 2 * DAY_MS
"""So far ahead they can be put on a shift from their own page; further on, the roster does it."""
_MOST_TURNS = 6
QUIET_MOST = 8
"""Quiet spans of one person."""
_HOUR_MIN = 60


class Way(Struct, frozen=True):
    """One way to reach somebody."""

    number: int
    order: str
    name: str
    last: str
    failed: bool


class Fields(Struct, frozen=True, kw_only=True):
    """A person as the form shows them."""

    name: str = ""
    languages: str = ""
    ways: tuple[tuple[str, str], ...] = ()
    """(choice, what was typed beside it), in the order in which they are tried."""
    quiet: tuple[tuple[str, str, str], ...] = ()
    """(from, to, rungs of the ladder that are held back, as ``2,3``; none: all)."""
    active: bool = True

    @property
    def spans(self) -> tuple[tuple[str, str, str], ...]:
        """Return the quiet spans, with room for one more."""
        return (*self.quiet, ("", "", ""))[:QUIET_MOST]


class Story(Struct, frozen=True, kw_only=True):
    """One person's page."""

    id: str
    name: str
    speaks: str
    why_not: str
    ways: tuple[Way, ...]
    looks: bool
    """Something may still become of a page: it is looked at again and again."""
    turns: tuple[tuple[str, str], ...]
    """(address, words) of the next shifts."""
    free: tuple[tuple[str, str], ...]
    """(value, words) of shifts that they could be put on: those that are on, and those that begin soon."""


def story(
    plan: Plan, book: Book, person: Person, failed: frozenset[str], last: dict[str, LastPage], now_ms: int
) -> Story:
    """Return one person's page; pure."""
    zone = plan.site.timezone
    coming = sorted(turn for group in plan.groups for turn in turns(plan, group, now_ms, now_ms + AHEAD_MS))
    on = [turn for turn in coming if any(each.id == person.id for each in on_turn(book, turn))]
    pages = [(url, last.get(personal(person.id, rank))) for rank, url in enumerate(person.channels)]
    return Story(
        id=person.id,
        name=person.name,
        speaks=languages(person.languages),
        why_not=unreachable(plan, book, person, failed) or "",
        ways=tuple(
            Way(
                number,
                order(number),
                way_name(plan, url),
                last_words(page, url, now_ms, zone),
                page is not None and page.state == "failed",
            )
            for number, (url, page) in enumerate(pages, 1)
        ),
        looks=any(is_fresh(page, now_ms) for _, page in pages),
        turns=tuple(
            (
                f"/roster/{turn.group}/{turn.shift}/{turn.date}",
                f"{plan.groups[turn.group].shifts[turn.shift].name}, {when_words(turn.start_ms, now_ms, zone)}",
            )
            for turn in on[:_MOST_TURNS]
        ),
        free=tuple(
            (" ".join(turn.key), _option(plan, turn, now_ms))
            for turn in coming
            if turn not in on and turn.start_ms < now_ms + SOON_MS
        ),
    )


def _option(plan: Plan, turn: Turn, now_ms: int) -> str:
    group, zone = plan.groups[turn.group], plan.site.timezone
    today = midnight_ms(turn.start_ms, zone) == midnight_ms(now_ms, zone)
    return say(
        "person.put.option",
        shift=group.shifts[turn.shift].name,
        group=group.name,
        day=say("moment.today") if today else date_words(turn.start_ms, zone),
        start=hm(turn.start_ms, zone),
        end=hm(turn.end_ms, zone),
    )


def fields_of(person: Person) -> Fields:
    """Return somebody as the form shows them."""
    return Fields(
        name=person.name,
        languages=languages(person.languages),
        ways=typed_of(person.channels),
        quiet=tuple(
            (_time(each.start_min), _time(each.end_min), ",".join(map(str, each.steps))) for each in person.quiet
        ),
        active=person.active,
    )


def _time(minute: int) -> str:
    return f"{minute // _HOUR_MIN:02d}:{minute % _HOUR_MIN:02d}"

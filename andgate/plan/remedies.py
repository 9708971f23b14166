"""Reads what a promise says about its failure: what to do first against it, why it may happen, what is owed then."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import get_args

from andgate.plan.durations import format_duration
from andgate.plan.model import Category, Cause, PageStep, Remedy
from andgate.plan.tables import Book, Table, known, show

CATEGORIES: tuple[Category, ...] = get_args(Category)
WITHIN_MOST_MS = 43_200_000
"""A task and the time until it is given up are over before the engine lets go of the failure: twice 12 hours."""
MOST = 12
"""Of anything that a tired person is to choose from."""
WORDS_MOST = 80
"""Characters of one choice: a button has no room for more."""
_ID_MOST = 63

PagesOf = Callable[[Table, Collection[str], int | None, str], tuple[PageStep, ...]]


def read_remedy(
    table: Table, groups: Collection[str], places: Collection[str], pages: PagesOf
) -> tuple[str | None, Remedy | None]:
    """Read ``remedy``: words, or a table with words, a time and a group. Return both; None for what is not there.

    Args:
        table: of the promise.
        groups: ids.
        places: the touchpoints of the promise; a table without a group needs one to page.
        pages: reads a ladder.
    """
    if not isinstance(table.content.get("remedy"), dict):
        return table.text("remedy"), None
    inner = table.table("remedy")
    assert inner is not None  # noqa: S101 - it is a table
    text = inner.text("text", example="Apologise in person; priority tag on the bags.")
    within = inner.duration("within", example="30m", positive=True)
    if within is not None and within > WITHIN_MOST_MS:
        limit = format_duration(WITHIN_MOST_MS)
        inner.wrong("within", f"{format_duration(within)} is longer than {limit}", f"Write at most {limit}")
    group = inner.reference("group", groups, "group")
    may = read_choices(inner, "may", "priority tag")
    ladder = pages(inner, groups, within, "within")
    inner.close()
    if not places or text is None or within is None or group is None:
        return text, None
    return text, Remedy(
        within_ms=within, group=group, may=may, pages=ladder or (PageStep(left_ms=within, group=group),)
    )


def read_causes(table: Table, threatens: Collection[str]) -> tuple[tuple[Cause, ...], dict[str, str]]:
    """Read ``[expectations.ID.causes]``: the list by category, and which signal speaks for which of them."""
    inner = table.table("causes")
    if inner is None:
        return (), {}
    found: dict[str, Cause] = {}
    for category in CATEGORIES:
        for place, text in enumerate(read_choices(inner, category, "Too few desks open")):
            cause = Cause(id=slug(text), category=category, text=text)
            if cause.id in found:
                inner.book.note(
                    (*inner.path, category, place),
                    f"{show(text)} is the same as {show(found[cause.id].text)} under {found[cause.id].category}",
                    "Name each cause once",
                )
            else:
                found[cause.id] = cause
    proposed = inner.table("proposed_by")
    proposes: dict[str, str] = {}
    if proposed is not None:
        for signal in proposed.content:
            words = proposed.text(signal)
            if signal not in threatens:
                proposed.wrong(signal, f"{show(signal)} neither threatens this nor fails it", _speakers(threatens))
            elif words is not None and slug(words) not in found:
                texts = [cause.text for cause in found.values()]
                proposed.wrong(signal, f"no cause {show(words)} in the list", known(words, texts, "cause"))
            elif words is not None:
                proposes[signal] = slug(words)
    inner.close()
    if not found:
        table.wrong("causes", "names no cause", 'Write at least one, as in people = ["Too few desks open"]')
    return tuple(found.values()), proposes


def _speakers(threatens: Collection[str]) -> str:
    return known("", threatens, "signal") if threatens else "Name it in threatens or fails_on too"


def read_first(table: Table, places: Collection[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Read ``first`` and ``[expectations.ID.first_at]``: what to do first, and where it is something else."""
    first = read_choices(table, "first", "Open a second desk")
    inner = table.table("first_at")
    if inner is None:
        return first, {}
    there: dict[str, tuple[str, ...]] = {}
    for place in inner.content:
        actions = read_choices(inner, place, "Open a second desk")
        if place not in places:
            inner.wrong(place, f"{show(place)} is no touchpoint of this promise", known(place, places, "touchpoint"))
        elif actions:
            there[place] = actions
    return first, there


def read_choices(table: Table, key: str, example: str) -> tuple[str, ...]:
    """Read a list of short words for people to choose from, none twice."""
    table.asked.add(key)
    value = table.content.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        table.wrong(key, f"must be a list, not {show(value)}", f'Write it in brackets, as in {key} = ["{example}"]')
        return ()
    if len(value) > MOST:
        table.wrong(key, f"has {len(value)} of them", f"Write at most {MOST}: nobody reads more in a hurry")
    taken: dict[str, str] = {}
    for place, member in enumerate(value):
        text = _words(table.book, (*table.path, key, place), member)
        if text is None:
            continue
        if slug(text) in taken:
            table.book.note((*table.path, key, place), f"{show(text)} is named twice", "Delete one of the two")
        else:
            taken[slug(text)] = text
    return tuple(taken.values())


def _words(book: Book, path: tuple[str | int, ...], member: object) -> str | None:
    """Return words that can stand on a button, or note why they cannot."""
    if not isinstance(member, str):
        book.note(path, f"must be text, not {show(member)}", "Write it in quotes")
        return None
    text = " ".join(member.split())
    if not slug(text) or not text.isprintable():
        book.note(path, f"{show(member)} has nothing to read in it", "Write words")
    elif len(text) > WORDS_MOST:
        book.note(path, f"has {len(text)} characters", f"Write at most {WORDS_MOST}: it stands on a button")
    else:
        return text
    return None


def slug(text: str) -> str:
    """Return what words are counted by: letters and digits of any script in lower case, hyphens between."""
    return re.sub(r"[\W_]+", "-", text.casefold()).strip("-")[:_ID_MOST].strip("-")

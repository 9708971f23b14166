"""What people speak: as they write it, as it is kept, and who of those on shift speaks what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from andgate.errors import RefusedError
from hub.people.roster import on_now
from hub.web.pages.words import ENGLISH, listed, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from andgate.plan import Plan
    from hub.store.people import Book

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_SHOWN = 30


def language(tag: str) -> str:
    """Return what a language is called: ``Italian``, ``English (GB)``; one without a name here by its tag."""
    plain, _, more = tag.partition("-")
    name = ENGLISH.get(f"language.{plain.lower()}")
    if name is None:
        return tag
    return f"{name} ({more})" if more else name


def languages(tags: Iterable[str]) -> str:
    """Return what somebody speaks, as they would write it: ``Italian, English``."""
    return ", ".join(language(tag) for tag in tags)


def tags_of(text: str) -> tuple[str, ...]:
    """Return the tags of languages as people write them: ``Italian, en-GB``, with commas or blanks between.

    Raises:
        RefusedError: one of them is none.
    """
    found: list[str] = []
    for part in re.split(r"[,;]", text):
        words = part.split()
        whole = _tag(" ".join(words))
        found += [whole] if whole is not None else [_sure(word) for word in words]
    return tuple(dict.fromkeys(found))


def _sure(word: str) -> str:
    tag = _tag(word)
    if tag is None:
        raise RefusedError(say("language.none", text=word[:_SHOWN]))
    return tag


def _tag(text: str) -> str | None:
    """Return the tag of one language: by its name (``English (GB)``), or as it is."""
    name, _, more = text.removesuffix(")").partition(" (")
    for key, known in ENGLISH.items():
        if key.startswith("language.") and known.casefold() == name.casefold():
            tag = key.removeprefix("language.")
            return f"{tag}-{more}" if more else tag
    return text if _TAG.fullmatch(text) else None


def speakers(plan: Plan, book: Book, now_ms: int) -> tuple[tuple[str, str], ...]:
    """Return (language, who on shift speaks it, with their group), for whoever needs words with a customer.

    Each group's people stand there once, however many shifts overlap; the languages are in the order of the alphabet.
    """
    found: dict[str, dict[str, None]] = {}
    for tag, name in _spoken(plan, book, now_ms):
        found.setdefault(language(tag), {})[name] = None
    return tuple((each, listed(list(names))) for each, names in sorted(found.items()))


def _spoken(plan: Plan, book: Book, now_ms: int) -> Iterator[tuple[str, str]]:
    for group in plan.groups.values():
        for _, people in on_now(plan, book, group.id, now_ms):
            for person in people:
                for tag in person.languages:
                    yield tag, say("speaks.who", name=person.name, group=group.name)

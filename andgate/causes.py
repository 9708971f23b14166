"""Why promises were broken: what a site may choose from, what the machines propose, and how often each was given.

A cause is given by a person, about a failed moment, from the plan's list or in words of their own. What devices and the
hub know of (a belt that stood, a sensor that did not see, a floor that was evacuated) is only proposed: nobody has said
so until a person takes it up. A failure about which nobody has said anything counts as "not yet known".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from msgspec import Struct

from andgate.plan import Category, Cause, Expectation

CATEGORIES: tuple[Category, ...] = get_args(Category)
"""In the order in which people are asked."""

USUAL: tuple[Cause, ...] = (
    Cause("nobody-free", "people", "Nobody free in time"),
    Cause("too-few-staff", "people", "Too few staff on the shift"),
    Cause("not-briefed", "people", "Not briefed or handed over"),
    Cause("too-many-customers", "time", "Too many customers at once"),
    Cause("started-late", "time", "Started late"),
    Cause("waited-for-others", "time", "Waited for somebody else's work"),
    Cause("equipment", "quality", "Equipment did not work"),
    Cause("wrong-information", "quality", "Wrong or missing information"),
    Cause("done-twice", "quality", "Had to be done again"),
    Cause("saved-on-staff", "cost", "Staff had been saved on"),
    Cause("saved-on-equipment", "cost", "Equipment or material had been saved on"),
)
"""What people choose from where the plan has no list: a dozen that every floor knows."""

BLIND = Cause("sensor-blind", "quality", "A sensor did not see")
"""What a blind device proposes."""
SUSPENDED = Cause("suspended", "time", "The floor was cleared")
"""What a suspension (a fire alarm) proposes."""


def split(words: str) -> tuple[Category | None, str]:
    """Return the category that a cause's words begin with, if they do, and the rest: ``people: desk 3 closed``."""
    for category in CATEGORIES:
        if words.startswith(f"{category}: "):
            return category, words[len(category) + 2 :]
    return None, words


class Fact(Struct, frozen=True):
    """What a machine knows that may be why a promise was broken."""

    kind: Literal["signal", "blind", "suspended"]
    """A signal that threatens or fails the promise; a device that did not see; a site or an area that was suspended."""
    word: str = ""
    """The signal's name, or why it was suspended."""
    who: str = ""
    """The device or feed that said so, or the one that did not see."""


class Proposal(Struct, frozen=True):
    """A cause that nobody has confirmed."""

    cause: Cause
    because: str
    """In words: which fact speaks for it."""


def choices(expectation: Expectation | None) -> tuple[Cause, ...]:
    """Return what people choose from: the plan's list, or the usual ones where it has none."""
    return (expectation.causes if expectation is not None else ()) or USUAL


def by_category(causes: Iterable[Cause]) -> dict[Category, tuple[Cause, ...]]:
    """Return causes under their categories, people first; empty ones left out."""
    known = tuple(causes)
    sorted_ = {category: tuple(each for each in known if each.category == category) for category in CATEGORIES}
    return {category: found for category, found in sorted_.items() if found}


def find(expectation: Expectation | None, id: str) -> Cause | None:
    """Return a cause by its id: of the list, or one that machines propose; None where there is none."""
    return next((each for each in (*choices(expectation), BLIND, SUSPENDED) if each.id == id), None)


def proposals(expectation: Expectation | None, facts: Iterable[Fact]) -> tuple[Proposal, ...]:
    """Return what the machines propose as the cause of a failure, each cause once, in the order of the facts.

    A signal speaks for the cause that the plan's ``proposed_by`` names; one that the plan does not mention there
    speaks for nothing. What a person chose is no business of this function.
    """
    found: dict[str, Proposal] = {}
    for fact in facts:
        if fact.kind == "blind":
            cause: Cause | None = BLIND
            because = f"{fact.who} did not see"
        elif fact.kind == "suspended":
            cause, because = SUSPENDED, f"suspended: {fact.word}" if fact.word else "it was suspended"
        else:
            named = expectation.proposes.get(fact.word) if expectation is not None else None
            cause = None if named is None else find(expectation, named)
            because = f"{fact.who} said {fact.word}" if fact.who else f"{fact.word} was said"
        if cause is not None and cause.id not in found:
            found[cause.id] = Proposal(cause, because)
    return tuple(found.values())


class Given(Struct, frozen=True):
    """So many failures have this cause; `cause` None: nobody has said why yet."""

    category: Category | None
    cause: str | None
    """Its id; empty for words of somebody's own."""
    text: str
    n: int
    share: float
    """Of all failures, those of which nothing is known included."""
    cumulative: float
    """Share of those up to here among the failures of which a cause is known; 0 for the unknown ones."""


def pareto(counts: Mapping[tuple[Category | None, str | None, str], int]) -> tuple[Given, ...]:
    """Return the causes by how often they were given, most first; last those of which nothing is known.

    Args:
        counts: (category, id, text) -> failures; ids None: nobody has said why.
    """
    everything = sum(counts.values())
    known = sum(n for (_, cause, _), n in counts.items() if cause is not None)
    ordered = sorted(counts.items(), key=lambda each: (each[0][1] is None, -each[1], each[0][2], each[0][1] or ""))
    made, so_far = [], 0
    for (category, cause, text), n in ordered:
        so_far += n if cause is not None else 0
        cumulative = so_far / known if cause is not None else 0.0
        made.append(Given(category, cause, text, n, n / everything, cumulative))
    return tuple(made)

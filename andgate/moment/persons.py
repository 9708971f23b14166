"""What persons did about the moments of a group: who claimed, what was said of them, which were declared void.

A person acts on a moment as it is known; when that one turns out to be part of another, it was done about the other.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable

from andgate.moment.case import Case
from andgate.moment.published import action_order
from andgate.moment.signals import Action

ORDERS = frozenset({"void", "unvoid", "reset"})
"""What is folded like a signal; all else is said about a moment and changes no case."""


class Persons:
    """Every action, by the anchor of the moment it is about."""

    def __init__(self) -> None:
        """Start with none."""
        self.actions: list[Action] = []
        """`moment` holds the anchor; in the order of their times."""
        self.alias: dict[str, str] = {}
        """Anchor of a withdrawn moment -> anchor of the one that took it in."""
        self._told_now: set[str] = set()
        """Actions that are news to the moment they are about: they came in, or it has just taken in the one they were
        about."""

    def act(self, action: Action) -> None:
        """Take in an action."""
        insort(self.actions, action, key=action_order)
        self._told_now.add(action.id)

    def resolve(self, anchor: str) -> str:
        """Return the anchor of the moment that this one is part of by now."""
        seen: set[str] = set()
        while anchor in self.alias and anchor not in seen:
            seen.add(anchor)
            anchor = self.alias[anchor]
        return anchor

    def orders(self) -> list[Action]:
        """Return the voids and resets that stand: an unvoid takes back what was voided before it."""
        standing: list[Action] = []
        for action in self.actions:
            if action.do == "unvoid":
                standing = [each for each in standing if each.do != "void" or each.moment != action.moment]
            elif action.do in ORDERS:
                standing.append(action)
        return standing

    def notes(self, case: Case) -> list[Action]:
        """Return claims, causes and remedies about a case, those of moments it took in among them, in order."""
        if not self.actions:
            return []
        return [
            action for action in self.actions if action.do not in ORDERS and self.resolve(action.moment) in case.signals
        ]

    def tell(self, notes: Iterable[Action]) -> None:
        """These are news once more: another moment takes in the one they were about."""
        self._told_now |= {note.id for note in notes}

    def news(self, notes: Iterable[Action]) -> list[Action]:
        """Return those that are news."""
        return [note for note in notes if note.id in self._told_now]

    def told(self) -> None:
        """What was news has been published."""
        self._told_now.clear()

    def join(self, other: Persons) -> None:
        """Take over what was done about the moments of another group."""
        self.actions = sorted(self.actions + other.actions, key=action_order)
        self.alias |= other.alias

    def forget(self, live: Collection[str]) -> None:
        """Let go what was done about moments of which no signal is left."""
        self.actions = [action for action in self.actions if self.resolve(action.moment) in live]

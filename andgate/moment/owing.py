"""What a failure owes: the signals that open and close its remedy task, and the failures that went before it.

A task is judged like any other promise, by the same table, pages and claims. What opens it is the failure itself; what
closes it, a person's word that it has been made good. Nobody sends either: they follow from what is published of the
failed moment, so they are no input of the engine and stand in no journal. When the failure is revised, void or
withdrawn, they are taken out again, and the task is withdrawn with them; when it comes back, it comes back as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Before, Owed, Signal
from andgate.plan import MADE_GOOD, OWED, Expectation


class Broken(Struct, frozen=True):
    """A failed moment, as others of the same key look back on it."""

    expectation: str
    touchpoint: str
    key: str | None
    at_ms: int
    """Its deadline."""


class Failures:
    """Every failure in memory, by moment and by key."""

    def __init__(self) -> None:
        """Start with none."""
        self.known: dict[str, Broken] = {}
        self._by_key: dict[str, dict[str, None]] = {}

    def note(self, moment: Moment) -> Broken | None:
        """Take in a publication; return what was known of that moment before it."""
        was = self.known.get(moment.id)
        if moment.verdict != "failure" or moment.withdrawn or moment.training is not None:
            if was is not None:
                self._drop(moment.id, was)
            return was
        now = Broken(moment.expectation, moment.touchpoint, moment.key, moment.ends_ms)
        self.known[moment.id] = now
        if now.key is not None:
            self._by_key.setdefault(now.key, {})[moment.id] = None
        return was

    def beside(self, moment: str, key: str | None) -> list[str]:
        """Return the other failures of a key."""
        return [] if key is None else [other for other in self._by_key.get(key, ()) if other != moment]

    def before(self, moment: str) -> tuple[Before, ...]:
        """Return what had failed for the same key before a failed moment did, oldest first."""
        mine = self.known[moment]
        earlier = [(self.known[other].at_ms, other) for other in self.beside(moment, mine.key)]
        return tuple(
            Before(other, self.known[other].expectation, self.known[other].touchpoint, at_ms)
            for at_ms, other in sorted(earlier)
            if (at_ms, other) < (mine.at_ms, moment)
        )

    def forget(self, before_ms: int) -> None:
        """Let go what is long past."""
        for moment, each in list(self.known.items()):
            if each.at_ms < before_ms:
                self._drop(moment, each)

    def restore(self, known: Iterable[tuple[str, Broken]]) -> None:
        """Take over what was stored."""
        for moment, each in known:
            self.known[moment] = each
            if each.key is not None:
                self._by_key.setdefault(each.key, {})[moment] = None

    def _drop(self, moment: str, each: Broken) -> None:
        del self.known[moment]
        if each.key is not None:
            mine = self._by_key[each.key]
            del mine[moment]
            if not mine:
                del self._by_key[each.key]


def ids_of(moment: str) -> tuple[str, str]:
    """Return the identities of the signals that open and close the task of a failed moment."""
    return (f"o/{moment}", f"g/{moment}")


def owing(
    moment: Moment, touchpoint: str, task: Expectation, notes: Sequence[Action], before: tuple[Before, ...]
) -> tuple[Signal, ...]:
    """Return the signals of a failed moment's task: that it is owed, and that it has been made good.

    What was given before the promise broke (somebody saw it coming) counts from the failure on.

    Args:
        moment: it has failed.
        touchpoint: where it was at its deadline.
        task: the promise to make it good.
        notes: what persons did about the moment, in order.
        before: what had failed for the same key.
    """
    opens, closes = ids_of(moment.id)
    place = Owed(moment=moment.id, key=moment.key, before=before)
    made = [_signal(opens, OWED, 0, moment, touchpoint, task, moment.ends_ms, place)]
    given_ms = next((note.at_ms for note in notes if note.do == "remedy"), None)
    if given_ms is not None:
        at_ms = max(given_ms, moment.ends_ms)
        made.append(_signal(closes, MADE_GOOD, 1, moment, touchpoint, task, at_ms, place))
    return tuple(made)


def _signal(
    id: str, name: str, seq: int, moment: Moment, touchpoint: str, task: Expectation, at_ms: int, owed: Owed
) -> Signal:
    return Signal(
        id=id,
        name=name,
        touchpoint=touchpoint,
        at_ms=at_ms,
        received_ms=at_ms,
        source=task.remedy_of or task.id,
        seq=seq,
        key=moment.id,
        owed=owed,
    )

"""What was tried first against threats, and how often that saved them: at a place, at an hour of the day.

Whoever claims a threat may say which of the plan's first actions they do. Once enough is on record the order of the
plan gives way to what saved most here at this hour. It is a count, no proof: people choose by what they see, so the
figures are always shown beside it, also for what was done otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.moment.signals import Action

LEAST = 10
"""So often an action must have been tried here at this hour before it is compared with others."""


class Advice(Struct, frozen=True):
    """One first action, with what is on record about it here at this hour."""

    text: str
    saved: int
    n: int
    """Threats that somebody met with it."""
    else_saved: int
    else_n: int
    """Threats here at this hour that were met with something else, or nobody said with what."""


class Lessons:
    """Counts by promise, place, hour of the day and action; empty where nobody said which."""

    def __init__(self) -> None:
        """Start with nothing tried."""
        self.counts: dict[str, tuple[int, int]] = {}
        """(saved, tried), by the key of `key_of`."""
        self.of: dict[str, tuple[str, bool, int | None]] = {}
        """Moment -> as what it counts, whether it was saved, when it ended: so that a revision takes it out again."""
        self.version = 0
        """Grows with every change."""

    def note(self, moment: Moment, notes: Sequence[Action], hour: int) -> None:
        """Take in a publication; `hour` is the local one of its threat."""
        was = self.of.get(moment.id)
        now: tuple[str, bool, int | None] | None = None
        judged = moment.verdict in ("success", "failure") and moment.threatened_ms is not None
        if judged and not moment.withdrawn and moment.training is None and moment.remedies is None:
            tried = next((note.first for note in notes if note.do == "claim" and note.first is not None), "")
            now = (key_of(moment.expectation, moment.touchpoint, hour, tried), moment.saved, moment.ended_ms)
        if was == now:
            return
        self.version += 1
        if was is not None:
            self._count(was, -1)
            del self.of[moment.id]
        if now is not None:
            self._count(now, 1)
            self.of[moment.id] = now

    def forget(self, before_ms: int) -> None:
        """Let go of those that ended before: nothing can change them any more, and what they count as stays."""
        self.of = {moment: each for moment, each in self.of.items() if each[2] is None or each[2] >= before_ms}

    def _count(self, each: tuple[str, bool, int | None], by: int) -> None:
        key, saved, _ = each
        known_saved, known = self.counts.get(key, (0, 0))
        if known + by:
            self.counts[key] = (known_saved + by * saved, known + by)
        else:
            del self.counts[key]


def key_of(expectation: str, touchpoint: str, hour: int, action: str) -> str:
    """Return under which key something tried is counted."""
    return f"{expectation}\t{touchpoint}\t{hour}\t{action}"


def advice(
    counts: Mapping[str, tuple[int, int]], actions: Sequence[str], expectation: str, touchpoint: str, hour: int
) -> tuple[Advice, ...]:
    """Return the first actions in the order to try them, with their figures.

    The plan's order holds until at least two actions have been tried `LEAST` times here at this hour; then those go
    first, the one that saved most of its threats at the head, and the others follow in the plan's order.

    Args:
        counts: of `Lessons`.
        actions: of the plan, in its order.
        expectation: the promise that is threatened.
        touchpoint: where.
        hour: of the day, 0 to 23, by the clocks on the site's walls.
    """
    begin = key_of(expectation, touchpoint, hour, "")
    here = {key[len(begin) :]: each for key, each in counts.items() if key.startswith(begin)}
    all_saved, every = sum(saved for saved, _ in here.values()), sum(n for _, n in here.values())
    told = []
    for text in actions:
        saved, n = here.get(text, (0, 0))
        told.append(Advice(text, saved, n, all_saved - saved, every - n))
    enough = [each for each in told if each.n >= LEAST]
    if len(enough) < 2:  # noqa: PLR2004 - one has nothing to be compared with
        return tuple(told)
    best = sorted(enough, key=lambda each: -each.saved / each.n)
    return (*best, *(each for each in told if each.n < LEAST))

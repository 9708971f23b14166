"""Who is on it: every claim of a moment, with its end. Several people may be on it at once.

A claim ends when its promised time is over, when it is given back, when the same person claims again, or when somebody
else takes over what was handed over. Handing over ends nothing by itself: whoever hands over stays responsible until
somebody has taken it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from andgate.moment.signals import Action

NOTES = frozenset({"claim", "unclaim", "hand-over"})
"""What persons do that says who is on it."""

ONE_HAND_MS = 5_000
"""Two presses of one button that are closer than this are one person's: a glove feels nothing, and the lamp's answer
takes a moment."""


class Claim(Struct, frozen=True, omit_defaults=True):
    """Somebody is on it."""

    at_ms: int
    by: str
    until_ms: int | None
    """When it ends, or ended; None: with the moment."""
    took: str | None = None
    """Whose claim it took over."""

    def stands(self, at_ms: int) -> bool:
        """Tell whether it has not ended by then."""
        return self.until_ms is None or self.until_ms > at_ms


class Lapse(Struct, frozen=True):
    """Nobody is on it any more."""

    at_ms: int
    """When that was known."""
    last: str
    """The action that claimed last."""


def claims(notes: Sequence[Action], end_of: Callable[[Action], int | None]) -> list[Claim]:
    """Return every claim with its end, in the order in which they were made.

    Args:
        notes: what persons did, in order; only `NOTES` count.
        end_of: says when a claim lapses by itself.
    """
    made: list[Claim] = []
    offers: list[Action] = []
    for note in notes:
        if note.do not in NOTES:
            continue
        standing = {claim.by: place for place, claim in enumerate(made) if claim.stands(note.at_ms)}
        if note.do == "hand-over":
            offers.append(note)
            continue
        took: str | None = None
        if note.do == "claim":
            ended = [note.by] if note.several else list(standing)
            offers = [each for each in offers if giver(each) in standing and giver(each) != note.by]
            taken = next((each for each in offers if each.person in {None, note.by}), None)
            if taken is not None:
                took = giver(taken)
                ended.append(took)
        else:
            ended = [giver(note)]
            if note.whose is None and note.by not in standing:
                ended = list(standing)[-1:]
        for by in ended:
            if by in standing:
                was = made[standing[by]]
                made[standing[by]] = Claim(was.at_ms, was.by, note.at_ms, was.took)
        if note.do == "claim":
            made.append(Claim(note.at_ms, note.by, end_of(note), took))
    return made


def giver(note: Action) -> str:
    """Return whose claim is given back or handed over."""
    return note.by if note.whose is None else note.whose


def standing_claims(made: Sequence[Claim], now_ms: int) -> tuple[Claim, ...]:
    """Return the claims that stand now, first come first."""
    return tuple(claim for claim in made if claim.stands(now_ms))


def lapses_ms(standing: Sequence[Claim], needs: int) -> int | None:
    """Return when fewer than `needs` will be left of those who are on it; None: not before the end."""
    untils = sorted((claim.until_ms for claim in standing if claim.until_ms is not None), reverse=True)
    forever = len(standing) - len(untils)
    return None if forever >= needs else untils[needs - forever - 1]


def were_enough(made: Sequence[Claim], needs: int, until_ms: int) -> bool:
    """Tell whether so many were ever on it at once, up to a time."""
    return any(
        claim.at_ms <= until_ms and 1 + sum(other.stands(claim.at_ms) for other in made[:place]) >= needs
        for place, claim in enumerate(made)
    )


def one_of_us(group: str, coming: Sequence[Claim], needs: int, *, saw: int, at_ms: int) -> str:
    """Return under whose name the press of a group's own button claims: one more of the group's, or one who is on it.

    Such a button cannot tell people apart. A press is one more person only where one more is needed, and whoever
    pressed had been told of everybody who is on it, and the last press was not just before: else it may be the same
    hand that tries again, and somebody would be counted who does not come.

    Args:
        group: its name.
        coming: who is on it, by name.
        needs: so many must be.
        saw: so many were on it as far as people were told where the button is.
        at_ms: when it was pressed.
    """
    names = [group, *(f"{group} ({number})" for number in range(2, needs + 1))]
    mine = [claim for claim in coming if claim.by in names]
    if not mine:
        return group
    last = max(mine, key=lambda claim: claim.at_ms)
    if len(coming) >= needs or saw < len(coming) or at_ms - last.at_ms < ONE_HAND_MS:
        return last.by
    return next(name for name in names if all(claim.by != name for claim in mine))

"""What goes wrong on a hard day, and when; all of it follows from the seed."""

from __future__ import annotations

from random import Random
from typing import Literal

from msgspec import Struct

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DRILL_MS = 20 * MINUTE_MS
MUTE_MS = 30 * MINUTE_MS
OUTAGE_MS = HOUR_MS
LOST_MS = 40 * MINUTE_MS
MUTED_AREA = "Kiosks and gates"
_DESKS = ("desk-b1", "desk-c1", "desk-d1", "desk-e1", "kiosk-1", "kiosk-2")

Phone = Literal["well", "refuses", "gone", "hangs", "flat"]
"""How a phone is: well; its service cannot take anything now (503), or says that it is gone (410), or never answers; it
takes everything and its owner never sees it."""
_DEAD: tuple[Phone, ...] = ("refuses", "gone", "hangs", "flat")


class Span(Struct, frozen=True):
    """From, and to (not included), UTC milliseconds."""

    from_ms: int
    to_ms: int

    def holds(self, at_ms: int) -> bool:
        """Tell whether an instant is inside."""
        return self.from_ms <= at_ms < self.to_ms


class Script(Struct, frozen=True):
    """One day's trouble."""

    alarm: Span
    """The fire drill: the alarm's contact is closed."""
    mute: Span
    """The floor of `MUTED_AREA` is washed."""
    outage: Span
    """The control room's web hook: hangs in its first third, refuses in the rest."""
    lost: Span
    """A node is not heard; what it saw comes late."""
    node: str
    hand_overs_ms: tuple[int, ...]
    """Whoever is on something then hands it over to the supervisors."""
    phones: tuple[Phone, ...]
    """How the phones are, in the order in which people were hired."""

    def instants(self) -> list[int]:
        """Return every instant at which something begins or ends."""
        spans = (self.alarm, self.mute, self.outage, self.lost)
        return sorted([*(at for span in spans for at in (span.from_ms, span.to_ms)), *self.hand_overs_ms])


def script_of(begins_ms: int, seed: int, *, phones: int) -> Script:
    """Draw a day's trouble; `begins_ms` is its 03:00. Nothing that keeps pages back overlaps with the other."""
    chance = Random(f"{seed}/hard day")

    def span(earliest_h: float, latest_h: float, lasts_ms: int) -> Span:
        at_ms = begins_ms + round(chance.uniform(earliest_h, latest_h) * HOUR_MS)
        return Span(at_ms, at_ms + lasts_ms)

    dead = round(phones * 0.4)
    how: list[Phone] = [_DEAD[number % len(_DEAD)] for number in range(dead)]
    how += ["well"] * (phones - dead)
    chance.shuffle(how)
    return Script(
        alarm=span(4.0, 4.4, DRILL_MS),
        mute=span(4.9, 5.2, MUTE_MS),
        outage=span(5.8, 6.4, OUTAGE_MS),
        lost=span(2.6, 3.2, LOST_MS),
        node=chance.choice(_DESKS),
        hand_overs_ms=tuple(
            begins_ms + round(hour * HOUR_MS + chance.uniform(0, HOUR_MS)) for hour in (3, 4.5, 6, 7, 11, 15)
        ),
        phones=tuple(how),
    )

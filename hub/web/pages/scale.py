"""Time to pixels for one moment: what is near it to scale, what came long afterwards in a band of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.moment import events as e
from hub.web.pages.spans import HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.moment.moments import Moment
    from hub.store.rows import SignalRow, TrailLine

STEPS_MS = (
    1_000, 2_000, 5_000, 10_000, 15_000, 30_000, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS,
    15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS,
    48 * HOUR_MS, 168 * HOUR_MS,
)  # fmt: skip
LEAST_ROOM_MS = 2_000
LIVES = 3
"""What comes more than this many lives of the moment after its end is not drawn to scale: it would leave no room."""
DRAWN = (
    e.Paged,
    e.StoodDown,
    e.PageSkipped,
    e.Claimed,
    e.Unclaimed,
    e.ClaimLapsed,
    e.Kept,
    e.Saved,
    e.Failed,
    e.Voided,
)
"""What the drawing shows of a trail; a cause given the day after must not shrink the moment to a dot."""


class Shape(Struct, frozen=True, kw_only=True):
    """How a drawing is laid out."""

    ident: str
    width: float
    left: float
    """Where time begins; the rows' names stand left of it, or above their rows where there is no room."""
    later: float
    """Width of the band for what came long afterwards."""
    marks: int
    """Most times on the axis."""

    @property
    def stacked(self) -> bool:
        """Whether the rows' names stand above them."""
        return self.left == 0


WIDE = Shape(ident="timeline", width=1120.0, left=152.0, later=96.0, marks=8)
NARROW = Shape(ident="timeline-narrow", width=366.0, left=0.0, later=64.0, marks=4)


class Scale:
    """Time to pixels."""

    def __init__(self, shape: Shape, start_ms: int, end_ms: int, *, later: bool) -> None:
        """Show from `start_ms` to `end_ms`, and a band for what came `later`."""
        self.start_ms, self.end_ms, self.later = start_ms, max(end_ms, start_ms + 1), later
        self.left = shape.left
        self.right = shape.width - (shape.later if later else 0.0)
        """Where the scale ends."""
        self.band = self.right + 14

    def x(self, at_ms: int) -> float:
        """Return where a time stands."""
        if self.later and at_ms > self.end_ms:
            return self.band
        share = (at_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)

    def step_ms(self, marks: int) -> int:
        """Return how far apart the times on the axis are, for at most so many of them."""
        reach = self.end_ms - self.start_ms
        return next((each for each in STEPS_MS if reach / each <= marks), STEPS_MS[-1])


def scale_of(
    shape: Shape, moment: Moment, trail: Sequence[TrailLine], signals: Sequence[SignalRow], now_ms: int
) -> Scale:
    """Return a scale that holds everything the drawing shows, with room on both sides."""
    far_ms = LIVES * max(moment.ends_ms - moment.opened_ms, MINUTE_MS)
    times = [moment.opened_ms, moment.ends_ms, moment.ended_ms if moment.ended_ms is not None else now_ms]
    times += [row.signal.at_ms for row in signals] + [row.signal.received_ms for row in signals]
    for line in trail:
        if isinstance(line.event, DRAWN):
            times += [line.at_ms, line.now_ms]
    # A node whose clock was lost may say 1970; its mark then stands at the left edge.
    first = min(at_ms for at_ms in times if at_ms >= moment.opened_ms - far_ms)
    cut_ms = moment.ends_ms + far_ms
    last = max(at_ms for at_ms in times if at_ms <= cut_ms)
    room = max((last - first) // 8, LEAST_ROOM_MS)
    return Scale(shape, first - room, last + room, later=max(times) > cut_ms)


class Published(Struct, frozen=True):
    """One verdict as it was published, until another took its place."""

    at_ms: int
    what: str
    """``saved``, ``kept``, ``failed`` or ``void``."""


def published(trail: Sequence[TrailLine]) -> tuple[Published, ...]:
    """Return every verdict in the order in which it was published; a verdict said twice counts once."""
    names: dict[type[e.Event], str] = {e.Kept: "kept", e.Saved: "saved", e.Failed: "failed", e.Voided: "void"}
    found: list[Published] = []
    for line in trail:
        what = names.get(type(line.event))
        if what is not None and (not found or found[-1].what != what):
            found.append(Published(line.now_ms, what))
    return tuple(found)

"""From what a pin does to what happened: settling, holding, hysteresis; pure, of (time, level) and nothing else.

The law: *a level is believed when it has stood still for its settling time, and then it counts from the instant at
which it began to stand.* So a press has the time of the press, not of its proof; noise shorter than the settling time
is dropped both ways; and a machine that is asked late answers the same as one that is asked at once.

All times are seconds on the node's monotonic clock. Every machine has

    feed(at_s, level)   the level seen at that time, which may be told late; one told out of order counts as the last
    advance(at_s)       nothing new was seen up to that time
    due_s()             when `advance` will have something to say, or None

Both return what has been decided, oldest first. Nothing here waits, sleeps or asks for the time.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Change(NamedTuple):
    """A settled change: the level and since when it has stood."""

    level: bool
    at_s: float


class Settle:
    """Believes a level when it has stood for `settle_s`; counts what it did not believe."""

    def __init__(self, settle_s: float, level: bool, at_s: float) -> None:  # noqa: FBT001 - a level is a value
        """Begin settled at the level found."""
        self.settle_s = settle_s
        self.level = level
        """The settled level."""
        self.since_s = at_s
        """When the settled level began to stand."""
        self.raw = level
        """The level last seen."""
        self.drops = 0
        """Changes that did not stand long enough to be believed."""
        self._raw_since_s = at_s

    def feed(self, at_s: float, level: bool) -> list[Change]:  # noqa: FBT001 - a level is a value
        """Take a level that was seen; return what has settled before it."""
        at_s = max(at_s, self._raw_since_s)
        changes = self.advance(at_s)
        if level != self.raw:
            if self.raw != self.level:
                self.drops += 1  # it went back before it was believed
            self.raw = level
            self._raw_since_s = at_s
            changes += self.advance(at_s)
        return changes

    def advance(self, at_s: float) -> list[Change]:
        """Let time pass; return the change that has settled, if one has."""
        due_s = self.due_s()
        if due_s is None or due_s > at_s:
            return []
        self.level, self.since_s = self.raw, self._raw_since_s
        return [Change(self.level, self.since_s)]

    def due_s(self) -> float | None:
        """Return when the level seen last is to be believed, or None if it already is."""
        return None if self.raw == self.level else self._raw_since_s + self.settle_s


class Press(NamedTuple):
    """What a finger did: `held` False at the down edge; True when it has stayed down for the hold time."""

    held: bool
    at_s: float
    down_s: float
    """The down edge that it began with."""


class Hold:
    """From a settled button to presses and holds: a press at once at the down edge, a hold once a press."""

    def __init__(self, hold_s: float) -> None:
        """Begin with the button up; one that is found down is no press and holds nothing."""
        self.hold_s = hold_s
        self._down_s: float | None = None
        self._said = True

    def feed(self, change: Change) -> list[Press]:
        """Take a settled change; a release later than the hold time tells of the hold first."""
        presses = self.advance(change.at_s)
        if change.level:
            self._down_s, self._said = change.at_s, False
            presses.append(Press(held=False, at_s=change.at_s, down_s=change.at_s))
        else:
            self._down_s = None
        return presses

    def advance(self, at_s: float) -> list[Press]:
        """Let time pass; return the hold when it is reached, stamped with the instant it was reached."""
        due_s = self.due_s()
        if due_s is None or self._down_s is None or due_s > at_s:
            return []
        self._said = True
        return [Press(held=True, at_s=due_s, down_s=self._down_s)]

    def due_s(self) -> float | None:
        """Return when a button that stays down becomes a hold, or None."""
        return None if self._down_s is None or self._said else self._down_s + self.hold_s


class Hysteresis:
    """Two thresholds, so that somebody at the mark who sways is one line and not twenty."""

    def __init__(self, near: float, far: float) -> None:
        """On when nearer than `near`, off when farther than `far`; between the two nothing changes.

        Raises:
            ValueError: unless 0 < near < far.
        """
        if not 0 < near < far:
            raise ValueError(f"near ({near:g}) must be less than far ({far:g}), and more than 0")
        self.near, self.far = near, far
        self.level: bool | None = None
        """None until something has been measured outside the two thresholds."""

    def feed(self, distance: float) -> bool | None:
        """Take a measured distance; return the level."""
        if distance < self.near:
            self.level = True
        elif distance > self.far:
            self.level = False
        return self.level


class Doubt:
    """A level that was read contradicts the last edge: perhaps the kernel missed one, perhaps it is still on its way.

    It is believed when a second reading at least `confirm_s` later says the same, and then it counts from the first.
    """

    def __init__(self, confirm_s: float) -> None:
        """Begin without doubt."""
        self.confirm_s = confirm_s
        self._since_s: float | None = None

    def read(self, at_s: float, level: bool, edge: bool) -> float | None:  # noqa: FBT001 - levels are values
        """Take a reading and the level of the last edge; return since when the reading is to be believed, or None."""
        if level == edge:
            self._since_s = None
            return None
        if self._since_s is None:
            self._since_s = at_s
            return None
        if at_s - self._since_s < self.confirm_s:
            return None
        since_s, self._since_s = self._since_s, None
        return since_s

    def due_s(self) -> float | None:
        """Return when to read again, or None while there is no doubt."""
        return None if self._since_s is None else self._since_s + self.confirm_s


class Chatter:
    """How often something happened lately: an input that changes all the time is a fault, not a customer."""

    def __init__(self, window_s: float, limit: int) -> None:
        """Call it chatter when more than `limit` things happen within `window_s`."""
        self.window_s, self.limit = window_s, limit
        self._times: deque[float] = deque(maxlen=limit + 1)

    def add(self, at_s: float) -> None:
        """Count one."""
        self._times.append(at_s)

    def clear(self) -> None:
        """Forget what was counted."""
        self._times.clear()

    def chatters(self, at_s: float) -> bool:
        """Say whether there were too many within the window that ends now."""
        return len(self._times) > self.limit and at_s - self._times[0] <= self.window_s

"""What the twin does to the outside, and what it hears from there.

The model only ever says what happens at a pin, in a feed or on a pager. Whether that goes to a real edge program or,
in virtual time, straight to the engine, is not its business.
"""

from __future__ import annotations

from msgspec import Struct

from andgate.moment.signals import About


class Happening(Struct, frozen=True, kw_only=True, gc=False):
    """Something that happens at a site time, UTC milliseconds."""

    at_ms: int


class Pressed(Happening, frozen=True, kw_only=True):
    """Somebody pushes a button down and lets go of it."""

    device: str
    """``node/device``."""
    for_ms: int


class Level(Happening, frozen=True, kw_only=True):
    """What a sensor looks at changes: the beam is broken, the fault contact closes, somebody stands near."""

    device: str
    on: bool


class Reported(Happening, frozen=True, kw_only=True):
    """An airport system reports something."""

    id: str
    touchpoint: str
    signal: str
    key: str | None = None
    value: int | None = None
    about: About = {}


class Answered(Happening, frozen=True, kw_only=True):
    """Somebody with a pager says that they are on it."""

    moment: str
    page: str
    by: str
    promise_s: float
    first: str | None = None
    """Which of the plan's first actions they do."""


class Gave(Happening, frozen=True, kw_only=True):
    """Somebody has made a failure good, and says what they gave."""

    moment: str
    """The remedy task."""
    by: str
    gave: tuple[str, ...]
    """Of what the plan lets staff give."""


AnyHappening = Pressed | Level | Reported | Answered | Gave


class Beep(Struct, frozen=True, kw_only=True):
    """A pager beeps."""

    page: str
    group: str
    moment: str
    expectation: str
    touchpoint: str
    key: str | None
    over: bool = False
    """It says that it is over."""

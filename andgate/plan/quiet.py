"""What a plan says about quiet: recurring mutes, what a fire alarm suspends, who trains where, who only listens.

Kept beside touchpoints, nodes and devices, not in them: a plan that says nothing of it keeps its version.
"""

from __future__ import annotations

from msgspec import Struct

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Weekdays as a plan writes them, Monday first."""
SUSPENDED = "suspended"
"""A contact says: a fire alarm, or a drill, has begun."""
RESUMED = "resumed"
"""A contact says: it is over."""


class Scope(Struct, frozen=True, omit_defaults=True):
    """What is quiet. What is named counts together: `areas` and `groups` are these groups about those areas.

    Nothing named is the whole site.
    """

    areas: tuple[str, ...] = ()
    touchpoints: tuple[str, ...] = ()
    expectations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Recurring(Struct, frozen=True, omit_defaults=True):
    """A mute that comes again, by the clocks on the site's walls."""

    id: str
    reason: str
    owner: str
    """Who answers for it: a role, as ``Facility management``."""
    start_min: int
    """Minutes from midnight of the day on which it begins."""
    end_min: int
    """Minutes from midnight; not after `start_min`: of the day after."""
    days: tuple[int, ...] = ()
    """Weekdays on which it begins, Monday 0; empty: every day."""
    scope: Scope = Scope()
    faults: bool = False
    """Technicians are not paged of faults there either."""


class Suspends(Struct, frozen=True, omit_defaults=True):
    """What ``suspended`` at a touchpoint suspends."""

    areas: tuple[str, ...] = ()
    touchpoints: tuple[str, ...] = ()
    """Neither areas nor touchpoints: the whole site."""
    at_most_ms: int = 900_000
    """So long it stands while nobody hears the contact."""


class Quiets(Struct, frozen=True, omit_defaults=True):
    """All of it."""

    mutes: dict[str, Recurring] = {}
    suspends: dict[str, Suspends] = {}
    """Touchpoint of the contact -> what it suspends."""
    listens: tuple[str, ...] = ()
    """Touchpoints that are judged, and about which nobody is paged."""
    training: dict[str, str] = {}
    """Device (``node/device``) -> group that trains there."""

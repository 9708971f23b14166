"""What is quiet now, for whoever shows it: screens, signs, the API. Frozen; with people's names, not their ids."""

from __future__ import annotations

from msgspec import Struct

from andgate.plan import Plan
from andgate.plan.quiet import Scope
from andgate.quiet import covers, places, whole_places


class Mute(Struct, frozen=True, kw_only=True):
    """A mute that counts now, or will."""

    id: str
    """Of the plan's: its name there."""
    scope: Scope
    owner: str
    reason: str
    begin_ms: int
    end_ms: int
    by: str = ""
    """Who made it; empty where it is the plan's."""
    faults: bool = False
    recurring: bool = False

    def holds(self, at_ms: int) -> bool:
        """Whether it counts at a time."""
        return self.begin_ms <= at_ms < self.end_ms


class Suspension(Struct, frozen=True, kw_only=True):
    """A contact says that a fire alarm, or a drill, is on."""

    contact: str
    """Its device; what a feed speaks of is ``touchpoint/``."""
    touchpoint: str
    since_ms: int
    places: tuple[str, ...]
    """Touchpoints that it suspends."""
    site: bool
    """It is the whole site."""
    until_ms: int | None = None
    """When it ends by itself, unless it is said again; None: its contact is heard, and ends it."""
    unheard_ms: int | None = None
    """Since when the contact counts as not heard any more: what a feed repeats is missed only some time after it."""


class Training(Struct, frozen=True, kw_only=True):
    """Devices that are for training now."""

    id: str
    """Empty where the plan says so."""
    who: str
    """A node, or ``node/device``."""
    trainer: str
    devices: tuple[str, ...]
    touchpoints: tuple[str, ...]
    """Empty: what a group has in its break room."""
    until_ms: int | None = None
    """None: until the plan says otherwise."""
    by: str = ""

    def shown(self, plan: Plan, touchpoint: str) -> tuple[str, ...]:
        """Return the devices at a touchpoint that show what is trained: its lamps too, where a whole node trains."""
        return tuple(
            device.name
            for device in plan.devices.values()
            if device.touchpoint == touchpoint
            and (device.name in self.devices or (device.node == self.who and not device.signals))
        )


class View(Struct, frozen=True, kw_only=True):
    """All of it, as of `at_ms`; it changes at `mutes`' begins and ends, or when somebody does something."""

    at_ms: int = 0
    mutes: tuple[Mute, ...] = ()
    """Those that count now and those to come, by their begin."""
    suspensions: tuple[Suspension, ...] = ()
    training: tuple[Training, ...] = ()
    listens: tuple[str, ...] = ()
    """Touchpoints about which the plan lets nobody be paged."""
    listen_only: bool = False
    """The hub only listens."""

    def suspended(self, touchpoint: str) -> Suspension | None:
        """Return what suspends a touchpoint, the longest; None where nothing does."""
        return next((each for each in self.suspensions if touchpoint in each.places), None)

    def muted(self, plan: Plan, touchpoint: str, now_ms: int) -> Mute | None:
        """Return the mute that lasts longest of those that concern a touchpoint now, in whole or in part."""
        found = [each for each in self.mutes if each.holds(now_ms) and touchpoint in places(each.scope, plan)]
        return max(found, key=lambda each: (whole_places(each.scope), each.end_ms), default=None)

    def silent_until(self, plan: Plan, touchpoint: str, now_ms: int, *, expectation: str = "") -> int | None:
        """Return until when nothing at a touchpoint may sound; None where it may. Suspension is another matter.

        A sound is as a page to whoever serves the place.

        Args:
            plan: in force.
            touchpoint: where.
            now_ms: now.
            expectation: about which promise; empty: about any.
        """
        group = plan.touchpoints[touchpoint].group
        mute = self.muted_for(plan, touchpoint, expectation, group, now_ms)
        return None if mute is None else mute.end_ms

    def muted_for(self, plan: Plan, touchpoint: str, expectation: str, group: str, now_ms: int) -> Mute | None:
        """Return the mute that keeps pages about a promise there from a group, the one that lasts longest."""
        found = [
            each
            for each in self.mutes
            if each.holds(now_ms)
            and covers(each.scope, plan, touchpoint=touchpoint, expectation=expectation, group=group)
        ]
        return max(found, key=lambda each: each.end_ms, default=None)

    def trains(self, touchpoint: str) -> tuple[Training, ...]:
        """Return who trains at a touchpoint."""
        return tuple(each for each in self.training if touchpoint in each.touchpoints)


NOTHING = View()

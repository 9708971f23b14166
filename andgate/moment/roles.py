"""What each signal name is to each expectation, compiled once per plan so that judging is a dictionary look-up."""

from __future__ import annotations

from msgspec import Struct

from andgate.moment.signals import BLIND, MOVED, SIGHTED
from andgate.plan import Expectation, Plan, springs_back


class Roles(Struct, frozen=True):
    """What one signal name is to one expectation."""

    opens: bool
    closes: bool
    holds: bool
    """It stands as a hold until its opposite."""
    frees: tuple[str, ...]
    """The holds it is the opposite of."""
    threatens: bool
    fails: bool
    voids: bool


_NOTHING = Roles(opens=False, closes=False, holds=False, frees=(), threatens=False, fails=False, voids=False)


def names_of(expectation: Expectation) -> frozenset[str]:
    """Return every signal name that means something to an expectation."""
    return frozenset(
        (
            *expectation.opens,
            *expectation.closes,
            *expectation.holds,
            *expectation.holds.values(),
            *expectation.threatens,
            *expectation.fails_on,
            *expectation.voids,
        )
    )


def standing_openers(expectation: Expectation) -> frozenset[str]:
    """Return the opening signals that stand until their opposite: a sensor's, not a press."""
    return frozenset(expectation.opens) & frozenset(expectation.holds)


def _roles(expectation: Expectation, name: str) -> Roles:
    return Roles(
        opens=name in expectation.opens,
        closes=name in expectation.closes,
        holds=name in expectation.holds,
        frees=tuple(hold for hold, opposite in expectation.holds.items() if opposite == name),
        threatens=name in expectation.threatens,
        fails=name in expectation.fails_on,
        voids=name in expectation.voids,
    )


class Casting:
    """Who plays what under one plan."""

    def __init__(self, plan: Plan) -> None:
        """Compile `plan`; the engine does so once per version."""
        self.plan = plan
        self._roles = {
            (expectation.id, name): _roles(expectation, name)
            for expectation in plan.judged.values()
            for name in names_of(expectation)
        }
        heard: dict[tuple[str, str], list[str]] = {}
        for expectation in plan.expectations.values():
            for touchpoint in expectation.touchpoints:
                for name in (*names_of(expectation), MOVED, BLIND, SIGHTED):
                    heard.setdefault((touchpoint, name), []).append(expectation.id)
        self._heard = {place: tuple(ids) for place, ids in heard.items()}
        self.momentary = frozenset(name for name, device in plan.devices.items() if springs_back(device))
        """Devices whose found level is never a press."""
        self._seers: dict[str, frozenset[str]] = {
            expectation.id: frozenset(
                name
                for name, device in plan.devices.items()
                if not names_of(expectation).isdisjoint(device.signals.values())
            )
            for expectation in plan.expectations.values()
        }
        self._sensors: dict[str, dict[str, str]] = {
            expectation.id: {
                name: device.touchpoint
                for name, device in plan.devices.items()
                if not standing_openers(expectation).isdisjoint(device.signals.values())
            }
            for expectation in plan.expectations.values()
        }

    def hearers(self, touchpoint: str, name: str) -> tuple[str, ...]:
        """Return the expectations that a signal of this name at this touchpoint may mean something to."""
        return self._heard.get((touchpoint, name), ())

    def roles(self, expectation: str, name: str) -> Roles:
        """Return what a signal name is to an expectation."""
        return self._roles.get((expectation, name), _NOTHING)

    def sensors(self, expectation: str) -> dict[str, str]:
        """Return the devices that report an opening signal which can stand (``reached``), and where they are."""
        return self._sensors.get(expectation, {})

    def reports(self, device: str, touchpoint: str, name: str) -> bool:
        """Tell whether a device stands at a touchpoint and can report a signal of this name."""
        known = self.plan.devices.get(device)
        return known is not None and known.touchpoint == touchpoint and name in known.signals.values()

    def sees(self, expectation: str, device: str) -> bool:
        """Tell whether a device can report anything that judges the expectation."""
        return device in self._seers.get(expectation, frozenset())

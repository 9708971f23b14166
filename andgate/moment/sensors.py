"""What the sensors of one expectation say: which holds stand, who sees no line, and who cannot be trusted to see.

A hold refuses a reset, a clear sensor contradicts a press, and a blind device makes a verdict provisional. What a blind
device says is remembered, and counts from when it is trusted again.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

from andgate.moment.case import Blindness, Case, Clear
from andgate.moment.roles import Casting, Roles
from andgate.moment.signals import BLIND, Signal
from andgate.plan import Expectation

Holds = dict[str, dict[str, list[str]]]
"""Touchpoint -> device -> signals that stand."""


class Sensors:
    """What every device has said by some point of the fold."""

    def __init__(self, holds: Holds, blindness: list[Blindness], clear: Clear) -> None:
        """Know this much, as stored; empty for a beginning."""
        self.holds, self.blindness, self.clear = holds, blindness, clear
        self._blind = {b.device: b for b in blindness if b.to_ms is None}

    def copy(self) -> Sensors:
        """Return an independent copy."""
        return Sensors(
            {place: {name: list(names) for name, names in held.items()} for place, held in self.holds.items()},
            [copy(b) for b in self.blindness],
            {place: dict(seen) for place, seen in self.clear.items()},
        )

    def joined(self, other: Sensors) -> Sensors:
        """Return what these and those of other touchpoints say."""
        return Sensors({**self.holds, **other.holds}, self.blindness + other.blindness, {**self.clear, **other.clear})

    def since(self, before_ms: int) -> Sensors:
        """Return the same without blindness that was over before a time."""
        lasting = [b for b in self.blindness if b.to_ms is None or b.to_ms >= before_ms]
        return Sensors(self.holds, lasting, self.clear)

    # What they say -----------------------------------------------------------------------------------------------

    def say(self, signal: Signal, roles: Roles, expectation: Expectation, *, is_sensor: bool) -> None:
        """A device says that something stands, or stands no more; of a sensor it tells whether a line does."""
        standing = self.holds.get(signal.touchpoint, {}).get(signal.device, [])
        if roles.holds:
            standing = self.holds.setdefault(signal.touchpoint, {}).setdefault(signal.device, standing)
            if signal.name not in standing:
                standing.append(signal.name)
        for name in roles.frees:
            if name in standing:
                standing.remove(name)
        if is_sensor:
            clear = self.clear.setdefault(signal.touchpoint, {})
            if any(name in expectation.opens for name in standing):
                clear.pop(signal.device, None)
            else:
                clear.setdefault(signal.device, signal.order)

    def sight(self, signal: Signal) -> None:
        """A device is blind from here on, or sees again."""
        blind = self._blind.get(signal.device)
        if signal.name == BLIND:
            if blind is None:
                why = signal.value if isinstance(signal.value, str) else None
                blind = Blindness(signal.touchpoint, signal.device, signal.at_ms, why=why)
                self._blind[signal.device] = blind
                self.blindness.append(blind)
                for seen in self.clear.values():
                    seen.pop(signal.device, None)
        elif blind is not None:
            blind.to_ms = signal.at_ms
            del self._blind[signal.device]
            for seen in self.clear.values():
                if signal.device in seen:
                    seen[signal.device] = signal.order

    def replan(self, expectation: str, before: Casting, casting: Casting) -> None:
        """Another plan is in force: forget what nobody is left to take back, and who is no sensor there any more."""
        sensors = casting.sensors(expectation)
        for place, seen in self.clear.items():
            self.clear[place] = {device: since for device, since in seen.items() if sensors.get(device) == place}
        for place, held in self.holds.items():
            for device, standing in held.items():
                standing[:] = [
                    name
                    for name in standing
                    if casting.reports(device, place, name) or not before.reports(device, place, name)
                ]

    # What follows ------------------------------------------------------------------------------------------------

    def held_by(self, touchpoint: str, expectation: Expectation) -> tuple[str, ...]:
        """Return the devices whose hold stands, as the plan of the time has it; a blind device's refuses nothing."""
        held = self.holds.get(touchpoint)
        if not held:
            return ()
        return tuple(
            device
            for device, standing in held.items()
            if device not in self._blind and any(name in expectation.holds for name in standing)
        )

    def agree(self, touchpoint: str, expectation: Expectation) -> bool:
        """Tell whether a sensor that is not blind says that a line stands."""
        return any(
            device not in self._blind
            and any(name in expectation.holds and name in expectation.opens for name in standing)
            for device, standing in self.holds.get(touchpoint, {}).items()
        )

    def see_nothing(self, touchpoint: str) -> bool:
        """Tell whether a sensor that is not blind says that no line stands."""
        return any(device not in self._blind for device in self.clear.get(touchpoint, ()))

    def contradict(self, case: Case) -> bool:
        """Tell whether a sensor has seen all the time since a press opened the case, and has seen no line."""
        first = case.sightings[0][0]
        return case.sensor == "silent" and any(
            since < first and device not in self._blind for device, since in self.clear.get(case.touchpoint, {}).items()
        )

    def blind_at(self, touchpoint: str, at_ms: int, sees: Callable[[str], bool]) -> list[Blindness]:
        """Return why a verdict of that time is provisional: who could have contradicted it, and was blind."""
        return [
            b
            for b in self.blindness
            if b.touchpoint == touchpoint
            and b.from_ms <= at_ms
            and (b.to_ms is None or at_ms < b.to_ms)
            and sees(b.device)
        ]

"""Passengers: which flight stands in which line, in waves before departure, and what a roster makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from msgspec import Struct

from twin.flights import Flight
from twin.parameters import LineParameters

HALF_HOUR_S = 1800.0


class Passenger(Struct, frozen=True, gc=False):
    """Somebody who will stand in a line. Their own desk time comes with them, whoever serves them."""

    joins_s: float
    service_s: float


def shared_out(flights: Sequence[Flight], lines: Sequence[str]) -> dict[str, list[Flight]]:
    """Give every flight a line: an airline keeps its own lines, large ones have more; its flights take turns."""
    by_carrier: dict[str, list[Flight]] = {}
    for flight in flights:
        by_carrier.setdefault(flight.carrier, []).append(flight)
    given: dict[str, list[Flight]] = {line: [] for line in lines}
    if not lines:
        return given
    work = dict.fromkeys(lines, 0)
    total = sum(flight.pax_out for flight in flights) or 1
    for theirs in sorted(by_carrier.values(), key=lambda some: (-sum(f.pax_out for f in some), some[0].carrier)):
        pax = sum(flight.pax_out for flight in theirs)
        wanted = max(1, round(len(lines) * pax / total))
        own = sorted(lines, key=lambda line: (work[line], lines.index(line)))[:wanted]
        for turn, flight in enumerate(sorted(theirs, key=lambda one: (one.departs_s, one.key))):
            line = own[turn % len(own)]
            given[line].append(flight)
            work[line] += flight.pax_out
    return given


def wave(flights: Sequence[Flight], parameters: LineParameters, chance: Random) -> list[Passenger]:
    """Draw the passengers of these flights who stand in one line, in the order in which they join it."""
    earliest, latest, usual = parameters.before_min
    passengers: list[Passenger] = []
    for flight in flights:
        for _ in range(round(flight.pax_out * parameters.share)):
            before_min = chance.triangular(latest, earliest, usual)
            service_s = parameters.service_floor_s + chance.expovariate(
                1 / (parameters.service_s - parameters.service_floor_s)
            )
            passengers.append(Passenger(joins_s=flight.departs_s - before_min * 60, service_s=service_s))
    return sorted(passengers, key=lambda passenger: passenger.joins_s)


def roster(flights: Sequence[Flight], parameters: LineParameters, halves: int) -> list[int]:
    """Return the desks to open in each half hour, from the bookings alone, as a planner does the day before."""
    earliest, latest, usual = parameters.before_min
    desks: list[int] = []
    for half in range(halves):
        begins_s, ends_s = half * HALF_HOUR_S, (half + 1) * HALF_HOUR_S
        expected = 0.0
        for flight in flights:
            early = _come_by((flight.departs_s - begins_s) / 60, earliest, latest, usual)
            late = _come_by((flight.departs_s - ends_s) / 60, earliest, latest, usual)
            expected += flight.pax_out * parameters.share * (late - early)
        wanted = expected * parameters.service_s / (HALF_HOUR_S * parameters.target_load)
        # A planner rounds to the nearest desk: half of the time that is one too few.
        desks.append(min(parameters.desks - 1, max(round(wanted), 1 if expected > 0 else 0)))
    return desks


def _come_by(before_min: float, earliest: float, latest: float, usual: float) -> float:
    """Return the part of a flight's passengers who have joined when it is `before_min` to departure (triangular)."""
    if before_min >= earliest:
        return 0.0
    if before_min <= latest:
        return 1.0
    span = earliest - latest
    if before_min > usual:
        return (earliest - before_min) ** 2 / (span * (earliest - usual))
    return 1.0 - (before_min - latest) ** 2 / (span * (usual - latest))

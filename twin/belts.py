"""Baggage belts: planes dock, crews bring the bags, belts jam, somebody presses done or forgets to."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import simpy

from andgate.moment.signals import About
from twin.flights import Flight
from twin.parameters import PRESS_S, BeltParameters
from twin.places import Place
from twin.stage import Play, Stage, spread
from twin.truth import Truth

_TICK_S = 20.0
"""Bags are moved in steps of so many seconds."""
_CREW_LATE_S = 90.0
"""A crew that comes later than this was at another plane."""
_LATE_FOR_A_LOOK_S = 17 * 60.0
"""Somebody on their round finds it odd that a flight's bags are still coming after this."""


class Ramp:
    """The crews that carry bags from the planes; all belts share them."""

    def __init__(self, stage: Stage, parameters: BeltParameters) -> None:
        """Put the day's crews on their carts."""
        self._stage = stage
        self._parameters = parameters
        self.crews = simpy.Resource(stage.env, capacity=parameters.crews)

    def begin(self) -> None:
        """Let the shifts change."""
        self._stage.play(self._night())

    def _night(self) -> Play:
        missing = self._parameters.crews - self._parameters.crews_at_night
        yield self._stage.at(18 * 3600)  # 21:00
        taken = [self.crews.request() for _ in range(missing)]
        yield from taken


class Unloading:
    """One flight's bags on their way."""

    def __init__(self, stage: Stage, flight: Flight, bags: float) -> None:
        """Begin at dock."""
        self.flight = flight
        self.docked_s = stage.now_s
        self.bags = bags
        self.called = stage.env.event()
        """Somebody is sent to help."""
        self.helped = False
        self.unloaded = False
        self.pressed = False

    def call(self) -> None:
        """Send somebody."""
        self.helped = True
        if not self.called.triggered:
            self.called.succeed()


class Belt:
    """One belt, its sign, its big button and its fault contact."""

    def __init__(
        self,
        stage: Stage,
        place: Place,
        parameters: BeltParameters,
        ramp: Ramp,
        flights: Sequence[Flight],
        truth: Truth,
    ) -> None:
        """Set it up; `begin` lets the planes come."""
        self.place = place
        self.jammed = False
        self.now: list[Unloading] = []
        """Flights whose sign still counts, in the order of docking."""
        self.why: dict[str, str] = {}
        """Flight -> what held it up, if anything did."""
        self._stage = stage
        self._parameters = parameters
        self._ramp = ramp
        self._flights = flights
        self._truth = truth
        self._chance = stage.chance(f"{place.id}/belt")
        self._freed = stage.env.event()
        self._belt = simpy.Resource(stage.env, capacity=1)

    def begin(self) -> None:
        """Let the day's planes dock."""
        self._stage.play(self._docks())

    @property
    def in_trouble(self) -> bool:
        """What somebody who walks by would act on."""
        late_s = self._stage.now_s - _LATE_FOR_A_LOOK_S
        return self.jammed or any(one.docked_s < late_s and not one.helped for one in self.now)

    def find(self, key: str | None) -> Unloading | None:
        """Return the flight's unloading, or the oldest one."""
        if key is None:
            return self.now[0] if self.now else None
        return next((one for one in self.now if one.flight.key == key), None)

    def by_radio(self, key: str | None) -> bool:
        """Ask on the radio; true if that is all it takes, because the bags are out and only the button is missing."""
        one = self.find(key)
        if one is None or not one.unloaded:
            return False
        self._stage.play(self._press(one, spread(self._chance, self._parameters.asked_s)))
        return True

    def help(self, key: str | None) -> Play:
        """Somebody who was sent stands at the belt: frees it, and lends a hand until the bags are out."""
        if self.jammed:
            yield self._stage.after(self._chance.uniform(*self._parameters.jam_called_s))
            self._free()
        one = self.find(key)
        if one is None:
            return
        one.call()
        while not one.unloaded:
            yield self._stage.after(_TICK_S)
        yield self._stage.play(self._press(one, self._chance.uniform(*self._parameters.done_after_s)))

    # ---------------------------------------------------------------------------------------------- inside

    def _docks(self) -> Play:
        for flight in self._flights:
            yield self._stage.at(flight.docks_s)
            about: About = {"pax": flight.pax_in, "handler": "gh1" if flight.carrier == "UA" else "gh2"}
            self._stage.report(self.place.id, "docked", key=flight.key, about=about)
            one = Unloading(self._stage, flight, flight.pax_in * self._parameters.bags_per_pax)
            self.now.append(one)
            luck = self._stage.chance(f"{flight.key}/bags")
            slow_min = self._slow_min(luck)
            self.why[flight.key] = "time: hold opened late" if slow_min else "time: bag system slow"
            self._stage.play(
                self._unloads(
                    one,
                    first_s=60 * (slow_min + luck.triangular(*self._parameters.first_bag_min)),
                    a_second=luck.uniform(*self._parameters.bags_a_minute) / 60,
                    presses_s=luck.uniform(*self._parameters.done_after_s),
                    forgets=luck.random() < self._parameters.forgets_done,
                    jams_after_s=luck.expovariate(1 / (60 * self._parameters.jam_every_min)),
                )
            )

    def _slow_min(self, luck: Random) -> float:
        slow = luck.random() < self._parameters.slow
        later_min = luck.uniform(*self._parameters.slow_min)
        return later_min if slow else 0.0

    def _unloads(  # the luck of one flight
        self, one: Unloading, *, first_s: float, a_second: float, presses_s: float, forgets: bool, jams_after_s: float
    ) -> Play:
        # A crew of one's own, or somebody who is sent because no crew came.
        request = self._ramp.crews.request()
        yield request | one.called
        if self._stage.now_s - one.docked_s > _CREW_LATE_S:
            self.why[one.flight.key] = "people: one crew, two planes"
        yield self._stage.after(first_s * (0.8 if one.helped else 1.0))
        with self._belt.request() as turn:
            yield turn
            ran_s = 0.0
            while one.bags > 0:
                if ran_s <= jams_after_s < ran_s + _TICK_S and not self.jammed:
                    self._stage.play(self._jams())
                ran_s += _TICK_S
                if self.jammed:
                    self.why[one.flight.key] = "quality: belt jam"
                    yield self._freed
                yield self._stage.after(_TICK_S)
                one.bags -= a_second * _TICK_S * (self._parameters.helped if one.helped else 1.0)
        if request.triggered:
            self._ramp.crews.release(request)
        else:
            request.cancel()
        one.unloaded = True
        took_s = self._stage.now_s - one.docked_s
        self._truth.count(self.place.expectation, broken=took_s > self.place.fails_after_s)
        if forgets:
            self.why[one.flight.key] = "people: button forgotten"
            presses_s = spread(self._stage.chance(f"{one.flight.key}/remembers"), self._parameters.remembers_s)
        yield self._stage.play(self._press(one, presses_s))

    def _press(self, one: Unloading, after_s: float) -> Play:
        yield self._stage.after(after_s)
        # The button closes what the sign shows first: who presses for a later flight presses until its line is gone.
        while not one.pressed and self.place.done is not None:
            shown = self.now.pop(0)
            shown.pressed = True
            self._stage.press(self.place.done, self._chance.uniform(*PRESS_S))
            yield self._stage.after(4.0)

    def _jams(self) -> Play:
        self.jammed = True
        self._freed = self._stage.env.event()
        self._see(on=True)
        yield self._stage.after(spread(self._chance, self._parameters.jam_s)) | self._freed
        self._free()

    def _free(self) -> None:
        if self.jammed:
            self.jammed = False
            self._see(on=False)
            self._freed.succeed()

    def _see(self, *, on: bool) -> None:
        if self.place.mark is not None:
            self._stage.level(self.place.mark, on=on)

"""A day of the whole terminal, in virtual time: plan, flights, parameters and seed in, happenings out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

from andgate.plan import Plan
from twin.agents import Agents
from twin.belts import Belt, Ramp
from twin.desks import Line
from twin.flights import Flight, day_begins_ms, flights_of
from twin.gates import Gate
from twin.happenings import AnyHappening, Beep
from twin.helppoints import HelpPoint
from twin.oversize import Oversize
from twin.parameters import LineParameters, Parameters
from twin.passengers import roster, shared_out, wave
from twin.places import Place, places_of
from twin.posts import BeltPost, GatePost, HelpPost, LinePost, OversizePost
from twin.staff import Post, Staff
from twin.stage import Play, Stage
from twin.truth import Truth

_HALVES = 48


class World:
    """One day, from 03:00 to 03:00. The same arguments, and the same pages at the same times, give the same day."""

    def __init__(
        self,
        plan: Plan,
        day: date,
        *,
        today: date,
        seed: int,
        parameters: Parameters | None = None,
    ) -> None:
        """Set the terminal up.

        Args:
            plan: the site; every touchpoint whose promise the model knows is played.
            day: which day to play.
            today: the day that the busiest recorded day plays.
            seed: of all luck.
            parameters: of the terminal; the usual ones if None.
        """
        self._parameters = parameters or Parameters()
        self.day = day
        self.begins_ms = day_begins_ms(day, plan.site.timezone)
        self.ends_ms = day_begins_ms(day + timedelta(days=1), plan.site.timezone)
        """When the next day begins: 23, 24 or 25 hours later."""
        self.truth = Truth()
        self._stage = Stage(str(day), begins_ms=self.begins_ms, seed=seed)
        self._flights = flights_of(day, today=today, seed=seed, parameters=self._parameters.flights)
        places = places_of(plan)
        posts: dict[str, Post] = {}
        lines = [place for place in places.values() if place.part == "line"]
        posts.update(self._lines([line for line in lines if not line.quick], self._parameters.counter))
        posts.update(self._lines([line for line in lines if line.quick], self._parameters.bag_drop))
        posts.update(self._arrivals(places))
        posts.update(self._departures(places))
        posts.update(self._help_points(places))
        self._staff = Staff(self._stage, plan, self._parameters.staff, posts)
        self._staff.begin()

    def next_ms(self) -> int | None:
        """Return when the next thing in the model happens, UTC milliseconds; None when the day is played out."""
        peek = self._stage.env.peek()
        return None if math.isinf(peek) else self.begins_ms + math.ceil(peek * 1000 - 0.5)

    def run(self, until_ms: int) -> list[AnyHappening]:
        """Let the model go on up to and with `until_ms`; return what happened since the last call, in order."""
        env = self._stage.env
        until_s = (until_ms - self.begins_ms) / 1000 + 0.0005
        while env.peek() <= until_s:
            env.step()
        return self._stage.happened()

    def run_to_next(self, until_ms: int) -> tuple[int, list[AnyHappening]]:
        """Let the model go on until something happens, or up to and with `until_ms`; return when, and what."""
        env, stage = self._stage.env, self._stage
        until_s = (until_ms - self.begins_ms) / 1000 + 0.0005
        while env.peek() <= until_s:
            env.step()
            if stage.anything_happened:
                now_ms = stage.now_ms
                return now_ms, self.run(now_ms)
        return until_ms, []

    def hear(self, beep: Beep, at_ms: int) -> None:
        """Let a pager beep at `at_ms`, which must not be before what has been run."""
        self._staff.hear(beep, (at_ms - self.begins_ms) / 1000 - self._stage.now_s)

    def why(self, moment: str, touchpoint: str, key: str | None) -> str | None:
        """Return the cause that a supervisor gives for a failed moment, as ``people: nobody free``; None if none."""
        return self._staff.why(moment, touchpoint, key)

    # ---------------------------------------------------------------------------------------------- setting up

    def _lines(self, places: Sequence[Place], parameters: LineParameters) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        given = shared_out(self._flights, [place.id for place in places])
        for place in places:
            flights = given[place.id]
            passengers = wave(flights, parameters, self._stage.chance(f"{place.id}/wave"))
            line = Line(self._stage, place, parameters, passengers, roster(flights, parameters, _HALVES), self.truth)
            posts[place.id] = LinePost(line, Agents(self._stage, line))
            line.on_reached.append(partial(self._phones, place.id))
            line.begin()
            for flight in flights:
                self._stage.play(self._serves(place, flight, parameters))
        return posts

    def _phones(self, place: str) -> None:
        self._staff.phoned(place)

    def _serves(self, place: Place, flight: Flight, parameters: LineParameters) -> Play:
        yield self._stage.at(flight.departs_s - parameters.opens_min * 60)
        self._stage.report(place.id, "serving", key=flight.key)
        yield self._stage.at(flight.departs_s - parameters.closes_min * 60)
        self._stage.report(place.id, "released", key=flight.key)

    def _arrivals(self, places: dict[str, Place]) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        ramp = Ramp(self._stage, self._parameters.belts)
        ramp.begin()
        belts = [place for place in places.values() if place.part == "belt"]
        for turn, place in enumerate(belts):
            # The belts take turns, so that none gets two planes in a row while another stands idle.
            flights = self._flights[turn :: len(belts)]
            belt = Belt(self._stage, place, self._parameters.belts, ramp, flights, self.truth)
            posts[place.id] = BeltPost(belt)
            belt.begin()
        for place in places.values():
            if place.part == "oversize":
                door = Oversize(self._stage, place, self._parameters.oversize, self._flights, self.truth)
                posts[place.id] = OversizePost(door)
                door.begin()
        return posts

    def _departures(self, places: dict[str, Place]) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        gates = [place for place in places.values() if place.part == "gate"]
        leaving = sorted(self._flights, key=lambda flight: (flight.departs_s, flight.key))
        for turn, place in enumerate(gates):
            gate = Gate(self._stage, place, self._parameters.gates, leaving[turn :: len(gates)], self.truth)
            posts[place.id] = GatePost(gate)
            gate.begin()
        return posts

    def _help_points(self, places: dict[str, Place]) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        for place in places.values():
            if place.part == "help":
                point = HelpPoint(self._stage, place, self._parameters.help, self.truth)
                posts[place.id] = HelpPost(point)
                point.begin()
        return posts

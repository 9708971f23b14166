"""The oversize door: a countdown started on the spot, and a button when everything is handed out."""

from __future__ import annotations

from collections.abc import Sequence

import simpy

from twin.flights import Flight
from twin.parameters import PRESS_S, OversizeParameters
from twin.places import Place
from twin.stage import Play, Stage, spread
from twin.truth import Truth


class Oversize:
    """The door."""

    def __init__(
        self, stage: Stage, place: Place, parameters: OversizeParameters, flights: Sequence[Flight], truth: Truth
    ) -> None:
        """Set it up."""
        self.place = place
        self._stage = stage
        self._parameters = parameters
        self._flights = flights
        self._truth = truth
        self._chance = stage.chance(f"{place.id}/door")
        self._came_s: float | None = None
        self._sent: simpy.Event = stage.env.event()

    def begin(self) -> None:
        """Let some flights bring something large."""
        for flight in self._flights:
            luck = self._stage.chance(f"{flight.key}/oversize")
            if luck.random() < self._parameters.a_flight:
                after_s = luck.uniform(*self._parameters.after_min) * 60
                self._stage.play(self._comes(flight.docks_s + after_s, spread(luck, self._parameters.takes_s)))

    @property
    def in_trouble(self) -> bool:
        """What somebody who walks by would act on."""
        return self._came_s is not None and self._stage.now_s - self._came_s > self.place.fails_after_s / 2

    def help(self) -> Play:
        """Somebody who was sent hands it out."""
        if self._came_s is not None and not self._sent.triggered:
            yield self._stage.after(self._chance.uniform(*self._parameters.helped_s))
            if not self._sent.triggered:
                self._sent.succeed()

    def _comes(self, at_s: float, takes_s: float) -> Play:
        yield self._stage.at(at_s)
        if self._came_s is not None:
            return  # it goes with what is already at the door
        self._came_s = self._stage.now_s
        self._sent = self._stage.env.event()
        for button in self.place.buttons:
            self._stage.press(button, self._chance.uniform(*PRESS_S))
        yield self._stage.after(takes_s) | self._sent
        took_s = self._stage.now_s - self._came_s
        self._came_s = None
        self._truth.count(self.place.expectation, broken=took_s > self.place.fails_after_s)
        if self.place.done is not None:
            self._stage.press(self.place.done, self._chance.uniform(*PRESS_S))

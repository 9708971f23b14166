"""Gates: boarding is posted for a time, and starts then or does not."""

from __future__ import annotations

from collections.abc import Sequence

import simpy

from twin.flights import Flight
from twin.parameters import PRESS_S, GateParameters
from twin.places import Place
from twin.stage import Play, Stage
from twin.truth import Truth


class Gate:
    """One gate, its sign and its button."""

    def __init__(
        self, stage: Stage, place: Place, parameters: GateParameters, flights: Sequence[Flight], truth: Truth
    ) -> None:
        """Set it up."""
        self.place = place
        self._stage = stage
        self._parameters = parameters
        self._flights = flights
        self._truth = truth
        self._chance = stage.chance(f"{place.id}/gate")
        self._late: dict[str, simpy.Event] = {}
        self.why: dict[str, str] = {}
        """Flight -> why it boards late, if it does."""

    def begin(self) -> None:
        """Let the day's flights be posted."""
        for flight in self._flights:
            self._stage.play(self._boards(flight))

    @property
    def in_trouble(self) -> bool:
        """What somebody who walks by would act on."""
        return bool(self._late)

    def help(self, key: str | None) -> Play:
        """Somebody who was sent starts the boarding."""
        waiting = self._late.get(key) if key is not None else next(iter(self._late.values()), None)
        if waiting is not None and not waiting.triggered:
            yield self._stage.after(self._chance.uniform(*self._parameters.starts_s))
            if not waiting.triggered:
                waiting.succeed()

    def _boards(self, flight: Flight) -> Play:
        luck = self._stage.chance(f"{flight.key}/boarding")
        posted_s = flight.departs_s - self._parameters.boards_min * 60
        late = luck.random() < self._parameters.late
        helpless = luck.random() < self._parameters.not_ready
        after_s = luck.uniform(*(self._parameters.late_s if late else self._parameters.after_s))
        yield self._stage.at(posted_s - self._parameters.posted_min * 60)
        self._stage.report(self.place.id, "posted", key=flight.key, about={"pax": flight.pax_out})
        began_s = self._stage.now_s
        if late:
            self.why[flight.key] = "time: aircraft not ready" if helpless else "people: agent at another gate"
            yield self._stage.at(posted_s)
            sent = self._late[flight.key] = self._stage.env.event()
            yield self._stage.after(after_s) | (self._stage.env.event() if helpless else sent)
            del self._late[flight.key]
        else:
            yield self._stage.at(posted_s + after_s)
        self._truth.count(self.place.expectation, broken=self._stage.now_s - began_s > self.place.fails_after_s)
        if self.place.done is not None:
            self._stage.press(self.place.done, self._chance.uniform(*PRESS_S))

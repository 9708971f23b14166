"""Help points and kiosk rows: a customer cannot do what they must, presses, and waits."""

from __future__ import annotations

import simpy

from twin.parameters import HOLD_S, PRESS_S, HelpParameters
from twin.places import Place
from twin.stage import Play, Stage, poisson_times, spread
from twin.truth import Truth


class HelpPoint:
    """One button that customers press and helpers hold."""

    def __init__(self, stage: Stage, place: Place, parameters: HelpParameters, truth: Truth) -> None:
        """Set it up."""
        self.place = place
        self.unheld = False
        """Somebody was helped and nobody held the button."""
        self._stage = stage
        self._parameters = parameters
        self._truth = truth
        self._chance = stage.chance(f"{place.id}/calls")
        self._called_s: float | None = None
        self._there: simpy.Event = stage.env.event()
        self._forgets = False

    def begin(self) -> None:
        """Let customers come."""
        self._stage.play(self._calls())

    @property
    def in_trouble(self) -> bool:
        """What somebody who walks by would act on."""
        return self._called_s is not None or self.unheld

    def help(self) -> Play:
        """Somebody is there: the clock stops, then the helping itself takes its time."""
        serves_s = spread(self._chance, self._parameters.serves_s)
        if self._called_s is not None:
            self._arrive()
            yield self._stage.after(serves_s)
        elif self.unheld:
            self._hold()

    def _calls(self) -> Play:
        begins_h, ends_h = self._parameters.day_h
        calls_h = self._parameters.calls_h.get(self.place.id.partition("-")[0], self._parameters.calls_else_h)
        when = self._stage.chance(f"{self.place.id}/when")
        times = poisson_times(when, 3600 / calls_h, begins_h * 3600, ends_h * 3600)
        for number, at_s in enumerate(times):
            yield self._stage.at(at_s)
            if self._called_s is None:
                self._call(number)

    def _call(self, number: int) -> None:
        luck = self._stage.chance(f"{self.place.id}/call/{number}")
        self._called_s = self._stage.now_s
        self._there = self._stage.env.event()
        self._forgets = luck.random() < self._parameters.forgets_reset
        self.unheld = False
        self._press()
        noticed_s = spread(luck, self._parameters.notices_s)
        if luck.random() < self._parameters.notices:
            self._stage.play(self._noticed(noticed_s, self._there))
        if luck.random() < self._parameters.again:
            self._stage.play(self._again(luck.uniform(55, 100), self._there))

    def _noticed(self, after_s: float, there: simpy.Event) -> Play:
        yield self._stage.after(after_s) | there
        if not there.triggered:
            self._arrive()

    def _again(self, after_s: float, there: simpy.Event) -> Play:
        yield self._stage.after(after_s) | there
        if not there.triggered:
            self._press()

    def _arrive(self) -> None:
        if self._called_s is None:
            return
        waited_s = self._stage.now_s - self._called_s
        self._truth.count(self.place.expectation, broken=waited_s > self.place.fails_after_s)
        self._called_s = None
        if not self._there.triggered:
            self._there.succeed()
        if self._forgets:
            self.unheld = True
        else:
            self._hold()

    def _press(self) -> None:
        for button in self.place.buttons[:1]:
            self._stage.press(button, self._chance.uniform(*PRESS_S))

    def _hold(self) -> None:
        self.unheld = False
        for button in self.place.buttons[:1]:
            self._stage.press(button, self._chance.uniform(*HOLD_S))

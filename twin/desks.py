"""A check-in line, its desks, and the mark on the floor where the promised wait is nearly used up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import simpy

from twin.parameters import LineParameters
from twin.passengers import HALF_HOUR_S, Passenger
from twin.places import Place
from twin.stage import Play, Stage, poisson_times
from twin.truth import Truth

_HURRIED = 0.75
"""What is left of a desk time when somebody goes along the line and has papers and bags ready."""
_HURRY_S = 600.0


class Line:
    """One line and its desks."""

    def __init__(
        self,
        stage: Stage,
        place: Place,
        parameters: LineParameters,
        passengers: Sequence[Passenger],
        roster: Sequence[int],
        truth: Truth,
    ) -> None:
        """Set it up, closed and empty; `begin` lets the day go."""
        self.place = place
        self.parameters = parameters
        self.waiting: deque[Passenger] = deque()
        self.at_mark = False
        """The line stands at the mark."""
        self.pressed_only = False
        """An agent's press stands without the line being at the mark; somebody must take it back."""
        self.on_reached: list[Callable[[], None]] = []
        self.on_grown: list[Callable[[], None]] = []
        self._stage = stage
        self._passengers = passengers
        self._roster = roster
        self._truth = truth
        self._chance = stage.chance(f"{place.id}/desks")
        self.short = False
        """Somebody who is on the roster is not at a desk."""
        self._rostered = 0
        self._extra = 0
        self._open = 0
        self._busy = 0
        self._hurried_until_s = -1.0

    def begin(self) -> None:
        """Let passengers and agents come."""
        self._stage.play(self._shifts())
        self._stage.play(self._joins())
        if self.place.mark is not None:
            self._stage.play(self._walks_through(self.place.mark))

    @property
    def open_desks(self) -> int:
        """Desks with an agent at them."""
        return self._open

    @property
    def mark(self) -> int:
        """How many people stand before the mark: the marked minutes' worth of people, at the present staffing.

        The stand with the beam is moved whenever a desk opens or closes.
        """
        return max(3, round(max(1, self._open) * self.parameters.mark_min * 60 / self.parameters.service_s))

    @property
    def in_trouble(self) -> bool:
        """What somebody who walks by would act on."""
        return self.at_mark or self.pressed_only

    def can_open(self) -> bool:
        """Tell whether a desk is left to open."""
        return self._rostered + self._extra < self.parameters.desks

    def extra_desk(self) -> Play:
        """Somebody sits down at one more desk, and stays until the line is short again."""
        self._extra += 1
        self._staff()
        least = self._stage.after(self.parameters.releases_after_s)
        yield least
        while len(self.waiting) > self.mark // 4:
            yield self._stage.after(60)
        self._extra -= 1
        self._staff()

    def hurry(self) -> Play:
        """Somebody goes along the line and gets papers and bags ready."""
        self._hurried_until_s = self._stage.now_s + _HURRY_S
        yield self._stage.after(_HURRY_S)

    # ---------------------------------------------------------------------------------------------- inside

    def _shifts(self) -> Play:
        for planned in self._roster:
            # Always one at an open counter: the others stay until they are relieved.
            present = sum(self._chance.random() >= self.parameters.absent for _ in range(planned))
            self.short = present < planned
            self._rostered = max(present, 1) if planned or self.waiting else 0
            self._staff()
            yield self._stage.after(HALF_HOUR_S)

    def _staff(self) -> None:
        desks = min(self.parameters.desks, self._rostered + self._extra)
        if desks == self._open:
            return
        self._open = desks
        self._stage.report(self.place.id, "staffed", value=desks)
        self._serve()
        self._look()

    def _joins(self) -> Play:
        for passenger in self._passengers:
            yield self._stage.at(passenger.joins_s)
            self.waiting.append(passenger)
            self._serve()
            self._look()

    def _serve(self) -> None:
        while self.waiting and self._busy < self._open:
            passenger = self.waiting.popleft()
            waited_s = self._stage.now_s - passenger.joins_s
            self._truth.count(self.place.expectation, broken=waited_s > self.parameters.promise_min * 60)
            self._busy += 1
            hurried = self._stage.now_s < self._hurried_until_s
            leaves = self._stage.after(passenger.service_s * (_HURRIED if hurried else 1.0))
            assert leaves.callbacks is not None  # noqa: S101 - a new event always has them
            leaves.callbacks.append(self._served)

    def _served(self, _: simpy.Event) -> None:
        self._busy -= 1
        self._serve()
        self._look()

    def _look(self) -> None:
        length, mark = len(self.waiting), self.mark
        if not self.at_mark and length >= mark:
            self.at_mark = True
            self.pressed_only = False
            self._see(on=True)
            for tell in self.on_reached:
                tell()
        elif self.at_mark and length <= mark - self.parameters.slack:
            self.at_mark = False
            self._see(on=False)
        elif not self.at_mark and length * 4 >= mark * 3:
            for tell in self.on_grown:
                tell()

    def _see(self, *, on: bool) -> None:
        if self.place.mark is not None:
            self._stage.level(self.place.mark, on=on)

    def _walks_through(self, mark: str) -> Play:
        chance = self._stage.chance(f"{self.place.id}/walks")
        for at_s in poisson_times(chance, 3600 / self.parameters.walks_through_h, 3600, 20 * 3600):
            yield self._stage.at(at_s)
            if not self.at_mark:
                self._stage.level(mark, on=True)
                yield self._stage.after(chance.uniform(0.5, 2.0))
                if not self.at_mark:
                    self._stage.level(mark, on=False)

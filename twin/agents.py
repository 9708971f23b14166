"""Ticket agents at their desks: they press, press late, press by habit, forget, and try to reset too early."""

from __future__ import annotations

from twin.desks import Line
from twin.parameters import HOLD_S, PRESS_S
from twin.stage import Play, Stage, spread

_HABIT_REST_S = 1800.0
"""Who has pressed by habit does not do it again at once."""


class Agents:
    """The agents of one line, and their red buttons."""

    def __init__(self, stage: Stage, line: Line) -> None:
        """Let them watch their line; without a button they only serve."""
        self._stage = stage
        self._line = line
        self._parameters = line.parameters
        self._chance = stage.chance(f"{line.place.id}/agents")
        self._rested_s = 0.0
        if line.place.buttons:
            line.on_reached.append(self._reached)
            line.on_grown.append(self._grown)

    def take_back(self) -> None:
        """Somebody who came by holds the button: the press that nobody took back ends."""
        if self._line.pressed_only:
            self._line.pressed_only = False
            self._hold()

    def _reached(self) -> None:
        # The luck is drawn whether it is used or not, so that one line's day is the same with and without paging.
        sees = self._chance.random() < self._parameters.sees
        after_s = spread(self._chance, self._parameters.sees_after_s)
        tries = self._chance.random() < self._parameters.tries_reset
        tries_s = self._chance.uniform(30, 80)
        if sees:
            self._stage.play(self._sees(after_s, tries_s if tries else None))

    def _sees(self, after_s: float, tries_s: float | None) -> Play:
        yield self._stage.after(after_s)
        if not self._line.at_mark:
            return
        self._press()
        if tries_s is not None:
            yield self._stage.after(tries_s)
            if self._line.at_mark:
                self._hold()

    def _grown(self) -> None:
        if self._stage.now_s < self._rested_s:
            return
        self._rested_s = self._stage.now_s + _HABIT_REST_S
        if self._chance.random() < self._parameters.habit:
            self._stage.play(self._presses_early())

    def _presses_early(self) -> Play:
        resets_s = spread(self._chance, self._parameters.resets_after_s)
        forgets = self._chance.random() < self._parameters.forgets_reset
        self._press()
        self._line.pressed_only = True
        yield self._stage.after(resets_s)
        if not forgets:
            self.take_back()

    def _press(self) -> None:
        self._stage.press(self._chance.choice(self._line.place.buttons), self._chance.uniform(*PRESS_S))

    def _hold(self) -> None:
        self._stage.press(self._chance.choice(self._line.place.buttons), self._chance.uniform(*HOLD_S))

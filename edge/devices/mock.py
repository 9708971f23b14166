"""A hand for mock pins: it presses buttons, breaks beams and looks at lamps, on gpiozero's own mock factory.

board = MockBoard(clock)
EdgeApp("desk-a1", broker_url=url, data_dir=folder, clock=clock, pin_factory=board.factory).start()
board.press(17, for_s=0.2)
board.level(27)                     # the lamp in the button
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin

from andgate.clock import Clock
from edge.clock import node_clock
from edge.devices.distance import SOUND_M_S
from edge.devices.mock_sound import MockSound

AT_ONCE_S = 0.5
"""Presses up to this long are driven down and up in one go, each edge with its own time: exact on a busy machine."""
BETWEEN_S = 0.1


class BoardPin(MockPWMPin):  # type: ignore[misc]
    """A mock pin that stays where a hand has put it, also when a program sets its pull."""

    def __init__(self, factory: BoardFactory, info: Any, **more: Any) -> None:  # noqa: ANN401 - gpiozero has no types
        """Begin untouched."""
        self.driven: bool | None = None
        super().__init__(factory, info, **more)

    def _set_pull(self, value: str) -> None:
        if self.driven is None:
            super()._set_pull(value)
        else:
            self._pull = value
            self._change_state(self.driven)  # closing a PWM pin has put it low

    def _set_state(self, value: float) -> None:
        fell = bool(self._state) and not value
        super()._set_state(value)
        if fell:
            self.factory.fell(self)

    def hold(self, *, high: bool) -> None:
        """Drive the pin from outside."""
        self.driven = high
        if self.function == "input" and self._change_state(high):
            self._tell()

    def _tell(self) -> None:
        if self._when_changed is not None:
            self._call_when_changed()

    def pulse(self, length_s: float) -> None:
        """Go high and low again, `length_s` apart by the pin's own ticks."""
        start = self.factory.ticks()
        for ticks, state in ((start, True), (start + length_s, False)):
            self._state = state
            self._last_change = ticks
            self._tell()


class BoardFactory(MockFactory):  # type: ignore[misc]
    """gpiozero's mock factory with `BoardPin` pins, which can say when an edge really was."""

    def __init__(self) -> None:
        """Begin with no pins."""
        super().__init__(pin_class=BoardPin)
        self.edge_s: float | None = None
        """The time of the edge that is being driven, or None: devices ask their own clock."""
        self.echoes: dict[Any, tuple[Any, float]] = {}
        self.sound = MockSound()
        self.player, self.voice = self.sound.player, self.sound.voice
        """Speakers and transmitters on mock pins play nothing aloud."""

    def fell(self, pin: BoardPin) -> None:
        """Answer a trigger's falling edge with its echo."""
        echo = self.echoes.get(pin.info)
        if echo is not None:
            echo[0].pulse(echo[1])


class MockBoard:
    """A hand on mock pins. Numbers are GPIO (BCM); safe from any thread."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Make a board; give it the node's clock, so that a press lasts as long as it says."""
        self.factory = BoardFactory()
        """Give this to `EdgeApp` as its pin factory."""
        self._clock = node_clock(clock)
        self._lock = threading.Lock()
        self._timers: set[threading.Timer] = set()
        self._up_s: dict[int, float] = {}

    def pin(self, number: int) -> Any:  # noqa: ANN401 - gpiozero has no types
        """Return the mock pin itself, with its history in `states`."""
        return self.factory.pin(number)

    def drive(self, number: int, *, high: bool, at_s: float | None = None) -> None:
        """Hold a pin high or low, from now on or (on the node's monotonic clock) since `at_s`."""
        with self._lock:
            self.factory.edge_s = at_s
            try:
                self.pin(number).hold(high=high)
            finally:
                self.factory.edge_s = None

    def press(self, number: int, for_s: float = 0.2, then: Callable[[], None] | None = None) -> None:
        """Press a button to ground for so many seconds of the clock; returns at once.

        A press up to half a second is driven in one go; a longer one keeps the pin down for that time. Presses of one
        button do not overlap: one that comes too soon is put a tenth of a second after the last.
        """
        down_s = max(self._clock.mono_s(), self._up_s.get(number, 0.0) + BETWEEN_S)
        self._up_s[number] = down_s + for_s
        self.drive(number, high=False, at_s=down_s)
        if for_s <= AT_ONCE_S:
            self._release(number, down_s + for_s, then)
            return
        timer = threading.Timer(self._clock.real_s(for_s), self._release, (number, down_s + for_s, then))
        timer.daemon = True
        self._timers = {one for one in self._timers if one.is_alive()} | {timer}
        timer.start()

    def _release(self, number: int, at_s: float, then: Callable[[], None] | None) -> None:
        self.drive(number, high=True, at_s=at_s)
        if then is not None:
            then()

    def level(self, number: int) -> bool:
        """Say whether a pin is high: a lamp is lit, a buzzer sounds."""
        return bool(self.pin(number).state)

    def distance(self, trigger: int, echo: int, metres: float | None) -> None:
        """Put something `metres` before a distance sensor; None: no echo at all."""
        with self._lock:
            if metres is None:
                self.factory.echoes.pop(self.pin(trigger).info, None)
            else:
                self.factory.echoes[self.pin(trigger).info] = (self.pin(echo), 2 * metres / SOUND_M_S)

    def close(self) -> None:
        """Let go of everything."""
        for timer in self._timers:
            timer.cancel()
        self.factory.close()

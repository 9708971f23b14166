"""An ultrasonic distance sensor at the mark."""

from __future__ import annotations

from collections import deque
from statistics import median

import gpiozero

from andgate.wire.messages import DeviceHealth
from edge.devices.base import Device, Edge, Hands, Input, Report
from edge.settle import Hysteresis, Settle

SOUND_M_S = 343.0
PING_S = 0.1
"""Ten pings a second: the last echo has died away by then."""
MEMORY = 5
"""The median of so many pings is believed: single echoes go astray."""
BLIND_AFTER = 10
"""So many pings without an echo, and the sensor is blind."""


class Distance(Input):
    """Somebody nearer than `near` is a line, nobody within `far` is none; between the two nothing changes.

    Wiring (HC-SR04): trigger to `trigger`; echo to `echo` through a divider (it gives 5 V, a Pi bears 3.3 V).

        board.distance(trigger=23, echo=24, metres=0.8)
        sensor = Distance(Hands("mark", config, board.factory, clock, emit))
        sensor.check(at_s=10.0)           # sends a ping; the echo's edges come through `emit`
        sensor.advance(at_s=14.0)

    Settings:
        trigger, echo: GPIO (BCM) of the two lines.
        near, far: metres, near < far.
        settle_ms: how long it must stand, 4000 by default.

    Active means near here, once and for all. Without echoes it is unknown: it says so (`blind`) and raises nothing.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim both pins."""
        Device.__init__(self, hands)
        try:
            self._marks = Hysteresis(float(hands.setting("near")), float(hands.setting("far")))
        except ValueError as wrong:
            raise ValueError(f"device {hands.id}: {wrong}") from wrong
        self._settle: Settle | None = None
        self._settle_s = hands.seconds("settle")
        self._recent: deque[float] = deque(maxlen=MEMORY)
        self._missed = 0
        self._blind = False
        self._up: float | None = None
        self._heard = True
        self._next_s = hands.clock.mono_s()
        self._trigger = gpiozero.DigitalOutputDevice(hands.setting("trigger"), pin_factory=hands.pin_factory)
        self._echo = gpiozero.InputDevice(hands.setting("echo"), pin_factory=hands.pin_factory)
        self._echo.pin.edges = "both"
        self._echo.pin.when_changed = self._edge

    def _edge(self, ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero calls it so
        """Measure an echo: it is as long as the sound was under way. Runs in the pins' thread and only enqueues."""
        if state:
            self._up = ticks
        elif self._up is not None:
            flight_s = self._echo.pin_factory.ticks_diff(ticks, self._up)
            self._up = None
            # An echo has a length rather than a level; the worker takes it out of here when the edge arrives.
            self._recent.append(flight_s * SOUND_M_S / 2)
            self._heard = True
            self.hands.emit(Edge(self.id, self.hands.stamp_s(), level=False))

    def start(self) -> list[Report]:
        """Send the first ping; what is found is reported with the first echoes."""
        self._ping()
        return []

    def _ping(self) -> None:
        self._heard = False
        self._trigger.on()
        self._trigger.off()

    def feed(self, at_s: float, level: bool) -> list[Report]:  # noqa: FBT001 - a level is a value
        """Take the news that an echo was measured."""
        del level
        self._missed = 0
        if not self._recent:
            return []
        near = self._marks.feed(median(self._recent))
        reports = [Report("sighted", at_s)] if self._blind else []
        self._blind = False
        if near is None:
            return reports
        if self._settle is None:
            self._settle = Settle(self._settle_s, near, at_s)
            return [*reports, Report("on" if near else "off", at_s, found=True)]
        changes = self._settle.feed(at_s, near)
        return [*reports, *(Report("on" if change.level else "off", change.at_s) for change in changes)]

    def advance(self, at_s: float) -> list[Report]:
        """Let time pass: settle, and send the next ping when it is time."""
        reports: list[Report] = []
        if self._settle is not None and not self._blind:
            reports = [Report("on" if it.level else "off", it.at_s) for it in self._settle.advance(at_s)]
        return reports + (self.check(at_s) if at_s >= self._next_s else [])

    def due_s(self) -> float:
        """Return when to settle or to ping next."""
        settles = self._settle.due_s() if self._settle is not None and not self._blind else None
        return self._next_s if settles is None else min(self._next_s, settles)

    def check(self, at_s: float) -> list[Report]:
        """Send a ping, unless the last is still under way; too many without an echo make it blind."""
        if at_s < self._next_s:
            return []
        self._next_s = at_s + PING_S * self.hands.pace
        self._missed = 0 if self._heard else self._missed + 1
        reports = []
        if self._missed == BLIND_AFTER and not self._blind:
            self._blind = True
            self._recent.clear()
            reports.append(Report("blind", at_s))
        self._ping()
        return reports

    def health(self, at_s: float) -> DeviceHealth:
        """Say the settled level, or unknown with the fault."""
        del at_s
        if self._blind:
            return DeviceHealth(level="unknown", fault="no echo: look for a loose wire or a covered sensor")
        if self._settle is None:
            return DeviceHealth(level="unknown")
        return DeviceHealth(level="on" if self._settle.level else "off", since=round(self._settle.since_s, 3))

    def close(self) -> None:
        """Give both pins back."""
        self._echo.pin.when_changed = None
        self._echo.close()
        self._trigger.close()

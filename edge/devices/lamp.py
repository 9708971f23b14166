"""A lamp that speaks the touchpoint's state, and the light that buttons carry."""

from __future__ import annotations

from typing import Any

import gpiozero

from andgate.wire.messages import DeviceHealth
from edge.devices.base import Device, Hands


class Light:
    """One output pin, written only when it changes."""

    def __init__(self, pin: int, pin_factory: Any) -> None:  # noqa: ANN401 - gpiozero has no types
        """Claim the pin, dark."""
        self._output = gpiozero.DigitalOutputDevice(pin, pin_factory=pin_factory)
        self.on = False

    def set(self, *, on: bool) -> None:
        """Light it or not."""
        if on != self.on:
            self.on = on
            if on:
                self._output.on()
            else:
                self._output.off()

    def close(self) -> None:
        """Go dark and give the pin back."""
        self._output.off()
        self._output.close()


class Lamp(Device):
    """A lamp on a pole or a wall; its language is `edge.language.LAMP`.

    Wiring: from `pin` through its resistor, or a transistor or relay for more than 10 mA, to ground.

        lamp = Lamp(Hands("beacon", config, pin_factory, clock, emit))
        said = condition(view, own, now_s)
        lamp.light.set(on=LAMP[said.name].on_at(now_s - said.since_s))
        lamp.close()

    Settings:
        pin: GPIO (BCM) of the lamp.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim the pin."""
        super().__init__(hands)
        self.light = Light(int(hands.setting("pin")), hands.pin_factory)

    def health(self, at_s: float) -> DeviceHealth:
        """Say whether it is lit."""
        del at_s
        return DeviceHealth(level="on" if self.light.on else "off")

    def close(self) -> None:
        """Go dark and give the pin back."""
        self.light.close()

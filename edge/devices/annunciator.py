"""The alarm of a break room."""

from __future__ import annotations

from edge.devices.base import Hands, PressSwitch
from edge.devices.lamp import Light


class Annunciator(PressSwitch):
    """Beacon, buzzer and one big button for the people of a group; what they tell is `edge.alarm`'s business.

    A press means "somebody of us comes": the signal ``claimed``, for the moment that the group has been paged about
    and whose deadline is the nearest that can still be met; then for what has failed.

    Wiring: the contact between `button` and ground (the node pulls it up); `beacon` to a relay's input, `buzzer`
    through a transistor to an active buzzer, `lamp` through its resistor to ground.

        alarm = Annunciator(Hands("alarm", config, pin_factory, clock, emit))
        alarm.start()                     # []: a button found down is no press
        alarm.feed(at_s=10.0, level=True)
        alarm.advance(at_s=10.03)         # [Report("press", 10.0)]
        alarm.beacon.set(on=True)

    Settings:
        group: whose pages it tells.
        button: GPIO (BCM) of the claim button's contact.
        lamp: GPIO of the lamp in the button; none if there is no lamp.
        beacon: GPIO of the beacon; none if there is no beacon.
        buzzer: GPIO of the buzzer; none if there is no buzzer.
        longest_ms: how long the buzzer may sound on for one thing, 30 s by default.
        quiet: a daily span in which the buzzer is silent, as ``23:00-05:00``; empty if it never is.
        settle_ms: how long the button's level must stand, 30 by default.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim its pins, dark and silent.

        Raises:
            gpiozero.GPIOZeroError: for a pin that is not there or in use; then it holds none.
        """
        super().__init__(hands, "button")
        self.group = str(hands.setting("group"))
        self.longest_s = hands.seconds("longest")
        self.quiet = str(hands.config.settings.get("quiet") or "")
        self._lights: list[Light] = []
        try:
            self.light = self._output("lamp")
            self.beacon = self._output("beacon")
            self.buzzer = self._output("buzzer")
        except Exception:
            self.close()
            raise

    def _output(self, name: str) -> Light | None:
        pin = self.hands.config.settings.get(name)
        if pin is None:
            return None
        light = Light(int(pin), self.hands.pin_factory)
        self._lights.append(light)
        return light

    def close(self) -> None:
        """Give every pin back, dark and silent."""
        super().close()
        for light in self._lights:
            light.close()

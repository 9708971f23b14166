"""The red moment-of-truth button."""

from __future__ import annotations

from andgate.wire.messages import DeviceHealth
from edge.devices.base import Hands, PressSwitch, Report
from edge.devices.lamp import Light
from edge.settle import Change, Hold

FOOT_SETTLE_S = 0.08
"""A foot switch bounces longer than a button: at least this."""


class MotButton(PressSwitch):
    """A button that says "the line stands at the mark"; the lamp in it answers.

    Wiring: the contact between `button` and ground (the node pulls it up); the lamp from `lamp` through its resistor
    or driver to ground.

        board = MockBoard()
        node = EdgeApp("desk-a1", broker_url="mqtt://127.0.0.1", data_dir=folder, pin_factory=board.factory)
        node.start()
        board.press(17, for_s=0.2)

    Settings:
        button: GPIO (BCM) of the contact.
        lamp: GPIO of the lamp; none if there is no lamp.
        style: ``momentary`` (a press raises, a hold resets), ``latching`` (down raises, up resets; its position is
            reported at start as found), ``foot`` (as momentary, settling at least 80 ms).
        hold_ms: how long to hold for a reset, 2000 by default. The hold names its own press, which is taken back.
        settle_ms: how long the level must stand, 30 by default.

    A hold is reported when the time is reached, not when the finger goes up: the lamp answers under the finger.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim the button's pin and the lamp's."""
        self.style = str(hands.setting("style"))
        settle_s = hands.seconds("settle")
        super().__init__(hands, "button", settle_s=max(settle_s, FOOT_SETTLE_S) if self.style == "foot" else settle_s)
        self._hold = Hold(hands.seconds("hold"))
        if self.style == "latching":
            self.stuck_after_s = 4 * 3600.0
        lamp = hands.config.settings.get("lamp")
        self.light = None if lamp is None else Light(int(lamp), hands.pin_factory)

    def start(self) -> list[Report]:
        """Report a latching switch's position as found; anything else found down is no press."""
        if self.style != "latching":
            return []
        return [Report("press" if self.settle.level else "hold", self.settle.since_s, found=True)]

    def _changed(self, change: Change) -> list[Report]:
        if self.style == "latching":
            return [Report("press" if change.level else "hold", change.at_s)]
        return [
            Report("hold", press.at_s, press_s=press.down_s) if press.held else Report("press", press.at_s)
            for press in self._hold.feed(change)
        ]

    def _begin_anew(self) -> None:
        # A button that is found down has not been pressed, and holds nothing.
        self._hold = Hold(self._hold.hold_s)

    def _passed(self, at_s: float) -> list[Report]:
        # A level that is about to change back must not become a hold: it ends where the new level began.
        if self.settle.raw != self.settle.level:
            return []
        return [Report("hold", press.at_s, press_s=press.down_s) for press in self._hold.advance(at_s)]

    def _decides_s(self) -> float | None:
        return min((due for due in (super()._decides_s(), self._hold.due_s()) if due is not None), default=None)

    def health(self, at_s: float) -> DeviceHealth:
        """Say how the button is; one that is down for a minute is stuck, or somebody leans on it."""
        return super().health(at_s)

    def close(self) -> None:
        """Give both pins back; the lamp goes dark."""
        super().close()
        if self.light is not None:
            self.light.close()

"""The belt drive's fault contact."""

from __future__ import annotations

from edge.devices.base import Hands, LevelSwitch


class BeltSensor(LevelSwitch):
    """A contact that closes while the belt is jammed.

    Wiring: the drive's potential-free fault contact between `pin` and ground (the node pulls it up). Never connect the
    drive's own voltage.

        sensor = BeltSensor(Hands("belt", config, pin_factory, clock, emit))
        sensor.start()                    # [Report("off", ..., found=True)]
        sensor.feed(at_s=10.0, level=True)
        sensor.advance(at_s=12.0)         # [Report("on", 10.0)]: jammed

    Settings:
        pin: GPIO (BCM) of the contact.
        active: level while jammed, ``low`` or ``high``.
        settle_ms: how long it must stand, 2000 by default.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim the pin."""
        super().__init__(hands, "pin", active=str(hands.setting("active")))

"""A light beam across the line."""

from __future__ import annotations

from edge.devices.base import Hands, LevelSwitch


class Beam(LevelSwitch):
    """A beam at the mark: broken for `settle` is a line, clear for `settle` is none.

    Wiring: the receiver's open-collector output to `pin` (the node pulls it up), both grounds joined; for a receiver
    that drives high while broken set `active` to ``high``.

        beam = Beam(Hands("mark", config, pin_factory, clock, emit))
        beam.start()                      # the level found: [Report("off", ..., found=True)]
        beam.feed(at_s=10.0, level=True)
        beam.advance(at_s=14.0)           # [Report("on", 10.0)]

    Settings:
        pin: GPIO (BCM) of the receiver.
        active: level while the beam is broken, ``low`` or ``high``.
        settle_ms: how long it must stand, 4000 by default: somebody walking through is not a line.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim the pin."""
        super().__init__(hands, "pin", active=str(hands.setting("active")))

"""A button that starts a countdown on the spot."""

from __future__ import annotations

from edge.devices.base import Hands, PressSwitch


class StartButton(PressSwitch):
    """Starts a countdown where no feed tells of docking; it works with the hub away, too.

    Nobody types a flight number here, so the press makes a key of its own from the wall clock of the place:
    ``SPOT-1742/2026-11-21``, shown as SPOT-1742. The promise counts under that name; a clerk may attach the flight
    later. Two presses within one minute are one start. A node that has lost the time counts its starts instead:
    ``SPOT-N3/`` and the name of its numbering.

    Wiring: the contact between `button` and ground (the node pulls it up).

        button = StartButton(Hands("start", config, pin_factory, clock, emit))
        button.start()                    # []: a button found down is no press
        button.feed(at_s=10.0, level=True)
        button.advance(at_s=10.03)        # [Report("press", 10.0)]

    Settings:
        button: GPIO (BCM) of the contact.
        settle_ms: how long the level must stand, 30 by default.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim the pin."""
        super().__init__(hands, "button")

    @staticmethod
    def key(local: str | None, boot: str, seq: int) -> str:
        """Return the key of a start: `local` is the place's time as ``2026-11-21T17:42``, or None if it is lost."""
        if local is None:
            return f"SPOT-N{seq}/{boot[:40]}"
        day, _, time = local.partition("T")
        return f"SPOT-{time[:2]}{time[3:5]}/{day}"

"""The big button beside a sign."""

from __future__ import annotations

from edge.devices.base import Hands, PressSwitch

REPEAT_S = 3.0
"""A glove presses twice: within so long a second press means the same flight as the first."""


class DoneButton(PressSwitch):
    """One big button: unloading complete, for the flight that the sign shows.

    Wiring: the contact between `button` and ground (the node pulls it up).

        button = DoneButton(Hands("done", config, pin_factory, clock, emit))
        button.start()                    # []: a button found down is no press
        button.feed(at_s=10.0, level=True)
        button.advance(at_s=10.03)        # [Report("press", 10.0)]

    Settings:
        button: GPIO (BCM) of the contact.
        sign: the sign it belongs to; the node's own if empty. Its first flight is the key that a press carries.
        settle_ms: how long the level must stand, 30 by default.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim the pin."""
        super().__init__(hands, "button")
        self.sign = str(hands.config.settings.get("sign") or "")
        self.last_s: float | None = None
        self.last_key: str | None = None

    def key_for(self, shown: str | None, at_s: float) -> str | None:
        """Return the key that a press now carries: what the sign shows, or the last one's for a press just after it."""
        if self.last_s is not None and at_s - self.last_s < REPEAT_S:
            return self.last_key
        self.last_s, self.last_key = at_s, shown
        return shown

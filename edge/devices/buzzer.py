"""A buzzer that speaks the touchpoint's state."""

from __future__ import annotations

from edge.devices.lamp import Lamp


class Buzzer(Lamp):
    """A buzzer with one note of its own; its language is `edge.language.SOUND`.

    Wiring: an active buzzer (3.3 V, or 5 V through a transistor) from `pin` to ground.

        buzzer = Buzzer(Hands("horn", config, pin_factory, clock, emit))
        said = condition(view, own, now_s)
        buzzer.light.set(on=SOUND.get(said.name, OFF).on_at(now_s - said.since_s))
        buzzer.close()

    Settings:
        pin: GPIO (BCM) of the buzzer.
    """

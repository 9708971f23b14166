"""The LED countdown sign: what it is, and which driver puts its picture on which panel."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from andgate.errors import UsageError
from andgate.sign import Frame, SignState, frame, words
from andgate.wire.messages import DeviceHealth
from edge.devices.base import Device, Hands

DRIVERS = {"text": "Text", "max7219": "Max7219", "screen": "Screen"}


class Driver(Protocol):
    """Puts a picture on a panel."""

    def show(self, picture: Frame, text: str) -> None:
        """Show a picture; `text` says the same in words."""

    def close(self) -> None:
        """Leave the panel dark."""


class Sign(Device):
    """Shows flights and what is left of their time; it goes on counting by itself.

    Wiring: by driver. ``text`` needs none; ``max7219``: a chain of 8 x 8 modules on SPI0 (DIN 10, CLK 11, CS 8), fed
    with 5 V of their own; ``screen``: the browser page ``/sign/TOUCHPOINT`` of the hub.

        sign = Sign(Hands("sign", config, pin_factory, clock, emit))
        state = SignState(flights=(flight("AG1234/2026-11-21", opened_ms, counts_to_ms, ends_ms, now_ms),))
        sign.show(state)
        sign.text                         # "AG1234 07:41"

    Settings:
        driver: ``text``, ``max7219`` or ``screen``.
        width, height: LEDs of the panel.
        counts: ``countdown`` (the inner target, for staff) or ``promise`` (the deadline, for customers).
    """

    def __init__(self, hands: Hands, driver: Driver | None = None) -> None:
        """Open the panel; tests may bring their own driver.

        Raises:
            UsageError: for a driver that is not there, with what to do.
        """
        super().__init__(hands)
        self.width, self.height = int(hands.setting("width")), int(hands.setting("height"))
        self.counts = str(hands.setting("counts"))
        self._driver = self._open(str(hands.setting("driver"))) if driver is None else driver
        self.picture = Frame(0, 0, b"")
        """The picture shown last."""
        self.text = ""
        """The same in words."""
        self.trouble: str | None = None

    def _open(self, name: str) -> Driver:
        if name not in DRIVERS:
            raise UsageError(f"device {self.id}: no sign driver {name!r}. Use one of {', '.join(DRIVERS)}")
        try:
            module = import_module(f"edge.devices.sign.{name}")
            driver: Driver = getattr(module, DRIVERS[name])(self.id, self.width, self.height)
        except ImportError as missing:
            raise UsageError(
                f"device {self.id}: driver {name} needs {missing.name}. Install andgate[edge] and {missing.name}"
            ) from None
        return driver

    def show(self, state: SignState) -> bool:
        """Draw a state; return whether the picture changed. A panel that fails is tried again with the next change."""
        picture = frame(state, self.width, self.height)
        if picture == self.picture:
            return False
        self.picture, self.text = picture, words(state)
        try:
            self._driver.show(picture, self.text)
        except OSError as wrong:
            self.trouble = f"the panel does not answer: {wrong}"
        else:
            self.trouble = None
        return True

    def health(self, at_s: float) -> DeviceHealth:
        """Say whether it shows anything."""
        del at_s
        return DeviceHealth(level="on" if self.picture.width else "off", fault=self.trouble)

    def close(self) -> None:
        """Leave the panel dark."""
        self._driver.close()

"""A chain of MAX7219 modules, 8 x 8 LEDs each, through luma."""

from __future__ import annotations

from typing import Any

from luma.core.error import DeviceNotFoundError
from luma.core.interface.serial import noop, spi
from luma.led_matrix.device import max7219

from andgate.sign import Frame
from edge.devices.sign.picture import to_image


class Max7219:
    """Shows the picture in one colour: lit or not; the sign's shapes carry what the colour would say."""

    def __init__(self, name: str, width: int, height: int, serial: Any = None) -> None:  # noqa: ANN401 - luma has no types
        """Open the chain on SPI0, or on any object with `command`, `data` and `cleanup`.

        Raises:
            OSError: if there is no SPI bus (enable it in config.txt: ``dtparam=spi=on``).
        """
        self.name = name
        self._device = max7219(_bus() if serial is None else serial, width=width, height=height)

    def show(self, picture: Frame, text: str) -> None:
        """Write the picture to the modules."""
        del text
        self._device.display(to_image(picture, lit=True))

    def close(self) -> None:
        """Go dark."""
        self._device.cleanup()


def _bus() -> Any:  # noqa: ANN401 - luma has no types
    try:
        return spi(port=0, device=0, gpio=noop())
    except DeviceNotFoundError as wrong:
        raise OSError("there is no SPI bus. Put dtparam=spi=on into config.txt and start again") from wrong

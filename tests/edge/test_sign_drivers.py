"""The drivers of signs: words, modules on a wire, an image, a screen."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from andgate.errors import UsageError
from andgate.sign import PALETTE, SignDone, SignFlight, SignState, frame
from edge.devices import Hands
from edge.devices.mock import BoardFactory
from edge.devices.sign import Sign
from edge.devices.sign.max7219 import Max7219
from edge.devices.sign.picture import render, to_image
from edge.devices.sign.screen import Screen
from tests.edge.conftest import HandClock, device


def at(left_ms: int) -> SignState:
    return SignState((SignFlight("AG1234", left_ms, 1_320_000, left_ms + 180_000, 180_000),))


def sign(panel: Any = None, **settings: Any) -> Sign:
    hands = Hands("sign", device("sign", "belt-3", **settings), BoardFactory(), HandClock(), lambda _edge: None)
    return Sign(hands, panel)


def test_text_says_each_minute_and_each_news(caplog: pytest.LogCaptureFixture) -> None:
    it = sign()
    with caplog.at_level(logging.INFO):
        for left_s in range(130, 50, -1):
            it.show(at(left_s * 1000))
        it.show(SignState(done=SignDone("AG1234", "18:42")))
    said = [record.message.removeprefix("sign sign: ") for record in caplog.records]
    assert said == ["AG1234 02:10 !", "AG1234 02:00 !", "AG1234 01:00 !", "AG1234 DONE 18:42"]
    assert it.width == 128
    assert it.text == "AG1234 DONE 18:42"
    it.close()


class Wire:
    """A serial line that remembers its bytes."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def command(self, *_bytes: int) -> None: ...

    def data(self, data: list[int]) -> None:
        self.bytes += data

    def cleanup(self) -> None: ...


@pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # luma's own
def test_max7219_gets_the_picture_as_bytes() -> None:
    wire = Wire()
    it = sign(Max7219("sign", 64, 8, serial=wire), width=64, height=8, driver="max7219")
    wire.bytes.clear()
    state = at(461_000)
    assert it.show(state)
    assert not it.show(state)  # the same picture is not written twice
    # Eight rows of (register, byte) for each of eight modules, the first module's picture in the last pair or first:
    # what counts is that as many LEDs are on as the picture has.
    lit = sum(1 for led in frame(state, 64, 8).leds if led)
    assert sum(byte.bit_count() for byte in wire.bytes[1::2]) == lit
    it.close()


def test_max7219_where_it_cannot_be_is_a_fault_that_says_so() -> None:
    with pytest.raises((OSError, UsageError), match=r"SPI|spidev"):
        sign(driver="max7219", width=64, height=8)


def test_a_panel_that_fails_is_a_fault_until_it_works_again() -> None:
    class Moody:
        works = False

        def show(self, picture: object, text: str) -> None:
            if not self.works:
                raise OSError("bus error")

        def close(self) -> None: ...

    moody = Moody()
    it = sign(moody)
    it.show(at(1000))
    assert "bus error" in (it.health(0).fault or "")
    moody.works = True
    it.show(at(2000))
    assert it.health(0).fault is None


def test_an_unknown_driver_is_refused() -> None:
    config = device("sign", "belt-3")
    config.settings["driver"] = "hologram"
    with pytest.raises(UsageError, match="Use one of text, max7219, screen"):
        Sign(Hands("sign", config, BoardFactory(), HandClock(), lambda _edge: None))


def test_screen_keeps_the_picture() -> None:
    screen = Screen("sign", 128, 32)
    it = sign(screen)
    it.show(at(461_000))
    assert screen.picture == frame(at(461_000), 128, 32)
    it.close()
    assert not any(screen.picture.leds)


def test_the_image_has_a_pixel_a_led() -> None:
    image = render(at(461_000), (128, 32))
    assert (image.size, image.mode) == ((128, 32), "RGB")
    assert image.getpixel((2, 3)) == tuple(bytes.fromhex(PALETTE[1][1:]))
    assert to_image(frame(at(461_000), 128, 32), lit=True).mode == "1"

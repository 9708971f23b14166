"""A sign's picture as a PIL image. Pillow is loaded only here."""

from __future__ import annotations

from PIL import Image

from andgate.sign import Frame, SignState, frame


def render(state: SignState, size: tuple[int, int]) -> Image.Image:
    """Return a state as one RGB image, a pixel a LED."""
    return to_image(frame(state, *size))


def to_image(picture: Frame, *, lit: bool = False) -> Image.Image:
    """Return a picture as an RGB image, a pixel a LED; or with `lit` in one bit: lit or dark."""
    if lit:
        image = Image.new("1", (picture.width, picture.height))
        image.putdata([int(led not in (0, 6)) for led in picture.leds])
        return image
    return Image.frombytes("RGB", (picture.width, picture.height), picture.pixels)

"""A sign's picture as a PIL image, and as a PNG of round LEDs with their glow. Pillow is loaded only here."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFilter

from andgate.sign import PALETTE, Frame, SignState, frame

_OFF = "#171613"
_GROUND = "#0A0A09"
_FINER = 2


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


def led_png(picture: Frame, pitch: int = 12) -> bytes:
    """Return a picture as a PNG with round LEDs, `pitch` pixels apart, and the glow around the lit ones."""
    step = pitch * _FINER
    width, height = (picture.width + 2) * step, (picture.height + 2) * step
    image = Image.new("RGB", (width, height), _GROUND)
    glow = Image.new("RGB", (width, height), "#000000")
    draw, shine = ImageDraw.Draw(image), ImageDraw.Draw(glow)
    radius = step * 0.40
    for index, led in enumerate(picture.leds):
        x = (index % picture.width + 1.5) * step
        y = (index // picture.width + 1.5) * step
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=PALETTE[led] if led else _OFF)
        if led:
            shine.ellipse(box, fill=PALETTE[led])
    blurred = glow.filter(ImageFilter.GaussianBlur(step * 0.5)).point(lambda value: value // 2)
    image = Image.composite(image, Image.blend(image, blurred, 0.5), _mask(picture, step, radius))
    out = io.BytesIO()
    image.resize((width // _FINER, height // _FINER), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _mask(picture: Frame, step: int, radius: float) -> Image.Image:
    """Return where lit LEDs are: the glow lies around them, not over them."""
    mask = Image.new("L", ((picture.width + 2) * step, (picture.height + 2) * step))
    draw = ImageDraw.Draw(mask)
    for index, led in enumerate(picture.leds):
        if led:
            x = (index % picture.width + 1.5) * step
            y = (index // picture.width + 1.5) * step
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask

"""A field of LEDs to write and draw on."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from andgate.sign.glyphs import glyph

DARK, AMBER, ORANGE, RED, GREEN, WHITE, DIM = range(7)

PALETTE = ("#0A0A09", "#FFB000", "#FF7A2B", "#FF6A60", "#35D07F", "#F4F4F4", "#3A382F")
"""Colours by index, as ``#RRGGBB``: dark, amber, orange, red, green, white, and a dim one that only says "alive"."""


class Type(Struct, frozen=True):
    """A size of lettering, in LEDs."""

    height: int
    weight: int
    gap: int

    def width(self, text: str) -> int:
        """Return how wide a text is."""
        return sum(glyph(letter, self.height, self.weight).width + self.gap for letter in text) - self.gap * bool(text)


class Panel:
    """LEDs, each an index into `PALETTE`; what is drawn outside is left out."""

    def __init__(self, width: int, height: int, ground: int = DARK) -> None:
        """Begin with every LED in the ground's colour."""
        self.width, self.height = width, height
        self.leds = bytearray([ground]) * (width * height)

    def dots(self, places: Iterable[tuple[int, int]], ink: int) -> None:
        """Light single LEDs, each a (column, row)."""
        for column, row in places:
            if 0 <= column < self.width and 0 <= row < self.height:
                self.leds[row * self.width + column] = ink

    def block(self, left: int, top: int, width: int, height: int, ink: int) -> None:
        """Light a rectangle."""
        self.dots(((left + x, top + y) for y in range(height) for x in range(width)), ink)

    def write(self, text: str, left: int, top: int, letters: Type, ink: int) -> None:
        """Write a text with its upper left corner at (left, top)."""
        for letter in text:
            drawn = glyph(letter, letters.height, letters.weight)
            places = ((x, y) for y in range(letters.height) for x in range(drawn.width) if drawn.lit(x, y))
            self.dots(((left + x, top + y) for x, y in places), ink)
            left += drawn.width + letters.gap

    def warning(self, left: int, top: int, height: int, ink: int) -> None:
        """Draw a triangle with its exclamation mark left out: one LED wider than high."""
        heart = height // 2
        for row in range(height):
            half = (row * heart) // (height - 1)
            self.block(left + heart - half, top + row, 2 * half + 2, 1, ink)
        self.block(left + heart, top + height * 2 // 5, 2, height // 4, DARK)
        self.block(left + heart, top + height - 3, 2, 2, DARK)

    def pointer(self, left: int, top: int, height: int, ink: int) -> None:
        """Draw a triangle that points right, as wide as high."""
        for row in range(height):
            self.block(left, top + row, height - abs(2 * row - height + 1), 1, ink)

    def bar(self, place: tuple[int, int], width: int, height: int, share: float, ink: int) -> None:
        """Draw what is left of a length: full from the left, then single dots for what is gone."""
        left, top = place
        full = round(min(max(share, 0.0), 1.0) * width)
        self.block(left, top, full, height, ink)
        self.dots(((x, top + height - 1) for x in range(left + full + 3, left + width, 5)), ink)

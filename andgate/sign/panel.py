"""A field of LEDs to write and draw on."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from andgate.sign.glyphs import Glyph, glyph

DARK, AMBER, ORANGE, RED, GREEN, WHITE, DIM = range(7)

PALETTE = ("#0A0A09", "#FFB000", "#FF7A2B", "#FF6A60", "#35D07F", "#F4F4F4", "#3A382F")
"""Colours by index, as ``#RRGGBB``: dark, amber, orange, red, green, white, and a dim one that only says "alive"."""


class Type(Struct, frozen=True):
    """A size of lettering, in LEDs."""

    height: int
    weight: int
    gap: int
    wide: int
    """Of a digit."""

    def glyph(self, letter: str) -> Glyph:
        """Return a letter in this size."""
        return glyph(letter, self.height, self.weight, self.wide)

    def width(self, text: str) -> int:
        """Return how wide a text is."""
        return sum(self.glyph(letter).width + self.gap for letter in text) - self.gap * bool(text)

    def room(self, times: Iterable[str]) -> int:
        """Return how wide the widest of some times is, in the widest digits."""
        return max(self.width(steady(time)) for time in times)

    @property
    def triangle(self) -> int:
        """Return the height of a warning triangle beside this size; it is one LED wider."""
        return min(13, self.height)

    @property
    def mark(self) -> int:
        """Return how wide the mark of the last third is: a triangle, or ``!`` where one would be too small."""
        return self.triangle + 1 if self.height > 7 else self.width("!")  # noqa: PLR2004 - the largest single stroke


def steady(text: str) -> str:
    """Return a time in its widest digits: sizes and places are chosen by it, or a sign would jump as it counts."""
    return "".join("0" if letter.isdigit() else letter for letter in text)


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
            drawn = letters.glyph(letter)
            self._set(drawn, left, top, ink)
            left += drawn.width + letters.gap

    def count(self, text: str, right: int, top: int, letters: Type, ink: int) -> None:
        """Write a time that ends before column `right`, every digit in a place of its own.

        A 1 has as much room as any digit here, or the minutes would step aside for the seconds.
        """
        left = right - letters.width(steady(text))
        for letter in text:
            drawn = letters.glyph(letter)
            room = letters.wide if letter.isdigit() else drawn.width
            self._set(drawn, left + (room - drawn.width) // 2, top, ink)
            left += room + letters.gap

    def _set(self, drawn: Glyph, left: int, top: int, ink: int) -> None:
        places = ((x, y) for y in range(len(drawn.rows)) for x in range(drawn.width) if drawn.lit(x, y))
        self.dots(((left + x, top + y) for x, y in places), ink)

    def dotted(self, left: int, right: int, row: int, ink: int) -> None:
        """Draw a line of dots, up to before column `right`."""
        self.dots(((x, row) for x in range(left, right, 3)), ink)

    def cross(self, left: int, top: int, ink: int) -> None:
        """Draw a small cross, 3 x 3: no link."""
        self.dots(((left + x, top + y) for x, y in ((0, 0), (2, 0), (1, 1), (0, 2), (2, 2))), ink)

    def warning(self, left: int, top: int, height: int, ink: int) -> None:
        """Draw a triangle with its exclamation mark left out: one LED wider than high."""
        heart = height // 2
        for row in range(height):
            half = (row * heart) // (height - 1)
            self.block(left + heart - half, top + row, 2 * half + 2, 1, ink)
        self.block(left + heart, top + height * 2 // 5, 2, height // 4, DARK)
        self.block(left + heart, top + height - 3, 2, 2, DARK)

    def alarm(self, right: int, top: int, letters: Type, ink: int) -> None:
        """Draw the mark of the last third before column `right`, on one foot with letters whose top is given."""
        if letters.mark == letters.width("!"):
            self.write("!", right - letters.mark, top, letters, ink)
        else:
            self.warning(right - letters.mark, top + letters.height - letters.triangle, letters.triangle, ink)

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

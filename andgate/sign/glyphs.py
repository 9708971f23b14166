"""Digits, capitals and marks for LED panels, drawn on the grid from strokes; one drawing serves every size.

The smallest sizes, with strokes of one LED, are set by hand in `andgate.sign.handset`.
A letter is a list of strokes on a box `width` x `height` with a stroke of `weight` LEDs. Straight strokes keep to the
edges and the middle; slanted ones are filled row by row, so that each row has as many LEDs as the stroke is heavy.
Corners are cut as a signwriter cuts them: by half a stroke.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from andgate.sign.handset import SET

Rows = tuple[int, ...]
"""A picture, one whole number a row; the most significant of `width` bits is the leftmost LED."""


class Glyph:
    """One drawn character: `width` columns, one number a row."""

    __slots__ = ("rows", "width")

    def __init__(self, width: int, rows: Rows) -> None:
        """Keep the drawing."""
        self.width = width
        self.rows = rows

    def lit(self, column: int, row: int) -> bool:
        """Say whether an LED of the box is lit."""
        return bool(self.rows[row] >> (self.width - 1 - column) & 1)


class _Pen:
    """Draws strokes in a box; coordinates are columns and rows from the top left."""

    def __init__(self, width: int, height: int, weight: int) -> None:
        self.width, self.height, self.weight = width, height, weight
        self.lit = [[False] * width for _ in range(height)]

    @property
    def middle(self) -> int:
        """Return the first row of the middle bar."""
        return (self.height - self.weight) // 2

    def box(self, left: int, top: int, right: int, bottom: int, *, on: bool = True) -> None:
        """Fill from (left, top) up to and including (right, bottom); what is outside the box is left out."""
        for row in range(max(top, 0), min(bottom, self.height - 1) + 1):
            for column in range(max(left, 0), min(right, self.width - 1) + 1):
                self.lit[row][column] = on

    def strokes(self, names: str) -> None:
        """Draw straight strokes by name: T M B across, L R down, l r upper halves, k q lower halves."""
        width, height, weight, middle = self.width - 1, self.height - 1, self.weight, self.middle
        places = {
            "T": (0, 0, width, weight - 1),
            "M": (0, middle, width, middle + weight - 1),
            "B": (0, height - weight + 1, width, height),
            "L": (0, 0, weight - 1, height),
            "R": (width - weight + 1, 0, width, height),
            "l": (0, 0, weight - 1, middle + weight - 1),
            "r": (width - weight + 1, 0, width, middle + weight - 1),
            "k": (0, middle, weight - 1, height),
            "q": (width - weight + 1, middle, width, height),
        }
        for name in names:
            self.box(*places[name])

    def hooks(self, names: str) -> None:
        """Draw the short ends of open strokes: a c at the upper left and right, d e at the lower left and right."""
        reach = self.weight + max(1, self.height // 13) - 1
        width, height, weight = self.width - 1, self.height - 1, self.weight
        places = {
            "a": (0, 0, weight - 1, reach),
            "c": (width - weight + 1, 0, width, reach),
            "d": (0, height - reach, weight - 1, height),
            "e": (width - weight + 1, height - reach, width, height),
        }
        for name in names:
            self.box(*places[name])

    def slant(self, top: tuple[float, int], bottom: tuple[float, int], weight: int | None = None) -> None:
        """Draw from (column, row) to (column, row), `weight` LEDs in each row, the column being the leftmost."""
        (start, first), (end, last) = top, bottom
        heavy = self.weight if weight is None else weight
        for row in range(first, last + 1):
            share = (row - first) / max(last - first, 1)
            left = round(start + (end - start) * share)
            self.box(left, row, left + heavy - 1, row)

    def cut(self, corners: str, *, wide: bool = False) -> None:
        """Cut corners off by half a stroke, or a `wide` one: 1 upper left, 2 upper right, 3 lower left, 4 right."""
        size = self.weight if wide else self.weight // 2
        for corner in corners:
            for down in range(size):
                for along in range(size - down):
                    row = down if corner in "12" else self.height - 1 - down
                    column = along if corner in "13" else self.width - 1 - along
                    self.lit[row][column] = False

    def done(self) -> Glyph:
        """Return what has been drawn."""
        return Glyph(self.width, tuple(int("".join("01"[led] for led in row), 2) for row in self.lit))


def _zero(pen: _Pen) -> None:
    pen.strokes("TBLR")
    pen.cut("1234")


def _one(pen: _Pen) -> None:
    weight, width = pen.weight, pen.width
    pen.strokes("R")
    flag = max(weight, pen.height // 6)
    pen.slant((width - weight, 0), (0, flag), weight)
    for row in range(flag + 1):
        left = min(column for column in range(width) if pen.lit[row][column])
        pen.box(left, row, width - 1, row)
    pen.box(0, flag, width - 1, flag + weight // 2)


def _two(pen: _Pen) -> None:
    pen.strokes("T")
    pen.hooks("a")
    knee = pen.height // 3
    pen.box(pen.width - pen.weight, 0, pen.width - 1, knee)
    pen.slant((pen.width - pen.weight, knee), (0, pen.height - pen.weight))
    pen.strokes("B")
    pen.cut("12")


def _three(pen: _Pen) -> None:
    pen.strokes("TRB")
    pen.hooks("ad")
    pen.box(pen.width // 3, pen.middle, pen.width - 1, pen.middle + pen.weight - 1)
    pen.cut("1234")


def _four(pen: _Pen) -> None:
    weight, width, height = pen.weight, pen.width, pen.height
    inset = weight // 2
    bar = height - height // 4 - weight
    pen.box(width - weight - inset, 0, width - 1 - inset, height - 1)
    pen.slant((width - weight - inset, 0), (0, bar))
    pen.box(0, bar, width - 1, bar + weight - 1)


def _five(pen: _Pen) -> None:
    pen.strokes("TlMqB")
    pen.hooks("d")
    pen.cut("34")
    pen.lit[pen.middle][pen.width - 1] = False


def _six(pen: _Pen) -> None:
    pen.strokes("TLMqB")
    pen.hooks("c")
    pen.cut("1234")
    pen.lit[pen.middle][pen.width - 1] = False


def _seven(pen: _Pen) -> None:
    pen.strokes("T")
    knee = pen.height // 3
    pen.box(pen.width - pen.weight, 0, pen.width - 1, knee)
    pen.slant((pen.width - pen.weight, knee), (pen.width // 4, pen.height - 1))


def _eight(pen: _Pen) -> None:
    pen.strokes("TMBLR")
    pen.cut("1234")
    for row in range(pen.middle, pen.middle + pen.weight // 2):
        pen.lit[row][0] = pen.lit[row][pen.width - 1] = False


def _nine(pen: _Pen) -> None:
    pen.strokes("TlMRB")
    pen.hooks("d")
    pen.cut("1234")
    pen.lit[pen.middle + pen.weight - 1][0] = False


def _b(pen: _Pen) -> None:
    pen.strokes("TMBLR")
    pen.cut("24")
    for row in range(pen.middle, pen.middle + pen.weight // 2):
        pen.lit[row][pen.width - 1] = False


def _d(pen: _Pen) -> None:
    pen.strokes("TBLR")
    pen.cut("24", wide=True)


def _g(pen: _Pen) -> None:
    pen.strokes("TBLq")
    pen.hooks("c")
    pen.box(pen.width // 2, pen.middle, pen.width - 1, pen.middle + pen.weight - 1)
    pen.cut("1234")


def _k(pen: _Pen) -> None:
    pen.strokes("L")
    far = pen.width - pen.weight
    near = min(pen.weight, far)
    pen.slant((far, 0), (near, pen.middle + pen.weight // 2))
    pen.slant((near, pen.middle + pen.weight // 2), (far, pen.height - 1))


def _m(pen: _Pen) -> None:
    pen.strokes("LR")
    heart = (pen.width - pen.weight) / 2
    pen.slant((0, 0), (heart, pen.height // 3))
    pen.slant((pen.width - pen.weight, 0), (heart, pen.height // 3))


def _n(pen: _Pen) -> None:
    pen.strokes("LR")
    inset, rise = pen.weight // 2, pen.height // 5
    pen.slant((inset, rise), (pen.width - pen.weight - inset, pen.height - 1 - rise))


def _o(pen: _Pen) -> None:
    pen.strokes("TBLR")
    pen.cut("1234", wide=True)


def _q(pen: _Pen) -> None:
    _o(pen)
    pen.slant((pen.width // 2, pen.height * 2 // 3), (pen.width - pen.weight, pen.height - 1))


def _r(pen: _Pen) -> None:
    pen.strokes("TLMr")
    pen.cut("2")
    pen.slant((pen.width // 3, pen.middle + pen.weight), (pen.width - pen.weight, pen.height - 1))


def _s(pen: _Pen) -> None:
    pen.strokes("TlMqB")
    pen.hooks("cd")
    pen.cut("1234")
    pen.lit[pen.middle + pen.weight - 1][0] = pen.lit[pen.middle][pen.width - 1] = False


def _v(pen: _Pen) -> None:
    heart = (pen.width - pen.weight) / 2
    knee = pen.height // 3
    pen.box(0, 0, pen.weight - 1, knee)
    pen.box(pen.width - pen.weight, 0, pen.width - 1, knee)
    pen.slant((0, knee), (heart, pen.height - 1))
    pen.slant((pen.width - pen.weight, knee), (heart, pen.height - 1))


def _w(pen: _Pen) -> None:
    pen.strokes("LR")
    heart = (pen.width - pen.weight) / 2
    rise = pen.height - 1 - pen.height // 3
    pen.slant((heart, rise), (0, pen.height - 1))
    pen.slant((heart, rise), (pen.width - pen.weight, pen.height - 1))


def _x(pen: _Pen) -> None:
    pen.slant((0, 0), (pen.width - pen.weight, pen.height - 1))
    pen.slant((pen.width - pen.weight, 0), (0, pen.height - 1))


def _y(pen: _Pen) -> None:
    heart = (pen.width - pen.weight) // 2
    pen.slant((0, 0), (heart, pen.middle))
    pen.slant((pen.width - pen.weight, 0), (heart, pen.middle))
    pen.box(heart, pen.middle, heart + pen.weight - 1, pen.height - 1)


def _z(pen: _Pen) -> None:
    pen.strokes("TB")
    pen.slant((pen.width - pen.weight, pen.weight - 1), (0, pen.height - pen.weight))


def _colon(pen: _Pen) -> None:
    size, gap = pen.width, pen.height // 4
    pen.box(0, gap, size - 1, gap + size - 1)
    pen.box(0, pen.height - gap - size, size - 1, pen.height - gap - 1)


def _plus(pen: _Pen) -> None:
    size = min(pen.width, pen.height)
    top, weight = (pen.height - size) // 2, min(pen.weight, size // 3)
    start = (size - weight) // 2
    pen.box(start, top, start + weight - 1, top + size - 1)
    pen.box(0, top + start, size - 1, top + start + weight - 1)


def _mark(pen: _Pen) -> None:
    pen.box(0, 0, pen.width - 1, pen.height - 2 * pen.weight - 1)
    pen.box(0, pen.height - pen.weight, pen.width - 1, pen.height - 1)


def _query(pen: _Pen) -> None:
    pen.strokes("Tr")
    pen.hooks("a")
    heart = (pen.width - pen.weight) // 2
    pen.box(heart, pen.middle, pen.width - 1, pen.middle + pen.weight - 1)
    pen.box(heart, pen.middle, heart + pen.weight - 1, pen.height - 2 * pen.weight - 1)
    pen.box(heart, pen.height - pen.weight, heart + pen.weight - 1, pen.height - 1)
    pen.cut("12")


def _straight(strokes: str, cut: str = "", hooks: str = "") -> Callable[[_Pen], None]:
    def draw(pen: _Pen) -> None:
        pen.strokes(strokes)
        pen.hooks(hooks)
        pen.cut(cut)

    return draw


def _stem(pen: _Pen) -> None:
    heart = (pen.width - pen.weight) // 2
    pen.strokes("T")
    pen.box(heart, 0, heart + pen.weight - 1, pen.height - 1)


_DRAWN: dict[str, Callable[[_Pen], None]] = {
    "0": _zero, "1": _one, "2": _two, "3": _three, "4": _four, "5": _five, "6": _six, "7": _seven, "8": _eight,
    "9": _nine, "A": _straight("TMLR", "12"), "B": _b, "C": _straight("TBL", "1234", "ce"), "D": _d,
    "E": _straight("TMBL"), "F": _straight("TML"), "G": _g, "H": _straight("LRM"), "I": _straight("L"),
    "J": _straight("RB", "34", "d"), "K": _k, "L": _straight("LB"), "M": _m, "N": _n, "O": _o,
    "P": _straight("TMLr", "2"), "Q": _q, "R": _r, "S": _s, "T": _stem, "U": _straight("LRB", "34"), "V": _v, "W": _w,
    "X": _x, "Y": _y, "Z": _z,
    "-": _straight("M"), ":": _colon, "+": _plus, "!": _mark, "?": _query, " ": _straight(""),
}  # fmt: skip

CONDENSED = 12
"""How wide a digit of the largest size is where a sixth character has to fit: its plus is narrower too."""
CHARACTERS = frozenset(_DRAWN)
"""What can be written; anything else is written as ``?``."""


def _width(character: str, weight: int, wide: int) -> int:
    """Return how many LEDs wide a character is where a digit is `wide`."""
    narrow = {
        "I": weight,
        "!": weight,
        ":": weight,
        " ": max(2, weight),
        "-": wide - wide // 4,
        "+": min(wide - (wide - weight) % 2, 12) if wide != CONDENSED else 9,
        "1": weight * 2 + weight // 2,
        # What is drawn around its middle is so on the grid, too: narrower or wider by the odd LED.
        **dict.fromkeys("MW", wide + (wide - weight) % 2),
        **dict.fromkeys("TVY", wide - (wide - weight) % 2),
    }
    return narrow.get(character, wide)


@cache
def glyph(character: str, height: int, weight: int, wide: int) -> Glyph:
    """Return one character, `height` LEDs high with strokes of `weight` LEDs, where a digit is `wide` LEDs wide."""
    known = character if character in CHARACTERS else "?"
    if weight == 1:
        rows = SET[height].get(known, ("..",) * height)
        return Glyph(len(rows[0]), tuple(int(row.replace(".", "0").replace("#", "1"), 2) for row in rows))
    pen = _Pen(_width(known, weight, wide), height, weight)
    _DRAWN[known](pen)
    return pen.done()

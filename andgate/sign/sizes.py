"""The sizes a sign writes in, and in which order they are tried: heights as drawn first, then narrower, then lower."""

from __future__ import annotations

from itertools import product

from msgspec import Struct

from andgate.sign.panel import Type

WIDE26, NARROW26 = Type(26, 4, 3, 14), Type(26, 4, 2, 12)
WIDE18, NARROW18 = Type(18, 3, 2, 10), Type(18, 3, 1, 9)
WIDE15, NARROW15 = Type(15, 2, 2, 7), Type(15, 2, 1, 6)
WIDE13, NARROW13 = Type(13, 2, 2, 7), Type(13, 2, 1, 6)
WIDE11, NARROW11 = Type(11, 2, 2, 7), Type(11, 2, 1, 6)
SEVEN, FIVE = Type(7, 1, 1, 4), Type(5, 1, 1, 3)

STACKED = (WIDE26, NARROW26, WIDE18, NARROW18, WIDE15, NARROW15, WIDE11, NARROW11, SEVEN, FIVE)
"""Times under their label."""
LABELS = (WIDE13, NARROW13, WIDE11, NARROW11, SEVEN, FIVE)
LINES = (WIDE15, NARROW15, WIDE11, NARROW11, SEVEN)
"""A panel of one line."""
BESIDE = (
    *product((WIDE26, NARROW26), LABELS[:4]),
    *product((WIDE26, NARROW26), LABELS[4:]),
    *product((WIDE18, NARROW18, WIDE15, NARROW15), LABELS),
)
"""A time and the label at its left: the time stays tall as long as the label can be read from afar."""
SIZES = tuple(dict.fromkeys((*STACKED, *LABELS)))
"""Every size there is."""


class Pair(Struct, frozen=True):
    """How two flights share a panel."""

    upper: Type
    lower: Type
    pointer: int = 5
    """Height of the pointer."""
    indent: int = 8
    """Where labels begin."""
    gap: int = 2

    def mark(self, letters: Type) -> int:
        """Return how wide the mark of the last third is: a triangle beside the large pointer, else ``!``."""
        return letters.triangle + 1 if self.large else letters.width("!")

    @property
    def large(self) -> bool:
        """Say whether there is room for triangles."""
        return self.pointer > 5  # noqa: PLR2004 - the small one


LARGE = tuple(
    Pair(upper, lower, 8, 13, 3)
    for upper, lower in ((WIDE15, WIDE11), (WIDE15, NARROW11), (NARROW15, WIDE11), (NARROW15, NARROW11))
)
SMALL = (Pair(WIDE15, WIDE11), Pair(NARROW15, NARROW11), Pair(SEVEN, SEVEN), Pair(FIVE, FIVE))

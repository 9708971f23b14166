"""Room for words in a drawing: how wide they are, where they fit beside each other, how they break into lines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import east_asian_width, normalize

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# How wide letters are in Arial, and so in Liberation Sans, Helvetica, Arimo and Nimbus Sans, which are made to its
# measure: thousandths of the type size, as Chromium sets them. A letter with an accent is as wide as without.
_REGULAR = {
    191: "'", 222: "ijl\u2018\u2019\u201a", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r\u201c\u201d\u201e", 334: "{}",
    350: "\u2022", 355: '"', 389: "*", 469: "^", 500: "Jcksvxyz", 556: "0123456789#$?L_abdeghnopqu\u2013\u20ac",
    584: "+<=>~\u00d7\u2212", 611: "FTZ", 667: "&ABEKPSVXY", 722: "CDHNRUw", 778: "GOQ", 833: "Mm", 889: "%", 944: "W",
    1000: "\u2014\u2026", 1015: "@",
}  # fmt: skip
_BOLD = {
    238: "'", 278: " ,./I\\ijl\u2018\u2019\u201a", 280: "|", 333: "!()-:;[]`ft", 350: "\u2022", 389: "*r{}",
    474: '"', 500: "z\u201c\u201d\u201e", 556: "0123456789#$J_aceksvxy\u2013\u20ac", 584: "+<=>^~\u00d7\u2212",
    611: "?FLTZbdghnopqu", 667: "EPSVXY", 722: "&ABCDHKNRU", 778: "GOQw", 833: "M", 889: "%m", 944: "W", 975: "@",
    1000: "\u2014\u2026",
}  # fmt: skip
_WIDTHS = tuple(
    {letter: width for width, letters in table.items() for letter in letters} for table in (_REGULAR, _BOLD)
)
_LOWER, _UPPER, _WIDE = 640, 850, 1050
"""What a letter of another alphabet is given: too much room looks fine, too little runs into its neighbour."""
GAP = 12.0
"""Least space between two labels of one lane."""
MOST_LANES = 8
"""More rows of labels than this are not read; the least of the labels are left out."""


def width_of(text: str, size: float = 15, *, bold: bool = False, spacing: float = 0.0) -> float:
    """Return how wide a text is, in the unit of its size; `spacing` is between its letters, as a share of that."""
    known = _WIDTHS[bold]
    return sum(known.get(letter) or _like(letter, known) for letter in text) * size / 1000 + len(text) * spacing * size


def measured(text: str) -> bool:
    """Return whether the width of every letter is known, not guessed."""
    return all(letter in _WIDTHS[0] or normalize("NFD", letter)[0] in _WIDTHS[0] for letter in text)


def _like(letter: str, known: dict[str, int]) -> int:
    plain = normalize("NFD", letter)[0]
    if plain in known:
        return known[plain]
    return _WIDE if east_asian_width(letter) in "WF" else _LOWER if letter.islower() else _UPPER


def shorten(text: str, width: float, size: float = 15, *, bold: bool = False, spacing: float = 0.0) -> str:
    """Return the text, or as many of its words as fit into `width` and a mark that there were more."""

    def fits(words: str) -> bool:
        return width_of(words, size, bold=bold, spacing=spacing) <= width

    if fits(text):
        return text
    words = text.split()
    while len(words) > 1:
        words.pop()
        less = " ".join(words).rstrip(",;:.") + "…"
        if fits(less):
            return less
    letters = words[0] if words else ""
    while letters and not fits(letters + "…"):
        letters = letters[:-1]
    return letters + "…"


def wrap(
    text: str, width: float, size: float = 15, *, bold: bool = False, most: int = 99, spacing: float = 0.0
) -> list[str]:
    """Return the text in lines of at most `width`, broken between words; what `most` lines cannot hold is shortened."""
    words = text.split()
    lines: list[str] = []
    while words:
        if len(lines) + 1 == most:
            return [*lines, shorten(" ".join(words), width, size, bold=bold, spacing=spacing)]
        line = words.pop(0)
        while words and width_of(f"{line} {words[0]}", size, bold=bold, spacing=spacing) <= width:
            line = f"{line} {words.pop(0)}"
        lines.append(shorten(line, width, size, bold=bold, spacing=spacing))
    return lines or [""]


class Lanes:
    """Puts labels of one row beside each other where they fit, else into the next lane."""

    def __init__(self) -> None:
        """Begin empty."""
        self._taken: list[list[tuple[float, float]]] = []

    def lane(self, start: float, end: float) -> int:
        """Return the first lane in which nothing stands between `start` and `end`, and take the place."""
        for index, taken in enumerate(self._taken):
            if all(end + GAP <= other or start >= until + GAP for other, until in taken):
                taken.append((start, end))
                return index
        self._taken.append([(start, end)])
        return len(self._taken) - 1

    @property
    def count(self) -> int:
        """How many lanes are in use."""
        return len(self._taken)


class Label(Struct, frozen=True, kw_only=True):
    """Words beside a mark, before they have a lane."""

    words: str
    at: float
    """Where the mark stands."""
    start: float
    """Where the label begins, its mark included if it stands in the lane."""
    width: float
    cls: str
    weight: int = 0
    """Labels of little weight are left out first where there is no room for all."""

    @property
    def end(self) -> float:
        """Where it ends."""
        return self.start + self.width


class Laid(Struct, frozen=True):
    """Labels in their lanes."""

    rows: tuple[tuple[Label, int], ...]
    lanes: int
    hidden: int
    """How many were left out."""


def lay(labels: Sequence[Label], *, backwards: bool = False, most: int = MOST_LANES) -> Laid:
    """Put labels into lanes, none over another.

    `backwards` begins with the last: then the line from a label in a higher lane down to its mark crosses no label.
    """
    keep = list(labels)
    while True:
        lanes = Lanes()
        rows = [(label, lanes.lane(label.start, label.end)) for label in _ordered(keep, backwards=backwards)]
        if lanes.count <= most:
            return Laid(tuple(rows), lanes.count, len(labels) - len(keep))
        drop = max(1, len(keep) // 10)
        gone = {id(label) for label in sorted(keep, key=lambda label: label.weight)[:drop]}
        keep = [label for label in keep if id(label) not in gone]


def _ordered(labels: Iterable[Label], *, backwards: bool) -> list[Label]:
    return sorted(labels, key=lambda label: label.at, reverse=backwards)

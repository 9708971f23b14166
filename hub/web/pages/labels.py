"""Room for words in a drawing: how wide they are, where they fit beside each other, how they break into lines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Shares of the type size, each the widest among the usual system fonts: a label that is given too much room looks
# fine, one that is given too little runs into its neighbour.
_EM = {
    **dict.fromkeys("ijl'|\u2018\u2019", 0.27),
    **dict.fromkeys(" .,:;!I/\\[]ft", 0.33),
    **dict.fromkeys('rt()-“”"', 0.41),
    **dict.fromkeys("mwMW%@…", 1.0),
    **dict.fromkeys("m", 0.89),
    **dict.fromkeys("w", 0.78),
    **dict.fromkeys("0123456789+", 0.6),
}
_LOWER_EM, _UPPER_EM, _WIDE_EM = 0.57, 0.76, 1.05
_BOLD = 1.06
GAP = 12.0
"""Least space between two labels of one lane."""
MOST_LANES = 8
"""More rows of labels than this are not read; the least of the labels are left out."""


def width_of(text: str, size: float = 15, *, bold: bool = False) -> float:
    """Return how wide a text is at most, in pixels."""
    ems = 0.0
    for letter in text:
        known = _EM.get(letter)
        if known is None:
            known = _WIDE_EM if east_asian_width(letter) in "WF" else _LOWER_EM if letter.islower() else _UPPER_EM
        ems += known
    return ems * size * (_BOLD if bold else 1.0)


def shorten(text: str, width: float, size: float = 15, *, bold: bool = False) -> str:
    """Return the text, or as many of its words as fit into `width` and a mark that there were more."""
    if width_of(text, size, bold=bold) <= width:
        return text
    words = text.split()
    while len(words) > 1:
        words.pop()
        less = " ".join(words).rstrip(",;:.") + "…"
        if width_of(less, size, bold=bold) <= width:
            return less
    letters = words[0] if words else ""
    while letters and width_of(letters + "…", size, bold=bold) > width:
        letters = letters[:-1]
    return letters + "…"


def wrap(text: str, width: float, size: float = 15, *, bold: bool = False, most: int = 99) -> list[str]:
    """Return the text in lines of at most `width`, broken between words; what `most` lines cannot hold is shortened."""
    words = text.split()
    lines: list[str] = []
    while words:
        if len(lines) + 1 == most:
            return [*lines, shorten(" ".join(words), width, size, bold=bold)]
        line = words.pop(0)
        while words and width_of(f"{line} {words[0]}", size, bold=bold) <= width:
            line = f"{line} {words.pop(0)}"
        lines.append(shorten(line, width, size, bold=bold))
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

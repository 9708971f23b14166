"""A drawing in rows: names beside or above them, marks with labels, bars with words; none of them over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hub.web.pages.draw import Drawing
from hub.web.pages.labels import GAP, Label, lay, shorten, width_of
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.web.pages.scale import Shape

LANE = 24.0
PAD = 14.0
"""What a bar needs beside its words."""


class Bar(Struct, frozen=True, kw_only=True):
    """A stretch of time in a row of such."""

    start: float
    end: float
    cls: str
    words: str
    inside: bool = True
    """Its words may stand on it."""


class Rows:
    """A drawing that grows row by row."""

    def __init__(self, shape: Shape) -> None:
        """Begin below the axis."""
        self.shape = shape
        self.out = Drawing(shape.width)
        self.y = 30.0
        """Where the next row begins."""

    def begin(self, name: str, *, hidden: int = 0, **values: str) -> None:
        """Name a row above it, where names stand there."""
        if self.shape.stacked:
            words, sub = say(f"moment.row.{name}"), self._sub(name, hidden, **values)
            self.out.text(0, self.y + 22, words, "name")
            self.out.text(width_of(words, bold=True) + 8, self.y + 22, sub, "sub")
            self.y += 28

    def name(self, name: str, y: float, *, hidden: int = 0, **values: str) -> None:
        """Name a row beside it, where there is room for names."""
        if not self.shape.stacked:
            self.out.text(0, y, say(f"moment.row.{name}"), "name")
            self.out.text(0, y + 19, self._sub(name, 0, **values), "sub")
            if hidden:
                self.out.text(0, y + 38, say("moment.unlabelled", n=hidden), "sub")

    def _sub(self, name: str, hidden: int, **values: str) -> str:
        sub = say(f"moment.row.{name}.sub", **values)
        return f"{sub}, {say('moment.unlabelled', n=hidden)}" if hidden else sub

    def label(self, words: str, at: float, *, before: float = 6, cls: str = "note", weight: int = 0) -> Label:
        """Return a label that begins at its mark, moved left as far as the drawing's edge asks for."""
        bold = cls == "strong"
        words = shorten(words, self.shape.width - self.shape.left, bold=bold)
        width = width_of(words, bold=bold)
        start = max(min(at - before, self.shape.width - width), self.shape.left)
        return Label(words=words, at=at, start=start, width=width, cls=cls, weight=weight)

    def bars(self, bars: Sequence[Bar], height: float, blocked: Sequence[tuple[float, float]] = ()) -> None:
        """Draw a row of bars; words that do not fit on theirs stand beside it where that is free, else below."""
        y, base = self.y, self.y + height / 2 + 5
        taken = [*blocked, *((bar.start, bar.end) for bar in bars)]
        below = []
        for bar in bars:
            width = width_of(bar.words, bold=True)
            self.out.rect(bar.start, y, max(bar.end - bar.start, 3), height, bar.cls, bar.words)
            if bar.inside and bar.end - bar.start >= width + PAD + 6:
                on = "strong" if "replaced" in bar.cls else f"on {bar.cls}-on"
                self.out.text(bar.start + 10, base, bar.words, on)
                continue
            after, before = (bar.end + 8, bar.end + 8 + width), (bar.start - 8 - width, bar.start - 8)
            free = next((place for place in (after, before) if self.free(place, taken)), None)
            if free is not None:
                taken.append(free)
                self.out.text(free[0], base, bar.words, "strong")
            else:
                below.append(self.label(bar.words, bar.start, before=0, cls="strong"))
        laid = lay(below)
        self.out.behind = True
        for label, lane in laid.rows:
            self.out.line(label.at, y + height, label.at, y + height + 6 + lane * LANE, "lead")
        self.out.behind = False
        for label, lane in laid.rows:
            self.out.text(label.start, y + height + 20 + lane * LANE, label.words, label.cls)
        self.y = y + height + (laid.lanes * LANE if laid.lanes else 0)

    def free(self, place: tuple[float, float], taken: Sequence[tuple[float, float]]) -> bool:
        """Whether a place is inside the drawing and nothing stands there."""
        start, end = place
        inside = start >= self.shape.left and end <= self.shape.width
        return inside and all(end + GAP / 2 <= other or start >= until + GAP / 2 for other, until in taken)

"""Drawing SVG on the server: shapes in, markup out. Everything that could come from outside is escaped."""

from __future__ import annotations

from typing import Literal

from markupsafe import Markup, escape

from hub.web.pages.labels import measured, width_of

Anchor = Literal["start", "middle", "end"]
PLAIN = (15, False)
STYLES = {"promise": (17, True), "big": (0, True), "name": (15, True), "strong": (15, True), "on": (15, True)}
"""Size and weight of words by their class, as the style sheet has them; 0: as large as they come."""
SHORT = 4
"""Words of so few letters have room anyway."""


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Drawing:
    """A picture under way: add shapes, then take its markup."""

    def __init__(self, width: float) -> None:
        """Begin a picture so many units wide; its height grows with what is drawn."""
        self.width = width
        self.height = 0.0
        self.behind = False
        """What is drawn while this is set stands behind everything else."""
        self._parts: list[Markup] = []
        self._back: list[Markup] = []

    def reach(self, y: float) -> None:
        """Make the picture at least so high."""
        self.height = max(self.height, y)

    def _add(self, tag: str, cls: str, inside: str | Markup = "", **attributes: float | str | None) -> None:
        given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
        written = Markup("").join(
            Markup(' {}="{}"').format(name, value if isinstance(value, str) else _n(value))
            for name, value in given.items()
        )
        part = Markup('<{0} class="{1}"{2}>{3}</{0}>').format(tag, cls, written, inside)
        (self._back if self.behind else self._parts).append(part)

    def line(self, x1: float, y1: float, x2: float, y2: float, cls: str) -> None:
        """Draw a straight line."""
        self._add("line", cls, x1=x1, y1=y1, x2=x2, y2=y2)
        self.reach(max(y1, y2))

    def rect(self, x: float, y: float, width: float, height: float, cls: str, title: str = "") -> None:
        """Draw a rectangle; `title` is what it says when pointed at."""
        self._add("rect", cls, _title(title), x=x, y=y, width=max(width, 0.0), height=height)
        self.reach(y + height)

    def circle(self, x: float, y: float, radius: float, cls: str, title: str = "") -> None:
        """Draw a circle."""
        self._add("circle", cls, _title(title), cx=x, cy=y, r=radius)
        self.reach(y + radius)

    def path(self, d: str, cls: str, transform: str | None = None) -> None:
        """Draw a path."""
        self._add("path", cls, d=d, transform=transform)

    def text(self, x: float, y: float, words: str, cls: str = "", anchor: Anchor = "start", title: str = "") -> None:
        """Write words; `y` is their base line, `title` what they stand for where they were shortened.

        They take the room that was counted on, whatever font is there.
        """
        size, bold = next((style for name, style in STYLES.items() if name in cls.split()), PLAIN)
        known = size and len(words) > SHORT and measured(words)
        self._add(
            "text",
            cls,
            escape(words) + _title(title if title != words else ""),
            x=x,
            y=y,
            text_anchor=None if anchor == "start" else anchor,
            textLength=width_of(words, size, bold=bold) if known else None,
            lengthAdjust="spacingAndGlyphs" if known else None,
        )
        self.reach(y + 5)

    def begin_link(self, href: str, label: str) -> None:
        """What is drawn until `end_link` leads to `href`."""
        self._parts.append(Markup('<a href="{}" aria-label="{}">').format(href, label))

    def end_link(self) -> None:
        """End what `begin_link` began."""
        self._parts.append(Markup("</a>"))

    def markup(self, ident: str, title: str, desc: str, *, links: bool = False) -> Markup:
        """Return the picture. Without links it is one image to a screen reader, with them a group."""
        body = Markup("").join([*self._back, *self._parts])
        return Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="{}" aria-labelledby="{}-t {}-d">'
            '<title id="{}-t">{}</title><desc id="{}-d">{}</desc>{}</svg>'
        ).format(
            _n(self.width), _n(self.height), "group" if links else "img", ident, ident, ident, title, ident, desc, body
        )


def _title(words: str) -> Markup:
    return Markup("<title>{}</title>").format(escape(words)) if words else Markup()

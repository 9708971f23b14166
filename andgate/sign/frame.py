"""From what a sign says to its LEDs: the largest arrangement that fits the panel.

Nothing is told by colour alone: the last third adds a warning triangle, past 0:00 the time begins with ``+``, a broken
promise turns the panel over (dark signs on a lit field), a finished flight says DONE, a lost clock says ``--:--``.
"""

from __future__ import annotations

from msgspec import Struct

from andgate.sign.panel import AMBER, DARK, DIM, GREEN, ORANGE, PALETTE, RED, WHITE, Panel, Type
from andgate.sign.state import Phase, SignDone, SignFlight, SignState

__all__ = ["PALETTE", "Frame", "frame", "words"]

TALL = 24
"""From this height on a panel has room beside and below the time."""
TIMES = (Type(26, 4, 3), Type(18, 3, 2), Type(15, 2, 2), Type(11, 2, 2), Type(7, 1, 1), Type(5, 1, 1))
LABELS = (Type(13, 2, 2), Type(11, 2, 2), Type(7, 1, 1), Type(5, 1, 1))
SMALL = Type(5, 1, 1)
UPPER, LOWER = Type(15, 2, 2), Type(11, 2, 2)
NO_LINK = "NO LINK"
INKS: dict[Phase, int] = {"unknown": WHITE, "plain": AMBER, "last": ORANGE, "over": ORANGE, "broken": DARK}
_RGB = tuple(bytes.fromhex(colour[1:]) for colour in PALETTE)


class Frame(Struct, frozen=True):
    """One picture: `leds` has one byte a LED, row by row, each an index into `PALETTE`."""

    width: int
    height: int
    leds: bytes

    @property
    def pixels(self) -> bytes:
        """Return three bytes a LED: red, green, blue."""
        return b"".join(_RGB[led] for led in self.leds)

    def rows(self) -> list[str]:
        """Return one text a row with one digit a LED, for JSON: an index into `PALETTE`."""
        digits = self.leds.translate(bytes(range(48, 58)) + bytes(246)).decode()
        return [digits[start : start + self.width] for start in range(0, len(digits), self.width)]


def frame(state: SignState, width: int, height: int) -> Frame:
    """Draw a sign of that many LEDs; any size from 1 x 1 works, as large as it allows."""
    panel = _draw(state, width, height)
    return Frame(width, height, bytes(panel.leds))


def words(state: SignState) -> str:
    """Say the sign in one line of text, for a text driver, a log or a screen reader."""
    marks: dict[Phase, str] = {"unknown": "", "plain": "", "last": " !", "over": " !", "broken": " LATE"}
    parts = [f"{one.label} {one.time}{marks[one.phase]}".strip() for one in state.flights]
    if state.done is not None:
        parts.append(f"{state.done.label} DONE {state.done.clock}".strip())
    if not state.link:
        parts.append("(no link)")
    return " | ".join(parts) or "-"


def _draw(state: SignState, width: int, height: int) -> Panel:
    if height >= TALL and (len(state.flights) > 1 or (state.flights and state.done)):
        two = _two(state, width, height)
        if two is not None:
            return two
    if state.flights:
        return _one(state.flights[0], state, width, height)
    if state.done is not None:
        return _done(state.done, state, width, height)
    panel = Panel(width, height)
    panel.dots([(width - 1, height - 1)], DIM)
    _cut_off(panel, state, WHITE)
    return panel


def _cut_off(panel: Panel, state: SignState, ink: int, left: int | None = 1) -> None:
    """Say in the lower left corner that the sign is cut off; a small cross where words do not fit (`left` is None)."""
    if state.link:
        return
    if panel.height >= TALL and left is not None:
        panel.write(NO_LINK, left, panel.height - 6, SMALL, ink)
    else:
        panel.dots(((x, panel.height - 3 + y) for x, y in ((0, 0), (2, 0), (1, 1), (0, 2), (2, 2))), ink)


def _one(flight: SignFlight, state: SignState, width: int, height: int) -> Panel:
    broken = flight.phase == "broken"
    panel = Panel(width, height, RED if broken else DARK)
    ink = INKS[flight.phase]
    if height < TALL:
        _line(panel, flight.label, flight.time, "!" if flight.phase in ("last", "over") else "", state, ink)
        return panel
    alarm = flight.phase in ("last", "over")
    quiet = DARK if broken else WHITE
    if alarm:
        panel.warning(1, height - 14, 13, ink)
    reach = _beside(panel, flight.label, flight.time, ink)
    if reach is None:
        _stacked(panel, flight.label, flight.time, ink)
        _cut_off(panel, state, quiet, None)
        return panel
    left = 18 if alarm else 1
    _cut_off(panel, state, quiet, left)
    place = (left, height - (8 if state.link else 13))
    if flight.phase in ("plain", "last"):
        panel.bar(place, reach - left, 4, (flight.left_ms or 0) / max(flight.span_ms, 1), ink)
    elif flight.phase == "over":
        panel.bar(place, reach - left, 4, flight.promise_left_ms / max(flight.grace_ms, 1), ink)
    return panel


def _beside(panel: Panel, label: str, time: str, ink: int) -> int | None:
    """Write the label at the upper left and the time at the right; return how far the label's part reaches."""
    for large in TIMES[:3]:
        for small in LABELS:
            room = panel.width - large.width(_steady(time))
            if large.height + 4 > panel.height or small.width(label) + 4 > room:
                continue
            top = (panel.height - large.height) // 2
            panel.write(label, 1, top, small, ink)
            panel.write(time, panel.width - 1 - large.width(time), top, large, ink)
            return max(min(room - 9, 47), 19)
    return None


def _steady(time: str) -> str:
    """Return the time in its widest digits: sizes are chosen by it, or a sign would jump as it counts past a 1."""
    return "".join("0" if letter.isdigit() else letter for letter in time)


def _stacked(panel: Panel, label: str, time: str, ink: int) -> None:
    """Write the label over the time, both as large as they fit."""
    upper = next((one for one in LABELS[1:] if one.width(label) + 2 <= panel.width), None)
    room = panel.height - (upper.height + 2 if upper else 0) - 1
    wide = _steady(time)
    large = next((one for one in TIMES if one.height <= room - 1 and one.width(wide) + 2 <= panel.width), None)
    if upper:
        panel.write(label, 1, 1, upper, ink)
    if large:
        top = panel.height - 1 - large.height
        panel.write(time, panel.width - 1 - large.width(time), top, large, ink)


def _line(panel: Panel, label: str, time: str, mark: str, state: SignState, ink: int) -> None:
    """Write label, mark and time on one low line; a label too long loses its beginning, the airline's letters."""
    _cut_off(panel, state, ink if ink == DARK else WHITE)
    start = 0 if state.link else 4
    low = SMALL if panel.height < TIMES[4].height else TIMES[4]
    letters = next((one for one in TIMES[2:4] if one.height <= panel.height and _fits(one, label, time, panel)), low)
    top = max((panel.height - letters.height) // 2, 0)
    left = panel.width - letters.width(time)
    panel.write(time, left, top, letters, ink)
    if mark:
        left -= letters.width(mark) + 2
        panel.write(mark, left, top, letters, ink)
    while label and letters.width(label) + 2 > left - start:
        label = label[1:]
    panel.write(label, start, top, letters, ink)


def _fits(letters: Type, label: str, time: str, panel: Panel) -> bool:
    return letters.width(label) + letters.width(_steady(time)) + 10 <= panel.width


def _two(state: SignState, width: int, height: int) -> Panel | None:
    """Two lines: the nearest flight taller, with a pointer since the button closes it; below the next, or the last."""
    first = state.flights[0]
    broken = first.phase == "broken"
    below: tuple[str, str, int]
    if state.done is not None:
        below = (state.done.label, "DONE", GREEN if state.done.kept else RED)
    else:
        second = state.flights[1]
        below = (second.label, second.time, RED if second.phase == "broken" else INKS[second.phase])
    indent = 16
    widest = max(UPPER.width(first.label + first.time), LOWER.width(below[0] + below[1]))
    if height < UPPER.height + LOWER.height + 4 or indent + widest + 24 > width:
        return None
    panel = Panel(width, height)
    line = UPPER.height + (height - UPPER.height - LOWER.height) // 2
    ink = INKS[first.phase]
    if broken:
        panel.block(0, 0, width, line, RED)
    panel.pointer(1, 4, 8, ink)
    panel.write(first.label, indent, 1, UPPER, ink)
    right = width - 1 - UPPER.width(first.time)
    panel.write(first.time, right, 1, UPPER, ink)
    if first.phase in ("last", "over"):
        panel.warning(right - 18, 1, 13, ink)
    panel.dots(((x, line) for x in range(indent, width - 1, 3)), AMBER)
    label, text, colour = below
    base = height - 1 - LOWER.height
    panel.write(label, indent, base, LOWER, colour)
    panel.write(text, width - 1 - LOWER.width(text), base, LOWER, colour)
    if not state.link:
        panel.write("NO", 0, base, SMALL, WHITE)
        panel.write("LINK", 0, base + 6, SMALL, WHITE)
    return panel


def _done(done: SignDone, state: SignState, width: int, height: int) -> Panel:
    panel = Panel(width, height)
    ink = GREEN if done.kept else RED
    if height < TALL:
        _line(panel, done.label, "DONE", "", state, ink)
        return panel
    if _beside(panel, done.label, done.clock, ink) is not None:
        panel.write("DONE", 1, height - (13 if state.link else 19), LOWER, ink)
    else:
        _stacked(panel, done.label, "DONE", ink)
        _cut_off(panel, state, WHITE, None)
        return panel
    _cut_off(panel, state, WHITE)
    return panel

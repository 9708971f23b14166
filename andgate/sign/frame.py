"""From what a sign says to its LEDs: the largest arrangement that fits the panel.

Nothing is told by colour alone: the last third adds a warning triangle, past 0:00 the time begins with ``+``, a broken
promise turns the panel over (dark signs on a lit field), a finished flight says DONE, a lost clock says ``--:--``.
Sizes and places are chosen for the longest time a count comes to, so nothing jumps while it counts. A flight without
room is never just left out: ``+1`` says that there is one more.
"""

from __future__ import annotations

from msgspec import Struct

from andgate.sign.panel import AMBER, DARK, DIM, GREEN, ORANGE, PALETTE, RED, WHITE, Panel, Type
from andgate.sign.sizes import BESIDE, FIVE, LABELS, LARGE, LINES, NARROW11, SEVEN, SMALL, STACKED, WIDE11, Pair
from andgate.sign.state import Phase, SignDone, SignFlight, SignState

__all__ = ["PALETTE", "Frame", "frame", "words"]

TALL = 24
"""From this height on a panel has room for two lines."""
LEAST = 26
"""From this width on it has room for the pointer and a time."""
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


class _Entry(Struct, frozen=True):
    """A flight or a finished one, as it is to be written."""

    label: str
    text: str
    widest: tuple[str, ...]
    ink: int
    ground: int = DARK
    alarm: bool = False
    marked: bool = True
    """It has, has had or will have the mark of the last third: room is kept for it."""

    @property
    def quiet(self) -> int:
        """Return the ink for what is not about the flight."""
        return WHITE if self.ground == DARK else DARK


def _counting(flight: SignFlight) -> _Entry:
    alarm = flight.phase in ("last", "over")
    ground = RED if flight.phase == "broken" else DARK
    return _Entry(flight.label, flight.time, flight.widest, INKS[flight.phase], ground, alarm, flight.phase != "broken")


def _ended(done: SignDone, text: str) -> _Entry:
    ink, ground = (GREEN, DARK) if done.kept else (DARK, RED)
    return _Entry(done.label, text, (text,), ink, ground, marked=False)


def _draw(state: SignState, width: int, height: int) -> Panel:
    entries = [_counting(flight) for flight in state.flights]
    said = f"DONE {state.done.clock}".strip() if state.done else ""
    if state.done is not None and (not entries or height >= TALL):
        entries.insert(1, _ended(state.done, said))
    if not entries:
        panel = Panel(width, height)
        panel.dots([(width - 1, height - 1)], DIM)
        _cut_off(panel, state, 1, width, WHITE)
        return panel
    if height < TALL:
        return _line(entries, "" if state.flights else "DONE", state, Panel(width, height, entries[0].ground))
    if len(entries) > 1 and width >= LEAST:
        short = _ended(state.done, "DONE") if state.done is not None else entries[1]
        return _two(entries, short, state, Panel(width, height))
    panel = Panel(width, height, entries[0].ground)
    if state.flights:
        return _one(entries[0], state.flights[0], state, panel)
    return _done(entries[0], state.done.clock if state.done else "", state, panel)


def _cut_off(panel: Panel, state: SignState, left: int, room: int, ink: int) -> None:
    """Say in the lower left corner that the sign is cut off; by a small cross where words do not fit."""
    if state.link:
        return
    if panel.height >= TALL and left + FIVE.width(NO_LINK) + 2 <= room:
        panel.write(NO_LINK, left, panel.height - 6, FIVE, ink)
    else:
        panel.cross(left if panel.height >= TALL else 0, panel.height - 3, ink)


def _one(entry: _Entry, flight: SignFlight, state: SignState, panel: Panel) -> Panel:
    """Write one flight as large as it goes: its label, what is left as a bar, and the time beside both."""
    found = _beside(panel, entry)
    if found is None:
        _stacked(panel, entry, state)
        return panel
    room, free = found
    left = 1
    if entry.alarm:
        triangle = 13 if free >= 14 else 11  # noqa: PLR2004 - and one LED between
        panel.warning(1, panel.height - 1 - triangle, triangle, entry.ink)
        left = 18
    _cut_off(panel, state, left, room, entry.quiet)
    place = (left, panel.height - (8 if state.link else 13))
    length = min(room - 9, 47) - left
    if flight.phase in ("plain", "last"):
        panel.bar(place, length, 4, (flight.left_ms or 0) / max(flight.span_ms, 1), entry.ink)
    elif flight.phase == "over":
        panel.bar(place, length, 4, flight.promise_left_ms / max(flight.grace_ms, 1), entry.ink)
    return panel


def _beside(panel: Panel, entry: _Entry) -> tuple[int, int] | None:
    """Write the label at the upper left and the time at the right; return the label's columns and the rows under it."""
    for large, small in BESIDE:
        room = panel.width - large.room(entry.widest)
        top = (panel.height - large.height) // 2
        free = panel.height - 1 - top - small.height
        if top < 2 or free < 12 or room < max(small.width(entry.label) + 4, 20):  # noqa: PLR2004 - mark and bar
            continue
        panel.write(entry.label, 1, top, small, entry.ink)
        panel.count(entry.text, panel.width - 1, top, large, entry.ink)
        return room, free
    return None


def _shorter(label: str, letters: Type, room: int) -> str:
    """Return as much of a label as has room; it loses its beginning, the airline's letters."""
    while label and letters.width(label) > room:
        label = label[1:]
    return label


def _stacked(panel: Panel, entry: _Entry, state: SignState) -> None:
    """Write the label over the time, both as large as they fit."""
    upper = next((each for each in LABELS[2:] if each.width(entry.label) + 2 <= panel.width), FIVE)
    above = upper.height + 2 if entry.label else 0

    def fits(letters: Type) -> bool:
        wide = 7 + entry.marked * letters.mark + letters.room(entry.widest)
        return letters.height + 2 <= panel.height - above and wide <= panel.width

    large = next((each for each in STACKED if fits(each)), FIVE)
    panel.write(_shorter(entry.label, upper, panel.width - 2), 1, 1, upper, entry.ink)
    top = panel.height - 1 - large.height
    panel.count(entry.text, panel.width - 1, top, large, entry.ink)
    if entry.alarm:
        panel.alarm(panel.width - 3 - large.room(entry.widest), top, large, entry.ink)
    _cut_off(panel, state, 0, 0, entry.quiet)


def _more(others: int) -> str:
    """Say how many flights more there are than the panel shows."""
    return f"+{min(others, 9)}" if others > 0 else ""


def _line(entries: list[_Entry], short: str, state: SignState, panel: Panel) -> Panel:
    """Write the first flight on one low line: label, small and raised how many more there are, mark, and time.

    A panel turned over keeps a lit edge all around, or its dark letters would run into the frame. `short` is the text
    for where the whole one costs the label its beginning.
    """
    entry = entries[0]
    edge = int(entry.ground != DARK)
    _cut_off(panel, state, 0, 0, entry.quiet)
    start = edge if state.link else 4
    more = _more(len(entries) - 1)

    def used(letters: Type, times: tuple[str, ...]) -> int:
        """Return the columns of everything but the label, and of a cross that may come."""
        marks = entry.marked * (letters.mark + 2) + bool(more) * (FIVE.width(more) + 1)
        return edge + letters.room(times) + marks + 2

    def fits(letters: Type, times: tuple[str, ...], begins: int) -> bool:
        high = letters.height + 2 * edge <= panel.height
        return high and begins + letters.width(entry.label) + used(letters, times) <= panel.width

    low = SEVEN if panel.height >= SEVEN.height + 2 * edge else FIVE
    letters = next((each for each in LINES if fits(each, entry.widest, 4)), low)
    text, times = entry.text, entry.widest
    if short and not fits(letters, times, start):
        text, times = short, (short,)
    top = max((panel.height - letters.height) // 2, 0)
    panel.count(text, panel.width - edge, top, letters, entry.ink)
    if entry.alarm:
        panel.alarm(panel.width - 2 - letters.room(times), top, letters, entry.ink)
    free = panel.width - used(letters, times) - start
    label = _shorter(entry.label, letters, max(free, 0))
    panel.write(label, start, top, letters, entry.ink)
    if free >= 0:
        panel.write(more, start + letters.width(label) + bool(label), min(top, edge), FIVE, entry.quiet)
    return panel


def _two(entries: list[_Entry], short: _Entry, state: SignState, panel: Panel) -> Panel:
    """Two lines: the nearest flight taller, with a pointer since the button closes it; below the next, or the last.

    Below, `short` is the same with fewer words, for where it does not fit otherwise.
    """
    first, more = entries[0], _more(len(entries) - 2)
    pairs = [*((pair, entries[1]) for pair in LARGE), *((pair, short) for pair in (*LARGE, *SMALL))]
    pair, second = next(
        ((pair, second) for pair, second in pairs if _share(pair, first, second, state, panel)), (SMALL[-1], short)
    )
    indent = pair.indent + 4 * (pair.large and not state.link)
    base = panel.height - 1 - pair.lower.height
    middle = pair.upper.height + (panel.height - pair.upper.height - pair.lower.height) // 2
    panel.block(0, 0, panel.width, middle, first.ground)
    panel.block(indent - 1, middle + 1, panel.width - indent + 1, panel.height - middle - 1, second.ground)
    panel.pointer(int(pair.large), 1 + (pair.upper.height - pair.pointer) // 2, pair.pointer, first.ink)
    panel.dotted(indent, panel.width - 1, middle, AMBER)
    _row(panel, first, pair, (indent, 1), pair.upper)
    _row(panel, second, pair, (indent, base), pair.lower)
    if not pair.large:
        panel.write(more, 0, middle + 1, FIVE, WHITE)
        _cut_off(panel, state, 0, 0, WHITE)
    elif state.link:
        panel.write(more, 1, base + 2, SEVEN, WHITE)
    else:
        panel.write(more, 1, middle - 5, FIVE, first.quiet)
        panel.write("NO", 0, base, FIVE, WHITE)
        panel.write("LINK", 0, base + 6, FIVE, WHITE)
    return panel


def _share(pair: Pair, first: _Entry, second: _Entry, state: SignState, panel: Panel) -> bool:
    """Say whether two entries fit a panel in these sizes."""
    indent = pair.indent + 4 * (pair.large and not state.link)
    return pair.upper.height + pair.lower.height + 4 <= panel.height and all(
        indent + letters.width(entry.label) + _kept(pair, entry, letters) <= panel.width
        for entry, letters in ((first, pair.upper), (second, pair.lower))
    )


def _kept(pair: Pair, entry: _Entry, letters: Type) -> int:
    """Return the columns at the right of a label that are not its own."""
    return pair.gap + entry.marked * (pair.mark(letters) + pair.gap) + letters.room(entry.widest) + 1


def _row(panel: Panel, entry: _Entry, pair: Pair, place: tuple[int, int], letters: Type) -> None:
    left, top = place
    label = _shorter(entry.label, letters, max(panel.width - left - _kept(pair, entry, letters), 0))
    panel.write(label, left, top, letters, entry.ink)
    panel.count(entry.text, panel.width - 1, top, letters, entry.ink)
    if not entry.alarm:
        return
    right = panel.width - 1 - letters.room(entry.widest) - pair.gap
    if pair.large:
        panel.warning(right - pair.mark(letters), top, letters.triangle, entry.ink)
    else:
        panel.write("!", right - pair.mark(letters), top, letters, entry.ink)


def _done(entry: _Entry, clock: str, state: SignState, panel: Panel) -> Panel:
    """Say that a flight is finished, and when, as large as one that counts."""
    found = _beside(panel, _Entry(entry.label, clock, ("00:00",), entry.ink, entry.ground, marked=False))
    if found is None:
        _stacked(panel, entry, state)
        return panel
    sizes = (WIDE11, NARROW11, SEVEN) if state.link else (SEVEN,)
    letters = next((each for each in sizes if each.width("DONE") + 3 <= found[0]), FIVE)
    panel.write("DONE", 1, panel.height - (13 if state.link else 14), letters, entry.ink)
    _cut_off(panel, state, 1, found[0], entry.quiet)
    return panel

"""The sign's picture: what it says, that it says it without colour too, and that it fits every panel."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andgate.sign import PALETTE, Frame, SignDone, SignFlight, SignState, flight, frame, words
from andgate.sign.glyphs import CHARACTERS
from andgate.sign.panel import AMBER, DARK, DIM, GREEN, ORANGE, RED, WHITE, Panel, Type
from andgate.sign.sizes import FIVE, NARROW11, NARROW26, SEVEN, SIZES, WIDE11, WIDE13, WIDE15, WIDE26

MINUTE = 60_000
SPAN, GRACE = 22 * MINUTE, 3 * MINUTE
FORMATS = [
    (128, 32),
    (96, 32),
    (64, 32),
    (64, 8),
    (96, 8),
    (128, 16),
    (32, 8),
    (16, 8),
    (8, 8),
    (40, 24),
    (1, 1),
    (5, 40),
]


def one(left_ms: int | None, label: str = "AG1234") -> SignFlight:
    if left_ms is None:
        return SignFlight(label, None)
    return SignFlight(label, left_ms, SPAN, left_ms + GRACE, GRACE)


def inks(picture: Frame) -> set[int]:
    return set(picture.leds) - {DARK}


@pytest.mark.parametrize(
    ("left_ms", "phase", "time"),
    [
        (SPAN, "plain", "22:00"),
        (SPAN - 1, "plain", "22:00"),
        (461_000, "plain", "07:41"),
        (SPAN // 3 + 1, "plain", "07:21"),
        (SPAN // 3, "last", "07:20"),
        (1, "last", "00:01"),
        (0, "over", "00:00"),
        (-999, "over", "00:00"),
        (-1000, "over", "+0:01"),
        (-72_000, "over", "+1:12"),
        (-GRACE, "over", "+3:00"),
        (-GRACE - 1, "broken", "+3:00"),
        (100 * MINUTE, "plain", "100:00"),
        (None, "unknown", "--:--"),
    ],
)
def test_time_and_look(left_ms: int | None, phase: str, time: str) -> None:
    assert (one(left_ms).phase, one(left_ms).time) == (phase, time)


def test_a_flight_from_a_moment() -> None:
    made = flight("ag1234/2026-11-21", 1_000_000, 1_000_000 + SPAN, 1_000_000 + SPAN + GRACE, 1_000_000 + SPAN - 5_000)
    assert made == SignFlight("AG1234", 5_000, SPAN, 5_000 + GRACE, GRACE)
    assert flight(None, 0, 1, 2, None) == SignFlight("", None)


def test_words() -> None:
    assert words(SignState()) == "-"
    assert (
        words(SignState((one(461_000), one(-72_000, "AG0871")), link=False))
        == "AG1234 07:41 | AG0871 +1:12 ! | (no link)"
    )
    assert words(SignState((one(-200_000),), SignDone("AG0871", "18:42"))) == "AG1234 +3:20 LATE | AG0871 DONE 18:42"


@pytest.mark.parametrize("size", FORMATS)
@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("done", [None, SignDone("AG9", "18:42"), SignDone("AG9", "18:42", kept=False)])
@pytest.mark.parametrize(
    "left_ms",
    [
        [],
        [461_000],
        [200_000],
        [-72_000],
        [-200_000],
        [None],
        [135_000, 1_120_000],
        [-200_000, -190_000],
        [200_000, None],
    ],
)
def test_every_state_fits_every_panel(
    size: tuple[int, int],
    link: bool,
    done: SignDone | None,
    left_ms: list[int | None],
) -> None:
    width, height = size
    picture = frame(SignState(tuple(one(it) for it in left_ms), done, link=link), width, height)
    assert len(picture.leds) == width * height
    assert max(picture.leds) < len(PALETTE)
    assert len(picture.pixels) == 3 * width * height
    rows = picture.rows()
    assert [len(row) for row in rows] == [width] * height
    assert json.loads(json.dumps(rows)) == rows
    assert bytes(int(digit) for row in rows for digit in row) == picture.leds


def test_the_picture_of_one_flight_as_drawn() -> None:
    """The time is 26 LEDs high and ends one LED from the right; the flight is 13 high; the bar is what is left."""
    rows = frame(SignState((one(461_000),)), 128, 32).rows()
    lit = [(x, y) for y, row in enumerate(rows) for x, led in enumerate(row) if led != "0"]
    assert {led for row in rows for led in row} == {"0", str(AMBER)}
    big = [(x, y) for x, y in lit if x >= 55]
    assert (min(y for _, y in big), max(y for _, y in big)) == (3, 28)
    assert max(x for x, _ in big) == 124  # the 1 stands in the middle of its place, which ends at 126
    small = [y for x, y in lit if x < 55 and y < 20]
    assert (min(small), max(small)) == (3, 15)
    bar = [x for x, y in lit if y == 24 and x < 55]
    assert bar == list(range(1, 17))  # a third of the bar's 46, rounded up to a LED
    assert rows[3][1:8] == "0111110"  # the A's roof, its corners cut


def test_each_look_differs_by_more_than_colour() -> None:
    def shape(state: SignState) -> tuple[bool, ...]:
        return tuple(bool(led) for led in frame(state, 128, 32).leds)

    looks = [shape(SignState((one(it),))) for it in (461_000, 300_000, -72_000, -200_000, None)]
    assert len(set(looks)) == 5
    broken = frame(SignState((one(-200_000),)), 128, 32)
    assert broken.leds.count(RED) > broken.leds.count(DARK)
    triangle = frame(SignState((one(300_000),)), 128, 32).rows()
    assert triangle[30][1:15].strip("0")
    assert not frame(SignState((one(461_000),)), 128, 32).rows()[30][1:15].strip("0")


def test_colours() -> None:
    def of(*left_ms: int | None, link: bool = True) -> set[int]:
        return inks(frame(SignState(tuple(one(it) for it in left_ms), link=link), 128, 32))

    assert of(461_000) == {AMBER}
    assert of(300_000) == {ORANGE}
    assert of(-1) == {ORANGE}
    assert of(-GRACE - 1) == {RED}
    assert of(None) == {WHITE}
    assert of(461_000, link=False) == {AMBER, WHITE}
    assert of(-GRACE - 1, link=False) == {RED}
    assert inks(frame(SignState(), 128, 32)) == {DIM}
    assert inks(frame(SignState(done=SignDone("AG1", "18:42")), 128, 32)) == {GREEN}
    assert inks(frame(SignState(done=SignDone("AG1", "18:42", kept=False)), 64, 8)) == {RED}


def boxes(state: SignState, width: int, height: int) -> list[tuple[str, int, int, int, int]]:
    """Return everything drawn as (what, left, top, right, bottom), the ends included."""
    drawn: list[tuple[str, int, int, int, int]] = []

    class Watched(Panel):
        def write(self, text: str, left: int, top: int, letters: Type, ink: int) -> None:
            if text:
                wide = letters.width(text)
                drawn.append((f"{text} {letters.height}", left, top, left + wide - 1, top + letters.height - 1))

        def count(self, text: str, right: int, top: int, letters: Type, ink: int) -> None:
            left = right - letters.room([text])
            if text:
                drawn.append((f"{text} {letters.height}", left, top, right - 1, top + letters.height - 1))

        def warning(self, left: int, top: int, height: int, ink: int) -> None:
            drawn.append(("warning", left, top, left + height, top + height - 1))

        def pointer(self, left: int, top: int, height: int, ink: int) -> None:
            drawn.append(("pointer", left, top, left + height - 1, top + height - 1))

        def bar(self, place: tuple[int, int], width: int, height: int, share: float, ink: int) -> None:
            if width > 0:
                drawn.append(("bar", place[0], place[1], place[0] + width - 1, place[1] + height - 1))

        def dotted(self, left: int, right: int, row: int, ink: int) -> None:
            drawn.append(("dotted", left, row, right - 1, row))

        def cross(self, left: int, top: int, ink: int) -> None:
            drawn.append(("cross", left, top, left + 2, top + 2))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("andgate.sign.frame"), "Panel", Watched)
        frame(state, width, height)
    return drawn


def clashes(drawn: list[tuple[str, int, int, int, int]], width: int, height: int) -> list[object]:
    """Return what lies outside the panel, and each two that overlap."""
    wrong: list[object] = [it for it in drawn if it[1] < 0 or it[2] < 0 or it[3] >= width or it[4] >= height]
    for number, first in enumerate(drawn):
        _, left, top, right, bottom = first
        wrong += [
            (first, other)
            for other in drawn[:number]
            if left <= other[3] and other[1] <= right and top <= other[4] and other[2] <= bottom
        ]
    return wrong


def said(drawn: list[tuple[str, int, int, int, int]]) -> list[str]:
    return [what for what, *_ in drawn]


LABELS = st.sampled_from(["", "A", "AG1234", "AG0872", "AG0871", "MMWWMM", "BEE1234A", "LONGNAME-77"])
LEFT = st.one_of(st.none(), st.integers(-3_600_000, SPAN), st.sampled_from([0, 1, -1, -GRACE, -GRACE - 1]))
PANELS = st.sampled_from([(128, 32), (96, 32), (64, 32), (192, 64), (64, 24), (80, 32), (64, 8), (96, 8), (128, 16)])
ENDED = st.one_of(st.none(), st.builds(SignDone, LABELS, st.sampled_from(["", "18:42"]), st.booleans()))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(LABELS, LEFT), max_size=4), ENDED, st.booleans(), PANELS)
def test_nothing_lies_outside_a_panel_or_over_another_thing(
    flights: list[tuple[str, int | None]],
    done: SignDone | None,
    link: bool,
    size: tuple[int, int],
) -> None:
    state = SignState(tuple(one(left_ms, label) for label, left_ms in flights), done, link=link)
    assert not clashes(boxes(state, *size), *size)


@pytest.mark.parametrize("size", [(128, 32), (96, 32), (64, 32), (64, 8), (128, 16), (40, 24)])
@pytest.mark.parametrize("label", ["AG1234", "LONGNAME-77"])
@pytest.mark.parametrize("others", [(), (600_000,)])
def test_nothing_moves_or_changes_its_size_over_a_whole_count(
    size: tuple[int, int],
    label: str,
    others: tuple[int, ...],
) -> None:
    """From the opening to the promise, and from there to an hour late: label and time stay as and where they are."""
    looks: dict[bool, set[object]] = {True: set(), False: set()}
    for left_s in (*range(SPAN // 1000, -400, -7), *range(10, -10, -1), -599, -600, -3599):
        first = one(left_s * 1000, label)
        drawn = boxes(SignState((first, *(one(it, "AG0871") for it in others))), *size)
        marks = ("warning", "bar", "! ", "pointer", "dotted")
        written = [it for it in drawn if not it[0].startswith(marks)]
        time = next(it for it in written if it[0].startswith(first.time))
        rest = tuple(it for it in written if it is not time)
        looks[first.phase == "broken"].add((rest, time[0].split()[1], time[2:]))
    assert [len(look) for look in looks.values()] == [1, 1]


def test_from_second_to_second_only_the_digits_that_change_do() -> None:
    """With ten seconds more or less nothing but that digit's place changes, whether it is a 1 or not; and the bar."""
    for left_s in range(611, 590, -1):
        before, after = (frame(SignState((one(it * 1000),)), 128, 32).rows() for it in (left_s, left_s - 1))
        changed = {x for old, new in zip(before, after, strict=True) for x in range(128) if old[x] != new[x]}
        places = [range(55, 69), range(72, 86), range(96, 110), range(113, 127)]
        times = (one(left_s * 1000).time, one(left_s * 1000 - 1000).time)
        digits = [(a, b) for a, b in zip(*times, strict=True) if a != ":"]
        allowed = {x for place, (a, b) in zip(places, digits, strict=True) if a != b for x in place}
        assert {x for x in changed if x > 47} <= allowed


def test_two_flights_as_drawn() -> None:
    """Pointer, 15 high over 11 high, a dotted line between: two flights of six characters share 128 x 32 LEDs."""
    state = SignState((one(135_000), one(1_120_000, "AG0871")))
    drawn = boxes(state, 128, 32)
    assert said(drawn) == ["pointer", "dotted", "AG1234 15", "02:15 15", "warning", "AG0871 11", "18:40 11"]
    rows = frame(state, 128, 32).rows()
    assert any(row[1:9].strip("0") for row in rows[:14])
    assert not any(row[1:9].strip("0") for row in rows[18:])
    assert {led for row in rows[:16] for led in row} == {"0", str(ORANGE)}
    assert {led for row in rows[20:] for led in row} == {"0", str(AMBER)}
    assert [x for x, led in enumerate(rows[18]) if led != "0"] == list(range(13, 127, 3))


@pytest.mark.parametrize("label", ["BEE1234A", "KLM10234"])
def test_longer_flights_are_set_narrower_before_they_are_lower(label: str) -> None:
    drawn = boxes(SignState((one(135_000, label), one(1_120_000, label))), 128, 32)
    assert {f"{label} 15", f"{label} 11", "02:15 15", "18:40 11"} <= set(said(drawn))


@pytest.mark.parametrize("size", [(96, 32), (64, 32), (40, 24)])
def test_two_flights_share_smaller_panels_too(size: tuple[int, int]) -> None:
    drawn = said(boxes(SignState((one(135_000, "34"), one(1_120_000, "71"))), *size))
    assert [what.split()[0] for what in drawn] == [
        *("pointer", "dotted", "34", "02:15"),
        *(["warning"] if size == (96, 32) else ["!"]),
        *("71", "18:40"),
    ]


@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("size", [(128, 32), (96, 32), (64, 32), (64, 8), (96, 8), (128, 16), (40, 24)])
def test_flights_without_room_are_counted(size: tuple[int, int], link: bool) -> None:
    shown = 2 if size[1] >= 24 else 1
    for flights in range(1, 15):
        state = SignState(tuple(one(135_000 + it) for it in range(flights)), link=link)
        more = [what.split()[0] for what in said(boxes(state, *size)) if what.startswith("+")]
        assert more == ([f"+{min(flights - shown, 9)}"] if flights > shown else [])


def test_a_finished_flight_takes_a_line_and_says_when() -> None:
    done = SignDone("AG0872", "18:42")
    drawn = said(boxes(SignState((one(461_000), one(500_000)), done), 128, 32))
    assert [what for what in drawn if what[0] in "AD0+"] == [
        "AG1234 15",
        "07:41 15",
        "AG0872 11",
        "DONE 18:42 11",
        "+1 7",
    ]
    assert "DONE 11" in said(boxes(SignState((one(461_000),), done), 96, 32))
    assert said(boxes(SignState(done=done), 128, 32)) == ["AG0872 13", "18:42 26", "DONE 11"]
    assert said(boxes(SignState(done=done), 96, 8)) == ["DONE 18:42 7", "AG0872 7"]
    assert said(boxes(SignState(done=done), 64, 8)) == ["DONE 7", "AG0872 7"]
    assert said(boxes(SignState(done=SignDone("AG0872", "")), 128, 32)) == ["AG0872 13", "DONE 11"]


def test_a_low_panel_turned_over_keeps_a_lit_edge() -> None:
    for state in (SignState((one(-200_000),)), SignState(done=SignDone("AG9", "18:42", kept=False))):
        rows = frame(state, 64, 8).rows()
        assert {*rows[0], *rows[-1], *(row[0] for row in rows), *(row[-1] for row in rows)} == {str(RED)}


def test_a_label_too_long_for_a_low_panel_loses_its_beginning() -> None:
    whole = frame(SignState((one(461_000, "34"),)), 40, 8)
    assert frame(SignState((one(461_000, "ABCDEFGHIJ34"),)), 40, 8).rows()[0][-20:] == whole.rows()[0][-20:]


def apart(a: str, b: str, letters: Type) -> int:
    """Return in how many LEDs two characters differ at least, one being moved over the other."""
    first, second = ([row << 18 - drawn.width for row in drawn.rows] for drawn in (letters.glyph(a), letters.glyph(b)))
    return min(
        sum((x << 2 ^ y << 2 + move).bit_count() for x, y in zip(first, second, strict=True))
        for move in (-2, -1, 0, 1, 2)
    )


@pytest.mark.parametrize("letters", SIZES, ids=str)
def test_every_character_is_told_from_every_other(letters: Type) -> None:
    near = [(a, b) for a in CHARACTERS for b in CHARACTERS if a < b and apart(a, b, letters) < 2]
    assert not near if letters != FIVE else len(near) < 9
    assert letters.glyph("é") is not None
    assert letters.glyph("é").rows == letters.glyph("?").rows


@pytest.mark.parametrize("letters", [SEVEN, WIDE11, NARROW11, WIDE13, WIDE15, WIDE26, NARROW26], ids=str)
@pytest.mark.parametrize("pair", ["G0", "G6", "B8", "S5", "Z2", "I1", "UV", "DO", "D0", "O0", "GC", "Q0", "T7", "17"])
def test_characters_that_people_mix_up(pair: str, letters: Type) -> None:
    assert apart(pair[0], pair[1], letters) >= (3 if letters.weight > 1 else 2)


def test_digits_at_a_size_are_equally_wide_but_for_the_one() -> None:
    for letters in SIZES:
        assert {letters.glyph(digit).width for digit in "023456789"} == {letters.wide}
        assert letters.glyph("1").width <= letters.wide


@given(st.text(max_size=12), st.integers(-(10**8), 10**8), st.integers(1, 160), st.integers(1, 48), st.booleans())
def test_nothing_that_a_sign_is_told_breaks_it(label: str, left_ms: int, width: int, height: int, link: bool) -> None:
    picture = frame(SignState((one(left_ms, label), one(left_ms + 1, label)), link=link), width, height)
    assert len(picture.leds) == width * height


def test_drawing_outside_a_panel_is_left_out() -> None:
    panel = Panel(4, 4)
    panel.block(-2, -2, 3, 3, RED)
    panel.bar((0, 3), 4, 1, 2.0, AMBER)
    assert panel.leds.count(RED) == 1
    assert panel.leds.count(AMBER) == 4
    assert SEVEN.width("") == 0

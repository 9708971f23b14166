"""The sign's picture: what it says, that it says it without colour too, and that it fits every panel."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andgate.sign import PALETTE, Frame, SignDone, SignFlight, SignState, flight, frame, words
from andgate.sign.glyphs import CHARACTERS, glyph
from andgate.sign.panel import AMBER, DARK, DIM, GREEN, ORANGE, RED, WHITE, Panel, Type

MINUTE = 60_000
SPAN, GRACE = 22 * MINUTE, 3 * MINUTE
SIZES = [
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


@pytest.mark.parametrize("size", SIZES)
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
    big = [(x, y) for x, y in lit if x >= 57]
    assert (min(y for _, y in big), max(y for _, y in big)) == (3, 28)
    assert max(x for x, _ in big) == 126
    small = [y for x, y in lit if x < 57 and y < 20]
    assert (min(small), max(small)) == (3, 15)
    bar = [x for x, y in lit if y == 24 and x < 57]
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


def test_two_flights_the_nearer_is_taller_and_has_the_pointer() -> None:
    rows = frame(SignState((one(135_000), one(1_120_000, "AG0871"))), 128, 32).rows()
    assert any(row[1:9].strip("0") for row in rows[:14])
    assert not any(row[1:9].strip("0") for row in rows[18:])
    heights = [y for y, row in enumerate(rows) if row[16:70].strip("0")]
    assert heights[0] == 1
    assert heights[-1] == 30


def test_a_label_too_long_for_a_low_panel_loses_its_beginning() -> None:
    whole = frame(SignState((one(461_000, "34"),)), 40, 8)
    assert frame(SignState((one(461_000, "ABCDEFGHIJ34"),)), 40, 8).rows()[0][-20:] == whole.rows()[0][-20:]


@pytest.mark.parametrize(("height", "weight"), [(7, 1), (11, 2), (13, 2), (15, 2), (18, 3), (26, 4)])
def test_every_character_is_told_from_every_other(height: int, weight: int) -> None:
    drawn = {letter: glyph(letter, height, weight).rows for letter in sorted(CHARACTERS) if letter not in "OS"}
    alike = [(a, b) for a in drawn for b in drawn if a < b and drawn[a] == drawn[b]]
    assert not alike
    assert glyph("é", height, weight).rows == drawn["?"]


def test_digits_at_a_size_are_equally_wide_but_for_the_one() -> None:
    for height, weight in ((26, 4), (13, 2), (7, 1)):
        assert len({glyph(digit, height, weight).width for digit in "023456789"}) == 1


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
    assert Type(7, 1, 1).width("") == 0


def test_the_smallest_eight_has_no_waist() -> None:
    assert glyph("8", 5, 1).rows == (0b010, 0b101, 0b010, 0b101, 0b010) or glyph("8", 5, 1).width == 3

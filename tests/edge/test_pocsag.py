"""POCSAG: a decoder written from the recommendation alone reads everything, and so does Debian's multimon-ng."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import pocsag

MULTIMON = shutil.which("multimon-ng")
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=240)
RICS = st.integers(8, 2_097_151).filter(lambda ric: ric >> 3 != 2_007_664 >> 3)  # those are the idle codeword
SETS = {0: "0", 1: "1", 2: "2", 3: "3", 4: "4", 5: "5", 6: "6", 7: "7", 8: "8", 9: "9", 11: "U", 12: " ", 13: "-", 14: ")", 15: "("}  # fmt: skip  # noqa: E501


def remainder(word: int) -> int:
    """Divide the first 31 bits by x^10 + x^9 + x^8 + x^6 + x^5 + x^3 + 1, bit by bit through a shift register."""
    register = 0
    for place in range(31, 0, -1):
        out = register >> 9 & 1
        register = (register << 1 | word >> place & 1) & 0x3FF
        if out:
            register ^= 0b11_0110_1001
    return register


def words_of(bits: list[int]) -> list[int]:
    """Return the codewords that a receiver hears: it finds the first synchronisation and counts on."""
    text = "".join(map(str, bits))
    start = text.index(f"{0x7CD215D8:032b}")
    assert start >= 576
    assert "11" not in text[:576], "the preamble alternates"
    assert "00" not in text[:576]
    body = text[start:]
    assert len(body) % (17 * 32) == 0
    return [int(body[at : at + 32], 2) for at in range(0, len(body), 32)]


def heard(bits: list[int], baud_free_ric: int) -> tuple[int, int, list[int]]:
    """Return address, function and message bits as the pager in its frame takes them."""
    words = words_of(bits)
    frames = []
    for at in range(0, len(words), 17):
        assert words[at] == 0x7CD215D8
        frames += list(enumerate(words[at + 1 : at + 17]))
    for _, word in frames:
        assert remainder(word) == 0
        assert word.bit_count() % 2 == 0
    message: list[int] = []
    found: tuple[int, int] | None = None
    for place, word in frames:
        if word == 0x7A89C197:
            if found is not None:
                break
            continue
        if not word >> 31:
            assert found is None
            assert place // 2 == baud_free_ric & 7, "a pager listens in its own frame only"
            found = ((word >> 13 & 0x3FFFF) << 3 | place // 2, word >> 11 & 3)
        else:
            assert found is not None
            message += [word >> bit & 1 for bit in range(30, 10, -1)]
    assert found is not None
    return (*found, message)


def characters(bits: list[int], width: int) -> list[int]:
    whole = len(bits) // width * width
    return [sum(bits[at + place] << place for place in range(width)) for at in range(0, whole, width)]


@given(RICS, st.integers(0, 3), TEXTS)
def test_every_text_is_read_as_it_was_written(ric: int, function: int, text: str) -> None:
    address, said, message = heard(pocsag.page(ric, text, function=function), ric)
    assert (address, said) == (ric, function)
    assert "".join(map(chr, characters(message, 7))).rstrip("\x04") == text
    assert all(code == 4 for code in characters(message, 7)[len(text) :])


@given(RICS, st.text("0123456789U -)(", max_size=40))
def test_every_number_is_read_as_it_was_written(ric: int, text: str) -> None:
    address, said, message = heard(pocsag.page(ric, text, function=0, numeric=True), ric)
    assert (address, said) == (ric, 0)
    assert "".join(SETS[code] for code in characters(message, 4)).rstrip() == text.rstrip()


@given(st.text(max_size=60))
def test_what_no_pager_can_show_is_a_question_mark_or_a_space(text: str) -> None:
    _, _, message = heard(pocsag.page(8, text), 8)
    shown = "".join(map(chr, characters(message, 7)))[: len(text)]
    assert all(" " <= each <= "~" for each in shown)
    _, _, message = heard(pocsag.page(8, text, numeric=True), 8)
    assert all(code in SETS for code in characters(message, 4))


@given(st.integers(0, 2**21 - 1), st.integers(0, 31), st.integers(0, 31))
def test_codewords_are_five_bits_apart_and_more(data: int, one: int, two: int) -> None:
    word = pocsag.codeword(data)
    assert word >> 11 == data
    assert remainder(word) == 0
    assert remainder(word ^ 1 << one) or one == 0
    if one != two and 0 not in {one, two}:
        assert remainder(word ^ 1 << one ^ 1 << two), "two wrong bits are seen"


def test_the_recommendation_s_own_codewords_are_made() -> None:
    assert pocsag.codeword(pocsag.SYNC >> 11) == pocsag.SYNC
    assert pocsag.codeword(pocsag.IDLE >> 11) == pocsag.IDLE


@pytest.mark.parametrize("baud", [512, 1200, 2400])
@pytest.mark.parametrize("invert", [False, True])
def test_a_wav_has_every_bit_in_its_time_and_level(baud: int, invert: bool) -> None:
    bits = pocsag.page(1_234_567, "Belt 3")
    with wave.open(io.BytesIO(pocsag.wav(bits, baud, invert=invert))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, pocsag.RATE_HZ)
        frames = file.readframes(file.getnframes())
    samples = [int.from_bytes(frames[at : at + 2], "little", signed=True) for at in range(0, len(frames), 2)]
    assert len(samples) == round(len(bits) * pocsag.RATE_HZ / baud)
    middles = [samples[int((place + 0.7) * pocsag.RATE_HZ / baud)] for place in range(len(bits))]
    assert [int((level < 0) != invert) for level in middles] == bits
    steps = [abs(b - a) for a, b in pairwise(samples[1:])]
    assert max(steps) < 2 * 24_000 or baud == 2400, "edges are not square"
    assert pocsag.seconds(bits, baud) == pytest.approx(len(samples) / pocsag.RATE_HZ, abs=1e-3)


@pytest.mark.skipif(MULTIMON is None, reason="needs Debian's multimon-ng")
@pytest.mark.parametrize("baud", [512, 1200, 2400])
@pytest.mark.parametrize(
    ("ric", "function", "numeric", "text"),
    [
        (1_234_567, 3, False, "Belt 3: AG1234, 7:59 left. First: call the ramp."),
        (2_097_151, 1, False, "Check-in counter A: 3:00 left (again)"),
        (8, 3, False, "x" * 240),
        (2_007_672, 0, True, "3 1234 7-59"),
    ],
)
def test_multimon_reads_the_wav(baud: int, ric: int, function: int, *, numeric: bool, text: str) -> None:
    with wave.open(io.BytesIO(pocsag.wav(pocsag.page(ric, text, function=function, numeric=numeric), baud))) as file:
        raw = file.readframes(file.getnframes()) + bytes(pocsag.RATE_HZ)
    assert MULTIMON is not None
    way = "numeric" if numeric else "alpha"
    command = [MULTIMON, "-q", "-t", "raw", "-a", f"POCSAG{baud}", "-f", way, "-"]
    said = subprocess.run(command, input=raw, capture_output=True, check=True).stdout.decode("utf-8", "replace")
    assert f"Address: {ric:>7}" in said
    assert f"Function: {function}" in said
    assert text in said

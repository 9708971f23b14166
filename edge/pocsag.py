"""POCSAG, the code of real pagers: from a text to the bits on the air, and to a WAV that a transmitter modulates. Pure.

Source: Recommendation ITU-R M.584-2 (1997), annex 1, "Codes and formats for radio paging" (Radiopaging code No. 1).

A transmission is a preamble of at least 576 alternating bits and batches. A batch is the synchronisation codeword and
eight frames of two codewords of 32 bits. A pager listens only in the frame that the lowest three bits of its address
name, so they are not sent. The first bit of a codeword is 0 for an address and 1 for a message::

    bit   1   2..19             20..21      22..31          32
          0   address (18 bits)  function    BCH(31,21)      even parity
          1   20 bits of the message         BCH(31,21)      even parity

The generator is x^10 + x^9 + x^8 + x^6 + x^5 + x^3 + 1. Characters are sent with their lowest bit first: seven bits
each (ISO 646) in an alphanumeric message, four in a numeric one. What follows the last codeword is filled up with idle
ones.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable, Iterator

PREAMBLE_BITS = 576
SYNC, IDLE = 0x7CD215D8, 0x7A89C197
BATCH = 16
"""Codewords in a batch, beside the synchronisation."""
GENERATOR = 0b111_0110_1001
RATE_HZ = 22_050
"""Samples a second: nine to a bit of 2400 baud."""
DIGITS = {**{str(digit): digit for digit in range(10)}, "U": 11, " ": 12, "-": 13, ")": 14, "(": 15}
"""What a numeric pager shows, and its four bits; ten is spare."""
_END = 0x04
"""What fills up the last codeword of a text: end of transmission, which no pager shows."""
_LOUD = 24_000
_EDGE = 0.25
"""So much of a bit a change of level takes: a square edge would only widen what is on the air."""


def codeword(data: int) -> int:
    """Return 21 bits of data with their ten check bits and the parity: 32 bits."""
    rest = data << 10
    for place in range(30, 9, -1):
        if rest >> place & 1:
            rest ^= GENERATOR << (place - 10)
    word = (data << 10 | rest) << 1
    return word | (word.bit_count() & 1)


def address_word(ric: int, function: int) -> int:
    """Return the codeword that calls a pager; its frame says the lowest three bits."""
    return codeword((ric >> 3) << 2 | function)


def text_words(text: str) -> list[int]:
    """Return a text in seven bits; what is no ASCII is a question mark."""
    codes = [ord(each) if each.isascii() and each.isprintable() else ord("?") for each in text]
    return _message(codes, 7, _END)


def digit_words(text: str) -> list[int]:
    """Return digits in four bits; what a numeric pager cannot show is a space."""
    return _message([DIGITS.get(each, DIGITS[" "]) for each in text], 4, DIGITS[" "])


def _message(codes: Iterable[int], width: int, filling: int) -> list[int]:
    """Return codes of `width` bits, lowest bit first, as message codewords; the last is filled up."""
    bits = [code >> place & 1 for code in codes for place in range(width)]
    missing = -len(bits) % 20
    fill = [filling >> place & 1 for place in range(width)]
    bits += (fill * (missing // width + 1))[:missing]
    words = []
    for start in range(0, len(bits), 20):
        data = 1
        for bit in bits[start : start + 20]:
            data = data << 1 | bit
        words.append(codeword(data))
    return words


def batches(ric: int, function: int, message: list[int]) -> list[list[int]]:
    """Return the batches of one page, each the synchronisation and 16 codewords."""
    words = [IDLE] * (2 * (ric & 7)) + [address_word(ric, function), *message, IDLE]
    words += [IDLE] * (-len(words) % BATCH)
    return [[SYNC, *words[start : start + BATCH]] for start in range(0, len(words), BATCH)]


def page(ric: int, text: str, *, function: int = 3, numeric: bool = False) -> list[int]:
    """Return the bits of a transmission that pages one pager.

    Args:
        ric: its address, 8 to 2097151.
        text: what it shows; nothing: it only beeps.
        function: 0 to 3; by custom 0 is numeric and 3 a text.
        numeric: digits in four bits each.
    """
    message = digit_words(text) if numeric else text_words(text)
    bits = [1, 0] * (PREAMBLE_BITS // 2)
    for batch in batches(ric, function, message):
        for word in batch:
            bits += [word >> place & 1 for place in range(31, -1, -1)]
    return bits


def wav(bits: list[int], baud: int, *, invert: bool = False) -> bytes:
    """Return bits as a WAV of two levels, for a transmitter's flat ("9600" or data) input.

    A one is the lower frequency, so the lower level, unless the radio turns that over (`invert`).
    """
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(b"".join(_samples(bits, baud, -1 if not invert else 1)))
    return out.getvalue()


def _samples(bits: list[int], baud: int, one: int) -> Iterator[bytes]:
    per_bit = RATE_HZ / baud
    level = 0.0
    at = 0
    for number, bit in enumerate(bits, 1):
        target = one if bit else -one
        until = round(number * per_bit)
        ramp = max(1, int(per_bit * _EDGE))
        for step in range(until - at):
            share = min(1.0, (step + 1) / ramp)
            yield int((level + (target - level) * share) * _LOUD).to_bytes(2, "little", signed=True)
        level, at = float(target), until


def seconds(bits: list[int], baud: int) -> float:
    """Return how long a transmission is on the air."""
    return len(bits) / baud

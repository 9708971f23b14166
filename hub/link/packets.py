"""MQTT 3.1.1 as bytes: what a client with clean sessions and QoS 1 says and hears, and nothing else.

A packet is one byte of kind and flags, the length of the rest in one to four bytes of seven bits each, and the rest.
Texts and binary values carry their length in two bytes. No state, no socket: `Session` and `Pump` have those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from andgate.errors import PayloadError

KEEP_BITS = 7
LENGTH_DIGITS = 4
RETAIN, QOS, DUP = 0x01, 0x06, 0x08
"""Flags of a publication."""
QOS_1 = 0x02
REFUSED = 0x80
"""A subscription that the broker did not grant."""

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"

REASONS = {
    1: "unacceptable protocol version",
    2: "client identifier not valid",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
}
"""Why a broker refuses a connection."""


class Kind(IntEnum):
    """The upper four bits of a packet's first byte."""

    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBACK = 9
    PINGRESP = 13


def split(data: bytes) -> tuple[list[tuple[int, bytes]], int]:
    """Return the whole packets that `data` begins with, as (first byte, the rest), and where what is left begins.

    Raises:
        PayloadError: for a length that is none; there is no way to find the next packet.
    """
    found: list[tuple[int, bytes]] = []
    at, size = 0, len(data)
    while size - at > 1:
        length, begin = data[at + 1], at + 2
        if length > 0x7F:  # noqa: PLR2004 - the eighth bit says that another digit follows
            length, begin = _length(data, at + 1)
            if begin == 0:
                break
        end = begin + length
        if end > size:
            break
        found.append((data[at], data[begin:end]))
        at = end
    return found, at


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length of several digits and where it ends; 0 as its end while digits are missing."""
    length = 0
    for place, digit in enumerate(data[at : at + LENGTH_DIGITS]):
        length |= (digit & 0x7F) << (KEEP_BITS * place)
        if digit <= 0x7F:  # noqa: PLR2004
            return length, at + place + 1
    if len(data) - at < LENGTH_DIGITS:
        return 0, 0
    raise PayloadError("a packet's length has more than four digits")


def _packet(first: int, rest: bytes) -> bytes:
    length = len(rest)
    if length <= 0x7F:  # noqa: PLR2004
        return bytes((first, length)) + rest
    digits = bytearray((first,))
    while length > 0x7F:  # noqa: PLR2004
        digits.append(0x80 | length & 0x7F)
        length >>= KEEP_BITS
    digits.append(length)
    return bytes(digits) + rest


def _text(value: bytes) -> bytes:
    return len(value).to_bytes(2) + value


def connect(
    client_id: str, keepalive_s: int, will_topic: str, will: bytes, *, username: str | None, password: str | None
) -> bytes:
    """Return CONNECT: a clean session whose retained will goes out with QoS 1."""
    flags = 0x02 | 0x04 | 0x08 | 0x20  # clean session, will, will QoS 1, will retained
    rest = [_text(client_id.encode()), _text(will_topic.encode()), _text(will)]
    if username is not None:
        flags |= 0x80
        rest.append(_text(username.encode()))
        if password is not None:
            flags |= 0x40
            rest.append(_text(password.encode()))
    head = _text(b"MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2)
    return _packet(0x10, head + b"".join(rest))


def subscribe(filters: Sequence[str], number: int) -> bytes:
    """Return SUBSCRIBE for some filters, each with QoS 1."""
    return _packet(0x82, number.to_bytes(2) + b"".join(_text(each.encode()) + b"\x01" for each in filters))


def publish(topic: str, payload: bytes, number: int, *, retain: bool, again: bool = False) -> bytes:
    """Return PUBLISH with QoS 1, or with QoS 0 where `number` is 0; `again` if it may have arrived before."""
    first = 0x30 | (QOS_1 if number else 0) | (RETAIN if retain else 0) | (DUP if again else 0)
    return _packet(first, _text(topic.encode()) + (number.to_bytes(2) if number else b"") + payload)


def puback(numbers: Iterable[int]) -> bytes:
    """Return one PUBACK for each number."""
    return b"".join([b"\x40\x02" + number.to_bytes(2) for number in numbers])


def published(first: int, rest: bytes) -> tuple[bytes, bytes, int]:
    """Return topic, payload and number (0 with QoS 0) of a PUBLISH.

    Raises:
        PayloadError: if it is none, or has the QoS that nobody asked for.
    """
    end = 2 + int.from_bytes(rest[:2])
    qos = first & QOS
    if qos == 0 and end <= len(rest):
        return rest[2:end], rest[end:], 0
    if qos != QOS_1 or end + 2 > len(rest):
        raise PayloadError("a publication that is not whole, or has a QoS that nobody asked for")
    return rest[2:end], rest[end + 2 :], int.from_bytes(rest[end : end + 2])

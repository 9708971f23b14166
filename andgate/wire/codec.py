"""Bytes on the wire <-> messages. Whatever comes from outside ends as a message or as a `PayloadError`.

What is decoded here is well formed: UTF-8, at most 64 KiB, finite numbers, whole numbers that fit everywhere,
no control characters, every key once, times that are times. Whether the plan has such a touchpoint or signal is
not asked here.
"""

from __future__ import annotations

import hashlib
import json
import re
from difflib import get_close_matches
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from andgate.errors import PayloadError
from andgate.moment.moments import Moment
from andgate.wire.messages import (
    MAX_PAYLOAD_BYTES,
    MAX_SIGNALS,
    Answer,
    Command,
    FeedReceipt,
    FeedSignal,
    GroupBoard,
    Health,
    HubBeat,
    HubState,
    MomentMessage,
    NodeConfig,
    NodeSignal,
    NodeState,
    Page,
    PageReceipt,
    Receipt,
    TimeAsk,
    TimeReply,
    TouchpointMoments,
    Transmission,
)
from andgate.wire.published import ended_moment, live_moment, moment_message, touchpoint_moments
from andgate.wire.times import format_time, format_time_or_none, parse_time

__all__ = [
    "Decoder",
    "SignalsDecoder",
    "body_digest",
    "decode_answer",
    "decode_command",
    "decode_config",
    "decode_feed_receipt",
    "decode_feed_signals",
    "decode_group_board",
    "decode_health",
    "decode_hub_beat",
    "decode_hub_state",
    "decode_moment",
    "decode_node_signals",
    "decode_node_state",
    "decode_page",
    "decode_page_receipt",
    "decode_receipt",
    "decode_time_ask",
    "decode_time_reply",
    "decode_touchpoint",
    "decode_transmission",
    "encode",
    "encode_moment",
    "ended_moment",
    "format_time",
    "format_time_or_none",
    "live_moment",
    "moment_message",
    "parse_time",
    "touchpoint_moments",
]

M = TypeVar("M", bound=Struct)
S = TypeVar("S", NodeSignal, FeedSignal)

_encoder = msgspec.json.Encoder()
_sorted_encoder = msgspec.json.Encoder(order="sorted")
_split = msgspec.json.Decoder(list[Raw]).decode

_WRONG = (msgspec.DecodeError, json.JSONDecodeError, UnicodeDecodeError, RecursionError)
"""All that the two readers raise for bytes that are not the message; msgspec's ValidationError is a DecodeError."""
_BLANKS = b" \t\r\n"
_CONTROL = re.compile(r"[\x00-\x1f]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FIELD = re.compile("`([^`]*)`$")
_DIGEST_BYTES = 16
_SHOWN = 200


def encode(message: Struct | list[NodeSignal] | list[FeedSignal]) -> bytes:
    """Return a message, or a list of signals, as JSON in UTF-8."""
    return _encoder.encode(message)


def encode_moment(moment: Moment) -> bytes:
    """Return a publication of a moment as ``verdict`` says it."""
    return _encoder.encode(moment_message(moment))


def body_digest(signal: NodeSignal | FeedSignal) -> str:
    """Return what tells two bodies apart: equal for the same fact sent again, other for the same identity reused.

    How it was sent does not count: `sent`, `more`, the order of keys, the way a time is written.
    """
    at = None if signal.at is None else format_time(parse_time(signal.at))
    fact: NodeSignal | FeedSignal
    if isinstance(signal, NodeSignal):
        fact = msgspec.structs.replace(signal, at=at, more=False, sent=None)
    else:
        fact = msgspec.structs.replace(signal, at=at, more=False)
    return hashlib.blake2b(_sorted_encoder.encode(fact), digest_size=_DIGEST_BYTES).hexdigest()


class Decoder(Generic[M]):
    """Reads one kind of message; made once, called often."""

    def __init__(self, message: type[M], *, forbidden: re.Pattern[str] = _UNPRINTABLE) -> None:
        """Read messages of a type, with no `forbidden` character in any text."""
        self._fields = tuple(field.encode_name for field in msgspec.structs.fields(message))
        self._forbidden = forbidden
        self._decode = msgspec.json.Decoder(message).decode

    def __call__(self, payload: bytes) -> M:
        """Return the message in a payload.

        Raises:
            PayloadError: saying what is wrong, where, and how to mend it.
        """
        _check_size(payload)
        try:
            message = self._decode(payload)
            _check_text(payload, _encoder.encode(message), self._forbidden)
        except _WRONG as wrong:
            raise _refusal(wrong, self._fields) from None
        return message


class SignalsDecoder(Generic[S]):
    """Reads one signal or a list of them; of a list, each bad member is told apart from the good ones."""

    def __init__(self, member: type[S]) -> None:
        """Read signals of a type."""
        self._decode_one: Decoder[S] = Decoder(member, forbidden=_CONTROL)
        self._decode_all = msgspec.json.Decoder(list[member]).decode  # type: ignore[valid-type]

    def __call__(self, payload: bytes) -> tuple[list[S | PayloadError], bool]:
        """Return the members in their order, and whether more lists follow.

        A bad member of a list stands in it as the PayloadError that refuses it, with its `index`.

        Raises:
            PayloadError: if there is one signal and it is bad, or if members cannot be told apart, or are too many.
        """
        if not payload.lstrip(_BLANKS).startswith(b"["):
            signal = self._one(payload)
            return [signal], signal.more
        _check_size(payload)
        members: list[S | PayloadError] = []
        try:
            signals: list[S] = self._decode_all(payload)
            _check_text(payload, _encoder.encode(signals), _CONTROL)
            for signal in signals:
                _check_at(signal)
            members += signals
        except (*_WRONG, PayloadError):
            members = self._one_by_one(payload)
        if len(members) > MAX_SIGNALS:
            raise PayloadError(f"the list has {len(members)} signals. Send at most {MAX_SIGNALS} in one list")
        return members, any(member.more for member in members if not isinstance(member, PayloadError))

    def _one(self, payload: bytes) -> S:
        """Return one signal; its time is a time."""
        signal = self._decode_one(payload)
        _check_at(signal)
        return signal

    def _one_by_one(self, payload: bytes) -> list[S | PayloadError]:
        """Return the members of a list that has at least one bad one."""
        try:
            raws: list[Raw] = _split(payload)
        except _WRONG as wrong:
            raise _refusal(wrong, ()) from None
        members: list[S | PayloadError] = []
        for index, raw in enumerate(raws):
            try:
                members.append(self._one(bytes(raw)))
            except PayloadError as wrong:
                members.append(PayloadError(f"member {index}: {wrong}", index=index))
        return members


def _check_size(payload: bytes) -> None:
    """Refuse a payload that is empty or larger than the contract allows."""
    if not payload:
        raise PayloadError("the payload is empty. Send JSON in UTF-8")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadError(
            f"the payload has {len(payload)} bytes. Send at most {MAX_PAYLOAD_BYTES}, in several messages"
        )


def _check_at(signal: NodeSignal | FeedSignal) -> None:
    """Refuse a signal whose time is no time."""
    if signal.at is not None:
        try:
            parse_time(signal.at)
        except PayloadError as wrong:
            raise PayloadError(f"$.at: {wrong}") from None


def _check_text(payload: bytes, encoded: bytes, forbidden: re.Pattern[str]) -> None:
    """Refuse keys that are there twice, and forbidden characters.

    msgspec sees neither: of equal keys the last wins. Both are rare, so a cheap look decides whether a slow one is
    needed: `encoded` is the decoded message written again, and as long as both have equally many quotes, no key is
    there twice; and a forbidden character can only come by an escape, since JSON forbids it bare.
    """
    if b"\\" not in payload and payload.count(b'"') == encoded.count(b'"'):
        return

    def check(pairs: list[tuple[str, object]]) -> None:
        seen = set()
        for key, value in pairs:
            if key in seen:
                raise PayloadError(f"key {_quote(key)} is there twice. Send every key once")
            seen.add(key)
            if forbidden.search(key) or (isinstance(value, str) and forbidden.search(value)):
                raise PayloadError(f"the text at {_quote(key)} has a control character. Send plain text")

    json.loads(payload, object_pairs_hook=check, parse_int=str, parse_float=str)


def _refusal(wrong: Exception, fields: tuple[str, ...]) -> PayloadError:
    """Say in our words what msgspec found wrong."""
    text = ascii(str(wrong))[1:-1][:_SHOWN]
    if isinstance(wrong, UnicodeDecodeError):
        return PayloadError("the payload is not UTF-8. Send JSON in UTF-8")
    if isinstance(wrong, RecursionError):
        return PayloadError("lists or objects lie too deep in each other. Send flat values only")
    if not isinstance(wrong, msgspec.ValidationError):
        return PayloadError(f"the payload is not JSON: {text}. Send JSON in UTF-8, without NaN or Infinity")
    if "missing required" in text:
        return PayloadError(f"{text}. Add it")
    if "unknown field" in text:
        match = _FIELD.search(text)
        near = get_close_matches(match[1], fields, n=1) if match else []
        return PayloadError(f"{text}. {f'Perhaps `{near[0]}` is meant' if near else 'Leave it out'}")
    return PayloadError(f"{text}. Send what is expected there")


def _quote(text: str) -> str:
    """Show a text from outside, shortened and harmless in a log."""
    return ascii(text[:_SHOWN])


decode_node_signals = SignalsDecoder(NodeSignal)
decode_feed_signals = SignalsDecoder(FeedSignal)
decode_hub_state = Decoder(HubState)
decode_hub_beat = Decoder(HubBeat)
decode_node_state = Decoder(NodeState)
decode_receipt = Decoder(Receipt)
decode_feed_receipt = Decoder(FeedReceipt)
decode_health = Decoder(Health)
decode_time_ask = Decoder(TimeAsk)
decode_time_reply = Decoder(TimeReply)
decode_config = Decoder(NodeConfig)
decode_command = Decoder(Command)
decode_touchpoint = Decoder(TouchpointMoments)
decode_group_board = Decoder(GroupBoard)
decode_page = Decoder(Page)
decode_page_receipt = Decoder(PageReceipt)
decode_transmission = Decoder(Transmission)
decode_answer = Decoder(Answer)
decode_moment = Decoder(MomentMessage)

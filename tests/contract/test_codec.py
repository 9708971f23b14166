"""The codec: what is sent is read, and whatever else comes in ends as a PayloadError that says what to do."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from andgate.errors import PayloadError, UsageError, WireError
from andgate.wire import codec, messages
from andgate.wire.messages import FeedSignal, NodeSignal

NODE = {"device": "mot", "signal": "pressed", "seq": 17, "boot": "b1", "mono": 123.456}
FEED = {"id": "aodb-77", "touchpoint": "belt-3", "signal": "docked"}

# -------------------------------------------------------------------------------------------------------- round trips


def strategy(wanted: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type, as the contract bounds them."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return annotated(inner[0], inner[1])
    if origin in (Union, types.UnionType):
        return st.one_of([strategy(it) for it in inner if it is not msgspec.UnsetType])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (dict, list, tuple):
        parts = [strategy(it) for it in inner]
        if origin is tuple:
            return st.tuples(*parts)
        return st.lists(*parts, max_size=3) if origin is list else st.dictionaries(*parts, max_size=3)
    if issubclass(wanted, msgspec.Struct):
        return struct(wanted)
    plain: dict[type, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return plain[wanted]


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def annotated(wanted: Any, meta: msgspec.Meta) -> st.SearchStrategy[Any]:
    """Return values that keep to the bounds of a field."""
    if meta.pattern is not None:
        return st.from_regex(re.compile(meta.pattern, re.ASCII), fullmatch=True).map(str.strip)
    if wanted is str:
        return TEXT.filter(lambda text: len(text) >= (meta.min_length or 0))
    if wanted is int:
        return st.integers(int(meta.ge or 0), int(meta.le or 0))
    if wanted is float:
        low = meta.ge if meta.gt is None else meta.gt
        return st.floats(low, meta.le, exclude_min=meta.gt is not None)
    return strategy(wanted)


def struct(wanted: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(wanted, include_extras=True)
    fields = {field.name: strategy(hints[field.name]) for field in msgspec.structs.fields(wanted)}
    if "at" in fields and wanted in (NodeSignal, FeedSignal):
        fields["at"] = st.none() | st.integers(0, 4 * 10**12).map(codec.format_time)
    required = {field.name: fields[field.name] for field in msgspec.structs.fields(wanted) if field.required}
    optional = {name: it for name, it in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda it: wanted(**it))


PLAIN: list[tuple[Any, Any]] = [
    (codec.decode_hub_state, messages.HubState),
    (codec.decode_node_state, messages.NodeState),
    (codec.decode_receipt, messages.Receipt),
    (codec.decode_feed_receipt, messages.FeedReceipt),
    (codec.decode_health, messages.Health),
    (codec.decode_time_ask, messages.TimeAsk),
    (codec.decode_time_reply, messages.TimeReply),
    (codec.decode_config, messages.NodeConfig),
    (codec.decode_command, messages.Command),
    (codec.decode_touchpoint, messages.TouchpointMoments),
    (codec.decode_page, messages.Page),
    (codec.decode_answer, messages.Answer),
    (codec.decode_moment, messages.MomentMessage),
]
SIGNALS: list[tuple[Any, Any]] = [(codec.decode_node_signals, NodeSignal), (codec.decode_feed_signals, FeedSignal)]


@pytest.mark.parametrize(("decode", "message"), PLAIN, ids=[row[1].__name__ for row in PLAIN])
@given(data=st.data())
def test_every_message_is_read_as_it_was_written(
    decode: Any, message: type[msgspec.Struct], data: st.DataObject
) -> None:
    it = data.draw(struct(message))
    assert decode(codec.encode(it)) == it


@pytest.mark.parametrize(("decode", "message"), SIGNALS)
@given(data=st.data())
def test_signals_are_read_as_they_were_written(decode: Any, message: type[msgspec.Struct], data: st.DataObject) -> None:
    them = data.draw(st.lists(struct(message), max_size=3))
    members, more = decode(codec.encode(them))
    assert members == them
    assert more == any(it.more for it in members)
    for it in them:
        assert decode(codec.encode(it)) == ([it], it.more)
        assert codec.body_digest(it) == codec.body_digest(msgspec.structs.replace(it, more=not it.more))


# ---------------------------------------------------------------------------------------------------- bad input

BAD: list[tuple[bytes, str, str]] = [
    # payload; what is wrong; remedy
    (b"", "is empty", "Send JSON"),
    (b" ", "not JSON", "Send JSON in UTF-8"),
    (b"x" * 65_537, "65537 bytes", "at most 65536"),
    (b"[" + b"1," * 40_000 + b"1]", "80003 bytes", "at most 65536"),
    (b"{", "not JSON", "Send JSON in UTF-8"),
    (b"\xef\xbb\xbf{}", "not JSON", "Send JSON in UTF-8"),
    (b"\xff\xfe{\x00}\x00", "not JSON", "Send JSON in UTF-8"),
    (b"null", "Expected `object`, got `null`", "Send what is expected"),
    (b"17", "Expected `object`, got `int`", "Send what is expected"),
    (b"[" * 60_000, "too deep", "flat values"),
    (b"[{}", "not JSON", "Send JSON in UTF-8"),
    (b"{}", "missing required field `device`", "Add it"),
]

BAD_NODE: list[tuple[str, str, str]] = [
    # what is put in; what is wrong; remedy
    ('"value":NaN', "not JSON", "without NaN"),
    ('"value":-Infinity', "not JSON", "without NaN"),
    ('"value":1e999', "out of range - at `$.value`", "expected there"),
    (f'"value":{2**53 + 1}', "<= 9007199254740992 - at `$.value`", "expected there"),
    (f'"value":{"9" * 400}', "at `$.value`", "expected there"),
    (f'"value":{"9" * 5000}', "at `$.value`", "expected there"),
    ('"value":[1]', "got `array` - at `$.value`", "expected there"),
    (f'"value":"{"x" * 501}"', "length <= 500 - at `$.value`", "expected there"),
    ('"about":{"":1}', "length >= 1", "expected there"),
    ('"about":{"a":{"b":1}}', "got `object` - at `$.about", "expected there"),
    ('"about":{"a":' + "[" * 20_000 + "]" * 20_000 + "}", "got `array` - at `$.about", "expected there"),
    ('"about":{' + ",".join(f'"k{n}":1' for n in range(51)) + "}", "length <= 50 - at `$.about`", "expected there"),
    ('"key":"\\ud800"', "not JSON", "Send JSON in UTF-8"),
    ('"key":"\\udc00x"', "not JSON", "Send JSON in UTF-8"),
    ('"key":"a\\u0000b"', "'key' has a control character", "plain text"),
    ('"key":"a\\nb"', "'key' has a control character", "plain text"),
    ('"about":{"a\\u001f":1}', "has a control character", "plain text"),
    ('"about":{"a":1,"a":1}', "key 'a' is there twice", "once"),
    ('"more":true,"more":false', "key 'more' is there twice", "once"),
    ('"mor\\u0065":true,"more":true', "key 'more' is there twice", "once"),
    ('"key":""', "length >= 1 - at `$.key`", "expected there"),
    ('"keys":"x"', "unknown field `keys`", "Perhaps `key` is meant"),
    ('"\\u0007":"x"', "unknown field `\\x07`", "Leave it out"),
    ('"a`b":"x"', "unknown field", "Leave it out"),
    ('"at":"yesterday"', "$.at: 'yesterday' is no time", "RFC 3339"),
    ('"press":0', ">= 1 - at `$.press`", "expected there"),
    ('"press":1.0', "got `float` - at `$.press`", "expected there"),
    ('"retracts":{"boot":"b"}', "missing required field `seq` - at `$.retracts`", "Add it"),
    ('"sent":-1', ">= 0", "expected there"),
    ('"found":1', "Expected `bool`, got `int` - at `$.found`", "expected there"),
]


@pytest.mark.parametrize(("payload", "what", "remedy"), BAD)
def test_a_payload_that_is_no_signal_is_refused(payload: bytes, what: str, remedy: str) -> None:
    with pytest.raises(PayloadError) as refused:
        codec.decode_node_signals(payload)
    assert what in str(refused.value)
    assert remedy in str(refused.value)
    assert refused.value.index is None


@pytest.mark.parametrize(("more", "what", "remedy"), BAD_NODE, ids=[row[1] for row in BAD_NODE])
def test_a_bad_signal_is_refused_and_says_why(more: str, what: str, remedy: str) -> None:
    payload = (json.dumps(NODE)[:-1] + "," + more + "}").encode()
    with pytest.raises(PayloadError) as refused:
        codec.decode_node_signals(payload)
    assert what in str(refused.value)
    assert remedy in str(refused.value)
    assert len(str(refused.value)) < 500
    assert str(refused.value).isprintable()


def test_text_that_is_not_utf_8_is_refused() -> None:
    for bad in (b"\xff", b"\xed\xa0\x80", b"\xc0\x80"):
        with pytest.raises(PayloadError, match="not UTF-8"):
            codec.decode_node_signals(json.dumps(NODE | {"key": "KEY"}).encode().replace(b"KEY", bad))


def test_of_a_list_the_good_members_are_kept_and_each_bad_one_is_told_by_its_index() -> None:
    good = NODE | {"more": True}
    payload = json.dumps([good, NODE | {"seq": 0}, 3, good, NODE | {"at": "x"}]).encode()
    members, more = codec.decode_node_signals(payload)
    assert more
    assert [isinstance(it, NodeSignal) for it in members] == [True, False, False, True, False]
    bad = [it for it in members if isinstance(it, PayloadError)]
    assert [it.index for it in bad] == [1, 2, 4]
    assert str(bad[0]).startswith("member 1: Expected `int` >= 1 - at `$.seq`")


def test_only_the_last_list_does_not_say_more() -> None:
    assert codec.decode_node_signals(json.dumps([NODE, NODE]).encode())[1] is False
    assert codec.decode_node_signals(b" \n[]") == ([], False)
    assert codec.decode_node_signals(b"[{}]")[1] is False


@pytest.mark.parametrize(("good", "bad"), [(501, 0), (400, 200)])
def test_a_list_of_more_than_five_hundred_is_refused(good: int, bad: int) -> None:
    small = {"id": "x", "touchpoint": "t", "signal": "s"}
    assert len(codec.decode_feed_signals(json.dumps([small] * 500).encode())[0]) == 500
    with pytest.raises(PayloadError, match=r"the list has (501|600) signals"):
        codec.decode_feed_signals(json.dumps([small] * good + [{}] * bad).encode())


def test_a_newer_peer_may_say_more_where_nothing_is_judged() -> None:
    state = codec.decode_node_state(b'{"state":"online","session":7,"mood":"fine","n":0.10}')
    assert (state.state, state.session) == ("online", 7)
    for payload in (
        b'{"state":"online","session":7,"session":8}',
        b'{"state":"online","session":7,"mood":"\\u0000"}',
        b'{"state":"online","session":7,"mood":"\xff"}',
        b'{"state":"online","session":7,"mood":"\\q"}',
        b'{"state":"online","session":7,"mood":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"state":"happy","session":7}',
        b"[]",
        b"",
        b" " * 65_537,
    ):
        with pytest.raises(PayloadError):
            codec.decode_node_state(payload)
    answer = codec.decode_answer(b'{"do":"reject","by":"p","reason":"busy\\nhere"}')
    assert answer.reason == "busy\nhere"


def test_huge_numbers_in_unknown_fields_are_passed_over() -> None:
    codec.decode_node_state(b'{"state":"online","session":7,"x":' + b"9" * 10_000 + b"}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
READERS: list[Callable[[bytes], object]] = [decode for decode, _ in [*SIGNALS, *PLAIN]]


def _reads_or_refuses(payload: bytes) -> None:
    for decode in READERS:
        try:
            decode(payload)
        except PayloadError as refused:
            said = str(refused)
        else:
            continue
        assert said.isprintable()
        assert len(said) < 500


@given(st.binary(max_size=200))
@example(b'[{"":""}]')
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    _reads_or_refuses(payload)


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    _reads_or_refuses(json.dumps(value).encode())


@given(st.data())
def test_a_good_signal_with_any_value_changed_is_read_or_refused(data: st.DataObject) -> None:
    good: dict[str, object] = dict(data.draw(st.sampled_from([NODE, FEED])))
    names = [field.encode_name for it in (NodeSignal, FeedSignal) for field in msgspec.structs.fields(it)]
    good[data.draw(st.sampled_from(names))] = data.draw(JSON)
    _reads_or_refuses(json.dumps(good, ensure_ascii=data.draw(st.booleans())).encode(errors="surrogatepass"))
    _reads_or_refuses(json.dumps([good, NODE]).encode())


@given(st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_a_good_signal_with_any_bytes_changed_is_read_or_refused(place: int, put: bytes) -> None:
    good = json.dumps(NODE | {"about": {"a": "b"}, "key": "AG1234/2026-11-21"}).encode()
    _reads_or_refuses(good[:place] + put + good[place + len(put) :])


# ------------------------------------------------------------------------------------------------------ identity


def test_the_same_fact_has_the_same_digest_however_it_is_sent() -> None:
    signal = NodeSignal(**NODE, sent=1.0, at="2026-11-21T20:46:06.123Z", about={"a": 1, "b": 2})  # type: ignore[arg-type]
    again = msgspec.structs.replace(
        signal, sent=9.0, at="2026-11-21T21:46:06.123+01:00", about={"b": 2, "a": 1}, more=True
    )
    assert codec.body_digest(signal) == codec.body_digest(again)
    assert len(codec.body_digest(signal)) == 32
    for change in ({"mono": 1.0}, {"signal": "reset"}, {"about": {"a": 1}}, {"at": None}, {"seq": 18}, {"value": 1}):
        assert codec.body_digest(msgspec.structs.replace(signal, **change)) != codec.body_digest(signal)
    feed = FeedSignal(id="x", touchpoint="t", signal="s")
    assert codec.body_digest(feed) == codec.body_digest(msgspec.structs.replace(feed, more=True))
    assert codec.body_digest(feed) != codec.body_digest(msgspec.structs.replace(feed, touchpoint="u"))


def test_a_wire_error_knows_the_place_of_the_wrong_member() -> None:
    assert (WireError("x").index, PayloadError("x", index=3).index) == (None, 3)


# --------------------------------------------------------------------------------------------------------- times

TIMES = [
    ("1970-01-01T00:00:00.000Z", 0),
    ("2026-11-21T20:46:06.123Z", 1_795_293_966_123),
    ("2026-11-21T20:46:06Z", 1_795_293_966_000),
    ("2026-11-21t20:46:06.1z", 1_795_293_966_100),
    ("2026-11-21 20:46:06.1239999999Z", 1_795_293_966_123),
    ("2026-11-21T21:46:06.123+01:00", 1_795_293_966_123),
    ("2026-11-21T16:16:06.123-04:30", 1_795_293_966_123),
    ("2026-11-21T20:46:06.123-00:00", 1_795_293_966_123),
    ("2026-12-31T23:59:60Z", 1_798_761_600_000),
    ("1969-12-31T23:59:59.999Z", -1),
    ("0001-01-01T00:00:00.000Z", -62_135_596_800_000),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
]
NO_TIMES = [
    "",
    "now",
    "2026-11-21",
    "2026-11-21T20:46:06.123",
    "2026-11-21T20:46Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T20:60:00Z",
    "2026-11-21T20:46:61Z",
    "2026-02-29T20:46:06Z",
    "2026-02-29T20:46:06.123Z",
    "2026-11-21T20:46:60.123+",
    "2026-11-21T20:46:06+24:00",
    "2026-11-21T20:46:06+01:60",
    "0000-01-01T00:00:00Z",
    "2026-W47-6T20:46:06.123Z",
    "2026-11-21T20:46:06,123Z",
    "2026-11-21T20:46:06.Z",
    "٢٠٢٦-11-21T20:46:06Z",
    "٢٠٢٦-11-21T20:46:06.123Z",
    "2026-11-21T20:46:06.123Z\n",
    "1795293966123",
    "0001-01-01T00:00:00+02:00",
    "9999-12-31T23:59:59.999-00:01",
    "x" * 10_000,
]


@pytest.mark.parametrize(("text", "ms"), TIMES)
def test_times_are_read(text: str, ms: int) -> None:
    assert codec.parse_time(text) == ms


@pytest.mark.parametrize("text", NO_TIMES, ids=range(len(NO_TIMES)))
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(PayloadError, match=r"is no time\. Write RFC 3339"):
        codec.parse_time(text)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_time_is_read_as_it_is_written(ms: int) -> None:
    text = codec.format_time(ms)
    assert len(text) == 24
    assert codec.parse_time(text) == ms
    assert codec.parse_time(text.replace("Z", "+00:00")) == ms


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda it: timezone(timedelta(minutes=it)))))
def test_times_with_any_offset_are_read_as_the_standard_library_does(at: datetime) -> None:
    whole = at - datetime(1970, 1, 1, tzinfo=UTC)
    assume(-62_135_596_800 <= whole.total_seconds() < 253_402_300_800)  # what can be written in UTC, too
    assert codec.parse_time(at.isoformat()) == whole // timedelta(milliseconds=1)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        codec.parse_time(text)
    except PayloadError as refused:
        assert str(refused).isprintable()  # noqa: PT017 - most texts are refused


def test_a_time_outside_four_digit_years_is_our_own_mistake() -> None:
    with pytest.raises(UsageError, match="years 1 to 9999"):
        codec.format_time(10**15)
    assert codec.format_time_or_none(None) is None
    assert codec.format_time_or_none(0) == "1970-01-01T00:00:00.000Z"

"""Golden messages: one file per message and version. What no longer reads one needs a new version, not a new file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from andgate.moment.claims import Claim
from andgate.moment.moments import Moment
from andgate.wire import codec, messages
from andgate.wire.times import parse_time

VERSION_1 = Path(__file__).parent / "v1"
MOMENT = "0" * 32

READERS: dict[str, Callable[[bytes], object]] = {
    "answer": codec.decode_answer,
    "feed-receipt": codec.decode_feed_receipt,
    "feed-signal": lambda payload: codec.decode_feed_signals(payload)[0][0],
    "feed-signal-list": lambda payload: codec.decode_feed_signals(payload)[0],
    "group-board": codec.decode_group_board,
    "group-board-two": codec.decode_group_board,
    "hub-beat": codec.decode_hub_beat,
    "hub-state": codec.decode_hub_state,
    "hub-state-will": codec.decode_hub_state,
    "node-command": codec.decode_command,
    "node-command-drill": codec.decode_command,
    "node-command-resend": codec.decode_command,
    "node-config": codec.decode_config,
    "node-health": codec.decode_health,
    "node-page": codec.decode_page_receipt,
    "node-receipt": codec.decode_receipt,
    "node-signal": lambda payload: codec.decode_node_signals(payload)[0][0],
    "node-signal-list": lambda payload: codec.decode_node_signals(payload)[0],
    "node-signal-reset": lambda payload: codec.decode_node_signals(payload)[0][0],
    "node-state": codec.decode_node_state,
    "node-state-will": codec.decode_node_state,
    "node-time": codec.decode_time_ask,
    "node-time-exchange": codec.decode_time_ask,
    "node-time-reply": codec.decode_time_reply,
    "node-transmit": codec.decode_transmission,
    "page": codec.decode_page,
    "page-drill": codec.decode_page,
    "page-fault": codec.decode_page,
    "page-over": codec.decode_page,
    "touchpoint-moment": codec.decode_touchpoint,
    "touchpoint-moment-quiet": codec.decode_touchpoint,
    "touchpoint-moment-silent": codec.decode_touchpoint,
    "touchpoint-moment-two": codec.decode_touchpoint,
    "verdict": codec.decode_moment,
    "verdict-remedy": codec.decode_moment,
    "verdict-shift": codec.decode_moment,
    "verdict-training": codec.decode_moment,
    "verdict-two": codec.decode_moment,
}


def golden(name: str) -> bytes:
    return (VERSION_1 / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", READERS)
def test_a_golden_message_is_read_and_written_the_same(name: str) -> None:
    message = READERS[name](golden(name))
    written = codec.encode(message)  # type: ignore[arg-type]
    assert json.loads(written) == json.loads(golden(name))
    assert READERS[name](written) == message


def test_every_golden_message_has_a_reader() -> None:
    assert sorted(path.stem for path in VERSION_1.iterdir()) == sorted(READERS)


def test_every_message_has_a_golden_one() -> None:
    parts = {"Retraction", "Chain", "Exchange", "DeviceHealth", "DeviceConfig", "ExpectationConfig", "TouchpointConfig", "LiveMoment", "EndedMoment", "TrainingMoments", "FailedBefore", "Said", "GroupMoment", "ClaimMessage", "TeamMessage"}  # fmt: skip  # noqa: E501
    kinds = {
        name
        for name, it in vars(messages).items()
        if isinstance(it, type) and issubclass(it, msgspec.Struct) and it is not msgspec.Struct
    }
    read = {type(message[0] if isinstance(message, list) else message).__name__ for message in map(_read, READERS)}
    assert read == kinds - parts


def _read(name: str) -> object:
    return READERS[name](golden(name))


def test_the_fields_of_a_golden_message_are_all_it_has() -> None:
    """Together the golden messages show every field there is, so that none can be renamed unseen."""
    shown: dict[str, set[str]] = {}
    for name in READERS:
        _fields(_read(name), json.loads(golden(name)), shown)
    unshown = {
        f"{name}.{field.encode_name}"
        for name, seen in shown.items()
        for field in msgspec.structs.fields(getattr(messages, name))
        if field.encode_name not in seen
    }
    assert unshown == {"Answer.reason", "ExpectationConfig.key", "FeedSignal.device", "FeedSignal.found", "FeedSignal.more", "NodeSignal.to"}  # fmt: skip  # noqa: E501


def _fields(message: object, body: object, shown: dict[str, set[str]]) -> None:
    if isinstance(message, msgspec.Struct) and isinstance(body, dict):
        shown.setdefault(type(message).__name__, set()).update(body)
        for field in msgspec.structs.fields(message):
            _fields(getattr(message, field.name), body.get(field.encode_name), shown)
    elif isinstance(message, dict) and isinstance(body, dict):
        for key, value in message.items():
            _fields(value, body.get(key), shown)
    elif isinstance(message, list) and isinstance(body, list):
        for inner, value in zip(message, body, strict=True):
            _fields(inner, value, shown)


# ----------------------------------------------------------------------------------------- moments as others see them


def ms(text: str) -> int:
    return parse_time(text)


SAVED = Moment(
    id=MOMENT,
    anchor="n/desk-a1/b1/17",
    expectation="check-in-wait",
    interactions=("departure",),
    touchpoint="counter-a",
    about={"open_desks": 4},
    opened_ms=ms("2026-11-21T20:46:06.123Z"),
    threatened_ms=ms("2026-11-21T20:46:06.123Z"),
    failing_ms=ms("2026-11-21T20:48:06.123Z"),
    ends_ms=ms("2026-11-21T20:49:06.123Z"),
    counts_to_ms=ms("2026-11-21T20:49:06.123Z"),
    closed_ms=ms("2026-11-21T20:48:00Z"),
    ended_ms=ms("2026-11-21T20:48:00Z"),
    state="ended",
    level="ended",
    verdict="success",
    saved=True,
    sensor="agreed",
    witnesses=("desk-a1/mot",),
    change=3,
    plan="e78800b77a7f",
)
OPEN = Moment(
    id=MOMENT,
    anchor="f/aodb-77",
    expectation="baggage-claim",
    touchpoint="belt-3",
    key="AG1234/2026-11-21",
    opened_ms=ms("2026-11-21T20:30:00Z"),
    threatened_ms=ms("2026-11-21T20:46:00Z"),
    failing_ms=ms("2026-11-21T20:46:40Z"),
    claimed_ms=ms("2026-11-21T20:46:06.123Z"),
    claimed_by="p-17",
    ends_ms=ms("2026-11-21T20:55:00Z"),
    counts_to_ms=ms("2026-11-21T20:52:00Z"),
    level="threatened",
    witnesses=("aodb",),
    change=3,
    plan="e78800b77a7f",
)
TWO = msgspec.structs.replace(
    OPEN,
    needs=2,
    claimed_ms=ms("2026-11-21T20:47:00Z"),
    claimed_by="p-22",
    claim_until_ms=ms("2026-11-21T20:49:00Z"),
    claims=(
        Claim(ms("2026-11-21T20:46:06.123Z"), "p-17", None),
        Claim(ms("2026-11-21T20:47:00Z"), "p-22", ms("2026-11-21T20:49:00Z"), took="p-9"),
    ),
)
ENDED = msgspec.structs.replace(
    OPEN,
    id="1" * 32,
    key="AG77/2026-11-21",
    state="ended",
    level="ended",
    verdict="success",
    saved=True,
    ended_ms=ms("2026-11-21T20:46:00Z"),
    counts_to_ms=ms("2026-11-21T20:47:00Z"),
    ends_ms=ms("2026-11-21T20:50:00Z"),
)


def test_a_moment_is_written_as_the_contract_shows_it() -> None:
    assert json.loads(codec.encode_moment(SAVED)) == json.loads(golden("verdict"))


def test_who_is_on_a_moment_is_written_as_the_contract_shows_it() -> None:
    now = ms("2026-11-21T20:47:30Z")
    assert json.loads(codec.encode_moment(TWO)) == json.loads(golden("verdict-two"))
    assert json.loads(codec.encode(codec.touchpoint_moments([TWO], now))) == json.loads(golden("touchpoint-moment-two"))
    alone = msgspec.structs.replace(OPEN, claim_until_ms=ms("2026-11-21T20:48:06.123Z"))
    (claim,) = json.loads(codec.encode_moment(alone))["claims"]
    assert claim == {"by": "p-17", "at": "2026-11-21T20:46:06.123Z", "until": "2026-11-21T20:48:06.123Z"}


def test_a_touchpoint_s_moments_are_written_as_the_contract_shows_them() -> None:
    now = ms("2026-11-21T20:46:06.123Z")
    assert json.loads(codec.encode(codec.touchpoint_moments([OPEN], now, ENDED))) == json.loads(
        golden("touchpoint-moment")
    )


def test_the_nearest_deadline_comes_first_and_what_ended_is_shown_for_thirty_seconds() -> None:
    later = msgspec.structs.replace(OPEN, id="2" * 32, ends_ms=OPEN.ends_ms + 1)
    ended = ENDED.ended_ms or 0
    shown = codec.touchpoint_moments([later, OPEN], ended + 29_999, ENDED)
    assert [moment.id for moment in shown.moments] == [OPEN.id, later.id]
    assert shown.ended != msgspec.UNSET
    for at_ms, last in ((ended + 30_000, ENDED), (ended, OPEN), (ended, None)):
        assert b"ended" not in codec.encode(codec.touchpoint_moments([], at_ms, last))


def test_a_moment_that_nobody_saw_end_is_shown_by_its_deadline() -> None:
    shown = codec.ended_moment(OPEN)
    assert (shown.at, shown.verdict) == ("2026-11-21T20:55:00.000Z", "void")

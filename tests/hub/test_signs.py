from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from andgate.plan import parse_plan
from andgate.plan.quiet import Scope
from andgate.wire.codec import decode_touchpoint, format_time
from andgate.wire.messages import MAX_PAYLOAD_BYTES, FeedSignal
from hub.driver import Committed
from hub.quiet.view import Mute, View
from hub.signs.signs import TRAINED_MOST, Hush, Signs, hushes
from tests.hub.desk import PLAN, START_MS, WAIT_S, Desk, node_signal


def _fed(desk: Desk) -> Signs:
    signs = Signs(desk.driver.plan.touchpoints, desk.driver.open_moments())

    def listen(out: Committed) -> None:
        for moment in out.published:
            signs.published(moment)

    desk.driver.listeners.append(listen)
    return signs


def _said(signs: Signs, now_ms: int) -> dict[str, Any]:
    return {name: json.loads(payload) for name, payload in signs.changes(now_ms)}


def test_every_touchpoint_is_said_at_first_and_then_on_change_only(desk: Desk) -> None:
    signs = _fed(desk)
    assert {name: said["moments"] for name, said in _said(signs, START_MS).items()} == {"counter-a": [], "belt-3": []}
    assert _said(signs, START_MS) == {}
    desk.post("a", "docked", key="AG2/2026-11-21", at="2026-11-18T11:06:30.000Z")
    desk.post("b", "docked", key="AG1/2026-11-21", at="2026-11-18T11:06:20.000Z")
    said = _said(signs, START_MS)
    assert [moment["key"] for moment in said.pop("belt-3")["moments"]] == ["AG1/2026-11-21", "AG2/2026-11-21"]
    assert said == {}
    desk.post("c", "docked", key="AG1/2026-11-21")  # one more witness: nothing that a sign shows
    signs.forget_said()
    assert set(_said(signs, START_MS)) == {"counter-a", "belt-3"}


def test_what_ended_is_shown_for_30_seconds(desk: Desk) -> None:
    signs = _fed(desk)
    desk.node(node_signal(1, sent=11.0))
    desk.clock.advance(1000)
    desk.node(node_signal(2, "reset", sent=12.0))
    ended_ms = START_MS + 1000
    shown = _said(signs, ended_ms)["counter-a"]
    assert shown["moments"] == []
    assert shown["ended"]["verdict"] == "success"
    assert shown["ended"]["saved"]
    assert signs.next_ms() == ended_ms + 30_000
    assert _said(signs, ended_ms + 29_999) == {}
    (after,) = _said(signs, ended_ms + 30_000).values()
    assert "ended" not in after
    assert signs.next_ms() is None


def test_touchpoints_come_and_go_with_the_plan(desk: Desk) -> None:
    signs = _fed(desk)
    desk.post("a", "docked", key="K/1")
    _said(signs, START_MS)
    assert signs.use_plan(["counter-b"]) == ("counter-a",), "what is open stays until it has ended"
    assert set(_said(signs, START_MS)) == {"counter-b"}


def test_a_restart_shows_what_is_open(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.post("a", "docked", key="K/1")
    desk.stop()
    assert _said(_fed(make_desk()), START_MS)["belt-3"]["moments"][0]["key"] == "K/1"


def test_of_more_moments_than_a_message_holds_the_nearest_are_said(desk: Desk) -> None:
    signs = _fed(desk)
    members = [
        FeedSignal(
            id=f"f{n}", touchpoint="belt-3", signal="docked", key=f"AG{n}/2026-11-21", at=format_time(START_MS - n)
        )
        for n in range(400)
    ]
    desk.driver.signals(members, "ops").result(WAIT_S)
    payload = dict(signs.changes(START_MS))["belt-3"]
    shown = decode_touchpoint(payload).moments
    assert [moment.key for moment in shown[:2]] == ["AG399/2026-11-21", "AG398/2026-11-21"]
    assert len(payload) > MAX_PAYLOAD_BYTES * 0.8
    assert [moment.deadline for moment in shown] == sorted(moment.deadline for moment in shown)


def test_training_leaves_room_for_what_is_real(desk: Desk) -> None:
    signs = _fed(desk)
    members = [
        FeedSignal(id=f"f{n}", touchpoint="belt-3", signal="docked", key=f"AG{n}/2026-11-21") for n in range(300)
    ]
    desk.driver.signals(members, "ops").result(WAIT_S)
    for moment in desk.moments():
        signs.published(replace(moment, id=f"t{moment.id}", training="supervisors"))
    signs.hushed({"belt-3": Hush(devices=("belt-3/done",))})
    payload = dict(signs.changes(START_MS))["belt-3"]
    shown = decode_touchpoint(payload)
    assert len(payload) <= MAX_PAYLOAD_BYTES
    assert len(shown.moments) > 100
    assert shown.training is not UNSET
    assert len(shown.training.moments) == TRAINED_MOST


def _hush(promises: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> dict[str, Hush]:
    mute = Mute(
        id="m",
        scope=Scope(expectations=promises, groups=groups),
        owner="Ines",
        reason="tests",
        begin_ms=START_MS,
        end_ms=START_MS + 60_000,
    )
    return hushes(View(mutes=(mute,)), parse_plan(PLAN), START_MS + 1_000)


def test_what_is_no_page_to_whoever_serves_a_place_is_no_sound_there() -> None:
    """Pages and sounds follow one rule, whatever a mute names."""
    end_ms = START_MS + 60_000
    assert _hush() == {"counter-a": Hush(silent_ms=end_ms), "belt-3": Hush(silent_ms=end_ms)}
    assert _hush(groups=("supervisors",)) == {"belt-3": Hush(silent_ms=end_ms)}
    assert _hush(promises=("check-in-wait",)) == {"counter-a": Hush(about=(("check-in-wait", end_ms),))}
    assert _hush(promises=("check-in-wait",), groups=("supervisors",)) == {}


def test_what_is_silent_is_said(desk: Desk) -> None:
    signs = _fed(desk)
    signs.hushed(_hush(promises=("check-in-wait",)))
    assert _said(signs, START_MS)["counter-a"]["silent_about"] == {"check-in-wait": format_time(START_MS + 60_000)}
    signs.hushed({})
    assert "silent_about" not in _said(signs, START_MS)["counter-a"]

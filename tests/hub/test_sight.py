"""Who sees: cut cables, power cuts and silence, and what becomes of the verdicts given meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from andgate.moment.events import Confirmed
from andgate.moment.signals import BLIND, SIGHTED, WATCHED
from hub.store import NodeRow
from tests.hub.desk import PLAN, START_MS, WAIT_S, Desk, node_signal

MINUTE = 60_000


def _state(desk: Desk, state: str, session: int, boot: str | None = "b1", **more: Any) -> None:
    said = {"state": state, "session": session, **({"boot": boot} if boot and state != "lost" else {}), **more}
    retained = said.pop("retained", False)
    desk.say("node/mark-a/state", json.dumps(said).encode(), retained=retained)


def _health(desk: Desk, level: str = "off", fault: str | None = None, **more: Any) -> None:
    said = {"boot": "b1", "mono": 5.0, "devices": {"mark": {"level": level, "fault": fault}}, **more}
    desk.say("node/mark-a/health", json.dumps(said).encode())


def _mark(desk: Desk, seq: int, signal: str, at_ms: int, **more: Any) -> bytes:
    """Something the mark saw at a site time; its monotonic clock began with the test."""
    mono = (at_ms - START_MS) / 1000
    sent = (desk.clock.now_ms() - START_MS) / 1000
    return node_signal(seq, signal, device="mark", mono=mono, sent=sent, **more)


def _press(desk: Desk, seq: int, signal: str = "pressed") -> None:
    now_s = (desk.clock.now_ms() - START_MS) / 1000
    desk.node(node_signal(seq, signal, mono=now_s, sent=now_s))


def _sight(desk: Desk) -> list[tuple[str, int]]:
    return [
        (item["name"], item["at_ms"] - START_MS)
        for entry in desk.reader.entries()
        for item in json.loads(entry.body).get("in", ())
        if item.get("name") in {BLIND, SIGHTED, WATCHED}
    ]


def _blind(desk: Desk) -> tuple[str, ...]:
    return next(row for row in desk.reader.nodes() if row.node == "mark-a").blind


def _row(desk: Desk) -> NodeRow:
    return next(row for row in desk.reader.nodes() if row.node == "mark-a")


def _judged_while_cut(desk: Desk) -> None:
    """The mark is cut off for a minute; meanwhile a press is judged a success."""
    _state(desk, "online", 1, run=1)
    desk.pass_ms(10_000)
    _health(desk)
    desk.pass_ms(20_000)
    _state(desk, "lost", 1)
    desk.pass_ms(10_000)
    _press(desk, 1)
    desk.pass_ms(20_000)
    _press(desk, 2, "reset")
    assert (desk.only().verdict, desk.only().provisional) == ("success", True)
    desk.pass_ms(10_000)


def _confirmed(desk: Desk) -> list[Confirmed]:
    return [line.event for line in desk.reader.trail(desk.only().id) if isinstance(line.event, Confirmed)]


def test_a_cut_cable_confirms_what_was_judged_once_the_spool_has_drained(desk: Desk) -> None:
    _judged_while_cut(desk)
    was = desk.only()
    _state(desk, "online", 2, run=1)
    assert (_blind(desk), desk.only().provisional) == ((), True), "its spool may still hold something"
    _health(desk, spool=2)
    assert desk.only().provisional
    _health(desk)
    now = desk.only()
    assert (now.verdict, now.provisional, now.change, now.revision) == ("success", False, was.change + 1, was.revision)
    (confirmed,) = _confirmed(desk)
    assert "mark-a/mark" in (confirmed.because or "")
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED, WATCHED]
    _health(desk)
    assert desk.only() == now


def test_the_last_list_of_a_spool_says_that_it_has_drained(desk: Desk) -> None:
    _judged_while_cut(desk)
    _state(desk, "online", 2, run=1)
    now_ms = desk.clock.now_ms()
    first = json.loads(_mark(desk, 1, "reached", now_ms - 15_000, more=True))
    second = json.loads(_mark(desk, 3, "cleared", now_ms - 8_000))
    desk.node(json.dumps([first]).encode(), node="mark-a")
    assert desk.only().provisional
    desk.node(json.dumps([second]).encode(), node="mark-a")
    assert desk.only().provisional, "number 2 is still missing"
    desk.node(_mark(desk, 2, "cleared", now_ms - 9_000), node="mark-a")
    assert not desk.only().provisional


def test_what_nobody_can_date_confirms_nothing(desk: Desk) -> None:
    """The mark saw something before its power went, and no clock ever said when: who knows what it would have been."""
    _judged_while_cut(desk)
    _state(desk, "online", 2, boot="b2", run=2)
    desk.node(node_signal(1, "reached", device="mark", boot="b1", mono=5.0), node="mark-a")
    assert _row(desk).untimed == 1
    _health(desk, boot="b2")
    desk.pass_ms(20_000)
    _health(desk, boot="b2")
    assert desk.only().provisional
    assert [name for name, _ in _sight(desk)][-2:] == [BLIND, SIGHTED], "and it stays so"
    ask = {"n": 1, "boot": "b1", "mono": 6.0}
    desk.say("node/mark-a/time", json.dumps(ask).encode())
    assert _row(desk).untimed == 0, "a word of that boot came after all"


def test_what_is_gone_from_the_spool_confirms_nothing(desk: Desk) -> None:
    _judged_while_cut(desk)
    _state(desk, "online", 2, run=1)
    now_ms = desk.clock.now_ms()
    gap = json.loads(_mark(desk, 2, "gap", now_ms, about={"boot": "b1", "from": 1, "to": 1}))
    desk.node(json.dumps(gap).encode(), node="mark-a")
    _health(desk)
    assert desk.only().provisional, "nobody knows what number 1 was"


def test_what_the_spool_says_otherwise_revises_the_verdict(desk: Desk) -> None:
    _judged_while_cut(desk)
    was = desk.only()
    _state(desk, "online", 2, run=1)
    now_ms = desk.clock.now_ms()
    desk.node(_mark(desk, 1, "reached", now_ms - 15_000), node="mark-a")
    now = desk.only()
    assert (now.state, now.verdict, now.revision) == ("open", None, was.revision + 1), "the line stood: reset refused"


def test_another_boot_was_dark_since_it_was_last_heard(desk: Desk) -> None:
    _judged_while_cut(desk)
    _state(desk, "online", 2, boot="b2", run=2)
    assert desk.only().provisional
    assert _sight(desk) == [(BLIND, 30_000), (WATCHED, 70_000), (BLIND, 10_000), (SIGHTED, 70_000)]
    _health(desk, boot="b2")
    assert desk.only().provisional


def test_a_program_that_began_again_was_dark_too_though_its_numbering_goes_on(desk: Desk) -> None:
    _judged_while_cut(desk)
    _state(desk, "online", 2, run=2)
    _health(desk)
    assert desk.only().provisional
    assert _sight(desk)[2] == (BLIND, 10_000)


def test_a_goodbye_is_dark_until_the_birth(desk: Desk) -> None:
    _state(desk, "online", 1)
    _health(desk)
    _state(desk, "stopped", 1)
    desk.pass_ms(10_000)
    _state(desk, "online", 2)
    _health(desk)
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED]


def test_a_birth_in_another_boot_that_nobody_missed_was_dark_meanwhile(desk: Desk) -> None:
    _state(desk, "online", 1)
    desk.pass_ms(10_000)
    _health(desk)
    desk.pass_ms(5_000)
    _state(desk, "online", 2, boot="b2")
    assert _sight(desk) == [(BLIND, 10_000), (SIGHTED, 15_000)]


def test_a_fault_of_its_own_is_not_taken_back(desk: Desk) -> None:
    _state(desk, "online", 1)
    _health(desk, "unknown", "echo lost")
    _state(desk, "lost", 1)
    desk.pass_ms(10_000)
    _state(desk, "online", 2)
    assert _blind(desk) == ("mark-a/mark",)
    _health(desk)
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED]


def test_restarts_of_the_hub_in_between_forget_nothing(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    _judged_while_cut(desk)
    desk.stop()
    desk = make_desk()
    _state(desk, "lost", 1, retained=True)
    desk.pass_ms(1_000)
    _state(desk, "online", 2, run=1)
    assert desk.only().provisional
    desk.stop()
    desk = make_desk()
    _state(desk, "online", 2, run=1, retained=True)
    assert desk.only().provisional
    _health(desk)
    assert not desk.only().provisional
    desk.stop()
    desk = make_desk()
    _health(desk)
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED, WATCHED]


def test_several_cuts_are_all_taken_back(desk: Desk) -> None:
    _judged_while_cut(desk)
    _state(desk, "online", 2, run=1)
    _state(desk, "lost", 2)
    _state(desk, "online", 3, run=1)
    _health(desk)
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED, BLIND, SIGHTED, WATCHED, WATCHED]
    assert not desk.only().provisional


# --------------------------------------------------------------------------------------------------------- stale health


def test_health_that_is_not_heard_for_three_periods_blinds_from_the_last_one(desk: Desk) -> None:
    _state(desk, "online", 1)
    _health(desk)
    desk.pass_ms(30_000)
    _press(desk, 1)
    desk.pass_ms(14_000)
    assert _blind(desk) == ()
    _press(desk, 2, "reset")
    assert not desk.only().provisional
    desk.pass_ms(MINUTE)
    row = _row(desk)
    assert (row.state, row.blind) == ("online", ("mark-a/mark",))
    assert _sight(desk) == [(BLIND, 0)], "stamped with the last health, however late the hub woke"
    assert desk.only().provisional
    _health(desk)
    assert (_blind(desk), desk.only().provisional) == ((), False)


def test_a_node_that_never_says_its_health_is_not_missed(desk: Desk) -> None:
    _state(desk, "online", 1)
    desk.pass_ms(10 * MINUTE)
    assert _sight(desk) == []


def test_a_stale_node_that_is_lost_stays_blind_once(desk: Desk) -> None:
    _state(desk, "online", 1)
    _health(desk)
    desk.pass_ms(MINUTE)
    _state(desk, "lost", 1)
    desk.pass_ms(MINUTE)
    assert _sight(desk) == [(BLIND, 0)]
    _state(desk, "online", 2)
    _health(desk)
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED, WATCHED]


def test_a_hub_that_was_down_gives_everybody_time_to_speak(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    _state(desk, "online", 1)
    _health(desk)
    desk.stop()
    desk.clock.advance(10 * MINUTE)
    desk = make_desk()
    _state(desk, "online", 1, retained=True)
    desk.pass_ms(44_000)
    assert _sight(desk) == []
    desk.pass_ms(1_000)
    assert _sight(desk) == [(BLIND, 0)], "nobody knows when it went: it is blind since it was last heard"
    desk.stop()
    desk = make_desk()
    assert _blind(desk) == ("mark-a/mark",)
    _state(desk, "online", 1, retained=True)
    assert _blind(desk) == ("mark-a/mark",), "what the broker kept is no sign of life"
    _health(desk)
    assert [name for name, _ in _sight(desk)] == [BLIND, SIGHTED, WATCHED]


MOVED_MARK = PLAN.replace(
    '[nodes.mark-a.devices.mark]\ntouchpoint = "counter-a"', '[nodes.mark-a.devices.mark]\ntouchpoint = "belt-3"'
)
OTHER_MARK = PLAN.replace("[nodes.mark-a.devices.mark]", "[nodes.mark-a.devices.marks]")


@pytest.mark.parametrize("meanwhile", [OTHER_MARK, MOVED_MARK], ids=["renamed", "moved"])
def test_a_device_that_the_plan_drops_and_takes_back_is_not_blind_for_ever(desk: Desk, meanwhile: str) -> None:
    _state(desk, "online", 1)
    _health(desk)
    desk.pass_ms(1_000)
    _health(desk, "unknown", "stuck")
    assert _blind(desk) == ("mark-a/mark",)
    desk.pass_ms(1_000)
    desk.driver.reload(meanwhile).result(WAIT_S)
    desk.say("node/mark-a/health", b'{"boot":"b1","mono":5.0,"devices":{"mark":{"level":"off"}}}')
    desk.pass_ms(1_000)
    desk.driver.reload(PLAN).result(WAIT_S)
    _health(desk, "on")
    desk.pass_ms(1_000)
    desk.node(_mark(desk, 1, "reached", desk.clock.now_ms()), "mark-a")
    desk.pass_ms(1_000)
    _press(desk, 1, "reset")
    assert desk.only().state == "open", "the line still stands, and somebody sees it"
    assert _blind(desk) == ()


def test_a_blind_device_is_blind_where_the_plan_moves_it_and_no_longer_where_it_was(desk: Desk) -> None:
    _state(desk, "online", 1)
    _health(desk, "unknown", "stuck")
    desk.pass_ms(1_000)
    desk.driver.reload(MOVED_MARK).result(WAIT_S)
    at_ms = desk.clock.now_ms() - START_MS
    assert _sight(desk) == [(BLIND, 0), (SIGHTED, at_ms - 1), (BLIND, at_ms)]
    desk.pass_ms(1_000)
    _press(desk, 1)
    _press(desk, 2, "reset")
    assert (desk.only().verdict, desk.only().provisional) == ("success", False)


def test_a_device_that_comes_with_the_plan_to_a_node_that_nobody_hears_is_blind_there(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk()
    _state(desk, "online", 1)
    _health(desk)
    desk.pass_ms(1_000)
    _state(desk, "lost", 1)
    desk.pass_ms(1_000)
    desk.driver.reload(OTHER_MARK).result(WAIT_S)
    desk.pass_ms(60_000)
    _press(desk, 1)
    _press(desk, 2, "reset")
    assert (desk.only().verdict, desk.only().provisional) == ("success", True)
    assert _blind(desk) == ("mark-a/marks",)
    desk.stop()
    again = make_desk()  # with the plan of before, taken at the start
    assert _blind(again) == ("mark-a/mark",)
    assert [word for word, _ in _sight(again)] == [BLIND, SIGHTED, BLIND, SIGHTED, BLIND]


def test_lost_and_found_in_one_millisecond_is_found_however_many_words_were_said_before(desk: Desk) -> None:
    desk.say("node/desk-a1/state", b'{"state":"online","session":1,"boot":"b1"}')  # a first word, so that they are odd
    _state(desk, "online", 1, run=1)
    _health(desk)
    for session in range(1, 12):
        desk.deliver("node/mark-a/state", b'{"state":"lost","session":%d}' % session)
        desk.deliver("node/mark-a/state", b'{"state":"online","session":%d,"boot":"b1","run":1}' % (session + 1))
        desk.sync()
        desk.pass_ms(1_000)
        _press(desk, 2 * session - 1)
        _press(desk, 2 * session, "reset")
        assert not desk.moments()[0].provisional, session

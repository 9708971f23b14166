"""Rule 11: where a node's signal stands on the site's timeline."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from andgate.moment.events import Revised
from andgate.moment.signals import Retimed
from andgate.wire.times import format_time
from hub.clock import HandClock
from hub.ingest.boots import CREDIT_EACH, CREDIT_FIRST
from hub.store.journal import decode_inputs
from tests.hub.desk import START_MS, Desk, node_signal

AT = format_time(START_MS - 30_000)


def _say_birth(desk: Desk, boot: str, session: int = 1) -> None:
    desk.say("node/desk-a1/state", json.dumps({"state": "online", "session": session, "boot": boot}).encode())


def _ask(desk: Desk, mono: float, boot: str = "b1") -> None:
    desk.say("node/desk-a1/time", json.dumps({"n": 1, "boot": boot, "mono": mono}).encode())


LIVE: list[tuple[str, dict[str, Any], int]] = [
    ("mono + (receipt - sent)", {"mono": 10.0, "sent": 12.5}, START_MS - 2500),
    ("sent in the same instant", {"mono": 10.0, "sent": 10.0}, START_MS),
    ("`at` of a synchronised clock", {"mono": 10.0, "at": AT, "synced": True}, START_MS - 30_000),
    ("sent counts more than `at`", {"mono": 10.0, "sent": 11.0, "at": AT, "synced": True}, START_MS - 1000),
    ("`at` of a clock that is not synchronised says nothing", {"mono": 10.0, "at": AT}, START_MS),
    ("nothing but the receipt", {"mono": 10.0}, START_MS),
    ("later than its sending: set to the receipt", {"mono": 40.0, "sent": 10.0}, START_MS),
]


@pytest.mark.parametrize(("said", "expected"), [row[1:] for row in LIVE], ids=[row[0] for row in LIVE])
def test_a_live_signal(desk: Desk, said: dict[str, Any], expected: int) -> None:
    desk.node(node_signal(1, **said))
    assert desk.only().opened_ms == expected


def test_more_than_60_s_ahead_is_set_aside(desk: Desk) -> None:
    desk.node(node_signal(1, mono=100.0, sent=10.0))
    assert desk.moments() == ()
    assert "60 s" in desk.reasons()[0]


def test_the_exchange_of_time_gives_the_offset_too(desk: Desk) -> None:
    _ask(desk, 100.0)
    assert desk.replies[0][1].at == format_time(START_MS)
    desk.clock.advance(8000)
    desk.node(node_signal(1, mono=105.0))
    assert desk.only().opened_ms == START_MS + 5000


def test_the_smallest_offset_of_a_boot_holds(desk: Desk) -> None:
    desk.node(node_signal(1, mono=10.0, sent=10.0))
    desk.clock.advance(1500)
    desk.node(node_signal(2, "reset", mono=11.0, sent=11.0))
    assert desk.only().closed_ms == START_MS + 1000, "the second was 0.5 s on its way"


@pytest.mark.parametrize(("late_ms", "moved"), [(50, False), (51, True), (5000, True)])
def test_a_better_offset_moves_what_is_stored_if_by_more_than_50_ms(desk: Desk, late_ms: int, *, moved: bool) -> None:
    desk.node(node_signal(1, mono=10.0, sent=10.0))
    desk.clock.advance(20_000 - late_ms)
    _ask(desk, 30.0)
    moment = desk.only()
    assert moment.opened_ms == START_MS - (late_ms if moved else 0)
    assert moment.revision == int(moved)
    assert any(isinstance(line.event, Revised) for line in desk.reader.trail(moment.id)) == moved
    (row,) = desk.reader.signals_of(moment.id)
    assert (row.signal.at_ms, row.first_at_ms) == (moment.opened_ms, START_MS)


def test_what_stood_at_its_receipt_is_decided_anew_when_an_offset_comes(desk: Desk) -> None:
    desk.node(node_signal(1, mono=10.0))
    assert desk.only().opened_ms == START_MS
    desk.clock.advance(1000)
    _ask(desk, 15.0)
    assert desk.only().opened_ms == START_MS - 4000


def test_a_signal_of_an_ended_boot(desk: Desk) -> None:
    _say_birth(desk, "new")
    desk.node(node_signal(1, boot="old", at=AT, synced=True))
    assert desk.only().opened_ms == START_MS - 30_000
    desk.node(node_signal(2, "reset", boot="old"))
    assert desk.only().state == "open", "untimed: judged never"
    signal = desk.reader.signal("n/desk-a1/old/2")
    assert signal is not None
    assert signal.state == "untimed"
    (node,) = [node for node in desk.reader.nodes() if node.node == "desk-a1"]
    assert node.untimed == 1
    desk.node(node_signal(2, "reset", boot="old"))
    assert sum(out.duplicates for out in desk.commits) == 1
    assert desk.reader.quarantined() == 0


def test_an_ended_boot_keeps_its_offset(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    desk.node(node_signal(1, mono=10.0, sent=10.0))
    desk.stop()
    desk.clock.advance(60_000)
    again = make_desk()
    _say_birth(again, "b2", 2)
    again.node(node_signal(2, "reset", mono=12.0))
    assert again.only().closed_ms == START_MS + 2000


def test_an_untimed_signal_is_judged_once_its_boot_has_an_offset(desk: Desk) -> None:
    _say_birth(desk, "new")
    desk.node(node_signal(1, boot="old", mono=10.0))
    assert desk.moments() == ()
    _ask(desk, 14.0, boot="old")
    assert desk.only().opened_ms == START_MS - 4000
    row = desk.reader.signal("n/desk-a1/old/1")
    assert row is not None
    assert (row.state, row.signal.at_ms) == ("judged", START_MS - 4000)


def test_receipts_tell_gaps(desk: Desk) -> None:
    for seq in (1, 2, 5, 6, 9):
        desk.node(node_signal(seq))
    receipt = [receipt for out in desk.commits for _, receipt in out.receipts][-1]
    assert (receipt.seq, receipt.also) == (2, [(5, 6), (9, 9)])


def test_a_hold_takes_its_own_press_out(desk: Desk) -> None:
    desk.node(node_signal(1, mono=10.0, sent=10.0))
    first = desk.only()
    desk.clock.advance(60_000)
    desk.node(node_signal(2, mono=70.0, sent=70.0))
    desk.clock.advance(2000)
    desk.node(node_signal(3, "reset", mono=72.0, sent=72.0, press=2))
    moment = desk.only()
    assert (moment.id, moment.state, moment.verdict) == (first.id, "ended", "success")
    assert moment.closed_ms == START_MS + 62_000


def test_a_gap_names_no_device_of_the_plan_and_is_kept(desk: Desk) -> None:
    desk.node(node_signal(1, "gap", device="spool"))
    assert desk.reasons() == []
    assert desk.reader.signal("n/desk-a1/b1/1") is not None


def test_a_clock_that_runs_fast_makes_no_more_work_than_its_signals_do(desk: Desk, clock: HandClock) -> None:
    signals = 400
    for seq in range(1, signals + 1):
        clock.advance(100)
        desk.node(node_signal(seq, mono=seq * 0.2, sent=seq * 0.2))  # its two seconds are one of the site's
    moved = [
        item
        for entry in desk.driver._store.entries(1)
        for item in decode_inputs(entry.body).in_
        if isinstance(item, Retimed)
    ]
    assert 0 < len(moved) <= CREDIT_FIRST + CREDIT_EACH * signals
    assert len(desk.moments()) == 1


def test_a_boot_has_credit_for_one_whole_correction_after_a_restart(
    make_desk: Callable[..., Desk], clock: HandClock
) -> None:
    desk = make_desk()
    for seq in range(1, 4):
        desk.node(node_signal(seq, mono=10.0 + seq, sent=10.0 + seq))
    desk.stop()
    again = make_desk()
    _ask(again, 20.0)
    assert again.only().opened_ms == START_MS - 9_000

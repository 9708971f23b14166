"""The machine's clock is set: nothing fails and nothing is saved by it, people are told, and times come right."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from andgate.wire.times import format_time, parse_time
from hub.clock import SystemClock
from hub.driver import timekeeper as module
from hub.driver.timekeeper import Timekeeper
from hub.store import Reader, Store
from tests.hub.desk import START_MS, WAIT_S, Desk, node_signal

HOUR_S = 3600


class Machine:
    """A hub's machine: its UTC, and the seconds since it booted."""

    def __init__(self) -> None:
        self.wall = START_MS / 1000
        self.mono = 500.0
        self.clock = self.restarted()
        self.asked = 500.0

    def restarted(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.mono)

    def pass_s(self, s: float) -> None:
        self.wall += s
        self.mono += s


class Floor(Desk):
    """A desk on a real system clock over a machine that is driven by hand."""

    def __init__(self, data: Path, machine: Machine) -> None:
        self.machine = machine
        super().__init__(data, machine.clock)  # type: ignore[arg-type]
        self.looked = threading.Event()
        seen = self.driver._judge.keep_time

        def look() -> None:
            seen()
            self.looked.set()

        self.driver._judge.keep_time = look  # type: ignore[method-assign]

    def pass_s(self, s: float) -> None:
        """Let time pass; the driver has looked at the clock."""
        self.machine.pass_s(s)
        self.sync()
        self.looked.clear()
        self.driver.wake()
        assert self.looked.wait(WAIT_S)
        self.sync()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def floor(tmp_path: Path, machine: Machine) -> Iterator[Floor]:
    it = Floor(tmp_path / "data", machine)
    yield it
    it.stop()


@pytest.mark.parametrize("step_s", [600.0, -600.0, 40 * 365 * 86_400.0, 5.0])
def test_a_step_neither_fails_nor_saves_what_is_open(floor: Floor, step_s: float) -> None:
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    floor.pass_s(100)
    floor.machine.wall += step_s
    floor.pass_s(70)
    moment = floor.only()
    assert (moment.state, moment.verdict) == ("open", None), "170 s of 180"
    assert floor.driver.timekeeper.ahead_ms == pytest.approx(step_s * 1000, abs=100)
    assert floor.driver.timekeeper.fault is not None
    floor.pass_s(15)
    failed = floor.only()
    assert failed.verdict == "failure"
    assert failed.ends_ms == START_MS + 180_000
    assert [page.reason for page in floor.pages(group="supervisors", kind="page") if page.about is not None] == [
        "so much time is left"
    ]


def test_a_reset_just_in_time_is_a_success_whatever_the_clock_did(floor: Floor) -> None:
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    floor.machine.wall += 600
    floor.pass_s(179)
    floor.node(node_signal(2, "reset", mono=189.0, sent=189.0))
    moment = floor.only()
    assert (moment.verdict, moment.saved) == ("success", True)


def test_it_goes_over_to_utc_when_nothing_is_open_and_nobody_is_lost_for_it(floor: Floor) -> None:
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    floor.machine.wall += 600
    floor.pass_s(20)
    floor.pass_s(70)
    assert floor.driver.timekeeper.ahead_ms == pytest.approx(600_000, abs=50), "steady, but something is open"
    floor.node(node_signal(2, "reset", mono=100.0, sent=100.0))
    floor.pass_s(5)
    assert (floor.driver.timekeeper.ahead_ms, floor.driver.timekeeper.fault) == (0, None)
    assert abs(floor.clock.now_ms() - floor.machine.wall * 1000) < 5
    before = floor.only()
    assert before.opened_ms == START_MS, "what is over stays where it was"
    assert before.revision == 0
    floor.pass_s(10)
    floor.node(node_signal(3, mono=110.0, sent=115.0))
    opened = floor.reader.moments(state="open").items[0]
    assert opened.opened_ms == pytest.approx(floor.machine.wall * 1000 - 5000, abs=5), "its boot went along"
    floor.node(node_signal(4, mono=112.0))
    assert floor.reader.quarantined() == 0


def test_a_date_that_was_mistyped_and_corrected_leaves_no_trace(floor: Floor) -> None:
    floor.machine.wall += 86_400
    floor.pass_s(30)
    assert floor.driver.timekeeper.ahead_ms > 0
    floor.machine.wall -= 86_400
    floor.pass_s(100)
    assert floor.driver.timekeeper.fault is None
    assert abs(floor.clock.now_ms() - START_MS - 130_000) < 5


def test_what_was_received_just_before_the_jump_is_not_late(floor: Floor) -> None:
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    floor.node(node_signal(2, "reset", mono=10.0, sent=10.0))
    old_ms = floor.clock.now_ms()
    floor.machine.wall += 600
    floor.pass_s(5)
    floor.pass_s(62)
    jumped_ms = floor.clock.now_ms()
    assert jumped_ms > old_ms + 600_000
    assert floor.driver.timekeeper.now_of(old_ms) == pytest.approx(old_ms + 600_000, abs=2)
    assert floor.driver.timekeeper.now_of(jumped_ms) == jumped_ms


def test_a_hub_restarts_on_the_scale_it_had(tmp_path: Path, machine: Machine) -> None:
    floor = Floor(tmp_path / "data", machine)
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    machine.wall += 600
    floor.pass_s(60)
    floor.stop()
    machine.pass_s(30)
    machine.clock = machine.restarted()
    again = Floor(tmp_path / "data", machine)
    assert again.only().verdict is None, "90 s of 180"
    assert again.driver.timekeeper.ahead_ms == pytest.approx(600_000, abs=50)
    again.pass_s(92)
    assert again.only().verdict == "failure"
    again.stop()


def test_a_machine_that_boots_behind_its_journal_goes_on_from_there_and_says_so(
    tmp_path: Path, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    floor = Floor(tmp_path / "data", machine)
    floor.pass_s(100)
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    floor.stop()
    machine.wall -= 2 * HOUR_S
    machine.mono = 3.0
    machine.clock = machine.restarted()
    with caplog.at_level(logging.ERROR):
        again = Floor(tmp_path / "data", machine)
    assert "behind the newest entry of the journal" in caplog.text
    fault = again.driver.timekeeper.fault
    assert fault is not None
    assert fault.startswith("the machine's clock is 2.0 h behind site time")
    again.pass_s(170)
    assert again.only().verdict is None
    again.pass_s(12)
    assert again.only().verdict == "failure", "three minutes after, not two hours and three minutes"
    again.stop()


def test_a_feed_whose_clock_is_right_is_understood_while_ours_is_not(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.machine.wall += 600
    floor.node(node_signal(1, mono=10.0, sent=10.0))
    floor.pass_s(10)
    utc = format_time(round(floor.machine.wall * 1000))
    floor.post("e1", "docked", key="AG1/2026-11-21", at=utc)
    docked = floor.reader.moments(expectation="baggage-claim").items[0]
    assert docked.opened_ms == pytest.approx(floor.clock.now_ms(), abs=5)
    keeper = floor.driver.timekeeper
    earlier_ms = parse_time(utc) - 900_000
    assert keeper.site_ms(earlier_ms) == earlier_ms, "who knows which of both is wrong"
    monkeypatch.setattr(keeper, "_synchronised", lambda: True)
    assert keeper.site_ms(earlier_ms) == earlier_ms - keeper.ahead_ms


def test_other_clocks_are_left_alone(tmp_path: Path, clock: Any) -> None:
    store = Store(tmp_path)
    keeper = Timekeeper(store, clock, START_MS + 10_000)
    assert keeper.look(lambda: ()) == 0
    assert keeper.site_ms(5) == 5
    assert (keeper.fault, keeper.ahead_ms) == (None, 0)
    store.close()


def test_spans_in_words() -> None:
    assert [module._span(s * 1000) for s in (3, 119, 600, 7200, 200_000)] == [
        "3 s",
        "119 s",
        "10.0 min",
        "2.0 h",
        "2.3 d",
    ]


def test_the_journal_never_goes_back(tmp_path: Path, machine: Machine) -> None:
    for turn in range(3):
        floor = Floor(tmp_path / "data", machine)
        floor.node(node_signal(1, boot=f"b{turn}", mono=10.0, sent=10.0))
        floor.stop()
        machine.wall -= HOUR_S
        machine.mono = 1.0
        machine.clock = machine.restarted()
    with Reader(tmp_path / "data") as reader:
        times = [json.loads(entry.body)["now"] for entry in reader.entries()]
    assert times == sorted(times)

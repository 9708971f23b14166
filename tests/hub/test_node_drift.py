"""Nodes whose clocks are wrong in every way the field knows: their presses stand within 50 ms of when they were."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andgate.wire.times import format_time
from hub.clock import HandClock
from hub.evidence.compare import PROJECTIONS
from hub.evidence.verify import verify
from tests.hub.desk import START_MS, Desk, node_signal

HOUR_MS = 3_600_000


class Pi:
    """A node with a quartz of its own, on a network with delays; the hub's hand clock is the true time."""

    def __init__(self, desk: Desk, *, ppm: float = 0.0, boot: str = "b1", mono_s: float = 12.0, seed: int = 1) -> None:
        self.desk, self.ppm, self.boot = desk, ppm, boot
        self._mono_s, self._born_ms = mono_s, desk.clock.now_ms()
        self.seq, self.asks = 0, 0
        self.chance = random.Random(seed)
        self.before: dict[str, Any] | None = None
        self.pressed: dict[str, int] = {}
        """Signal -> the true time."""
        self.spool: list[dict[str, Any]] = []
        self.utc_s = 0.0
        """What its wall clock says beyond its monotonic one: 1970, until NTP comes."""

    @property
    def mono(self) -> float:
        true_s = (self.desk.clock.now_ms() - self._born_ms) / 1000
        return round(self._mono_s + true_s / (1 + self.ppm * 1e-6), 6)

    def wait(self, most_ms: int) -> None:
        self.desk.clock.advance(self.chance.randint(1, most_ms))

    def ask(self, there_ms: int = 8, back_ms: int = 8) -> None:
        asked = self.mono
        self.wait(there_ms)
        said: dict[str, Any] = {"n": 1, "boot": self.boot, "mono": asked}
        if self.before is not None:
            said["before"] = self.before
        at = format_time(self.desk.clock.now_ms())
        self.desk.say("node/desk-a1/time", json.dumps(said).encode())
        self.wait(back_ms)
        self.before = {"asked": asked, "at": at, "heard": self.mono}

    def press(self, signal: str = "pressed", *, send: bool = True, delay_ms: int = 8) -> str:
        """Press; return the signal's identity."""
        self.seq += 1
        body = {
            "device": "mot",
            "signal": signal,
            "seq": self.seq,
            "boot": self.boot,
            "mono": self.mono,
            "at": format_time(round((self.utc_s + self.mono) * 1000)),
        }
        name = f"n/desk-a1/{self.boot}/{self.seq}"
        self.pressed[name] = self.desk.clock.now_ms()
        if send:
            body["sent"] = self.mono
            self.wait(delay_ms)
            self.desk.node(json.dumps(body).encode())
        else:
            self.spool.append(body)
        return name

    def drain(self) -> None:
        sent = self.mono
        self.wait(8)
        self.desk.node(json.dumps([body | {"sent": sent} for body in self.spool]).encode())
        self.spool.clear()

    def errors_ms(self) -> list[int]:
        found = []
        for name, true_ms in self.pressed.items():
            row = self.desk.reader.signal(name)
            assert row is not None
            assert row.state == "judged"
            found.append(abs(row.signal.at_ms - true_ms))
            assert row.within_ms is None or abs(row.signal.at_ms - true_ms) <= row.within_ms + 2
        return found


def test_a_pi_that_booted_in_1970_and_jumps_by_ntp_in_the_middle_of_a_threat(desk: Desk) -> None:
    pi = Pi(desk)
    for _ in range(3):
        pi.ask()
        desk.clock.advance(2_000)
    pi.press()
    pi.utc_s = START_MS / 1000
    desk.clock.advance(120_000)
    pi.press()
    pi.utc_s += 7 * 3600
    desk.clock.advance(50_000)
    pi.press("reset")
    moment = desk.only()
    assert (moment.verdict, moment.saved) == ("success", True)
    assert max(pi.errors_ms()) <= 20
    row = desk.reader.signal("n/desk-a1/b1/2")
    assert row is not None
    assert row.within_ms is not None
    assert row.within_ms <= 40


@pytest.mark.parametrize("ppm", [-100, 100])
def test_a_day_of_a_bad_quartz_on_bad_wifi(desk: Desk, ppm: int) -> None:
    pi = Pi(desk, ppm=ppm, seed=ppm + 200)
    for hour in range(24):
        for _ in range(10):
            slow = pi.chance.random() < 0.3
            pi.ask(there_ms=3_000 if slow else 8, back_ms=3_000 if slow else 8)
            desk.clock.advance(64_000)
        desk.clock.advance(HOUR_MS - 10 * 70_000)
        pi.ask()
        pi.press(delay_ms=2_000 if hour % 3 else 8)
        desk.clock.advance(1_000)
        pi.press("reset")
    pi.ask()
    errors = pi.errors_ms()
    assert len(errors) == 48
    assert max(errors) <= 50


@pytest.mark.parametrize("ppm", [-100, 100])
def test_a_spool_that_is_drained_hours_later_by_a_hub_that_was_restarted(
    desk: Desk, make_desk: Callable[..., Desk], ppm: int
) -> None:
    pi = Pi(desk, ppm=ppm)
    for _ in range(4):
        pi.ask()
        desk.clock.advance(8_000)
    desk.stop()
    for _ in range(6):
        desk.clock.advance(HOUR_MS)
        pi.press(send=False)
        desk.clock.advance(100_000)
        pi.press("reset", send=False)
    again = pi.desk = make_desk()
    for _ in range(2):
        pi.ask()
        again.clock.advance(2_000)
    pi.drain()
    assert max(pi.errors_ms()) <= 50
    assert [moment.verdict for moment in again.moments()] == ["success"] * 6


def test_a_spool_that_comes_before_the_exchange_is_put_right_by_it(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    pi = Pi(desk, ppm=100)
    for _ in range(3):
        pi.ask()
        desk.clock.advance(2_000)
    desk.stop()
    desk.clock.advance(6 * HOUR_MS)
    pi.press(send=False)
    pi.desk = make_desk()
    pi.drain()
    pi.ask()
    pi.ask()
    assert max(pi.errors_ms()) <= 50


def test_a_first_press_before_any_exchange_is_decided_anew_by_it(desk: Desk) -> None:
    pi = Pi(desk)
    name = pi.press(delay_ms=2)
    desk.clock.advance(300)
    pi = Pi(desk, boot="b2")
    slow = pi.press("reached", send=False)
    pi.spool[0]["sent"] = pi.mono
    desk.clock.advance(2_500)
    desk.node(json.dumps(pi.spool[0]).encode())
    row = desk.reader.signal(slow)
    assert row is not None
    assert row.within_ms is None, "nobody knows how long it was on its way"
    assert row.signal.at_ms - pi.pressed[slow] == 2_500
    pi.ask()
    pi.ask()
    assert max(pi.errors_ms()) <= 50
    again = desk.reader.signal(slow)
    assert again is not None
    assert again.within_ms is not None
    assert again.within_ms <= 50
    first = desk.reader.signal(name)
    assert first is not None
    assert first.within_ms is None, "another boot"


def test_corrected_times_and_how_sure_they_are_can_be_made_again_from_the_journal(desk: Desk, tmp_path: Path) -> None:
    pi = Pi(desk)
    for n in range(8):
        pi.press(delay_ms=2_500)
        if n > 3:
            pi.ask()
        desk.clock.advance(5_000)
    found = verify(tmp_path / "data" / "andgate.db")
    assert found.sound(witnessed=False), found.differences
    (columns,) = [table.unknown for table in PROJECTIONS if table.name == "signal"]
    assert "within_ms" not in columns


def test_one_impossible_sending_spoils_nothing_and_is_named(desk: Desk) -> None:
    pi = Pi(desk)
    for _ in range(3):
        pi.press()
        desk.clock.advance(4_000)
    pi.seq += 1
    true_ms = desk.clock.now_ms()
    desk.node(node_signal(pi.seq, mono=pi.mono, sent=1e9))
    pi.pressed[f"n/desk-a1/b1/{pi.seq}"] = true_ms
    desk.clock.advance(4_000)
    pi.press("reset")
    assert max(pi.errors_ms()) <= 10
    assert desk.reader.quarantined() == 0
    desk.say("node/desk-a1/state", json.dumps({"state": "online", "session": 1, "boot": "b1"}).encode())
    (node,) = [node for node in desk.reader.nodes() if node.node == "desk-a1"]
    assert node.clock == "its clock named an impossible time once"
    (fault,) = [fault for fault in desk.reader.faults() if fault.kind == "dial"]
    assert (fault.node, fault.detail) == ("desk-a1", "named an impossible time once")


@pytest.mark.parametrize("at", ["2099-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"])
def test_an_exchange_that_never_was_spoils_nothing(desk: Desk, at: str) -> None:
    pi = Pi(desk)
    pi.ask()
    pi.ask()
    true = pi.before
    pi.before = {"asked": pi.mono - 1, "at": at, "heard": pi.mono - 0.9}
    pi.ask()
    pi.before = true
    pi.press()
    pi.ask()
    assert max(pi.errors_ms()) <= 20


def test_rubbish_in_an_exchange_is_quarantined(desk: Desk) -> None:
    pi = Pi(desk)
    pi.before = {"asked": 1.0, "at": "yesterday", "heard": 2.0}
    pi.ask()
    assert "yesterday" in desk.reasons()[0]


def test_a_signal_that_is_itself_in_the_future_is_quarantined_and_spoils_nothing(desk: Desk) -> None:
    pi = Pi(desk)
    for _ in range(3):
        pi.press()
        desk.clock.advance(4_000)
    desk.node(node_signal(4, mono=1e9, sent=1e9))
    assert "60 s" in desk.reasons()[0]
    pi.seq = 4
    pi.press("reset")
    assert max(pi.errors_ms()) <= 10


def test_what_is_known_of_a_boot_outlives_the_hub(desk: Desk, make_desk: Callable[..., Desk], clock: HandClock) -> None:
    pi = Pi(desk, ppm=60)
    for _ in range(30):
        pi.ask()
        clock.advance(64_000)
    desk.stop()
    pi.desk = again = make_desk()
    clock.advance(600_000)
    name = pi.press(delay_ms=3_000)
    row = again.reader.signal(name)
    assert row is not None
    assert row.within_ms is not None
    assert abs(row.signal.at_ms - pi.pressed[name]) <= 50

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import HandClock, ScaledClock, SystemClock


class Machine:
    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.mono = 50.0

    def pass_s(self, s: float) -> None:
        self.wall += s
        self.mono += s


def made() -> tuple[Machine, SystemClock]:
    machine = Machine()
    return machine, SystemClock(lambda: machine.wall, lambda: machine.mono)


@pytest.mark.parametrize("stops", [1, 3, 4])
def test_a_machine_that_stops_between_two_clocks_moves_neither(stops: int) -> None:
    machine, left = Machine(), [stops]

    def wall_s() -> float:
        if left[0]:  # something else has the processor just now
            left[0] -= 1
            machine.pass_s(0.1 * (1 + left[0]))
        return machine.wall

    clock = SystemClock(wall_s, lambda: machine.mono)
    assert clock.now_ms() - machine.wall * 1000 == pytest.approx(0, abs=1)


@pytest.mark.parametrize("step_s", [1.0, -1.0, 0.3, -1.9], ids=["leap", "leap back", "a little", "nearly a step"])
def test_a_small_difference_is_slewed_away_and_nobody_sees_it_in_a_duration(step_s: float) -> None:
    machine, clock = made()
    machine.wall += step_s
    seen = [clock.now_ms()]
    for _ in range(4000):
        machine.pass_s(10)
        seen.append(clock.now_ms())
    assert all(9_999 <= later - earlier <= 10_001 for earlier, later in pairwise(seen))
    assert abs(seen[-1] - machine.wall * 1000) <= 2, "it has come right"
    assert abs(seen[18] - seen[0] - 180_000) <= 10, "three minutes are three minutes"


@given(st.lists(st.tuples(st.floats(0, 4000), st.floats(-1e6, 1e6)), max_size=30))
def test_no_setting_of_the_clock_makes_anything_longer_or_shorter(steps: list[tuple[float, float]]) -> None:
    machine, clock = made()
    begun_ms, passed_s = clock.now_ms(), 0.0
    for pass_s, step_s in steps:
        machine.wall += step_s
        machine.pass_s(pass_s)
        passed_s += pass_s
        before_ms = clock.now_ms()
        assert abs(before_ms - begun_ms - passed_s * 1000) <= passed_s * 0.05 + 2
        assert clock.now_ms() >= before_ms


def test_a_clock_that_was_set_is_told_and_followed_only_when_asked() -> None:
    machine, clock = made()
    woken: list[int] = []
    clock.subscribe(lambda: woken.append(1))
    machine.wall += 600
    machine.pass_s(30)
    assert clock.now_ms() == 1_000_030_000
    assert clock.ahead_s == pytest.approx(600)
    machine.pass_s(45)
    assert clock.steady_s == pytest.approx(45)
    assert clock.follow() == 600_000
    assert clock.now_ms() == 1_000_675_000
    assert clock.ahead_s == pytest.approx(0)
    assert woken == [1]


def test_it_never_goes_back() -> None:
    machine, clock = made()
    machine.wall -= 3600
    machine.pass_s(100)
    assert clock.now_ms() == 1_000_100_000
    assert clock.follow() == 0
    assert clock.now_ms() == 1_000_100_000
    assert clock.ahead_s == pytest.approx(-3600)
    machine.mono -= 5  # no kernel does this
    assert clock.now_ms() == 1_000_100_000


def test_a_scale_is_known_again_in_the_same_boot() -> None:
    machine, clock = made()
    boot, begun_ms = clock.scale()
    assert begun_ms == 1_000_000_000 - 50_000
    machine.pass_s(10)
    assert clock.scale() == (boot, begun_ms)
    clock.stand(2_000_000_000)
    assert clock.now_ms() == 2_000_000_000
    assert clock.ahead_s < -900_000


def test_the_real_clock_counts_sleep_too() -> None:
    clock = SystemClock()
    assert clock.now_ms() == pytest.approx(time.clock_gettime(time.CLOCK_REALTIME) * 1000, abs=1000)
    assert clock.mono_s() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=1)
    assert clock.real_s(3) == 3


def test_scaled_clock_waits_less() -> None:
    clock = ScaledClock(60.0, 5_000)
    assert clock.real_s(60) == 1
    first = clock.now_ms()
    assert first >= 5_000
    assert clock.now_ms() >= first
    assert clock.mono_s() >= 0


def test_hand_clock_wakes_whoever_waits() -> None:
    clock = HandClock(7)
    woken: list[int] = []
    clock.subscribe(lambda: woken.append(clock.now_ms()))
    clock.advance(5)
    assert woken == [12]
    assert clock.mono_s() == 0.005
    assert clock.real_s(1) > 1000
    assert clock.real_s(-1) < 0

from __future__ import annotations

from hub.clock import HandClock, ScaledClock, SystemClock


class Machine:
    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.mono = 50.0

    def pass_s(self, s: float) -> None:
        self.wall += s
        self.mono += s


def test_a_step_back_of_the_system_clock_slows_it_but_never_turns_it_back() -> None:
    machine = Machine()
    clock = SystemClock(lambda: machine.wall, lambda: machine.mono)
    assert clock.now_ms() == 1_000_000_000
    machine.wall -= 5
    seen = [clock.now_ms()]
    for _ in range(100):
        machine.pass_s(1)
        seen.append(clock.now_ms())
    assert seen == sorted(seen)
    assert 895 <= seen[1] - seen[0] <= 905
    assert abs(seen[-1] - machine.wall * 1000) <= 1, "it has caught up"


def test_a_step_forward_is_followed() -> None:
    machine = Machine()
    clock = SystemClock(lambda: machine.wall, lambda: machine.mono)
    machine.wall += 3600
    machine.pass_s(1)
    assert clock.now_ms() == round(machine.wall * 1000)


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

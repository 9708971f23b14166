"""The node's own idea of the site's time: right within the quickest exchange, following the quartz, never jumping."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from pathlib import Path

import pytest

from edge import clock as edge_clock
from edge.clock import RealClock
from edge.site_time import SLEW, STEP_MS, SiteTime

T0 = 1_795_000_000_000


def ask(it: SiteTime, mono_s: float, ppm: float, chance: random.Random) -> None:
    """One exchange; the node's clock is `ppm` millionths slow."""
    there_s, back_s = (chance.uniform(0.001, 0.03) for _ in range(2))
    at_ms = round(T0 + (mono_s + there_s) * 1000 * (1 + ppm * 1e-6))
    it.learn(at_ms, mono_s, mono_s + there_s + back_s)


@pytest.mark.parametrize("ppm", [-100, -30, 0, 60, 100])
def test_it_follows_the_quartz_and_stays_right_through_an_hour_without_the_hub(ppm: int) -> None:
    it, chance, mono_s = SiteTime("boot"), random.Random(ppm), 0.0
    while mono_s < 4 * 3600:
        ask(it, mono_s, ppm, chance)
        mono_s += 64
    mono_s += 3600
    site_ms = it.ms(mono_s)
    assert site_ms is not None
    assert abs(site_ms - (T0 + mono_s * 1000 * (1 + ppm * 1e-6))) < 100
    assert it.drift == pytest.approx(ppm * 1e-6, abs=20e-6)


def test_what_counts_down_never_jumps() -> None:
    it = SiteTime("boot")
    it.learn(T0 + 100, 0, 1.8)  # a poor first exchange: the answer came slowly
    deadline_ms = T0 + 60_000
    left_before_s = (it.mono_s(deadline_ms) or 0) - 10
    assert it.learn(T0 + 10_000, 9.99, 10.0)
    left_after_s = (it.mono_s(deadline_ms) or 0) - 10
    assert abs(left_after_s - left_before_s) < 0.02
    shown = []
    for tenth in range(100, 600):
        it.settle(tenth / 10)
        shown.append((it.mono_s(deadline_ms) or 0) - tenth / 10)
    steps = [before - after for before, after in pairwise(shown)]
    assert all(0.1 * (1 - SLEW) - 1e-6 <= step <= 0.1 * (1 + SLEW) + 1e-6 for step in steps)
    assert shown[-1] == pytest.approx(60 - 59.9, abs=0.02), "and it ends right"
    assert it.settle(60.0) is False


def test_what_is_far_off_is_put_right_at_once() -> None:
    it = SiteTime("boot")
    it.learn(T0, 0, 0.01)
    it.learn(T0 + 10_000 + 2 * round(STEP_MS), 10, 10.01)
    assert it.mono_s(T0 + 70_000) == pytest.approx(70 - 2 * STEP_MS / 1000, abs=0.02)
    assert it.settle(11) is False


def test_a_hub_whose_clock_was_set_is_no_quartz() -> None:
    it, chance = SiteTime("boot"), random.Random(1)
    for n in range(40):
        ask(it, n * 64.0, 50, chance)
    at_s = 40 * 64.0
    it.learn(round(T0 + at_s * 1000 + 3_600_000), at_s, at_s + 0.002)
    assert it.ms(at_s + 0.001) == round(T0 + at_s * 1000 + 3_600_000)
    assert abs(it.drift) < 100e-6


def test_a_guess_is_less_than_what_the_hub_says() -> None:
    it = SiteTime("boot")
    assert not it.known
    it.guess(T0, 5.0)
    assert not it.known
    it.learn(T0, 5.0, 5.1)
    assert it.known


def test_a_container_with_its_own_time_has_its_own_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boot, offsets = tmp_path / "boot_id", tmp_path / "offsets"
    boot.write_text("abc\n")
    monkeypatch.setattr(edge_clock, "BOOT_ID", boot)
    monkeypatch.setattr(edge_clock, "TIME_NAMESPACE", offsets)
    assert RealClock().boot_id == "abc"
    offsets.write_text("monotonic           0         0\nboottime            0         0\n")
    assert RealClock().boot_id == "abc"
    offsets.write_text("monotonic           0         0\nboottime         3600         0\n")
    assert RealClock().boot_id == "abc+3600.0"


def test_the_monotonic_clock_goes_on_while_the_machine_sleeps() -> None:
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before_s <= RealClock().mono_s() <= time.clock_gettime(time.CLOCK_BOOTTIME)

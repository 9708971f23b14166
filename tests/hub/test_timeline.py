"""The offset of one boot: what it may be wrong by, whatever the network, the quartz and liars do."""

from __future__ import annotations

import json
import random
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import SLEW
from hub.ingest.boots import STRETCHES_MOST, Stood
from hub.ingest.bounds import AGREE_MS, GAP_MS
from hub.ingest.quartz import BLOCK_MS, BLOCKS_MOST, RATE_FAULT
from hub.ingest.timeline import Timeline

TRUE_MS = 1_795_000_000_000
HOUR_MS = 3_600_000


class Node:
    """A node whose clock runs `ppm` millionths slow, on a network whose delays `chance` draws."""

    def __init__(self, ppm: float, chance: random.Random, *, slow: float = 0.1, at_ms: float = 1.7e6) -> None:
        self.rate = ppm * 1e-6
        self.chance = chance
        self.slow = slow
        self.mono_ms = at_ms
        self.begun_ms = at_ms
        self.timeline = Timeline()

    def site_ms(self, mono_ms: float) -> float:
        return TRUE_MS + mono_ms + (mono_ms - self.begun_ms) * self.rate

    def mono_at(self, site_ms: float) -> float:
        return (site_ms - TRUE_MS + self.begun_ms * self.rate) / (1 + self.rate)

    def delay_ms(self) -> float:
        """Mostly milliseconds, now and then seconds: Wi-Fi."""
        many = self.chance.random() < self.slow
        return self.chance.uniform(200, 4000) if many else self.chance.uniform(1, 9)

    def say(self) -> None:
        self.timeline.bound(self.mono_ms, round(self.site_ms(self.mono_ms) + self.delay_ms()))

    def ask(self) -> float:
        """Ask for the time and hear the answer; return the round trip."""
        received_ms = round(self.site_ms(self.mono_ms) + self.delay_ms())
        heard_ms = self.mono_at(received_ms + self.delay_ms())
        self.timeline.bound(self.mono_ms, received_ms)
        self.timeline.read(self.mono_ms, received_ms, heard_ms)
        trip_ms, self.mono_ms = heard_ms - self.mono_ms, heard_ms
        return trip_ms

    def wrong_ms(self, mono_ms: float) -> float:
        place = self.timeline.at(mono_ms)
        assert place is not None
        return mono_ms + place.offset_ms - self.site_ms(mono_ms)


def test_nothing_is_known_at_first() -> None:
    timeline = Timeline()
    assert timeline.at(0.0) is None
    assert not timeline.known
    assert timeline.rate is None
    assert timeline.fault is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 59_000)), min_size=1, max_size=80))
def test_without_exchange_and_drift_the_smallest_bound_is_the_offset(seen: list[tuple[int, int]]) -> None:
    """Rule 11 to the letter, in whatever order and however delayed the messages come."""
    timeline = Timeline()
    for mono_ms, delay_ms in seen:
        timeline.bound(mono_ms, TRUE_MS + mono_ms + delay_ms)
    if timeline._bounds.line is None:
        place = timeline.at(seen[0][0])
        assert place is not None
        assert place.offset_ms == TRUE_MS + min(delay_ms for _, delay_ms in seen)
        assert place.within_ms is None


@pytest.mark.parametrize("ppm", [-100, -50, 0, 50, 100])
def test_a_day_with_exchanges_is_right_within_50_ms_and_says_how_right(ppm: int) -> None:
    node = Node(ppm, random.Random(ppm), slow=0.1)
    asked: list[float] = []
    while node.mono_ms < node.begun_ms + 24 * HOUR_MS:
        asked.append(node.mono_ms)
        node.ask()
        node.mono_ms += 64_000
        place = node.timeline.at(node.mono_ms)
        assert place is not None
        if len(asked) > 20:
            assert abs(node.wrong_ms(node.mono_ms)) <= min(50, place.within_ms or 0), "live signals"
    for mono_ms in asked[::7]:
        assert abs(node.wrong_ms(mono_ms)) <= 50, "and those of hours ago"
    assert node.timeline.fault is None
    rate = node.timeline.rate
    assert rate is not None
    assert rate == pytest.approx(ppm * 1e-6, abs=5e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.floats(-100, 100), st.integers(1, 40))
def test_it_never_claims_to_be_better_than_it_is(seed: int, ppm: float, asks: int) -> None:
    node = Node(ppm, random.Random(seed), slow=0.5)
    monos = [node.mono_ms]
    for _ in range(asks):
        node.ask()
        node.say()
        node.mono_ms += node.chance.choice([2_000, 64_000, 600_000, 2 * HOUR_MS])
        monos.append(node.mono_ms)
    for mono_ms in monos:
        place = node.timeline.at(mono_ms)
        assert place is not None
        assert place.within_ms is not None
        assert abs(node.wrong_ms(mono_ms)) <= place.within_ms + 1


@pytest.mark.parametrize("ppm", [-100, 100])
def test_what_was_seen_in_hours_without_the_hub_lands_right_once_it_is_back(ppm: int) -> None:
    node = Node(ppm, random.Random(3), slow=0)
    for _ in range(5):
        node.ask()
        node.mono_ms += 8_000
    alone = [node.mono_ms + hour * HOUR_MS for hour in range(9)]
    node.mono_ms += 9 * HOUR_MS
    for _ in range(3):
        node.ask()
        node.mono_ms += 2_000
    assert max(abs(node.wrong_ms(mono_ms)) for mono_ms in alone) <= 50


def test_a_hub_that_works_off_a_difference_makes_nobodys_presses_wrong() -> None:
    """The hub's clock is two seconds off UTC and goes over to it, while a third of the exchanges are slow."""
    node = Node(70, random.Random(4), slow=0.2)
    begun_ms, wrong = node.mono_ms, []
    straight = node.site_ms

    def slewed(mono_ms: float) -> float:
        return straight(mono_ms) + min(max(mono_ms - begun_ms - 2 * HOUR_MS, 0) * SLEW, 2000)

    node.site_ms = slewed  # type: ignore[method-assign]
    node.mono_at = lambda site_ms: node.mono_ms + (site_ms - slewed(node.mono_ms)) / (1 + node.rate)  # type: ignore[method-assign]
    while node.mono_ms < begun_ms + 14 * HOUR_MS:
        node.ask()
        node.mono_ms += 64_000
        if node.mono_ms > begun_ms + HOUR_MS:
            place = node.timeline.at(node.mono_ms)
            assert place is not None
            wrong.append(abs(node.wrong_ms(node.mono_ms)))
            assert wrong[-1] <= (place.within_ms or 0) + 1
    assert sorted(wrong)[len(wrong) * 99 // 100] <= 50


def test_more_exchanges_never_make_it_less_sure() -> None:
    node = Node(40, random.Random(11), slow=0.6)
    here_ms = node.mono_ms + 1
    within: list[float] = []
    for _ in range(8):
        node.mono_ms = node.begun_ms + 1
        node.ask()
        place = node.timeline.at(here_ms)
        assert place is not None
        assert place.within_ms is not None
        within.append(place.within_ms)
    assert all(later <= earlier + 0.1 for earlier, later in pairwise(within))


@pytest.mark.parametrize(
    ("bounds", "readings"),
    [
        ([[11527.9, TRUE_MS + 0.07, 9]], [[23682.3, TRUE_MS - 350.28, 355.1]]),
        ([[33620.6, TRUE_MS + 0.4, 3]], [[31754.8, TRUE_MS - 95.8, 135.3]]),
    ],
    ids=["a disk that was full", "a hub that hung"],
)
def test_a_slow_exchange_never_worsens_what_messages_tell(bounds: list[Any], readings: list[Any]) -> None:
    """From storms: the answer took long, the messages did not."""
    alone = Timeline.load(json.dumps({"bounds": bounds}).encode())
    timeline = Timeline.load(json.dumps({"bounds": bounds, "readings": readings}).encode())
    (bound,), (reading,) = bounds, readings
    for mono_ms in (bound[0], reading[0], max(bound[0], reading[0]) + 20_000):
        before, place = alone.at(mono_ms), timeline.at(mono_ms)
        assert before is not None
        assert place is not None
        assert abs(place.offset_ms - TRUE_MS) <= abs(before.offset_ms - TRUE_MS) + 0.1
        assert place.within_ms is not None
        assert place.offset_ms - place.within_ms <= TRUE_MS <= place.offset_ms + place.within_ms
    assert not timeline.bound(reading[0], round(TRUE_MS + reading[0] + 300)), "and slow messages move nothing"
    assert timeline.bound(reading[0], round(TRUE_MS + reading[0] - 40))


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32), slow_ms=st.integers(100, 4000), answer=st.booleans())
def test_one_slow_way_of_the_first_exchange_makes_nothing_wrong(seed: int, slow_ms: int, *, answer: bool) -> None:
    node = Node(0, random.Random(seed), slow=0)
    for _ in range(3):
        node.say()
        node.mono_ms += 2_000
    before_ms = abs(node.wrong_ms(node.mono_ms))
    received_ms = round(node.site_ms(node.mono_ms) + (2 if answer else slow_ms))
    node.timeline.bound(node.mono_ms, received_ms)
    node.timeline.read(node.mono_ms, received_ms, node.mono_at(received_ms + (slow_ms if answer else 2)))
    place = node.timeline.at(node.mono_ms)
    assert place is not None
    assert place.within_ms is not None
    assert abs(node.wrong_ms(node.mono_ms)) <= max(before_ms, 3) + 1
    assert abs(node.wrong_ms(node.mono_ms)) <= place.within_ms + 1


def test_where_every_exchange_is_slow_the_way_is_long_and_its_middle_is_right() -> None:
    node = Node(0, random.Random(1), slow=0)
    node.delay_ms = lambda: node.chance.uniform(120, 125)  # type: ignore[method-assign]
    for _ in range(4):
        node.ask()
        node.mono_ms += 64_000
    assert abs(node.wrong_ms(node.mono_ms)) < 6


@pytest.mark.parametrize("ppm", [-150, -60, 60, 150])
def test_a_drift_is_followed_without_any_exchange(ppm: int) -> None:
    """Somebody else's node: it says when it sent, twenty times an hour, and never asks for the time."""
    node = Node(ppm, random.Random(5), slow=0.2)
    errors = []
    while node.mono_ms < node.begun_ms + 24 * HOUR_MS:
        for _ in range(3):
            node.say()
            node.mono_ms += 2_000
        node.mono_ms += 600_000
        if node.mono_ms > node.begun_ms + 3 * HOUR_MS:
            errors.append(abs(node.wrong_ms(node.mono_ms)))
    assert max(errors) < 150, "the smallest one ever would be wrong by seconds"


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(3, 60), st.floats(1e5, 1e12)), min_size=1, max_size=5))
def test_a_sending_in_the_future_spoils_nothing(seed: int, lies: list[tuple[int, float]]) -> None:
    node = Node(0, random.Random(seed), slow=0.1)
    at = dict(lies)
    for n in range(80):
        node.mono_ms += 5_000
        node.say()
        if n in at:
            before = node.timeline.at(node.mono_ms)
            node.timeline.bound(node.mono_ms + at[n], round(node.site_ms(node.mono_ms) + 5))
            assert node.timeline.at(node.mono_ms) == before
    assert node.timeline.odd >= len(at)
    assert "impossible time" in (node.timeline.fault or "")
    assert abs(node.wrong_ms(node.mono_ms)) < 10


def test_the_first_word_of_a_boot_may_be_the_wrong_one() -> None:
    node = Node(0, random.Random(1), slow=0)
    node.timeline.bound(1e12, TRUE_MS + 2_000_000)
    assert abs(node.wrong_ms(node.mono_ms)) > 1e9
    for _ in range(3):
        node.say()
        node.mono_ms += 3_000
    assert abs(node.wrong_ms(node.mono_ms)) < 10
    assert node.timeline.fault == "its clock named an impossible time once"


def test_an_exchange_shows_at_once_that_a_bound_was_impossible() -> None:
    node = Node(0, random.Random(1), slow=0)
    node.timeline.bound(1e12, TRUE_MS + 2_000_000)
    node.ask()
    assert abs(node.wrong_ms(node.mono_ms)) < 10
    node.timeline.bound(node.mono_ms + 5_000, round(node.site_ms(node.mono_ms)))
    assert abs(node.wrong_ms(node.mono_ms)) < 10
    assert node.timeline.odd >= 2


def test_a_clock_that_jumps_ahead_is_believed_when_others_agree() -> None:
    timeline = Timeline()
    for s in range(0, 40, 4):
        timeline.bound(s * 1000.0, TRUE_MS + s * 1000)
    for s in range(40, 60, 4):
        timeline.bound(s * 1000.0 + 10 * GAP_MS, TRUE_MS + s * 1000)
    place = timeline.at(60_000.0)
    assert place is not None
    assert place.offset_ms == TRUE_MS - 10 * GAP_MS
    assert timeline.odd == 0, "they were no lies"


def test_a_queue_that_was_let_go_at_once_is_no_agreement() -> None:
    """A node that queued its messages, each with its `sent`, through an outage of hours: only the last is quick."""
    timeline = Timeline()
    for n in range(30):
        timeline.bound(n * 1_400.0, TRUE_MS + 4 * HOUR_MS + n * 100)
    timeline.bound(4 * HOUR_MS + 50_000.0, TRUE_MS + 4 * HOUR_MS + 50_000)
    place = timeline.at(0.0)
    assert place is not None
    assert place.offset_ms == TRUE_MS


def test_a_clock_that_stood_still_is_followed_and_the_doubt_is_told() -> None:
    timeline = Timeline()
    for s in (0, 64, 128):
        timeline.read(s * 1000.0, TRUE_MS + s * 1000, s * 1000.0)
    for s in (192, 256):  # it slept for an hour in between
        timeline.read(s * 1000.0, TRUE_MS + s * 1000 + HOUR_MS, s * 1000.0)
    before, between, after = timeline.at(130_000.0), timeline.at(170_000.0), timeline.at(260_000.0)
    assert before is not None
    assert after is not None
    assert between is not None
    assert round(before.offset_ms) == TRUE_MS
    assert round(after.offset_ms) == TRUE_MS + HOUR_MS
    assert between.within_ms == HOUR_MS


def test_a_quartz_that_is_broken_is_named() -> None:
    node = Node(400, random.Random(2), slow=0)
    for _ in range(60):
        node.ask()
        node.mono_ms += 64_000
    told = re.fullmatch(r"its clock runs (\d+) millionths slow", node.timeline.fault or "")
    assert told is not None
    assert 395 <= int(told[1]) <= 405
    assert RATE_FAULT < 400e-6


def test_it_stays_small_and_comes_back_from_disk() -> None:
    node = Node(30, random.Random(9))
    for _ in range(400):
        node.ask()
        node.say()
        node.mono_ms += 300_000
    assert len(node.timeline._readings.all) <= BLOCKS_MOST
    assert len(node.timeline._bounds.all) <= BLOCKS_MOST
    again = Timeline.load(node.timeline.dump())
    for mono_ms in (node.begun_ms, (node.begun_ms + node.mono_ms) / 2, node.mono_ms):
        assert again.at(mono_ms) == node.timeline.at(mono_ms)
    assert not again.fresh
    assert again.fault == node.timeline.fault


def test_it_is_noticed_when_what_is_stored_would_move_and_only_then() -> None:
    stood, timeline = Stood(), Timeline()
    for n in range(3 * STRETCHES_MOST):
        timeline.read(n * 64_000.0, TRUE_MS + n * 64_000, n * 64_000.0 + 4)
        place = timeline.at(n * 64_000.0)
        assert place is not None
        stood.timed(n * 64_000.0, place.offset_ms)
    assert not stood.moved_by(timeline)
    again = Stood(timeline.dump())
    assert not again.moved_by(timeline)
    timeline.shift(40)
    assert not stood.moved_by(timeline)
    assert not again.moved_by(timeline)
    timeline.shift(40)
    assert stood.moved_by(timeline)
    assert again.moved_by(timeline)
    for it in (stood, again):
        it.settle(timeline)
        assert not it.moved_by(timeline)


def test_figures() -> None:
    assert AGREE_MS < GAP_MS
    assert BLOCK_MS * 600e-6 < 50, "between two exchanges no clock parts by more than the contract's 50 ms"

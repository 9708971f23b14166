"""Since when nobody hears a node: told within 5 s, however silently the hub goes; and never told by mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.hearing import Hearing


def heard(*, beat_s: float | None = 1.5, at_s: float = 0.0) -> Hearing:
    it = Hearing(at_s)
    it.up(at_s)
    it.state(at_s, online=True, beat_s=beat_s)
    it.heard(at_s, beat=beat_s is not None)
    return it


def test_a_node_begins_alone_and_a_hub_ends_that() -> None:
    it = Hearing(0)
    assert (it.alone_s(5), it.told_s(0.9), it.told_s(1)) == (0, None, 0)
    it.up(10)
    assert it.alone_s(10) == 0
    assert it.state(10, online=True, beat_s=1.5)
    assert it.alone_s(10) is None


@pytest.mark.parametrize("how", ["down", "lost"])
def test_what_is_known_to_be_gone_is_told_after_a_second(how: str) -> None:
    it = heard()
    if how == "down":
        it.down(1.0)
    else:
        it.state(1.0, online=False, beat_s=None)
    assert (it.alone_s(1.0), it.told_s(1.9), it.told_s(2.0)) == (1.0, None, 1.0)
    assert it.due_s(1.5) == 2.0
    it.down(3.0)
    assert it.told_s(3.0) == 1.0


def test_silence_is_told_before_five_seconds_are_over_and_one_late_beat_is_no_silence() -> None:
    it = heard()
    for at_s in (1.5, 3.0, 6.0):  # one was lost
        assert it.alone_s(at_s) is None
        assert not it.heard(at_s, beat=True)
    assert it.alone_s(9.7) is None
    assert it.due_s(9.7) == 9.75
    assert it.told_s(9.75) == 6.0
    assert it.heard(12.0, beat=True)
    assert it.alone_s(12.0) is None


def test_anything_the_hub_says_is_as_good_as_a_beat() -> None:
    it = heard()
    it.heard(3.0)
    assert it.alone_s(6.0) is None
    assert it.alone_s(6.8) == 3.0


def test_a_hub_without_a_beat_and_beats_that_are_kept_from_us_alarm_nobody() -> None:
    assert heard(beat_s=None).alone_s(10**6) is None
    it = Hearing(0)
    it.up(0)
    it.state(0, online=True, beat_s=1.5)
    it.heard(0.1)  # it answers us, but no beat gets through
    assert it.alone_s(10**6) is None


def test_a_broker_that_remembers_a_hub_which_hangs() -> None:
    it = Hearing(0)
    it.up(10)
    it.state(10, online=True, beat_s=1.5)  # retained: from the past
    assert it.alone_s(13.9) is None
    assert it.told_s(14) == 10


def test_in_a_fast_demo_people_have_real_eyes() -> None:
    it = Hearing(0, pace=60)
    it.up(0)
    it.state(0, online=True, beat_s=1.5)
    it.heard(0, beat=True)
    assert it.alone_s(3.7 * 60) is None
    assert it.told_s(3.8 * 60) == 0


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["up", "down", "online", "lost", "beat", "word"]))))
def test_whatever_happens_it_is_due_when_it_changes(steps: list[tuple[float, str]]) -> None:
    it, now_s = Hearing(0), 0.0
    for wait_s, what in steps:
        now_s += wait_s
        if what in ("up", "down"):
            getattr(it, what)(now_s)
        elif what in ("online", "lost"):
            it.state(now_s, online=what == "online", beat_s=1.5)
        else:
            it.heard(now_s, beat=what == "beat")
        due_s = it.due_s(now_s)
        assert due_s > now_s or it.told_s(now_s) is not None
        before = (it.alone_s(now_s), it.told_s(now_s))
        later_s = min(due_s, now_s + 100) - 1e-6
        if later_s > now_s:
            assert (it.alone_s(later_s), it.told_s(later_s)) == before

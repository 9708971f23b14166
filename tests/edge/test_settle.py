"""Settling, holding, hysteresis: pure machines of time and level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.settle import Change, Chatter, Doubt, Hold, Hysteresis, Press, Settle

DOWN, UP = True, False

gaps = st.floats(0.001, 10).map(lambda it: round(it, 3))
edges = st.lists(st.tuples(gaps, st.booleans()), max_size=40)


def play(machine: Settle, story: list[tuple[float, bool]], looks: list[float]) -> list[Change]:
    """Feed a story of (gap, level) to a machine that also looks at the clock at other times."""
    now_s, found, others = 0.0, [], sorted(looks)
    for gap, level in story:
        now_s += gap
        while others and others[0] <= now_s:
            found += machine.advance(others.pop(0))
        found += machine.feed(now_s, level)
    return found + machine.advance(now_s + 100)


@given(edges, st.lists(st.floats(0, 400), max_size=20), st.floats(0.001, 5))
def test_looking_more_often_changes_nothing(
    story: list[tuple[float, bool]], looks: list[float], settle_s: float
) -> None:
    assert play(Settle(settle_s, level=False, at_s=0), story, looks) == play(
        Settle(settle_s, level=False, at_s=0), story, []
    )


@given(edges, st.floats(0.001, 5))
def test_it_says_what_the_law_says(story: list[tuple[float, bool]], settle_s: float) -> None:
    """The obvious way: of the stretches of equal level, those that stood long enough, where the level differs."""
    stretches, now_s = [(0.0, False)], 0.0
    for gap, level in story:
        now_s += gap
        if level != stretches[-1][1]:
            stretches.append((now_s, level))
    ends = [start for start, _ in stretches[1:]] + [now_s + 100]
    expected, settled = [], False
    for (start, level), end in zip(stretches, ends, strict=True):
        if level != settled and start + settle_s <= end:
            settled = level
            expected.append(Change(level, start))
    assert play(Settle(settle_s, level=False, at_s=0), story, []) == expected


def test_a_press_has_the_time_of_its_edge_and_bounce_is_counted() -> None:
    machine = Settle(0.03, level=False, at_s=0)
    for at_s, level in ((1.0, True), (1.002, False), (1.004, True)):
        assert machine.feed(at_s, level) == []
    assert machine.due_s() == pytest.approx(1.034)
    assert machine.advance(1.033) == []
    assert machine.advance(1.2) == [Change(DOWN, 1.004)]
    assert machine.drops == 1
    assert machine.due_s() is None


def test_noise_is_dropped_both_ways() -> None:
    machine = Settle(0.03, level=True, at_s=0)
    assert machine.feed(1.0, UP) + machine.feed(1.01, DOWN) + machine.advance(9) == []
    machine = Settle(0.03, level=False, at_s=0)
    assert machine.feed(1.0, DOWN) + machine.feed(1.01, UP) + machine.advance(9) == []


def test_an_edge_that_is_told_late_counts_from_when_it_was() -> None:
    machine = Settle(0.03, level=False, at_s=0)
    machine.advance(2.0)
    assert machine.feed(1.0, DOWN) + machine.feed(1.2, UP) == [Change(DOWN, 1.0)]
    assert machine.advance(2.0) == [Change(UP, 1.2)]


def test_an_edge_that_is_told_out_of_order_counts_as_the_last() -> None:
    machine = Settle(0.03, level=False, at_s=0)
    machine.feed(2.0, DOWN)
    assert machine.feed(1.0, UP) == []
    assert machine.feed(3.0, DOWN) + machine.advance(4.0) == [Change(DOWN, 3.0)]


def test_a_press_at_once_a_hold_when_it_is_reached() -> None:
    hold = Hold(2.0)
    assert hold.feed(Change(DOWN, 10.0)) == [Press(held=False, at_s=10.0, down_s=10.0)]
    assert hold.due_s() == 12.0
    assert hold.advance(11.9) == []
    assert hold.advance(50.0) == [Press(held=True, at_s=12.0, down_s=10.0)]
    assert hold.advance(60.0) == []
    assert hold.feed(Change(UP, 70.0)) == []


def test_a_release_that_is_told_late_does_not_lose_the_hold() -> None:
    hold = Hold(2.0)
    hold.feed(Change(DOWN, 10.0))
    assert hold.feed(Change(UP, 13.0)) == [Press(held=True, at_s=12.0, down_s=10.0)]
    hold.feed(Change(DOWN, 20.0))
    assert hold.feed(Change(UP, 21.9)) == []


def test_a_button_found_down_holds_nothing() -> None:
    hold = Hold(2.0)
    assert hold.due_s() is None
    assert hold.feed(Change(UP, 5.0)) == []


def test_between_two_marks_nothing_changes() -> None:
    marks = Hysteresis(1.0, 1.5)
    assert [marks.feed(it) for it in (1.2, 0.9, 1.2, 1.5, 1.6, 1.2, 1.0, 0.99)] == [
        None, True, True, True, False, False, False, True,
    ]  # fmt: skip
    for near, far in ((1.5, 1.0), (1.0, 1.0), (0, 1)):
        with pytest.raises(ValueError, match="must be less than far"):
            Hysteresis(near, far)


def test_a_doubt_is_believed_the_second_time_and_from_the_first() -> None:
    doubt = Doubt(0.05)
    assert doubt.read(1.0, level=True, edge=True) is None
    assert doubt.read(2.0, level=False, edge=True) is None
    assert doubt.due_s() == 2.05
    assert doubt.read(2.01, level=False, edge=True) is None
    assert doubt.read(2.06, level=False, edge=True) == 2.0
    assert doubt.due_s() is None
    doubt.read(3.0, level=False, edge=True)
    assert doubt.read(3.01, level=False, edge=False) is None  # the edge was only late
    assert doubt.due_s() is None


def test_chatter_is_many_in_little_time() -> None:
    chatter = Chatter(60, 3)
    for at_s in (0, 50, 100, 150):
        chatter.add(at_s)
    assert not chatter.chatters(150)
    for at_s in (151, 152, 153):
        chatter.add(at_s)
    assert chatter.chatters(153)
    assert not chatter.chatters(300)

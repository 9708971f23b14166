"""The language of lamps and buzzers: one thing is said at a time, and always the right one."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.language import (
    LAMP,
    OFF,
    SOUND,
    Condition,
    Ended,
    Open,
    Own,
    Pattern,
    View,
    condition,
    next_turn_s,
    sound_condition,
)


def opened(**times: float | None) -> Open:
    return Open(expectation="wait", key=None, opened_s=0, counts_to_s=180, deadline_s=180, **times)  # type: ignore[arg-type]


CALM = View()
THREATENED = View((opened(threatened_s=0),))
ASKED = View((opened(threatened_s=0, claimed_s=20, failing_s=120, asks_until_s=130),))
CLAIMED = View((opened(threatened_s=0, claimed_s=20),))
FAILING = View((opened(threatened_s=0, claimed_s=20, failing_s=120),))
SAVED = View((), Ended(key=None, verdict="success", saved=True, at_s=100))
FAILED = View((), Ended(key=None, verdict="failure", saved=False, at_s=100))


@pytest.mark.parametrize(
    ("view", "own", "now_s", "said", "since_s"),
    [
        (CALM, Own(), 50, "calm", 0),
        (CALM, Own(waiting_s=50), 50, "seen", 50),
        (CALM, Own(waiting_s=50), 54.9, "seen", 50),
        (CALM, Own(waiting_s=50), 55, "untold", 55),
        (CALM, Own(heard_s=50), 51.9, "heard", 50),
        (CALM, Own(heard_s=50), 52, "calm", 0),
        (CALM, Own(refused_s=50, waiting_s=50), 51, "refused", 50),
        (THREATENED, Own(refused_s=50), 51.5, "threatened", 0),
        (CALM, Own(identify_s=50, identify_until_s=60, refused_s=50), 51, "identify", 50),
        (THREATENED, Own(), 10, "threatened", 0),
        (THREATENED, Own(waiting_s=9), 10, "seen", 9),
        (CLAIMED, Own(), 19, "threatened", 0),
        (CLAIMED, Own(), 20, "claimed", 20),
        (ASKED, Own(), 125, "asked", 0),
        (ASKED, Own(), 130, "failing", 120),
        (ASKED, Own(waiting_s=60), 62, "seen", 60),
        (FAILING, Own(), 119, "claimed", 20),
        (FAILING, Own(), 120, "failing", 120),
        (FAILING, Own(), 180.5, "failing", 120),
        (FAILING, Own(), 181, "failed", 181),
        (View((opened(),)), Own(), 10, "calm", 0),
        (View((opened(), *THREATENED.moments)), Own(), 10, "threatened", 0),
        (View((*THREATENED.moments, *FAILING.moments)), Own(), 130, "failing", 120),
        (SAVED, Own(), 103.9, "saved", 100),
        (SAVED, Own(), 104, "calm", 0),
        (FAILED, Own(), 101, "failed", 100),
        (FAILED, Own(), 102, "calm", 0),
        (View(THREATENED.moments, SAVED.ended), Own(), 101, "threatened", 0),
        (CALM, Own(blind_s=5), 50, "blind", 5),
        (THREATENED, Own(blind_s=5), 50, "threatened", 0),
        (CALM, Own(alone_s=5, blind_s=6), 50, "alone", 5),
        (CALM, Own(waiting_s=50, alone_s=5), 54, "seen", 50),
        (CALM, Own(waiting_s=50, alone_s=5), 59, "untold", 55),
        (CALM, Own(loose_s=50, waiting_s=50), 50, "untold", 50),
        (THREATENED, Own(waiting_s=5), 11.9, "untold", 10),
        (THREATENED, Own(waiting_s=5), 12, "threatened", 0),
        (FAILING, Own(waiting_s=5, alone_s=3), 122, "failing", 120),
        (FAILING, Own(waiting_s=5, alone_s=3), 120, "untold", 10),
        (THREATENED, Own(alone_s=10), 15.8, "threatened", 0),
        (View((opened(threatened_s=-inf),)), Own(), 50, "threatened", -inf),
    ],
)
def test_what_is_said(view: View, own: Own, now_s: float, said: str, since_s: float) -> None:
    found = condition(view, own, now_s)
    assert (found.name, found.since_s) == (said, since_s)


def test_alone_a_lamp_says_by_turns_that_nobody_knows_and_how_the_place_stands() -> None:
    names: list[tuple[str, bool]] = []
    own, now_s = Own(alone_s=10), 10.0
    while now_s < 25:
        said = condition(THREATENED, own, now_s)
        shown = (said.name, LAMP[said.name].on_at(now_s - said.since_s))
        names += [shown] if names[-1:] != [shown] else []
        now_s += min(LAMP[said.name].next_s(now_s - said.since_s), next_turn_s(own, now_s)) + 1e-9
    turn = [("alone", False), ("alone", True), ("alone", False), ("alone", True), ("threatened", True)]
    assert names[:10] == turn * 2
    assert next_turn_s(Own(), 5) == inf
    assert next_turn_s(Own(alone_s=10, waiting_s=10), 16) == 1.0


def test_a_buzzer_says_each_thing_once_and_takes_no_turns() -> None:
    own = Own(waiting_s=0, alone_s=0)
    assert [sound_condition(THREATENED, own, at_s).name for at_s in (1, 5, 5.9, 6, 10.5)] == [
        "seen", "untold", "untold", "threatened", "threatened"
    ]  # fmt: skip
    assert sound_condition(CALM, Own(alone_s=3), 4) == Condition("alone", 3)


def test_people_have_real_eyes_in_a_fast_demo() -> None:
    assert condition(CALM, Own(waiting_s=0), 299, pace=60).name == "seen"
    assert condition(CALM, Own(waiting_s=0), 300, pace=60).name == "untold"


def lit(name: str, for_s: float = 12.0) -> list[tuple[float, bool]]:
    """Return the changes of a lamp in its first seconds."""
    pattern = LAMP[name]  # type: ignore[index]
    changes, now_s = [], 0.0
    while now_s < for_s:
        changes.append((round(now_s, 3), pattern.on_at(now_s)))
        now_s += pattern.next_s(now_s) + 1e-9
    return changes


def test_lamps_blink_as_agreed() -> None:
    assert lit("calm") == [(0.0, True), (0.05, False), (10.0, True), (10.05, False)]
    assert lit("seen", 0.45) == [(0.0, True), (0.1, False), (0.2, True), (0.3, False), (0.4, True)]
    assert sum(on for _, on in lit("refused")) == 3
    assert lit("threatened") == [(0.0, True)]
    assert [on for _, on in lit("failed")] == [True, False]
    assert [at for at, on in lit("claimed") if on] == [0.0, 2.4, 4.8, 7.2, 9.6]
    assert sum(on for _, on in lit("blind", 3.0)) == 2
    assert not OFF.on_at(0)


def test_buzzers_are_silent_when_all_is_well_or_somebody_comes() -> None:
    assert not {"calm", "seen", "heard", "claimed", "blind"} & set(SOUND)
    assert SOUND["failing"].repeat


def test_what_never_began_blinks_all_the_same() -> None:
    assert Pattern((1.0, 1.0)).on_at(-5)
    assert LAMP["threatened"].on_at(inf)


@given(st.sampled_from(sorted(LAMP)), st.floats(0, 1e6))
def test_the_next_change_is_ahead(name: str, since_s: float) -> None:
    pattern = LAMP[name]  # type: ignore[index]
    assert pattern.next_s(since_s) > 0

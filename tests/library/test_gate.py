"""The AND gate: nine out of ten is a failure."""

from __future__ import annotations

import pytest

from andgate.moment.gate import INCOMPLETE_AFTER_MS, Serving, outcome
from andgate.moment.moments import Moment
from andgate.plan import Plan, parse_plan
from tests.plans import SITE

MINUTE_MS = 60_000
PLAN_TEXT = (
    SITE
    + """
[groups.staff]
name = "Staff"
[touchpoints.line]
name = "Line"
group = "staff"
[touchpoints.gate]
name = "Gate"
group = "staff"
[touchpoints.belt]
name = "Belt"
group = "staff"
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["line"]
opens = ["pressed"]
closes = ["reset"]
fails_after = "3m"
[expectations.board]
promise = "Boarding starts when you said."
touchpoints = ["gate"]
key = "flight"
opens = ["called"]
closes = ["boarded"]
fails_after = "10m"
[expectations.bag]
promise = "I have my bag within 25 minutes."
touchpoints = ["belt"]
key = "flight"
opens = ["docked"]
closes = ["unloaded"]
fails_after = "25m"
[interactions.departing]
name = "Departing"
key = "flight"
inputs = ["wait", "board"]
[interactions.flying]
name = "Flying with us"
key = "flight"
inputs = ["departing", "bag"]
[interactions.checking-in]
name = "Checking in"
inputs = ["wait"]
"""
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return parse_plan(PLAN_TEXT)


def moment(  # a moment has that many sides
    expectation: str,
    verdict: str | None = "success",
    *,
    key: str | None = "AG1/2026-11-21",
    touchpoint: str = "gate",
    opened: int = 0,
    ended: int | None = 1,
    ends: int = 10,
    name: str = "",
    provisional: bool = False,
    withdrawn: bool = False,
) -> Moment:
    return Moment(
        id=name or f"{expectation}-{opened}",
        anchor="f/x",
        expectation=expectation,
        touchpoint=touchpoint,
        key=key,
        opened_ms=opened * MINUTE_MS,
        ends_ms=ends * MINUTE_MS,
        counts_to_ms=ends * MINUTE_MS,
        ended_ms=None if ended is None else ended * MINUTE_MS,
        state="open" if ended is None else "ended",
        verdict=verdict,  # type: ignore[arg-type]
        provisional=provisional,
        withdrawn=withdrawn,
        plan="v",
    )


KEY = "AG1/2026-11-21"


def test_success_when_every_keyed_input_has_ended_well(plan: Plan) -> None:
    moments = [moment("board", ended=4), moment("bag", touchpoint="belt", opened=60, ended=70, ends=85)]
    result = outcome("flying", KEY, plan, moments, [], 100 * MINUTE_MS)
    assert result is not None
    assert (result.state, result.first, result.failing, result.missing) == ("success", None, (), ())
    assert result.decided_ms == 70 * MINUTE_MS
    assert result.from_ms == 0


def test_nine_out_of_ten_is_a_failure_and_the_first_failing_input_is_named(plan: Plan) -> None:
    moments = [
        moment("bag", "failure", touchpoint="belt", opened=60, ended=90, ends=85),
        moment("board", "failure", ended=12),
    ]
    result = outcome("flying", KEY, plan, moments, [], 100 * MINUTE_MS)
    assert result is not None
    assert result.state == "failure"
    assert result.first is not None
    assert (result.first.expectation, result.first.moment) == ("board", "board-0")
    assert [each.expectation for each in result.failing] == ["board", "bag"]
    assert result.decided_ms == 10 * MINUTE_MS


def test_a_failure_is_decided_although_other_inputs_are_missing(plan: Plan) -> None:
    result = outcome("flying", KEY, plan, [moment("board", "failure", ended=None)], [], 20 * MINUTE_MS)
    assert result is not None
    assert (result.state, result.missing) == ("failure", ("bag",))


def test_pending_while_an_input_is_missing_and_incomplete_after_a_day(plan: Plan) -> None:
    moments = [moment("board")]
    early = outcome("flying", KEY, plan, moments, [], INCOMPLETE_AFTER_MS - 1)
    late = outcome("flying", KEY, plan, moments, [], INCOMPLETE_AFTER_MS)
    assert early is not None
    assert late is not None
    assert (early.state, early.decided_ms) == ("pending", None)
    assert (late.state, late.decided_ms) == ("incomplete", INCOMPLETE_AFTER_MS)


def test_a_day_is_counted_from_the_first_moment(plan: Plan) -> None:
    result = outcome("flying", KEY, plan, [moment("board", opened=60)], [], INCOMPLETE_AFTER_MS)
    assert result is not None
    assert (result.state, result.from_ms) == ("pending", 60 * MINUTE_MS)


def test_a_line_that_ended_early_counts_for_nobody_served_after_its_end(plan: Plan) -> None:
    line = moment("wait", "failure", key=None, touchpoint="line", opened=5, ended=6, ends=8)
    for from_min, state in ((6, "failure"), (7, "success")):
        servings = [Serving("line", KEY, from_min * MINUTE_MS)]
        result = outcome("departing", KEY, plan, [line, moment("board")], servings, 40 * MINUTE_MS)
        assert result is not None
        assert result.state == state


def test_pending_while_something_is_open(plan: Plan) -> None:
    moments = [moment("board"), moment("bag", None, touchpoint="belt", ended=None)]
    result = outcome("flying", KEY, plan, moments, [], MINUTE_MS)
    assert result is not None
    assert result.state == "pending"


def test_void_and_withdrawn_moments_are_left_out(plan: Plan) -> None:
    assert outcome("departing", KEY, plan, [moment("board", "void")], [], 0) is None
    assert outcome("departing", KEY, plan, [], [], 0) is None
    assert outcome("departing", KEY, plan, [moment("board", "failure", withdrawn=True)], [], 0) is None
    elsewhere = [
        moment("bag", "failure", touchpoint="belt"),
        moment("board", "void", opened=1),
        moment("board", opened=2),
    ]
    result = outcome("departing", KEY, plan, elsewhere, [], 0)
    assert result is not None
    assert (result.interaction, result.key, result.state, result.moments) == ("departing", KEY, "success", ("board-2",))
    other = moment("board", key="AG2/2026-11-21")
    assert outcome("departing", KEY, plan, [other], [], 0) is None


@pytest.mark.parametrize(
    ("from_min", "to_min", "counts"),
    [(0, 4, False), (0, 5, True), (6, 7, True), (8, None, True), (9, None, False), (0, None, True)],
)
def test_a_line_counts_for_the_flights_served_while_it_ran(
    plan: Plan, from_min: int, to_min: int | None, *, counts: bool
) -> None:
    """The line stood from minute 5, failed at minute 8 and went on: after its deadline it broke nobody else's."""
    line = moment("wait", "failure", key=None, touchpoint="line", opened=5, ended=30, ends=8)
    to_ms = None if to_min is None else to_min * MINUTE_MS
    servings = [Serving("line", KEY, from_min * MINUTE_MS, to_ms), Serving("gate", KEY, 0)]
    result = outcome("departing", KEY, plan, [line, moment("board")], servings, 40 * MINUTE_MS)
    assert result is not None
    assert result.state == ("failure" if counts else "success")


def test_an_open_line_counts_up_to_its_deadline(plan: Plan) -> None:
    line = moment("wait", None, key=None, touchpoint="line", opened=5, ended=None, ends=8, provisional=True)
    result = outcome("departing", KEY, plan, [line, moment("board")], [Serving("line", KEY, 7 * MINUTE_MS)], 0)
    assert result is not None
    assert (result.state, result.provisional) == ("pending", True)


def test_without_a_key_each_moment_is_an_occurrence(plan: Plan) -> None:
    line = moment("wait", key=None, touchpoint="line")
    result = outcome("checking-in", None, plan, [line], [], 0)
    assert result is not None
    assert (result.state, result.key, result.missing) == ("success", None, ())

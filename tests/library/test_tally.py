"""Rates: figures that add up, and say how sure they are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment.gate import FailedInput, Outcome
from andgate.moment.moments import Moment
from andgate.tally import Count, control_chart, count_of, pareto, success_table, total, wilson, worst_first

MOMENT = Moment(
    id="m", anchor="f/x", expectation="wait", touchpoint="line", opened_ms=0, ends_ms=10, counts_to_ms=10, plan="v"
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(5, 5, 0.57, 1.0), (9, 10, 0.60, 0.98), (19, 20, 0.76, 0.99), (38, 40, 0.84, 0.99), (190, 200, 0.91, 0.97)],
)
def test_wilson_as_published(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert interval is not None
    assert interval.low == pytest.approx(low, abs=0.0055)
    assert interval.high == pytest.approx(high, abs=0.0055)


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_a_share(counted: tuple[int, int]) -> None:
    successes, n = counted
    interval = wilson(successes, n)
    if n == 0:
        assert interval is None
    else:
        assert interval is not None
        assert 0 <= interval.low <= interval.share + 1e-12
        assert interval.share - 1e-12 <= interval.high <= 1


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3)])
def test_wilson_refuses_what_cannot_be_counted(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes of"):
        wilson(successes, n)


def test_what_a_moment_counts_for() -> None:
    success = replace(MOMENT, verdict="success", saved=True, answered=True, anomaly=True, provisional=True)
    assert count_of(MOMENT) == Count()
    assert count_of(replace(success, withdrawn=True)) == Count()
    assert count_of(replace(MOMENT, verdict="void", provisional=True)) == Count(void=1)
    assert count_of(success) == Count(success=1, saved=1, answered=1, anomaly=1, provisional=1)
    assert count_of(replace(MOMENT, verdict="failure")) == Count(failure=1)


def test_counts_add_up() -> None:
    counted = total([Count(success=3, saved=2), Count(failure=1), Count(void=5)])
    assert (counted.judged, counted.threatened, counted.void) == (4, 3, 5)
    assert counted.rate is not None
    assert counted.rate.share == 0.75
    assert counted.save_rate is not None
    assert counted.save_rate.share == pytest.approx(2 / 3)
    assert total([]).rate is None


def outcome_of(state: str, expectation: str | None = None) -> Outcome:
    first = FailedInput(expectation, "m", 0) if expectation else None
    return Outcome(
        interaction="flying",
        key="AG1",
        state=state,  # type: ignore[arg-type]
        first=first,
        failing=(first,) if first else (),
        missing=(),
        moments=(),
        from_ms=0,
        decided_ms=0,
        provisional=False,
    )


def test_the_success_table_names_what_breaks_first() -> None:
    counts = {"wait": Count(success=9, failure=1), "bag": Count(success=5, failure=5)}
    outcomes = [
        outcome_of("success"),
        outcome_of("failure", "bag"),
        outcome_of("failure", "bag"),
        outcome_of("pending"),
    ]
    lines, gate = success_table(["wait", "board", "bag"], counts, outcomes)
    assert [(line.expectation, line.fails_first) for line in lines] == [("wait", 0), ("board", 0), ("bag", 2)]
    assert (gate.success, gate.failure) == (1, 2)
    assert [line.expectation for line in worst_first(lines)] == ["bag", "wait", "board"]


def test_a_control_chart_follows_the_days() -> None:
    chart = control_chart([2, 0, 2, 30, 2, 2], [100, 0, 100, 100, 100, 100])
    assert chart is not None
    assert chart.mean == pytest.approx(38 / 500)
    assert chart.points[1] is None
    assert all(point.low <= point.share <= point.high or point.outside for point in chart.points if point)


def test_limits_are_plain_where_days_scatter_as_dice_do() -> None:
    """Two days with z-scores 1.128 apart: sigma_z is 1, so the limits are the plain p-chart's."""
    n, mean = 10_000, 0.05
    half = round(1.128 / 2 * math.sqrt(mean * (1 - mean) / n) * n)
    chart = control_chart([500 - half, 500 + half], [n, n])
    assert chart is not None
    assert chart.sigma_z == pytest.approx(1, abs=0.05)
    point = chart.points[0]
    assert point is not None
    assert point.high - point.low == pytest.approx(6 * math.sqrt(mean * (1 - mean) / n) * chart.sigma_z)


def test_a_day_far_out_is_marked_when_the_others_are_steady() -> None:
    chart = control_chart([5] * 30 + [60], [100] * 31)
    assert chart is not None
    assert [i for i, point in enumerate(chart.points) if point and point.outside] == [30]


@pytest.mark.parametrize(("bad", "judged"), [([], []), ([1], [4]), ([0, 1], [0, 3])])
def test_one_day_is_no_chart(bad: list[int], judged: list[int]) -> None:
    assert control_chart(bad, judged) is None


def test_no_failures_at_all_is_a_flat_chart() -> None:
    chart = control_chart([0, 0], [5, 7])
    assert chart is not None
    assert (chart.mean, chart.sigma_z) == (0, 0)


def test_pareto_is_cumulative_and_most_first() -> None:
    bars = pareto(["time", "people", "time", "cost"])
    assert [(bar.name, bar.n) for bar in bars] == [("time", 2), ("cost", 1), ("people", 1)]
    assert [bar.cumulative for bar in bars] == [0.5, 0.75, 1.0]
    assert pareto([]) == ()

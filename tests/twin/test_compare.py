from __future__ import annotations

import pytest

from andgate.plan import Plan
from twin.compare import compare, difference, table


def test_paging_breaks_fewer_promises_and_customers_feel_it(airport: Plan) -> None:
    listening, paging = compare(airport, days=2, seed=1)
    for name in ("check-in-wait", "help"):
        before, after = listening.promises[name], paging.promises[name]
        fell = difference((before.failure, before.judged), (after.failure, after.judged))
        assert fell is not None
        assert fell[1] > 0.1, f"{name}: even the low end of the interval is a real difference"
        assert paging.truth.broken[name] < listening.truth.broken[name]
    assert listening.pages == 0 < paging.pages
    assert listening.gates["flying"].judged == paging.gates["flying"].judged == 2 * 58
    text = table(airport, listening, paging, days=2, seed=1)
    assert "2 days, seed 1" in text
    assert "I wait no more than 15 minutes to check in." in text
    assert max(len(line) for line in text.splitlines()) <= 150


def test_a_difference_has_newcombes_interval() -> None:
    # Newcombe 1998, example (a): 56/70 against 48/80 is 0.2, 0.0524 to 0.3339.
    fell = difference((56, 70), (48, 80))
    assert fell is not None
    assert fell == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-4)
    assert difference((0, 0), (1, 2)) is None

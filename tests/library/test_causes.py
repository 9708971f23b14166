"""Causes: what is chosen from, what machines propose, how often each was given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from andgate.causes import (
    BLIND,
    CATEGORIES,
    SUSPENDED,
    USUAL,
    Fact,
    by_category,
    choices,
    find,
    pareto,
    proposals,
    split,
)
from andgate.plan import Category, Cause, Expectation

STANDS = Cause("belt-stands", "quality", "Belt stands")
FEW = Cause("too-few", "people", "Too few handlers")
BAGS = Expectation(
    id="bags",
    promise="My bag is there.",
    touchpoints=("belt-3",),
    opens=("docked",),
    closes=("unloaded",),
    fails_after_ms=1_500_000,
    threatens=("jammed", "late"),
    causes=(STANDS, FEW),
    proposes={"jammed": "belt-stands"},
)
BARE = Expectation(id="x", promise="X", touchpoints=(), opens=(), closes=(), fails_after_ms=1)


def test_the_plan_has_its_own_list_or_the_usual_one() -> None:
    assert choices(BAGS) == (STANDS, FEW)
    assert choices(BARE) == choices(None) == USUAL
    assert by_category(choices(BAGS)) == {"people": (FEW,), "quality": (STANDS,)}
    assert tuple(by_category(USUAL)) == CATEGORIES
    assert len({cause.id for cause in (*USUAL, BLIND, SUSPENDED)}) == len(USUAL) + 2


def test_a_cause_is_found_by_its_id() -> None:
    assert find(BAGS, "too-few") == FEW
    assert find(None, "equipment") in USUAL
    assert find(BAGS, "suspended") == SUSPENDED
    assert find(BAGS, "equipment") is None


def test_belt_node_and_suspension_propose_theirs() -> None:
    facts = [
        Fact("signal", "jammed", "belt-3/jam"),
        Fact("signal", "jammed"),
        Fact("signal", "late", "feed"),
        Fact("blind", "lost", "belt-3/done"),
        Fact("suspended", "fire alarm"),
    ]
    assert [(each.cause, each.because) for each in proposals(BAGS, facts)] == [
        (STANDS, "belt-3/jam said jammed"),
        (BLIND, "belt-3/done did not see"),
        (SUSPENDED, "suspended: fire alarm"),
    ]
    assert [each.because for each in proposals(BAGS, facts[1:2])] == ["jammed was said"]
    assert [each.because for each in proposals(None, [facts[0], Fact("suspended")])] == ["it was suspended"]


def test_words_may_begin_with_their_category() -> None:
    assert split("people: desk 3 closed") == ("people", "desk 3 closed")
    assert split("desk 3: closed") == (None, "desk 3: closed")


def test_the_unknown_is_counted_last_and_is_no_cause() -> None:
    found = pareto(
        {
            (None, None, "not yet known"): 5,
            ("people", "too-few", "Too few handlers"): 1,
            ("quality", "belt-stands", "Belt stands"): 3,
            ("quality", "", "a dog on the belt"): 1,
        }
    )
    assert [(each.text, each.n, each.share, each.cumulative) for each in found] == [
        ("Belt stands", 3, 0.3, 0.6),
        ("Too few handlers", 1, 0.1, 0.8),
        ("a dog on the belt", 1, 0.1, 1.0),
        ("not yet known", 5, 0.5, 0.0),
    ]
    assert pareto({}) == ()


CATEGORY = st.sampled_from(CATEGORIES)


@given(st.dictionaries(st.tuples(CATEGORY, st.text(min_size=1), st.text()), st.integers(1, 99)), st.integers(0, 99))
def test_every_failure_is_counted_once(known: dict[tuple[Category, str, str], int], unknown: int) -> None:
    counts: dict[tuple[Category | None, str | None, str], int] = dict(known.items())
    if unknown:
        counts[None, None, "?"] = unknown
    found = pareto(counts)
    assert sum(each.n for each in found) == sum(counts.values())
    assert abs(sum(each.share for each in found) - bool(counts)) < 1e-9
    told = [each for each in found if each.cause is not None]
    assert [each.n for each in told] == sorted((each.n for each in told), reverse=True)
    assert not told or abs(told[-1].cumulative - 1) < 1e-9

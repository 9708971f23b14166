"""What a plan says about a failure: what to do first against it, why it may happen, what is owed then."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from andgate.errors import PlanError
from andgate.plan import MADE_GOOD, OWED, Cause, PageStep, Plan, Remedy, describe, is_task, parse_plan, task_of

REMEDY = """
[expectations.check-in-wait.remedy]
text = "Apologise in person; priority tag on the bags."
within = "30m"
group = "ticket-agents"
may = ["Priority tag", "Voucher up to 20 EUR"]
[[expectations.check-in-wait.remedy.pages]]
left = "10m"
group = "supervisors"
unless = "claimed"
[[expectations.check-in-wait.remedy.pages]]
left = "30m"
group = "ticket-agents"
"""
CAUSES = """
[expectations.baggage-claim.causes]
people = ["Too few handlers"]
quality = ["Belt stands", "Hold   jammed"]
proposed_by = { jammed = "Belt stands" }
"""
FIRST = """
[expectations.check-in-wait.first_at]
counter-a = ["Ring the crew room"]
"""
WORDS = 'remedy = "Apologise in person; priority tag on the bags."'


@pytest.fixture
def airport(airport_toml: str) -> Plan:
    """The plan of the README."""
    return parse_plan(airport_toml)


@pytest.fixture
def richer(airport_toml: str) -> str:
    """The airport's plan, with a task, causes and first actions."""
    assert WORDS in airport_toml
    return airport_toml.replace(WORDS, 'first = ["Open a second desk"]') + REMEDY + CAUSES + FIRST


def wrong(text: str) -> list[tuple[str, str]]:
    """Return (key, what) of every problem."""
    with pytest.raises(PlanError) as refused:
        parse_plan(text)
    return [(problem.key, problem.what) for problem in refused.value.problems]


def test_a_remedy_is_words_or_a_task_with_a_clock(airport: Plan, richer: str) -> None:
    assert airport.expectations["check-in-wait"].task is None
    assert airport.judged == airport.expectations
    plan = parse_plan(richer)
    promise = plan.expectations["check-in-wait"]
    assert promise.remedy == airport.expectations["check-in-wait"].remedy
    assert promise.task == Remedy(
        within_ms=1_800_000,
        group="ticket-agents",
        may=("Priority tag", "Voucher up to 20 EUR"),
        pages=(PageStep(1_800_000, "ticket-agents"), PageStep(600_000, "supervisors", unless_claimed=True)),
    )
    bare = REMEDY[: REMEDY.index("may =")]
    task = parse_plan(richer.replace(REMEDY, bare)).expectations["check-in-wait"].task
    assert task == Remedy(1_800_000, "ticket-agents", (), (PageStep(1_800_000, "ticket-agents"),))


def test_a_task_is_a_promise_beside_the_others(richer: str) -> None:
    plan = parse_plan(richer)
    name = task_of("check-in-wait")
    assert list(plan.judged) == [*plan.expectations, name]
    task = plan.judged[name]
    assert (task.id, task.remedy_of, task.key) == ("check-in-wait.remedy", "check-in-wait", "failure")
    assert (task.opens, task.closes, task.fails_after_ms) == ((OWED,), (MADE_GOOD,), 1_800_000)
    assert task.promise == "Apologise in person; priority tag on the bags."
    assert task.touchpoints == plan.expectations["check-in-wait"].touchpoints
    assert name not in plan.interactions_of
    assert name not in plan.expectations


def test_causes_stand_in_categories_and_signals_propose_them(richer: str) -> None:
    promise = parse_plan(richer).expectations["baggage-claim"]
    assert promise.causes == (
        Cause("too-few-handlers", "people", "Too few handlers"),
        Cause("belt-stands", "quality", "Belt stands"),
        Cause("hold-jammed", "quality", "Hold jammed"),
    )
    assert promise.proposes == {"jammed": "belt-stands"}


def test_first_actions_are_the_promises_or_the_places(richer: str) -> None:
    promise = parse_plan(richer).expectations["check-in-wait"]
    assert promise.first_actions("counter-b") == ("Open a second desk",)
    assert promise.first_actions("counter-a") == ("Ring the crew room",)
    empty = richer.replace('["Ring the crew room"]', "[]")
    assert parse_plan(empty).expectations["check-in-wait"].first_actions("counter-a") == ("Open a second desk",)


def test_what_says_nothing_new_keeps_its_version(airport: Plan, airport_toml: str, richer: str) -> None:
    assert parse_plan(airport_toml + "[expectations.baggage-claim.first_at]\nbelt-3 = []\n").version == airport.version
    versions = {parse_plan(airport_toml + each).version for each in ("", CAUSES, FIRST)} | {parse_plan(richer).version}
    assert len(versions) == 4


def test_a_plan_says_it_in_words(richer: str) -> None:
    words = describe(parse_plan(richer))
    for line in (
        "  First: Open a second desk\n",
        "  First at Check-in counter A: Ring the crew room\n",
        "    Ticket agents do that within 30m of the failure; it is judged too\n",
        "    They may give without asking: Priority tag, Voucher up to 20 EUR\n",
        "    Ticket agents are paged at the failure\n",
        "    Supervisors are paged 20m after the failure, unless somebody has claimed it\n",
        "  Causes, quality: Belt stands, Hold jammed\n",
        "    jammed proposes: Belt stands\n",
    ):
        assert line in words
    bare = describe(parse_plan(richer.replace('may = ["Priority tag", "Voucher up to 20 EUR"]', "")))
    assert "may give" not in bare


@pytest.mark.parametrize(
    ("was", "now", "key", "what"),
    [
        ('within = "30m"', 'within = "13h"', "remedy.within", "13h is longer than 12h"),
        ('within = "30m"', "", "remedy.within", "is missing"),
        ('group = "ticket-agents"\nmay', 'group = "nobody"\nmay', "remedy.group", 'unknown group "nobody"'),
        (
            'left = "10m"',
            'left = "40m"',
            "remedy.pages[0].left",
            "40m is longer than within = 30m: nobody could be paged then",
        ),
        ("may =", "mays =", "remedy.mays", 'unknown key "mays"'),
        ('["Priority tag"', '["priority-tag", "Priority tag"', "remedy.may[1]", '"Priority tag" is named twice'),
        ('["Priority tag"', "[5", "remedy.may[0]", "must be text, not 5"),
        ('["Priority tag"', '["---"', "remedy.may[0]", '"---" has nothing to read in it'),
        ('["Priority tag"', f'["{"x" * 81}"', "remedy.may[0]", "has 81 characters"),
        ('may = ["Priority tag", "Voucher up to 20 EUR"]', 'may = "tag"', "remedy.may", 'must be a list, not "tag"'),
        ('["Priority tag"', str([f"w{n}" for n in range(12)])[:-1], "remedy.may", "has 13 of them"),
        (
            'people = ["Too few handlers"]',
            'people = ["belt stands"]',
            "causes.quality[0]",
            '"Belt stands" is the same as "belt stands" under people',
        ),
        (
            'jammed = "Belt stands"',
            'docked = "Belt stands"',
            "causes.proposed_by.docked",
            '"docked" neither threatens this nor fails it',
        ),
        ('jammed = "Belt stands"', 'jammed = "Rain"', "causes.proposed_by.jammed", 'no cause "Rain" in the list'),
        ('jammed = "Belt stands"', "jammed = 5", "causes.proposed_by.jammed", "must be text, not 5"),
        (
            "counter-a = [",
            "belt-3 = [",
            "first_at.belt-3",
            '"belt-3" is no touchpoint of this promise',
        ),
        (CAUSES, "[expectations.baggage-claim.causes]\n", "causes", "names no cause"),
        ('threatens = ["jammed"]', "", "causes.proposed_by.jammed", '"jammed" neither threatens this nor fails it'),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(richer: str, was: str, now: str, key: str, what: str) -> None:
    assert was in richer
    problems = wrong(richer.replace(was, now, 1))
    assert [(each.partition(".")[2].partition(".")[2], said) for each, said in problems] == [(key, what)]


def test_a_task_needs_words_and_a_place(richer: str) -> None:
    text = richer.replace('text = "Apologise in person; priority tag on the bags."\n', "")
    assert wrong(text) == [("expectations.check-in-wait.remedy.text", "is missing")]
    nowhere = richer.replace('touchpoints = ["counter-a"]', "touchpoints = []")
    assert ("expectations.check-in-wait.touchpoints", "is an empty list") in wrong(nowhere)


def test_a_promise_of_the_file_is_never_a_task(richer: str) -> None:
    plan = parse_plan(richer)
    assert all(it.remedy_of is None for it in plan.expectations.values())
    other = replace(plan.expectations["baggage-claim"], remedy_of=None)
    assert other == plan.expectations["baggage-claim"]


def test_a_tasks_id_is_known_by_its_dot() -> None:
    assert is_task(task_of("check-in-wait"))
    assert not is_task("check-in-wait-remedy")

"""Who is told what, on which channel, and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from andgate.moment.events import Paged, PageReason, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Before
from andgate.plan import Plan, parse_plan
from andgate.routing import clock_text, deliveries, explained
from tests.plans import SITE

PLAN = (
    SITE
    + """
[channels.radio]
url = "mqtt://"
[channels.desk]
url = "json://127.0.0.1:9/"
[groups.agents]
name = "Agents"
channels = ["radio", "desk"]
[groups.nobody]
name = "Nobody"
[touchpoints.line]
name = "Counter A"
group = "agents"
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["line"]
opens = ["pressed"]
closes = ["reset"]
fails_after = "3m"
"""
)
MOMENT = Moment(
    id="m1",
    anchor="f/x",
    expectation="wait",
    touchpoint="line",
    opened_ms=0,
    ends_ms=180_000,
    counts_to_ms=180_000,
    plan="v",
)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return parse_plan(PLAN)


def paged(
    *, group: str = "agents", reason: PageReason = "time-left", left_ms: int = 179_995, late_ms: int = 5
) -> Paged:
    return Paged(
        moment="m1",
        at_ms=5,
        page="m1:0",
        step=0,
        group=group,
        reason=reason,
        left_ms=left_ms,
        late_ms=late_ms,
        cancels=reason == "still-waiting",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(179.995, "3:00"), (180, "3:00"), (0.2, "0:01"), (0, "0:00"), (-0.4, "0:00"), (-20.4, "+0:20"), (59.0001, "0:59")],
)
def test_a_begun_second_counts_as_left(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_a_page_goes_to_every_channel_of_the_group_with_time_left_and_promise(plan: Plan) -> None:
    made = deliveries(paged(), MOMENT, plan)
    assert [(each.channel, each.id) for each in made] == [("radio", "m1:0:agents:radio"), ("desk", "m1:0:agents:desk")]
    assert made[0].text == "Counter A: 3:00 left until 01:03. “I wait no more than 15 minutes.”"
    assert (made[0].kind, made[0].late, made[0].cancels) == ("page", False, False)


@pytest.mark.parametrize("reason", ["claim-lapsed", "still-waiting", "reopened"])
def test_every_page_carries_its_reason(plan: Plan, reason: PageReason) -> None:
    made = deliveries(paged(reason=reason, left_ms=-1_000, late_ms=2_000), MOMENT, plan)
    assert made[0].reason[1:] in made[0].text
    assert "late since 01:03." in made[0].text
    assert made[0].late
    assert made[0].cancels == (reason == "still-waiting")


def test_at_its_deadline_it_is_late_and_a_page_a_second_after_its_time_is_not(plan: Plan) -> None:
    assert "late since 01:03." in deliveries(paged(left_ms=0), MOMENT, plan)[0].text
    assert "0:01 left until 01:03." in deliveries(paged(left_ms=1), MOMENT, plan)[0].text
    assert [deliveries(paged(late_ms=ms), MOMENT, plan)[0].late for ms in (1_000, 1_001)] == [False, True]


def test_a_page_for_what_threatens_says_what_it_is(plan: Plan) -> None:
    made = deliveries(replace(paged(reason="threatened"), signal="jammed"), MOMENT, plan)
    assert made[0].text == "Counter A: 3:00 left until 01:03. Jammed. “I wait no more than 15 minutes.”"
    assert made[0].reason == "jammed"


def test_a_group_without_channels_is_not_overlooked(plan: Plan) -> None:
    for group in ("nobody", "gone"):
        (delivery,) = deliveries(paged(group=group), MOMENT, plan)
        assert (delivery.group, delivery.channel, delivery.url) == (group, "", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "success", "saved": True}, "over, saved."),
        ({"verdict": "success"}, "over, kept."),
        ({"verdict": "failure", "late_s": 80.0}, "over, failed, 1:20 late."),
        ({"verdict": "failure", "late_s": None}, "over, failed."),
        ({"verdict": "void", "reason": "false alarm"}, "over, void, false alarm."),
        ({"withdrawn": True}, "over, taken back."),
    ],
)
def test_those_who_were_paged_are_told_how_it_ended(plan: Plan, changes: dict[str, object], words: str) -> None:
    moment = replace(MOMENT, **changes)
    made = deliveries(StoodDown(moment="m1", at_ms=100, groups=("agents",)), moment, plan)
    assert [each.kind for each in made] == ["over", "over"]
    assert made[0].text == f"Counter A: {words}"


def test_training_reaches_those_who_train_and_nobody_else(plan: Plan) -> None:
    training = replace(MOMENT, training="nobody")
    for event in (paged(), StoodDown(moment="m1", at_ms=100, groups=("agents",))):
        (delivery,) = deliveries(event, training, plan)
        assert delivery.group == "nobody"
        assert delivery.text.startswith("Training, not real. Counter A: ")


def test_places_are_said_as_people_say_them(plan: Plan) -> None:
    elsewhere = replace(MOMENT, touchpoint="belt-9", key="AG1234/2026-11-21", expectation="gone")
    made = deliveries(paged(), elsewhere, plan)
    assert made[0].title == "belt-9, AG1234"
    assert made[0].text == "belt-9, AG1234: 3:00 left until 01:03."


# ------------------------------------------------------------------------------------- what to do first, what is owed

RICH = (
    PLAN.replace('["radio", "desk"]', '["radio", "pager"]')
    .replace('url = "json://127.0.0.1:9/"', 'url = "snpp://127.0.0.1:444/12"')
    .replace("[channels.desk]", "[channels.pager]")
    .replace('fails_after = "3m"', 'fails_after = "3m"\nfirst = ["Open a second desk"]')
    + """
[expectations.wait.remedy]
text = "Apologise in person."
within = "30m"
group = "agents"
may = ["priority tag", "voucher up to 20 EUR"]
"""
)


def texts(moment: Moment, plan: Plan, event: Paged | StoodDown) -> dict[str, str]:
    """Return what goes out, by channel."""
    return {each.channel: each.text for each in deliveries(event, moment, plan)}


def test_a_page_says_what_to_do_first() -> None:
    told = texts(MOMENT, parse_plan(RICH), paged())
    want = "Counter A: 3:00 left until 01:03. First: Open a second desk. “I wait no more than 15 minutes.”"
    assert told == {"radio": want, "pager": want}


def test_on_a_pager_the_first_action_comes_before_the_promise() -> None:
    long = RICH.replace("I wait no more than 15 minutes.", "I wait no more than 15 minutes, " + "and " * 50 + "more.")
    told = texts(MOMENT, parse_plan(long), paged())
    assert told["pager"] == "Counter A: 3:00 left until 01:03. First: Open a second desk."
    assert told["radio"].endswith("more.”")


TASK = replace(
    MOMENT, expectation="wait.remedy", remedies="m0", key="AG1234/2026-11-21", opened_ms=180_000, ends_ms=1_980_000
)


def test_a_task_says_what_is_owed_and_what_may_be_given() -> None:
    plan = parse_plan(RICH)
    told = texts(TASK, plan, paged(left_ms=1_800_000))
    assert told["radio"] == (
        "Counter A, AG1234: make it good, 30:00 left until 01:33. Apologise in person."
        " You may give: priority tag, voucher up to 20 EUR."
    )
    late = texts(TASK, plan, paged(left_ms=-1))
    assert late["radio"].startswith("Counter A, AG1234: make it good, late since 01:33.")
    over = StoodDown(moment="m1", at_ms=9, groups=("agents",))
    assert texts(replace(TASK, verdict="success"), plan, over)["radio"] == "Counter A, AG1234: over, made good."


def test_a_second_failure_says_what_went_before() -> None:
    plan = parse_plan(RICH)
    second = replace(TASK, before=(Before("m9", "wait", "line", 60_000),))
    told = texts(second, plan, paged(left_ms=1_800_000))
    assert " Second failure for AG1234, after “I wait no more than 15 minutes”. Apologise" in told["pager"]
    gone = replace(TASK, before=(*second.before, Before("m8", "gone", "line", 70_000)))
    assert " Third failure for AG1234, after gone. " in texts(gone, plan, paged(left_ms=1_800_000))["pager"]


@pytest.mark.parametrize(
    ("failed", "word"), [(1, "Second"), (2, "Third"), (3, "Fourth"), (4, "One more"), (9, "One more")]
)
def test_each_failure_has_its_number_as_long_as_people_count(failed: int, word: str) -> None:
    task = replace(TASK, before=tuple(Before(f"m{n}", "wait", "line", n) for n in range(failed)))
    assert f" {word} failure for AG1234, after “" in texts(task, parse_plan(RICH), paged())["radio"]


@pytest.mark.parametrize("training", [None, "agents"])
def test_a_pager_has_the_promise_just_where_all_of_it_fits(training: str | None) -> None:
    moment, lengths = replace(MOMENT, training=training), []
    for letters in range(120, 180):
        told = texts(moment, parse_plan(RICH.replace("I wait no more than 15 minutes.", "x" * letters)), paged())
        whole = told["radio"]
        assert whole.startswith("Training, not real. ") == (training is not None)
        assert told["pager"] == (whole if len(whole) <= 235 else whole[: whole.index(" “")])
        lengths.append(len(whole))
    assert {235, 236} <= set(lengths)


def test_why_it_comes_here_is_said_after_where_and_until_when(plan: Plan) -> None:
    text = deliveries(paged(), replace(MOMENT, touchpoint="St. Anna. 12:30."), plan)[0].text
    assert explained(text, "nobody of Agents was reached") == (
        "St. Anna. 12:30.: 3:00 left until 01:03. Nobody of Agents was reached. “I wait no more than 15 minutes.”"
    )
    assert explained("Handover.", "nobody else is there") == "Handover. Nobody else is there."


def test_a_task_of_a_promise_that_is_gone_still_says_where() -> None:
    assert texts(TASK, parse_plan(PLAN), paged())["radio"] == "Counter A, AG1234: make it good, 3:00 left until 01:33."

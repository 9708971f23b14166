"""The plan is changed while customers wait: what is open keeps its promise, and a wrong file changes nothing."""

from __future__ import annotations

import pytest

from andgate.errors import PlanError
from tests.story.airport import MOT, Airport, span_s
from tests.story.stage import WAIT_S, until


def test_a_better_promise_from_now_on(airport: Airport) -> None:
    desk = airport.node("desk-a1")
    desk.press(MOT)
    old = airport.open_moment("counter-a")
    airport.later(seconds=30)

    # Five minutes instead of three, and a second button on the same line.
    text = airport.plan.read_text(encoding="utf-8")
    better = text.replace('fails_after = "3m"', 'fails_after = "5m"').replace('left = "3m"', 'left = "5m"')
    better += '\n[nodes.desk-a2.devices.mot]\ntouchpoint = "counter-a"\nkind = "mot-button"\nbutton = 17\n'
    airport.plan.write_text(better, encoding="utf-8")
    version = airport.hub.reload().result(WAIT_S)
    assert version != old["plan"]
    assert airport.hub.plan.version == version
    desk_2 = airport.node("desk-a2")

    # Whoever waits has been promised three minutes, and is judged by them; the new button is one more witness.
    desk_2.press(MOT)
    now = airport.becomes(old["id"], witnesses=["desk-a1/mot", "desk-a2/mot"])
    assert (now["plan"], now["ends_at"]) == (old["plan"], old["ends_at"])
    airport.until_left(old["id"], -3)
    failed = airport.becomes(old["id"], verdict="failure")
    assert (failed["plan"], span_s(failed["opened_at"], failed["ends_at"])) == (old["plan"], 180)
    airport.send("/signals", {"id": "r1", "touchpoint": "counter-a", "signal": "reset"})
    airport.becomes(old["id"], state="ended")

    # The next ones are promised five.
    desk.press(MOT)
    new = airport.open_moment("counter-a")
    assert (new["plan"], span_s(new["opened_at"], new["ends_at"])) == (version, 300)
    assert airport.pager.hear("page/ticket-agents", kind="page", moment=new["id"])["left_s"] >= airport.left_s(new)


def test_a_wrong_plan_is_refused_and_the_running_one_goes_on(airport: Airport) -> None:
    desk = airport.node("desk-a1")
    desk.press(MOT)
    old = airport.open_moment("counter-a")
    text = airport.plan.read_text(encoding="utf-8")
    wrong = text.replace('fails_after = "3m"', 'fails_after = "soon"')
    airport.plan.write_text(wrong, encoding="utf-8")
    with pytest.raises(PlanError) as refused:
        airport.hub.reload().result(WAIT_S)
    (problem,) = refused.value.problems
    assert problem.line == wrong[: wrong.index('"soon"')].count("\n") + 1
    assert problem.key == "expectations.check-in-wait.fails_after"
    assert problem.remedy
    assert "3m" in str(problem)

    airport.quiet()
    assert airport.hub.plan.version == old["plan"]
    assert airport.moment(old["id"])["change"] == old["change"]
    desk.press(MOT)
    airport.quiet()
    airport.send("/signals", {"id": "r1", "touchpoint": "counter-a", "signal": "reset"})
    assert airport.becomes(old["id"], state="ended")["saved"] is True


def test_a_promise_that_is_given_up_ends_void(airport: Airport) -> None:
    desk = airport.node("desk-a1")
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]
    airport.pager.hear("page/ticket-agents", kind="page", moment=which)
    head, _, rest = airport.plan.read_text(encoding="utf-8").partition("[expectations.check-in-wait]")
    airport.plan.write_text(head + rest[rest.index("[expectations.baggage-claim]") :], encoding="utf-8")
    airport.hub.reload().result(WAIT_S)
    void = airport.becomes(which, state="ended")
    assert (void["verdict"], void["reason"]) == ("void", "plan changed")
    airport.pager.hear("page/ticket-agents", kind="over", moment=which)
    desk.press(MOT)
    until(lambda: desk.kept == 0)
    airport.quiet()
    assert [one["id"] for one in airport.moments()] == [which]

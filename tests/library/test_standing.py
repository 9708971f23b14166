"""How a moment stands at each instant: its level and its last third, who is on it until when, what was said of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from andgate.moment.engine import Engine
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind, Input, Signal
from andgate.moment.view import verdict_ms
from andgate.plan import PageStep, Plan
from tests.library.days import CHECK_IN, CONTRACT, MINUTE, SECOND, at, site
from tests.library.test_trail import BEAM, COLLEAGUE, DONE, DRIVE, FLIGHT, seen


class Floor:
    """A site's engine, told one thing after the other."""

    def __init__(self, plan: Plan = CONTRACT) -> None:
        self.engine = Engine(plan)
        self.last: Moment | None = None

    def tell(self, *inputs: Input) -> None:
        for each in inputs:
            self.engine.receive([each], each.received_ms if isinstance(each, Signal) else each.at_ms)

    def press(self, at_ms: int = at(0)) -> Moment:
        self.tell(seen(f"p{at_ms}", "pressed", at_ms))
        return self.now(at_ms)

    def dock(self) -> Moment:
        self.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT))
        return self.now(at(0))

    def does(
        self, do: ActionKind, at_ms: int, *, by: str = "marta", promise_ms: int | None = None, reason: str | None = None
    ) -> Moment:
        moment = self.now(at_ms).id
        self.tell(
            Action(id=f"{do}{at_ms}", do=do, moment=moment, at_ms=at_ms, by=by, promise_ms=promise_ms, reason=reason)
        )
        return self.now(at_ms)

    def now(self, now_ms: int) -> Moment:
        """Return the newest moment as it stands now."""
        self.engine.advance(now_ms)
        return max(self.engine.moments(), key=lambda each: each.opened_ms)


@pytest.fixture
def floor() -> Floor:
    return Floor()


# ---- Level


def test_a_line_is_threatened_failing_failed_and_ended(floor: Floor) -> None:
    late = site(replace(CHECK_IN, pages=(PageStep(left_ms=90 * SECOND, group="supervisors"),)))
    floor = Floor(late)
    assert floor.press().level == "open"
    assert floor.now(at(1.5, -1)).level == "open"
    assert floor.now(at(1.5)).level == "threatened"
    assert floor.now(at(2, -1)).level == "threatened"
    assert floor.now(at(2)).level == "failing"
    assert floor.now(at(3)).level == "failing"
    assert floor.now(at(3, 999)).level == "failing"
    assert floor.now(at(3, 1_000)).level == "failed"
    assert floor.now(at(63)).level == "ended"


def test_a_line_that_was_reset_in_its_last_third_is_ended_whatever_the_time(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("r1", "reset", at(2.5)))
    moment = floor.now(at(9))
    assert (moment.level, moment.state, moment.threatened_ms, moment.failing_ms) == ("ended", "ended", at(0), at(2))


def test_without_a_threat_a_moment_is_open_to_its_deadline() -> None:
    floor = Floor(site(replace(CHECK_IN, pages=())))
    moment = floor.press()
    assert (moment.level, moment.failing_ms) == ("open", None)
    assert (floor.now(at(3)).level, floor.now(at(3)).threatened_ms) == ("open", None)
    assert floor.now(at(3, 1_000)).level == "failed"


def test_the_last_third_is_known_ahead_and_never_before_the_threat(floor: Floor) -> None:
    moment = floor.dock()
    assert (moment.threatened_ms, moment.failing_ms) == (None, at(17))
    floor.tell(seen("j1", "jammed", at(2), DRIVE))
    moment = floor.now(at(2))
    assert (moment.level, moment.threatened_ms, moment.failing_ms) == ("threatened", at(2), at(25) - 25 * MINUTE // 3)


def test_a_last_third_that_never_came_is_not_told(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("r1", "reset", at(2, -1)))
    assert floor.now(at(5)).failing_ms is None
    again = Floor()
    again.press()
    again.tell(seen("r1", "reset", at(2)))
    assert again.now(at(5)).failing_ms == at(2)


def test_what_a_signal_fails_at_once_has_no_last_third(floor: Floor) -> None:
    floor.dock()
    floor.tell(seen("l1", "lost", at(20), "ops", key=FLIGHT))
    moment = floor.now(at(20))
    assert (moment.level, moment.failing_ms, moment.threatened_ms) == ("failed", None, at(17))


def test_a_flight_lost_before_its_mark_was_never_threatened_and_one_lost_at_its_mark_was(floor: Floor) -> None:
    floor.dock()
    floor.tell(seen("l1", "lost", at(17, -1), "ops", key=FLIGHT))
    assert floor.now(at(30)).threatened_ms is None
    at_the_mark = Floor()
    at_the_mark.dock()
    at_the_mark.tell(seen("l1", "lost", at(17), "ops", key=FLIGHT))
    assert at_the_mark.now(at(30)).threatened_ms == at(17)


def test_a_page_at_the_deadline_itself_threatens_then_and_a_reset_then_saves() -> None:
    floor = Floor(site(replace(CHECK_IN, pages=(PageStep(left_ms=0, group="supervisors"),))))
    floor.press()
    floor.tell(seen("r1", "reset", at(3)))
    moment = floor.now(at(3))
    assert (moment.verdict, moment.saved, moment.threatened_ms) == ("success", True, at(3))


# ---- What it counts to, its verdict, what it is about


def test_a_sign_counts_down_to_the_countdown_and_never_past_the_deadline(floor: Floor) -> None:
    assert floor.dock().counts_to_ms == at(22)
    floor.tell(seen("l1", "lost", at(5), "ops", key=FLIGHT))
    assert floor.now(at(5)).counts_to_ms == at(5)
    assert Floor().press().counts_to_ms == at(3)


def test_a_moment_is_about_what_its_signals_say_and_of_its_interaction(floor: Floor) -> None:
    floor.tell(seen("d1", "docked", at(0), "ops", key=FLIGHT, about={"stand": "12", "from": "JFK"}))
    floor.tell(seen("d2", "docked", at(1), "ops", key=FLIGHT, about={"stand": "14"}))
    moment = floor.now(at(1))
    assert (moment.about, moment.interactions) == ({"stand": "14", "from": "JFK"}, ("arrival",))
    assert Floor().press().interactions == ()


def test_nothing_is_late_or_an_anomaly_before_it_is_over(floor: Floor) -> None:
    moment = floor.dock()
    assert (moment.late_s, moment.anomaly, moment.answered, moment.saved) == (0.0, False, False, False)
    floor.tell(seen("l1", "lost", at(5), "ops", key=FLIGHT))
    assert (floor.now(at(5)).late_s, floor.now(at(5)).anomaly) == (None, False)


def test_a_success_is_about_its_end_and_a_failure_about_its_deadline(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("r1", "reset", at(2)))
    assert verdict_ms(floor.now(at(2))) == at(2)
    late = Floor()
    late.press()
    late.tell(seen("r1", "reset", at(4)))
    assert verdict_ms(late.now(at(4))) == at(3)


# ---- Claims


def test_a_claim_without_a_promise_stands_to_the_next_step_that_it_does_not_cancel() -> None:
    steps = (
        PageStep(left_ms=3 * MINUTE, group="ticket-agents"),
        PageStep(left_ms=2 * MINUTE, group="supervisors", unless_claimed=True),
        PageStep(left_ms=MINUTE, group="supervisors"),
    )
    floor = Floor(site(replace(CHECK_IN, pages=steps)))
    floor.press()
    moment = floor.does("claim", at(0))
    assert (moment.claimed_ms, moment.claimed_by, moment.claim_until_ms) == (at(0), "marta", at(2))
    assert floor.does("claim", at(2)).claim_until_ms == at(3)


def test_a_claim_on_what_has_failed_stands_until_it_ends(floor: Floor) -> None:
    floor.press()
    for minute in (3, 4):
        moment = floor.does("claim", at(minute))
        assert (moment.claimed_ms, moment.claim_until_ms) == (at(minute), None)
    assert floor.now(at(50)).claimed_ms == at(4)
    floor.tell(seen("r1", "reset", at(60)))
    assert floor.now(at(60)).claimed_by == "marta"


def test_a_promise_lapses_at_its_time_and_not_before(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(0.5), promise_ms=MINUTE)
    assert floor.now(at(1.5, -1)).claimed_by == "marta"
    moment = floor.now(at(1.5))
    assert (moment.claimed_ms, moment.claimed_by, moment.claim_until_ms) == (None, None, None)


def test_who_claims_last_is_on_it_and_giving_it_back_leaves_nobody_on_it(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(0.5))
    moment = floor.does("claim", at(1), by="paolo")
    assert (moment.claimed_by, moment.claimed_ms, moment.claim_until_ms) == ("paolo", at(1), at(3))
    assert floor.does("unclaim", at(1.5)).claimed_by is None
    assert floor.does("claim", at(2), by="paolo").claimed_by == "paolo"


def test_what_two_have_claimed_is_answered(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(0.5))
    floor.does("claim", at(1), by="paolo")
    floor.tell(seen("r1", "reset", at(2)))
    assert (floor.now(at(2)).claimed_by, floor.now(at(2)).answered) == ("paolo", True)


def test_a_claim_given_back_after_the_failure_is_given_back(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(4))
    assert floor.does("unclaim", at(5)).claimed_by is None


def test_words_between_claims_do_not_hide_the_next_one(floor: Floor) -> None:
    floor.press()
    floor.does("cause", at(0.25), reason="no agent")
    assert floor.does("claim", at(0.5)).claimed_by == "marta"


def test_an_ended_moment_shows_who_was_on_it_at_its_end(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(0.5), promise_ms=MINUTE)
    floor.tell(seen("r1", "reset", at(1)))
    moment = floor.now(at(5))
    assert (moment.claimed_by, moment.answered) == ("marta", True)
    lapsed = Floor()
    lapsed.press()
    lapsed.does("claim", at(0.5), promise_ms=SECOND)
    lapsed.tell(seen("r1", "reset", at(1)))
    assert (lapsed.now(at(1)).claimed_by, lapsed.now(at(1)).answered) == (None, True)


def test_a_claim_at_the_instant_of_the_end_has_answered_and_a_later_one_has_not(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(1))
    floor.tell(seen("r1", "reset", at(1), received_ms=at(2)))
    assert floor.now(at(2)).answered
    later = Floor()
    later.press()
    later.does("claim", at(1))
    later.tell(seen("r1", "reset", at(1, -1), received_ms=at(2)))
    assert not later.now(at(2)).answered


def test_a_claimed_failure_is_not_answered(floor: Floor) -> None:
    floor.press()
    floor.does("claim", at(1))
    floor.tell(seen("r1", "reset", at(4)))
    assert (floor.now(at(4)).verdict, floor.now(at(4)).answered) == ("failure", False)


# ---- Words


def test_the_last_cause_and_the_last_remedy_are_shown(floor: Floor) -> None:
    floor.press()
    for at_ms, cause in ((at(1), "one agent ill"), (at(2), "two agents ill")):
        assert floor.does("cause", at_ms, reason=cause).cause == cause
    moment = floor.does("remedy", at(2.5), reason="priority tag")
    assert (moment.cause, moment.remedy) == ("two agents ill", "priority tag")


def test_a_failure_closed_late_has_no_reason_and_one_never_closed_says_so_provisionally(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("r1", "reset", at(4)))
    assert (floor.now(at(4)).reason, floor.now(at(4)).provisional) == (None, False)
    never = Floor()
    never.press()
    assert (never.now(at(63)).reason, never.now(at(63)).provisional) == ("never closed", True)


def test_a_late_word_finds_what_was_given_up_as_it_was(floor: Floor) -> None:
    """The next press ends it in the fold, too; it stays what the clock had made of it."""
    floor.press()
    given_up = floor.now(at(63))
    floor.tell(seen("p2", "pressed", at(70)))
    assert floor.engine.moment(given_up.id) == given_up
    voided = Action(id="v", do="void", moment=given_up.id, at_ms=at(71), by="marta", reason="drill")
    floor.tell(voided)
    moment = floor.engine.moment(given_up.id)
    assert moment is not None
    assert (moment.verdict, moment.reason, moment.provisional, moment.ended_ms) == ("void", "drill", False, at(63))


# ---- A late word that changes nothing


def shaken(floor: Floor, now_ms: int) -> list[Moment]:
    """Let a late word be heard that means nothing: everything is folded again. Return what is published for it."""
    words = [
        seen(f"z{now_ms}", "reset", at(-30), received_ms=now_ms),
        seen(f"y{now_ms}", "unloaded", at(-30), DONE, key="AG0/none", received_ms=now_ms),
    ]
    floor.engine.advance(now_ms)
    return [moment for word in words for moment in floor.engine.receive([word], now_ms).published]


def kept_flight() -> Floor:
    floor = Floor()
    floor.dock()
    floor.tell(seen("u1", "unloaded", at(3), DONE))
    return floor


def claimed_line() -> Floor:
    floor = Floor()
    floor.press()
    floor.does("claim", at(0.5), promise_ms=MINUTE)
    floor.tell(seen("r1", "reset", at(1)))
    return floor


def given_up_line() -> Floor:
    floor = Floor()
    floor.press()
    floor.now(at(70))
    floor.tell(seen("p2", "pressed", at(70)))
    return floor


def contradicted_line() -> Floor:
    asks = replace(CHECK_IN, closes=("reset",), contradicted_after_ms=MINUTE, fails_after_ms=5 * MINUTE)
    floor = Floor(site(asks))
    floor.tell(seen("c0", "cleared", at(-1), BEAM))
    floor.press()
    floor.now(at(3))
    floor.tell(seen("p2", "pressed", at(3)))
    return floor


@pytest.mark.parametrize("day", [kept_flight, claimed_line, given_up_line, contradicted_line])
def test_a_late_word_that_means_nothing_leaves_everything_as_it_was(day: Callable[[], Floor]) -> None:
    floor = day()
    for minute in (71, 72, 200):
        floor.now(at(minute))
        before = list(floor.engine.moments())
        assert shaken(floor, at(minute)) == []
        assert list(floor.engine.moments()) == before


def test_a_press_just_before_the_deadline_finds_it_open(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("p2", "pressed", at(3, -500), COLLEAGUE))
    assert floor.now(at(3, -500)).verdict is None


def test_a_failure_is_provisional_for_who_was_blind_at_its_deadline_not_at_its_closing(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("b1", "blind", at(4), BEAM), seen("r1", "reset", at(5)))
    assert (floor.now(at(5)).verdict, floor.now(at(5)).provisional) == ("failure", False)
    blind = Floor()
    blind.press()
    blind.tell(seen("b1", "blind", at(2), BEAM), seen("s1", "sighted", at(4), BEAM), seen("r1", "reset", at(5)))
    assert blind.now(at(5)).provisional


def test_what_is_withdrawn_keeps_its_end_and_nothing_else_that_it_had(floor: Floor) -> None:
    floor.dock()
    floor.does("claim", at(1))
    floor.tell(seen("j1", "jammed", at(2), DRIVE), seen("b1", "blind", at(2.5), "belt-3/done"))
    floor.tell(seen("u1", "unloaded", at(3), DONE))
    before = floor.now(at(3))
    assert (before.saved, before.answered, before.provisional, before.anomaly) == (True, True, True, True)
    floor.tell(seen("x", "running", at(4), DRIVE, retracts="d1"))
    gone = floor.engine.moment(before.id)
    assert gone == replace(
        before,
        verdict=None,
        saved=False,
        answered=False,
        provisional=False,
        anomaly=False,
        claimed_ms=None,
        claimed_by=None,
        claim_until_ms=None,
        reason="withdrawn",
        withdrawn=True,
        change=before.change + 1,
    )
    assert (before.state, before.level, before.ended_ms) == ("ended", "ended", at(3))
    still = Floor()
    moment = still.press()
    still.tell(seen("r1", "reset", at(0, 2 * SECOND), retracts=f"p{at(0)}"))
    withdrawn = still.engine.moment(moment.id)
    assert withdrawn is not None
    assert (withdrawn.state, withdrawn.level, withdrawn.ended_ms) == ("ended", "ended", at(0, 2 * SECOND))


def test_what_has_ended_needs_no_clock(floor: Floor) -> None:
    floor.press()
    floor.tell(seen("r1", "reset", at(1)))
    assert floor.engine.next_deadline() is None

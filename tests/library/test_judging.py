"""The contract's "Judging, exactly", rule by rule, by example; each is judged by the obvious fold and by the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from andgate.moment.signals import Action, Input, Replanned, Retimed, Signal
from andgate.plan import Plan
from tests.library.days import BAGGAGE, CHECK_IN, CONTRACT, DEVICES, HOUR, MINUTE, SECOND, at, site
from tests.library.fold import Judged, judge
from tests.library.watch import Watch

FLIGHT = "AG1234/2026-11-21"
OTHER = "AG77/2026-11-21"

Judge = Callable[[Sequence[Input], Plan, int], list[Judged]]


def by_the_sentence(inputs: Sequence[Input], plan: Plan, now_ms: int) -> list[Judged]:
    return judge(
        [each for each in inputs if isinstance(each, Signal)],
        [each for each in inputs if isinstance(each, Action)],
        plan,
        now_ms,
        replanned=[each for each in inputs if isinstance(each, Replanned)],
    )


def by_the_engine(inputs: Sequence[Input], plan: Plan, now_ms: int) -> list[Judged]:
    watch = Watch.over(plan)
    for each in sorted(inputs, key=_arrival_ms):
        if isinstance(each, Action):
            ids = {moment.anchor: moment.id for moment in watch.living}
            each = replace(each, moment=ids[each.moment])  # noqa: PLW2901
        watch.receive([each], _arrival_ms(each))
    watch.advance(now_ms)
    return watch.judged


def _arrival_ms(each: Input) -> int:
    assert not isinstance(each, Retimed)
    return each.received_ms if isinstance(each, Signal) else each.at_ms


class Day:
    """A day told in lines."""

    def __init__(self, judging: Judge) -> None:
        self.judging = judging
        self.plan = CONTRACT
        self.inputs: list[Input] = []

    def sees(
        self,
        name: str,
        at_ms: int,
        by: str = "",
        *,
        here: str = "",
        received_ms: int | None = None,
        key: str | None = None,
        **more: object,
    ) -> str:
        """Add a signal; returns its id. `by` is a device of the plan, or nothing for a feed's."""
        number = len(self.inputs) + 1
        node = by.partition("/")[0]
        place = self.plan.devices[by].touchpoint if by in self.plan.devices else "belt-3" if key else "counter-a"
        self.inputs.append(
            Signal(
                id=f"n/{node}/b/{number}" if by else f"f/{number}",
                name=name,
                touchpoint=here or place,
                at_ms=at_ms,
                received_ms=at_ms if received_ms is None else received_ms,
                source=node or "aodb",
                device=by,
                boot_rank=1 if by else 0,
                seq=number,
                key=key,
                **more,  # type: ignore[arg-type]
            )
        )
        return self.inputs[-1].id  # type: ignore[union-attr]

    def does(self, do: str, at_ms: int, opened_by: str, reason: str | None = None) -> None:
        """Let a person do something about the moment that a signal opened."""
        action = Action(
            id=f"a{len(self.inputs)}",
            do=do,  # type: ignore[arg-type]
            moment=opened_by,
            at_ms=at_ms,
            by="p7",
            reason=reason,
        )
        self.inputs.append(action)

    def changes(self, plan: Plan, at_ms: int) -> None:
        """Put another plan in force."""
        self.inputs.append(Replanned(plan=plan, at_ms=at_ms))

    def moments(self, now_ms: int) -> list[Judged]:
        """What has become of it by now."""
        return self.judging(self.inputs, self.plan, now_ms)

    def moment(self, now_ms: int) -> Judged:
        """The only moment there is."""
        (moment,) = self.moments(now_ms)
        return moment


@pytest.fixture(params=[by_the_sentence, by_the_engine])
def day(request: pytest.FixtureRequest) -> Day:
    return Day(request.param)


AGENT = "desk-a1/mot"
COLLEAGUE = "desk-a2/mot"
BEAM = "mark-a/mark"
OTHER_BEAM = "mark-b/mark"
DONE = "belt-3/done"
DRIVE = "belt-3/drive"


# ---- 1. Opening


def test_a_press_at_the_12_minute_mark_opens_a_moment_with_three_minutes_left(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    moment = day.moment(at(0))
    assert (moment.opened_ms, moment.ends_ms, moment.state, moment.verdict) == (at(0), at(3), "open", None)
    assert moment.witnesses == (AGENT,)


def test_other_witnesses_join_and_the_clock_runs_from_the_earliest(day: Day) -> None:
    day.sees("reached", at(0, 300), BEAM, received_ms=at(0.2))
    day.sees("pressed", at(0, 900), AGENT)
    day.sees("pressed", at(1), AGENT)
    moment = day.moment(at(1))
    assert (moment.opened_ms, moment.witnesses) == (at(0, 300), (BEAM, AGENT))


def test_after_the_end_the_next_press_opens_the_next_moment(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(1), AGENT)
    day.sees("pressed", at(1), COLLEAGUE)
    assert [moment.opened_ms for moment in day.moments(at(2))] == [at(0), at(1)]


def test_within_rejoins_within_a_moment_goes_on_deadline_and_all(day: Day) -> None:
    day.plan = site(replace(CHECK_IN, rejoins_within_ms=20 * SECOND))
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(1), AGENT)
    assert day.moment(at(1)).verdict == "success"
    day.sees("pressed", at(1, 20 * SECOND), COLLEAGUE)
    moment = day.moment(at(2))
    assert (moment.state, moment.verdict, moment.ends_ms) == ("open", None, at(3))
    day.sees("reset", at(2), AGENT)
    day.sees("pressed", at(2, 20 * SECOND + 1), COLLEAGUE)
    assert len(day.moments(at(3))) == 2


def test_a_keyed_expectation_refuses_an_opening_without_the_key(day: Day) -> None:
    day.sees("docked", at(0), here="belt-3")
    assert day.moments(at(1)) == []


def test_each_flight_has_its_own_moment(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("docked", at(1), key=OTHER)
    assert {moment.key: moment.ends_ms for moment in day.moments(at(1))} == {FLIGHT: at(25), OTHER: at(26)}


# ---- 2. Closing, 3. Holds


def test_a_reset_ends_the_moment(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(2), AGENT)
    moment = day.moment(at(2))
    assert (moment.state, moment.verdict, moment.closed_ms, moment.ended_ms) == ("ended", "success", at(2), at(2))


def test_while_the_line_stands_at_the_mark_a_reset_is_refused(day: Day) -> None:
    day.sees("reached", at(0), BEAM)
    day.sees("reset", at(1), AGENT)
    assert day.moment(at(1)).state == "open"


def test_the_clearing_of_the_last_hold_ends_the_moment_itself(day: Day) -> None:
    day.sees("reached", at(0), BEAM)
    day.sees("reached", at(0.5), OTHER_BEAM)
    day.sees("cleared", at(1), BEAM)
    assert day.moment(at(1)).state == "open"
    day.sees("cleared", at(2), OTHER_BEAM)
    assert day.moment(at(2)).closed_ms == at(2)


def test_a_blind_devices_hold_refuses_nothing_and_the_verdict_is_provisional(day: Day) -> None:
    day.sees("reached", at(0), BEAM)
    day.sees("blind", at(0.5), BEAM)
    day.sees("reset", at(1), AGENT)
    moment = day.moment(at(1))
    assert (moment.verdict, moment.provisional) == ("success", True)


def test_a_device_that_sees_again_holds_again(day: Day) -> None:
    day.sees("reached", at(0), BEAM)
    day.sees("blind", at(0.5), BEAM)
    day.sees("sighted", at(0.75), BEAM)
    day.sees("reset", at(1), AGENT)
    assert day.moment(at(1)).state == "open"


def test_signals_that_name_no_device_share_one_hold(day: Day) -> None:
    day.sees("reached", at(0))
    day.sees("reached", at(1))
    day.sees("cleared", at(2))
    assert day.moment(at(2)).verdict == "success"


def test_a_done_button_without_a_key_ends_the_moment_with_the_earliest_deadline(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("docked", at(1), key=OTHER)
    day.sees("unloaded", at(9), DONE)
    assert {moment.key: moment.state for moment in day.moments(at(9))} == {FLIGHT: "ended", OTHER: "open"}


def test_the_earliest_deadline_is_not_always_the_earliest_opened(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("docked", at(1), key=OTHER)
    day.sees("lost", at(5), key=OTHER)
    day.sees("unloaded", at(9), DONE)
    assert {moment.key: moment.state for moment in day.moments(at(9))} == {FLIGHT: "open", OTHER: "ended"}


def test_a_done_button_that_shows_a_flight_ends_that_flight(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("docked", at(1), key=OTHER)
    day.sees("unloaded", at(9), DONE, key=OTHER)
    assert {moment.key: moment.state for moment in day.moments(at(9))} == {FLIGHT: "open", OTHER: "ended"}


# ---- 4. Verdict


def test_ended_at_the_deadline_itself_is_success(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(3), AGENT)
    assert day.moment(at(3)).verdict == "success"


def test_one_millisecond_later_is_failure_and_says_how_late(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(3, 1), AGENT)
    moment = day.moment(at(3, 1))
    assert (moment.verdict, moment.late_s, moment.state) == ("failure", 0.001, "ended")


def test_a_failure_is_decided_one_second_after_the_deadline_and_stays_open(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    assert day.moment(at(3, 999)).verdict is None
    moment = day.moment(at(3, 1000))
    assert (moment.verdict, moment.state, moment.ends_ms, moment.late_s) == ("failure", "open", at(3), None)


def test_a_reset_after_a_threat_is_saved(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("unloaded", at(20), DONE)
    moment = day.moment(at(20))
    assert (moment.verdict, moment.saved, moment.threatened_ms) == ("success", True, at(17))


def test_a_success_that_had_been_claimed_is_answered(day: Day) -> None:
    press = day.sees("pressed", at(0), AGENT)
    day.does("claim", at(1), press)
    assert not day.moment(at(1)).answered
    day.sees("reset", at(2), AGENT)
    assert day.moment(at(2)).answered


def test_what_nobody_closes_ends_by_itself_and_is_never_closed(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    assert day.moment(at(63, -1)).state == "open"
    moment = day.moment(at(63))
    assert (moment.state, moment.verdict, moment.ended_ms) == ("ended", "failure", at(63))
    assert (moment.closed_ms, moment.late_s, moment.reason, moment.provisional) == (None, None, "never closed", True)


# ---- 5. Threats, failures and voids by signal


def test_a_moment_is_threatened_by_the_clock_when_the_first_page_is_due(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    assert day.moment(at(17, -1)).threatened_ms is None
    assert day.moment(at(17)).threatened_ms == at(17)


def test_a_signal_threatens_at_once_and_without_a_key_every_open_moment_there(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("docked", at(1), key=OTHER)
    day.sees("docked", at(1), key=FLIGHT, here="belt-4")
    day.sees("jammed", at(2), DRIVE)
    assert [moment.threatened_ms for moment in day.moments(at(3))] == [at(2), at(2), None]


def test_without_pages_nothing_is_threatened_by_the_clock(day: Day) -> None:
    day.plan = site(replace(CHECK_IN, pages=()))
    day.sees("pressed", at(0), AGENT)
    assert day.moment(at(4)).threatened_ms is None


def test_a_signal_fails_an_open_moment_at_once(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("lost", at(5), key=FLIGHT)
    moment = day.moment(at(5))
    assert (moment.verdict, moment.ends_ms, moment.state) == ("failure", at(5), "open")


def test_after_the_deadline_neither_threat_nor_failure_by_signal_changes_anything(day: Day) -> None:
    day.plan = site(replace(BAGGAGE, pages=()))
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("lost", at(25, 1), key=FLIGHT)
    day.sees("jammed", at(25, 1), DRIVE)
    moment = day.moment(at(25, 1))
    assert (moment.ends_ms, moment.verdict, moment.threatened_ms) == (at(25), None, None)


def test_and_opens_one_that_fails_at_once_where_none_is(day: Day) -> None:
    day.sees("lost", at(5), key=FLIGHT)
    moment = day.moment(at(5))
    assert (moment.opened_ms, moment.ends_ms, moment.verdict) == (at(5), at(5), "failure")


def test_a_cancelled_flight_is_void_with_the_signal_as_reason(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("cancelled", at(5), key=FLIGHT)
    moment = day.moment(at(5))
    assert (moment.verdict, moment.reason, moment.state, moment.closed_ms) == ("void", "cancelled", "ended", None)
    assert moment.ended_ms == at(5)


# ---- 6. Anomaly


@pytest.mark.parametrize(("minutes", "anomaly"), [(7.9, True), (8, False)])
def test_far_better_than_promised_is_an_anomaly(day: Day, minutes: float, anomaly: bool) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("unloaded", at(minutes), DONE)
    assert day.moment(at(30)).anomaly is anomaly


# ---- 7. Event time


def test_a_reset_that_arrives_late_still_counts_from_when_it_happened(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(2), AGENT, received_ms=at(50))
    assert day.moment(at(50)).verdict == "success"


def test_beyond_a_day_a_signal_changes_nothing(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(2), AGENT, received_ms=at(2) + 24 * HOUR + 1)
    assert day.moment(at(2) + 25 * HOUR).reason == "never closed"


# ---- 10. A hold to reset; found levels


def test_the_press_a_reset_began_with_is_taken_out_of_the_fold(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    press = day.sees("pressed", at(1), COLLEAGUE)
    day.sees("reset", at(1, 2000), COLLEAGUE, retracts=press)
    moment = day.moment(at(2))
    assert (moment.closed_ms, moment.witnesses) == (at(1, 2000), (AGENT,))


def test_a_hold_on_a_calm_line_leaves_nothing_behind(day: Day) -> None:
    press = day.sees("pressed", at(1), AGENT)
    day.sees("reset", at(1, 2000), AGENT, retracts=press)
    assert day.moments(at(2)) == []


def test_a_level_found_at_start_opens_provisionally(day: Day) -> None:
    day.sees("reached", at(0), BEAM, found=True)
    assert day.moment(at(1)).provisional
    day.sees("cleared", at(2), BEAM)
    assert day.moment(at(2)).provisional


def test_a_level_found_at_start_closes_provisionally(day: Day) -> None:
    day.sees("reached", at(0), BEAM)
    day.sees("cleared", at(2), BEAM, found=True)
    moment = day.moment(at(2))
    assert (moment.verdict, moment.provisional) == ("success", True)


def test_a_button_found_down_at_start_is_never_a_press(day: Day) -> None:
    day.sees("pressed", at(0), AGENT, found=True)
    assert day.moments(at(1)) == []


def test_a_latching_switch_found_at_start_says_where_somebody_has_put_it(day: Day) -> None:
    latching = (replace(each, settings={"style": "latching"}) if each.name == AGENT else each for each in DEVICES)
    day.plan = site(CHECK_IN, devices=tuple(latching))
    day.sees("pressed", at(0), AGENT, found=True)
    assert (day.moment(at(1)).state, day.moment(at(1)).provisional) == ("open", True)
    day.sees("reset", at(2), AGENT, found=True)
    moment = day.moment(at(2))
    assert (moment.verdict, moment.closed_ms, moment.provisional) == ("success", at(2), True)


def test_a_verdict_is_provisional_while_what_could_contradict_it_is_blind(day: Day) -> None:
    day.sees("blind", at(0), OTHER_BEAM)
    day.sees("pressed", at(1), AGENT)
    day.sees("reset", at(2), AGENT)
    day.sees("pressed", at(10), AGENT)
    day.sees("sighted", at(13), OTHER_BEAM)
    assert [moment.provisional for moment in day.moments(at(14))] == [True, False]


# ---- 12. Moving


def test_a_moved_flight_goes_on_at_the_other_belt(day: Day) -> None:
    day.sees("docked", at(0), key=FLIGHT)
    day.sees("moved", at(5), key=FLIGHT, to="belt-4")
    day.sees("unloaded", at(6), DONE)
    moment = day.moment(at(6))
    assert (moment.touchpoint, moment.state, moment.ends_ms) == ("belt-4", "open", at(25))
    day.sees("unloaded", at(7), "belt-4/done")
    assert day.moment(at(7)).closed_ms == at(7)


@pytest.mark.parametrize(("here", "there"), [(0, 1), (1, 0)])
def test_where_the_flight_is_open_already_the_two_become_the_earlier_one(day: Day, here: float, there: float) -> None:
    day.sees("docked", at(here), key=FLIGHT)
    day.sees("docked", at(there), "belt-4/done", key=FLIGHT)
    day.sees("moved", at(5), key=FLIGHT, to="belt-4")
    moment = day.moment(at(6))
    assert (moment.touchpoint, moment.opened_ms, moment.ends_ms) == ("belt-4", at(0), at(25))
    assert moment.witnesses == (("aodb", "belt-4/done") if here < there else ("belt-4/done", "aodb"))


# ---- 13. Persons


def test_a_person_voids_an_open_moment_and_that_ends_it(day: Day) -> None:
    press = day.sees("pressed", at(0), AGENT)
    day.does("void", at(1), press, "false alarm")
    moment = day.moment(at(2))
    assert (moment.verdict, moment.reason, moment.ended_ms, moment.closed_ms) == ("void", "false alarm", at(1), None)


def test_what_a_person_voided_is_never_continued(day: Day) -> None:
    day.plan = site(replace(CHECK_IN, rejoins_within_ms=20 * SECOND))
    press = day.sees("pressed", at(0), AGENT)
    day.does("void", at(1), press)
    day.sees("pressed", at(1, 5000), AGENT)
    assert [moment.verdict for moment in day.moments(at(2))] == ["void", None]


def test_a_void_of_an_ended_moment_keeps_its_times(day: Day) -> None:
    press = day.sees("pressed", at(0), AGENT)
    day.sees("reset", at(4), AGENT)
    day.does("void", at(9), press)
    moment = day.moment(at(9))
    assert (moment.verdict, moment.reason, moment.ended_ms, moment.closed_ms) == ("void", "void", at(4), at(4))


def test_a_void_taken_back_leaves_the_moment_as_it_was(day: Day) -> None:
    press = day.sees("pressed", at(0), AGENT)
    day.does("void", at(1), press)
    day.does("unvoid", at(2), press)
    moment = day.moment(at(2))
    assert (moment.verdict, moment.state) == (None, "open")


def test_an_override_closes_although_the_line_stands_at_the_mark(day: Day) -> None:
    mark = day.sees("reached", at(0), BEAM)
    day.does("reset", at(1), mark, "polisher before the beam")
    moment = day.moment(at(1))
    assert (moment.verdict, moment.closed_ms) == ("success", at(1))


# ---- 17. The plan


def test_a_moment_keeps_the_plan_of_its_opening(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.changes(site(replace(CHECK_IN, fails_after_ms=MINUTE, pages=()), BAGGAGE, version="second"), at(0.5))
    assert day.moment(at(2)).verdict is None
    day.sees("reset", at(2.5), AGENT)
    day.sees("pressed", at(3), AGENT)
    assert [moment.ends_ms for moment in day.moments(at(3))] == [at(3), at(4)]


def test_signals_meet_the_plan_in_force_at_their_time(day: Day) -> None:
    day.changes(site(replace(CHECK_IN, opens=("reached",)), version="second"), at(1))
    day.sees("pressed", at(1), AGENT)
    day.sees("pressed", at(0.5), COLLEAGUE, received_ms=at(2))
    moment = day.moment(at(2))
    assert moment.witnesses == (COLLEAGUE,)


def test_moments_of_a_removed_expectation_end_void(day: Day) -> None:
    day.sees("pressed", at(0), AGENT)
    day.changes(site(BAGGAGE, version="second"), at(1))
    moment = day.moment(at(1))
    assert (moment.verdict, moment.reason, moment.ended_ms) == ("void", "plan changed", at(1))

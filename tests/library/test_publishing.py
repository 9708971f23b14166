"""Rules 8, 9 and 16 by example: what is published and revised, which id a moment keeps, who is paged and when."""

from __future__ import annotations

from msgspec.structs import replace

from andgate.moment.events import (
    AskedVoid,
    Closed,
    Failed,
    Kept,
    Paged,
    PageSkipped,
    Refused,
    Revised,
    Saved,
    StoodDown,
)
from andgate.moment.ladder import STILL_WAITING_AFTER_MS
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind, Signal
from tests.library.days import CHECK_IN, CONTRACT, MINUTE, SECOND, at, site
from tests.library.watch import Watch

AGENT = "desk-a1/mot"
COLLEAGUE = "desk-a2/mot"
BEAM = "mark-a/mark"


def press(
    at_ms: int, name: str = "pressed", by: str = AGENT, *, late_ms: int = 0, retracts: str | None = None
) -> Signal:
    """Make a signal of a counter; its id is its name and minute."""
    return Signal(
        id=f"n/{by}/{name}/{at_ms}",
        name=name,
        touchpoint="counter-a",
        at_ms=at_ms,
        received_ms=at_ms + late_ms,
        source=by.partition("/")[0],
        device=by,
        boot_rank=1,
        retracts=retracts,
    )


def deliver(watch: Watch, *signals: Signal, more: bool = False) -> None:
    """Deliver signals in one message, when the last one is received."""
    watch.receive(signals, max(signal.received_ms for signal in signals), more=more)


def person(watch: Watch, do: ActionKind, at_ms: int, moment: Moment, promise_ms: int | None = None) -> None:
    watch.receive(
        [Action(id=f"{do}{at_ms}", do=do, moment=moment.id, at_ms=at_ms, by="p7", promise_ms=promise_ms, reason="why")],
        at_ms,
    )


def only(watch: Watch) -> Moment:
    (moment,) = watch.living
    return moment


def pages(watch: Watch) -> list[tuple[str, str, int]]:
    """Who was paged, why, and when, in milliseconds after noon."""
    return [(event.group, event.reason, event.at_ms - at(0)) for event in watch.events if isinstance(event, Paged)]


# ---- 8. Publication


def test_a_prompt_day_is_never_revised() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    deliver(watch, press(at(1), "reset"))
    assert [(moment.change, moment.revision) for moment in watch.published] == [(1, 0), (2, 0)]
    assert [type(event) for event in watch.decided()][-1] is Saved


def test_a_late_reset_revises_a_published_failure_and_the_trail_says_why() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    watch.wake(at(10))
    assert only(watch).verdict == "failure"
    deliver(watch, press(at(2), "reset", late_ms=8 * MINUTE))
    (revised,) = [event for event in watch.events if isinstance(event, Revised)]
    assert (revised.was["verdict"], revised.now["verdict"]) == ("failure", "success")
    assert "reset" in revised.because
    assert (only(watch).verdict, only(watch).revision) == ("success", 1)


def test_a_refused_reset_is_on_the_trail_with_what_refused_it() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0), "reached", BEAM))
    deliver(watch, press(at(1), "reset"))
    (refused,) = [event for event in watch.events if isinstance(event, Refused)]
    assert (refused.witness, refused.held_by) == (AGENT, (BEAM,))


def test_a_failure_is_stamped_with_its_deadline_however_late_somebody_looks() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    watch.advance(at(40))
    (failed,) = [event for event in watch.events if isinstance(event, Failed)]
    assert failed.at_ms == at(3)
    deliver(watch, press(at(41), "reset"))
    (closed,) = [event for event in watch.events if isinstance(event, Closed)]
    assert closed.late_s == 38 * 60


def test_without_a_threat_a_success_is_kept_not_saved() -> None:
    watch = Watch.over(site(replace(CHECK_IN, pages=())))
    deliver(watch, press(at(0)))
    deliver(watch, press(at(1), "reset"))
    assert [type(event) for event in watch.events][-1] is Kept


# ---- 9. Identity


def test_a_replay_gives_the_same_ids() -> None:
    once, again = Watch.over(CONTRACT), Watch.over(CONTRACT)
    deliver(once, press(at(0)))
    deliver(again, press(at(0)))
    assert only(once).id == only(again).id


def test_an_earlier_witness_that_comes_late_moves_the_deadline_not_the_id() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(1)))
    known = only(watch).id
    deliver(watch, press(at(0.5), "reached", BEAM, late_ms=MINUTE))
    moment = only(watch)
    assert (moment.id, moment.opened_ms, moment.ends_ms, moment.revision) == (known, at(0.5), at(3.5), 1)


def test_when_two_moments_turn_out_to_be_one_the_earlier_id_stays_and_claims_move_over() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    reset = press(at(1), "reset")
    deliver(watch, reset)
    first = only(watch)
    deliver(watch, press(at(2), by=COLLEAGUE))
    (second,) = [moment for moment in watch.living if moment.id != first.id]
    person(watch, "claim", at(2.1), second)
    deliver(watch, press(at(2.2), "running", retracts=reset.id))
    assert only(watch).id == first.id
    assert (only(watch).claimed_by, only(watch).witnesses) == ("p7", (AGENT, COLLEAGUE))
    gone = watch.latest[second.id]
    assert (gone.withdrawn, gone.withdrawn_into) == (True, first.id)


def test_when_its_first_signal_is_taken_back_the_rest_goes_on_by_another_id_with_the_claim() -> None:
    watch = Watch.over(CONTRACT)
    mistaken = press(at(0))
    deliver(watch, mistaken)
    deliver(watch, press(at(0.5), by=COLLEAGUE))
    first = only(watch)
    person(watch, "claim", at(0.6), first)
    deliver(watch, press(at(0.7), "running", retracts=mistaken.id))
    assert (only(watch).id != first.id, only(watch).opened_ms, only(watch).claimed_by) == (True, at(0.5), "p7")
    assert watch.latest[first.id].withdrawn_into == only(watch).id


def test_a_void_does_not_move_over_a_person_is_asked() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    reset = press(at(1), "reset")
    deliver(watch, reset)
    first = only(watch)
    deliver(watch, press(at(2), by=COLLEAGUE))
    (second,) = [moment for moment in watch.living if moment.id != first.id]
    person(watch, "void", at(2.1), second)
    deliver(watch, press(at(2.2), "running", retracts=reset.id))
    assert only(watch).verdict is None
    (asked,) = [event for event in watch.events if isinstance(event, AskedVoid)]
    assert (asked.moment, asked.joined) == (first.id, second.id)


def test_when_a_moment_splits_the_part_with_the_first_signal_keeps_the_id() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    known = only(watch).id
    deliver(watch, press(at(2), by=COLLEAGUE))
    deliver(watch, press(at(1), "reset", late_ms=2 * MINUTE))
    assert [(moment.id == known, moment.opened_ms) for moment in watch.living] == [(True, at(0)), (False, at(2))]


# ---- 16. Pages


def test_groups_are_paged_by_the_time_left() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    watch.wake(at(2))
    assert pages(watch) == [("ticket-agents", "time-left", 0), ("supervisors", "time-left", 90 * SECOND)]


def test_a_claim_cancels_what_the_plan_says_and_a_lapse_brings_it_back() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    person(watch, "claim", at(1), only(watch), promise_ms=MINUTE)
    watch.wake(at(2, -1))
    assert [group for group, _, _ in pages(watch)] == ["ticket-agents"]
    assert [event.because for event in watch.events if isinstance(event, PageSkipped)] == ["claimed"]
    watch.wake(at(2))
    assert pages(watch)[1:] == [("supervisors", "claim-lapsed", 120 * SECOND)]


def test_those_who_were_paged_are_told_once_that_it_is_over() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    deliver(watch, press(at(1), "reset"))
    watch.wake(at(30))
    assert [event.groups for event in watch.events if isinstance(event, StoodDown)] == [("ticket-agents",)]
    assert len(pages(watch)) == 1


def test_what_is_over_when_it_is_heard_of_pages_nobody() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0), late_ms=20 * MINUTE), press(at(2), "reset", late_ms=18 * MINUTE))
    assert only(watch).verdict == "success"
    assert pages(watch) == []


def test_of_overdue_steps_one_per_group_goes_marked_late() -> None:
    twice = replace(CHECK_IN, pages=tuple(replace(step, group="supervisors") for step in CHECK_IN.pages))
    watch = Watch.over(site(twice))
    deliver(watch, press(at(0), late_ms=2 * MINUTE))
    (page,) = [event for event in watch.events if isinstance(event, Paged)]
    assert (page.step, page.left_ms, page.late_ms) == (1, MINUTE, 30 * SECOND)


def test_a_press_on_a_failed_moment_pages_the_first_group_again() -> None:
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    watch.wake(at(5))
    deliver(watch, press(at(5), by=COLLEAGUE))
    watch.wake(at(5, STILL_WAITING_AFTER_MS - 1))
    assert "still-waiting" not in [reason for _, reason, _ in pages(watch)]
    watch.wake(at(5, STILL_WAITING_AFTER_MS))
    assert pages(watch)[-1] == ("ticket-agents", "still-waiting", 5 * MINUTE + STILL_WAITING_AFTER_MS)


def test_a_hold_to_reset_a_failed_moment_pages_nobody_again() -> None:
    """A hold begins with a press; the reset names it, and it was never a customer."""
    watch = Watch.over(CONTRACT)
    deliver(watch, press(at(0)))
    watch.wake(at(5))
    held = press(at(5))
    deliver(watch, held)
    deliver(watch, replace(press(at(5, 2_000), "reset"), retracts=held.id))
    watch.wake(at(10))
    assert "still-waiting" not in [reason for _, reason, _ in pages(watch)]


def test_a_signal_that_threatens_pages_the_first_group_at_once_and_its_step_still_comes() -> None:
    watch = Watch.over(CONTRACT)
    flight = {"key": "AG1/2026-11-21", "touchpoint": "belt-3"}
    deliver(watch, replace(press(at(0), "docked"), **flight))
    for minute in (1, 2):
        deliver(watch, replace(press(at(minute), "jammed", "belt-3/drive"), **flight))
    watch.wake(at(18))
    assert pages(watch) == [
        ("supervisors", "threatened", MINUTE),
        ("supervisors", "time-left", 17 * MINUTE),
    ]
    (alarm, _) = [event for event in watch.events if isinstance(event, Paged)]
    assert (alarm.signal, alarm.cancels) == ("jammed", True)


def test_a_signal_that_threatens_what_somebody_is_on_pages_nobody() -> None:
    watch = Watch.over(CONTRACT)
    flight = {"key": "AG1/2026-11-21", "touchpoint": "belt-3"}
    deliver(watch, replace(press(at(0), "docked"), **flight))
    (moment,) = watch.engine.open_moments()
    watch.receive([Action(id="a/1", do="claim", moment=moment.id, at_ms=at(1), by="marta")], at(1))
    deliver(watch, replace(press(at(2), "jammed", "belt-3/drive"), **flight))
    assert pages(watch) == []


def test_overdue_pages_wait_for_the_rest_of_a_backlog_but_no_longer_than_ten_seconds() -> None:
    backlog, rest = press(at(0), late_ms=2 * MINUTE), press(at(1), "reset", late_ms=MINUTE + SECOND)
    whole = Watch.over(CONTRACT)
    deliver(whole, backlog, more=True)
    deliver(whole, rest)
    whole.wake(at(4))
    assert pages(whole) == []

    cut = Watch.over(CONTRACT)
    deliver(cut, backlog, more=True)
    cut.wake(at(2, 9_999))
    assert pages(cut) == []
    cut.wake(at(2, 10_000))
    assert {group for group, _, _ in pages(cut)} == {"ticket-agents", "supervisors"}

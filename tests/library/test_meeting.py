"""Where two rules meet: the very instant of a deadline, two flights at once, a plan that drops what it knew."""

from __future__ import annotations

from hashlib import sha256

import pytest
from msgspec.structs import replace

from andgate.moment.engine import Engine
from andgate.moment.events import Doubted
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Replanned, Retimed
from andgate.moment.state import dump, load
from andgate.plan import Plan
from tests.library.days import BAGGAGE, CHECK_IN, CONTRACT, HOUR, MINUTE, SECOND, at, site
from tests.library.fold import DAY_MS
from tests.library.test_trail import AGENT, BEAM, COLLEAGUE, DONE, DRIVE, FLIGHT, Trail, seen

OTHER = "AG77/2026-11-21"
OTHER_BEAM = "mark-b/mark"
OPS = "ops"
REJOINS = site(replace(CHECK_IN, rejoins_within_ms=MINUTE))
ASKS = replace(CHECK_IN, closes=("reset",), contradicted_after_ms=MINUTE, fails_after_ms=5 * MINUTE)


def only(trail: Trail) -> Moment:
    (moment,) = trail.watch.living
    return moment


def verdicts(trail: Trail) -> list[tuple[str, str | None, str | None]]:
    """Return state, verdict and reason of each moment, first opened first."""
    living = sorted(trail.watch.living, key=lambda each: (each.opened_ms, each.key or ""))
    return [(each.state, each.verdict, each.reason) for each in living]


def told(trail: Trail, *words: str) -> bool:
    """Tell whether a line of the trail has these words."""
    return any(all(word in line.split() for word in words) for line in trail.lines(trail.watch.engine.now_ms))


# ---- The very instant


def test_a_press_at_the_deadline_is_one_more_witness_and_a_lost_bag_then_still_fails_it() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("p2", "pressed", at(3), COLLEAGUE))
    trail.watch.wake(at(9))
    assert not told(trail, "reason=still-waiting")
    lost = Trail()
    lost.tell(seen("d1", "docked", at(0), OPS, key=FLIGHT), seen("l1", "lost", at(25), OPS, key=FLIGHT))
    assert told(lost, "failed", "signal=l1")


def test_what_is_closed_at_the_last_instant_is_closed_and_not_given_up() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), OPS, key=FLIGHT))
    last_ms = at(25) + BAGGAGE.gives_up_after_ms
    trail.watch.receive([seen("u1", "unloaded", last_ms, DONE)], last_ms)
    assert (only(trail).closed_ms, only(trail).reason) == (last_ms, None)


def test_a_done_button_passes_over_what_was_given_up_and_over_other_belts() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), OPS, key=FLIGHT))
    trail.tell(seen("d0", "docked", at(1), OPS, key=FLIGHT, touchpoint="belt-4"))
    after_ms = at(26) + BAGGAGE.gives_up_after_ms
    trail.tell(
        seen("d2", "docked", after_ms, OPS, key=OTHER),
        seen("u1", "unloaded", after_ms + MINUTE, DONE),
    )
    assert verdicts(trail) == [
        ("ended", "failure", "never closed"),
        ("ended", "failure", "never closed"),
        ("ended", "success", None),
    ]


def test_of_two_flights_docked_at_once_a_done_button_ends_the_first_by_name() -> None:
    trail = Trail()
    for key in (OTHER, FLIGHT):
        trail.tell(seen(f"d-{key}", "docked", at(0), OPS, key=key, seq=int(key == FLIGHT)))
    trail.tell(seen("u1", "unloaded", at(9), DONE))
    assert {each.key: each.state for each in trail.watch.living} == {FLIGHT: "ended", OTHER: "open"}


def test_a_device_that_goes_blind_at_the_instant_of_the_end_makes_it_provisional() -> None:
    trail = Trail()
    trail.tell(
        seen("p1", "pressed", at(0)), seen("r1", "reset", at(2)), seen("b1", "blind", at(2), BEAM, received_ms=at(2))
    )
    assert only(trail).provisional
    sighted = Trail()
    sighted.tell(
        seen("b1", "blind", at(-1), BEAM),
        seen("p1", "pressed", at(0)),
        seen("r1", "reset", at(2)),
        seen("s1", "sighted", at(2), BEAM, received_ms=at(2)),
    )
    assert not only(sighted).provisional


# ---- Moving


def test_a_flight_that_moves_to_where_it_is_or_to_where_no_promise_is_stays() -> None:
    for to in ("belt-3", "counter-a", None):
        trail = Trail()
        trail.tell(seen("d1", "docked", at(0), OPS, key=FLIGHT), seen("m1", "moved", at(5), OPS, key=FLIGHT, to=to))
        assert only(trail).touchpoint == "belt-3"
        assert not told(trail, "moved")


def test_belts_that_are_linked_already_join_at_the_next_move_at_once() -> None:
    trail = Trail()
    trail.tell(
        seen("d0", "docked", at(0), OPS, key=OTHER),
        seen("m0", "moved", at(1), OPS, key=OTHER, to="belt-4"),
        seen("d1", "docked", at(2), OPS, key=FLIGHT, about={"stand": "12"}),
        seen("d2", "docked", at(3), "belt-4/done", key=FLIGHT, about={"stand": "14", "from": "JFK"}),
        seen("d3", "docked", at(3.5), "feed", key=FLIGHT),
        seen("j1", "jammed", at(4), DRIVE, key=FLIGHT),
        seen("m1", "moved", at(5), OPS, key=FLIGHT, to="belt-4"),
    )
    (flight,) = [each for each in trail.watch.living if each.key == FLIGHT]
    assert (flight.touchpoint, flight.opened_ms, flight.threatened_ms) == ("belt-4", at(2), at(4))
    assert (flight.about, flight.witnesses) == ({"stand": "12", "from": "JFK"}, ("ops", "belt-4/done", "feed"))
    (gone,) = [each for each in trail.watch.latest.values() if each.withdrawn]
    assert gone.withdrawn_into == flight.id


@pytest.mark.parametrize(("here", "there"), [(4, 4.5), (4.5, 4)])
def test_of_two_jams_the_first_threatens_wherever_it_was(here: float, there: float) -> None:
    trail = Trail()
    said = (
        seen("d1", "docked", at(2), OPS, key=FLIGHT),
        seen("d2", "docked", at(3), "belt-4/done", key=FLIGHT),
        seen("here", "jammed", at(here), DRIVE, key=FLIGHT),
        seen("there", "jammed", at(there), "belt-4/drive", key=FLIGHT),
        seen("m1", "moved", at(5), OPS, key=FLIGHT, to="belt-4"),
        seen("again", "jammed", at(6), "belt-4/drive", key=FLIGHT),
    )
    trail.tell(*sorted(said, key=lambda each: each.at_ms))
    (flight,) = trail.watch.living
    assert (flight.opened_ms, flight.threatened_ms) == (at(2), at(4))


def test_the_jam_that_threatened_the_one_threatens_both_together_and_is_paged_with_its_word() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), OPS, key=FLIGHT),
        seen("d2", "docked", at(1), OPS, key=FLIGHT, touchpoint="belt-4"),
        seen("m1", "moved", at(5), OPS, key=FLIGHT, to="belt-4"),
        seen("j1", "jammed", at(4), "belt-4/drive", received_ms=at(6)),
    )
    assert only(trail).threatened_ms == at(4)
    assert told(trail, "reason=threatened", "signal=jammed")


def test_a_flight_closed_at_the_instant_of_its_move_is_judged_where_it_went() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), OPS, key=FLIGHT),
        seen("b1", "blind", at(4), "belt-4/done"),
        seen("m1", "moved", at(5), "a-feed", key=FLIGHT, to="belt-4"),
        seen("u1", "unloaded", at(5), OPS, key=FLIGHT, touchpoint="belt-4"),
    )
    assert (only(trail).closed_ms, only(trail).provisional) == (at(5), True)


def test_what_was_decided_at_a_belt_that_is_linked_later_is_revised() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), OPS, key=FLIGHT, touchpoint="belt-4"),
        seen("d0", "docked", at(10), OPS, key=OTHER),
    )
    trail.watch.wake(at(26))
    trail.tell(
        seen("m0", "moved", at(11), OPS, key=OTHER, to="belt-4", received_ms=at(26)),
        seen("u1", "unloaded", at(24), "feed", key=FLIGHT, touchpoint="belt-4", received_ms=at(27)),
    )
    (flight,) = [each for each in trail.watch.living if each.key == FLIGHT]
    assert (flight.verdict, flight.revision) == ("success", 1)
    assert told(trail, "revised")


def test_another_verdict_that_nobody_saw_either_says_so_anew() -> None:
    trail = Trail()
    trail.tell(seen("b1", "blind", at(-1), BEAM), seen("p1", "pressed", at(0)), seen("r1", "reset", at(2)))
    assert (only(trail).verdict, only(trail).provisional) == ("success", True)
    trail.tell(Retimed(signal="r1", at_ms=at(4)))
    assert (only(trail).verdict, only(trail).provisional) == ("failure", True)
    doubts = [event.at_ms for event in trail.watch.events if isinstance(event, Doubted)]
    assert doubts == [at(2), only(trail).ends_ms]


def test_what_is_taken_back_at_a_belt_that_was_linked_is_taken_back() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), OPS, key=FLIGHT),
        seen("d2", "docked", at(1), OPS, key=OTHER, touchpoint="belt-4"),
    )
    second = next(each.id for each in trail.watch.living if each.key == OTHER)
    trail.tell(seen("m1", "moved", at(5), OPS, key=FLIGHT, to="belt-4"))
    assert trail.watch.engine.moment(second) is not None
    trail.tell(seen("x1", "running", at(6), DRIVE, retracts="d2"))
    assert trail.watch.latest[second].withdrawn
    trail.tell(seen("x2", "running", at(7), DRIVE, retracts="d1"))
    assert trail.watch.living == []


# ---- Persons


def test_a_void_of_what_turned_out_not_to_be_a_moment_is_nobodys() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("void", at(1), "a child")
    trail.tell(seen("x", "running", at(2), retracts="p1"), seen("p2", "pressed", at(3)))
    assert verdicts(trail) == [("open", None, None)]


def test_a_reset_by_a_person_after_what_turns_out_to_be_the_end_is_no_void() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("reset", at(2), "nobody there")
    trail.tell(seen("c1", "cleared", at(1), BEAM, received_ms=at(3)))
    assert (only(trail).verdict, only(trail).reason, only(trail).closed_ms) == ("success", None, at(1))


# ---- Going on


def test_a_moment_that_goes_on_is_provisional_no_more_and_is_closed_like_any() -> None:
    trail = Trail(REJOINS)
    trail.tell(seen("m1", "reached", at(0), BEAM), seen("c1", "cleared", at(1), BEAM, found=True))
    assert only(trail).provisional
    trail.tell(seen("p1", "pressed", at(1.5)))
    assert (only(trail).state, only(trail).provisional) == ("open", False)
    trail.tell(seen("r1", "reset", at(2)))
    assert (only(trail).verdict, only(trail).provisional, only(trail).closed_ms) == ("success", False, at(2))


def test_what_another_plan_dropped_does_not_go_on_when_a_third_brings_it_back() -> None:
    trail = Trail(REJOINS)
    trail.tell(
        seen("p1", "pressed", at(0)),
        Replanned(plan=site(BAGGAGE, version="second"), at_ms=at(1)),
        Replanned(plan=replace(REJOINS, version="third"), at_ms=at(1.1)),
        seen("p2", "pressed", at(1.5)),
    )
    assert verdicts(trail) == [("ended", "void", "plan changed"), ("open", None, None)]


# ---- Plans


def test_every_moment_that_a_plan_drops_ends_with_it() -> None:
    trail = Trail()
    trail.tell(seen("d1", "docked", at(0), OPS, key=FLIGHT), seen("d2", "docked", at(1), OPS, key=OTHER))
    trail.tell(Replanned(plan=site(CHECK_IN, version="second"), at_ms=at(2)))
    assert verdicts(trail) == [("ended", "void", "plan changed")] * 2


def test_a_plan_may_drop_a_promise_whose_sensor_has_spoken() -> None:
    trail = Trail()
    trail.tell(seen("c0", "cleared", at(-1), BEAM), seen("p1", "pressed", at(0)))
    trail.tell(Replanned(plan=site(BAGGAGE, version="second"), at_ms=at(1)))
    assert verdicts(trail) == [("ended", "void", "plan changed")]


def test_a_plan_that_leaves_the_sensor_where_it_is_leaves_its_word() -> None:
    trail = Trail()
    trail.tell(
        seen("c0", "cleared", at(-2), BEAM),
        Replanned(plan=replace(CONTRACT, version="second"), at_ms=at(-1)),
        seen("p1", "pressed", at(0)),
    )
    assert only(trail).sensor == "silent"


def test_a_better_time_may_put_a_signal_under_a_plan_that_does_not_know_it() -> None:
    second = site(replace(CHECK_IN, opens=("pressed", "reached", "waved")), version="second")
    trail = Trail()
    trail.tell(Replanned(plan=second, at_ms=at(1)), seen("w1", "waved", at(2), COLLEAGUE))
    trail.watch.wake(at(3))
    trail.watch.receive([Retimed(signal="w1", at_ms=at(0.5))], at(3))
    assert trail.watch.living == []


# ---- What sensors say of a press


def test_a_sensor_whose_line_has_cleared_does_not_agree_with_the_next_press() -> None:
    trail = Trail()
    trail.tell(seen("m1", "reached", at(-5), BEAM), seen("c1", "cleared", at(-4), BEAM), seen("p1", "pressed", at(0)))
    newest = max(trail.watch.living, key=lambda each: each.opened_ms)
    assert (newest.opened_ms, newest.sensor) == (at(0), "silent")


def test_a_sensor_that_never_spoke_says_nothing_when_it_is_sighted_either() -> None:
    trail = Trail()
    trail.tell(seen("b1", "blind", at(-2), BEAM), seen("s1", "sighted", at(-1), BEAM), seen("p1", "pressed", at(0)))
    assert only(trail).sensor is None


def test_a_sensor_that_was_blind_must_say_again_that_there_is_no_line() -> None:
    for said in ((), (seen("c1", "cleared", at(-0.5), BEAM),)):
        trail = Trail()
        trail.tell(
            seen("x0", "cleared", at(-5), OTHER_BEAM),
            seen("x1", "blind", at(-4), OTHER_BEAM),
            seen("b1", "blind", at(-2), BEAM),
            seen("s1", "sighted", at(-1), BEAM),
            *said,
            seen("p1", "pressed", at(0)),
        )
        assert only(trail).sensor == ("silent" if said else None)
    silent = Trail()
    silent.tell(
        seen("c0", "cleared", at(-3), BEAM),
        seen("b1", "blind", at(-2), BEAM),
        seen("s1", "sighted", at(-1), BEAM),
        seen("p1", "pressed", at(0)),
    )
    assert only(silent).sensor is None


def test_a_hold_that_opens_nothing_says_nothing_of_a_line() -> None:
    trail = Trail(site(replace(CHECK_IN, opens=("pressed",))))
    trail.tell(seen("c0", "cleared", at(-1), BEAM), seen("p1", "pressed", at(0)))
    assert only(trail).sensor is None


def test_a_sensor_that_looked_away_for_a_moment_since_the_press_contradicts_nothing() -> None:
    trail = Trail(site(ASKS))
    trail.tell(
        seen("c0", "cleared", at(-1), BEAM),
        seen("p1", "pressed", at(0)),
        seen("b1", "blind", at(0.2), BEAM),
        seen("c1", "cleared", at(0.25), BEAM, found=True),
        seen("s1", "sighted", at(0.3), BEAM),
    )
    trail.watch.wake(at(4))
    assert (only(trail).state, only(trail).contradicted_ms) == ("open", None)


def test_what_nobody_confirmed_stays_void_when_the_next_press_comes() -> None:
    trail = Trail(site(ASKS))
    trail.tell(
        seen("c0", "cleared", at(-1), BEAM),
        seen("p1", "pressed", at(0)),
        seen("c1", "cleared", at(0.2), OTHER_BEAM),
        seen("p2", "pressed", at(3)),
    )
    assert verdicts(trail) == [("ended", "void", "contradicted"), ("open", None, None)]
    first = min(trail.watch.living, key=lambda each: each.opened_ms)
    assert (first.ended_ms, first.provisional) == (at(2), True)


def test_what_is_learned_all_at_once_was_asked_about_until_it_was_void() -> None:
    trail = Trail(site(ASKS))
    trail.tell(seen("c0", "cleared", at(-1), BEAM))
    trail.watch.receive([seen("p1", "pressed", at(0), received_ms=at(3))], at(3))
    assert told(trail, "1:00", "contradicted", "until_ms=2:00")


def test_what_was_asked_and_answered_before_it_was_heard_of_tells_until_when_it_was_asked() -> None:
    for answer in (seen("p2", "pressed", at(1.5), COLLEAGUE), seen("r1", "reset", at(1.5))):
        trail = Trail(site(ASKS))
        trail.tell(seen("c0", "cleared", at(-1), BEAM))
        trail.watch.receive(
            [replace(each, received_ms=at(3)) for each in (seen("p1", "pressed", at(0)), answer)], at(3)
        )
        assert told(trail, "1:00", "contradicted", "until_ms=2:00")
    short = Trail(site(replace(ASKS, fails_after_ms=90 * SECOND)))
    short.tell(seen("c0", "cleared", at(-1), BEAM), seen("p1", "pressed", at(0)))
    short.watch.wake(at(1))
    assert told(short, "1:00", "contradicted", "until_ms=1:30")


# ---- Horizon, duplicates, what comes before its own word


def test_a_day_late_is_in_time_and_a_millisecond_more_is_not() -> None:
    for late_ms, verdict in ((DAY_MS, "success"), (DAY_MS + 1, "failure")):
        engine = Engine(CONTRACT)
        engine.receive([seen("p1", "pressed", at(0))], at(0))
        for hour in range(24):
            engine.advance(at(0) + hour * HOUR)
        engine.receive([seen("r1", "reset", at(2), received_ms=at(2) + late_ms)], at(2) + late_ms)
        assert [moment.verdict for moment in engine.moments()] == [verdict]


def test_what_was_taken_back_before_it_came_opens_nothing_to_the_last_instant() -> None:
    engine = Engine(CONTRACT)
    now_ms = at(0) + DAY_MS
    engine.receive([seen("x", "noted", now_ms, retracts="p1")], now_ms)
    engine.receive([seen("p1", "pressed", at(0), received_ms=now_ms)], now_ms)
    assert list(engine.moments()) == []


def test_what_is_a_day_old_may_still_be_taken_back_or_put_at_a_better_time() -> None:
    for late_ms, changes in ((DAY_MS, True), (DAY_MS + 1, False)):
        now_ms = at(0) + late_ms
        taken_back, retimed = Engine(CONTRACT), Engine(CONTRACT)
        for engine in (taken_back, retimed):
            engine.receive([seen("p1", "pressed", at(0))], at(0))
            engine.advance(now_ms)
        assert bool(taken_back.receive([seen("x", "running", now_ms, retracts="p1")], now_ms).published) == changes
        assert bool(retimed.receive([Retimed(signal="p1", at_ms=at(0, 60_000))], now_ms + 60_000).published) == changes


def test_the_same_signal_again_changes_nothing_and_is_not_published() -> None:
    engine = Engine(CONTRACT)
    press = seen("p1", "pressed", at(0))
    assert len(engine.receive([press], at(0)).published) == 1
    assert engine.receive([replace(press, received_ms=at(1))], at(1)).published == ()
    assert [moment.change for moment in engine.moments()] == [1]


def test_a_press_that_comes_after_the_word_that_takes_it_back_opens_nothing() -> None:
    trail = Trail()
    trail.tell(
        seen("r1", "reset", at(0, 2 * SECOND), retracts="p1"),
        seen("p1", "pressed", at(0), received_ms=at(1)),
        seen("p2", "pressed", at(2), COLLEAGUE),
        seen("r0", "reset", at(-1), COLLEAGUE, received_ms=at(2.5)),
    )
    assert [(each.opened_ms, each.witnesses) for each in trail.watch.living] == [(at(2), (COLLEAGUE,))]


def test_a_jam_that_names_a_flight_threatens_no_other() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), OPS, key=FLIGHT),
        seen("d2", "docked", at(1), OPS, key=OTHER),
        seen("j1", "jammed", at(2), DRIVE, key=OTHER),
    )
    assert {each.key: each.threatened_ms for each in trail.watch.living} == {FLIGHT: None, OTHER: at(2)}


def test_a_promise_without_a_key_takes_no_notice_of_one() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0), key=FLIGHT), seen("p2", "pressed", at(1), COLLEAGUE))
    assert (only(trail).key, only(trail).witnesses) == (None, (AGENT, COLLEAGUE))
    trail.tell(seen("r1", "reset", at(2)))
    assert only(trail).state == "ended"


def test_a_press_before_a_plan_that_drops_its_promise_ends_with_it_however_late_it_comes() -> None:
    trail = Trail()
    trail.tell(
        Replanned(plan=replace(CONTRACT, version="second"), at_ms=at(-5)),
        Replanned(plan=site(BAGGAGE, version="third"), at_ms=at(1)),
        seen("p1", "pressed", at(0), received_ms=at(2)),
    )
    assert verdicts(trail) == [("ended", "void", "plan changed")]
    once = Trail()
    once.tell(
        Replanned(plan=site(BAGGAGE, version="second"), at_ms=at(1)), seen("p1", "pressed", at(0), received_ms=at(2))
    )
    assert verdicts(once) == [("ended", "void", "plan changed")]


def test_what_has_ended_early_holds_up_nobody_elses_clock() -> None:
    trail = Trail()
    trail.tell(
        seen("d1", "docked", at(0), OPS, key=FLIGHT),
        seen("d2", "docked", at(1), OPS, key=OTHER),
        seen("u1", "unloaded", at(2), DONE, key=FLIGHT),
    )
    trail.watch.advance(at(27))
    assert verdicts(trail) == [("ended", "success", None), ("open", "failure", None)]


def test_what_a_person_does_counts_after_the_signals_of_its_millisecond() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.does("void", at(1), "drill")
    trail.tell(seen("p2", "pressed", at(1), COLLEAGUE))
    assert verdicts(trail) == [("ended", "void", "drill")]


def test_an_id_is_made_of_promise_place_key_and_first_signal() -> None:
    """Programs of others keep these ids: they never change."""
    parts = {
        "p1": ("check-in-wait", "counter-a", "", "p1"),
        "d1": ("baggage-claim", "belt-3", FLIGHT, "d1"),
    }
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0), key=FLIGHT), seen("d1", "docked", at(0), OPS, key=FLIGHT))
    assert {each.anchor: each.id for each in trail.watch.living} == {
        anchor: sha256("\0".join(each).encode()).hexdigest()[:32] for anchor, each in parts.items()
    }


# ---- What is far past, and restarts


def day_later(engine: Engine, hours: int = 30) -> None:
    """Let so many hours pass and everything be forgotten that can be."""
    for hour in range(hours):
        engine.advance(at(0) + hour * HOUR)


def two_promises() -> Plan:
    """A press is heard by two promises."""
    return site(CHECK_IN, replace(CHECK_IN, id="check-in-greeting", holds={}, opens=("pressed",), closes=("reset",)))


def test_nothing_of_what_is_forgotten_is_held() -> None:
    trail = Trail(two_promises())
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)))
    names = [each.id for each in trail.watch.living]
    engine = trail.watch.engine
    assert len(names) == 2
    assert len(engine.groups.holding("p1")) == 2
    day_later(engine)
    assert [engine.groups.of(name) for name in names] == [None, None]
    assert (engine.groups.holding("p1"), engine.groups.holding("r1"), list(engine.moments())) == ((), (), [])


def test_what_was_withdrawn_is_let_go_too() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(0, 2 * SECOND), retracts="p1"))
    (gone,) = trail.watch.latest
    assert trail.watch.engine.groups.of(gone) is not None
    day_later(trail.watch.engine)
    assert trail.watch.engine.groups.of(gone) is None


def test_every_place_is_there_again_after_a_restart() -> None:
    trail = Trail(two_promises())
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)))
    before = {each.id: each for each in trail.watch.engine.moments()}
    engine = load(dump(trail.watch.engine))
    assert {each.id: each for each in engine.moments()} == before
    engine = load(dump(trail.watch.engine))
    late = seen("p0", "pressed", at(-0.5), COLLEAGUE, received_ms=at(2))
    step = engine.receive([late], at(2))
    assert {(each.id in before, each.opened_ms, each.revision) for each in step.published} == {(True, at(-0.5), 1)}
    engine = load(dump(trail.watch.engine))
    step = engine.receive([seen("x", "running", at(2), DRIVE, retracts="p1")], at(2))
    assert {each.id: each.withdrawn for each in step.published} == dict.fromkeys(before, True)


def test_what_is_open_is_open_after_a_restart_and_what_sleeps_is_found_by_a_better_time() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("d1", "docked", at(1.5), OPS, key=FLIGHT))
    engine = load(dump(trail.watch.engine))
    assert engine.open_moments() == trail.watch.engine.open_moments()
    assert [each.key for each in engine.open_moments()] == [FLIGHT]
    (kept,) = engine.receive([Retimed(signal="r1", at_ms=at(0.5))], at(2)).published
    assert (kept.closed_ms, kept.revision) == (at(0.5), 1)


def test_a_restart_keeps_voids_backlogs_horizon_and_two_plans_of_one_millisecond() -> None:
    engine = Engine(CONTRACT, horizon_ms=2 * HOUR)
    engine.receive([seen("p1", "pressed", at(0))], at(0))
    (moment,) = engine.open_moments()
    engine.receive(
        [Action(id="a", do="void", moment=moment.id, at_ms=at(1), by="marta"), seen("p2", "pressed", at(1, 1))],
        at(1, 1),
    )
    for version in ("second", "third"):
        engine.receive([Replanned(plan=replace(CONTRACT, version=version), at_ms=at(2))], at(2))
    engine.receive([seen("p3", "pressed", at(2.5), received_ms=at(3))], at(3), more=True)
    other = load(dump(engine))
    assert dump(other) == dump(engine)
    assert (other.horizon_ms, other.plan.version) == (2 * HOUR, "third")
    assert other.backlogs.waiting == engine.backlogs.waiting
    for minute in (3.1, 3.2, 4, 5):
        assert other.advance(at(minute)) == engine.advance(at(minute))
    late = seen("r0", "reset", at(0.5), received_ms=at(6))
    assert other.receive([late], at(6)) == engine.receive([late], at(6))
    assert {each.id: each.verdict for each in other.moments()} == {each.id: each.verdict for each in engine.moments()}


def test_the_state_does_not_depend_on_which_place_spoke_first() -> None:
    inputs = [seen("p1", "pressed", at(0)), seen("d1", "docked", at(0), OPS, key=FLIGHT)]
    once, again = Engine(CONTRACT), Engine(CONTRACT)
    for one, other in zip(inputs, reversed(inputs), strict=True):
        once.receive([one], at(0))
        again.receive([other], at(0))
    assert dump(once) == dump(again)


def test_what_a_sensor_said_long_ago_survives_forgetting_and_a_restart() -> None:
    engine = Engine(CONTRACT)
    engine.receive([seen("c0", "cleared", at(0), BEAM)], at(0))
    day_later(engine)
    now_ms = at(0) + 40 * HOUR
    other = load(dump(engine))
    for each in (engine, other):
        each.receive([seen("p1", "pressed", now_ms)], now_ms)
        assert [moment.sensor for moment in each.open_moments()] == ["silent"]


def test_a_moment_older_than_the_horizon_is_known_by_its_first_signal_after_a_restart() -> None:
    engine = Engine(site(replace(CHECK_IN, gives_up_after_ms=90 * HOUR)))
    engine.receive([seen("p1", "pressed", at(0))], at(0))
    day_later(engine)
    now_ms = at(0) + 40 * HOUR
    other = load(dump(engine))
    assert other.groups.holding("p1") != ()
    for each in (engine, other):
        (moment,) = each.receive([seen("p2", "pressed", now_ms)], now_ms).published
        assert (moment.witnesses, moment.opened_ms) == ((AGENT,), at(0))

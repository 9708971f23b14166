"""What is folded together: what one message changes, what is late, what a join takes over, what a long day lets go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment.backlogs import MORE_WAIT_MS, Backlogs
from andgate.moment.engine import Engine
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind, Input, Replanned, Retimed
from andgate.moment.state import dump, load
from tests.library.days import BAGGAGE, CHECK_IN, CONTRACT, HOUR, MINUTE, SECOND, at, site
from tests.library.test_trail import AGENT, BEAM, COLLEAGUE, DONE, DRIVE, FLIGHT, PAGES, Trail, seen

OTHER = "AG77/2026-11-21"
pauses = st.sampled_from([0, 1, SECOND, MORE_WAIT_MS - 1, MORE_WAIT_MS])
OPS = "ops"
REJOINS = site(replace(CHECK_IN, rejoins_within_ms=MINUTE, pages=()))
LONG = site(replace(CHECK_IN, gives_up_after_ms=90 * HOUR, pages=()))


def docked(identity: str, minute: float, key: str = FLIGHT, belt: str = "belt-3") -> Input:
    return seen(identity, "docked", at(minute), OPS, key=key, touchpoint=belt)


def does(do: ActionKind, moment: str, at_ms: int, reason: str | None = "why") -> Action:
    return Action(id=f"{do}/{moment}/{at_ms}", do=do, moment=moment, at_ms=at_ms, by="marta", reason=reason)


def flights(trail: Trail) -> dict[str | None, Moment]:
    """Return the living moments by flight."""
    return {each.key: each for each in trail.watch.living}


def in_order(trail: Trail) -> list[Moment]:
    return sorted(trail.watch.living, key=lambda each: each.opened_ms)


# ---- One message


def test_everything_in_one_message_is_published_with_it() -> None:
    trail = Trail()
    trail.watch.receive([docked("d1", 0), docked("d2", 0, OTHER)], at(0))
    assert set(flights(trail)) == {FLIGHT, OTHER}
    note = does("cause", flights(trail)[OTHER].id, at(1), "snow")
    trail.watch.receive([seen("l1", "lost", at(1), OPS, key=FLIGHT), note], at(1))
    assert (flights(trail)[FLIGHT].verdict, flights(trail)[OTHER].cause) == ("failure", "snow")
    other = does("cause", flights(trail)[FLIGHT].id, at(2), "ice")
    trail.watch.receive([replace(note, id="b", at_ms=at(2), reason="sleet"), other], at(2))
    assert (flights(trail)[FLIGHT].cause, flights(trail)[OTHER].cause) == ("ice", "sleet")


def test_flights_that_come_in_one_message_out_of_order_are_published_with_it() -> None:
    trail = Trail()
    trail.watch.receive([docked("d0", -1, "AG0/2026-11-21"), docked("d9", 0, "AG9/2026-11-21")], at(0))
    trail.watch.receive([docked("d1", 0), docked("d2", 0, OTHER)], at(0))
    assert set(flights(trail)) == {"AG0/2026-11-21", "AG9/2026-11-21", FLIGHT, OTHER}


# ---- What is late, and what is not


def test_a_line_that_goes_on_at_once_is_not_revised() -> None:
    trail = Trail(REJOINS)
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("p2", "pressed", at(1), COLLEAGUE))
    (moment,) = trail.watch.living
    assert (moment.state, moment.revision) == ("open", 0)
    assert [line.split()[1] for line in trail.lines(at(1))] == ["opened", "kept", "rejoined"]


def test_a_reset_at_the_deadline_itself_that_comes_after_the_failure_was_told_revises_it() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)))
    trail.watch.wake(at(3, 2 * SECOND))
    trail.tell(seen("r1", "reset", at(3), received_ms=at(3, 2 * SECOND)))
    (moment,) = trail.watch.living
    assert (moment.verdict, moment.revision) == ("success", 1)


def test_an_answer_at_the_last_instant_that_comes_after_the_void_was_told_revises_it() -> None:
    trail = Trail(site(replace(CHECK_IN, contradicted_after_ms=MINUTE, fails_after_ms=5 * MINUTE)))
    trail.tell(seen("c0", "cleared", at(-1), BEAM), seen("p1", "pressed", at(0)))
    trail.watch.wake(at(2.5))
    trail.tell(seen("p2", "pressed", at(2), COLLEAGUE, received_ms=at(2.5)))
    (moment,) = trail.watch.living
    assert (moment.state, moment.verdict, moment.revision) == ("open", None, 1)


def test_what_one_flight_has_decided_stays_decided_whatever_the_next_one_does() -> None:
    trail = Trail()
    trail.tell(docked("d1", 0), docked("d2", 20, OTHER))
    trail.watch.wake(at(38))
    assert flights(trail)[FLIGHT].verdict == "failure"
    trail.tell(seen("u1", "unloaded", at(25), DONE, key=FLIGHT, received_ms=at(40)))
    assert (flights(trail)[FLIGHT].verdict, flights(trail)[FLIGHT].revision) == ("success", 1)


def test_what_has_been_revised_is_not_published_again_for_nothing() -> None:
    trail = Trail()
    trail.tell(
        seen("p1", "pressed", at(0)),
        seen("r1", "reset", at(2), received_ms=at(4)),
    )
    (moment,) = trail.watch.living
    trail.tell(seen("r0", "reset", at(-1), COLLEAGUE, received_ms=at(5)))
    assert (moment.revision, trail.watch.living) == (1, [moment])


def test_a_reset_taken_back_by_the_same_device_names_it_once() -> None:
    trail = Trail()
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("x", "running", at(2), retracts="r1"))
    assert any(line.endswith("because=taken back: desk-a1/mot reset") for line in trail.lines(at(2)))


def test_a_device_that_did_not_see_is_named_once() -> None:
    trail = Trail()
    trail.tell(
        seen("b1", "blind", at(-1), BEAM, value="lost"), seen("p1", "pressed", at(0)), seen("r1", "reset", at(1))
    )
    trail.does("cause", at(2), "no agent")
    trail.does("void", at(3), "drill")
    assert [line.split()[1] for line in trail.lines(at(9), PAGES)][2:] == ["saved", "doubted", "noted", "voided"]


def test_a_done_button_pressed_before_a_flight_docked_never_ends_it_however_late_it_is_heard() -> None:
    trail = Trail()
    trail.tell(
        docked("d1", 1),
        seen("u1", "unloaded", at(2), DONE, key=FLIGHT),
        docked("d2", 6, OTHER),
        seen("u2", "unloaded", at(5), DONE, received_ms=at(7)),
    )
    assert {key: each.closed_ms for key, each in flights(trail).items()} == {FLIGHT: at(2), OTHER: None}


def test_a_jam_that_holds_the_belt_is_heard_late_and_refuses_what_came_after_it() -> None:
    held = site(replace(BAGGAGE, holds={"jammed": "running"}))
    trail = Trail(held)
    trail.tell(
        docked("d1", 0),
        docked("d2", 1, OTHER),
        seen("u2", "unloaded", at(6), DONE, key=OTHER),
        seen("j1", "jammed", at(5), DRIVE, key=FLIGHT, received_ms=at(7)),
    )
    assert flights(trail)[OTHER].state == "open"
    freed = Trail(held)
    freed.tell(
        docked("d2", 1, OTHER),
        seen("j1", "jammed", at(2), DRIVE, key=FLIGHT),
        seen("u2", "unloaded", at(6), DONE, key=OTHER),
        seen("f1", "running", at(5), DRIVE, key=FLIGHT, received_ms=at(7)),
    )
    assert flights(freed)[OTHER].closed_ms == at(6)


def test_of_many_later_items_those_not_looked_at_may_be_of_the_same_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("andgate.moment.history.NEIGHBOURS", 1)
    trail = Trail()
    trail.tell(
        docked("d1", 0),
        seen("u1", "unloaded", at(2), DONE, key=FLIGHT),
        docked("d2", 3, OTHER),
        seen("d3", "docked", at(1), "feed", key=FLIGHT, received_ms=at(4)),
    )
    assert {each.key: (each.state, each.witnesses) for each in trail.watch.living} == {
        FLIGHT: ("ended", ("ops", "feed")), OTHER: ("open", ("ops",))
    }  # fmt: skip


# ---- Persons


def test_a_void_taken_back_leaves_other_voids_and_resets_alone() -> None:
    trail = Trail()
    trail.tell(docked("d1", 0), docked("d2", 1, OTHER), docked("d3", 2, "AG9/2026-11-21"))
    ids = {key: each.id for key, each in flights(trail).items()}
    trail.tell(
        does("void", ids[FLIGHT], at(3)),
        does("void", ids[OTHER], at(4)),
        does("reset", ids["AG9/2026-11-21"], at(5)),
        does("unvoid", ids[FLIGHT], at(6)),
    )
    now = flights(trail)
    assert [now[key].verdict for key in ids] == [None, "void", "success"]


def test_words_about_one_moment_are_not_anothers() -> None:
    trail = Trail()
    trail.tell(docked("d1", 0), docked("d2", 1, OTHER))
    first, second = (flights(trail)[key].id for key in (FLIGHT, OTHER))
    trail.tell(does("cause", first, at(2), "snow"), does("claim", first, at(3)), does("remedy", second, at(4), "tea"))
    now = flights(trail)
    assert [(each.cause, each.remedy, each.claimed_by) for each in (now[FLIGHT], now[OTHER])] == [
        ("snow", None, "marta"), (None, "tea", None)
    ]  # fmt: skip


def test_only_the_void_of_the_moment_that_was_joined_is_asked_about() -> None:
    trail = Trail()
    trail.tell(seen("p0", "pressed", at(-9)))
    trail.does("void", at(-8), "drill")
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("p2", "pressed", at(1.2), COLLEAGUE))
    trail.does("cause", at(1.3), "no agent")
    trail.tell(seen("x", "running", at(1.4), COLLEAGUE, retracts="r1"))
    assert not [line for line in trail.lines(at(1.4)) if "asked-void" in line]


# ---- Joined, and apart again


def test_what_was_joined_and_comes_apart_has_its_own_words_and_its_own_trail_again() -> None:
    trail = Trail(site(replace(CHECK_IN, pages=())))
    trail.tell(seen("p1", "pressed", at(0)), seen("r1", "reset", at(1)), seen("p2", "pressed", at(1.2), COLLEAGUE))
    first, second = (each.id for each in in_order(trail))
    trail.does("cause", at(1.3), "no agent")
    trail.tell(seen("x", "running", at(1.4), COLLEAGUE, retracts="r1"))
    assert [(each.id, each.cause) for each in in_order(trail)] == [(first, "no agent")]
    trail.tell(seen("r2", "reset", at(1.1), received_ms=at(1.5)))
    assert [(each.id, each.cause) for each in in_order(trail)] == [(first, None), (second, "no agent")]
    assert [line for line in trail.lines(at(1.5)) if "moment-2" in line.split()][2:] == [
        "1:24 withdrawn moment-2 into=moment-1",
        (
            "1:30 revised moment-2 changed=('ended_ms',) was={'ended_ms': '1:24'} now={'ended_ms': None}"
            " because=late: desk-a1/mot reset"
        ),
    ]


def test_a_press_that_is_put_where_it_means_nothing_and_back_is_the_same_moment() -> None:
    third = site(replace(CHECK_IN, opens=("pressed", "reached", "waved"), pages=()), version="third")
    trail = Trail(third)
    trail.tell(seen("w1", "waved", at(0), COLLEAGUE), Replanned(plan=replace(CONTRACT, version="fourth"), at_ms=at(1)))
    (moment,) = trail.watch.living
    trail.watch.receive([Retimed(signal="w1", at_ms=at(1.5))], at(2))
    assert trail.watch.living == []
    trail.watch.receive([Retimed(signal="w1", at_ms=at(0.5))], at(2.1))
    (again,) = trail.watch.living
    assert (again.id, again.opened_ms, again.state) == (moment.id, at(0.5), "open")


@pytest.mark.parametrize(("here", "there"), [("belt-3", "belt-4"), ("belt-4", "belt-3")])
def test_belts_folded_together_keep_what_each_had(here: str, there: str) -> None:
    """Taken back, withdrawn, anchored by a later signal, said by persons: at the one belt and at the other."""
    trail = Trail()
    ids: dict[str, str] = {}
    for minute, belt in ((0, here), (1, there)):
        gone, kept = f"AG{minute}/gone", f"AG{minute}/kept"
        trail.tell(docked(f"g-{belt}", minute, gone, belt))
        ids[gone] = flights(trail)[gone].id
        trail.tell(seen(f"x-{belt}", "seen", at(minute, 1), DRIVE, touchpoint=belt, retracts=f"g-{belt}"))
        trail.tell(docked(f"k-{belt}", minute + 0.5, kept, belt))
        ids[kept] = flights(trail)[kept].id
        trail.tell(
            seen(
                f"e-{belt}",
                "docked",
                at(minute + 0.25),
                "feed",
                key=kept,
                touchpoint=belt,
                received_ms=at(minute + 0.6),
            )
        )
        trail.tell(
            does("cause", ids[kept], at(minute + 0.7), f"cause at {belt}"),
            does("remedy", ids[kept], at(minute + 0.8), f"remedy at {belt}"),
        )
    trail.tell(docked("d1", 3, FLIGHT, here), seen("m1", "moved", at(4), OPS, key=FLIGHT, touchpoint=here, to=there))
    assert {(each.key, each.cause, each.remedy) for each in trail.watch.living} == {
        (FLIGHT, None, None),
        ("AG0/kept", f"cause at {here}", f"remedy at {here}"),
        ("AG1/kept", f"cause at {there}", f"remedy at {there}"),
    }
    for engine in (trail.watch.engine, load(dump(trail.watch.engine))):
        assert all(
            (moment := engine.moment(name)) and moment.withdrawn == key.endswith("gone") for key, name in ids.items()
        )
        for belt in (here, there):
            done = [seen(f"u-{belt}", "unloaded", at(5), f"{belt}/done")]
            assert [each.state for each in engine.receive(done, at(5)).published] == ["ended"]


@pytest.mark.parametrize(("here", "there"), [("belt-3", "belt-4"), ("belt-4", "belt-3")])
def test_words_that_moved_over_to_the_next_id_stay_when_belts_are_folded_together(here: str, there: str) -> None:
    trail = Trail()
    for belt in (here, there):
        key = f"AG/{belt}"
        trail.tell(
            docked(f"d1-{belt}", 0, key, belt),
            docked(f"d2-{belt}", 2, key, belt),
        )
        trail.tell(does("cause", flights(trail)[key].id, at(2.5), belt))
        trail.tell(seen(f"x-{belt}", "running", at(3), f"{belt}/drive", retracts=f"d1-{belt}"))
    trail.tell(docked("d", 4, FLIGHT, here), seen("m", "moved", at(5), OPS, key=FLIGHT, touchpoint=here, to=there))
    trail.tell(docked("w1", 6, f"AG/{here}", here), docked("w2", 7, f"AG/{there}", there))
    assert {each.key: each.cause for each in trail.watch.living} == {
        FLIGHT: None, f"AG/{here}": here, f"AG/{there}": there
    }  # fmt: skip


def test_a_late_docking_in_the_message_of_its_move_is_told_as_late() -> None:
    trail = Trail()
    trail.tell(docked("d2", 2, OTHER, "belt-4"), docked("d1", 2.5))
    trail.watch.receive(
        [
            seen("d0", "docked", at(1), "feed", key=OTHER, touchpoint="belt-4", received_ms=at(3)),
            seen("m1", "moved", at(3), OPS, key=FLIGHT, to="belt-4"),
        ],
        at(3),
    )
    assert (flights(trail)[OTHER].opened_ms, flights(trail)[OTHER].revision) == (at(1), 1)


def test_a_signal_of_two_promises_is_taken_back_from_both_after_their_belts_were_linked() -> None:
    trail = Trail(site(BAGGAGE, replace(BAGGAGE, id="belt-start")))
    trail.tell(
        docked("d2", 0, OTHER, "belt-4"),
        docked("d1", 1),
        seen("m1", "moved", at(3), OPS, key=FLIGHT, to="belt-4"),
    )
    assert len(trail.watch.living) == 4
    trail.tell(seen("x", "running", at(4), DRIVE, retracts="d2"))
    assert [each.key for each in trail.watch.living] == [FLIGHT, FLIGHT]


# ---- A long day


def later(engine: Engine, hours: int = 30) -> None:
    """Let hours pass, and everything be forgotten that can be."""
    for hour in range(hours + 1):
        engine.advance(at(0) + hour * HOUR)


def test_what_stays_open_for_days_keeps_its_words_and_may_be_voided() -> None:
    engine = Engine(LONG)
    engine.receive([seen("p1", "pressed", at(0)), seen("p2", "pressed", at(1), COLLEAGUE)], at(1))
    (moment,) = engine.open_moments()
    engine.receive([does("cause", moment.id, at(2), "no agent")], at(2))
    later(engine)
    now_ms = at(0) + 31 * HOUR
    (more,) = engine.receive([seen("p3", "pressed", now_ms, BEAM)], now_ms).published
    assert (more.id, more.cause, more.witnesses) == (moment.id, "no agent", (AGENT, COLLEAGUE, BEAM))
    (void,) = engine.receive([does("void", moment.id, now_ms + 1, "drill")], now_ms + 1).published
    assert (void.id, void.verdict, void.reason) == (moment.id, "void", "drill")


def test_what_was_taken_back_long_ago_hides_nothing_that_came_after_it() -> None:
    engine = Engine(LONG)
    engine.receive([seen("p1", "pressed", at(0))], at(0))
    engine.receive([seen("x", "running", at(1), retracts="p1"), seen("p2", "pressed", at(2), COLLEAGUE)], at(2))
    (moment,) = engine.open_moments()
    later(engine)
    assert not engine.groups.holding("p1")
    now_ms = at(0) + 31 * HOUR
    engine.receive([seen("p4", "pressed", now_ms)], now_ms)
    engine.receive([seen("p3", "pressed", now_ms - HOUR, received_ms=now_ms)], now_ms)
    (still,) = engine.open_moments()
    assert (still.id, still.opened_ms, still.witnesses) == (moment.id, at(2), (COLLEAGUE, AGENT))


def test_a_long_day_leaves_nothing_of_a_short_moment_and_everything_of_a_long_one() -> None:
    engine = Engine(CONTRACT)
    engine.receive([seen("p1", "pressed", at(0)), seen("r1", "reset", at(1))], at(1))
    (short,) = engine.moments()
    engine.receive([does("cause", short.id, at(2), "no agent")], at(2))
    later(engine)
    (group,) = engine.groups.awake()
    history = group.history
    assert (history.signals, history.items, history.base.cases) == ({}, [], [])
    assert (group.published, group.persons.actions) == ({}, [])


def test_a_blindness_long_over_is_let_go_and_one_that_lasts_stays() -> None:
    engine = Engine(CONTRACT)
    for signal in (
        seen("b1", "blind", at(0), BEAM),
        seen("s1", "sighted", at(1), BEAM),
        seen("b2", "blind", at(2), "mark-b/mark"),
    ):
        engine.receive([signal], signal.at_ms)
    later(engine)
    now_ms = at(0) + 31 * HOUR
    engine.receive([seen("p1", "pressed", now_ms)], now_ms)
    (kept,) = engine.receive([seen("r1", "reset", now_ms + MINUTE)], now_ms + MINUTE).published
    assert kept.provisional
    (group,) = engine.groups.awake()
    assert [each.device for each in group.history.fold.sensors.blindness] == ["mark-b/mark"]


def test_a_blindness_that_is_over_but_not_for_a_day_still_makes_what_it_hid_provisional() -> None:
    engine = Engine(LONG)
    for signal in (
        seen("b1", "blind", at(0), BEAM),
        seen("p1", "pressed", at(0) + 19 * HOUR),
        seen("r1", "reset", at(1) + 19 * HOUR),
        seen("s1", "sighted", at(0) + 20 * HOUR, BEAM),
    ):
        engine.receive([signal], signal.at_ms)
    later(engine)
    (moment,) = engine.moments()
    now_ms = at(0) + 31 * HOUR
    (again,) = engine.receive([does("cause", moment.id, now_ms, "no agent")], now_ms).published
    assert (again.verdict, again.provisional, again.cause) == ("success", True, "no agent")


def test_holds_and_blindness_of_long_ago_still_count_when_all_is_folded_again() -> None:
    for blind, state in ((False, "open"), (True, "ended")):
        engine = Engine(CONTRACT)
        engine.receive([seen("m1", "reached", at(0), BEAM)], at(0))
        if blind:
            engine.receive([seen("b1", "blind", at(1), BEAM)], at(1))
        later(engine)
        now_ms = at(0) + 31 * HOUR
        engine.receive([seen("p2", "pressed", now_ms)], now_ms)
        engine.receive([seen("p1", "pressed", now_ms - MINUTE, COLLEAGUE, received_ms=now_ms)], now_ms)
        (moment,) = engine.receive([seen("r1", "reset", now_ms + 1)], now_ms + 1).published
        assert (moment.state, moment.provisional) == (state, blind)


# ---- Backlogs


def test_each_source_releases_what_it_had_held_back_and_only_that() -> None:
    backlogs = Backlogs()
    note = does("cause", "m", at(0))
    press, docking = seen("p1", "pressed", at(0)), docked("d1", 0)
    assert backlogs.note([note, press, docking], at(0), more=True) == set()
    assert backlogs.until("counter-a", at(0)) == backlogs.until("belt-3", at(0)) == at(0) + MORE_WAIT_MS
    assert backlogs.until("belt-4", at(0)) is None
    assert backlogs.until("belt-3", at(0) + MORE_WAIT_MS) is None
    assert backlogs.note([note, press, docking], at(0, 1), more=False) == {"counter-a", "belt-3"}
    assert backlogs.until("belt-3", at(0, 2)) is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["ops", "desk-a1"]), st.sampled_from(["belt-3", "belt-4"]), st.booleans(), pauses),
        max_size=8,
    )
)
def test_pages_wait_for_the_last_of_those_that_hold_something_back_there(
    said: list[tuple[str, str, bool, int]],
) -> None:
    backlogs, now_ms = Backlogs(), at(0)
    since: dict[str, int] = {}
    where: dict[str, set[str]] = {}
    for number, (source, belt, more, pause_ms) in enumerate(said):
        now_ms += pause_ms
        item = seen(f"u{number}", "docked", now_ms, OPS, source=source, touchpoint=belt)
        released = backlogs.note([item], now_ms, more=more)
        if more:
            since.setdefault(source, now_ms)
            where.setdefault(source, set()).add(belt)
            assert released == set()
        else:
            since.pop(source, None)
            assert released == where.pop(source, set())
        for place in ("belt-3", "belt-4"):
            ends = [since[each] + MORE_WAIT_MS for each, places in where.items() if place in places]
            assert backlogs.until(place, now_ms) == max((end for end in ends if end > now_ms), default=None)

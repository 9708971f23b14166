"""What a failure owes: its remedy task, through late signals, voids, restarts, and second failures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from andgate.moment.events import Noted, Paged, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.owing import Failures
from andgate.moment.signals import Action, ActionKind, Before, Replanned, Signal
from andgate.moment.state import EngineState, dump, load
from andgate.plan import Expectation, PageStep, Plan, Remedy, task_of
from andgate.wire.messages import FailedBefore, Said
from andgate.wire.published import moment_message
from tests.library.days import (
    BAGGAGE,
    CHECK_IN,
    FLIGHTS,
    HOUR,
    MINUTE,
    SECOND,
    TICK,
    WIDE,
    Focus,
    at,
    belts,
    deliveries,
    queues,
    seen,
    site,
    told,
)
from tests.library.watch import Watch, play

DONE: list[ActionKind] = ["remedy", "remedy", "claim", "cause"]
TASK = Remedy(
    within_ms=30 * MINUTE,
    group="ticket-agents",
    may=("Priority tag",),
    pages=(
        PageStep(left_ms=30 * MINUTE, group="ticket-agents"),
        PageStep(left_ms=10 * MINUTE, group="supervisors", unless_claimed=True),
    ),
)
LINE = replace(CHECK_IN, task=TASK)
BAGS = replace(BAGGAGE, remedy="A drink.", task=replace(TASK, within_ms=20 * MINUTE, pages=TASK.pages[:1]))
FLOOR = site(LINE, BAGS)
FLIGHT = "AG1234/2026-11-21"


def signal(
    id: str, name: str, at_ms: int, *, key: str | None = None, received_ms: int | None = None, **more: str
) -> Signal:
    """Make a signal of a feed at the line, or at the belt where it has a key."""
    place = more.get("place", "counter-a" if key is None else "belt-3")
    return Signal(
        id=f"f/{id}",
        name=name,
        touchpoint=place,
        at_ms=at_ms,
        received_ms=at_ms if received_ms is None else received_ms,
        source="ops",
        key=key,
        to=more.get("to"),
        retracts=more.get("retracts"),
    )


class Floor:
    """A floor on which things happen, and what came of it."""

    def __init__(self, plan: Plan = FLOOR) -> None:
        """Begin at noon."""
        self.watch = Watch.over(plan)
        self.n = 0

    def says(self, *signals: Signal, now_ms: int | None = None) -> None:
        """Hand in signals, by default promptly."""
        self.watch.wake(max(each.received_ms for each in signals) if now_ms is None else now_ms)
        self.watch.receive(signals, max(each.received_ms for each in signals) if now_ms is None else now_ms)

    def does(self, do: ActionKind, moment: str, at_ms: int, reason: str | None = "sorry", **more: Any) -> None:
        """Let somebody do something about a moment."""
        self.n += 1
        self.watch.wake(at_ms)
        action = Action(id=f"a/{self.n}", do=do, moment=moment, at_ms=at_ms, by="p1", reason=reason)
        assert self.watch.engine.refuses(action) is None
        self.watch.receive([replace(action, **more)], at_ms)

    def until(self, at_ms: int) -> None:
        """Let time pass."""
        self.watch.wake(at_ms)

    @property
    def tasks(self) -> list[Moment]:
        """Every remedy task that stands, in the order of its opening."""
        found = [each for each in self.watch.engine.moments() if each.remedies is not None]
        return sorted(found, key=lambda one: (one.opened_ms, one.id))

    @property
    def task(self) -> Moment:
        """The one task there is."""
        (task,) = self.tasks
        return task

    @property
    def promises(self) -> list[Moment]:
        """Every promise that is no task, in the order of its opening."""
        found = [each for each in self.watch.engine.moments() if each.remedies is None]
        return sorted(found, key=lambda one: one.opened_ms)

    @property
    def failed(self) -> Moment:
        """The one promise there is."""
        (moment,) = self.promises
        return moment

    def paged(self, moment: str) -> list[tuple[str, int]]:
        """(group, at) of each page about a moment."""
        return [
            (each.group, each.at_ms) for each in self.watch.events if isinstance(each, Paged) and each.moment == moment
        ]


def failed_line() -> Floor:
    """A line at noon that nobody resets in time."""
    floor = Floor()
    floor.says(signal("p", "pressed", at(0)))
    floor.until(at(3, 1_000))
    return floor


def test_a_failure_opens_a_task_with_a_clock_of_its_own() -> None:
    floor = Floor()
    floor.says(signal("p", "pressed", at(0)))
    floor.until(at(3, 999))
    assert floor.tasks == []
    floor.until(at(3, 1_000))
    task = floor.task
    assert (task.expectation, task.remedies, task.touchpoint, task.key) == (
        task_of("check-in-wait"),
        floor.failed.id,
        "counter-a",
        None,
    )
    assert (task.opened_ms, task.ends_ms, task.state, task.level) == (at(3), at(33), "open", "threatened")
    assert (task.interactions, task.before, task.witnesses) == ((), (), ("check-in-wait",))
    assert floor.paged(task.id) == [("ticket-agents", at(3, 1_000))]
    floor.until(at(24))
    assert floor.paged(task.id) == [("ticket-agents", at(3, 1_000)), ("supervisors", at(23))]


def test_somebodys_word_ends_it_in_time() -> None:
    floor = failed_line()
    floor.does("claim", floor.task.id, at(4), None)
    floor.does("remedy", floor.failed.id, at(5), "Priority tag", gave=("Priority tag",), comment="two bags")
    task, failed = floor.task, floor.failed
    assert (task.verdict, task.ended_ms, task.answered) == ("success", at(5), True)
    assert (failed.verdict, failed.state) == ("failure", "open")
    assert failed.remedy == "Priority tag"
    assert failed.given is not None
    assert (failed.given.gave, failed.given.comment, failed.given.by, failed.given.at_ms) == (
        ("Priority tag",),
        "two bags",
        "p1",
        at(5),
    )
    (noted,) = [event for event in floor.watch.events if isinstance(event, Noted)]
    assert (noted.moment, noted.gave, noted.comment) == (failed.id, ("Priority tag",), "two bags")
    assert [
        event.groups for event in floor.watch.events if isinstance(event, StoodDown) and event.moment == task.id
    ] == [("ticket-agents",)]
    floor.does("remedy", failed.id, at(6), "and a voucher")
    assert floor.failed.remedy == "and a voucher"
    assert floor.task.ended_ms == at(5), "what is corrected later ends nothing again"


def test_what_was_given_may_be_said_of_the_task_itself() -> None:
    floor = failed_line()
    floor.does("remedy", floor.task.id, at(5))
    assert (floor.failed.remedy, floor.task.remedy, floor.task.verdict) == ("sorry", None, "success")


def test_what_was_given_before_it_broke_counts_from_then_on() -> None:
    floor = Floor()
    floor.says(signal("p", "pressed", at(0)))
    floor.does("remedy", floor.failed.id, at(1))
    floor.until(at(4))
    assert (floor.task.opened_ms, floor.task.ended_ms, floor.task.verdict) == (at(3), at(3), "success")
    assert floor.paged(floor.task.id) == []


def test_too_late_is_a_failure_and_nobody_at_all_gives_up() -> None:
    floor = failed_line()
    floor.until(at(34))
    assert floor.task.verdict == "failure"
    floor.does("remedy", floor.failed.id, at(40))
    assert (floor.task.state, floor.task.late_s, floor.task.closed_ms) == ("ended", 7 * 60.0, at(40))
    other = failed_line()
    other.until(at(33) + 12 * HOUR)
    assert (other.task.state, other.task.reason, other.task.late_s) == ("ended", "never closed", None)


def test_a_task_owes_nothing_itself_and_is_not_reset() -> None:
    floor = failed_line()
    floor.until(at(40))
    (task,) = floor.tasks
    assert task.verdict == "failure"
    reset = Action(id="a/9", do="reset", moment=task.id, at_ms=at(41), by="p1", reason="done")
    why = floor.watch.engine.refuses(reset)
    assert why == f"moment {task.id} is a remedy: say what was given, and it ends"


def test_a_failure_that_never_was_takes_its_task_with_it() -> None:
    floor = failed_line()
    task = floor.task
    floor.says(signal("r", "reset", at(2), received_ms=at(5)))
    assert floor.failed.verdict == "success"
    assert floor.tasks == []
    gone = floor.watch.engine.moment(task.id)
    assert gone is not None
    assert gone.withdrawn
    over = [event for event in floor.watch.events if isinstance(event, StoodDown) and event.moment == task.id]
    assert [event.groups for event in over] == [("ticket-agents",)]


def test_a_void_takes_it_away_and_the_void_taken_back_brings_it_back() -> None:
    floor = failed_line()
    task = floor.task
    floor.does("claim", task.id, at(4), None)
    floor.does("void", floor.failed.id, at(5), "false alarm")
    assert floor.tasks == []
    floor.does("unvoid", floor.failed.id, at(6), None)
    back = floor.task
    assert (back.id, back.opened_ms, back.claimed_by) == (task.id, at(3), "p1")


def test_a_task_may_be_void_by_itself() -> None:
    floor = failed_line()
    floor.does("void", floor.task.id, at(4), "no customer wanted it")
    assert (floor.task.verdict, floor.failed.verdict) == ("void", "failure")


def test_an_earlier_witness_moves_the_task() -> None:
    floor = failed_line()
    floor.says(signal("e", "reached", at(-1), received_ms=at(4)))
    assert (floor.failed.ends_ms, floor.task.opened_ms, floor.task.ends_ms) == (at(2), at(2), at(32))
    assert floor.task.revision == 1


def test_a_second_failure_of_a_flight_says_what_went_before() -> None:
    other = replace(BAGS, id="trolleys", touchpoints=("belt-4",), key="flight", opens=("landed",), closes=("stocked",))
    floor = Floor(site(LINE, BAGS, replace(other, fails_after_ms=30 * MINUTE)))
    floor.says(signal("d", "docked", at(0), key=FLIGHT), signal("l", "landed", at(0), key=FLIGHT, place="belt-4"))
    floor.says(signal("x", "docked", at(0), key="AG9/2026-11-21"))
    floor.until(at(31))
    first, stranger, second = floor.tasks
    if first.key != FLIGHT:
        first, stranger = stranger, first
    assert (first.before, stranger.before) == ((), ())
    assert (first.remedies, second.key) == (second.before[0].moment, FLIGHT)
    assert second.before == (Before(first.remedies or "", "baggage-claim", "belt-3", at(25)),)
    # What went before turns out not to have: the second is the first one now.
    floor.says(signal("u", "unloaded", at(20), key=FLIGHT, received_ms=at(32)))
    assert [task.before for task in floor.tasks if task.key == FLIGHT] == [()]
    floor.says(signal("v", "late", at(33), key=FLIGHT, retracts="f/u"))
    assert [len(task.before) for task in floor.tasks if task.key == FLIGHT] == [0, 1]


def test_a_moment_that_moves_is_made_good_where_it_failed() -> None:
    floor = Floor()
    floor.says(signal("d", "docked", at(0), key=FLIGHT))
    floor.until(at(26))
    assert floor.task.touchpoint == "belt-3"
    floor.says(signal("m", "moved", at(27), key=FLIGHT, to="belt-4"))
    assert (floor.failed.touchpoint, floor.task.touchpoint) == ("belt-4", "belt-3")
    floor.says(signal("n", "moved", at(24), key=FLIGHT, to="belt-4", received_ms=at(28)))
    assert (floor.failed.touchpoint, floor.task.touchpoint) == ("belt-4", "belt-4")


def claims_both(floor: Floor, first: str, second: str, at_ms: int) -> None:
    """Marta makes the one good, Paolo the other."""
    for who, moment in (("marta", first), ("paolo", second)):
        (task,) = [each for each in floor.tasks if each.remedies == moment]
        floor.does("claim", task.id, at_ms, by=who, promise_ms=20 * MINUTE, several=True)


def test_who_makes_good_the_later_of_two_that_are_one_is_on_the_task_that_stands() -> None:
    floor = Floor(site(replace(LINE, task=replace(TASK, within_ms=HOUR, pages=TASK.pages[1:]))))
    floor.says(signal("p1", "pressed", at(0)), signal("r1", "reset", at(3.5)), now_ms=at(3.5))
    floor.says(signal("p2", "pressed", at(4)))
    floor.until(at(8))
    first, second = (each.id for each in floor.promises)
    claims_both(floor, first, second, at(9))
    before = {each.remedies: each.id for each in floor.tasks}
    floor.says(signal("x", "seen", at(10), retracts="f/r1"))
    assert (floor.failed.id, floor.task.remedies) == (first, first)
    assert [claim.by for claim in floor.task.coming] == ["marta", "paolo"]
    gone = floor.watch.latest[before[second]]
    assert (gone.withdrawn, gone.withdrawn_into) == (True, before[first])
    floor.says(signal("r2", "reset", at(3.6), received_ms=at(11)))
    assert {each.remedies: [claim.by for claim in each.coming] for each in floor.tasks} == {
        first: ["marta"],
        second: ["paolo"],
    }


@pytest.mark.parametrize("restarts", [False, True])
def test_who_makes_good_what_moved_here_is_on_the_task_at_the_other_belt(*, restarts: bool) -> None:
    """One flight at two belts: where it was brought to had failed it too, before anybody knew that it was one."""
    floor = Floor()
    floor.says(signal("d1", "docked", at(0), key=FLIGHT), signal("d2", "docked", at(1), key=FLIGHT, place="belt-4"))
    floor.until(at(27))
    first, second = (each.id for each in floor.promises)
    claims_both(floor, first, second, at(28))
    if restarts:
        floor.watch.engine = load(dump(floor.watch.engine))
    floor.says(signal("m", "moved", at(29), key=FLIGHT, to="belt-4"))
    assert (floor.failed.touchpoint, floor.task.touchpoint, floor.task.remedies) == ("belt-4", "belt-3", first)
    assert [claim.by for claim in floor.task.coming] == ["marta", "paolo"]
    floor.does("remedy", floor.failed.id, at(30), "vouchers")
    assert (floor.task.verdict, floor.task.answered) == ("success", True)


def test_whose_failure_turns_out_to_be_none_makes_nothing_good() -> None:
    """What took it in was not late: there is no task that could take the claim over."""
    floor = Floor(site(replace(LINE, fails_on=("walked-off",))))
    floor.says(signal("p1", "pressed", at(0)), signal("r1", "reset", at(1)), now_ms=at(1))
    floor.says(signal("w", "walked-off", at(2)))
    floor.does("claim", floor.task.id, at(3), by="marta", several=True)
    floor.says(signal("x", "seen", at(4), retracts="f/w"))
    assert floor.tasks == []


def test_the_plan_in_force_at_the_failure_says_what_is_owed() -> None:
    bare = site(CHECK_IN, version="second")
    floor = Floor()
    floor.says(signal("p", "pressed", at(0)))
    floor.watch.receive([Replanned(plan=bare, at_ms=at(1))], at(1))
    floor.until(at(4))
    assert floor.tasks == []
    later = failed_line()
    later.watch.receive([Replanned(plan=bare, at_ms=at(5))], at(5))
    assert (later.task.verdict, later.task.reason) == ("void", "plan changed")


@pytest.mark.parametrize(("ms", "stands"), [(0, False), (1, True)])
def test_what_is_older_than_the_horizon_changes_no_task(ms: int, *, stands: bool) -> None:
    floor = failed_line()
    floor.says(signal("r", "reset", at(9)))
    floor.until(at(2) + 24 * HOUR)
    before = floor.task
    floor.does("void", floor.failed.id, floor.failed.ends_ms + 24 * HOUR + ms, "false alarm")
    assert floor.tasks == [before] * stands


def test_a_restart_knows_what_failed_and_what_is_owed() -> None:
    floor = Floor()
    floor.says(signal("d", "docked", at(0), key=FLIGHT))
    floor.until(at(26))
    task = floor.task
    floor.watch.engine = load(dump(floor.watch.engine))
    assert floor.task == task
    floor.does("remedy", floor.failed.id, at(27))
    assert floor.task.verdict == "success"
    floor.says(signal("u", "unloaded", at(24), key=FLIGHT, received_ms=at(28)))
    assert floor.tasks == []


def test_a_state_from_before_there_were_tasks_is_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = Floor()
    floor.says(signal("d", "docked", at(0), key=FLIGHT))
    floor.until(at(26))
    known = dict(floor.watch.engine.failures.known)
    monkeypatch.setattr("andgate.moment.state.EngineState", lambda **parts: EngineState(**{**parts, "failures": None}))
    old = dump(floor.watch.engine)
    monkeypatch.undo()
    assert load(old).failures.known == known != {}


def test_of_all_that_is_published_only_real_failures_are_looked_back_on() -> None:
    failures, failed = Failures(), failed_line().failed
    for other in (replace(failed, training="agents"), replace(failed, withdrawn=True), replace(failed, verdict="void")):
        failures.note(other)
        assert failures.known == {}
    failures.note(failed)
    failures.forget(failed.ends_ms)
    assert set(failures.known) == {failed.id}, "it is not older than that"
    failures.forget(failed.ends_ms + 1)
    assert failures.known == {}


def test_what_failed_is_forgotten_with_everything_else() -> None:
    floor = Floor()
    floor.says(signal("d", "docked", at(0), key=FLIGHT), signal("p", "pressed", at(0)))
    floor.until(at(27) + 40 * HOUR)
    floor.watch.engine.advance(at(40) + 60 * HOUR)
    assert floor.watch.engine.failures.known == {}
    assert floor.tasks == []


# ----------------------------------------------------------------------------------------------- for every day

FEW = Focus(most=12, ticks=14, names=("docked", "docked", "unloaded", "pressed", "reset", "lost"), keys=FLIGHTS[:1])
MEET = Focus(most=12, ticks=14, names=("docked", "docked", "unloaded", "moved", "pressed", "reset"), keys=FLIGHTS[:1])
often = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def with_task(promise: Expectation) -> Expectation:
    """Owe something after every failure of a random promise."""
    return replace(promise, remedy="Sorry.", task=Remedy(3 * TICK, "supervisors", (), (PageStep(TICK, "supervisors"),)))


def owed(watch: Watch, given: list[Action]) -> dict[str, tuple[object, ...]]:
    """What must be owed: said as plainly as it can be, from the failures and the persons' words alone."""
    engine = watch.engine
    wanted: dict[str, tuple[object, ...]] = {}
    failed = [each for each in engine.moments() if each.remedies is None and each.verdict == "failure"]
    tasks = {each.remedies: each.id for each in engine.moments() if each.remedies is not None}
    for each in failed:
        task = engine.plan.expectations[each.expectation].task
        assert task is not None
        mine = [one for one in given if into(watch, one.moment) in {each.id, tasks.get(each.id)}]
        opened, ends = each.ends_ms, each.ends_ms + task.within_ms
        said = [max(one.at_ms, opened) for one in mine if one.do == "remedy"]
        closed = min(said, default=None)
        gives_up = ends + task.gives_up_after_ms
        ended = closed if closed is not None else gives_up if engine.now_ms >= gives_up else None
        decided = ended is not None or engine.now_ms >= ends + SECOND
        verdict = None if not decided else "success" if ended is not None and ended <= ends else "failure"
        earlier = [(other.ends_ms, other.id) for other in failed if other.key == each.key and each.key is not None]
        before = [id for ends_ms, id in sorted(earlier) if (ends_ms, id) < (each.ends_ms, each.id)]
        last = {one.by: one for one in mine if one.do == "claim" and into(watch, one.moment) == tasks.get(each.id)}
        on_it = sorted(last.values(), key=lambda one: (one.at_ms, one.id))
        coming = [one.by for one in on_it if one.at_ms + (one.promise_ms or 0) > (ended or engine.now_ms)]
        wanted[each.id] = (opened, ends, ended, verdict, each.key, tuple(before), tuple(coming))
    return wanted


def into(watch: Watch, moment: str) -> str | None:
    """Follow the pointers of what turned out to be no moment of its own; None where they lead nowhere."""
    known: str | None = moment
    while known is not None and watch.latest[known].withdrawn:
        known = watch.latest[known].withdrawn_into
    return known


@often
@given(data=st.data(), queue=queues(), belt=belts(), restarts=st.booleans())
def test_every_failure_owes_just_one_task_whatever_comes_late(
    data: st.DataObject, queue: Expectation, belt: Expectation, *, restarts: bool
) -> None:
    # Two promises to the same flights, so that one flight may be let down twice; and few things that happen often.
    other = replace(belt, id="other-bags", fails_after_ms=belt.fails_after_ms + 2 * TICK)
    plan = site(with_task(queue), with_task(belt), with_task(other))
    focus = data.draw(st.sampled_from([WIDE, FEW, MEET]))
    delivered = data.draw(deliveries(data.draw(seen(plan, focus))))
    note(told(plan, delivered))
    watch = Watch.over(plan)
    given_: list[Action] = []
    for n, each in enumerate(delivered):
        watch.receive(each.signals, each.now_ms)
        living = sorted(watch.engine.moments(), key=lambda one: (one.remedies is None, one.id))
        acts: bool = bool(living) and data.draw(st.booleans())
        if acts:
            about = data.draw(st.sampled_from(living))
            do = data.draw(st.sampled_from(DONE))
            action = Action(
                id=f"a/{n:02}",
                do=do,
                moment=about.id,
                at_ms=each.now_ms,
                by=data.draw(st.sampled_from(["p1", "p2"])),
                reason="why",
                several=True,
                promise_ms=data.draw(st.sampled_from([TICK, HOUR])),
            )
            if watch.engine.refuses(action) is None:
                note(f"{action}")
                watch.receive([action], each.now_ms)
                given_.append(action)
        if restarts and n % 3 == 0:
            watch.engine = load(dump(watch.engine))
        tasks = [one for one in watch.engine.moments() if one.remedies is not None]
        assert len({one.remedies for one in tasks}) == len(tasks), "each failure owes once"
        found = {
            one.remedies: (
                one.opened_ms,
                one.ends_ms,
                one.ended_ms,
                one.verdict,
                one.key,
                tuple(earlier.moment for earlier in one.before),
                tuple(claim.by for claim in one.coming),
            )
            for one in tasks
        }
        assert found == owed(watch, given_)


@often
@given(data=st.data(), queue=queues(), belt=belts())
def test_waking_late_owes_the_same(data: st.DataObject, queue: Expectation, belt: Expectation) -> None:
    plan = site(with_task(queue), with_task(belt))
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    messages = [(each.now_ms, each.signals) for each in delivered]
    until_ms = max(each.now_ms for each in delivered) + HOUR
    sleepy = play(plan, messages, until_ms)
    punctual = play(plan, messages, until_ms, punctual=True)
    assert sleepy.published == punctual.published


# ----------------------------------------------------------------------------------------------- on the wire


def test_a_task_says_on_the_wire_what_it_makes_good_and_others_say_nothing() -> None:
    floor = failed_line()
    floor.does("cause", floor.failed.id, at(4), "people: too few", category="people", cause="too-few", comment="ill")
    floor.does("remedy", floor.failed.id, at(5), "Priority tag", gave=("Priority tag",))
    failed, task = moment_message(floor.failed), moment_message(floor.task)
    assert (task.remedies, failed.remedies, failed.before, task.caused) == (floor.failed.id, UNSET, UNSET, UNSET)
    assert isinstance(failed.caused, Said)
    assert isinstance(failed.given, Said)
    assert (failed.caused.category, failed.caused.cause, failed.caused.comment) == ("people", "too-few", "ill")
    assert (failed.given.gave, failed.given.by) == (["Priority tag"], "p1")
    assert moment_message(replace(floor.task, before=(Before("m", "x", "t", at(0)),))).before == [
        FailedBefore(moment="m", expectation="x", touchpoint="t", at="2026-11-21T12:00:00.000Z")
    ]

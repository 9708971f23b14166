"""A press that the sensor beside it contradicts: asked about, then confirmed or void (decision 0030)."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.errors import PlanError
from andgate.moment.engine import Engine
from andgate.moment.events import Contradicted, Revised, Voided
from andgate.moment.moments import Moment
from andgate.moment.signals import BLIND, MOVED, SIGHTED, WATCHED, Action, Replanned, Signal
from andgate.moment.state import dump, load
from andgate.plan import Expectation, Plan, describe, parse_plan
from tests.library.days import (
    BAGGAGE,
    CHECK_IN,
    DEVICES,
    MINUTE,
    SECOND,
    TICK,
    Focus,
    at,
    deliveries,
    queues,
    seen,
    site,
)
from tests.library.fold import judge
from tests.library.watch import Watch
from tests.plans import AGENTS, COUNTER, SITE

ASKS = replace(CHECK_IN, contradicted_after_ms=MINUTE, fails_after_ms=5 * MINUTE, pages=CHECK_IN.pages[:1])
SENSOR = "mark-a/mark"
_numbers = count(1)


def said(name: str, at_ms: int, device: str = SENSOR, **more: object) -> Signal:
    number = next(_numbers)
    known = {"touchpoint": "counter-a", "received_ms": at_ms, "source": device.partition("/")[0], "device": device}
    return Signal(id=f"n/x/b/{number}", name=name, at_ms=at_ms, seq=number, **{**known, **more})  # type: ignore[arg-type]


def pressed(at_ms: int, desk: str = "desk-a1/mot") -> Signal:
    return said("pressed", at_ms, desk)


def floor(plan: Plan | None = None, *, sensor: bool = True) -> Watch:
    """A counter whose sensor has said before noon that there is no line."""
    watch = Watch.over(plan or site(ASKS))
    if sensor:
        watch.receive([said("cleared", at(-1))], at(-1))
    return watch


def tell(watch: Watch, *signals: Signal) -> None:
    for signal in signals:
        watch.receive([replace(signal, received_ms=max(signal.at_ms, watch.engine.now_ms))], signal.at_ms)


def only(watch: Watch) -> Moment:
    (moment,) = watch.living
    return moment


def test_the_desk_is_asked_and_then_it_is_void_provisionally() -> None:
    watch = floor()
    tell(watch, pressed(at(0)))
    assert (only(watch).sensor, only(watch).contradicted_ms) == ("silent", None)
    watch.wake(at(1))
    asked = only(watch)
    assert (asked.state, asked.contradicted_ms, asked.asks_until_ms, asked.sensor) == (
        "open", at(1), at(2), "contradicted"
    )  # fmt: skip
    assert [event for event in watch.events if isinstance(event, Contradicted)] == [
        Contradicted(moment=asked.id, at_ms=at(1), until_ms=at(2))
    ]
    watch.wake(at(2))
    void = only(watch)
    assert (void.state, void.verdict, void.reason, void.provisional) == ("ended", "void", "contradicted", True)
    assert (void.ended_ms, void.closed_ms, void.asks_until_ms, void.revision) == (at(2), None, None, 0)
    (voided,) = [event for event in watch.events if isinstance(event, Voided)]
    assert (voided.reason, voided.by, voided.at_ms) == ("contradicted", None, at(2))


def test_those_who_were_paged_are_told_that_it_is_over() -> None:
    watch = floor(site(replace(ASKS, fails_after_ms=3 * MINUTE)))
    tell(watch, pressed(at(0)))
    watch.wake(at(3))
    kinds = [type(event).__name__ for event in watch.events]
    assert kinds[-2:] == ["Voided", "StoodDown"]


@pytest.mark.parametrize("wakes", [True, False])
@pytest.mark.parametrize("by", ["another desk", "the same desk", "the sensor"])
def test_a_second_press_or_the_sensor_confirms_it(by: str, *, wakes: bool) -> None:
    watch = floor()
    tell(watch, pressed(at(0)))
    if wakes:
        watch.wake(at(1))
    desk = "desk-a2/mot" if by == "another desk" else "desk-a1/mot"
    tell(watch, said("reached", at(1.5)) if by == "the sensor" else pressed(at(1.5), desk))
    watch.wake(at(4))
    assert (only(watch).state, only(watch).asks_until_ms, only(watch).contradicted_ms) == ("open", None, at(1))
    assert only(watch).sensor == ("agreed" if by == "the sensor" else "contradicted")
    watch.wake(at(5, ms=SECOND))
    assert (only(watch).verdict, only(watch).provisional) == ("failure", False)


def test_a_press_before_the_question_is_no_answer_to_it() -> None:
    watch = floor()
    tell(watch, pressed(at(0)), pressed(at(0.5), "desk-a2/mot"), pressed(at(1), "desk-a2/mot"))
    watch.wake(at(3))
    assert only(watch).reason == "contradicted"


def test_the_answer_may_come_at_the_last_instant() -> None:
    watch = floor()
    tell(watch, pressed(at(0)), pressed(at(2)))
    watch.wake(at(3))
    assert only(watch).state == "open"


@pytest.mark.parametrize("blind_from", [-0.5, 0.5, 1.5])
def test_a_sensor_that_did_not_see_all_the_time_contradicts_nothing(blind_from: float) -> None:
    watch = floor()
    tell(watch, *sorted([said(BLIND, at(blind_from)), pressed(at(0))], key=lambda each: each.at_ms))
    if blind_from == 1.5:
        watch.wake(at(1.6))
        assert only(watch).asks_until_ms is None
    tell(watch, said(SIGHTED, at(1.7)))
    watch.wake(at(4))
    assert only(watch).state == "open"
    tell(watch, said("reset", at(4.1), "desk-a1/mot"))
    assert only(watch).verdict == "success"


def test_what_a_blind_sensor_says_counts_from_when_it_is_sighted() -> None:
    watch = floor(sensor=False)
    tell(watch, said(BLIND, at(-3)), said("cleared", at(-2), found=True), said(SIGHTED, at(-1)), pressed(at(0)))
    watch.wake(at(3))
    assert only(watch).reason == "contradicted"


def test_what_a_blind_sensor_said_is_no_sight_of_what_happened_before_it_was_sighted() -> None:
    watch = floor()
    other = "mark-b/mark"
    tell(watch, said(BLIND, at(-3), other), said("cleared", at(-2), other, found=True))
    tell(watch, pressed(at(0)), said(SIGHTED, at(0.2), other), said(BLIND, at(0.3)))
    watch.wake(at(4))
    assert (only(watch).state, only(watch).sensor) == ("open", "silent")


@given(again=st.lists(st.integers(-50, 119), max_size=4))
def test_a_sensor_that_says_the_same_again_has_still_seen_all_the_time(again: list[int]) -> None:
    watch = floor(site(replace(ASKS, closes=("reset",))))
    tell(watch, *sorted([pressed(at(0)), *(said("cleared", at(0) + each * SECOND) for each in again)], key=_when))
    watch.wake(at(3))
    assert (only(watch).reason, only(watch).ended_ms, only(watch).contradicted_ms) == ("contradicted", at(2), at(1))


def _when(signal: Signal) -> int:
    return signal.at_ms


@pytest.mark.parametrize("days", [0, 2])
def test_places_that_become_one_keep_what_the_sensors_of_each_have_said(days: int) -> None:
    watch = floor(site(replace(ASKS, touchpoints=("counter-a", "counter-b"))))
    tell(watch, said("cleared", at(-1), "mark-c/mark", touchpoint="counter-b"))
    later = 24 * 60 * days
    watch.wake(at(later))
    tell(watch, pressed(at(later)), said(MOVED, at(later + 0.1), "", to="counter-b"))
    watch.wake(at(later + 4))
    assert (only(watch).touchpoint, only(watch).state) == ("counter-b", "open"), "it was pressed where another sees"
    tell(watch, said("reset", at(later + 4.1), "feed", touchpoint="counter-b"))
    tell(watch, said("pressed", at(later + 5), "feed", touchpoint="counter-b"))
    watch.wake(at(later + 9))
    assert max(watch.living, key=lambda each: each.opened_ms).reason == "contradicted"


def test_a_sensor_that_never_spoke_contradicts_nothing() -> None:
    watch = floor(sensor=False)
    tell(watch, pressed(at(0)))
    watch.wake(at(4))
    assert (only(watch).state, only(watch).sensor) == ("open", None)


def test_a_line_that_stands_agrees_with_the_press() -> None:
    watch = floor()
    tell(watch, said("reached", at(-0.5)), said("reset", at(-0.4), "desk-a1/mot"))
    moment = only(watch)
    watch.receive([_reset(moment)], at(-0.3))
    tell(watch, pressed(at(0)))
    newest = max(watch.living, key=lambda each: each.opened_ms)
    assert newest.sensor == "agreed"


def _reset(moment: Moment) -> Action:
    return Action(id="r", do="reset", moment=moment.id, at_ms=at(-0.3), by="p1", reason="walked away")


def test_a_late_word_of_the_sensor_revises_the_void() -> None:
    watch = floor()
    tell(watch, pressed(at(0)))
    watch.wake(at(3))
    assert only(watch).verdict == "void"
    watch.receive([replace(said("reached", at(0.7)), received_ms=at(3))], at(3))
    assert (only(watch).state, only(watch).verdict, only(watch).contradicted_ms, only(watch).revision) == (
        "open", None, None, 1
    )  # fmt: skip
    assert any(isinstance(event, Revised) for event in watch.events)


def test_a_sensor_that_was_cut_off_and_watched_all_along_contradicts_after_all() -> None:
    watch = floor()
    blind = said(BLIND, at(0.5))
    tell(watch, pressed(at(0)), blind, said(SIGHTED, at(0.7)))
    watch.wake(at(3))
    assert only(watch).state == "open"
    watch.receive([said(WATCHED, at(3), retracts=blind.id)], at(3))
    assert only(watch).reason == "contradicted"


def test_what_fails_moves_or_goes_on_is_not_asked_about() -> None:
    promise = replace(
        ASKS, fails_on=("walked-off",), touchpoints=("counter-a", "counter-b"), rejoins_within_ms=MINUTE, pages=()
    )
    watch = floor(site(promise))
    tell(watch, pressed(at(0)), said("walked-off", at(0.5), ""))
    watch.wake(at(4))
    assert only(watch).verdict == "failure"
    watch = floor(site(promise))
    tell(watch, pressed(at(0)), said(MOVED, at(0.5), "", to="counter-b"))
    watch.wake(at(4))
    assert only(watch).state == "open"
    watch = floor(site(promise))
    tell(watch, pressed(at(0)), said("reset", at(0.2), "desk-a1/mot"), pressed(at(0.4)))
    watch.wake(at(4))
    assert (only(watch).state, only(watch).sensor) == ("open", "silent")


def test_a_void_may_go_on_and_is_not_asked_about_again() -> None:
    watch = floor(site(replace(ASKS, rejoins_within_ms=MINUTE)))
    tell(watch, pressed(at(0)), pressed(at(2.5)))
    watch.wake(at(4))
    assert (only(watch).state, only(watch).contradicted_ms) == ("open", at(1))


def test_never_later_than_the_deadline() -> None:
    watch = floor(site(replace(ASKS, fails_after_ms=90 * SECOND, pages=())))
    tell(watch, pressed(at(0)))
    watch.wake(at(3))
    assert (only(watch).verdict, only(watch).ended_ms) == ("void", at(1.5))


def test_a_person_may_void_it_too_and_take_that_back() -> None:
    watch = floor()
    tell(watch, pressed(at(0)))
    watch.wake(at(2.5))
    action = _reset(only(watch))
    watch.receive([replace(action, id="v", do="void", at_ms=at(2.6), reason="a child")], at(2.6))
    assert (only(watch).reason, only(watch).provisional, only(watch).ended_ms) == ("a child", False, at(2))
    watch.receive([replace(action, id="u", do="unvoid", at_ms=at(2.7), reason=None)], at(2.7))
    assert (only(watch).reason, only(watch).provisional) == ("contradicted", True)


def test_another_plan_forgets_sensors_that_moved() -> None:
    watch = floor()
    moved = tuple(replace(each, touchpoint="counter-b") if each.name == SENSOR else each for each in DEVICES)
    watch.receive([Replanned(plan=site(ASKS, version="second", devices=moved), at_ms=at(-0.5))], at(-0.5))
    tell(watch, pressed(at(0)))
    watch.wake(at(3))
    assert (only(watch).state, only(watch).sensor) == ("open", None)


def test_it_survives_a_snapshot() -> None:
    watch = floor()
    tell(watch, pressed(at(0)))
    watch.engine = load(dump(watch.engine))
    watch.wake(at(1))
    assert only(watch).asks_until_ms == at(2)
    watch.engine = load(dump(watch.engine))
    watch.wake(at(3))
    assert only(watch).reason == "contradicted"


def test_without_the_key_nothing_is_asked_but_the_sensor_is_noted() -> None:
    watch = floor(site(CHECK_IN))
    tell(watch, pressed(at(0)))
    watch.wake(at(4))
    assert (only(watch).verdict, only(watch).sensor, only(watch).contradicted_ms) == ("failure", "silent", None)


def test_a_moment_that_was_joined_to_another_comes_back_under_its_own_id() -> None:
    watch = floor()
    reset = said("reset", at(0.5), "desk-a1/mot")
    tell(watch, pressed(at(0)), reset, pressed(at(0.7)))
    before = {moment.id for moment in watch.living}
    watch.receive([said("noted", at(0.8), retracts=reset.id)], at(0.8))
    assert len(watch.living) == 1
    watch.receive([replace(said("reset", at(0.5), "desk-a1/mot"), received_ms=at(0.9))], at(0.9))
    assert {moment.id for moment in watch.living} == before


OFTEN = ("reached", "cleared", "cleared", "reset", "pressed", "pressed", BLIND, SIGHTED)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), queue=queues(), span_ms=st.sampled_from([TICK, 2 * TICK, 4 * TICK]))
def test_however_it_arrives_it_is_what_the_sentence_says(
    data: st.DataObject,
    queue: Expectation,
    span_ms: int,
) -> None:
    plan = site(replace(queue, contradicted_after_ms=span_ms))
    delivered = data.draw(deliveries(data.draw(seen(plan, Focus(most=10, ticks=14, names=OFTEN)))))
    watch = Watch.over(plan)
    known: list[Signal] = []
    for each in delivered:
        watch.receive(each.signals, each.now_ms)
        known += each.signals
        assert watch.judged == judge(known, [], plan, each.now_ms)
        if data.draw(st.booleans()):
            watch.engine = load(dump(watch.engine))
    for later in (TICK, 2 * TICK, 4 * TICK, 8 * TICK):
        watch.advance(delivered[-1].now_ms + later)
        assert watch.judged == judge(known, [], plan, delivered[-1].now_ms + later)


# ------------------------------------------------------------------------------------------------------------- the plan

TOML = (
    SITE
    + AGENTS
    + COUNTER
    + """
[expectations.wait]
promise = "I wait no more than 3 minutes."
touchpoints = ["counter-a"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
holds = { reached = "cleared" }
fails_after = "3m"
contradicted_after = "1m"
"""
)


def test_the_plan_says_so_in_words() -> None:
    plan = parse_plan(TOML)
    assert plan.expectations["wait"].contradicted_after_ms == MINUTE
    assert "asked about when a sensor sees nobody for 1m; unconfirmed 1m later it is void" in describe(plan)
    assert (
        parse_plan(TOML.replace('contradicted_after = "1m"\n', "")).expectations["wait"].contradicted_after_ms is None
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"1m"', '"3m"', "not shorter than fails_after"),
        ("fails_after", 'key = "flight"\nfails_after', "a sensor does not say which one"),
        ('holds = { reached = "cleared" }\n', "", "so none can contradict a press"),
        ('["pressed", "reached"]', '["reached"]', "no press to contradict"),
    ],
)
def test_where_it_makes_no_sense_it_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        parse_plan(TOML.replace(old, new, 1))


def test_keyed_promises_are_never_asked_about() -> None:
    assert Engine(site(BAGGAGE)).plan.expectations["baggage-claim"].contradicted_after_ms is None

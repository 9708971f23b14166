"""What holds for every plan and every day: the engine computes fast what the obvious fold says slowly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment.engine import Engine
from andgate.moment.events import (
    AskedVoid,
    Revised,
    Withdrawn,
)
from andgate.moment.moments import Moment
from andgate.moment.signals import MOVED, Action, Replanned, Retimed, Signal
from andgate.moment.state import dump, load
from andgate.moment.table import REFUSED, TABLE, Role, State
from andgate.plan import Expectation, Plan
from tests.library.days import (
    FLIGHTS,
    HOUR,
    NOON,
    TICK,
    Delivery,
    Focus,
    belts,
    deliveries,
    plans,
    prompt,
    queues,
    seen,
    site,
    told,
)
from tests.library.fold import DAY_MS, Judged, judge
from tests.library.watch import Message, Person, Watch, play

thorough = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
quick = settings(thorough, max_examples=60)


def messages_of(delivered: Sequence[Delivery]) -> list[Message]:
    return [(each.now_ms, each.signals) for each in delivered]


def end_of(delivered: Sequence[Delivery], after_ms: int = 0) -> int:
    return max([each.now_ms for each in delivered]) + after_ms


def by_id(engine: Engine) -> dict[str, Moment]:
    return {moment.id: moment for moment in engine.moments()}


def assert_same(engine: list[Judged], sentence: list[Judged]) -> None:
    for one, other in itertools.zip_longest(engine, sentence):
        assert one == other


# ------------------------------------------------------------------------------------- the same moments as the sentence


@thorough
@given(data=st.data(), plan=plans(), horizon_ms=st.sampled_from([DAY_MS, DAY_MS, 20 * TICK]))
def test_any_order_duplicates_and_batches_give_the_moments_of_the_sentence(
    data: st.DataObject, plan: Plan, horizon_ms: int
) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    known: list[Signal] = []
    later = iter(delivered)

    def after(watch: Watch, now_ms: int) -> None:
        known.extend(next(later, Delivery(now_ms, ())).signals)
        assert_same(watch.judged, judge(known, [], plan, now_ms, horizon_ms=horizon_ms))

    until_ms = end_of(delivered, data.draw(st.sampled_from([0, 1, 999, 1000, TICK, 3 * TICK, 7 * TICK, HOUR])))
    play(plan, messages_of(delivered), until_ms, horizon_ms=horizon_ms, after=after)


@thorough
@given(data=st.data(), plan=plans(), horizon_ms=st.sampled_from([7 * TICK, 20 * TICK, HOUR]))
def test_forgetting_what_is_beyond_the_horizon_changes_nothing(
    data: st.DataObject, plan: Plan, horizon_ms: int
) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan, Focus(most=20, hours=6)))))
    note(told(plan, delivered))
    restarts = data.draw(st.booleans())
    watch = Watch.over(plan, horizon_ms=horizon_ms)
    known: list[Signal] = []
    for each in delivered:
        watch.receive(each.signals, each.now_ms)
        known += each.signals
        assert_same(watch.judged, judge(known, [], plan, each.now_ms, horizon_ms=horizon_ms))
        if restarts:
            watch.engine = load(dump(watch.engine))
    until_ms = end_of(delivered, 4 * HOUR)
    watch.advance(until_ms)
    assert_same(watch.judged, judge(known, [], plan, until_ms, horizon_ms=horizon_ms))
    assert list(watch.engine.moments()) == []


def _about(plan: Plan, names: tuple[str, ...], keys: tuple[str | None, ...] = (None,)) -> tuple[Plan, Focus]:
    return plan, Focus(most=12, ticks=14, names=names, keys=keys)


@thorough
@given(
    data=st.data(),
    about=st.one_of(
        belts().map(lambda belt: _about(site(belt), ("docked", "docked", "unloaded", "moved", "lost"), FLIGHTS[:1])),
        belts().map(lambda belt: _about(site(belt), ("docked", "unloaded", "lost"), (None, *FLIGHTS))),
        belts().map(
            lambda belt: _about(
                site(belt), ("docked", "unloaded", "jammed", "running", "blind", "sighted"), (None, *FLIGHTS)
            )
        ),
        queues().map(lambda queue: _about(site(queue), ("reached", "cleared", "reset", "pressed"))),
        queues().map(lambda queue: _about(site(queue), ("reached", "cleared", "reset", "blind", "sighted"))),
        queues().map(lambda queue: _about(site(queue), ("pressed", "reset", "moved"))),
    ),
)
def test_a_few_things_that_happen_often_still_give_the_moments_of_the_sentence(
    data: st.DataObject, about: tuple[Plan, Focus]
) -> None:
    plan, focus = about
    delivered = data.draw(deliveries(data.draw(seen(plan, focus))))
    note(told(plan, delivered))
    watch = Watch.over(plan)
    known: list[Signal] = []
    for each in delivered:
        watch.receive(each.signals, each.now_ms)
        known += each.signals
        assert_same(watch.judged, judge(known, [], plan, each.now_ms))


@quick
@given(data=st.data(), plan=plans())
def test_signals_in_order_and_prompt_never_revise(data: st.DataObject, plan: Plan) -> None:
    delivered = prompt([replace(each, retracts=None) for each in data.draw(seen(plan))])
    watch = play(plan, messages_of(delivered), end_of(delivered, HOUR))
    assert [event for event in watch.events if isinstance(event, Revised)] == []
    withdrawn = [event for event in watch.events if isinstance(event, Withdrawn)]
    carried = [each for delivery in delivered for each in delivery.signals if each.name == MOVED]
    assert len(withdrawn) <= len(carried), "only where two moments of a key meet, one is withdrawn"
    assert {moment.revision for moment in watch.published} <= {0}


WEIGHTY = ("opened_ms", "ends_ms", "ended_ms", "closed_ms", "verdict", "saved", "anomaly")


@quick
@given(data=st.data(), plan=plans())
def test_a_verdict_that_is_taken_back_grows_the_revision(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    watch = play(plan, messages_of(delivered), end_of(delivered, HOUR), punctual=True)
    last: dict[str, Moment] = {}
    for moment in watch.published:
        before = last.get(moment.id)
        last[moment.id] = moment
        if before is None or moment.withdrawn or before.withdrawn:
            continue
        altered = [name for name in WEIGHTY if getattr(before, name) != getattr(moment, name)]
        goes_on = plan.expectations[moment.expectation].rejoins_within_ms > 0  # what ended may go on, as nothing new
        took_back = (before.verdict, moment.verdict) == ("failure", "success")
        if (
            before.opened_ms != moment.opened_ms
            or took_back
            or (before.verdict == "success" != moment.verdict and not goes_on)
        ):
            assert moment.revision > before.revision
        if moment.revision > before.revision:
            assert altered


@quick
@given(data=st.data(), plan=plans())
def test_persons_do_what_the_sentence_says(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    watch = Watch.over(plan)
    known: list[Signal] = []
    done: list[Action] = []
    for each in delivered:
        watch.receive(each.signals, each.now_ms)
        known += each.signals
        if watch.living and data.draw(st.integers(0, 2)) == 0:
            moment = data.draw(st.sampled_from(sorted(watch.living, key=lambda one: one.id)))
            action = Action(
                id=f"a{len(done)}",
                do=data.draw(st.sampled_from(["claim", "claim", "void", "unvoid", "reset", "cause", "unclaim"])),
                moment=moment.id,
                at_ms=each.now_ms,
                by=data.draw(st.sampled_from(["p7", "p8"])),
                several=data.draw(st.booleans()),
                reason=data.draw(st.sampled_from([None, "why"])),
            )
            note(f"{action}")
            # A second void of one moment, or what was done to two moments that turn out to be one, is no business of
            # the sentence.
            assume(action.do != "void" or all(one.moment != moment.anchor for one in done if one.do == "void"))
            watch.receive([action], each.now_ms)
            done.append(replace(action, moment=moment.anchor))
        gone = {event.moment for event in watch.events if isinstance(event, Withdrawn | AskedVoid)}
        anchors = {moment.anchor for moment in watch.latest.values() if moment.id in gone}
        assume(not any(one.moment in anchors for one in done))
        assert_same(watch.judged, judge(known, done, plan, each.now_ms))


@quick
@given(data=st.data(), queue=queues(), belt=belts())
def test_signals_meet_the_plan_of_their_time(data: st.DataObject, queue: Expectation, belt: Expectation) -> None:
    first = site(queue, belt)
    other = data.draw(
        st.sampled_from(
            [
                site(belt, version="second"),
                site(queue, version="second"),
                site(queue, replace(belt, touchpoints=("belt-4",)), version="second"),
                site(replace(queue, fails_after_ms=4 * TICK, pages=()), belt, version="second"),
                site(replace(queue, opens=("reached",)), belt, version="second"),
                site(replace(queue, holds={}, rejoins_within_ms=9 * TICK), belt, version="second"),
            ]
        )
    )
    change = Replanned(plan=other, at_ms=NOON + HOUR + data.draw(st.integers(0, 40)) * TICK + 3)
    delivered = data.draw(deliveries(data.draw(seen(first))))
    note(told(first, delivered))
    until_ms = max(end_of(delivered), change.at_ms) + HOUR
    messages = sorted([*messages_of(delivered), (change.at_ms, (change,))], key=lambda message: message[0])
    watch = play(first, messages, until_ms)
    known = [signal for each in delivered for signal in each.signals]
    assert_same(watch.judged, judge(known, [], first, until_ms, replanned=[change]))


@quick
@given(data=st.data(), plan=plans())
def test_a_corrected_time_decides_anew(data: st.DataObject, plan: Plan) -> None:
    day = data.draw(seen(plan))
    delivered = data.draw(deliveries(day))
    wrong = data.draw(st.sampled_from(day))
    error_ms = data.draw(st.sampled_from([51, TICK, 3 * TICK, 13 * TICK]))
    mistold = [
        (each.now_ms, [replace(one, at_ms=one.at_ms - error_ms) if one.id == wrong.id else one for one in each.signals])
        for each in delivered
    ]
    note(told(plan, delivered))
    until_ms = end_of(delivered) + data.draw(st.sampled_from([0, TICK, HOUR]))
    watch = play(plan, [*mistold, (until_ms, [Retimed(signal=wrong.id, at_ms=wrong.at_ms)])], until_ms)
    known = [signal for each in delivered for signal in each.signals]
    assert_same(watch.judged, judge(known, [], plan, until_ms))


# --------------------------------------------------------------------------------------------------- time and memory


@st.composite
def peopled(draw: st.DrawFn, delivered: list[Delivery]) -> list[Message]:
    """Draw what persons do meanwhile."""
    people = st.builds(
        Person,
        do=st.sampled_from(["claim", "claim", "claim", "unclaim", "hand-over", "void", "unvoid", "reset", "cause"]),
        which=st.integers(0, 2),
        promise_ms=st.sampled_from([None, None, TICK, 3 * TICK, 20 * TICK]),
        several=st.booleans(),
    )
    messages: list[Message] = []
    for each in delivered:
        messages.append((each.now_ms, each.signals))
        if draw(st.integers(0, 2)) == 0:
            messages.append((each.now_ms + draw(st.sampled_from([0, 3])), [draw(people)]))
    return sorted(messages, key=lambda message: message[0])


@thorough
@given(data=st.data(), plan=plans())
def test_waking_late_changes_nothing(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    messages = data.draw(peopled(delivered))
    until_ms = end_of(delivered, HOUR)
    sleepy = play(plan, messages, until_ms)
    punctual = play(plan, messages, until_ms, punctual=True)
    assert sleepy.decided() == punctual.decided()
    assert sleepy.published == punctual.published


@quick
@given(data=st.data(), plan=plans())
def test_the_same_messages_again_give_the_same_record(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    messages = data.draw(peopled(delivered))
    first = play(plan, messages, end_of(delivered, HOUR))
    again = play(plan, messages, end_of(delivered, HOUR))
    assert first.steps == again.steps


@quick
@given(data=st.data(), plan=plans(), horizon_ms=st.sampled_from([DAY_MS, 20 * TICK]))
def test_a_restart_in_the_middle_changes_nothing(data: st.DataObject, plan: Plan, horizon_ms: int) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    messages = data.draw(peopled(delivered))
    cuts = data.draw(st.sets(st.integers(0, len(messages) - 1), max_size=3))

    def run(restarts: set[int]) -> Watch:
        watch = Watch.over(plan, horizon_ms=horizon_ms)
        for number, (now_ms, inputs) in enumerate(messages):
            watch.receive(inputs, now_ms)
            if number in restarts:
                watch.engine = load(dump(watch.engine))
        watch.advance(end_of(delivered, HOUR))
        return watch

    whole, cut = run(set()), run(cuts)
    assert whole.steps == cut.steps
    assert by_id(whole.engine) == by_id(cut.engine)
    assert whole.engine.next_deadline() == cut.engine.next_deadline()


@quick
@given(data=st.data(), plan=plans())
def test_a_duplicate_says_nothing_new(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    watch = play(plan, messages_of(delivered), end_of(delivered, HOUR))
    for each in delivered:
        step = watch.receive(
            [replace(one, received_ms=end_of(delivered, HOUR)) for one in each.signals], end_of(delivered, HOUR)
        )
        assert step.events == ()
        assert step.published == ()


@quick
@given(data=st.data(), plan=plans())
def test_what_is_in_memory_is_what_was_published(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    watch = play(plan, messages_of(delivered), end_of(delivered))
    for moment in watch.living:
        assert watch.engine.moment(moment.id) == moment
    assert {moment.id for moment in watch.engine.open_moments()} == {
        moment.id for moment in watch.living if moment.state == "open"
    }
    nearest = [moment.ends_ms for moment in watch.engine.open_moments() if moment.verdict is None]
    if nearest:
        due_ms = watch.engine.next_deadline()
        assert due_ms is not None
        assert due_ms <= min(nearest) + 1000


# ------------------------------------------------------------------------------------------------------------- identity


@quick
@given(data=st.data(), plan=plans())
def test_an_id_belongs_to_one_first_signal_and_no_two_moments_share_one(data: st.DataObject, plan: Plan) -> None:
    delivered = data.draw(deliveries(data.draw(seen(plan))))
    note(told(plan, delivered))
    watch = play(plan, messages_of(delivered), end_of(delivered, HOUR))
    anchors = {moment.id: {one.anchor for one in watch.published if one.id == moment.id} for moment in watch.published}
    assert all(len(each) == 1 for each in anchors.values())
    living = [(moment.expectation, moment.anchor) for moment in watch.living]
    assert len(living) == len(set(living))
    for moment in watch.latest.values():
        if moment.withdrawn_into is not None:
            assert not watch.latest[moment.withdrawn_into].withdrawn


@quick
@given(data=st.data(), plan=plans())
def test_with_prompt_signals_the_id_is_of_the_first_opening_signal(data: st.DataObject, plan: Plan) -> None:
    day = [replace(each, retracts=None) for each in data.draw(seen(plan))]
    watch = play(plan, messages_of(prompt(day)), end_of(prompt(day), HOUR))
    times = {each.id: each.at_ms for each in day}
    assert all(times[moment.anchor] == moment.opened_ms for moment in watch.living)


# ---------------------------------------------------------------------------------------------------------- the table


def test_every_pair_of_state_and_role_is_in_the_table_or_listed_as_refused() -> None:
    pairs = set(itertools.product(State, Role))
    assert set(TABLE) | set(REFUSED) == pairs
    assert not set(TABLE) & set(REFUSED)

"""The engine pages whom the rules page, at that instant, for that reason; and nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment.events import Paged, PageSkipped, StoodDown, Withdrawn
from andgate.moment.signals import Action, ActionKind, Replanned, Signal
from andgate.moment.state import dump, load
from andgate.plan import Expectation, PageStep, Plan
from tests.library.days import FLIGHTS, HOUR, NOON, TICK, WIDE, Focus, belts, deliveries, queues, seen, site, told
from tests.library.paging import Desk, Said
from tests.library.watch import Watch

thorough = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

COINCIDING = (
    PageStep(left_ms=6 * TICK, group="ticket-agents", repeat_ms=2 * TICK),
    PageStep(left_ms=3 * TICK, group="supervisors", unless_claimed=True),
    PageStep(left_ms=3 * TICK, group="ticket-agents"),
    PageStep(left_ms=3 * TICK, group="supervisors", repeat_ms=2 * TICK),
    PageStep(left_ms=0, group="ticket-agents", unless_claimed=True),
)
"""Steps of one instant, to one group and to others; repeats that fall on steps."""


FEW = Focus(most=6, ticks=14, keys=FLIGHTS[:1])


@st.composite
def promises(draw: st.DrawFn) -> Expectation:
    """Draw a promise that pages, with what makes paging hard."""
    promise = draw(st.one_of(queues(), queues(), belts()))
    pages = draw(st.sampled_from([COINCIDING, COINCIDING[:1], COINCIDING[:2], COINCIDING[1:], promise.pages]))
    threatens = ("shouted",) if promise.key is None else promise.threatens
    rejoins_ms = draw(st.sampled_from([0, 2 * TICK, 9 * TICK]))
    needs = draw(st.sampled_from([None, None, None, 2, 3]))
    return replace(promise, pages=pages, threatens=threatens, rejoins_within_ms=rejoins_ms, needs=needs)


def focus_on(promise: Expectation) -> st.SearchStrategy[Focus]:
    """Draw what a day is about: everything, or the few things that open, threaten and end."""
    names = ("pressed", "pressed", "reset", "shouted") if promise.key is None else ("docked", "unloaded", "jammed")
    often = Focus(most=10, ticks=14, names=names, keys=FLIGHTS[:1])
    return st.sampled_from([WIDE, FEW, often, often])


def said_by(watch: Watch) -> list[Said]:
    """Return what the engine told whom, and what it did not, by the first signals of the moments."""
    return list(_said(watch, {moment.id: moment.anchor for moment in watch.published}))


def _said(watch: Watch, anchors: dict[str, str]) -> Iterator[Said]:
    for event in watch.events:
        name = anchors[event.moment]
        if isinstance(event, Paged):
            reason, late = event.reason, event.late_ms
            yield Said(event.at_ms, name, "paged", event.group, event.step, reason, late, event.person)
        elif isinstance(event, PageSkipped):
            yield Said(event.at_ms, name, "skipped", event.group, event.step, event.because)
        elif isinstance(event, StoodDown):
            yield from (Said(event.at_ms, name, "over", group) for group in event.groups)


def in_order(said: list[Said]) -> list[tuple[int, str, str]]:
    return sorted((one.at_ms, one.moment, repr(one)) for one in said)


WHEN = (0, 0, 1, TICK, 2 * TICK, 3 * TICK)
PROMISED = (None, None, 0, 1, TICK, 2 * TICK, 3 * TICK, 20 * TICK)
DOES: list[ActionKind] = ["claim", "claim", "claim", "claim", "unclaim", "hand-over", "hand-over", "reset", "void"]


def play_both(
    data: st.DataObject, plan: Plan, messages: Sequence[tuple[int, Sequence[Signal | Replanned]]], *, restarts: bool
) -> None:
    """Play a day with people in it to the engine and to the desk beside it; both tell the same at the same instants."""
    watch, desk = Watch.over(plan), Desk(plan)
    ends_ms = [now_ms for now_ms, _ in messages[1:]] + [messages[-1][0] + HOUR]
    for number, ((now_ms, inputs), end_ms) in enumerate(zip(messages, ends_ms, strict=True)):
        watch.wake(now_ms)
        watch.receive(inputs, now_ms)
        desk.hear(inputs, now_ms)
        for turn in range(data.draw(st.integers(0, 3))):
            then_ms = min(watch.engine.now_ms + data.draw(st.sampled_from(WHEN)), end_ms)
            watch.wake(then_ms)
            desk.sleep(then_ms)
            action = _draw_action(data, watch, f"a/{number:02}/{turn}", then_ms)
            if action is not None:
                note(f"{action}")
                anchor = watch.latest[action.moment].anchor
                watch.receive([action], then_ms)
                desk.hear([replace(action, moment=anchor)], then_ms)
        if restarts:
            watch.engine = load(dump(watch.engine))
    until_ms = watch.engine.now_ms + data.draw(st.sampled_from([0, 7 * TICK, HOUR]))
    watch.wake(until_ms)
    desk.sleep(until_ms)
    # Whose pages are whose when two moments become one, or one two, is told elsewhere.
    assume(not any(isinstance(event, Withdrawn) for event in watch.events))
    assert in_order(said_by(watch)) == in_order(desk.said)
    pages = [event.page for event in watch.events if isinstance(event, Paged)]
    assert len(set(pages)) == len(pages), "each page has a name of its own"


def _draw_action(data: st.DataObject, watch: Watch, name: str, now_ms: int) -> Action | None:
    """Draw what somebody does about an open moment, or did a while ago; None where it makes no sense."""
    open_moments = watch.engine.open_moments()
    if not open_moments:
        return None
    do = data.draw(st.sampled_from(DOES))
    late_ms = data.draw(st.sampled_from([0, 0, 0, TICK, 3 * TICK])) if do == "claim" else 0
    action = Action(
        id=name,
        do=do,
        moment=data.draw(st.sampled_from([moment.id for moment in open_moments])),
        at_ms=now_ms - late_ms,
        by=data.draw(st.sampled_from(["p7", "p8", "p9"])),
        whose=data.draw(st.sampled_from([None, None, "p7"])) if do in ("unclaim", "hand-over") else None,
        promise_ms=data.draw(st.sampled_from(PROMISED)),
        several=data.draw(st.sampled_from([True, True, True, False])),
        group=data.draw(st.sampled_from(["supervisors", "ticket-agents"])) if do == "hand-over" else None,
        person=data.draw(st.sampled_from([None, None, "p8"])) if do == "hand-over" else None,
        reason="why",
    )
    return action if watch.engine.refuses(action) is None else None


@thorough
@given(data=st.data(), promise=promises(), restarts=st.booleans())
def test_who_is_paged_and_who_is_not_is_what_the_rules_say(
    data: st.DataObject, promise: Expectation, *, restarts: bool
) -> None:
    plan = site(promise)
    delivered = data.draw(deliveries(data.draw(seen(plan, data.draw(focus_on(promise))))))
    note(told(plan, delivered))
    play_both(data, plan, [(each.now_ms, each.signals) for each in delivered], restarts=restarts)


@thorough
@given(data=st.data(), promise=promises(), then=promises())
def test_a_plan_that_changes_in_the_middle_of_an_escalation_pages_by_the_plan_of_the_opening(
    data: st.DataObject, promise: Expectation, then: Expectation
) -> None:
    plan = site(promise)
    change = Replanned(plan=site(then, version="second"), at_ms=NOON + HOUR + data.draw(st.integers(0, 14)) * TICK)
    delivered = data.draw(deliveries(data.draw(seen(plan, data.draw(focus_on(promise))))))
    note(told(plan, delivered))
    messages: list[tuple[int, Sequence[Signal | Replanned]]] = [(each.now_ms, each.signals) for each in delivered]
    messages = sorted([*messages, (change.at_ms, (change,))], key=lambda message: message[0])
    play_both(data, plan, messages, restarts=False)


STEPS_MS = (0, 0, 1, TICK, TICK, 2 * TICK, 3 * TICK, 7 * TICK)
HAPPENS = (
    ("pressed",),
    ("reset", "pressed"),
    ("shouted", "calmed", "shouted"),
    ("calmed",),
    ("claim",),
    ("claim", "hand-over"),
    ("claim", "reset", "pressed"),
    ("unclaim",),
)
"""What may happen, one after the other."""


LINES = st.builds(
    Expectation,
    id=st.just("check-in-wait"),
    promise=st.just("I wait no more than three minutes."),
    touchpoints=st.just(("counter-a",)),
    opens=st.just(("pressed",)),
    closes=st.just(("reset",)),
    threatens=st.just(("shouted",)),
    fails_after_ms=st.sampled_from([6 * TICK, 30 * TICK]),
    rejoins_within_ms=st.sampled_from([0, 9 * TICK, 9 * TICK]),
    gives_up_after_ms=st.just(20 * TICK),
    pages=st.sampled_from([COINCIDING, COINCIDING[:1], COINCIDING[:2], COINCIDING[1:], COINCIDING[2:3]]),
    needs=st.sampled_from([None, None, 2]),
)


@settings(thorough, max_examples=300)
@given(data=st.data(), promise=LINES)
def test_one_line_to_which_everything_happens(data: st.DataObject, promise: Expectation) -> None:
    plan = site(promise)
    watch, desk = Watch.over(plan), Desk(plan)
    now_ms, shouts = NOON, list[str]()
    happens = [what for each in data.draw(st.lists(st.sampled_from(HAPPENS), min_size=2, max_size=7)) for what in each]
    for number, what in enumerate(["pressed", *happens, "nothing"]):
        now_ms += data.draw(st.sampled_from(STEPS_MS)) if what != "nothing" else HOUR
        watch.wake(now_ms)
        desk.sleep(now_ms)
        signal = Signal(
            id=f"f/{number:02}",
            name=what,
            touchpoint="counter-a",
            at_ms=now_ms,
            received_ms=now_ms,
            source="script",
            seq=number,
            retracts=shouts.pop() if what == "calmed" and shouts else None,
        )
        if what in ("pressed", "reset", "shouted", "calmed"):
            shouts += [signal.id] if what == "shouted" else []
            watch.receive([signal], now_ms)
            desk.hear([signal], now_ms)
        for moment in watch.engine.open_moments() if what in ("claim", "unclaim", "hand-over") else ():
            action = Action(
                id=f"a/{number:02}",
                do=what,  # type: ignore[arg-type]
                moment=moment.id,
                at_ms=now_ms,
                by=data.draw(st.sampled_from(["p7", "p8"])),
                promise_ms=data.draw(st.sampled_from(PROMISED)),
                several=True,
                group="supervisors",
            )
            watch.receive([action], now_ms)
            desk.hear([replace(action, moment=moment.anchor)], now_ms)
    assert in_order(said_by(watch)) == in_order(desk.said)

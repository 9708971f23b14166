"""The engine's edges: what it refuses, what it asks of the clock, what it keeps and lets go."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from andgate.clock import Clock
from andgate.errors import UsageError
from andgate.moment.engine import Engine
from andgate.moment.events import AskedVoid, Confirmed, Overridden, Paged, Refused
from andgate.moment.history import History
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind, Input, Replanned, Retimed, Signal
from andgate.moment.state import dump, load
from andgate.plan import Plan, parse_plan

T0 = 1_795_262_400_000
MINUTE = 60_000
HOUR = 3_600_000
DAY = 86_400_000


@pytest.fixture(scope="module")
def plan(airport_toml: str) -> Plan:
    return parse_plan(airport_toml)


@pytest.fixture
def engine(plan: Plan) -> Engine:
    return Engine(plan)


def signal(  # every field has its turn
    n: int,
    name: str,
    at_ms: int,
    *,
    touchpoint: str = "counter-a",
    device: str = "desk-a1/mot",
    received_ms: int | None = None,
    **more: object,
) -> Signal:
    return Signal(
        id=f"n/desk-a1/b/{n}",
        name=name,
        touchpoint=touchpoint,
        at_ms=T0 + at_ms,
        received_ms=T0 + (at_ms if received_ms is None else received_ms),
        source="desk-a1",
        device=device,
        boot_rank=1,
        seq=n,
        **more,  # type: ignore[arg-type]
    )


def take(engine: Engine, *inputs: Input, now_ms: int) -> tuple[Moment, ...]:
    return engine.receive(inputs, T0 + now_ms).published


def action(do: ActionKind, moment: str, at_ms: int, **more: object) -> Action:
    return Action(id=f"a/{do}/{at_ms}", do=do, moment=moment, at_ms=T0 + at_ms, by="p1", **more)  # type: ignore[arg-type]


def test_a_clock_is_three_questions() -> None:
    assert {name for name in vars(Clock) if not name.startswith("_")} == {"now_ms", "mono_s", "real_s"}


def test_nothing_received_needs_nothing(engine: Engine) -> None:
    assert engine.next_deadline() is None
    assert engine.advance(T0).events == ()
    assert list(engine.moments()) == []
    assert engine.moment("none") is None


def test_the_past_is_no_argument(engine: Engine) -> None:
    take(engine, signal(1, "pressed", 0), now_ms=0)
    engine.advance(T0 + 10 * MINUTE)
    assert engine.advance(T0).events == ()
    assert engine.now_ms == T0 + 10 * MINUTE


@pytest.mark.parametrize(
    ("do", "words", "more"),
    [
        ("claim", None, {}),
        ("void", None, {}),
        ("unclaim", "nobody has claimed", {}),
        ("unvoid", "is not void", {}),
        ("reset", "needs its words", {}),
        ("reset", None, {"reason": "the sensor is broken"}),
        ("cause", "needs its words", {}),
        ("remedy", "needs its words", {}),
        ("remedy", None, {"reason": "apologised"}),
    ],
)
def test_what_makes_sense_of_an_open_moment(
    engine: Engine, do: ActionKind, words: str | None, more: dict[str, object]
) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    refused = engine.refuses(action(do, moment.id, 1, **more))
    assert refused is None if words is None else words in (refused or "")


def test_what_makes_no_sense_of_an_ended_one(engine: Engine) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, signal(2, "reset", MINUTE), now_ms=MINUTE)
    for do in ("claim", "unclaim", "reset"):
        assert "has ended" in (engine.refuses(action(do, moment.id, MINUTE + 1)) or "")
    take(engine, action("void", moment.id, MINUTE + 2, reason="drill"), now_ms=MINUTE + 2)
    assert engine.refuses(action("unvoid", moment.id, MINUTE + 3)) is None
    assert "void already: drill" in (engine.refuses(action("void", moment.id, MINUTE + 3)) or "")


def test_what_is_unknown_or_withdrawn_is_said(engine: Engine) -> None:
    assert "no moment 'x' within the last 24 hours" in (engine.refuses(action("claim", "x", 0)) or "")
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, signal(2, "reset", 2_000, retracts="n/desk-a1/b/1"), now_ms=2_000)
    refused = engine.refuses(action("claim", moment.id, 3_000))
    assert refused == f"moment {moment.id} was withdrawn"


def test_a_withdrawn_moment_names_the_one_it_is_part_of(engine: Engine) -> None:
    """The reset between two presses is taken back, so they were one moment all along."""
    first, *_ = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, signal(2, "reset", MINUTE), now_ms=MINUTE)
    (second,) = take(engine, signal(3, "pressed", 2 * MINUTE), now_ms=2 * MINUTE)
    take(engine, action("void", second.id, 2 * MINUTE + 1, reason="drill"), now_ms=2 * MINUTE + 1)
    step = engine.receive([signal(4, "seen", 2 * MINUTE + 2, retracts="n/desk-a1/b/2")], T0 + 2 * MINUTE + 2)
    withdrawn = engine.moment(second.id)
    assert withdrawn is not None
    assert withdrawn.withdrawn_into == first.id
    assert f"part of {first.id}" in (engine.refuses(action("claim", second.id, 3 * MINUTE)) or "")
    asked = [event for event in step.events if isinstance(event, AskedVoid)]
    assert [(event.moment, event.joined, event.reason) for event in asked] == [(first.id, second.id, "drill")]
    survivor = engine.moment(first.id)
    assert survivor is not None
    assert survivor.verdict is None


def test_an_action_about_nothing_changes_nothing(engine: Engine) -> None:
    assert take(engine, action("claim", "gone", 0), now_ms=0) == ()


def test_a_person_resets_although_the_line_stands(engine: Engine) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, signal(2, "reached", 1_000, device="mark-a/mark"), now_ms=1_000)
    step = engine.receive([signal(3, "reset", 2_000)], T0 + 2_000)
    assert any(isinstance(event, Refused) and event.held_by == ("mark-a/mark",) for event in step.events)
    step = engine.receive([action("reset", moment.id, 3_000, reason="the beam is stuck")], T0 + 3_000)
    assert any(isinstance(event, Overridden) for event in step.events)
    assert step.published[-1].verdict == "success"


def test_a_time_that_cannot_be_bettered_changes_nothing(engine: Engine) -> None:
    take(engine, signal(1, "pressed", 0), now_ms=0)
    same = Retimed(signal="n/desk-a1/b/1", at_ms=T0)
    beyond = Retimed(signal="n/desk-a1/b/1", at_ms=T0 - 2 * DAY)
    unknown = Retimed(signal="n/x/b/1", at_ms=T0)
    assert take(engine, same, beyond, unknown, now_ms=1) == ()


def test_the_same_plan_again_changes_nothing(engine: Engine, plan: Plan) -> None:
    take(engine, signal(1, "pressed", 0), now_ms=0)
    assert take(engine, Replanned(plan=plan, at_ms=T0 + 1), now_ms=1) == ()
    assert len(engine.plans) == 1


def test_signals_meet_the_plan_of_their_time(engine: Engine, plan: Plan) -> None:
    """A touchpoint that nobody had heard of yet learns of an earlier change of plan when its first signal comes."""
    wait = plan.expectations["check-in-wait"]
    without = replace(plan, expectations={"check-in-wait": replace(wait, opens=("reached",))}, version="two")
    take(engine, Replanned(plan=without, at_ms=T0), now_ms=0)
    assert take(engine, signal(1, "pressed", 1), now_ms=1) == ()
    (moment,) = take(engine, signal(2, "pressed", -1, received_ms=2), now_ms=2)
    assert moment.plan == plan.version


def test_a_provisional_verdict_is_confirmed(engine: Engine) -> None:
    """The beam was blind at the end; then it turns out that it saw all the time, and the hub had not heard."""
    take(engine, signal(1, "pressed", 0), now_ms=0)
    blind = signal(2, "blind", 1_000, device="mark-a/mark")
    take(engine, blind, now_ms=1_000)
    (kept,) = take(engine, signal(3, "reset", 2_000), now_ms=2_000)
    assert (kept.verdict, kept.provisional) == ("success", True)
    sighted = signal(4, "sighted", 3_000, device="mark-a/mark", retracts=blind.id)
    step = engine.receive([sighted], T0 + 3_000)
    assert [type(event) for event in step.events] == [Confirmed]
    assert step.published[-1].provisional is False


def test_long_past_moments_are_let_go_and_nothing_else_changes(engine: Engine) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, signal(2, "reset", MINUTE), now_ms=MINUTE)
    again, *_ = take(engine, signal(3, "pressed", 2 * MINUTE), now_ms=2 * MINUTE)
    take(engine, signal(4, "reset", 2 * MINUTE + 2_000, retracts="n/desk-a1/b/3"), now_ms=2 * MINUTE + 2_000)
    assert engine.moment(again.id) is not None
    engine.advance(T0 + 3 * DAY)
    engine.advance(T0 + 4 * DAY)
    assert engine.moment(moment.id) is None
    assert engine.moment(again.id) is None
    assert dump(engine) == dump(load(dump(engine)))
    assert take(engine, signal(5, "pressed", 4 * DAY), now_ms=4 * DAY) != ()


def test_a_restart_goes_on_with_open_moments_claims_and_pages(engine: Engine) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, action("claim", moment.id, 10_000, promise_ms=30_000), now_ms=10_000)
    other = load(dump(engine))
    for now_ms in (40_000, 90_000, 180_000, 181_000, 2 * HOUR):
        assert other.next_deadline() == engine.next_deadline()
        assert other.advance(T0 + now_ms) == engine.advance(T0 + now_ms)
    assert other.open_moments() == ()


def test_a_state_of_another_version_is_not_loaded(engine: Engine) -> None:
    other = msgspec.msgpack.decode(dump(engine))
    other["version"] = 99
    with pytest.raises(UsageError, match="replay the journal"):
        load(msgspec.msgpack.encode(other))
    with pytest.raises(UsageError, match="not an engine state"):
        load(b"garbage")


def test_the_rest_of_a_backlog_releases_the_pages(engine: Engine) -> None:
    """A node's backlog: the press is old, its reset is in the next list, so nobody is paged."""
    old = signal(1, "pressed", 0, received_ms=MINUTE)
    step = engine.receive([old], T0 + MINUTE, more=True)
    assert not [event for event in step.events if isinstance(event, Paged)]
    step = engine.receive([signal(2, "seen", 1_000, received_ms=MINUTE + 500)], T0 + MINUTE + 500)
    assert [event.group for event in step.events if isinstance(event, Paged)] == ["ticket-agents"]


def test_one_backlog_after_the_other_holds_no_page_for_ever(engine: Engine) -> None:
    engine.receive([signal(1, "pressed", 0, received_ms=MINUTE)], T0 + MINUTE, more=True)
    paged: list[tuple[str, int]] = []
    for number in range(1, 5):  # every eight seconds somebody else begins to empty a spool
        now_ms = MINUTE + 8_000 * number
        other = replace(signal(1, "seen", 0, received_ms=now_ms), id=f"n/b{number}/b/1", source=f"desk-b{number}")
        for step in (engine.advance(T0 + now_ms), engine.receive([other], T0 + now_ms, more=True)):
            paged += [(event.group, event.at_ms - T0) for event in step.events if isinstance(event, Paged)]
        assert paged or engine.next_deadline() == T0 + MINUTE + 10_000
    assert paged[0][0] == "ticket-agents"


def test_a_page_that_has_waited_goes_although_another_backlog_begins_that_very_instant(engine: Engine) -> None:
    engine.receive([signal(1, "pressed", 0, received_ms=MINUTE)], T0 + MINUTE, more=True)
    now_ms = MINUTE + 10_000
    other = replace(signal(1, "seen", 0, received_ms=now_ms), id="n/b1/b/1", source="desk-b1")
    step = engine.receive([other], T0 + now_ms, more=True)
    assert [event.group for event in step.events if isinstance(event, Paged)] == ["ticket-agents"]


def test_a_moved_moment_is_judged_blind_by_where_it_stood(plan: Plan) -> None:
    """The belt it stood at was blind at its deadline; it moved away afterwards."""
    claim = plan.expectations["baggage-claim"]
    touchpoints = plan.touchpoints | {"belt-4": replace(plan.touchpoints["belt-3"], id="belt-4")}
    two = replace(
        plan,
        touchpoints=touchpoints,
        expectations={"baggage-claim": replace(claim, touchpoints=("belt-3", "belt-4"))},
        version="belts",
    )
    engine = Engine(two)
    belt = {"touchpoint": "belt-3", "device": "belt-3/done"}
    take(engine, signal(1, "docked", 0, key="AG1/2026-11-21", **belt), now_ms=0)  # type: ignore[arg-type]
    take(engine, signal(2, "blind", 20 * MINUTE, **belt), now_ms=20 * MINUTE)  # type: ignore[arg-type]
    engine.advance(T0 + 26 * MINUTE)
    moved = signal(3, "moved", 27 * MINUTE, key="AG1/2026-11-21", to="belt-4", touchpoint="belt-3", device="")
    (moment,) = take(engine, moved, now_ms=27 * MINUTE)
    assert (moment.touchpoint, moment.verdict, moment.provisional) == ("belt-4", "failure", True)


def test_a_claim_while_a_backlog_is_awaited_releases_nothing(engine: Engine) -> None:
    engine.receive([signal(1, "pressed", 0, received_ms=MINUTE)], T0 + MINUTE, more=True)
    (moment,) = engine.open_moments()
    step = engine.receive([action("cause", moment.id, MINUTE + 1, reason="people")], T0 + MINUTE + 1)
    assert not [event for event in step.events if isinstance(event, Paged)]
    assert engine.next_deadline() == T0 + MINUTE + 10_000


def test_a_signal_in_the_millisecond_of_a_new_plan_meets_the_new_plan(engine: Engine, plan: Plan) -> None:
    (moment,) = take(engine, signal(1, "pressed", 5), now_ms=5)
    nothing = replace(plan, expectations={}, interactions={}, version="nothing")
    (gone,) = take(engine, Replanned(plan=nothing, at_ms=T0 + 5), now_ms=5)
    assert (gone.id, gone.withdrawn) == (moment.id, True)


def test_a_reset_by_a_person_that_comes_after_a_late_clearing_does_nothing(engine: Engine) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, action("reset", moment.id, MINUTE, reason="nobody there"), now_ms=MINUTE)
    (kept,) = take(engine, signal(2, "cleared", 30_000, received_ms=MINUTE + 1), now_ms=MINUTE + 1)
    assert (kept.closed_ms, kept.revision) == (T0 + 30_000, 1)


def test_moments_that_join_keep_the_earliest_threat(plan: Plan) -> None:
    claim = replace(plan.expectations["baggage-claim"], touchpoints=("belt-3", "belt-4"))
    touchpoints = plan.touchpoints | {"belt-4": replace(plan.touchpoints["belt-3"], id="belt-4")}
    two = replace(plan, touchpoints=touchpoints, expectations={"baggage-claim": claim}, version="belts")
    engine = Engine(two)
    flight: dict[str, str] = {"key": "AG1/2026-11-21", "device": ""}
    take(engine, signal(1, "docked", 0, touchpoint="belt-3", **flight), now_ms=0)  # type: ignore[arg-type]
    take(engine, signal(2, "docked", MINUTE, touchpoint="belt-4", **flight), now_ms=MINUTE)  # type: ignore[arg-type]
    take(engine, signal(3, "jammed", 2 * MINUTE, touchpoint="belt-4", **flight), now_ms=2 * MINUTE)  # type: ignore[arg-type]
    moved = signal(4, "moved", 3 * MINUTE, touchpoint="belt-4", to="belt-3", **flight)  # type: ignore[arg-type]
    take(engine, moved, now_ms=3 * MINUTE)
    (moment,) = engine.open_moments()
    assert (moment.opened_ms, moment.threatened_ms, moment.touchpoint) == (T0, T0 + 2 * MINUTE, "belt-3")


def test_what_sleeps_after_a_restart_wakes_when_it_is_asked_for(engine: Engine) -> None:
    (moment,) = take(engine, signal(1, "pressed", 0), now_ms=0)
    take(engine, signal(2, "reset", MINUTE), now_ms=MINUTE)
    asked, taken_back, untouched = (load(dump(engine)) for _ in range(3))
    assert asked.moment(moment.id) == engine.moment(moment.id)
    reopened, *_ = take(
        taken_back, signal(9, "seen", 2 * MINUTE, touchpoint="belt-3", retracts="n/desk-a1/b/2"), now_ms=2 * MINUTE
    )
    assert (reopened.id, reopened.state, reopened.revision) == (moment.id, "open", 1)
    assert dump(untouched) == dump(engine)
    assert untouched.advance(T0 + 3 * DAY).published == ()
    assert untouched.moment(moment.id) is None


def test_a_hundred_flights_in_one_millisecond_fold_once_each(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """They come in an order that is not the fold's; each is of its own key, so nothing is folded again."""
    engine = Engine(plan)
    refolds: list[int] = []
    refold = History.refold

    def counted(history: History) -> None:
        refolds.append(1)
        refold(history)

    monkeypatch.setattr(History, "refold", counted)
    keys = [f"AG{n}/2026-11-21" for n in range(100)]
    for n, key in enumerate(keys):
        docked = replace(
            signal(1, "docked", 0, touchpoint="belt-3", device=""), id=f"f/{n}", key=key, source="ops", seq=0
        )
        assert len(take(engine, docked, now_ms=0)) == 1
    assert len(engine.open_moments()) == len(keys)
    assert len(refolds) < 10
    before = len(refolds)
    done = signal(1, "unloaded", 0, touchpoint="belt-3", device="")
    (kept,) = take(engine, replace(done, id="f/5x", key=keys[5], source="ops", seq=0), now_ms=0)
    assert (kept.key, kept.verdict, len(refolds)) == (keys[5], "success", before)
    too_soon = replace(done, id="f/05", key=keys[5], source="ops", seq=0)
    assert take(engine, too_soon, now_ms=0) == ()  # in the fold it comes before its flight docked
    assert len(refolds) == before + 1

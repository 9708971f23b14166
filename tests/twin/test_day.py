from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andgate.plan import Plan, parse_plan
from tests.plans import SMALL
from twin.happenings import AnyHappening, Beep, Level, Pressed, Reported
from twin.judge import EngineJudge
from twin.places import places_of
from twin.virtual import play
from twin.wires import Seen, Wires
from twin.world import World

TODAY = date(2026, 11, 21)
DAY_MS = 86_400_000


def everything(plan: Plan, seed: int) -> tuple[list[AnyHappening], list[Seen]]:
    world = World(plan, TODAY, today=TODAY, seed=seed)
    happened = world.run(world.begins_ms + DAY_MS)
    wires = Wires(plan, begins_ms=world.begins_ms)
    for happening in happened:
        if isinstance(happening, Pressed | Level):
            wires.take(happening)
    return happened, wires.until(world.begins_ms + DAY_MS, lambda _: None)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_the_same_seed_gives_the_same_day(airport: Plan, seed: int) -> None:
    first, again = everything(airport, seed), everything(airport, seed)
    assert first == again
    assert first != everything(airport, seed + 1)


def test_how_often_it_is_asked_changes_nothing(airport: Plan) -> None:
    world = World(airport, TODAY, today=TODAY, seed=7)
    bit_by_bit: list[AnyHappening] = []
    for at_ms in range(world.begins_ms, world.begins_ms + DAY_MS + 1, 90_000):
        bit_by_bit += world.run(at_ms)
    assert bit_by_bit == everything(airport, 7)[0]


def test_happenings_are_in_order_and_name_what_the_plan_has(airport: Plan) -> None:
    happened, seen = everything(airport, 1)
    assert [one.at_ms for one in happened] == sorted(one.at_ms for one in happened)
    for one in happened:
        if isinstance(one, Pressed | Level):
            assert one.device in airport.devices
        elif isinstance(one, Reported):
            assert one.touchpoint in airport.touchpoints
    names = {one.signal for one in seen}
    assert names >= {"pressed", "reached", "cleared", "called", "helped", "boarding", "unloaded", "jammed", "running"}


def test_people_who_walk_through_the_beam_are_no_line(airport: Plan) -> None:
    happened, seen = everything(airport, 1)
    breaks = sum(isinstance(one, Level) and one.on and one.device.endswith("/mark") for one in happened)
    assert breaks > 3 * sum(one.signal == "reached" for one in seen) > 0


def test_every_sensor_rests_when_the_day_is_over(airport: Plan) -> None:
    level: dict[str, bool] = {}
    for one in everything(airport, 3)[0]:
        if isinstance(one, Level):
            level[one.device] = one.on
    assert level
    assert not any(level.values())


def test_a_hold_names_the_press_it_began_with(airport: Plan) -> None:
    _, seen = everything(airport, 1)
    presses = {(one.device, one.seq): one for one in seen if one.signal == "called"}
    holds = [one for one in seen if one.signal == "helped"]
    assert holds
    for hold in holds:
        assert hold.press is not None
        assert hold.at_ms - presses[hold.device, hold.press].at_ms == 2_000


@pytest.mark.parametrize("paging", [False, True])
def test_a_day_before_the_engine(airport: Plan, *, paging: bool) -> None:
    world = World(airport, TODAY, today=TODAY, seed=1)
    judge = EngineJudge(airport)
    until_ms = world.begins_ms + DAY_MS + 7_200_000
    play(world, Wires(airport, begins_ms=world.begins_ms), judge, until_ms=until_ms, paging=paging)
    moments = [moment for moment in judge.moments.values() if not moment.withdrawn]
    verdicts: dict[str, set[str | None]] = {moment.expectation: set() for moment in moments}
    for moment in moments:
        verdicts[moment.expectation].add(moment.verdict)
    assert set(airport.expectations) < set(verdicts) <= set(airport.judged), "promises, and remedy tasks of some"
    assert all(None not in found for found in verdicts.values()), "everything that opened has been judged"
    claimed = [moment for moment in judge.moments.values() if moment.answered]
    assert bool(claimed) is paging
    docked = [moment for moment in judge.moments.values() if moment.expectation == "baggage-claim"]
    assert len(docked) == 58
    assert all(moment.closed_ms is not None for moment in docked), "whoever forgot the button was reminded"


def test_a_page_shortens_the_line_it_is_about(airport: Plan) -> None:
    """Everything else being equal, down to each passenger's own luck."""

    def first_reach(*, paged: bool) -> int:
        world = World(airport, TODAY, today=TODAY, seed=1)
        lines = {name for name, place in places_of(airport).items() if place.part == "line"}
        stood: dict[str, int] = {}
        at_ms = world.begins_ms
        while True:
            at_ms += 1_000
            for one in world.run(at_ms):
                if not isinstance(one, Level) or airport.devices[one.device].touchpoint not in lines:
                    continue
                if one.on:
                    stood[one.device] = one.at_ms
                    if paged:
                        world.hear(_page(airport, one), one.at_ms)
                elif one.at_ms - stood[one.device] > 10_000:
                    return one.at_ms - stood[one.device]

    assert first_reach(paged=True) < first_reach(paged=False)


def _page(plan: Plan, level: Level) -> Beep:
    touchpoint = plan.devices[level.device].touchpoint
    return Beep(
        page=f"p{level.at_ms}",
        group="ticket-agents",
        moment=f"m{level.at_ms}",
        expectation="check-in-wait",
        touchpoint=touchpoint,
        key=None,
    )


def test_a_small_plan_is_played_too() -> None:
    plan = parse_plan(SMALL)
    world = World(plan, TODAY, today=TODAY, seed=1)
    judge = EngineJudge(plan)
    wires = Wires(plan, begins_ms=world.begins_ms)
    play(world, wires, judge, until_ms=world.begins_ms + DAY_MS, paging=True)
    assert judge.moments

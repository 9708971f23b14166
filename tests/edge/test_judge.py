"""Alone, a node judges as a hub would that heard it alone; the hub's word is where it begins, and holds after."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andgate.moment.engine import Engine
from andgate.moment.signals import Signal
from andgate.plan import Plan, parse_plan
from andgate.wire.codec import format_time, touchpoint_moments
from andgate.wire.messages import EndedMoment, TouchpointMoments
from edge.judge import Facts, Judge, slice_of
from edge.language import Ended, Open, Own, View, condition
from edge.site_time import SiteTime
from edge.view import Effect
from hub.fleet.wanted import node_config
from tests.plans import AGENTS, COUNTER, SITE

T0 = 1_795_000_000_000
"""Site time at node second 1000."""

SOURCE = (
    SITE
    + AGENTS
    + COUNTER
    + """
hours = "04:30-23:30"
[nodes.desk]
touchpoint = "counter-a"
[nodes.desk.devices.mot]
kind = "mot-button"
button = 17
lamp = 27
[nodes.desk.devices.mark]
kind = "beam"
pin = 22
[nodes.desk.devices.jam]
kind = "belt-sensor"
pin = 23
[nodes.other]
touchpoint = "counter-a"
[nodes.other.devices.mark]
kind = "beam"
pin = 22
[expectations.wait]
promise = "I wait no more than 15 minutes."
touchpoints = ["counter-a"]
opens = ["pressed", "reached"]
closes = ["reset", "cleared"]
holds = { reached = "cleared" }
threatens = ["jammed"]
fails_after = "3m"
rejoins_within = "20s"
gives_up_after = "10m"
[[expectations.wait.pages]]
left = "2m"
group = "agents"
"""
)
PLAN = parse_plan(SOURCE)
CONFIG = node_config(PLAN, PLAN.nodes["desk"])


def known() -> SiteTime:
    time = SiteTime("boot")
    time.learn(T0, 1000, 1000)
    return time


def effect(signal: str, at_s: float, device: str = "mot", seq: int = 0, **more: Any) -> Effect:
    pressed = device == "mot"
    return Effect("b", seq or round(at_s * 100), "counter-a", device, signal, None, at_s, pressed=pressed, **more)


def judge(time: SiteTime | None = None) -> Judge:
    return Judge("desk", slice_of("desk", CONFIG), "counter-a", time or known())


def begun(*effects: Effect, now_s: float, said: TouchpointMoments | None = None, **facts: Any) -> Judge:
    it = judge()
    it.begin(Facts(said=said, effects=effects, **facts), now_s, alone=True)
    return it


def lamp(it: Judge, now_s: float) -> str:
    it.advance(now_s)
    return condition(it.view, Own(), now_s).name


class Site:
    """The hub's engine, which hears what a test tells it."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.engine = Engine(plan)

    def hear(self, *effects: Effect, node: str = "desk", now_s: float) -> None:
        signals = [
            Signal(
                id=f"n/{node}/{it.boot}/{it.seq}",
                name=it.signal,
                touchpoint=it.touchpoint,
                at_ms=T0 + round((it.at_s - 1000) * 1000),
                received_ms=T0 + round((now_s - 1000) * 1000),
                source=node,
                device=f"{node}/{it.device}",
                boot_rank=1,
                seq=it.seq,
                found=it.found,
                retracts=None if it.retracts is None else f"n/{node}/{it.retracts}",
            )
            for it in effects
        ]
        self.engine.receive(signals, T0 + round((now_s - 1000) * 1000))

    def said(self, now_s: float) -> TouchpointMoments:
        now_ms = T0 + round((now_s - 1000) * 1000)
        self.engine.advance(now_ms)
        ended = [it for it in self.engine.moments() if it.state == "ended"]
        last = max(ended, key=lambda it: it.ended_ms or 0, default=None)
        return touchpoint_moments(self.engine.open_moments(), now_ms, last)


def test_levels_and_giving_up_follow_the_clock() -> None:
    it = begun(effect("pressed", 1000), now_s=1000)
    assert [lamp(it, at_s) for at_s in (1059, 1060, 1119, 1120, 1180.5, 1181)] == [
        "calm", "threatened", "threatened", "failing", "failing", "failed"
    ]  # fmt: skip
    assert lamp(it, 1779) == "failed"
    lamp(it, 1781)
    assert not it.view.moments
    assert it.due_s == inf


def test_a_reset_is_refused_while_the_line_stands_and_ends_it_after() -> None:
    press, line = effect("pressed", 1000), effect("reached", 1005, "mark")
    hold = effect("reset", 1012, retracts="b/101000")
    again = effect("pressed", 1010)
    it = begun(press, line, again, hold, now_s=1013)
    assert it.refused == {"mot": 1012}
    assert len(it.view.moments) == 1
    it = begun(press, line, effect("cleared", 1020, "mark"), now_s=1021)
    assert not it.view.moments
    assert it.view.ended is not None
    assert (it.view.ended.verdict, it.view.ended.saved, it.view.ended.at_s) == ("success", False, 1020)


def test_a_line_that_the_hub_knows_of_still_holds() -> None:
    line = effect("reached", 1005, "mark")
    site = Site()
    site.hear(line, now_s=1006)
    reset = effect("reset", 1030, seq=9)
    it = begun(reset, now_s=1031, said=site.said(1010), stands=(line,))
    assert it.refused == {"mot": 1030}
    assert len(it.view.moments) == 1
    blind = begun(reset, now_s=1031, said=site.said(1010), stands=(line,), blind={"mark": 1020.0})
    assert blind.view.moments == ()  # a blind device's hold refuses nothing
    cleared = begun(effect("cleared", 1031, "mark"), now_s=1031, said=site.said(1010), stands=(line,))
    assert cleared.view.moments == ()


def test_a_line_that_stands_opens_nothing_that_a_person_has_ended() -> None:
    it = begun(now_s=1031, said=touchpoint_moments((), T0), stands=(effect("reached", 1005, "mark"),))
    assert not it.view.moments


def test_what_the_hub_told_of_a_moment_stays_and_goes_on() -> None:
    site = Site()
    site.hear(effect("pressed", 1000), node="other", now_s=1000)
    said = site.said(1001)
    it = begun(now_s=1001, said=said)
    assert [lamp(it, at_s) for at_s in (1059, 1061, 1121, 1182)] == ["calm", "threatened", "failing", "failed"]
    site.hear(effect("jammed", 1010, "jam"), node="other", now_s=1010)
    assert lamp(begun(now_s=1011, said=site.said(1011)), 1011) == "threatened"
    moment = site.said(1061).moments[0]
    claimed = TouchpointMoments(at=said.at, moments=[_with(moment, claimed=format_time(T0 + 62_000))])
    it = begun(now_s=1063, said=claimed)
    assert lamp(it, 1063) == "claimed"
    longer = TouchpointMoments(at=said.at, moments=[_with(moment, deadline=format_time(T0 + 400_000))])
    assert begun(now_s=1063, said=longer).view.moments[0].deadline_s == 1400


ASKING = parse_plan(SOURCE.replace('gives_up_after = "10m"', 'gives_up_after = "10m"\ncontradicted_after = "30s"'))


def asking(*effects: Effect, now_s: float, said: TouchpointMoments | None = None) -> Judge:
    config = node_config(ASKING, ASKING.nodes["desk"])
    assert config.expectations[0].contradicted_after_s == 30
    it = Judge("desk", slice_of("desk", config), "counter-a", known())
    it.begin(Facts(said=said, effects=effects), now_s, alone=True)
    return it


def test_alone_a_press_that_the_sensor_contradicts_is_asked_about_and_then_void() -> None:
    seen = (effect("reached", 940, "mark"), effect("cleared", 950, "mark"))
    it = asking(*seen, effect("pressed", 1000), now_s=1000)
    assert [lamp(it, at_s) for at_s in (1029, 1030, 1059)] == ["calm", "asked", "asked"]
    lamp(it, 1061)
    assert not it.view.moments
    again = asking(*seen, effect("pressed", 1000), effect("pressed", 1040), now_s=1041)
    assert [lamp(again, at_s) for at_s in (1041, 1062)] == ["calm", "threatened"]


def test_the_hub_s_question_is_on_the_lamp_until_somebody_presses() -> None:
    site = Site(ASKING)
    site.hear(effect("reached", 940, "mark"), effect("cleared", 950, "mark"), node="other", now_s=1000)
    site.hear(effect("pressed", 1000), now_s=1000)
    said = site.said(1031)
    assert said.moments[0].asks_until is not None
    it = asking(now_s=1031, said=said)
    assert [lamp(it, at_s) for at_s in (1031, 1059, 1061)] == ["asked", "asked", "threatened"], (
        "it voids nothing itself"
    )
    assert lamp(asking(effect("pressed", 1035), now_s=1036, said=said), 1036) == "calm"
    lost = judge(SiteTime("boot"))
    lost.begin(Facts(said=said), 1031, alone=True)
    assert lamp(lost, 1031) == "asked"


def _with(moment: Any, **fields: Any) -> Any:
    return type(moment)(**({name: getattr(moment, name) for name in moment.__struct_fields__} | fields))


def test_our_own_earlier_press_is_the_beginning_of_what_the_hub_saw_later() -> None:
    site = Site()
    site.hear(effect("pressed", 1010), node="other", now_s=1010)
    it = begun(effect("pressed", 1000), now_s=1011, said=site.said(1011))
    (moment,) = it.view.moments
    assert (moment.opened_s, moment.deadline_s) == (1000, 1180)


def test_an_opening_soon_after_an_end_continues_it() -> None:
    ended = Ended(expectation="wait", key=None, verdict="success", saved=False, at_s=1050, deadline_s=1180)
    it = begun(effect("pressed", 1060), now_s=1061, past=(ended,))
    (moment,) = it.view.moments
    assert (moment.opened_s, moment.deadline_s) == (1000, 1180)
    (fresh,) = begun(effect("pressed", 1071), now_s=1072, past=(ended,)).view.moments
    assert fresh.opened_s == 1071
    assert begun(now_s=1061, past=(ended,)).view == View()


def test_while_the_hub_hears_us_its_word_is_all_there_is() -> None:
    site = Site()
    site.hear(effect("pressed", 1000), now_s=1000)
    it = judge()
    it.begin(Facts(said=site.said(1061)), 1061, alone=False)
    assert it.due_s == inf
    assert len(it.view.moments) == 1


def test_without_a_clock_a_countdown_begins_on_the_spot_and_what_the_hub_said_can_be_ended() -> None:
    site = Site()
    site.hear(effect("pressed", 1000), now_s=1000)
    it = Judge("desk", slice_of("desk", CONFIG), "counter-a", SiteTime("boot"))
    it.begin(Facts(said=site.said(1061)), 50, alone=True)
    assert [moment.timed for moment in it.view.moments] == [False]
    it.begin(Facts(said=site.said(1061), effects=(effect("reset", 50),)), 51, alone=True)
    assert not it.view.moments
    it.begin(Facts(effects=(effect("pressed", 50),)), 51, alone=True)
    assert [(moment.opened_s, moment.deadline_s) for moment in it.view.moments] == [(50, 230)]
    assert [lamp(it, at_s) for at_s in (109, 110, 231)] == ["calm", "threatened", "failed"]


def test_a_void_end_is_no_success() -> None:
    void = EndedMoment(
        id="x", expectation="wait", key=None, verdict="void", saved=False, at=format_time(T0), counts_to="", deadline=""
    )  # fmt: skip
    it = begun(now_s=1001, said=TouchpointMoments(at=format_time(T0), moments=[], ended=void))
    assert it.view.ended is not None
    assert it.view.ended.verdict == "void"


WORDS = st.sampled_from(
    [("pressed", "mot"), ("reset", "mot"), ("reached", "mark"), ("cleared", "mark"), ("jammed", "jam")]
)


@given(
    st.lists(st.tuples(st.integers(0, 90_000), WORDS), max_size=14),
    st.integers(0, 14),
    st.integers(0, 900_000),
)
def test_alone_a_node_says_what_the_hub_says_that_hears_it(
    steps: list[tuple[int, tuple[str, str]]], heard: int, later_ms: int
) -> None:
    """Whatever the node saw, and however much of it the hub had heard before the link broke: both say the same."""
    at_ms, effects = 0, []
    for seq, (wait_ms, (signal, device)) in enumerate(steps, start=1):
        at_ms += wait_ms
        effects.append(effect(signal, 1000 + at_ms / 1000, device, seq=seq))
    now_s = 1000 + (at_ms + later_ms) / 1000
    site, told = Site(), effects[:heard]
    for one in told:
        site.hear(one, now_s=one.at_s)
    cut_s = told[-1].at_s if told else 1000.0
    said = site.said(cut_s)
    past: tuple[Ended, ...] = ()
    if said.ended:
        view_of = judge()
        view_of.begin(Facts(said=said), cut_s, alone=False)
        past += tuple(it for it in (view_of.view.ended,) if it is not None and it.verdict != "void")
    levels = {one.device: one for one in told if one.device != "mot"}
    it = judge()
    it.begin(
        Facts(said=said, past=past, effects=tuple(effects[heard:]), stands=tuple(levels.values())), now_s, alone=True
    )
    it.advance(now_s)
    for one in effects[heard:]:
        site.hear(one, now_s=one.at_s)
    hub = judge()
    hub.begin(Facts(said=site.said(now_s)), now_s, alone=False)
    assert [_shown(moment, now_s) for moment in it.view.moments] == [
        _shown(moment, now_s) for moment in hub.view.moments
    ]
    if hub.view.ended is not None:
        assert it.view.ended is not None
        assert _end(it.view.ended) == _end(hub.view.ended)


def _shown(moment: Open, now_s: float) -> tuple[Any, ...]:
    return (
        moment.expectation,
        pytest.approx(moment.opened_s),
        pytest.approx(moment.deadline_s),
        moment.threatened_s is None,
        condition(View((moment,)), Own(), now_s).name,
    )


def _end(ended: Ended) -> tuple[Any, ...]:
    return (ended.expectation, ended.verdict, ended.saved, pytest.approx(ended.at_s))

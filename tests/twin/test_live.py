from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs

from andgate.plan import Plan
from andgate.wire.codec import decode_answer, decode_feed_signals, encode
from andgate.wire.messages import FeedReceipt, HubState, LiveMoment, MomentMessage, Page, TouchpointMoments
from andgate.wire.topics import Topics
from edge.broker import Broker
from edge.link import Down, Message, Up
from hub.clock import HandClock, SystemClock
from twin.causes import Causes
from twin.clock import CurtainClock
from twin.curtain import openings
from twin.feed import Feed
from twin.hands import Hands
from twin.happenings import Answered, AnyHappening, Beep, Level, Pressed, Reported
from twin.hubcall import HubAddress
from twin.pagers import Pagers
from twin.terminal import Terminal
from twin.world import World

TODAY = date(2026, 11, 21)
NOBODY = Broker.at("mqtt://127.0.0.1:1")
AT = "2026-11-21T16:00:00.000Z"


class Wire:
    """Notes what a link would have done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[tuple[str, bytes]] = []
        self.connects = 0
        monkeypatch.setattr("edge.link.Link.publish", self._publish)
        monkeypatch.setattr("edge.link.Link.connect", self._connect)

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert not retain
        self.said.append((topic, payload))

    def _connect(self, *_: object) -> None:
        self.connects += 1


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


# ------------------------------------------------------------------------------------------------ the curtain


def test_the_clock_stands_until_the_curtain_rises() -> None:
    world = HandClock(0)
    clock = CurtainClock(world, start_ms=1_000_000, rate=20)
    woken: list[int] = []
    clock.subscribe(lambda: woken.append(clock.now_ms()))
    world.advance(60_000)
    assert (clock.now_ms(), clock.mono_s(), clock.real_s(20.0), clock.rate) == (1_000_000, 0.0, 1.0, 20)
    clock.raise_curtain()
    assert woken == [1_000_000]
    world.advance(1_500)
    assert (clock.now_ms(), clock.mono_s()) == (1_030_000, 30.0)


def test_the_curtain_rises_before_a_threat_that_tells_the_whole_story(airport: Plan) -> None:
    best, *others = openings(airport, TODAY, today=TODAY, seed=1, lead_s=160, within_s=500)
    assert others, "there is a choice"
    first = best.moment
    assert first.opened_ms - best.at_ms == 160_000
    assert first.closed_ms is not None
    assert first.closed_ms - best.at_ms <= 500_000
    assert first.claimed_by is not None
    kinds = {airport.devices[witness].kind for witness in first.witnesses}
    assert "mot-button" in kinds
    assert kinds & {"beam", "distance"}


# ------------------------------------------------------------------------------------------------ the terminal


def test_a_live_terminal_plays_what_the_model_plays(airport: Plan) -> None:
    world = World(airport, TODAY, today=TODAY, seed=1)
    until_ms = world.begins_ms + 4 * 3_600_000
    expected = World(airport, TODAY, today=TODAY, seed=1).run(until_ms)
    played: list[AnyHappening] = []
    done = threading.Event()

    def act(happening: AnyHappening) -> None:
        played.append(happening)
        if happening.at_ms > until_ms:
            done.set()

    clock = CurtainClock(SystemClock(), start_ms=world.begins_ms, rate=20_000)
    clock.raise_curtain()
    terminal = Terminal(world, lambda _: world, clock, act)
    terminal.start()
    assert done.wait(60)
    terminal.stop()
    assert played[: len(expected)] == expected


def test_the_next_day_follows_and_beeps_are_heard(airport: Plan) -> None:
    first = World(airport, TODAY, today=TODAY, seed=1)
    second = World(airport, date(2026, 11, 22), today=TODAY, seed=1)
    answered = threading.Event()
    terminal: Terminal

    def act(happening: AnyHappening) -> None:
        if isinstance(happening, Answered):
            answered.set()
        elif isinstance(happening, Reported) and happening.signal == "docked":
            # Somebody misses a page now and then, so every plane is a new chance.
            beep = Beep(
                page=f"p-{happening.key}",
                group="baggage",
                moment=f"m-{happening.key}",
                expectation="baggage-claim",
                touchpoint=happening.touchpoint,
                key=happening.key,
            )
            terminal.hear(beep)

    first.run(first.ends_ms - 1)
    clock = CurtainClock(SystemClock(), start_ms=first.ends_ms - 1_000, rate=20_000)
    terminal = Terminal(first, lambda _: second, clock, act)
    clock.raise_curtain()
    terminal.start()
    assert answered.wait(60)
    terminal.stop()


# ------------------------------------------------------------------------------------------------ feed and pagers


def report(number: int) -> Reported:
    return Reported(
        at_ms=1_795_280_400_000 + number, id=f"ops-{number}", touchpoint="belt-3", signal="docked", key="A1/x"
    )


def test_a_feed_keeps_what_has_no_receipt(airport: Plan, wire: Wire) -> None:
    feed = Feed(airport, NOBODY, SystemClock())
    feed.start()
    topics = Topics("agx")
    for number in range(3):
        feed.post(report(number))
    assert [topic for topic, _ in wire.said] == [topics.feed_signal("ops")] * 3
    feed._said(Message(topics.feed_receipt("ops"), encode(FeedReceipt(ids=["ops-0", "ops-2", "ops-9"])), False))
    assert feed.waiting == 1
    wire.said.clear()
    feed._said(Down("gone"))
    assert wire.connects == 2
    feed._said(Up())
    feed._said(Message(topics.hub_state, encode(HubState(state="online", session=2)), True))
    members = [decode_feed_signals(payload)[0] for _, payload in wire.said]
    assert [[member.id for member in said if not isinstance(member, Exception)] for said in members] == [["ops-1"]] * 2
    feed._said(Message("nonsense", b"", False))
    feed.stop()


def live(moment: str) -> LiveMoment:
    return LiveMoment(
        id=moment,
        expectation="baggage-claim",
        state="open",
        level="threatened",
        key="A1/x",
        opened=AT,
        deadline=AT,
        failing=None,
        counts_to=AT,
        threatened=AT,
        claimed=None,
        claimed_by=None,
        verdict=None,
        saved=False,
        change=1,
    )


def page(kind: str = "page", moment: str = "m1") -> bytes:
    made = Page(id="p1", kind="over" if kind == "over" else "page", moment=moment, text="t", reason="r", left_s=1.0)
    return encode(made)


def test_a_pager_knows_where_it_beeps(airport: Plan, wire: Wire) -> None:
    heard: list[Beep] = []
    pagers = Pagers(airport, NOBODY, SystemClock(), heard.append, lambda _: None)
    pagers.start()
    topics = Topics("agx")
    state = encode(TouchpointMoments(at=AT, moments=[live("m1")]))
    pagers._said(Message(topics.page("baggage"), page(), False))
    assert heard == [], "the page was faster than the state that says where it is"
    pagers._said(Message(topics.touchpoint_moment("belt-3"), state, True))
    assert [(beep.page, beep.group, beep.touchpoint, beep.key, beep.over) for beep in heard] == [
        ("p1", "baggage", "belt-3", "A1/x", False)
    ]
    pagers._said(Message(topics.page("baggage"), page("over", "never-seen"), False))
    assert heard[-1].over
    pagers._said(Message(topics.page("baggage"), b"{", False))
    pagers._said(Down("gone"))
    assert wire.connects == 2
    pagers.answer(Answered(at_ms=0, moment="m1", page="p1", by="baggage-1", promise_s=240.0))
    topic, payload = wire.said[-1]
    answer = decode_answer(payload)
    assert (topic, answer.do, answer.by, answer.moment) == (topics.answer, "claim", "baggage-1", "m1")
    drill = Page(id="drill:1:0", kind="drill", moment=None, text="t", reason="a drill", left_s=0.0)
    pagers._said(Message(topics.page("baggage"), encode(drill), False))
    topic, payload = wire.said[-1]
    answer = decode_answer(payload)
    assert (topic, answer.do, answer.by, answer.page) == (topics.answer, "seen", "pager-baggage", "drill:1:0")
    pagers.stop()


# ------------------------------------------------------------------------------------------------ hands


def test_hands_move_the_pins_of_the_plan(airport: Plan, tmp_path: Path) -> None:
    hands = Hands(airport, broker=NOBODY, data=tmp_path, clock=SystemClock(), levels={"mark-a/mark": True})
    try:
        boards = hands._boards
        assert not boards["mark-a"].level(22), "the beam is broken from the start: low"
        assert boards["mark-b"].level(22)
        hands.take(Level(at_ms=0, device="mark-a/mark", on=False))
        assert boards["mark-a"].level(22)
        pin = boards["desk-a1"].pin(17)
        pin.function, pin.pull = "input", "up"
        hands.take(Pressed(at_ms=0, device="desk-a1/mot", for_ms=300))
        assert [state.state for state in pin.states][-2:] == [False, True], "down and up again"
        hands.take(Level(at_ms=0, device="drop-1/mark", on=True))
    finally:
        hands.stop()


# ------------------------------------------------------------------------------------------------ causes


def test_a_supervisor_gives_a_cause_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, str]] = []
    told = threading.Event()

    def give(hub: HubAddress, moment: str, cause: str) -> None:
        assert str(hub) == "http://127.0.0.1:8080"
        given.append((moment, cause))
        if moment == "broken":
            raise ConnectionError("nobody there")
        told.set()

    monkeypatch.setattr("twin.causes.give_cause", give)
    asked: list[tuple[str, str, str | None]] = []

    def why(moment: str, touchpoint: str, key: str | None) -> str | None:
        asked.append((moment, touchpoint, key))
        return None if moment == "unknown" else "people: nobody free"

    causes = Causes(HubAddress.at("http://127.0.0.1:8080"), why)
    causes.start()
    for moment in ("broken", "unknown", "m1", "m1"):
        causes.published(publication(moment))
    causes.published(structs.replace(publication("m2"), verdict="success"))
    causes.published(structs.replace(publication("m3"), cause="people: known"))
    assert told.wait(30)
    causes.stop()
    assert given == [("broken", "people: nobody free"), ("m1", "people: nobody free")]
    assert [moment for moment, _, _ in asked] == ["broken", "unknown", "m1"]


def publication(moment: str) -> MomentMessage:
    return MomentMessage(
        id=moment,
        expectation="help",
        interactions=[],
        touchpoint="kiosk-1",
        key=None,
        about={},
        opened_at=AT,
        threatened_at=AT,
        claimed_at=None,
        claimed_by=None,
        ends_at=AT,
        closed_at=AT,
        state="ended",
        verdict="failure",
        saved=False,
        answered=False,
        provisional=False,
        reason=None,
        late_s=10.0,
        anomaly=False,
        cause=None,
        remedy=None,
        witnesses=["kiosk-1/call"],
        revision=0,
        change=3,
        plan="p",
        level="ended",
        counts_to=AT,
        failing_at=None,
    )

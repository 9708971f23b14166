"""A node under a mute, a fire alarm, or in training: what its lamps, buzzers and signs say."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from andgate.wire.codec import format_time
from andgate.wire.messages import (
    EndedMoment,
    ExpectationConfig,
    GroupBoard,
    GroupMoment,
    LiveMoment,
    TouchpointMoments,
    TrainingMoments,
)
from edge.break_room import BreakRoom
from edge.devices.annunciator import Annunciator
from edge.devices.mock import MockBoard
from edge.devices.rack import Rack
from edge.face import SUSPENDED_ALONE_S, Face
from edge.site_time import SiteTime
from edge.view import Effect
from tests.edge.conftest import HandClock, device, node_config

NODE = "desk-a1"
PROMISE = ExpectationConfig(
    id="check-in-wait",
    touchpoints=["counter-a"],
    opens=["pressed"],
    closes=["reset"],
    fails_after_s=180.0,
    countdown_s=180.0,
    threatened_left_s=180.0,
    rejoins_within_s=0.0,
    gives_up_after_s=3600.0,
)


class Stand:
    """A face with a button with a lamp, a buzzer and a sign, and a clock for a hand."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.board = MockBoard()
        self.rack = Rack(self.board.factory, self.clock, lambda _edge: None)
        self.time = SiteTime(self.clock.boot_id)
        self.time.learn(self.clock.now_ms(), self.clock.mono_s(), self.clock.mono_s())
        self.face = Face(NODE, self.rack, self.time, self.clock)
        config = node_config(
            expectations=[PROMISE],
            mot=device("mot-button", button=17, lamp=27),
            horn=device("buzzer", pin=19),
            sign=device("sign"),
        )
        self.rack.fit(config)
        self.face.configure(config)
        self.face.hearing(self.clock.mono_s(), alone=False, told=False)

    def moment(self, left_s: float = 100.0) -> LiveMoment:
        now_ms = self.clock.now_ms()
        return LiveMoment(
            id="0" * 32,
            expectation="check-in-wait",
            state="open",
            level="failing",
            key=None,
            opened=format_time(now_ms - 1000),
            deadline=format_time(now_ms + round(left_s * 1000)),
            failing=format_time(now_ms - 500),
            counts_to=format_time(now_ms + round(left_s * 1000)),
            threatened=format_time(now_ms - 1000),
            claimed=None,
            claimed_by=None,
            verdict=None,
            saved=False,
            change=1,
        )

    def hear(self, *moments: LiveMoment, **quiet: object) -> None:
        said = TouchpointMoments(at=format_time(self.clock.now_ms()), moments=list(moments), **quiet)  # type: ignore[arg-type]
        self.face.hear("counter-a", said, self.clock.mono_s())

    def ever_on(self, pin: int, seconds: float = 12.0) -> bool:
        """Whether a buzzer is on at all in the next seconds; a lamp, for more than the wink of all being well."""
        on = 0
        for _ in range(round(seconds / 0.05)):
            self.face.show(self.clock.push(0.05), linked=True)
            on += self.board.level(pin)
        return on > (0 if pin == 19 else seconds)

    def at(self, seconds: float) -> str:
        return format_time(self.clock.now_ms() + round(seconds * 1000))

    @property
    def sign(self) -> str:
        self.face.show(self.clock.mono_s(), linked=True)
        shown: str = self.rack.signs[0].text
        return shown


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand()
    yield made
    made.board.close()


def test_a_threat_lights_sounds_and_counts(stand: Stand) -> None:
    stand.hear(stand.moment())
    assert stand.ever_on(27)
    stand.hear(stand.moment())
    assert stand.ever_on(19)
    assert "1:" in stand.sign or "01:" in stand.sign


def test_a_fire_alarm_silences_and_blanks_and_lamps_go_on(stand: Stand) -> None:
    stand.hear(stand.moment(), suspended=stand.at(-60))
    assert not stand.ever_on(19)
    assert ":" not in stand.sign
    assert stand.ever_on(27)
    stand.hear(stand.moment())
    assert ":" in stand.sign


def test_a_node_that_is_alone_does_not_believe_in_an_alarm_for_ever(stand: Stand) -> None:
    stand.hear(stand.moment(4000), suspended=stand.at(-60))
    stand.face.hearing(stand.clock.mono_s(), alone=True, told=True)
    assert ":" not in stand.sign
    stand.clock.push(SUSPENDED_ALONE_S + 1)
    assert ":" in stand.sign


def test_a_break_room_that_is_alone_does_not_either(stand: Stand) -> None:
    room = BreakRoom(stand.rack, stand.time, stand.clock, stand.face)
    alarm = device("annunciator", "", group="agents", button=16, lamp=20, beacon=21, buzzer=26)
    config = node_config(alarm=alarm)
    stand.rack.fit(config)
    room.configure(config)
    live = stand.moment(4000)
    paged = GroupMoment(
        id=live.id,
        expectation=live.expectation,
        touchpoint="counter-a",
        place="Counter A",
        key=None,
        opened=live.opened,
        threatened=live.threatened,
        failing=stand.at(3000),
        deadline=live.deadline,
        claimed=None,
        page="m1:1",
        paged=stand.at(0),
        pages=1,
        text="Counter A: a line.",
    )
    board = GroupBoard(at=stand.at(0), name="Agents", moments=[paged], suspended=True)
    room.hear("agents", board)
    stand.face.hearing(stand.clock.mono_s(), alone=True, told=True)
    (horn,) = [it for it in stand.rack.devices.values() if isinstance(it, Annunciator)]
    room.show(stand.clock.mono_s())
    assert not stand.board.level(21)
    assert room.pressed(horn, stand.clock.mono_s()) is None, "nobody is asked to go"
    assert room.due_s <= stand.clock.mono_s() + 1.0, "it looks again by itself"
    room.show(stand.clock.push(SUSPENDED_ALONE_S + 1))
    assert stand.board.level(21)
    assert room.pressed(horn, stand.clock.mono_s()) == {"moment": live.id}


def test_a_mute_silences_until_its_end_and_signs_go_on(stand: Stand) -> None:
    stand.hear(stand.moment(), silent_until=stand.at(10))
    assert not stand.ever_on(19)
    assert ":" in stand.sign
    stand.clock.push(10)
    assert stand.ever_on(19)


def test_a_mute_of_a_promise_silences_that_promise_and_no_other(stand: Stand) -> None:
    stand.hear(stand.moment(), silent_about={"check-in-wait": stand.at(10), "baggage-claim": stand.at(100)})
    assert not stand.ever_on(19)
    assert stand.ever_on(27), "its lamp goes on"
    assert ":" in stand.sign
    stand.clock.push(10)
    assert stand.ever_on(19)
    stand.hear(stand.moment(), silent_about={"baggage-claim": stand.at(100)})
    assert stand.ever_on(19)


def test_what_is_muted_ends_without_a_sound_too(stand: Stand) -> None:
    ended = EndedMoment(
        id="0" * 32,
        expectation="check-in-wait",
        key=None,
        verdict="success",
        saved=True,
        at=stand.at(0),
        counts_to=stand.at(60),
        deadline=stand.at(60),
    )
    stand.hear(ended=ended, silent_about={"check-in-wait": stand.at(60)})
    assert not stand.ever_on(19)
    stand.hear(ended=msgspec.structs.replace(ended, at=stand.at(0)))
    assert stand.ever_on(19)


def test_alone_it_is_silent_about_what_is_muted(stand: Stand) -> None:
    stand.hear(stand.moment(), silent_about={"check-in-wait": stand.at(60)})
    stand.face.hearing(stand.clock.mono_s(), alone=True, told=False)
    assert not stand.ever_on(19)
    stand.clock.push(60)
    assert stand.ever_on(19)


def test_a_button_in_training_shows_what_is_trained_and_nothing_else(stand: Stand) -> None:
    trains = TrainingMoments(devices=[f"{NODE}/mot"])
    stand.hear(stand.moment(), training=trains)
    assert not stand.ever_on(27)  # the real line is no business of this lamp
    assert stand.ever_on(19)
    stand.hear(training=TrainingMoments(devices=[f"{NODE}/mot"], moments=[stand.moment()]))
    assert stand.ever_on(27)
    assert ":" not in stand.sign  # and what is trained is none of the sign's


def test_alone_a_press_in_training_is_judged_apart(stand: Stand) -> None:
    stand.hear(training=TrainingMoments(devices=[f"{NODE}/mot"]))
    stand.face.hearing(stand.clock.mono_s(), alone=True, told=True)
    at_s = stand.clock.mono_s()
    stand.face.add([Effect("b", 1, "counter-a", "mot", "pressed", None, at_s, pressed=True)])
    assert ":" not in stand.sign
    assert stand.ever_on(27)
    stand.hear()
    assert ":" in stand.sign  # not in training any more, and nobody has said that the press is known

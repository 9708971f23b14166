"""A node that serves a group, against a real broker: the board lights up, sounds, is spoken and is on the air."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET, UnsetType

from andgate.wire.codec import decode_health, decode_page_receipt, format_time
from andgate.wire.messages import GroupBoard, GroupMoment, NodeConfig, PageReceipt, Transmission
from edge import pocsag
from edge.app import EdgeApp
from edge.devices.mock import MockBoard
from tests.edge.conftest import Hub, Mosquitto, device, node_config, until

BUTTON, LAMP, BEACON, BUZZER, PTT, MAST = 16, 20, 21, 26, 25, 7
NODE = "break-room"


def config(**alarm: Any) -> NodeConfig:
    return node_config(
        alarm=device(
            "annunciator", "", group="agents", button=BUTTON, lamp=LAMP, beacon=BEACON, buzzer=BUZZER, **alarm
        ),
        voice=device("speaker", "", group="agents", ptt=PTT, call_sign="Andgate", says_over=True),
        mast=device("transmitter", "", ptt=MAST),
    )


class Room:
    """A node that a test starts and stops, and a hub that says what stands."""

    def __init__(self, broker: Mosquitto, hub: Hub, folder: Path) -> None:
        self.hub, self.url, self.folder = hub, broker.url, folder
        self.board = MockBoard()
        self.told: list[PageReceipt] = []
        self.faults: dict[str, str] = {}
        hub.configure(NODE, config())
        self.app = self.start()

    def start(self) -> EdgeApp:
        self.app = EdgeApp(NODE, broker_url=self.url, data_dir=self.folder, pin_factory=self.board.factory)
        self.app.start()
        self.hub.online(NODE)
        worker = self.app._worker
        assert worker is not None
        until(lambda: worker.time.ms(worker.clock.mono_s()) is not None)
        return self.app

    def moment(
        self,
        *,
        pages: int = 1,
        paged_s: float = 0.0,
        left_s: float = 170.0,
        claimed: bool = False,
        coming: int | UnsetType = UNSET,
    ) -> GroupMoment:
        now_ms = self.hub.clock.now_ms()

        def at(seconds: float) -> str:
            return format_time(now_ms + round(seconds * 1000))

        return GroupMoment(
            id="m1",
            expectation="check-in-wait",
            touchpoint="counter-a",
            place="Counter A",
            key=None,
            opened=at(left_s - 180),
            threatened=at(left_s - 180),
            failing=at(left_s - 60),
            deadline=at(left_s),
            claimed=at(0) if claimed else None,
            page=f"m1:{pages}",
            paged=at(-paged_s),
            pages=pages,
            text="Counter A: a line.",
            coming=coming,
        )

    def say(self, *moments: GroupMoment, suspended: bool = False) -> None:
        now = format_time(self.hub.clock.now_ms())
        board = GroupBoard(at=now, name="Agents", moments=list(moments), suspended=suspended)
        self.hub.publish(self.hub.topics.group_board("agents"), board, retain=True)

    def heard(self) -> bool:
        while not self.hub.messages.empty():
            kind, payload, _ = self.hub.messages.get()
            if kind == "node/page":
                self.told.append(decode_page_receipt(payload))
            elif kind == "node/health":
                self.faults = {name: it.fault or "" for name, it in decode_health(payload).devices.items()}
        return True

    def receipts(self, device: str, *did: str) -> list[PageReceipt]:
        """Wait until a device has told so much."""

        def mine() -> list[PageReceipt]:
            self.heard()
            return [each for each in self.told if each.device == device]

        until(lambda: [each.did for each in mine()] == list(did))
        return mine()

    def lit(self, pin: int) -> bool:
        return self.board.level(pin)

    def rises(self, pin: int) -> int:
        states = [bool(it.state) for it in self.board.pin(pin).states]
        return sum(1 for before, after in pairwise(states) if after and not before)


@pytest.fixture
def room(broker: Mosquitto, hub: Hub, tmp_path: Path) -> Iterator[Room]:
    there = Room(broker, hub, tmp_path / "room")
    yield there
    there.app.stop()
    there.board.close()


def test_a_page_lights_sounds_and_is_spoken_once_and_the_button_claims_it(room: Room, hub: Hub) -> None:
    room.say(room.moment())
    until(lambda: room.lit(BEACON))  # the notes are short, and a machine that hesitates skips them: see test_alarm
    assert [each.page for each in room.receipts("alarm", "sounded")] == ["m1:1"]
    assert [each.page for each in room.receipts("voice", "spoken")] == ["m1:1"]
    (said,) = room.board.factory.sound.said
    assert said.startswith("Andgate. Counter A. ")
    room.say(room.moment())  # said again at each connect: nothing is new
    room.board.press(BUTTON, 0.2)
    (claimed,) = hub.seen("claimed")
    assert (claimed.device, claimed.about) == ("alarm", {"moment": "m1"})
    room.say(room.moment(claimed=True))
    until(lambda: not room.lit(BEACON))
    until(lambda: not room.lit(BUZZER))
    room.say()
    room.receipts("voice", "spoken", "spoken")
    assert room.board.factory.sound.said[1:] == ["Andgate. Counter A: over."]
    room.receipts("alarm", "sounded")


def test_a_press_says_how_many_were_seen_to_come_where_that_was_not_enough(room: Room, hub: Hub) -> None:
    for coming, about in ((0, {"moment": "m1"}), (1, {"moment": "m1", "coming": 1})):
        room.say(room.moment(coming=coming, pages=1 + coming))
        room.receipts("alarm", *["sounded"] * (1 + coming))
        room.board.press(BUTTON, 0.2)
        assert hub.seen(*["claimed"] * (1 + coming))[-1].about == about


def test_a_press_with_nothing_to_claim_says_no_moment(room: Room, hub: Hub) -> None:
    room.board.press(BUTTON, 0.2)
    (claimed,) = hub.seen("claimed")
    assert claimed.about == {}


def test_a_node_that_was_away_learns_what_stands_and_is_silent_of_what_is_over(room: Room) -> None:
    room.app.stop()
    room.say(room.moment(pages=2, paged_s=100.0))
    room.start()
    until(lambda: room.lit(BEACON))
    assert [each.page for each in room.receipts("alarm", "sounded")] == ["m1:2"]
    (dropped,) = room.receipts("voice", "dropped")
    assert dropped.why == "it would have come too late"
    assert room.board.factory.sound.played == []
    room.app.stop()
    room.say()
    room.start()
    until(lambda: not room.lit(BEACON))


def test_cut_off_it_goes_on_by_what_it_knows(room: Room, broker: Mosquitto) -> None:
    room.say(room.moment())
    room.receipts("alarm", "sounded")
    room.app.stop()
    broker.kill()
    room.app.start()
    until(lambda: room.lit(BEACON))


def test_what_was_over_long_ago_is_not_told_by_a_node_that_nobody_tells_so(room: Room, broker: Mosquitto) -> None:
    room.say(room.moment(left_s=-4000))
    room.receipts("alarm", "sounded")
    room.app.stop()
    broker.kill()
    room.app.start()
    worker = room.app._worker
    assert worker is not None
    until(lambda: room.lit(BEACON))  # nobody hears it
    assert list(worker.room.receipts) == []


def test_a_lost_hub_is_heard_within_five_seconds_of_its_last_word(room: Room, hub: Hub) -> None:
    hub.answering_time = False  # every word of the hub is a sign of life
    hub.say("online", beat_s=1.5)
    hub.beat()
    until(lambda: not room.lit(BUZZER))
    rung = room.rises(BUZZER)
    until(lambda: room.rises(BUZZER) >= rung + 2)
    until(lambda: room.lit(BEACON))


def test_suspended_it_is_dark_and_silent(room: Room) -> None:
    room.say(room.moment())
    until(lambda: room.lit(BEACON))
    room.say(room.moment(), suspended=True)
    until(lambda: not room.lit(BEACON))
    room.say(room.moment())
    until(lambda: room.lit(BEACON))


def test_quiet_hours_silence_the_voice_and_say_so(room: Room, hub: Hub) -> None:
    quiet = node_config("h2", voice=device("speaker", "", group="agents", quiet="00:00-24:00"))
    hub.configure(NODE, quiet)
    until(lambda: room.heard() and room.faults.keys() == {"voice"})
    room.say(room.moment())
    (dropped,) = room.receipts("voice", "dropped")
    assert dropped.why == "quiet hours"


def test_what_the_hub_gives_to_the_transmitter_is_on_the_air_and_told(room: Room, hub: Hub) -> None:
    hub.publish(hub.topics.node_transmit(NODE), Transmission(page="m1:1@8", ric=8, text="Counter A", within_s=600))
    (sent,) = room.receipts("mast", "sent")
    assert sent.page == "m1:1@8"
    assert room.board.factory.sound.played == [pocsag.wav(pocsag.page(8, "Counter A"), 1200)]
    until(lambda: not room.lit(MAST))


def test_a_node_without_a_transmitter_says_so(room: Room, hub: Hub) -> None:
    hub.configure(NODE, node_config("h2", alarm=device("annunciator", "", group="agents", button=BUTTON)))
    until(lambda: room.heard() and room.faults.keys() == {"alarm"})
    hub.publish(hub.topics.node_transmit(NODE), Transmission(page="m1:1@8", ric=8, text="Counter A"))
    (failed,) = room.receipts("node", "failed")
    assert failed.why == "this node has no transmitter that works"


def test_a_missing_program_is_a_fault_in_the_health_with_what_to_type(room: Room, hub: Hub) -> None:
    room.board.factory.sound.fault = "espeak-ng is not installed: sudo apt-get install espeak-ng"
    until(lambda: room.heard() and "apt-get" in room.faults.get("voice", ""))
    assert "apt-get" in room.faults["mast"]
    assert not room.faults["alarm"]

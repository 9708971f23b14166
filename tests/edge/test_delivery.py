"""Delivery by hand: what is sent when, and sent again, with a clock that stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from andgate.wire.codec import decode_node_signals, encode
from andgate.wire.messages import About, HubState, NodeSignal, Receipt
from edge.delivery import LONGEST_LIST, Delivery
from edge.spool import Entry, Spool
from tests.edge.conftest import HandClock


class Way:
    """A spool, a delivery, and what it sends."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.spool = Spool(folder, "kernel")
        self.sent: list[list[NodeSignal]] = []
        self.chance = 0.0
        self.delivery = Delivery(self.spool, self._send, self.clock, lambda: self.chance)

    def _send(self, payload: bytes) -> None:
        assert len(payload) <= 64 * 1024
        members, _ = decode_node_signals(payload)
        self.sent.append([member for member in members if isinstance(member, NodeSignal)])

    def numbers(self) -> list[list[int]]:
        sent, self.sent = self.sent, []
        return [[member.seq for member in one] for one in sent]

    def press(self, count: int = 1, padding: str = "") -> list[Entry]:
        def write(boot: str, seq: int) -> bytes:
            about: About = {"x": padding, "y": padding} if padding else {}
            return encode(NodeSignal(device="mot", signal="pressed", seq=seq, boot=boot, mono=1.0, about=about))

        entries = self.spool.append([write] * count)
        self.delivery.live(entries, self.clock.mono_s())
        return entries

    def receipt(self, upto: int) -> None:
        self.delivery.receipt(Receipt(boot=self.spool.boot, seq=upto), self.clock.mono_s(), 0)

    def after(self, seconds: float) -> list[list[int]]:
        self.delivery.advance(self.clock.push(seconds))
        return self.numbers()

    def hub(self, *, state: str = "online", again: bool = False, live: bool = False) -> list[list[int]]:
        said = HubState(state=state, session=1)  # type: ignore[arg-type]
        self.delivery.hub(said, self.clock.mono_s(), again=again, live=live)
        return self.numbers()


@pytest.fixture
def way(tmp_path: Path) -> Way:
    return Way(tmp_path)


def test_offline_nothing_is_sent_and_online_all_of_it(way: Way) -> None:
    way.press(3)
    assert way.numbers() == []
    assert way.delivery.due_s() is None
    way.delivery.up(way.clock.mono_s())
    assert way.numbers() == [[1, 2, 3]]
    way.press()
    assert way.numbers() == [[4]]


def test_each_live_press_is_a_message_of_its_own(way: Way) -> None:
    way.delivery.up(way.clock.mono_s())
    way.press(3)
    assert [(len(one), one[0].more, one[0].sent) for one in way.sent] == [(1, False, 1000.0)] * 3


def test_what_an_ended_boot_saw_is_not_said_to_be_sent_on_its_clock(way: Way, tmp_path: Path) -> None:
    # The hub takes receipt - `sent` for the offset of that boot: with another boot's clock it would be off by days.
    way.press(2)
    way.spool.close()
    spool = Spool(tmp_path, "the next boot of the kernel")
    delivery = Delivery(spool, way._send, way.clock)
    delivery.up(way.clock.mono_s())
    assert [[member.sent for member in one] for one in way.sent] == [[None, None]]
    way.sent.clear()
    fresh = spool.append(
        [lambda boot, seq: encode(NodeSignal(device="mot", signal="pressed", seq=seq, boot=boot, mono=1))]
    )
    delivery.live(fresh, way.clock.mono_s())
    assert [[member.sent for member in one] for one in way.sent] == [[1000.0]]


def test_lists_go_one_after_the_other_each_on_the_receipt_for_the_last(way: Way) -> None:
    way.press(1200)
    way.delivery.up(way.clock.mono_s())
    assert len(way.sent) == 1
    assert all(member.more for member in way.sent[0])
    (first,) = way.numbers()
    assert len(first) <= LONGEST_LIST
    way.press()  # a live one overtakes
    assert way.numbers() == [[1201]]
    way.receipt(first[-1] - 1)
    assert way.numbers() == []
    seen = first[-1]
    while seen < 1200:
        way.receipt(seen)
        last = not any(member.more for member in way.sent[0])
        (batch,) = way.numbers()
        assert batch[0] == seen + 1
        seen = batch[-1]
        assert last == (seen == 1200)
    way.receipt(1201)
    assert way.delivery.due_s() is None


def test_what_is_large_goes_in_smaller_lists(way: Way) -> None:
    way.press(300, padding="x" * 450)
    way.delivery.up(way.clock.mono_s())
    (batch,) = way.numbers()
    assert 40 < len(batch) < 80


def test_a_receipt_that_does_not_come_is_waited_for_more_and_more_patiently(way: Way) -> None:
    way.delivery.up(way.clock.mono_s())
    way.press()
    assert way.numbers() == [[1]]
    assert way.after(4.9) == []
    assert way.after(0.2) == [[1]]
    assert way.after(5.5) == []
    assert way.after(5) == [[1]]
    for _ in range(5):
        way.after(70)
    assert way.after(59) == []
    assert way.after(2) == [[1]]
    way.receipt(1)
    assert way.after(1000) == []


def test_a_hub_of_a_new_session_gets_all_again_and_the_same_one_nothing(way: Way) -> None:
    way.delivery.up(way.clock.mono_s())
    way.hub()
    way.press()
    way.numbers()
    assert way.hub() == []
    assert way.hub(again=True) == [[1]]
    assert way.hub(state="lost") == []
    assert way.hub() == [[1]]


def test_a_hub_that_spoke_just_now_is_waited_for_only_a_second(way: Way) -> None:
    way.delivery.up(way.clock.mono_s())
    way.hub()
    way.press()
    way.numbers()
    way.hub(live=True)
    assert way.after(0.9) == []
    assert way.after(0.2) == [[1]]


def test_a_body_that_rotted_on_the_card_keeps_nothing_back(way: Way) -> None:
    way.press(3)
    way.spool._base.execute("update entry set body = x'ff00' where seq = 2")
    way.delivery.up(way.clock.mono_s())
    assert way.numbers() == [[1, 3]]
    assert way.spool.depth == 2


def test_a_backlog_begins_by_chance_and_goes_as_fast_as_the_hub_takes_it(way: Way) -> None:
    way.chance = 0.5
    way.press(2_000)
    way.delivery.up(way.clock.mono_s())
    assert way.numbers() == []
    assert way.delivery.due_s() == way.clock.mono_s() + 0.5
    way.press()  # a live one does not wait for it
    assert way.numbers() == [[2001]]
    (first,) = way.after(0.5)
    assert len(first) == LONGEST_LIST == 100
    lengths: list[int] = []
    for seconds in (2, 2, 2, 0.2, 0.2, 0.2):
        way.clock.push(seconds)
        way.receipt(sum(lengths, 100))
        (batch,) = way.numbers()
        lengths.append(len(batch))
    assert lengths == [50, 25, 25, 50, 100, 100]
    again = [len(one) for one in way.after(6)]
    assert max(again) == 50


def test_what_was_sent_into_a_silence_is_sent_again_when_it_is_over(way: Way) -> None:
    way.delivery.up(way.clock.mono_s())
    way.press()
    for _ in range(4):
        way.after(70)
    way.numbers()
    way.delivery.silence_over(way.clock.mono_s())
    assert way.after(1.1) == [[1]]


def test_a_lost_connection_forgets_what_was_on_its_way_but_not_the_spool(way: Way) -> None:
    way.delivery.up(way.clock.mono_s())
    way.press(2)
    way.receipt(1)
    way.numbers()
    way.delivery.down()
    assert way.after(100) == []
    way.delivery.up(way.clock.mono_s())
    assert way.numbers() == [[2]]

"""The language of a break room, by a clock in the hand."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from edge.alarm import Alarm, Call, GroupView, Says, view_of
from edge.language import Open, Own

AT_S = 1000.0
OWN = Own()


def call(name: str = "m1", *, pages: int = 1, paged_s: float = AT_S, left_s: float = 180.0, **more: Any) -> Call:
    stands = Open(
        expectation="check-in-wait",
        key=None,
        opened_s=paged_s,
        counts_to_s=AT_S + left_s,
        deadline_s=AT_S + left_s,
        threatened_s=paged_s,
        failing_s=AT_S + left_s * 2 / 3,
        **more,
    )
    return Call(id=name, page=f"{name}:{pages}", pages=pages, place="Counter A", open=stands)


class Room:
    """An alarm whose sounds are written down every twentieth of a second."""

    def __init__(self, longest_s: float = 30.0) -> None:
        self.alarm, self.now_s, self.told = Alarm(longest_s), AT_S, list[str]()

    def says(self, view: GroupView, own: Own = OWN, *, quiet: bool = False) -> Says:
        self.told += self.alarm.look(view, self.now_s)
        return self.alarm.say(view, own, self.now_s, quiet=quiet)

    def notes(self, view: GroupView, seconds: float, own: Own = OWN, *, quiet: bool = False) -> list[float]:
        """Return the lengths of the notes that sound, as the worker hears them: it sleeps until `next_s`."""
        notes, since_s, end_s = [], None, self.now_s + seconds
        while self.now_s < end_s:
            says = self.says(view, own, quiet=quiet)
            if says.buzzer and since_s is None:
                since_s = self.now_s
            if not says.buzzer and since_s is not None:
                notes.append(round(self.now_s - since_s, 2))
                since_s = None
            due_s = self.alarm.due_s(view, self.now_s) - self.now_s
            self.now_s += max(min(says.next_s, due_s, 1.0, end_s - self.now_s), 0.001)
        return notes

    def lamp_s(self, view: GroupView, seconds: float, own: Own = OWN) -> float:
        """Return for how much of the time the button's lamp is lit."""
        lit = 0
        steps = round(seconds / 0.01)
        for _ in range(steps):
            lit += self.says(view, own).lamp
            self.now_s += 0.01
        return lit / steps


@pytest.fixture
def room() -> Room:
    return Room()


def test_nothing_stands_and_nothing_is_heard_or_seen_but_a_wink(room: Room) -> None:
    assert room.notes(GroupView(), 60) == []
    assert not room.says(GroupView()).beacon
    assert room.lamp_s(GroupView(), 10) == pytest.approx(0.005, abs=0.003)


def test_a_first_page_is_two_notes_once_and_the_beacon_stands(room: Room) -> None:
    view = view_of([call()])
    assert room.notes(view, 60) == [0.15, 0.15]
    says = room.says(view)
    assert (says.beacon, says.lamp) == (True, True)
    assert room.told == ["m1:1"]


def test_a_repeat_is_two_notes_twice_and_only_the_new_page_is_told(room: Room) -> None:
    room.notes(view_of([call()]), 20)
    assert room.notes(view_of([call(pages=2, paged_s=AT_S + 20)]), 30) == [0.15] * 4
    assert room.told == ["m1:1", "m1:2"]


def test_in_the_last_third_it_goes_on_but_no_longer_than_the_plan_says(room: Room) -> None:
    view = view_of([call()])
    room.now_s = AT_S + 100
    room.notes(view, 19.9)
    assert room.notes(view, 60) == [0.2] * 6, "three times in thirty seconds, then the beacon alone"
    assert len({room.says(view).beacon for room.now_s in (AT_S + 150.2, AT_S + 150.7)}) == 2


def test_a_failure_is_one_long_note_and_the_beacon_flashes(room: Room) -> None:
    view = view_of([call()])
    room.notes(view, 180)
    assert room.notes(view, 60) == [1.5]
    lit = []
    for _ in range(500):
        lit.append(room.says(view).beacon)
        room.now_s += 0.01
    assert sum(lit) == pytest.approx(100, abs=2)


def test_a_claim_silences_at_once_and_so_does_the_end(room: Room) -> None:
    view = view_of([call()])
    room.notes(view, 125)
    claimed = view_of([call(claimed_s=AT_S + 125)])
    assert room.notes(claimed, 60) == []
    assert not room.says(claimed).beacon
    lapsed = view_of([call(pages=2, paged_s=room.now_s, left_s=500)])
    assert room.notes(lapsed, 2)[:2] == [0.15, 0.15], "the claim lapsed: it is told again"
    assert room.notes(GroupView(), 60) == []


def test_who_comes_back_after_an_outage_hears_what_stands_once(room: Room) -> None:
    room.now_s = AT_S + 400
    view = view_of([call(pages=3, paged_s=AT_S + 200)])
    assert room.notes(view, 20) == [1.5], "the worst of it, once"
    assert room.told == ["m1:3"]


def test_what_is_claimed_when_it_is_first_seen_is_told_to_nobody(room: Room) -> None:
    assert room.notes(view_of([call(claimed_s=AT_S)]), 10) == []
    assert room.told == []


def test_the_worst_and_newest_speaks(room: Room) -> None:
    failing = call("m2", left_s=30)
    room.notes(view_of([failing]), 25)
    both = view_of([failing, call("m3", paged_s=AT_S + 25)])
    assert room.notes(both, 1.0) == [0.15, 0.15], "what is new is heard at once"
    assert 0.2 in room.notes(both, 5), "and then what goes on"


def test_quiet_hours_are_silent_and_the_beacon_is_not(room: Room) -> None:
    view = view_of([call()])
    assert room.notes(view, 300, quiet=True) == []
    room.now_s = AT_S + 130
    assert room.told == ["m1:1"]
    assert any(room.says(view, quiet=True).beacon for room.now_s in (AT_S + 130.2, AT_S + 130.7))


def test_while_all_is_suspended_it_is_dark_and_silent_and_afterwards_tells_what_stands(room: Room) -> None:
    view = view_of([call()], suspended=True)
    alone = Own(alone_s=AT_S)
    assert room.notes(view, 300, alone) == []
    assert not room.says(view, alone).beacon
    assert room.told == []
    assert room.alarm.target(view, AT_S) is None, "nobody is asked to go there, so nobody says that they come"
    assert room.notes(view_of([call()]), 5) == [1.5], "it has failed meanwhile"


def test_a_lost_hub_is_heard_and_seen(room: Room) -> None:
    alone = Own(alone_s=AT_S)
    assert room.notes(GroupView(), 60, alone) == [0.4] * 8, "two low notes, again and again, for thirty seconds"
    lit = [
        room.says(GroupView(), alone).beacon for room.now_s in (room.now_s, *(AT_S + 63 + n / 20 for n in range(60)))
    ]
    assert any(lit)
    assert not all(lit)


def test_cut_off_the_countdown_goes_on(room: Room) -> None:
    alone = Own(alone_s=AT_S + 10)
    view = view_of([call()])
    room.notes(view, 10)
    assert room.notes(view, 105, alone)[:2] == [0.4, 0.4]
    assert 0.2 in room.notes(view, 20, alone), "the last third"
    assert 1.5 in room.notes(view, 60, alone), "the failure"


def test_a_press_silences_until_the_hub_has_spoken(room: Room) -> None:
    view = view_of([call()])
    room.notes(view, 121)
    assert room.alarm.target(view, AT_S) == call()
    room.alarm.answered("m1", room.now_s)
    waiting = Own(waiting_s=room.now_s)
    assert room.notes(view, 4.5, waiting) == []
    assert room.lamp_s(view, 0.4, waiting) == pytest.approx(0.5, abs=0.1), "a fast blink"
    assert room.notes(view, 12, waiting)[:2] == [0.4, 0.4], "nobody was told"
    heard = Own(heard_s=room.now_s)
    room.alarm.answered("m1", room.now_s)
    assert room.notes(view, 14, heard) == []
    assert room.notes(GroupView(), 1) == []


def test_a_press_while_cut_off_keeps_it_silent(room: Room) -> None:
    alone = Own(alone_s=AT_S - 100)
    view = view_of([call()])
    room.notes(view, 1, alone)
    room.alarm.answered("m1", room.now_s)
    assert room.notes(view, 300, alone) == []


def test_a_press_with_nothing_to_do_is_one_low_note(room: Room) -> None:
    assert room.alarm.target(view_of([call(claimed_s=AT_S)]), AT_S) is None
    assert room.notes(GroupView(), 5, Own(refused_s=AT_S)) == [0.4]


def test_the_nearest_deadline_is_claimed_first(room: Room) -> None:
    view = view_of([call("late", left_s=500), call("near", left_s=50), call("taken", left_s=20, claimed_s=AT_S)])
    assert room.alarm.target(view, AT_S) == call("near", left_s=50)
    assert room.alarm.target(view, AT_S + 60) == call("late", left_s=500), "what can still be kept comes first"
    assert room.alarm.target(view, AT_S + 600) == call("near", left_s=50)


def test_where_one_of_two_has_answered_the_lamp_says_so_and_the_rest_goes_on(room: Room) -> None:
    one = replace(call(), coming=1)
    view = view_of([one])
    assert room.alarm.target(view, AT_S) == one, "a second one is needed"
    assert room.notes(view, 5) == [0.15, 0.15]
    assert room.says(view).beacon
    assert room.lamp_s(view, 12) == pytest.approx(0.5, abs=0.01), "a slow pulse"
    assert room.lamp_s(view_of([call(claimed_s=float("-inf"))]), 12) == pytest.approx(0.5, abs=0.01)
    both = view_of([one, call("other", left_s=500)])
    assert room.lamp_s(both, 2.4) == 1.0, "nobody has answered the other one"
    room.now_s = AT_S + 120
    assert room.lamp_s(view, 0.45) > room.lamp_s(view, 0.5), "one flash a second: the last third"


def test_a_node_without_the_time_tells_what_stands(room: Room) -> None:
    untimed = replace(
        call().open, opened_s=float("-inf"), threatened_s=float("-inf"), deadline_s=float("inf"), failing_s=None
    )
    view = view_of([replace(call(), open=replace(untimed, counts_to_s=float("inf"), timed=False))])
    assert room.notes(view, 60) == [0.15, 0.15]
    assert room.says(view).beacon


def test_a_demo_s_clock_makes_the_notes_no_shorter_for_the_ear() -> None:
    alarm = Alarm(300.0, 10.0)
    view = view_of([call()])
    alarm.look(view, AT_S)
    assert alarm.say(view, OWN, AT_S + 1.4, quiet=False).buzzer
    assert not alarm.say(view, OWN, AT_S + 1.6, quiet=False).buzzer

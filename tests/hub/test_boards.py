"""What stands for a group, and the big button of its break room."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andgate.moment.events import Claimed
from andgate.plan import parse_plan
from andgate.plan.quiet import Scope
from andgate.wire.codec import decode_group_board
from andgate.wire.messages import MAX_PAYLOAD_BYTES
from hub.clock import HandClock
from hub.driver import Committed
from hub.evidence.verify import verify
from hub.quiet.view import Mute, Suspension, View
from hub.signs.boards import Boards, served
from hub.store import PageFate
from tests.hub.desk import PLAN, START_MS, Desk, node_signal

ROOM = """
[nodes.break-room.devices.alarm]
kind = "annunciator"
group = "ticket-agents"
button = 5
beacon = 6
[nodes.break-room.devices.voice]
kind = "speaker"
group = "supervisors"
"""


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(plan=PLAN + ROOM)


def fed(desk: Desk) -> Boards:
    boards = Boards(desk.driver.plan, desk.driver.open_moments(), lambda id: desk.reader.pages(moment=id).items)

    def listen(out: Committed) -> None:
        for moment in out.published:
            boards.published(moment)
        boards.paged(out.events, out.pages)
        if out.plan is not None:
            boards.use_plan(out.plan)

    desk.driver.listeners.append(listen)
    return boards


def said(boards: Boards, now_ms: int = START_MS) -> dict[str, Any]:
    return {name: json.loads(payload) for name, payload in boards.changes(now_ms)}


def press(seq: int, **more: Any) -> bytes:
    return node_signal(seq, "claimed", device="alarm", **{"sent": 10.0 + seq, **more})


def test_only_groups_that_a_device_serves_have_a_board(desk: Desk) -> None:
    assert served(desk.driver.plan) == {"ticket-agents", "supervisors"}
    assert served(parse_plan(PLAN)) == frozenset()
    bare = Boards(parse_plan(PLAN), (), lambda _: ())
    assert (bare.stale, bare.changes(START_MS)) == (False, [])


def test_a_board_has_what_its_group_was_paged_about_until_it_is_over(desk: Desk) -> None:
    boards = fed(desk)
    first = said(boards)
    assert {name: it["moments"] for name, it in first.items()} == {"ticket-agents": [], "supervisors": []}
    assert first["ticket-agents"]["name"] == "Ticket agents"
    desk.node(node_signal(1, sent=11.0))
    board = said(boards)
    assert set(board) == {"ticket-agents"}, "the supervisors have not been paged yet"
    (moment,) = board["ticket-agents"]["moments"]
    (row,) = desk.pages(group="ticket-agents", kind="page")
    assert (moment["place"], moment["pages"], moment["claimed"]) == ("Check-in counter A", 1, None)
    assert (moment["page"], moment["text"]) == (row.page, row.text)
    desk.pass_ms(91_000)
    assert [it["pages"] for it in said(boards)["supervisors"]["moments"]] == [1]
    desk.act("claim", desk.only().id)
    board = said(boards)
    assert all(it["moments"][0]["claimed"] for it in board.values())
    desk.node(node_signal(2, "reset", sent=102.0))
    assert {name: it["moments"] for name, it in said(boards).items()} == {"ticket-agents": [], "supervisors": []}


def test_a_hub_that_starts_anew_knows_what_stands(desk: Desk, make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk.node(node_signal(1, sent=11.0))
    boards = said(fed(desk))
    desk.stop()
    again = make_desk(plan=PLAN + ROOM)
    assert said(fed(again)) == boards
    assert decode_group_board(json.dumps(boards["ticket-agents"]).encode()).moments


def test_what_was_muted_is_on_no_board(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=PLAN + ROOM, listen_only=True)
    boards = fed(desk)
    said(boards)
    desk.node(node_signal(1, sent=11.0))
    assert [row.state for row in desk.pages()] == ["muted"]
    assert said(boards) == {}


def suspension(*places: str, site: bool) -> View:
    fire = Suspension(contact="fire/bell", touchpoint="hall", since_ms=START_MS, places=places, site=site)
    return View(suspensions=(fire,))


def test_suspension_of_the_site_is_said_to_all_of_them(desk: Desk) -> None:
    boards = fed(desk)
    desk.node(node_signal(1, sent=11.0))
    said(boards)
    boards.hush(suspension("counter-a", "belt-3", site=True), START_MS)
    board = said(boards)
    assert [it["suspended"] for it in board.values()] == [True, True]
    assert board["ticket-agents"]["moments"], "what stands still stands"
    boards.hush(suspension("counter-a", "belt-3", site=True), START_MS)
    assert said(boards) == {}
    boards.hush(View(), START_MS)
    assert all("suspended" not in it for it in said(boards).values())


def test_what_is_suspended_in_one_place_does_not_sound(desk: Desk) -> None:
    boards = fed(desk)
    desk.node(node_signal(1, sent=11.0))
    said(boards)
    boards.hush(suspension("counter-a", site=False), START_MS)
    assert said(boards)["ticket-agents"]["moments"] == []
    boards.hush(View(), START_MS)
    assert said(boards)["ticket-agents"]["moments"]


def test_a_mute_silences_when_it_begins_and_no_longer_than_it_lasts(desk: Desk) -> None:
    boards = fed(desk)
    desk.node(node_signal(1, sent=11.0))
    said(boards)
    begin_ms, end_ms = START_MS + 1_000, START_MS + 60_000
    scope = Scope(touchpoints=("counter-a",))
    mute = Mute(id="m", scope=scope, owner="p", reason="tests", begin_ms=begin_ms, end_ms=end_ms)
    boards.hush(View(mutes=(mute,)), START_MS)
    assert said(boards) == {}, "not yet"
    assert boards.next_ms() == begin_ms
    assert said(boards, begin_ms)["ticket-agents"]["moments"] == []
    assert boards.next_ms() == end_ms
    assert said(boards, end_ms)["ticket-agents"]["moments"]
    assert boards.next_ms() is None


def test_boards_come_and_go_with_the_plan(desk: Desk) -> None:
    boards = fed(desk)
    desk.node(node_signal(1, sent=11.0))
    said(boards)
    assert boards.use_plan(parse_plan(PLAN)) == ("supervisors", "ticket-agents")
    assert said(boards) == {}
    boards.use_plan(desk.driver.plan)
    assert [it["pages"] for it in said(boards)["ticket-agents"]["moments"]] == [1]


def test_a_board_is_no_longer_than_a_message(desk: Desk) -> None:
    boards = fed(desk)
    for number in range(80):
        desk.post(f"d{number}", "docked", key=f"AG{number}{'x' * 150}/2026-11-21")
        desk.post(f"j{number}", "jammed", key=f"AG{number}{'x' * 150}/2026-11-21")
    ((_, payload),) = [it for it in boards.changes(START_MS) if it[0] == "supervisors"]
    assert len(payload) <= MAX_PAYLOAD_BYTES
    assert len(json.loads(payload)["moments"]) in range(16, 65)


def test_the_big_button_claims_what_its_people_saw(desk: Desk, clock: HandClock) -> None:
    desk.post("a", "docked", key="AG1/2026-11-21")
    desk.post("b", "jammed", key="AG1/2026-11-21")
    desk.node(node_signal(1, sent=11.0))
    (near,) = [moment for moment in desk.moments() if moment.touchpoint == "counter-a"]
    clock.advance(5_000)
    desk.node(press(1, about={"moment": near.id}), "break-room")
    (claimed,) = [moment for moment in desk.moments() if moment.claimed_ms is not None]
    assert (claimed.id, claimed.claimed_by) == (near.id, "Ticket agents")
    desk.node(press(1, about={"moment": near.id}), "break-room")  # sent again: the same press
    claims = [line for line in desk.reader.trail(near.id) if isinstance(line.event, Claimed)]
    assert len(claims) == 1


@pytest.mark.parametrize(
    ("presses", "coming", "enough"),
    [
        ([(0, 0)], ["Ticket agents"], False),
        ([(0, 0), (300, 0)], ["Ticket agents"], False),
        ([(0, 0), (300, 1)], ["Ticket agents"], False),
        ([(0, 0), (60_000, 0)], ["Ticket agents"], False),
        ([(0, 0), (4_999, 1)], ["Ticket agents"], False),
        ([(0, 0), (5_000, 1)], ["Ticket agents", "Ticket agents (2)"], True),
        ([(0, 0), (6_000, 1), (20_000, 2)], ["Ticket agents", "Ticket agents (2)"], True),
    ],
    ids=["one", "a bounce", "gloves", "not told of the first", "too soon", "a second", "and nobody else is needed"],
)
def test_where_two_are_needed_a_second_press_is_a_second_person_if_its_room_knew_of_the_first(
    make_desk: Callable[..., Desk], clock: HandClock, presses: list[tuple[int, int]], coming: list[str], *, enough: bool
) -> None:
    two = PLAN.replace("[expectations.check-in-wait]", "[expectations.check-in-wait]\nneeds = 2")
    desk = make_desk(plan=two + ROOM)
    boards = fed(desk)
    desk.node(node_signal(1, sent=11.0))
    moment = desk.only().id
    start_ms = clock.now_ms()
    for seq, (after_ms, saw) in enumerate(presses, 1):
        clock.advance(start_ms + after_ms - clock.now_ms())
        about = {"moment": moment, **({"coming": saw} if saw else {})}
        mono = 100.0 + after_ms / 1000
        desk.node(node_signal(seq, "claimed", device="alarm", about=about, mono=mono, sent=mono), "break-room")
    assert [claim.by for claim in desk.only().coming] == coming
    (told,) = said(boards)["ticket-agents"]["moments"]
    assert (told["coming"], told["needs"], told["claimed"] is not None) == (len(coming), 2, enough)


def test_where_two_are_needed_somebody_of_the_room_comes_beside_who_was_seen_to_come(
    make_desk: Callable[..., Desk],
) -> None:
    two = PLAN.replace("[expectations.check-in-wait]", "[expectations.check-in-wait]\nneeds = 3")
    desk = make_desk(plan=two + ROOM)
    desk.node(node_signal(1, sent=11.0))
    moment = desk.only().id
    desk.act("claim", moment, "Marta")
    desk.node(press(1, about={"moment": moment}), "break-room")
    assert [claim.by for claim in desk.only().coming] == ["Marta", "Ticket agents"], "a button is not Marta's phone"
    desk.clock.advance(9_000)
    desk.node(press(2, about={"moment": moment, "coming": 1}, mono=20.0, sent=20.0), "break-room")
    assert [claim.by for claim in desk.only().coming] == ["Marta", "Ticket agents"], "who pressed knew of one only"


def test_a_press_that_names_nothing_claims_the_nearest_that_the_group_was_paged_about(desk: Desk) -> None:
    desk.node(press(1), "break-room")
    assert desk.moments() == (), "nothing was there to claim"
    desk.post("a", "docked", key="AG1/2026-11-21", at="2026-11-18T10:00:00.000Z")
    desk.node(node_signal(1, sent=11.0))
    desk.node(press(2), "break-room")
    assert [moment.touchpoint for moment in desk.moments() if moment.claimed_ms is not None] == ["counter-a"]
    desk.node(press(3), "break-room")
    assert len([moment for moment in desk.moments() if moment.claimed_ms is not None]) == 1


def test_a_press_for_what_is_over_or_unknown_is_no_harm(desk: Desk) -> None:
    desk.node(node_signal(1, sent=11.0))
    moment = desk.only()
    desk.node(node_signal(2, "reset", sent=12.0))
    desk.node(press(1, about={"moment": moment.id}), "break-room")
    desk.node(press(2, about={"moment": "f" * 32}), "break-room")
    assert desk.only().claimed_ms is None
    assert desk.reasons() == []


def test_claims_by_the_button_are_verified_and_judged_again(desk: Desk, tmp_path: Path) -> None:
    desk.node(node_signal(1, sent=11.0))
    desk.node(press(1, about={"moment": desk.only().id}), "break-room")
    desk.stop()
    assert verify(tmp_path / "data" / "andgate.db").sound(witnessed=False)


def test_what_became_of_a_page_in_the_break_room_stands_on_the_page(desk: Desk) -> None:
    desk.node(node_signal(1, sent=11.0))
    (row,) = desk.pages(group="ticket-agents", kind="page")
    receipt = {"page": row.page, "device": "alarm", "did": "sounded"}
    desk.say("node/break-room/page", json.dumps(receipt).encode())
    late = receipt | {"page": f"{row.page}@1234567", "did": "dropped", "why": "it waited too long for its turn"}
    desk.say("node/desk-a1/page", json.dumps(late).encode())
    for state, tries in (("queued", 1), ("sent", 2)):  # what becomes of it on its way to others takes nothing away
        desk.driver.fate(PageFate(row.id, row.moment, state, f"{state}!", tries, desk.clock.now_ms()))  # type: ignore[arg-type]
        desk.sync()
        (row,) = desk.pages(group="ticket-agents", kind="page")
        assert row.note.startswith(f"{state}!; sounded at break-room/alarm; ")
        assert "dropped at desk-a1/alarm: it waited too long for its turn" in row.note
    desk.say("node/desk-a1/page", b'{"page": "nowhere/1", "device": "mast", "did": "sent"}')
    desk.say("node/roof/page", json.dumps(receipt).encode())
    assert desk.reasons() == ['there is no page "nowhere/1"', 'the plan has no node "roof"']


def test_a_database_that_fails_stops_no_lamp(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_moment: str) -> list[Any]:
        raise OSError("no space left on device")

    desk.node(node_signal(1, sent=11.0))
    boards = Boards(desk.driver.plan, desk.driver.open_moments(), fail)
    assert all(it["moments"] == [] for it in said(boards).values())
    assert "no space left" in caplog.text

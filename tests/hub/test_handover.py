"""When a shift ends: claims lapse, steps go, the new shift is told; and who is warned of a shift with nobody on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from andgate.moment.events import Unclaimed
from andgate.plan import parse_plan
from hub.clock import HandClock
from hub.evidence.frozen import database_of
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from hub.people.handover import newest_change
from hub.store import Store
from tests.hub.crew import Office, rome, shifts
from tests.hub.desk import Desk, node_signal

BEFORE = rome("2026-11-23T12:29")
"""A minute before late relieves early."""
MINUTE_MS = 60_000


@pytest.fixture
def desk_at(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []
    (tmp_path / "data").mkdir()

    def make(at_ms: int, **options: Any) -> Desk:
        for desk in made:
            desk.stop()
        made.append(Desk(tmp_path / "data", HandClock(at_ms), plan=options.pop("plan", shifts()), **options))
        made[-1].sync()
        return made[-1]

    yield make
    for desk in made:
        desk.stop()


def trail(desk: Desk) -> list[Unclaimed]:
    events = [line.event for line in desk.reader.trail(desk.only().id)]
    return [event for event in events if isinstance(event, Unclaimed)]


def test_claims_of_those_who_leave_lapse_and_the_new_shift_is_told(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(BEFORE)
    office = Office(desk.driver.people)
    ada, bob = office.hire("Ada"), office.hire("Bob", shift="late")
    desk.node(node_signal(1, sent=11.0))
    moment = desk.only()
    desk.act("claim", moment.id, by="Ada")
    desk.pass_ms(MINUTE_MS - 1)
    assert desk.only().claimed_by == "Ada"
    desk.pass_ms(1)
    assert desk.only().claimed_by is None
    (gone,) = trail(desk)
    assert (gone.at_ms, gone.by, gone.whose) == (BEFORE + MINUTE_MS, "andgate", ada) or gone.whose == "Ada"
    assert gone.reason == "Early of Ticket agents ended"
    told = [row for row in desk.pages() if row.moment.startswith("shift/")]
    assert [(row.group, row.channel, row.person, row.state) for row in told] == [
        ("ticket-agents", "radio", None, "queued"),
        ("ticket-agents", f"{bob}/1", bob, "queued"),
    ]
    assert told[0].text == "Handover to Late, 1 open: Check-in counter A (2:00 left)."
    assert told[0].about is None
    # Once is enough, also for a hub that is started anew.
    desk.pass_ms(1000)
    again = desk_at(desk.clock.now_ms())
    assert len([row for row in again.pages() if row.moment.startswith("shift/")]) == 2


def test_steps_that_waited_for_the_claim_go_to_the_new_shift(desk_at: Callable[..., Desk]) -> None:
    plan = shifts().replace('left = "90s"\ngroup = "supervisors"', 'left = "160s"\ngroup = "ticket-agents"')
    desk = desk_at(BEFORE, plan=plan)
    office = Office(desk.driver.people)
    office.hire("Ada")
    bob = office.hire("Bob", shift="late")
    desk.node(node_signal(1, sent=11.0))
    moment = desk.only()
    desk.act("claim", moment.id, by="Ada", promise_ms=10 * MINUTE_MS)
    desk.pass_ms(30_000)
    assert desk.pages(person=bob) == []
    desk.pass_ms(30_000)
    assert {row.reason for row in desk.pages(person=bob)} == {
        "whoever was on it promised to be done by now",
        "a shift has ended",
    }


def test_whoever_stays_keeps_the_claim(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(BEFORE)
    office = Office(desk.driver.people)
    ada = office.hire("Ada")
    office.instead("2026-11-23", ada, None, "late")
    desk.node(node_signal(1, sent=11.0))
    desk.act("claim", desk.only().id, by="Ada")
    desk.act("claim", desk.only().id, by="somebody's pager")
    desk.pass_ms(MINUTE_MS)
    assert trail(desk) == []
    assert desk.only().claimed_by is not None


def test_a_night_without_a_shift_hands_over_to_nobody(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(rome("2026-11-23T20:29"))
    office = Office(desk.driver.people)
    office.hire("Ada", shift="late")
    desk.node(node_signal(1, sent=11.0))
    desk.act("claim", desk.only().id, by="Ada")
    desk.pass_ms(MINUTE_MS)
    assert len(trail(desk)) == 1
    assert [row for row in desk.pages() if row.moment.startswith("shift/")] == []
    assert desk.pages(group="supervisors")


def test_nothing_open_is_nothing_to_tell(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(BEFORE)
    Office(desk.driver.people).hire("Bob", shift="late")
    desk.pass_ms(MINUTE_MS)
    assert desk.pages() == [row for row in desk.pages() if row.moment.startswith("fault/")]


def test_a_boundary_that_passed_while_the_hub_was_down_is_handed_over_at_its_start(
    desk_at: Callable[..., Desk], tmp_path: Path
) -> None:
    desk = desk_at(BEFORE)
    office = Office(desk.driver.people)
    ada = office.hire("Ada")
    office.hire("Bob", shift="late")
    desk.node(node_signal(1, sent=11.0))
    desk.act("claim", desk.only().id, by="Ada", promise_ms=60 * MINUTE_MS)
    again = desk_at(BEFORE + 2 * MINUTE_MS)
    (gone,) = trail(again)
    assert gone.at_ms == BEFORE + MINUTE_MS
    assert gone.whose in {ada, "Ada"}
    (told,) = {row.text for row in again.pages() if row.moment.startswith("shift/")}
    assert told == "Handover to Late, 1 open: Check-in counter A (1:00 left)."
    again.stop()
    assert verify(database_of(tmp_path / "data")).sound(witnessed=False)
    assert rejudge(database_of(tmp_path / "data")).first is None


def test_what_is_done_is_done_in_one_transaction(desk_at: Callable[..., Desk], tmp_path: Path) -> None:
    """Whatever dies in between, the handover is done once: the mark stands with the claims and the pages, or not."""
    desk = desk_at(BEFORE)
    office = Office(desk.driver.people)
    office.hire("Ada")
    desk.node(node_signal(1, sent=11.0))
    desk.act("claim", desk.only().id, by="Ada")
    entry = desk.reader.chain().entry
    desk.pass_ms(MINUTE_MS)
    assert desk.reader.chain().entry == entry + 1
    desk.stop()
    store = Store(tmp_path / "data")
    mark = store.fact("select value from meta where key = ?", ("handover/ticket-agents",))
    store.close()
    assert mark == str(BEFORE + MINUTE_MS)


def test_boundaries() -> None:
    plan = parse_plan(shifts())
    start, noon, end = (rome(f"2026-11-23T{at}") for at in ("04:30", "12:30", "20:30"))
    assert newest_change(plan, "ticket-agents", start - 1, start) is None  # nothing ended
    change = newest_change(plan, "ticket-agents", start, noon)
    assert change is not None
    assert (change.at_ms, [turn.shift for turn in change.ended], [turn.shift for turn in change.on]) == (
        noon,
        ["early"],
        ["late"],
    )
    latest = newest_change(plan, "ticket-agents", start, end + 60 * MINUTE_MS)
    assert latest is not None
    assert (latest.at_ms, latest.on) == (end, ())
    assert newest_change(plan, "ticket-agents", end, end + 1) is None


def test_a_night_over_the_change_of_clocks_ends_when_the_wall_says_so(desk_at: Callable[..., Desk]) -> None:
    more = '[groups.ticket-agents.shifts.night]\nfrom = "20:30"\nto = "04:30"\n'
    desk = desk_at(rome("2026-10-25T04:29"), plan=shifts() + more)
    office = Office(desk.driver.people)
    office.hire("Ada", shift="night")
    bob = office.hire("Bob")
    desk.node(node_signal(1, sent=11.0))
    desk.act("claim", desk.only().id, by="Ada")
    desk.pass_ms(MINUTE_MS - 1)
    assert desk.only().claimed_by == "Ada"
    desk.pass_ms(1)
    assert desk.only().claimed_by is None
    assert desk.pages(person=bob)


# ------------------------------------------------------------------------------------------------- who is warned


def faults(desk: Desk) -> list[tuple[str, str]]:
    return [(row.node, row.detail) for row in desk.reader.faults() if row.kind == "unstaffed"]


def test_somebody_is_warned_of_a_shift_with_nobody_on_it(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(rome("2026-11-23T11:59"))
    office = Office(desk.driver.people)
    office.hire("Ada")
    desk.pass_ms(16_000)
    assert faults(desk) == []
    desk.pass_ms(MINUTE_MS)
    assert faults(desk) == [("group/ticket-agents", "Late, from 12:30: nobody stands on it")]
    page = [row for row in desk.pages() if row.moment.startswith("fault/")][-1]
    assert (page.group, page.state) == ("supervisors", "queued")
    assert page.text.startswith(
        "Ticket agents: nobody of the shift can be reached by name: Late, from 12:30: nobody stands on it, "
        "since 12:00. Put somebody"
    )
    office.hire("Bob", shift="late")
    desk.pass_ms(16_000)
    assert faults(desk) == []
    assert [row.kind for row in desk.pages() if row.moment == page.moment] == ["page", "over"]


def test_the_warning_has_its_own_time_and_can_be_turned_off(desk_at: Callable[..., Desk]) -> None:
    zone = 'timezone = "Europe/Rome"\n'
    desk = desk_at(rome("2026-11-23T11:59"), plan=shifts().replace(zone, zone + 'shift_warning = "0s"\n'))
    desk.pass_ms(2 * 60 * MINUTE_MS)
    assert faults(desk) == []
    desk = desk_at(desk.clock.now_ms(), plan=shifts().replace(zone, zone + 'shift_warning = "8h"\n'))
    desk.pass_ms(16_000)
    assert faults(desk) == [("group/ticket-agents", "Late, from 12:30: nobody stands on it")]
    desk = desk_at(desk.clock.now_ms(), plan=shifts(more=""))
    desk.pass_ms(16_000)
    assert faults(desk) == []


def test_people_who_cannot_be_reached_are_nobody(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(rome("2026-11-23T12:05"))
    office = Office(desk.driver.people)
    office.hire("Ada")
    bob = office.hire("Bob", "webpush://", shift="late")
    desk.pass_ms(16_000)
    assert faults(desk) == [
        ("group/ticket-agents", "Late, from 12:30: the one person on it has not set up their phone yet")
    ]
    person = desk.driver.people.book().people[bob]
    desk.driver.people.change(msgspec.structs.replace(person, channels=("webpush://", "json://x")))
    desk.pass_ms(1000)
    assert faults(desk) == []

"""A page that reaches nobody goes another way at once, and everybody who was paged learns that it is over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.clock import HandClock
from hub.paging.fallback import LATE_MS
from hub.store import PageFate, PageRow
from hub.store.pages import Receipt
from tests.hub.crew import Office, rome, shifts
from tests.hub.desk import PLAN, WAIT_S, Desk, as_killed, node_signal

MORNING = rome("2026-11-23T09:00")
TWO = PLAN.replace("[groups.ticket-agents]", '[channels.pager]\nurl = "mqtt://"\n[groups.ticket-agents]', 1).replace(
    'channels = ["radio"]', 'channels = ["radio", "pager"]', 1
)


def became(desk: Desk, row: PageRow, state: Any, note: str = "", tries: int = 1) -> None:
    now_ms = desk.clock.now_ms()
    desk.driver.fate(PageFate(row.id, row.moment, state, note, tries, now_ms, now_ms if state == "sent" else None))
    desk.sync()


def received(desk: Desk, row: PageRow) -> None:
    desk.driver.receipt(Receipt(row.id, row.moment, desk.clock.now_ms()))
    desk.sync()


def told(desk: Desk, **wanted: Any) -> list[PageRow]:
    """Pages about moments: that somebody was not reached is paged too."""
    return [row for row in desk.pages(kind="page", **wanted) if row.about is not None]


def handed(desk: Desk) -> list[int]:
    return [row.id for commit in desk.commits for row in commit.pages]


@pytest.fixture
def ada(make_desk: Callable[..., Desk]) -> tuple[Desk, str]:
    """A desk where Ada is on, who can be reached in three ways; her first page is queued."""
    desk = make_desk(plan=shifts(), clock=HandClock(MORNING))
    ada = Office(desk.driver.people).hire("Ada", "json://a1", "json://a2", "json://a3")
    desk.node(node_signal(1, sent=11.0))
    return desk, ada


def test_what_failed_for_good_goes_the_next_way_at_once(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    (first,) = desk.pages(person=person)
    desk.clock.advance(30_000)
    became(desk, first, "failed", "no such number")
    second = desk.pages(person=person)[-1]
    assert (second.channel, second.state, second.stands_for, second.page) == (
        f"{person}/2",
        "queued",
        first.id,
        first.page,
    )
    assert second.reason == "instead of way 1: no such number"
    assert (first.text.split(" left")[0], second.text.split(" left")[0]) == (
        "Check-in counter A: 3:00",
        "Check-in counter A: 2:30",
    )
    assert second.id in handed(desk)
    became(desk, second, "failed", "switched off")
    third = desk.pages(person=person)[-1]
    assert (third.channel, third.stands_for) == (f"{person}/3", second.id)
    became(desk, third, "failed", "switched off")
    assert len(desk.pages(person=person)) == 3
    assert told(desk, group="supervisors") == [], "the group's radio may still have told somebody"


def test_a_page_that_is_not_out_soon_also_goes_the_next_way(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    (first,) = desk.pages(person=person)
    became(desk, first, "queued", "the service does not answer")
    desk.pass_ms(LATE_MS - 1)
    assert len(desk.pages(person=person)) == 1
    desk.pass_ms(1)
    second = desk.pages(person=person)[-1]
    assert second.reason == "instead of way 1: not out within 10s: the service does not answer"
    for tries in (2, 3):
        became(desk, first, "queued", "the service does not answer", tries)
        desk.pass_ms(LATE_MS)
    assert len(desk.pages(person=person)) == 2, "it goes that way once"
    became(desk, first, "failed", "tried for long enough")
    assert len(desk.pages(person=person)) == 2


def test_silence_counts_where_the_channel_has_spoken_before(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    (first,) = desk.pages(person=person)
    became(desk, first, "sent")
    desk.pass_ms(LATE_MS)
    assert len(desk.pages(person=person)) == 1, "nobody knows whether this channel ever says so"
    received(desk, first)
    desk.node(node_signal(2, "reset", mono=22.0, sent=22.0))
    desk.node(node_signal(3, mono=23.0, sent=23.0))
    page = desk.pages(person=person, kind="page")[-1]
    became(desk, page, "sent")
    desk.pass_ms(LATE_MS)
    instead = desk.pages(person=person, kind="page")[-1]
    assert (instead.stands_for, instead.reason) == (page.id, "instead of way 1: not delivered within 10s")
    desk.node(node_signal(4, "reset", mono=40.0, sent=40.0))
    desk.node(node_signal(5, mono=41.0, sent=41.0))
    page = desk.pages(person=person, kind="page")[-1]
    became(desk, page, "sent")
    received(desk, page)
    desk.pass_ms(LATE_MS)
    assert desk.pages(person=person, kind="page")[-1].id == page.id


def test_over_goes_to_whoever_was_told_in_place_of_another_once(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    (first,) = desk.pages(person=person)
    became(desk, first, "failed", "no such number")
    became(desk, desk.pages(person=person)[-1], "sent")
    desk.node(node_signal(2, "reset", mono=22.0, sent=22.0))
    over = [(row.channel, row.state) for row in desk.pages(kind="over", group="ticket-agents") if row.person]
    assert [each for each in over if each[1] == "queued"] == [(f"{person}/2", "queued")]
    became(desk, first, "failed", "no such number")
    assert [row.channel for row in desk.pages(kind="page", person=person)] == [f"{person}/1", f"{person}/2"]


def test_what_is_over_or_claimed_needs_nobody_else(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    (first,) = desk.pages(person=person)
    became(desk, first, "queued", "the service does not answer")
    desk.node(node_signal(2, "reset", mono=22.0, sent=22.0))
    desk.pass_ms(LATE_MS)
    assert len(desk.pages(person=person, kind="page")) == 1


def test_a_page_that_only_tries_a_way_tries_no_other(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    page = desk.driver.try_channel(person, f"{person}/1").result(WAIT_S)
    (tried,) = desk.pages(page=page)
    became(desk, tried, "failed", "no such number")
    assert [row.channel for row in desk.pages(page=page)] == [f"{person}/1"]


def test_when_nobody_of_a_group_was_reached_the_next_is_told_at_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TWO)
    desk.node(node_signal(1, sent=11.0))
    radio, pager = desk.pages()
    became(desk, radio, "failed", "no such number")
    assert len(desk.pages()) == 2
    became(desk, pager, "failed", "no such number")
    (instead,) = told(desk, group="supervisors")
    assert (instead.reason, instead.state, instead.stands_for) == (
        "nobody of Ticket agents could be reached",
        "queued",
        pager.id,
    )
    assert instead.text.startswith("Check-in counter A: 3:00 left until ")
    assert ". Nobody of Ticket agents could be reached. “I wait" in instead.text
    assert instead.id in handed(desk)
    became(desk, instead, "sent")
    desk.node(node_signal(2, "reset", mono=22.0, sent=22.0))
    over = [row for row in desk.pages(kind="over") if row.about]  # the auditor's own word may come before or after
    assert [(row.group, row.state) for row in over if row.state == "queued"] == [("supervisors", "queued")]


def test_after_the_end_of_the_ladder_there_is_nobody(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TWO)
    desk.node(node_signal(1, sent=11.0))
    for row in told(desk):
        became(desk, row, "failed", "no such number")
    became(desk, told(desk, group="supervisors")[0], "failed", "no such number")
    assert len(told(desk, group="supervisors")) == 1
    desk.pass_ms(90_000)
    assert len(told(desk, group="supervisors")) == 2, "their own step comes all the same"


def test_the_failure_and_what_follows_from_it_are_one_commit(
    ada: tuple[Desk, str], make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    desk, person = ada
    became(desk, desk.pages(person=person)[0], "failed", "no such number")
    as_killed(tmp_path / "data", tmp_path / "crashed")
    again = make_desk(plan=shifts(), data=tmp_path / "crashed", clock=HandClock(desk.clock.now_ms()))
    (waiting,) = [row for row in again.unsent if row.person == person]
    assert (waiting.channel, waiting.again) == (f"{person}/2", True)


def test_an_answer_is_read_by_whoever_gave_it(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TWO)
    desk.node(node_signal(1, sent=11.0))
    for row in desk.pages():
        became(desk, row, "sent")
    page = desk.pages()[0].page
    desk.pass_ms(1_500)
    desk.say("answer", b'{"page":"%s","do":"seen","by":"p7"}' % page.encode())
    assert {row.read_ms for row in desk.pages(kind="page")} == {desk.clock.now_ms()}
    heard = [each for commit in desk.commits for each in commit.heard]
    assert [(each.channel, each.what, each.seconds) for each in heard] == [
        ("radio", "read", 1.5),
        ("pager", "read", 1.5),
    ]


def test_an_answer_from_a_pager_does_not_make_a_dead_phone_work(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=shifts(), clock=HandClock(MORNING))
    ada = Office(desk.driver.people).hire("Ada", "json://a1", "mqtt://pager-7")
    desk.node(node_signal(1, sent=11.0))
    (phone,) = desk.pages(person=ada)
    became(desk, phone, "queued", "the service did not take it")
    desk.pass_ms(LATE_MS)
    pager = desk.pages(person=ada)[-1]
    desk.say("answer", b'{"page":"%s","do":"claim","by":"Ada"}' % phone.page.encode())
    by_channel = {row.channel: row for row in desk.pages(person=ada)}
    assert by_channel[pager.channel].read_ms == desk.clock.now_ms()
    assert by_channel[phone.channel].state != "sent", "nobody ever took it"
    assert by_channel[phone.channel].read_ms is None


def test_what_its_receiver_has_is_not_sent_once_more(ada: tuple[Desk, str]) -> None:
    desk, person = ada
    (first,) = desk.pages(person=person)
    became(desk, first, "queued", "the service did not answer in time")
    received(desk, first)
    assert desk.pages(person=person)[0].state == "sent"
    assert first.id in [id for commit in desk.commits for id in commit.cancelled], "its tries end"

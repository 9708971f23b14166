"""A Saturday at check-in counter A: a line that was saved, and one that nobody came for."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from andgate.wire.codec import parse_time
from tests.story.airport import LAMP, MARK, MOT, Airport, event, events, span_s
from tests.story.stage import until

PROMISE = "I wait no more than 15 minutes to check in."


def test_the_line_reaches_the_mark_and_is_saved(  # noqa: PLR0915 - a story is told in one piece
    airport: Airport, screen: Page
) -> None:
    desk, mark, pager = airport.node("desk-a1"), airport.node("mark-a"), airport.pager
    lamp = desk.lamp(LAMP)
    screen.goto(airport.url)
    expect(screen.locator(".calm")).to_contain_text("Nothing is threatened that can be seen.")
    airport.node("belt-3")
    expect(screen.locator(".calm")).to_contain_text("Nothing needs you.")

    # Somebody walks through the beam: not a line, and nothing happens.
    mark.lower(MARK)
    airport.later(seconds=2)
    mark.raise_(MARK)
    airport.later(seconds=5)
    assert airport.moments() == []

    # The line reaches the mark and stands there. It counts from when it reached the mark, not from four seconds later.
    before_ms = airport.clock.now_ms()
    mark.lower(MARK)
    after_ms = airport.clock.now_ms()
    airport.later(seconds=4.2)
    moment = airport.open_moment("counter-a")
    which = moment["id"]
    page = pager.hear("page/ticket-agents", kind="page", moment=which)
    assert moment["witnesses"] == ["mark-a/mark"]
    assert span_s(moment["opened_at"], moment["ends_at"]) == 180
    opened = event(airport.moment(which), "opened")
    assert before_ms - 100 < parse_time(opened["at"]) < after_ms + 100
    assert airport.left_s(moment) <= page["left_s"] < 176
    assert page["reason"] == "so much time is left"
    assert page["claim"] == f"/api/v1/moments/{which}/claim"
    assert PROMISE in page["text"]

    # The agent presses too. The network hiccups, so the lamp blinks fast: seen here; then it is steady: heard.
    airport.broker.pause()
    desk.press(MOT)
    lamp.fast()
    airport.broker.resume()
    airport.becomes(which, witnesses=["mark-a/mark", "desk-a1/mot"])
    airport.quiet()
    lamp.steady()

    # The floor has it, with the time left as the biggest thing.
    card = screen.locator(".card")
    expect(card).to_contain_text("Check-in counter A")
    expect(card.locator(".count").first).to_have_text(re.compile(r"^[12]:[0-5]\d$"))
    expect(card).to_contain_text(PROMISE)
    expect(card).to_contain_text("Nobody is on it.")
    expect(card).to_contain_text("Next: supervisors in")
    assert (lamp.lit, lamp.changes) == (True, [])

    # Somebody answers the page: the lamp pulses slowly, and the floor says who it is.
    pager.claim(page, by="p7")
    airport.becomes(which, claimed_by="p7")
    lamp.slow()
    expect(card).to_contain_text("p7")

    # 90 seconds are left, and the supervisors are left alone, since somebody is on it.
    airport.until_left(which, 88)
    skipped = event(airport.becomes(which, level="threatened"), "page-skipped")
    assert skipped["facts"] == {"step": 1, "group": "supervisors", "because": "claimed"}
    airport.quiet()
    assert [group for group, _ in pager.pages()] == ["ticket-agents"]

    # By habit the agent holds the button, but the line still stands: three quick blinks, and the trail knows.
    desk.lower(MOT)
    airport.later(seconds=2.2)
    until(lambda: desk.refused("mot"))
    said = {"do": "refused", "device": "mot", "reason": "once more, for slow eyes"}
    lamp.three_quick_blinks(again=lambda: pager.say("node/desk-a1/command", said))
    desk.raise_(MOT)
    refused = event(airport.becomes(which, state="open"), "refused")
    assert refused["facts"]["held_by"] == ["mark-a/mark"]
    assert refused["facts"]["witness"] == "desk-a1/mot"

    # The line is gone. Saved; and those who were paged are told so, once.
    mark.raise_(MARK)
    airport.later(seconds=4.2)
    saved = airport.becomes(which, state="ended")
    assert (saved["verdict"], saved["saved"], saved["answered"]) == ("success", True, True)
    assert (saved["provisional"], saved["revision"], saved["late_s"]) == (False, 0, 0.0)
    airport.quiet()
    assert [(group, over["moment"]) for group, over in pager.pages("over")] == [("ticket-agents", which)]
    assert "saved" in pager.pages("over")[0][1]["text"]
    assert [group for group, _ in pager.pages()] == ["ticket-agents"]

    # The floor is calm again, the tile says "saved" for a while, and the figures count it.
    expect(card).to_have_count(0)
    tile = screen.locator('[data-key="tile-counter-a"]')
    expect(tile).to_have_class(re.compile("is-saved"))
    expect(tile).to_contain_text("saved")
    expect(screen.locator("h1")).to_contain_text("1 of 1 promises kept, 1 saved")
    rate = airport.rate("expectation", "check-in-wait")
    assert (rate["n"], rate["success"], rate["saved"], rate["answered"], rate["rate"]) == (1, 1, 1, 1, 1.0)
    screen.goto(f"{airport.url}/success?interaction=all")
    row = screen.get_by_role("row").filter(has_text=PROMISE).first
    expect(row.get_by_role("cell")).to_contain_text([PROMISE, "100", "", "1", "1", "0", "1"])

    # Anybody can see why, in a minute.
    screen.goto(f"{airport.url}/moments/{which}")
    expect(screen.locator("h1")).to_contain_text("Saved with")
    expect(screen.get_by_text("Nobody was paged after the end was known.")).to_be_visible()
    screen.get_by_text("The trail in words").click()
    trail = screen.locator("section.trail tbody")
    for words in ("p7", "refused", "Supervisors", "saved"):
        expect(trail).to_contain_text(re.compile(words, re.IGNORECASE))


def test_nobody_comes(airport: Airport, screen: Page) -> None:
    desk, pager = airport.node("desk-a1"), airport.pager
    lamp = desk.lamp(LAMP)
    desk.press(MOT)
    moment = airport.open_moment("counter-a")
    which = moment["id"]
    page = pager.hear("page/ticket-agents", kind="page", moment=which)
    assert airport.left_s(moment) <= page["left_s"] <= 180
    assert page["late"] is False

    # Nobody claims it. At 90 seconds the supervisors are called; in the last third the lamp is in a hurry.
    airport.until_left(which, 110)
    airport.quiet()
    assert [group for group, _ in pager.pages()] == ["ticket-agents"]
    airport.until_left(which, 89)
    page = pager.hear("page/supervisors", kind="page", moment=which)
    assert airport.left_s(moment) <= page["left_s"] <= 90
    airport.until_left(which, 50)
    assert airport.becomes(which, level="failing")["verdict"] is None
    lamp.quick()

    # The deadline passes while the hub is asleep for a while: the failure is stamped with the deadline all the same.
    airport.until_left(which, -20)
    failed = airport.becomes(which, verdict="failure")
    assert event(failed, "failed")["at"] == failed["ends_at"]
    assert span_s(failed["opened_at"], failed["ends_at"]) == 180
    assert (failed["state"], failed["late_s"], failed["saved"]) == ("open", None, False)

    # The customers still stand there, and somebody presses again: the first group is told once more.
    airport.later(minutes=1)
    desk.press(MOT)
    again = pager.hear("page/ticket-agents", count=2, kind="page", moment=which)
    assert again["reason"] == "customers are still waiting"
    assert again["left_s"] < 0
    assert airport.becomes(which, state="open")["witnesses"] == ["desk-a1/mot"]

    # At last somebody resets it, late; the success table has its first failure.
    desk.lower(MOT)
    airport.later(seconds=2.2)
    desk.raise_(MOT)
    closed = airport.becomes(which, state="ended")
    assert closed["verdict"] == "failure"
    assert closed["late_s"] == pytest.approx(span_s(closed["ends_at"], closed["closed_at"]), abs=0.001)
    assert 80 < closed["late_s"] < -airport.left_s(closed)
    assert events(closed).count("refused") == 0
    airport.quiet()
    assert sorted(group for group, _ in pager.pages("over")) == ["supervisors", "ticket-agents"]
    rate = airport.rate("expectation", "check-in-wait")
    assert (rate["n"], rate["success"], rate["failure"], rate["rate"]) == (1, 0, 1, 0.0)

    # What is owed is said, and what was done and why is put on record.
    screen.goto(f"{airport.url}/moments/{which}")
    expect(screen.locator("h1")).to_contain_text(re.compile(r"Failed, late by [12]:\d\d"))
    expect(screen.locator("[data-region=moment]")).to_contain_text("Apologise in person; priority tag on the bags.")
    status, body = airport.send(f"/moments/{which}/cause", {"cause": "people: one desk open", "by": "sup-1"})
    assert (status, body["cause"]) == (200, "people: one desk open")
    expect(screen.locator("[data-region=moment]")).to_contain_text("people: one desk open")
    assert airport.send(f"/moments/{which}/remedy", {"remedy": "Apologised; tagged.", "by": "sup-1"}).status == 200
    assert airport.moment(which)["remedy"] == "Apologised; tagged."

"""A cable is cut: what happened meanwhile counts when it happened, not when it was heard."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from andgate.wire.codec import parse_time
from tests.story.airport import DONE, LAMP, MARK, MOT, Airport, events, span_s
from tests.story.stage import until


def test_the_line_cleared_while_the_node_was_cut_off(airport: Airport, screen: Page) -> None:
    mark, pager = airport.node("mark-a", on_the_cable=True), airport.pager
    lowered_ms = airport.clock.now_ms()
    mark.lower(MARK)
    airport.later(seconds=4.2)
    which = airport.open_moment("counter-a")["id"]
    pager.hear("page/ticket-agents", kind="page", moment=which)

    # The cable is cut, then the line clears, in time; but nobody hears it.
    airport.cable.cut()
    until(lambda: not mark.app.connected)
    until(lambda: airport.known("mark-a").state == "lost")
    airport.later(minutes=1)
    mark.raise_(MARK)
    raised_ms = airport.clock.now_ms()
    airport.later(seconds=4.2)
    until(lambda: mark.kept == 1)

    # The hub can only judge by what it knows: nobody came. It says that it cannot see.
    airport.until_left(which, -5)
    failed = airport.becomes(which, verdict="failure")
    assert (failed["provisional"], failed["revision"], failed["state"]) == (True, 0, "open")
    pager.hear("verdict", id=which, verdict="failure", revision=0)
    pager.hear("page/supervisors", kind="page", moment=which)

    # The cable is mended, minutes later. The line had cleared in time: saved. The old verdict stays on record.
    airport.later(minutes=5)
    pages = len(pager.pages())
    airport.cable.mend()
    saved = airport.becomes(which, state="ended")
    assert (saved["verdict"], saved["saved"], saved["late_s"]) == ("success", True, 0.0)
    assert saved["revision"] >= 1  # where the node's clock becomes better known afterwards, its times move once more
    assert 60 < span_s(saved["opened_at"], saved["closed_at"]) < (raised_ms - lowered_ms) / 1000 + 0.1
    revised = next(line for line in saved["trail"] if line["event"] == "revised")
    assert revised["facts"]["was"]["verdict"] == "failure"
    assert revised["facts"]["now"]["verdict"] == "success"
    assert revised["facts"]["because"]
    assert span_s(saved["closed_at"], revised["learned_at"]) > 300
    pager.hear("verdict", id=which, verdict="success", revision=1)

    # What is over pages nobody; those who had been paged are told.
    airport.quiet()
    airport.later(minutes=5)
    airport.quiet()
    assert len(pager.pages()) == pages == 2
    assert sorted(group for group, _ in pager.pages("over")) == ["supervisors", "ticket-agents"]
    rate = airport.rate("expectation", "check-in-wait")
    assert (rate["success"], rate["failure"], rate["saved"]) == (1, 0, 1)

    screen.goto(f"{airport.url}/moments/{which}")
    expect(screen.locator("h1")).to_contain_text("Saved with")
    expect(screen.get_by_text(re.compile(r"revised (once|\d+ times)"))).to_be_visible()
    chart = screen.locator(".timeline:visible").first  # both verdicts, and why one gave way to the other
    expect(chart).to_contain_text(re.compile("failed.*saved.*Revision at .*cleared", re.DOTALL))
    screen.get_by_text("The trail in words").click()
    trail = screen.locator("section.trail tbody")
    expect(trail).to_contain_text(re.compile("failed: the deadline passed.*saved: cleared.*revised", re.DOTALL))


def test_pressed_and_reset_while_cut_off_was_a_whole_story_that_nobody_saw(airport: Airport) -> None:
    desk, pager = airport.node("desk-a1", on_the_cable=True), airport.pager
    lamp = desk.lamp(LAMP)
    airport.cable.cut()
    until(lambda: not desk.app.connected)
    pressed_ms = airport.clock.now_ms()
    desk.press(MOT)
    lamp.fast()  # seen here; nobody has confirmed it
    airport.later(seconds=40)
    desk.lower(MOT)
    airport.later(seconds=2.2)
    desk.raise_(MOT)
    until(lambda: desk.kept == 3)
    reset_ms = airport.clock.now_ms()
    airport.later(minutes=10)
    airport.cable.mend()
    moment = until(airport.moments)[0]
    moment = airport.becomes(moment["id"], state="ended")
    assert (moment["verdict"], moment["saved"]) == ("success", True)
    assert 40 <= span_s(moment["opened_at"], moment["closed_at"]) < (reset_ms - pressed_ms) / 1000 + 0.1
    airport.quiet()
    assert pager.pages() == []
    assert pager.all("verdict", id=moment["id"], verdict="failure") == []
    assert "paged" not in events(moment)


def test_the_sign_goes_on_and_the_button_works_without_anybody(airport: Airport) -> None:
    belt = airport.node("belt-3", on_the_cable=True)
    key = "AG1234/2026-11-21"
    airport.send("/signals", {"id": "d", "touchpoint": "belt-3", "signal": "docked", "key": key})
    which = airport.open_moment("belt-3", key)["id"]
    until(lambda: belt.app.sign_text("sign").startswith("AG1234 2"))
    airport.cable.cut()
    until(lambda: "(no link)" in belt.app.sign_text("sign"))
    airport.later(minutes=12)
    until(
        lambda: belt.app.sign_text("sign").startswith(("AG1234 10:", "AG1234 09:")), lambda: belt.app.sign_text("sign")
    )
    pressed_ms = airport.clock.now_ms()
    belt.press(DONE)
    until(lambda: "DONE" in belt.app.sign_text("sign"))
    done_ms = airport.clock.now_ms()
    airport.later(minutes=30)
    assert airport.becomes(which, verdict="failure")["state"] == "open"
    airport.cable.mend()
    kept = airport.becomes(which, state="ended")
    assert (kept["verdict"], kept["revision"] >= 1, kept["late_s"]) == ("success", True, 0.0)
    assert pressed_ms - 100 < parse_time(kept["closed_at"]) < done_ms + 100

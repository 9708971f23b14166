"""An afternoon at baggage belt 3: flights counted down, a jam, a big button, and what customers lived through."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.story.airport import BELT, DONE, Airport, event, events
from tests.story.stage import Node, until

DAY = "2026-11-21"
COUNTS_ON_S = 180
"""The sign is at 0:00 before the promise is broken."""
EARLY, LATER = f"AG1234/{DAY}", f"AG0871/{DAY}"


def dock(airport: Airport, key: str) -> str:
    """A script of the airport posts that a plane has docked; return the moment that this opened."""
    flight = key.partition("/")[0]
    body = {"id": f"dock-{flight}", "touchpoint": "belt-3", "signal": "docked", "key": key, "about": {"pax": 180}}
    assert airport.send("/signals", body) == (202, {"accepted": 1, "duplicates": 0})
    which: str = airport.open_moment("belt-3", key)["id"]
    return which


def said_by(sign: Node) -> str:
    """What the sign over the belt shows."""
    return sign.app.sign_text("sign")


def agree(sign: Node, screen: Page, words: str) -> str:
    """Wait until the panel says such words, and the page in Chromium the same at the very same time; return them."""
    leds = screen.locator("#leds")

    def same() -> str | None:
        before = said_by(sign)
        page = (leds.get_attribute("aria-label") or "").partition(": ")[2]
        return before if before == page == said_by(sign) and re.search(words, before) else None

    return until(same, lambda: (words, said_by(sign), leds.get_attribute("aria-label")))


def test_a_flight_is_counted_down_jams_and_is_done(airport: Airport, screen: Page) -> None:
    belt, pager = airport.node("belt-3"), airport.pager
    screen.goto(f"{airport.url}/sign/belt-3")
    which = dock(airport, EARLY)
    until(lambda: said_by(belt).startswith("AG1234 2"))
    moment = airport.moment(which)

    # 22:00 and counting, the same on the panel as on any screen, to the second, and right.
    for minutes in (22, 15, 7):
        before_s = airport.left_s(moment) - COUNTS_ON_S
        # The clock has just leapt: panel and screen may agree for a moment on how it was before.
        shown = agree(belt, screen, rf"AG1234 (?:{minutes:02d}|{minutes - 1:02d}):\d\d")
        clock = re.search(r"(\d\d):(\d\d)", shown)
        assert clock is not None
        shown_s = int(clock[1]) * 60 + int(clock[2])
        assert airport.left_s(moment) - COUNTS_ON_S - 2 < shown_s < before_s + 2
        assert minutes - 1 <= int(clock[1]) <= minutes
        if minutes > 7:
            airport.until_left(which, 60 * (minutes - 7.5) + COUNTS_ON_S)
    assert events(airport.moment(which)) == ["opened"]  # no threat before 8 minutes are left of the promise

    # The belt jams: threatened at once, and whoever is responsible is told; and called again at 8 minutes.
    belt.lower(BELT)
    airport.later(seconds=2.5)
    threatened = airport.becomes(which, level="threatened")
    assert event(threatened, "threatened")["facts"]["signal"] is not None
    told = pager.hear("page/supervisors", kind="page", moment=which, reason="jammed")
    assert "AG1234" in told["text"]
    airport.until_left(which, 480)
    page = pager.hear("page/supervisors", kind="page", moment=which, reason="so much time is left")
    assert "AG1234" in page["text"]
    assert airport.left_s(moment) <= page["left_s"] <= 480
    belt.raise_(BELT)

    # 0:00 is past, the inner target missed, but not the promise: the sign counts on.
    airport.until_left(which, 100)
    agree(belt, screen, r"AG1234 \+[12]:\d\d")
    assert airport.becomes(which, level="failing")["verdict"] is None

    # "Unloading complete": one press, no flight typed by anybody.
    belt.press(DONE)
    done = airport.becomes(which, state="ended")
    assert (done["verdict"], done["saved"], done["key"], done["anomaly"]) == ("success", True, EARLY, False)
    assert [signal["key"] for signal in done["signals"] if signal["signal"] == "unloaded"] == [EARLY]
    agree(belt, screen, r"AG1234 DONE \d\d:\d\d|DONE \d\d:\d\d")
    airport.quiet()
    assert [group for group, _ in pager.pages("over")] == ["supervisors"]

    # The flight's customers got what they were promised: all inputs of the gate are on.
    (outcome,) = airport.get("/interactions/arrival/outcomes")["items"]
    assert (outcome["key"], outcome["state"], outcome["failing"]) == (EARLY, "success", [])
    assert airport.rate("interaction", "arrival")["success"] == 1


def test_two_flights_on_one_sign(airport: Airport, screen: Page) -> None:
    belt = airport.node("belt-3")
    first = dock(airport, EARLY)
    airport.later(minutes=10)
    second = dock(airport, LATER)
    screen.goto(f"{airport.url}/sign/belt-3")
    agree(belt, screen, r"AG1234 1[0-2]:\d\d.*AG0871 2[0-2]:\d\d")

    # The button closes the one that the sign shows first. A glove presses twice: that is still one flight.
    belt.press(DONE)
    belt.press(DONE)
    done = airport.becomes(first, state="ended")
    airport.quiet()
    assert done["verdict"] == "success"
    assert airport.moment(second)["state"] == "open"
    agree(belt, screen, r"^AG0871 2[0-2]:\d\d")

    # The other one is done six minutes after docking: far better than promised, and flagged.
    airport.later(minutes=6)
    until(lambda: said_by(belt).startswith("AG0871"))
    belt.press(DONE)
    early = airport.becomes(second, state="ended")
    assert (early["verdict"], early["saved"], early["anomaly"]) == ("success", False, True)
    assert airport.rate("expectation", "baggage-claim")["anomaly"] == 1
    screen.goto(f"{airport.url}/moments/{second}")
    expect(screen.get_by_text("a positive anomaly")).to_be_visible()


def test_the_promise_breaks_and_the_failing_input_is_named(airport: Airport, screen: Page) -> None:
    belt = airport.node("belt-3")
    which = dock(airport, EARLY)
    other = dock(airport, LATER)
    assert (
        airport.send("/signals", {"id": "x1", "touchpoint": "belt-3", "signal": "diverted", "key": LATER}).status == 202
    )
    void = airport.becomes(other, state="ended")
    assert (void["verdict"], void["reason"]) == ("void", "diverted")

    screen.goto(f"{airport.url}/sign/belt-3")
    airport.until_left(which, -30)
    failed = airport.becomes(which, verdict="failure")
    assert event(failed, "failed")["at"] == failed["ends_at"]
    agree(belt, screen, r"AG1234 \+[34]:\d\d")
    (outcome,) = airport.get("/interactions/arrival/outcomes")["items"]  # a diverted flight is left out
    assert (outcome["key"], outcome["state"], outcome["first"]) == (EARLY, "failure", which)
    assert outcome["failing"] == [which]
    belt.press(DONE)
    closed = airport.becomes(which, state="ended")
    assert (closed["verdict"], closed["saved"]) == ("failure", False)
    assert 30 < closed["late_s"] < -airport.left_s(closed)
    screen.goto(f"{airport.url}/success")
    gate = screen.locator("figure").first
    expect(gate).to_contain_text("my bag within 25 minutes")
    expect(screen.locator("h1")).to_contain_text("0 of 1")

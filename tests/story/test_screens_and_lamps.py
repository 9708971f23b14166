"""What is done on a screen is seen on a lamp, and the other way round: one floor, however one looks at it."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.story.airport import LAMP, MARK, MOT, Airport


def finger_on(screen: Page) -> None:
    """Put a finger on the red button of a tablet."""
    box = screen.locator("#mot").bounding_box()
    assert box is not None
    screen.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    screen.mouse.down()


def test_a_claim_on_the_floor_makes_the_lamp_pulse(airport: Airport, screen: Page) -> None:
    desk = airport.node("desk-a1")
    lamp = desk.lamp(LAMP)
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]
    page = airport.pager.hear("page/ticket-agents", kind="page", moment=which)

    screen.goto(airport.url)
    screen.get_by_label("On this screen I am").fill("Jo K.")
    screen.get_by_role("button", name="I’m on it: Check-in counter A").click()
    assert airport.becomes(which, claimed_by="Jo K.")["claimed_at"] is not None
    expect(screen.locator(".card")).to_contain_text("Jo K.")
    lamp.slow()

    # The hall's board says where and that somebody comes, and no names.
    screen.goto(f"{airport.url}/board/all")
    expect(screen.locator("main")).to_contain_text("Check-in counter A")
    expect(screen.locator("main")).not_to_contain_text("Jo K.")

    # The beam node is not even there; a reset at the button ends it, on every screen.
    desk.lower(MOT)
    airport.later(seconds=2.2)
    desk.raise_(MOT)
    assert airport.becomes(which, state="ended")["answered"] is True
    airport.pager.hear("page/ticket-agents", kind="over", moment=page["moment"])
    expect(screen.locator("main")).not_to_contain_text("Check-in counter A")


def test_a_tablet_is_a_red_button_too(airport: Airport, screen: Page) -> None:
    mark = airport.node("mark-a")
    screen.goto(f"{airport.url}/desk/counter-a")
    finger_on(screen)
    screen.mouse.up()
    moment = airport.open_moment("counter-a")
    airport.pager.hear("page/ticket-agents", kind="page", moment=moment["id"])
    expect(screen.locator("#checks")).to_contain_text("Ticket agents paged")
    expect(screen.locator("#mot")).to_have_class(re.compile("ring-threatened"))

    # While the line stands at the mark the tablet cannot reset it either, and says why.
    mark.lower(MARK)
    airport.later(seconds=4.2)
    airport.becomes(moment["id"], witnesses=[*moment["witnesses"], "mark-a/mark"])
    expect(screen.locator("main")).to_contain_text(re.compile("still at the mark", re.IGNORECASE))
    mark.raise_(MARK)
    airport.later(seconds=4.2)
    ended = airport.becomes(moment["id"], state="ended")
    assert (ended["verdict"], ended["saved"]) == ("success", True)
    expect(screen.locator("#head")).to_contain_text("Saved")

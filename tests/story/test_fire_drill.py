"""A fire drill in the middle of a morning, a floor that is being washed, and somebody who learns the button."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from tests.story.airport import LAMP, MOT, Airport
from tests.story.stage import until

ALARM, HORN = 23, 19
EXTRA = """
[touchpoints.fire-panel]
name = "Fire panel"
group = "supervisors"
suspends = "site"
suspends_at_most = "10m"
[nodes.gatehouse.devices.alarm]
touchpoint = "fire-panel"
kind = "belt-sensor"
pin = 23
settle = "200ms"
signals = { on = "suspended", off = "resumed" }
[nodes.desk-a9.devices.mot]
touchpoint = "counter-a"
kind = "mot-button"
button = 17
lamp = 27
"""


@pytest.fixture
def airport(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    there = Airport(tmp_path, airport_toml + EXTRA)
    yield there
    there.close()


def sound(airport: Airport) -> None:
    """The journal says all that the tables say, and judges the same again."""
    database = airport.folder / "hub" / "andgate.db"
    found = verify(database)
    assert found.sound(witnessed=False), [found.broken, *map(str, found.differences)]
    assert rejudge(database).first is None


def suspended(airport: Airport, *, stands: bool) -> None:
    """Wait until a place is suspended, as lamps and signs are told, or is not."""

    def so() -> bool:
        said = airport.pager.all("touchpoint/belt-3/moment")
        return bool(said) and ("suspended" in said[-1]) is stands

    until(so, lambda: airport.pager.all("touchpoint/belt-3/moment")[-3:])


def test_a_fire_drill(airport: Airport, screen: Page) -> None:
    desk, belt, gate = airport.node("desk-a1"), airport.node("belt-3"), airport.node("gatehouse")
    docked = {"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": "AG1234/2026-11-21"}
    assert airport.send("/signals", docked).status == 202
    until(lambda: belt.app.sign_text("sign").startswith("AG1234"))
    screen.goto(airport.url)

    # The alarm: nobody is paged, the sign is blank, and screens say so, big and calm.
    gate.lower(ALARM)
    airport.later(seconds=0.3)
    suspended(airport, stands=True)
    until(lambda: "AG1234" not in belt.app.sign_text("sign"))
    expect(screen.locator(".suspended .big")).to_contain_text("Suspended")
    desk.press(MOT)
    moment = airport.open_moment("counter-a")["id"]
    airport.later(seconds=100)
    assert airport.pager.pages() == []
    held = airport.get(f"/pages?moment={moment}")["items"]
    assert {row["state"] for row in held} == {"muted"}
    assert all(row["note"].startswith("suspended since 1") for row in held)
    expect(screen.locator(".card").first).to_contain_text("Check-in counter A")  # judged all the same

    # It is over: who is still needed is paged, once, and the sign counts where it would have been.
    gate.raise_(ALARM)
    airport.later(seconds=0.3)
    suspended(airport, stands=False)
    page = airport.pager.hear("page/ticket-agents", kind="page", moment=moment)
    assert page["reason"] == "it was quiet until now"
    airport.pager.hear("page/supervisors", kind="page", moment=moment)
    until(lambda: belt.app.sign_text("sign").startswith("AG1234"))
    expect(screen.locator(".suspended")).to_have_count(0)
    airport.quiet()
    assert len(airport.pager.pages()) == 2

    # Nobody comes. The failure is what it is, and the alarm is proposed as its cause.
    airport.until_left(moment, -5)
    airport.becomes(moment, verdict="failure")
    screen.goto(f"{airport.url}/moments/{moment}")
    expect(screen.locator(".why")).to_contain_text("what kept pages back had ended")
    expect(screen.locator("body")).to_contain_text(re.compile(r"Fire panel, 1\d:\d\d to 1\d:\d\d"))
    sound(airport)


def test_a_contact_that_is_cut_off_lets_pages_go_again(airport: Airport) -> None:
    desk, gate = airport.node("desk-a1"), airport.node("gatehouse")
    gate.lower(ALARM)
    airport.later(seconds=0.3)
    suspended(airport, stands=True)
    gate.app.stop()
    until(lambda: airport.known("gatehouse").state != "online")
    del airport.nodes["gatehouse"]
    airport.later(minutes=8)
    desk.press(MOT)
    moment = airport.open_moment("counter-a")["id"]
    airport.quiet()
    assert airport.pager.pages() == []
    airport.later(minutes=2.5)
    page = airport.pager.hear("page/ticket-agents", kind="page", moment=moment)
    assert page["reason"] == "it was quiet until now"
    suspended(airport, stands=False)
    gate.board.close()
    sound(airport)


def test_a_mute_and_somebody_who_learns_the_button(airport: Airport) -> None:
    desk, learner = airport.node("desk-a1"), airport.node("desk-a9")
    train = {"who": "desk-a9", "trainer": "supervisors", "lasts_s": 3600, "by": "Ines"}
    assert airport.send("/trainings", train).status == 201
    until(lambda: any("training" in said for said in airport.pager.all("touchpoint/counter-a/moment")))
    lamp, real = learner.lamp(LAMP), desk.lamp(LAMP)

    # The learner presses: their lamp answers, the trainer is paged, and no real line knows of it.
    learner.press(MOT)
    page = airport.pager.hear("page/supervisors", kind="page")
    assert page["text"].startswith("Training, not real. Check-in counter A")
    lamp.steady()
    assert not real.lit
    assert airport.moments() == []
    (trained,) = airport.moments("?training=true")
    assert trained["training"] == "supervisors"
    assert airport.pager.all("verdict") == []

    # Meanwhile the floor is washed. A real line comes, and nobody is paged until that is over.
    mute = {"reason": "Floor is being washed", "lasts_s": 60, "touchpoints": ["counter-a"], "by": "Otto"}
    assert airport.send("/mutes", mute).status == 201
    desk.press(MOT)
    moment = airport.open_moment("counter-a")["id"]
    assert moment != trained["id"]
    airport.quiet()
    assert [group for group, _ in airport.pager.pages()] == ["supervisors"]
    airport.later(seconds=61)
    airport.pager.hear("page/ticket-agents", kind="page", moment=moment)
    # On a slow machine the next group's turn may have come, too.
    paged = [line["facts"]["group"] for line in airport.moment(moment)["trail"] if line["event"] == "paged"]
    assert paged.count("ticket-agents") == 2
    sound(airport)

"""A node goes dark: technicians are told where, since when and what to do, once; and what was not seen is counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.story.airport import MOT, Airport
from tests.story.stage import until

ZONE = 'timezone = "Europe/Rome"\n'


@pytest.fixture
def airport(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    opened = Airport(tmp_path, airport_toml.replace(ZONE, ZONE + 'technicians = "supervisors"\n'))
    yield opened
    opened.close()


def test_a_node_is_lost_and_found(airport: Airport, screen: Page) -> None:
    desk, pager = airport.node("desk-a1", on_the_cable=True), airport.pager
    airport.node("mark-a")
    airport.node("belt-3")
    there_s = airport.clock.mono_s()
    airport.later(minutes=2)

    airport.cable.cut()
    since = until(lambda: _lost(airport, "desk-a1"))
    airport.later(seconds=30)
    assert pager.pages() == [], "a blink of the network pages nobody"
    airport.later(seconds=40)
    page = pager.hear("page/supervisors", kind="page")
    assert (page["moment"], page["claim"], page["late"]) == (None, None, False)
    assert page["text"].startswith(f"desk-a1 at Check-in counter A: lost since {since}. Look whether it has power")

    screen.goto(f"{airport.url}/nodes")
    row = screen.locator("tr[data-key=node-desk-a1]")
    expect(row).to_contain_text(f"lost since today {since}, technicians were told")
    expect(row).to_contain_text("Look whether it has power and network")

    # The hub begins again: nobody is told twice, and the fault is as old as it was.
    airport.hub.stop()
    airport.hub_again()
    airport.later(minutes=5)
    airport.later(minutes=1)
    assert [group for group, _ in pager.pages()] == ["supervisors"]
    (fault,) = next(node for node in airport.get("/nodes")["items"] if node["id"] == "desk-a1")["faults"]
    assert (fault["kind"], fault["page"]) == ("lost", page["id"])

    # It is back, and had watched all along: it is over, and what it saw meanwhile counts as seen.
    desk.press(MOT)
    airport.cable.mend()
    pager.hear("page/supervisors", kind="over")
    airport.quiet()
    assert [moment["touchpoint"] for moment in airport.moments()] == ["counter-a"]
    airport.later(seconds=20)
    airport.quiet()
    airport.send(f"/moments/{airport.moments()[0]['id']}/reset", {"reason": "story"})
    # Blind it was only until each node had been heard for the first time.
    until(
        lambda: airport.rate("touchpoint", "counter-a")["blind_s"] < there_s + 20,
        lambda: airport.rate("touchpoint", "counter-a"),
    )


def _lost(airport: Airport, name: str) -> str | None:
    """Since when a node is lost, on the clocks of the place; None while it is not."""
    (node,) = (node for node in airport.get("/nodes")["items"] if node["id"] == name)
    since = next((fault["since"] for fault in node["faults"] if fault["kind"] == "lost"), None)
    return since and f"{datetime.fromisoformat(since).astimezone(ZoneInfo('Europe/Rome')):%H:%M}"

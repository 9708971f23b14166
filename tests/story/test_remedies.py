"""After a failure: somebody is told what is owed, gives it in time, or too late; a second failure is exceptional."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.story.airport import BELT_SENSOR, Airport
from tests.story.stage import until

FLIGHT = "AG1234/2026-11-21"
PLAN = """
[expectations.baggage-claim.remedy]
text = "A drink, and help with the bags."
within = "20m"
group = "supervisors"
may = ["Drink", "Voucher up to 20 EUR"]
[[expectations.baggage-claim.remedy.pages]]
left = "20m"
group = "supervisors"
[[expectations.baggage-claim.remedy.pages]]
left = "5m"
group = "ticket-agents"
unless = "claimed"

[expectations.stairs]
promise = "Somebody helps me down the stairs within 30 minutes."
touchpoints = ["belt-3"]
key = "flight"
opens = ["called"]
closes = ["helped"]
fails_after = "30m"
[expectations.stairs.remedy]
text = "A call from the duty manager."
within = "20m"
group = "supervisors"
"""


@pytest.fixture
def airport(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    there = Airport(tmp_path, airport_toml + BELT_SENSOR + PLAN)
    yield there
    there.close()


def says(airport: Airport, id: str, signal: str, **more: Any) -> None:
    """A script of the airport posts what it saw of the flight."""
    body = {"id": id, "touchpoint": "belt-3", "signal": signal, "key": FLIGHT, **more}
    assert airport.send("/signals", body).status == 202


def owed(airport: Airport, count: int) -> list[Any]:
    """Wait until so many tasks are open; return them."""

    def found() -> list[Any] | None:
        items: list[Any] = airport.get("/remedies")["items"]
        return items if len(items) == count else None

    return until(found, lambda: airport.get("/remedies")) if count else found() or []


def fail(airport: Airport) -> Any:
    """Let the bags of the flight come too late; return the task."""
    says(airport, "dock", "docked")
    moment = airport.open_moment("belt-3", FLIGHT)["id"]
    airport.until_left(moment, -2)
    (task,) = owed(airport, 1)
    assert task["failed"] == moment
    return task


def test_a_failure_is_paged_and_made_good_in_two_taps(airport: Airport, screen: Page) -> None:
    task = fail(airport)
    page = airport.pager.hear("page/supervisors", kind="page", moment=task["task"]["id"])
    assert page["text"].startswith("Baggage belt 3, AG1234: make it good, ")
    assert page["text"].endswith("A drink, and help with the bags. You may give: Drink, Voucher up to 20 EUR.")

    # An agent has one of its passengers in front of them: the list, the button.
    screen.goto(f"{airport.url}/remedies")
    screen.get_by_role("button", name="Baggage belt 3, AG1234: Drink is given").click()
    expect(screen.get_by_role("heading", name="Nothing is owed to anybody.")).to_be_visible()
    over = airport.pager.hear("page/supervisors", kind="over", moment=task["task"]["id"])
    assert over["text"] == "Baggage belt 3, AG1234: over, made good."
    failed = airport.moment(task["failed"])
    assert (failed["verdict"], failed["remedy"], failed["given"]["gave"]) == ("failure", "Drink", ["Drink"])
    assert airport.moment(task["task"]["id"])["verdict"] == "success"
    assert airport.rate("remedy", "baggage-claim.remedy")["success"] == 1
    assert airport.rate("expectation", "baggage-claim")["failure"] == 1


def test_too_late_and_then_a_second_failure_which_is_exceptional(airport: Airport) -> None:
    says(airport, "call", "called")
    first = fail(airport)
    assert not first["exceptional"]
    # The other promise to the same passengers breaks five minutes later.
    stairs = airport.moments(f"?expectation=stairs&key={FLIGHT}")[0]["id"]
    airport.until_left(stairs, -2)
    _, second = owed(airport, 2)
    assert second["exceptional"]
    assert second["before"] == "Second failure for AG1234, after “I have my bag within 25 minutes of docking”."
    page = airport.pager.hear("page/supervisors", kind="page", moment=second["task"]["id"])
    assert second["before"] in page["text"]

    # Nobody does anything: those next in line are told, and the task itself is too late.
    airport.until_left(first["task"]["id"], 240)
    airport.pager.hear("page/ticket-agents", kind="page", moment=first["task"]["id"])
    airport.until_left(first["task"]["id"], -60)
    assert airport.becomes(first["task"]["id"], verdict="failure")["state"] == "open"
    path = f"/moments/{first['failed']}/remedy"
    assert airport.send(path, {"gave": ["Drink"], "comment": "an hour later"}).status == 200
    done = airport.becomes(first["task"]["id"], state="ended")
    assert (done["verdict"], done["late_s"] > 59) == ("failure", True)


def test_a_failure_that_never_was_takes_its_task_back(airport: Airport) -> None:
    task = fail(airport)
    airport.pager.hear("page/supervisors", kind="page", moment=task["task"]["id"])
    # The belt's log comes late: the last bag was on it in time.
    moment = airport.moment(task["failed"])
    says(airport, "done", "unloaded", at=moment["opened_at"])
    assert airport.becomes(task["failed"], verdict="success")["revision"] == 1
    assert airport.becomes(task["task"]["id"], withdrawn=True)["state"] == "ended"
    airport.pager.hear("page/supervisors", kind="over", moment=task["task"]["id"])
    assert owed(airport, 0) == []


def test_a_hub_that_stops_over_a_task_has_it_when_it_is_back(airport: Airport) -> None:
    task = fail(airport)
    airport.pager.hear("page/supervisors", kind="page", moment=task["task"]["id"])
    airport.hub.stop()
    airport.hub_again()
    (again,) = owed(airport, 1)
    assert again["task"]["id"] == task["task"]["id"]
    assert airport.send(f"/moments/{task['failed']}/remedy", {"gave": ["Drink"]}).status == 200
    assert airport.becomes(task["task"]["id"], state="ended")["verdict"] == "success"

"""A break room's screen: what its group was paged about, and the one big button."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec.structs import replace
from starlette.testclient import TestClient

from andgate.moment.moments import Moment
from andgate.plan import parse_plan
from andgate.plan.quiet import Scope
from hub.quiet.view import Mute, Suspension, View
from hub.store import PageFate
from hub.web.app import create_app
from hub.web.pages import annunciator
from tests.hub_web.stand import Stand

FORM = {"content-type": "application/x-www-form-urlencoded"}


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2])).strip()


def line(web: TestClient, id: str = "p1") -> None:
    answer = web.post("/api/v1/signals", json=[{"id": id, "touchpoint": "counter-a", "signal": "pressed"}])
    assert answer.status_code == 202, answer.text


def test_a_calm_room_says_how_it_would_be_told(web: TestClient) -> None:
    said = words(web.get("/annunciator/ticket-agents").text)
    assert "Nothing needs you." in said
    assert "Ticket agents are told here, and over radio." in said


def test_only_what_the_group_was_paged_about_is_on_its_screen(web: TestClient) -> None:
    line(web)
    said = words(web.get("/annunciator/ticket-agents").text)
    assert "Threatened 3:00 Check-in counter A" in said
    assert "Press: one of us goes" in said
    assert "Nothing needs you." in words(web.get("/annunciator/supervisors").text)


def test_one_press_claims_for_the_group_and_the_screen_says_so_without_a_name(web: TestClient) -> None:
    line(web)
    (action,) = re.findall(
        r'action="(/annunciator/ticket-agents/claim/[^"]+)"', web.get("/annunciator/ticket-agents").text
    )
    after = web.post(action, headers=FORM)
    assert str(after.url).endswith("/annunciator/ticket-agents")
    assert "Somebody comes since 13:00" in words(after.text)
    assert "Press: one of us goes" not in words(after.text)
    (moment,) = web.get("/api/v1/moments").json()["items"]
    assert moment["claimed_by"] == "Ticket agents"


def test_what_nobody_is_on_comes_first_and_many_are_counted(web: TestClient) -> None:
    for number in range(7):
        body = [
            {"id": f"d{number}", "touchpoint": "belt-3", "signal": "docked", "key": f"AG{number}/2026-11-21"},
            {"id": f"j{number}", "touchpoint": "belt-3", "signal": "jammed", "key": f"AG{number}/2026-11-21"},
        ]
        assert web.post("/api/v1/signals", json=body).status_code == 202
    page = web.get("/annunciator/supervisors").text
    assert "and 2 more" in words(page)
    first = re.findall(r'action="(/annunciator/supervisors/claim/[^"]+)"', page)
    after = web.post(first[0], headers=FORM).text
    second = re.findall(r'action="(/annunciator/supervisors/claim/[^"]+)"', after)
    assert second
    assert second != first
    assert "AG" in words(after)


def test_a_group_that_is_not_there_is_told(web: TestClient) -> None:
    assert web.get("/annunciator/nobody").status_code == 404
    assert web.post("/annunciator/nobody/claim/x", headers=FORM).status_code == 404
    assert web.post("/annunciator/ticket-agents/claim/unknown", headers=FORM).status_code == 404
    listed = words(web.get("/annunciator").text)
    assert "Ticket agents" in listed
    assert "Supervisors" in listed


def test_what_is_muted_or_suspended_is_told_as_such(airport_toml: str) -> None:
    plan = parse_plan(airport_toml)
    moment = Moment(
        id="0" * 32, anchor="f/a", expectation="check-in-wait", touchpoint="counter-a", opened_ms=0, ends_ms=180_000,
        counts_to_ms=180_000, threatened_ms=0, level="threatened", plan="x",
    )  # fmt: skip
    shown = annunciator.build(plan, "ticket-agents", [moment], 1_000)
    assert shown is not None
    assert shown.first is not None
    mute = Mute(id="m", scope=Scope(touchpoints=("counter-a",)), owner="p", reason="tests", begin_ms=0, end_ms=2_000)
    hushed = annunciator.build(plan, "ticket-agents", [moment], 1_000, View(mutes=(mute,)))
    assert hushed is not None
    assert hushed.first is None
    fire = Suspension(contact="fire/bell", touchpoint="hall", since_ms=0, places=("counter-a",), site=True)
    told = annunciator.build(plan, "ticket-agents", [moment], 1_000, View(suspensions=(fire,)))
    assert told is not None
    assert told.suspended
    assert told.first is not None
    assert told.first.suspended
    here = replace(fire, site=False)
    later = replace(moment, id="1" * 32, touchpoint="belt-3", ends_ms=999_000)
    some = annunciator.build(plan, "ticket-agents", [moment, later], 1_000, View(suspensions=(here,)))
    assert some is not None
    assert some.suspended == "Since 01:00: Check-in counter A. Nobody is paged about them."
    assert some.first is not None
    assert (some.first.id, some.first.suspended) == (later.id, False), "where somebody may go comes first"
    assert [each.suspended for each in some.others] == [True]


def test_nobody_is_asked_to_go_while_a_fire_alarm_is_on(tmp_path: Path, airport_toml: str) -> None:
    panel = '[touchpoints.fire-panel]\nname = "Fire panel"\ngroup = "supervisors"\nsuspends = "site"\n'
    stand = Stand(tmp_path, parse_plan(airport_toml + panel))
    app = create_app(stand.driver, stand.reader, stand.clock)
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=True) as web:
        line(web)
        for row in stand.reader.pages().items:
            stand.driver.fate(PageFate(row.id, row.moment, "sent", "", 1, row.due_ms, stand.clock.now_ms()))
        (claim,) = re.findall(r'action="(/annunciator/[^"]+/claim/[^"]+)"', web.get("/annunciator/ticket-agents").text)
        fire = {"id": "f1", "touchpoint": "fire-panel", "signal": "suspended"}
        assert web.post("/api/v1/signals", json=fire).status_code == 202
        said = words(web.get("/annunciator/ticket-agents").text)
        assert "Suspended" in said
        assert "Nobody is asked to go there now." in said
        assert "Press: one of us goes" not in said
        assert "Suspended: nobody is paged" in words(web.get("/").text), "what comes next is not promised"
        assert ">Go<" not in web.get("/board/all").text
        assert web.post(claim, headers=FORM).status_code == 409, "a screen that has not heard of it yet"
        assert web.get("/api/v1/moments").json()["items"][0]["claimed_by"] is None
        assert web.post("/api/v1/signals", json={**fire, "id": "f2", "signal": "resumed"}).status_code == 202
        assert "Press: one of us goes" in words(web.get("/annunciator/ticket-agents").text)
    stand.close()


def test_what_can_still_be_kept_comes_before_what_has_failed(airport_toml: str) -> None:
    plan = parse_plan(airport_toml)
    failed = Moment(
        id="0" * 32, anchor="f/a", expectation="check-in-wait", touchpoint="counter-a", opened_ms=0, ends_ms=180_000,
        counts_to_ms=180_000, threatened_ms=0, level="failed", plan="x",
    )  # fmt: skip
    later = replace(failed, id="1" * 32, ends_ms=400_000, counts_to_ms=400_000, level="threatened")
    room = annunciator.build(plan, "ticket-agents", [failed, later], 200_000)
    assert room is not None
    assert room.first is not None
    assert [room.first.id, *(each.id for each in room.others)] == [later.id, failed.id]


def test_where_two_are_needed_a_second_press_is_a_second_person(tmp_path: Path, airport_toml: str) -> None:
    needs = "[expectations.check-in-wait]"
    stand = Stand(tmp_path, parse_plan(airport_toml.replace(needs, f"{needs}\nneeds = 2", 1)))
    app = create_app(stand.driver, stand.reader, stand.clock)
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=True) as web:
        line(web)
        page = web.get("/annunciator/ticket-agents").text
        assert "2 are needed" in words(page)
        (action,) = re.findall(r'action="(/annunciator/ticket-agents/claim/[^"]+)"', page)
        stand.clock.advance(10_000)
        after = web.post(action, data={"saw": "0"}).text
        assert "1 of 2 coming" in words(after)
        assert 'name="saw" value="1"' in after
        assert "Press: one of us goes" in words(after), "one more is asked for"
        stand.clock.advance(10_000)
        assert "1 of 2 coming" in words(web.post(action, data={"saw": "0"}).text), "it had not heard of the first"
        stand.clock.advance(10_000)
        assert "Somebody comes" in words(web.post(action, data={"saw": "1"}).text)
        (moment,) = web.get("/api/v1/moments").json()["items"]
        assert [each["by"] for each in moment["claims"]] == ["Ticket agents", "Ticket agents (2)"]
    stand.close()

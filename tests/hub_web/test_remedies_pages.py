"""The pages of what comes after a failure: what is owed, two taps to give it, why it happened, and what went before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from andgate.plan import Plan, parse_plan
from hub.web.app import create_app
from hub.web.pages.moment import owed_words
from hub.web.pages.remedies import build
from tests.hub_web.stand import FLIGHT, Stand
from tests.hub_web.test_remedies_api import MINUTE, MORE, fail

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    return parse_plan(airport_toml + MORE)


def words(html: str) -> str:
    """Return what a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def test_two_taps_give_what_is_owed(stand: Stand, web: TestClient) -> None:
    assert "Nothing is owed to anybody." in words(web.get("/remedies").text)
    failed = fail(stand, web)
    page = web.get("/remedies")
    assert '<a href="/remedies" aria-current="page">' in page.text
    said = words(page.text)
    assert "One customer or flight waits for what we owe; 19:00 left." in said
    for each in ("Baggage belt 3, AG1234", "A drink, and help with the bags.", "Drink", "Voucher up to 20 EUR"):
        assert each in said
    after = web.post(f"/moments/{failed}/remedy", data={"gave": "Drink", "back": "/remedies"}, headers=FORM)
    assert str(after.url).endswith("/remedies")
    assert "Nothing is owed to anybody." in words(after.text)
    assert "Done today" in words(after.text)
    assert "Baggage belt 3, AG1234 Drink Correct it" in words(after.text)


def test_a_hall_has_no_names_and_nothing_to_press(stand: Stand, web: TestClient) -> None:
    assert "Nothing is owed." in words(web.get("/remedies/hall").text)
    fail(stand, web)
    (task,) = web.get("/api/v1/remedies").json()["items"]
    web.post(f"/api/v1/moments/{task['task']['id']}/claim", json={"by": "Marta", "promise_s": 600})
    html = web.get("/remedies/hall").text
    assert "Marta" not in html
    assert "<form" not in html
    assert "Baggage belt 3, AG1234" in words(html)
    assert "Marta is on it" in words(web.get("/remedies").text)
    assert words(web.get("/remedies", params={"group": "ticket-agents"}).text).count("AG1234") == 0


def test_late_ones_and_those_of_others_say_so(stand: Stand, web: TestClient) -> None:
    failed = fail(stand, web)
    for n in range(5):
        fail(stand, web, id=f"x{n}", key=f"AG{n}/2026-11-21")
    said = words(web.get("/remedies").text)
    assert "6 wait for what we owe them, the first is late ." in said
    assert "and 2 more" in words(web.get("/remedies/hall").text)
    web.post(f"/moments/{failed}/remedy", data={"gave": "Drink"}, headers=FORM)
    assert "Drink, too late" in words(web.get("/remedies").text)
    (task,) = (each for each in web.get("/api/v1/remedies").json()["items"] if each["place"].endswith("AG0"))
    web.post(f"/moments/{task['task']['id']}/void", data={"reason": "nobody came"}, headers=FORM)
    assert "not owed: nobody came" in words(web.get("/remedies").text)
    stand.clock.advance(9 * 60 * MINUTE)
    stand.driver.signals([], "x").result(30)
    late = stand.reader.moments(expectation="baggage-claim.remedy", key="AG4/2026-11-21").items[0]
    ended = replace(late, state="ended", verdict="failure", late_s=None, ended_ms=late.ends_ms)
    page = build(stand.driver.plan, [], [(ended, None)], stand.clock.now_ms(), hall=False)
    assert [each.what for each in page.done] == ["nobody said what was given"]
    assert owed_words(stand.driver.plan, ended) == "Nobody said what was given"
    assert owed_words(stand.driver.plan, replace(ended, verdict="void")) == "nothing any more"


def test_a_moment_asks_why_and_shows_what_is_proposed(stand: Stand, web: TestClient) -> None:
    assert (
        web.post(
            "/api/v1/signals", json={"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": FLIGHT}
        ).status_code
        == 202
    )
    assert (
        web.post(
            "/api/v1/signals", json={"id": "j1", "touchpoint": "belt-3", "signal": "jammed", "key": FLIGHT}
        ).status_code
        == 202
    )
    failed = fail(stand, web)
    page = web.get(f"/moments/{failed}").text
    said = words(page)
    assert "Cause not yet known" in said
    assert "Proposed, nobody has said so yet" in said
    assert "Belt stands: api, jammed" in said
    assert "Owed until 13:45: A drink, and help with the bags." in said
    assert '<option value="too-few-handlers">' in page
    web.post(f"/moments/{failed}/cause", data={"id": "belt-stands", "comment": "drum 2"}, headers=FORM)
    said = words(web.get(f"/moments/{failed}").text)
    assert "Cause quality: Belt stands (somebody, 13:26): drum 2" in said
    assert "Proposed" not in said
    assert "Correct the cause" in said
    own = {"reason": "a dog on the belt", "kind": "quality"}
    web.post(f"/moments/{failed}/cause", data=own, headers=FORM)
    assert "quality: a dog on the belt (somebody, 13:26)" in words(web.get(f"/moments/{failed}").text)
    refused = web.post(f"/moments/{failed}/cause", data={"id": ""}, headers={**FORM, "accept": "text/html"})
    assert refused.status_code == 422
    gave = {"gave-1": "Drink", "gave-2": "Voucher up to 20 EUR", "comment": "two bags"}
    web.post(f"/moments/{failed}/remedy", data=gave, headers=FORM)
    said = words(web.get(f"/moments/{failed}").text)
    assert "Remedy Drink, Voucher up to 20 EUR (somebody, 13:26): two bags" in said
    assert "Owed Made good in time" in said


def test_a_task_leads_to_what_failed_and_back(stand: Stand, web: TestClient) -> None:
    failed = fail(stand, web)
    (entry,) = web.get("/api/v1/remedies").json()["items"]
    task = entry["task"]["id"]
    page = web.get(f"/moments/{task}").text
    assert f'href="/moments/{failed}"' in page
    said = words(page)
    assert "This makes good what failed at Baggage belt 3, AG1234." in said
    assert "Give the cause" not in said
    assert "End it by hand" not in said
    assert f'href="/moments/{task}"' in web.get(f"/moments/{failed}").text
    stand.clock.advance(30 * MINUTE)
    stand.driver.signals([], "x").result(30)
    web.post(f"/moments/{task}/remedy", data={"reason": "a taxi"}, headers=FORM)
    assert "Made good, 11:00 late" in words(web.get(f"/moments/{failed}").text)


def test_the_success_page_counts_what_is_known_and_what_was_given(stand: Stand, web: TestClient) -> None:
    ids = [fail(stand, web, id=f"d{n}", key=f"AG{n}/2026-11-21") for n in range(3)]
    web.post(f"/api/v1/moments/{ids[0]}/cause", json={"id": "belt-stands"})
    web.post(f"/api/v1/moments/{ids[2]}/remedy", json={"gave": ["Drink"]})
    page = web.get("/success", params={"interaction": "all"}).text
    said = words(page)
    assert said.index("Belt stands") < said.index("Not yet known")
    assert "No cause is on record for 2 of 3 failures" in said
    assert "A drink, and help with the bags. 1 of 3 given in time" in said


# ------------------------------------------------------------------------------------------- on the desk, what first

PRESSED = {"touchpoint": "counter-a", "signal": "pressed", "device": "desk-a1/mot"}
FIRST = """
[expectations.check-in-wait.first_at]
counter-a = ["Open a second desk", "Send the floor walker"]
"""


@pytest.fixture
def guided(tmp_path: Path, airport_toml: str) -> Iterator[tuple[Stand, TestClient]]:
    stand = Stand(tmp_path / "guided", parse_plan(airport_toml + MORE + FIRST))
    with TestClient(create_app(stand.driver, stand.reader, stand.clock), base_url="http://127.0.0.1") as web:
        yield stand, web
    stand.close()


def test_the_desk_asks_why_once_it_is_over(guided: tuple[Stand, TestClient]) -> None:
    stand, web = guided
    assert web.post("/api/v1/signals", json={"id": "p1", **PRESSED}).status_code == 202
    stand.clock.advance(4 * MINUTE)
    assert "Why was it too late?" not in words(web.get("/desk/counter-a").text), "it is not over"
    assert web.post("/api/v1/signals", json={"id": "r1", **PRESSED, "signal": "reset"}).status_code == 202
    page = web.get("/desk/counter-a").text
    assert "Why was it too late?" in words(page)
    assert 'value="nobody-free"' in page, "a plan without a list has the usual one"
    moment = web.get("/api/v1/moments", params={"state": "ended"}).json()["items"][0]["id"]
    after = web.post(f"/moments/{moment}/cause", data={"id": "nobody-free", "back": "/desk/counter-a"}, headers=FORM)
    assert "Why was it too late?" not in words(after.text)
    assert web.get(f"/api/v1/moments/{moment}").json()["cause"] == "people: Nobody free in time"


def test_screens_say_what_to_do_first_and_which_of_two(guided: tuple[Stand, TestClient]) -> None:
    stand, web = guided
    assert web.post("/api/v1/signals", json={"id": "p1", **PRESSED}).status_code == 202
    floor = words(web.get("/").text)
    assert "First: Open a second desk" in floor
    assert "This one first" not in floor
    assert "First: Open a second desk." in words(web.get("/board/all").text)
    moment = web.get("/api/v1/moments").json()["items"][0]["id"]
    story = web.get(f"/moments/{moment}").text
    assert re.search(r"First: Open a second desk Send the floor walker", words(story))
    web.post("/api/v1/signals", json={"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": FLIGHT})
    web.post("/api/v1/signals", json={"id": "j1", "touchpoint": "belt-3", "signal": "jammed", "key": FLIGHT})
    assert "This one first. First: Open a second desk" in words(web.get("/").text)
    assert "Threatened, first" in words(web.get("/board/all").text)
    path = f"/api/v1/moments/{moment}/claim"
    assert web.post(path, json={"first": "Sing"}).status_code == 422
    assert web.post(path, json={"first": "open a second desk", "by": "Marta"}).status_code == 200
    assert "This one first" not in words(web.get("/").text)
    (claim,) = (each for each in web.get(f"/api/v1/moments/{moment}").json()["trail"] if each["event"] == "claimed")
    assert claim["facts"]["first"] == "Open a second desk"
    web.post("/api/v1/signals", json={"id": "r1", **PRESSED, "signal": "reset"})
    assert list(stand.driver.lessons.values()) == [(1, 1)]
    stand.clock.advance(MINUTE)
    form = {"first": "Send the floor walker", "back": "/"}
    web.post("/api/v1/signals", json={"id": "p2", **PRESSED})
    again = web.get("/api/v1/moments", params={"state": "open", "touchpoint": "counter-a"}).json()["items"][0]["id"]
    assert web.post(f"/moments/{again}/claim", data=form, headers=FORM).status_code == 200
    (claim,) = (each for each in web.get(f"/api/v1/moments/{again}").json()["trail"] if each["event"] == "claimed")
    assert claim["facts"]["first"] == "Send the floor walker"

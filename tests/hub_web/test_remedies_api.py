"""What is owed after a failure and why it came about, over HTTP: lists, words from the plan, rights, corrections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from andgate.plan import Plan, parse_plan
from andgate.wire.messages import FeedSignal
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub_web.stand import FLIGHT, Stand
from tests.hub_web.test_api import problem

MORE = """
[expectations.baggage-claim.remedy]
text = "A drink, and help with the bags."
within = "20m"
group = "supervisors"
may = ["Drink", "Voucher up to 20 EUR"]
[expectations.baggage-claim.causes]
people = ["Too few handlers"]
quality = ["Belt stands"]
proposed_by = { jammed = "Belt stands" }
"""
AGENT, CHIEF = "agent-secret-000002", "chief-secret-000004"
TOKENS = f"""
[tokens.agent-7]
secret = "{AGENT}"
rights = ["read", "act"]
[tokens.chief]
secret = "{CHIEF}"
rights = ["read", "act", "supervise"]
"""
DOCKED = {"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": FLIGHT}
MINUTE = 60_000


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    return parse_plan(airport_toml + MORE)


@pytest.fixture
def guarded(stand: Stand) -> Iterator[TestClient]:
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    with TestClient(app, base_url="http://hub.example") as web:
        yield web


def fail(stand: Stand, web: TestClient, **signal: str) -> str:
    """Let bags come too late; return the failed moment's id."""
    assert web.post("/api/v1/signals", json={**DOCKED, **signal}).status_code == 202
    stand.clock.advance(26 * MINUTE)
    stand.driver.signals([], "nobody").result(30)
    key = signal.get("key", FLIGHT)
    return str(web.get("/api/v1/moments", params={"key": key}).json()["items"][0]["id"])


def test_open_tasks_are_listed_nearest_deadline_first(stand: Stand, web: TestClient) -> None:
    assert web.get("/api/v1/remedies").json() == {"items": [], "next": None}
    failed = fail(stand, web)
    other = fail(stand, web, id="d2", key="AG9/2026-11-21")
    first, second = web.get("/api/v1/remedies").json()["items"]
    assert (first["failed"], second["failed"]) == (failed, other)
    assert first["task"]["remedies"] == failed
    assert (first["place"], first["owed"], first["may"], first["group"], first["exceptional"], first["before"]) == (
        "Baggage belt 3, AG1234",
        "A drink, and help with the bags.",
        ["Drink", "Voucher up to 20 EUR"],
        "supervisors",
        False,
        "",
    )
    assert first["left_s"] == -7 * 60
    assert (
        len(web.get("/api/v1/remedies", params={"group": "supervisors", "touchpoint": "belt-3"}).json()["items"]) == 2
    )
    assert web.get("/api/v1/remedies", params={"group": "ticket-agents"}).json()["items"] == []
    problem(web.get("/api/v1/remedies", params={"colour": "red"}), 422)


def test_tasks_are_in_no_list_of_moments_unless_asked_for(stand: Stand, web: TestClient) -> None:
    failed = fail(stand, web)
    assert [each["id"] for each in web.get("/api/v1/moments").json()["items"]] == [failed]
    asked = web.get("/api/v1/moments", params={"expectation": "baggage-claim.remedy"}).json()["items"]
    assert [each["remedies"] for each in asked] == [failed]
    rates = web.get("/api/v1/success", params={"by": "expectation"}).json()["items"]
    assert [each["group"] for each in rates] == ["baggage-claim"]
    web.post(f"/api/v1/moments/{failed}/remedy", json={"gave": ["Drink"]})
    (own,) = web.get("/api/v1/success", params={"by": "remedy"}).json()["items"]
    assert (own["group"], own["name"], own["success"]) == (
        "baggage-claim.remedy",
        "A drink, and help with the bags.",
        1,
    )


def test_what_was_given_ends_the_task(stand: Stand, web: TestClient) -> None:
    failed = fail(stand, web)
    path = f"/api/v1/moments/{failed}/remedy"
    said = web.post(path, json={"gave": ["voucher up to 20 eur", "Drink"], "comment": "two bags", "by": "Marta"}).json()
    assert (said["remedy"], said["given"]["gave"], said["given"]["comment"], said["given"]["by"]) == (
        "Voucher up to 20 EUR, Drink",
        ["Voucher up to 20 EUR", "Drink"],
        "two bags",
        "Marta",
    )
    assert web.get("/api/v1/remedies").json()["items"] == []
    listed = web.post(path, json={"remedy": "drink"}).json()
    assert listed["given"]["gave"] == ["Drink"], "words of the list are of the list"
    free = web.post(path, json={"remedy": "a taxi", "gave": ["Drink"]}).json()
    assert free["remedy"] == "Drink, a taxi"
    assert "Drink, Voucher" in problem(web.post(path, json={"gave": ["Gold"]}), 422)["detail"]
    problem(web.post(path, json={}), 422)


def test_what_staff_may_not_give_takes_a_supervisor(stand: Stand, guarded: TestClient) -> None:
    feed = {"authorization": f"Bearer {CHIEF}"}
    agent = {"authorization": f"Bearer {AGENT}"}
    stand.driver.signals([], "x").result(30)
    stand.driver.signals([FeedSignal(id="d1", touchpoint="belt-3", signal="docked", key=FLIGHT)], "ops").result(30)
    stand.clock.advance(26 * MINUTE)
    stand.driver.signals([], "x").result(30)
    failed = stand.reader.moments(key=FLIGHT).items[0].id
    path = f"/api/v1/moments/{failed}/remedy"
    said = problem(guarded.post(path, json={"remedy": "a taxi"}, headers=agent), 403)
    assert "Drink, Voucher up to 20 EUR" in said["detail"]
    assert guarded.post(path, json={"gave": ["Drink"]}, headers=agent).status_code == 200
    assert guarded.post(path, json={"remedy": "a taxi"}, headers=feed).json()["remedy"] == "a taxi"


def test_a_cause_is_chosen_corrected_and_kept(stand: Stand, web: TestClient) -> None:
    failed = fail(stand, web)
    path = f"/api/v1/moments/{failed}/cause"
    assert "caused" not in web.get(f"/api/v1/moments/{failed}").json()
    first = web.post(path, json={"id": "belt-stands", "comment": "drum 2"}).json()
    assert (first["cause"], first["caused"]["category"], first["caused"]["cause"], first["caused"]["comment"]) == (
        "quality: Belt stands",
        "quality",
        "belt-stands",
        "drum 2",
    )
    again = web.post(path, json={"cause": "too few handlers"}).json()
    assert (again["cause"], again["caused"]["cause"]) == ("people: Too few handlers", "too-few-handlers")
    own = web.post(path, json={"cause": "a dog on the belt", "category": "quality"}).json()
    assert (own["cause"], own["caused"]["category"], own["caused"]["cause"]) == (
        "quality: a dog on the belt",
        "quality",
        None,
    )
    noted = [each["facts"] for each in web.get(f"/api/v1/moments/{failed}").json()["trail"] if each["event"] == "noted"]
    assert [each["text"] for each in noted] == [
        "quality: Belt stands",
        "people: Too few handlers",
        "quality: a dog on the belt",
    ]
    assert "belt-stands" in problem(web.post(path, json={"id": "rain"}), 422)["detail"]
    problem(web.post(path, json={"comment": "?"}), 422)
    problem(web.post(path, json={"cause": "x", "category": "weather"}), 422)
    assert web.post(path, json={"id": "sensor-blind", "cause": "fog"}).json()["caused"]["comment"] == "fog"


def test_causes_are_counted_and_what_is_not_known_is_said(stand: Stand, web: TestClient) -> None:
    empty = web.get("/api/v1/causes").json()
    assert (empty["items"], empty["failures"], empty["known"]) == ([], 0, 0)
    ids = [fail(stand, web, id=f"d{n}", key=f"AG{n}/2026-11-21") for n in range(4)]
    for moment, said in zip(
        ids, ({"id": "belt-stands"}, {"cause": "quality: Belt stands"}, {"cause": "rain"}), strict=False
    ):
        assert web.post(f"/api/v1/moments/{moment}/cause", json=said).status_code == 200
    found = web.get("/api/v1/causes", params={"expectation": "baggage-claim", "touchpoint": "belt-3"}).json()
    assert (found["failures"], found["known"]) == (4, 3)
    assert [(each["category"], each["cause"], each["name"], each["n"]) for each in found["items"]] == [
        ("quality", "belt-stands", "Belt stands", 2),
        (None, "", "rain", 1),
        (None, None, "not yet known", 1),
    ]
    assert web.get("/api/v1/causes", params={"touchpoint": "counter-a"}).json()["items"] == []


JOURNEY = """
[interactions.journey]
name = "The whole way"
key = "flight"
inputs = ["check-in-wait", "baggage-claim"]
"""


def test_a_line_that_failed_while_the_flight_stood_in_it_went_before(tmp_path: Path, airport_toml: str) -> None:
    stand = Stand(tmp_path / "journey", parse_plan(airport_toml + MORE + JOURNEY))
    with TestClient(create_app(stand.driver, stand.reader, stand.clock), base_url="http://127.0.0.1") as web:
        serving = {"id": "s1", "touchpoint": "counter-a", "signal": "serving", "key": FLIGHT}
        assert web.post("/api/v1/signals", json=serving).status_code == 202
        pressed = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}
        assert web.post("/api/v1/signals", json=pressed).status_code == 202
        stand.clock.advance(4 * MINUTE)
        reset = {"id": "r1", "touchpoint": "counter-a", "signal": "reset"}
        assert web.post("/api/v1/signals", json=reset).status_code == 202
        fail(stand, web)
        fail(stand, web, id="d2", key="AG9/2026-11-21")
        first, other = web.get("/api/v1/remedies").json()["items"]
        assert (first["exceptional"], other["exceptional"]) == (True, False)
        assert first["before"] == "Second failure for AG1234, after “I wait no more than 15 minutes to check in”."
        assert "Second failure for AG1234" in web.get("/remedies").text
        (line,) = web.get("/api/v1/moments", params={"expectation": "check-in-wait"}).json()["items"]
        assert f'href="/moments/{line["id"]}"' in web.get(f"/moments/{first['failed']}").text
        assert f'href="/moments/{line["id"]}"' in web.get(f"/moments/{first['task']['id']}").text
    stand.close()

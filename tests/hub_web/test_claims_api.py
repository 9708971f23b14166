"""Who is on a moment, over HTTP and on its page: several, handed over, given back, and who may override a reset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from andgate.plan import Plan, parse_plan
from hub.store.people import Person
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub_web.stand import Stand
from tests.hub_web.test_api import problem

ANNA, BOB, CHIEF = "agent-secret-000001", "agent-secret-000002", "chief-secret-000003"
AGENTS = f"""
[tokens.anna]
secret = "{ANNA}"
rights = ["read", "act", "signal"]
[tokens.bob]
secret = "{BOB}"
rights = ["read", "act"]
"""
SUPERVISOR = f"""
[tokens.chief]
secret = "{CHIEF}"
rights = ["read", "act", "supervise"]
"""
PRESSED = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}
STANDS = {"id": "m1", "touchpoint": "counter-a", "signal": "reached"}


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    needs = "[expectations.check-in-wait]\nneeds = 2"
    return parse_plan(airport_toml.replace("[expectations.check-in-wait]", needs, 1))


@pytest.fixture
def single(tmp_path: Path, airport_toml: str) -> Iterator[Stand]:
    stand = Stand(tmp_path, parse_plan(airport_toml))
    yield stand
    stand.close()


def web(stand: Stand, tokens: str | None = AGENTS + SUPERVISOR) -> TestClient:
    guarded = parse_tokens(tokens) if tokens is not None else None
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=guarded)
    app.state.people = stand.driver.people
    base = "http://127.0.0.1" if tokens is None else "http://hub.example"
    return TestClient(app, base_url=base, follow_redirects=True)


def by(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def opened(stand: Stand, client: TestClient) -> str:
    assert client.post("/api/v1/signals", json=PRESSED, headers=by(ANNA)).status_code == 202
    return str(client.get("/api/v1/moments", headers=by(ANNA)).json()["items"][0]["id"])


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_everybody_who_is_on_it_is_told_first_come_first(single: Stand) -> None:
    with web(single) as client:
        path = f"/api/v1/moments/{opened(single, client)}/claim"
        assert "claims" not in client.get(path.removesuffix("/claim"), headers=by(ANNA)).json()
        client.post(path, json={"promise_s": 60}, headers=by(ANNA))
        single.clock.advance(30)
        now = client.post(path, headers=by(BOB)).json()
        assert (now["claimed_by"], now["claimed_at"]) == ("anna", "2026-11-21T12:00:00.000Z")
        assert now["claims"] == [
            {"by": "anna", "at": "2026-11-21T12:00:00.000Z", "until": "2026-11-21T12:01:00.000Z"},
            {"by": "bob", "at": "2026-11-21T12:00:00.030Z", "until": "2026-11-21T12:03:00.000Z"},
        ]
        single.clock.advance(1)
        refused = client.request("DELETE", path, headers=by(CHIEF))
        assert [claim["by"] for claim in refused.json()["claims"]] == ["anna"], "a supervisor ends the last"
        problem(client.request("DELETE", path, headers=by(BOB)), 409)
        assert "claims" not in client.request("DELETE", path, headers=by(ANNA)).json()


def test_where_two_are_needed_the_answer_says_how_many_come(stand: Stand) -> None:
    with web(stand) as client:
        path = f"/api/v1/moments/{opened(stand, client)}/claim"
        now = client.post(path, headers=by(ANNA)).json()
        assert (now["needs"], now["claimed_at"], [claim["by"] for claim in now["claims"]]) == (2, None, ["anna"])
        page = words(client.get(path.removeprefix("/api/v1").removesuffix("/claim"), headers=by(ANNA)).text)
        assert "1 of 2 coming" in page
        stand.clock.advance(10)
        now = client.post(path, headers=by(BOB)).json()
        assert (now["claimed_by"], now["claimed_at"]) == ("bob", "2026-11-21T12:00:00.010Z")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"group": "supervisors", "reason": "a fall"}, 200),
        ({}, 422),
        ({"group": "supervisors", "person": "~0123456789abcdef"}, 422),
        ({"group": "cleaners"}, 422),
        ({"person": "~0123456789abcdef"}, 409),
        ({"groups": "supervisors"}, 422),
    ],
)
def test_a_claim_is_handed_over(single: Stand, body: dict[str, str], status: int) -> None:
    with web(single) as client:
        path = f"/api/v1/moments/{opened(single, client)}"
        problem(client.post(f"{path}/hand-over", json={"group": "supervisors"}, headers=by(ANNA)), 409)
        client.post(f"{path}/claim", headers=by(ANNA))
        problem(client.post(f"{path}/hand-over", json={"group": "supervisors"}, headers=by(BOB)), 409)
        single.clock.advance(1)
        answer = client.post(f"{path}/hand-over", json=body, headers=by(ANNA))
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["claimed_by"] == "anna"
            events = [each["event"] for each in client.get(path, headers=by(ANNA)).json()["trail"]]
            assert "handed-over" in events


def test_a_claim_is_given_back_on_an_open_hub_by_whoever_asks(single: Stand) -> None:
    with web(single, None) as client:
        moment = opened(single, client)
        client.post(f"/api/v1/moments/{moment}/claim", json={"by": "anna"})
        single.clock.advance(1)
        assert client.request("DELETE", f"/api/v1/moments/{moment}/claim").json()["claimed_by"] is None


def test_only_a_supervisor_overrides_a_refused_reset(single: Stand) -> None:
    with web(single) as client:
        moment = opened(single, client)
        client.post("/api/v1/signals", json=STANDS, headers=by(ANNA))
        refused = {"id": "r1", "touchpoint": "counter-a", "signal": "reset"}
        client.post("/api/v1/signals", json=refused, headers=by(ANNA))
        path, why = f"/api/v1/moments/{moment}/reset", {"reason": "A trolley stands before the beam."}
        told = problem(client.post(path, json=why, headers=by(ANNA)), 403)
        assert "supervise" in str(told)
        page = f"/moments/{moment}"
        assert "overridden by a supervisor" in client.get(page, headers=by(ANNA)).text
        assert "overridden by a supervisor" not in client.get(page, headers=by(CHIEF)).text
        assert f'href="{page}#override"' in client.get("/desk/counter-a", headers=by(ANNA)).text, (
            "one tap from the desk"
        )
        assert 'id="override"' in client.get(page, headers=by(CHIEF)).text
        assert client.post(f"{page}/reset", data=why, headers=by(ANNA)).status_code == 403
        problem(client.post(path, json={"reason": ""}, headers=by(CHIEF)), 422)
        assert client.post(f"{page}/reset", data={"reason": ""}, headers=by(CHIEF)).status_code == 422
        assert client.post(f"{page}/reset", data=why | {"back": page}, headers=by(CHIEF)).status_code == 200
        ended = client.get(f"/api/v1/moments/{moment}", headers=by(CHIEF)).json()
        trail = {each["event"]: each["facts"] for each in ended["trail"]}
        assert (ended["state"], trail["overridden"]["by"]) == ("ended", "chief")
        assert "refused" in trail, "both stand on the trail"
        story = words(client.get(page, headers=by(CHIEF)).text)
        assert "ended by chief although the mark stood: A trolley stands before the beam." in story


def test_a_token_file_without_supervisors_lets_whoever_acts_override(single: Stand) -> None:
    with web(single, AGENTS) as client:
        moment = opened(single, client)
        assert "End it now" in client.get(f"/moments/{moment}", headers=by(BOB)).text
        path = f"/api/v1/moments/{moment}/reset"
        assert client.post(path, json={"reason": "It has gone."}, headers=by(BOB)).status_code == 200


def test_the_page_of_a_moment_claims_gives_back_and_hands_over(single: Stand) -> None:
    paolo = single.driver.people.add(
        Person(id="", name="Paolo", channels=("snpp://127.0.0.1:1/7",)), single.clock.now_ms()
    )
    with web(single, None) as client:
        client.cookies.set("andgate-who", "Anna")
        moment = opened(single, client)
        page = f"/moments/{moment}"
        assert client.post(f"{page}/claim", data={"minutes": "5", "back": page}).status_code == 200
        shown = words(client.get(page).text)
        assert "Anna, until 13:05:00" in shown
        assert "Paolo" in shown
        single.clock.advance(1)
        for to in ("group/supervisors", f"person/{paolo.id}"):
            assert client.post(f"{page}/hand-over", data={"to": to, "reason": "a fall"}).status_code == 200
        assert client.post(f"{page}/hand-over", data={"to": "nobody"}).status_code == 422
        story = words(client.get(page).text)
        for line in ("Anna asked Supervisors to take over: a fall", "Anna asked Paolo to take over: a fall"):
            assert line in story
        client.cookies.set("andgate-who", "Paolo")
        single.clock.advance(1)
        client.post(f"{page}/claim", data={"minutes": "none"})
        assert "Paolo took over from Anna" in words(client.get(page).text)
        single.clock.advance(1)
        assert client.post(f"{page}/unclaim", data={"back": page}).status_code == 200
        assert "Paolo gave it back" in words(client.get(page).text)
        client.post("/api/v1/signals", json={"id": "r1", "touchpoint": "counter-a", "signal": "reset"})
        assert "Hand it over" not in client.get(page).text, "what is over needs nobody"


def test_another_s_claim_is_ended_by_a_supervisor_and_the_trail_says_so(single: Stand) -> None:
    with web(single) as client:
        moment = opened(single, client)
        client.post(f"/api/v1/moments/{moment}/claim", headers=by(ANNA))
        single.clock.advance(1)
        client.request("DELETE", f"/api/v1/moments/{moment}/claim", headers=by(CHIEF))
        assert "chief ended the claim of anna" in words(client.get(f"/moments/{moment}", headers=by(CHIEF)).text)


def test_false_alarms_are_counted_by_place_and_never_by_person(single: Stand) -> None:
    with web(single, None) as client:
        for number, (reason, by_whom) in enumerate((("false alarm: a cart", "anna"), ("drill", "anna"), (None, "bob"))):
            press = {"id": f"p{number}", "touchpoint": "counter-a", "signal": "pressed"}
            client.post("/api/v1/signals", json=press)
            moment = client.get("/api/v1/moments", params={"state": "open"}).json()["items"][0]["id"]
            if reason is not None:
                client.post(f"/api/v1/moments/{moment}/void", json={"reason": reason, "by": by_whom})
            else:
                client.post("/api/v1/signals", json={"id": "r", "touchpoint": "counter-a", "signal": "reset"})
            single.clock.advance(60_000)
        items = {each["group"]: each for each in client.get("/api/v1/success?by=touchpoint").json()["items"]}
        assert (items["counter-a"]["false_alarms"], items["counter-a"]["void"]) == (1, 2)
        by_promise = client.get("/api/v1/success?by=expectation").json()["items"][0]
        assert by_promise["false_alarms"] is None
        shown = words(client.get("/success?interaction=all").text)
        assert "By place, never by person. Place False alarms All Check-in counter A 1 2" in shown
        assert single.reader.false_alarms(since_ms=single.clock.now_ms()) == {}

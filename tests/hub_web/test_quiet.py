"""Mutes, trainings and suspensions over HTTP, and on the screens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from andgate.plan import Plan, parse_plan
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub_web.stand import Stand

READER, AGENT = "reader-secret-0001", "agent-secret-000002"
TOKENS = f"""
[tokens.reader]
secret = "{READER}"
rights = ["read"]
[tokens.agent-7]
secret = "{AGENT}"
rights = ["read", "act", "signal"]
"""
EXTRA = """
[touchpoints.fire-panel]
name = "Fire panel"
group = "supervisors"
suspends = "site"
[nodes.gatehouse.devices.alarm]
touchpoint = "fire-panel"
kind = "belt-sensor"
pin = 23
signals = { on = "suspended", off = "resumed" }
[nodes.room.devices.alarm]
kind = "annunciator"
group = "ticket-agents"
button = 5
beacon = 6
[mutes.night-cleaning]
reason = "Nightly cleaning"
owner = "Facility management"
from = "23:30"
to = "04:30"
"""
PRESSED = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed", "device": "desk-a1/mot"}


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    return parse_plan(airport_toml + EXTRA)


@pytest.fixture
def guarded(stand: Stand) -> Iterator[TestClient]:
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as web:
        yield web


def post(web: TestClient, **body: Any) -> Any:
    asked = {"reason": "Floor is being washed", "lasts_s": 1800, "by": "Ines", **body}
    return web.post("/api/v1/mutes", json={name: value for name, value in asked.items() if value is not None})


def test_no_screen_says_paged_of_a_page_that_was_kept_back(web: TestClient) -> None:
    made = post(web, touchpoints=["counter-a"]).json()["items"][0]
    web.post("/api/v1/signals", json=PRESSED)
    floor, board = web.get("/").text, web.get("/board/ticket-agents").text
    assert "Nobody has been paged." in floor
    assert "Paged:" not in floor
    assert "Nobody paged yet." in board
    web.delete(f"/api/v1/mutes/{made['id']}")
    floor, board = web.get("/").text, web.get("/board/ticket-agents").text
    assert "Nobody has been paged." not in floor
    assert "Nobody paged yet." not in board


def test_a_mute_is_made_shown_and_ended(web: TestClient) -> None:
    made = post(web, touchpoints=["counter-a"])
    assert made.status_code == 201
    mine = made.json()["items"][0]
    assert (mine["reason"], mine["owner"], mine["by"], mine["stands"]) == (
        "Floor is being washed",
        "Ines",
        "Ines",
        True,
    )
    assert (mine["begin"], mine["end"]) == ("2026-11-21T12:00:00.000Z", "2026-11-21T12:30:00.000Z")
    nightly = web.get("/api/v1/mutes").json()["items"][1]
    assert (nightly["recurring"], nightly["stands"], nightly["by"]) == (True, False, None)
    web.post("/api/v1/signals", json=PRESSED)
    page = web.get("/api/v1/pages").json()["items"][0]
    assert (page["state"], page["note"]) == ("muted", "muted until 13:30 (Ines): Floor is being washed")
    ended = web.delete(f"/api/v1/mutes/{mine['id']}")
    assert [each["recurring"] for each in ended.json()["items"]] == [True]
    assert web.get("/api/v1/pages").json()["items"][0]["state"] == "queued"
    (past,) = web.get("/api/v1/mutes", params={"past": True}).json()["items"]
    assert (past["ended_by"], past["ended_at"]) == ("somebody", "2026-11-21T12:00:00.000Z")
    assert web.delete(f"/api/v1/mutes/{mine['id']}").status_code == 404


def test_an_occurrence_of_the_plans_is_ended_by_its_name(web: TestClient, stand: Stand) -> None:
    stand.clock.advance(11 * 3_600_000)
    nightly = web.get("/api/v1/mutes").json()["items"][0]
    assert nightly["stands"]
    after = web.delete(f"/api/v1/mutes/{nightly['id']}").json()["items"]
    assert [each["stands"] for each in after] == [False]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lasts_s": None}, 422),
        ({"end": "2026-11-21T12:30:00Z"}, 422),
        ({"lasts_s": 0}, 422),
        ({"lasts_s": 9 * 3600}, 409),
        ({"lasts_s": None, "end": "tomorrow"}, 422),
        ({"begin": "soon"}, 422),
        ({"lasts_s": None, "end": "2026-11-21T11:30:00Z"}, 409),
        ({"reason": "  "}, 422),
        ({"reason": "x" * 301}, 422),
        ({"touchpoints": ["nowhere"]}, 409),
        ({"forever": True}, 422),
    ],
)
def test_what_is_no_mute_is_refused_in_words(web: TestClient, body: dict[str, Any], status: int) -> None:
    answer = post(web, **body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(web.get("/api/v1/mutes").json()["items"]) == 1


def test_rights(guarded: TestClient) -> None:
    reader, agent = ({"authorization": f"Bearer {secret}"} for secret in (READER, AGENT))
    assert guarded.get("/api/v1/mutes").status_code == 401
    assert guarded.get("/api/v1/mutes", headers=reader).status_code == 200
    body = {"reason": "Floor is being washed", "lasts_s": 600}
    assert guarded.post("/api/v1/mutes", json=body, headers=reader).status_code == 403
    made = guarded.post("/api/v1/mutes", json=body, headers=agent)
    assert made.json()["items"][0]["by"] == "agent-7"
    assert guarded.delete(f"/api/v1/mutes/{made.json()['items'][0]['id']}", headers=reader).status_code == 403
    assert guarded.post("/mutes", data={"what": "site:"}, headers=reader).status_code == 403


def test_training_over_http(web: TestClient) -> None:
    made = web.post(
        "/api/v1/trainings", json={"who": "desk-a1", "trainer": "supervisors", "lasts_s": 600, "by": "Ines"}
    )
    assert made.status_code == 201
    (each,) = web.get("/api/v1/trainings").json()["items"]
    assert (each["devices"], each["by"]) == (["desk-a1/mot"], "Ines")
    web.post("/api/v1/signals", json=PRESSED)
    assert web.get("/api/v1/moments").json()["items"] == []
    (moment,) = web.get("/api/v1/moments", params={"training": True}).json()["items"]
    assert moment["training"] == "supervisors"
    assert web.delete(f"/api/v1/trainings/{each['id']}").json()["items"] == []
    assert web.delete(f"/api/v1/trainings/{each['id']}").status_code == 404
    assert web.post("/api/v1/trainings", json={"who": "desk-a1", "trainer": "x", "lasts_s": 600}).status_code == 409


def test_suspensions_are_on_record_and_on_every_screen(web: TestClient, stand: Stand) -> None:
    alarm = {"touchpoint": "fire-panel", "device": "gatehouse/alarm"}
    web.post("/api/v1/signals", json={"id": "a1", "signal": "suspended", **alarm})
    for path in ("/", "/board/all", "/mutes"):
        assert "Suspended" in web.get(path).text, path
    assert 'id="suspended">Suspended' in web.get("/sign/belt-3").text
    assert 'id="suspended" class="hidden">' in web.get("/sign/belt-3?counts=promise").text  # customers see nothing
    stand.clock.advance(60_000)
    web.post("/api/v1/signals", json={"id": "a2", "signal": "resumed", **alarm})
    assert "Suspended" not in web.get("/").text
    (span,) = web.get("/api/v1/suspensions").json()["items"]
    assert (span["contact"], span["until"]) == ("gatehouse/alarm", "2026-11-21T12:01:00.000Z")
    assert web.get("/api/v1/suspensions", params={"since": "2026-11-21T12:02:00Z"}).json()["items"] == []


def test_a_mute_that_comes_again_says_when(web: TestClient) -> None:
    page = web.get("/mutes").text
    assert "Nightly cleaning (the plan, Facility management). Every day 23:30-04:30." in page
    assert "today 23:30-04:30" in page, "and when it comes next"


def test_the_screens_count_down_to_the_end_of_a_mute(web: TestClient) -> None:
    post(web, touchpoints=["counter-a"])
    web.post("/api/v1/signals", json=PRESSED)
    moment = web.get("/api/v1/moments").json()["items"][0]["id"]
    for path in ("/", f"/moments/{moment}", "/mutes"):
        page = web.get(path).text
        assert "Floor is being washed (Ines)." in page, path
        assert "30:00" in page, path
    board = web.get("/board/all").text
    assert "Muted until 13:30" in board
    assert "Ines" not in board  # the hall reads no names


def test_a_desk_does_not_say_that_somebody_was_paged_whose_page_was_kept_back(web: TestClient) -> None:
    post(web, touchpoints=["counter-a"])
    calm = web.get("/desk/counter-a").text
    assert "Muted until 13:30, nobody is paged from here: Floor is being washed." in calm, "before anybody presses"
    assert web.post("/api/v1/signals", json=[PRESSED]).status_code == 202
    pressed = web.get("/desk/counter-a").text
    assert "Nobody paged" in pressed
    assert "Ticket agents paged" not in pressed
    assert "If you need somebody, call." in pressed
    mine = web.get("/api/v1/mutes").json()["items"][0]
    web.post("/mutes/end", data={"mute": mine["id"]}, follow_redirects=False)
    after = web.get("/desk/counter-a").text
    assert "Ticket agents paged" in after, "who is still needed is paged at its end"
    assert "nobody is paged from here" not in after
    over = {"id": "r1", "touchpoint": "counter-a", "signal": "reset", "device": "desk-a1/mot"}
    assert web.post("/api/v1/signals", json=[over]).status_code == 202
    assert "Ticket agents paged" not in web.get("/desk/counter-a").text, "when it is over nobody is on the way"


def test_of_two_mutes_a_desk_says_the_reason_of_the_one_whose_end_it_says(web: TestClient) -> None:
    post(web, touchpoints=["counter-a"])
    post(web, groups=["ticket-agents"], reason="Radio is being mended", lasts_s=7200)
    page = web.get("/desk/counter-a").text
    assert "Muted until 15:00, nobody is paged from here: Radio is being mended." in page


def test_the_forms_mute_and_train(web: TestClient) -> None:
    form = {"what": "area:Terminal 1", "minutes": "60", "reason": "Drill", "owner": "Otto", "group": "supervisors"}
    assert web.post("/mutes", data=form, follow_redirects=False).status_code == 303
    mine = web.get("/api/v1/mutes").json()["items"][0]
    assert (mine["areas"], mine["groups"], mine["owner"]) == (["Terminal 1"], ["supervisors"], "Otto")
    assert web.post("/mutes/end", data={"mute": mine["id"]}, follow_redirects=False).status_code == 303
    assert web.post("/mutes", data={**form, "minutes": "for ever"}).status_code == 422
    refused = web.post("/mutes", data={**form, "minutes": "481"}).text
    assert "Not muted. A mute lasts 8 hours at most." in refused, "where it was filled in, and with what was"
    assert '<option value="supervisors" selected>' in refused
    assert "is no time of the day" in web.post("/mutes", data={**form, "until": "soon"}).text
    assert web.post("/mutes", data={**form, "until": "15:00"}, follow_redirects=False).status_code == 303
    ends = [each["end"] for each in web.get("/api/v1/mutes").json()["items"]]
    assert "2026-11-21T14:00:00.000Z" in ends, "by the clocks on the wall"
    assert "8 hours at most" in web.post("/mutes", data={**form, "until": "12:59"}).text, "that is tomorrow"
    train = {"who-trains": "desk-a1", "trainer": "supervisors", "minutes": "30"}
    assert web.post("/trainings", data=train, follow_redirects=False).status_code == 303
    (each,) = web.get("/api/v1/trainings").json()["items"]
    page = web.get("/mutes").text
    assert "only Supervisors are paged" in page
    assert web.post("/trainings/end", data={"training": each["id"]}, follow_redirects=False).status_code == 303
    assert web.get("/api/v1/trainings").json()["items"] == []


def test_touchpoints_and_nodes_say_what_is_quiet_by_which_rule_until_when_and_by_whose_word(
    web: TestClient, stand: Stand
) -> None:
    def quiet() -> dict[str, list[dict[str, Any]]]:
        return {each["id"]: each["quiet"] for each in web.get("/api/v1/touchpoints").json()["items"]}

    assert set(map(str, quiet().values())) == {"[]"}
    mute = post(web, touchpoints=["counter-a"], expectations=["check-in-wait"]).json()["items"][0]
    assert quiet()["belt-3"] == []
    assert quiet()["counter-a"] == [
        {
            "rule": "muted",
            "id": mute["id"],
            "since": mute["begin"],
            "until": mute["end"],
            "owner": "Ines",
            "reason": "Floor is being washed",
            "expectations": ["check-in-wait"],
            "groups": [],
            "devices": [],
        }
    ]
    web.post("/api/v1/signals", json={"id": "f1", "touchpoint": "fire-panel", "signal": "suspended"})
    web.post("/api/v1/trainings", json={"who": "desk-a1", "trainer": "supervisors", "lasts_s": 60, "by": "Ines"})
    found = quiet()["counter-a"]
    assert [each["rule"] for each in found] == ["suspended", "muted", "training"]
    assert (found[0]["id"], found[0]["reason"]) == ("fire-panel/", "Fire panel")
    assert (found[2]["owner"], found[2]["devices"]) == ("supervisors", ["desk-a1/mot"])
    assert [each["rule"] for each in quiet()["belt-3"]] == ["suspended"]
    stand.clock.advance(1_900_000)
    stand.driver.signals([], "nobody").result(30)
    assert set(map(str, quiet().values())) == {"[]"}, "what is over is quiet no more"


def test_a_node_says_who_trains_at_it(web: TestClient) -> None:
    made = web.post("/api/v1/trainings", json={"who": "desk-a1", "trainer": "supervisors", "lasts_s": 60, "by": "Ines"})
    nodes = {each["id"]: each["training"] for each in web.get("/api/v1/nodes").json()["items"]}
    assert [(each["id"], each["devices"]) for each in nodes.pop("desk-a1")] == [
        (made.json()["items"][0]["id"], ["desk-a1/mot"])
    ]
    assert not any(nodes.values())


def test_a_break_room_in_training_is_named_by_its_group(web: TestClient) -> None:
    body = {"who": "room", "trainer": "supervisors", "lasts_s": 60, "by": "Ines"}
    assert web.post("/api/v1/trainings", json=body).status_code == 201
    assert "<b>the break room of Ticket agents, room</b>" in web.get("/mutes").text

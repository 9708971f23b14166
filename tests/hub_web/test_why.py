"""Why was nobody paged, and why did nothing happen: every way is explained, with rule, time and reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from andgate.plan import parse_plan
from hub.driver import Delivered
from hub.web.app import create_app
from tests.hub_web.stand import NOON, Stand

PRESSED = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed", "device": "desk-a1/mot"}


def press(web: TestClient, id: str = "p1", **more: Any) -> str:
    assert web.post("/api/v1/signals", json={**PRESSED, "id": id, **more}).status_code == 202
    return str(web.get("/api/v1/moments", params={"training": True}).json()["items"][0]["id"])


def why(web: TestClient, moment: str) -> str:
    page = web.get(f"/moments/{moment}").text
    section = page[page.index("Why was nobody paged?") : page.index("what came of it</a>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section)).replace(" :", ":")


def test_a_rung_that_is_to_come_is_said_with_its_time(web: TestClient) -> None:
    said = why(web, press(web))
    assert "with 3m left" in said
    assert "with 1m30s left, unless somebody is on it" in said
    assert "if it is not over by then" in said
    assert "Nobody else is paged about it." in said


def test_claimed_ended_and_superseded(web: TestClient, stand: Stand) -> None:
    moment = press(web)
    web.post(f"/api/v1/moments/{moment}/claim", json={"promise_s": 600})
    stand.clock.advance(100_000)
    web.post("/api/v1/signals", json={**PRESSED, "id": "q", "signal": "reset"})
    said = why(web, moment)
    assert "somebody was on it already" in said
    assert "Somebody was on it from 13:00:00." in said
    stand.clock.advance(600_000)
    early = press(web, "p2")
    web.post("/api/v1/signals", json={**PRESSED, "id": "q2", "signal": "reset"})
    assert "not due: it had ended at" in why(web, early)


def test_late_signals_are_told_apart_from_nobody_caring(web: TestClient, stand: Stand) -> None:
    stand.clock.advance(100_000)
    moment = press(web, at="2026-11-21T12:00:00Z")
    assert "was not heard at once" in why(web, moment)


def test_muted_and_quiet_no_more(web: TestClient, stand: Stand) -> None:
    web.post("/api/v1/mutes", json={"reason": "Floor is being washed", "lasts_s": 60, "by": "Ines"})
    moment = press(web)
    assert "muted until 13:01 (Ines): Floor is being washed" in why(web, moment)
    stand.clock.advance(60_000)
    stand.driver.signals([], "x").result(30)
    assert "what kept pages back had ended" in why(web, moment)


def test_training_says_that_it_was(web: TestClient) -> None:
    web.post("/api/v1/trainings", json={"who": "desk-a1", "trainer": "supervisors", "lasts_s": 600})
    said = why(web, press(web))
    assert "It was training: only Supervisors are paged." in said


def test_a_cause_is_proposed_with_the_span_of_the_alarm(tmp_path: Path, airport_toml: str) -> None:
    panel = '[touchpoints.fire-panel]\nname = "Fire panel"\ngroup = "supervisors"\nsuspends = "site"\n'
    stand = Stand(tmp_path / "fire", parse_plan(airport_toml + panel))
    try:
        app = create_app(stand.driver, stand.reader, stand.clock)
        with TestClient(app, base_url="http://127.0.0.1") as web:
            moment = press(web)
            alarm = {"touchpoint": "fire-panel"}
            web.post("/api/v1/signals", json={"id": "a1", "signal": "suspended", **alarm})
            stand.clock.advance(240_000)
            web.post("/api/v1/signals", json={"id": "a2", "signal": "resumed", **alarm})
            page = web.get(f"/moments/{moment}").text
            assert "Fire panel, 13:00 to 13:04" in page
    finally:
        stand.close()


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ({}, "opened a moment"),
        ({"signal": "reset"}, "nothing was open that it could end"),
        ({"signal": "staffed", "value": 2}, "recorded; it opens and ends nothing by itself"),
        ({"signal": "docked"}, "means nothing to any promise here"),
        ({"signal": "docked", "touchpoint": "belt-3", "device": None}, "names no flight"),
        ({"at": "2026-11-20T11:00:00Z"}, "came more than 24 hours late"),
        ({"signal": "cleared", "device": "mark-a/mark"}, "a level that stands, or does not any more"),
    ],
)
def test_every_signal_of_a_place_says_what_came_of_it(web: TestClient, signal: dict[str, Any], words: str) -> None:
    body = {name: value for name, value in {**PRESSED, **signal}.items() if value is not None}
    assert web.post("/api/v1/signals", json=body).status_code == 202
    page = web.get(f"/touchpoints/{body['touchpoint']}/signals")
    assert page.status_code == 200
    assert words in page.text


def test_what_was_taken_back_and_who_waits(web: TestClient, stand: Stand) -> None:
    press(web)
    web.post("/api/v1/signals", json={**PRESSED, "id": "p2", "signal": "staffed", "retracts": "p1"})
    birth = b'{"state":"online","session":1,"boot":"b1","version":"1"}'
    for topic, payload in (("state", birth), ("health", b'{"boot":"b1","mono":5.0,"spool":3,"devices":{}}')):
        stand.driver.deliver(Delivered(f"andgate/v1/agx/node/desk-a1/{topic}", payload, False, NOON, 1))
    stand.driver.signals([], "x").result(30)
    page = web.get("/touchpoints/counter-a/signals").text
    assert "taken back by a later one" in page
    assert "desk-a1 still has 3 signals to tell." in page
    assert "mark-a is not heard" in page
    assert web.get("/touchpoints/nowhere/signals").status_code == 404

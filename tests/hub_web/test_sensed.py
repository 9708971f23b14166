"""What API and pages say of presses that a sensor contradicts, and of verdicts given while somebody was blind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

import pytest
from fastapi.testclient import TestClient

from andgate.plan import Plan, parse_plan
from hub.driver import Delivered
from hub.web.app import create_app
from tests.hub.desk import PLAN, ROOT
from tests.hub_web.stand import Stand

ASKS = PLAN.replace('fails_after = "3m"', 'fails_after = "3m"\ncontradicted_after = "1m"')


@pytest.fixture
def plan() -> Plan:
    return parse_plan(ASKS)


@pytest.fixture
def web(stand: Stand) -> Iterator[TestClient]:
    with TestClient(create_app(stand.driver, stand.reader, stand.clock), base_url="http://127.0.0.1") as web:
        yield web


_numbers = count(1)


def _saw(web: TestClient, signal: str, device: str) -> None:
    body = {"id": f"s{next(_numbers)}", "touchpoint": "counter-a", "signal": signal, "device": device}
    assert web.post("/api/v1/signals", json=body).status_code == 202


def _say(stand: Stand, topic: str, **said: object) -> None:
    payload = json.dumps(said).encode()
    stand.driver.deliver(Delivered(f"{ROOT}/{topic}", payload, False, stand.clock.now_ms(), 0))
    stand.driver.signals([], "nobody").result(30)


def _pass(stand: Stand, ms: int) -> None:
    stand.clock.advance(ms)
    stand.driver.signals([], "nobody").result(30)


def test_a_contradicted_press_is_asked_about_then_void_and_counted_by_place(web: TestClient, stand: Stand) -> None:
    _saw(web, "cleared", "mark-a/mark")
    _pass(stand, 1_000)
    _saw(web, "pressed", "desk-a1/mot")
    assert "<b>The sensor sees no line.</b>" not in web.get("/desk/counter-a").text
    _pass(stand, 60_000)
    (moment,) = web.get("/api/v1/moments").json()["items"]
    assert (moment["sensor"], moment["contradicted_at"], moment["asks_until"]) == (
        "contradicted", "2026-11-21T12:01:01.000Z", "2026-11-21T12:02:01.000Z"
    )  # fmt: skip
    desk = web.get("/desk/counter-a").text
    assert "<b>The sensor sees no line.</b>" in desk
    assert "Press again if customers are waiting." in desk
    assert "The sensor sees no line. Press again" in web.get(f"/moments/{moment['id']}").text
    _pass(stand, 60_000)
    (moment,) = web.get("/api/v1/moments").json()["items"]
    assert (moment["verdict"], moment["reason"], moment["provisional"]) == ("void", "contradicted", True)
    page = web.get(f"/moments/{moment['id']}").text
    assert "nobody pressed again" in page
    assert "asked at the desk, void at 13:02:01" in page
    assert "<b>The sensor sees no line.</b>" not in web.get("/desk/counter-a").text
    (place,) = web.get("/api/v1/success?by=touchpoint").json()["items"]
    assert (place["pressed"], place["agreed"], place["contradicted"], place["void"]) == (1, 0, 1, 1)
    (day,) = web.get("/api/v1/success?by=day").json()["items"]
    assert (day["pressed"], day["agreed"], day["contradicted"]) == (None, None, None)
    assert "Buttons and sensors" in web.get("/success").text


def test_a_provisional_verdict_says_who_was_blind_and_later_why_it_was_confirmed(web: TestClient, stand: Stand) -> None:
    _say(stand, "node/mark-a/state", state="online", session=1, boot="b1", run=1)
    _pass(stand, 1_000)
    _say(stand, "node/mark-a/state", state="lost", session=1)
    _pass(stand, 1_000)
    _saw(web, "pressed", "desk-a1/mot")
    _pass(stand, 1_000)
    _saw(web, "reset", "desk-a1/mot")
    (moment,) = web.get("/api/v1/moments").json()["items"]
    assert moment["provisional"] is True
    page = web.get(f"/moments/{moment['id']}").text
    assert "Provisional: Check-in counter A, beam mark-a does not see since 13:00:01" in page
    assert "did not see from 13:00:01, its node was cut off" in page
    _pass(stand, 1_000)
    _say(stand, "node/mark-a/state", state="online", session=2, boot="b1", run=1)
    page = web.get(f"/moments/{moment['id']}").text
    assert "did not see from 13:00:01 to 13:00:04" in page
    health = {"mark": {"level": "off"}}
    _say(stand, "node/mark-a/health", boot="b1", mono=5.0, devices=health)
    detail = web.get(f"/api/v1/moments/{moment['id']}").json()
    assert (detail["provisional"], detail["revision"], detail["change"]) == (False, 0, moment["change"] + 1)
    assert [line["event"] for line in detail["trail"]][-1] == "confirmed"
    page = web.get(f"/moments/{moment['id']}").text
    assert "Confirmed at 13:00:04: mark-a/mark was cut off, but had watched all along" in page
    assert "Provisional" not in page


def test_a_revision_is_counted_and_told_with_its_reason(web: TestClient, stand: Stand) -> None:
    _saw(web, "pressed", "desk-a1/mot")
    _pass(stand, 60_000)
    _saw(web, "reset", "desk-a1/mot")
    _pass(stand, 1_000)
    body = {"id": "late", "touchpoint": "counter-a", "signal": "pressed", "at": "2026-11-21T11:59:30.000Z"}
    assert web.post("/api/v1/signals", json=body).status_code == 202
    (moment,) = web.get("/api/v1/moments").json()["items"]
    assert moment["revision"] == 1
    page = web.get(f"/moments/{moment['id']}").text
    assert "Revised (1) at 13:01:01: late" in page

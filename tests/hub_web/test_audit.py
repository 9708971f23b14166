"""What the auditor finds, where people and programs look: the nodes page, the API, the metrics, a moment's page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from andgate.wire.messages import FeedSignal
from hub.heartbeat import Heartbeat, parse_heartbeat
from hub.store import PageFate
from hub.web.app import create_app
from tests.hub_web.stand import NOON, Stand


@pytest.fixture
def heartbeat() -> Heartbeat:
    return Heartbeat(parse_heartbeat("https://watch.example/secret"), lambda: None, lambda: NOON)


@pytest.fixture
def web(stand: Stand, heartbeat: Heartbeat) -> Iterator[TestClient]:
    app = create_app(stand.driver, stand.reader, stand.clock, heartbeat=heartbeat)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def settle(stand: Stand) -> None:
    """What is looked at after a commit is told by the next."""
    for _ in range(2):
        stand.driver.signals([], "nobody").result(30)


def threaten(stand: Stand) -> str:
    stand.driver.signals([FeedSignal(id="p-1", touchpoint="counter-a", signal="pressed")], "ops").result(30)
    settle(stand)
    return stand.driver.open_moments()[0].id


def metric(web: TestClient, name: str) -> float:
    (value,) = [
        line.rpartition(" ")[2] for line in web.get("/metrics").text.splitlines() if line.startswith(f"{name} ")
    ]
    return float(value)


def test_a_threat_says_what_comes_next(web: TestClient, stand: Stand) -> None:
    moment = threaten(stand)
    assert '<p class="next">Next: supervisors in ' in web.get(f"/moments/{moment}").text
    audit = web.get("/api/v1/audit").json()
    assert (audit["findings"], audit["at"]) == ([], "2026-11-21T12:00:00.000Z")
    assert 'class="own"' not in web.get("/nodes").text


def test_a_page_that_reached_nobody_is_seen_everywhere(web: TestClient, stand: Stand) -> None:
    moment = threaten(stand)
    (page,) = stand.reader.pages(moment=moment).items
    stand.driver.fate(PageFate(page.id, moment, "failed", "unknown pager", 1, NOON))
    settle(stand)
    stand.clock.advance(15_000)
    settle(stand)
    audit = web.get("/api/v1/audit").json()
    assert audit["findings"] == [
        {"what": "failed", "moment": moment, "group": "ticket-agents", "note": "unknown pager"}
    ]
    assert (audit["threats"], audit["at"]) == (1, "2026-11-21T12:00:15.000Z")
    nodes = web.get("/nodes").text
    assert "group/ticket-agents" in nodes
    assert "was not reached about Check-in counter A (unknown pager)" in nodes
    assert metric(web, 'andgate_audit_findings{what="failed"}') == 1
    assert metric(web, "andgate_audit_at") == (NOON + 15_000) / 1000
    assert metric(web, "andgate_audit_threats") == 1


def test_the_heartbeat_is_told_without_its_secret(web: TestClient, heartbeat: Heartbeat) -> None:
    assert web.get("/api/v1/audit").json()["heartbeat"] == {
        "to": "https://watch.example",
        "sent_at": None,
        "fault": None,
    }
    heartbeat.sent_ms, heartbeat.fault = NOON, "it answered 404"
    told = web.get("/api/v1/audit").json()["heartbeat"]
    assert (told["sent_at"], told["fault"]) == ("2026-11-21T12:00:00.000Z", "it answered 404")
    assert metric(web, "andgate_heartbeat_at") == NOON / 1000

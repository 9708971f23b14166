"""The HTTP API as its users meet it: what it answers, what it refuses and how."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from andgate.wire.messages import MomentMessage
from hub.driver import Delivered
from hub.web.app import create_app
from tests.hub_web.stand import FLIGHT, Stand

DOCKED = {"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": FLIGHT}
PRESSED = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed", "device": "desk-a1/mot"}


def problem(response: Any, status: int) -> dict[str, Any]:
    """Demand problem details, complete and without a traceback."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = response.json()
    assert said["status"] == status
    assert said["type"].startswith("urn:andgate:problem:")
    assert said["title"]
    assert said["detail"].endswith(".")
    assert "Traceback" not in response.text
    return said


def open_one(web: TestClient, **signal: object) -> str:
    answer = web.post("/api/v1/signals", json={**PRESSED, **signal})
    assert answer.status_code == 202, answer.text
    return str(web.get("/api/v1/moments", params={"state": "open"}).json()["items"][0]["id"])


# ------------------------------------------------------------------------------------------------ signals


def test_a_signal_is_accepted_after_it_is_stored(web: TestClient) -> None:
    answer = web.post("/api/v1/signals", json=DOCKED)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicates": 0})
    assert web.post("/api/v1/signals", json=[DOCKED, PRESSED]).json() == {"accepted": 1, "duplicates": 1}
    assert len(web.get("/api/v1/moments").json()["items"]) == 2


def test_one_bad_member_refuses_all_by_its_index(web: TestClient) -> None:
    said = problem(web.post("/api/v1/signals", json=[DOCKED, {**PRESSED, "touchpoint": "nowhere"}]), 422)
    assert said["index"] == 1
    assert "nowhere" in said["detail"]
    said = problem(web.post("/api/v1/signals", json=[DOCKED, {"id": "x"}]), 422)
    assert said["index"] == 1
    assert web.get("/api/v1/moments").json()["items"] == []


def test_the_same_id_with_another_body_is_a_conflict(web: TestClient) -> None:
    web.post("/api/v1/signals", json=DOCKED)
    said = problem(web.post("/api/v1/signals", json=[PRESSED, {**DOCKED, "key": "AG2/2026-11-21"}]), 409)
    assert said["index"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b"[[]]", 422),
        (b"\xff\xfe", 422),
        (b"[" * 50_000, 422),
        (b'{"id":"a","touchpoint":"belt-3","signal":"docked","colour":1}', 422),
        (b'{"id":"a","touchpoint":"belt-3","signal":"docked","at":"yesterday"}', 422),
        (b'{"id":"' + b"a" * 70_000 + b'","touchpoint":"belt-3","signal":"docked"}', 413),
        (b"[" + b",".join([b'{"id":"a"}'] * 501) + b"]", 422),
        (b" " * (1024 * 1024 + 1), 413),
    ],
)
def test_a_broken_body_is_refused(web: TestClient, body: bytes, status: int) -> None:
    headers = {"content-type": "application/json"}
    problem(web.post("/api/v1/signals", content=body, headers=headers), status)


def test_a_list_may_be_longer_than_a_message_on_mqtt(web: TestClient) -> None:
    many = [{**DOCKED, "id": f"n{n}", "key": f"AG{n}/2026-11-21", "about": {"note": "x" * 400}} for n in range(400)]
    assert web.post("/api/v1/signals", json=many).json() == {"accepted": 400, "duplicates": 0}
    many[7] = {**many[7], "signal": "NO"}
    assert problem(web.post("/api/v1/signals", json=many), 422)["index"] == 7


def test_a_body_that_is_not_json_is_refused(web: TestClient) -> None:
    problem(web.post("/api/v1/signals", content=b"{}", headers={"content-type": "text/plain"}), 415)
    problem(web.post("/api/v1/signals", content=b"{}"), 415)
    problem(web.post("/api/v1/signals", data={"id": "a"}), 415)


# ------------------------------------------------------------------------------------------------ moments


def test_a_moment_has_every_field_of_the_contract(web: TestClient) -> None:
    open_one(web)
    (item,) = web.get("/api/v1/moments").json()["items"]
    assert msgspec.convert(item, MomentMessage).opened_at == "2026-11-21T12:00:00.000Z"
    for name in ("id", "key", "about", "claimed_by", "ends_at", "verdict", "late_s", "witnesses", "revision", "change"):
        assert name in item


def test_a_moment_is_shown_with_its_whole_trail(web: TestClient, stand: Stand) -> None:
    moment = open_one(web)
    stand.clock.advance(30_000)
    web.post(f"/api/v1/moments/{moment}/claim", json={"by": "anna", "promise_s": 60})
    late = {**PRESSED, "id": "p0", "at": "2026-11-21T11:59:50Z"}
    assert web.post("/api/v1/signals", json=late).json()["accepted"] == 1
    shown = web.get(f"/api/v1/moments/{moment}").json()
    trail = {entry["event"]: entry for entry in shown["trail"]}
    assert list(trail)[:3] == ["opened", "threatened", "paged"]
    assert trail["paged"]["facts"]["left_s"] == 180.0
    assert trail["claimed"]["facts"]["by"] == "anna"
    assert trail["claimed"]["facts"]["until_at"] == "2026-11-21T12:01:30.000Z"
    assert trail["revised"]["learned_at"] == "2026-11-21T12:00:30.000Z"
    assert "opened_at" in trail["revised"]["facts"]["changed"]
    assert trail["revised"]["facts"]["was"]["opened_at"] == "2026-11-21T12:00:00.000Z"
    assert [signal["signal"] for signal in shown["signals"]] == ["pressed", "pressed"]
    assert (shown["revision"], shown["opened_at"]) == (1, "2026-11-21T11:59:50.000Z")
    assert [(page["state"], page["channel"]) for page in shown["pages"]] == [("queued", "radio")]
    assert web.get("/api/v1/pages", params={"moment": moment}).json()["items"] == shown["pages"]


def test_moments_are_filtered_and_paged(web: TestClient, stand: Stand) -> None:
    for n in range(5):
        stand.clock.advance(3_600_000 if n else 0)
        web.post("/api/v1/signals", json={**DOCKED, "id": f"d{n}", "key": f"AG{n}/2026-11-21"})
    web.post("/api/v1/signals", json=PRESSED)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2", "expectation": "baggage-claim"} | ({"cursor": cursor} if cursor else {})
        page = web.get("/api/v1/moments", params=query).json()
        seen += [item["key"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"AG{n}/2026-11-21" for n in (4, 3, 2, 1, 0)]
    since = {"since": "2026-11-21T14:00:00Z", "until": "2026-11-21T17:00:00+01:00"}
    found = web.get("/api/v1/moments", params={**since, "touchpoint": "belt-3"}).json()["items"]
    assert [item["key"] for item in found] == ["AG3/2026-11-21", "AG2/2026-11-21"]
    assert len(web.get("/api/v1/moments", params={"key": "AG1/2026-11-21"}).json()["items"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "state=shut",
        "limit=0",
        "limit=1001",
        "limit=many",
        "cursor=!!",
        "cursor=" + "9" * 30 + ".a",
        "cursor=1_0.a",
        "cursor=",
        "since=yesterday",
        "since=0001-01-01T00:00:00%2B23:59",
        "since=2026-11-22T00:00:00Z&until=2026-11-21T00:00:00Z",
        "touchpont=belt-3",
        "state=open&state=ended",
        "withdrawn=perhaps",
        "key=" + "k" * 201,
    ],
)
def test_a_bad_argument_is_refused(web: TestClient, query: str) -> None:
    problem(web.get(f"/api/v1/moments?{query}"), 422)


# ------------------------------------------------------------------------------------------------ persons


def test_a_claim_is_made_and_given_back(web: TestClient) -> None:
    moment = open_one(web)
    answer = web.post(f"/api/v1/moments/{moment}/claim", json={"by": "anna", "promise_s": 120})
    assert (answer.status_code, answer.json()["claimed_by"], answer.json()["change"]) == (200, "anna", 2)
    assert web.request("DELETE", f"/api/v1/moments/{moment}/claim").json()["claimed_by"] is None
    assert web.post(f"/api/v1/moments/{moment}/claim").json()["claimed_by"] == "somebody"


def test_a_cause_a_remedy_a_void_and_a_reset(web: TestClient) -> None:
    moment = open_one(web)
    assert web.post(f"/api/v1/moments/{moment}/cause", json={"cause": "people"}).json()["cause"] == "people"
    assert web.post(f"/api/v1/moments/{moment}/remedy", json={"remedy": "sorry"}).json()["remedy"] == "sorry"
    problem(web.post(f"/api/v1/moments/{moment}/reset", json={}), 422)
    problem(web.post(f"/api/v1/moments/{moment}/reset", json={"reason": ""}), 422)
    assert web.post(f"/api/v1/moments/{moment}/reset", json={"reason": "trolley"}).json()["state"] == "ended"
    said = problem(web.post(f"/api/v1/moments/{moment}/reset", json={"reason": "trolley"}), 409)
    assert f"Moment {moment} has ended." in said["detail"]
    assert web.post(f"/api/v1/moments/{moment}/void", json={"reason": "false alarm"}).json()["verdict"] == "void"
    assert web.request("DELETE", f"/api/v1/moments/{moment}/void", json={"by": "bo"}).status_code == 200


def test_an_unknown_moment_is_not_found(web: TestClient) -> None:
    for path in ("nobody", "%00", "a" * 3_000, "%F0%9F%98%80"):
        assert "remedy" not in problem(web.get(f"/api/v1/moments/{path}"), 404)
    problem(web.post("/api/v1/moments/nobody/claim"), 404)


@pytest.mark.parametrize("body", [{"promise_s": 0}, {"promise_s": "1"}, {"by": ""}, {"by": "x" * 201}, {"who": "me"}])
def test_a_bad_claim_is_refused(web: TestClient, body: dict[str, object]) -> None:
    moment = open_one(web)
    problem(web.post(f"/api/v1/moments/{moment}/claim", json=body), 422)


def test_a_driver_that_does_not_answer_is_said(web: TestClient, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = open_one(web)
    monkeypatch.setattr("hub.web.api.moments.ANSWER_WITHIN_S", 0.01)
    monkeypatch.setattr("hub.web.api.moments.ANSWER_WITHIN_S", 0.01)
    monkeypatch.setattr(stand.driver, "act", lambda _: Future[None]())
    monkeypatch.setattr(stand.driver, "signals", lambda *_: Future[None]())
    problem(web.post(f"/api/v1/moments/{moment}/claim"), 503)
    problem(web.post("/api/v1/signals", json=DOCKED), 503)


def test_a_hub_that_stops_takes_nothing(web: TestClient, stand: Stand) -> None:
    moment = open_one(web)
    stand.driver.stop()
    assert "stops" in problem(web.post("/api/v1/signals", json=DOCKED), 503)["detail"]
    problem(web.post(f"/api/v1/moments/{moment}/claim"), 503)


def test_a_hub_that_hears_no_nodes_is_not_ready(stand: Stand) -> None:
    away = ["the broker is not connected. Wait"]
    app = create_app(stand.driver, stand.reader, stand.clock, cut_off=lambda: away[0] if away else None)
    with TestClient(app, base_url="http://127.0.0.1") as web:
        assert problem(web.get("/readyz"), 503)["detail"] == "The broker is not connected. Wait."
        away.clear()
        assert web.get("/readyz").status_code == 200


def test_a_disk_that_takes_nothing_is_told(web: TestClient, stand: Stand) -> None:
    stand.driver.fault = "the disk is full. Make room"
    assert problem(web.get("/readyz"), 503)["detail"] == "The disk is full. Make room."
    assert web.get("/healthz").status_code == 200


# ------------------------------------------------------------------------------------------------ the site


def test_success_has_rates_with_their_interval(web: TestClient) -> None:
    moment = open_one(web)
    web.post(f"/api/v1/moments/{moment}/reset", json={"reason": "done"})
    (row,) = web.get("/api/v1/success", params={"by": "touchpoint", "since": "2026-11-21T00:00:00Z"}).json()["items"]
    assert (row["group"], row["name"], row["n"], row["rate"]) == ("counter-a", "Check-in counter A", 1, 1.0)
    assert 0 < row["low"] < row["high"] == 1
    for by in ("interaction", "expectation", "area", "hour", "day", "key", "team"):
        assert web.get("/api/v1/success", params={"by": by}).json()["by"] == by
    problem(web.get("/api/v1/success?by=colour"), 422)


def test_outcomes_of_an_interaction(web: TestClient) -> None:
    assert web.get("/api/v1/interactions/arrival/outcomes").json() == {"items": [], "next": None}
    assert "arrival" in problem(web.get("/api/v1/interactions/nothing/outcomes"), 404)["detail"]


def test_touchpoints_say_how_they_stand(web: TestClient) -> None:
    moment = open_one(web)
    counter, belt = web.get("/api/v1/touchpoints").json()["items"]
    assert (counter["level"], counter["moments"], counter["hours"]) == ("threatened", [moment], "04:30-23:30")
    assert counter["nodes"] == ["desk-a1", "mark-a"]
    assert (belt["level"], belt["moments"], belt["expectations"]) == ("calm", [], ["baggage-claim"])


def test_nodes_and_the_clock(web: TestClient, stand: Stand) -> None:
    assert web.get("/api/v1/nodes").json()["next"] is None
    assert web.get("/api/v1/clock").json() == {
        "at": "2026-11-21T12:00:00.000Z",
        "rate": 1.0,
        "zone": "Europe/Rome",
        "utc_ahead_ms": 0,
        "fault": None,
    }
    assert "andgate_clock_ahead_seconds 0.0" in web.get("/metrics").text


def say(stand: Stand, topic: str, payload: bytes) -> None:
    message = Delivered(f"andgate/v1/agx/{topic}", payload, retained=False, received_ms=stand.clock.now_ms(), token=1)
    stand.driver.deliver(message)
    stand.driver.signals([], "nobody").result(30)


def state(stand: Stand, node: str, said: str) -> None:
    say(stand, f"node/{node}/state", msgspec.json.encode({"state": said, "session": 1, "boot": "b1"}))


def pass_s(stand: Stand, seconds: int) -> None:
    stand.clock.advance(seconds * 1000)
    stand.driver.signals([], "nobody").result(30)


def test_the_machines_clock_is_told_where_technicians_look(web: TestClient, stand: Stand) -> None:
    assert "<b>The hub: the machine" not in web.get("/nodes").text
    stand.driver.timekeeper.fault = "the machine's clock is 10.0 min ahead of site time"
    assert "The hub: the machine&#39;s clock is 10.0 min ahead" in web.get("/nodes").text


def test_a_time_is_told_with_how_wrong_it_may_be(web: TestClient, stand: Stand) -> None:
    state(stand, "desk-a1", "online")
    exchange = {"asked": 9.0, "at": "2026-11-21T11:59:59.020Z", "heard": 9.04}
    say(stand, "node/desk-a1/time", msgspec.json.encode({"n": 2, "boot": "b1", "mono": 10.0, "before": exchange}))
    pressed = {"device": "mot", "signal": "pressed", "seq": 1, "boot": "b1", "mono": 9.5, "sent": 10.0}
    say(stand, "node/desk-a1/signal", msgspec.json.encode(pressed))
    (moment,) = web.get("/api/v1/moments?touchpoint=counter-a").json()["items"]
    (signal,) = web.get(f"/api/v1/moments/{moment['id']}").json()["signals"]
    assert (signal["at"], signal["within_ms"]) == ("2026-11-21T11:59:59.500Z", 22)
    assert "±22 ms" in web.get(f"/moments/{moment['id']}").text
    (node,) = [node for node in web.get("/api/v1/nodes").json()["items"] if node["id"] == "desk-a1"]
    assert (node["clock_within_ms"], node["clock_fault"], node["untimed"]) == (22, None, 0)


def test_faults_say_what_is_wrong_and_what_to_do(web: TestClient, stand: Stand) -> None:
    state(stand, "mark-a", "online")
    pass_s(stand, 60)
    state(stand, "mark-a", "lost")
    by = {node["id"]: node for node in web.get("/api/v1/nodes").json()["items"]}
    (fault,) = by["mark-a"]["faults"]
    assert fault == {
        "device": None,
        "kind": "lost",
        "since": "2026-11-21T12:01:00.000Z",
        "what": "lost",
        "do": "Look whether it has power and network. What it sees meanwhile is kept on its card",
        "page": None,
    }
    assert [fault["kind"] for fault in by["belt-3"]["faults"]] == ["unseen"]
    assert 'andgate_faults{kind="lost"} 1.0' in web.get("/metrics").text


def test_senders_are_counted_and_offenders_named(web: TestClient, stand: Stand) -> None:
    for n in range(5):
        say(stand, "feed/ops/signal", b"{" * n)
        say(stand, "node/desk-a1/signal", b"[" * n)
    open_one(web)
    pass_s(stand, 60)
    feeds = {feed["id"]: feed for feed in web.get("/api/v1/feeds").json()["items"]}
    ops = feeds["ops"]
    assert (ops["quarantined"], ops["accepted"], ops["per_minute"]) == (5, 0, 5)
    assert [fault["kind"] for fault in ops["faults"]] == ["garbage"]
    assert sum(feed["accepted"] for feed in feeds.values()) == 1
    desk = next(node for node in web.get("/api/v1/nodes").json()["items"] if node["id"] == "desk-a1")
    assert (desk["quarantined"], {fault["kind"] for fault in desk["faults"]}) == (5, {"unseen", "garbage"})
    text = web.get("/metrics").text
    assert 'andgate_sender_signals_total{kind="feed",result="quarantined",sender="ops"} 5.0' in text
    assert 'andgate_sender_messages_per_minute{kind="feed",sender="ops"} 5.0' in text


def test_coverage_stands_beside_every_rate_that_has_one(web: TestClient, stand: Stand) -> None:
    for node in ("mark-a", "desk-a1", "belt-3"):
        state(stand, node, "online")
    pass_s(stand, 1_800)
    state(stand, "mark-a", "lost")
    pass_s(stand, 600)
    moment = open_one(web)
    web.post(f"/api/v1/moments/{moment}/reset", json={"reason": "done"})
    (row,) = web.get("/api/v1/success").json()["items"]
    assert (row["group"], row["coverage"], row["blind_s"]) == ("check-in-wait", 0.75, 600.0)
    (row,) = web.get("/api/v1/success", params={"by": "touchpoint"}).json()["items"]
    assert row["coverage"] == 0.75
    text = web.get("/metrics").text
    assert 'andgate_coverage{expectation="check-in-wait"} 0.75' in text
    assert 'andgate_blind_seconds{expectation="check-in-wait"} 600.0' in text
    web.post("/api/v1/signals", json=DOCKED)
    web.post("/api/v1/signals", json=DOCKED | {"id": "u1", "signal": "unloaded"})
    (row,) = web.get("/api/v1/success", params={"by": "interaction"}).json()["items"]
    assert (row["group"], row["coverage"]) == ("arrival", 1.0)
    assert [row["coverage"] for row in web.get("/api/v1/success", params={"by": "key"}).json()["items"]] == [None]


def test_plumbing(web: TestClient) -> None:
    open_one(web)
    assert web.get("/healthz").json() == {"status": "ok"}
    assert web.get("/readyz").json() == {"status": "ok"}
    text = web.get("/metrics").text
    assert 'andgate_moments_open{level="threatened"} 1.0' in text
    assert "andgate_journal_entry 2.0" in text
    assert "andgate_outbox_depth 1.0" in text
    assert 'andgate_signals_total{result="accepted"} 1.0' in text
    assert "andgate_commit_seconds_count" in text


# ------------------------------------------------------------------------------------------------ errors, headers


def test_every_error_is_problem_details(web: TestClient, stand: Stand) -> None:
    problem(web.get("/api/v1/nothing"), 404)
    assert problem(web.put("/api/v1/moments"), 405)["detail"].startswith("/api/v1/moments does not take PUT.")
    stand.reader.moments = None  # type: ignore[method-assign, assignment]
    assert problem(web.get("/api/v1/moments"), 500)["title"] == "Internal Server Error"


def test_every_response_has_the_policy(web: TestClient) -> None:
    for path in ("/api/v1/clock", "/nothing", "/healthz"):
        headers = web.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_description_names_every_struct_it_uses(web: TestClient) -> None:
    described = web.get("/api/v1/openapi.json").json()
    text = web.get("/api/v1/openapi.json").text
    known = set(described["components"]["schemas"])
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used <= known
    assert {"MomentMessage", "MomentDetail", "FeedSignal", "ProblemDetails"} <= used
    assert "HTTPValidationError" not in text
    assert len(described["paths"]) >= 36

"""Drills over the API, on the screen and on the command line; and pages that are claimed together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from andgate.plan import Plan, parse_plan
from andgate.wire.messages import FeedSignal
from cli.main import main
from hub.notify.channels import Note, Result
from hub.notify.drills import Drills
from hub.paging.bundles import GATHER_MS
from hub.store import PageFate
from hub.store.drills import Drill, DrillLog, Part
from hub.web.app import create_app
from hub.web.pages.sending import summary, tried
from hub.web.tokens import parse_tokens
from tests.hub_web.stand import Server, Stand

READER, AGENT = "reader-secret-0001", "agent-secret-000002"
TOKENS = f"""
[tokens.reader]
secret = "{READER}"
rights = ["read"]
[tokens.agent-7]
secret = "{AGENT}"
rights = ["read", "act"]
"""
FIRE = """
[touchpoints.fire-panel]
name = "Fire panel"
group = "supervisors"
suspends = "site"
"""
LINES = "".join(f'[touchpoints.line-{n}]\nname = "Line {n}"\ngroup = "ticket-agents"\n' for n in range(1, 6))


class Sends:
    """Channels that answer as they are told."""

    def __init__(self) -> None:
        self.result = Result(sent=True)

    def drill(self, entry: Any, note: Note, begins: Callable[[], bool], done: Callable[[Result], None]) -> None:
        assert begins()
        done(self.result)


@pytest.fixture
def plan(airport_toml: str) -> Plan:
    text = airport_toml.replace("[nodes.", f"{LINES}[nodes.", 1)
    names = ", ".join(f'"line-{n}"' for n in range(1, 6))
    text = text.replace('touchpoints = ["counter-a"', f'touchpoints = [{names}, "counter-a"', 1)
    text = text.replace("[groups.ticket-agents]", "[groups.ticket-agents]\nbundles_from = 4", 1)
    return parse_plan(text + FIRE)


@pytest.fixture
def sends() -> Sends:
    return Sends()


@pytest.fixture
def app(stand: Stand, sends: Sends, tmp_path: Path) -> FastAPI:
    app = create_app(stand.driver, stand.reader, stand.clock)
    app.state.drills = Drills(stand.driver, stand.clock, sends)
    stand.driver.listeners.append(app.state.drills.committed)
    app.state.drill_log = DrillLog(tmp_path)
    return app


@pytest.fixture
def web(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost:8080") as web:
        yield web


def settle(stand: Stand) -> None:
    stand.driver.signals([], "nobody").result(30)


def test_a_drill_is_begun_and_looked_at(web: TestClient, stand: Stand, sends: Sends) -> None:
    assert web.get("/api/v1/drills").json() == {"items": [], "next": None}
    begun = web.post("/api/v1/drills", json={"group": "supervisors", "by": "marta"})
    assert begun.status_code == 202
    settle(stand)
    found = web.get(f"/api/v1/drills/{begun.json()['id']}").json()
    assert (found["state"], found["by"], found["group"], found["loud"]) == ("passed", "marta", "supervisors", False)
    assert [(part["name"], part["state"], part["latency_ms"]) for part in found["parts"]] == [("radio", "proven", 0)]
    sends.result = Result(sent=False, note="the receiver does not answer")
    stand.clock.advance(60_000)
    assert web.post("/api/v1/drills").status_code == 202
    settle(stand)
    newest, before = web.get("/api/v1/drills").json()["items"]
    assert (newest["state"], before["state"]) == ("failed", "passed")
    page = web.get("/drills").text
    assert "channels did not answer" in page
    assert "dead: the receiver does not answer" in page
    assert "Before" in page


def test_what_a_drill_left_out_is_said_and_whose_way_it_was(stand: Stand) -> None:
    well = Part(n=0, kind="channel", name="radio", group="supervisors", state="proven", sent_ms=1, proven_ms=2)
    left = Part(n=1, kind="person", name="~0123456789abcdef/1", group="supervisors", person="~0123456789abcdef")
    drill = Drill(id=1, by="marta", group="", loud=False, parts=(well, msgspec.structs.replace(left, state="skipped")))
    plan = stand.driver.plan
    assert "1</b> were not tried." in str(summary(plan, drill, 1, running=False))
    assert tried(plan, left).person == left.person, "their page says who it is, to whoever may know"


def test_what_makes_no_sense_is_refused(web: TestClient, app: FastAPI) -> None:
    assert web.post("/api/v1/drills", json={"group": "nobody"}).status_code == 404
    assert web.post("/api/v1/drills", json={"volume": 11}).status_code == 422
    assert web.get("/api/v1/drills/7").status_code == 404
    app.state.drills = None
    assert web.post("/api/v1/drills").status_code == 404
    assert web.post("/drills", data={"how": "silent"}).status_code == 404


def test_a_drill_needs_the_right_to_act(stand: Stand, sends: Sends, tmp_path: Path) -> None:
    app = create_app(stand.driver, stand.reader, stand.clock, tokens=parse_tokens(TOKENS))
    app.state.drills = Drills(stand.driver, stand.clock, sends)
    app.state.drill_log = DrillLog(tmp_path)
    with TestClient(app, base_url="http://hub.example") as web:
        for secret, status in ((READER, 403), (AGENT, 202)):
            assert web.post("/api/v1/drills", headers={"authorization": f"Bearer {secret}"}).status_code == status
        assert web.post("/api/v1/drills").status_code == 401
        assert web.get("/drills", headers={"authorization": f"Bearer {READER}"}).status_code == 200


def test_the_screen_begins_one(web: TestClient, stand: Stand) -> None:
    assert "No channel was ever proven." in web.get("/drills").text
    answer = web.post("/drills", data={"how": "loud"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/drills")
    settle(stand)
    (found,) = web.get("/api/v1/drills").json()["items"]
    assert found["loud"]


def test_while_a_fire_alarm_is_on_none_is_loud(web: TestClient, stand: Stand) -> None:
    says = FeedSignal(touchpoint="fire-panel", signal="suspended", id="fire-1")
    web.post("/api/v1/signals", json=msgspec.to_builtins(says)).raise_for_status()
    refused = web.post("/api/v1/drills", json={"loud": True})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "A fire alarm is on: nothing may sound. Drill silently, or loud when it is over.",
    )
    page = web.get("/drills").text
    assert 'value="silent"' in page
    assert 'value="loud"' not in page
    assert "A fire alarm is on: loudly again when it is over." in page
    assert web.post("/drills", data={"how": "loud"}, follow_redirects=False).status_code == 409
    assert web.post("/api/v1/drills").status_code == 202


def test_the_command_prints_the_table_and_fails_when_a_channel_is_dead(
    app: FastAPI, stand: Stand, sends: Sends, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(app)
    try:
        assert main(["drill", "--hub", server.url]) == 0
        said = capsys.readouterr().out
        assert "channel" in said.splitlines()[0]
        assert "radio" in said
        assert "well" in said
        assert "0 dead" in said
        sends.result = Result(sent=False, note="the receiver does not answer")
        stand.clock.advance(60_000)
        assert main(["drill", "--hub", server.url, "--group", "supervisors", "--loud"]) == 1
        assert "DEAD: the receiver does not answer" in capsys.readouterr().out
        assert main(["drill", "--hub", server.url, "--group", "nobody"]) == 2
        assert "There is no group" in capsys.readouterr().err
    finally:
        server.stop()
    assert main(["drill", "--hub", server.url]) == 2
    assert "no hub answers" in capsys.readouterr().err
    assert main(["drill", "--hub", "there"]) == 2


def test_pages_that_are_told_together_are_shown_and_claimed_together(web: TestClient, stand: Stand) -> None:
    assert "Nobody was paged yet." in web.get("/pages").text
    for n in range(1, 6):
        stand.driver.signals([FeedSignal(id=f"s{n}", touchpoint=f"line-{n}", signal="pressed")], "ops").result(30)
    stand.clock.advance(GATHER_MS)
    settle(stand)
    rows = web.get("/api/v1/pages").json()["items"]
    (bundle,) = [row for row in rows if row["bundle"] == row["page"]]
    assert bundle["moment"] is None
    assert bundle["text"].startswith("5 lines threatened: ")
    listed = web.get("/pages").text
    assert "5 lines threatened" in listed
    assert f'action="/pages/{bundle["page"].replace(":", "%3A")}/claim"' in listed
    only = web.get("/pages", params={"bundle": bundle["page"]}).text
    assert "Only what is told together in one page." in only
    row = next(each for each in stand.reader.pages().items if each.page == bundle["page"])
    stand.driver.fate(PageFate(row.id, row.moment, "sent", "", 1, row.due_ms, stand.clock.now_ms()))
    claimed = web.post(f"/api/v1/pages/{bundle['page']}/claim", json={"by": "marta", "promise_s": 60}).json()
    assert len(claimed["items"]) == 5, "also those that had gone out alone before: it names them"
    assert {moment["claimed_by"] for moment in claimed["items"]} == {"marta"}
    again = web.post(f"/api/v1/pages/{bundle['page']}/claim", json={"by": "marta"})
    assert again.status_code in {200, 409}
    assert web.post("/api/v1/pages/nothing/claim").status_code == 404


def test_one_page_is_claimed_like_its_moment(web: TestClient, stand: Stand) -> None:
    stand.driver.signals([FeedSignal(id="s1", touchpoint="line-1", signal="pressed")], "ops").result(30)
    (row,) = [each for each in web.get("/api/v1/pages").json()["items"] if each["channel"]]
    assert (row["delivered_at"], row["read_at"], row["fallback"], row["bundle"]) == (None, None, False, None)
    answer = web.post(f"/pages/{row['page']}/claim", data={"back": "/pages"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/pages")
    assert all(moment.claimed_by for moment in stand.driver.open_moments())
    assert web.post("/pages/nothing/claim", data={"back": "/"}).status_code == 404


def test_the_threads_end(app: FastAPI) -> None:
    app.state.drills.start()
    app.state.drills.stop()
    assert not [each for each in threading.enumerate() if each.name == "drills"]

"""Which channels carry the link in a page, from the decision to a receiver's hands, and back by one tap."""

from __future__ import annotations

import json
import queue
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.evidence.backup import backup
from hub.evidence.restore import restore
from hub.notify.channels.snpp import plain
from hub.notify.channels.webpush import said
from tests.hub.desk import PLAN, WAIT_S
from tests.hub.receivers import NOTE, Stage, heard_request, playing

# Apprise uses what its own dependencies have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PLACED = msgspec.structs.replace(NOTE, answer="/a/TOKEN", base="https://andgate.example/")
SECRET = "whsec_" + "QUJD" * 8


def test_a_note_knows_its_whole_address_only_where_the_plan_says_one() -> None:
    assert PLACED.link == "https://andgate.example/a/TOKEN"
    assert msgspec.structs.replace(PLACED, base=None).link is None
    assert NOTE.link is None


def test_phones_get_the_path_since_they_know_the_hub() -> None:
    told = json.loads(said(msgspec.structs.replace(PLACED, base=None, named=True)))
    assert (told["answer"], told["named"]) == ("/a/TOKEN", True)
    assert not {"answer", "named"} & json.loads(said(NOTE)).keys()


def test_a_pager_s_one_line_has_no_room_for_it() -> None:
    assert "TOKEN" not in plain(PLACED)


def test_a_receiver_s_link_claims_and_then_it_is_used(tmp_path: Path) -> None:
    """A web hook and Apprise get the link, and each their own; a pager on the broker answers by itself."""
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def play(_: Stage, connection: socket.socket) -> None:
        body = heard_request(connection)[1]
        heard.put(json.loads(body))
        connection.sendall(b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with playing(play) as hooked, playing(play) as mailed:
        plan = PLAN.replace('id = "agx"', 'id = "agx"\nurl = "https://andgate.example"', 1)
        plan = plan.replace('channels = ["radio"]', 'channels = ["radio", "hook", "mail"]', 1)
        plan += f'[channels.hook]\nurl = "webhook+http://127.0.0.1:{hooked.port}/"\nsecret = "{SECRET}"\n'
        plan += f'[channels.mail]\nurl = "json://127.0.0.1:{mailed.port}/"\n'
        (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
        anywhere = Address("127.0.0.1", 0)
        config = HubConfig(plan=tmp_path / "plan.toml", data=tmp_path / "data", broker_listen=anywhere, listen=anywhere)
        with HubApp(config, SystemClock()) as hub:
            hub.wait_web()
            press = json.dumps({"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}).encode()
            _post(f"{hub.http_url}/api/v1/signals", press, "application/json")
            links = set()
            for _ in range(2):
                told = heard.get(timeout=WAIT_S)
                if "data" in told:
                    links.add(told["data"]["answer"])
                else:
                    text, _, link = str(told["message"]).rpartition("I\u2019m on my way: ")
                    assert "Check-in counter A" in text
                    links.add(link.strip())
            assert len(links) == 2, "each delivery has a link of its own"
            assert all(link.startswith("https://andgate.example/a/") for link in links)
            here = [f"{hub.http_url}{urllib.parse.urlsplit(link).path}" for link in sorted(links)]
            for link in here:
                with urllib.request.urlopen(link, timeout=WAIT_S) as page:
                    assert page.status == 200
            (moment,) = hub.driver.open_moments()
            assert moment.coming == (), "looking has done nothing"
            _post(here[0], b"do=claim&minutes=2&who=Jo", "application/x-www-form-urlencoded")
            (moment,) = hub.driver.open_moments()
            assert [claim.by for claim in moment.coming] == ["Jo"]
            rows = {row.channel: row for row in hub.reader.pages().items}
            assert len(hub.reader.taps(rows["hook"].id)) + len(hub.reader.taps(rows["mail"].id)) == 1


def test_a_link_outlives_a_hub_that_is_restored_from_before_it_was_used(tmp_path: Path) -> None:
    """The claim is gone with the lost data, so the link may say it again, once; what was paged later is not known."""
    links: queue.SimpleQueue[str] = queue.SimpleQueue()

    def play(_: Stage, connection: socket.socket) -> None:
        event = json.loads(heard_request(connection)[1])
        if event["type"] == "andgate.page":
            links.put(event["data"]["answer"])
        connection.sendall(b"HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n")

    with playing(play) as hooked:
        plan = PLAN.replace('id = "agx"', 'id = "agx"\nurl = "https://andgate.example"', 1)
        plan = plan.replace('channels = ["radio"]', 'channels = ["hook"]')
        plan += f'[channels.hook]\nurl = "webhook+http://127.0.0.1:{hooked.port}/"\nsecret = "{SECRET}"\n'
        (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")

        def config(data: str) -> HubConfig:
            anywhere = Address("127.0.0.1", 0)
            return HubConfig(plan=tmp_path / "plan.toml", data=tmp_path / data, broker_listen=anywhere, listen=anywhere)

        with HubApp(config("data"), SystemClock()) as hub:
            hub.wait_web()
            _press(hub, "p1", "counter-a", "pressed")
            first = urllib.parse.urlsplit(links.get(timeout=WAIT_S)).path
            backup(tmp_path / "data", tmp_path / "backup.zip", "2026-11-22T08:00:00.000Z")
            assert _answered(hub, first) == (200, "You are on it")
            assert _answered(hub, first, "Bea") == (409, "Somebody has answered already")
            _press(hub, "p2", "belt-3", "jammed")
            _press(hub, "p3", "belt-3", "docked", key="AG1234/2026-11-21")
            _press(hub, "p4", "belt-3", "jammed")
            later = urllib.parse.urlsplit(links.get(timeout=WAIT_S)).path
        restore(tmp_path / "backup.zip", tmp_path / "restored")
        with HubApp(config("restored"), SystemClock()) as hub:
            hub.wait_web()
            (moment,) = hub.driver.open_moments()
            assert moment.coming == ()
            assert _answered(hub, first) == (200, "You are on it")
            assert _answered(hub, first, "Bea") == (409, "Somebody has answered already")
            assert [claim.by for claim in hub.driver.open_moments()[0].coming] == ["Jo"]
            assert _answered(hub, later) == (404, "This link is not known here")


def _press(hub: HubApp, id: str, touchpoint: str, signal: str, **more: str) -> None:
    said = json.dumps({"id": id, "touchpoint": touchpoint, "signal": signal, **more}).encode()
    _post(f"{hub.http_url}/api/v1/signals", said, "application/json")


def _answered(hub: HubApp, path: str, who: str = "Jo") -> tuple[int, str]:
    """Tap; return the status, and the headline."""
    body = f"do=claim&minutes=2&who={who}".encode()
    asked = urllib.request.Request(f"{hub.http_url}{path}", body, {"content-type": "application/x-www-form-urlencoded"})
    try:
        with urllib.request.urlopen(asked, timeout=WAIT_S) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            status, text = refused.code, refused.read().decode()
    headline = re.search(r"<h1 class=\"answer-head.*?<span>(.*?)</span></h1>", text, re.DOTALL)
    return status, "" if headline is None else headline[1]


def _post(url: str, body: bytes, kind: str) -> None:
    asked = urllib.request.Request(url, body, {"content-type": kind})
    with urllib.request.urlopen(asked, timeout=WAIT_S) as answer:
        assert answer.status < 300

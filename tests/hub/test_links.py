"""Which channels carry the link in a page, from the decision to a receiver's hands, and back by one tap."""

from __future__ import annotations

import json
import queue
import socket
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
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


def _post(url: str, body: bytes, kind: str) -> None:
    asked = urllib.request.Request(url, body, {"content-type": kind})
    with urllib.request.urlopen(asked, timeout=WAIT_S) as answer:
        assert answer.status < 300

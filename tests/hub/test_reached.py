"""A whole hub and one group with a pager, a web hook and a phone: one press reaches all three, and no secret leaks."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from andgate.wire.messages import FeedSignal
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.store import Phone, Phones
from tests.hub.desk import WAIT_S
from tests.hub.receivers import Stage, heard_line, heard_request, playing

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def plan_of(airport: str, pager: int, hook: int) -> str:
    channels = f"""
[channels.beeper]
url = "snpp://127.0.0.1:{pager}/5551234"
[channels.hook]
url = "webhook+http://127.0.0.1:{hook}/hunter2"
secret = "{SECRET}"
[channels.phones]
url = "webpush://"
"""
    head, mark, tail = airport.partition("[groups.ticket-agents]")
    return channels.join((head, mark)) + tail.replace('["radio"]', '["beeper", "hook", "phones"]', 1)


def until(found: Callable[[], Any]) -> Any:
    for _ in range(int(WAIT_S * 50)):
        now = found()
        if now:
            return now
        threading.Event().wait(0.02)
    raise AssertionError(f"it never came: {found()}")


def test_a_press_reaches_a_pager_a_web_hook_and_a_phone(
    tmp_path: Path, airport_toml: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines: list[str] = []
    posted: list[dict[str, Any]] = []
    pushed: list[bytes] = []

    def gateway(_: Stage, connection: socket.socket) -> None:
        for answer in ("220 ready", "250 OK", "250 OK", "250 sent"):
            connection.sendall(f"{answer}\r\n".encode())
            lines.append(heard_line(connection))

    def receiver(_: Stage, connection: socket.socket) -> None:
        posted.append(json.loads(heard_request(connection)[1]))
        status = "500 No" if len(posted) == 1 else "204 Yes"  # the first attempt fails for now
        connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())

    def service(_: Stage, connection: socket.socket) -> None:
        pushed.append(heard_request(connection)[1])
        connection.sendall(b"HTTP/1.1 201 Created\r\n\r\n")

    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with playing(gateway) as pagers, playing(receiver) as hooks, playing(service) as pushes:
        plan = tmp_path / "plan.toml"
        plan.write_text(plan_of(airport_toml, pagers.port, hooks.port), encoding="utf-8")
        config = HubConfig(
            plan=plan, data=tmp_path / "data", broker_listen=Address("127.0.0.1", 0), listen=Address("127.0.0.1", 0)
        )
        with HubApp(config, SystemClock()) as hub:
            hub.wait_web()
            phone = Phone("ticket-agents", f"http://127.0.0.1:{pushes.port}/hunter2", public, bytes(16))
            Phones(config.data).add(phone, 0)
            pressed = FeedSignal(id="a", touchpoint="counter-a", signal="reached")
            hub.driver.signals([pressed], "t").result(WAIT_S)

            def pages() -> list[dict[str, Any]]:
                with urllib.request.urlopen(f"{hub.http_url}/api/v1/pages", timeout=WAIT_S) as answer:
                    shown.append(answer.read().decode())
                found: list[dict[str, Any]] = json.loads(shown[-1])["items"]
                return found

            shown: list[str] = []
            sent = until(lambda: (all(row["state"] == "sent" for row in pages()) and pages()) or None)
            assert {row["channel"] for row in sent} == {"beeper", "hook", "phones"}
    text = next(line.removeprefix("MESS ") for line in lines if line.startswith("MESS "))
    assert text.startswith("Check-in counter A: 3:00 left until ")
    assert [(event["id"], event["data"]["again"]) for event in posted] == [
        (posted[0]["id"], False),
        (posted[0]["id"], True),
    ]
    said = json.loads(http_ece.decrypt(pushed[0], private_key=key, auth_secret=bytes(16), version="aes128gcm"))
    assert said["link"] == f"/moments/{posted[0]['subject']}"
    everything = "\n".join([*shown, caplog.text])
    for secret in (SECRET, SECRET.removeprefix("whsec_"), "hunter2", "5551234"):
        assert secret not in everything

"""A drill end to end: a hub with its broker, and a real far end for each kind of channel."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import http_ece
import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig, parse_broker
from hub.store import Phone, Phones
from hub.store.drills import Drill, DrillLog
from hub.store.slips import Slips
from tests.hub.desk import PLAN, ROOT, WAIT_S, Broker, Ear
from tests.hub.receivers import Stage, heard_request, net_snpp, playing
from tests.ports import free_port

# Apprise's own dependencies warn of each other's futures.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = base64.b64encode(bytes(range(32))).decode()


class Inbox:
    """Takes mail."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        self.mails.append(envelope.content.decode())
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    inbox, port = Inbox(), free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=WAIT_S)
    controller.start()
    yield inbox, port
    controller.stop()


def plan_of(folder: Path, *, hook: int, mail: int, snpp: int) -> Path:
    channels = f"""
[channels.phones]
url = "webpush://"
[channels.hook]
url = "webhook+http://127.0.0.1:{hook}/"
secret = "whsec_{KEY}"
[channels.mail]
url = "mailto://127.0.0.1:{mail}?from=hub@example.com&to=desk@example.com&mode=insecure"
[channels.pager]
url = "snpp://127.0.0.1:{snpp}/5551234"
[groups.ticket-agents]"""
    text = PLAN.replace("[groups.ticket-agents]", channels, 1)
    file = folder / "plan.toml"
    named = 'channels = ["radio", "phones", "hook", "mail", "pager"]'
    file.write_text(text.replace('channels = ["radio"]', named, 1), encoding="utf-8")
    return file


def until(true: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S * 20)):
        if true():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never came")


def ended(log: DrillLog, drill: Drill, hub: HubApp) -> Drill:
    for _ in range(int(WAIT_S * 20)):
        hub.driver.signals([], "nobody").result(WAIT_S)
        found = log.drill(drill.id)
        if found is not None and found.ended_ms is not None:
            return found
        threading.Event().wait(0.05)
    raise AssertionError(f"the drill does not end: {log.drill(drill.id)}")


@pytest.mark.parametrize("loud", [False, True])
def test_every_channel_is_proven_to_its_far_end(
    tmp_path: Path, broker: Broker, inbox: tuple[Inbox, int], loud: bool
) -> None:
    mails, mail_port = inbox
    pager = net_snpp()
    own = ec.generate_private_key(ec.SECP256R1())
    public = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    pushed: list[dict[str, Any]] = []
    hooked: list[dict[str, Any]] = []

    def push_service(_: Stage, connection: socket.socket) -> None:
        body = heard_request(connection)[1]
        pushed.append(json.loads(http_ece.decrypt(body, private_key=own, auth_secret=bytes(16), version="aes128gcm")))
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    def receiver(_: Stage, connection: socket.socket) -> None:
        hooked.append(json.loads(heard_request(connection)[1]))
        connection.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")

    with playing(push_service) as service, playing(receiver) as hook:
        config = HubConfig(
            plan=plan_of(tmp_path, hook=hook.port, mail=mail_port, snpp=pager.port),
            data=tmp_path / "data",
            broker=parse_broker(f"mqtt://127.0.0.1:{broker.port}"),
            listen=Address("127.0.0.1", 0),
            web=False,
        )
        hub = HubApp(config, SystemClock())
        phones = Phones(tmp_path / "data")
        phones.add(Phone("ticket-agents", f"http://127.0.0.1:{service.port}/", public, bytes(16)), 0)
        ear = Ear(broker.port, f"{ROOT}/page/#")
        try:
            with hub:
                until(lambda: hub.link.connected)
                assert hub._drills is not None
                drill = hub._drills.begin("marta", group="ticket-agents", loud=loud)
                topic, payload, _ = ear.heard.get(timeout=WAIT_S)
                page = json.loads(payload)
                assert (topic, page["kind"]) == (f"{ROOT}/page/ticket-agents", "drill")
                ear.say("answer", json.dumps({"page": page["id"], "do": "seen", "by": "pager-3"}).encode())
                until(lambda: bool(pushed))
                about = Slips(phones).read(pushed[0]["slip"])
                assert about is not None
                hub._drills.proven(about)
                found = ended(DrillLog(tmp_path / "data"), drill, hub)
        finally:
            ear.close()
            pager.stop()
    states = {part.name: part.state for part in found.parts}
    assert states == dict.fromkeys(("radio", "phones", "hook", "pager"), "proven") | {
        "mail": "proven" if loud else "skipped"
    }
    assert all(part.latency_ms is not None for part in found.parts if part.state == "proven")
    assert pushed[0]["kind"] == "drill"
    assert pushed[0].get("loud", True) is loud
    assert hooked[0]["type"] == "andgate.drill"
    assert len(mails.mails) == loud
    assert not loud or "This is only a drill" in mails.mails[0]

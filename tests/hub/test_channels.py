"""The conformance suite of channels: each of them, and the fakes that stand for them, pass it."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import http_ece
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from andgate.plan.addresses import HookAddress, PagerAddress, PocsagAddress
from andgate.wire.codec import decode_transmission, encode
from andgate.wire.messages import PageReceipt
from andgate.wire.topics import Topics
from hub.notify.channels import Channel, Note, Result
from hub.notify.channels.apprise import AppriseChannel
from hub.notify.channels.mqtt import MqttChannel
from hub.notify.channels.pocsag import PocsagChannel
from hub.notify.channels.snpp import SnppChannel
from hub.notify.channels.threaded import ThreadedChannel
from hub.notify.channels.webhook import WebhookChannel
from hub.notify.channels.webpush import WebPushChannel
from hub.notify.transmitters import Transmitters
from hub.store import Phone, Phones, Store
from tests.hub.desk import WAIT_S
from tests.hub.receivers import NOTE, Stage, answer_of, heard_line, heard_request, playing

# Apprise's own dependencies warn of each other's futures.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class FakeLink:
    """A broker that has us, or not."""

    def __init__(self, *, connected: bool) -> None:
        self.connected = connected
        self.published: list[tuple[str, Any]] = []

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        urgent: bool = False,
        done: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        assert urgent, "a page waits for nobody"
        self.published.append((topic, json.loads(payload)))
        if done is not None:
            done()


class Hook(http.server.BaseHTTPRequestHandler):
    """A web hook that takes everything."""

    got: list[Any]

    def do_POST(self) -> None:
        self.server.got.append(self.rfile.read(int(self.headers["content-length"])))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Case:
    """A channel that works, one that does not, and what reached people."""

    def __init__(self, good: Channel, bad: Channel, got: Callable[[], list[str]]) -> None:
        self.good, self.bad, self.got = good, bad, got


_PUSHED: list[bytes] = []


def _push_service(_: Stage, connection: socket.socket) -> None:
    _PUSHED.append(heard_request(connection)[1])
    connection.sendall(b"HTTP/1.1 201 Created\r\n\r\n")


def _web_push(folder: Path, port: int, nobody: int) -> Case:
    _PUSHED.clear()
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    auth = bytes(16)
    made = []
    for name, at in (("good", port), ("bad", nobody)):
        data = folder / name
        Store(data).close()
        phones = Phones(data)
        phones.add(Phone("supervisors", f"http://127.0.0.1:{at}/", public, auth), 0)
        made.append(WebPushChannel(phones, "", lambda: 0))

    def read(body: bytes) -> str:
        said = http_ece.decrypt(body, private_key=key, auth_secret=auth, version="aes128gcm")
        return str(json.loads(said)["text"])

    return Case(made[0], made[1], lambda: [read(body) for body in _PUSHED])


class Mast:
    """A broker with a node behind it that sends whatever it is given."""

    connected = True

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.masts = Transmitters(self, Topics("agx"), lambda node: "online" if node == "roof" else "lost")

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        urgent: bool = False,
        done: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        assert urgent, "a page waits for nobody"
        assert topic.endswith("/node/roof/transmit")
        said = decode_transmission(payload)
        self.texts.append(said.text)
        self.masts.heard(encode(PageReceipt(page=said.page, device="mast", did="sent")))


def _pocsag() -> Case:
    mast = Mast()
    good, bad = (
        PocsagChannel(PocsagAddress(node, 1_234_567, 1200, 3, False), mast.masts) for node in ("roof", "cellar")
    )
    return Case(good, bad, lambda: mast.texts)


@pytest.fixture(params=["mqtt", "apprise", "snpp", "webpush", "webhook", "pocsag"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    if request.param == "mqtt":
        link = FakeLink(connected=True)
        topics = Topics("agx")
        yield Case(
            MqttChannel(link, topics),
            MqttChannel(FakeLink(connected=False), topics),
            lambda: [said["text"] for topic, said in link.published if topic.endswith("/page/supervisors")],
        )
        return
    if request.param == "pocsag":
        yield _pocsag()
        return
    if request.param == "snpp":
        pages: list[str] = []

        def take(_: Stage, connection: socket.socket) -> None:
            for answer in ("220 ready", "250 OK", "250 OK", "250 sent"):
                connection.sendall(f"{answer}\r\n".encode())
                pages.append(heard_line(connection))

        with socket.socket() as nobody, playing(take) as stage:
            nobody.bind(("127.0.0.1", 0))
            yield Case(
                SnppChannel(PagerAddress("127.0.0.1", stage.port, "7")),
                SnppChannel(PagerAddress("127.0.0.1", nobody.getsockname()[1], "7")),
                lambda: [line.removeprefix("MESS ") for line in pages if line.startswith("MESS ")],
            )
        return
    if request.param == "webpush":
        with playing(_push_service) as stage, socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            yield _web_push(tmp_path, stage.port, nobody.getsockname()[1])
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: refused at once
        ports = server.server_address[1], nobody.getsockname()[1]
        good: Channel
        bad: Channel
        if request.param == "apprise":
            good = AppriseChannel(f"json://127.0.0.1:{ports[0]}/")
            bad = AppriseChannel(f"json://127.0.0.1:{ports[1]}/?cto=1&rto=1")
        else:
            good, bad = (
                WebhookChannel(HookAddress(False, "127.0.0.1", port, "/"), bytes(24), "agx", lambda: 0)
                for port in ports
            )

        def got() -> list[str]:
            said = [json.loads(body) for body in server.got]  # type: ignore[attr-defined]
            return [each["message"] if "message" in each else each["data"]["text"] for each in said]

        yield Case(good, bad, got)
        good.close()
        bad.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_sent_means_sent(case: Case) -> None:
    assert answer_of(case.good).sent
    assert case.got() == ["Belt 3: 8:00 left."]
    assert answer_of(case.good).sent
    assert len(case.got()) == 2


def test_a_failure_says_why_and_is_worth_another_try(case: Case) -> None:
    result = answer_of(case.bad)
    assert not result.sent
    assert result.retry
    assert result.note
    assert "127.0.0.1" not in result.note, "a URL may hold a secret"
    assert case.got() == []


def test_closing_twice_is_no_error_and_sending_after_it_is_answered(case: Case) -> None:
    case.good.close()
    case.good.close()
    answer_of(case.good)


def test_pages_that_wait_when_a_channel_is_closed_are_answered() -> None:
    """A new plan closes channels whose URL it changes: their pages go over the new ones, and none is forgotten."""
    answered = [threading.Semaphore(0), threading.Semaphore(0)]
    results: list[Result] = []

    def hang(stage: Stage, connection: socket.socket) -> None:
        answered[0].release()
        stage.over.wait()

    with playing(hang) as stage:
        channel = SnppChannel(PagerAddress("127.0.0.1", stage.port, "7"), read_s=1.0)

        def done(result: Result) -> None:
            results.append(result)
            answered[1].release()

        for _ in range(5):
            channel.send(NOTE, done)
        assert answered[0].acquire(timeout=WAIT_S)
        channel.close()
        for _ in range(5):
            assert answered[1].acquire(timeout=WAIT_S)
    assert not any(result.sent for result in results)
    assert [result.untried for result in results].count(True) >= 3, "there are two threads"


def test_drills_that_hang_hold_up_no_page() -> None:
    """A storm while a drill runs: what drills wait for is not waited for by pages."""
    drilled: list[Result] = []
    over, asked = threading.Event(), threading.Semaphore(0)

    def play(stage: Stage, connection: socket.socket) -> None:
        if json.loads(heard_request(connection)[1])["type"] == "andgate.drill":
            asked.release()
            over.wait(WAIT_S)
        connection.sendall(b"HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n")

    def answered(result: Result) -> None:
        drilled.append(result)
        asked.release()

    class Many(Stage):
        """Plays to everybody at once."""

        def run(self) -> None:
            threads = [threading.Thread(target=super(Many, self).run, daemon=True) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    held: list[Stage] = []
    stage = Many(lambda connection: play(held[0], connection))
    held.append(stage)
    channel = WebhookChannel(HookAddress(False, "127.0.0.1", stage.port, "/"), bytes(24), "agx", lambda: 0)
    try:
        drill = msgspec.structs.replace(NOTE, rank=3, page=msgspec.structs.replace(NOTE.page, kind="drill"))
        for _ in range(3):
            channel.send(drill, answered)
        assert asked.acquire(timeout=WAIT_S)
        for _ in range(50):
            assert answer_of(channel).sent
        assert drilled == [], "the drill still hangs"
        over.set()
        for _ in range(5):  # two more that are heard, and three that are answered
            assert asked.acquire(timeout=WAIT_S)
        assert [result.sent for result in drilled] == [True] * 3
    finally:
        over.set()
        channel.close()
        stage.stop()


def test_what_a_plan_does_not_use_is_not_loaded() -> None:
    names = [
        "apprise",
        "cryptography",
        *(f"hub.notify.channels.{each}" for each in ("pocsag", "snpp", "webhook", "webpush")),
    ]
    program = f"import sys, hub.app, hub.notify.channels.make; print([each for each in {names} if each in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "[]\n"


def test_a_url_that_apprise_does_not_know_is_hopeless(caplog: pytest.LogCaptureFixture) -> None:
    channel = AppriseChannel("nonsense://nowhere")
    result = answer_of(channel)
    assert (result.sent, result.retry) == (False, False)
    channel.close()


def test_a_service_that_breaks_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = AppriseChannel("json://127.0.0.1:1/")
    monkeypatch.setattr(channel, "_notify", lambda note: 1 // 0)
    result = answer_of(channel)
    assert "ZeroDivisionError" in result.note
    channel.close()


def test_a_loud_drill_goes_out_like_a_page(case: Case) -> None:
    page = msgspec.structs.replace(NOTE.page, id="drill:1:0", kind="drill", moment=None, text="Only a drill.")
    assert answer_of(case.good, msgspec.structs.replace(NOTE, page=page, receipt="drill/1/0", rank=3)).sent
    assert case.got() == ["Only a drill."]


class Slow(ThreadedChannel):
    """One thread, which takes the first note only when it is let go."""

    def __init__(self) -> None:
        super().__init__("slow", 1)
        self.begun, self.go = threading.Event(), threading.Event()
        self.ranks: list[int] = []

    def _notify(self, note: Note) -> Result:
        self.begun.set()
        self.go.wait(WAIT_S)
        self.ranks.append(note.rank)
        return Result(sent=True)


@pytest.mark.parametrize("closed", [False, True])
def test_the_first_page_of_a_threat_overtakes_whatever_waits_and_each_is_answered(closed: bool) -> None:
    channel = Slow()
    answered: list[Result] = []
    over = threading.Semaphore(0)

    def done(result: Result) -> None:
        answered.append(result)
        over.release()

    channel.send(msgspec.structs.replace(NOTE, rank=2), done)
    assert channel.begun.wait(WAIT_S)
    for rank in (2, 1, 0, 3, 0):
        channel.send(msgspec.structs.replace(NOTE, rank=rank), done)
    if closed:
        channel.close()
        channel.send(NOTE, done)
    channel.go.set()
    for _ in range(6 + closed):
        assert over.acquire(timeout=WAIT_S)
    assert channel.ranks == ([2] if closed else [2, 0, 0, 1, 2, 3])
    assert sum(result.sent for result in answered) == len(channel.ranks)
    channel.close()

"""The conformance suite of channels: each of them, and the fakes that stand for them, pass it."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from andgate.wire.messages import Page
from andgate.wire.topics import Topics
from hub.notify.channels import Channel, Note, Result
from hub.notify.channels.apprise import AppriseChannel
from hub.notify.channels.mqtt import MqttChannel
from tests.hub.desk import WAIT_S

# Apprise's own dependencies warn of each other's futures.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOTE = Note(
    group="supervisors",
    title="Belt 3",
    page=Page(
        id="m1:0", kind="page", moment="m1", text="Belt 3: 8:00 left.", reason="so much time is left", left_s=480.0
    ),
)


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


@pytest.fixture(params=["mqtt", "apprise"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param == "mqtt":
        link = FakeLink(connected=True)
        topics = Topics("agx")
        yield Case(
            MqttChannel(link, topics),
            MqttChannel(FakeLink(connected=False), topics),
            lambda: [said["text"] for topic, said in link.published if topic.endswith("/page/supervisors")],
        )
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: refused at once
        good = AppriseChannel(f"json://127.0.0.1:{server.server_address[1]}/")
        bad = AppriseChannel(f"json://127.0.0.1:{nobody.getsockname()[1]}/?cto=1&rto=1")
        yield Case(good, bad, lambda: [json.loads(body)["message"] for body in server.got])  # type: ignore[attr-defined]
        good.close()
        bad.close()
    server.shutdown()
    thread.join()
    server.server_close()


def _send(channel: Channel, note: Note = NOTE) -> Result:
    results: list[Result] = []
    over = threading.Event()

    def done(result: Result) -> None:
        results.append(result)
        over.set()

    channel.send(note, done)
    assert over.wait(WAIT_S)
    assert len(results) == 1
    return results[0]


def test_sent_means_sent(case: Case) -> None:
    assert _send(case.good).sent
    assert case.got() == ["Belt 3: 8:00 left."]
    assert _send(case.good).sent
    assert len(case.got()) == 2


def test_a_failure_says_why_and_is_worth_another_try(case: Case) -> None:
    result = _send(case.bad)
    assert not result.sent
    assert result.retry
    assert result.note
    assert "127.0.0.1" not in result.note, "a URL may hold a secret"
    assert case.got() == []


def test_closing_twice_is_no_error_and_sending_after_it_is_answered(case: Case) -> None:
    case.good.close()
    case.good.close()
    _send(case.good)


def test_a_url_that_apprise_does_not_know_is_hopeless(caplog: pytest.LogCaptureFixture) -> None:
    channel = AppriseChannel("nonsense://nowhere")
    result = _send(channel)
    assert (result.sent, result.retry) == (False, False)
    channel.close()


def test_a_service_that_breaks_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = AppriseChannel("json://127.0.0.1:1/")
    monkeypatch.setattr(channel, "_notify", lambda note: 1 // 0)
    result = _send(channel)
    assert "ZeroDivisionError" in result.note
    channel.close()

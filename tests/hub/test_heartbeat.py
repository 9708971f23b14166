"""A watch outside hears every minute that all is well, and nothing when it is not; the hub is never hurt by it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from andgate.errors import UsageError
from hub import heartbeat
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.heartbeat import Heartbeat, parse_heartbeat
from tests.hub.desk import PLAN

WAIT_S = 30.0


class Outside:
    """Whoever waits for heartbeats, on loopback."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 200
        self.beat = threading.Semaphore(0)
        self.answers = threading.Event()
        self.answers.set()
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outside.heard.append(self.path)
                outside.beat.release()
                if not outside.answers.wait(WAIT_S):
                    return
                self.send_response(outside.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ping/secret?all=well"

    def stop(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.stop()


@pytest.fixture
def beating() -> Iterator[Callable[..., Heartbeat]]:
    made: list[Heartbeat] = []

    def make(url: str, well: Callable[[], str | None] = lambda: None) -> Heartbeat:
        made.append(Heartbeat(parse_heartbeat(url), well, lambda: 7, every_s=0.01))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()
        each._thread.join(WAIT_S)


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    pause = threading.Event()
    for _ in range(3_000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError


def test_it_beats_while_all_is_well(outside: Outside, beating: Callable[..., Heartbeat]) -> None:
    made = beating(outside.url)
    assert outside.beat.acquire(timeout=WAIT_S)
    assert outside.beat.acquire(timeout=WAIT_S)
    assert outside.heard[:2] == ["/ping/secret?all=well"] * 2
    until(lambda: made.sent_ms == 7)
    assert made.fault is None


def test_it_is_held_back_while_something_is_wrong_and_comes_back(
    outside: Outside, beating: Callable[..., Heartbeat]
) -> None:
    wrong: list[str] = ["a threat has no next step"]
    made = beating(outside.url, lambda: wrong[0] if wrong else None)
    until(lambda: made.fault is not None)
    assert (made.fault, made.sent_ms, outside.heard) == ("held back: a threat has no next step", None, [])
    wrong.clear()
    assert outside.beat.acquire(timeout=WAIT_S)


def test_an_answer_that_says_no_is_a_fault(outside: Outside, beating: Callable[..., Heartbeat]) -> None:
    outside.status = 404
    made = beating(outside.url)
    until(lambda: made.fault == "it answered 404")
    assert made.sent_ms is None
    outside.status = 204
    until(lambda: made.fault is None)


def test_one_who_never_answers_is_a_fault(
    outside: Outside, beating: Callable[..., Heartbeat], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "TIMEOUT_S", 0.1)
    outside.answers.clear()
    made = beating(outside.url)
    until(lambda: made.fault is not None)
    assert made.fault == "no answer within 0 s"


@pytest.mark.parametrize(
    ("url", "fault"),
    [("http://127.0.0.1:1/", "refused"), ("http://nowhere.invalid/", "nobody knows the host nowhere.invalid")],
)
def test_nobody_there_is_a_fault(url: str, fault: str, beating: Callable[..., Heartbeat]) -> None:
    made = beating(url)
    until(lambda: made.fault is not None)
    assert fault in (made.fault or "")


@pytest.mark.parametrize(
    "url", ["", "ftp://host/", "https://", "https://u:p@host/", "http://host:0/", "http://host:x/", "http://host/a b"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="https://HOST/PATH"):
        parse_heartbeat(url)


def test_the_path_may_be_a_secret() -> None:
    assert str(parse_heartbeat("https://watch.example/ping/secret")) == "https://watch.example"
    assert str(parse_heartbeat("http://watch.example:81")) == "http://watch.example:81"


def test_a_hub_beats_when_it_judges_and_hears_the_broker(outside: Outside, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    config = HubConfig(
        plan=plan,
        data=tmp_path / "data",
        broker_listen=Address("127.0.0.1", 0),
        listen=Address("127.0.0.1", 0),
        web=False,
        heartbeat=outside.url,
    )
    with HubApp(config, SystemClock()) as hub:
        assert outside.beat.acquire(timeout=WAIT_S)
        assert hub.heartbeat is not None
        until(lambda: hub.heartbeat is not None and hub.heartbeat.sent_ms is not None)


def test_a_hub_whose_auditor_does_not_look_is_not_well(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    hub = HubApp(HubConfig(plan=plan, data=tmp_path / "data", web=False), SystemClock())
    try:
        assert hub.driver.unaudited() == "nobody has looked lately whether every threat has a next step"
    finally:
        hub.stop()

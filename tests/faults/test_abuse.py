"""Who misbehaves hurts himself: a slow browser, a dead web hook, messages that are too large, a button gone mad."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from edge.app import EdgeApp
from edge.devices.mock import MockBoard
from hub.clock import SystemClock
from tests.hub.desk import PLAN, WAIT_S, Broker
from tests.story.airport import ask
from tests.story.stage import Pager, Program, until

CLOCK = SystemClock()
ANDGATE = str(Path(sys.executable).parent / "andgate")
STREAMS = 50
END_S = 30.0
"""It ends within 5 s; without its bounds it would wait for ever. Six times as long for a slow machine."""
GROWTH_MB = 60
"""How much a hub may grow under any of this."""
HOOK = """
[channels.hook]
url = "json://127.0.0.1:{port}/page"
"""


class Site:
    """A hub in a process of its own, with a real broker and a pager."""

    def __init__(self, folder: Path, plan: str) -> None:
        self.folder = folder
        self.broker = Broker(folder)
        self.pager = Pager(self.broker.port)
        (folder / "plan.toml").write_text(plan)
        self.hub = Program(
            *(ANDGATE, "hub", "--plan", str(folder / "plan.toml"), "--data", str(folder / "hub")),
            *("--broker", f"mqtt://127.0.0.1:{self.broker.port}", "--listen", "127.0.0.1:0"),
        )
        self.url = self.hub.said("dashboard  http://").split()[1]
        until(lambda: ask(f"{self.url}/readyz").status == 200)
        self.port = int(self.url.rpartition(":")[2])
        self._count = 0
        self._streams: list[socket.socket] = []

    @property
    def megabytes(self) -> float:
        return float(psutil.Process(self.hub.pid).memory_info().rss) / 2**20

    def post(self, *signals: dict[str, Any]) -> int:
        """Post signals; return the status."""
        body = [{"id": self.number()} | one for one in signals]
        return ask(f"{self.url}/api/v1/signals", body).status

    def pages(self) -> list[Any]:
        """Return the newest pages on record."""
        found: list[Any] = ask(f"{self.url}/api/v1/pages?limit=200").body["items"]
        return found

    def number(self) -> str:
        self._count += 1
        return f"abuse-{self._count}"

    def press_pages(self, touchpoint: str = "counter-a") -> None:
        """A press still pages at once, whatever else goes on; then it is over."""
        before = len(self.pager.pages())
        assert self.post({"touchpoint": touchpoint, "signal": "pressed"}) == 202
        until(lambda: len(self.pager.pages()) > before)
        assert self.post({"touchpoint": touchpoint, "signal": "reset"}) == 202

    def stream(self, *, room: int | None = None) -> socket.socket:
        """Open the stream of changes as a browser does; with `room` bytes of buffer where it reads nothing."""
        sock = socket.socket()
        self._streams.append(sock)
        if room is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        sock.settimeout(WAIT_S)
        sock.connect(("127.0.0.1", self.port))
        sock.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
        return sock

    def browse(self, words: bytes) -> None:
        """Read the stream until these words have come, and connect again when told to, as a browser does."""
        while not heard(self.stream(), words):
            pass

    def close(self) -> None:
        for sock in self._streams:
            sock.close()
        self.hub.close()
        self.pager.close()
        self.broker.stop()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(plan: str = PLAN) -> Site:
        made.append(Site(tmp_path, plan))
        return made[-1]

    yield make
    for site in made:
        site.close()


def heard(sock: socket.socket, words: bytes) -> bool:
    """Read until these words have come; whether they have before the stream ended with a resync."""
    got = b""
    while words not in got:
        some = sock.recv(65_536)
        if not some:
            assert b"event: resync" in got[-500:], got[-500:]
            return False
        got = got[-100:] + some
    return True


def test_a_hub_with_streams_open_ends_cleanly_and_soon(make_site: Callable[..., Site]) -> None:
    site = make_site()
    streams = [site.stream() for _ in range(STREAMS)]
    for sock in streams:
        assert heard(sock, b"event: snapshot")
    site.press_pages()
    begun_s = CLOCK.mono_s()
    site.hub.send(signal.SIGTERM)
    assert site.hub.ended() == 0
    assert CLOCK.mono_s() - begun_s < END_S
    assert "Traceback" not in "\n".join(site.hub.lines)
    site.pager.hear("hub/state", state="stopped")


def test_a_browser_that_does_not_read_costs_little_and_delays_nobody(make_site: Callable[..., Site]) -> None:
    site = make_site()
    for _ in range(5):
        site.stream(room=4096)
    assert heard(site.stream(), b"event: snapshot")
    before_mb = site.megabytes
    hearing = ThreadPoolExecutor(1).submit(site.browse, b"LAST/2026-11-21")  # this one does read, all the while
    for turn in range(40):
        key = f"AG{turn}/2026-11-21"
        words = [
            {"touchpoint": "belt-3", "signal": "docked", "key": f"{key}{n}", "about": {"x": "y" * 400}}
            for n in range(100)
        ]
        assert site.post(*words) == 202
    site.press_pages()
    assert site.post({"touchpoint": "belt-3", "signal": "docked", "key": "LAST/2026-11-21"}) == 202
    hearing.result(WAIT_S)
    assert site.megabytes < before_mb + GROWTH_MB


def test_a_web_hook_that_never_answers_keeps_nobody_waiting(make_site: Callable[..., Site]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hook:  # it accepts, and then says nothing
        port = hook.getsockname()[1]
        plan = PLAN.replace('channels = ["radio"]', 'channels = ["hook", "radio"]')
        site = make_site(plan + HOOK.format(port=port))
        before_mb = site.megabytes
        for _ in range(20):
            site.press_pages()
        assert len(psutil.Process(site.hub.pid).threads()) < 40
        assert site.megabytes < before_mb + GROWTH_MB
        # What was heard is on record as sent a moment later, with the next commit.
        until(lambda: {page["state"] for page in site.pages() if page["channel"] == "radio"} == {"sent"})
        site.hub.send(signal.SIGTERM)
        begun_s = CLOCK.mono_s()
        assert site.hub.ended() == 0
        assert CLOCK.mono_s() - begun_s < END_S


def test_messages_that_are_too_large_are_set_aside(make_site: Callable[..., Site]) -> None:
    site = make_site()
    before_mb = site.megabytes
    for _ in range(50):
        site.pager.say("node/desk-a1/signal", b"[" + b" " * 900_000 + b"]")
    large = json.dumps([{"id": "x", "touchpoint": "belt-3", "signal": "docked"}] * 20_000).encode()
    request = urllib.request.Request(f"{site.url}/api/v1/signals", large, {"content-type": "application/json"})
    with contextlib.suppress(OSError):  # refused by a status, or by hanging up on what is too long
        urllib.request.urlopen(request, timeout=WAIT_S).close()
    site.press_pages()
    assert site.megabytes < before_mb + GROWTH_MB
    assert ask(f"{site.url}/api/v1/moments").body["items"][0]["touchpoint"] == "counter-a"


def test_a_button_gone_mad_is_a_fault_of_its_own(make_site: Callable[..., Site], tmp_path: Path) -> None:
    """A loose wire: a thousand edges a second, for some seconds."""
    site = make_site()
    board = MockBoard()
    node = EdgeApp(
        "desk-a1",
        broker_url=f"mqtt://127.0.0.1:{site.broker.port}",
        data_dir=tmp_path / "desk-a1",
        pin_factory=board.factory,
    )
    node.start()
    try:
        until(lambda: _known(site, "desk-a1")["config"] is not None)
        pause, mad = threading.Event(), threading.Event()

        def rattle() -> None:
            level = False
            while not mad.is_set():
                for _ in range(10):
                    board.drive(17, high=level)
                    level = not level
                pause.wait(0.01)

        wire = threading.Thread(target=rattle)
        wire.start()
        try:
            until(lambda: "chatter" in json.dumps(_known(site, "desk-a1")))
            site.press_pages()
        finally:
            mad.set()
            wire.join()
        board.drive(17, high=True)
        stored = ask(f"{site.url}/api/v1/moments").body["items"]
        assert len(stored) < 20
        # It has stood still for a while: it is believed again.
        until(lambda: "chatter" not in json.dumps(_known(site, "desk-a1")["devices"]))
    finally:
        node.stop()
        board.close()


def _known(site: Site, node: str) -> Any:
    return next(one for one in ask(f"{site.url}/api/v1/nodes").body["items"] if one["id"] == node)

"""The examples are run as a reader would run them: against a real hub and a real Mosquitto."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from andgate.moment.moments import Moment
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, BrokerUrl, HubConfig
from tests.hub.desk import WAIT_S, Broker

KEY = "AG1234/2026-11-21"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def hub(tmp_path: Path, root: Path, broker: Broker) -> Iterator[HubApp]:
    config = HubConfig(
        plan=root / "docs" / "examples" / "airport.toml",
        data=tmp_path / "data",
        broker=BrokerUrl("127.0.0.1", broker.port),
        listen=Address("127.0.0.1", 0),
    )
    with HubApp(config, SystemClock()) as running:
        running.wait_web()
        assert running.link.wait_connected(WAIT_S)
        yield running


class Program:
    """An example in a process of its own: type a line, read a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WAIT_S)


@pytest.fixture
def start(root: Path) -> Iterator[Callable[..., Program]]:
    with contextlib.ExitStack() as exits:

        def begin(name: str, *words: object) -> Program:
            command = [sys.executable, str(root / "docs" / "examples" / name), *map(str, words)]
            process = exits.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            exits.callback(process.kill)
            return Program(process)

        yield begin


def moments(hub: HubApp, touchpoint: str, true: Callable[[Moment], bool]) -> Moment:
    """Wait until the newest moment at a touchpoint is so."""
    for _ in range(int(WAIT_S * 50)):
        found = hub.reader.moments(touchpoint=touchpoint).items
        if found and true(found[0]):
            return found[0]
        threading.Event().wait(0.02)
    raise AssertionError(f"it never came at {touchpoint}")


def test_a_button_of_ones_own_and_a_pager(hub: HubApp, broker: Broker, start: Callable[..., Program]) -> None:
    pager = start("pager.py", "127.0.0.1", broker.port, "agx", "ticket-agents", "agent-7")
    assert pager.read() == "listening"
    button = start("button.py", "127.0.0.1", broker.port, "agx", "counter-a", "kiosk-button")
    button.type("")
    assert button.read().startswith("the hub has kiosk-button-")
    assert pager.read().startswith("page: ")
    pager.type("")
    assert moments(hub, "counter-a", lambda moment: moment.claimed_by == "agent-7").witnesses == ("kiosk-button",)
    button.type("r")
    assert button.read().startswith("the hub has kiosk-button-")
    assert pager.read().startswith("over: ")
    assert moments(hub, "counter-a", lambda moment: moment.state == "ended").saved
    for program in (pager, button):
        program.type("q")
        assert program.end() == 0


def test_a_button_keeps_its_presses_while_the_broker_is_away(
    hub: HubApp, broker: Broker, start: Callable[..., Program]
) -> None:
    button = start("button.py", "127.0.0.1", broker.port, "agx", "counter-a", "kiosk-button")
    button.type("")
    assert button.read()
    broker.stop()
    button.type("r")
    broker.start()
    assert button.read().startswith("the hub has ")
    assert moments(hub, "counter-a", lambda moment: moment.state == "ended").saved


def test_a_feed_that_begins_again_from_the_top_changes_nothing(hub: HubApp, start: Callable[..., Program]) -> None:
    lines = [
        f"2026-11-21T20:10:00.000Z,belt-3,docked,{KEY}",
        f"2026-11-21T20:31:00.000Z,belt-3,unloaded,{KEY}",
        "2026-11-21T20:31:00.000Z,belt-9,unloaded,",
    ]
    for accepted, duplicates in ((1, 0), (0, 1)):
        feed = start("feed.py", hub.http_url)
        for line in lines[:2]:
            feed.type(line)
            assert feed.read() == f'{line} -> {{"accepted":{accepted},"duplicates":{duplicates}}}'
        feed.type(lines[2])
        assert feed.end() == 0
    (moment,) = hub.reader.moments(key=KEY).items
    assert (moment.state, moment.change) == ("ended", 2)


def test_a_report(hub: HubApp, start: Callable[..., Program]) -> None:
    feed = start("feed.py", hub.http_url)
    for line in (f"2026-11-21T20:10:00.000Z,belt-3,docked,{KEY}", f"2026-11-21T20:31:00.000Z,belt-3,unloaded,{KEY}"):
        feed.type(line)
        assert feed.read()
    said = start("report.py", hub.http_url).read()
    assert said == "100.0 % ( 20.7 to 100.0)  I have my bag within 25 minutes of docking.  1 of 1 kept, 1 of them saved"
    assert "Baggage belt 3" in start("report.py", hub.http_url, "touchpoint", "2026-11-01T00:00:00.000Z").read()

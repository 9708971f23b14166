"""An airport for a day: a real broker, a real hub, real nodes on pins that a hand can reach, and a pager."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from andgate.wire.codec import parse_time
from hub.app import HubApp
from hub.config import Address, BrokerUrl, HubConfig
from tests.hub.desk import Broker as HubBroker
from tests.story.stage import WAIT_S, Cable, LeapingClock, Node, Pager, until

TEN = int(datetime(2026, 11, 21, 9, tzinfo=UTC).timestamp() * 1000)
"""Ten o'clock in Rome, on a Saturday: every place is open."""

BELT_SENSOR = """
[nodes.belt-3.devices.belt]
touchpoint = "belt-3"
kind = "belt-sensor"
pin = 6
"""
MOT, LAMP, MARK, DONE, BELT = 17, 27, 22, 5, 6
"""The pins of the plan, by what hangs on them."""


STEP_S = 20.0
"""More than a node's health takes to come again, and less than half of what makes it overdue."""


class Answer(NamedTuple):
    """What the API said."""

    status: int
    body: Any


def ask(url: str, body: Any = None, method: str | None = None, token: str | None = None) -> Answer:
    """Ask over HTTP as any script would."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ({} if token is None else {"authorization": f"Bearer {token}"})
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return Answer(answer.status, json.load(answer))
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, json.load(refused))


class Broker(HubBroker):
    """A real Mosquitto, which can also be made to hesitate."""

    def pause(self) -> None:
        """It stands still; connections stay."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on where it stood."""
        self._process.send_signal(signal.SIGCONT)


class Airport:
    """Everything that runs, and the few things that a story does to it."""

    def __init__(self, folder: Path, plan: str) -> None:
        self.folder = folder
        self.clock = LeapingClock(TEN)
        self.plan = folder / "airport.toml"
        self.plan.write_text(plan, encoding="utf-8")
        self.nodes: dict[str, Node] = {}
        with ExitStack() as undo:
            self.broker = Broker(folder)
            undo.callback(self.broker.stop)
            self.cable = Cable(self.broker.port)
            undo.callback(self.cable.close)
            self.pager = Pager(self.broker.port)
            undo.callback(self.pager.close)
            self.hub = self._hub()
            undo.callback(lambda: self.hub.stop())  # noqa: PLW0108 - the hub of that time
            self._undo = undo.pop_all()

    # -- who is there

    def _hub(self) -> HubApp:
        here = Address("127.0.0.1", 0)
        config = HubConfig(
            plan=self.plan, data=self.folder / "hub", broker=BrokerUrl("127.0.0.1", self.broker.port), listen=here
        )
        hub = HubApp(config, self.clock)
        hub.start()
        hub.wait_web()
        assert hub.link.wait_connected(WAIT_S)
        return hub

    def hub_again(self) -> None:
        """The hub comes back on the same data; `hub.stop()` came before."""
        self.hub = self._hub()

    def node(self, name: str, *, on_the_cable: bool = False) -> Node:
        """Power a node up, and wait until it is there, configured, and agrees with the hub about the time."""
        url = self.cable.url if on_the_cable else f"mqtt://127.0.0.1:{self.broker.port}"
        self.nodes[name] = node = Node(name, url, self.folder / name, self.clock)
        until(lambda: self._settled_in(node), lambda: (name, self.known(name), node.error_ms()))
        return node

    def _settled_in(self, node: Node) -> bool:
        row = self.known(node.name)
        there = row is not None and row.state == "online" and row.config is not None and row.config == row.wanted
        if not there or not node.idle:
            return False
        offset = row.offset_ms
        if offset is None or abs(offset - self.clock.start_ms) > 30 or node.error_ms() > 30:
            node.ask_time()
            return False
        return True

    def known(self, name: str) -> Any:
        """What the hub knows of a node."""
        return next((row for row in self.hub.reader.nodes() if row.node == name), None)

    # -- time

    def quiet(self) -> None:
        """Wait until everything that was seen is judged, and every page that is due has gone out and been heard.

        Without a broker there is nothing to wait for but what each can do alone.
        """
        until(lambda: all(node.idle for node in self.nodes.values()), "a node keeps what it saw")
        self.hub.driver.signals([], "story").result(WAIT_S)
        if not self.hub.link.connected:
            return
        until(lambda: all(row.state != "queued" for row in self.hub.reader.pages(limit=1000).items), "a page waits")
        self.pager.fence()

    def later(self, *, minutes: float = 0, seconds: float = 0) -> None:
        """Let so much time pass, in no time.

        Never so much at once that a node which is there and well would be overdue: its health is heard on the way.
        """
        self.quiet()
        self._pass_until(self.clock.mono_s() + 60 * minutes + seconds)

    def _pass_until(self, end_s: float) -> None:
        """Leap until it is so late; what really passes on the way counts, too."""
        while (left_s := end_s - self.clock.mono_s()) > 0:
            before = {name: self._health_ms(name) for name in self.nodes}
            self.clock.leap(min(left_s, STEP_S))
            for node in self.nodes.values():
                node.poke()
            if left_s > STEP_S and self.hub.link.connected:
                until(lambda: all(self._well(name, at_ms) for name, at_ms in before.items()), "a node says nothing")  # noqa: B023
        self.hub.driver.signals([], "story").result(WAIT_S)

    def _health_ms(self, name: str) -> int:
        """When the hub last took in how a node is: before that it knows nothing of it, whoever has heard it."""
        standing = self.hub.driver._judge.fleet.standing(name)
        return 0 if standing is None or standing.health_ms is None else standing.health_ms

    def _well(self, name: str, at_ms: int) -> bool:
        """Whether a node has said how it is once more; one that is cut off cannot."""
        return self._health_ms(name) > at_ms or not self.nodes[name].app.connected

    def until_left(self, moment: str, seconds: float) -> None:
        """Let time pass until a moment has so much left; less than nothing is after its deadline."""
        self.quiet()
        self._pass_until((parse_time(self.moment(moment)["ends_at"]) - self.clock.start_ms) / 1000 - seconds)

    # -- asking

    @property
    def url(self) -> str:
        return self.hub.http_url

    def get(self, path: str) -> Any:
        """Ask the API for something that is there."""
        status, body = ask(f"{self.url}/api/v1{path}")
        assert status == 200, body
        return body

    def send(self, path: str, body: Any, method: str = "POST") -> Answer:
        """Ask the API to do something."""
        return ask(f"{self.url}/api/v1{path}", body, method)

    def moment(self, which: str) -> Any:
        """A moment with its whole trail."""
        return self.get(f"/moments/{which}")

    def moments(self, query: str = "") -> list[Any]:
        """Moments, newest opening first."""
        items: list[Any] = self.get(f"/moments{query}")["items"]
        return items

    def open_moment(self, touchpoint: str, key: str | None = None) -> Any:
        """Wait for the moment that is open at a touchpoint."""

        def found() -> Any:
            return next(
                (one for one in self.moments(f"?state=open&touchpoint={touchpoint}") if one["key"] == key), None
            )

        return until(found, lambda: f"none is open among {self.moments()}")

    def left_s(self, moment: Any) -> float:
        """How much time a moment has left just now."""
        return (parse_time(moment["ends_at"]) - self.clock.now_ms()) / 1000

    def becomes(self, which: str, **like: Any) -> Any:
        """Wait until a moment is like that; return it with its trail."""

        def so() -> Any:
            now = self.moment(which)
            return now if all(now[name] == value for name, value in like.items()) else None

        return until(so, lambda: (like, self.moment(which)))

    def rate(self, by: str, group: str) -> Any:
        """The success rate of one group of a breakdown."""
        return next(item for item in self.get(f"/success?by={by}")["items"] if item["group"] == group)

    def close(self) -> None:
        """Good night."""
        for node in self.nodes.values():
            self._undo.callback(node.close)
        self._undo.close()


def events(moment: Any) -> list[str]:
    """The events of a moment's trail, by name."""
    return [line["event"] for line in moment["trail"]]


def event(moment: Any, name: str) -> Any:
    """The one event of that name."""
    (found,) = [line for line in moment["trail"] if line["event"] == name]
    return found


def span_s(early: str, late: str) -> float:
    """Seconds between two times of the API."""
    return (parse_time(late) - parse_time(early)) / 1000

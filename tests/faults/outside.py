"""Who speaks to the site from outside, and remembers what was promised to them: pager, feeds, a rogue."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.faults.parts import CLOCK
from tests.faults.site import FEED, PAGER, PORT, ROOT, WEB


@dataclass
class Heard:
    """A page, and when it was heard."""

    at_ms: int
    group: str
    page: dict[str, Any]


class Client:
    """An MQTT client that connects again for ever, at once."""

    def __init__(self, address: str, *filters: str) -> None:
        self._filters = filters
        self.up = threading.Event()
        self.away: list[tuple[int, int]] = []
        """When it was not subscribed: from, to."""
        self._since_ms: int | None = 0
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=True)
        client.reconnect_delay_set(1, 1)
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.connect_async(address, PORT, keepalive=5)
        # Sooner than paho lets one say: what is published before a pager is back goes to nobody.
        client._reconnect_min_delay = client._reconnect_max_delay = 0.05  # type: ignore[assignment]
        client.loop_start()

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([(f"{ROOT}/{name}", 1) for name in self._filters])

    def _on_subscribe(self, *_: Any) -> None:
        if self._since_ms is not None:
            self.away.append((self._since_ms, CLOCK.now_ms()))
            self._since_ms = None
        self.up.set()
        self.came()

    def _on_disconnect(self, *_: Any) -> None:
        self.up.clear()
        if self._since_ms is None:
            self._since_ms = CLOCK.now_ms()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        said: Any = None
        with contextlib.suppress(ValueError):
            said = json.loads(message.payload)
        self.hear(message.topic.removeprefix(f"{ROOT}/"), said, CLOCK.now_ms())

    def came(self) -> None:
        """It is subscribed (again)."""

    def hear(self, topic: str, said: Any, at_ms: int) -> None:
        """Take a message."""

    def say(self, topic: str, said: Any) -> None:
        """Publish; what cannot go out now never goes."""
        if self._client.is_connected():
            payload = said if isinstance(said, bytes) else json.dumps(said).encode()
            self._client.publish(f"{ROOT}/{topic}", payload, qos=1)

    def close(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop_stop()


class Pager(Client):
    """What people carry: it hears every page, and sometimes answers. It also hears the nodes' receipts."""

    def __init__(self) -> None:
        self.pages: list[Heard] = []
        self.receipts: dict[str, list[tuple[int, int, int]]] = {}
        """Numbering -> (when, first, last) of what was receipted."""
        self.epochs: list[str] = []
        self.states: list[tuple[int, str, Any]] = []
        super().__init__(PAGER, "page/+", "node/+/receipt", "hub/state", "node/+/state")

    def hear(self, topic: str, said: Any, at_ms: int) -> None:
        """Note pages and receipts."""
        if topic.startswith("page/"):
            self.pages.append(Heard(at_ms, topic.removeprefix("page/"), said))
        elif topic.endswith("/receipt"):
            spans = [(1, said["seq"]), *map(tuple, said["also"])]
            self.receipts.setdefault(said["boot"], []).extend((at_ms, low, high) for low, high in spans)
        elif said:
            self.states.append((at_ms, topic, said))

    def receipted(self, numbering: str, seq: int) -> int | None:
        """Return when a signal was first receipted, as far as it was heard here."""
        times = [at_ms for at_ms, low, high in self.receipts.get(numbering, []) if low <= seq <= high]
        return min(times, default=None)

    def claim(self, number: int, by: str) -> None:
        """Answer one of the pages heard so far."""
        pages = [heard.page for heard in self.pages if heard.page["kind"] == "page"]
        if pages:
            page = pages[-1 - number % min(len(pages), 3)]
            self.say("answer", {"page": page["id"], "do": "claim", "by": by, "promise_s": 2.0})


@dataclass
class Accepted:
    """A feed's signal, and when the hub said that it has it."""

    body: dict[str, Any]
    over: str
    said_ms: int
    at_ms: int | None = None
    tries: int = 0
    refused: str | None = None
    times: list[int] = field(default_factory=list)


class MqttFeed(Client):
    """A feed that says each signal again until it is receipted."""

    AGAIN_S = 1.0

    def __init__(self) -> None:
        self.said: dict[str, Accepted] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        super().__init__(FEED, "feed/storm/receipt")
        self._thread = threading.Thread(target=self._again, daemon=True)
        self._thread.start()

    def hear(self, topic: str, said: Any, at_ms: int) -> None:
        """Take a receipt."""
        with self._lock:
            for id in said["ids"]:
                one = self.said.get(id)
                if one is not None:
                    one.times.append(at_ms)
                    one.at_ms = one.at_ms or at_ms

    def send(self, body: dict[str, Any]) -> None:
        """Say something, and go on saying it."""
        with self._lock:
            self.said[body["id"]] = Accepted(body, "mqtt", CLOCK.now_ms())
        self.say("feed/storm/signal", body)

    def _again(self) -> None:
        while not self._closing.wait(self.AGAIN_S):
            with self._lock:
                waiting = [one.body for one in self.said.values() if one.at_ms is None]
            if waiting:
                self.say("feed/storm/signal", waiting[:100])

    @property
    def waiting(self) -> int:
        """How many are not receipted."""
        with self._lock:
            return sum(one.at_ms is None for one in self.said.values())

    def close(self) -> None:
        """Go."""
        self._closing.set()
        self._thread.join()
        super().close()


class HttpFeed:
    """A feed that posts each signal until it is accepted: the same body with the same id, as often as it takes."""

    def __init__(self) -> None:
        self.said: dict[str, Accepted] = {}
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, body: dict[str, Any]) -> None:
        """Post something, and go on posting it."""
        self.said[body["id"]] = Accepted(body, "http", CLOCK.now_ms())
        self._queue.put(body)

    def _run(self) -> None:
        while (body := self._queue.get()) is not None:
            one = self.said[body["id"]]
            while not self._closing.is_set() and not self._post(one):
                self._closing.wait(0.3)

    def _post(self, one: Accepted) -> bool:
        one.tries += 1
        request = urllib.request.Request(
            f"http://127.0.0.1:{WEB}/api/v1/signals",
            json.dumps(one.body).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:
                answer.read()
        except urllib.error.HTTPError as wrong:
            with wrong:
                if wrong.code < 500:
                    one.refused = wrong.read().decode()
                    return True
            return False
        except (OSError, ValueError):
            return False
        one.at_ms = CLOCK.now_ms()
        return True

    @property
    def waiting(self) -> int:
        """How many are not accepted."""
        return sum(one.at_ms is None and one.refused is None for one in tuple(self.said.values()))

    def close(self) -> None:
        """Go."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()


def _no_delay(_client: mqtt.Client, _data: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

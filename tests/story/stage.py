"""The things a story is played with: a clock that leaps, pins with a hand on them, a pager, a cable that can be cut."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge.app import EdgeApp
from edge.devices import Edge
from edge.devices.mock import MockBoard
from hub.clock import SystemClock

ROOT = "andgate/v1/agx"
WAIT_S = 40.0
"""Longer than anything takes on two slow, shared cores; nothing waits so long unless it is broken."""

REFUSAL_S = 4.0
"""More than three quick blinks take."""

T = TypeVar("T")


def until(what: Callable[[], T | None], why: str | Callable[[], object] = "it never came to be so") -> T:
    """Look again and again until something is so; return it."""
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.02)):
        found = what()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(why if isinstance(why, str) else why())


def holds(what: Callable[[], object], within_s: float) -> bool:
    """Look for a while whether something becomes so."""
    pause, clock = threading.Event(), SystemClock()
    end_s = clock.mono_s() + within_s
    while not what():
        if clock.mono_s() > end_s:
            return False
        pause.wait(0.02)
    return True


class LeapingClock:
    """The site's time: it runs as fast as the world's, and leaps over what a story does not want to wait for.

    One clock for the hub and for every node, as in a demo.
    """

    rate = 1.0
    boot_id = "the day of the story"

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self._world = SystemClock()
        self._begun_s = self._world.mono_s()
        self._leapt_s = 0.0
        self._waiters: list[Callable[[], None]] = []

    def now_ms(self) -> int:
        return self.start_ms + int(self.mono_s() * 1000)

    def mono_s(self) -> float:
        return self._world.mono_s() - self._begun_s + self._leapt_s

    def real_s(self, site_s: float) -> float:
        return site_s

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._waiters.append(wake)

    def leap(self, seconds: float) -> None:
        self._leapt_s += seconds
        for wake in tuple(self._waiters):
            wake()


class Lamp:
    """What an eye sees of a lamp, from the history of its pin; real seconds, as for real eyes."""

    def __init__(self, board: MockBoard, pin: int) -> None:
        self._board, self._pin = board, pin
        self._seen = 0

    @property
    def changes(self) -> list[float]:
        """Seconds from change to change, since the last `look`."""
        return [state.timestamp for state in self._board.pin(self._pin).states[self._seen :]]

    def look(self) -> None:
        """Begin to look now."""
        self._seen = len(self._board.pin(self._pin).states)

    @property
    def lit(self) -> bool:
        return self._board.level(self._pin)

    def blinks(self, low_s: float, high_s: float, times: int) -> None:
        """Wait until it blinks like that: so long from change to change, so many changes running."""
        self.look()
        until(lambda: self._blinked(low_s, high_s, times), lambda: f"the lamp changed after {self.changes}")

    def _blinked(self, low_s: float, high_s: float, times: int) -> bool:
        """Whether it has, at any time since the last `look`."""
        seen = self.changes[1:]  # the first is how long the last state lasted, before we looked
        runs = (seen[begin : begin + times] for begin in range(len(seen) - times + 1))
        return any(low_s <= median(run) <= high_s for run in runs)

    def steady(self) -> None:
        """Heard: lit, and longer than any blink lasts."""

        pause = threading.Event()

        def so() -> bool:
            self.look()
            pause.wait(1.5)
            return self.lit and not self.changes

        until(so, lambda: f"the lamp changed after {self.changes}")

    def fast(self) -> None:
        """Seen here, not yet confirmed."""
        self.blinks(0.05, 0.2, 5)

    def slow(self) -> None:
        """Somebody is on it."""
        self.blinks(0.9, 2.0, 2)

    def quick(self) -> None:
        """Time is running out."""
        self.blinks(0.35, 0.75, 3)

    def three_quick_blinks(self, again: Callable[[], None]) -> None:
        """A reset was refused. They are shown once, and a machine that hesitates just then shows others: `again`."""
        for _ in range(int(WAIT_S / REFUSAL_S)):
            self.look()
            again()
            if holds(lambda: self._blinked(0.08, 0.35, 4), REFUSAL_S):
                return
        raise AssertionError(f"the lamp changed after {self.changes}")


class Node:
    """One Raspberry Pi: the real program, on pins that a hand can reach."""

    def __init__(self, name: str, url: str, folder: Path, clock: LeapingClock) -> None:
        self.name, self._url, self._folder, self._clock = name, url, folder, clock
        self.board = MockBoard(clock)
        self.app: EdgeApp
        self.start()

    def start(self) -> None:
        self.app = EdgeApp(
            self.name, broker_url=self._url, data_dir=self._folder, clock=self._clock, pin_factory=self.board.factory
        )
        self.app.start()

    def close(self) -> None:
        self.app.stop()
        self.board.close()

    # -- a hand on it

    def press(self, pin: int) -> None:
        """A short press."""
        self.board.press(pin, for_s=0.2)

    def lower(self, pin: int) -> None:
        """Close a contact, break a beam, keep a button down."""
        self.board.drive(pin, high=False)

    def raise_(self, pin: int) -> None:
        """Let go."""
        self.board.drive(pin, high=True)

    def lamp(self, pin: int) -> Lamp:
        return Lamp(self.board, pin)

    # -- what the story must know of it

    def poke(self) -> None:
        """Wake it up, so that it notices a leap of the clock now and not within a second."""
        self.app._inbox.put(Edge("nobody", 0.0, level=False))

    @property
    def kept(self) -> int:
        """Signals that the hub has not receipted."""
        assert self.app._worker is not None
        return self.app._worker.spool.depth

    @property
    def idle(self) -> bool:
        """Everything it saw is with the hub, or it cannot be."""
        return self.app._inbox.empty() and (not self.app.connected or self.kept == 0)

    def error_ms(self) -> float:
        """How far its idea of the site's time is from the site's time."""
        assert self.app._worker is not None
        anchor = self.app._worker.time.anchor
        if anchor is None or anchor.spread_s < 0:
            return float("inf")
        return abs(anchor.site_at(0.0) - self._clock.start_ms)

    def refused(self, device: str) -> bool:
        """Whether it has been told that a reset was refused, at that button."""
        assert self.app._worker is not None
        own = self.app._worker.face._own.get(f"/{device}")
        return own is not None and own.refused_s is not None

    def ask_time(self) -> None:
        assert self.app._worker is not None
        self.app._worker.questions.due_s = float("-inf")
        self.poke()


class Pager:
    """What people carry: it hears every page of the site and can answer. It also hears what is published for others."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._changed = threading.Condition()
        self._fences = 0
        self._published: set[int] = set()
        up = threading.Event()
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2)
        client.reconnect_delay_set(1, 1)
        client.on_socket_open = _no_delay
        client.on_connect = lambda c, *_: c.subscribe([(f"{ROOT}/#", 1), ("fence/#", 1)])
        client.on_subscribe = lambda *_: up.set()
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert up.wait(WAIT_S)

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        said: Any = None
        with contextlib.suppress(ValueError):
            said = json.loads(message.payload)
        with self._changed:
            self.heard.append((message.topic.removeprefix(f"{ROOT}/"), said))
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, number: int, *_: Any) -> None:
        with self._changed:
            self._published.add(number)
            self._changed.notify_all()

    def all(self, topic: str, **like: Any) -> list[Any]:
        """Return what was said on a topic, those whose fields are like that."""
        with self._changed:
            return [said for where, said in self.heard if where == topic and _like(said, like)]

    def hear(self, topic: str, count: int = 1, **like: Any) -> Any:
        """Wait until something was said so many times; return the last of them."""
        with self._changed:
            found: list[Any] = []

            def so() -> bool:
                found[:] = [said for where, said in self.heard if where == topic and _like(said, like)]
                return len(found) >= count

            assert self._changed.wait_for(so, WAIT_S), (topic, like, self.heard[-20:])
            return found[count - 1]

    def pages(self, kind: str = "page") -> list[tuple[str, Any]]:
        """Return every page so far: group and page."""
        with self._changed:
            return [
                (where.removeprefix("page/"), said)
                for where, said in self.heard
                if where.startswith("page/") and said["kind"] == kind
            ]

    def say(self, topic: str, said: Any, *, retain: bool = False) -> None:
        """Publish; bytes as they are, anything else as JSON."""
        self._publish(f"{ROOT}/{topic}", said if isinstance(said, bytes) else json.dumps(said).encode(), retain=retain)

    def _publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish; where the broker has just gone it goes out when it is back, since paho keeps what is of QoS 1."""
        number = self._client.publish(topic, payload, qos=1, retain=retain).mid
        with self._changed:
            assert self._changed.wait_for(lambda: number in self._published, WAIT_S), f"never published to {topic}"

    def claim(self, page: Any, by: str, promise_s: float | None = None) -> None:
        """Answer a page: I am on it."""
        more = {} if promise_s is None else {"promise_s": promise_s}
        self.say("answer", {"page": page["id"], "do": "claim", "by": by} | more)

    def fence(self) -> None:
        """Whatever the broker had for us before now is heard when this returns."""
        self._fences += 1
        number, topic = self._fences, f"fence/{id(self)}"

        def back() -> bool:
            # Said again if need be: after a broker's restart it may go out before our subscriptions.
            self._publish(topic, json.dumps({"n": number}).encode())
            with self._changed:
                return self._changed.wait_for(lambda: (topic, {"n": number}) in self.heard, 2)

        until(back)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _like(said: Any, like: dict[str, Any]) -> bool:
    return not like or (isinstance(said, dict) and all(said.get(name) == value for name, value in like.items()))


def _no_delay(_client: mqtt.Client, _data: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Cable:
    """The network between some nodes and the broker. It can be cut, and mended."""

    def __init__(self, port: int) -> None:
        self._far = port
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._whole = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, name="cable", daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._whole:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._far))
                except OSError:
                    near.close()
                    continue
                self._ends += [near, far]
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    def cut(self) -> None:
        """Nothing gets through any more."""
        with self._lock:
            self._whole = False
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends.clear()

    def mend(self) -> None:
        """It is whole again; whoever tries gets through."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_S)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError), source:
        while some := source.recv(65_536):
            target.sendall(some)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


class Program:
    """A program of ours in a process of its own; what it says is kept."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        self.lines: list[str] = []
        self._fresh: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._fresh.put(line.rstrip("\n"))
        self._fresh.put(None)

    def said(self, words: str) -> str:
        """Wait for a line with these words among what it says from now on, and return it."""
        while True:
            try:
                line = self._fresh.get(timeout=WAIT_S)
            except queue.Empty:
                raise AssertionError(f"it never said {words!r}: {self.lines}") from None
            assert line is not None, f"it ended without saying {words!r}: {self.lines}"
            self.lines.append(line)
            if words in line:
                return line

    def tell(self, line: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def send(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        code = self._process.wait(WAIT_S)
        self._thread.join(WAIT_S)
        while (line := self._fresh.get()) is not None:
            self.lines.append(line)
        return code

    def close(self) -> None:
        """Whatever it is doing, it ends."""
        self._process.kill()
        self._process.wait(WAIT_S)
        self._thread.join(WAIT_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

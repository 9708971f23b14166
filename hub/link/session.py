"""What is said to the broker: numbers, what it has not acknowledged yet, and bytes that wait to be written.

It outlives connections: what the broker did not acknowledge is said again after the next connect, marked as such.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from hub.link import packets

NUMBERS = 0xFFFF
_NUMBER_BITS = 16

Done = Callable[[], None]


class _Said(Struct, gc=False):
    topic: str
    payload: bytes
    retain: bool
    done: Done | None


class Session:
    """The talking side of one client; any thread may use it."""

    def __init__(self, *, inflight_most: int, queued_most: int) -> None:
        """Begin with nothing said.

        Args:
            inflight_most: publications that the broker has not acknowledged; more of them wait.
            queued_most: that wait; what is more is dropped.
        """
        self._inflight_most = inflight_most
        self._queued_most = queued_most
        self._lock = threading.Lock()
        self._open = False
        self._generation = 0
        self._number = 0
        self._inflight: dict[int, _Said] = {}
        self._waiting: deque[_Said] = deque()
        self._unsaid = bytearray()

    @property
    def generation(self) -> int:
        """How many connections there have been."""
        return self._generation

    @property
    def unsaid(self) -> bool:
        """Whether bytes wait to be written."""
        return bool(self._unsaid)

    def take(self) -> bytes:
        """Take all bytes that wait to be written."""
        with self._lock:
            data = bytes(self._unsaid)
            self._unsaid.clear()
            return data

    def give_back(self, data: bytes) -> None:
        """Put back what could not be written of what was taken."""
        with self._lock:
            self._unsaid[:0] = data

    def say(self, data: bytes) -> None:
        """Say packets that need no acknowledgement of ours."""
        with self._lock:
            self._unsaid += data

    # ---------------------------------------------------------------------------------------------- connections

    def begin(self, greeting: bytes) -> None:
        """A connection is there: say `greeting`, and nothing else before the broker has answered it."""
        with self._lock:
            self._open = False
            self._unsaid[:] = greeting

    def welcome(self, filters: Sequence[str]) -> None:
        """The broker has answered: subscribe, say again what it did not acknowledge, then what waited."""
        with self._lock:
            self._open = True
            self._generation += 1
            self._unsaid += packets.subscribe(filters, self._next())
            for number, said in self._inflight.items():
                self._unsaid += packets.publish(said.topic, said.payload, number, retain=said.retain, again=True)
            self._go_on()

    def end(self) -> None:
        """The connection is gone; what is said from now on waits for the next."""
        with self._lock:
            self._open = False
            self._unsaid.clear()

    # ---------------------------------------------------------------------------------------------- publications

    def publish(self, topic: str, payload: bytes, *, retain: bool, done: Done | None) -> None:
        """Say something with QoS 1; `done` is for whoever hears its acknowledgement."""
        said = _Said(topic, payload, retain, done)
        with self._lock:
            if self._open and len(self._inflight) < self._inflight_most:
                self._publish(said)
            elif len(self._waiting) < self._queued_most:
                self._waiting.append(said)

    def mention(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Say something with QoS 0: once, and only if anybody listens."""
        with self._lock:
            if self._open:
                self._unsaid += packets.publish(topic, payload, 0, retain=retain)

    def acknowledged(self, number: int) -> Done | None:
        """The broker has a publication; return whom to tell."""
        with self._lock:
            said = self._inflight.pop(number, None)
            if self._waiting:
                self._go_on()
        return None if said is None else said.done

    def token(self, number: int) -> int:
        """Return what names a message heard on this connection; 0 for one that wants no acknowledgement."""
        return self._generation << _NUMBER_BITS | number if number else 0

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Acknowledge messages; tokens of an earlier connection mean nothing any more and are passed over."""
        with self._lock:
            if self._open:
                ours = self._generation
                self._unsaid += packets.puback([token & NUMBERS for token in tokens if token >> _NUMBER_BITS == ours])

    def _publish(self, said: _Said) -> None:
        number = self._next()
        self._inflight[number] = said
        self._unsaid += packets.publish(said.topic, said.payload, number, retain=said.retain)

    def _go_on(self) -> None:
        while self._waiting and len(self._inflight) < self._inflight_most:
            self._publish(self._waiting.popleft())

    def _next(self) -> int:
        """Return the next number that is free; so few are in flight that one is near."""
        while True:
            self._number = self._number % NUMBERS + 1
            if self._number not in self._inflight:
                return self._number

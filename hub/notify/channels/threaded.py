"""What channels that must wait for an answer share: threads of their own, and an end to every wait."""

from __future__ import annotations

import heapq
import itertools
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from hub.notify.channels.channel import Note, Result

CONNECT_S = 4.0
READ_S = 8.0
"""For one answer."""
WHOLE_S = 15.0
"""For everything after the connection stands, however many bytes trickle in."""
_THREADS = 2
_CLOSED = Result(sent=False, note="the channel was closed before it could go out", surely_unsent=True, untried=True)


class ThreadedChannel(ABC):
    """Calls `_notify` in a few threads; whatever it raises is a failure, and never somebody's lost page.

    Drills go one after the other in a thread of their own: one that hangs takes nothing from the pages of a storm.
    """

    prompt = False

    def __init__(self, name: str, threads: int = _THREADS) -> None:
        """Name the threads; none starts before the first page."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._drills = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-drill")
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, Note, Callable[[Result], None]]] = []
        self._count = itertools.count()
        self._closed = False

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        """Send in a thread; where several wait, the first page of a threat goes before the others."""
        if note.page.kind == "drill":
            try:
                self._drills.submit(self._send, note, done)
            except RuntimeError:
                done(_CLOSED)
            return
        with self._lock:
            heapq.heappush(self._waiting, (note.rank, next(self._count), note, done))
        try:
            self._threads.submit(self._next)
        except RuntimeError:
            self._next()  # as many are answered as were sent, whichever of them it is

    def _next(self) -> None:
        with self._lock:
            *_, note, done = heapq.heappop(self._waiting)
        self._send(note, done)

    def _send(self, note: Note, done: Callable[[Result], None]) -> None:
        if self._closed:
            done(_CLOSED)
            return
        try:
            result = self._notify(note)
        except Exception as wrong:  # noqa: BLE001 - a service's bug must not lose a page
            result = Result(sent=False, note=f"the service failed: {type(wrong).__name__}")
        done(result)

    @abstractmethod
    def _notify(self, note: Note) -> Result:
        """Send, wait for the answer, say how it went."""

    def close(self) -> None:
        """End the threads; what is being sent is sent, what waits is answered: a new plan may have changed the URL."""
        self._closed = True
        self._threads.shutdown(wait=False)
        self._drills.shutdown(wait=False)


class Deadline:
    """Cuts a connection off when everything on it together has taken too long."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        """Watch `sock`, also when TLS is put over it; the time runs inside ``with``."""
        self._handle = sock.dup()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()

    def _cut(self) -> None:
        with self._lock:
            if self._handle.fileno() >= 0:
                try:
                    self._handle.shutdown(socket.SHUT_RDWR)
                except OSError:  # the other side was quicker
                    return

    def __enter__(self) -> Self:
        """Begin to count."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        self._timer.cancel()
        with self._lock:
            self._handle.close()

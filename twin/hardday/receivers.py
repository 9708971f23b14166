"""What pages arrive at, on loopback: the phones' service and the control room's web hook. They fail as they are told.

Whatever arrives is noted with the site time, whether it is taken or not: the day's checker believes this and not the
hub. One that hangs answers nobody and is cut off after ten seconds of the site's time, as a time-out would.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from msgspec import Struct

HANGS_MS = 10_000
_OK, _GONE, _NOT_NOW = 200, 410, 503

Mood = Literal["well", "refuses", "gone", "hangs", "flat"]


class Arrival(Struct, frozen=True, kw_only=True):
    """Something came to a device; `taken` tells whether the device has it."""

    at_ms: int
    to: str
    """``/phone/3``, ``/hook/control-room``, ``page/pager-7``, ``page/baggage``."""
    over: bool
    """It says that something is over."""
    taken: bool
    title: str
    text: str
    moment: str | None = None
    """Where the message says it; a text message does not."""


class Receivers:
    """Listens on a port of its own."""

    def __init__(self, now_ms: Callable[[], int], mood: Callable[[str, int], Mood]) -> None:
        """Listen.

        Args:
            now_ms: site time.
            mood: how what listens on a path is at a time.
        """
        self.arrivals: list[Arrival] = []
        self._now_ms = now_ms
        self._mood = mood
        self._changed = threading.Condition()
        self._held: list[tuple[str, int]] = []
        self._closed = False
        receivers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status = receivers.take(self.path.partition("?")[0], json.loads(body))
                if status is None:  # cut off in silence
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's own names
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="receivers", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def take(self, path: str, said: dict[str, Any]) -> int | None:
        """Take a message as its receiver feels; return the status to answer, None to be silent."""
        at_ms = self._now_ms()
        mood = self._mood(path, at_ms)
        with self._changed:
            self.arrivals.append(_arrival(at_ms, path, said, taken=mood in {"well", "flat"}))
            if mood != "hangs":
                return {"gone": _GONE, "refuses": _NOT_NOW}.get(mood, _OK)
            held = (path, at_ms + HANGS_MS)
            self._held.append(held)
            self._changed.wait_for(lambda: self._closed or self._now_ms() >= held[1])
            self._held.remove(held)
        return None

    def holding(self) -> set[str]:
        """Return the paths that keep somebody waiting, and whose time is not over."""
        with self._changed:
            now_ms = self._now_ms()
            return {path for path, until_ms in self._held if until_ms > now_ms}

    def dues(self) -> list[int]:
        """Return when those are cut off that are kept waiting."""
        with self._changed:
            return [until_ms for _, until_ms in self._held]

    def tick(self) -> None:
        """Look at the time again."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _arrival(at_ms: int, path: str, said: dict[str, Any], *, taken: bool) -> Arrival:
    if "specversion" in said:  # a signed web hook's CloudEvent
        data = said["data"]
        return Arrival(
            at_ms=at_ms,
            to=path,
            over=data["kind"] == "over",
            taken=taken,
            title=data["title"],
            text=data["text"],
            moment=data["moment"],
        )
    return Arrival(
        at_ms=at_ms, to=path, over=said["type"] == "success", taken=taken, title=said["title"], text=said["message"]
    )

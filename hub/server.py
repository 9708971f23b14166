"""The hub's web server: its socket is taken at once, and a thread of its own serves on it as soon as it can.

The web's packages take 0.3 s to import, and the hub pages before it can show a dashboard. What goes wrong here ends the
dashboard and the API, never judging and paging.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from andgate.errors import UsageError
from hub.config import Address

if TYPE_CHECKING:
    import uvicorn

_log = logging.getLogger(__name__)

START_S = 30.0
_STOP_S = 2
"""Uvicorn waits this long for open streams; without a limit it would wait for ever."""

Make = Callable[[], tuple[Any, Callable[[], None]]]
"""Returns the application, and what ends its open streams."""


class Server:
    """One application on one address."""

    def __init__(self, address: Address) -> None:
        """Take the address. UsageError if that cannot be."""
        self._socket = _listen(address)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._up: Future[None] = Future()
        self._end_streams: Callable[[], None] = lambda: None
        self._stopping = False

    @property
    def url(self) -> str:
        """Where it is."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{Address(host, port)}"

    def start(self, make: Make) -> None:
        """Begin to serve what `make` returns, which is called in the thread that serves."""
        self._thread = threading.Thread(target=self._run, args=(make,), name="web", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until it answers; raises what keeps it from it."""
        self._up.result(START_S)

    def stop(self) -> None:
        """End, also what is being loaded still. May be called more than once."""
        self._stopping = True
        if self._thread is not None:
            try:
                # One that is still being loaded is not waited for: it sees by itself that nobody wants it any more.
                self._up.result(0)
            except Exception:  # noqa: BLE001 - it has been logged; there is little to stop
                if self._server is not None:
                    self._server.should_exit = True
                self._thread.join(_STOP_S)
            else:
                self._end_streams()
                if self._server is not None:
                    self._server.should_exit = True
                self._thread.join()
            self._thread = None
        self._socket.close()

    def _run(self, make: Make) -> None:
        try:
            import uvicorn  # noqa: PLC0415 - see above

            app, self._end_streams = make()
            if self._stopping:
                self._up.set_exception(UsageError("the hub stopped before its dashboard was there"))
                return
            self._server = server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    log_level="warning",
                    access_log=False,
                    timeout_graceful_shutdown=_STOP_S,
                    server_header=False,
                    lifespan="on",
                )
            )
            server.config.load()
            started = server.startup

            async def startup(sockets: list[socket.socket] | None = None) -> None:
                await started(sockets)
                if not self._up.done():
                    self._up.set_result(None)

            server.startup = startup  # type: ignore[method-assign]
            server.run(sockets=[self._socket])
        except BaseException as wrong:  # noqa: BLE001 - also uvicorn's SystemExit: judging and paging go on
            if not self._up.done():
                self._up.set_exception(wrong)
            if not self._stopping:
                _log.exception("the dashboard and the API ended; judging and paging go on")


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named: without it every second answer waits 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(1024)
    except (OSError, TypeError) as wrong:  # TypeError: a host that no encoding can say
        sock.close()
        why = (isinstance(wrong, OSError) and wrong.strerror) or "that is no name of a host"
        raise UsageError(
            f"the dashboard cannot listen on {address}: {why.lower()}. Name another address with --listen HOST:PORT"
        ) from None
    sock.setblocking(False)  # noqa: FBT003 - the socket's own interface
    return sock

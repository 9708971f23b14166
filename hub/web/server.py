"""Serves the web application: binds first, so that a taken port is told to a person, and ends without keeping them."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from andgate.errors import UsageError
from hub.web.context import Context

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_S = 3
"""How long requests may take to end when the server does. Without a limit one open stream would keep it for ever."""
BACKLOG = 2_048
"""A thousand dashboards come back in the same second after a restart."""


class WebServer:
    """One application on one address."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        """Bind; UsageError where that is not possible. Port 0 takes any free one."""
        self.socket = _bound(host, port)
        self._ready = threading.Event()
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                lifespan="on",
                ws="none",
            ),
            app.state.context,
            self._ready,
        )
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it is bound to."""
        number: int = self.socket.getsockname()[1]
        return number

    def run(self) -> None:
        """Serve in this thread until stopped; in the main thread SIGINT and SIGTERM stop it, and are raised again."""
        self._server.run(sockets=[self.socket])

    def start(self) -> None:
        """Serve in a thread of its own; returns when it answers."""
        self._thread = threading.Thread(target=self.run, name="web", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End every stream and request and return when all is closed; safe to call more than once."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self.socket.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, context: Context, ready: threading.Event) -> None:
        super().__init__(config)
        self._context = context
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self._ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._context.live.end()
        await super().shutdown(sockets)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
    except OSError as wrong:
        raise UsageError(
            f"cannot listen on {host}:{port}: {wrong.strerror}. Choose another with --listen HOST:PORT"
        ) from wrong
    return bound

"""A hub for the web's tests: the real driver on a real store, with a clock driven by hand."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from andgate.plan import Plan
from andgate.wire.codec import parse_time
from hub.clock import HandClock
from hub.driver import Driver
from hub.store import Reader, Store
from hub.web.live import Live
from tests.hub.desk import WAIT_S

NOON = parse_time("2026-11-21T12:00:00.000Z")
FLIGHT = "AG1234/2026-11-21"


class JudgedClock(HandClock):
    """A clock by whose every move a hub has judged when the test goes on."""

    driver: Driver | None = None

    def advance(self, ms: int) -> None:
        super().advance(ms)
        if self.driver is not None:
            self.driver.signals([], "nobody").result(WAIT_S)


class Stand:
    """Everything an application is made of."""

    def __init__(self, data: Path, plan: Plan) -> None:
        self.clock = JudgedClock(NOON)
        self.driver = Driver(Store(data), plan, self.clock)
        self.driver.start()
        self.clock.driver = self.driver
        self.reader = Reader(data)

    def close(self) -> None:
        self.reader.close()
        self.driver.stop()


class Server:
    """A real server for an application, on a free port and in a thread of its own."""

    def __init__(self, app: FastAPI) -> None:
        self.live: Live = app.state.context.live
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = _Told(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=3, lifespan="on"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        assert self._server.up.wait(30)

    def begin_to_stop(self) -> None:
        self.live.stop()
        self._server.should_exit = True

    def stop(self) -> None:
        self.begin_to_stop()
        self._thread.join(30)
        self._socket.close()
        assert not self._thread.is_alive()


class _Told(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

"""A real web application over an invented airport, and a browser to look at it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, expect, sync_playwright

from hub.web.app import create_app
from hub.web.tokens import Token
from tests.browser.airport import Judge, World

ARGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-quic",
]


class Served:
    """An airport behind an address."""

    def __init__(self, world: World, tokens: tuple[Token, ...] | None = None) -> None:
        self.world = world
        app = create_app(Judge(world), world, world, tokens=tokens)  # type: ignore[arg-type]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.thread.start()  # who connects before it is up waits until it is: the socket listens already

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(40)
        self._socket.close()


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[..., Served]]:
    """Return a function that serves an airport: ``serve(busy=True)``, or one that asks for tokens."""
    running: list[Served] = []

    def start(tokens: tuple[Token, ...] | None = None, **world: bool) -> Served:
        served = Served(World(**world), tokens)
        served.start()
        running.append(served)
        return served

    yield start
    for served in running:
        served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium: one for each module."""
    expect.set_options(timeout=40_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS, timeout=120_000)
        yield launched
        launched.close()

"""A thousand dashboards at 20 changes a second: the processor time it costs, against bare server-sent events.

Both servers run in a process of their own and tell of the same changes; the bare one is Starlette's streaming response
behind a queue a client, each change encoded once. This process only reads.
"""

from __future__ import annotations

import asyncio
import os
import resource
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import uvicorn
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from andgate.moment.moments import Moment
from andgate.plan import parse_plan
from andgate.wire.codec import moment_message
from bench._figure import Figure
from hub.clock import SystemClock
from hub.driver import Committed
from hub.store import ChainHead
from hub.web.app import create_app

CLIENTS = 1_000
CHANGES_A_SECOND = 20
SETTLE_S = 2.0
MEASURE_S = 6.0
NOON = 1_795_262_400_000
ASK = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
MOMENT = Moment(
    id="a" * 32,
    anchor="f/1",
    expectation="check-in-wait",
    touchpoint="counter-a",
    opened_ms=NOON,
    ends_ms=NOON + 180_000,
    counts_to_ms=NOON + 180_000,
    plan="bench",
)


def run() -> list[Figure]:
    """Return the ratio, and what a client costs in memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CLIENTS * 2 + 200)), hard))
    bare_s, _, _ = _measure("bare")
    ours_s, heard, kib = _measure("ours")
    percent = 100 / MEASURE_S
    return [
        Figure(f"{CLIENTS} dashboards, processor time", ours_s / bare_s, "x bare", most=0.5),
        Figure("  of one core", ours_s * percent, "%", note=f"bare {bare_s * percent:.0f} %"),
        Figure("  deliveries to each a second", heard, "/s"),
        Figure("  memory a dashboard", kib, "KiB"),
    ]


def _measure(kind: str) -> tuple[float, float, float]:
    """Return processor seconds, deliveries a client a second, KiB a client."""
    with socket.create_server(("127.0.0.1", 0), backlog=2_048) as listening:
        listening.set_inheritable(True)
        address = listening.getsockname()
        served = subprocess.Popen(
            [sys.executable, "-m", "bench.dashboards", kind, str(listening.fileno())], pass_fds=[listening.fileno()]
        )
    try:
        return _listen(served.pid, address)
    finally:
        served.kill()
        served.wait()


def _listen(pid: int, address: tuple[str, int]) -> tuple[float, float, float]:
    with selectors.DefaultSelector() as selector:
        sockets = []
        alone = 0.0
        for number in range(CLIENTS):
            client = socket.create_connection(address, timeout=30)
            client.sendall(ASK)
            if number == 0:
                client.recv(65_536)  # up
                alone = _memory_kib(pid)
            client.setblocking(False)  # noqa: FBT003 - the socket's own interface
            selector.register(client, selectors.EVENT_READ)
            sockets.append(client)
        _drain(selector, SETTLE_S)
        begun_s = _processor_s(pid)
        heard = _drain(selector, MEASURE_S)
        used_s = _processor_s(pid) - begun_s
        kib = (_memory_kib(pid) - alone) / CLIENTS
        for client in sockets:
            client.close()
    return used_s, heard / CLIENTS / MEASURE_S, kib


def _drain(selector: selectors.BaseSelector, seconds: float) -> int:
    until = time.monotonic() + seconds
    heard = 0
    while time.monotonic() < until:
        for key, _ in selector.select(0.1):
            heard += bool(key.fileobj.recv(1 << 20))  # type: ignore[union-attr]
    return heard


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_kib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


# ------------------------------------------------------------------------------------------------ the two servers


def _bare() -> Starlette:
    queues: set[asyncio.Queue[bytes]] = set()

    async def events() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.add(queue)
        yield b"retry: 2000\n\n"
        while True:
            yield await queue.get()

    async def feed() -> None:
        change = 0
        while True:
            await asyncio.sleep(1 / CHANGES_A_SECOND)
            change += 1
            data = msgspec.json.encode(moment_message(replace(MOMENT, change=change)))
            for queue in queues:
                queue.put_nowait(b"event: moment\ndata: " + data + b"\n\n")

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(feed())
        yield
        task.cancel()

    async def stream(_: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route("/api/v1/stream", stream)], lifespan=life)


def _ours() -> Starlette:
    plan = parse_plan(Path("docs/examples/airport.toml").read_text(encoding="utf-8"))
    driver: Any = SimpleNamespace(plan=plan, chain=ChainHead(1, ""), open_moments=lambda: (MOMENT,), listeners=[])
    app = create_app(driver, SimpleNamespace(), SystemClock())  # type: ignore[arg-type]

    def feed() -> None:
        change = 0
        while True:
            time.sleep(1 / CHANGES_A_SECOND)
            change += 1
            published = (replace(MOMENT, change=change),)
            commit = Committed(now_ms=NOON, chain=ChainHead(change, ""), entries=1, published=published)
            for listener in driver.listeners:
                listener(commit)

    threading.Thread(target=feed, daemon=True).start()
    return app


if __name__ == "__main__":
    app_ = _bare() if sys.argv[1] == "bare" else _ours()
    uvicorn.run(app_, fd=int(sys.argv[2]), log_level="warning", access_log=False)

"""The live stream: what each dashboard gets, in which order, at what price, and how it ends."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.wire.codec import moment_message
from hub.clock import HandClock
from hub.config import Address
from hub.driver import Committed
from hub.server import _listen
from hub.store import ChainHead
from hub.web import live as live_module
from hub.web.app import create_app
from hub.web.live import RESYNC, Client, Live
from tests.hub_web.stand import NOON, Server, Stand

SOON_S = 30
Event = tuple[str, Any]


class Truth:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chain = ChainHead(7, "")
        self.moments: tuple[Moment, ...] = ()
        self.asked = 0

    def open_moments(self) -> tuple[Moment, ...]:
        self.asked += 1
        return self.moments


def commit(*moments: Moment, **more: Any) -> Committed:
    return Committed(now_ms=NOON, chain=ChainHead(7, ""), entries=1, published=moments, **more)


def a_moment(name: str = "a", change: int = 1) -> Moment:
    return Moment(
        id=name * 32,
        anchor="f/1",
        expectation="check-in-wait",
        touchpoint="counter-a",
        opened_ms=NOON,
        ends_ms=NOON + 180_000,
        counts_to_ms=NOON + 180_000,
        change=change,
        plan="p",
    )


def events_in(chunk: bytes) -> list[Event]:
    found = []
    for block in chunk.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(SOON_S):
            await test()

    asyncio.run(within())


@asynccontextmanager
async def started(truth: Truth) -> AsyncIterator[Live]:
    live = Live(truth, HandClock(NOON))
    live.start()
    yield live
    live.end()


async def until(client: Client, name: str) -> list[Event]:
    """Take until there is such an event; pulses of a slow machine may come between."""
    found: list[Event] = []
    while not any(event == name for event, _ in found):
        found += [each for each in events_in(await client.take()) if each[0] != "pulse" or name == "pulse"]
    return found


def test_every_connection_begins_with_everything(plan: Plan) -> None:
    async def test() -> None:
        truth = Truth(plan)
        late = replace(a_moment("b"), ends_ms=NOON + 1)
        truth.moments = (a_moment(), late)
        async with started(truth) as live:
            client = live.join()
            assert client is not None
            (name, snapshot), (pulse, said) = events_in(await client.take())
            assert (name, pulse) == ("snapshot", "pulse")
            assert [each["id"][0] for each in snapshot["moments"]] == ["b", "a"]
            assert (snapshot["plan"], snapshot["rate"]) == (plan.version, 1.0)
            assert (said["at"], said["open"]) == ("2026-11-21T12:00:00.000Z", 2)

    run(test)


def test_changes_are_gathered_and_the_last_one_counts(plan: Plan) -> None:
    async def test() -> None:
        async with started(Truth(plan)) as live:
            client = live.join()
            assert client is not None
            await client.take()
            # In one go, so all are there when the tick comes.
            for change in (1, 3, 2):
                live.committed(commit(a_moment(change=change)))
            live.committed(commit(a_moment("b"), plan=plan))
            live.committed(commit(nodes=(("desk-a1", "lost"),)))
            found = await until(client, "plan")
            assert [name for name, _ in found] == ["moment", "moment", "node", "plan"]
            assert [data["change"] for name, data in found if name == "moment"] == [3, 1]
            assert found[-1][1]["version"] == plan.version
            (name, said) = (await until(client, "pulse"))[-1]
            assert (name, said["entry"]) == ("pulse", 7)

    run(test)


def test_all_clients_get_the_same_bytes_encoded_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(moment: Moment) -> Any:
        made.append(moment.id)
        return moment_message(moment)

    monkeypatch.setattr(live_module, "moment_message", counted)

    async def test() -> None:
        async with started(Truth(plan)) as live:
            clients = [live.join() for _ in range(50)]
            chunks = [await client.take() for client in clients if client]
            live.committed(commit(a_moment()))
            chunks = [await client.take() for client in clients if client]
            assert len({id(chunk) for chunk in chunks}) == 1
            assert made == ["a" * 32]

    run(test)


def test_nobody_listening_costs_nothing(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "moment_message", None)

    async def test() -> None:
        async with started(Truth(plan)) as live:
            live.committed(commit(a_moment()))
            ticked = asyncio.Event()
            asyncio.get_running_loop().call_later(live_module.TICK_S, ticked.set)
            await ticked.wait()
            client = live.join()
            assert client is not None
            assert events_in(await client.take())[-1][1]["entry"] == 7

    run(test)


def test_before_the_start_and_after_the_end_nothing_piles_up(plan: Plan) -> None:
    async def test() -> None:
        live = Live(Truth(plan), HandClock(NOON))
        live.committed(commit(a_moment()))
        assert not live._waiting
        live.start()
        client = live.join()
        assert client is not None
        assert [name for name, _ in events_in(await client.take())] == ["snapshot", "pulse"]
        live.end()
        live.committed(commit(a_moment()))
        assert not live._waiting
        assert await client.take() == RESYNC
        assert await client.take() == b""

    run(test)


def test_a_snapshot_is_made_once_for_all_who_come_back(plan: Plan) -> None:
    async def test() -> None:
        truth = Truth(plan)
        async with started(truth) as live:
            joined = [live.join() for _ in range(100)]
            assert len(joined) == 100
            pulses = 100
            assert truth.asked == pulses + 1
            live.committed(commit(a_moment()))
            live.join()
            assert truth.asked == pulses + 3

    run(test)


def test_a_client_that_cannot_keep_up_is_told_and_dropped(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MOST_WAITING_BYTES", 4_000)

    async def test() -> None:
        async with started(Truth(plan)) as live:
            slow, quick = live.join(), live.join()
            assert slow is not None
            assert quick is not None
            await quick.take()
            change = 0
            while live.dropped == 0:
                change += 1
                live.committed(commit(a_moment(change=change)))
                await quick.take()
            assert await slow.take() == RESYNC
            assert await slow.take() == b""
            assert live.clients == 1

    run(test)


def test_there_is_room_for_so_many(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MOST_CLIENTS", 2)

    async def test() -> None:
        async with started(Truth(plan)) as live:
            first = live.join()
            assert first is not None
            assert live.join() is not None
            assert live.join() is None
            live.leave(first)
            assert live.join() is not None

    run(test)


# ------------------------------------------------------------------------------------------------ a real server


@pytest.fixture
def server(stand: Stand) -> Iterator[Server]:
    server = Server(create_app(stand.driver, stand.reader, stand.clock))
    yield server
    server.stop()


def blocks(response: httpx2.Response) -> Iterator[Event]:
    lines: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            lines[name] = value
        elif lines:
            if "event" in lines:
                yield lines["event"], json.loads(lines["data"])
            lines = {}


def test_a_press_reaches_a_dashboard_and_the_hub_stops_cleanly(server: Server) -> None:
    signal = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}
    with (
        httpx2.Client(base_url=server.url, timeout=SOON_S) as web,
        web.stream("GET", "/api/v1/stream") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        assert "content-length" not in stream.headers
        assert stream.headers["content-security-policy"]
        events = blocks(stream)
        assert next(events)[0] == "snapshot"
        assert web.post("/api/v1/signals", json=signal).status_code == 202
        name, data = next(each for each in events if each[0] != "pulse")
        assert (name, data["touchpoint"], data["change"]) == ("moment", "counter-a", 1)
        assert next(each for each in events if each[0] == "pulse")[1]["open"] == 1
        with web.stream("GET", "/api/v1/stream?since=5", headers={"last-event-id": "5"}) as again:
            assert len(next(blocks(again))[1]["moments"]) == 1
        next(each for each in events if server.live.clients == 1)  # who has left is forgotten
        server.begin_to_stop()
        assert [name for name, _ in events if name != "pulse"] == ["resync"]


def test_no_answer_waits_for_the_one_before() -> None:
    async def test() -> None:
        served: asyncio.Queue[int] = asyncio.Queue()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            option = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            served.put_nowait(option)
            writer.close()

        listening = _listen(Address("127.0.0.1", 0))
        async with await asyncio.start_server(answer, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            assert await served.get() != 0
            writer.close()
            await writer.wait_closed()

    run(test)

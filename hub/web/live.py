"""The live stream: what changed, to every open dashboard, at the price of one.

Commits come from the driver's thread and only join a queue. On the event loop they are gathered for a tick, the last
publication of each moment is encoded once, and every client is handed the same bytes. The first change after a quiet
time goes out at once; a tick is how long the next one waits, and it grows with the audience, because what costs is the
delivery: a thousand dashboards that hear of a change 0.2 s later cost half of what they would at 0.1 s.

Events (``text/event-stream``):

- ``snapshot``: every open moment, sent first on each connection, also after a reconnect: what is not in it is over.
- ``moment``: one publication of a moment; keep the greatest ``change`` of each id.
- ``remedy``: the same of a remedy task; tasks are in no snapshot, ``GET /remedies`` has them.
- ``pulse``: each real second: site time, the clock's rate, the journal's last entry. Nothing for 5 s: grey the screen.
- ``node``: a node's state changed.
- ``quiet``: a mute, a suspension or a training began or ended.
- ``plan``: another plan is in force; reload the page.
- ``resync``: the last event of a client that could not keep up, or of a hub that stops; connect again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Struct
from starlette.responses import Response

from andgate.wire.codec import format_time, moment_message
from andgate.wire.messages import MomentMessage
from hub.clock import HubClock
from hub.driver import Committed
from hub.store import ChainHead

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from andgate.moment.moments import Moment
    from andgate.plan import Plan

TICK_S = 0.1
WIDE_TICK_S = 0.25
WIDE_CLIENTS = 400
"""From so many clients on, a tick is `WIDE_TICK_S`."""
PULSE_S = 1.0
MOST_WAITING_BYTES = 512 * 1024
"""A client that has so much waiting is too slow: it is told to resync and dropped."""
MOST_CLIENTS = 5_000
RETRY_MS = 2_000


class NodeChange(Struct, frozen=True, kw_only=True):
    """The data of a ``node`` event."""

    node: str
    state: str
    at: str


class PlanChange(Struct, frozen=True, kw_only=True):
    """The data of a ``plan`` event."""

    version: str
    at: str


class QuietChange(Struct, frozen=True, kw_only=True):
    """The data of a ``quiet`` event."""

    at: str
    suspended: bool
    """Something is."""
    mutes: int
    """How many count now."""


class Pulse(Struct, frozen=True, kw_only=True):
    """The data of a ``pulse`` event."""

    at: str
    rate: float
    """Site seconds per real second."""
    entry: int
    """The journal's last entry."""
    open: int
    """How many moments are open."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """The data of a ``snapshot`` event."""

    at: str
    rate: float
    plan: str
    moments: list[MomentMessage]
    """Nearest deadline first."""


class Truth(Protocol):
    """What snapshots and pulses are made of."""

    @property
    def chain(self) -> ChainHead:
        """The head of the journal as of the last commit."""

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments as of the last commit."""

    @property
    def plan(self) -> Plan:
        """The plan in force."""


class Client:
    """One listener: what waits for it, within bounds. Belongs to the event loop."""

    __slots__ = ("_bytes", "_chunks", "_ended", "_waiter")

    def __init__(self) -> None:
        """Start empty."""
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, chunk: bytes) -> bool:
        """Queue `chunk`; False if the client was too slow and is now at its end."""
        if self._ended:
            return False
        # Who has read everything is not too slow, however much one tick brings.
        if self._bytes and self._bytes + len(chunk) > MOST_WAITING_BYTES:
            self.end(drop=True)
            return False
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        self._wake()
        return True

    def end(self, *, drop: bool = False) -> None:
        """Let it have what waits (nothing, if `drop`), a ``resync``, and then nothing more."""
        if self._ended:
            return
        if drop:
            self._chunks.clear()
        self._chunks.append(RESYNC)
        self._ended = True
        self._wake()

    def leave(self) -> None:
        """The connection is gone: what waits is forgotten."""
        self._chunks.clear()
        self._ended = True
        self._wake()

    async def take(self) -> bytes:
        """Return all that waits, as one piece, waiting for something; empty at the end."""
        while not self._chunks:
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        taken = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._bytes = 0
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Live:
    """The fan-out. `changed` may be called from any thread; everything else runs on the event loop."""

    def __init__(self, truth: Truth, clock: HubClock) -> None:
        """Tell of `truth`, in the time of `clock`. Nothing runs before `start`."""
        self._truth = truth
        self._clock = clock
        self._waiting: deque[Committed] = deque()
        self._clients: set[Client] = set()
        self._encode = msgspec.json.Encoder().encode
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._pulsing: asyncio.TimerHandle | None = None
        self._pulse_due = False
        self._next_tick = 0.0
        self._seq = 0
        self._snapshot: tuple[int, bytes] | None = None
        self.dropped = 0
        """Clients that were too slow, since start."""

    @property
    def clients(self) -> int:
        """How many listen now."""
        return len(self._clients)

    def start(self) -> None:
        """Begin to tick, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._pulsing = self._loop.call_later(PULSE_S, self._pulse)

    def stop(self) -> None:
        """End every stream with a ``resync``; safe to call from any thread and more than once."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.end)

    def committed(self, commit: Committed) -> None:
        """Take in what a commit made true. Only queues: the caller is the driver."""
        loop = self._loop
        if loop is None:  # nobody can listen: before the start, and after the end
            return
        self._waiting.append(commit)
        if len(self._waiting) == 1:
            try:
                loop.call_soon_threadsafe(self._gather)
            except RuntimeError:  # the loop has closed: nobody listens any more
                self._waiting.clear()

    def join(self) -> Client | None:
        """Return a new client, the snapshot waiting for it; None if there are too many."""
        if len(self._clients) >= MOST_CLIENTS:
            return None
        client = Client()
        client.offer(self._everything())
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client whose connection ended."""
        client.leave()
        self._clients.discard(client)

    def end(self) -> None:
        """End every stream with a ``resync``; on the event loop only."""
        for timer in (self._ticking, self._pulsing):
            if timer is not None:
                timer.cancel()
        for client in self._clients:
            client.end()
        self._clients.clear()
        self._loop = None

    def _gather(self) -> None:
        if self._loop is None or self._ticking is not None:
            return
        self._ticking = self._loop.call_at(max(self._loop.time(), self._next_tick), self._tick)

    def _tick(self) -> None:
        loop = self._loop
        if loop is None:
            return
        self._ticking = None
        self._next_tick = loop.time() + (WIDE_TICK_S if len(self._clients) >= WIDE_CLIENTS else TICK_S)
        chunk = self._encoded(self._drained())
        if self._pulse_due and self._clients:
            chunk += self._pulse_event()
        self._pulse_due = False
        if chunk:
            self._send(chunk)

    def _drained(self) -> list[Committed]:
        commits = []
        while self._waiting:
            commits.append(self._waiting.popleft())
        return commits

    def _encoded(self, commits: Iterable[Committed]) -> bytes:
        moments: dict[str, Moment] = {}
        nodes: dict[str, NodeChange] = {}
        plan: PlanChange | None = None
        quiet: QuietChange | None = None
        for commit in commits:
            for moment in commit.published:
                if moment.training is not None:
                    continue  # who counts along must not count what was not real
                if moment.id not in moments or moments[moment.id].change < moment.change:
                    moments[moment.id] = moment
            for node, state in commit.nodes:
                nodes[node] = NodeChange(node=node, state=state, at=format_time(commit.now_ms))
            if commit.quiet is not None:
                quiet = QuietChange(
                    at=format_time(commit.now_ms),
                    suspended=bool(commit.quiet.suspensions),
                    mutes=sum(mute.holds(commit.now_ms) for mute in commit.quiet.mutes),
                )
            if commit.plan is not None:
                plan = PlanChange(version=commit.plan.version, at=format_time(commit.now_ms))
        self._seq += 1
        if not self._clients:
            return b""
        parts = [
            self._event("moment" if moment.remedies is None else "remedy", moment_message(moment))
            for moment in moments.values()
        ]
        parts += [self._event("node", node) for node in nodes.values()]
        if quiet is not None:
            parts.append(self._event("quiet", quiet))
        if plan is not None:
            parts.append(self._event("plan", plan))
        return b"".join(parts)

    def _event(self, name: str, data: Any) -> bytes:  # noqa: ANN401 - any struct of this module
        return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), self._seq, self._encode(data))

    def _send(self, chunk: bytes) -> None:
        slow = [client for client in self._clients if not client.offer(chunk)]
        for client in slow:
            self._clients.discard(client)
            self.dropped += 1

    def _pulse(self) -> None:
        loop = self._loop
        if loop is None:
            return
        self._pulsing = loop.call_later(PULSE_S, self._pulse)
        if self._ticking is not None:
            self._pulse_due = True  # one delivery instead of two
        elif self._clients:
            self._send(self._pulse_event())

    def _pulse_event(self) -> bytes:
        now = format_time(self._clock.now_ms())
        count = len(self._truth.open_moments())
        return self._event("pulse", Pulse(at=now, rate=self._clock.rate, entry=self._truth.chain.entry, open=count))

    def _everything(self) -> bytes:
        # A thousand dashboards come back at once after a restart: one of them pays for the snapshot.
        if self._snapshot is None or self._snapshot[0] != self._seq or self._waiting:
            real = [moment for moment in self._truth.open_moments() if moment.training is None]
            moments = sorted(real, key=lambda moment: (moment.ends_ms, moment.id))
            snapshot = Snapshot(
                at=format_time(self._clock.now_ms()),
                rate=self._clock.rate,
                plan=self._truth.plan.version,
                moments=[moment_message(moment) for moment in moments],
            )
            self._snapshot = (self._seq, b"retry: %d\n" % RETRY_MS + self._event("snapshot", snapshot))
        return self._snapshot[1] + self._pulse_event()


RESYNC = b"event: resync\ndata: {}\n\n"


class EventStream(Response):
    """Sends what a client is offered until one of both sides ends it.

    Plain ASGI: a generator behind Starlette's streaming response would pay two more task switches a delivery.
    """

    media_type = "text/event-stream"

    def __init__(self, live: Live, client: Client) -> None:
        """Stream to a `client` of `live`."""
        self._live = live
        self._client = client
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; returns when the browser has gone or the stream has ended."""
        del scope
        gone = asyncio.ensure_future(self._until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while chunk := await self._client.take():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:  # how newer servers say that the client has gone
            pass
        finally:
            gone.cancel()
            self._live.leave(self._client)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._client.leave()

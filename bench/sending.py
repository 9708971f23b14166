"""From an event to the channel beside 1,000 open threats; and 500 pages of one moment through one channel's worker."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from andgate.plan import parse_plan
from andgate.plan.addresses import HookAddress
from andgate.wire.messages import FeedSignal
from bench._figure import Figure
from bench._hub import SITE
from bench._mqtt import median, quantile
from hub.clock import SystemClock
from hub.driver import Driver
from hub.notify.channels import Channel, Note, Result
from hub.notify.channels.webhook import WebhookChannel
from hub.notify.notifier import Notifier
from hub.store import Store

OPEN = 1_000
EVENTS = 300
PAUSE_S = 0.01
AT_ONCE = 500
DAY = "2026-11-21"
PLAN = f"""
[site]
id = "{SITE}"
name = "Bench"
timezone = "Europe/Rome"
[channels.hook]
url = "webhook+http://127.0.0.1:1/"
secret = "whsec_{"A" * 40}"
[groups.staff]
name = "Staff"
channels = ["hook"]
bundles_from = 0
[touchpoints.belt]
name = "Belt"
group = "staff"
[expectations.bag]
promise = "I have my bag within 25 minutes."
touchpoints = ["belt"]
key = "flight"
opens = ["docked"]
closes = ["unloaded"]
fails_after = "25m"
[[expectations.bag.pages]]
left = "25m"
group = "staff"
"""


def run() -> list[Figure]:
    """Return how long an event takes to its channel, and how fast many pages leave."""
    handed = _handed()
    pages_s, ahead = _at_once()
    return [
        Figure(
            f"event to channel, p99, {OPEN} threats open",
            quantile(handed, 0.99),
            "ms",
            most=50,
            note=f"p50 {median(handed):.2f} ms",
        ),
        Figure(f"{AT_ONCE} pages over one web hook", pages_s, "s", most=1),
        Figure("  first pages ahead of the last over", ahead, "", least=0.9),
    ]


class _Hands:
    """A channel that only notes when it is handed a page."""

    prompt = False

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.came = threading.Condition()

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        now = time.perf_counter()
        done(Result(sent=True))
        with self.came:
            self.at[note.title] = now
            self.came.notify_all()

    def close(self) -> None:
        pass

    def wait(self, count: int) -> None:
        with self.came:
            if not self.came.wait_for(lambda: len(self.at) >= count, 60):
                raise TimeoutError(f"{len(self.at)} of {count} pages came")


@contextlib.contextmanager
def _hub(channel: Channel) -> Iterator[Driver]:
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        driver = Driver(Store(Path(folder) / "data"), parse_plan(PLAN), clock)
        notifier = Notifier(driver, clock, lambda _: channel)
        driver.listeners.append(notifier.committed)
        driver.start()
        notifier.start(())
        try:
            yield driver
        finally:
            notifier.stop()
            driver.stop()


def _signal(n: int, signal: str = "docked") -> FeedSignal:
    return FeedSignal(id=f"{signal}-{n}", touchpoint="belt", signal=signal, key=f"AG{n}/{DAY}")


def _handed() -> list[float]:
    """Return milliseconds from a signal's arrival to its page in the channel's hands."""
    hands = _Hands()
    times = []
    with _hub(hands) as driver:
        driver.signals([_signal(n) for n in range(OPEN)], "ops").result(60)
        hands.wait(OPEN)
        for n in range(OPEN, OPEN + EVENTS):
            started = time.perf_counter()
            driver.signals([_signal(n)], "ops")
            hands.wait(n + 1)
            times.append((hands.at[f"Belt, AG{n}"] - started) * 1000)
            time.sleep(PAUSE_S)
    return times


def _at_once() -> tuple[float, float]:
    """Return seconds until 500 pages that are due together have left, and how many first pages went before "over"."""
    heard: list[bytes] = []
    came = threading.Condition()

    def take(body: bytes) -> None:
        with came:
            heard.append(body)
            came.notify_all()

    def wait(count: int) -> None:
        with came:
            if not came.wait_for(lambda: len(heard) >= count, 60):
                raise TimeoutError(f"{len(heard)} of {count} pages came")

    with _receiver(take) as port:
        channel = WebhookChannel(
            HookAddress(secure=False, host="127.0.0.1", port=port, target="/"), b"k" * 32, SITE, lambda: 0
        )
        with _hub(channel) as driver:
            started = time.perf_counter()
            driver.signals([_signal(n) for n in range(AT_ONCE)], "ops")
            wait(AT_ONCE)
            took_s = time.perf_counter() - started
            ended = [_signal(n, "unloaded") for n in range(AT_ONCE // 2)]
            begun = [_signal(n) for n in range(AT_ONCE, AT_ONCE + AT_ONCE // 2)]
            driver.signals([*ended, *begun], "ops")
            wait(2 * AT_ONCE)
    overs = [place for place, body in enumerate(heard[AT_ONCE:]) if b'"kind":"over"' in body]
    pages = [place for place, body in enumerate(heard[AT_ONCE:]) if b'"kind":"page"' in body]
    return took_s, sum(place < overs[-1] for place in pages) / len(pages)


@contextlib.contextmanager
def _receiver(take: Callable[[bytes], None]) -> Iterator[int]:
    """Run a receiver of web hooks that answers at once."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            said = b""
            while b"\r\n\r\n" not in said:
                said += connection.recv(65_536)
            head, _, body = said.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            while len(body) < length:
                body += connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n")
            take(body)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()

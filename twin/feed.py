"""The airport's own systems: what they report goes to the hub by HTTP, in order, and is kept until the hub has it."""

from __future__ import annotations

import http.client
import logging
import threading
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import msgspec

from andgate.errors import UsageError
from andgate.wire.codec import encode, format_time
from andgate.wire.messages import MAX_SIGNALS, FeedSignal
from twin.happenings import Reported

_log = logging.getLogger("andgate.twin")

_RETRY_S = 1.0
_TIMEOUT_S = 10.0
_FAILURES_TOLD = 2


class HubAddress(msgspec.Struct, frozen=True):
    """Where a hub's API is, and how to get in."""

    host: str
    port: int
    tls: bool = False
    token: str | None = None

    @classmethod
    def at(cls, url: str, *, token: str | None = None) -> HubAddress:
        """Read ``http://host:port``.

        Raises:
            UsageError: for anything else, with what to write.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as wrong:
            raise UsageError(f"the hub's address {url!r} is wrong: {wrong}. Write http://HOST:8080") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise UsageError(f"the hub's address {url!r} is wrong. Write http://HOST:8080")
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if tls else 80), tls, token)

    def __str__(self) -> str:
        """``http://host:port``."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


class Api:
    """One connection to a hub's API, made again when it breaks. For one thread."""

    def __init__(self, address: HubAddress) -> None:
        """Prepare; it connects with the first request."""
        self.address = address
        make = http.client.HTTPSConnection if address.tls else http.client.HTTPConnection
        self._connection = make(address.host, address.port, timeout=_TIMEOUT_S)

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request below ``/api/v1``; return the status and the body.

        Raises:
            OSError: if the hub cannot be reached.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.address.token is not None:
            headers["Authorization"] = f"Bearer {self.address.token}"
        try:
            self._connection.request(method, f"/api/v1{path}", body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as wrong:
            self._connection.close()
            raise ConnectionError(f"the hub at {self.address} does not speak HTTP: {wrong}") from wrong
        except OSError:
            self._connection.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Feed:
    """Posts what the airport reports, in its own thread."""

    def __init__(self, address: HubAddress) -> None:
        """Prepare; `start` begins to post."""
        self._api = Api(address)
        self._queue: SimpleQueue[Reported | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="twin feed", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Post nothing more."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()
        self._api.close()

    def post(self, reported: Reported) -> None:
        """Queue a report; returns at once."""
        self._queue.put(reported)

    def _run(self) -> None:
        while not self._stopping.is_set():
            reports = self._waiting()
            if reports:
                self._send(encode_reports(reports))

    def _waiting(self) -> list[Reported]:
        reports = [self._queue.get()]
        try:
            while len(reports) < MAX_SIGNALS:
                reports.append(self._queue.get_nowait())
        except Empty:
            pass
        return [report for report in reports if report is not None]

    def _send(self, body: bytes) -> None:
        failed = 0
        while not self._stopping.is_set():
            try:
                status, answer = self._api.call("POST", "/signals", body)
            except OSError as wrong:
                # A server closes a connection that was quiet for long; the first failure may mean no more than that.
                failed += 1
                if failed == _FAILURES_TOLD:
                    _log.warning("the hub at %s cannot be reached (%s); reports wait", self._api.address, wrong)
                self._stopping.wait(_RETRY_S if failed > 1 else 0)
                continue
            if status >= http.client.INTERNAL_SERVER_ERROR or status == http.client.TOO_MANY_REQUESTS:
                self._stopping.wait(_RETRY_S)
                continue
            if status != http.client.ACCEPTED:
                _log.error("the hub refused a report (%d): %s", status, answer[:500].decode(errors="replace"))
            return


def encode_reports(reports: list[Reported]) -> bytes:
    """Return reports as the contract's list of feed signals."""
    return encode([feed_member(report) for report in reports])


def feed_member(report: Reported) -> FeedSignal:
    """Return one report as a member of a list that is posted."""
    return FeedSignal(
        id=report.id,
        touchpoint=report.touchpoint,
        signal=report.signal,
        key=report.key,
        at=format_time(report.at_ms),
        value=report.value,
        about=report.about,
    )

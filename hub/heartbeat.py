"""The heartbeat: an outside watch hears from this hub while all is well, and calls somebody when it does not.

A dead hub pages nobody. Whoever runs the address (a dead man's switch in another building) does, once the heartbeats
stop. They stop when the hub is dead, when it cannot judge, when the broker is gone, and when the auditor finds a threat
that nobody cares for. Nothing of the hub waits for this: it has a thread of its own, and each attempt a time limit.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from msgspec import Struct

from andgate.errors import UsageError

_log = logging.getLogger(__name__)

EVERY_S = 60.0
"""Real seconds between heartbeats."""
AGAIN_S = 5.0
"""Real seconds until it is looked again whether all is well, where it was not."""
TIMEOUT_S = 10.0
"""For connecting, and for each word of the answer."""
_REDIRECTS = 300


class HeartbeatUrl(Struct, frozen=True):
    """Where heartbeats go. The path may be a secret: it is never shown."""

    tls: bool
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        """Scheme and host, fit to be shown."""
        return f"{'https' if self.tls else 'http'}://{self.host}" + (f":{self.port}" if self.port else "")


def parse_heartbeat(text: str) -> HeartbeatUrl:
    """Read ``https://HOST[:PORT]/PATH``; UsageError for anything else."""
    wrong = UsageError("--heartbeat needs an address that can be asked. Write https://HOST/PATH, without a password")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise wrong from None
    plain = text.isascii() and text.isprintable() and " " not in text
    if url.scheme not in {"http", "https"} or not url.hostname or url.username or port == 0 or not plain:
        raise wrong
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return HeartbeatUrl(tls=url.scheme == "https", host=url.hostname, port=port, path=path)


class Heartbeat:
    """Says every minute that all is well, or nothing."""

    def __init__(
        self, url: HeartbeatUrl, well: Callable[[], str | None], now_ms: Callable[[], int], *, every_s: float = EVERY_S
    ) -> None:
        """Prepare; `start` begins.

        Args:
            url: asked by GET; any answer of 2xx counts.
            well: returns why no heartbeat may go out now, in words; None while all is well.
            now_ms: site time.
            every_s: real seconds between two.
        """
        self.url = url
        self._well = well
        self._now_ms = now_ms
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.fault: str | None = None
        """Why the last one did not go out, in words; None while they do."""
        self.sent_ms: int | None = None
        """When the last one was answered; None: none was."""

    def start(self) -> None:
        """Begin, with one at once."""
        self._thread.start()

    def stop(self) -> None:
        """End. One that waits for its answer is left to its own end: nobody waits for it."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            unwell = self._well()
            fault = self._beat() if unwell is None else f"held back: {unwell}"
            if fault != self.fault:  # once a trouble, not once a minute
                if fault is None:
                    _log.info("heartbeats reach %s", self.url)
                else:
                    _log.warning("no heartbeat to %s: %s", self.url, fault)
            self.fault = fault
            self._stopping.wait(self._every_s if unwell is None else min(self._every_s, AGAIN_S))

    def _beat(self) -> str | None:
        """Send one; return what was wrong with it."""
        url = self.url
        connection = (
            http.client.HTTPSConnection(url.host, url.port, timeout=TIMEOUT_S, context=ssl.create_default_context())
            if url.tls
            else http.client.HTTPConnection(url.host, url.port, timeout=TIMEOUT_S)
        )
        try:
            connection.request("GET", url.path, headers={"User-Agent": "andgate", "Connection": "close"})
            answer = connection.getresponse()
        except socket.gaierror:
            return f"nobody knows the host {url.host}"
        except TimeoutError:
            return f"no answer within {TIMEOUT_S:.0f} s"
        except (OSError, http.client.HTTPException, ValueError) as wrong:
            return str(wrong) or type(wrong).__name__
        finally:
            connection.close()
        if not 200 <= answer.status < _REDIRECTS:  # noqa: PLR2004 - HTTP's own
            return f"it answered {answer.status}"
        self.sent_ms = self._now_ms()
        return None

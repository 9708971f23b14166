"""Signed web hooks: each page as a CloudEvent (1.0, JSON, structured mode), signed as Standard Webhooks say.

The receiver checks ``webhook-signature``: HMAC-SHA256 over ``webhook-id.webhook-timestamp.body``. The id stays the same
through all attempts, so that a page that came twice is known by it.

2xx is sent. 408, 425, 429 and 5xx are for now, and ``Retry-After`` is respected; everything else is for good, also a
redirect: where pages go is the plan's word, and nobody else's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from andgate.plan.addresses import HookAddress
from andgate.wire.times import format_time
from hub.notify.channels.channel import Note, Result
from hub.notify.channels.threaded import CONNECT_S, READ_S, WHOLE_S, Deadline, ThreadedChannel

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
LONGEST_PAUSE_S = 3600.0
"""No receiver puts a page off for longer than this at once."""
_FOR_NOW = {408, 425, 429}
_FINE, _REDIRECT, _REFUSED, _BROKEN = 200, 300, 400, 500


class WebhookChannel(ThreadedChannel):
    """Sent means that the receiver has answered 2xx."""

    def __init__(
        self,
        address: HookAddress,
        key: bytes,
        site: str,
        now_ms: Callable[[], int],
        *,
        read_s: float = READ_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        """Post to `address`, signed with `key`.

        Args:
            address: where to.
            key: what the receiver knows too.
            site: the plan's site; events come from ``/andgate/v1/SITE``.
            now_ms: site time, for the signature's timestamp.
            read_s: waited for each answer.
            whole_s: for everything after the connection stands.
        """
        super().__init__("webhook")
        self._address = address
        self._key = key
        self._source = f"/andgate/v1/{site}"
        self._now_ms = now_ms
        self._read_s = read_s
        self._whole_s = whole_s

    def _notify(self, note: Note) -> Result:
        body = cloud_event(note, self._source)
        headers = {"Content-Type": MEDIA_TYPE, **signed(event_id(note), self._now_ms() // 1000, body, self._key)}
        post = Post(self._address, read_s=self._read_s, whole_s=self._whole_s)
        status, retry_after = post.send(body, headers)
        if status is None:
            return Result(sent=False, note=post.wrong, surely_unsent=not post.doubt)
        return judged(status, retry_after, self._now_ms())


def event_id(note: Note) -> str:
    """Return what names this event through all its attempts: the page, and of an "over" also who is told."""
    return note.page.id if note.page.kind == "page" else f"{note.page.id}:{note.group}"


def cloud_event(note: Note, source: str) -> bytes:
    """Return the body: what ``page/GROUP`` carries, with group and title, in a CloudEvent."""
    event = {
        "specversion": "1.0",
        "id": event_id(note),
        "source": source,
        "type": f"andgate.{note.page.kind}",
        "time": format_time(note.decided_ms),
        "datacontenttype": "application/json",
        "data": {"group": note.group, "title": note.title, **msgspec.to_builtins(note.page)},
    }
    if note.page.moment is not None:
        event["subject"] = note.page.moment
    return msgspec.json.encode(event)


def signed(id: str, at_s: int, body: bytes, key: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks."""
    digest = hmac.new(key, f"{id}.{at_s}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def judged(status: int, retry_after: str, now_ms: int) -> Result:
    """Say what an answer means."""
    if _FINE <= status < _REDIRECT:
        return Result(sent=True)
    if status in _FOR_NOW or status >= _BROKEN:
        return Result(
            sent=False, note=f"the receiver cannot take it now ({status})", after_s=pause_s(retry_after, now_ms)
        )
    if _REDIRECT <= status < _REFUSED:
        note = f"the receiver sends it elsewhere ({status}): write the new address into the plan"
    else:
        note = f"the receiver refuses it ({status})"
    return Result(sent=False, note=note, retry=False, surely_unsent=True)


def pause_s(retry_after: str, now_ms: int) -> float:
    """Return how long ``Retry-After`` asks to wait: seconds or a date; 0 where it says nothing that can be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1000
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


class Post:
    """One request, and how far it came."""

    def __init__(self, address: HookAddress, *, read_s: float = READ_S, whole_s: float = WHOLE_S) -> None:
        """Prepare a POST to `address`."""
        self._address = address
        self._read_s = read_s
        self._whole_s = whole_s
        self.doubt = False
        """The request is on its way; without an answer nobody can tell whether it was taken."""
        self.wrong = ""
        """Why there is no answer, without a word out of the URL."""

    def send(self, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
        """Return the answer's status and its ``Retry-After``; a status of None where there is none."""
        try:
            with socket.create_connection((self._address.host, self._address.port), CONNECT_S) as plain:
                plain.settimeout(self._read_s)
                with Deadline(plain, self._whole_s):
                    return self._exchange(plain, body, headers)
        except (OSError, http.client.HTTPException) as wrong:
            self.wrong = self._why(wrong)
            return None, ""

    def _exchange(self, plain: socket.socket, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        kind = http.client.HTTPSConnection if self._address.secure else http.client.HTTPConnection
        connection = kind(self._address.host, self._address.port)
        if self._address.secure:
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._address.host)
        else:
            connection.sock = plain
        try:
            self.doubt = True
            connection.request("POST", self._address.target, body, {"Connection": "close", **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Retry-After", "")
        finally:
            connection.close()

    def _why(self, wrong: Exception) -> str:
        if self.doubt:
            late = isinstance(wrong, TimeoutError)
            return "the receiver did not answer in time" if late else "the receiver broke off without an answer"
        if isinstance(wrong, ssl.SSLCertVerificationError):
            return "the receiver's certificate is not trusted here"
        if isinstance(wrong, ssl.SSLError):
            return "the receiver does not speak TLS as it should"
        if isinstance(wrong, socket.gaierror):
            return "the receiver's name is not known"
        return "the receiver does not answer" if isinstance(wrong, TimeoutError) else "the receiver cannot be reached"

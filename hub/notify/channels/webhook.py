"""Signed web hooks: each page as a CloudEvent (1.0, JSON, structured mode), signed as Standard Webhooks say.

The receiver checks ``webhook-signature``: HMAC-SHA256 over ``webhook-id.webhook-timestamp.body``. The id stays the same
through all attempts, so that a page that came twice is known by it.

2xx is sent; a receiver that knows more says so in its answer's header ``Andgate-Receipt``: ``delivered`` when a device
has it, ``read`` when a person has seen it. 408, 425, 429 and 5xx are for now, and ``Retry-After`` is respected;
everything else is for good, also a redirect: where pages go is the plan's word, and nobody else's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec

from andgate.plan.addresses import HookAddress
from andgate.wire.times import format_time
from hub.notify.channels.channel import Note, Result
from hub.notify.channels.post import Post, for_now, pause_s
from hub.notify.channels.threaded import READ_S, WHOLE_S, ThreadedChannel

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
_FINE, _REDIRECT, _REFUSED = 200, 300, 400


class WebhookChannel(ThreadedChannel):
    """Sent means that the receiver has answered 2xx."""

    def __init__(
        self,
        address: HookAddress,
        key: bytes,
        site: str,
        now_ms: Callable[[], int],
        *,
        to: str | None = None,
        read_s: float = READ_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        """Post to `address`, signed with `key`.

        Args:
            address: where to.
            key: what the receiver knows too.
            site: the plan's site; events come from ``/andgate/v1/SITE``.
            now_ms: site time, for the signature's timestamp.
            to: the number or address of the one person whom the receiver is to reach; None: a group.
            read_s: waited for each answer.
            whole_s: for everything after the connection stands.
        """
        super().__init__("webhook")
        self._address = address
        self._key = key
        self._source = f"/andgate/v1/{site}"
        self._now_ms = now_ms
        self._to = to
        self._read_s = read_s
        self._whole_s = whole_s

    def _notify(self, note: Note) -> Result:
        body = cloud_event(note, self._source, self._to)
        headers = {
            "Content-Type": MEDIA_TYPE,
            **signed(event_id(note, self._to), self._now_ms() // 1000, body, self._key),
        }
        post = Post(self._address, read_s=self._read_s, whole_s=self._whole_s)
        status, retry_after = post.send(body, headers)
        if status is None:
            return Result(sent=False, note=post.wrong, surely_unsent=not post.doubt)
        return judged(status, retry_after, self._now_ms(), post.receipt)


def event_id(note: Note, to: str | None = None) -> str:
    """Return what names this event through all its attempts: the page, and where several are told, also who is."""
    return note.page.id if note.page.kind == "page" and to is None else f"{note.page.id}:{note.group}"


def cloud_event(note: Note, source: str, to: str | None = None) -> bytes:
    """Return the body: what ``page/GROUP`` carries, with group and title, in a CloudEvent; `to` whom it is sent on."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id(note, to),
        "source": source,
        "type": f"andgate.{note.page.kind}",
        "time": format_time(note.decided_ms),
        "datacontenttype": "application/json",
        "data": {"group": note.group, "title": note.title, **msgspec.to_builtins(note.page)},
    }
    if to is not None:
        event["data"] |= {"to": to}
    if note.link is not None:
        event["data"] |= {"answer": note.link}
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


def judged(status: int, retry_after: str, now_ms: int, receipt: str = "") -> Result:
    """Say what an answer means; `receipt` is what the receiver says of people: ``delivered`` or ``read``."""
    if _FINE <= status < _REDIRECT:
        return Result(sent=True, delivered=receipt in {"delivered", "read"}, read=receipt == "read")
    if for_now(status):
        return Result(
            sent=False, note=f"the receiver cannot take it now ({status})", after_s=pause_s(retry_after, now_ms)
        )
    if _REDIRECT <= status < _REFUSED:
        note = f"the receiver sends it elsewhere ({status}): write the new address into the plan"
    else:
        note = f"the receiver refuses it ({status})"
    return Result(sent=False, note=note, retry=False, surely_unsent=True)

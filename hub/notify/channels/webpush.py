"""Phones that opened the hub's page: web push, without an account anywhere.

The page is encrypted for the one phone (RFC 8291, one record of aes128gcm, RFC 8188) and goes to the push service that
its browser named, signed with the hub's own key (VAPID, RFC 8292). 404 and 410 mean that the phone does not want it any
more: it is forgotten.
"""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import http_ece
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from andgate.plan.addresses import HookAddress
from andgate.wire.messages import Page
from hub.notify.channels.channel import AGAIN, Note, Result
from hub.notify.channels.post import Post, for_now, pause_s
from hub.notify.channels.threaded import ThreadedChannel
from hub.store import Phone
from hub.store.slips import Slips

if TYPE_CHECKING:
    from hub.store import Phones

TTL_S = 900
"""So long a push service keeps a page for a phone that is off; a later one would only alarm."""
TOKEN_S = 12 * 3600
"""Push services refuse tokens of more than a day."""
MOST_CHARS = 600
"""A record has 4096 bytes, and a character up to four."""
REMEMBERED = 1_000
_AT_ONCE = 8
_RECORD = 4096
_GONE = {404, 410}
_FINE, _REDIRECT = 200, 300


class WebPushChannel(ThreadedChannel):
    """Sent means that the push services of all the group's phones have taken it."""

    def __init__(self, phones: Phones, contact: str, now_ms: Callable[[], int]) -> None:
        """Page the phones in `phones`; `contact` (may be empty) is whom a push service may write to."""
        super().__init__("webpush")
        self._phones = phones
        self._slips = Slips(phones)
        self._contact = contact
        self._now_ms = now_ms
        self._posts = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webpush-post")
        self._drill_posts = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="webpush-drill-post")
        self._have: OrderedDict[tuple[str, str], set[str]] = OrderedDict()
        """Of pages that not every phone has yet: who has them."""

    def _notify(self, note: Note) -> Result:
        phones = self._phones.of(note.group)
        if not phones:
            none = "their phone is not set up" if note.named else "no phone of this group has asked to be paged"
            return Result(sent=False, note=none, retry=False, surely_unsent=True)
        page = (note.page.id, note.group)
        have = self._have.get(page, set())
        body = said(note, self._slips.write(note.receipt) if note.receipt else "")
        waiting = [phone for phone in phones if phone.endpoint not in have]
        posts = self._drill_posts if note.page.kind == "drill" else self._posts
        answers = list(posts.map(lambda phone: self._post(phone, note, body), waiting))
        have = have | {phone.endpoint for phone, answer in zip(waiting, answers, strict=True) if answer.sent}
        later = [answer for answer in answers if answer.retry and not answer.sent]
        result = _together(len(have), [answer for answer in answers if not answer.sent], later)
        if note.page.kind == "drill":
            return msgspec.structs.replace(result, proven=False)  # the phone itself must say so
        self._have.pop(page, None)
        if later:
            self._have[page] = have
            while len(self._have) > REMEMBERED:
                self._have.popitem(last=False)
        return result

    def _post(self, phone: Phone, note: Note, body: bytes) -> Result:
        address = address_of(phone.endpoint)
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "TTL": str(TTL_S),
            "Urgency": "high" if note.page.kind == "page" else "normal",
            "Topic": topic_of(note),
            "Authorization": vapid(self._phones.key(), phone.endpoint, self._contact, self._now_ms() // 1000),
        }
        post = Post(address)
        status, retry_after = post.send(encrypted(body, phone), headers)
        if status is None:
            return Result(sent=False, note=post.wrong, surely_unsent=not post.doubt)
        if _FINE <= status < _REDIRECT:
            return Result(sent=True)
        if status in _GONE:
            self._phones.forget(phone.endpoint)
            return Result(sent=False, note="the phone does not want pages any more", retry=False, surely_unsent=True)
        return Result(
            sent=False,
            note=f"the push service refuses it ({status})",
            retry=for_now(status),
            surely_unsent=not for_now(status),
            after_s=pause_s(retry_after, self._now_ms()) if for_now(status) else 0.0,
        )

    def close(self) -> None:
        """End the threads; what is being sent is sent."""
        super().close()
        self._posts.shutdown(wait=False)
        self._drill_posts.shutdown(wait=False)


def _together(have: int, failed: list[Result], later: list[Result]) -> Result:
    """Make one result of many phones'."""
    if not failed:
        return Result(sent=True)
    why = (later or failed)[0].note
    if have and not later:
        return Result(sent=True, note=f"{have} of {have + len(failed)} phones have it; {why}")
    return Result(
        sent=False,
        note=f"{have} of {have + len(failed)} phones have it; {why}" if have else why,
        retry=bool(later),
        surely_unsent=not have and all(answer.surely_unsent for answer in failed),
        after_s=max((answer.after_s for answer in later), default=0.0),
    )


class _Said(Struct, frozen=True, omit_defaults=True):
    """What a phone is told."""

    kind: str
    title: str
    text: str
    left_s: float
    link: str
    tag: str
    slip: str = ""
    """What the phone sends back when it has this, and when somebody taps it; empty: nobody asks."""
    loud: bool = True
    answer: str | None = None
    """Where it can be answered, as a path."""
    named: bool = False
    """Whoever has it is known: one tap on the notification answers it."""


def said(note: Note, slip: str = "") -> bytes:
    """Return what the phone is told, as its service worker reads it; `slip` is what it acknowledges with."""
    page = note.page
    again = AGAIN if page.again else ""
    text = page.text if len(page.text) <= MOST_CHARS else f"{page.text[: MOST_CHARS - 1]}…"
    link = _link(page)
    title = note.title[:100]
    return msgspec.json.encode(
        _Said(
            page.kind, title, text + again, page.left_s, link, topic_of(note), slip, note.loud, note.answer, note.named
        )
    )


def _link(page: Page) -> str:
    if page.moment is not None:
        return f"/moments/{page.moment}"
    if page.kind == "drill":
        return "/drills"
    return f"/pages?bundle={page.id}" if page.claim is not None else "/nodes"


def topic_of(note: Note) -> str:
    """Return what pages of one moment have in common: a later one takes the place of one not delivered yet."""
    about = note.page.moment or note.page.id.removesuffix(":over")
    return _b64(hashlib.sha256(f"{about}/{note.group}".encode()).digest()[:18])


def address_of(endpoint: str) -> HookAddress:
    """Return where to post to; `endpoint` was checked when the phone asked."""
    parts = urlsplit(endpoint)
    secure = parts.scheme == "https"
    query = f"?{parts.query}" if parts.query else ""
    return HookAddress(secure, parts.hostname or "", parts.port or (443 if secure else 80), f"{parts.path}{query}")


def vapid(key: ec.EllipticCurvePrivateKey, endpoint: str, contact: str, now_s: int) -> str:
    """Return the Authorization header that says who sends: a token for this push service only."""
    parts = urlsplit(endpoint)
    claims: dict[str, str | int] = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": now_s + TOKEN_S}
    if contact:
        claims["sub"] = f"mailto:{contact}"
    token = f"{_HEAD}.{_b64(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(key.sign(token.encode(), ec.ECDSA(hashes.SHA256())))
    signature = _b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return f"vapid t={token}.{signature}, k={_b64(public)}"


def encrypted(body: bytes, phone: Phone) -> bytes:
    """Return `body` as one record that only this phone can read (RFC 8291)."""
    ours = ec.generate_private_key(ec.SECP256R1())
    sealed: bytes = http_ece.encrypt(
        body, private_key=ours, dh=phone.p256dh, auth_secret=phone.auth, rs=_RECORD, version="aes128gcm"
    )
    return sealed


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_HEAD = _b64(b'{"typ":"JWT","alg":"ES256"}')

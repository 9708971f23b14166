"""Brings one word to one passenger: through any of Apprise's services, or a signed web hook that speaks for us.

A telephony service is such a hook: it calls the number, says `spoken`, and posts to `confirm` or `stop` when the
passenger presses the key for it.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from msgspec import Struct

from andgate.flights import spoken
from andgate.plan import Way
from andgate.plan.addresses import ADDRESS, hook_address, hook_key
from andgate.wire.times import format_time
from hub.notify.channels import Result
from hub.store.customers import OPT_IN, Customer, Word

AGAIN = " (Said again: it may have reached you before.)"


class Links(Struct, frozen=True):
    """Where a passenger goes on from a word."""

    confirm: str
    stop: str


def links_of(base: str, token: str) -> Links:
    """Return a wish's addresses; a browser sees there what it may do, and a POST does it."""
    return Links(confirm=f"{base}/alerts/{token}/confirm", stop=f"{base}/alerts/{token}/stop")


def send(way: Way, customer: Customer, word: Word, base: str, site: str, now_ms: int) -> Result:
    """Send and wait for the answer; at most some seconds. Never raises."""
    try:
        if way.secret is not None:
            return _post(way, customer, word, base, site, now_ms)
        return _serve(way, customer, word)
    except Exception as wrong:  # noqa: BLE001 - a service's bug must not stop the telling of others
        return Result(sent=False, note=f"the service failed: {type(wrong).__name__}")


def _serve(way: Way, customer: Customer, word: Word) -> Result:
    import apprise as library  # noqa: PLC0415 - as with staff's channels, not before it is needed

    from hub.notify.channels import apprise  # noqa: PLC0415

    service = apprise.service_of(way.url.replace(ADDRESS, quote(customer.address, safe="")))
    if service is None:
        return apprise.UNKNOWN
    body = f"{word.text}{AGAIN if word.again else ''}"
    return apprise.judged(service.notify(body=body, title=word.title, notify_type=library.NotifyType.INFO))


def _post(way: Way, customer: Customer, word: Word, base: str, site: str, now_ms: int) -> Result:
    # A hub that tells nobody this way does without Python's HTTP client.
    from hub.notify.channels.post import Post  # noqa: PLC0415
    from hub.notify.channels.webhook import MEDIA_TYPE, judged, signed  # noqa: PLC0415

    address, key = hook_address(way.url), hook_key(way.secret or "")
    assert address is not None  # noqa: S101 - the plan was checked
    assert key is not None  # noqa: S101 - the plan was checked
    id = f"{customer.token}:{word.news}"
    links = links_of(base, customer.token)
    asks = word.news == OPT_IN
    event = {
        "specversion": "1.0",
        "id": id,
        "source": f"/andgate/v1/{site}",
        "type": "andgate.opt-in" if asks else "andgate.alert",
        "time": format_time(word.decided_ms),
        "datacontenttype": "application/json",
        "data": {
            "to": customer.address,
            "flight": customer.flight,
            "title": word.title,
            "text": word.text,
            "spoken": spoken(word.text),
            "confirm": links.confirm if asks else None,
            "stop": links.stop,
            "again": word.again,
        },
    }
    body = msgspec.json.encode(event)
    post = Post(address)
    status, retry_after = post.send(body, {"Content-Type": MEDIA_TYPE, **signed(id, now_ms // 1000, body, key)})
    if status is None:
        return Result(sent=False, note=post.wrong, surely_unsent=not post.doubt)
    return judged(status, retry_after, now_ms)

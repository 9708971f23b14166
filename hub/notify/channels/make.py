"""Makes a channel of a plan's entry; what a site does not use is not even loaded."""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Callable

from andgate.plan import Channel as PlanChannel
from andgate.plan.addresses import hook_address, hook_key, kind_of, pager_address, pocsag_address, push_contact
from hub.notify.channels.channel import Channel
from hub.notify.transmitters import Transmitters
from hub.store import Phones


def make_channel(
    entry: PlanChannel, site: str, now_ms: Callable[[], int], phones: Phones, transmitters: Transmitters
) -> Channel:
    """Return a channel that is not the site's own broker's; `now_ms` is site time."""
    kind = kind_of(entry.url)
    if kind == "pocsag":
        from hub.notify.channels.pocsag import PocsagChannel

        to = pocsag_address(entry.url)
        assert to is not None  # noqa: S101 - the plan was checked
        return PocsagChannel(to, transmitters)
    if kind == "snpp":
        from hub.notify.channels.snpp import SnppChannel

        pager = pager_address(entry.url)
        assert pager is not None  # noqa: S101 - the plan was checked
        return SnppChannel(pager)
    if kind in {"webhook+https", "webhook+http"}:
        from hub.notify.channels.webhook import WebhookChannel

        address, key = hook_address(entry.url), hook_key(entry.secret or "")
        assert address is not None  # noqa: S101 - the plan was checked
        assert key is not None  # noqa: S101 - the plan was checked
        return WebhookChannel(address, key, site, now_ms, to=entry.to)
    if kind == "webpush":
        from hub.notify.channels.webpush import WebPushChannel

        return WebPushChannel(phones, push_contact(entry.url) or "", now_ms)
    from hub.notify.channels.apprise import AppriseChannel

    return AppriseChannel(entry.url)

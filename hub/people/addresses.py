"""Is this an address at which one person can be paged? Checked when it is entered, so that no threat finds it out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from andgate.plan import Plan
from andgate.plan.addresses import is_hook, kind_of, pager_address, pocsag_address, push_contact
from andgate.plan.tables import ID
from hub.people.directory import PAGER, PHONES

MOST = 8
"""Channels of one person."""
_LONGEST = 500
_NO_URL = 'It is no URL with a scheme. Write one such as "mailto://user:password@host" or "webpush://".'
_MAIL_ALONE = (
    "It is a mail address alone, and does not say which server sends. "
    'Write "mailto://USER:PASSWORD@SERVER?to=ADDRESS"; whoever runs the hub knows the first part.'
)
_MAIL = re.compile(r"[^@\s:/]+@[^@\s:/]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")


def wrong_with(url: str, plan: Plan) -> str | None:
    """Return what is wrong with a person's channel, in a sentence with what to do; None: nothing that can be seen.

    The URL itself is never repeated: it may hold a secret.
    """
    if len(url) > _LONGEST or not url.isprintable() or not _URL.fullmatch(url):
        return _MAIL_ALONE if _MAIL.fullmatch(url) else _NO_URL
    kind = kind_of(url)
    if kind == PAGER:
        pager = url.partition("://")[2]
        if not ID.fullmatch(pager) or pager in plan.groups:
            return (
                'It does not name a pager of one person. Write "mqtt://PAGER", with an id that no group has: the pager '
                "listens to page/PAGER."
            )
    elif is_hook(url):
        return "A signed web hook has a secret, which stands in the plan. Give it to the group as a channel there."
    elif kind == "snpp":
        if pager_address(url) is None:
            return 'It does not name a pager behind a gateway. Write "snpp://HOST:444/PAGER-ID".'
    elif kind == "pocsag":
        if pocsag_address(url) is None:
            return 'It does not name a pager behind a transmitter. Write "pocsag://NODE/RIC".'
    elif kind == PHONES:
        if push_contact(url) is None:
            return 'It says more than phones need. Write "webpush://": the phone adds itself on the page for phones.'
    elif not _apprise_knows(url):
        return "Apprise does not know this URL. See its list of services for how it is written."
    return None


def wrong_with_all(urls: Sequence[str], plan: Plan) -> str | None:
    """Return what is wrong with somebody's channels, and which it is; None: nothing."""
    if len(urls) > MOST:
        return f"There are more than {MOST} channels. Keep those that ring."
    for place, url in enumerate(urls, 1):
        if url in urls[: place - 1]:
            return f"Channel {place} is there twice. Delete one of the two."
        wrong = wrong_with(url, plan)
        if wrong is not None:
            return f"Channel {place}: {wrong}"
    return None


def _apprise_knows(url: str) -> bool:
    import apprise  # noqa: PLC0415 - 100 ms and 20 MB that a hub without such channels never pays

    return apprise.Apprise.instantiate(url, suppress_exceptions=True) is not None

"""Is this an address at which one person can be paged? Checked when it is entered, so that no threat finds it out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from andgate.errors import RefusedError
from andgate.plan import Plan
from andgate.plan.addresses import is_hook, kind_of, pager_address, pocsag_address, push_contact, way_address
from andgate.plan.tables import ID
from hub.people.choices import tidied
from hub.people.directory import PAGER, PHONES, channel_of

MOST = 8
"""Ways to reach one person."""
ORDER = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")
_LONGEST = 500
_EMPTY = "Nothing is written beside it. Fill it in, or take this way out."
_NO_URL = 'It is no address of a way. Write one such as "mqtt://PAGER", "webpush://" or "way://mail/ada@example.org".'
_MAIL_ALONE = (
    "It is a mail address alone, and does not say which server sends. Choose one of the plan's ways for mail; where it "
    "has none, whoever keeps the plan adds [ways.mail] to it."
)
_PLANS = "Whoever keeps the plan must mend [ways.{way}] there; until then choose another way."
_MAIL = re.compile(r"[^@\s:/]+@[^@\s:/]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")


def wrong_with(url: str, plan: Plan) -> str | None:
    """Return what is wrong with a person's address, in a sentence with what to do; None: nothing that can be seen.

    The address itself is never repeated where it may hold a secret.
    """
    if not url:
        return _EMPTY
    if len(url) > _LONGEST or not url.isprintable() or not _URL.fullmatch(url):
        return _MAIL_ALONE if _MAIL.fullmatch(url) else _NO_URL
    kind = kind_of(url)
    if kind == "way":
        return _wrong_way(url, plan)
    if kind == PAGER:
        return _wrong_pager(url.partition("://")[2], plan)
    if is_hook(url):
        return "A signed web hook has a secret, which stands in the plan: as a way of [ways], or as a group's channel."
    if kind == PHONES:
        if push_contact(url) is None:
            return 'It says more than phones need. Write "webpush://": the phone adds itself on the page for phones.'
        return None
    return _wrong_beyond(url, kind)


def _wrong_pager(pager: str, plan: Plan) -> str | None:
    if not pager:
        return _EMPTY
    if pager in plan.groups:
        return f'"{pager}" is the pager of a whole group. Write the name of this person\'s own, such as "pager-7".'
    if not ID.fullmatch(pager):
        return (
            f'No pager can be called "{pager[:40]}". Write the name that it listens to, in small letters, digits and '
            'hyphens, such as "pager-7".'
        )
    return None


def _wrong_way(url: str, plan: Plan) -> str | None:
    said = way_address(url)
    way = plan.ways.get(said.way) if said is not None else None
    if said is None or way is None:
        has = ", ".join(f"way://{each}/ADDRESS" for each in plan.ways) or "none"
        return f"The plan has no such way. It has: {has}."
    try:
        if tidied(way, said.address) != said.address:
            return f'Write "{tidied(way, said.address)}" instead of "{said.address}".'
    except RefusedError as wrong:
        return f"{wrong}."
    means = channel_of(plan, "", url)
    beyond = None if means is None or is_hook(means.url) else _wrong_beyond(means.url, kind_of(means.url))
    return None if beyond is None else f"{beyond} {_PLANS.format(way=way.id)}"


def _wrong_beyond(url: str, kind: str) -> str | None:
    """Return what is wrong with an address that leads to somebody else's machine."""
    if kind == "snpp":
        if pager_address(url) is None:
            return 'It does not name a pager behind a gateway. Write "snpp://HOST:444/PAGER-ID".'
    elif kind == "pocsag":
        if pocsag_address(url) is None:
            return 'It does not name a pager behind a transmitter. Write "pocsag://NODE/RIC".'
    elif not _apprise_knows(url):
        return "Apprise does not know this address. See its list of services for how it is written."
    return None


def wrong_with_all(urls: Sequence[str], plan: Plan) -> str | None:
    """Return what is wrong with somebody's ways, and which it is; None: nothing."""
    if len(urls) > MOST:
        return f"There are more than {MOST} ways. Keep those that ring."
    for place, url in enumerate(urls):
        if url in urls[:place]:
            return f"{ORDER[place]} way: it is there twice. Take one of the two out."
        wrong = wrong_with(url, plan)
        if wrong is not None:
            return f"{ORDER[place]} way: {wrong}"
    return None


def _apprise_knows(url: str) -> bool:
    import apprise  # noqa: PLC0415 - 100 ms and 20 MB that a hub without such channels never pays

    return apprise.Apprise.instantiate(url, suppress_exceptions=True) is not None

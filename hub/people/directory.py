"""How a person is reached: the directory that the outbox and the notify worker look into, from any thread.

A page to one person names the person and which of their channels it is (`andgate.routing.personal`); the URL itself is
looked up here when the page is sent. So it stands in no page and in no log, and a number that was changed a minute ago
is the one that rings. The same goes for what the plan says of a way: the mail server that it names now is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote

from andgate.plan import Channel, Plan
from andgate.plan.addresses import ADDRESS, is_hook, kind_of, way_address
from andgate.routing import personal, personal_rank
from hub.store.people import Book, Person

PAGER = "mqtt"
PHONES = "webpush"
WAY = "way"


def channel_of(plan: Plan, id: str, url: str) -> Channel | None:
    """Return the channel that somebody's URL means under a plan; None where the plan has its way no more.

    Args:
        plan: says what its ways are.
        id: what the channel is called.
        url: as it is kept: ``way://mail/ada@example.org`` is over the plan's ``[ways.mail]``.
    """
    if kind_of(url) == PHONES:  # push services write to whom the plan says for its phones
        said_by_plan = (channel.url for channel in plan.channels.values() if kind_of(channel.url) == PHONES)
        return Channel(id=id, url=next(said_by_plan, url) if url == f"{PHONES}://" else url)
    if kind_of(url) != WAY:
        return Channel(id=id, url=url)
    said = way_address(url)
    way = plan.ways.get(said.way) if said is not None else None
    if said is None or way is None:
        return None
    means = way.url.replace(ADDRESS, quote(said.address, safe=""))
    return Channel(id=id, url=means, secret=way.secret, to=said.address if is_hook(means) else None)


class Books(Protocol):
    """Who knows everybody."""

    def book(self) -> Book:
        """Return everybody and every roster as of now."""


class Directory:
    """Looks people up; thread-safe, and never behind a change."""

    def __init__(self, people: Books, plan: Callable[[], Plan]) -> None:
        """Look into `people`, and into the plan in force."""
        self._people = people
        self._plan = plan

    def person(self, id: str) -> Person | None:
        """Return somebody; None where nobody has this id (any more)."""
        return self._people.book().people.get(id)

    def channels(self, person: str) -> tuple[str, ...]:
        """Return the URLs over which somebody is paged, in the order in which they are tried.

        Empty for whom nobody knows (any more), and for whoever is not active. They may hold secrets.
        """
        known = self.person(person)
        return known.channels if known is not None and known.active else ()

    def entry(self, channel: str) -> Channel | None:
        """Return the channel that a page to one person names, with its URL as of now; None where there is none.

        Args:
            channel: as in the page's row: ``~0123456789abcdef/1`` is somebody's first.
        """
        found = personal_rank(channel)
        if found is None:
            return None
        person, rank = found
        urls = self.channels(person)
        return channel_of(self._plan(), channel, urls[rank]) if rank < len(urls) else None

    def audience(self, channel: str) -> str | None:
        """Return whom a note over a person's channel is for, in place of a group's id.

        A pager of their own on the site's broker listens to ``page/{pager}`` (``mqtt://pager-7``); their phones are
        kept under their id. None where there is no such channel.
        """
        entry = self.entry(channel)
        if entry is None:
            return None
        if kind_of(entry.url) == PAGER:
            return entry.url.partition("://")[2]
        return channel.partition("/")[0]

    def next_channel(self, channel: str) -> str | None:
        """Return the channel that comes after this one of the same person; None where it was the last."""
        found = personal_rank(channel)
        if found is None:
            return None
        person, rank = found
        return personal(person, rank + 1) if rank + 1 < len(self.channels(person)) else None

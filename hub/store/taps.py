"""Which links in pages have been used, by whom and for what; written in the transaction of what they did.

A link belongs to one delivery of a page (`PageRow.id`). Whoever used it stands here by the opaque id that the journal
knows too, so that erasing a person erases them here as well.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hub.store.writes import Writes

FALSE_ALARM = "false alarm"
"""What the reason of a void begins with where somebody rejects a page, or says so on a screen."""

Deed = Literal["claim", "reject"]

_USE = "insert or ignore into tap (page, who, at_ms, do) values (?, ?, ?, ?)"
_WHO = "select coalesce(group_concat(who, ' '), '') from tap where page = ?"
COLUMNS = "who, at_ms, do"


class Tap(Struct, frozen=True):
    """One use of a link."""

    who: str
    at_ms: int
    do: Deed


class Taps:
    """The writing side; the driver's thread only."""

    def __init__(self, store: Writes) -> None:
        """Keep what was used in `store`."""
        self._store = store
        self._fresh: dict[int, set[str]] = {}
        """Uses that wait for the commit."""

    def users(self, page: int) -> frozenset[str]:
        """Return who has used the link of a delivery, by opaque id."""
        if not self._store.dirty:
            self._fresh.clear()
        known = self._store.fact(_WHO, (page,)) or ""
        return frozenset(known.split()) | self._fresh.get(page, set())

    def use(self, page: int, who: str, at_ms: int, do: Deed) -> None:
        """Put a use on record, with the next commit."""
        self._store.row(_USE, (page, who, at_ms, do))
        self._fresh.setdefault(page, set()).add(who)

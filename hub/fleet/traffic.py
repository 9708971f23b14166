"""How much comes from whom, and how much of it is no good: who floods, and who says what nobody can use.

Every node of the plan has its own counters, and so have the first few hundred other senders; the rest share one, so
that nobody can fill the memory with names. Belongs to the driver's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Literal

import msgspec

from hub.store import Store

SenderKind = Literal["node", "feed"]

OTHERS_MOST = 500
"""Senders beside the plan's nodes that have counters of their own, of each kind."""
OTHERS = "*"
"""The name of all others together."""
MINUTE_MS = 60_000
FLOOD = 3_000
"""More messages in one minute are a flood: a spool sends lists, and nobody presses 50 times a second."""
BAD_MOST = 5
BAD_WITHIN_MS = 600_000
"""So many things that cannot be used within so long are a fault of their sender; one may be an accident."""

_UPSERT = (
    "insert into sender (kind, sender, accepted, duplicates, quarantined, minute, seen_ms) "
    "values (?, ?, ?, ?, ?, ?, ?) on conflict (kind, sender) do update set accepted = excluded.accepted, "
    "duplicates = excluded.duplicates, quarantined = excluded.quarantined, minute = excluded.minute, "
    "seen_ms = excluded.seen_ms"
)


class Sender(msgspec.Struct):
    """One sender's counters since the store began."""

    kind: SenderKind
    name: str
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    minute: int = 0
    """Messages in the last full minute, or in this one where it already has more."""
    seen_ms: int = 0
    counting: int = 0
    """The minute that is being counted."""
    count: int = 0
    bad: deque[int] = msgspec.field(default_factory=lambda: deque(maxlen=BAD_MOST))
    reason: str = ""
    """Why the last one was no good."""

    @property
    def floods(self) -> bool:
        """Whether this minute is a flood already."""
        return self.count > FLOOD

    @property
    def bad_ms(self) -> int | None:
        """When it last proved that what it sends cannot be used; None where it did not, or not often enough."""
        bad = self.bad
        return bad[-1] if len(bad) == BAD_MOST and bad[-1] - bad[0] <= BAD_WITHIN_MS else None


class Traffic:
    """The counters of every sender."""

    def __init__(self, store: Store) -> None:
        """Go on from what is stored."""
        self._store = store
        self._senders: dict[tuple[SenderKind, str], Sender] = {}
        self._changed: dict[tuple[SenderKind, str], Sender] = {}
        self._planned: frozenset[str] = frozenset()
        self._others = {"node": 0, "feed": 0}
        self.minute = 0
        """The minute in which something was last written."""
        rows = store.db.execute("select kind, sender, accepted, duplicates, quarantined, minute, seen_ms from sender")
        for row in rows:
            self._senders[row[0], row[1]] = Sender(*row)

    def use_plan(self, nodes: frozenset[str]) -> None:
        """Give each of these nodes counters of its own."""
        self._planned = nodes
        for kind in self._others:
            self._others[kind] = sum(key[0] == kind and not self._is_planned(*key) for key in self._senders)

    def _is_planned(self, kind: str, name: str) -> bool:
        return kind == "node" and name in self._planned

    def took(self, kind: SenderKind, name: str, now_ms: int, accepted: int, duplicates: int) -> Sender:
        """Count one message of a sender; return its counters."""
        sender = self._senders.get((kind, name))
        if sender is None:
            sender = self._new(kind, name)
        minute = now_ms // MINUTE_MS
        if sender.counting != minute:
            sender.minute = sender.count if sender.counting == minute - 1 else 0
            sender.counting, sender.count = minute, 0
        sender.count += 1
        sender.accepted += accepted
        sender.duplicates += duplicates
        sender.seen_ms = now_ms
        self._changed[kind, name] = sender
        return sender

    def refused(self, sender: Sender, now_ms: int, count: int, reason: str) -> None:
        """Count what was no good in a message just counted."""
        sender.quarantined += count
        sender.reason = reason
        sender.bad.extend([now_ms] * min(count, BAD_MOST))

    def _new(self, kind: SenderKind, name: str) -> Sender:
        if not self._is_planned(kind, name):
            if self._others[kind] >= OTHERS_MOST:
                name = OTHERS
            self._others[kind] += 1
        return self._senders.setdefault((kind, name), Sender(kind, name))

    def flush(self, now_ms: int) -> None:
        """Add what changed to the store's transaction, once a minute."""
        minute = now_ms // MINUTE_MS
        if minute == self.minute:
            return
        self.minute = minute
        for row in self._rows(minute):
            self._store.row(_UPSERT, row)

    def _rows(self, minute: int) -> Iterator[tuple[object, ...]]:
        still = {}
        for key, it in self._changed.items():
            shown = max(it.minute, it.count) if it.counting == minute else it.count if it.counting == minute - 1 else 0
            if shown:
                still[key] = it  # it is written once more when it has fallen silent
            yield it.kind, it.name, it.accepted, it.duplicates, it.quarantined, shown, it.seen_ms
        self._changed = still

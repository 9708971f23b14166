"""One numbering of one node after the other: its place on the site's timeline, and which of its numbers are stored.

Site time of a node's signal is the node's monotonic clock plus the boot's offset. Every message that says when it was
sent bounds the offset from above (receipt - sent: it cannot have been received before it was sent), and so does every
question for the time; the smallest bound is the best one known.

A better bound decides anew what is stored. A clock that runs fast betters it with every message, and would have all its
signals judged again each time; so a boot has credit for that, and pays for every signal it has (docs/decisions/0021).
"""

from __future__ import annotations

import msgspec

from hub.ingest.numbers import Numbers
from hub.store import Store

_UPSERT = (
    "insert into boot (rank, node, boot, offset_ms, worst_ms, floating, untimed, upto, also, first_ms, seen_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (rank) do update set offset_ms = excluded.offset_ms, "
    "worst_ms = excluded.worst_ms, floating = excluded.floating, untimed = excluded.untimed, upto = excluded.upto, "
    "also = excluded.also, seen_ms = excluded.seen_ms"
)


CREDIT_FIRST = 1_000
"""Signals that a boot may have decided anew before it has earned anything."""
CREDIT_EACH = 4
"""What every stored signal earns: so the work stays in proportion to what was sent, however the clock runs."""


class Boot:
    """What the hub knows of one numbering of one node."""

    __slots__ = (
        "boot",
        "credit",
        "first_ms",
        "floating",
        "kept",
        "node",
        "numbers",
        "offset_ms",
        "rank",
        "seen_ms",
        "untimed",
        "worst_ms",
    )

    def __init__(self, node: str, boot: str, rank: int, first_ms: int) -> None:
        """A numbering that was never seen before."""
        self.node = node
        self.boot = boot
        self.rank = rank
        """How many boots of any node had been seen before this one, plus one."""
        self.first_ms = first_ms
        self.seen_ms = first_ms
        self.offset_ms: float | None = None
        """Smallest receipt - sent."""
        self.worst_ms: float | None = None
        """Greatest offset that a stored signal was timed with; None: none was."""
        self.floating = False
        """Whether signals were stored without an offset, at `at` or at their receipt."""
        self.untimed = 0
        """Signals that nobody can put on the timeline."""
        self.numbers = Numbers()
        self.kept = 0
        """Signals of it that are stored."""
        self.credit = CREDIT_FIRST

    def keep(self) -> None:
        """Count a signal that is stored."""
        self.kept += 1
        self.credit += CREDIT_EACH

    def pay(self) -> bool:
        """Pay for deciding anew about everything that is stored; whether there was credit for it."""
        if self.credit < self.kept:
            return False
        self.credit -= self.kept
        return True

    def bound(self, sample_ms: float) -> bool:
        """Take a new upper bound of the offset; whether it is the best so far."""
        if self.offset_ms is None or sample_ms < self.offset_ms:
            self.offset_ms = sample_ms
            return True
        return False


class Boots:
    """Every boot of every node, as one thread keeps them."""

    def __init__(self, store: Store) -> None:
        """Read what is stored."""
        self._store = store
        self._boots: dict[tuple[str, str], Boot] = {}
        self._newest: dict[str, Boot] = {}
        self._changed: dict[int, Boot] = {}
        rows = store.db.execute(
            "select node, boot, rank, first_ms, seen_ms, offset_ms, worst_ms, floating, untimed, upto, also "
            "from boot order by rank"
        )
        for node, name, rank, first_ms, seen_ms, offset_ms, worst_ms, floating, untimed, upto, also in rows:
            boot = Boot(node, name, rank, first_ms)
            boot.seen_ms, boot.offset_ms, boot.worst_ms = seen_ms, offset_ms, worst_ms
            boot.floating, boot.untimed = bool(floating), untimed
            boot.numbers = Numbers(upto, msgspec.json.decode(also, type=list[tuple[int, int]]))
            boot.kept = len(boot.numbers)
            boot.credit += boot.kept
            self._boots[node, name] = self._newest[node] = boot
        self._rank = max((boot.rank for boot in self._boots.values()), default=0)

    def see(self, node: str, boot: str, now_ms: int) -> Boot:
        """Return a boot, new or known; it is written with the next commit."""
        known = self._boots.get((node, boot))
        if known is None:
            self._rank += 1
            known = Boot(node, boot, self._rank, now_ms)
            self._boots[node, boot] = self._newest[node] = known
        known.seen_ms = now_ms
        self._changed[known.rank] = known
        return known

    def newest(self, node: str) -> Boot | None:
        """Return the boot of a node that was seen first last."""
        return self._newest.get(node)

    def flush(self) -> None:
        """Add what changed to the store's transaction."""
        for boot in self._changed.values():
            numbers = boot.numbers
            self._store.row(
                _UPSERT,
                (
                    boot.rank,
                    boot.node,
                    boot.boot,
                    boot.offset_ms,
                    boot.worst_ms,
                    boot.floating,
                    boot.untimed,
                    numbers.upto,
                    msgspec.json.encode(numbers.ranges).decode(),
                    boot.first_ms,
                    boot.seen_ms,
                ),
            )
        self._changed.clear()

"""One numbering of one node after the other: its place on the site's timeline, and which of its numbers are stored.

Site time of a node's signal is the node's monotonic clock plus the boot's offset. Every message that says when it was
sent bounds the offset from above (receipt - sent: it cannot have been received before it was sent), and so does every
question for the time; the smallest bound is the best one known.

A better bound decides anew what is stored. A clock that runs fast betters it with every message, and would have all its
signals judged again each time; so a boot has credit for that, and pays for every signal it has (docs/decisions/0021).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec

from hub.ingest.numbers import Numbers
from hub.store import Store

_UPSERT = (
    "insert into boot (rank, node, boot, offset_ms, worst_ms, floating, untimed, upto, also, first_ms, seen_ms) "
    "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (rank) do update set offset_ms = excluded.offset_ms, "
    "worst_ms = excluded.worst_ms, floating = excluded.floating, untimed = excluded.untimed, upto = excluded.upto, "
    "also = excluded.also, seen_ms = excluded.seen_ms"
)


_SELECT = "select node, boot, rank, first_ms, seen_ms, offset_ms, worst_ms, floating, untimed, upto, also from boot"
_NEWEST = _SELECT + (  # noqa: S608 - both are our own constants
    " where rank in (select max(rank) from boot group by node)"
    " or rank in (select rank from boot order by seen_ms desc limit ?) order by seen_ms, rank"
)
REMEMBERED = 20_000
"""Boots in memory."""
STRANGE_MOST = 1_000
"""Boots of nodes outside the plan in memory."""
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


def _boot(row: tuple[Any, ...]) -> Boot:
    boot = Boot(row[0], row[1], row[2], row[3])
    boot.seen_ms, boot.offset_ms, boot.worst_ms, floating, boot.untimed, upto, also = row[4:]
    boot.floating = bool(floating)
    boot.numbers = Numbers(upto, msgspec.json.decode(also, type=list[tuple[int, int]]))
    boot.kept = len(boot.numbers)
    boot.credit += boot.kept
    return boot


class Boots:
    """Every boot of every node of the plan, as one thread keeps them; and the newest few of strangers, only in memory.

    A button that sleeps between its presses begins a boot with each: those not seen for long stay in the database and
    are read when somebody speaks of them again.
    """

    def __init__(self, store: Store) -> None:
        """Read the newest of what is stored."""
        self._store = store
        self._boots: OrderedDict[tuple[str, str], Boot] = OrderedDict()
        self._strangers: OrderedDict[tuple[str, str], Boot] = OrderedDict()
        self._newest: dict[str, Boot] = {}
        self._changed: dict[int, Boot] = {}
        rows = store.db.execute(_NEWEST, (REMEMBERED,))
        for row in rows:
            boot = _boot(row)
            self._boots[boot.node, boot.boot] = boot
            if boot.rank > self._newest.get(boot.node, boot).rank or boot.node not in self._newest:
                self._newest[boot.node] = boot
        self._rank: int = store.db.execute("select coalesce(max(rank), 0) from boot").fetchone()[0]
        self._strange = 0

    def see(self, node: str, boot: str, now_ms: int, *, stranger: bool = False) -> Boot:
        """Return a boot, new or known; unless it is a stranger's it is written with the next commit."""
        if stranger:
            return self._stranger(node, boot, now_ms)
        known = self._boots.get((node, boot)) or self._stored(node, boot)
        if known is None:
            self._rank += 1
            known = self._newest[node] = Boot(node, boot, self._rank, now_ms)
        self._boots[node, boot] = known
        self._boots.move_to_end((node, boot))
        known.seen_ms = now_ms
        self._changed[known.rank] = known
        return known

    def _stored(self, node: str, boot: str) -> Boot | None:
        row = self._store.db.execute(_SELECT + " where node = ? and boot = ?", (node, boot)).fetchone()
        return None if row is None else _boot(row)

    def _stranger(self, node: str, boot: str, now_ms: int) -> Boot:
        """Its ranks are negative: they are told apart by them until the receipts are out, and nothing else."""
        known = self._strangers.get((node, boot))
        if known is None:
            self._strange -= 1
            known = self._strangers[node, boot] = Boot(node, boot, self._strange, now_ms)
            if len(self._strangers) > STRANGE_MOST:
                self._strangers.popitem(last=False)
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
        while len(self._boots) > REMEMBERED:
            self._boots.popitem(last=False)

"""One numbering of one node after the other: its place on the site's timeline, and which of its numbers are stored.

Site time of a node's signal is the node's monotonic clock plus the boot's offset at that time (`Timeline`).

A better offset decides anew what is stored, where it moves it by more than 50 ms. A clock that runs fast betters it
with every message, and would have all its signals judged again each time; so a boot has credit for that, and pays for
every signal it has (docs/decisions/0021). What they were timed with is remembered in stretches (`Stood`).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec

from hub.ingest.numbers import Numbers
from hub.ingest.quartz import least
from hub.ingest.timeline import Timeline
from hub.store import Store

_UPSERT = (
    "insert into boot (rank, node, boot, offset_ms, within_ms, clock, timeline, floating, untimed, upto, also, "
    "first_ms, seen_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (rank) do update set "
    "offset_ms = excluded.offset_ms, within_ms = excluded.within_ms, clock = excluded.clock, "
    "timeline = excluded.timeline, floating = excluded.floating, untimed = excluded.untimed, upto = excluded.upto, "
    "also = excluded.also, seen_ms = excluded.seen_ms"
)


_SELECT = "select node, boot, rank, first_ms, seen_ms, offset_ms, timeline, floating, untimed, upto, also from boot"
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


STRETCH_MS = 64_000
STRETCHES_MOST = 64
RETIME_MS = 50
"""A better offset moves what is stored only if it moves it by more than this."""


class Stood:
    """Which offsets a boot's stored signals were timed with, by stretches of its time."""

    __slots__ = ("_before", "_stretches")

    def __init__(self, before: bytes | None = None) -> None:
        """Note nothing yet; `before` is the timeline by which everything stands that another run of the hub stored."""
        self._stretches: dict[int, list[float]] = {}
        self._before = before

    def timed(self, mono_ms: float, offset_ms: float) -> None:
        """Note a signal that is stored."""
        stretch = self._stretches.get(int(mono_ms // STRETCH_MS))
        if stretch is None:
            if len(self._stretches) >= STRETCHES_MOST:  # what moves one moves its neighbours too
                stretches = sorted(self._stretches)
                del self._stretches[stretches[least([float(each) for each in stretches])]]
            self._stretches[int(mono_ms // STRETCH_MS)] = [mono_ms, offset_ms, offset_ms]
        else:
            stretch[0] = mono_ms
            if offset_ms < stretch[1]:
                stretch[1] = offset_ms
            elif offset_ms > stretch[2]:
                stretch[2] = offset_ms

    def moved_by(self, timeline: Timeline) -> bool:
        """Whether what is known now moves one of them far enough."""
        if self._before is not None and Timeline.load(self._before).differs(timeline, by_ms=RETIME_MS):
            return True
        for mono_ms, low_ms, high_ms in self._stretches.values():
            place = timeline.at(mono_ms)
            if place is not None and max(high_ms - place.offset_ms, place.offset_ms - low_ms) > RETIME_MS:
                return True
        return False

    def settle(self, timeline: Timeline) -> None:
        """Note that all of them stand where `timeline` puts them."""
        self._before = None
        for stretch in self._stretches.values():
            place = timeline.at(stretch[0])
            if place is not None:
                stretch[1] = stretch[2] = place.offset_ms


class Boot:
    """What the hub knows of one numbering of one node."""

    __slots__ = (
        "_timeline",
        "boot",
        "credit",
        "first_ms",
        "floating",
        "kept",
        "node",
        "numbers",
        "rank",
        "seen_ms",
        "stood",
        "stored",
        "told",
        "untimed",
        "vague",
    )

    def __init__(self, node: str, boot: str, rank: int, first_ms: int) -> None:
        """A numbering that was never seen before."""
        self.node = node
        self.boot = boot
        self.rank = rank
        """How many boots of any node had been seen before this one, plus one."""
        self.first_ms = first_ms
        self.seen_ms = first_ms
        self._timeline: Timeline | None = None
        self.stored: bytes | None = None
        """The timeline as it was stored last; None: never."""
        self.stood = Stood()
        self.floating = False
        """Whether signals were stored without an offset, at `at` or at their receipt."""
        self.told: str | None = None
        """What has been said to be wrong with its clock."""
        self.vague = False
        """Whether signals are stored of which nobody knows how wrong their time is."""
        self.untimed = 0
        """Signals that nobody can put on the timeline."""
        self.numbers = Numbers()
        self.kept = 0
        """Signals of it that are stored."""
        self.credit = CREDIT_FIRST

    @property
    def timeline(self) -> Timeline:
        """Where its clock stands; read from what is stored when it is first asked for."""
        if self._timeline is None:
            if self.stored is None:
                self._timeline = Timeline()
            else:
                self._timeline = Timeline.load(self.stored)
                self.told = self._timeline.fault
        return self._timeline

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

    def bound(self, sent_ms: float, received_ms: int) -> bool:
        """Take a message that says when it was sent; whether the offset may be another now."""
        return self.timeline.bound(sent_ms, received_ms)

    def read(self, asked_ms: float, at_ms: int, heard_ms: float, *, sent_ms: float, received_ms: int) -> bool:
        """Take an exchange, told in a message with this sending and receipt; whether the offset may be another now."""
        return self.timeline.told(asked_ms, at_ms, heard_ms, sent_ms=sent_ms, received_ms=received_ms)

    @property
    def clock(self) -> str | None:
        """What is wrong with its clock, in words."""
        return self.timeline.fault

    @property
    def odd(self) -> int:
        """How many impossible times it named."""
        return self.timeline.odd

    def moves(self) -> bool:
        """Whether what is stored is to be decided anew."""
        return self.floating or self.stood.moved_by(self.timeline) or (self.vague and self.timeline.sure)


def _boot(row: tuple[Any, ...]) -> Boot:
    boot = Boot(row[0], row[1], row[2], row[3])
    boot.seen_ms, offset_ms, timeline, floating, boot.untimed, upto, also = row[4:]
    if timeline is not None:
        boot.stored = timeline
        boot.stood = Stood(timeline)
    elif offset_ms is not None:  # of a database from before timelines
        boot.timeline.bound(0.0, round(offset_ms))
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

    def top(self, node: str, boot: str) -> int:
        """Return the greatest number received of a boot; 0 where none was."""
        known = self._boots.get((node, boot)) or self._stored(node, boot)
        if known is None:
            return 0
        return known.numbers.ranges[-1][1] if known.numbers.ranges else known.numbers.upto

    def unnumber(self, node: str, boot: str, seq: int) -> None:
        """Take a number back that was not stored after all."""
        known = self._boots.get((node, boot))
        if known is not None:
            known.numbers.discard(seq)
            self._changed[known.rank] = known

    def gapless(self, node: str, boot: str) -> bool:
        """Whether every number of a boot up to the greatest received is stored."""
        known = self._boots.get((node, boot)) or self._stored(node, boot)
        return known is None or not known.numbers.ranges

    def holed(self) -> list[Boot]:
        """Return the boots in memory of which numbers are missing."""
        return [boot for boot in self._boots.values() if boot.numbers.ranges]

    def newest(self, node: str) -> Boot | None:
        """Return the boot of a node that was seen first last."""
        return self._newest.get(node)

    def shift(self, by_ms: int) -> None:
        """Take a jump of site time itself: what is stored stays, what comes now stands on the new scale."""
        for boot in self._boots.values():
            boot.timeline.shift(by_ms)
            boot.stood = Stood()
            self._changed[boot.rank] = boot

    def flush(self) -> None:
        """Add what changed to the store's transaction."""
        for boot in self._changed.values():
            numbers, timeline = boot.numbers, boot.timeline
            if timeline.fresh or boot.stored is None:
                boot.stored = timeline.dump()
            place = timeline.newest
            self._store.row(
                _UPSERT,
                (
                    boot.rank,
                    boot.node,
                    boot.boot,
                    None if place is None else place.offset_ms,
                    None if place is None else place.within_ms,
                    timeline.fault,
                    boot.stored,
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

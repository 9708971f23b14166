"""What a node answers when the hub asks for numbers again: the signals, and a gap signal for what is gone."""

from __future__ import annotations

from andgate.wire.messages import Command
from edge.pen import Pen
from edge.spool import Entry, Spool

RANGE_MOST = 100_000
"""A resend of more numbers than this is a mistake."""
GAPS_MOST = 100
"""Gap signals for one resend; the hub asks again for the rest."""
REMEMBERED = 1_000


class Gaps:
    """Says once that numbers are gone, however often they are asked for; belongs to the worker."""

    def __init__(self, spool: Spool, pen: Pen) -> None:
        """Nothing was told yet."""
        self._spool, self._pen = spool, pen
        self._told: dict[tuple[str, int, int], tuple[str, int]] = {}
        """What was told to be gone -> the gap signal that told it."""

    def requeue(self, command: Command) -> list[tuple[str, int, int]]:
        """Let wait again what a ``resend`` asks for; return what is gone and was not told yet: boot, first, last."""
        boot = command.boot or self._spool.boot
        first = max(command.from_ or 1, 1)
        last = min(command.to or first, first + RANGE_MOST)
        self._spool.requeue(boot, first, last)
        gone = []
        for low, high in self._spool.missing(boot, first, last)[:GAPS_MOST]:
            told = self._told_of(boot, low, high)
            if told is None or self._spool.missing(told[0], told[1], told[1]):
                gone.append((boot, low, high))
            else:
                self._spool.requeue(told[0], told[1], told[1])
        return gone

    def tell(self, gone: list[tuple[str, int, int]], now_s: float) -> list[Entry]:
        """Put a gap signal for each of these on disk."""
        entries = self._spool.append([self._pen.gap(boot, low, high, now_s) for boot, low, high in gone])
        for missing, entry in zip(gone, entries, strict=True):
            self._told[missing] = (entry.boot, entry.seq)
        for old in list(self._told)[:-REMEMBERED]:
            del self._told[old]
        return entries

    def _told_of(self, boot: str, low: int, high: int) -> tuple[str, int] | None:
        """Return the gap signal that has told of these numbers already, or None."""
        for (of, first, last), told in self._told.items():
            if of == boot and first <= low and high <= last:
                return told
        return None

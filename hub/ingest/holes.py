"""Numbers that are missing: a node counts its signals by one, so the hub sees what it has not got, and asks for it.

A hole is nothing bad while a spool drains: a live press overtakes the backlog. So a node is asked when it says its
health (every 15 s), and only for what was missing the last time, too; then again after twice as long each time. What is
gone for good the node answers by a `gap` signal, and is not asked for it any more. That answer is not kept across a
start of the hub: then it is asked for once more, and says the same again.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from andgate.moment.signals import GAP, Input, Signal
from andgate.wire.messages import Command
from hub.ingest.boots import Boot

AGAIN_FIRST_MS = 15_000
AGAIN_MOST_MS = 3_600_000
ASKED_AT_ONCE = 4
"""Holes that one health asks for: the lowest first."""
NUMBERS_AT_ONCE = 5_000
"""A longer hole is asked for in parts."""
BOOTS_MOST = 8
"""Numberings of one node that are watched: the newest."""


class _Asked(Struct):
    """What was asked for last."""

    wait_ms: int = AGAIN_FIRST_MS
    next_ms: int = 0


class Holes:
    """The holes of every node; belongs to the driver's thread."""

    def __init__(self, boots: Iterable[Boot]) -> None:
        """Know the boots that had holes when the hub started."""
        self._holed: dict[str, dict[str, Boot]] = {}
        self._seen: dict[tuple[str, str, int], _Asked] = {}
        """Holes seen before, by node, boot and lowest number."""
        self._gone: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for boot in boots:
            self.note(boot)

    def note(self, boot: Boot) -> None:
        """Look at a boot that something has just come from."""
        if boot.rank < 0:
            return  # a stranger's is not asked for
        known = self._holed.get(boot.node)
        if boot.numbers.ranges:
            if known is None:
                known = self._holed[boot.node] = {}
            known[boot.boot] = boot
            if len(known) > BOOTS_MOST:
                self._forget(min(known.values(), key=lambda it: it.seen_ms))
        elif known is not None and boot.boot in known:
            self._forget(boot)

    def _forget(self, boot: Boot) -> None:
        known = self._holed[boot.node]
        del known[boot.boot]
        if not known:
            del self._holed[boot.node]
        self._gone.pop((boot.node, boot.boot), None)
        for place in [it for it in self._seen if it[:2] == (boot.node, boot.boot)]:
            del self._seen[place]

    def answered(self, items: Iterable[Input]) -> None:
        """Take what nodes say is gone."""
        for item in items:
            if not isinstance(item, Signal) or item.name != GAP:
                continue
            about = item.about
            boot, first, last = about.get("boot"), about.get("from"), about.get("to")
            if not (isinstance(boot, str) and isinstance(first, int) and isinstance(last, int)):
                continue
            if boot in self._holed.get(item.source, {}):
                self._gone.setdefault((item.source, boot), []).append((first, last))

    def only_gone(self, node: str, boot: str) -> bool:
        """Say whether all that is missing of a numbering is known to be gone: nothing more is to come of it."""
        known = self._holed.get(node, {}).get(boot)
        return known is None or not self._holes(known)

    def ask(self, node: str, now_ms: int) -> list[Command]:
        """Return what to ask a node for, now that it has said its health."""
        commands: list[Command] = []
        for boot in self._holed.get(node, {}).values():
            for first, last in self._holes(boot):
                place = (node, boot.boot, first)
                asked = self._seen.get(place)
                if asked is None:
                    self._seen[place] = _Asked(next_ms=now_ms + 1)
                    if len(self._seen) > NUMBERS_AT_ONCE:
                        self._seen.pop(next(iter(self._seen)))
                elif now_ms >= asked.next_ms and len(commands) < ASKED_AT_ONCE:
                    asked.next_ms = now_ms + asked.wait_ms
                    asked.wait_ms = min(asked.wait_ms * 2, AGAIN_MOST_MS)
                    last = min(last, first + NUMBERS_AT_ONCE - 1)  # noqa: PLW2901 - of a long one, a part
                    commands.append(Command(do="resend", boot=boot.boot, from_=first, to=last))
        return commands

    def _holes(self, boot: Boot) -> list[tuple[int, int]]:
        """Return the lowest holes of a boot that are not known to be gone."""
        gone = sorted(self._gone.get((boot.node, boot.boot), ()))
        found: list[tuple[int, int]] = []
        first = boot.numbers.upto + 1
        for low, high in boot.numbers.ranges[: ASKED_AT_ONCE * 4]:
            found += _without((first, low - 1), gone)
            first = high + 1
        return found[: ASKED_AT_ONCE * 4]


def _without(hole: tuple[int, int], gone: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what is left of a hole without the ranges that are gone (sorted)."""
    first, last = hole
    left = []
    for low, high in gone:
        if high < first or low > last:
            continue
        if low > first:
            left.append((first, low - 1))
        first = max(first, high + 1)
    if first <= last:
        left.append((first, last))
    return left

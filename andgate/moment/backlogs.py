"""Unfinished backlogs: while a node says that more is to come, pages that are overdue already wait for it."""

from __future__ import annotations

from collections.abc import Iterable

from andgate.moment.signals import Input, Signal

MORE_WAIT_MS = 10_000
"""How long they wait at most, from the first list that said so."""


class Backlogs:
    """Whose backlog is unfinished, and where."""

    def __init__(self) -> None:
        """Start with none."""
        self.waiting: dict[str, tuple[int, frozenset[str]]] = {}
        """Source -> (until when pages wait, touchpoints)."""

    def note(self, inputs: Iterable[Input], now_ms: int, *, more: bool) -> set[str]:
        """Note one message; return the touchpoints whose pages need wait no longer."""
        released: set[str] = set()
        if not more and not self.waiting:
            return released
        for item in inputs:
            if not isinstance(item, Signal):
                continue
            until_ms, touchpoints = self.waiting.pop(item.source, (now_ms + MORE_WAIT_MS, frozenset()))
            if more:
                self.waiting[item.source] = (until_ms, touchpoints | {item.touchpoint})
            else:
                released |= touchpoints
        return released

    def until(self, touchpoint: str, now_ms: int) -> int | None:
        """Return until when overdue pages of a touchpoint wait; None where they do not."""
        times = [
            until_ms
            for until_ms, touchpoints in self.waiting.values()
            if touchpoint in touchpoints and until_ms > now_ms
        ]
        return max(times, default=None)

"""What is due when: moments in the order of their next times.

Nothing is taken out of the middle: an entry whose moment has another time by now, or none, is passed over.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Due:
    """The next times of many moments."""

    def __init__(self, time_of: Callable[[str], int | None]) -> None:
        """Start with none.

        Args:
            time_of: the next time of a moment as it is known now.
        """
        self._time_of = time_of
        self._entries: list[tuple[int, str]] = []

    def add(self, moment: str, at_ms: int) -> None:
        """Note the next time of a moment."""
        heapq.heappush(self._entries, (at_ms, moment))

    def pop(self, now_ms: int) -> tuple[int, str] | None:
        """Take out the first that is due by now, with its time; None where nothing is."""
        while self._entries and self._entries[0][0] <= now_ms:
            at_ms, moment = heapq.heappop(self._entries)
            if self._time_of(moment) == at_ms:
                return at_ms, moment
        return None

    def next_ms(self) -> int | None:
        """Return when something is due next; None where nothing is."""
        while self._entries and self._time_of(self._entries[0][1]) != self._entries[0][0]:
            heapq.heappop(self._entries)
        return self._entries[0][0] if self._entries else None

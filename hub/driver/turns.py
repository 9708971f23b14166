"""What waits to be judged, and whose turn it is: a spool is emptied between what others do, not before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue

from hub.driver.intake import Delivered

QUEUE_MOST = 20_000
"""Messages that wait; the broker is made to wait beyond it."""
BATCH_MOST = 2_000
"""Messages in one transaction."""
LISTS_BYTES = 1 << 13
"""Lists in one transaction, but at least one: one of a node's takes as long to judge as twenty presses."""
LIST_S = 0.002
"""About what judging so much takes. A commit that takes longer is worth more of it: everybody waits for it."""
LISTS_MOST = 128
"""Times as much, where a commit takes very long."""
LISTS_ALONE = 32
"""Times as much, where nobody else waits: a commit for each would cost a sixth more."""


class Turns:
    """Anybody puts in; one thread takes out."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.commit_s = 0.0
        """How long the last commit took; whoever takes out says so."""
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._lists: deque[Delivered] = deque()
        """Lists that wait their turn."""
        self._owed = False
        """Whether it is the lists' turn."""

    def put(self, item: object) -> None:
        """Let something wait; None only wakes whoever waits for it."""
        self._queue.put(item)

    @property
    def busy(self) -> bool:
        """Whether anything waits."""
        return bool(self._lists) or not self._queue.empty()

    @property
    def has_room(self) -> bool:
        """Whether whoever delivers may read on; while not, the broker has to wait."""
        return self._queue.qsize() + len(self._lists) < QUEUE_MOST

    def take(self, wait_s: Callable[[], float]) -> list[object]:
        """Take all that has come; lists that are too many take turns with it.

        Args:
            wait_s: returns for how many real seconds to wait where there is nothing.
        """
        lists = min(LISTS_MOST, 1 + int(self.commit_s / LIST_S))
        if self._lists and self._owed:
            self._owed = False
            return self._some_lists(lists * LISTS_BYTES)
        if self._lists and self._queue.empty():
            return self._some_lists(max(LISTS_ALONE, lists) * LISTS_BYTES)
        most_s = wait_s()
        items: list[object] = []
        room = 0 if self._lists else lists * LISTS_BYTES
        try:
            item = self._queue.get(timeout=most_s) if most_s > 0 else self._queue.get_nowait()
            while True:
                if not (isinstance(item, Delivered) and item.payload.startswith(b"[")):
                    items.append(item)
                elif room > 0:
                    items.append(item)
                    room -= len(item.payload)
                else:
                    self._lists.append(item)
                if len(items) >= BATCH_MOST:
                    break
                item = self._queue.get_nowait()
        except Empty:
            pass
        self._owed = bool(self._lists)
        return items

    def _some_lists(self, room: int) -> list[object]:
        items: list[object] = []
        while self._lists and room > 0:
            each = self._lists.popleft()
            items.append(each)
            room -= len(each.payload)
        return items

    def rest(self) -> Iterator[object]:
        """Yield what will not be judged any more, but lists: their nodes send them again."""
        while True:
            try:
                yield self._queue.get_nowait()
            except Empty:
                return

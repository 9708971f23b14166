"""What people write down after a failure, by the hub's API: why it was broken, and what was given for it."""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from andgate.wire.messages import MomentMessage
from twin.happenings import Gave
from twin.hubcall import HubAddress, give_cause, give_remedy

_log = logging.getLogger("andgate.twin")

Why = Callable[[str, str, str | None], str | None]
"""Moment, touchpoint, key -> the cause, or None where nobody gives one."""


class Causes:
    """Takes verdicts as they are published and explains failures once each; takes gifts. In a thread of its own."""

    def __init__(self, hub: HubAddress, why: Why) -> None:
        """Prepare; `start` begins."""
        self._hub = hub
        self._why = why
        self._queue: SimpleQueue[tuple[str, str] | Gave | None] = SimpleQueue()
        self._explained: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="twin causes", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Explain nothing more."""
        self._queue.put(None)
        self._thread.join()

    def published(self, moment: MomentMessage) -> None:
        """Take a publication; from any one thread, returns at once."""
        over = moment.state == "ended" and moment.verdict == "failure" and not moment.withdrawn
        over = over and not isinstance(moment.remedies, str)  # why a promise broke is asked about the promise
        if over and moment.cause is None and moment.id not in self._explained:
            self._explained.add(moment.id)
            why = self._why(moment.id, moment.touchpoint, moment.key)
            if why is not None:
                self._queue.put((moment.id, why))

    def gave(self, gave: Gave) -> None:
        """Write down what somebody gave; from any thread, returns at once."""
        self._queue.put(gave)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, Gave):
                    give_remedy(self._hub, item.moment, item.gave, item.by)
                else:
                    give_cause(self._hub, *item)
            except (OSError, http.client.HTTPException) as wrong:
                _log.warning("what somebody said of a failure was not written down: %s", wrong)

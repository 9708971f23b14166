"""A node's questions for the time: when the next one is due, and what it tells of the answers before. Pure.

The answer sets the node's own clock (`SiteTime`). The next question tells the hub of the quickest exchange since the
last one, so that the hub knows as well how right the node's times are.
"""

from __future__ import annotations

from math import inf

from andgate.wire.messages import Exchange, TimeAsk, TimeReply

FIRST_S, LAST_S = 2.0, 64.0
"""The time is asked for soon after a connection, then twice as long apart each time, up to the last."""
SLOW_S = 0.1
"""An answer that took longer says little: the next questions come sooner again, at most once a round."""
OPEN_MOST = 4
"""Questions whose answer is still waited for."""


class Questions:
    """Asks and remembers; every time is seconds on the node's clock, `pace` of them are one real second."""

    def __init__(self, pace: float) -> None:
        """Begin at once."""
        self._pace = pace
        self.due_s = -inf
        """When to ask next."""
        self.asked = 0
        """How many were asked."""
        self._open: dict[int, float] = {}
        self._every_s = FIRST_S
        self._quickest: tuple[float, str, float] | None = None
        """Since the last question: asked, answered, heard."""

    def begin(self) -> None:
        """Ask at once, and soon again: there is a new connection, or a new hub."""
        self.due_s, self._every_s = -inf, FIRST_S

    def plan(self, now_s: float) -> None:
        """Note that it is asked now; in a fast demo no more than ten times a real second."""
        self.due_s = now_s + max(self._every_s, 0.1 * self._pace)
        self._every_s = min(self._every_s * 2, LAST_S)

    def ask(self, boot: str, now_s: float) -> TimeAsk:
        """Return the next question."""
        self.asked += 1
        self._open = {n: at_s for n, at_s in self._open.items() if n > self.asked - OPEN_MOST}
        self._open[self.asked] = now_s
        before, self._quickest = self._quickest, None
        told = None if before is None else Exchange(asked=before[0], at=before[1], heard=before[2])
        return TimeAsk(n=self.asked, boot=boot, mono=now_s, before=told)

    def answered(self, reply: TimeReply, now_s: float) -> float | None:
        """Take an answer; return when its question was asked, None where nobody asked."""
        asked_s = self._open.pop(reply.n, None)
        if asked_s is None:
            return None
        took_s = now_s - asked_s
        if self._quickest is None or took_s < self._quickest[2] - self._quickest[0]:
            self._quickest = (asked_s, reply.at, now_s)
        if took_s > SLOW_S * self._pace and self._every_s >= LAST_S:
            self._every_s = FIRST_S
            self.due_s = now_s + FIRST_S
        return asked_s

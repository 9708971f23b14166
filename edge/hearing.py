"""Whether anybody hears this node: by the link, the hub's state and its beat. Pure.

A node is *alone* when nobody would act on a press: no connection, a hub that is lost, stopped or never was, or one
that says nothing any more though it had promised to (a cable pulled silently, a machine without power, a program that
hangs). The last cannot be left to TCP or to MQTT's keepalive, which take half a minute to notice; the hub's beat can.

Every time is seconds on the node's clock; `pace` of them are one real second.
"""

from __future__ import annotations

from math import inf

BEATS_MISSED = 2.5
"""One beat may be late and one may be lost; then the hub is gone. With a beat of 1.5 s that is 3.75 s."""
ANSWER_S = 4.0
"""A hub that has promised a beat must say something so soon after a connection: it is asked for the time at once."""
TOLD_AFTER_S = 1.0
"""A broker that is restarted is back within this; only then lamps tell. Silence has been waited for long enough."""


class Hearing:
    """Since when nobody hears this node, and whether that is to be told."""

    def __init__(self, now_s: float, pace: float = 1.0) -> None:
        """Begin alone."""
        self._pace = pace
        self._cut_s: float | None = now_s
        """Since when the hub is known to be away."""
        self._heard_s = -inf
        self._beat_s: float | None = None
        """How often the hub has promised to say something; None: it has not."""
        self._beats = False
        """A beat has come: a broker's rights may keep it from us, and then its absence means nothing."""
        self._answered = True

    def up(self, now_s: float) -> None:
        """A connection stands; who is at the other end is not known yet."""
        self._heard_s = now_s
        self._answered = False

    def down(self, now_s: float) -> None:
        """The connection is gone."""
        self._cut(now_s)

    def state(self, now_s: float, *, online: bool, beat_s: float | None) -> bool:
        """Take ``hub/state``; return whether the hub is back."""
        self._beat_s = beat_s
        if not online:
            self._cut(now_s)
            return False
        back, self._cut_s = self._cut_s is not None, None
        self._heard_s = max(self._heard_s, now_s)
        return back

    def heard(self, now_s: float, *, beat: bool = False) -> bool:
        """Take note that the hub itself said something just now; return whether it had been silent."""
        silent = self._cut_s is None and self._silent_at() <= now_s
        self._heard_s, self._answered = now_s, True
        self._beats = self._beats or beat
        return silent

    def _cut(self, now_s: float) -> None:
        since_s = self.alone_s(now_s)
        self._cut_s = now_s if since_s is None else since_s

    def _silent_at(self) -> float:
        """Return when silence becomes too long."""
        if self._beat_s is None:
            return inf
        if not self._answered:
            return self._heard_s + ANSWER_S * self._pace
        return self._heard_s + self._beat_s * BEATS_MISSED * self._pace if self._beats else inf

    def alone_s(self, now_s: float) -> float | None:
        """Return since when nobody hears this node, or None while somebody does."""
        if self._cut_s is not None:
            return self._cut_s
        return self._heard_s if self._silent_at() <= now_s else None

    def told_s(self, now_s: float) -> float | None:
        """Return since when it is alone, once that is to be told; None before and while somebody hears it."""
        since_s = self.alone_s(now_s)
        return since_s if since_s is not None and now_s - since_s >= TOLD_AFTER_S * self._pace else None

    def due_s(self, now_s: float) -> float:
        """Return when one of the answers changes by the clock alone."""
        since_s = self.alone_s(now_s)
        if since_s is None:
            return self._silent_at()
        told_s = since_s + TOLD_AFTER_S * self._pace
        return told_s if told_s > now_s else inf

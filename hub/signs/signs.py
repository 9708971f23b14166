"""What each touchpoint's lamps, signs and boards should show, as one thread keeps it.

A touchpoint's state is published retained when it changes, and again at every connect: a broker that forgot it learns
it anew. What ended last is shown for 30 s; then the state goes out once more without it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import msgspec

from andgate.moment.moments import Moment
from andgate.wire.codec import encode, touchpoint_moments
from andgate.wire.messages import MAX_PAYLOAD_BYTES, TouchpointMoments
from andgate.wire.published import ENDED_SHOWN_MS

MOMENTS_MOST = 256
"""Of one touchpoint in its state, those with the nearest deadlines; more do not fit into a message."""


class Signs:
    """Open moments by touchpoint, and what is already said of them."""

    def __init__(self, touchpoints: Iterable[str], moments: Iterable[Moment]) -> None:
        """Begin with these open moments."""
        self._open: dict[str, dict[str, Moment]] = {name: {} for name in touchpoints}
        self._where: dict[str, str] = {}
        self._ended: dict[str, Moment] = {}
        self._said: dict[str, bytes] = {}
        self._stale: dict[str, None] = dict.fromkeys(self._open)
        for moment in moments:
            self.published(moment)

    def use_plan(self, touchpoints: Iterable[str]) -> tuple[str, ...]:
        """Know these touchpoints from now on; return those that are gone and have nothing open."""
        wanted = set(touchpoints)
        gone = tuple(name for name, moments in self._open.items() if name not in wanted and not moments)
        for name in gone:
            del self._open[name]
            self._said.pop(name, None)
            self._stale.pop(name, None)
            self._ended.pop(name, None)
        for name in wanted - set(self._open):
            self._open[name] = {}
            self._stale[name] = None
        return gone

    def published(self, moment: Moment) -> None:
        """Take a publication."""
        was = self._where.get(moment.id)
        if was is not None and was != moment.touchpoint:
            self._open[was].pop(moment.id, None)
            self._stale[was] = None
        here = self._open.setdefault(moment.touchpoint, {})
        self._stale[moment.touchpoint] = None
        if moment.state == "open" and not moment.withdrawn:
            here[moment.id] = moment
            self._where[moment.id] = moment.touchpoint
            return
        here.pop(moment.id, None)
        self._where.pop(moment.id, None)
        last = self._ended.get(moment.touchpoint)
        if moment.withdrawn:
            if last is not None and last.id == moment.id:
                del self._ended[moment.touchpoint]
        elif moment.ended_ms is not None and (last is None or last.id == moment.id or _end(last) <= moment.ended_ms):
            self._ended[moment.touchpoint] = moment

    @property
    def stale(self) -> bool:
        """Whether something changed that has not been asked for."""
        return bool(self._stale)

    def next_ms(self) -> int | None:
        """Return when an ended moment has been shown long enough."""
        return min((_end(moment) + ENDED_SHOWN_MS for moment in self._ended.values()), default=None)

    def forget_said(self) -> None:
        """The broker may have forgotten everything: say it all again."""
        self._said.clear()
        self._stale = dict.fromkeys(self._open)

    def changes(self, now_ms: int) -> list[tuple[str, bytes]]:
        """Return what is to be published: touchpoint and payload."""
        for name in [name for name, moment in self._ended.items() if _end(moment) + ENDED_SHOWN_MS <= now_ms]:
            del self._ended[name]
            self._stale[name] = None
        out = []
        for name in self._stale:
            # Of thousands that are open at one place only the nearest are ever shown, and writing all of them again
            # and again would cost a burst more than judging it.
            nearest = heapq.nsmallest(MOMENTS_MOST, self._open[name].values(), key=_nearness)
            message = touchpoint_moments(nearest, now_ms, self._ended.get(name))
            said = encode(msgspec.structs.replace(message, at=""))
            if said != self._said.get(name):
                self._said[name] = said
                out.append((name, _fitting(message)))
        self._stale.clear()
        return out


def _nearness(moment: Moment) -> tuple[int, int, str]:
    return (moment.ends_ms, moment.opened_ms, moment.id)


def _fitting(message: TouchpointMoments) -> bytes:
    """Return a message with as many of its nearest moments as a message may be long: nobody reads a longer one."""
    payload = encode(message)
    while len(payload) > MAX_PAYLOAD_BYTES:
        message = msgspec.structs.replace(message, moments=message.moments[: len(message.moments) * 9 // 10])
        payload = encode(message)
    return payload


def _end(moment: Moment) -> int:
    return moment.ends_ms if moment.ended_ms is None else moment.ended_ms

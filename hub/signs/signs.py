"""What each touchpoint's lamps, signs and boards should show, as one thread keeps it.

A touchpoint's state is published retained when it changes, and again at every connect: a broker that forgot it learns
it anew. What ended last is shown for 30 s; then the state goes out once more without it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.wire.codec import encode, format_time, touchpoint_moments
from andgate.wire.messages import TouchpointMoments, TrainingMoments
from andgate.wire.published import ENDED_SHOWN_MS
from hub.quiet import View
from hub.signs.fitting import fitting

MOMENTS_MOST = 256
"""Of one touchpoint in its state, those with the nearest deadlines; more do not fit into a message."""
TRAINED_MOST = 16
"""The same of what is trained there: it must leave room for what is real."""


class Hush(Struct, frozen=True):
    """What is quiet at a touchpoint."""

    suspended_ms: int | None = None
    """Since when it is suspended."""
    silent_ms: int | None = None
    """Until when nothing sounds."""
    about: tuple[tuple[str, int], ...] = ()
    """Of which promises nothing sounds, and until when."""
    devices: tuple[str, ...] = ()
    """Which devices are in training."""


_LOUD = Hush()


class Signs:
    """Open moments by touchpoint, and what is already said of them."""

    def __init__(self, touchpoints: Iterable[str], moments: Iterable[Moment]) -> None:
        """Begin with these open moments."""
        self._open: dict[str, dict[str, Moment]] = {name: {} for name in touchpoints}
        self._where: dict[str, str] = {}
        self._ended: dict[str, Moment] = {}
        self._said: dict[str, bytes] = {}
        self._stale: dict[str, None] = dict.fromkeys(self._open)
        self._hushes: dict[str, Hush] = {}
        self._training: dict[str, Signs] = {}
        """Touchpoint -> what devices in training there show; only where there are any."""
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

    def hushed(self, hushes: dict[str, Hush]) -> None:
        """Take what is quiet, by touchpoint."""
        for name in hushes.keys() | self._hushes.keys():
            if hushes.get(name) != self._hushes.get(name) and name in self._open:
                self._stale[name] = None
        self._hushes = hushes

    def published(self, moment: Moment) -> None:
        """Take a publication."""
        if moment.training is not None:
            self._training.setdefault(moment.touchpoint, Signs([moment.touchpoint], ())).published(
                replace(moment, training=None)
            )
            self._stale[moment.touchpoint] = None
            return
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
        times = [_end(moment) + ENDED_SHOWN_MS for moment in self._ended.values()]
        times += [at_ms for each in self._training.values() if (at_ms := each.next_ms()) is not None]
        return min(times, default=None)

    def forget_said(self) -> None:
        """The broker may have forgotten everything: say it all again."""
        self._said.clear()
        self._stale = dict.fromkeys(self._open)

    def changes(self, now_ms: int) -> list[tuple[str, bytes]]:
        """Return what is to be published: touchpoint and payload."""
        for name in [name for name, moment in self._ended.items() if _end(moment) + ENDED_SHOWN_MS <= now_ms]:
            del self._ended[name]
            self._stale[name] = None
        for name, each in self._training.items():
            next_ms = each.next_ms()
            if next_ms is not None and next_ms <= now_ms:
                self._stale[name] = None
        out = []
        for name in self._stale:
            # Of thousands that are open at one place only the nearest are ever shown, and writing all of them again
            # and again would cost a burst more than judging it.
            message = self.message(name, now_ms)
            said = encode(msgspec.structs.replace(message, at=""))
            if said != self._said.get(name):
                self._said[name] = said
                out.append((name, fitting(message)))
        self._stale.clear()
        return out

    def message(self, name: str, now_ms: int) -> TouchpointMoments:
        """Return a touchpoint's state."""
        nearest = heapq.nsmallest(MOMENTS_MOST, self._open[name].values(), key=_nearness)
        message = touchpoint_moments(nearest, now_ms, self._ended.get(name))
        hush = self._hushes.get(name)
        if hush is None:
            return message
        if hush.suspended_ms is not None:
            message = replace(message, suspended=format_time(hush.suspended_ms))
        if hush.silent_ms is not None:
            message = replace(message, silent_until=format_time(hush.silent_ms))
        if hush.about:
            message = replace(message, silent_about={name: format_time(end_ms) for name, end_ms in hush.about})
        if hush.devices:
            mine = self._training.get(name)
            if mine is not None:
                mine.changes(now_ms)  # what was shown long enough goes
            said = None if mine is None else mine.message(name, now_ms)
            training = TrainingMoments(devices=list(hush.devices))
            if said is not None:
                training = replace(training, moments=said.moments[:TRAINED_MOST], ended=said.ended)
            message = replace(message, training=training)
        return message


def hushes(view: View, plan: Plan, now_ms: int) -> dict[str, Hush]:
    """Return what is quiet where, as lamps, signs and buzzers must know it."""
    found = {}
    for name in plan.touchpoints:
        suspension = view.suspended(name)
        devices = tuple(dict.fromkeys(device for each in view.trains(name) for device in each.shown(plan, name)))
        silent_ms = view.silent_until(plan, name, now_ms)
        ends = (
            (each.id, view.silent_until(plan, name, now_ms, expectation=each.id))
            for each in plan.expectations.values()
            if name in each.touchpoints
        )
        about = tuple((promise, end_ms) for promise, end_ms in ends if end_ms is not None and end_ms > (silent_ms or 0))
        hush = Hush(None if suspension is None else suspension.since_ms, silent_ms, about, devices)
        if hush != _LOUD:
            found[name] = hush
    return found


def _nearness(moment: Moment) -> tuple[int, int, str]:
    return (moment.ends_ms, moment.opened_ms, moment.id)


def _end(moment: Moment) -> int:
    return moment.ends_ms if moment.ended_ms is None else moment.ended_ms

"""A touchpoint as its node sees it: what the hub said last, and on top of it what the node itself has done since.

The node needs nobody: a countdown started on the spot counts, and a flight reported done is done, before the hub has
heard of either; when it has, what it says holds. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET, Struct

from andgate.sign import SignDone, SignFlight, SignState
from andgate.wire.codec import parse_time
from andgate.wire.messages import ExpectationConfig, LiveMoment, TouchpointMoments
from edge.language import Ended, Open, View
from edge.site_time import SiteTime

DONE_SHOWN_S = 30.0


class Effect(Struct, frozen=True):
    """A signal of this node that the hub's word does not contain yet."""

    boot: str
    seq: int
    touchpoint: str
    device: str
    signal: str
    key: str | None
    at_s: float
    pressed: bool
    """Somebody's finger waits for an answer."""


def view(
    said: TouchpointMoments | None,
    effects: Iterable[Effect],
    expectations: Sequence[ExpectationConfig],
    time: SiteTime,
    zone: str,
) -> View:
    """Return the touchpoint: the hub's moments, then each effect folded in, nearest deadline first."""
    moments = [_open(moment, time) for moment in said.moments] if said is not None else []
    ended = None
    if said is not None and said.ended is not UNSET:
        at_ms = parse_time(said.ended.at)
        at_s = time.mono_s(at_ms)
        if at_s is not None:
            ended = Ended(
                key=said.ended.key,
                verdict=said.ended.verdict,
                saved=said.ended.saved,
                at_s=at_s,
                clock=wall(at_ms, zone)[11:],
            )
    for effect in effects:
        for expectation in expectations:
            if effect.touchpoint not in expectation.touchpoints:
                continue
            if effect.signal in expectation.opens:
                _begin(moments, effect, expectation)
            if effect.signal in expectation.closes:
                closed = _close(moments, effect, expectation)
                if closed is not None:
                    ended = _ended(closed, effect, time, zone)
    return View(tuple(sorted(moments, key=lambda moment: (moment.deadline_s, moment.opened_s))), ended)


def _open(moment: LiveMoment, time: SiteTime) -> Open:
    """Put one of the hub's moments on the node's clock."""

    def mono(text: str | None) -> float | None:
        return None if text is None else time.mono_s(parse_time(text))

    opened_s = mono(moment.opened)
    if opened_s is None:
        # The node has lost the time: only the level that the hub said last is known.
        return Open(
            expectation=moment.expectation,
            key=moment.key,
            opened_s=-inf,
            counts_to_s=inf,
            deadline_s=-inf if moment.level == "failed" else inf,
            threatened_s=None if moment.threatened is None else -inf,
            failing_s=-inf if moment.level == "failing" else None,
            claimed_s=None if moment.claimed is None else -inf,
            timed=False,
        )
    return Open(
        expectation=moment.expectation,
        key=moment.key,
        opened_s=opened_s,
        counts_to_s=mono(moment.counts_to) or opened_s,
        deadline_s=mono(moment.deadline) or opened_s,
        threatened_s=mono(moment.threatened),
        failing_s=mono(moment.failing),
        claimed_s=mono(moment.claimed),
    )


def _begin(moments: list[Open], effect: Effect, expectation: ExpectationConfig) -> None:
    """Open a moment on the spot, unless one is open or its key is missing."""
    key = effect.key if expectation.key is not None else None
    if expectation.key is not None and key is None:
        return
    if any(moment.expectation == expectation.id and moment.key == key for moment in moments):
        return
    moments.append(
        Open(
            expectation=expectation.id,
            key=key,
            opened_s=effect.at_s,
            counts_to_s=effect.at_s + expectation.countdown_s,
            deadline_s=effect.at_s + expectation.fails_after_s,
        )
    )


def _close(moments: list[Open], effect: Effect, expectation: ExpectationConfig) -> Open | None:
    """Take out the moment that a closing signal ends: of its key, or without one the nearest deadline."""
    mine = [moment for moment in moments if moment.expectation == expectation.id]
    if expectation.key is not None and effect.key is not None:
        mine = [moment for moment in mine if moment.key == effect.key]
    if not mine:
        return None
    closed = min(mine, key=lambda moment: moment.deadline_s)
    moments.remove(closed)
    return closed


def _ended(closed: Open, effect: Effect, time: SiteTime, zone: str) -> Ended:
    site_ms = time.ms(effect.at_s)
    kept = effect.at_s <= closed.deadline_s
    return Ended(
        key=closed.key,
        verdict="success" if kept else "failure",
        saved=kept and closed.threatened_s is not None and closed.threatened_s <= effect.at_s,
        at_s=effect.at_s,
        clock="" if site_ms is None else wall(site_ms, zone)[11:],
    )


def wall(site_ms: int, zone: str) -> str:
    """Return the wall clock of the place, ``2026-11-21T18:42``; UTC where the machine knows no such zone."""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return datetime.fromtimestamp(site_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    return datetime.fromtimestamp(site_ms / 1000, place).strftime("%Y-%m-%dT%H:%M")


def sign_state(seen: View, counts: str, now_s: float, rate: float, *, link: bool) -> SignState:
    """Return what a sign says now.

    Args:
        seen: its touchpoint.
        counts: ``countdown`` or ``promise``.
        now_s: the instant on the node's clock.
        rate: site seconds per second of that clock.
        link: False where it is cut off.
    """
    flights = tuple(_flight(moment, counts, now_s, rate) for moment in seen.moments)
    done = None
    ended = seen.ended
    if ended is not None and ended.verdict != "void" and 0 <= (now_s - ended.at_s) * rate < DONE_SHOWN_S:
        done = SignDone(_label(ended.key), ended.clock, kept=ended.verdict == "success")
    return SignState(flights=flights, done=done, link=link)


def _flight(moment: Open, counts: str, now_s: float, rate: float) -> SignFlight:
    if not moment.timed:
        return SignFlight(_label(moment.key), None)
    target_s = moment.deadline_s if counts == "promise" else moment.counts_to_s

    def ms(seconds: float) -> int:
        return round(seconds * 1000 * rate)

    return SignFlight(
        _label(moment.key),
        left_ms=ms(target_s - now_s),
        span_ms=ms(target_s - moment.opened_s),
        promise_left_ms=ms(moment.deadline_s - now_s),
        grace_ms=ms(moment.deadline_s - target_s),
    )


def _label(key: str | None) -> str:
    return (key or "").split("/", 1)[0].upper()

"""What a touchpoint looks like: the hub's word on the node's clock, and what a sign says of it. Pure."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET, Struct

from andgate.errors import PayloadError
from andgate.sign import SignDone, SignFlight, SignState
from andgate.wire.codec import parse_time
from andgate.wire.messages import LiveMoment, TouchpointMoments
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
    kept: bool = True
    """False: it is in memory only, so the lamp must not say that it is safe here."""
    found: bool = False
    retracts: str | None = None
    """``boot/seq`` of the press that a hold takes back."""


def said_view(said: TouchpointMoments | None, time: SiteTime, zone: str) -> View:
    """Return the touchpoint as the hub said it last, nearest deadline first."""
    if said is None:
        return View()
    moments = sorted((open_of(moment, time) for moment in said.moments), key=lambda it: (it.deadline_s, it.opened_s))
    if said.ended is UNSET:
        return View(tuple(moments))
    at_ms = parse_time(said.ended.at)
    at_s, deadline_s = time.mono_s(at_ms), None
    with contextlib.suppress(PayloadError):
        deadline_s = time.mono_s(parse_time(said.ended.deadline))
    ended = None
    if at_s is not None:
        ended = Ended(
            expectation=said.ended.expectation,
            key=said.ended.key,
            verdict=said.ended.verdict,
            saved=said.ended.saved,
            at_s=at_s,
            deadline_s=at_s if deadline_s is None else deadline_s,
            clock=wall(at_ms, zone)[11:],
        )
    return View(tuple(moments), ended)


def open_of(moment: LiveMoment, time: SiteTime) -> Open:
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
            asks_until_s=None if moment.asks_until is None else inf,
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
        asks_until_s=mono(moment.asks_until),
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

"""``/success/baseline``: listening only, and since people are paged, side by side, from the site's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hub.quiet.baseline import Baseline, Row, Side, baseline, spans
from hub.web.pages.findings import percent
from hub.web.pages.names import promise
from hub.web.pages.spans import DAY_MS, date_words, span
from hub.web.pages.words import say

if TYPE_CHECKING:
    from andgate.plan import Plan
    from andgate.tally import Interval
    from hub.web.pages.source import Source

DAYS = (30, 90, 365)
MOST = 50_000
"""Moments that are looked at: a year of a shop, a month of an airport."""


class Cells(Struct, frozen=True, kw_only=True):
    """One column of one promise, in words."""

    volume: str
    broken: str
    interval: str
    saved: str
    claimed: str


class Line(Struct, frozen=True):
    """One promise."""

    name: str
    before: Cells
    after: Cells
    verdict: str


class Table(Struct, frozen=True, kw_only=True):
    """Everything on the page."""

    lines: tuple[Line, ...]
    range: str
    days: int


def _interval(it: Interval | None) -> str:
    return say("success.interval", low=percent(it.low), high=percent(it.high)) if it is not None else ""


def _cells(side: Side) -> Cells:
    volume = say("baseline.volume", n=side.moments, hours=f"{side.hours:,.0f}")
    if side.hours >= 1 and side.moments:
        volume = say("baseline.volume.rate", volume=volume, rate=f"{side.moments / side.hours:.1f}")
    broken, saved, claimed = say("baseline.none"), say("baseline.none"), say("baseline.none")
    if side.broken is not None:
        broken = say("baseline.share", share=percent(side.broken.share), n=side.failed)
    if side.rescued is not None:
        share, interval = percent(side.rescued.share), _interval(side.rescued)
        saved = say("baseline.saved", share=share, n=side.saved, all=side.threats, interval=interval)
    if side.claim_s is not None:
        claimed = say("baseline.claimed", time=span(round(side.claim_s * 1000)), n=side.claims)
    return Cells(volume=volume, broken=broken, interval=_interval(side.broken), saved=saved, claimed=claimed)


def _line(plan: Plan, row: Row) -> Line:
    one, two = row.before.broken, row.after.broken
    if one is None or two is None:
        verdict = say("baseline.missing")
    elif not row.apart:
        verdict = say("baseline.same")
    else:
        verdict = say("baseline.fewer" if two.share < one.share else "baseline.more")
    name = promise(plan, row.expectation) if row.expectation else say("baseline.all")
    return Line(name, _cells(row.before), _cells(row.after), verdict)


def table(plan: Plan, found: Baseline, days: int) -> Table:
    """Return the page; pure."""
    zone = plan.site.timezone
    rows = found.rows if found.total is None else (*found.rows, found.total)
    return Table(
        lines=tuple(_line(plan, row) for row in rows),
        range=say("baseline.range", begin=date_words(found.since_ms, zone), end=date_words(found.until_ms, zone)),
        days=days,
    )


def read(source: Source, since_ms: int, until_ms: int) -> Baseline | None:
    """Read the record and compare; None where nothing was only listened to."""
    plan = source.plan
    hub, plans = source.listened(), source.listening_plans()
    places_of = {name: each.touchpoints for name, each in plan.expectations.items()}
    return baseline(
        source.judged(since_ms, until_ms, MOST),
        places_of,
        lambda place: spans(hub, plans, place, since_ms, until_ms),
        since_ms,
        until_ms,
    )


def page(source: Source, days: int) -> Table | None:
    """Return the page over the last days, from when the record began on; None where there is nothing to compare."""
    until_ms = source.now_ms()
    since_ms = max(until_ms - days * DAY_MS, source.begun_ms())
    found = read(source, since_ms, until_ms) if since_ms < until_ms else None
    return None if found is None else table(source.plan, found, days)

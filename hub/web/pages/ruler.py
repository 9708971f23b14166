"""The next 30 minutes: promises that run, when they warn and when they break; nothing that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from hub.web.pages.labels import width_of
from hub.web.pages.names import place
from hub.web.pages.spans import MINUTE_MS, hm, local
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from andgate.moment.moments import Moment
    from andgate.plan import Plan

SOON_MS = 30 * MINUTE_MS
LEAST_PX = 1_050
"""The ruler is at least so wide; a screen with less room shows a list instead."""


class Running(Struct, frozen=True, kw_only=True):
    """A promise that runs and is not threatened: its deadline is known, nothing else."""

    id: str
    place: str
    ends_ms: int
    time: str
    percent: float
    """On the ruler of the next 30 minutes."""
    warns_percent: float | None
    words: str
    row: int
    flip: bool
    """Too far right for its words to stand right of it."""


class Ruler(Struct, frozen=True):
    """The next 30 minutes."""

    items: tuple[Running, ...]
    hours: tuple[tuple[float, str], ...]
    minutes: tuple[float, ...]
    more: int
    rows: int


def _warns_ms(plan: Plan, moment: Moment) -> int | None:
    expectation = plan.expectations.get(moment.expectation)
    steps = [s.left_ms for s in expectation.pages] if expectation else []
    return moment.ends_ms - max(steps) if steps else None


def _words(plan: Plan, moment: Moment, now_ms: int) -> str:
    zone = plan.site.timezone
    warns_ms = _warns_ms(plan, moment)
    if warns_ms is not None and warns_ms > now_ms:
        return say("floor.soon.warns", warns=hm(warns_ms, zone), ends=hm(moment.ends_ms, zone))
    return say("floor.soon.until", ends=hm(moment.ends_ms, zone))


def ruler(plan: Plan, running: Iterable[Moment], now_ms: int) -> Ruler:
    """Return what is known about the next 30 minutes: promises that run, and when they warn and break."""
    zone = plan.site.timezone

    def percent(at_ms: int) -> float:
        return round((at_ms - now_ms) / SOON_MS * 100, 2)

    calm = sorted((m for m in running if m.level == "open" and now_ms < m.ends_ms), key=lambda m: m.ends_ms)
    near = [moment for moment in calm if moment.ends_ms <= now_ms + SOON_MS]
    ends, items = [-1.0, -1.0], []
    for moment in near:
        at = percent(moment.ends_ms)
        words = _words(plan, moment, now_ms)
        where = place(plan, moment)
        width = (max(width_of(where, 16, bold=True), width_of(words)) + 10) / LEAST_PX * 100
        flip = at > 100 - width
        start = at - width if flip else at
        row = next((index for index, end in enumerate(ends) if start >= end), None)
        if row is None:
            continue
        ends[row] = start + width
        warns_ms = _warns_ms(plan, moment)
        items.append(
            Running(
                id=moment.id,
                place=where,
                ends_ms=moment.ends_ms,
                time=hm(moment.ends_ms, zone),
                percent=at,
                warns_percent=percent(max(warns_ms, now_ms)) if warns_ms is not None else None,
                words=words,
                row=row,
                flip=flip,
            )
        )
    first = -(-now_ms // MINUTE_MS) * MINUTE_MS
    minutes = [first + step * MINUTE_MS for step in range(30)]
    fives = [at for at in minutes if local(at, zone).minute % 5 == 0]
    return Ruler(
        tuple(items),
        tuple((percent(at), hm(at, zone)) for at in fives),
        tuple(percent(at) for at in minutes if at not in fives),
        len(near) - len(items),
        1 + max((item.row for item in items), default=0),
    )

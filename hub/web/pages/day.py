"""A day of verdicts: added up, said in a sentence, drawn as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from msgspec import Struct

from hub.web.pages.spans import DAY_MS, HOUR_MS, MINUTE_MS, hm, local, midnight_ms
from hub.web.pages.words import rich, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan

Stroke = Literal["kept", "saved", "failed"]

MOST_MINUTES = 180
"""What was not seen is said in minutes up to here, then in hours."""


class Day(Struct, frozen=True):
    """Verdicts of a day, added up."""

    kept: int
    """Successes, saved ones among them."""
    saved: int
    failed: int

    @property
    def all(self) -> int:
        """Promises decided."""
        return self.kept + self.failed


class Mark(Struct, frozen=True):
    """One verdict on the day line."""

    percent: float
    stroke: Stroke
    id: str


class DayLine(Struct, frozen=True):
    """A day as one line: where in it we are, and what was decided when."""

    now_percent: float
    marks: tuple[Mark, ...]
    hours: tuple[tuple[float, str | None], ...]
    words: str


def stroke(moment: Moment) -> Stroke:
    """Return how a decided moment is drawn."""
    if moment.verdict == "failure":
        return "failed"
    return "saved" if moment.saved else "kept"


def decided_ms(moment: Moment) -> int:
    """Return when its verdict stood: a failure's is the deadline."""
    if moment.verdict == "failure" or moment.ended_ms is None:
        return moment.ends_ms
    return moment.ended_ms


def count(moments: Iterable[Moment]) -> Day:
    """Add up decided moments; void ones do not count."""
    tally = {"kept": 0, "saved": 0, "failed": 0}
    for moment in moments:
        if moment.verdict in ("success", "failure") and not moment.withdrawn:
            tally[stroke(moment)] += 1
    return Day(tally["kept"] + tally["saved"], tally["saved"], tally["failed"])


def day_line(plan: Plan, decided: Sequence[Moment], now_ms: int) -> DayLine:
    """Return the day as one line, over the hours in which any place is open."""
    zone = plan.site.timezone
    midnight = midnight_ms(now_ms, zone)
    hours = [touchpoint.hours for touchpoint in plan.touchpoints.values()]
    start_ms, end_ms = midnight, midnight + DAY_MS
    if hours and all(span is not None and span.start_min < span.end_min for span in hours):
        known = [span for span in hours if span is not None]
        start_ms = midnight + min(span.start_min for span in known) * MINUTE_MS
        end_ms = midnight + max(span.end_min for span in known) * MINUTE_MS
    stood = [decided_ms(moment) for moment in decided]
    if start_ms == midnight and stood:
        start_ms = min(*stood, now_ms) // HOUR_MS * HOUR_MS  # the empty night says nothing
    start_ms, end_ms = min([start_ms, *stood, now_ms]), max(end_ms, now_ms)

    def percent(at_ms: int) -> float:
        return round((at_ms - start_ms) / (end_ms - start_ms) * 100, 2)

    marks = sorted(
        (Mark(percent(decided_ms(m)), stroke(m), m.id) for m in decided), key=lambda mark: (mark.percent, mark.id)
    )
    first = -(-start_ms // (60 * MINUTE_MS)) * 60 * MINUTE_MS
    hours_at = []
    for at in range(first, end_ms, 60 * MINUTE_MS):
        when = local(at, zone)
        hours_at.append((percent(at), hm(at, zone) if when.hour % 3 == 0 and when.minute == 0 else None))
    day = count(decided)
    words = say("floor.day", kept=day.kept, saved=day.saved, failed=day.failed)
    return DayLine(percent(now_ms), tuple(marks), tuple(hours_at), words)


def sayable(day: Day, blind_minutes: int) -> Markup:
    """Return the day in one sentence that can be said aloud."""
    if not day.all:
        return rich("floor.say.none")
    hours = blind_minutes > MOST_MINUTES
    word = "floor.hours" if hours else "floor.minute" if blind_minutes == 1 else "floor.minutes"
    n = round(blind_minutes / 60) if hours else blind_minutes
    unseen = rich("floor.say.blind", n=n, word=say(word)) if blind_minutes else Markup()
    return rich("floor.say", kept=day.kept, all=day.all, saved=day.saved, blind=unseen)

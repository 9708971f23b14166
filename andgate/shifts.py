"""Which shifts of a group are on, and from when to when: a plan's days and wall-clock times as instants. Pure.

A *turn* is one shift on one date, the date on which it begins. Each wall-clock time of a date is one instant: the
first at which the site's clocks show that date and at least that time. So where the clocks are set back a time that
is shown twice is the first of the two, and where they are set forward a time that is never shown is the moment of the
change; turns that meet on the wall meet in truth, and a turn over a change is an hour longer or shorter.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from andgate.plan import Plan, Shift

MINUTE_MS = 60_000
_DAY_MIN = 24 * 60
_AHEAD_DAYS = 400
"""So far ahead the next boundary is looked for: a shift of one date a year is found."""
_DAY_MS = _DAY_MIN * MINUTE_MS
_SPARE_DAYS = 2
"""A turn that is on now began at most so many dates ago."""


class Turn(Struct, frozen=True, order=True):
    """One shift of a group on one date; in the order of their beginnings."""

    start_ms: int
    end_ms: int
    group: str
    shift: str
    date: str
    """On which it begins, by the site's clocks."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what names it for ever: group, shift, date."""
        return (self.group, self.shift, self.date)


def is_on(plan: Plan, shift: Shift, day: str) -> bool:
    """Tell whether a shift begins on a date.

    A single date under ``off`` or ``on`` goes before everything; on the site's holidays the day of the week says
    nothing.
    """
    if day in shift.off:
        return False
    if day in shift.on:
        return True
    if day in plan.site.holidays:
        return shift.holidays
    return date.fromisoformat(day).weekday() in shift.days


def turn_of(plan: Plan, group: str, shift: str, day: str) -> Turn | None:
    """Return a shift's turn on a date, whether or not it is on then; None where the plan has no such shift."""
    known = plan.groups[group].shifts.get(shift) if group in plan.groups else None
    if known is None:
        return None
    start_ms, end_ms = _span(plan.site.timezone, day, known.start_min, known.end_min)
    return Turn(start_ms, end_ms, group, shift, day)


def turns(plan: Plan, group: str, since_ms: int, until_ms: int) -> tuple[Turn, ...]:
    """Return the turns of a group that reach into [since, until), those that begin first first.

    Args:
        plan: whose shifts; a group without any has no turns.
        group: an id of the plan; no turns where it has none of this id.
        since_ms: UTC milliseconds.
        until_ms: UTC milliseconds.
    """
    known = plan.groups.get(group)
    if known is None or not known.shifts:
        return ()
    zone = plan.site.timezone
    first = local_date(zone, since_ms) - timedelta(days=_SPARE_DAYS)
    found = []
    for day in range((local_date(zone, until_ms) - first).days + 1):
        text = (first + timedelta(days=day)).isoformat()
        for shift in known.shifts.values():
            if is_on(plan, shift, text):
                start_ms, end_ms = _span(zone, text, shift.start_min, shift.end_min)
                if start_ms < end_ms and start_ms < until_ms and end_ms > since_ms:
                    found.append(Turn(start_ms, end_ms, group, shift.id, text))
    return tuple(sorted(found))


def on_at(plan: Plan, group: str, at_ms: int) -> tuple[Turn, ...]:
    """Return the turns of a group that are on at a time: the first instant counts, the last no more."""
    return turns(plan, group, at_ms, at_ms + 1)


def team_at(plan: Plan, group: str, at_ms: int) -> Turn | None:
    """Return the turn that answers for a group at a time; None where no shift is on.

    Where two overlap it is the one that began first: until it has ended it has handed nothing over.
    """
    on = on_at(plan, group, at_ms)
    return on[0] if on else None


def next_boundary(plan: Plan, group: str, after_ms: int) -> int | None:
    """Return when the next turn of a group begins or ends, after a time; None where none does within 400 days."""
    known = plan.groups.get(group)
    if known is None or not known.shifts:
        return None
    ahead_ms = after_ms + _DAY_MS * _SPARE_DAYS
    last_ms = after_ms + _DAY_MS * _AHEAD_DAYS
    while True:
        times = [at_ms for turn in turns(plan, group, after_ms, ahead_ms) for at_ms in (turn.start_ms, turn.end_ms)]
        soonest = min((at_ms for at_ms in times if at_ms > after_ms), default=None)
        if soonest is not None or ahead_ms >= last_ms:
            return soonest
        ahead_ms = min(last_ms, ahead_ms + (ahead_ms - after_ms))


def next_turns(plan: Plan, group: str, after_ms: int) -> tuple[Turn, ...]:
    """Return the turns that begin next, all those that begin at the same instant; empty where none does in 400 days."""
    at_ms = next_boundary(plan, group, after_ms)
    while at_ms is not None:
        found = tuple(turn for turn in on_at(plan, group, at_ms) if turn.start_ms == at_ms)
        if found:
            return found
        at_ms = next_boundary(plan, group, at_ms)
    return ()


def local_date(timezone: str, at_ms: int) -> date:
    """Return the date that the clocks of a zone show."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).date()


@lru_cache(maxsize=8_192)  # who is on is asked for every page, about the same few dates
def _span(timezone: str, day: str, start_min: int, end_min: int) -> tuple[int, int]:
    """Return the instants at which a turn begins and ends."""
    over_midnight = end_min <= start_min
    return instant(timezone, day, start_min), instant(timezone, day, end_min + (_DAY_MIN if over_midnight else 0))


def instant(timezone: str, day: str, minute: int) -> int:
    """Return the first instant at which a zone's clocks show a date and at least `minute` minutes from its midnight.

    Args:
        timezone: IANA name.
        day: the date; minutes beyond 24:00 are of the dates after it.
        minute: as on the wall; where no clock ever shows it, it is the moment at which the clocks jump over it.

    Returns:
        UTC milliseconds.
    """
    zone = ZoneInfo(timezone)
    wall = datetime.fromisoformat(day) + timedelta(minutes=minute)
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return _ms(early)
    # In a gap: by the offset before it, it lies after the change; by the one behind it, before. The change is between.
    low, high = _ms(wall.replace(tzinfo=zone, fold=1).astimezone(UTC)), _ms(early)
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _offset(zone: ZoneInfo, at_ms: int) -> timedelta | None:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).utcoffset()

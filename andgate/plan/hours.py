"""When a touchpoint is served: its hours, by the clocks on the site's walls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from andgate.plan.model import Hours, Plan

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_MIN = 60


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    """Return a zone that `parse_plan` has checked."""
    return ZoneInfo(name)


def local_time(plan: Plan, at_ms: int) -> datetime:
    """Return UTC milliseconds as the site's wall clocks show them; for screens and hours, never for judging."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(_zone(plan.site.timezone))


def is_served(plan: Plan, touchpoint: str, at_ms: int) -> bool:
    """Tell whether a touchpoint is within its hours at a time; one without hours always is.

    Outside its hours nothing is due there, and nothing is blind. The first minute counts, the last no more. When the
    clocks are set back, an hour is served twice.
    """
    return is_open(plan.touchpoints[touchpoint].hours, plan.site.timezone, at_ms)


def is_open(hours: Hours | None, timezone: str, at_ms: int) -> bool:
    """Tell whether a time is within a daily span by the clocks of a zone; no span is all day."""
    if hours is None:
        return True
    local = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(_zone(timezone))
    minute = local.hour * _HOUR_MIN + local.minute
    if hours.start_min < hours.end_min:
        return hours.start_min <= minute < hours.end_min
    return minute >= hours.start_min or minute < hours.end_min

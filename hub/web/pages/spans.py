"""Times as people read them: clock times of the site, and spans as they count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hub.web.pages.words import say

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(ms: int, zone: str) -> datetime:
    """Return UTC milliseconds as a wall-clock time of the site."""
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(_zone(zone))


def to_ms(when: datetime) -> int:
    """Return an aware time as UTC milliseconds."""
    return int((when - _EPOCH) / timedelta(milliseconds=1))


def iso(ms: int) -> str:
    """Return RFC 3339 in UTC with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hms(ms: int, zone: str) -> str:
    """Return ``17:26:08`` on the site's wall."""
    return local(ms, zone).strftime("%H:%M:%S")


def hm(ms: int, zone: str) -> str:
    """Return ``17:26`` on the site's wall."""
    return local(ms, zone).strftime("%H:%M")


def date_words(ms: int, zone: str, *, year: bool = False) -> str:
    """Return ``21 Nov``, or ``21 Nov 2026``."""
    when = local(ms, zone)
    month = say("months").split()[when.month - 1]
    return f"{when.day} {month} {when.year}" if year else f"{when.day} {month}"


def midnight_ms(now_ms: int, zone: str) -> int:
    """Return when the site's day began."""
    return to_ms(local(now_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0))


def next_ms(minute: int, now_ms: int, zone: str) -> int:
    """Return when the site's clocks next show so many minutes from midnight, in UTC milliseconds."""
    today = local(now_ms, zone).replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    return to_ms(today if to_ms(today) > now_ms else today + timedelta(days=1))


def when_words(ms: int, now_ms: int, zone: str) -> str:
    """Return ``today 16:02``, or ``21 Nov 16:02``."""
    if midnight_ms(ms, zone) == midnight_ms(now_ms, zone):
        return f"{say('moment.today')} {hm(ms, zone)}"
    return f"{date_words(ms, zone)} {hm(ms, zone)}"


def down_s(left_ms: int) -> int:
    """Return whole seconds left, so that wall clock and count agree: ``:08`` to ``:55`` is 47."""
    return -(-left_ms // 1000)


def clock(seconds: int) -> str:
    """Return ``0:47``, ``10:41``, ``1:02:03``; of the absolute value."""
    seconds = abs(seconds)
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def left(left_ms: int) -> str:
    """Return the time left as it counts, ``+1:12`` after the deadline."""
    return clock(down_s(left_ms)) if left_ms > 0 else f"+{clock(abs(left_ms) // 1000)}"


def span(ms: int) -> str:
    """Return a span as a clock, truncated to seconds."""
    return clock(abs(ms) // 1000)

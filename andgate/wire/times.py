"""UTC milliseconds <-> RFC 3339 text. Inside, time is whole milliseconds since 1970; on the wire it is text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from andgate.errors import PayloadError, UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MS = timedelta(milliseconds=1)
_MIN_S = -62_135_596_800
_MAX_S = 253_402_300_799
"""Years 1 to 9999: RFC 3339 has four digits."""
_SHAPE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_OURS = "2026-11-21T20:46:06.123Z"
_EXAMPLE = f'Write RFC 3339 with an offset, as in "{_OURS}"'
_LAST_HOUR, _LAST_MINUTE, _LEAP_SECOND = 23, 59, 60


@lru_cache(maxsize=4096)  # one busy second is written many times
def _second(seconds: int) -> str:
    """Return ``2026-11-21T20:46:06``."""
    if not _MIN_S <= seconds <= _MAX_S:
        raise UsageError(f"{seconds} s since 1970 is outside the years 1 to 9999")
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").zfill(19)


def format_time(ms: int) -> str:
    """Write UTC milliseconds as ``2026-11-21T20:46:06.123Z``.

    Raises:
        UsageError: outside the years 1 to 9999.
    """
    seconds, rest = divmod(ms, 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


def format_time_or_none(ms: int | None) -> str | None:
    """Write UTC milliseconds, or None where there is no time."""
    return None if ms is None else format_time(ms)


def parse_time(text: str) -> int:
    """Read RFC 3339 text with any offset and any fraction as UTC milliseconds, cut (not rounded) to whole ones.

    A leap second (``:60``) is the second after it, as on every Unix clock.

    Raises:
        PayloadError: for anything else.
    """
    if len(text) == len(_OURS) and text[4:20:3] == "--T::." and text[-1] == "Z":
        try:
            return (datetime.fromisoformat(text) - _EPOCH) // _MS
        except ValueError:
            raise _bad(text) from None
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise _bad(text)
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    ms = int((match[7] or "")[:3].ljust(3, "0"))
    off_hour, off_minute = int(match[9] or 0), int(match[10] or 0)
    if max(hour, off_hour) > _LAST_HOUR or max(minute, off_minute) > _LAST_MINUTE or second > _LEAP_SECOND:
        raise _bad(text)
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        raise _bad(text) from None
    offset = (off_hour * 60 + off_minute) * (-1 if match[8] == "-" else 1)
    seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second
    if not _MIN_S <= seconds <= _MAX_S:  # "0001-01-01T00:00:00+02:00": nobody could write it again
        raise _bad(text)
    return seconds * 1000 + ms


def _bad(text: str) -> PayloadError:
    """Return the refusal of a text that is no time."""
    return PayloadError(f"{text[:40]!a} is no time. {_EXAMPLE}")

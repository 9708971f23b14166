"""Local hours: which cell of the tally a time falls into."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

_QUANTUM_MS = 900_000
"""Every zone's offset is a multiple of 15 minutes, so times within one quarter share their local hour."""
_KEEP = 4_096


_COMPARED_MS = (10 * 366 * 86_400_000, 366 * 86_400_000)
"""How far back and ahead two zones are compared."""


def same_clocks(one: str, other: str, now_ms: int) -> bool:
    """Say whether two IANA zones show the same time all through the ten years up to now and the next one."""
    if one == other:
        return True
    zones = ZoneInfo(one), ZoneInfo(other)
    back_ms, ahead_ms = _COMPARED_MS
    every_ms = 24 * _QUANTUM_MS  # six hours: no zone changes there and back within that
    for at_ms in range(now_ms - back_ms, now_ms + ahead_ms, every_ms):
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        if zones[0].utcoffset(at.astimezone(zones[0])) != zones[1].utcoffset(at.astimezone(zones[1])):
            return False
    return True


class Hour(Struct, frozen=True):
    """A local hour: where it begins (UTC ms), its local date and number."""

    start_ms: int
    day: str
    hour: int


class Hours:
    """Turns times into a site's local hours, remembering the last ones."""

    def __init__(self, timezone: str) -> None:
        """Use the IANA zone `timezone`."""
        self.timezone = timezone
        self._zone = ZoneInfo(timezone)
        self._known: dict[int, Hour] = {}

    def _local(self, quarter: int) -> datetime:
        return datetime.fromtimestamp(quarter * _QUANTUM_MS / 1000, UTC).astimezone(self._zone)

    def of(self, at_ms: int) -> Hour:
        """Return the local hour in which `at_ms` falls."""
        quarter = at_ms // _QUANTUM_MS
        known = self._known.get(quarter)
        if known is None:
            local = self._local(quarter)
            # Counted in UTC: wall-clock arithmetic would slip across a change of summer time. Where that is half an
            # hour (Lord Howe) an hour can begin in its middle, or end there.
            first = quarter - local.minute // 15
            while first < quarter and self._local(first).utcoffset() != local.utcoffset():
                first += 1
            start_ms = first * _QUANTUM_MS
            known = Hour(start_ms=start_ms, day=local.strftime("%Y-%m-%d"), hour=local.hour)
            if len(self._known) >= _KEEP:
                self._known.clear()
            self._known[quarter] = known
        return known

"""Hours of touchpoints, by the clocks on the site's walls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from andgate.plan import Plan, is_served, local_time, parse_plan


def plan(hours: str) -> Plan:
    return parse_plan(
        '[site]\nid = "agx"\nname = "Andgate"\ntimezone = "Europe/Rome"\n[groups.g]\nname = "G"\n'
        f'[touchpoints.t]\nname = "T"\ngroup = "g"\n{hours}\n'
    )


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


ROWS = [
    # Rome is one hour ahead of UTC in winter, two in summer
    ("04:30-23:30", "2026-11-21T03:29:59", False),
    ("04:30-23:30", "2026-11-21T03:30:00", True),
    ("04:30-23:30", "2026-11-21T22:29:59", True),
    ("04:30-23:30", "2026-11-21T22:30:00", False),
    ("04:30-23:30", "2026-07-21T02:30:00", True),
    ("22:00-06:00", "2026-11-21T22:00:00", True),
    ("22:00-06:00", "2026-11-21T04:59:59", True),
    ("22:00-06:00", "2026-11-21T05:00:00", False),
    ("00:00-24:00", "2026-11-21T23:00:00", True),
    ("02:30-02:45", "2026-10-25T00:30:00", True),  # 02:30 in summer time, and once more
    ("02:30-02:45", "2026-10-25T01:30:00", True),
    ("02:30-02:45", "2026-03-29T01:30:00", False),  # 03:30: that night has no 02:30
]


@pytest.mark.parametrize(("hours", "at", "served"), ROWS)
def test_a_touchpoint_is_served_within_its_hours(hours: str, at: str, served: bool) -> None:
    assert is_served(plan(f'hours = "{hours}"'), "t", ms(at)) is served


def test_a_touchpoint_without_hours_is_always_served() -> None:
    assert is_served(plan(""), "t", 0)


def test_local_time_is_what_the_wall_shows() -> None:
    assert local_time(plan(""), ms("2026-07-21T10:00:00")).strftime("%H:%M %Z") == "12:00 CEST"

"""Both changes of summer time, in zones that do it in their own ways: hours of the tally, rosters, and durations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from andgate.plan import is_served, parse_plan
from hub.clock import HandClock
from hub.store.hours import Hours, same_clocks
from tests.hub.desk import PLAN, Desk, node_signal

QUARTER_MS = 900_000
ZONES = {
    "Europe/Rome": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-10-03T15:30", "2026-04-04T15:00"),
    "Africa/Casablanca": ("2026-03-22T02:00", "2026-02-15T02:00"),
    "America/Santiago": ("2026-09-06T04:00", "2026-04-05T03:00"),
    "Asia/Kathmandu": ("2026-03-29T00:00", "2026-10-25T00:00"),
}
CHANGES = [(zone, change) for zone, changes in ZONES.items() for change in changes]


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def around(change: str, hours: int = 30) -> list[int]:
    middle_ms = ms(change)
    return list(range(middle_ms - hours * 3_600_000, middle_ms + hours * 3_600_000, QUARTER_MS))


def wall(zone: str, at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_hours_of_the_tally_lie_end_to_end_and_are_those_on_the_wall(zone: str, change: str) -> None:
    hours = Hours(zone)
    for at_ms in around(change):
        for each_ms in (at_ms, at_ms + QUARTER_MS - 1):
            cell, local = hours.of(each_ms), wall(zone, each_ms)
            assert (cell.day, cell.hour) == (local.strftime("%Y-%m-%d"), local.hour)
            assert cell.start_ms <= each_ms < cell.start_ms + 3_600_000
            assert Hours(zone).of(cell.start_ms) == cell, "it begins within itself"
    starts = sorted({hours.of(at_ms).start_ms for at_ms in around(change)})
    for start_ms, next_ms in pairwise(starts):
        assert next_ms - start_ms <= 3_600_000
        assert len({hours.of(at_ms) for at_ms in range(start_ms, next_ms, QUARTER_MS)}) == 1, "no hour in another"


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize("hours", ["04:30-23:30", "22:00-06:00", "01:15-01:45", "02:00-02:30", "00:00-24:00"])
def test_a_roster_is_what_the_wall_says(zone: str, change: str, hours: str) -> None:
    plan = parse_plan(
        f'[site]\nid = "agx"\nname = "Andgate"\ntimezone = "{zone}"\n[groups.g]\nname = "G"\n'
        f'[touchpoints.t]\nname = "T"\ngroup = "g"\nhours = "{hours}"\n'
    )
    begin, end = hours.split("-")
    for at_ms in around(change):
        shown = wall(zone, at_ms).strftime("%H:%M")
        expected = begin <= shown < end if begin < end else shown >= begin or shown < end
        assert is_served(plan, "t", at_ms) is expected, shown


@pytest.mark.parametrize("zone", ["Europe/Rome", "Australia/Lord_Howe"])
@pytest.mark.parametrize("which", [0, 1])
def test_three_minutes_are_three_minutes_across_the_change(tmp_path: Path, zone: str, which: int) -> None:
    clock = HandClock(ms(ZONES[zone][which]) - 90_000)
    desk = Desk(tmp_path / "data", clock, plan=PLAN.replace("Europe/Rome", zone))
    desk.node(node_signal(1, mono=10.0, sent=10.0))
    desk.pass_ms(179_000)
    assert desk.only().verdict is None
    desk.pass_ms(2_000)
    moment = desk.only()
    assert moment.verdict == "failure"
    assert moment.ends_ms - moment.opened_ms == 180_000
    before = wall(zone, moment.opened_ms).utcoffset()
    after = wall(zone, moment.ends_ms).utcoffset()
    assert before is not None
    assert after is not None
    assert abs(after - before) in (timedelta(minutes=30), timedelta(hours=1)), "the change came in between"
    desk.stop()


def test_a_zone_by_another_name_is_the_same_zone() -> None:
    now_ms = ms("2026-11-22T00:00")
    assert same_clocks("Europe/Rome", "Europe/Rome", now_ms)
    assert same_clocks("Europe/Rome", "Europe/Vatican", now_ms)
    assert same_clocks("Europe/Kiev", "Europe/Kyiv", now_ms)
    assert not same_clocks("Europe/Rome", "Europe/Istanbul", now_ms)
    assert not same_clocks("Europe/Rome", "Africa/Tunis", now_ms), "alike in winter only"

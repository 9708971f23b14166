from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from andgate.moment.moments import Moment
from andgate.plan import Plan
from hub.store import Reader
from twin import past
from twin.crew import put_on_roster
from twin.flights import day_begins_ms
from twin.judge import EngineJudge
from twin.past import PastDriver, live_through
from twin.sites import plan_text
from twin.virtual import play
from twin.wires import Wires
from twin.world import World

TODAY = date(2026, 11, 21)
HOUR_MS = 3_600_000


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "DAYS", 1)


def lived(data: Path, plan: Plan, today: date, until_ms: int) -> tuple[World, Wires, int]:
    begins_ms = day_begins_ms(today - timedelta(days=1), plan.site.timezone)
    driver = PastDriver(data, plan, plan_text(), now_ms=begins_ms)
    put_on_roster(data, plan, now_ms=begins_ms)  # of a shift without anybody the supervisors are told too
    try:
        return live_through(driver, plan, until_ms=until_ms, today=today, seed=1, each_day=lambda: None)
    finally:
        driver.end()


@pytest.mark.usefixtures("short")
def test_the_hub_itself_judges_the_past(airport: Plan, tmp_path: Path) -> None:
    today_ms = day_begins_ms(TODAY, airport.site.timezone)
    world, wires, stands_ms = lived(tmp_path, airport, TODAY, today_ms + 10 * HOUR_MS)
    assert world.day == TODAY
    assert 0 <= stands_ms - today_ms - 10 * HOUR_MS < 60_000
    assert wires.next_ms() is None, "no hand is on any button when it is handed over"
    with Reader(tmp_path) as reader:
        assert list(reader.quarantine(10)) == []
        assert {node.state for node in reader.nodes()} == {"online"}
        moments: list[Moment] = []
        cursor = None
        while True:
            listing = reader.moments(until_ms=today_ms - 1, limit=100, cursor=cursor)
            moments += listing.items
            cursor = listing.next
            if cursor is None:
                break
    yesterday = World(airport, TODAY - timedelta(days=1), today=TODAY, seed=1)
    judge = EngineJudge(airport)
    wires = Wires(airport, begins_ms=yesterday.begins_ms)
    play(yesterday, wires, judge, until_ms=yesterday.ends_ms - 1, paging=True)
    expected = Counter(
        (one.expectation, one.touchpoint, one.key, one.opened_ms)
        for one in judge.moments.values()
        if one.remedies is None
    )
    assert Counter((one.expectation, one.touchpoint, one.key, one.opened_ms) for one in moments) == expected
    assert len(moments) > 150
    failed = [one for one in moments if one.verdict == "failure"]
    assert any(one.cause is not None and ": " in one.cause for one in failed), "somebody wrote down why"


@pytest.mark.usefixtures("short")
def test_a_second_start_goes_on_the_morning_after(airport: Plan, tmp_path: Path) -> None:
    today_ms = day_begins_ms(TODAY, airport.site.timezone)
    lived(tmp_path, airport, TODAY, today_ms + 2 * HOUR_MS)
    tomorrow = TODAY + timedelta(days=1)
    until_ms = day_begins_ms(tomorrow, airport.site.timezone) + 5 * HOUR_MS
    world, _, _ = lived(tmp_path, airport, tomorrow, until_ms)
    assert world.day == tomorrow
    with Reader(tmp_path) as reader:
        assert list(reader.quarantine(10)) == []
        assert reader.moments(since_ms=day_begins_ms(tomorrow, airport.site.timezone), limit=5).items

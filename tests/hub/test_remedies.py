"""Remedy tasks in a hub: paged, done in time or too late, taken back with the failure, through kills and replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from andgate.errors import RefusedError
from andgate.moment.moments import Moment
from hub.clock import HandClock
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from hub.paging.bundles import headline
from hub.store import Reader
from tests.hub.day import flight
from tests.hub.desk import PLAN, START_MS, Desk, as_killed, node_signal

MINUTE = 60_000
TASKS = (
    PLAN.replace('better_than = "8m"\n', "")
    + """
[expectations.check-in-wait.remedy]
text = "Apologise in person; priority tag on the bags."
within = "30m"
group = "ticket-agents"
may = ["Priority tag", "Voucher up to 20 EUR"]
[[expectations.check-in-wait.remedy.pages]]
left = "30m"
group = "ticket-agents"
[[expectations.check-in-wait.remedy.pages]]
left = "10m"
group = "supervisors"
unless = "claimed"
[expectations.baggage-claim.remedy]
text = "A drink, and help with the bags."
within = "20m"
group = "supervisors"
[expectations.stairs]
promise = "Somebody helps me down the stairs within 25 minutes."
touchpoints = ["belt-3"]
key = "flight"
opens = ["called"]
closes = ["helped"]
fails_after = "30m"
[expectations.stairs.remedy]
text = "A call from the duty manager."
within = "1h"
group = "supervisors"
"""
)


class Floor(Desk):
    """A hub with tasks in its plan."""

    def __init__(self, data: Path, now_ms: int = START_MS) -> None:
        super().__init__(data, HandClock(now_ms), plan=TASKS)
        self.file = data / "andgate.db"


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    desk = Floor(tmp_path / "data")
    yield desk
    desk.stop()


def task_of(desk: Desk) -> Moment:
    """Return the one task there is."""
    (task,) = desk.reader.moments(tasks=True).items
    return task


def sound(desk: Floor) -> None:
    """The projections are the journal's, and the journal judged again comes out the same."""
    found = verify(desk.file)
    assert found.sound(witnessed=False), "\n".join([found.broken or "", *map(str, found.differences)])
    assert rejudge(desk.file).first is None


def late_line(desk: Desk) -> str:
    """Let a line fail; return the failed moment's id."""
    desk.node(node_signal(1))
    desk.pass_ms(3 * MINUTE + 1_000)
    return desk.only().id


def test_a_failure_is_paged_as_a_task_and_done_in_time(floor: Floor) -> None:
    failed = late_line(floor)
    task = task_of(floor)
    assert (task.remedies, task.state) == (failed, "open")
    (page,) = floor.pages(moment=task.id)
    assert (page.group, page.state) == ("ticket-agents", "queued")
    assert page.text == (
        "Check-in counter A: make it good, 29:59 left until 12:39. Apologise in person; priority tag on the bags."
        " You may give: Priority tag, Voucher up to 20 EUR."
    )
    assert [each.id for each in floor.driver.open_tasks()] == [task.id]
    assert [each.id for each in floor.driver.open_moments()] == [failed]
    floor.pass_ms(5 * MINUTE)
    floor.act("remedy", failed, "Marta", reason="Priority tag", gave=("Priority tag",))
    done = task_of(floor)
    assert (done.verdict, done.state) == ("success", "ended")
    ended = floor.reader.moment(failed)
    assert ended is not None
    given = ended.given
    assert given is not None
    assert (given.by, given.gave, given.at_ms) == ("Marta", ("Priority tag",), START_MS + 8 * MINUTE + 1_000)
    assert floor.driver.open_tasks() == ()
    sound(floor)


def test_a_task_counts_in_its_own_rate_only(floor: Floor) -> None:
    failed = late_line(floor)
    floor.act("remedy", failed, reason="sorry")
    rates = {row.group: row.counts for row in floor.reader.tally(by="expectation")}
    assert list(rates) == ["check-in-wait"]
    (own,) = floor.reader.tally(by="remedy")
    assert (own.group, own.counts.success, own.counts.failure) == ("check-in-wait.remedy", 1, 0)
    (asked,) = floor.reader.tally(by="expectation", expectation="check-in-wait.remedy")
    assert asked == own
    for by in ("touchpoint", "area", "team", "day", "hour"):
        assert [row.counts.success for row in floor.reader.tally(by=by)] == [0], by
    floor.post("d", "docked", key=flight(1))
    floor.pass_ms(26 * MINUTE)
    assert [(row.group, row.counts.failure) for row in floor.reader.tally(by="key")] == [(flight(1), 1)]
    assert [each.remedies for each in floor.reader.day_moments(0)] == [None] * 2
    assert [each.remedies for each in floor.reader.failures(since_ms=0, until_ms=2**60)] == [None] * 2
    assert {row.expectation for row in floor.reader.cells(since_ms=0, until_ms=2**60)} == {
        "baggage-claim",
        "check-in-wait",
    }
    (outcome,) = floor.reader.outcomes("arrival").items
    assert len(outcome.failing) == 1
    assert len(floor.reader.moments(tasks=None).items) == 4
    sound(floor)


def test_too_late_and_a_second_failure_of_a_flight_is_exceptional(floor: Floor) -> None:
    floor.post("d", "docked", key=flight(1))
    floor.post("c", "called", key=flight(1))
    floor.pass_ms(25 * MINUTE + 1_000)
    first = task_of(floor)
    assert first.before == ()
    floor.pass_ms(5 * MINUTE)
    tasks = {task.expectation: task for task in floor.reader.moments(tasks=True).items}
    second = tasks["stairs.remedy"]
    assert [(each.moment, each.expectation) for each in second.before] == [(first.remedies, "baggage-claim")]
    (page,) = floor.pages(moment=second.id)
    assert "Second failure for AG1, after “I have my bag within 25 minutes of docking”." in page.text
    floor.pass_ms(20 * MINUTE)
    late = floor.reader.moment(first.id)
    assert late is not None
    assert (late.verdict, late.state) == ("failure", "open")
    floor.act("remedy", first.id, reason="a drink at last")
    done = floor.reader.moment(first.id)
    assert done is not None
    assert (done.state, done.late_s) == ("ended", 301.0)
    with pytest.raises(RefusedError, match="is a remedy: say what was given"):
        floor.act("reset", second.id, reason="done")
    sound(floor)


def test_a_revised_failure_takes_its_task_back_and_stands_down(floor: Floor) -> None:
    floor.post("d", "docked", key=flight(1))
    floor.pass_ms(26 * MINUTE)
    task = task_of(floor)
    floor.act("void", floor.only().id, reason="diverted")
    assert floor.reader.moments(tasks=True).items == ()
    assert [row.kind for row in floor.pages(moment=task.id)] == ["page", "over"]
    floor.pass_ms(1_000)
    floor.act("unvoid", floor.only().id)
    assert task_of(floor).id == task.id
    sound(floor)


STEPS: tuple[Callable[[Desk], object], ...] = (
    lambda desk: desk.node(node_signal(1)),
    lambda desk: desk.post("d", "docked", key=flight(1)),
    lambda desk: desk.pass_ms(3 * MINUTE + 500),
    lambda desk: desk.pass_ms(500),
    lambda desk: desk.act("claim", task_of(desk).id),
    lambda desk: desk.pass_ms(21 * MINUTE),
    lambda desk: desk.act("void", task_of(desk).remedies or "", reason="false alarm"),
    lambda desk: desk.pass_ms(1_000),
    lambda desk: desk.act("unvoid", desk.reader.moments(expectation="check-in-wait").items[0].id),
    lambda desk: desk.pass_ms(2 * MINUTE),
    lambda desk: desk.act("remedy", desk.reader.moments(expectation="check-in-wait").items[0].id, reason="sorry"),
    lambda desk: desk.pass_ms(60 * MINUTE),
)


def owed(reader: Reader) -> list[tuple[str | None, str, str | None]]:
    """Return each task: what it makes good, how it stands."""
    return sorted((each.remedies, each.state, each.verdict) for each in reader.moments(tasks=True).items)


def told(desk: Desk) -> list[str]:
    """Return each page about a moment; what a hub says of its own channels is no business of this."""
    return [row.page for row in desk.pages() if row.about is not None]


def test_a_kill_between_any_two_steps_loses_no_task_and_doubles_none(tmp_path: Path) -> None:
    whole = Floor(tmp_path / "whole")
    killed = Floor(tmp_path / "life-0")
    for life, step in enumerate(STEPS, 1):
        step(whole)
        step(killed)
        data = as_killed(tmp_path / f"life-{life - 1}", tmp_path / f"life-{life}")
        now_ms = killed.clock.now_ms()
        killed.stop()
        killed = Floor(data, now_ms)
        assert owed(killed.reader) == owed(whole.reader)
        assert told(killed) == told(whole)
    assert [task.verdict for task in whole.reader.moments(tasks=True).items] == ["failure", "success"]
    sound(killed)
    killed.stop()
    whole.stop()


def test_many_at_once_are_told_for_what_they_are() -> None:
    assert headline(5) == "5 lines threatened"
    assert headline(3, 3) == "3 to make good"
    assert headline(3, 2) == "1 line threatened, 2 to make good"

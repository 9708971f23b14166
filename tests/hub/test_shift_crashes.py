"""Kills between any two steps of a page to somebody on shift, and of a handover: never lost, never done twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest

from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import parse_plan
from andgate.wire.messages import FeedSignal
from hub.clock import HandClock
from hub.driver.batch import Batch
from hub.driver.intake import Acted, Posted
from hub.driver.judge import Judge
from hub.evidence.frozen import database_of
from hub.evidence.verify import verify
from hub.store import PageFate, PageRow, Store
from tests.hub.crew import Office, rome, shifts
from tests.hub.desk import as_killed

BEFORE = rome("2026-11-23T12:29")
"""A minute before late relieves early."""


class Life:
    """One life of a hub, step by step, without threads; `kill` leaves what is on the disk then."""

    def __init__(self, data: Path, clock: HandClock) -> None:
        self.data = data
        self.clock = clock
        self.judge = Judge(Store(data), parse_plan(shifts()), clock, plan_source=shifts())
        self.queued = list(self.judge.store.pages.queued.values())
        self.batch = self.judge.begin()
        self.judge.write(clock.now_ms())

    def take(self, item: object) -> None:
        self.judge.take(self.batch, item)

    def wake(self) -> None:
        self.batch = Batch(self.clock.now_ms())
        self.judge.advance(self.batch)

    def write(self) -> None:
        self.judge.write(self.clock.now_ms())

    def kill(self, copy: Path) -> Life:
        as_killed(self.data, copy)
        self.judge.people.close()
        self.judge.store.close()
        return Life(copy, self.clock)

    def end(self) -> None:
        self.judge.people.close()
        self.judge.store.close()

    def rows(self, begins: str = "") -> list[PageRow]:
        moments = {row[0] for row in self.judge.store.db.execute("select distinct moment from page")}
        found = [row for moment in sorted(moments) for row in self.judge.store.pages.of(moment)]
        return [row for row in found if row.moment.startswith(begins) and not row.moment.startswith("fault/")]


def pressed(life: Life) -> Moment:
    life.take(Posted([FeedSignal(id="p1", touchpoint="counter-a", signal="pressed")], "test", Future()))
    (moment,) = life.judge.engine.open_moments()
    return moment


def claimed(life: Life, moment: Moment) -> None:
    action = Action(id="c1", do="claim", moment=moment.id, at_ms=life.clock.now_ms(), by="Ada", promise_ms=900_000)
    life.take(Acted(action, Future()))


@pytest.mark.parametrize("dies_after", [0, 1, 2])
def test_a_handover_is_done_once_wherever_the_hub_dies(tmp_path: Path, dies_after: int) -> None:
    (tmp_path / "data").mkdir()
    clock = HandClock(BEFORE)
    life = Life(tmp_path / "data", clock)
    office = Office(life.judge.people)
    office.hire("Ada")
    bob = office.hire("Bob", shift="late")
    moment = pressed(life)
    claimed(life, moment)
    life.write()
    clock.advance(60_000)
    steps: list[Callable[[], None]] = [life.wake, life.write]
    for step in steps[:dies_after]:
        step()
    again = life.kill(tmp_path / "again")
    again.wake()
    again.write()
    told = again.rows("shift/")
    assert sorted((row.channel, row.person) for row in told) == sorted([("radio", None), (f"{bob}/1", bob)])
    assert {row.state for row in told} == {"queued"}
    entries = [json.loads(body) for (body,) in again.judge.store.db.execute("select body from entry order by n")]
    given = [item for entry in entries for item in entry["in"] if item.get("do") == "unclaim"]
    assert len(given) == 1
    (now,) = again.judge.engine.open_moments()
    assert now.claimed_ms is None
    again.end()
    assert verify(database_of(tmp_path / "again")).sound(witnessed=False)


@pytest.mark.parametrize("dies_after", ["judged", "committed", "sent", "said"])
def test_a_page_to_a_person_is_never_lost_and_repeated_only_when_in_doubt(tmp_path: Path, dies_after: str) -> None:
    (tmp_path / "data").mkdir()
    life = Life(tmp_path / "data", HandClock(BEFORE))
    ada = Office(life.judge.people).hire("Ada")
    pressed(life)
    if dies_after != "judged":
        life.write()
    if dies_after == "said":  # else it went out, perhaps, and nobody wrote it down
        (row,) = [row for row in life.rows() if row.person == ada]
        fate = PageFate(
            id=row.id, moment=row.moment, state="sent", note="", tries=1, due_ms=row.due_ms, sent_ms=life.clock.now_ms()
        )
        life.take(fate)
        life.write()
    again = life.kill(tmp_path / "again")
    if dies_after == "judged":  # nobody was told that it was taken, so it is posted again
        pressed(again)
        again.write()
    waiting = [row for row in again.rows() if row.person == ada]
    assert len(waiting) == 1
    expected = {
        "judged": ("queued", False),
        "committed": ("queued", True),
        "sent": ("queued", True),
        "said": ("sent", False),
    }
    assert (waiting[0].state, waiting[0].again) == expected[dies_after]
    again.end()

"""Which team answers for a moment, at its opening and at its deadline; and rates by shift."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from andgate.moment.events import Failed, Opened
from andgate.moment.teams import Team
from andgate.wire.codec import moment_message
from hub.clock import HandClock
from hub.evidence.frozen import database_of
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from tests.hub.crew import rome, shifts
from tests.hub.desk import Desk, node_signal

BEFORE = rome("2026-11-23T12:29")
"""A minute before late relieves early."""


@pytest.fixture
def desk_at(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []
    (tmp_path / "data").mkdir()

    def make(at_ms: int, **options: Any) -> Desk:
        made.append(Desk(tmp_path / "data", HandClock(at_ms), plan=options.pop("plan", shifts()), **options))
        return made[-1]

    yield make
    for desk in made:
        desk.stop()


def test_a_moment_says_who_answered_for_it_at_its_opening_and_at_its_deadline(desk_at: Callable[..., Desk]) -> None:
    desk = desk_at(BEFORE)
    desk.node(node_signal(1, sent=11.0))
    moment = desk.only()
    early = Team(group="ticket-agents", shift="early", date="2026-11-23", since_ms=rome("2026-11-23T04:30"))
    late = Team(group="ticket-agents", shift="late", date="2026-11-23", since_ms=rome("2026-11-23T12:30"))
    assert (moment.team, moment.team_due) == (early, late)
    said = moment_message(moment)
    assert (said.team.group, said.team.shift, said.team.date) == ("ticket-agents", "early", "2026-11-23")  # type: ignore[union-attr]
    assert said.team_at_deadline.shift == "late"  # type: ignore[union-attr]
    desk.pass_ms(200_000)
    trail = [line.event for line in desk.reader.trail(moment.id)]
    assert [event.team for event in trail if isinstance(event, Opened)] == [early]
    assert [event.team for event in trail if isinstance(event, Failed)] == [late]


def test_a_group_without_shifts_has_no_team_and_one_without_anybody_on_has_no_shift(
    desk_at: Callable[..., Desk],
) -> None:
    desk = desk_at(rome("2026-11-23T23:59"))
    desk.node(node_signal(1, sent=11.0))
    assert desk.only().team == Team(group="ticket-agents", date="2026-11-23")
    assert desk.only().team_due == Team(group="ticket-agents", date="2026-11-24")
    desk.post("a", "docked", key="AG1/2026-11-23")
    (docked,) = [moment for moment in desk.moments() if moment.key]
    assert (docked.team, docked.team_due) == (None, None)


def test_rates_by_shift_and_the_journal_says_the_same(desk_at: Callable[..., Desk], tmp_path: Path) -> None:
    desk = desk_at(BEFORE)
    desk.node(node_signal(1, sent=11.0))
    desk.pass_ms(200_000)  # early's failure, decided in late's time
    desk.node(node_signal(2, "reset", mono=212.0, sent=212.0))
    desk.pass_ms(10_000)
    desk.node(node_signal(3, mono=222.0, sent=222.0))
    desk.pass_ms(10_000)
    desk.node(node_signal(4, "reset", mono=232.0, sent=232.0))
    desk.post("a", "docked", key="AG1/2026-11-23")
    desk.post("b", "unloaded", key="AG1/2026-11-23")
    rows = {row.group: row.counts for row in desk.reader.tally(by="shift")}
    assert {group: (counts.success, counts.failure) for group, counts in rows.items()} == {
        "ticket-agents/early": (0, 1),
        "ticket-agents/late": (1, 0),
    }
    late_only = desk.reader.tally(by="shift", since_ms=BEFORE)
    assert [row.group for row in late_only] == ["ticket-agents/late"]
    assert desk.reader.tally(by="shift", touchpoint="belt-3") == ()
    # What is taken out of the rates is taken out of the shift's too, and comes back.
    (failed,) = [moment for moment in desk.moments() if moment.verdict == "failure"]
    desk.act("void", failed.id, reason="false alarm")
    assert desk.reader.tally(by="shift")[0].counts.void == 1
    desk.clock.advance(1000)
    desk.act("unvoid", failed.id)
    assert desk.reader.tally(by="shift")[0].counts.failure == 1
    desk.stop()
    found = verify(database_of(tmp_path / "data"))
    assert found.sound(witnessed=False), list(map(str, found.differences))
    assert found.rows["shift_tally"] == 2
    assert rejudge(database_of(tmp_path / "data")).first is None

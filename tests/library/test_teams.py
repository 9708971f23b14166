"""Which team answers for a moment: by the plan alone, at its opening and at its deadline."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from andgate.moment.events import Failed, Opened, Unclaimed
from andgate.moment.teams import Team, teams
from andgate.plan import Plan, Shift
from andgate.routing import personal, personal_rank
from andgate.shifts import team_at
from andgate.wire.codec import moment_message
from tests.library.days import BAGGAGE, CHECK_IN, MINUTE, SECOND, at, site
from tests.library.test_claims import Hall


def working(*shifts: Shift) -> Plan:
    """The site, its ticket agents in these shifts."""
    plan = site(CHECK_IN, BAGGAGE)
    agents = replace(plan.groups["ticket-agents"], shifts={shift.id: shift for shift in shifts})
    return replace(plan, groups=plan.groups | {"ticket-agents": agents})


def changing() -> tuple[Plan, Team, Team]:
    """A plan whose shifts change two minutes after the line opens, and the two teams."""
    plan = working(Shift(id="all", name="All", start_min=0, end_min=1440, days=tuple(range(7))))
    turn = team_at(plan, "ticket-agents", at(0))
    assert turn is not None
    minute = (at(0) - turn.start_ms) // MINUTE + 2
    early = Shift(id="early", name="Early", start_min=0, end_min=minute, days=tuple(range(7)))
    late = Shift(id="late", name="Late", start_min=minute, end_min=1440, days=tuple(range(7)))
    teams_ = (
        Team(group="ticket-agents", shift="early", date=turn.date, since_ms=turn.start_ms),
        Team(group="ticket-agents", shift="late", date=turn.date, since_ms=turn.start_ms + minute * MINUTE),
    )
    return working(early, late), *teams_


def test_a_moment_has_the_team_at_its_opening_and_at_its_deadline() -> None:
    plan, early, late = changing()
    hall = Hall(plan)
    assert (hall.moment.team, hall.moment.team_due) == (early, late)
    hall.watch.wake(at(3, SECOND))
    told = hall.watch.events
    assert [event.team for event in told if isinstance(event, Opened)] == [early]
    assert [event.team for event in told if isinstance(event, Failed)] == [late]
    said = moment_message(hall.moment)
    assert said.team is not UNSET
    assert said.team_at_deadline is not UNSET
    assert (said.team.shift, said.team_at_deadline.shift) == ("early", "late")


def test_a_group_without_shifts_has_no_team() -> None:
    hall = Hall()
    assert (hall.moment.team, hall.moment.team_due) == (None, None)
    assert moment_message(hall.moment).team is UNSET
    assert teams(site(CHECK_IN, BAGGAGE), "nowhere", 0, 0) is None


def test_where_no_shift_is_on_the_team_is_the_group_alone() -> None:
    plan = working(Shift(id="gala", name="Gala", start_min=0, end_min=60, on=("2030-01-01",)))
    hall = Hall(plan)
    team = hall.moment.team
    assert team is not None
    assert (team.group, team.shift, team.since_ms) == ("ticket-agents", None, None)
    assert team.date is not None


def test_a_claim_that_somebody_else_ends_says_why() -> None:
    hall = Hall()
    hall.claim(at(0, SECOND), "ada")
    hall.act("unclaim", at(0, 2 * SECOND), "andgate", whose="ada", reason="Early ended")
    (gone,) = [event for event in hall.watch.events if isinstance(event, Unclaimed)]
    assert (gone.by, gone.whose, gone.reason) == ("andgate", "ada", "Early ended")


def test_a_persons_channel_is_named_by_person_and_place() -> None:
    name = personal("~0123456789abcdef", 0)
    assert name == "~0123456789abcdef/1"
    assert personal_rank(name) == ("~0123456789abcdef", 0)
    for other in ("radio", "~0123/1", "~0123456789abcdef/0", "~0123456789abcdef", "~0123456789abcdef/1/2"):
        assert personal_rank(other) is None

"""Which team answers for a moment: the shift that was on when it opened, and the one at its deadline.

It follows from the plan alone, so that a journal judged again says the same; who stood on the shift is in the roster.
"""

from __future__ import annotations

from msgspec import Struct

from andgate.plan import Plan
from andgate.shifts import local_date, team_at


class Team(Struct, frozen=True, omit_defaults=True):
    """A group that works in shifts, at a time."""

    group: str
    shift: str | None = None
    """None: no shift of it was on."""
    date: str | None = None
    """On which the shift began; where none was on, the date it was."""
    since_ms: int | None = None
    """When the shift began; None where none was on."""


def teams(plan: Plan, touchpoint: str, opened_ms: int, ends_ms: int) -> tuple[Team, Team] | None:
    """Return the team at a moment's opening and at its deadline; None where the group does not work in shifts."""
    known = plan.touchpoints.get(touchpoint)
    group = plan.groups.get(known.group) if known is not None else None
    if group is None or not group.shifts:
        return None
    return _team(plan, group.id, opened_ms), _team(plan, group.id, ends_ms)


def _team(plan: Plan, group: str, at_ms: int) -> Team:
    turn = team_at(plan, group, at_ms)
    if turn is None:
        return Team(group=group, date=local_date(plan.site.timezone, at_ms).isoformat())
    return Team(group=group, shift=turn.shift, date=turn.date, since_ms=turn.start_ms)

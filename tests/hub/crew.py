"""A desk whose groups work in shifts."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hub.store.people import Duty, People, Person, StandIn
from tests.hub.desk import PLAN

EVERY_DAY = tuple(range(7))
SHIFTS = """
[groups.ticket-agents.shifts.early]
from = "04:30"
to = "12:30"
[groups.ticket-agents.shifts.late]
from = "12:30"
to = "20:30"
"""


def shifts(plan: str = PLAN, more: str = SHIFTS) -> str:
    """The plan with early and late shifts of the ticket agents; at night nobody is on."""
    return plan + more


def rome(text: str) -> int:
    """UTC milliseconds of a time on the site's walls."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Rome")).timestamp() * 1000)


class Office:
    """Whoever keeps the rosters."""

    def __init__(self, people: People) -> None:
        self.people = people

    def hire(
        self, name: str, *channels: str, shift: str = "early", group: str = "ticket-agents", **more: object
    ) -> str:
        """Somebody new, on a shift every day; return their id."""
        person = Person(id="", name=name, channels=channels or ("json://pager.example",), **more)  # type: ignore[arg-type]
        id = self.people.add(person, 0).id
        if shift:
            self.people.put_on(Duty(person=id, group=group, shift=shift, days=EVERY_DAY))
        return id

    def instead(self, date: str, person: str | None, instead_of: str | None, shift: str = "early") -> StandIn:
        wanted = StandIn(
            date=date, group="ticket-agents", shift=shift, person=person, instead_of=instead_of, by="~00", at_ms=1
        )
        return self.people.stand_in([wanted])[0]

"""Who left the roster, and to whom a page is known to have come."""

from __future__ import annotations

import pytest

from hub.store.people import Duty, People, Person
from tests.hub.desk import Desk


@pytest.fixture
def people(desk: Desk) -> People:
    return desk.driver.people


def test_whoever_leaves_the_roster_stood_on_it_until_then(people: People) -> None:
    ada = people.add(Person(id="", name="Ada"), 1)
    always = people.put_on(Duty(person=ada.id, group="ticket-agents", shift="early", days=(0, 1)))
    assert people.end_duty(always.id, "2026-11-24")
    assert people.end_duty(always.id, "2026-12-01"), "they leave once"
    assert [each.last for each in people.book().duties] == ["2026-11-23"]
    for only in (
        Duty(person=ada.id, group="ticket-agents", shift="late", days=(0,), first="2026-11-24"),
        Duty(person=ada.id, group="ticket-agents", shift="late", days=(0,), date="2026-11-24"),
    ):
        made = people.put_on(only)
        assert people.end_duty(made.id, "2026-11-24")
        assert not people.end_duty(made.id, "2026-11-24"), "nothing of it is left"


def test_a_page_that_came_proves_a_way(people: People) -> None:
    ada = people.add(Person(id="", name="Ada"), 1)
    assert not people.proven([ada.id])
    with people.write() as db:
        db.execute(
            "insert into drill_part (drill, n, kind, name, team, person, state, note) "
            "values (1, 0, 'person', ?, 'ticket-agents', ?, 'proven', '')",
            (f"{ada.id}/1", ada.id),
        )
    assert people.proven([ada.id, "~nobody"]) == {ada.id}

"""Who leads each shift at the demo's airport: invented people with pagers of their own, on the hub's People page."""

from __future__ import annotations

import contextlib
from itertools import cycle
from pathlib import Path

from andgate.plan import Plan
from hub.store import People
from hub.store.people import Duty, Person

NAMES = (
    "Ada Bianchi", "Bela Kovacs", "Chiara Conti", "Dario Ferri", "Elif Demir", "Franz Huber", "Giulia Marino",
    "Hana Novak", "Ines Costa", "Jonas Weber", "Katia Greco", "Luca Serra", "Mira Lindt", "Nils Berg", "Olga Petrova",
    "Paolo Galli", "Rosa Villa", "Said Amari", "Tea Horvat", "Ugo Leone",
)  # fmt: skip
_SPEAK = ("en", "de", "fr", "es", "pl", "ar", "zh")
"""Beside Italian: the one after the other."""
_EVERY_DAY = tuple(range(7))


def put_on_roster(data: Path, plan: Plan, *, now_ms: int) -> None:
    """Give each shift of each group somebody who leads it every day, unless somebody is on the list already."""
    with contextlib.closing(People(data)) as people:
        if not people.book().people:
            _fill(people, plan, now_ms)


def _fill(people: People, plan: Plan, now_ms: int) -> None:
    names, others = iter(NAMES), cycle(_SPEAK)
    for group in plan.groups.values():
        for shift in group.shifts:
            name = next(names, None)
            if name is None:
                return
            pager = f"mqtt://pager-{name.split()[0].lower()}"
            made = people.add(Person(id="", name=name, languages=("it", next(others)), channels=(pager,)), now_ms)
            people.put_on(Duty(person=made.id, group=group.id, shift=shift, days=_EVERY_DAY))

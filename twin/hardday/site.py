"""The demo's airport on a hard day: its plan with more that can fail, and two people on each shift of each group."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from andgate.plan import Plan
from hub.store import People, Store
from hub.store.people import Duty
from hub.store.people import Person as OnList
from twin.crew import NAMES

CONTROL_ROOM = "control-room"
PANEL, ALARM = "fire-panel", "gatehouse/alarm"
URL = "https://hub.example"
_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"  # noqa: S105 - of a receiver that lives for one day, on loopback
_EVERY_DAY = tuple(range(7))
_LAST_STEP = 'left = "90s"\ngroup = "supervisors"\nunless = "claimed"\n'
_SUPERVISORS = 'name = "Supervisors"\nchannels = ["radio"]\n'
_MORE = """
[channels.control-room]
url = "webhook+http://127.0.0.1:{port}/hook/control-room"
secret = "{secret}"

[touchpoints.fire-panel]
name = "Fire panel"
group = "supervisors"
suspends = "site"
suspends_at_most = "1h"

[nodes.gatehouse.devices.alarm]
touchpoint = "fire-panel"
kind = "belt-sensor"
pin = 23
signals = {{ on = "suspended", off = "resumed" }}
"""


class Person(Struct, frozen=True):
    """Somebody on the roster."""

    id: str
    name: str
    group: str
    phone: str
    """The path of their phone at the receivers; empty where they have none."""
    pager: str
    """Their pager on the site's broker; empty where they have none."""


def hard_plan(text: str, port: int) -> str:
    """Return the plan of the demo's airport with a control room's web hook, a fire panel and repeats."""
    for known in ("timezone =", _LAST_STEP, _SUPERVISORS):
        assert known in text, known  # noqa: S101 - the demo's own plan
    for known, earlier in (("12:30", "10:30"), ("12:00", "10:00")):
        text = text.replace(f'"{known}"', f'"{earlier}"')  # shifts change in the middle of the morning
    text = text.replace("timezone =", f'url = "{URL}"\ntimezone =', 1)
    text = text.replace(_LAST_STEP, f'{_LAST_STEP}repeat = "60s"\n')
    text = text.replace(_SUPERVISORS, _SUPERVISORS.replace('["radio"]', f'["radio", "{CONTROL_ROOM}"]'))
    return text + _MORE.format(port=port, secret=_SECRET)


def hire(data: Path, plan: Plan, *, port: int, now_ms: int) -> list[Person]:
    """Put two people on each shift: one with a phone and a pager; one with a phone only, and every third a pager only.

    Args:
        data: of a hub that does not run yet.
        plan: with the groups and their shifts.
        port: where the phones' service is.
        now_ms: when.
    """
    hired: list[Person] = []
    Store(data).close()  # makes the tables
    people = People(data)
    try:
        for group in plan.groups.values():
            for shift in group.shifts:
                for second in (False, True):
                    number = len(hired)
                    first, _, last = NAMES[number % len(NAMES)].partition(" ")
                    name = f"{first} {last}" if number < len(NAMES) else f"{first} {last}-{number // len(NAMES) + 1}"
                    phone = "" if second and number % 3 == 0 else f"/phone/{number}"
                    pager = "" if second and phone else f"pager-{number}"
                    channels = [f"json://127.0.0.1:{port}{phone}"] if phone else []
                    channels += [f"mqtt://{pager}"] if pager else []
                    made = people.add(OnList(id="", name=name, channels=tuple(channels)), now_ms)
                    people.put_on(Duty(person=made.id, group=group.id, shift=shift, days=_EVERY_DAY))
                    hired.append(Person(made.id, name, group.id, phone, pager))
    finally:
        people.close()
    return hired

"""However somebody says that they come, the desk's lamp shows it: pager, link, the moment's page, a script."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.answers import Links
from tests.story.airport import LAMP, MOT, Airport, events
from tests.story.stage import WAIT_S, until


def form(url: str, **fields: str) -> str:
    """Send a form as a phone without scripts does; return the page that answers."""
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=WAIT_S) as answer:
        said: bytes = answer.read()
    return said.decode()


STEP = 'left = "3m"                            # time left before failure\ngroup = "ticket-agents"\n'


def unhurried(plan: str, more: str = "") -> str:
    """A plan whose counter has half an hour, so that no lamp is in a hurry while somebody looks at it."""
    assert STEP in plan
    assert 'fails_after = "3m"' in plan
    plan = plan.replace('fails_after = "3m"', 'fails_after = "30m"', 1)
    return plan.replace(STEP, 'left = "30m"\ngroup = "ticket-agents"\n' + more, 1)


@pytest.fixture
def patient(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    there = Airport(tmp_path, unhurried(airport_toml))
    yield there
    there.close()


def test_each_way_of_claiming_makes_the_lamp_pulse(patient: Airport) -> None:
    airport = patient
    desk = airport.node("desk-a1")
    lamp = desk.lamp(LAMP)
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]
    page = airport.pager.hear("page/ticket-agents", kind="page", moment=which)
    (row,) = airport.hub.reader.pages(moment=which).items
    link = Links(airport.folder / "hub").path(row)
    lamp.steady()

    ways: dict[str, Callable[[], object]] = {
        "p7": lambda: airport.pager.claim(page, by="p7", promise_s=900),
        "Jo K.": lambda: form(f"{airport.url}{link}", do="claim", minutes="5", who="Jo K."),
        "somebody": lambda: form(f"{airport.url}/moments/{which}/claim", minutes="5", back=f"/moments/{which}"),
        "Marta": lambda: airport.send(f"/moments/{which}/claim", {"by": "Marta", "promise_s": 900}),
    }
    for by, claims in ways.items():
        claims()
        assert airport.becomes(which, claimed_by=by)["claims"][0]["by"] == by
        lamp.slow()
        airport.send(f"/moments/{which}/claim", {"by": by}, method="DELETE")
        airport.becomes(which, claimed_by=None)
        lamp.steady()
    trail = events(airport.moment(which))
    assert (trail.count("claimed"), trail.count("unclaimed")) == (4, 4)


def counted(airport: Airport) -> object:
    """What lamps and signs were told last: how many come, of how many, since when that is enough."""
    said = airport.pager.all("touchpoint/counter-a/moment")
    moment: dict[str, object] = next(iter(said[-1]["moments"]), {}) if said else {}
    return moment.get("coming"), moment.get("needs"), moment.get("claimed")


@pytest.fixture
def careful(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    """An airport where one pair of hands is not enough at the counter, and where nobody is left in peace."""
    needs = "[expectations.check-in-wait]\nneeds = 2"
    plan = airport_toml.replace("[expectations.check-in-wait]", needs, 1)
    there = Airport(tmp_path, unhurried(plan, 'repeat = "30s"\n'))
    yield there
    there.close()


def test_the_lamp_waits_for_the_second_and_the_pager_repeats_until_then(careful: Airport) -> None:
    desk = careful.node("desk-a1")
    lamp = desk.lamp(LAMP)
    desk.press(MOT)
    which = careful.open_moment("counter-a")["id"]
    page = careful.pager.hear("page/ticket-agents", kind="page", moment=which)
    careful.pager.claim(page, by="p7", promise_s=900)
    until(lambda: counted(careful) == (1, 2, None), lambda: counted(careful))
    assert [claim["by"] for claim in careful.moment(which)["claims"]] == ["p7"]
    assert careful.moment(which)["claimed_at"] is None
    lamp.steady()
    careful.later(seconds=31)
    again = careful.pager.hear("page/ticket-agents", count=2, kind="page", moment=which)
    assert again["reason"] == "nobody has answered yet"
    careful.pager.claim(again, by="p8", promise_s=900)
    assert careful.becomes(which, claimed_by="p8")["claimed_at"] is not None
    lamp.slow()
    careful.later(seconds=61)
    groups = [group for group, said in careful.pager.pages() if said["moment"] == which]
    assert groups == ["ticket-agents", "ticket-agents"], "nobody is paged while enough are on it"


def test_a_pager_calls_it_a_false_alarm(airport: Airport) -> None:
    desk = airport.node("desk-a1")
    lamp = desk.lamp(LAMP)
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]
    page = airport.pager.hear("page/ticket-agents", kind="page", moment=which)
    lamp.steady()
    answer = {"page": page["id"], "do": "reject", "by": "p7", "reason": "only the cleaners"}
    airport.pager.say("answer", answer)
    ended = airport.becomes(which, state="ended")
    assert (ended["verdict"], ended["reason"]) == ("void", "false alarm: only the cleaners")
    airport.pager.hear("page/ticket-agents", kind="over", moment=which)

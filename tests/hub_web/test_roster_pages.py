"""What the roster's pages say of days that are over, of dates, and of somebody who would be in two places at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from andgate.plan import parse_plan
from tests.hub.crew import SHIFTS, rome, shifts
from tests.hub_web.stand import Stand
from tests.hub_web.test_people import add, put_on, serve, ways

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a module that Apprise loads
MORE = """
[groups.supervisors.shifts.day]
from = "06:00"
to = "22:00"
[ways.mail]
name = "Mail"
takes = "address"
url = "mailto://hub:hush@mail.example?to={address}"
"""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path, parse_plan(shifts(more=SHIFTS + MORE)))
    stand.clock.advance(rome("2026-11-25T09:00") - stand.clock.now_ms())
    yield stand
    stand.close()


@pytest.fixture
def web(stand: Stand, tmp_path: Path) -> Iterator[TestClient]:
    with serve(stand, tmp_path) as web:
        yield web


def cells(page: str) -> dict[str, str]:
    """The week's cells, by what they say of themselves."""
    found = re.findall(r'<a href="/roster/[^"]+" aria-label="([^"]+)">(.*?)</a></td>', page, re.DOTALL)
    return dict(found)


def test_what_is_over_warns_of_nothing_any_more(web: TestClient) -> None:
    ada = add(web, "Ada")
    for day in ("2026-11-24", "2026-11-26"):
        put_on(web, ada, "late", date=day)
    week = cells(web.get("/roster").text)
    assert "nobody" not in week["Early, Tue 24 Nov: Nobody"]
    assert "nobody" in week["Early, Thu 26 Nov: Nobody"], "that one can still be mended"
    assert 'class="q"' not in week["Late, Tue 24 Nov: Ada"]
    assert 'class="q"' in week["Late, Thu 26 Nov: Ada (cannot be reached)"]
    over, late, coming = (
        web.get(f"/roster/ticket-agents/{turn}").text
        for turn in ("early/2026-11-24", "late/2026-11-24", "early/2026-11-26")
    )
    assert "Nobody was on this shift." in over
    assert "i-threatened" not in over
    assert "has no way to be reached" not in late
    assert "i-threatened" in coming


def test_dates_stand_there_as_people_write_them(web: TestClient) -> None:
    ada = add(web, "Ada")
    put_on(web, ada, days=["wed"], **{"from": "2026-11-25", "until": "2027-06-30"})
    assert "Wednesday, from Wed 25 Nov, until Wed 30 Jun 2027" in web.get("/roster/ticket-agents/early/2026-12-02").text
    assert "Week of Mon 28 Dec to Sun 3 Jan 2027" in web.get("/roster?week=2026-12-30").text


def test_a_swap_puts_nobody_on_two_shifts_at_once(web: TestClient, stand: Stand) -> None:
    ada, bob = add(web, "Ada", "json://a"), add(web, "Bob", "json://b")
    put_on(web, ada, "early", date="2026-11-26")
    put_on(web, bob, "late", date="2026-11-27")
    put_on(web, ada, "day", group="supervisors", date="2026-11-27")
    turn = "/roster/ticket-agents/early/2026-11-26"
    asked = {"instead_of": ada, "with": f"late 2026-11-27 {bob}"}
    page = web.post(f"{turn}/swap", data=asked)
    assert page.status_code == 422
    told = (
        "Ada would be on two shifts at once: Late of Ticket agents on Friday 27 November, and Day of Supervisors on "
        "Friday 27 November. Take them off the other one first, or swap with somebody else."
    )
    assert told in page.text
    both = [
        {"date": "2026-11-26", "group": "ticket-agents", "shift": "early", "person": bob, "instead_of": ada},
        {"date": "2026-11-27", "group": "ticket-agents", "shift": "late", "person": ada, "instead_of": bob},
    ]
    assert web.post("/api/v1/roster/stand-ins", json={"stand_ins": both}).json()["detail"] == told
    assert stand.driver.people.book().stand_ins == ()
    # Somebody is put on one all the same, knowingly: then the page says so.
    put_on(web, ada, "late", date="2026-11-27")
    assert "also on Day of Supervisors then" in web.get("/roster/ticket-agents/late/2026-11-27").text
    # Without the other shift it may be, and what has changed meanwhile is noticed.
    (duty,) = [each for each in stand.driver.people.book().duties if each.group == "supervisors"]
    web.delete(f"/api/v1/roster/duties/{duty.id}")
    assert web.post(f"{turn}/swap", data=asked).status_code == 303
    again = web.post(f"{turn}/swap", data=asked)
    assert "Ada is not on Early of Ticket agents on Thursday 26 November any more" in again.text


def test_somebody_is_put_on_a_shift_from_their_own_page(web: TestClient, stand: Stand) -> None:
    ada = add(web, "Ada", "json://a")
    page = web.get(f"/people/{ada}").text
    assert "Late, Ticket agents: today 12:30–20:30" in page
    assert "Early, Ticket agents: 26 Nov 04:30–12:30" in page
    put = {"turn": "ticket-agents late 2026-11-25", "when": "weekday"}
    assert web.post(f"/people/{ada}/put-on", data=put).headers["location"] == f"/people/{ada}?said=on"
    (duty,) = stand.driver.people.book().duties
    assert (duty.person, duty.shift, duty.days, duty.first) == (ada, "late", (2,), "2026-11-25")
    assert "Late, Ticket agents: today" not in web.get(f"/people/{ada}").text
    for turn in ("", "ticket-agents gala 2026-11-25", "ticket-agents late 9999-12-31", "x"):
        assert web.post(f"/people/{ada}/put-on", data={"turn": turn}).status_code == 404
    assert web.get("/roster/ticket-agents/late/9999-12-31").status_code == 404
    assert web.post("/people/nobody/put-on", data=put | {"when": "once"}).status_code == 404


def test_a_way_that_the_plan_has_no_more_stands_there_until_another_is_chosen(web: TestClient, stand: Stand) -> None:
    form = {"name": "Ada", **ways(("way/mail", "ada@example.org"), ("pager", "7")), "active": "1"}
    path = web.post("/people", data=form).headers["location"].partition("?")[0]
    assert "First: Mail" in web.get(path).text
    assert "hush" not in web.get(path).text
    stand.driver.reload(shifts(more=SHIFTS)).result(30)
    page = web.get(path).text
    assert "First: a way that the plan no longer has" in page
    assert '<option value="way/mail" data-asks="address" selected>' in page
    assert 'value="ada@example.org"' in page
    assert "Mail or text messages are missing here?" in page
    answer = web.post(path, data=form)
    assert "First way: The plan does not have this way any more. Choose another one." in answer.text
    (ada,) = stand.driver.people.book().people.values()
    assert web.get(f"/api/v1/people/{ada.id}").json()["why_not"] is None, "the pager is still there"
    web.put(f"/api/v1/people/{ada.id}", json={"name": "Ada", "channels": ["mqtt://7"]})
    assert "no longer has" not in web.get(path).text


def test_languages_are_written_as_words_and_told_to_whoever_needs_them(web: TestClient, stand: Stand) -> None:
    form = {"name": "Ada", "languages": "italian; en-GB, Portuguese (BR)", "active": "1"}
    path = web.post("/people", data=form | ways(("pager", "7"))).headers["location"].partition("?")[0]
    (ada,) = stand.driver.people.book().people.values()
    assert ada.languages == ("it", "en-GB", "pt-BR")
    assert "Speaks Italian, English (GB), Portuguese (BR)" in web.get(path).text
    bob = web.post("/api/v1/people", json={"name": "Bob", "languages": ["it", "xx"], "channels": ["mqtt://8"]}).json()
    put_on(web, ada.id, date="2026-11-25")
    put_on(web, bob["id"], "day", group="supervisors", date="2026-11-25")
    add(web, "Cyd", "mqtt://9", languages=["de"])  # on no shift
    web.post("/api/v1/signals", json={"id": "p1", "touchpoint": "counter-a", "signal": "pressed"})
    (moment,) = web.get("/api/v1/moments").json()["items"]
    page = web.get(f"/moments/{moment['id']}").text
    assert "<b>Italian</b>: Ada (Ticket agents) and Bob (Supervisors)" in page
    assert "<b>Portuguese (BR)</b>: Ada (Ticket agents)" in page
    assert "<b>xx</b>: Bob" in page
    assert "German" not in page

"""People and rosters, over the API and on the pages: who may, what is refused, and what comes of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from andgate.plan import parse_plan
from hub.store import Phones
from hub.web.app import create_app
from hub.web.tokens import parse_tokens
from tests.hub.crew import rome, shifts
from tests.hub_web.stand import Stand
from tests.hub_web.test_phone import asked

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a module that Apprise loads
READER, AGENT, DUTY = "reader-secret-0001", "agent-secret-000002", "duty-secret-0000003"
TOKENS = f"""
[tokens.wall]
secret = "{READER}"
rights = ["read"]
[tokens.agent-7]
secret = "{AGENT}"
rights = ["read", "act"]
[tokens.duty]
secret = "{DUTY}"
rights = ["read", "act", "supervise"]
"""
HTML = {"accept": "text/html"}
NOTHING = {"a": "form without fields"}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    stand = Stand(tmp_path, parse_plan(shifts()))
    stand.clock.advance(rome("2026-11-23T09:00") - stand.clock.now_ms())
    yield stand
    stand.close()


def serve(stand: Stand, data: Path | None = None, **more: Any) -> TestClient:
    app = create_app(stand.driver, stand.reader, stand.clock, **more)
    app.state.people, app.state.try_channel = stand.driver.people, stand.driver.try_channel
    app.state.phones = Phones(data) if data is not None else None
    return TestClient(app, base_url="http://localhost:8080", follow_redirects=False)


@pytest.fixture
def web(stand: Stand, tmp_path: Path) -> Iterator[TestClient]:
    with serve(stand, tmp_path) as web:
        yield web


@pytest.fixture
def guarded(stand: Stand) -> Iterator[TestClient]:
    with serve(stand, tokens=parse_tokens(TOKENS)) as web:
        yield web


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def ways(*typed: tuple[str, str]) -> dict[str, str]:
    """The fields of a form for the ways to reach somebody."""
    fields: dict[str, str] = {}
    for number, (value, text) in enumerate(typed, 1):
        fields |= {f"way-{number}": value, f"to-{number}": text}
    return fields


def add(web: TestClient, name: str, *channels: str, **more: object) -> str:
    answer = web.post("/api/v1/people", json={"name": name, "channels": list(channels)} | more)
    assert answer.status_code == 201, answer.text
    id: str = answer.json()["id"]
    return id


def put_on(web: TestClient, person: str, shift: str = "early", **more: object) -> int:
    body = {"person": person, "group": "ticket-agents", "shift": shift}
    answer = web.post("/api/v1/roster/duties", json=body | (more or {"days": ["mon", "tue", "wed", "thu", "fri"]}))
    assert answer.status_code == 201, answer.text
    id: int = answer.json()["id"]
    return id


# ------------------------------------------------------------------------------------------------- the API


def test_people_are_added_shown_kept_and_removed(web: TestClient) -> None:
    body = {
        "name": " Ada  Bianchi ",
        "languages": ["it", "en-GB"],
        "channels": ["mqtt://pager-7", "json://user:secret@pager.example/1", "webpush://", "snpp://gw.example/4711"],
        "quiet": [{"from": "22:00", "to": "06:00", "steps": [2]}],
    }
    made = web.post("/api/v1/people", json=body)
    assert made.status_code == 201
    ada = made.json()
    assert (ada["name"], ada["languages"], ada["reachable"], ada["why_not"]) == (
        "Ada Bianchi",
        ["it", "en-GB"],
        True,
        None,
    )
    assert [each["kind"] for each in ada["channels"]] == ["mqtt", "json", "webpush", "snpp"]
    assert ada["channels"][0] == {"channel": 1, "kind": "mqtt", "url": "mqtt://pager-7", "last": None}
    assert ada["quiet"] == [{"from": "22:00", "to": "06:00", "steps": [2]}]
    assert web.get("/api/v1/people").json() == {"items": [ada], "next": None}
    assert web.get(f"/api/v1/people/{ada['id']}").json() == ada
    kept = web.put(f"/api/v1/people/{ada['id']}", json={"name": "Ada B", "active": False})
    assert (kept.json()["name"], kept.json()["channels"], kept.json()["why_not"]) == (
        "Ada B",
        [],
        "is not to be paged now",
    )
    assert web.delete(f"/api/v1/people/{ada['id']}").json() == {"id": ada["id"]}
    for method, path in (("get", ""), ("put", ""), ("delete", ""), ("post", "/test")):
        more: dict[str, Any] = {"json": {"name": "x"}} if method == "put" else {}
        answer = getattr(web, method)(f"/api/v1/people/{ada['id']}{path}", **more)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:andgate:problem:unknown-person")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "A name has 1 to 60 characters"),
        ({"name": "~0123456789abcdef"}, "cannot be a name here"),
        ({"name": "Ada", "languages": ["italian language"]}, "languages"),
        ({"name": "Ada", "channels": ["pager 7"]}, "First way: It is no address of a way"),
        ({"name": "Ada", "channels": ["ada@example.com"]}, "First way: It is a mail address alone"),
        ({"name": "Ada", "channels": ["mqtt://"]}, "First way: Nothing is written beside it"),
        ({"name": "Ada", "channels": ["mqtt://ticket-agents"]}, "is the pager of a whole group"),
        ({"name": "Ada", "channels": ["snpp://gw"]}, "snpp://HOST:444/PAGER-ID"),
        ({"name": "Ada", "channels": ["pocsag://"]}, "pocsag://NODE/RIC"),
        ({"name": "Ada", "channels": ["webpush://x"]}, "It says more than phones need"),
        ({"name": "Ada", "channels": ["webhook+https://a.example/x"]}, "stands in the plan"),
        ({"name": "Ada", "channels": ["nosuch://secret-1"]}, "Apprise does not know this address"),
        ({"name": "Ada", "channels": ["webpush://", "webpush://"]}, "Second way: it is there twice"),
        ({"name": "Ada", "quiet": [{"from": "22:00", "to": "22:00"}]}, "ends when it begins"),
        ({"name": "Ada", "quiet": [{"from": "25:00", "to": "22:00"}]}, "from"),
        ({"name": "Ada", "colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy_and_no_secret(web: TestClient, body: dict[str, object], told: str) -> None:
    answer = web.post("/api/v1/people", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert "secret-1" not in answer.json()["detail"]
    assert web.get("/api/v1/people").json()["items"] == []


def test_two_of_one_name_are_refused(web: TestClient) -> None:
    add(web, "Ada")
    bob = add(web, "Bob")
    for answer in (
        web.post("/api/v1/people", json={"name": "Ada"}),
        web.put(f"/api/v1/people/{bob}", json={"name": "Ada"}),
    ):
        assert answer.status_code == 422
        assert "tells them apart" in answer.json()["detail"]


def test_the_roster_is_told_changed_and_swapped(web: TestClient) -> None:
    ada, bob = add(web, "Ada", "mqtt://a"), add(web, "Bob")
    duty = put_on(web, ada)
    put_on(web, bob, "late", date="2026-11-24")
    put_on(web, bob, "late", days=["sat"], **{"from": "2026-11-01", "until": "2026-12-01"})
    items = web.get("/api/v1/roster", params={"group": "ticket-agents"}).json()["items"]
    assert [(turn["shift"], turn["date"], turn["on"]) for turn in items[:2]] == [
        ("early", "2026-11-23", True),
        ("late", "2026-11-23", False),
    ]
    assert items[0]["from"] == "2026-11-23T03:30:00.000Z"
    assert [(place["name"], place["duty"], place["reachable"]) for place in items[0]["people"]] == [("Ada", duty, True)]
    late = next(turn for turn in items if (turn["shift"], turn["date"]) == ("late", "2026-11-24"))
    assert [(place["name"], place["why_not"]) for place in late["people"]] == [("Bob", "has no way to be reached")]
    swap = web.post(
        "/api/v1/roster/stand-ins",
        json={
            "stand_ins": [
                {"date": "2026-11-24", "group": "ticket-agents", "shift": "early", "person": bob, "instead_of": ada},
                {"date": "2026-11-24", "group": "ticket-agents", "shift": "late", "person": ada, "instead_of": bob},
            ],
            "by": "Cyd",
        },
    )
    assert swap.status_code == 201
    first, second = swap.json()["items"]
    assert (first["pair"], second["pair"], first["by"]) == (first["id"], first["id"], "Cyd")
    items = web.get("/api/v1/roster").json()["items"]
    early = next(turn for turn in items if (turn["shift"], turn["date"]) == ("early", "2026-11-24"))
    assert [(each["name"], each["instead_of"], each["stand_in"]) for each in early["people"]] == [
        ("Bob", ada, first["id"])
    ]
    assert [each["name"] for each in early["off"]] == ["Ada"]
    assert web.delete(f"/api/v1/roster/stand-ins/{second['id']}").status_code == 200
    assert web.delete(f"/api/v1/roster/stand-ins/{first['id']}").status_code == 404
    assert web.delete(f"/api/v1/roster/duties/{duty}").json() == {"id": str(duty)}
    assert web.delete(f"/api/v1/roster/duties/{duty}").status_code == 404
    assert web.get("/api/v1/roster", params={"group": "nobody"}).status_code == 404
    far = {"since": "2026-01-01T00:00:00Z", "until": "2028-01-01T00:00:00Z"}
    assert web.get("/api/v1/roster", params=far).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("duties", {"group": "nobody", "shift": "early", "days": ["mon"]}, 'has no group "nobody"'),
        ("duties", {"group": "ticket-agents", "shift": "gala", "days": ["mon"]}, "They have: early, late"),
        ("duties", {"group": "ticket-agents", "shift": "early"}, "days of the week or one date"),
        (
            "duties",
            {"group": "ticket-agents", "shift": "early", "days": ["mon"], "date": "2026-11-24"},
            "one of the two",
        ),
        ("duties", {"group": "ticket-agents", "shift": "early", "date": "2026-02-30"}, "is no date"),
        ("duties", {"group": "ticket-agents", "shift": "early", "date": "9999-12-31"}, "is no date"),
        ("duties", {"group": "ticket-agents", "shift": "early", "date": "2026-02-20", "from": "2026-01-01"}, "no span"),
        (
            "duties",
            {"group": "ticket-agents", "shift": "early", "days": ["mon"], "from": "2026-02-01", "until": "2026-01-01"},
            "before the first",
        ),
        ("stand-ins", {"date": "2026-11-24", "group": "ticket-agents", "shift": "early"}, "Nobody is named"),
        ("stand-ins", {"date": "2026-13-24", "group": "ticket-agents", "shift": "early", "person": "x"}, "no date"),
        ("stand-ins", {"date": "9999-12-31", "group": "ticket-agents", "shift": "early", "person": "x"}, "no date"),
        (
            "stand-ins",
            {"date": "2026-11-24", "group": "ticket-agents", "shift": "early", "person": "x", "instead_of": "x"},
            "stands in for themselves",
        ),
        (
            "stand-ins",
            {"date": "2026-11-24", "group": "ticket-agents", "shift": "early", "person": "x"},
            'no person "x"',
        ),
    ],
)
def test_what_no_roster_can_say_is_refused(web: TestClient, path: str, body: dict[str, object], told: str) -> None:
    sent = {"stand_ins": [body]} if path == "stand-ins" else {"person": "x"} | body
    answer = web.post(f"/api/v1/roster/{path}", json=sent)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_a_channel_is_tried_and_says_what_became_of_it(web: TestClient, stand: Stand) -> None:
    ada = add(web, "Ada", "json://a", "json://b")
    made = web.post(f"/api/v1/people/{ada}/test", json={"channel": 2})
    assert made.status_code == 202
    (row,) = [row for row in stand.reader.pages().items if row.moment.startswith("test/")]
    assert (row.page, row.person, row.channel, row.state) == (made.json()["page"], ada, f"{ada}/2", "queued")
    assert row.text == "Test page: Andgate International reaches you here. There is nothing to do."
    assert row.about is None
    assert web.get(f"/api/v1/people/{ada}").json()["channels"][1]["last"]["state"] == "queued"
    assert web.post(f"/api/v1/people/{ada}/test", json={"channel": 3}).status_code == 404
    web.put(f"/api/v1/people/{ada}", json={"name": "Ada", "channels": ["json://a"], "active": False})
    assert web.post(f"/api/v1/people/{ada}/test").status_code == 409


def test_names_and_addresses_are_for_those_who_need_them(guarded: TestClient) -> None:
    made = guarded.post("/api/v1/people", json={"name": "Ada", "channels": ["json://a"]}, headers=bearer(DUTY))
    ada = made.json()["id"]
    for path in ("/api/v1/people", f"/api/v1/people/{ada}", "/api/v1/roster", "/people", f"/people/{ada}", "/roster"):
        assert guarded.get(path, headers=bearer(READER)).status_code == 403
        answer = guarded.get(path, headers=bearer(AGENT))
        assert answer.status_code == 200
        assert "json://a" not in answer.text
    assert "json://a" in guarded.get(f"/people/{ada}", headers=bearer(DUTY)).text
    assert guarded.post("/api/v1/people", json={"name": "Bob"}, headers=bearer(AGENT)).status_code == 403
    form = {"name": "Bob"}
    assert guarded.post("/people", data=form, headers=bearer(AGENT)).status_code == 403
    turn = "/roster/ticket-agents/early/2026-11-24"
    assert guarded.post(f"{turn}/add", data={"person": ada}, headers=bearer(AGENT)).status_code == 403
    for words in ("Add somebody", "Put on", "Replace"):
        assert words not in guarded.get("/people", headers=bearer(AGENT)).text
        assert words not in guarded.get(turn, headers=bearer(AGENT)).text


def test_a_hub_without_people_says_so(stand: Stand) -> None:
    with TestClient(create_app(stand.driver, stand.reader, stand.clock), base_url="http://localhost") as bare:
        for path in ("/api/v1/people", "/api/v1/roster", "/people", "/roster"):
            assert bare.get(path).status_code == 404


# ------------------------------------------------------------------------------------------------- the pages


def test_somebody_is_added_on_the_page_and_paged(web: TestClient, stand: Stand) -> None:
    assert "Nobody is on the list yet" in web.get("/people").text
    form = {
        "name": "Ada",
        **ways(("other", "json://a"), ("other", "json://b")),
        "languages": "Italian, en",
        "from-1": "22:00",
        "until-1": "06:00",
    }
    made = web.post("/people", data=form | {"active": "1"})
    assert made.status_code == 303
    path = made.headers["location"].partition("?")[0]
    page = web.get(made.headers["location"]).text
    assert "Added. Try each way once" in page
    assert "First: another address" in page
    assert 'value="Italian, English"' in page
    (ada,) = stand.driver.people.book().people.values()
    assert (ada.channels, ada.languages, len(ada.quiet)) == (("json://a", "json://b"), ("it", "en"), 1)
    assert web.post(f"{path}/test/1", data=NOTHING).headers["location"] == f"{path}?said=tested"
    page = web.get(path).text
    assert "on its way since 0 s ago" in page
    assert "data-every" in page, "what becomes of it shows by itself"
    saved = web.post(path, data=form | {"name": "Ada B"})
    assert saved.headers["location"] == f"{path}?said=saved#main"
    assert "is not to be paged now" in web.get(path).text
    gone = web.post(f"{path}/remove", data=NOTHING)
    assert "Removed." in web.get(gone.headers["location"]).text
    assert web.post(f"{path}/remove", data=NOTHING).status_code == 404
    assert web.get(path).status_code == 404


def test_every_quiet_span_is_shown_and_changed_and_its_rungs_stay(web: TestClient, stand: Stand) -> None:
    spans: list[dict[str, Any]] = [
        {"from": "22:00", "to": "06:00"},
        {"from": "13:00", "to": "14:00", "steps": [2, 3]},
        {"from": "18:00", "to": "19:00"},
    ]
    made = web.post("/api/v1/people", json={"name": "Ada", "quiet": spans}).json()
    page = web.get(f"/people/{made['id']}").text
    for n, span in enumerate(spans, 1):
        assert f'name="from-{n}" value="{span["from"]}"' in page
        assert f'name="until-{n}" value="{span["to"]}"' in page
    assert 'name="from-4" value=""' in page, "and there is room for one more"
    assert "these pages of a promise are held back: 2, 3." in page
    form = {"name": "Ada", "active": "1", "from-1": "", "until-1": "", "from-2": "12:30", "until-2": "14:00"}
    form |= {"rungs-2": "2,3", "from-3": "18:00", "until-3": "19:00", "from-4": "01:00", "until-4": "02:00"}
    assert web.post(f"/people/{made['id']}", data=form).status_code == 303
    (ada,) = stand.driver.people.book().people.values()
    assert [(each.start_min, each.end_min, each.steps) for each in ada.quiet] == [
        (750, 840, (2, 3)),
        (1080, 1140, ()),
        (60, 120, ()),
    ]


def test_a_form_with_a_mistake_keeps_what_was_typed(web: TestClient) -> None:
    answer = web.post("/people", data={"name": "Ada", **ways(("other", "pager 7")), "from-1": "", "until-1": ""})
    assert answer.status_code == 422
    assert "Not saved. First way: It is no address of a way" in answer.text
    assert 'value="Ada"' in answer.text
    assert 'value="pager 7"' in answer.text
    answer = web.post("/people", data={"name": "Ada", "languages": "Klingon tongue"})
    assert "&#34;Klingon&#34; is no language known here" in answer.text
    ada = add(web, "Ada")
    answer = web.post(f"/people/{ada}", data={"name": "Ada", "from-1": "22:00", "until-1": ""})
    assert answer.status_code == 422
    assert "is no time of the day" in answer.text


def test_a_form_with_more_fields_than_any_page_has_is_refused(web: TestClient) -> None:
    answer = web.post("/people", data={f"way-{n}": "phone" for n in range(100)})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:andgate:problem:too-large")


def test_a_week_and_one_of_its_shifts(web: TestClient, stand: Stand) -> None:
    ada, bob = add(web, "Ada", "json://a"), add(web, "Bob")
    turn = "/roster/ticket-agents/early/2026-11-24"

    def do(what: str, **fields: str) -> str:
        answer = web.post(f"{turn}/{what}", data=fields)
        assert answer.status_code in {303, 422}, answer.text
        return web.get(turn).text if answer.status_code == 303 else answer.text

    assert "Nobody is on this shift" in web.get(turn).text
    assert "Tuesday" in do("add", person=ada, when="weekday")
    assert "every day" in do("add", person=bob, when="all")
    assert "There is nobody else to put on it." in web.get(turn).text
    week = web.get("/roster").text
    assert "Early, Tue 24 Nov: Ada and Bob (cannot be reached)" in week
    assert "Early, Mon 23 Nov: Bob" not in week  # from that date on
    assert "2 people, 1 of them can be reached" in do("replace", instead_of=bob, person="", reason="ill") or True
    assert "Bob is off, ill, decided by somebody" in web.get(turn).text
    assert "Early, Tue 24 Nov: Ada" in web.get("/roster?group=ticket-agents&week=2026-11-26").text
    book = stand.driver.people.book()
    (off,) = book.stand_ins
    assert "Not on this date" not in do("take-back", id=str(off.id))
    assert "Bob" in do("add", person=bob, when="once", reason="fair") or True
    cyd = add(web, "Cyd")
    do("add", person=cyd, when="once")
    assert "Early, Ticket agents (Tue 24 Nov)" in web.get("/people").text
    assert "Not proven yet: 1." in web.get("/people").text, (
        "nobody has seen a page come to Ada, and the others have no way"
    )
    do("replace", instead_of=cyd, person="")
    put_on(web, cyd, "late")
    shown = do("swap", instead_of=ada, **{"with": f"late 2026-11-25 {cyd}"})
    assert "on this date, for Ada" in shown
    assert "Late, Wed 25 Nov: Ada" in web.get("/roster").text
    assert "Nothing has changed. Nobody is named to swap with" in do("swap", instead_of=ada, **{"with": ""})
    duty = next(each for each in book.duties if each.person == ada)
    do("take-off", id=str(duty.id))
    assert ada not in {each.person for each in stand.driver.people.book().duties}
    shown = web.get("/roster/ticket-agents/early/2026-11-28").text
    assert "Take Bob off this shift on this date only" in shown
    standing = next(each for each in book.duties if each.person == bob)
    web.post("/roster/ticket-agents/early/2026-11-28/take-off", data={"id": str(standing.id)})
    week = web.get("/roster?group=ticket-agents&week=2026-11-24").text
    assert "Early, Fri 27 Nov: Bob" in week, "what was is not written anew"
    assert "Early, Sat 28 Nov: Nobody" in week
    assert web.post(f"{turn}/dance", data=NOTHING).status_code == 404
    for nowhere in (
        "/roster/ticket-agents/gala/2026-11-24",
        "/roster/ticket-agents/early/soon",
        "/roster?group=nobody",
    ):
        assert web.get(nowhere, headers=HTML).status_code == 404
    assert web.get("/roster?week=soon").status_code == 200


def test_a_site_without_shifts_is_told_how_to_have_some(tmp_path: Path) -> None:
    stand = Stand(tmp_path, parse_plan(shifts(more="")))
    try:
        with serve(stand) as web:
            assert "No group of the plan works in shifts" in web.get("/roster").text
    finally:
        stand.close()


def test_the_floor_says_that_a_shift_has_nobody_and_no_name(web: TestClient, stand: Stand) -> None:
    add(web, "Ada")
    stand.clock.advance(16_000)
    for _ in range(200):
        stand.driver.signals([], "nobody").result(30)
        if any(row.kind == "unstaffed" for row in stand.reader.faults()):
            break
        threading.Event().wait(0.02)
    page = web.get("/").text
    assert "Ticket agents: nobody of the shift can be reached by name. Early, from 04:30: nobody stands on it." in page
    assert "Pages go over radio, and at once to the next group." in page
    assert "Ada" not in page


def test_a_phone_is_paged_for_its_owner(web: TestClient, stand: Stand, tmp_path: Path) -> None:
    ada, bob = add(web, "Ada", "webpush://"), add(web, "Bob")
    page = web.get(f"/people/{ada}").text
    assert "Their phone is not set up yet" in page
    assert "Only this very computer can open this address" in page
    assert 'class="segno"' in page
    (link,) = set(re.findall(r'href="(http://localhost:8080/phone/own/[^"]+)"', page))
    assert "/phone/own/" not in web.get(f"/people/{bob}").text
    shown = web.get(link).text
    assert f'data-group="{ada}"' in shown
    assert 'data-at="/phone/own/' in shown
    assert web.post("/phone", json=asked(group=bob)).status_code == 422
    assert web.get(f"/api/v1/people/{ada}").json()["why_not"] == "has not set up their phone yet"
    assert web.post("/phone", json=asked(group=ada)).status_code == 422, "only with the link of their own"
    assert web.post(link, json=asked()).json() == {"groups": [ada]}
    assert web.post(f"{link}/known", json=asked()).json() == {"groups": [ada]}
    assert [phone.group for phone in Phones(tmp_path).of(ada)] == [ada]
    assert web.get(f"/api/v1/people/{ada}").json()["reachable"] is True
    page = web.get(f"/people/{ada}").text
    assert "Their phone is not set up yet" not in page
    assert "Set up another phone" in page
    assert web.post(f"{link}/forget", json=asked()).json() == {"groups": []}
    assert web.post(link, json=asked()).json() == {"groups": [ada]}
    web.delete(f"/api/v1/people/{ada}")
    assert Phones(tmp_path).of(ada) == []
    answer = web.get(link, headers=HTML)
    assert answer.status_code == 403
    assert "One that was set up with it stays so" in answer.text


@pytest.mark.parametrize(
    ("site_url", "told"),
    [('url = "https://agx.example/hub/"\n', None), ('url = "http://agx.example"\n', "does not begin with https")],
)
def test_the_link_for_a_phone_is_where_phones_reach_the_hub(tmp_path: Path, site_url: str, told: str | None) -> None:
    stand = Stand(tmp_path, parse_plan(shifts().replace("[site]\n", f"[site]\n{site_url}", 1)))
    try:
        with serve(stand, tmp_path) as web:
            page = web.get(f"/people/{add(web, 'Ada', 'webpush://')}").text
    finally:
        stand.close()
    base = site_url.split('"')[1].rstrip("/")
    assert f'href="{base}/phone/own/' in page
    assert ("does not begin with https" in page) == (told is not None)
    assert "Only this very computer" not in page


def test_a_link_that_makes_a_phone_somebodys_own_needs_no_token_and_ends(stand: Stand, tmp_path: Path) -> None:
    with serve(stand, tmp_path, tokens=parse_tokens(TOKENS)) as web:
        made = web.post("/api/v1/people", json={"name": "Ada", "channels": ["webpush://"]}, headers=bearer(DUTY)).json()
        page = web.get(f"/people/{made['id']}", headers=bearer(AGENT)).text
        (link,) = set(re.findall(r'href="(http://localhost:8080/phone/own/[^"]+)"', page))
        assert web.post(link, json=asked(group="supervisors")).json() == {"groups": [made["id"]]}
        assert web.get(link[:-2] + "xx").status_code == 403
        assert web.get("/phone").status_code in {303, 401}
        stand.clock.advance(2 * 86_400_000)
        assert web.get(link).status_code == 403
        assert web.post(link, json=asked()).status_code == 403


def test_a_moment_and_the_success_page_say_which_shift_answered_for_it(web: TestClient, stand: Stand) -> None:
    signal = {"id": "p1", "touchpoint": "counter-a", "signal": "pressed"}
    assert web.post("/api/v1/signals", json=signal).status_code == 202
    (moment,) = web.get("/api/v1/moments").json()["items"]
    assert moment["team"] == {"group": "ticket-agents", "shift": "early", "date": "2026-11-23"}
    assert moment["team_at_deadline"] == moment["team"]
    assert "Ticket agents, Early of 23 Nov, answered for it when it began." in web.get(f"/moments/{moment['id']}").text
    opened = web.get(f"/api/v1/moments/{moment['id']}").json()["trail"][0]["facts"]
    assert opened["team"]["shift"] == "early"
    stand.clock.advance(200_000)
    stand.driver.signals([], "nobody").result(30)
    (row,) = web.get("/api/v1/success", params={"by": "shift"}).json()["items"]
    assert (row["group"], row["name"], row["failure"]) == ("ticket-agents/early", "Ticket agents, Early", 1)
    assert row["coverage"] is None
    assert "Ticket agents, Early" in web.get("/success?interaction=all").text

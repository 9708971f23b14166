"""People and rosters in a real browser: accessible at every size, and used with a keyboard alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from andgate.plan import parse_plan
from hub.clock import HandClock
from hub.driver import Driver
from hub.store import Phones, Reader, Store
from hub.store.pages import PageFate
from hub.store.people import Duty, Quiet, StandIn
from hub.web.app import create_app
from tests.browser.axe import wrongs
from tests.hub.crew import Office, rome, shifts

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of a module that Apprise loads
]

SIZES = {"phone": (390, 844), "laptop": (1440, 900), "hall": (1920, 1080)}
MORE = """
[ways.mail]
name = "Mail"
takes = "address"
url = "mailto://hub:hush@mail.example?to={address}"
[nodes.roof.devices.mast]
kind = "transmitter"
ptt = 17
[groups.ticket-agents.shifts.early]
days = "mon-fri"
from = "04:30"
to = "12:30"
[groups.ticket-agents.shifts.late]
from = "12:30"
to = "20:30"
[groups.supervisors.shifts.day]
from = "06:00"
to = "22:00"
"""


class Hub:
    """A hub with people on shifts, behind an address."""

    def __init__(self, data: Path) -> None:
        zone = 'timezone = "Europe/Rome"'
        plan = parse_plan(shifts(more=MORE).replace(zone, zone + '\nholidays = ["2026-11-27"]'))
        self.clock = HandClock(rome("2026-11-23T09:14"))
        self.driver = Driver(Store(data), plan, self.clock)
        self.driver.start()
        self.reader = Reader(data)
        office = Office(self.driver.people)
        self.ada = office.hire("Ada Bianchi", "mqtt://pager-7", "webpush://", quiet=(Quiet(1320, 360),))
        cyd = office.hire("Cinzia De Luca-Montefiori di San Giovanni", "webpush://")
        office.hire("Bruno Conti", "json://pager.example/4711", shift="late")
        office.hire("Dario Esposito", shift="", active=False)
        by = {"group": "ticket-agents", "by": "Dario Esposito", "at_ms": 1}
        self.driver.people.stand_in(
            [
                StandIn(date="2026-11-24", shift="early", person=self.ada, instead_of=cyd, reason="ill", **by),  # type: ignore[arg-type]
                StandIn(date="2026-11-25", shift="late", person=cyd, instead_of=self.ada, **by),  # type: ignore[arg-type]
            ]
        )
        self.driver.people.put_on(Duty(person=cyd, group="supervisors", shift="day", date="2026-11-26"))
        app = create_app(self.driver, self.reader, self.clock)
        app.state.people, app.state.try_channel = self.driver.people, self.driver.try_channel
        app.state.phones = Phones(data)
        self._live = app.state.context.live
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._live.stop()
        self._server.should_exit = True
        self._thread.join(40)
        self._socket.close()
        self.reader.close()
        self.driver.stop()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    yield hub
    hub.stop()


def pages(hub: Hub) -> dict[str, str]:
    return {
        "roster": "/roster",
        "another group": "/roster?group=supervisors",
        "an empty week": "/roster?week=2027-05-05",
        "a turn": "/roster/ticket-agents/early/2026-11-24",
        "a turn that is off": "/roster/ticket-agents/early/2026-11-28",
        "people": "/people",
        "a person": f"/people/{hub.ada}?said=saved",
        "floor": "/",
    }


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible_and_fits(browser: Browser, hub: Hub, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
        reduced_motion="reduce",
    )
    page = context.new_page()
    for name, path in pages(hub).items():
        page.goto(hub.url + path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} wide at {size}"
        if size == "phone":
            scrolls = page.evaluate(
                "() => [...document.querySelectorAll('.scroll')]"
                ".filter((each) => each.scrollWidth > each.clientWidth + 1).length"
            )
            assert scrolls == 0, name
        assert wrongs(page) == [], f"{name}, {size}, {scheme}"
        if size == "phone" and name != "floor":
            assert page.evaluate(SMALL) == [], name
    page.goto(f"{hub.url}/people/{hub.ada}")
    page.goto(page.locator("a[href*='/phone/own/']").get_attribute("href") or "")
    assert page.locator("#groups button").get_attribute("data-name") == "Ada Bianchi"
    assert wrongs(page) == [], f"a phone, {size}, {scheme}"
    context.close()


SMALL = """() => [...document.querySelectorAll("main :is(a, button, input, select, textarea, summary)")]
  .map((each) => each.type === "checkbox" ? each.closest("label") : each)
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 47.5)
  .map((each) => each.outerHTML.slice(0, 120))"""
"""What a thumb would miss."""


def press(page: Page, label: str) -> None:
    """Reach something by the tabulator alone, and press it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "() => (document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim()"
        )
        if found == label:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {label} by keyboard")


def test_a_duty_manager_staffs_a_shift_without_a_mouse(browser: Browser, hub: Hub) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(hub.url + "/people")
    page.get_by_role("textbox", name="Name", exact=True).fill("Elena Fabbri")
    first, second = (page.get_by_role("group", name=name, exact=True) for name in ("First", "If that fails"))
    expect(first.get_by_role("textbox")).to_have_count(0)
    first.get_by_role("combobox", name="First").select_option("Pager, by its number")
    first.get_by_role("textbox", name="The pager’s number").fill("seven")
    second.get_by_role("combobox", name="If that fails").select_option("Mail")
    second.get_by_role("textbox", name="Mail address").fill("elena@example.org")
    page.get_by_role("button", name="Add somebody").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text('Not saved. First way: "seven" is no pager number.')
    expect(page.get_by_role("alert")).to_be_in_viewport()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Elena Fabbri")
    expect(second.get_by_role("textbox", name="Mail address")).to_have_value("elena@example.org")
    first.get_by_role("combobox", name="First").select_option("Pager on the site’s network")
    first.get_by_role("textbox", name="The pager’s name").fill("Pager 9")
    page.get_by_role("button", name="Add somebody").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Added.")
    (elena,) = [each for each in hub.driver.people.book().people.values() if each.name == "Elena Fabbri"]
    assert elena.channels == ("mqtt://pager-9", "way://mail/elena@example.org")
    page.get_by_role("button", name="Try it: send Elena Fabbri a test page now, by pager pager-9").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Tried.")
    expect(page.get_by_text("on its way since 0 s ago")).to_be_visible()
    (row,) = [row for row in hub.reader.pages().items if row.person == elena.id]
    at_ms = hub.clock.now_ms()
    hub.driver.fate(
        PageFate(
            id=row.id, moment=row.moment, state="sent", note="", tries=1, due_ms=at_ms, sent_ms=at_ms, read_ms=at_ms
        )
    )
    expect(page.get_by_text("seen 0 s ago")).to_be_visible()  # without a reload
    page.goto(hub.url + "/roster")
    press(page, "Early, Thu 26 Nov: Ada Bianchi and Cinzia De Luca-Montefiori di San Giovanni (cannot be reached)")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Early of Ticket agents, Thursday 26 Nov")
    page.locator("form[action$='/add'] select[name=person]").select_option(label="Elena Fabbri")
    page.get_by_role("button", name="Put on").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Done.")
    expect(page.get_by_role("link", name="Elena Fabbri")).to_be_visible()
    page.get_by_role("link", name="To the week").press("Enter")
    expect(page.get_by_role("link", name="Early, Thu 26 Nov")).to_contain_text("Elena Fabbri")
    expect(page.get_by_role("heading", level=1)).to_contain_text("On now: Early until 12:30")
    context.close()


def test_no_name_is_on_a_screen_of_the_hall(browser: Browser, hub: Hub) -> None:
    hub.driver.signals([], "nobody").result(30)
    page = browser.new_page()
    for path in ("/board/all", "/sign", "/desk/counter-a", "/"):
        page.goto(hub.url + path)
        words = page.inner_text("body")
        for name in ("Ada", "Cinzia", "Bruno", "Dario"):
            assert name not in words, path
    page.close()

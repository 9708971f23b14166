"""What comes after a failure in a real browser: phone and hall, both themes, with axe; two taps; the list is live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from andgate.moment.signals import Action
from andgate.plan import parse_plan
from andgate.wire.messages import FeedSignal
from hub.web.app import create_app
from tests.browser.axe import wrongs
from tests.browser.looking import SIZES, looking
from tests.hub_web.stand import FLIGHT, Server, Stand
from tests.hub_web.test_remedies_api import MINUTE, MORE

pytestmark = pytest.mark.browser

FIRST = """
[expectations.stairs]
promise = "Somebody helps me down the stairs within 26 minutes."
touchpoints = ["belt-3"]
key = "flight"
opens = ["called"]
closes = ["helped"]
fails_after = "26m"
remedy = { text = "A call from the duty manager, with an apology.", within = "20m", group = "supervisors" }
[expectations.check-in-wait.first_at]
counter-a = ["Open a second desk", "Send the floor walker"]
"""


class Hall(Server):
    """A hub with something to make good, and somebody on one of it."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        super().__init__(create_app(stand.driver, stand.reader, stand.clock))

    def says(self, id: str, signal: str, touchpoint: str = "belt-3", key: str | None = FLIGHT) -> None:
        member = FeedSignal(id=id, touchpoint=touchpoint, signal=signal, key=key)
        self.stand.driver.signals([member], "ops").result(30)

    def later(self, minutes: float) -> None:
        self.stand.clock.advance(round(minutes * MINUTE))
        self.stand.driver.signals([], "ops").result(30)


@pytest.fixture
def hall(tmp_path: Path, airport_toml: str) -> Iterator[Hall]:
    stand = Stand(tmp_path, parse_plan(airport_toml + MORE + FIRST))
    hall = Hall(stand)
    yield hall
    hall.stop()
    stand.close()


def trouble(hall: Hall) -> None:
    """Two failures of one flight, one of another that somebody is on, a line that failed and one that is threatened."""
    hall.says("d1", "docked")
    hall.says("c1", "called")
    hall.says("j1", "jammed")
    hall.says("d2", "docked", key="AG0871/2026-11-21")
    hall.later(26.5)
    tasks = hall.stand.driver.open_tasks()
    mine = next(task for task in tasks if task.key != FLIGHT)
    at_ms = hall.stand.clock.now_ms()
    claim = Action(id="c", do="claim", moment=mine.id, at_ms=at_ms, by="Marta", promise_ms=10 * MINUTE)
    hall.stand.driver.act(claim).result(30)
    hall.says("p1", "pressed", "counter-a", None)
    hall.later(4)
    hall.says("r1", "reset", "counter-a", None)
    hall.later(1)
    hall.says("p2", "pressed", "counter-a", None)
    hall.later(0.5)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", ["phone", "hall"])
def test_every_page_is_accessible_and_fits(browser: Browser, hall: Hall, size: str, scheme: str) -> None:
    trouble(hall)
    failed = hall.stand.reader.moments(expectation="baggage-claim", key=FLIGHT).items[0].id
    task = next(task for task in hall.stand.driver.open_tasks() if task.before)
    pages = {
        "owed": "/remedies",
        "owed in a hall": "/remedies/hall",
        "failed": f"/moments/{failed}",
        "task": f"/moments/{task.id}",
        "floor": "/",
        "board": "/board/all",
        "desk": "/desk/counter-a",
    }
    with looking(browser, size=size, scheme=scheme) as page:
        for name, path in pages.items():
            page.goto(hall.url + path)
            page.wait_for_function("document.querySelector('#live, .brand, .wall') !== null")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= SIZES[size][0], f"{name} is {wide} wide at {size}"
            assert wrongs(page) == [], f"{name} at {size}, {scheme}"
            small = page.evaluate(
                """() => [...document.querySelectorAll("main button, main summary, main select, main input")]
                .filter(e => e.offsetParent && e.type !== "checkbox" && e.getBoundingClientRect().height < 47.5)
                .map(e => e.outerHTML.slice(0, 120))"""
            )
            assert small == [], f"{name} at {size}: too small for a thumb"


def test_two_taps_and_the_list_is_live(browser: Browser, hall: Hall) -> None:
    with looking(browser, size="phone") as page:
        page.goto(hall.url + "/remedies")
        expect(page.get_by_role("heading", name="Nothing is owed to anybody.")).to_be_visible()
        trouble(hall)
        expect(page.get_by_text("Second failure for AG1234, after “I have my bag")).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="make good")).to_have_count(0)
        page.get_by_role("link", name="Owed").click()  # the first tap, from wherever one is
        page.get_by_role("button", name="Baggage belt 3, AG1234: Drink is given").click()  # the second
        expect(page.get_by_text("Done today")).to_be_visible()
        expect(page.get_by_role("button", name="Baggage belt 3, AG1234: Drink is given")).to_have_count(0)


def test_without_scripts_it_works_too(browser: Browser, hall: Hall) -> None:
    trouble(hall)
    with looking(browser, script=False) as page:
        page.goto(hall.url + "/desk/counter-a")
        assert page.get_by_text("Why was it too late?").count() == 0, "a new threat runs: that comes first"
        hall.says("r2", "reset", "counter-a", None)
        page.goto(hall.url + "/desk/counter-a")
        page.get_by_role("button", name="Nobody free in time").click()
        assert page.get_by_text("Why was it too late?").count() == 0
        page.goto(hall.url + "/remedies")
        page.get_by_text("Something else").first.click()
        page.locator("input[name=reason]:visible").first.fill("a taxi")
        page.get_by_role("button", name="Save").first.click()
        expect(page.get_by_text("a taxi")).to_be_visible()

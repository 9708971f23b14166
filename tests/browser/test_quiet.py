"""What is quiet, in a real browser: violet outlines that count down, a suspension that is big and calm, and why."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from andgate.plan.quiet import Scope
from hub.quiet import Mute, Suspension, Training, View
from hub.store.rows import MuteRow
from tests.browser.airport import DAY, MINUTE, NOW, PLAN
from tests.browser.axe import wrongs
from tests.browser.conftest import Served
from tests.browser.looking import SIZES, looking, usual_font
from tests.browser.test_screens import STORY

pytestmark = pytest.mark.browser

PAGES = {
    "floor": "/",
    "board": "/board/all",
    "mutes": "/mutes",
    "moment": f"/moments/{STORY}",
    "open moment": f"/moments/{'b0051':0>32}",
    "signals": "/touchpoints/counter-a/signals",
    "before and after": "/success/baseline",
}
BELT = "belt-5"


def view(*, suspended: bool) -> View:
    mute = Mute(
        id="m1",
        scope=Scope(touchpoints=(BELT,)),
        owner="Ines",
        reason="The floor is being washed",
        begin_ms=NOW - MINUTE,
        end_ms=NOW + 25 * MINUTE,
        by="Ines",
    )
    nightly = Mute(
        id="plan/night/1",
        scope=Scope(areas=("Terminal 1",), groups=("supervisors",)),
        owner="Facility management",
        reason="Nightly cleaning",
        begin_ms=NOW + 300 * MINUTE,
        end_ms=NOW + 600 * MINUTE,
        recurring=True,
        faults=True,
    )
    alarm = Suspension(
        contact="gatehouse/alarm",
        touchpoint="counter-a",
        since_ms=NOW - 3 * MINUTE,
        places=tuple(PLAN.touchpoints),
        site=True,
    )
    training = Training(
        id="t1",
        who="desk-a1",
        trainer="supervisors",
        devices=("desk-a1/mot",),
        touchpoints=("counter-a",),
        until_ms=NOW + 90 * MINUTE,
        by="Otto",
    )
    return View(at_ms=NOW, mutes=(mute, nightly), suspensions=(alarm,) if suspended else (), training=(training,))


@pytest.fixture(scope="module", params=[False, True], ids=["muted", "suspended"])
def served(request: pytest.FixtureRequest, serve: Callable[..., Served]) -> Served:
    served = serve(busy=True)
    served.world.quiet = view(suspended=request.param)
    served.world.only = [(NOW - 30 * DAY, True), (NOW - 10 * DAY, False)]
    served.world.past_mutes = (
        MuteRow(
            id="m0",
            scope=Scope(),
            owner="Otto",
            reason="Fire drill",
            faults=False,
            begin_ms=NOW - 2 * DAY,
            end_ms=NOW - 2 * DAY + 60 * MINUTE,
            by="Otto",
            made_ms=NOW - 2 * DAY,
            ended_ms=NOW - 2 * DAY + 20 * MINUTE,
            ended_by="Ines",
        ),
    )
    return served


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible_and_fits(browser: Browser, served: Served, size: str, scheme: str) -> None:
    with looking(browser, size=size, scheme=scheme) as page:
        shown = ("floor", "board", "open moment") if served.world.quiet.suspensions else PAGES
        for name in shown:
            path = PAGES[name]
            page.goto(served.url + path)
            page.wait_for_function("document.querySelector('#live, .brand, .wall') !== null")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= SIZES[size][0], f"{name} is {wide} wide at {size}"
            assert wrongs(page) == [], f"{name}, {size}, {scheme}"


def test_the_floor_counts_down_and_looks_neither_calm_nor_like_trouble(browser: Browser, served: Served) -> None:
    with looking(browser) as page:
        page.goto(served.url)
        tile = page.locator(f'[data-key="tile-{BELT}"]')
        if served.world.quiet.suspensions:
            expect(page.locator(".suspended .big")).to_contain_text("Suspended")
            expect(tile).to_have_class(re.compile("hush"))
            return
        expect(tile.locator(".count")).to_have_text(re.compile(r"^2[45]:\d\d$"))
        muted = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--muted').trim()")
        colour = tile.evaluate(
            """(each) => {
                const probe = document.body.appendChild(document.createElement('i'));
                probe.style.color = 'var(--muted)';
                const same = getComputedStyle(each).borderTopColor === getComputedStyle(probe).color;
                probe.remove();
                return same;
            }"""
        )
        assert muted
        assert colour
        expect(page.locator(".hushed .is-muted")).to_contain_text("The floor is being washed (Ines).")


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (1366, 768)])
def test_a_board_cuts_no_pixels(browser: Browser, served: Served, size: tuple[int, int]) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(served.url + "/board/all")
    cut = page.evaluate(
        """(usual) =>
            [...document.querySelectorAll('.suspended > *, .bar-body > *, .lesson > *, .saves > *, .under > *')]
            .filter((each) => {
              const box = each.getBoundingClientRect(), around = each.parentElement.getBoundingClientRect();
              const cut = each.scrollWidth > each.clientWidth + 1 && (usual || !each.classList.contains('fit'));
              return cut || box.right > around.right + 1 || box.bottom > Math.min(around.bottom + 1, innerHeight);
            }).map((each) => each.textContent)""",
        usual_font(page),
    )
    assert cut == []
    assert "Ines" not in page.locator("body").inner_text()  # the hall reads no names
    page.close()


def test_a_mute_is_made_and_ended_with_two_taps(browser: Browser, served: Served) -> None:
    with looking(browser, size="phone") as page:
        page.goto(served.url + "/mutes")
        page.get_by_label("Why, for everybody to read").fill("Photographs")
        page.get_by_role("button", name="Mute", exact=True).click()
        page.wait_for_load_state()
        page.get_by_role("button", name="End it: ").first.click()
        page.wait_for_load_state()
        made, ended = served.world.asked[-2:]
        assert (made.reason, made.scope.touchpoints) == ("Photographs", ("counter-a",))
        assert ended.mute == "m1"

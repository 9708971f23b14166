"""The screens in a real browser: whole, accessible, counting by the hub's clock, and saying when they are alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from andgate.moment import events
from andgate.sign import SignDone, SignState, flight, frame, words
from andgate.wire.messages import FeedSignal
from hub.web.tokens import parse_tokens
from tests.browser.airport import NOW, World
from tests.browser.axe import wrongs
from tests.browser.conftest import Served
from tests.browser.looking import SIZES, looking, usual_font
from tests.story.stage import until

pytestmark = pytest.mark.browser

STORY = f"{'57011e5':0>32}"
PAGES = {
    "floor": "/",
    "moments": "/moments",
    "moment": f"/moments/{STORY}",
    "open moment": f"/moments/{'b0051':0>32}",
    "success": "/success",
    "every promise": "/success?interaction=all&days=7",
    "boards": "/board",
    "board": "/board/all",
    "break rooms": "/annunciator",
    "break room": "/annunciator/supervisors",
    "signs": "/sign",
    "sign": "/sign/belt-3",
    "desks": "/desk",
    "desk": "/desk/counter-a",
    "nodes": "/nodes",
    "pages": "/pages",
    "drills": "/drills",
    "nothing there": "/nowhere",
}


@pytest.fixture(scope="module")
def busy(serve: Callable[..., Served]) -> Served:
    return serve(busy=True)


@pytest.fixture(scope="module")
def calm(serve: Callable[..., Served]) -> Served:
    return serve(busy=False)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_is_accessible_and_fits(browser: Browser, busy: Served, size: str, scheme: str) -> None:
    with looking(browser, size=size, scheme=scheme) as page:
        for name, path in PAGES.items():
            page.goto(busy.url + path)
            page.wait_for_function("document.querySelector('#live, .brand, .wall') !== null")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= SIZES[size][0], f"{name} is {wide} wide at {size}"
            assert wrongs(page) == [], f"{name}, {size}, {scheme}"


def test_a_phone_shows_every_figure_without_sideways_scrolling(browser: Browser, busy: Served) -> None:
    with looking(browser, size="phone") as page:
        for name in ("moments", "moment", "open moment", "success", "every promise", "nodes"):
            page.goto(busy.url + PAGES[name])
            wide = page.evaluate(
                """() => [...document.querySelectorAll('.scroll, main, figure, section')]
                    .filter((each) => each.checkVisibility() && !each.closest('details'))
                    .filter((each) => each.scrollWidth > each.clientWidth + 1)
                    .map((each) => `${each.className} ${each.scrollWidth} > ${each.clientWidth}`)"""
            )
            assert wide == [], name
        page.goto(busy.url + "/success")
        expect(page.locator(".gate li").first).to_contain_text("fails first")
        expect(page.locator(".gate-out")).to_contain_text("92.8")


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (1366, 768)])
def test_a_board_cuts_no_pixels(browser: Browser, busy: Served, calm: Served, size: tuple[int, int]) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    for url in (busy.url, calm.url):
        page.goto(url + "/board/all")
        cut = page.evaluate(
            """(usual) =>
                [...document.querySelectorAll('.bar-body > *, .lesson > *, .saves > *, .left, .state, .under > *')]
                .filter((each) => {
                  const box = each.getBoundingClientRect(), around = each.parentElement.getBoundingClientRect();
                  const cut = each.scrollWidth > each.clientWidth + 1 && (usual || !each.classList.contains('fit'));
                  return cut || box.right > around.right + 1 || box.bottom > innerHeight;
                }).map((each) => each.textContent)""",
            usual_font(page),
        )
        assert cut == []
    page.close()


WIDER = "* { font-family: 'DejaVu Sans', Verdana, sans-serif !important }"
"""Fonts that are an eighth wider than the usual ones."""


def test_words_are_as_wide_as_the_browser_sets_them_and_hold_in_a_wider_font(browser: Browser, busy: Served) -> None:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, bypass_csp=True)
    page.goto(f"{busy.url}/moments/{STORY}")
    texts = """() => [...document.querySelectorAll('.roomy text[textLength]')].map((each) => {
      const set = each.getComputedTextLength(), counted = parseFloat(each.getAttribute('textLength'));
      each.removeAttribute('textLength');
      return [each.textContent, counted, set, each.getComputedTextLength()];
    })"""
    usual, found = usual_font(page), page.evaluate(texts)
    assert len(found) > 10
    for said, counted, drawn, natural in found:
        assert abs(drawn - counted) < 1, said
        assert not usual or abs(natural - counted) <= max(1, 0.01 * counted), f"{said}: {natural}"
    page.reload()
    page.add_style_tag(content=WIDER)
    for said, counted, drawn, _ in page.evaluate(texts):
        assert abs(drawn - counted) < 1, f"{said} in a wider font"
    page.goto(busy.url + "/board/all")
    page.add_style_tag(content=WIDER)
    over = page.evaluate(
        """() => [...document.querySelectorAll('.fit')].filter((each) => {
          const box = each.getBoundingClientRect(), around = each.parentElement.getBoundingClientRect();
          const over = box.right > around.right + 1 || box.bottom > innerHeight;
          return over || getComputedStyle(each).overflow !== 'hidden';
        }).map((each) => each.textContent)"""
    )
    assert over == []
    page.close()


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768)])
def test_a_break_room_s_screen_shows_a_storm_without_scrolling(
    browser: Browser, serve: Callable[..., Served], size: tuple[int, int]
) -> None:
    served = serve(busy=False)
    for n, place in enumerate(("counter-a", "counter-b", "counter-c", "counter-d", "counter-e", "bag-drop-1")):
        storm = served.world.add(
            f"570{n}", "check-in-wait", place, NOW - n * 1000, level="threatened", threatened_ms=NOW - n * 1000
        )
        served.world.tell(
            storm,
            events.Paged(
                moment=storm.id, at_ms=NOW, page=f"s{n}", step=0, group="agents", reason="time-left", left_ms=180_000
            ),
        )
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(served.url + "/annunciator/agents")
    expect(page.locator(".also li")).to_have_count(5)
    expect(page.get_by_text("and 1 more")).to_be_in_viewport(ratio=1)
    expect(page.locator(".room-foot")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    page.close()


def test_a_token_lets_one_in_and_names_who_acts(browser: Browser, serve: Callable[..., Served]) -> None:
    tokens = parse_tokens('[tokens.supervisor-1]\nsecret = "abcdefghijklmnopqrst"\nrights = ["read", "act"]')
    served = serve(tokens=tokens, busy=True, month=False)
    with looking(browser, size="phone") as page:
        page.goto(served.url + "/moments?state=open")
        expect(page).to_have_url(re.compile("/login"))
        assert wrongs(page) == []
        page.get_by_label("Your token").fill("not-mine")
        page.get_by_role("button", name="Come in").click()
        expect(page.get_by_role("alert")).to_contain_text("This token is not known.")
        page.get_by_label("Your token").fill("abcdefghijklmnopqrst")
        page.get_by_role("button", name="Come in").click()
        expect(page).to_have_url(re.compile("/moments\\?state=open"))
        page.goto(served.url)
        expect(page.locator("#live")).to_have_text("live")
        page.get_by_role("button", name="I’m on it: Counter A").click()
        expect(page.locator(".card").first).to_contain_text("supervisor-1")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(re.compile("/login"))
        page.goto(served.url)
        expect(page).to_have_url(re.compile("/login"))
    assert served.world.actions[0].by == "supervisor-1"


def test_nothing_on_the_floor_is_too_small_to_touch(browser: Browser, busy: Served) -> None:
    with looking(browser, size="phone") as page:
        page.goto(busy.url)
        small = page.evaluate(
            """() => [...document.querySelectorAll('a, button, input, select, summary')]
                .filter((each) => each.checkVisibility() && !each.closest('.hidden') && !each.closest('h3'))
                .map((each) => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
                .filter(([, box]) => box.width && (box.height < 47.5 || box.width < 47.5))
                .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
        )
        assert small == []


def test_the_floor_says_the_day_and_what_needs_whom(browser: Browser, busy: Served) -> None:
    with looking(browser) as page:
        page.goto(busy.url)
        expect(page.locator("h1")).to_contain_text("promises kept")
        cards = page.locator(".card")
        expect(cards).to_have_count(2)
        expect(cards.nth(0)).to_contain_text("Counter A")
        expect(cards.nth(0)).to_contain_text(re.compile(r"0:[0-4]\d"))
        expect(cards.nth(0)).to_contain_text("Nobody is on it.")
        expect(cards.nth(1)).to_contain_text("Marta R.")
        expect(page.locator("#live")).to_have_text(re.compile("live, "))


def test_a_calm_floor_is_the_day_as_one_line(browser: Browser, calm: Served) -> None:
    with looking(browser) as page:
        page.goto(calm.url)
        expect(page.locator(".calm")).to_contain_text("Nothing needs you.")
        expect(page.locator(".dayline svg")).to_be_visible()
        expect(page.locator(".card")).to_have_count(0)


def test_claiming_by_keyboard(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        page.goto(served.url)
        page.get_by_label("On this screen I am").fill("Jo K.")
        button = page.get_by_role("button", name="I’m on it: Counter A")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".card").first).to_contain_text("Jo K.")
        expect(page.locator("#said")).to_have_text("Jo K. is on it")
        assert page.evaluate("document.activeElement.textContent") == "Counter A"
    (action,) = served.world.actions
    assert (action.do, action.by) == ("claim", "Jo K.")


def test_claiming_without_scripts(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser, script=False) as page:
        page.goto(served.url)
        assert page.locator("noscript").count() or "refresh" in page.content()
        page.get_by_role("button", name="I’m on it: Counter A").click()
        expect(page.locator(".card").first).to_contain_text("somebody")
    assert served.world.actions[0].do == "claim"


def test_the_browser_counts_in_the_hubs_time(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        served.world.run()
        page.goto(served.url)
        count = page.locator(".card .count").first

        def agree() -> bool:
            """Whether what is shown is what the hub would say, to two seconds, while it was looked at."""
            before_s = (NOW + 47_000 - served.world.now) / 1000
            text = count.inner_text()
            sign, minutes, seconds = re.fullmatch(r"(\+?)(\d+):(\d\d)", text.strip()).groups()  # type: ignore[union-attr]
            shown_s = (int(minutes) * 60 + int(seconds)) * (-1 if sign else 1)
            return (NOW + 47_000 - served.world.now) / 1000 - 2 <= shown_s <= before_s + 2

        until(agree)
        served.world.now += 30_000  # the hub's clock, not this machine's
        until(agree)
        served.world.now += 29_500
        until(agree)
        expect(count).to_have_text(re.compile(r"^\+"))
        expect(page.locator("#wall")).to_have_text(re.compile(r"17:2[78]:"))


def test_a_new_threat_appears_without_reflow(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    with looking(browser) as page:
        page.goto(served.url)
        tile = page.locator('[data-key="tile-counter-c"]')
        before = [each.bounding_box() for each in page.locator(".tile").all()]
        assert before
        page.evaluate("document.querySelector('[data-key=\"tile-counter-c\"]').marked = true")
        answer = page.evaluate(
            """async () => (await fetch('/api/v1/signals', {
                method: 'POST', headers: {'content-type': 'application/json'},
                body: JSON.stringify({id: 'x1', touchpoint: 'counter-c', signal: 'pressed'})})).status"""
        )
        assert answer == 202
        expect(page.locator(".card")).to_contain_text("Counter C")
        expect(tile).to_have_class(re.compile("is-threatened"))
        assert page.evaluate("document.querySelector('[data-key=\"tile-counter-c\"]').marked")  # the same element
        after = [each.bounding_box() for each in page.locator(".tile").all()]
        assert [box["width"] for box in after if box] == [box["width"] for box in before if box]
        assert len({round(a["x"] - b["x"]) for a, b in zip(after, before, strict=True) if a and b}) == 1


def test_without_the_hub_the_page_turns_grey_and_says_since_when(
    browser: Browser, serve: Callable[..., Served]
) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        page.goto(served.url)
        expect(page.locator("#live")).to_have_text(re.compile(r"live, \d s"))
        served.stop()
        expect(page.locator("#live")).to_have_text(re.compile(r"not live since 17:26:\d\d"))
        expect(page.locator("html")).to_have_class(re.compile("stale"))
        assert page.evaluate("getComputedStyle(document.body).filter") == "grayscale(1)"


def test_the_theme_can_be_fixed_for_a_screen(browser: Browser, busy: Served) -> None:
    with looking(browser, scheme="dark") as page:
        page.goto(busy.url)
        ground = page.locator("body")
        expect(ground).to_have_css("background-color", "rgb(22, 21, 18)")
        page.get_by_role("link", name="light", exact=True).click()
        expect(ground).to_have_css("background-color", "rgb(220, 218, 210)")
        page.goto(busy.url + "/nodes")
        expect(ground).to_have_css("background-color", "rgb(220, 218, 210)")
        page.get_by_role("link", name="as the system").click()
        expect(ground).to_have_css("background-color", "rgb(22, 21, 18)")


def test_figures_open_the_moments_behind_them(browser: Browser, busy: Served) -> None:
    with looking(browser) as page:
        page.goto(busy.url + "/success")
        page.locator('a[aria-label^="fails first"]').first.click()
        expect(page).to_have_url(re.compile("/moments\\?.*verdict=failure"))
        expect(page.locator(".verdict").first).to_contain_text("Failed")


# ------------------------------------------------------------------------------------------------------------ sign

STATES = {
    "plain": (22, 25, 14),
    "last third": (22, 25, 16),
    "over": (22, 25, 23),
    "broken": (22, 25, 26),
    "instant": (22, 25, 22),
}


def sign_states() -> dict[str, SignState]:
    """Return what a sign may have to say."""

    def one(key: str, counts: int, ends: int, now: int) -> object:
        return flight(key, 0, counts * 60_000, ends * 60_000, now * 60_000 - 541)

    states = {name: SignState(flights=(one("AG1234/2026-11-21", *times),)) for name, times in STATES.items()}  # type: ignore[arg-type]
    two = (one("AG1234/x", 22, 25, 20), one("AG0871/x", 22, 25, 4))
    states |= {
        "empty": SignState(),
        "alone": SignState(link=False),
        "two": SignState(flights=two),  # type: ignore[arg-type]
        "two, broken, alone": SignState(flights=(one("AG1/x", 22, 25, 30), one("AG2/x", 22, 25, 26)), link=False),  # type: ignore[arg-type]
        "done": SignState(done=SignDone("AG1234", "18:42")),
        "done late": SignState(done=SignDone("AG1234", "18:42", kept=False), link=False),
        "one and done": SignState(flights=two[:1], done=SignDone("AG0871", "18:42")),  # type: ignore[arg-type]
        "three": SignState(flights=(*two, two[0])),  # type: ignore[arg-type]
        "three, alone": SignState(flights=(*two, two[0]), link=False),  # type: ignore[arg-type]
        "three and done late": SignState(flights=(*two, two[0]), done=SignDone("AG0872", "18:42", kept=False)),  # type: ignore[arg-type]
        "long pair": SignState(flights=(one("BEE1234A", 22, 25, 20), one("LONGNAME-77", 22, 25, 23))),  # type: ignore[arg-type]
        "done, no clock": SignState(done=SignDone("AG1234", "")),
        "clock lost": SignState(flights=(flight("AG1234", 0, 1, 2, None),)),
        "long": SignState(flights=(one("LONGNAME-77/x", 600, 700, 14),)),  # type: ignore[arg-type]
        "nameless": SignState(flights=(flight(None, 0, 60_000, 90_000, 1_000),)),
        "unwritable": SignState(flights=(flight("ÆØÅ", 0, 60_000, 90_000, 70_000),), link=False),
    }
    return states


@pytest.mark.parametrize(
    "size", [(128, 32), (96, 32), (64, 32), (96, 16), (64, 8), (32, 8), (192, 64), (40, 24), (7, 3), (1, 40)]
)
def test_the_browsers_sign_is_the_panels_sign(browser: Browser, busy: Served, size: tuple[int, int]) -> None:
    """LED by LED, for every look of a sign, on panels of every kind."""
    width, height = size
    states = sign_states()
    given = [
        {
            "flights": [
                {
                    "label": each.label,
                    "left_ms": each.left_ms,
                    "span_ms": each.span_ms,
                    "promise_left_ms": each.promise_left_ms,
                    "grace_ms": each.grace_ms,
                }
                for each in state.flights
            ],
            "done": state.done and {"label": state.done.label, "clock": state.done.clock, "kept": state.done.kept},
            "link": state.link,
        }
        for state in states.values()
    ]
    with looking(browser) as page:
        page.goto(busy.url + "/sign/belt-3")
        drawn = page.evaluate(
            """async ([states, width, height]) => {
                const led = await import('/static/led.js');
                led.useGlyphs(await (await fetch('/sign/glyphs.json')).json());
                return states.map((state) => [led.wordsOf(state), [...led.frame(state, width, height)].join('')]);
            }""",
            [given, width, height],
        )
    for (name, state), (said, leds) in zip(states.items(), drawn, strict=True):
        assert said == words(state), name
        assert leds == "".join(frame(state, width, height).rows()), name


def test_the_sign_counts_on_alone_and_says_so(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        page.goto(served.url + "/sign/belt-3")
        panel = page.locator("#leds")
        expect(panel).to_have_attribute("aria-label", re.compile(r"AG1234 0[67]:[0-5]\d"))
        served.stop()
        expect(panel).to_have_attribute("aria-label", re.compile(r"AG1234 0[4-7]:[0-5]\d \| \(no link\)"))


# ------------------------------------------------------------------------------------------------------------ desk


def finger(page: Page) -> tuple[float, float]:
    """Return where the red button is."""
    box = page.locator("#mot").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def posted(world: World) -> list[tuple[str, bool]]:
    """Return what the hub was told: signal, and whether it takes a press back."""
    return [(signal.signal, signal.retracts is not None) for signal in taken(world)]


def taken(world: World) -> list[FeedSignal]:
    """What is said again, since nobody was heard to take it, has the same id: the hub takes it once."""
    return list({signal.id: signal for signal in world.signals_posted}.values())


def test_one_press_goes_all_the_way(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    with looking(browser, size="phone") as page:
        page.goto(served.url + "/desk/counter-a")
        expect(page.locator("#head")).to_have_text("All calm")
        page.mouse.move(*finger(page))
        page.mouse.down()
        page.mouse.up()
        expect(page.locator("#checks")).to_contain_text("Ticket agents paged")
        expect(page.locator("#mot")).to_have_class(re.compile("ring-threatened"))
        expect(page.locator("#link")).to_have_text("Online, no press waiting")
    assert posted(served.world) == [("pressed", False)]


def test_a_hold_resets_and_takes_its_press_back(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser, size="phone") as page:
        page.goto(served.url + "/desk/counter-a")
        page.mouse.move(*finger(page))
        page.mouse.down()
        expect(page.locator("#head")).to_contain_text("Saved")
        page.mouse.up()
    assert posted(served.world) == [("pressed", False), ("reset", True)]
    press, reset = taken(served.world)
    assert reset.retracts == press.id


def test_a_refused_reset_is_barred_and_says_why(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    with looking(browser, size="phone") as page:
        page.goto(served.url + "/desk/counter-b")
        button = page.locator("#mot")
        button.focus()
        page.keyboard.press("Space")
        expect(page.locator("#checks")).to_contain_text("Ticket agents paged")
        page.keyboard.down("Space")
        expect(button).to_have_class(re.compile("barred"))
        page.keyboard.up("Space")
        expect(page.locator("#help")).to_contain_text("The line is still at the mark.")


def test_a_press_without_the_hub_is_kept_and_sent_later(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)

    def cut(route: Route) -> None:
        route.abort()

    with looking(browser, size="phone") as page:
        page.goto(served.url + "/desk/counter-a")
        expect(page.locator("#head")).to_have_text("All calm")
        page.route("**/api/v1/signals", cut)
        page.locator("#mot").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#local")).to_have_text("Seen here, telling the hub")
        expect(page.locator("#link")).to_contain_text("Offline")
        expect(page.locator("#local")).to_have_text("Nobody told: call")
        page.reload()  # the tablet was restarted
        expect(page.locator("#local")).to_be_visible()
        assert served.world.signals_posted == []
        page.unroute("**/api/v1/signals")
        expect(page.locator("#checks")).to_contain_text("Ticket agents paged")
        expect(page.locator("#local")).to_be_hidden()
    (press,) = taken(served.world)
    assert press.at is not None
    assert press.at.startswith("2026-11-21T16:2")  # when it happened, in the hub's time


def test_only_the_hubs_own_word_lets_go_of_a_press(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    answers = iter([(200, "<h1>Welcome to the airport's Wi-Fi</h1>"), (404, "no such page"), (202, "{}")])

    def portal(route: Route) -> None:
        status, body = next(answers, (0, ""))
        if status:
            route.fulfill(status=status, body=body, content_type="text/html")
        else:
            route.abort()

    with looking(browser, size="phone") as page:
        page.goto(served.url + "/desk/counter-a")
        expect(page.locator("#head")).to_have_text("All calm")
        page.route("**/api/v1/signals", portal)
        page.locator("#mot").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#local")).to_have_text("Nobody told: call")
        expect(page.locator("#link")).to_contain_text("the press is kept")
        assert served.world.signals_posted == []
        page.unroute("**/api/v1/signals")
        expect(page.locator("#checks")).to_contain_text("Ticket agents paged")
    assert posted(served.world) == [("pressed", False)]


def test_two_tabs_with_one_desk_keep_each_their_presses(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    with looking(browser, size="phone") as page:
        page.route("**/api/v1/signals", lambda route: route.abort())
        page.goto(served.url + "/desk/counter-a")
        other = page.context.new_page()
        other.route("**/api/v1/signals", lambda route: route.abort())
        other.goto(served.url + "/desk/counter-a")
        for tab in (page, other):
            tab.locator("#mot").focus()
            tab.keyboard.press("Enter")
            expect(tab.locator("#link")).to_contain_text("Offline")
        other.close()
        page.unroute("**/api/v1/signals")
        page.reload()
        expect(page.locator("#link")).to_have_text("Online, no press waiting")
    assert posted(served.world) == [("pressed", False)] * 2


def test_the_press_that_wakes_a_tablet_counts_from_now(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    with looking(browser, size="phone") as page:
        for asked in ("stream", "clock"):
            page.route(f"**/api/v1/{asked}", lambda route: route.abort())
        page.goto(served.url + "/desk/counter-a")
        page.evaluate("const real = Date.now; Date.now = () => real() + 3_600_000")  # it slept for an hour
        page.locator("#mot").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#link")).to_have_text("Online, no press waiting")
    (press,) = taken(served.world)
    assert press.at is not None
    assert press.at.startswith("2026-11-21T17:2")


def test_a_press_without_scripts(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=False, month=False)
    with looking(browser, size="phone", script=False) as page:
        page.goto(served.url + "/desk/counter-a")
        page.locator("#mot").click()
        expect(page.locator("#checks")).to_contain_text("Ticket agents paged")
    assert posted(served.world) == [("pressed", False)]


# --------------------------------------------------------------------------------------------------- moment, nodes


def test_a_cause_is_given_on_the_moments_page(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        page.goto(f"{served.url}/moments/{STORY}")
        page.locator('select[name="id"]').select_option("started-late")
        page.get_by_role("button", name="Correct the cause").click()
        expect(page.locator(".thirds").first).to_contain_text("time: Started late")
        page.get_by_text("In other words").click()  # nobody is bound to the list, and a correction is no secret
        page.get_by_label("Kind").select_option("time")
        page.get_by_label("What happened").fill("desk closed early")
        page.locator('details[open] form[action$="/cause"] button').click()
        expect(page.locator(".thirds").first).to_contain_text("time: desk closed early")


def test_voiding_needs_a_reason_and_can_be_taken_back(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        page.goto(f"{served.url}/moments/{STORY}")
        page.get_by_text("Take it out of the rates").click()
        page.locator('form[action$="/void"] input[name="reason"]').fill("false alarm")
        page.get_by_role("button", name="Void this moment").click()
        expect(page.locator("h1")).to_have_text("Void: false alarm")
        page.get_by_text("Take it out of the rates").click()
        page.get_by_role("button", name="Count it again").click()
        expect(page.locator("h1")).to_contain_text("with 0:19 left")


def test_a_node_blinks(browser: Browser, serve: Callable[..., Served]) -> None:
    served = serve(busy=True, month=False)
    with looking(browser) as page:
        page.goto(served.url + "/nodes")
        page.get_by_role("button", name="Blink mark-counter-d").click()
        expect(page.locator("#said")).to_have_text("It blinks")
    assert [(node, command.do) for node, command in served.world.commands] == [("mark-counter-d", "identify")]

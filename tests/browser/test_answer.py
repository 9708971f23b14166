"""Answering with one thumb, in Chromium: the page behind a link, in both themes, by keyboard, without scripts."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.answers import Links
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.store import PageRow
from tests.browser.axe import wrongs
from tests.hub.desk import WAIT_S

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def hub(tmp_path: Path, airport_toml: str) -> Iterator[HubApp]:
    plan = tmp_path / "plan.toml"
    text = airport_toml.replace('"mqtt://"', '"webpush://"', 1)
    plan.write_text(text.replace("[expectations.check-in-wait]", "[expectations.check-in-wait]\nneeds = 2", 1))
    config = HubConfig(
        plan=plan, data=tmp_path / "data", broker_listen=Address("127.0.0.1", 0), listen=Address("127.0.0.1", 0)
    )
    with HubApp(config, SystemClock()) as running:
        running.wait_web()
        yield running


def press(hub: HubApp) -> PageRow:
    """Let a customer wait; return the page about it."""
    body = json.dumps({"id": "press-1", "touchpoint": "counter-a", "signal": "pressed"}).encode()
    asked = urllib.request.Request(f"{hub.http_url}/api/v1/signals", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=WAIT_S) as answer:
        assert answer.status == 202
    return hub.reader.pages().items[-1]


def path_of(hub: HubApp, row: PageRow) -> str:
    path = Links(hub.config.data).path(row)
    assert path is not None
    return path


def phone(browser: Browser, hub: HubApp, *, scripts: bool = True, theme: str = "dark") -> Page:
    context = browser.new_context(
        base_url=hub.http_url,
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        java_script_enabled=scripts,
        color_scheme="light" if theme == "light" else "dark",
        has_touch=True,
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_S * 1000)
    return page


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_fits_a_phone_in_both_themes(browser: Browser, hub: HubApp, theme: str) -> None:
    path = path_of(hub, press(hub))
    page = phone(browser, hub, theme=theme)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.goto(path)
    expect(page.get_by_role("heading", name="Check-in counter A")).to_be_visible()
    page.get_by_text("It is a false alarm").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert wrongs(page) == []
    low = page.evaluate(
        "[...document.querySelectorAll('button, summary, input:not([type=hidden]), .answer-floor a')]"
        ".filter((each) => each.offsetHeight < 48).map((each) => each.textContent || each.name)"
    )
    assert low == [], "targets for a thumb"
    page.get_by_label("Your name").first.fill("Jo K.")
    page.get_by_role("button", name="2 minutes").click()
    expect(page.get_by_role("heading", name="You are on it")).to_be_visible()
    expect(page.get_by_text("1 of 2 are coming.")).to_be_visible()
    assert wrongs(page) == []
    assert wrong == []
    page.context.close()
    other = phone(browser, hub, theme=theme)
    other.goto(path)
    expect(other.get_by_text("Jo K. is on the way since")).to_be_visible()
    other.context.close()


def test_without_scripts_and_by_keyboard(browser: Browser, hub: HubApp) -> None:
    path = path_of(hub, press(hub))
    page = phone(browser, hub, scripts=False)
    page.goto(path)
    page.get_by_label("Your name").first.focus()
    page.keyboard.type("Marta")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="2 minutes")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are on it")).to_be_visible()
    page.goto(path)
    expect(page.get_by_role("heading", name="You are on it")).to_be_visible()
    page.context.close()


def test_what_is_over_or_unknown_is_said_in_both_themes(browser: Browser, hub: HubApp) -> None:
    for theme in ("dark", "light"):
        page = phone(browser, hub, theme=theme)
        page.goto("/a/AAAAAAAAAAAAAAAAAAAAAAAAAA")
        expect(page.get_by_role("heading", name="This link is not known here")).to_be_visible()
        assert wrongs(page) == []
        page.context.close()


def test_the_time_left_goes_on(browser: Browser, hub: HubApp) -> None:
    path = path_of(hub, press(hub))
    page = phone(browser, hub)
    page.goto(path)
    first = page.locator(".left .count").inner_text()
    page.wait_for_function("(first) => document.querySelector('.left .count').textContent !== first", arg=first)
    page.context.close()


def test_a_notification_s_button_is_the_answer(browser: Browser, hub: HubApp) -> None:
    path = path_of(hub, press(hub))
    page = phone(browser, hub)
    page.context.grant_permissions(["notifications"])
    page.context.add_cookies([{"name": "andgate-who", "value": "Jo", "url": hub.http_url}])
    page.goto("/phone")
    page.wait_for_function(
        "navigator.serviceWorker.getRegistration('/static/').then((found) => found?.active?.state === 'activated')"
    )
    # Chromium tells of it when it comes to it.
    (worker,) = page.context.service_workers or [page.context.wait_for_event("serviceworker")]
    assert worker.evaluate("(path) => claimed(path)", path) is True
    assert worker.evaluate("(path) => claimed(path)", "/a/AAAAAAAAAAAAAAAAAAAAAAAAAA") is False
    (moment,) = hub.driver.open_moments()
    assert [claim.by for claim in moment.coming] == ["Jo"]
    page.context.close()

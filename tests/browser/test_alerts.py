"""Passengers ask to be told, on a phone and on a hall's screen, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig
from hub.store import Customers
from tests.browser.axe import wrongs
from tests.hub.desk import WAIT_S
from tests.library.test_plan_alerts import PLAN
from tests.ports import free_port

pytestmark = pytest.mark.browser
FORM = "Know what is new about your flight"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubApp]:
    plan = tmp_path / "plan.toml"
    # Nobody takes the mail: a passenger's screen does not wait for that.
    plan.write_text(PLAN.replace("mailto://mail.example", f"mailto://127.0.0.1:{free_port()}/"), encoding="utf-8")
    config = HubConfig(
        plan=plan, data=tmp_path / "data", broker_listen=Address("127.0.0.1", 0), listen=Address("127.0.0.1", 0)
    )
    with HubApp(config, SystemClock()) as running:
        running.wait_web()
        yield running


def well(page: Page, width: int) -> None:
    """It fits, and anybody can read it."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert wrongs(page) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a module that Apprise loads
@pytest.mark.parametrize(("width", "height", "scheme"), [(390, 844, "light"), (1920, 1080, "dark")])
def test_a_passenger_asks_says_yes_and_stops(
    browser: Browser, hub: HubApp, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    context = browser.new_context(
        base_url=hub.http_url,
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
        java_script_enabled=True,
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_S * 1000)
    page.goto("/alerts")
    expect(page.get_by_role("heading", name=FORM)).to_be_visible()
    well(page, width)

    page.get_by_label("Flight").fill("nonsense")
    page.get_by_label("Your address or number").fill("ada@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is no flight")
    assert page.get_by_label("Your address or number").input_value() == "ada@example.com"
    well(page, width)

    page.get_by_label("Flight").fill("ag 1234")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_role("status")).to_contain_text("We have sent a question")
    well(page, width)

    with Customers(tmp_path / "data").read() as db:
        ((token,),) = db.execute("select token from customer").fetchall()
    page.goto(f"/alerts/{token}/confirm")
    well(page, width)
    page.get_by_role("button", name="Yes, tell me").click()
    expect(page.get_by_role("status")).to_contain_text("We tell ada@example.com")
    well(page, width)
    page.get_by_role("button", name="Nothing about AG1234").click()
    expect(page.get_by_role("heading", name="Stopped")).to_be_visible()
    well(page, width)
    page.goto(f"/alerts/{token}")
    expect(page.get_by_text("Nothing is kept under this link")).to_be_visible()
    context.close()

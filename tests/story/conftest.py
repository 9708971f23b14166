"""Every story gets an airport of its own, and a browser to look at its screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGS
from tests.browser.looking import looking
from tests.story.airport import BELT_SENSOR, Airport
from tests.story.receivers import LetterBox, Telephony
from tests.story.stage import Program


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands here is a story; with screens it needs a browser too."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("story")
            if "screen" in getattr(item, "fixturenames", ()):
                item.add_marker("browser")


@pytest.fixture
def airport(tmp_path: Path, airport_toml: str) -> Iterator[Airport]:
    """An airport at ten in the morning, by the example's plan, with a sensor on its belt; nodes come on request."""
    there = Airport(tmp_path, airport_toml + BELT_SENSOR)
    yield there
    there.close()


@pytest.fixture
def letters() -> Iterator[LetterBox]:
    box = LetterBox()
    yield box
    box.close()


@pytest.fixture
def calls() -> Iterator[Telephony]:
    service = Telephony()
    yield service
    service.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium: one for each module."""
    expect.set_options(timeout=40_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS, timeout=120_000)
        yield launched
        launched.close()


@pytest.fixture
def screen(browser: Browser) -> Iterator[Page]:
    """A screen in the hall; what its pages complain about fails the story."""
    with looking(browser) as page:
        yield page


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    """Start programs of ours; they are gone when the story ends."""
    made: list[Program] = []

    def start(*words: str) -> Program:
        made.append(Program(*words))
        return made[-1]

    yield start
    for one in made:
        one.close()

"""Looking at a page in the sizes and themes that people have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from hub.web.pages.labels import width_of

SIZES = {"phone": (390, 844), "laptop": (1440, 900), "hall": (1920, 1080)}


@contextmanager
def looking(browser: Browser, *, size: str = "laptop", scheme: str = "dark", script: bool = True) -> Iterator[Page]:
    """Open a page; whatever the browser complains about fails the test."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
        reduced_motion="reduce",
        java_script_enabled=script,
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    yield page
    context.close()
    # A page that is missing, or a hub that is away, is told by the browser itself; everything else is ours.
    assert [said for said in complaints if "Failed to load resource" not in said and "net::ERR" not in said] == []


def usual_font(page: Page) -> bool:
    """Whether words are set here in a font of the measure that pages count on: a machine may have none such."""
    words = "Check-in counter, Passport and visa documents"
    asked = """(words) => {
      const pen = document.createElement('canvas').getContext('2d');
      pen.font = `100px ${getComputedStyle(document.body).fontFamily}`;
      return pen.measureText(words).width;
    }"""
    return bool(abs(page.evaluate(asked, words) - width_of(words, 100)) < 10)  # a tenth of a letter

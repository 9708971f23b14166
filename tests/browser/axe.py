"""What axe-core finds wrong with a page: what is hard to read, has no name, or cannot be reached."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from playwright.sync_api import Page

# What is well with a page is megabytes, and takes longer to leave the browser than to be found: it stays there.
RUN = """axe.run({resultTypes: ["violations"], rules: {"color-contrast-enhanced": {enabled: true}}})
    .then((all) => all.violations.map((each) => [each.id, each.nodes.slice(0, 4).map((it) => it.html.slice(0, 200))]))
"""


@functools.cache
def _source() -> str:
    package = importlib.util.find_spec("axe_playwright_python")  # only for the file in it
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def wrongs(page: Page) -> list[tuple[str, list[str]]]:
    """Return each rule that a page breaks, by the strictest contrast, with the first elements that break it."""
    page.evaluate(_source())
    return [(rule, elements) for rule, elements in page.evaluate(RUN)]

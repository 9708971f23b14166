"""A sign made of words: a line in the log whenever it says something new, and each full minute."""

from __future__ import annotations

import logging
import re

from andgate.sign import Frame

_log = logging.getLogger("andgate.sign")
_TIME = re.compile(r"\+?\d+:\d\d")
_FULL_MINUTE = re.compile(r"\d:00\b")


class Text:
    """Prints what the sign would show; for a desk without a panel, a test, a first try."""

    def __init__(self, name: str, width: int, height: int) -> None:
        """Begin with nothing said; the size does not matter."""
        del width, height
        self.name = name
        self._said = ""

    def show(self, picture: Frame, text: str) -> None:
        """Log the words, unless only seconds have passed."""
        del picture
        said = _TIME.sub("", text)
        if said != self._said or _FULL_MINUTE.search(text):
            self._said = said
            _log.info("sign %s: %s", self.name, text)

    def close(self) -> None:
        """Nothing to leave dark."""

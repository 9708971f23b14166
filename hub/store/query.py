"""Parts of a query: its conditions, and the cursor with which a long list goes on."""

from __future__ import annotations

import re
from typing import Any

from andgate.errors import PayloadError


class Where:
    """The conditions of one query, with their values."""

    def __init__(self) -> None:
        """No condition yet."""
        self.values: list[Any] = []
        self._parts: list[str] = []

    def add(self, condition: str, *values: object) -> None:
        """Require `condition`, if its values are given."""
        if None not in values:
            self._parts.append(condition)
            self.values.extend(values)

    def __str__(self) -> str:
        """The SQL, with a leading space."""
        return f" where {' and '.join(self._parts)}" if self._parts else ""


def place_of(cursor: str) -> tuple[int, str]:
    """Return the place in a list that a cursor names: time and identity. PayloadError for what is none."""
    at, dot, id = cursor.partition(".")
    if not dot:
        raise PayloadError("this is no cursor. Use the `next` of the page before")
    return number_of(at), id


def number_of(text: str) -> int:
    """Return a cursor's number. PayloadError for what is none."""
    # No longer than an integer of SQLite's, and nothing else that int() takes (blanks, underscores, other digits).
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise PayloadError("this is no cursor. Use the `next` of the page before")
    return int(text)

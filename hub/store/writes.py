"""What tables that are kept with every commit, and are no part of the journal, need of the store."""

from __future__ import annotations

from typing import Any, Protocol


class Writes(Protocol):
    """A transaction that is open, or will be."""

    @property
    def dirty(self) -> bool:
        """Whether anything waits for a commit."""

    def fact(self, statement: str, values: tuple[Any, ...]) -> str | None:
        """Return the first value of the first row that a question finds."""

    def row(self, statement: str, values: tuple[Any, ...]) -> None:
        """Add a row to the transaction."""

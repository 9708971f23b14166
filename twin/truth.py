"""What the customers really lived through, counted by the model itself and never judged by anybody.

It is there to keep the product honest: a verdict is only worth something if it moves with this.
"""

from __future__ import annotations


class Truth:
    """How many customers (or flights) there were at each promise, and for how many it was broken in fact."""

    def __init__(self) -> None:
        """Nobody yet."""
        self.lived: dict[str, int] = {}
        self.broken: dict[str, int] = {}

    def count(self, expectation: str, *, broken: bool) -> None:
        """Count one customer."""
        self.lived[expectation] = self.lived.get(expectation, 0) + 1
        self.broken[expectation] = self.broken.get(expectation, 0) + broken

    def add(self, other: Truth) -> None:
        """Add another day's."""
        for expectation, lived in other.lived.items():
            self.lived[expectation] = self.lived.get(expectation, 0) + lived
            self.broken[expectation] = self.broken.get(expectation, 0) + other.broken[expectation]

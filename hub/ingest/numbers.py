"""Which numbers of one boot are stored: all up to one, and ranges beyond it."""

from __future__ import annotations

from bisect import bisect_right

RANGES_MOST = 1_500
"""A receipt of so many fits into a message. Who does not count by one has as many one day; the lowest are forgotten."""


class Numbers:
    """A set of numbers from 1 on that is nearly gapless; `upto` and `ranges` are what a receipt says."""

    __slots__ = ("ranges", "upto")

    def __init__(self, upto: int = 0, ranges: list[tuple[int, int]] | None = None) -> None:
        """Begin with all numbers up to `upto` and some inclusive, ascending, separate ranges beyond."""
        self.upto = upto
        self.ranges: list[tuple[int, int]] = [(first, last) for first, last in ranges or []]

    def __len__(self) -> int:
        """How many are in."""
        return self.upto + sum(last - first + 1 for first, last in self.ranges)

    def __contains__(self, number: int) -> bool:
        """Whether the number is in."""
        if number <= self.upto:
            return True
        if not self.ranges:
            return False
        at = bisect_right(self.ranges, (number, 1 << 60)) - 1
        return at >= 0 and self.ranges[at][0] <= number <= self.ranges[at][1]

    def add(self, number: int) -> bool:
        """Put a number in; False if it was in already."""
        if number == self.upto + 1:  # nearly always
            self.upto = number
            if self.ranges and self.ranges[0][0] == number + 1:
                self.upto = self.ranges.pop(0)[1]
            return True
        if number in self:
            return False
        at = bisect_right(self.ranges, (number, number))
        first = last = number
        if at < len(self.ranges) and self.ranges[at][0] == number + 1:
            last = self.ranges.pop(at)[1]
        if at > 0 and self.ranges[at - 1][1] == number - 1:
            at -= 1
            first = self.ranges.pop(at)[0]
        self.ranges.insert(at, (first, last))
        if len(self.ranges) > RANGES_MOST:
            del self.ranges[0 if at else 1]  # never the one that the next receipt is about
        return True

    def discard(self, number: int) -> None:
        """Take a number out again."""
        ranges = [(1, self.upto), *self.ranges] if self.upto else self.ranges
        left: list[tuple[int, int]] = []
        for first, last in ranges:
            if first <= number <= last:
                left += [span for span in ((first, number - 1), (number + 1, last)) if span[0] <= span[1]]
            else:
                left.append((first, last))
        self.upto = left.pop(0)[1] if left and left[0][0] == 1 else 0
        self.ranges = left

    def forgot(self, number: int) -> bool:
        """Whether the number may have been in and be forgotten, so that only the store can tell.

        Any hole may be one: how many ranges there are now says nothing, since holes that fill join them again.
        """
        return bool(self.ranges) and self.upto < number < self.ranges[-1][0]

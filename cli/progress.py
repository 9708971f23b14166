"""How far a long command is: one line that is written over, where somebody is watching; nothing where nobody is."""

from __future__ import annotations

import sys


class Progress:
    """Call it with what is done, how much of it, out of how much (0: unknown); `done` takes the line away."""

    def __init__(self) -> None:
        """Look whether anybody is watching."""
        self._shown = sys.stderr.isatty()
        self._width = 0

    def __call__(self, what: str, done: int, all_of_it: int) -> None:
        """Say it."""
        if not self._shown:
            return
        share = f"{done:,} of {all_of_it:,} ({100 * done // all_of_it} %)" if all_of_it else f"{done:,}"
        line = f"{what} {share}" if done else what
        print(f"\r{line:<{self._width}}", end="", file=sys.stderr, flush=True)
        self._width = len(line)

    def done(self) -> None:
        """Take the line away."""
        if self._width:
            print(f"\r{'':<{self._width}}\r", end="", file=sys.stderr, flush=True)
            self._width = 0

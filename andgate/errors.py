"""Every error Andgate raises on purpose; the blame is in the type.

The tree::

    AndgateError
      + PlanError       the site's plan file is wrong (also a ValueError); carries every Problem found
      + WireError       somebody outside sent something wrong (also a ValueError)
      |   + TopicError      a topic that is not in the contract
      |   + PayloadError    a payload that is not in the contract
      |   + RefusedError    well formed, but it names something the plan does not have, or contradicts what is stored
      + StorageError    what is stored cannot be read or written, or is not what it says it is (also a RuntimeError)
      + UsageError      we were called wrongly (also a RuntimeError)

Catch the one you can mend::

    try:
        plan = parse_plan(text)
    except PlanError as wrong:
        for problem in wrong.problems:
            print(problem)
"""

from __future__ import annotations

import msgspec


class AndgateError(Exception):
    """The root: catch it to catch everything Andgate raises on purpose."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong in a plan: where it is, what it is, how to mend it."""

    line: int
    """Line in the file, from 1; 0 where the problem is a whole missing part."""
    key: str
    """Dotted path of the key, as in ``expectations.check-in-wait.fails_after``."""
    what: str
    """What is wrong, one sentence without a full stop."""
    remedy: str
    """How to mend it, one sentence without a full stop."""

    def __str__(self) -> str:
        """``line 12, nodes.desk-a1.touchpoint: unknown touchpoint "x". Name one of: ...``."""
        where = f"line {self.line}, {self.key}" if self.line else self.key
        return f"{where}: {self.what}. {self.remedy}."


class PlanError(AndgateError, ValueError):
    """The site's plan file is wrong; `problems` lists everything found, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems; the message is one problem a line."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class WireError(AndgateError, ValueError):
    """Somebody outside sent something wrong; the message says what, where and how to mend it."""

    def __init__(self, message: str, *, index: int | None = None) -> None:
        """Keep the message; `index` is the place (from 0) of the wrong member, if a list was sent."""
        super().__init__(message)
        self.index = index


class TopicError(WireError):
    """A topic that the contract does not have."""


class PayloadError(WireError):
    """A payload that the contract does not allow."""


class RefusedError(WireError):
    """Well formed, but it names something the plan does not have, or contradicts what is stored."""


class StorageError(AndgateError, RuntimeError):
    """What is stored cannot be read or written, or it is not what it says it is."""


class UsageError(AndgateError, RuntimeError):
    """Andgate's own code, or the person at the command line, used a part of it wrongly."""

"""What lies ahead of an open moment as the engine has it: its ladder, what became of each rung, when it wakes.

The engine decides pages from the same things. The outlook hands them out as they are, so that somebody else can look
whether it did (`andgate.audit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from andgate.moment.ladder import next_again, next_repeat
from andgate.moment.ledger import Fate
from andgate.moment.moments import Moment
from andgate.moment.published import Published
from andgate.moment.view import page_times
from andgate.plan import Expectation, PageStep


class Outlook(Struct, frozen=True):
    """One open moment's ladder."""

    moment: Moment
    steps: tuple[PageStep, ...]
    """Of the plan it is judged by."""
    due_ms: Sequence[int]
    """When each step is due."""
    fates: Mapping[int, Fate]
    """Step -> what became of it; not to be kept, it goes on."""
    again_ms: int | None
    """When the first group is told once more that customers are still waiting."""
    wakes_ms: int | None
    """When the engine will decide about its pages next."""
    waits_ms: int | None
    """Until when pages that are overdue wait for the rest of a backlog."""
    repeat: tuple[int, int] | None = None
    """When a page is repeated next, and the step it is of."""


def outlook(known: Published, expectation: Expectation, waits_ms: int | None) -> Outlook:
    """Return what lies ahead of an open moment."""
    case, ledger = known.case, known.ledger
    return Outlook(
        known.moment,
        expectation.pages,
        page_times(case, expectation),
        ledger.steps,
        next_again(ledger, case) if expectation.pages else None,
        known.page_ms,
        waits_ms,
        next_repeat(ledger, expectation),
    )

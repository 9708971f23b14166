"""Quiet at work: asked before each page, and looking when one of its reasons has ended. The driver's thread only."""

from __future__ import annotations

from andgate.moment.moments import Moment
from andgate.plan import Plan
from hub.store import Store


class Quiet:
    """Says why no page about a moment may go to somebody now."""

    def __init__(self, store: Store, plan: Plan) -> None:
        """Go on from what is stored."""
        self._store = store
        self._plan = plan

    def use_plan(self, plan: Plan) -> None:
        """Keep quiet by this plan from now on."""
        self._plan = plan

    def why_not(self, moment: Moment, group: str, person: str | None, now_ms: int) -> str | None:  # noqa: ARG002 - nothing is quiet yet
        """Return why no page about `moment` may go to `group` (to one `person` of it) now, in words; None: it may."""
        return None

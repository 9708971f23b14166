"""Reading the store from any thread: read-only connections beside the one that writes.

What a `Reader` shows is what is committed, never more. Everything here may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from andgate.moment.moments import Moment, State
from hub.store.rows import (
    By,
    ChainHead,
    Entry,
    Listing,
    NodeRow,
    OutcomeListing,
    OutcomeState,
    PageListing,
    QuarantineRow,
    SignalRow,
    TallyRow,
    TrailLine,
)


class Reader:
    """Everything the screens, the API and the reports may know. Close it when done; it is a context manager too."""

    def __init__(self, data: Path) -> None:
        """Read the database in the data folder `data`; it must exist (the hub's store makes it)."""
        raise NotImplementedError

    def close(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    def moment(self, moment: str) -> Moment | None:
        """Return the newest publication of a moment (also a withdrawn one), or None if there is none."""
        raise NotImplementedError

    def trail(self, moment: str) -> tuple[TrailLine, ...]:
        """Return every event of a moment, oldest first."""
        raise NotImplementedError

    def signals_of(self, moment: str) -> tuple[SignalRow, ...]:
        """Return the signals that a moment's trail names, in the order of the fold."""
        raise NotImplementedError

    def signal(self, signal: str) -> SignalRow | None:
        """Return one stored signal by its identity."""
        raise NotImplementedError

    def moments(  # noqa: PLR0913 - the API's own filters
        self,
        *,
        state: State | None = None,
        expectation: str | None = None,
        touchpoint: str | None = None,
        key: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
        withdrawn: bool = False,
    ) -> Listing:
        """Return moments opened in [since, until), newest opening first; a bad cursor is a PayloadError."""
        raise NotImplementedError

    def day_moments(self, since_ms: int) -> tuple[Moment, ...]:
        """Return every moment that has ended, or failed, at `since_ms` or later: the floor's day; oldest end first."""
        raise NotImplementedError

    def outcomes(  # noqa: PLR0913 - the API's own filters
        self,
        interaction: str,
        *,
        state: OutcomeState | None = None,
        key: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> OutcomeListing:
        """Return the outcomes of an interaction, newest first."""
        raise NotImplementedError

    def pages(self, *, moment: str | None = None, cursor: str | None = None, limit: int = 100) -> PageListing:
        """Return deliveries, newest first: each page sent or not sent, over each channel, with the reason."""
        raise NotImplementedError

    def nodes(self) -> tuple[NodeRow, ...]:
        """Return every node of the plan and every other one ever seen, by id."""
        raise NotImplementedError

    def quarantine(self, limit: int = 100) -> tuple[QuarantineRow, ...]:
        """Return what was not taken, newest first; the store keeps the newest 10,000."""
        raise NotImplementedError

    def quarantined(self) -> int:
        """Return how many things were ever quarantined."""
        raise NotImplementedError

    def tally(  # noqa: PLR0913 - the API's own filters
        self,
        *,
        since_ms: int | None = None,
        until_ms: int | None = None,
        by: By = "expectation",
        expectation: str | None = None,
        touchpoint: str | None = None,
        area: str | None = None,
        team: str | None = None,
    ) -> tuple[TallyRow, ...]:
        """Return counts by group, from the tally that is kept with every publication; in the order of the groups.

        `since_ms` and `until_ms` are taken down to full local hours of the moments' openings. ``by="interaction"``
        counts outcomes, ``by="key"`` every moment of each key.
        """
        raise NotImplementedError

    def chain(self) -> ChainHead:
        """Return the head of the journal's hash chain; entry 0 for an empty journal."""
        raise NotImplementedError

    def entries(self, first: int = 1) -> Iterator[Entry]:
        """Yield journal entries from `first` on, in order."""
        raise NotImplementedError

    def meta(self, key: str) -> str | None:
        """Return a fact about the store: ``epoch``, ``session``, ``site``."""
        raise NotImplementedError

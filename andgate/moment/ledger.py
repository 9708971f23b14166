"""What has become of one moment's pages. Kept apart from the moment, so that no refold repeats a page."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Fate = Literal["sent", "claimed", "superseded"]


class Ledger(Struct, kw_only=True, omit_defaults=True):
    """Of one moment: what was decided, and who was told."""

    steps: dict[int, Fate] = {}
    """Step -> what became of it; a step that is not here has not been due."""
    alarmed: bool = False
    """What to page for the signal that threatens it has been decided; not so any more when that is taken back, or when
    those paged have been told that it is over."""
    alarmed_ms: int | None = None
    """When it was, last; None: nobody knows of a threat by a signal."""
    alarms_over: int = 0
    """How often it was not so any more."""
    again: list[str] = []
    """Opening signals of a failed moment whose "still waiting" has been decided."""
    told: list[str] = []
    """Groups that were paged and not yet told that it is over."""
    reopenings: int = 0
    over: bool = False
    """Those paged have been told that it is over."""
    paged_ms: dict[int, int] = {}
    """Step that is repeated -> when its group was paged last."""
    rounds: dict[int, int] = {}
    """Step -> how often it was repeated."""
    held: list[int] = []
    """Steps whose repeat is not sent while a claim stands."""
    handed: list[str] = []
    """Actions that handed a claim over, for which it has been decided whom to page."""
    lapse: str | None = None
    """The last claim, whose end has been looked at; see `Lapse`."""
    lapses: int = 0
    """How often the last group was told so because nothing else would have followed."""

    def forget_alarm(self) -> None:
        """The next threat by a signal is news: this one is taken back, or over."""
        if self.alarmed:
            self.alarmed = False
            self.alarms_over += 1

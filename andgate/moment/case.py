"""A case: one moment as the fold works on it, and what else the fold keeps.

Mutable, without identity, publication or pages; those belong to what is published.
"""

from __future__ import annotations

from copy import copy
from typing import Literal

from msgspec import Struct

from andgate.moment.events import AnyEvent
from andgate.moment.signals import About, Action, Owed, Signal
from andgate.moment.table import State

End = Literal["closed", "reset", "gave-up", "voided-by-signal", "voided-by-person", "replanned", "contradicted"]
Place = tuple[str, str | None]
"""(touchpoint, key)."""
Order = tuple[int, str, int, int, str]
Clear = dict[str, dict[str, Order]]
"""Touchpoint -> sensor -> since when it is known to see no line (of one that is blind: what it said last)."""
CONTRADICTED = "contradicted"
"""Reason of a void by a sensor's word against a press."""
Sighting = tuple[tuple[int, str, int, int, str], str]
"""An opening signal's place in the fold, and its witness."""


class PlanMark(Struct, frozen=True):
    """From `at_ms` on, another plan: a place in the fold's order, before the signals of that millisecond."""

    at_ms: int
    version: str

    @property
    def order(self) -> tuple[int, str, int, int, str]:
        """Return the place in the fold: before every signal of its millisecond."""
        return (self.at_ms, "", 0, 0, "")


Item = Signal | Action | PlanMark


class Case(Struct, kw_only=True, omit_defaults=True):
    """A moment as the fold works on it."""

    touchpoint: str
    key: str | None
    plan: str
    """Version of the plan in force when it opened."""
    opened_ms: int
    ends_ms: int
    mark_ms: int | None
    """When the clock threatens it; None: never."""
    gives_up_ms: int
    """How long after the deadline it ends by itself, if nobody closes it."""
    opened_found: bool
    pressed: bool = False
    """A press opened it, not a signal that can stand."""
    about: About
    signals: list[str]
    """Identities of its opening signals, the first opens."""
    witnesses: list[str]
    sightings: list[Sighting] = []
    """The same signals with their places in the fold: two cases that become one are put in order by them."""
    path: list[tuple[int, str]] = []
    """Since when it was where, once it has moved; empty while it stands where it opened."""
    again: list[tuple[int, str]] = []
    """Opening signals that came when it had failed, with their times: still waiting."""
    threat_ms: int | None = None
    threat_signal: str | None = None
    threat_name: str | None = None
    """What threatened it, in the signal's word: ``jammed``."""
    fail_signal: str | None = None
    """The signal that failed it at once; the deadline is that signal's time."""
    ended_ms: int | None = None
    end: End | None = None
    end_signal: str | None = None
    end_found: bool = False
    sensor: Literal["agreed", "silent"] | None = None
    """Opened by a press: whether a sensor there agreed while it was open; None: no press, or no sensor that saw."""
    ask_ms: int | None = None
    """When the desk will be asked if the sensor goes on contradicting the press; None: not, or not any more."""
    asked_ms: int | None = None
    """When it was asked."""
    doubt_ms: int | None = None
    """When it will be void if nobody confirms it; None: not, or not any more."""
    void_reason: str | None = None
    void_by: str | None = None
    owed: Owed | None = None
    """Which failure it makes good, if it is a remedy task."""
    facts: list[AnyEvent] = []
    """What cannot be seen by comparing two publications; `moment` is filled in when they are published."""

    @property
    def limit_ms(self) -> int:
        """Return when it ends by itself."""
        return self.ends_ms + self.gives_up_ms

    @property
    def over_ms(self) -> int:
        """Return when it ended, or will end by itself."""
        return self.limit_ms if self.ended_ms is None else self.ended_ms

    def settle(self) -> None:
        """Nothing is asked about it, and no doubt ends it, from here on."""
        self.ask_ms = self.doubt_ms = None

    def state_at(self, at_ms: int) -> State:
        """Return the state a signal of that time meets; the case must not have ended."""
        if self.fail_signal is not None or at_ms > self.ends_ms:
            return State.FAILED
        threatened = self.threat_ms is not None or (self.mark_ms is not None and at_ms >= self.mark_ms)
        return State.THREATENED if threatened else State.OPEN

    def touchpoint_at(self, at_ms: int) -> str:
        """Return where it was at that time."""
        return next((place for since_ms, place in reversed(self.path) if since_ms <= at_ms), self.touchpoint)

    def copy(self) -> Case:
        """Return an independent copy."""
        twin = copy(self)
        twin.about, twin.signals, twin.witnesses = self.about.copy(), self.signals.copy(), self.witnesses.copy()
        twin.again, twin.facts, twin.sightings = self.again.copy(), self.facts.copy(), self.sightings.copy()
        twin.path = self.path.copy()
        return twin


class Blindness(Struct):
    """A span in which a device could not be trusted to see."""

    touchpoint: str
    device: str
    from_ms: int
    to_ms: int | None = None
    why: str | None = None

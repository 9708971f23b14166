"""A moment of truth as it is published: one expectation, at one touchpoint, for one key."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from andgate.moment.claims import Claim
from andgate.moment.signals import About, Before
from andgate.moment.teams import Team
from andgate.plan import Category

State = Literal["open", "ended"]
Verdict = Literal["success", "failure", "void"]
Level = Literal["open", "threatened", "failing", "failed", "ended"]
Sensor = Literal["agreed", "contradicted", "silent"]


class Word(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody said about a moment's cause, or gave to the customers."""

    text: str
    by: str
    at_ms: int
    category: Category | None = None
    cause: str | None = None
    """Id of the cause in the plan's list; None: words of their own."""
    gave: tuple[str, ...] = ()
    """What was given, of what the plan lets staff give."""
    comment: str | None = None


class Moment(Struct, frozen=True, kw_only=True):
    """One publication of a moment of truth; (id, change) names it. Times are UTC milliseconds."""

    id: str
    """32 hex digits, derived from expectation, touchpoint, key and the signal that first opened it."""
    anchor: str
    """Identity of that signal; persons' actions are kept against it."""
    expectation: str
    interactions: tuple[str, ...] = ()
    touchpoint: str
    key: str | None = None
    about: About = {}
    opened_ms: int
    threatened_ms: int | None = None
    failing_ms: int | None = None
    """When the last third of the time begins, if it is threatened by then; known ahead, for lamps and signs."""
    claimed_ms: int | None = None
    """Since when enough people are on it; None while they are not."""
    claimed_by: str | None = None
    """Who came first; where several are needed, who made them enough."""
    claim_until_ms: int | None = None
    """When too few will be left of those who are on it; None where that does not come."""
    ends_ms: int
    """The deadline."""
    counts_to_ms: int
    """What a staff sign counts down to."""
    closed_ms: int | None = None
    ended_ms: int | None = None
    """When it ended, also where nobody closed it (given up, void)."""
    state: State = "open"
    level: Level = "open"
    verdict: Verdict | None = None
    saved: bool = False
    answered: bool = False
    provisional: bool = False
    reason: str | None = None
    """Why it is void, provisional, or was never closed; in words."""
    late_s: float | None = 0.0
    """Seconds after the deadline that a failed moment was closed; None while that is not known."""
    anomaly: bool = False
    sensor: Sensor | None = None
    """What the sensors there said of a press that opened it; None: no press, or no sensor that could say anything."""
    contradicted_ms: int | None = None
    """When the desk was asked, since a sensor contradicted the press; None: it was not."""
    asks_until_ms: int | None = None
    """While the desk is asked: when it will be void, if nobody confirms it."""
    cause: str | None = None
    remedy: str | None = None
    witnesses: tuple[str, ...] = ()
    revision: int = 0
    change: int = 1
    plan: str
    """Version of the plan it is judged by."""
    training: str | None = None
    """Group that trained there: nobody else was paged, and it counts in no rate. None: it was real."""
    withdrawn: bool = False
    """It turned out not to be a moment of its own."""
    withdrawn_into: str | None = None
    """The moment that took it in, if any."""
    claims: tuple[Claim, ...] = ()
    """Everybody who is on it, first come first, where that says more than `claimed_by`: see `coming`."""
    needs: int = 1
    """So many different people must be on it."""
    caused: Word | None = None
    """Who gave `cause`, when, and what else they said; None: nobody has yet."""
    given: Word | None = None
    """The same of `remedy`."""
    remedies: str | None = None
    """Of a remedy task: the failed moment that it makes good. It counts in no interaction, and in its own rate only."""
    before: tuple[Before, ...] = ()
    """Of a remedy task: what had failed for the same key before; such a failure is exceptional."""
    team: Team | None = None
    """Who answered for it at its opening; None: the group does not work in shifts."""
    team_due: Team | None = None
    """The same at its deadline."""

    @property
    def coming(self) -> tuple[Claim, ...]:
        """Everybody who is on it, first come first; after its end: who was."""
        if self.claims or self.claimed_ms is None or self.claimed_by is None:
            return self.claims
        return (Claim(self.claimed_ms, self.claimed_by, self.claim_until_ms),)

"""What was decided: past tense, frozen. The journal keeps them; trails, pages and screens are made of them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from andgate.moment.teams import Team
from andgate.plan import Category


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event"):
    """Something the engine decided about one moment."""

    moment: str
    at_ms: int
    """Site time it took effect: a failure's is its deadline, never the wake-up."""


class Opened(Event, frozen=True, kw_only=True, tag="opened"):
    """A promise is running."""

    signal: str
    witness: str
    team: Team | None = None
    """Who answers for it; None: the group does not work in shifts."""


class Witnessed(Event, frozen=True, kw_only=True, tag="witnessed"):
    """Another opening signal saw the same moment."""

    signal: str
    witness: str


class Rejoined(Event, frozen=True, kw_only=True, tag="rejoined"):
    """It opened again so soon after its end that it goes on, deadline and all."""

    signal: str
    witness: str


class Threatened(Event, frozen=True, kw_only=True, tag="threatened"):
    """Likely to fail: by the clock, or by a signal that threatens."""

    signal: str | None = None


class Failing(Event, frozen=True, kw_only=True, tag="failing"):
    """Threatened, and in the last third of its time."""


class Contradicted(Event, frozen=True, kw_only=True, tag="contradicted"):
    """A press, and the sensor beside it has seen no line since: the desk is asked."""

    until_ms: int
    """Without a second press or the sensor's word it is void by then."""


class Refused(Event, frozen=True, kw_only=True, tag="refused"):
    """A closing signal while a hold stands: the reset is refused."""

    signal: str
    witness: str
    held_by: tuple[str, ...]


class Kept(Event, frozen=True, kw_only=True, tag="kept"):
    """Ended in time; it had never been threatened."""

    signal: str | None = None


class Saved(Event, frozen=True, kw_only=True, tag="saved"):
    """Ended in time after a threat."""

    signal: str | None = None


class Failed(Event, frozen=True, kw_only=True, tag="failed"):
    """The deadline passed, or a signal failed it at once."""

    signal: str | None = None
    team: Team | None = None
    """Who answered for it at the deadline; None: the group does not work in shifts."""


class Closed(Event, frozen=True, kw_only=True, tag="closed"):
    """A failed moment was closed at last."""

    signal: str | None = None
    late_s: float


class GaveUp(Event, frozen=True, kw_only=True, tag="gave-up"):
    """Nobody closed it; it ended by itself."""


class Voided(Event, frozen=True, kw_only=True, tag="voided"):
    """It does not count: by a signal, a person, or a changed plan."""

    reason: str
    by: str | None = None
    signal: str | None = None


class Unvoided(Event, frozen=True, kw_only=True, tag="unvoided"):
    """A person took the void back."""

    by: str | None = None


class Moved(Event, frozen=True, kw_only=True, tag="moved"):
    """It goes on at another touchpoint."""

    signal: str
    to: str


class Claimed(Event, frozen=True, kw_only=True, tag="claimed"):
    """Somebody is on it."""

    by: str
    until_ms: int | None
    have: int = 1
    """So many different people are on it now."""
    needs: int = 1
    """So many must be, before it counts as claimed."""
    took: str | None = None
    """Whose claim was taken over."""
    first: str | None = None
    """Which first action they do, in the plan's words."""

    @property
    def enough(self) -> bool:
        """Whether nobody else is needed."""
        return self.have >= self.needs


class ClaimLapsed(Event, frozen=True, kw_only=True, tag="claim-lapsed"):
    """The promised time passed without an end."""

    by: str


class Unclaimed(Event, frozen=True, kw_only=True, tag="unclaimed"):
    """Somebody gave it back."""

    by: str
    whose: str | None = None
    """Whose claim it was, where somebody else ended it."""
    reason: str | None = None
    """Why, where somebody said so."""


class HandedOver(Event, frozen=True, kw_only=True, tag="handed-over"):
    """Somebody who is on it asks others to take over, and stays on it until they have."""

    by: str
    whose: str | None = None
    """Whose claim it is, where somebody else hands it over."""
    group: str | None = None
    person: str | None = None
    """One person, by opaque id."""
    reason: str | None = None


class Overridden(Event, frozen=True, kw_only=True, tag="overridden"):
    """A person ended it although a hold stood."""

    by: str
    reason: str


class Noted(Event, frozen=True, kw_only=True, tag="noted"):
    """A person gave a cause or a remedy."""

    what: Literal["cause", "remedy"]
    text: str
    by: str
    category: Category | None = None
    cause: str | None = None
    """Id of the cause in the plan's list."""
    gave: tuple[str, ...] = ()
    """What was given, of what the plan lets staff give."""
    comment: str | None = None


class Revised(Event, frozen=True, kw_only=True, tag="revised"):
    """Late knowledge changed what had been published; `changed` names the fields, `was` and `now` their values."""

    changed: tuple[str, ...]
    was: dict[str, str | int | float | bool | None]
    now: dict[str, str | int | float | bool | None]
    because: str
    """The signal that did it, or what happened to one, in words."""


class Doubted(Event, frozen=True, kw_only=True, tag="doubted"):
    """A provisional verdict: a device that might have contradicted it did not see then."""

    device: str
    why: str | None = None
    """What was wrong with it, in a word: ``lost``, ``stopped``, ``stale``, or its own fault."""
    from_ms: int
    to_ms: int | None = None
    """When it saw again, if that was known then."""


class Confirmed(Event, frozen=True, kw_only=True, tag="confirmed"):
    """A provisional verdict stands: nothing can contradict it any more."""

    because: str | None = None
    """What was learned, in words."""


class Withdrawn(Event, frozen=True, kw_only=True, tag="withdrawn"):
    """It turned out not to be a moment of its own."""

    into: str | None = None


class AskedVoid(Event, frozen=True, kw_only=True, tag="asked-void"):
    """A moment with a person's void was joined into this one; a void does not move over, so somebody is asked."""

    joined: str
    by: str
    reason: str


PageReason = Literal[
    "time-left", "threatened", "claim-lapsed", "still-waiting", "reopened", "repeat", "handed-over", "quiet-over"
]


class Ahead(Struct, frozen=True):
    """A threat that goes before the one a page is about."""

    moment: str
    touchpoint: str
    key: str | None
    left_ms: int


class Paged(Event, frozen=True, kw_only=True, tag="paged"):
    """A group is told. `page` is unique: (moment, step), or the moment and what else was the reason."""

    page: str
    step: int
    """Index in the plan's ladder; 0 for `threatened`, `still-waiting` and `handed-over`."""
    group: str
    reason: PageReason
    signal: str | None = None
    """The word of the signal that threatens it, where that is the reason: ``jammed``."""
    left_ms: int
    """Time left at `at_ms`; negative after the deadline."""
    late_ms: int = 0
    """How long after its time the page was decided."""
    among: int = 1
    """So many threats the group has to choose from now, this one among them."""
    ahead: Ahead | None = None
    """Which of them to go to first; None: this one."""
    first: str | None = None
    """What to do first, where the record says otherwise than the plan."""
    cancels: bool = False
    """A later claim cancels it while it is not surely sent (the step says ``unless = "claimed"``, or a repeat)."""
    person: str | None = None
    """Only this one of them, by opaque id."""


class PageSkipped(Event, frozen=True, kw_only=True, tag="page-skipped"):
    """A page that was not sent, and why; a lapsed claim may bring it back."""

    step: int
    group: str
    because: Literal["claimed", "superseded", "ended"]


class StoodDown(Event, frozen=True, kw_only=True, tag="stood-down"):
    """It is over; everybody who was paged is told so."""

    groups: tuple[str, ...]


AnyEvent = (
    Opened
    | Witnessed
    | Rejoined
    | Threatened
    | Failing
    | Contradicted
    | Refused
    | Kept
    | Saved
    | Failed
    | Closed
    | GaveUp
    | Voided
    | Unvoided
    | Moved
    | Claimed
    | ClaimLapsed
    | Unclaimed
    | HandedOver
    | Overridden
    | Noted
    | Revised
    | Doubted
    | Confirmed
    | Withdrawn
    | AskedVoid
    | Paged
    | PageSkipped
    | StoodDown
)

"""What was seen: signals and persons' actions, frozen, on the site's timeline.

Names of signals are the plan's (``pressed``, ``reached``, ``docked``, ...), so one type carries them all. A few names
mean something by themselves, whatever the plan says; they are the constants of `andgate.plan.reserved`.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from andgate.moment.hush import Hush, Listening, Muted, Released, Trained, Unmuted, Untrained
from andgate.plan import Category, Plan
from andgate.plan.reserved import BLIND, GAP, HEARD, MOVED, RELEASED, RESERVED, SERVING, SIGHTED, STAFFED, WATCHED

__all__ = [
    "BLIND",
    "GAP",
    "HEARD",
    "MOVED",
    "RELEASED",
    "RESERVED",
    "SERVING",
    "SIGHTED",
    "STAFFED",
    "WATCHED",
    "About",
    "Action",
    "ActionKind",
    "Before",
    "Hush",
    "Input",
    "Listening",
    "Muted",
    "Owed",
    "Released",
    "Replanned",
    "Retimed",
    "Signal",
    "Trained",
    "Unmuted",
    "Untrained",
    "encode_inputs",
]

About = dict[str, str | int | float | bool | None]


class Before(Struct, frozen=True):
    """A failure that went before another one of the same key."""

    moment: str
    expectation: str
    touchpoint: str
    at_ms: int
    """Its deadline."""


class Owed(Struct, frozen=True):
    """Which failure a remedy task makes good."""

    moment: str
    key: str | None
    """Of the failed moment."""
    before: tuple[Before, ...] = ()
    """What had failed for the same key before, oldest first."""


class Signal(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="signal", tag_field="kind", gc=False):
    """Something a device, a feed or a script saw.

    The fold's order is `order`; two signals with one `id` are one signal.
    """

    id: str
    """Identity: ``n/{node}/{boot}/{seq}`` or ``f/{id}``."""
    name: str
    touchpoint: str
    at_ms: int
    """Site time when it happened, UTC."""
    received_ms: int
    """Site time when the hub first had it."""
    source: str
    """Node id, or the feed's name."""
    device: str = ""
    """``node/device`` for a node's; what an API signal calls itself, or empty."""
    boot_rank: int = 0
    """How many boots of any node the hub had seen when it first saw this one's; 0 for feeds."""
    seq: int = 0
    key: str | None = None
    value: int | float | str | bool | None = None
    to: str | None = None
    """Where `moved` moves to."""
    about: About = {}
    found: bool = False
    """A level found at start, not a change that was seen."""
    retracts: str | None = None
    """Identity of an earlier signal that this one takes out of the fold (also a reset-hold's own press)."""
    within_ms: int | None = None
    """How wrong `at_ms` may be, either way; None: nobody knows. The fold does not look at it."""
    training: str | None = None
    """Group that trains at this device: it is folded apart, as if the place were another one. None: it is real."""
    owed: Owed | None = None
    """Which failure is to be made good; only of signals that the engine makes itself (`andgate.moment.owing`)."""

    @property
    def order(self) -> tuple[int, str, int, int, str]:
        """Return the place in the fold: site time, source, boot first seen, seq, id."""
        return (self.at_ms, self.source, self.boot_rank, self.seq, self.id)

    @property
    def witness(self) -> str:
        """Return the name among a moment's witnesses: the device, else the source."""
        return self.device or self.source


ActionKind = Literal["claim", "unclaim", "void", "unvoid", "reset", "cause", "remedy", "hand-over"]


class Action(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="action", tag_field="kind"):
    """What a person did about a moment; kept against the moment's first signal, so that it survives a refold."""

    id: str
    do: ActionKind
    moment: str
    """The moment's id as the person saw it."""
    at_ms: int
    by: str
    """Opaque id of the person or token."""
    promise_ms: int | None = None
    """A claim's promised duration; None: to the next step."""
    several: bool = False
    """A claim that stands beside those of others, as every claim does now. In a journal from before it does not say
    so, and there a claim replaces the one before it."""
    whose: str | None = None
    """Whose claim is given back or handed over, where it is not one's own; opaque like `by`."""
    group: str | None = None
    """Who shall take it over: a group..."""
    person: str | None = None
    """...or one person, by opaque id."""
    reason: str | None = None
    """Why (void, reset), or the words of a cause or remedy."""
    category: Category | None = None
    """Of a cause."""
    cause: str | None = None
    """Id of the cause in the plan's list; None: words of somebody's own."""
    gave: tuple[str, ...] = ()
    """Of a remedy: what was given, of what the plan lets staff give."""
    comment: str | None = None
    """What else there is to say of a cause or a remedy."""
    first: str | None = None
    """Of a claim: which first action is being done, in the plan's words."""


class Retimed(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="retimed", tag_field="kind"):
    """A better clock offset moved a signal on the site's timeline."""

    signal: str
    at_ms: int
    within_ms: int | None = None
    """How wrong that may still be; None: nobody knows."""


class Replanned(Struct, frozen=True, kw_only=True, tag="replanned", tag_field="kind"):
    """From `at_ms` on, signals meet this plan."""

    plan: Plan
    at_ms: int


Input = Signal | Action | Retimed | Replanned | Hush
"""What the engine takes in. Order within one `receive` does not matter."""

encode_inputs = msgspec.json.Encoder().encode

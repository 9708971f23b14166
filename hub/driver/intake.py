"""What joins the driver's queue, and what its senders are told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Muted, Trained, Unmuted, Untrained
from andgate.plan import Plan
from andgate.wire.messages import Command, FeedSignal
from hub.quiet import View
from hub.store.drills import Drill


class Delivered(Struct, gc=False, frozen=True):
    """A message as MQTT delivered it. `token` is what the link needs to acknowledge it."""

    topic: str
    payload: bytes
    retained: bool
    received_ms: int
    token: int


class Accepted(Struct, frozen=True):
    """What became of posted signals."""

    accepted: int
    duplicates: int


class Posted(Struct, frozen=True):
    """Signals over HTTP: stored whole or not at all."""

    members: list[FeedSignal]
    feed: str
    future: Future[Accepted]


class Acted(Struct, frozen=True):
    """What a person did."""

    action: Action
    future: Future[Moment]


Ask = Muted | Unmuted | Trained | Untrained


class Asked(Struct, frozen=True):
    """What a person asks about quiet; answered with what is quiet from then on."""

    hush: Ask
    future: Future[View]


class Tapped(Struct, frozen=True):
    """What somebody did with the link in a page: it works once, and that is stored together with what it did."""

    link: int
    """The delivery that it came with, by `PageRow.id`."""
    actions: tuple[Action, ...]
    """One, or one for each moment of a bundle; all by the same person."""
    person: str | None
    """Whose link it is, by opaque id; None: everybody's who got it, and then `by` of the actions is a name."""
    future: Future[list[Moment]]


class Tried(Struct, frozen=True):
    """A page that only tries one channel of one person; answered with its id."""

    person: str
    channel: str
    future: Future[str]


class Commanded(Struct, frozen=True):
    """A word for a node."""

    node: str
    command: Command
    future: Future[None]


class Held(Struct, frozen=True):
    """A delivery of which it is on record that it surely did not go out, and which is about to be tried again.

    `done` is called when the commit that holds it is through: from then on a crash means that it may have gone out.
    """

    id: int
    moment: str
    done: Callable[[], None]


class Drilled(Struct, frozen=True):
    """What is known of a drill, and what it found dead: (node, device, kind) of a fault -> what was found."""

    drill: Drill
    found: dict[tuple[str, str, str], str]
    checked: frozenset[tuple[str, str, str]]
    """What it has looked at: of these, whatever is not in `found` is well."""


class Replaced(Struct, frozen=True):
    """A plan to put in force, and its text."""

    plan: Plan
    source: str
    future: Future[str]

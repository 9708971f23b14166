"""What the store hands out: frozen rows, with times in UTC milliseconds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment
from andgate.moment.signals import Signal
from andgate.plan.quiet import Scope
from andgate.wire.messages import Health

By = Literal["interaction", "expectation", "touchpoint", "area", "hour", "day", "key", "team", "shift", "remedy"]
"""What success rates can be broken down by; ``remedy``: the remedy tasks of each promise, which count nowhere else."""

PageState = Literal["queued", "sent", "failed", "cancelled", "muted"]
"""A page's way: queued until it is surely sent; muted where the hub only listens."""

NOTICE = "fault/"
"""What the `page` and `moment` of a page about a node or device begin with: it is about no moment."""
SHIFT = "shift/"
"""The same of what a new shift is told."""
KEPT = "/kept"
"""What the `page` and `moment` of what a new shift was not told end with: it was quiet then."""
TEST = "test/"
"""The same of a page that only tries a person's channel."""

BUNDLE = "bundle:"
"""What the `page` and `moment` of a page about several moments begin with; their own rows name it in `bundle`."""
SKIPPED = ":skipped:"
"""In the id of a page that was never to go out."""
NAMED = "+"
DRILL = "drill:"
"""What the `page` of a drill's note begins with: it is in no outbox."""

UNSTAFFED = "unstaffed"
"""The kind of fault that a group is which has nobody on shift who can be reached."""

OutcomeState = Literal["success", "failure", "pending", "incomplete"]

SignalState = Literal["judged", "untimed"]
"""Untimed: kept and shown, but nothing says when it happened, so it judges nothing."""


class Listing(Struct, frozen=True):
    """One page of moments, newest opening first; `next` is the cursor of the following one, None at the end."""

    items: tuple[Moment, ...]
    next: str | None


class TrailLine(Struct, frozen=True):
    """One event of a moment: journal entry, when it took effect, when it was decided, and the event."""

    n: int
    at_ms: int
    now_ms: int
    event: AnyEvent


class SignalRow(Struct, frozen=True):
    """A stored signal. `signal.at_ms` is its site time as known now."""

    signal: Signal
    entry: int
    """Journal entry that took it in; 0 where it is untimed."""
    state: SignalState
    first_at_ms: int
    """The site time it was first given; other than `signal.at_ms` where a better clock offset moved it."""
    within_ms: int | None = None
    """How wrong `signal.at_ms` may be, either way; None: nobody knows."""


class OutcomeRow(Struct, frozen=True):
    """The outcome of one interaction for one key (None: an interaction without keys)."""

    interaction: str
    key: str | None
    state: OutcomeState
    first: str | None
    """The moment whose failure came first."""
    failing: tuple[str, ...]
    """Every failing input's moment."""
    at_ms: int
    """When the first of its moments opened."""
    decided_ms: int
    """When this state was computed."""


class OutcomeListing(Struct, frozen=True):
    """One page of outcomes, newest first."""

    items: tuple[OutcomeRow, ...]
    next: str | None


class PageRow(Struct, frozen=True):
    """One delivery of a page (or of the word that it is over) over one channel: sent or not, and why."""

    id: int
    page: str
    kind: Literal["page", "over"]
    moment: str
    expectation: str
    touchpoint: str
    key: str | None
    group: str
    channel: str
    title: str
    text: str
    reason: str
    """Why it was decided."""
    left_s: float
    late: bool
    cancels: bool
    """A claim cancels it while it is not surely sent."""
    state: PageState
    decided_ms: int
    due_ms: int
    """When it is tried (next)."""
    tries: int
    sent_ms: int | None
    again: bool
    """It may have gone out before: a crash came between sending and recording."""
    note: str
    """Why it is in this state, in words."""
    session: int = 0
    """The hub session that holds it for sending."""
    person: str | None = None
    """Opaque id of the one person it goes to, over `channel` (`andgate.routing.personal`); None: to the whole group."""
    delivered_ms: int | None = None
    """When it surely was in the receiver's device, as far as its channel can tell."""
    read_ms: int | None = None
    """When a person surely saw it: answered, or tapped it."""
    stands_for: int | None = None
    """The delivery that reached nobody and for which this one goes out; of an "over": the fallback it follows."""
    bundle: str = ""
    """The page of several threats in which it is told; with a "+" at its end where that names it once more, and it went
    out itself too. Of such a page itself: its own id."""
    adds: str = ""
    """What it says besides `text`: pages to the same receiver that were held back before it."""

    def untried(self) -> PageRow:
        """Return a delivery alike of which nobody has tried anything yet, and which stands by itself."""
        return replace(self, tries=0, sent_ms=None, again=False, delivered_ms=None, read_ms=None, bundle="", adds="")

    @property
    def about(self) -> str | None:
        """The moment it is about; None where it is about a node or device, or about several moments."""
        return None if self.moment.startswith((NOTICE, BUNDLE, SHIFT, TEST)) else self.moment

    @property
    def told_in(self) -> str:
        """The bundle that is sent in its place; empty where it goes out itself."""
        return "" if self.bundle == self.moment or self.bundle.endswith(NAMED) else self.bundle

    @property
    def for_room(self) -> bool:
        """Whether its group's break room calls for somebody, whatever became of this way to them."""
        return self.kind == "page" and self.person is None and self.state != "muted" and SKIPPED not in self.page


class PageListing(Struct, frozen=True):
    """One page of deliveries, newest first."""

    items: tuple[PageRow, ...]
    next: str | None


class NodeRow(Struct, frozen=True):
    """A node as the hub knows it: what it said, what it should be, what is wrong."""

    node: str
    state: Literal["online", "lost", "stopped", "unseen"]
    session: int | None
    boot: str | None
    version: str | None
    config: str | None
    """Hash of the configuration it says it runs."""
    wanted: str | None
    """Hash of the configuration it should run; None where the plan no longer has it."""
    since_ms: int | None
    """Since when it is in this state."""
    seen_ms: int | None
    """When the hub last heard anything of it."""
    health: Health | None
    health_ms: int | None
    offset_ms: float | None
    """Site time minus the node's monotonic clock, in this boot; None where it was never measured."""
    untimed: int
    """Stored signals that nobody can put on the timeline."""
    blind: tuple[str, ...]
    """Devices (``node/device``) that cannot be trusted to see now."""
    fault: str | None
    """What is wrong with it, in words."""
    within_ms: float | None = None
    """How wrong `offset_ms` may be; None: nobody knows."""
    clock: str | None = None
    """What is wrong with its clock, in words."""


class FaultRow(Struct, frozen=True):
    """Something is wrong with a node or device; `hub.fleet.faults` has the words."""

    node: str
    """A node, or ``feed/NAME``."""
    device: str
    """Empty where it is the node's own."""
    kind: str
    since_ms: int
    seen_ms: int
    detail: str
    page: str
    """The page that told technicians; empty where none did."""


class SenderRow(Struct, frozen=True):
    """How much came from one node or feed since the store began."""

    kind: Literal["node", "feed"]
    name: str
    """``*``: all for whom there was no room."""
    accepted: int
    duplicates: int
    quarantined: int
    minute: int
    """Messages in the last full minute, or in the one that ran when it was written."""
    seen_ms: int


class MuteRow(Struct, frozen=True, kw_only=True):
    """A mute that somebody made; persons by opaque id."""

    id: str
    scope: Scope
    owner: str
    reason: str
    faults: bool
    begin_ms: int
    end_ms: int
    by: str
    made_ms: int
    ended_ms: int | None = None
    """When somebody ended it; None: nobody has, so that it ends by itself."""
    ended_by: str | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether it counts at a time."""
        return self.begin_ms <= at_ms < (self.end_ms if self.ended_ms is None else min(self.ended_ms, self.end_ms))


class TrainingRow(Struct, frozen=True):
    """Devices that somebody gave to training for a while."""

    id: str
    who: str
    """A node, or ``node/device``."""
    trainer: str
    from_ms: int
    until_ms: int
    by: str
    ended_ms: int | None = None
    ended_by: str | None = None

    def holds(self, at_ms: int) -> bool:
        """Whether it counts at a time."""
        return self.from_ms <= at_ms < (self.until_ms if self.ended_ms is None else min(self.ended_ms, self.until_ms))

    def of(self, device: str) -> bool:
        """Whether it is about a device (``node/device``)."""
        return device == self.who or device.startswith(f"{self.who}/")


class QuarantineRow(Struct, frozen=True):
    """Something that came in and was not taken; the first 8 KiB of it."""

    id: int
    at_ms: int
    topic: str
    """MQTT topic."""
    reason: str
    payload: bytes
    size: int
    """Bytes it had in full."""


class Counts(Struct, frozen=True):
    """What success rates are made of; void moments count in `void` only."""

    success: int = 0
    failure: int = 0
    void: int = 0
    saved: int = 0
    answered: int = 0
    anomaly: int = 0
    provisional: int = 0
    """Verdicts among `success` and `failure` that could still change."""
    pending: int = 0
    """Outcomes only: not decided yet."""
    incomplete: int = 0
    """Outcomes only: never all there."""
    pressed: int = 0
    """Opened by a press where a sensor could say something; void moments among them."""
    agreed: int = 0
    """Of these, a sensor agreed while it was open."""
    contradicted: int = 0
    """Of these, a sensor contradicted, so that the desk was asked."""


class TallyRow(Struct, frozen=True):
    """Counts of one group of a breakdown."""

    group: str
    """Id of the expectation, touchpoint, ..., area name, local day ``2026-11-21`` or local hour ``00`` to ``23``."""
    counts: Counts


class CellRow(Struct, frozen=True):
    """Verdicts of one expectation at one touchpoint whose moments opened in one local hour; void ones left out."""

    hour_ms: int
    """When the hour began, UTC."""
    expectation: str
    touchpoint: str
    success: int
    failure: int
    saved: int = 0
    anomaly: int = 0
    pressed: int = 0
    agreed: int = 0
    contradicted: int = 0


class ChainHead(Struct, frozen=True):
    """The newest journal entry and its hash (hex)."""

    entry: int
    hash: str


class Entry(Struct, frozen=True):
    """A journal entry as it is stored; `body` is the hashed JSON."""

    n: int
    now_ms: int
    body: bytes
    prev: bytes
    hash: bytes

"""Every body that ``/api/v1`` answers with or takes: their schemas are the API's. Times are RFC 3339 in UTC."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from andgate.audit import What
from andgate.plan.model import Category
from andgate.wire.messages import DeviceHealth, MomentMessage, Text, Value
from hub.store.rows import OutcomeState, PageState, SignalState

Words = Annotated[str, Meta(min_length=1, max_length=500)]
Facts = dict[str, Value | list[str] | dict[str, Value]]


class MomentList(Struct, frozen=True, kw_only=True):
    """Moments, newest opening first."""

    items: list[MomentMessage]
    next: str | None


class TrailEntry(Struct, frozen=True, kw_only=True):
    """One event of a moment."""

    entry: int
    """Journal entry it stands in."""
    at: str
    """When it took effect."""
    learned_at: str
    """When the hub decided it; later than `at` where a signal came late."""
    event: str
    facts: Facts
    """What else the event says."""


class SignalEntry(Struct, frozen=True, kw_only=True):
    """A signal of a moment's trail."""

    id: str
    signal: str
    touchpoint: str
    at: str
    """Site time, as known now."""
    received_at: str
    source: str
    device: str
    key: str | None
    value: Value
    found: bool
    retracts: str | None
    state: SignalState
    moved_ms: int
    """How far a better clock offset has moved it since it came."""
    within_ms: int | None
    """How wrong `at` may be, either way; null: nobody knows."""


class PageEntry(Struct, frozen=True, kw_only=True):
    """One delivery of a page over one channel: sent or not, and why."""

    page: str
    kind: Literal["page", "over"]
    moment: str | None
    """None: it is about a node or device."""
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
    state: PageState
    decided_at: str
    due_at: str
    sent_at: str | None
    tries: int
    again: bool
    note: str
    """Why it is in this state."""
    delivered_at: str | None
    """When the receiver's device had it, where the channel can tell."""
    read_at: str | None
    """When a person saw it: answered it, or tapped it."""
    fallback: bool
    """It went out in place of one that reached nobody; `reason` says of which, and why."""
    bundle: str | None
    """The page of several threats that tells or names this one; of such a page its own id."""


class PageList(Struct, frozen=True, kw_only=True):
    """Deliveries, newest first."""

    items: list[PageEntry]
    next: str | None


class MomentDetail(MomentMessage, frozen=True, kw_only=True):
    """A moment with everything that led to its verdict."""

    trail: list[TrailEntry]
    """Oldest decision first; pages that were skipped are events too, with the reason."""
    signals: list[SignalEntry]
    pages: list[PageEntry]


class ClaimBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody is on it."""

    by: Text | None = None
    """Who, where the hub is open; else the token says it."""
    promise_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    """Until when it will be reset; without it, to the next step of the escalation."""
    first: Words | None = None
    """Which of the plan's first actions is being done, in its words: the record learns from it what saves most."""


class ByBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Takes a claim or a void back."""

    by: Text | None = None


class HandOverBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks others to take a claim over; whoever has it stays responsible until somebody has claimed."""

    group: Text | None = None
    """Who shall take over: a group..."""
    person: Text | None = None
    """...or one person, by id."""
    reason: Words | None = None
    by: Text | None = None


class ReasonBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Voids or resets a moment; the reason stays on its trail."""

    reason: Words
    by: Text | None = None


class CauseBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says why it failed: `id`, or `cause` in words of one's own; said again it corrects, and the trail keeps both."""

    cause: Words | None = None
    """In words; those of the plan's list count as that cause."""
    id: Text | None = None
    """Of a cause in the plan's list, or one that was proposed."""
    category: Category | None = None
    """Of words of one's own; the list's causes have theirs."""
    comment: Words | None = None
    by: Text | None = None


class RemedyBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says what was done for the customer, and ends the remedy task; at least one of `gave` and `remedy`."""

    remedy: Words | None = None
    """In words of one's own; where the plan says what staff may give, that takes the right ``supervise``."""
    gave: Annotated[list[Text], Meta(max_length=12)] = []
    """What was given, of what the plan lets staff give."""
    comment: Words | None = None
    by: Text | None = None


class Accepted(Struct, frozen=True, kw_only=True):
    """Signals that are stored now, and signals that were."""

    accepted: int
    duplicates: int


class QuietEntry(Struct, frozen=True, kw_only=True):
    """Something that keeps pages from people now, at one place or of one node."""

    rule: Literal["suspended", "muted", "listening", "training"]
    id: str | None
    """Of the mute or the training; of a suspension its contact. None: the plan or the hub says so for good."""
    since: str | None
    """None: for as long as the plan, or the hub's command line, says so."""
    until: str | None
    """None: until its contact, the plan or the hub's command line says otherwise."""
    owner: str | None
    """Who answers for it; of a training the group that is paged in place of everybody else."""
    reason: str
    expectations: list[str]
    """It is about these promises only; empty: about all."""
    groups: list[str]
    """It keeps pages from these groups only; empty: from all."""
    devices: list[str]
    """Only what these report is training; empty where it is none."""


class TouchpointEntry(Struct, frozen=True, kw_only=True):
    """A place where customers are served, and how it stands now."""

    id: str
    name: str
    area: str
    group: str
    hours: str | None
    """Local ``HH:MM-HH:MM``; outside them nothing is due."""
    expectations: list[str]
    nodes: list[str]
    level: Literal["calm", "open", "threatened", "failing", "failed"]
    """Of its most urgent open moment."""
    moments: list[str]
    """Ids of its open moments, nearest deadline first."""
    blind: list[str]
    """Devices that cannot be trusted to see now."""
    quiet: list[QuietEntry]
    """What keeps pages about it from people now, the one that counts first; empty: nothing does."""


class TouchpointList(Struct, frozen=True, kw_only=True):
    """Every touchpoint, in plan order."""

    items: list[TouchpointEntry]
    next: str | None


class FaultEntry(Struct, frozen=True, kw_only=True):
    """Something is wrong with a node, a device or a feed."""

    device: str | None
    """None: it is the node's own."""
    kind: str
    since: str
    what: str
    """What is wrong, in words."""
    do: str
    """What a technician does about it."""
    page: str | None
    """The page that told technicians; None where none did."""


class FeedEntry(Struct, frozen=True, kw_only=True):
    """One feed: how much came from it since the store began."""

    id: str
    """``*``: all for whom there was no room."""
    accepted: int
    duplicates: int
    quarantined: int
    per_minute: int
    """Messages in the last full minute."""
    seen_at: str
    faults: list[FaultEntry]


class FeedList(Struct, frozen=True, kw_only=True):
    """Every feed that has been heard, up to some hundreds."""

    items: list[FeedEntry]
    next: str | None


class NodeEntry(Struct, frozen=True, kw_only=True):
    """One node as the hub knows it."""

    id: str
    state: Literal["online", "lost", "stopped", "unseen"]
    since: str | None
    seen_at: str | None
    session: int | None
    boot: str | None
    version: str | None
    config: str | None
    config_wanted: str | None
    fault: str | None
    blind: list[str]
    untimed: int
    """Signals of ended boots that nobody can put on the timeline: kept, judged never."""
    clock_within_ms: int | None
    """How wrong the times of its signals may be now; null: nobody knows."""
    clock_fault: str | None
    """What is wrong with its clock, in words."""
    spool: int | None
    synced: bool | None
    temperature_c: float | None
    uptime_s: float | None
    wear: str | None
    drops: int | None
    health_at: str | None
    devices: dict[str, DeviceHealth]
    faults: list[FaultEntry]
    """What is wrong with it and its devices, oldest first."""
    accepted: int
    """Signals taken from it since the store began."""
    duplicates: int
    quarantined: int
    """Messages and signals that could not be used."""
    per_minute: int
    """Messages with signals in the last full minute."""
    training: list[QuietEntry]
    """By what some of its devices are for training now."""


class NodeList(Struct, frozen=True, kw_only=True):
    """Every node of the plan, and others that have been seen."""

    items: list[NodeEntry]
    next: str | None


class OutcomeEntry(Struct, frozen=True, kw_only=True):
    """The result of one interaction for one key."""

    interaction: str
    key: str | None
    state: OutcomeState
    first: str | None
    """The moment that failed first."""
    failing: list[str]
    """Every moment that failed it."""
    at: str
    decided_at: str


class OutcomeList(Struct, frozen=True, kw_only=True):
    """Outcomes of one interaction, newest first."""

    items: list[OutcomeEntry]
    next: str | None


class SuccessEntry(Struct, frozen=True, kw_only=True):
    """The success rate of one group of a breakdown."""

    group: str
    name: str
    """The group as people call it."""
    rate: float | None
    """Successes among verdicts that count; None where there are none."""
    low: float | None
    """Wilson interval, 95 %."""
    high: float | None
    n: int
    """Verdicts that count: successes and failures."""
    success: int
    failure: int
    void: int
    saved: int
    answered: int
    anomaly: int
    provisional: int
    pending: int
    incomplete: int
    coverage: float | None
    """Seen of due, 0 to 1: the share of the time within hours in which no device that judges it was blind. None where
    no device judges it, nothing was due, or time has no such groups (keys)."""
    blind_s: float | None
    """Due and not seen."""
    pressed: int | None
    """Moments that a press opened where a sensor could say something, void ones among them. None where it is no
    question of a place or promise: precision is never told of a person."""
    agreed: int | None
    """Of these, how many a sensor agreed with while they were open: its precision."""
    contradicted: int | None
    """Of these, how many a sensor contradicted, so that the desk was asked."""
    false_alarms: int | None = None
    """Void moments that people called false alarms; None where it is no question of one place."""


class Success(Struct, frozen=True, kw_only=True):
    """Success rates by one breakdown."""

    by: str
    since: str | None
    until: str | None
    items: list[SuccessEntry]
    next: str | None


class FindingEntry(Struct, frozen=True, kw_only=True):
    """An open threat with neither a next step nor a reason for none, or a page that reached nobody."""

    what: What
    moment: str
    group: str
    """Who is not told; empty where it is about no single group."""
    note: str


class HeartbeatAnswer(Struct, frozen=True, kw_only=True):
    """What a watch outside the site hears of this hub."""

    to: str
    """Scheme and host only."""
    sent_at: str | None
    """When the last heartbeat was answered."""
    fault: str | None
    """Why the last one did not go out, in words."""


class AuditAnswer(Struct, frozen=True, kw_only=True):
    """What the auditor found: whether every open threat has a next step, or a reason for none."""

    at: str | None
    """When it last looked at all of them."""
    threats: int
    """Open moments that need somebody, then."""
    findings: list[FindingEntry]
    heartbeat: HeartbeatAnswer | None


class ClockAnswer(Struct, frozen=True, kw_only=True):
    """The site's time: what every time of the API is on."""

    at: str
    rate: float
    """Site seconds per real second: 1, but for a demo."""
    zone: str
    """IANA name of the site's time zone."""
    utc_ahead_ms: int
    """By how much the UTC of the hub's machine is ahead of the site's time (negative: behind); 0 while they agree to
    two seconds. Other than 0 after the machine's clock was set; durations are right all the same."""
    fault: str | None
    """What is wrong with the machine's clock, in words."""


class NewsEntry(Struct, frozen=True, kw_only=True):
    """Something new about a flight."""

    signal: str
    at: str
    words: str


class FlightEntry(Struct, frozen=True, kw_only=True):
    """How a caller's flight stands."""

    key: str
    flight: str
    words: str
    """To read out."""
    news: list[NewsEntry]
    """The newest of each sort."""


class CallerAnswer(Struct, frozen=True, kw_only=True):
    """A caller, and how their flights stand."""

    number: str
    words: str
    """To read out: all flights."""
    flights: list[FlightEntry]


class Erased(Struct, frozen=True, kw_only=True):
    """What was erased."""

    erased: int
    """How many flights were watched."""


class Health(Struct, frozen=True, kw_only=True):
    """What ``/healthz`` and ``/readyz`` say when all is well."""

    status: Literal["ok"]

"""Every message on the wire, as JSON in UTF-8. Field names are the contract's; times are RFC 3339 in UTC.

Structs forbid unknown fields only where a wrong field could change a judgement; elsewhere unknown fields are
ignored, so that a newer peer can say more.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from andgate.plan.model import Category

MAX_PAYLOAD_BYTES = 64 * 1024
MAX_SIGNALS = 500
"""Most members of one list of signals."""

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Name = Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Seq = Annotated[int, Meta(ge=1, le=2**53)]
WholeNumber = Annotated[int, Meta(ge=-(2**53), le=2**53)]
"""What every JSON reader and the store keep exactly."""
Seconds = Annotated[float, Meta(ge=0, le=1e10)]
"""On a monotonic clock, from an arbitrary start; three centuries at most."""
Value = WholeNumber | float | Annotated[str, Meta(max_length=500)] | bool | None
About = dict[str, Value]
AboutSignal = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=63)], Value], Meta(max_length=50)]


class Retraction(Struct, frozen=True):
    """Names an earlier signal of the same node from another boot."""

    boot: Text
    seq: Seq


class NodeSignal(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``node/{node}/signal``: what a device saw."""

    device: Name
    signal: Name
    seq: Seq
    boot: Text
    mono: Seconds
    """Seconds on the node's monotonic clock when it happened."""
    sent: Seconds | None = None
    """The same clock when this message was handed to the link."""
    at: str | None = None
    """The node's own idea of UTC when it happened."""
    synced: bool = False
    """True if that idea comes from a synchronised clock."""
    value: Value = None
    key: Text | None = None
    to: Id | None = None
    found: bool = False
    press: Seq | None = None
    """The press (same boot) that this very hold began with; it leaves the fold. Not the press that opened the moment:
    taken back, that moment would never have been."""
    retracts: Seq | Retraction | None = None
    about: AboutSignal = {}
    more: bool = False


class FeedSignal(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``feed/{feed}/signal`` and ``POST /api/v1/signals``: what a feed, device or script saw."""

    id: Text
    """Unique in the site: it makes the signal idempotent, also across MQTT and HTTP."""
    touchpoint: Id
    signal: Name
    key: Text | None = None
    at: str | None = None
    """When it happened; None: at its receipt."""
    value: Value = None
    to: Id | None = None
    device: Text | None = None
    about: AboutSignal = {}
    found: bool = False
    retracts: Text | None = None
    """`id` of an earlier signal to take back; or a node's, as a moment's trail names it: ``n/belt-3/{boot}/17``."""
    more: bool = False


class Receipt(Struct, frozen=True, kw_only=True):
    """``node/{node}/receipt``: all up to `seq` and the ranges in `also` (inclusive) of this boot are stored."""

    boot: str
    seq: WholeNumber
    also: list[tuple[WholeNumber, WholeNumber]] = []


class FeedReceipt(Struct, frozen=True, kw_only=True):
    """``feed/{feed}/receipt``: these ids are stored (a quarantined one counts as stored)."""

    ids: list[str]


class NodeState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/state`` (retained): birth, will, goodbye."""

    state: Literal["online", "lost", "stopped"]
    session: WholeNumber
    boot: Text | None = None
    version: str | None = None
    config: str | None = None
    """Hash of the configuration it runs."""
    run: WholeNumber | None = None
    """Names one run of the node's program: as long as it stays the same, the node has watched without a break."""


class Chain(Struct, frozen=True, kw_only=True):
    """The head of the journal's hash chain."""

    entry: WholeNumber
    hash: str


class HubState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``hub/state`` (retained)."""

    state: Literal["online", "lost", "stopped"]
    session: WholeNumber
    epoch: str | None = None
    at: str | None = None
    chain: Chain | None = None
    beat_s: Annotated[float, Meta(gt=0, le=3600)] | None = None
    """How often (real seconds) ``hub/beat`` comes; who has heard one and then none for 2.5 times as long is alone."""


class HubBeat(Struct, frozen=True, kw_only=True):
    """``hub/beat``: the hub is there; QoS 0."""

    session: WholeNumber
    at: str


class DeviceHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input or output of a node."""

    level: Literal["on", "off", "unknown"]
    since: float | None = None
    """Monotonic seconds of the last change."""
    fault: str | None = None


class Health(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/health``, every 15 s; never judges."""

    boot: Text
    mono: Seconds
    devices: dict[str, DeviceHealth] = {}
    spool: WholeNumber = 0
    """Signals not yet receipted."""
    synced: bool = False
    at: str | None = None
    temperature_c: float | None = None
    uptime_s: float | None = None
    wear: str | None = None
    config: str | None = None
    version: str | None = None
    drops: WholeNumber = 0
    """Edges that were too fast to be believed since start."""
    fault: str | None = None
    """What is wrong with the node itself, in words: what it sees is kept in memory only, say."""
    drill: str | None = None
    """The last `drill` that it was asked for: so it is proven that commands come through."""


class Exchange(Struct, frozen=True, kw_only=True):
    """A question for the time that was answered: when it was asked, what the answer said, when it was heard."""

    asked: Seconds
    """On the node's monotonic clock, as `heard`."""
    at: str
    heard: Seconds


class TimeAsk(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/time``."""

    n: WholeNumber
    boot: Text
    mono: Seconds
    before: Exchange | None = None
    """The quickest exchange of this boot since the question before: with the way back known too the hub knows the
    offset and how sure it is. A node that leaves it out is bounded by its messages alone."""


class TimeReply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/time/reply``: the hub's UTC when it had the question."""

    n: WholeNumber
    at: str
    rate: float = 1.0
    """Site seconds per real second; other than 1 only in a demo."""


class DeviceConfig(Struct, frozen=True, kw_only=True):
    """One device as its node needs it."""

    kind: str
    touchpoint: str
    settings: dict[str, Value]
    signals: dict[str, str]


class ExpectationConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a node must know to judge its touchpoints while it is alone."""

    id: str
    touchpoints: list[str]
    opens: list[str]
    closes: list[str]
    fails_after_s: float
    countdown_s: float
    key: str | None = None
    holds: dict[str, str] = {}
    threatens: list[str] = []
    fails_on: list[str] = []
    voids: list[str] = []
    threatened_left_s: float | None = None
    """Time left from which on it is threatened: the greatest `left` of its pages; None: never by the clock."""
    rejoins_within_s: float = 0.0
    gives_up_after_s: float = 3600.0
    contradicted_after_s: float | None = None
    """A press that a sensor contradicts for so long is asked about, by a node that is alone too; None: never."""


class TouchpointConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a node must know of a place it serves."""

    name: str
    hours: str | None = None
    """``04:30-23:30`` by the site's clocks; outside them nothing is due and nothing is blind."""


class NodeConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/config`` (retained): what the node should be; `hash` names it in birth and health."""

    hash: str
    site: str
    timezone: str
    devices: dict[str, DeviceConfig]
    expectations: list[ExpectationConfig] = []
    touchpoints: dict[str, TouchpointConfig] = {}


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/command``."""

    do: Literal["identify", "drill", "reload", "refused", "resend"]
    device: str | None = None
    """The device it is about (`refused`, `identify`)."""
    reason: str | None = None
    boot: str | None = None
    from_: WholeNumber | None = field(default=None, name="from")
    to: WholeNumber | None = None
    drill: str | None = None
    """Names a `drill`; the node says it again in its next health."""
    loud: bool = True
    """Whether a `drill` may be seen and heard."""


class LiveMoment(Struct, frozen=True, kw_only=True):
    """A moment as lamps, signs and boards need it."""

    id: str
    expectation: str
    state: str
    level: str
    key: str | None
    opened: str
    deadline: str
    failing: str | None
    counts_to: str
    threatened: str | None
    claimed: str | None
    claimed_by: str | None
    verdict: str | None
    saved: bool
    change: int
    asks_until: str | None = None
    """The sensor sees no line: until then a second press confirms it; null: nothing is asked."""
    coming: int | UnsetType = UNSET
    """So many people are on it; only where more than one is needed, and `claimed` says when that is enough."""
    needs: int | UnsetType = UNSET
    """So many are needed; not there: one."""


class EndedMoment(Struct, frozen=True, kw_only=True):
    """The last moment that ended at a touchpoint, shown for 30 s."""

    id: str
    expectation: str
    key: str | None
    verdict: str
    saved: bool
    at: str
    counts_to: str
    deadline: str


class TrainingMoments(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What devices in training at a touchpoint show, in place of what is real."""

    devices: list[str]
    """``node/device``."""
    moments: list[LiveMoment] = []
    ended: EndedMoment | UnsetType = UNSET


class TouchpointMoments(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``touchpoint/{touchpoint}/moment`` (retained), nearest deadline first."""

    at: str
    moments: list[LiveMoment]
    ended: EndedMoment | UnsetType = UNSET
    suspended: str | UnsetType = UNSET
    """Since when all pages and sounds are stopped (a fire alarm): be silent, and blank where customers look."""
    silent_until: str | UnsetType = UNSET
    """It is muted until then: nothing sounds."""
    silent_about: dict[str, str] | UnsetType = UNSET
    """Promises that are muted for whoever serves this place, and until when: of these nothing sounds."""
    training: TrainingMoments | UnsetType = UNSET
    """Devices here that are in training, and what they show."""


class GroupMoment(Struct, frozen=True, kw_only=True):
    """An open moment that a group has been paged about."""

    id: str
    expectation: str
    touchpoint: str
    place: str
    """The touchpoint's name."""
    key: str | None
    opened: str
    threatened: str | None
    failing: str | None
    deadline: str
    claimed: str | None
    """Since when somebody is on it; null: nobody is, and it goes on sounding."""
    page: str
    """The page to this group that was decided last."""
    paged: str
    """When that was."""
    pages: WholeNumber
    """How many pages to this group there have been: one more is one more to sound."""
    text: str
    """What the page says."""
    coming: int | UnsetType = UNSET
    """So many people are on it; only where more than one is needed, and `claimed` says when that is enough."""
    needs: int | UnsetType = UNSET
    """So many are needed; not there: one."""


class GroupBoard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``group/{group}/board`` (retained): what a group has been paged about and is not over, nearest deadline first.

    Annunciators and speakers live on it: whoever comes back after an outage learns what stands.
    """

    at: str
    name: str
    """The group's name."""
    moments: list[GroupMoment]
    suspended: bool = False
    """All pages and sounds are stopped (a fire alarm): be silent and dark."""


class Transmission(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/transmit``: send this to one POCSAG pager; answered on ``node/{node}/page``."""

    page: Text
    """Names the delivery: what comes twice under one name is sent once."""
    ric: Annotated[int, Meta(ge=8, le=2_097_151)]
    """The pager's address."""
    text: Annotated[str, Meta(max_length=240)]
    function: Annotated[int, Meta(ge=0, le=3)] = 3
    baud: Literal[512, 1200, 2400] = 1200
    numeric: bool = False
    """Send digits, spaces, ``U-()`` only, in four bits each."""
    within_s: Annotated[float, Meta(gt=0, le=600)] = 20.0
    """What could not be begun within this (real) is not sent: the hub has given it up."""


class PageReceipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``node/{node}/page``: what became of a page at an annunciator, speaker or transmitter."""

    page: Text
    device: Name
    did: Literal["sounded", "spoken", "sent", "dropped", "failed"]
    """``dropped``: it would have come too late, or was over; ``failed``: a device or program does not work."""
    why: Annotated[str, Meta(max_length=300)] | None = None
    at: str | None = None
    """When, if the node knows the time."""


class Page(Struct, frozen=True, kw_only=True):
    """``page/{group}``: a page, the word that it is over, or a drill; every field is always there.

    A pager of one person listens to ``page/{pager}``, by the id that stands in that person's channel ``mqtt://PAGER``.
    """

    id: str
    kind: Literal["page", "over", "drill"]
    """A drill is no page: a pager that gets one answers `seen` by itself, and makes no sound."""
    moment: str | None
    """None: it is about several moments at once (a claim of its `id` claims each), or about a node or device."""
    text: str
    reason: str
    left_s: float
    late: bool = False
    claim: str | None = None
    """Where to claim it, as a URL path."""
    again: bool = False
    """It may have gone out before: sent again rather than never."""


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``answer``: what a pager's owner says of a page."""

    do: Literal["claim", "seen", "reject"]
    by: Text
    moment: Text | None = None
    page: Text | None = None
    promise_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    reason: Text | None = None
    first: Text | None = None
    """Of a claim: which of the plan's first actions is being done, in its words; one that it does not have is passed
    over."""


class Said(Struct, frozen=True, kw_only=True):
    """What somebody said of a moment's cause, or gave to its customers."""

    text: str
    by: str
    at: str
    category: Category | None = None
    """Of a cause."""
    cause: str | None = None
    """Id of the cause in the plan's list; null: words of their own."""
    gave: list[str] = []
    """What was given, of what the plan lets staff give."""
    comment: str | None = None


class FailedBefore(Struct, frozen=True, kw_only=True):
    """A failure that went before another one of the same key."""

    moment: str
    expectation: str
    touchpoint: str
    at: str
    """Its deadline."""


class ClaimMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody is on a moment."""

    by: str
    at: str
    until: str | None
    """When it lapses; null: it stands to the end."""
    took: str | None = None
    """Whose claim it took over."""


class TeamMessage(Struct, frozen=True, kw_only=True):
    """A group that works in shifts, at a time."""

    group: str
    shift: str | None
    """null: no shift of it was on."""
    date: str | None
    """On which the shift began, in the site's time zone; where none was on, the date it was."""


class MomentMessage(Struct, frozen=True, kw_only=True):
    """A moment as the API, ``verdict`` and the stream show it."""

    id: str
    expectation: str
    interactions: list[str]
    touchpoint: str
    key: str | None
    about: About
    opened_at: str
    threatened_at: str | None
    claimed_at: str | None
    claimed_by: str | None
    ends_at: str
    closed_at: str | None
    state: Literal["open", "ended"]
    verdict: Literal["success", "failure", "void"] | None
    saved: bool
    answered: bool
    provisional: bool
    reason: str | None
    late_s: float | None
    anomaly: bool
    cause: str | None
    remedy: str | None
    witnesses: list[str]
    revision: int
    change: int
    plan: str
    level: Literal["open", "threatened", "failing", "failed", "ended"]
    counts_to: str
    failing_at: str | None
    withdrawn: bool = False
    withdrawn_into: str | None = None
    sensor: Literal["agreed", "contradicted", "silent"] | None = None
    """What the sensors there said of a press that opened it; null: no press, or no sensor that could say anything."""
    contradicted_at: str | None = None
    """When the desk was asked, since a sensor contradicted the press."""
    asks_until: str | None = None
    """While the desk is asked: when it will be void, if nobody confirms it."""
    training: str | UnsetType = UNSET
    """Group that trained there: nobody else was paged, and it counts in no rate; not there: it was real."""
    caused: Said | UnsetType = UNSET
    """Who gave `cause`, when, and from which list; not there: not yet known."""
    given: Said | UnsetType = UNSET
    """The same of `remedy`: what was given, by whom, when."""
    remedies: str | UnsetType = UNSET
    """Of a remedy task only: the failed moment that it makes good; it ends when somebody says what was given."""
    before: list[FailedBefore] | UnsetType = UNSET
    """Of a remedy task: what had failed for the same key before, oldest first; such a failure is exceptional."""
    claims: list[ClaimMessage] | UnsetType = UNSET
    """Everybody who is on it, first come first (`claimed_by` is who came first, or made them enough); not there:
    nobody is."""
    needs: int | UnsetType = UNSET
    """So many different people must be on it before `claimed_at` is set; not there: one."""
    team: TeamMessage | UnsetType = UNSET
    """Who answered for it at its opening; not there: the group does not work in shifts."""
    team_at_deadline: TeamMessage | UnsetType = UNSET
    """The same at its deadline."""

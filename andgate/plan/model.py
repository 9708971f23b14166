"""The site's plan as frozen values. What a site decides stands here and nowhere else.

Durations are whole milliseconds (names end in ``_ms``). Dicts keep the order of the file. `parse` makes a `Plan` from
TOML, `words` says in plain English what it means.

A plan's version is made from these values. A field that comes later has a default and is left out where a plan does not
use it (`omit_defaults`), so that plans of before keep their versions; what was there from the beginning always counts.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

from andgate.plan.quiet import Quiets

Category = Literal["people", "time", "quality", "cost"]
"""What kind of cause a failure has."""

OWED = "owed"
"""What opens a remedy task: the failure itself. Only the engine says it."""
MADE_GOOD = "made-good"
"""What closes one: somebody's word that it is done. Only the engine says it."""
GIVES_UP_AFTER_MS = 3_600_000
"""So long after its deadline a moment that nobody has ended ends by itself, where a plan says nothing else."""

_T = TypeVar("_T")


def _always(default: _T) -> _T:
    """Return the default of a field that was there from the beginning: it counts in the version, said or not.

    `omit_defaults` leaves out only what it can compare with; it does not ask what a factory would make.
    """
    return field(default_factory=lambda: copy(default))


class Site(Struct, frozen=True, omit_defaults=True):
    """The airport or shop."""

    id: str
    name: str
    timezone: str
    """IANA name, as ``Europe/Rome``; used on screens and for `hours` only, never for judging."""
    technicians: str | None = None
    """Group that is paged when a node or device is at fault; None: faults are on screens only."""
    technicians_after_ms: int = 60_000
    """A node lost, silent or stopped for so long is paged; a blink of the network is not."""
    holidays: tuple[str, ...] = ()
    """Dates, ``2026-12-25``; on these a shift is on only if it says so."""
    shift_warning_ms: int = 1_800_000
    """So long before a shift that has nobody who can be reached somebody is told; 0: never."""
    url: str | None = None
    """Where people reach the hub's pages from outside, without a slash at its end; links in messages begin with it."""
    drill_min: int | None = None
    """When all channels are proven, silently, each night: minutes from midnight; None: never by itself."""


class Channel(Struct, frozen=True, omit_defaults=True):
    """A way to reach people."""

    id: str
    url: str
    """``mqtt://`` for the site's own broker, ``snpp://``, ``webpush://``, ``webhook+https://``, or any Apprise URL."""
    secret: str | None = None
    """What a signed web hook is signed with: ``whsec_`` and base64."""
    to: str | None = None
    """The address of the one person whom a signed web hook reaches for us; no plan says it of a channel."""


class Shift(Struct, frozen=True, omit_defaults=True):
    """When people of a group are on: on which days, from when to when by the clocks on the site's walls."""

    id: str
    """Unique within its group."""
    name: str
    start_min: int
    """Minutes from midnight."""
    end_min: int
    """At or before `start_min`: of the next day."""
    days: tuple[int, ...] = ()
    """Days of the week on which it begins, 0 is Monday; they say nothing on holidays."""
    holidays: bool = False
    """It is on on the site's holidays."""
    on: tuple[str, ...] = ()
    """Dates on which it is on, whatever day it is."""
    off: tuple[str, ...] = ()
    """Dates on which it is not."""


class Pace(Struct, frozen=True, omit_defaults=True):
    """How many pages a group, or one of its people, gets at once."""

    bundles_from: int | None = None
    """So many threats within `bundles_within_ms`, on one channel, are a storm: from this one on they are told together.

    0: never. None: as is usual on that sort of channel."""
    bundles_within_ms: int = 30_000
    pages_most: int | None = None
    """Further pages (never a threat's first) to one receiver within `pages_within_ms`; None: no limit of the plan's."""
    pages_within_ms: int = 300_000


USUAL_PACE = Pace()


class Group(Struct, frozen=True, omit_defaults=True):
    """People who can act."""

    id: str
    name: str
    channels: tuple[str, ...]
    """Devices that all of them share, and screens; each person's own are in no plan."""
    shifts: dict[str, Shift] = {}
    """None: the plan does not say who is on when, and only `channels` are paged."""
    pace: Pace = USUAL_PACE
    """How much at once; `USUAL_PACE` itself where the plan says nothing, so that it keeps its version."""


class Hours(Struct, frozen=True):
    """A daily span in the site's time zone, minutes from midnight; `end_min` <= `start_min` runs over midnight."""

    start_min: int
    end_min: int


class Touchpoint(Struct, frozen=True):
    """A place where customers are served: the line, not the desk."""

    id: str
    name: str
    area: str
    """Empty where the plan gives none."""
    group: str
    hours: Hours | None = None


class Device(Struct, frozen=True):
    """What hangs on a node."""

    id: str
    """Unique within its node."""
    node: str
    touchpoint: str
    """Its own, or its node's."""
    kind: str
    """A key of `andgate.plan.kinds.KINDS`."""
    settings: dict[str, int | float | str | bool]
    """The kind's own keys (pins, driver, ...) with defaults filled in; durations in milliseconds under ``<key>_ms``."""
    signals: dict[str, str]
    """What it reports, by occasion: ``{"on": "reached", "off": "cleared"}``; renamed as the plan says."""

    @property
    def name(self) -> str:
        """``node/device``, as in a moment's witnesses."""
        return f"{self.node}/{self.id}"


class Node(Struct, frozen=True):
    """One Raspberry Pi."""

    id: str
    touchpoint: str | None
    devices: dict[str, Device]


class PageStep(Struct, frozen=True):
    """One rung of an escalation: when so much time is left, this group is paged."""

    left_ms: int
    group: str
    unless_claimed: bool = False
    repeat_ms: int | UnsetType = UNSET
    """Paged again so often until somebody has claimed it, it is over, or a later step pages the same group."""


class Remedy(Struct, frozen=True):
    """What is owed to the customers after a failure: a task with a clock of its own."""

    within_ms: int
    """From the failure."""
    group: str
    """Who makes it good."""
    may: tuple[str, ...] = ()
    """What staff may give without asking anybody."""
    pages: tuple[PageStep, ...] = ()
    """In the order of falling `left_ms`."""
    gives_up_after_ms: int = 43_200_000
    """A task that nobody has done so long after its deadline ends by itself: a shift later the customers are gone."""


class Cause(Struct, frozen=True):
    """Why a promise may be broken, as a site says it."""

    id: str
    """The words in lower case with hyphens; counted by it, so other words are another cause."""
    category: Category
    text: str


class Expectation(Struct, frozen=True, omit_defaults=True):
    """A promise in the customer's words and the criterion that decides it."""

    id: str
    promise: str
    touchpoints: tuple[str, ...]
    opens: tuple[str, ...]
    closes: tuple[str, ...]
    fails_after_ms: int
    key: str | None = _always(None)
    """What a key names (``flight``), or None: one moment at a time at a touchpoint."""
    holds: dict[str, str] = _always({})
    """Signal -> its opposite; while one stands a closing is refused."""
    threatens: tuple[str, ...] = _always(())
    fails_on: tuple[str, ...] = _always(())
    voids: tuple[str, ...] = _always(())
    countdown_ms: int | None = _always(None)
    """What a staff sign counts down from; the promise itself where None."""
    better_than_ms: int | None = _always(None)
    contradicted_after_ms: int | None = _always(None)
    """A press that a sensor contradicts for so long is asked about, and after as long again void; None: never."""
    rejoins_within_ms: int = _always(0)
    gives_up_after_ms: int = _always(GIVES_UP_AFTER_MS)
    remedy: str | None = _always(None)
    """What is done for the customers after a failure, in words."""
    pages: tuple[PageStep, ...] = _always(())
    """In the order of falling `left_ms`."""
    task: Remedy | None = None
    """Who does it, by when; None: nobody is reminded."""
    causes: tuple[Cause, ...] = ()
    """Why it may fail; empty: `andgate.causes.USUAL`."""
    proposes: dict[str, str] = {}
    """Signal -> id of the cause that it speaks for: ``jammed`` for a belt that stands."""
    first: tuple[str, ...] = ()
    """What to do first when it is threatened, most helpful first."""
    first_at: dict[str, tuple[str, ...]] = {}
    """Touchpoint -> the same, where it is another there."""
    needs: int | None = None
    """So many different people must be on it before it counts as claimed; None: one."""
    remedy_of: str | None = None
    """The promise whose broken word this one makes good; such a one is derived (`Plan.judged`), never in the file."""

    def first_actions(self, touchpoint: str) -> tuple[str, ...]:
        """Return what to do first at a touchpoint, in the plan's order."""
        return self.first_at.get(touchpoint, self.first)


class Interaction(Struct, frozen=True):
    """An AND gate over expectations or other interactions."""

    id: str
    name: str
    key: str | None
    inputs: tuple[str, ...]


class Way(Struct, frozen=True):
    """A way to reach single people; its URL has a place for each one's own address."""

    id: str
    name: str
    """As they read it."""
    takes_number: bool
    """It takes a telephone number; else an address."""
    url: str
    secret: str | None = None


class Alerts(Struct, frozen=True):
    """How passengers who asked are told what is new about their flight."""

    expectation: str
    """The promise to tell them: its opening signals are the news."""
    told: str
    """What the hub says when everybody who asked knows; it closes the expectation."""
    nobody: str
    """What the hub says when nobody asked; it voids the moment."""
    ways: dict[str, Way]
    news: dict[str, str]
    """Signal -> sentence, with ``{flight}`` and what the signal says `about` it, as ``{gate}``."""
    keeps_ms: int
    """So long after the flight's day what passengers gave is erased."""


class Plan(Struct, frozen=True, dict=True):
    """Everything a site decides, checked: every id that is named exists."""

    site: Site
    channels: dict[str, Channel]
    groups: dict[str, Group]
    touchpoints: dict[str, Touchpoint]
    nodes: dict[str, Node]
    expectations: dict[str, Expectation]
    interactions: dict[str, Interaction]
    version: str
    """First 12 hex digits of the SHA-256 over the canonical content; comments and layout do not count."""
    alerts: Alerts | None = None
    quiet: Quiets = Quiets()
    """Mutes that come again, what a fire alarm suspends, who trains where, which places only listen."""
    ways: dict[str, Way] = {}
    """How single people of the staff can be reached, beside phones and pagers on the site's own broker."""

    @cached_property
    def devices(self) -> dict[str, Device]:
        """Every device by ``node/device``."""
        return {device.name: device for node in self.nodes.values() for device in node.devices.values()}

    @cached_property
    def judged(self) -> dict[str, Expectation]:
        """Every promise that is judged: those of the file, and beside each with a remedy task what a failure owes.

        A task is ``check-in-wait.remedy``, as its table is called in the file; no id of the file has a dot. It counts
        in no interaction, and in no rate but its own.
        """
        tasks = [_task(it, it.task) for it in self.expectations.values() if it.task is not None]
        return self.expectations | {task.id: task for task in tasks}

    @cached_property
    def interactions_of(self) -> dict[str, tuple[str, ...]]:
        """Expectation id -> the interactions it counts in, directly or through another gate, in plan order."""
        return {
            expectation: tuple(gate for gate in self.interactions if expectation in self.expectations_of(gate))
            for expectation in self.expectations
        }

    @cached_property
    def _leaves(self) -> dict[str, tuple[str, ...]]:
        """Interaction id -> the expectations at its leaves; each gate is walked once, however often it is an input."""
        leaves: dict[str, tuple[str, ...]] = {}

        def walk(name: str) -> tuple[str, ...]:
            if name in self.expectations:
                return (name,)
            if name not in leaves:
                below = [leaf for source in self.interactions[name].inputs for leaf in walk(source)]
                leaves[name] = tuple(dict.fromkeys(below))
            return leaves[name]

        for interaction in self.interactions:
            walk(interaction)
        return leaves

    def expectations_of(self, interaction: str) -> tuple[str, ...]:
        """Return the expectations at the leaves of a gate, in journey order, each once."""
        return self._leaves[interaction]


def task_of(expectation: str) -> str:
    """Return the id of the remedy task that goes with a promise."""
    return f"{expectation}.remedy"


def is_task(expectation: str) -> bool:
    """Tell whether an id is that of a remedy task; no id of a file has a dot."""
    return expectation.endswith(".remedy")


def _task(it: Expectation, remedy: Remedy) -> Expectation:
    """Return what is owed once a promise is broken, as a promise of its own: each failure is one occasion."""
    return Expectation(
        id=task_of(it.id),
        promise=it.remedy or "",
        touchpoints=it.touchpoints,
        opens=(OWED,),
        closes=(MADE_GOOD,),
        fails_after_ms=remedy.within_ms,
        key="failure",
        gives_up_after_ms=remedy.gives_up_after_ms,
        pages=remedy.pages,
        first=remedy.may,
        remedy_of=it.id,
    )

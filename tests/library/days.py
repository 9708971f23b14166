"""Plans and days for the tests of judging: the contract's own, by hand, and random ones full of coincidences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st
from msgspec.structs import replace

from andgate.moment.signals import BLIND, MOVED, SIGHTED, Signal
from andgate.plan import Channel, Device, Expectation, Group, Interaction, Node, PageStep, Plan, Site, Touchpoint

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

NOON = 1_795_262_400_000
"""2026-11-21T12:00:00Z: when the days of these tests begin."""


def at(minutes: float, ms: int = 0) -> int:
    """Site time, by minutes after noon."""
    return NOON + round(minutes * MINUTE) + ms


# ------------------------------------------------------------------------------------------------ the contract's plan

CHECK_IN = Expectation(
    id="check-in-wait",
    promise="I wait no more than 15 minutes to check in.",
    touchpoints=("counter-a",),
    opens=("pressed", "reached"),
    closes=("reset", "cleared"),
    holds={"reached": "cleared"},
    fails_after_ms=3 * MINUTE,
    gives_up_after_ms=HOUR,
    remedy="Apologise in person; priority tag on the bags.",
    pages=(
        PageStep(left_ms=3 * MINUTE, group="ticket-agents"),
        PageStep(left_ms=90 * SECOND, group="supervisors", unless_claimed=True),
    ),
)

BAGGAGE = Expectation(
    id="baggage-claim",
    promise="I have my bag within 25 minutes of docking.",
    touchpoints=("belt-3", "belt-4"),
    key="flight",
    opens=("docked",),
    closes=("unloaded",),
    threatens=("jammed",),
    fails_on=("lost",),
    voids=("cancelled", "diverted"),
    countdown_ms=22 * MINUTE,
    fails_after_ms=25 * MINUTE,
    better_than_ms=8 * MINUTE,
    pages=(PageStep(left_ms=8 * MINUTE, group="supervisors"),),
)


def device(name: str, kind: str, touchpoint: str, **signals: str) -> Device:
    """Make a device of a plan; its name is ``node/device``."""
    node, _, own = name.partition("/")
    return Device(id=own, node=node, touchpoint=touchpoint, kind=kind, settings={}, signals=signals)


DEVICES = (
    device("desk-a1/mot", "mot-button", "counter-a", press="pressed", hold="reset"),
    device("desk-a2/mot", "mot-button", "counter-a", press="pressed", hold="reset"),
    device("mark-a/mark", "beam", "counter-a", on="reached", off="cleared"),
    device("mark-b/mark", "distance", "counter-a", on="reached", off="cleared"),
    device("mark-c/mark", "beam", "counter-b", on="reached", off="cleared"),
    device("belt-3/done", "done-button", "belt-3", press="unloaded"),
    device("belt-3/drive", "belt-sensor", "belt-3", on="jammed", off="running"),
    device("belt-3/sign", "sign", "belt-3"),
    device("belt-4/done", "done-button", "belt-4", press="unloaded"),
    device("belt-4/drive", "belt-sensor", "belt-4", on="jammed", off="running"),
)


def site(*expectations: Expectation, version: str = "first", devices: tuple[Device, ...] = DEVICES) -> Plan:
    """Make a plan of these promises, on the same floor."""
    nodes: dict[str, Node] = {}
    for each in devices:
        node = nodes.setdefault(each.node, Node(id=each.node, touchpoint=each.touchpoint, devices={}))
        nodes[each.node] = replace(node, devices={**node.devices, each.id: each})
    return Plan(
        site=Site(id="agx", name="Andgate International", timezone="Europe/Rome"),
        channels={"radio": Channel(id="radio", url="mqtt://")},
        groups={
            "ticket-agents": Group(id="ticket-agents", name="Ticket agents", channels=("radio",)),
            "supervisors": Group(id="supervisors", name="Supervisors", channels=("radio",)),
        },
        touchpoints={
            "counter-a": Touchpoint(id="counter-a", name="Check-in A", area="Terminal 1", group="ticket-agents"),
            "counter-b": Touchpoint(id="counter-b", name="Check-in B", area="Terminal 1", group="ticket-agents"),
            "belt-3": Touchpoint(id="belt-3", name="Baggage belt 3", area="", group="supervisors"),
            "belt-4": Touchpoint(id="belt-4", name="Baggage belt 4", area="", group="supervisors"),
        },
        nodes=nodes,
        expectations={each.id: each for each in expectations},
        interactions={
            "arrival": Interaction(id="arrival", name="Arriving with us", key="flight", inputs=("baggage-claim",))
        }
        if any(each.id == "baggage-claim" for each in expectations)
        else {},
        version=version,
    )


CONTRACT = site(CHECK_IN, BAGGAGE)


# ------------------------------------------------------------------------------------------------------- random plans

TICK = 5 * SECOND
"""Everything in random days happens on this grid, or a hair beside it, so that things coincide."""

HAIRS = (0, 0, 0, 0, -1, 1, 999, 1000, 1001)
"""Milliseconds beside the grid: the instant itself, its neighbours, and the second in which signals are in flight."""


@st.composite
def queues(draw: st.DrawFn) -> Expectation:
    """Draw a promise without a key, with holds, as at check-in."""
    return Expectation(
        id="check-in-wait",
        promise="I wait no more than a minute.",
        touchpoints=draw(st.sampled_from([("counter-a",), ("counter-a", "counter-b")])),
        opens=("pressed", "reached"),
        closes=("reset", "cleared"),
        holds=draw(st.sampled_from([{"reached": "cleared"}, {"reached": "cleared"}, {}])),
        voids=("evacuated",),
        fails_on=draw(st.sampled_from([(), ("walked-off",)])),
        fails_after_ms=draw(st.sampled_from([6 * TICK, 12 * TICK])),
        better_than_ms=draw(st.sampled_from([None, 3 * TICK])),
        rejoins_within_ms=draw(st.sampled_from([0, 2 * TICK, 6 * TICK])),
        gives_up_after_ms=draw(st.sampled_from([4 * TICK, 8 * TICK])),
        contradicted_after_ms=draw(st.sampled_from([None, None, TICK, 2 * TICK, 4 * TICK])),
        pages=draw(st.sampled_from([(), LADDER, LADDER[:1], LADDER[1:], REPEATED])),
        needs=draw(st.sampled_from([None, None, 2])),
    )


LADDER = (
    PageStep(left_ms=6 * TICK, group="ticket-agents"),
    PageStep(left_ms=3 * TICK, group="supervisors", unless_claimed=True),
    PageStep(left_ms=0, group="supervisors"),
)
REPEATED = (
    PageStep(left_ms=6 * TICK, group="ticket-agents", repeat_ms=2 * TICK),
    PageStep(left_ms=3 * TICK, group="supervisors", unless_claimed=True, repeat_ms=TICK),
    PageStep(left_ms=TICK, group="ticket-agents", repeat_ms=3 * TICK),
)


@st.composite
def belts(draw: st.DrawFn) -> Expectation:
    """Draw a promise with a key, at two places, with everything else a promise can have."""
    return Expectation(
        id="baggage-claim",
        promise="I have my bag within a minute.",
        touchpoints=draw(st.sampled_from([("belt-3", "belt-4"), ("belt-3", "belt-4"), ("belt-3",)])),
        key="flight",
        opens=("docked",),
        closes=("unloaded",),
        holds=draw(st.sampled_from([{}, {"jammed": "running"}])),
        threatens=("jammed",),
        fails_on=("lost",),
        voids=("cancelled", "diverted"),
        countdown_ms=4 * TICK,
        fails_after_ms=6 * TICK,
        better_than_ms=draw(st.sampled_from([None, 3 * TICK])),
        rejoins_within_ms=draw(st.sampled_from([0, 0, 3 * TICK])),
        gives_up_after_ms=draw(st.sampled_from([4 * TICK, 8 * TICK])),
        pages=draw(st.sampled_from([(), LADDER, LADDER[:1], LADDER[1:], REPEATED])),
    )


def plans() -> st.SearchStrategy[Plan]:
    """Draw a plan: a queue, belts, or both."""
    return st.one_of(
        queues().map(site),
        belts().map(site),
        st.tuples(queues(), belts()).map(lambda both: site(*both)),
    )


# -------------------------------------------------------------------------------------------------------- random days


@dataclass(frozen=True)
class Delivery:
    """Everything the hub gets in one message, and when."""

    now_ms: int
    signals: tuple[Signal, ...]


FLIGHTS = ("AG1/2026-11-21", "AG2/2026-11-21")


@dataclass(frozen=True)
class Focus:
    """What a random day is about."""

    most: int = 14
    """Signals, at most."""
    hours: int = 1
    ticks: int = 40
    """How many instants there are in each hour."""
    names: tuple[str, ...] = ()
    """What is seen; empty: everything the plan listens to and more."""
    keys: tuple[str | None, ...] = (None, *FLIGHTS, *FLIGHTS)


WIDE = Focus()


@st.composite
def signals(draw: st.DrawFn, number: int, plan: Plan, focus: Focus) -> Signal:
    """Draw something that was seen, from few devices, few keys and few instants."""
    hour_ms = draw(st.integers(1, focus.hours)) * HOUR
    at_ms = NOON + hour_ms + draw(st.integers(0, focus.ticks)) * TICK + draw(st.sampled_from(HAIRS))
    names = [name for each in plan.expectations.values() for name in _names(each)]
    what = draw(st.sampled_from(focus.names or (*names, *names, *names, BLIND, SIGHTED, MOVED, "unheard-of")))
    place = draw(st.sampled_from([spot for each in plan.expectations.values() for spot in each.touchpoints]))
    machines = [each for each in plan.devices.values() if each.touchpoint == place and each.signals]
    who: Device | None
    if what in {BLIND, SIGHTED}:
        who = draw(st.sampled_from(machines))
    else:
        reporting = [each for each in machines if what in each.signals.values()]
        who = draw(st.sampled_from([*reporting, *reporting, None])) if reporting else None
    elsewhere = [each for each in plan.touchpoints if each != place]
    twin = [each for each in elsewhere if each[:-1] == place[:-1]]
    to = draw(st.sampled_from([*twin, *twin, *twin, *elsewhere])) if what == MOVED else None
    return Signal(
        id=f"n/{who.node}/boot/{number}" if who else f"f/{number}",
        name=what,
        touchpoint=place,
        at_ms=at_ms,
        received_ms=at_ms,
        source=who.node if who else draw(st.sampled_from(["aodb", "script"])),
        device=who.name if who else "",
        boot_rank=draw(st.integers(1, 2)) if who else 0,
        seq=draw(st.sampled_from([number, 50 - number])),
        key=draw(st.sampled_from(focus.keys)) if "baggage-claim" in plan.expectations else None,
        to=to,
        found=who is not None and draw(st.integers(0, 9)) == 0,
    )


def _names(promise: Expectation) -> list[str]:
    """Return what a promise listens to; what opens and closes comes oftener."""
    often = [*promise.opens, *promise.closes]
    seldom = [*promise.threatens, *promise.fails_on, *promise.voids, *promise.holds.values()]
    return [*often, *often, *often, *seldom]


@st.composite
def seen(draw: st.DrawFn, plan: Plan, focus: Focus = WIDE) -> list[Signal]:
    """Draw what was seen in a day, some of it taken back."""
    count = draw(st.integers(1, focus.most))
    day = [draw(signals(number, plan, focus)) for number in range(count)]
    for number in draw(st.lists(st.integers(0, count - 1), max_size=2)):
        target = draw(st.integers(0, count - 1))
        if number != target and day[target].at_ms < day[number].at_ms + HOUR:  # nobody takes back what is far ahead
            day[number] = replace(day[number], retracts=day[target].id)
    return day


DELAYS = (0, 0, 0, 0, 1, 500, TICK, 2 * TICK, 7 * TICK, 15 * TICK, 40 * TICK)


@st.composite
def deliveries(draw: st.DrawFn, day: list[Signal]) -> list[Delivery]:
    """Draw how a day reaches the hub: late, in any order, in batches, more than once."""
    arrivals = [(each.at_ms + draw(st.sampled_from(DELAYS)), each) for each in day]
    duplicates = draw(st.lists(st.sampled_from(day), max_size=3))
    arrivals += [(each.at_ms + draw(st.sampled_from(DELAYS)), each) for each in duplicates]
    arrivals.sort(key=lambda arrival: arrival[0])
    batches: list[list[tuple[int, Signal]]] = []
    for arrival in arrivals:
        if batches and draw(st.integers(0, 3)) == 0:
            batches[-1].append(arrival)
        else:
            batches.append([arrival])
    return [
        Delivery(
            now_ms=batch[-1][0],
            signals=tuple(replace(each, received_ms=batch[-1][0]) for _, each in draw(st.permutations(batch))),
        )
        for batch in batches
    ]


def prompt(day: list[Signal]) -> list[Delivery]:
    """Deliver a day as it happens: each signal at its instant, in fold order."""
    return [Delivery(now_ms=each.at_ms, signals=(each,)) for each in sorted(day, key=lambda each: each.order)]


def told(plan: Plan, delivered: Sequence[Delivery]) -> str:
    """Tell a day in lines, for reading a failure."""
    lines = [
        f"{each.id}: {each.touchpoints} fails {each.fails_after_ms} rejoins {each.rejoins_within_ms} gives up "
        f"{each.gives_up_after_ms} contradicted {each.contradicted_after_ms} holds {each.holds} "
        f"better {each.better_than_ms} "
        f"pages {[(step.left_ms, step.group, step.unless_claimed) for step in each.pages]}"
        for each in plan.expectations.values()
    ]
    for delivery in delivered:
        lines.append(f"at {delivery.now_ms - NOON - HOUR}:")
        lines += [
            f"    {one.at_ms - NOON - HOUR:>7} {one.name} {one.touchpoint} {one.device or one.source} {one.id}"
            + (f" key {one.key}" if one.key else "")
            + (f" to {one.to}" if one.to else "")
            + (" found" if one.found else "")
            + (f" retracts {one.retracts}" if one.retracts else "")
            for one in delivery.signals
        ]
    return "\n".join(lines)

"""An invented Saturday at an airport of 24 places, behind the hub's own reader and driver shapes.

Everything is made from one seed and one minute (`NOW`), so that pictures and tests see the same day every time, and the
figures add up: the month's tally is counted from the month's moments.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from andgate.coverage import Covered
from andgate.errors import RefusedError
from andgate.moment import events as e
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Signal
from andgate.plan import (
    KINDS,
    Channel,
    Device,
    Expectation,
    Group,
    Hours,
    Interaction,
    Node,
    PageStep,
    Plan,
    Site,
    Touchpoint,
)
from andgate.wire.messages import Command, DeviceHealth, FeedSignal, Health
from hub.clock import SystemClock
from hub.driver import Accepted, Committed
from hub.driver.auditor import Audit
from hub.quiet import View
from hub.store.covered import Asked
from hub.store.rows import (
    CellRow,
    ChainHead,
    FaultRow,
    Listing,
    MuteRow,
    NodeRow,
    OutcomeListing,
    OutcomeRow,
    PageListing,
    PageRow,
    QuarantineRow,
    SenderRow,
    SignalRow,
    TrailLine,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
NOW = int(datetime(2026, 11, 21, 16, 26, 8, tzinfo=UTC).timestamp() * 1000)
"""17:26:08 in Rome, a Saturday."""
MIDNIGHT = NOW - (17 * HOUR + 26 * MINUTE + 8 * SECOND)
VERSION = "5a1c0ffee5a1"

PLACES = {
    "Terminal 1 check-in": [
        ("counter-a", "Counter A"),
        ("counter-b", "Counter B"),
        ("counter-c", "Counter C"),
        ("counter-d", "Counter D"),
        ("counter-e", "Counter E"),
        ("bag-drop-1", "Bag drop 1"),
        ("bag-drop-2", "Bag drop 2"),
        ("oversize", "Oversize"),
    ],
    "Arrivals baggage": [
        ("belt-1", "Belt 1"),
        ("belt-2", "Belt 2"),
        ("belt-3", "Belt 3"),
        ("belt-4", "Belt 4"),
        ("belt-5", "Belt 5"),
        ("belt-6", "Belt 6"),
        ("oversize-belt", "Oversize belt"),
        ("lost-bags", "Lost bags"),
    ],
    "Kiosks and gates": [
        ("kiosk-1", "Kiosk row 1"),
        ("kiosk-2", "Kiosk row 2"),
        ("kiosk-3", "Kiosk row 3"),
        ("help-2", "Help, Exit 2"),
        ("help-b", "Help, Pier B"),
        ("gate-b12", "Gate B12"),
        ("gate-b14", "Gate B14"),
        ("gate-b17", "Gate B17"),
    ],
}
GROUPS = {
    "agents": "Ticket agents",
    "baggage": "Baggage",
    "service": "Service team",
    "supervisors": "Supervisors",
    "duty": "Duty manager",
}
CAUSES = (
    ("one crew, two planes", 31),
    ("desk closed early", 19),
    ("belt jam", 15),
    ("kiosk printer", 11),
    (None, 9),
    ("bag system slow", 9),
    ("second scanner refused", 6),
)
KIND_OF_CAUSE = {
    "one crew, two planes": "people",
    "desk closed early": "time",
    "belt jam": "quality",
    "kiosk printer": "quality",
    "bag system slow": "time",
    "second scanner refused": "cost",
}


def _device(node: str, ident: str, touchpoint: str, kind: str) -> Device:
    return Device(ident, node, touchpoint, kind, {}, dict(KINDS[kind].signals))


def make_plan() -> Plan:
    """Return the plan of the airport."""
    touchpoints, nodes = {}, {}
    for area, places in PLACES.items():
        for ident, name in places:
            group = "agents" if area.startswith("Terminal") else "baggage" if area.startswith("Arr") else "service"
            touchpoints[ident] = Touchpoint(ident, name, area, group, Hours(4 * 60 + 30, 23 * 60 + 30))
            desk = f"desk-{ident}"
            if group == "baggage":
                devices = [
                    _device(desk, "done", ident, "done-button"),
                    _device(desk, "sign", ident, "sign"),
                    _device(desk, "belt", ident, "belt-sensor"),
                ]
                nodes[desk] = Node(desk, ident, {device.id: device for device in devices})
            else:
                nodes[desk] = Node(desk, ident, {"mot": _device(desk, "mot", ident, "mot-button")})
            if ident.startswith("counter"):
                mark = f"mark-{ident}"
                nodes[mark] = Node(mark, ident, {"beam": _device(mark, "beam", ident, "beam")})
    lines = tuple(i for i, _ in PLACES["Terminal 1 check-in"])
    belts = tuple(i for i, _ in PLACES["Arrivals baggage"])
    helps = ("kiosk-1", "kiosk-2", "kiosk-3", "help-2", "help-b")
    gates = ("gate-b12", "gate-b14", "gate-b17")
    expectations = {
        "check-in-wait": Expectation(
            "check-in-wait",
            "I wait no more than 15 minutes to check in.",
            lines,
            ("pressed", "reached"),
            ("reset", "cleared"),
            3 * MINUTE,
            holds={"reached": "cleared"},
            remedy="Apologise in person; priority tag on the bags.",
            pages=(
                PageStep(3 * MINUTE, "agents"),
                PageStep(90 * SECOND, "supervisors", unless_claimed=True),
                PageStep(30 * SECOND, "duty", unless_claimed=True),
            ),
        ),
        "help": Expectation(
            "help",
            "Somebody helps me within 2 minutes of my call.",
            helps,
            ("pressed",),
            ("reset",),
            2 * MINUTE,
            pages=(PageStep(2 * MINUTE, "service"), PageStep(MINUTE, "supervisors", unless_claimed=True)),
        ),
        "boarding": Expectation(
            "boarding",
            "Boarding starts when you said.",
            gates,
            ("pressed",),
            ("reset",),
            5 * MINUTE,
            key="flight",
            pages=(PageStep(5 * MINUTE, "service"),),
        ),
        "baggage-claim": Expectation(
            "baggage-claim",
            "I have my bag within 25 minutes of docking.",
            belts,
            ("docked",),
            ("unloaded",),
            25 * MINUTE,
            key="flight",
            threatens=("jammed",),
            voids=("cancelled", "diverted"),
            countdown_ms=22 * MINUTE,
            better_than_ms=8 * MINUTE,
            remedy="Priority delivery to the hotel.",
            pages=(PageStep(8 * MINUTE, "supervisors", unless_claimed=True), PageStep(3 * MINUTE, "duty")),
        ),
    }
    return Plan(
        Site("agx", "Andgate International", "Europe/Rome"),
        {"radio": Channel("radio", "mqtt://")},
        {ident: Group(ident, name, ("radio",)) for ident, name in GROUPS.items()},
        touchpoints,
        nodes,
        expectations,
        {
            "flying": Interaction("flying", "Flying with us", "flight", ("boarding", "baggage-claim")),
            "arrival": Interaction("arrival", "Arriving with us", "flight", ("baggage-claim",)),
            "helping": Interaction("helping", "Helping yourself", None, ("help", "check-in-wait")),
        },
        VERSION,
    )


PLAN = make_plan()


class World:
    """The airport at one minute: `Reader` and `Driver` in one, and a clock that stands still unless told."""

    def __init__(self, *, busy: bool = True, now_ms: int = NOW, month: bool = True, blind: bool | None = None) -> None:
        self.plan = PLAN
        self._world = SystemClock()
        self._since_s: float | None = None
        self.now = now_ms
        self.rate = 1.0
        self.fault: str | None = None
        self.signals_posted: list[FeedSignal] = []
        self.actions: list[Action] = []
        self.commands: list[tuple[str, Command]] = []
        self.quiet = View()
        self.asked: list[Any] = []
        self.only: list[tuple[int, bool]] = []
        self.past_mutes: tuple[MuteRow, ...] = ()
        self.listeners: list[Any] = []
        self._random = random.Random(7)
        self._moments: dict[str, Moment] = {}
        self._trails: dict[str, list[TrailLine]] = {}
        self._signals: dict[str, list[SignalRow]] = defaultdict(list)
        self._entry = 100
        self.blind = busy if blind is None else blind
        for back in range(29 if month else 0, -1, -1):
            self._day(MIDNIGHT - back * DAY, back)
        self._story()
        if busy:
            self._busy()
        else:
            self._quiet()

    # ------------------------------------------------------------------------------------------------- clock

    @property
    def now(self) -> int:
        """Where its clock stands, or how far it has run."""
        run_ms = 0 if self._since_s is None else round((self._world.mono_s() - self._since_s) * 1000)
        return self._now + run_ms

    @now.setter
    def now(self, now_ms: int) -> None:
        self._now = now_ms
        if self._since_s is not None:
            self._since_s = self._world.mono_s()

    def run(self) -> None:
        """Let its clock run from now on, as the browser's does."""
        self._since_s = self._world.mono_s()

    def now_ms(self) -> int:
        return self.now

    def mono_s(self) -> float:
        return self.now / 1000

    def real_s(self, site_s: float) -> float:
        return site_s / self.rate

    def subscribe(self, wake: Any) -> None:
        """Never jumps."""

    # ------------------------------------------------------------------------------------------------- making

    def add(self, ident: str, expectation: str, touchpoint: str, opened_ms: int, **more: Any) -> Moment:
        """Put a moment in the world."""
        promise = PLAN.expectations[expectation]
        ends = opened_ms + promise.fails_after_ms
        filled: dict[str, Any] = {
            "id": f"{ident:0>32}",
            "anchor": f"f/{ident}",
            "expectation": expectation,
            "interactions": PLAN.interactions_of[expectation],
            "touchpoint": touchpoint,
            "opened_ms": opened_ms,
            "ends_ms": ends,
            "counts_to_ms": opened_ms + (promise.countdown_ms or promise.fails_after_ms),
            "plan": VERSION,
            "witnesses": (f"desk-{touchpoint}/mot",),
        }
        moment = Moment(**{**filled, **more})
        self._moments[moment.id] = moment
        return moment

    def tell(self, moment: Moment, *lines: tuple[int, e.AnyEvent] | e.AnyEvent) -> None:
        """Write a trail: events, each learned when it happened unless a time stands before it."""
        trail = self._trails.setdefault(moment.id, [])
        for line in lines:
            learned, event = line if isinstance(line, tuple) else (line.at_ms, line)
            self._entry += 1
            trail.append(TrailLine(self._entry, event.at_ms, learned, event))

    def saw(self, moment: Moment, ident: str, name: str, at_ms: int, *, received: int | None = None, by: str) -> str:
        """Record a signal of a moment."""
        signal = Signal(
            id=ident,
            name=name,
            touchpoint=moment.touchpoint,
            at_ms=at_ms,
            received_ms=received or at_ms + 40,
            source=by.split("/", maxsplit=1)[0],
            device=by,
            key=moment.key,
        )
        self._signals[moment.id].append(SignalRow(signal, self._entry, "judged", at_ms))
        return ident

    def _day(self, midnight: int, back: int) -> None:
        chance = self._random
        weekday = datetime.fromtimestamp(midnight / 1000 + 12 * 3600, UTC).weekday()
        flights = [
            f"AG{1000 + 13 * n}/{datetime.fromtimestamp(midnight / 1000 + 43_200, UTC):%Y-%m-%d}" for n in range(70)
        ]
        for index in range(190 + chance.randrange(40)):
            hour = chance.choices(range(5, 23), [3, 6, 9, 6, 4, 3, 4, 5, 5, 4, 4, 5, 6, 6, 5, 4, 3, 2])[0]
            at = midnight + hour * HOUR + chance.randrange(HOUR)
            if at > NOW - 20 * MINUTE:
                continue
            area = chance.randrange(3)
            touchpoint = chance.choice(list(PLACES.values())[area])[0]
            expectation = next(i for i, x in PLAN.expectations.items() if touchpoint in x.touchpoints)
            rush = hour in (17, 18) and weekday in (4, 5)
            bad = {"check-in-wait": 0.15 if rush else 0.02, "baggage-claim": 0.05, "help": 0.014, "boarding": 0.02}
            if back == 16 and 6 <= hour < 9:
                bad["baggage-claim"] = 0.7
            self._past(
                f"{back:02}{index:04}",
                expectation,
                touchpoint,
                at,
                chance.random() < bad[expectation],
                flights[index % len(flights)],
            )

    def _past(self, ident: str, expectation: str, touchpoint: str, at: int, failed: bool, flight: str) -> None:
        chance = self._random
        promise = PLAN.expectations[expectation]
        threatened = failed or chance.random() < 0.055
        key = flight if promise.key else None
        if failed:
            late = chance.randrange(20, 400)
            likely = CAUSES if expectation in ("baggage-claim", "boarding") else CAUSES[1:5:3] + CAUSES[3:4]
            cause = chance.choices([c for c, _ in likely], [w for _, w in likely])[0]
            self.add(
                ident,
                expectation,
                touchpoint,
                at,
                key=key,
                state="ended",
                level="ended",
                verdict="failure",
                threatened_ms=at + promise.fails_after_ms // 2,
                late_s=float(late),
                cause=_kinded(cause),
                closed_ms=at + promise.fails_after_ms + late * 1000,
                ended_ms=at + promise.fails_after_ms + late * 1000,
            )
            return
        share = 0.6 + 0.35 * chance.random() if threatened else 0.25 + 0.4 * chance.random()
        took = int(promise.fails_after_ms * share)
        fast = expectation == "baggage-claim" and chance.random() < 0.02
        took = 7 * MINUTE if fast else took
        self.add(
            ident,
            expectation,
            touchpoint,
            at,
            key=key,
            state="ended",
            level="ended",
            verdict="success",
            saved=threatened and not fast,
            threatened_ms=at + took // 2 if threatened else None,
            closed_ms=at + took,
            ended_ms=at + took,
            anomaly=fast,
        )

    def _story(self) -> None:
        """The moment of the picture: failed by the clock, saved by a late signal."""
        at = MIDNIGHT + 16 * HOUR + 2 * MINUTE + 10 * SECOND
        ends = at + 3 * MINUTE
        moment = self.add(
            "57011e5",
            "check-in-wait",
            "counter-a",
            at,
            state="ended",
            level="ended",
            verdict="success",
            saved=True,
            answered=True,
            threatened_ms=at,
            failing_ms=at + 2 * MINUTE,
            closed_ms=at + 161 * SECOND,
            ended_ms=at + 161 * SECOND,
            claimed_ms=at + 48 * SECOND,
            claimed_by="Marta R.",
            revision=1,
            change=6,
            witnesses=("desk-counter-a/mot", "mark-counter-a/beam"),
            cause="people: desk A3 empty",
        )
        m = moment.id
        press = self.saw(moment, "n/desk-counter-a/b1/17", "pressed", at, by="desk-counter-a/mot")
        reach = self.saw(moment, "n/mark-counter-a/b1/4", "reached", at + 4 * SECOND, by="mark-counter-a/beam")
        reset = self.saw(moment, "n/desk-counter-a/b1/18", "reset", at + 115 * SECOND, by="desk-counter-a/mot")
        learned = at + 268 * SECOND
        clear = self.saw(
            moment, "n/mark-counter-a/b1/5", "cleared", at + 161 * SECOND, received=learned, by="mark-counter-a/beam"
        )
        self.tell(
            moment,
            e.Opened(moment=m, at_ms=at, signal=press, witness="desk-counter-a/mot"),
            e.Threatened(moment=m, at_ms=at),
            e.Paged(moment=m, at_ms=at, page=f"{m}/0", step=0, group="agents", reason="time-left", left_ms=3 * MINUTE),
            e.Witnessed(moment=m, at_ms=at + 4 * SECOND, signal=reach, witness="mark-counter-a/beam"),
            e.Claimed(moment=m, at_ms=at + 48 * SECOND, by="Marta R.", until_ms=None),
            e.PageSkipped(moment=m, at_ms=at + 90 * SECOND, step=1, group="supervisors", because="claimed"),
            e.Refused(
                moment=m,
                at_ms=at + 115 * SECOND,
                signal=reset,
                witness="desk-counter-a/mot",
                held_by=("mark-counter-a/beam",),
            ),
            e.Failing(moment=m, at_ms=at + 2 * MINUTE),
            (ends + SECOND, e.Failed(moment=m, at_ms=ends)),
            (
                learned,
                e.Revised(
                    moment=m,
                    at_ms=learned,
                    changed=("verdict", "saved"),
                    was={"verdict": "failure", "saved": False},
                    now={"verdict": "success", "saved": True},
                    because="the line had cleared before the deadline",
                ),
            ),
            (learned, e.Saved(moment=m, at_ms=at + 161 * SECOND, signal=clear)),
            (learned, e.StoodDown(moment=m, at_ms=learned, groups=("agents",))),
        )

    def _busy(self) -> None:
        ends = MIDNIGHT + 17 * HOUR + 26 * MINUTE + 55 * SECOND
        at = ends - 3 * MINUTE
        first = self.add(
            "b0051",
            "check-in-wait",
            "counter-a",
            at,
            threatened_ms=at,
            failing_ms=at + 2 * MINUTE,
            level="failing",
            witnesses=("desk-counter-a/mot", "mark-counter-a/beam"),
        )
        press = self.saw(first, "n/desk-counter-a/b1/31", "pressed", at, by="desk-counter-a/mot")
        self.tell(
            first,
            e.Opened(moment=first.id, at_ms=at, signal=press, witness="desk-counter-a/mot"),
            e.Threatened(moment=first.id, at_ms=at),
            e.Paged(moment=first.id, at_ms=at, page="p1", step=0, group="agents", reason="time-left", left_ms=180_000),
            e.Paged(
                moment=first.id,
                at_ms=at + 90 * SECOND,
                page="p2",
                step=1,
                group="supervisors",
                reason="time-left",
                left_ms=90_000,
            ),
            e.Failing(moment=first.id, at_ms=at + 2 * MINUTE),
        )
        ends = MIDNIGHT + 17 * HOUR + 36 * MINUTE + 49 * SECOND
        at = ends - 25 * MINUTE
        jam = MIDNIGHT + 17 * HOUR + 24 * MINUTE + 30 * SECOND
        second = self.add(
            "b0052",
            "baggage-claim",
            "belt-3",
            at,
            key="AG1234/2026-11-21",
            threatened_ms=jam,
            failing_ms=ends - 500 * SECOND,
            level="threatened",
            claimed_ms=jam + 32 * SECOND,
            claimed_by="Marta R.",
            claim_until_ms=NOW + 161 * SECOND,
            witnesses=("flights",),
        )
        dock = self.saw(second, "f/dock-1234", "docked", at, by="flights")
        jammed = self.saw(second, "n/desk-belt-3/b1/9", "jammed", jam, by="desk-belt-3/belt")
        self.tell(
            second,
            e.Opened(moment=second.id, at_ms=at, signal=dock, witness="flights"),
            e.Threatened(moment=second.id, at_ms=jam, signal=jammed),
            e.Paged(
                moment=second.id, at_ms=jam, page="p3", step=0, group="supervisors", reason="time-left", left_ms=739_000
            ),
            e.Claimed(moment=second.id, at_ms=jam + 32 * SECOND, by="Marta R.", until_ms=NOW + 161 * SECOND),
        )
        self._quiet()
        saved = self.add(
            "b0053",
            "help",
            "help-2",
            NOW - 40 * SECOND,
            state="ended",
            level="ended",
            verdict="success",
            saved=True,
            threatened_ms=NOW - 40 * SECOND,
            closed_ms=NOW - 3 * SECOND,
            ended_ms=NOW - 3 * SECOND,
        )
        self.tell(saved, e.Opened(moment=saved.id, at_ms=saved.opened_ms, signal="f/h", witness="desk-help-2/mot"))

    def _quiet(self) -> None:
        for ident, belt, flight, minutes in (
            ("c1", "belt-5", "AG0871", 10),
            ("c2", "belt-1", "AG0414", 4),
            ("c3", "belt-6", "AG2210", 1),
        ):
            at = NOW - minutes * MINUTE - 17 * SECOND
            moment = self.add(ident, "baggage-claim", belt, at, key=f"{flight}/2026-11-21", witnesses=("flights",))
            dock = self.saw(moment, f"f/dock-{flight}", "docked", at, by="flights")
            self.tell(moment, e.Opened(moment=moment.id, at_ms=at, signal=dock, witness="flights"))

    # ------------------------------------------------------------------------------------------------- reading

    def open_moments(self) -> tuple[Moment, ...]:
        return tuple(m for m in self._moments.values() if m.state == "open")

    def moment(self, moment: str) -> Moment | None:
        return self._moments.get(moment)

    def trail(self, moment: str) -> tuple[TrailLine, ...]:
        return tuple(self._trails.get(moment, ()))

    def signals_of(self, moment: str) -> tuple[SignalRow, ...]:
        return tuple(self._signals.get(moment, ()))

    def moments(
        self,
        *,
        state: str | None = None,
        expectation: str | None = None,
        touchpoint: str | None = None,
        key: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
        withdrawn: bool = False,
        tasks: bool | None = False,
        training: bool = False,
    ) -> Listing:
        fits = [
            m
            for m in sorted(self._moments.values(), key=lambda m: (-m.opened_ms, m.id))
            if (state is None or m.state == state)
            and (expectation is None or m.expectation == expectation)
            and (touchpoint is None or m.touchpoint == touchpoint)
            and (key is None or m.key == key)
            and (since_ms is None or m.opened_ms >= since_ms)
            and (until_ms is None or m.opened_ms < until_ms)
        ]
        start = int(cursor or 0)
        return Listing(tuple(fits[start : start + limit]), str(start + limit) if start + limit < len(fits) else None)

    def day_moments(self, since_ms: int) -> tuple[Moment, ...]:
        done = [m for m in self._moments.values() if m.verdict is not None and _stood(m) >= since_ms]
        return tuple(sorted(done, key=_stood))

    def false_alarms(self, *, since_ms: int | None = None, until_ms: int | None = None) -> dict[str, int]:
        return {"counter-a": 2}

    def failures(self, *, since_ms: int, until_ms: int, limit: int = 100) -> tuple[Moment, ...]:
        return tuple(
            m for m in self._moments.values() if m.verdict == "failure" and since_ms <= m.opened_ms < until_ms
        )[:limit]

    def cells(self, *, since_ms: int, until_ms: int) -> tuple[CellRow, ...]:
        rows: dict[tuple[int, str, str], Counter[str]] = defaultdict(Counter)
        for m in self._moments.values():
            if m.verdict in ("success", "failure") and since_ms <= m.opened_ms < until_ms:
                cell = rows[(m.opened_ms // HOUR * HOUR, m.expectation, m.touchpoint)]
                cell[str(m.verdict)] += 1
                cell["saved"] += m.saved
                cell["anomaly"] += m.anomaly
        return tuple(
            CellRow(*where, counts["success"], counts["failure"], counts["saved"], counts["anomaly"])
            for where, counts in rows.items()
        )

    def outcomes(
        self,
        interaction: str,
        *,
        state: str | None = None,
        key: str | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> OutcomeListing:
        gate = PLAN.interactions[interaction]
        leaves = PLAN.expectations_of(interaction)
        by_key: dict[str, list[Moment]] = defaultdict(list)
        for m in self._moments.values():
            if m.expectation in leaves and m.verdict in ("success", "failure"):
                by_key[(m.key or "") if gate.key else m.id].append(m)
        rows = []
        for name, parts in by_key.items():
            at = min(m.opened_ms for m in parts)
            if not (since_ms or 0) <= at < (until_ms or 2**60):
                continue
            failing = sorted((m for m in parts if m.verdict == "failure"), key=lambda m: m.ends_ms)
            rows.append(
                OutcomeRow(
                    interaction,
                    name if gate.key else None,
                    "failure" if failing else "success",
                    failing[0].id if failing else None,
                    tuple(m.id for m in failing),
                    at,
                    max(_stood(m) for m in parts),
                )
            )
        rows.sort(key=lambda row: (-row.at_ms, row.key or ""))
        start = int(cursor or 0)
        following = str(start + limit) if start + limit < len(rows) else None
        return OutcomeListing(tuple(rows[start : start + limit]), following)

    def pages(self, *, moment: str | None = None, cursor: str | None = None, limit: int = 100) -> PageListing:
        rows = []
        for ident in [moment] if moment else list(self._trails):
            about = self._moments[ident]
            for number, line in enumerate(self._trails.get(ident, ())):
                if isinstance(line.event, e.Paged | e.StoodDown):
                    groups = (line.event.group,) if isinstance(line.event, e.Paged) else line.event.groups
                    rows += [
                        PageRow(
                            number,
                            f"{ident}/{number}",
                            "page" if isinstance(line.event, e.Paged) else "over",
                            ident,
                            about.expectation,
                            about.touchpoint,
                            about.key,
                            group,
                            "radio",
                            "",
                            "",
                            "time-left",
                            60.0,
                            False,
                            False,
                            "sent",
                            line.now_ms,
                            line.now_ms,
                            1,
                            line.now_ms + 400,
                            False,
                            "",
                        )
                        for group in groups
                    ]
        return PageListing(tuple(reversed(rows)), None)

    def nodes(self) -> tuple[NodeRow, ...]:
        rows = []
        for node in PLAN.nodes.values():
            dark = self.blind and node.id == "mark-counter-d"
            since = NOW - 70 * SECOND if dark else NOW - 7 * HOUR
            health = Health(
                boot="b1",
                mono=25_200.0,
                spool=3 if node.id == "desk-belt-6" else 0,
                synced=True,
                temperature_c=41.5,
                uptime_s=25_200.0,
                version="0.1.0",
                devices={d.id: DeviceHealth(level="off", since=120.0) for d in node.devices.values()},
            )
            rows.append(
                NodeRow(
                    node.id,
                    "lost" if dark else "online",
                    7,
                    "b1",
                    "0.1.0",
                    "c0ffee",
                    "c0ffee",
                    since,
                    NOW - (70 if dark else 4) * SECOND,
                    health,
                    NOW - (75 if dark else 5) * SECOND,
                    float(NOW - 25_200_000),
                    0,
                    tuple(d.name for d in node.devices.values()) if dark else (),
                    "nothing heard for 70 s" if dark else None,
                )
            )
        return tuple(rows)

    def faults(self) -> tuple[FaultRow, ...]:
        if not self.blind:
            return ()
        return (
            FaultRow("desk-belt-6", "", "clock", NOW - 26 * HOUR, NOW, "4 signals", "fault/1"),
            FaultRow("desk-counter-b", "mot", "chattering", NOW - 40 * MINUTE, NOW, "", "fault/2"),
            FaultRow("desk-counter-b", "", "hot", NOW - 20 * MINUTE, NOW, "82 °C", ""),
            FaultRow("feed/flights", "", "garbage", NOW - 3 * MINUTE, NOW, "not JSON: send an object or a list", ""),
            FaultRow("mark-counter-d", "", "lost", NOW - 70 * SECOND, NOW, "", "fault/3"),
        )

    def senders(self) -> tuple[SenderRow, ...]:
        return (
            SenderRow("feed", "flights", 12_345, 3, 17, 4, NOW - MINUTE),
            SenderRow("node", "desk-counter-b", 412, 0, 0, 1, NOW - MINUTE),
            SenderRow("node", "desk-counter-a", 388, 12, 1, 0, NOW - MINUTE),
        )

    def coverage(self, by: str, asked: Asked, *, now_ms: int, timezone: str) -> dict[str, Covered]:
        due_ms = 19 * HOUR * 30
        if by == "touchpoint":
            return {
                name: Covered(due_ms, due_ms - (5 * HOUR if name == "counter-d" and self.blind else 0))
                for name in PLAN.touchpoints
            }
        blind_ms = {"check-in-wait": 5 * HOUR, "help": 41 * MINUTE} if self.blind else {}
        return {
            name: Covered(due_ms, due_ms - blind_ms.get(name, 0)) for name in PLAN.expectations if name != "boarding"
        }

    def blind_ms(self, *, since_ms: int, now_ms: int) -> dict[str, int]:
        return {"counter-d": 70 * SECOND} if self.blind else {}

    def mutes(self) -> tuple[MuteRow, ...]:
        return self.past_mutes

    def suspensions(self) -> tuple[Any, ...]:
        return ()

    def listened(self) -> list[tuple[int, bool]]:
        return self.only

    def listening_plans(self) -> list[tuple[int, frozenset[str]]]:
        return [(NOW - 30 * DAY, frozenset())]

    def begun_ms(self) -> int:
        return NOW - 30 * DAY

    def signals_at(self, touchpoint: str, *, most: int, entries: int) -> tuple[Any, ...]:
        del entries
        rows = [row for rows in self._signals.values() for row in rows if row.signal.touchpoint == touchpoint]
        rows.sort(key=lambda row: row.signal.at_ms, reverse=True)
        events = [line.event for lines in self._trails.values() for line in lines]
        return tuple((row.signal, row.signal.received_ms, tuple(events)) for row in rows[:most])

    def quarantine(self, limit: int = 100) -> tuple[QuarantineRow, ...]:
        rows = [
            QuarantineRow(
                2,
                NOW - 9 * MINUTE,
                "andgate/v1/agx/node/desk-b1/signal",
                "unknown node desk-b1",
                b'{"device":"mot","signal":"pressed","seq":4}',
                43,
            ),
            QuarantineRow(1, NOW - 3 * HOUR, "andgate/v1/agx/feed/flights/signal", "not JSON", b"\x00\xffhello", 7),
        ]
        return tuple(rows[:limit])

    def quarantined(self) -> int:
        return 2

    def chain(self) -> ChainHead:
        return ChainHead(self._entry, "00" * 32)

    # ------------------------------------------------------------------------------------------------- acting

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Any]:
        """Take posted signals: a press opens, a reset ends, unless the beam stands at counter B."""
        done: Future[Any] = Future()
        for member in members:
            self.signals_posted.append(member)
            self._take(member)
        done.set_result(Accepted(len(members), 0))
        return done

    def _take(self, member: FeedSignal) -> None:
        running = [m for m in self.open_moments() if m.touchpoint == member.touchpoint]
        if member.signal == "pressed" and not running:
            expectation = next(i for i, x in PLAN.expectations.items() if member.touchpoint in x.touchpoints)
            moment = self.add(
                f"de5{len(self.signals_posted)}",
                expectation,
                member.touchpoint,
                self.now,
                level="threatened",
                threatened_ms=self.now,
            )
            group = PLAN.expectations[expectation].pages[0].group
            self.tell(
                moment,
                e.Opened(moment=moment.id, at_ms=self.now, signal=f"f/{member.id}", witness="desk"),
                e.Paged(
                    moment=moment.id,
                    at_ms=self.now,
                    page=f"{moment.id}/0",
                    step=0,
                    group=group,
                    reason="time-left",
                    left_ms=moment.ends_ms - self.now,
                ),
            )
            self._changed(moment)
        elif member.signal == "reset" and running:
            moment = running[0]
            if member.touchpoint == "counter-b":
                self.tell(
                    moment,
                    e.Refused(
                        moment=moment.id,
                        at_ms=self.now,
                        signal=f"f/{member.id}",
                        witness="desk",
                        held_by=("mark-counter-b/beam",),
                    ),
                )
                self._changed(moment)
                return
            ended = replace(
                moment,
                state="ended",
                level="ended",
                verdict="success",
                saved=True,
                closed_ms=self.now,
                ended_ms=self.now,
                change=moment.change + 1,
            )
            self._changed(ended)

    def act(self, action: Action) -> Future[Moment]:
        """Do what a person asks for."""
        self.actions.append(action)
        done: Future[Moment] = Future()
        moment = self._moments.get(action.moment)
        if moment is None:
            done.set_exception(RefusedError(f"There is no moment {action.moment}."))
            return done
        changes: dict[str, dict[str, Any]] = {
            "claim": {"claimed_by": action.by, "claimed_ms": self.now},
            "unclaim": {"claimed_by": None, "claimed_ms": None},
            "cause": {"cause": action.reason},
            "remedy": {"remedy": action.reason},
            "void": {
                "verdict": "void",
                "state": "ended",
                "level": "ended",
                "ended_ms": moment.ended_ms or self.now,
                "reason": action.reason,
            },
            "unvoid": {"verdict": "success", "reason": None},
            "reset": {
                "state": "ended",
                "level": "ended",
                "closed_ms": self.now,
                "ended_ms": self.now,
                "verdict": "success",
            },
        }
        moment = replace(moment, change=moment.change + 1, **changes[action.do])
        self._changed(moment)
        done.set_result(moment)
        return done

    def _changed(self, moment: Moment) -> None:
        self._moments[moment.id] = moment
        self._entry += 1
        for listener in self.listeners:
            listener(Committed(now_ms=self.now_ms(), chain=self.chain(), entries=1, published=(moment,)))


class Timekeeper:
    """Site time is the machine's."""

    ahead_ms = 0
    fault: str | None = None


class Judge:
    """The world as the web's driver."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.listeners = world.listeners
        self.fault: str | None = None

    @property
    def plan(self) -> Plan:
        return self._world.plan

    @property
    def audit(self) -> Audit:
        return Audit()

    @property
    def quiet(self) -> View:
        return self._world.quiet

    def hush(self, asked: Any) -> Future[View]:
        self._world.asked.append(asked)
        done: Future[View] = Future()
        done.set_result(self._world.quiet)
        return done

    @property
    def timekeeper(self) -> Timekeeper:
        return Timekeeper()

    @property
    def chain(self) -> ChainHead:
        return self._world.chain()

    def open_moments(self) -> tuple[Moment, ...]:
        return self._world.open_moments()

    def open_tasks(self) -> tuple[Moment, ...]:
        return ()

    @property
    def lessons(self) -> dict[str, tuple[int, int]]:
        return {}

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Any]:
        return self._world.signals(members, feed)

    def act(self, action: Action) -> Future[Moment]:
        return self._world.act(action)

    def command(self, node: str, command: Command) -> Future[None]:
        self._world.commands.append((node, command))
        done: Future[None] = Future()
        done.set_result(None)
        return done


def _stood(moment: Moment) -> int:
    return moment.ends_ms if moment.verdict == "failure" else moment.ended_ms or moment.ends_ms


def _kinded(cause: str | None) -> str | None:
    return f"{KIND_OF_CAUSE[cause]}: {cause}" if cause else None


def keys(moments: Iterable[Moment]) -> set[str]:
    """Return the keys of some moments."""
    return {m.key for m in moments if m.key}

"""Plays a hard day before a real hub, and returns everything that is known of it afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.plan import Plan
from hub.evidence.rejudge import rejudge
from hub.evidence.verify import verify
from hub.store import PageRow, Reader, TrailLine
from hub.store.store import DATABASE
from twin.flights import day_begins_ms
from twin.hardday.clock import StepClock
from twin.hardday.floor import HardFloor
from twin.hardday.receivers import Arrival, Mood, Receivers
from twin.hardday.script import HOUR_MS, Script, script_of
from twin.hardday.site import Person, hard_plan, hire
from twin.parameters import Parameters, StaffParameters
from twin.sites import plan_text, playable
from twin.virtual import play
from twin.wires import Wires
from twin.world import World

DAY = date(2026, 11, 21)
WHOLE_H = 21.0
AFTERMATH_H = 3.0
"""What opens last is judged, given up, made good and given up: then nothing is open and nothing waits."""
HARD = Parameters(
    staff=StaffParameters(
        spare={"ticket-agents": 2, "baggage": 1, "service-team": 2, "gate-staff": 1, "supervisors": 1},
        deaf=0.2,
        answers_after_s=(35.0, 1.0),
        held_up=0.15,
        forgets_remedy=0.3,
    )
)
"""Fewer people, who answer later or not at all, and are held up: half of what can go wrong is people."""
_PAGE_LIMIT = 1_000


class Lived(Struct, frozen=True):
    """A hard day, as the hub has it on record, and as the outside saw it."""

    plan: Plan
    script: Script
    hired: tuple[Person, ...]
    moments: tuple[Moment, ...]
    """All of them, remedy tasks too."""
    trails: dict[str, tuple[TrailLine, ...]]
    rows: tuple[PageRow, ...]
    """Every delivery that was ever decided, oldest first."""
    arrivals: tuple[Arrival, ...]
    """Everything that came to any device."""
    answers: dict[str, int]
    """How people answered, and how often."""
    findings: dict[str, int]
    """What the auditor found in the course of the day."""
    left: tuple[str, ...]
    """What it finds at the end."""
    unsound: tuple[str, ...]
    """What verifying and judging the journal again found."""


def live(*, seed: int, until_h: float = WHOLE_H) -> Lived:
    """Play a hard day.

    Args:
        seed: of all luck.
        until_h: hours after 03:00 at which nothing new begins to count; what is open is then played to its end.

    Raises:
        UsageError: if the hub hangs.
    """
    with contextlib.ExitStack() as exits:
        data = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="andgate-hard-day-")))
        begins_ms = day_begins_ms(DAY, playable(plan_text()).site.timezone)
        clock = StepClock(begins_ms)
        shifts = sum(len(group.shifts) for group in playable(plan_text()).groups.values())
        script = script_of(begins_ms, seed, phones=2 * shifts)
        receivers = Receivers(clock.now_ms, _moods(script))
        exits.callback(receivers.close)
        text = hard_plan(plan_text(), receivers.port)
        (data / "plan.toml").write_text(text, encoding="utf-8")
        plan = playable(text)
        hired = hire(data, plan, port=receivers.port, now_ms=begins_ms)
        floor = HardFloor(data, plan, script, hired, receivers, clock)
        try:
            world = World(plan, DAY, today=DAY, seed=seed, parameters=HARD)
            wires = Wires(plan, begins_ms=begins_ms)
            play(world, wires, floor, until_ms=begins_ms + round(until_h * HOUR_MS), paging=True)
            floor.run_out(begins_ms + round((until_h + AFTERMATH_H) * HOUR_MS))
            left = tuple(finding.what for finding in floor.hub.driver.audit.findings)
            moments, trails, rows = _record(floor.hub.reader)
        finally:
            floor.close()
        return Lived(
            plan=plan,
            script=script,
            hired=tuple(hired),
            moments=moments,
            trails=trails,
            rows=rows,
            arrivals=tuple(floor.arrivals),
            answers=floor.answers,
            findings=floor.findings,
            left=left,
            unsound=tuple(_unsound(data / DATABASE)),
        )


def _moods(script: Script) -> Callable[[str, int], Mood]:
    def mood(path: str, at_ms: int) -> Mood:
        if path.startswith("/phone/"):
            return script.phones[int(path.rpartition("/")[2])]
        if not script.outage.holds(at_ms):
            return "well"
        return "hangs" if at_ms < script.outage.from_ms + HOUR_MS // 3 else "refuses"

    return mood


def _record(reader: Reader) -> tuple[tuple[Moment, ...], dict[str, tuple[TrailLine, ...]], tuple[PageRow, ...]]:
    moments: list[Moment] = []
    cursor = None
    while True:
        listing = reader.moments(limit=_PAGE_LIMIT, cursor=cursor, withdrawn=True, tasks=None)
        moments += listing.items
        cursor = listing.next
        if cursor is None:
            break
    rows: list[PageRow] = []
    while True:
        pages = reader.pages(limit=_PAGE_LIMIT, cursor=cursor)
        rows += pages.items
        cursor = pages.next
        if cursor is None:
            break
    return tuple(moments), {moment.id: reader.trail(moment.id) for moment in moments}, tuple(reversed(rows))


def _unsound(database: Path) -> list[str]:
    found = verify(database)
    wrongs = [] if found.sound(witnessed=False) else [f"verify: {found.broken or ''} {found.differences[:3]}"]
    other = rejudge(database).first
    return wrongs if other is None else [*wrongs, f"replay: {other}"]

"""The product's reason to exist, in one table: the same days, listening only and with paging.

Both runs have the same passengers, flights and luck. In the first the engine judges and nobody's pager beeps, so
people act on what they happen to see; in the second they are paged.
"""

from __future__ import annotations

import math
from datetime import timedelta

from msgspec import Struct

from andgate.moment.gate import outcome
from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.tally import Count, count_of, wilson
from twin.flights import BUSIEST
from twin.judge import EngineJudge
from twin.truth import Truth
from twin.virtual import play
from twin.wires import Wires
from twin.world import World

_AFTERMATH_MS = 26 * 3_600_000
"""What opened late in a day is judged to its end: beyond the day, and beyond when a flight counts as incomplete."""
_DAY_MS = 86_400_000


class Side(Struct):
    """What came of the days on one side of the comparison."""

    promises: dict[str, Count]
    """By expectation."""
    gates: dict[str, Count]
    """By interaction."""
    truth: Truth
    pages: int = 0


class Row(Struct, frozen=True):
    """One line of the table: how many of how many were broken, on both sides."""

    name: str
    listening: tuple[int, int]
    paging: tuple[int, int]


def compare(plan: Plan, *, days: int, seed: int) -> tuple[Side, Side]:
    """Play the last `days` recorded days twice; return what came of them, listening only first."""
    return (
        _side(plan, days, seed, paging=False),
        _side(plan, days, seed, paging=True),
    )


def _side(plan: Plan, days: int, seed: int, *, paging: bool) -> Side:
    side = Side(dict.fromkeys(plan.expectations, Count()), dict.fromkeys(plan.interactions, Count()), Truth())
    for before in range(days):
        # Days apart are played apart: everything stands still at 03:00.
        day = BUSIEST - timedelta(days=before)
        world = World(plan, day, today=BUSIEST, seed=seed)
        judge = EngineJudge(plan)
        until_ms = world.begins_ms + _DAY_MS + _AFTERMATH_MS
        play(world, Wires(plan, begins_ms=world.begins_ms), judge, until_ms=until_ms, paging=paging)
        # Remedy tasks are owed after failures; they are no promise of their own to customers.
        moments = [one for one in judge.moments.values() if not one.withdrawn and one.remedies is None]
        for moment in moments:
            side.promises[moment.expectation] += count_of(moment)
        _count_gates(side, plan, judge, moments, until_ms)
        side.truth.add(world.truth)
        side.pages += judge.pages if paging else 0
    return side


def _count_gates(side: Side, plan: Plan, judge: EngineJudge, moments: list[Moment], now_ms: int) -> None:
    servings: dict[str, list[str]] = {}
    for touchpoint, key in judge.servings:
        servings.setdefault(key, []).append(touchpoint)
    by_key: dict[str, list[Moment]] = {}
    for moment in moments:
        if moment.key is not None:
            by_key.setdefault(moment.key, []).append(moment)
    keyless = [moment for moment in moments if moment.key is None]
    for key in {**by_key, **servings}:
        theirs = by_key.get(key, []) + [one for one in keyless if one.touchpoint in servings.get(key, ())]
        served = [judge.servings[touchpoint, key] for touchpoint in servings.get(key, ())]
        for gate in plan.interactions:
            came = outcome(gate, key, plan, theirs, served, now_ms)
            if came is not None and came.state in {"success", "failure"}:
                kept = came.state == "success"
                side.gates[gate] += Count(success=int(kept), failure=int(not kept))


# ---------------------------------------------------------------------------------------------------- as a table


def difference(listening: tuple[int, int], paging: tuple[int, int]) -> tuple[float, float, float] | None:
    """Return by how much the broken share fell, with its 95 % interval (Newcombe's, from the two Wilson intervals)."""
    before, after = wilson(*listening), wilson(*paging)
    if before is None or after is None:
        return None
    fell = before.share - after.share
    low = fell - math.hypot(before.share - before.low, after.high - after.share)
    high = fell + math.hypot(before.high - before.share, after.share - after.low)
    return fell, low, high


def table(plan: Plan, listening: Side, paging: Side, *, days: int, seed: int) -> str:
    """Return the comparison as people read it."""
    promises = [
        Row(promise.promise, _broken(listening.promises[name]), _broken(paging.promises[name]))
        for name, promise in plan.expectations.items()
    ]
    gates = [
        Row(f"{gate.name}, per flight", _broken(listening.gates[name]), _broken(paging.gates[name]))
        for name, gate in plan.interactions.items()
    ]
    lived = [
        Row(promise.promise, _lived(listening.truth, name), _lived(paging.truth, name))
        for name, promise in plan.expectations.items()
    ]
    saved = sum(count.saved for count in paging.promises.values())
    threatened = sum(count.threatened for count in paging.promises.values())
    lines = [
        f"{days} {'day' if days == 1 else 'days'}, seed {seed}: the same passengers, flights and luck on both sides.",
        "",
        _head("Promises broken, of those judged"),
        *(_line(row) for row in promises if row.listening[1] or row.paging[1]),
        _line(_sum("All promises", promises)),
        "",
        _head("Gates broken, of those decided"),
        *(_line(row) for row in gates if row.listening[1] or row.paging[1]),
        "",
        _head("What customers lived through, counted by the model itself"),
        *(_line(row) for row in lived if row.listening[1] or row.paging[1]),
        "",
        f"With paging: {paging.pages} pages, {threatened} threats, {saved} of them saved.",
        "Shares with their 95 % Wilson interval; differences with Newcombe's.",
    ]
    return "\n".join(lines)


_NAME, _CELL, _FALL = 58, 29, 23


def _head(title: str) -> str:
    return f"{title:{_NAME}} {'listening only':>{_CELL}} {'with paging':>{_CELL}} {'difference, points':>{_FALL}}"


def _line(row: Row) -> str:
    name = row.name if len(row.name) <= _NAME else f"{row.name[: _NAME - 1]}…"
    return f"{name:{_NAME}} {_cell(row.listening):>{_CELL}} {_cell(row.paging):>{_CELL}} {_fall(row):>{_FALL}}"


def _cell(broken: tuple[int, int]) -> str:
    share = wilson(*broken)
    if share is None:
        return "none"
    interval = f"({share.low * 100:.1f}-{share.high * 100:.1f})"
    return f"{broken[0]}/{broken[1]} {share.share * 100:5.1f} % {interval:>11}"


def _fall(row: Row) -> str:
    fell = difference(row.listening, row.paging)
    if fell is None:
        return ""
    share, low, high = (-100 * value for value in fell)
    return f"{share:+.1f} ({high:+.1f} to {low:+.1f})"


def _sum(name: str, rows: list[Row]) -> Row:
    def added(cells: list[tuple[int, int]]) -> tuple[int, int]:
        return sum(cell[0] for cell in cells), sum(cell[1] for cell in cells)

    return Row(name, added([row.listening for row in rows]), added([row.paging for row in rows]))


def _broken(count: Count) -> tuple[int, int]:
    return count.failure, count.judged


def _lived(truth: Truth, expectation: str) -> tuple[int, int]:
    return truth.broken.get(expectation, 0), truth.lived.get(expectation, 0)

"""When the demo's curtain rises: shortly before something happens, found by playing the day once in virtual time.

Nothing is staged. The same seed plays the same day again in front of the audience.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from andgate.errors import UsageError
from andgate.moment.moments import Moment
from andgate.plan import Plan
from twin.flights import day_begins_ms
from twin.judge import EngineJudge
from twin.places import Place, places_of
from twin.virtual import play
from twin.wires import Wires
from twin.world import World

_EARLIEST_H, _LATEST_H = 4.0, 14.5
"""Hours after 03:00 between which it may rise: a morning is behind and an evening ahead."""


class Opening(Struct, frozen=True):
    """A good instant to begin at."""

    at_ms: int
    moment: Moment
    """The threat that comes first, as the rehearsal ended it."""
    score: int


def openings(plan: Plan, day: date, *, today: date, seed: int, lead_s: float, within_s: float) -> list[Opening]:
    """Rehearse a day; return every instant after which a threat comes and is over in time, best first.

    Args:
        plan: the site.
        day: to rehearse.
        today: the day that the busiest recorded day plays.
        seed: of all luck.
        lead_s: site seconds for the audience to find its seats before the line reaches the mark.
        within_s: site seconds from the rising of the curtain to the verdict.

    Raises:
        UsageError: if the plan's day has none.
    """
    world = World(plan, day, today=today, seed=seed)
    judge = EngineJudge(plan)
    wires = Wires(plan, begins_ms=world.begins_ms)
    play(world, wires, judge, until_ms=world.begins_ms + 20 * 3_600_000, paging=True)
    moments = [one for one in judge.moments.values() if not one.withdrawn and one.remedies is None]
    places = places_of(plan)
    begins_ms = day_begins_ms(day, plan.site.timezone)
    found = [
        Opening(at_ms := moment.opened_ms - round(lead_s * 1000), moment, _score(at_ms, moments, places, within_s))
        for moment in moments
        if _EARLIEST_H * 3_600_000 <= moment.opened_ms - begins_ms <= _LATEST_H * 3_600_000
        and _tells(moment, places[moment.touchpoint], within_s - lead_s)
    ]
    if not found:
        raise UsageError(f"nothing happens on {day} with this plan and seed. Give another --seed")
    return sorted(found, key=lambda opening: (-opening.score, opening.at_ms))


def _tells(moment: Moment, place: Place, within_s: float) -> bool:
    """Tell whether a moment shows the whole story: sensor and button, a page, somebody who comes, a verdict in time."""
    return (
        place.part == "line"
        and place.mark in moment.witnesses
        and any(button in moment.witnesses for button in place.buttons)
        and moment.claimed_by is not None
        and moment.closed_ms is not None
        and moment.closed_ms - moment.opened_ms <= within_s * 1000
    )


def _score(at_ms: int, moments: Sequence[Moment], places: dict[str, Place], within_s: float) -> int:
    """Count what there is to see from `at_ms` on: bags counted down most, then every other moment that is open."""
    until_ms = at_ms + round(within_s * 1000)
    seen = [one for one in moments if one.opened_ms < until_ms and (one.ended_ms is None or one.ended_ms > at_ms)]
    counted = [one for one in seen if places[one.touchpoint].part == "belt"]
    ended = [one for one in seen if one.ended_ms is not None and one.ended_ms < until_ms]
    late = [one for one in counted if one.threatened_ms is not None and one.threatened_ms < until_ms]
    return len(seen) + len(ended) + 3 * min(len(counted), 3) + 3 * min(len(late), 2)

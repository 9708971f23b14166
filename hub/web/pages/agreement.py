"""How far buttons and the sensors beside them agree: by place and promise, never by desk or person. No drawing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.tally import Interval, wilson
from hub.web.pages.names import promise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from andgate.plan import Plan
    from hub.store.rows import CellRow


class Agreement(Struct, frozen=True, kw_only=True):
    """What the sensors of one place said of the presses about one promise."""

    touchpoint: str
    place: str
    promise: str
    pressed: int
    """Moments that a press opened where a sensor could say something."""
    agreed: int
    contradicted: int

    @property
    def rate(self) -> Interval | None:
        """How many of them a sensor agreed with, with a 95 % interval."""
        return wilson(self.agreed, self.pressed)


def agreements(plan: Plan, cells: Iterable[CellRow]) -> tuple[Agreement, ...]:
    """Return what was said of presses, in the order of the plan; places without a sensor are left out."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for cell in cells:
        sums = found[cell.touchpoint, cell.expectation]
        for index, count in enumerate((cell.pressed, cell.agreed, cell.contradicted)):
            sums[index] += count
    return tuple(
        Agreement(
            touchpoint=point.id,
            place=point.name,
            promise=promise(plan, name),
            pressed=found[point.id, name][0],
            agreed=found[point.id, name][1],
            contradicted=found[point.id, name][2],
        )
        for point in plan.touchpoints.values()
        for name in plan.expectations
        if (point.id, name) in found and found[point.id, name][0]
    )

"""Which part each touchpoint of a plan plays: derived from what its promises open on, and what hangs there."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from andgate.plan import Plan

Part = Literal["line", "belt", "oversize", "help", "gate"]

_PART_BY_OPENING: dict[str, Part] = {
    "reached": "line",
    "pressed": "line",
    "docked": "belt",
    "arrived": "oversize",
    "called": "help",
    "posted": "gate",
}


class Place(Struct, frozen=True):
    """A touchpoint as the model needs it."""

    id: str
    part: Part
    expectation: str
    group: str
    fails_after_s: float
    buttons: tuple[str, ...]
    """Devices that a person presses to raise, to start or to call: ``node/device``."""
    done: str | None
    """The button that says done."""
    mark: str | None
    """The sensor at the mark, or the belt's fault contact."""
    quick: bool
    """The mark is a distance sensor: a bag drop, shorter and quicker than a counter."""


def places_of(plan: Plan) -> dict[str, Place]:
    """Return every touchpoint that the model can play, by id, in plan order; the others stay quiet."""
    places: dict[str, Place] = {}
    for touchpoint in plan.touchpoints.values():
        for expectation in plan.expectations.values():
            part = next((_PART_BY_OPENING[name] for name in expectation.opens if name in _PART_BY_OPENING), None)
            if touchpoint.id in places or touchpoint.id not in expectation.touchpoints or part is None:
                continue
            if part in {"belt", "gate"} and expectation.key is None:
                continue
            kinds: dict[str, list[str]] = {}
            for device in plan.devices.values():
                if device.touchpoint == touchpoint.id:
                    kinds.setdefault(device.kind, []).append(device.name)
            marks = ["belt-sensor"] if part == "belt" else ["beam", "distance"]
            places[touchpoint.id] = Place(
                id=touchpoint.id,
                part=part,
                expectation=expectation.id,
                group=touchpoint.group,
                fails_after_s=expectation.fails_after_ms / 1000,
                buttons=(*kinds.get("mot-button", []), *kinds.get("start-button", [])),
                done=next(iter(kinds.get("done-button", [])), None),
                mark=next((name for kind in marks for name in kinds.get(kind, [])), None),
                quick="distance" in kinds and "beam" not in kinds,
            )
    return places

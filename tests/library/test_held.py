"""A hold whose device the plan takes away: nobody could ever say that the line is gone (3, 17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from andgate.moment.engine import Engine
from andgate.moment.signals import Replanned, Signal
from andgate.moment.state import dump, load
from andgate.plan import Device
from tests.library.days import BAGGAGE, CHECK_IN, DEVICES, MINUTE, at, site
from tests.library.fold import judge
from tests.library.watch import Watch

SENSOR = "mark-a/mark"
WAIT = replace(CHECK_IN, fails_after_ms=60 * MINUTE, pages=())


def _said(name: str, at_ms: int, device: str) -> Signal:
    known = {"touchpoint": "counter-a", "received_ms": at(4), "source": device or "feed", "device": device}
    return Signal(id=f"n/{name}", name=name, at_ms=at_ms, **known)  # type: ignore[arg-type]


def _without(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    return tuple(each for each in devices if each.name != SENSOR)


def _elsewhere(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    return tuple(replace(each, touchpoint="counter-b") if each.name == SENSOR else each for each in devices)


def _saying_less(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    return tuple(replace(each, signals={"off": "cleared"}) if each.name == SENSOR else each for each in devices)


def _the_same(devices: tuple[Device, ...]) -> tuple[Device, ...]:
    return devices


@pytest.mark.parametrize(
    ("change", "state"),
    [(_without, "ended"), (_elsewhere, "ended"), (_saying_less, "ended"), (_the_same, "open")],
)
def test_a_hold_falls_with_the_plan_that_takes_its_device_away(
    change: Callable[[tuple[Device, ...]], tuple[Device, ...]], state: str
) -> None:
    first, second = site(WAIT, BAGGAGE), site(WAIT, version="second", devices=change(DEVICES))
    mark = Replanned(plan=second, at_ms=at(2))
    reached, reset = _said("reached", at(1), SENSOR), _said("reset", at(3), "desk-a1/mot")
    orders: list[list[Signal | Replanned]] = [[reached, mark, reset], [mark, reached, reset], [mark, reset, reached]]
    for order in orders:
        watch = Watch.over(first)
        for item in order:
            watch.receive([item], at(2) if item is mark else at(4))
        (moment,) = watch.living
        assert moment.state == state
        (judged,) = judge([reached, reset], [], first, at(4), replanned=[mark])
        assert judged.state == state


def test_a_hold_that_no_device_of_the_plan_gave_stands() -> None:
    watch = Watch.over(site(WAIT, BAGGAGE))
    for item in (
        _said("reached", at(1), ""),
        Replanned(plan=site(WAIT, version="second", devices=_without(DEVICES)), at_ms=at(2)),
        _said("reset", at(3), "desk-a1/mot"),
    ):
        watch.receive([item], item.at_ms)
    (moment,) = watch.living
    assert moment.state == "open"


def test_a_plan_that_ends_many_moments_ends_them_in_the_same_order_after_a_restart() -> None:
    first = site(replace(WAIT, touchpoints=("counter-b", "counter-a")), BAGGAGE)
    nothing = Replanned(plan=site(version="second"), at_ms=at(5))
    steps = []
    for restart in (False, True):
        engine = Engine(first)
        for place in ("counter-b", "counter-a"):
            engine.receive([replace(_said("pressed", at(1), ""), id=place, touchpoint=place)], at(4))
        engine = load(dump(engine)) if restart else engine
        steps.append(engine.receive([nothing], at(5)))
    assert steps[0] == steps[1]
    assert [moment.touchpoint for moment in steps[0].published] == ["counter-a", "counter-b"]


def test_what_is_taken_back_from_two_promises_is_so_in_the_same_order_after_a_restart() -> None:
    first = site(replace(WAIT, id="z"), replace(WAIT, id="a"))
    back = replace(_said("reset", at(2), ""), retracts="n/pressed")
    steps = []
    for restart in (False, True):
        engine = Engine(first)
        engine.receive([_said("pressed", at(1), "")], at(4))
        engine = load(dump(engine)) if restart else engine
        steps.append(engine.receive([back], at(5)))
    assert steps[0] == steps[1]

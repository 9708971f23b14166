"""A hold whose device the plan takes away: nobody could ever say that the line is gone (3, 17)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from andgate.moment.signals import Replanned, Signal
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
    for order in ([reached, mark, reset], [mark, reached, reset], [mark, reset, reached]):
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

"""The hub sees by the numbers what it has not got, asks for it patiently, and takes no for an answer."""

from __future__ import annotations

import json
from typing import Any

from andgate.moment.signals import Signal
from hub.ingest.boots import Boot
from hub.ingest.holes import AGAIN_MOST_MS, NUMBERS_AT_ONCE, Holes
from tests.hub.desk import Desk, node_signal


def _boot(*numbers: int, node: str = "n", name: str = "b", rank: int = 1) -> Boot:
    boot = Boot(node, name, rank, 0)
    for number in numbers:
        boot.numbers.add(number)
    return boot


def _gap(first: int, last: int, node: str = "n", boot: str = "b", **about: Any) -> Signal:
    said: dict[str, Any] = {"boot": boot, "from": first, "to": last} | about
    return Signal(id="g", name="gap", touchpoint="", at_ms=0, received_ms=0, source=node, about=said)


def _asked(holes: Holes, now_ms: int, node: str = "n") -> list[tuple[str | None, int | None, int | None]]:
    return [(command.boot, command.from_, command.to) for command in holes.ask(node, now_ms)]


def test_a_hole_is_asked_for_when_it_was_there_the_last_time_too_and_then_more_and_more_rarely() -> None:
    holes = Holes([_boot(1, 2, 5, 9)])
    assert _asked(holes, 0) == []
    assert _asked(holes, 15_000) == [("b", 3, 4), ("b", 6, 8)]
    assert _asked(holes, 29_000) == []
    assert _asked(holes, 30_000) == [("b", 3, 4), ("b", 6, 8)]
    assert _asked(holes, 45_000) == []
    times = [now_ms for now_ms in range(60_000, 48 * 3_600_000, 15_000) if _asked(holes, now_ms)]
    assert times[-1] - times[-2] == AGAIN_MOST_MS
    assert len(times) < 60


def test_what_came_meanwhile_is_not_asked_for() -> None:
    boot = _boot(1, 4)
    holes = Holes([boot])
    _asked(holes, 0)
    boot.numbers.add(2)
    holes.note(boot)
    _asked(holes, 15_000)
    assert _asked(holes, 30_000) == [("b", 3, 3)]
    boot.numbers.add(3)
    holes.note(boot)
    assert _asked(holes, 60_000) == []
    assert holes.only_gone("n", "b")


def test_what_is_gone_is_not_asked_for_again_and_nothing_else_is_forgotten_for_it() -> None:
    holes = Holes([_boot(1, 10)])
    _asked(holes, 0)
    assert _asked(holes, 15_000) == [("b", 2, 9)]
    holes.answered([_gap(3, 4), _gap(8, 8), _gap(2, 9, node="other"), _gap(2, 9, boot="other"), _gap(2, 9, to="9")])
    _asked(holes, 30_000)
    assert _asked(holes, 90_000) == [("b", 2, 2), ("b", 5, 7), ("b", 9, 9)]
    assert not holes.only_gone("n", "b")
    holes.answered([_gap(1, 99)])
    assert _asked(holes, 9_000_000) == []
    assert holes.only_gone("n", "b")


def test_a_stranger_is_not_asked_and_what_is_long_comes_in_parts() -> None:
    holes = Holes([_boot(5, rank=-1), _boot(10**9, name="c", node="m")])
    assert _asked(holes, 0) == _asked(holes, 20_000) == []
    _asked(holes, 0, "m")
    assert _asked(holes, 20_000, "m") == [("c", 1, NUMBERS_AT_ONCE)]


def test_many_numberings_of_one_node_are_bounded() -> None:
    holes = Holes(_boot(5, name=f"b{number}", rank=number) for number in range(1, 100))
    _asked(holes, 0)
    assert len({boot for boot, _, _ in _asked(holes, 20_000)}) <= 8


def _commands(desk: Desk) -> list[tuple[str, str, int | None, int | None]]:
    return [(node, it.do, it.from_, it.to) for out in desk.commits for node, it in out.commands]


def test_the_hub_asks_a_node_that_says_its_health(desk: Desk) -> None:
    def health() -> None:
        desk.say("node/desk-a1/health", json.dumps({"boot": "b1", "mono": 50.0, "devices": {}}).encode())
        desk.pass_ms(15_000)

    for seq in (1, 4):
        desk.say("node/desk-a1/signal", node_signal(seq, sent=10.0 + seq))
    health()
    assert _commands(desk) == []
    health()
    assert _commands(desk) == [("desk-a1", "resend", 2, 3)]
    desk.say("node/desk-a1/signal", node_signal(2, sent=70.0))
    about = {"boot": "b1", "from": 3, "to": 3}
    desk.say("node/desk-a1/signal", node_signal(5, "gap", device="node", about=about, value=1, sent=80.0))
    for _ in range(5):
        health()
    assert len(_commands(desk)) == 1
    assert desk.driver.fault is None

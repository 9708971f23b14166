"""What is wrong with a node, as a table; and the words for it."""

# ruff: noqa: E501 - a table of cases

from __future__ import annotations

from typing import Any

import pytest

from andgate.plan import parse_plan
from andgate.wire.messages import DeviceHealth, Health
from hub.fleet.faults import KINDS, Fault, Known, decide
from tests.hub.desk import PLAN, START_MS

NOW = START_MS + 3_600_000
MINUTE = 60_000
WANTED = "c0ffee"


def known(**more: Any) -> Known:
    said = {"node": "desk-a1", "state": "online", "since_ms": START_MS, "wanted": WANTED, "config": WANTED, **more}
    return Known(**said)


def health(
    device: str = "mot", level: Any = "off", since: float = 1_000.0, fault: str | None = None, **more: Any
) -> Health:
    devices = {device: DeviceHealth(level=level, since=since, fault=fault)}
    return Health(boot="b1", mono=1_100.0, devices=devices, **more)


def standing(kind: str, node: str = "desk-a1", device: str = "") -> dict[tuple[str, str, str], Fault]:
    fault = Fault(node=node, device=device, kind=kind, since_ms=START_MS, seen_ms=START_MS)
    return {fault.key: fault}


BEAM = {"node": "mark-a", "told": {"mark": "off"}}

CASES: list[tuple[str, Known, dict[tuple[str, str, str], Fault], list[tuple[str, str, int, str]]]] = [
    ("all is well", known(health=health()), {}, []),
    ("it never said how it is", known(), {}, []),
    ("not in the plan", known(wanted=None), {}, [("", "stranger", START_MS, "is not in the plan")]),
    ("never heard", known(state="unseen", since_ms=None), {}, [("", "unseen", NOW, "was never heard")]),
    ("lost", known(state="lost"), {}, [("", "lost", START_MS, "lost")]),
    ("stopped", known(state="stopped"), {}, [("", "stopped", START_MS, "was stopped, and has not come back")]),
    (
        "stale",
        known(stale_ms=NOW - MINUTE),
        {},
        [("", "silent", NOW - MINUTE, "calls itself alive, but its health is not heard")],
    ),
    (
        "what it said before it went dark stands",
        known(state="lost", health=health()),
        standing("stuck", device="mot"),
        [("mot", "stuck", START_MS, "stuck"), ("", "lost", START_MS, "lost")],
    ),
    ("another node's faults are not its own", known(state="lost"), standing("hot", "belt-3"), [("", "lost", START_MS, "lost")]),
    ("chatter", known(health=health(fault="it chatters: look for a loose wire")), {}, [
        ("mot", "chattering", NOW, "changes faster than anybody could press")]),
    ("stuck, as the node says", known(health=health(level="on", fault="stuck")), {}, [
        ("mot", "stuck", NOW - 100_000, "stuck")]),
    ("a button that nobody would hold so long", known(health=health(level="on")), {}, [
        ("mot", "stuck", NOW - 100_000, "stuck")]),
    ("a button that is held", known(health=health(level="on", since=1_050.0)), {}, []),
    ("a line may stand for long", known(node="mark-a", health=health("mark", "on"), told={"mark": "on"}), {}, []),
    ("unreadable", known(health=health(level="unknown", fault="pin 17 is in use")), {}, [
        ("mot", "unreadable", NOW, "cannot be read: pin 17 is in use")]),
    ("unreadable, as the node says", known(health=health(level="unknown", fault="unreadable: no echo")), {}, [("mot", "unreadable", NOW, "cannot be read: no echo")]),
    ("unreadable, and no more", known(health=health(level="unknown", fault="unreadable")), {}, [("mot", "unreadable", NOW, "cannot be read")]),
    ("unreadable, nobody knows why", known(health=health(level="unknown")), {}, [("mot", "unreadable", NOW, "cannot be read")]),
    ("any other word", known(health=health(fault="echo lost")), {}, [("mot", "faulty", NOW, "reports a fault: echo lost")]),
    ("its level is not what it told", known(**BEAM, health=health("mark", "on")), {}, [
        ("mark", "deaf", NOW, "stands on, and nobody was told of the change")]),
    ("it may be in the spool still", known(**BEAM, health=health("mark", "on", spool=1)), {}, []),
    ("a hub that just started knows no signal", known(node="mark-a", health=health("mark", "on")), {}, []),
    ("but it knows its faults", known(node="mark-a", health=health("mark", "on")), standing("deaf", "mark-a", "mark"), [
        ("mark", "deaf", NOW, "stands on, and nobody was told of the change")]),
    ("another configuration", known(config="beef", health=health()), {}, [
        ("", "config", NOW, "runs another configuration than the plan's")]),
    ("a hub that just started and was told nothing yet", known(), standing("itself"), [("", "itself", START_MS, "says of itself: ")]),
    ("no configuration yet", known(config=None, health=health()), {}, []),
    ("one without a time", known(untimed=1), {}, [("", "clock", NOW, "1 signal without a time: kept and shown, never judged")]),
    ("several", known(untimed=7, state="lost"), {}, [
        ("", "clock", NOW, "7 signals without a time: kept and shown, never judged"), ("", "lost", START_MS, "lost")]),
    ("hot", known(health=health(temperature_c=80.4)), {}, [("", "hot", NOW, "is 80 °C hot")]),
    ("warm", known(health=health(temperature_c=79.0)), {}, []),
    ("not cool yet", known(health=health(temperature_c=79.0)), standing("hot"), [("", "hot", NOW, "is 79 °C hot")]),
    ("cool", known(health=health(temperature_c=74.0)), standing("hot"), []),
    ("the node's own word", known(health=Health(boot="b1", mono=1.0, fault="the card is full")),
     {}, [("", "itself", NOW, "says of itself: the card is full")]),
]  # fmt: skip


@pytest.mark.parametrize(("state", "before", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_wrong(
    state: Known, before: dict[tuple[str, str, str], Fault], found: list[tuple[str, str, int, str]]
) -> None:
    faults = decide(state, parse_plan(PLAN), before, NOW)
    assert [(fault.device, fault.kind, fault.since_ms, fault.words) for fault in faults] == found


def test_a_button_that_latches_may_stay_down() -> None:
    plan = parse_plan(PLAN.replace("button = 17", 'button = 17\nstyle = "latching"'))
    assert decide(known(health=health(level="on")), plan, {}, NOW) == []


def test_every_kind_says_what_is_wrong_and_what_to_do() -> None:
    for name, kind in KINDS.items():
        assert kind.words, name
        assert not kind.do.endswith("."), name
        fault = Fault(node="a", device="b", kind=name, since_ms=0)
        assert "{" not in fault.words
        assert fault.do == kind.do


def test_some_faults_must_stand_before_they_are_shown() -> None:
    fault = Fault(node="a", kind="config", since_ms=NOW)
    assert not fault.shown(NOW + MINUTE - 1)
    assert fault.shown(NOW + MINUTE)
    assert Fault(node="a", kind="lost", since_ms=NOW).shown(NOW)

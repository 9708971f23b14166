"""A signal meets the plan of when it happened (rule 17), also if it arrives after the plan was changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from andgate.errors import RefusedError
from andgate.plan import parse_plan
from andgate.wire.times import format_time
from hub.clock import HandClock
from hub.fleet.wanted import node_config
from tests.hub.desk import PLAN, START_MS, Desk, node_signal

COUNTERS = PLAN.replace(
    "[touchpoints.belt-3]", '[touchpoints.counter-b]\nname = "B"\ngroup = "ticket-agents"\n[touchpoints.belt-3]'
).replace('touchpoints = ["counter-a"]', 'touchpoints = ["counter-a", "counter-b"]')
NODE = '[nodes.desk-a1]\ntouchpoint = "counter-a"\n'
DEVICE = '[nodes.desk-a1.devices.mot]\nkind = "mot-button"\nbutton = 17\nlamp = 27\n'
CHANGED = {
    "renamed device": COUNTERS.replace("devices.mot]", "devices.red]"),
    "moved node": COUNTERS.replace(NODE, NODE.replace("counter-a", "counter-b")),
    "node taken away": COUNTERS.replace(NODE, "").replace(DEVICE, ""),
}


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("how", CHANGED)
def test_a_press_that_was_kept_while_the_plan_changed(tmp_path: Path, how: str, restarted: bool) -> None:
    clock = HandClock(START_MS)
    desk = Desk(tmp_path, clock, plan=COUNTERS)
    desk.node(node_signal(1, "tested", mono=100.0, sent=100.0))
    clock.advance(60_000)  # the node is cut off, and its button is pressed after 50 s
    if restarted:
        desk.stop()
        desk = Desk(tmp_path, clock, plan=CHANGED[how])
    else:
        desk.driver.reload(CHANGED[how]).result(30)
    clock.advance(1_000)
    desk.node(node_signal(2, mono=150.0, sent=161.0))
    moment = desk.only()
    assert (moment.touchpoint, moment.opened_ms, moment.witnesses) == ("counter-a", START_MS + 50_000, ("desk-a1/mot",))
    assert desk.reasons() == []
    desk.stop()


def test_a_press_after_the_change_meets_the_changed_plan(tmp_path: Path) -> None:
    clock = HandClock(START_MS)
    desk = Desk(tmp_path, clock, plan=COUNTERS)
    desk.node(node_signal(1, "tested", mono=100.0, sent=100.0))
    clock.advance(60_000)
    desk.driver.reload(CHANGED["moved node"]).result(30)
    clock.advance(10_000)
    desk.node(node_signal(2, mono=165.0, sent=170.0))
    assert desk.only().touchpoint == "counter-b"
    desk.driver.reload(CHANGED["renamed device"]).result(30)
    clock.advance(10_000)
    desk.node(node_signal(3, mono=175.0, sent=180.0))
    assert desk.reasons() == ['the plan has no device "mot" on node "desk-a1". It has: red']
    desk.stop()


def test_a_feeds_word_of_before_the_change(tmp_path: Path) -> None:
    clock = HandClock(START_MS)
    desk = Desk(tmp_path, clock)
    clock.advance(60_000)
    desk.driver.reload(PLAN.replace('"docked"', '"arrived"')).result(30)
    before, after = format_time(START_MS + 30_000), format_time(START_MS + 60_000)
    desk.post("a-1", "docked", key="AG1/1", at=before)
    assert desk.only().opened_ms == START_MS + 30_000
    said = {"id": "a-2", "touchpoint": "belt-3", "signal": "docked", "key": "AG2/1"}
    desk.say("feed/aodb/signal", json.dumps([{**said, "at": before}, {**said, "id": "a-3", "at": after}]).encode())
    assert len(desk.moments()) == 2
    assert len(desk.reasons()) == 1
    with pytest.raises(RefusedError, match="nothing in the plan knows"):
        desk.post("a-4", "docked", key="AG3/1")
    desk.stop()


def test_a_node_that_has_not_taken_the_changed_plan_yet_speaks_by_the_one_before(tmp_path: Path) -> None:
    clock = HandClock(START_MS)
    desk = Desk(tmp_path, clock, plan=COUNTERS)
    wanted = node_config(parse_plan(COUNTERS), parse_plan(COUNTERS).nodes["desk-a1"]).hash
    birth = {"state": "online", "session": 1, "boot": "b1", "config": wanted}
    desk.say("node/desk-a1/state", json.dumps(birth).encode())
    desk.node(node_signal(1, "tested", mono=100.0, sent=100.0))
    desk.driver.reload(CHANGED["renamed device"]).result(30)
    clock.advance(300)
    desk.node(node_signal(2, mono=100.2, sent=100.3))
    assert desk.only().witnesses == ("desk-a1/mot",)
    now = parse_plan(CHANGED["renamed device"])
    taken = {**birth, "session": 2, "config": node_config(now, now.nodes["desk-a1"]).hash}
    desk.say("node/desk-a1/state", json.dumps(taken).encode())
    desk.node(node_signal(3, mono=100.25, sent=100.3))
    assert len(desk.reasons()) == 1, "it has taken the plan, and has no such device any more"
    desk.stop()

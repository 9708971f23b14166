from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from andgate.moment.signals import BLIND, SIGHTED
from andgate.plan import parse_plan
from hub.fleet.wanted import node_config
from hub.store import NodeRow
from tests.hub.desk import PLAN, START_MS, Desk, node_signal


def _state(desk: Desk, state: str, session: int, node: str = "mark-a", **more: Any) -> None:
    desk.say(f"node/{node}/state", json.dumps({"state": state, "session": session, **more}).encode())


def _health(desk: Desk, level: str, fault: str | None = None, **more: Any) -> None:
    said = {"boot": "b1", "mono": 5.0, "devices": {"mark": {"level": level, "fault": fault}}, **more}
    desk.say("node/mark-a/health", json.dumps(said).encode())


def _row(desk: Desk, node: str = "mark-a") -> NodeRow:
    return next(row for row in desk.reader.nodes() if row.node == node)


def _sight(desk: Desk) -> list[tuple[str, str]]:
    return [
        (item["name"], item["device"])
        for entry in desk.reader.entries()
        for item in json.loads(entry.body).get("in", ())
        if item.get("name") in {BLIND, SIGHTED}
    ]


def test_a_node_that_never_came_is_unseen_and_makes_nobody_blind(desk: Desk) -> None:
    assert {row.node: row.state for row in desk.reader.nodes()} == {
        "belt-3": "unseen", "desk-a1": "unseen", "mark-a": "unseen"
    }  # fmt: skip
    assert _row(desk).fault == "never seen"
    assert _sight(desk) == []


def test_birth_loss_and_return(desk: Desk) -> None:
    wanted = node_config(parse_plan(PLAN), parse_plan(PLAN).nodes["mark-a"]).hash
    _state(desk, "online", 7, boot="b1", version="1", config=wanted)
    row = _row(desk)
    assert (row.state, row.session, row.boot, row.since_ms, row.fault) == ("online", 7, "b1", START_MS, None)
    _state(desk, "lost", 7)
    assert (_row(desk).state, _row(desk).blind) == ("lost", ("mark-a/mark",))
    _state(desk, "online", 8, boot="b1")
    assert (_row(desk).state, _row(desk).blind) == ("online", ())
    assert _sight(desk) == [(BLIND, "mark-a/mark"), (SIGHTED, "mark-a/mark")]
    assert [node for out in desk.commits for node in out.nodes] == [
        ("mark-a", "online"), ("mark-a", "lost"), ("mark-a", "online")
    ]  # fmt: skip


def test_a_will_older_than_the_newest_birth_is_ignored(desk: Desk) -> None:
    _state(desk, "online", 8, boot="b1")
    _state(desk, "lost", 7)
    assert _row(desk).state == "online"
    assert _sight(desk) == []


def test_a_blind_device_makes_a_verdict_provisional(desk: Desk) -> None:
    _state(desk, "online", 1, boot="b1")
    desk.node(node_signal(1, "reached", device="mark", sent=11.0), node="mark-a")
    _state(desk, "lost", 1)
    desk.pass_ms(60_000)
    desk.node(node_signal(1, "reset", mono=71.0, sent=71.0))
    assert (desk.only().verdict, desk.only().provisional) == ("success", True)


def test_health_blinds_and_sights_single_devices_and_is_kept(desk: Desk) -> None:
    _state(desk, "online", 1, boot="b1")
    _health(desk, "on")
    _health(desk, "unknown", "echo lost")
    row = _row(desk)
    assert row.blind == ("mark-a/mark",)
    assert "echo lost" in (row.fault or "")
    _health(desk, "off", config="other", spool=3)
    row = _row(desk)
    assert row.blind == ()
    assert row.health is not None
    assert row.health.spool == 3
    assert "another configuration" in (row.fault or "")


def test_standing_survives_a_restart(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    _state(desk, "online", 4, boot="b9", version="2")
    _state(desk, "lost", 4)
    desk.stop()
    again = make_desk()
    assert (_row(again).state, _row(again).blind, _row(again).boot) == ("lost", ("mark-a/mark",), "b9")
    _state(again, "lost", 3)
    _state(again, "online", 5, boot="b9")
    assert _sight(again) == [(BLIND, "mark-a/mark"), (SIGHTED, "mark-a/mark")]


def test_strangers_are_shown_up_to_a_bound(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr("hub.driver.mail.STRANGERS_MOST", 3)
    for number in range(6):
        _state(desk, "online", 1, node=f"ghost-{number}", boot="x")
    rows = [row for row in desk.reader.nodes() if row.node.startswith("ghost")]
    assert len(rows) == 3
    assert rows[0].fault == "not in the plan"
    assert len(desk.reasons()) == 3


def test_a_node_is_told_what_it_must_know_to_count_down_alone() -> None:
    plan = parse_plan(PLAN)
    config = node_config(plan, plan.nodes["belt-3"])
    assert sorted(config.devices) == ["done", "sign"]
    assert config.devices["done"].signals == {"press": "unloaded"}
    (promise,) = config.expectations
    assert (promise.id, promise.key, promise.countdown_s, promise.fails_after_s) == (
        "baggage-claim",
        "flight",
        1320.0,
        1500.0,
    )
    other = parse_plan(PLAN.replace("22m", "21m"))
    assert node_config(other, other.nodes["belt-3"]).hash != config.hash
    assert node_config(other, other.nodes["desk-a1"]).hash == node_config(plan, plan.nodes["desk-a1"]).hash

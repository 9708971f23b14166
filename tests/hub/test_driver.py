from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from andgate.errors import PlanError, RefusedError, UsageError
from andgate.moment.engine import Engine
from andgate.moment.moments import Moment
from andgate.wire.messages import FeedSignal
from hub.clock import HandClock
from hub.driver import Driver
from hub.evidence.verify import verify
from hub.ingest import feeds, gate
from tests.hub.desk import PLAN, START_MS, WAIT_S, Desk, as_killed, node_signal

KEY = "AG1/2026-11-21"


def test_a_press_is_judged_receipted_paged_and_acknowledged(desk: Desk) -> None:
    desk.node(node_signal(1, sent=11.5))
    moment = desk.only()
    assert moment.opened_ms == START_MS - 500
    assert moment.level == "threatened"
    assert moment.witnesses == ("desk-a1/mot",)
    assert desk.acks == [1]
    (receipt,) = [receipt for out in desk.commits for receipt in out.receipts]
    assert (receipt[0], receipt[1].boot, receipt[1].seq, receipt[1].also) == ("desk-a1", "b1", 1, [])
    (page,) = desk.pages()
    assert (page.group, page.channel, page.state, page.kind) == ("ticket-agents", "radio", "queued", "page")
    assert [type(line.event).__name__ for line in desk.reader.trail(moment.id)][:2] == ["Opened", "Threatened"]


def test_the_journal_is_a_chain_from_entry_1(desk: Desk) -> None:
    desk.node(node_signal(1))
    desk.pass_ms(200_000)
    prev = bytes(32)
    entries = list(desk.reader.entries())
    assert [entry.n for entry in entries] == list(range(1, len(entries) + 1))
    for entry in entries:
        assert entry.prev == prev
        assert entry.hash == sha256(prev + entry.body).digest()
        assert json.loads(entry.body)["now"] == entry.now_ms
        prev = entry.hash
    assert desk.reader.chain().hash == prev.hex() == desk.driver.chain.hash
    assert json.loads(entries[0].body)["in"][0]["plan"]["site"]["id"] == "agx"


def test_a_failure_is_stamped_with_its_deadline_however_late_the_driver_wakes(desk: Desk) -> None:
    desk.node(node_signal(1, sent=11.0))
    desk.pass_ms(1_000_000)
    moment = desk.only()
    assert (moment.verdict, moment.state, moment.ends_ms) == ("failure", "open", START_MS + 180_000)
    desk.node(node_signal(2, "reset", sent=1011.0, mono=1011.0))
    moment = desk.only()
    assert (moment.state, moment.late_s) == ("ended", 820.0)


def test_redelivery_changes_nothing_and_is_receipted_again(desk: Desk) -> None:
    first = node_signal(1, sent=11.0)
    desk.node(first)
    before, chain = desk.moments(), desk.reader.chain()
    for again in (first, node_signal(1, sent=10.0), b"[" + first + b"," + first + b"]"):
        desk.node(again)
    assert desk.moments() == before
    assert desk.reader.chain() == chain, "nothing to judge, no entry"
    assert desk.reader.quarantined() == 0
    assert desk.acks == [1, 2, 3, 4]
    assert all(out.receipts for out in desk.commits[-1:] if out.duplicates)
    assert sum(out.duplicates for out in desk.commits) == 4


def test_the_same_number_with_another_body_is_set_aside(desk: Desk) -> None:
    desk.node(node_signal(1))
    desk.node(node_signal(1, "reset"))
    assert desk.only().state == "open"
    assert desk.reasons() == ["this number is stored already, with another content"]


def test_crash_between_commit_and_acknowledgement(
    tmp_path: Path, clock: HandClock, make_desk: Callable[..., Desk]
) -> None:
    desk = make_desk()
    desk.node(node_signal(1, sent=11.0))
    as_killed(tmp_path / "data", tmp_path / "crashed")  # committed, not acknowledged
    before = desk.moments()
    again = make_desk(data=tmp_path / "crashed")
    again.node(node_signal(1, sent=11.0))
    assert again.moments() == before
    assert again.acks == [1]
    assert sum(out.duplicates for out in again.commits) == 1


def _storm(desk: Desk, chance: random.Random) -> None:
    good = [
        lambda: node_signal(chance.randint(1, 60), chance.choice(["pressed", "reset"]), sent=200.0),
        lambda: b"[" + node_signal(chance.randint(1, 60)) + b"," + node_signal(chance.randint(61, 90)) + b"]",
    ]
    bad: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"\xff\xfe",
        lambda: b"{",
        lambda: b"[" * 5000,
        lambda: b'{"device":1}',
        lambda: node_signal(3, mono=1e300),
        lambda: node_signal(0),
        lambda: node_signal(chance.randint(100, 200), "x" * 200),
        lambda: node_signal(chance.randint(100, 200), device="nothing"),
        lambda: node_signal(chance.randint(100, 200), at="yesterday"),
        lambda: chance.randbytes(chance.randint(0, 300)),
        lambda: b"x" * 70_000,
    ]
    topics = [
        "node/desk-a1/signal",
        "node/ghost/signal",
        "feed/ops/signal",
        "node/desk-a1/state",
        "node/desk-a1/health",
    ]
    topics += ["node/desk-a1/time", "answer", "nonsense", "node/desk-a1/signal/more", "", "feed//signal"]
    for _ in range(300):
        payload = chance.choice(good if chance.random() < 0.3 else bad)()
        desk.deliver(chance.choice(topics), payload, retained=chance.random() < 0.1)
        if chance.random() < 0.05:
            desk.clock.advance(chance.randint(0, 60_000))


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_garbage_is_quarantined_and_the_hub_goes_on(desk: Desk, seed: int) -> None:
    _storm(desk, random.Random(seed))
    desk.sync()
    assert len(desk.acks) == 300
    assert desk.reader.quarantined() >= 100
    assert not [reason for reason in desk.reasons() if "internal error" in reason]
    assert all(len(row.payload) <= 8192 for row in desk.reader.quarantine(1000))
    desk.node(node_signal(1000, mono=5000.0, sent=5000.0))
    assert desk.driver.open_moments()


def test_of_a_list_the_good_members_are_stored_and_the_bad_ones_receipted(desk: Desk) -> None:
    members = [
        json.loads(node_signal(1)),
        json.loads(node_signal(2, device="ghost")),
        json.loads(node_signal(3)) | {"value": {"a": 1}},
        json.loads(node_signal(4, "reset")),
    ]
    desk.node(json.dumps(members).encode())
    (moment,) = desk.moments()
    assert moment.state == "ended"
    (receipt,) = [receipt for out in desk.commits for _, receipt in out.receipts]
    assert receipt.seq == 4
    assert len(desk.reasons()) == 2


def test_a_payload_without_numbers_leaves_the_node_alone(desk: Desk) -> None:
    desk.node(b"garbage")
    assert desk.acks == [1]
    assert not any(out.receipts for out in desk.commits)


def test_a_retained_signal_is_set_aside_unless_its_identity_is_stored(desk: Desk) -> None:
    desk.node(node_signal(1), retained=True)
    assert desk.moments() == ()
    assert len(desk.reasons()) == 1
    assert not any(out.receipts for out in desk.commits), "its node keeps it and sends it properly"
    desk.node(node_signal(1))
    assert len(desk.moments()) == 1
    desk.node(node_signal(1), retained=True)
    assert len(desk.reasons()) == 1
    desk.say("feed/ops/signal", b'{"id":"x","touchpoint":"belt-3","signal":"docked","key":"K/1"}', retained=True)
    assert len(desk.reasons()) == 2


def test_unknown_names_are_refused_over_http_and_quarantined_over_mqtt(desk: Desk) -> None:
    cases = {
        "touchpoint": {"touchpoint": "belt-33"},
        "signal": {"signal": "dockd"},
        "device": {"device": "belt-3/nothing"},
        "to": {"signal": "moved", "to": "belt-9"},
    }
    for index, (what, wrong) in enumerate(cases.items()):
        body: dict[str, Any] = {"id": f"w{index}", "touchpoint": "belt-3", "signal": "docked", "key": "K/1"} | wrong
        good = FeedSignal(id="good", touchpoint="belt-3", signal="docked", key="K/2")
        with pytest.raises(RefusedError, match=next(iter(wrong.values())) if what != "to" else "belt-9") as refused:
            desk.driver.signals([good, FeedSignal(**body)], "ops").result(WAIT_S)
        assert refused.value.index == 1
        desk.say("feed/ops/signal", json.dumps(body).encode())
    assert desk.moments() == (), "one bad member refuses all"
    assert len(desk.reasons()) == len(cases)
    assert [ids for out in desk.commits for _, ids in out.feeds] == [("w0",), ("w1",), ("w2",), ("w3",)]
    desk.node(node_signal(1), node="ghost")
    assert "no node" in desk.reasons()[-1]


def test_one_id_is_one_signal_over_mqtt_and_http(desk: Desk) -> None:
    desk.say("feed/ops/signal", b'{"id":"x","touchpoint":"belt-3","signal":"docked","key":"K/1"}')
    assert desk.post("x", "docked", key="K/1").duplicates == 1
    with pytest.raises(RefusedError) as refused:
        desk.post("x", "docked", key="K/2")
    assert getattr(refused.value, "conflict", False)
    desk.say("feed/ops/signal", b'{"id":"x","touchpoint":"belt-3","signal":"docked","key":"K/3"}')
    assert len(desk.moments()) == 1
    assert len(desk.reasons()) == 1
    accepted = desk.driver.signals([FeedSignal(id="y", touchpoint="belt-3", signal="jammed")] * 2, "ops").result(WAIT_S)
    assert (accepted.accepted, accepted.duplicates) == (1, 1)


def test_the_future_is_refused_and_a_little_of_it_is_now(desk: Desk) -> None:
    assert desk.post("a", "docked", key="K/1", at="2026-11-18T11:07:20.000Z").accepted == 1
    assert desk.only().opened_ms == START_MS
    with pytest.raises(RefusedError, match="in the future"):
        desk.post("b", "docked", key="K/2", at="2099-01-01T00:00:00Z")
    desk.node(node_signal(1, at="2099-01-01T00:00:00.000Z", synced=True))
    assert "60 s after" in desk.reasons()[-1]


def test_actions_claim_void_and_are_refused_in_words(desk: Desk) -> None:
    desk.post("a", "docked", key=KEY)
    moment = desk.only()
    assert desk.act("claim", moment.id).claimed_by == "p1"
    assert desk.act("void", moment.id, reason="false alarm").verdict == "void"
    for do, words in (("claim", "ended"), ("void", "void already"), ("unclaim", "ended")):
        with pytest.raises(RefusedError, match=words):
            desk.act(do, moment.id)
    with pytest.raises(RefusedError, match="no moment"):
        desk.act("claim", "0" * 32)


def test_a_refused_reset_is_told_to_its_node(desk: Desk) -> None:
    desk.node(node_signal(1, "reached", device="mark"), node="mark-a")
    desk.node(node_signal(1))
    desk.clock.advance(5000)
    desk.node(node_signal(2, "reset"))
    (command,) = [command for out in desk.commits for command in out.commands]
    assert (command[0], command[1].do, command[1].device) == ("desk-a1", "refused", "mot")
    assert "mark-a/mark" in (command[1].reason or "")
    assert desk.only().state == "open"


def _day(desk: Desk, chance: random.Random, start: int, count: int) -> None:
    for number in range(start, start + count):
        desk.clock.advance(chance.randint(0, 90_000))
        what = chance.random()
        if what < 0.5:
            mono = (desk.clock.now_ms() - START_MS) / 1000 + 100
            desk.node(node_signal(number, chance.choice(["pressed", "reset"]), mono=mono - chance.random(), sent=mono))
        elif what < 0.8:
            key = f"AG{chance.randint(1, 4)}/2026-11-21"
            desk.post(f"s{number}", chance.choice(["docked", "unloaded", "jammed"]), key=key)
        else:
            found = desk.driver.open_moments()
            if found:
                chosen = chance.choice(found)
                try:
                    desk.act(chance.choice(["claim", "void"]), chosen.id, reason="so")
                except RefusedError:
                    continue


@pytest.mark.parametrize("clean", [True, False])
def test_a_restart_goes_on_exactly_as_if_there_had_been_none(
    tmp_path: Path, make_desk: Callable[..., Desk], *, clean: bool
) -> None:
    ends: list[tuple[Moment, ...]] = []
    for restarts in (0, 3):
        clock = HandClock(START_MS)
        data = tmp_path / f"data{restarts}"
        chance = random.Random(5)
        desk = make_desk(data=data, clock=clock)
        for part in range(4):
            _day(desk, chance, 1 + part * 25, 25)
            if part < restarts:
                if clean:
                    desk.stop()
                else:
                    data = as_killed(data, tmp_path / f"killed{part}")
                desk = make_desk(data=data, clock=clock)
        ends.append(desk.moments())
        whole = desk.driver.open_moments()
        assert whole == tuple(
            sorted((m for m in ends[-1] if m.state == "open"), key=lambda m: (m.ends_ms, m.opened_ms, m.id))
        )
    assert ends[0] == ends[1]
    assert len(ends[0]) > 10


def test_a_torn_or_foreign_snapshot_is_passed_over(tmp_path: Path, make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.post("a", "docked", key=KEY)
    desk.stop()
    (snapshot,) = (tmp_path / "data" / "snapshots").iterdir()
    whole = snapshot.read_bytes()
    for spoiled in (whole[:-1], whole.replace(b"baggage", b"garbage"), b"", whole.replace(b"andgate snapshot 1", b"x")):
        snapshot.write_bytes(spoiled)
        again = make_desk()
        assert again.driver.replayed >= 1
        assert len(again.driver.open_moments()) == 1
        again.stop()
        snapshot = max((tmp_path / "data" / "snapshots").iterdir())


def test_reload_puts_a_changed_plan_in_force_and_a_wrong_one_leaves_the_running(desk: Desk) -> None:
    version = desk.driver.plan.version
    with pytest.raises(PlanError):
        desk.driver.reload(PLAN.replace('fails_after = "25m"', 'fails_after = "soon"')).result(WAIT_S)
    with pytest.raises(PlanError, match="recorded is of the site"):
        desk.driver.reload(PLAN.replace('id = "agx"', 'id = "other"')).result(WAIT_S)
    with pytest.raises(PlanError, match="counted by the hours of Europe/Rome, and Pacific/Apia has others"):
        desk.driver.reload(PLAN.replace("Europe/Rome", "Pacific/Apia")).result(WAIT_S)
    assert desk.driver.plan.version == version
    assert desk.driver.reload("# only a comment\n" + PLAN).result(WAIT_S) == version
    changed = desk.driver.reload(PLAN.replace("belt-3", "belt-4")).result(WAIT_S)
    assert changed != version
    assert desk.driver.plan_version == changed
    assert [out.plan.version for out in desk.commits if out.plan] == [version, changed]
    with pytest.raises(RefusedError):
        desk.post("a", "docked", key=KEY)
    assert desk.post("b", "docked", "belt-4", key=KEY).accepted == 1
    assert desk.only().plan == changed


def test_a_changed_plan_comes_into_force_at_a_restart(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.post("a", "docked", key=KEY)
    desk.stop()
    desk.clock.advance(1)
    again = make_desk(plan=PLAN.replace("25m", "26m"))
    again.post("b", "docked", key="AG2/2026-11-21")
    by_key = {moment.key: moment for moment in again.moments()}
    assert by_key[KEY].ends_ms - by_key[KEY].opened_ms == 25 * 60_000, "a moment keeps the plan of its opening"
    assert by_key["AG2/2026-11-21"].ends_ms - by_key["AG2/2026-11-21"].opened_ms == 26 * 60_000


def test_a_disk_that_refuses_is_asked_again_and_nothing_is_acknowledged_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = [sqlite3.OperationalError("database or disk is full")] * 2
    commit = desk.driver._store.commit
    seen: list[tuple[list[int], str | None]] = []

    def stubborn() -> None:
        seen.append((list(desk.acks), desk.driver.fault))
        if refusals:
            raise refusals.pop()
        commit()

    monkeypatch.setattr("hub.driver.driver.RETRY_S", 0.001)
    monkeypatch.setattr(desk.driver._store, "commit", stubborn)
    desk.node(node_signal(1))
    assert [acks for acks, _ in seen[:3]] == [[], [], []]
    assert "disk is full" in (seen[1][1] or "")
    assert desk.driver.fault is None
    assert desk.acks == [1]
    assert len(desk.moments()) == 1
    assert len([record for record in caplog.records if "disk is full" in record.message]) == 1, "once, not once a try"


def test_a_bug_in_judging_costs_one_message_not_the_hub(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk.post("a", "docked", key=KEY)
    with monkeypatch.context() as broken:
        broken.setattr(desk.driver._judge.engine, "receive", lambda *_, **__: 1 // 0)
        desk.node(node_signal(1))
    assert "internal error" in desk.reasons()[0]
    assert "could not digest" in caplog.text
    assert desk.acks == [1]
    desk.node(node_signal(2))
    assert len(desk.driver.open_moments()) == 2


def _poison(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """From now on no engine can judge this signal; count how often one has tried."""
    receive, tried = Engine.receive, [0]

    def broken(self: Engine, inputs: Any, now_ms: int, **more: Any) -> Any:
        if any(getattr(item, "id", None) == name for item in inputs):
            tried[0] += 1
            raise ZeroDivisionError(name)
        return receive(self, inputs, now_ms, **more)

    monkeypatch.setattr(Engine, "receive", broken)
    return tried


def _receipt(desk: Desk) -> tuple[int, list[tuple[int, int]]]:
    said = [receipt for out in desk.commits for _, receipt in out.receipts]
    return said[-1].seq, said[-1].also


def test_what_cannot_be_judged_is_neither_stored_nor_receipted_and_a_mended_hub_judges_it(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    with monkeypatch.context() as broken:
        tried = _poison(desk, broken, "n/desk-a1/b1/3")
        members = [json.loads(node_signal(seq, "pressed" if seq % 2 else "reset")) for seq in range(1, 8)]
        desk.node(json.dumps(members).encode())
        assert _receipt(desk) == (2, [(4, 7)]), "its neighbours are judged and receipted"
        assert [row.payload.count(b"seq") for row in desk.reader.quarantine()] == [1]
        assert tried[0] <= 4
        for _ in range(5):
            desk.node(node_signal(3))
        assert tried[0] <= 4, "sent again and again, it costs nothing"
        assert _receipt(desk) == (2, [(4, 7)])
        assert len(desk.reasons()) == 1
        desk.node(node_signal(8, "reset"))
        assert _receipt(desk) == (2, [(4, 8)])
        opened = len(desk.moments())
        desk.stop()
    again = make_desk()
    again.node(node_signal(3))
    assert _receipt(again) == (8, [])
    assert len(again.moments()) == opened + 1


def test_what_a_feed_says_and_nobody_can_judge_is_not_receipted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        _poison(desk, broken, "f/bad")
        members = [
            {"id": id, "touchpoint": "belt-3", "signal": "docked", "key": f"{id}/2026-11-21"} for id in ("good", "bad")
        ]
        desk.say("feed/ops/signal", json.dumps(members).encode())
        desk.say("feed/ops/signal", json.dumps(members).encode())
        assert [ids for out in desk.commits for _, ids in out.feeds] == [("good",), ("good",)]
        with pytest.raises(UsageError, match="internal error"):
            desk.post("bad", "docked", key=KEY)
    assert desk.post("bad", "docked", key=KEY).accepted == 1


def test_what_is_asked_of_a_stopping_hub_is_answered(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    driver: Driver = desk.driver
    desk.stop()
    with pytest.raises(RuntimeError, match="stopping"):
        driver.signals([], "x").result(WAIT_S)


def test_a_button_pressed_for_the_wrong_flight_is_taken_back_by_its_name_on_the_trail(desk: Desk) -> None:
    desk.post("d1", "docked", key="AG1234/2026-11-21")
    desk.pass_ms(60_000)
    desk.node(node_signal(1, "unloaded", device="done", key="AG1234/2026-11-21"), "belt-3")
    assert desk.only().verdict == "success"
    desk.post("fix-1", "released", key="AG1234/2026-11-21", retracts="n/belt-3/b1/1")
    assert (desk.only().state, desk.only().verdict, desk.only().revision) == ("open", None, 1)


def test_a_press_overtakes_a_backlog_and_the_backlog_is_not_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spool of thousands is emptied in lists; whoever presses meanwhile waits for one of them, not for all."""
    monkeypatch.setattr("hub.driver.turns.LISTS_MOST", 1)  # else a slow disk makes a commit worth more of them
    held, go = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        go.wait(WAIT_S)

    desk.driver.listeners.append(hold)
    desk.deliver("node/desk-a1/signal", node_signal(1, sent=11.0))
    assert held.wait(WAIT_S)
    for first in range(2, 5002, 500):
        members = (json.loads(node_signal(seq, "seen", sent=6000.0)) for seq in range(first, first + 500))
        desk.deliver("node/desk-a1/signal", json.dumps(list(members), separators=(",", ":")).encode())
    desk.deliver("node/mark-a/signal", node_signal(1, "reached", device="mark", sent=11.0))
    go.set()
    desk.sync()
    said = [(node, receipt.seq) for out in desk.commits for node, receipt in out.receipts]
    assert said.index(("mark-a", 1)) < len(said) - 3
    assert max(seq for node, seq in said if node == "desk-a1") == 5001
    assert len(desk.acks) == 12
    assert not desk.driver.busy


def test_no_feed_can_take_the_names_of_the_hubs_own_signals(desk: Desk) -> None:
    desk.say("node/mark-a/state", b'{"state":"online","session":1,"boot":"b1"}')
    own = f"{desk.driver.epoch[:8]}-{desk.driver.session}"
    for n in range(1, 6):
        for id in (f"hub-{own}-{n}", f"h/{own}-{n}"):
            desk.post(id, "docked", key=f"{id}/2026-11-21")
    desk.say("node/mark-a/state", b'{"state":"lost","session":1}')
    desk.post("after", "docked", key=KEY)
    assert desk.driver.fault is None


def test_what_the_journal_can_never_take_ends_the_driver_and_is_acknowledged_to_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    broke = threading.Event()
    desk.driver.broke = broke.set

    def refuse() -> None:
        raise sqlite3.IntegrityError("UNIQUE constraint failed: signal.id")

    monkeypatch.setattr(desk.driver._store.signals, "write", refuse)
    desk.deliver("node/desk-a1/signal", node_signal(1))
    assert broke.wait(WAIT_S)
    assert desk.driver.broken
    assert "UNIQUE constraint" in (desk.driver.fault or "")
    assert not desk.acks
    assert not [out for out in desk.commits if out.receipts]


def test_a_list_with_a_member_that_breaks_the_gate_loses_none_of_the_others(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = gate.digest  # type: ignore[attr-defined]

    def broken(member: Any) -> bytes:
        if member.signal == "pressed" and member.seq == 3:
            raise ZeroDivisionError
        return digest(member)

    monkeypatch.setattr(gate, "digest", broken)
    said = [node_signal(seq, sig, mono=float(seq), sent=10.0) for seq, sig in enumerate(["pressed", "reset"] * 3, 1)]
    desk.node(b"[" + b",".join(said) + b"]")
    assert sum(not moment.withdrawn for moment in desk.moments()) == 2
    assert desk.reasons() == ["internal error: ZeroDivisionError()"]
    assert [receipt.seq for out in desk.commits for _, receipt in out.receipts] == [6]
    assert verify(as_killed(tmp_path / "data", tmp_path / "killed") / "andgate.db").differences == ()
    monkeypatch.setattr(feeds, "digest", lambda member: digest(member) if member.id != "bad" else 1 / 0)
    members = [FeedSignal(id=id, touchpoint="belt-3", signal="docked", key=id) for id in ("good", "bad")]
    with pytest.raises(UsageError):
        desk.driver.signals(members, "ops").result(WAIT_S)
    assert desk.driver.signals(members[:1], "ops").result(WAIT_S).accepted == 1, "it was not taken before"


@pytest.mark.parametrize("changed", [False, True])
def test_who_was_paged_is_told_that_it_is_over_also_by_a_hub_that_was_away_for_days(
    tmp_path: Path, *, changed: bool
) -> None:
    desk = Desk(tmp_path / "data", HandClock(START_MS))
    desk.node(node_signal(1))
    desk.stop()
    days = HandClock(START_MS + 48 * 3_600_000)
    again = Desk(tmp_path / "data", days, plan=PLAN.replace('"25m"', '"24m"') if changed else PLAN)
    again.sync()
    assert [(row.kind, row.state) for row in again.pages(touchpoint="counter-a")] == [
        ("page", "cancelled"),
        ("over", "queued"),
    ]
    again.stop()
    assert verify(tmp_path / "data" / "andgate.db").sound(witnessed=False)

"""Faults from what nodes say to what technicians are told; restarts and storms in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from andgate.moment.moments import Moment
from andgate.wire.times import format_time
from hub.clock import HandClock
from hub.fleet import traffic
from hub.fleet.alarm import GATHER_MS, GRACE_MS
from hub.fleet.watch import Watch
from hub.notify.channels import Note, Result
from hub.notify.notifier import Notifier
from hub.store import PageRow
from tests.hub.desk import PLAN, START_MS, Desk, as_killed, node_signal
from tests.hub.test_outbox import Pager

MINUTE = 60_000
DUE = MINUTE + GATHER_MS
TECHNICIANS = PLAN.replace('timezone = "Europe/Rome"', 'timezone = "Europe/Rome"\ntechnicians = "technicians"').replace(
    "[touchpoints.counter-a]",
    '[groups.technicians]\nname = "Technicians"\nchannels = ["radio"]\n[touchpoints.counter-a]',
) + "".join(
    f'[nodes.more-{n}.devices.mot]\ntouchpoint = "counter-a"\nkind = "mot-button"\nbutton = 4\n' for n in range(9)
)
DAY = TECHNICIANS.replace('group = "ticket-agents"\n[touch', 'group = "ticket-agents"\nhours = "06:00-22:00"\n[touch')
NODES = ("desk-a1", "mark-a", "belt-3", *(f"more-{n}" for n in range(9)))


def state(
    desk: Desk, said: str, session: int = 1, node: str = "mark-a", *, retained: bool = False, **more: Any
) -> None:
    payload = json.dumps({"state": said, "session": session, "boot": "b1", **more}).encode()
    desk.say(f"node/{node}/state", payload, retained=retained)


def health(
    desk: Desk, node: str = "mark-a", device: str = "mark", level: str = "off", fault: str | None = None, **more: Any
) -> None:
    devices = {device: {"level": level, "fault": fault}}
    desk.say(f"node/{node}/health", json.dumps({"boot": "b1", "mono": 5.0, "devices": devices, **more}).encode())


def kinds(desk: Desk) -> list[str]:
    """What is wrong, but for nodes that nobody has plugged in, and pages that nobody sends: none is there to do so."""
    return [
        f"{row.node}{'/' if row.device else ''}{row.device} {row.kind}"
        for row in desk.reader.faults()
        if row.kind not in {"unseen", "unsent"}
    ]


def told(desk: Desk) -> list[PageRow]:
    return desk.pages(group="technicians")


@pytest.fixture
def technicians(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(plan=TECHNICIANS)
    desk.pass_ms(2 * GRACE_MS)
    return desk


def test_without_technicians_faults_are_shown_and_nobody_is_paged(desk: Desk) -> None:
    desk.pass_ms(2 * GRACE_MS)
    state(desk, "online")
    state(desk, "lost")
    desk.pass_ms(DUE)
    assert kinds(desk) == ["mark-a lost"]
    assert desk.pages() == []


def test_a_lost_node_is_paged_once_after_a_while_and_over_when_it_is_back(technicians: Desk) -> None:
    desk = technicians
    state(desk, "online")
    state(desk, "lost")
    desk.pass_ms(DUE - 1)
    assert (kinds(desk), told(desk)) == (["mark-a lost"], [])
    desk.pass_ms(1)
    (page,) = told(desk)
    assert (page.kind, page.about, page.state, page.channel, page.touchpoint) == (
        "page",
        None,
        "queued",
        "radio",
        "counter-a",
    )
    assert page.text == (
        "mark-a at Check-in counter A: lost since 12:08. Look whether it has power and network. "
        "What it sees meanwhile is kept on its card."
    )
    assert page.title == "Check-in counter A"
    desk.pass_ms(10 * MINUTE)
    assert len(told(desk)) == 1
    state(desk, "online", 2)
    assert [row.kind for row in told(desk)] == ["page", "over"]
    assert told(desk)[1].text == "mark-a at Check-in counter A: well again after 11 min. It was: lost."
    assert kinds(desk) == []
    state(desk, "lost", 2)
    desk.pass_ms(DUE)
    assert [row.kind for row in told(desk)] == ["page", "over", "page"]


def test_a_blink_of_the_network_pages_nobody(technicians: Desk) -> None:
    for session in range(1, 6):
        state(technicians, "online", session)
        state(technicians, "lost", session)
        technicians.pass_ms(DUE - MINUTE)
    state(technicians, "online", 9)
    technicians.pass_ms(DUE)
    assert told(technicians) == []


def test_silence_is_a_fault_too(technicians: Desk) -> None:
    state(technicians, "online")
    health(technicians)
    technicians.pass_ms(46_000)
    technicians.pass_ms(15_000)
    assert kinds(technicians) == ["mark-a silent"]
    technicians.pass_ms(DUE)
    assert [row.reason for row in told(technicians)] == ["mark-a silent"]
    health(technicians)
    assert kinds(technicians) == []
    assert [row.kind for row in told(technicians)] == ["page", "over"]


@pytest.mark.parametrize(
    ("fault", "level", "kind"),
    [("chattering", "off", "chattering"), ("stuck", "on", "stuck"), ("unreadable", "unknown", "unreadable")],
)
def test_a_device_pages_at_once(technicians: Desk, fault: str, level: str, kind: str) -> None:
    state(technicians, "online")
    health(technicians, level=level, fault=fault)
    assert kinds(technicians) == [f"mark-a/mark {kind}"]
    (page,) = told(technicians)
    assert page.text.startswith("mark-a/mark at Check-in counter A: ")
    health(technicians)
    assert [row.kind for row in told(technicians)] == ["page", "over"]


def test_open_screens_are_told_of_a_fault_that_comes_and_goes(technicians: Desk) -> None:
    state(technicians, "online")
    technicians.commits.clear()
    health(technicians, level="on", fault="stuck")
    health(technicians, level="on", fault="stuck")
    assert [out.nodes for out in technicians.commits if out.nodes] == [(("mark-a", "online"),)]
    health(technicians)
    assert [out.nodes for out in technicians.commits if out.nodes] == [(("mark-a", "online"),)] * 2


def test_a_lost_node_s_devices_are_not_said_to_be_well(technicians: Desk) -> None:
    state(technicians, "online")
    health(technicians, level="on", fault="stuck")
    state(technicians, "lost")
    technicians.pass_ms(DUE)
    assert sorted(kinds(technicians)) == ["mark-a lost", "mark-a/mark stuck"]
    assert [row.kind for row in told(technicians)] == ["page", "page"]


def test_a_storm_is_one_page_and_one_over(technicians: Desk) -> None:
    desk = technicians
    for node in NODES:
        state(desk, "online", node=node)
    for node in NODES:
        state(desk, "lost", node=node)
        desk.pass_ms(300)
    desk.pass_ms(DUE)
    (page,) = told(desk)
    assert page.text.startswith("12 nodes lost since 12:08, first: desk-a1, mark-a, belt-3. Look whether")
    assert page.title == "12 nodes lost"
    for node in NODES[:-1]:
        state(desk, "online", 2, node=node)
    assert len(told(desk)) == 1
    state(desk, "online", 2, node=NODES[-1])
    assert [row.kind for row in told(desk)] == ["page", "over"]


def test_many_at_once_are_told_as_one_after_a_handful(technicians: Desk) -> None:
    desk = technicians
    for n, node in enumerate(NODES):
        state(desk, "online", node=node)
        health(desk, node, "mot", fault="stuck", level="on")
        assert len(told(desk)) == min(n + 1, 5)
    desk.pass_ms(GRACE_MS)
    assert len(told(desk)) == 6
    assert told(desk)[-1].text.startswith("7 inputs stuck since")


def test_at_night_a_lost_node_waits_for_the_opening(make_desk: Callable[..., Desk], clock: HandClock) -> None:
    clock.advance(11 * 60 * MINUTE)  # 23:26
    desk = make_desk(plan=DAY)
    desk.pass_ms(2 * GRACE_MS)
    state(desk, "online")
    state(desk, "online", node="belt-3")
    state(desk, "lost")
    desk.pass_ms(3 * 60 * MINUTE)
    assert told(desk) == []
    health(desk, "belt-3", "done", fault="stuck", level="on")
    assert [row.reason for row in told(desk)] == ["belt-3/done stuck"], "a device is told at any hour"
    desk.pass_ms(4 * 60 * MINUTE)
    assert [row.reason for row in told(desk)][:2] == ["belt-3/done stuck", "mark-a lost"]


def test_a_fault_survives_a_restart_and_is_told_once(
    make_desk: Callable[..., Desk], tmp_path: Path, clock: HandClock
) -> None:
    desk = make_desk(plan=TECHNICIANS)
    desk.pass_ms(2 * GRACE_MS)
    state(desk, "online")
    state(desk, "lost")
    lost_ms = clock.now_ms()
    desk.pass_ms(30_000)
    killed = as_killed(tmp_path / "data", tmp_path / "killed")
    desk.stop()
    clock.advance(5 * MINUTE)
    for data in (tmp_path / "data", killed):
        again = make_desk(data=data, plan=TECHNICIANS)
        again.pass_ms(30_000)
        assert told(again) == [], "nodes have a minute to come back"
        (row,) = [row for row in again.reader.faults() if row.kind == "lost"]
        assert row.since_ms == lost_ms
        again.pass_ms(DUE)
        (page,) = told(again)
        once = as_killed(data, tmp_path / f"{data.name}-again")
        again.stop()
        third = make_desk(data=once, plan=TECHNICIANS)
        third.pass_ms(10 * MINUTE)
        assert [row.page for row in told(third)] == [page.page]
        state(third, "online", 2)
        assert [row.kind for row in told(third)] == ["page", "over"]
        third.stop()


def test_what_a_node_said_before_a_restart_stands_until_it_says_otherwise(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    state(desk, "online")
    health(desk)
    health(desk, fault=None, temperature_c=85.0)
    assert [row.reason for row in told(desk)] == ["mark-a hot"]
    desk.stop()
    desk.clock.advance(5_000)
    again = make_desk(plan=TECHNICIANS)
    state(again, "online", retained=True)
    again.pass_ms(30_000)
    assert (kinds(again), [row.kind for row in told(again)]) == (["mark-a hot"], ["page"])
    health(again, temperature_c=60.0)
    assert (kinds(again), [row.kind for row in told(again)]) == ([], ["page", "over"])


def test_another_configuration_is_told_when_it_stays(technicians: Desk) -> None:
    state(technicians, "online", config="beef")
    technicians.pass_ms(59_000)
    assert told(technicians) == []
    technicians.pass_ms(1_000)
    assert [row.reason for row in told(technicians)] == ["mark-a config"]


def test_a_page_and_its_fault_are_one_transaction(technicians: Desk) -> None:
    state(technicians, "online")
    health(technicians, level="on", fault="stuck")
    (page,) = told(technicians)
    (row,) = [row for row in technicians.reader.faults() if row.kind == "stuck"]
    assert row.page == page.page
    out = next(out for out in technicians.commits if page.id in [row.id for row in out.pages])
    assert [row.page for row in out.pages] == [page.page]


def test_a_hub_that_only_listens_pages_nobody(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS, listen_only=True)
    state(desk, "online")
    health(desk, level="on", fault="stuck")
    assert [(row.state, row.note) for row in told(desk)] == [("muted", "the hub only listens")]


def test_the_page_goes_out_with_no_moment_and_no_claim(technicians: Desk) -> None:
    pager = Pager()
    notifier = Notifier(technicians.driver, technicians.clock, lambda channel: pager)
    technicians.driver.listeners.append(notifier.committed)
    notifier.start(technicians.unsent)
    state(technicians, "online")
    health(technicians, level="on", fault="stuck")
    assert pager.wait(1) == ["page technicians"]
    page = pager.notes[0].page
    assert (page.moment, page.claim, page.left_s, page.kind) == (None, None, 0.0, "page")
    answer = {"page": page.id, "do": "claim", "by": "p7"}
    technicians.say("answer", json.dumps(answer).encode())
    assert technicians.reasons() == []
    technicians.sync()
    assert "claim by p7" in told(technicians)[0].note
    health(technicians)
    assert pager.wait(1)[-1] == "over technicians"
    notifier.stop()


def test_an_unsent_page_of_a_fault_is_sent_after_a_restart(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    state(desk, "online")
    health(desk, level="on", fault="stuck")
    desk.stop()
    again = make_desk(plan=TECHNICIANS)
    sent: list[Note] = []

    class Channel:
        prompt = False

        def send(self, note: Note, done: Callable[[Result], None]) -> None:
            sent.append(note)
            done(Result(sent=True))

        def close(self) -> None:
            pass

    notifier = Notifier(again.driver, again.clock, lambda channel: Channel())
    notifier.start(again.unsent)
    notifier.stop()
    assert [(note.page.moment, note.page.again) for note in sent] == [(None, True)]


def test_signals_without_a_time_and_signals_lost(technicians: Desk) -> None:
    desk = technicians
    state(desk, "online", node="desk-a1", boot="b2")
    desk.node(node_signal(1, at=None))
    desk.pass_ms(15_000)
    assert kinds(desk) == ["desk-a1 clock"]
    (row,) = [row for row in desk.reader.faults() if row.kind == "clock"]
    assert row.detail == "1 signal"
    desk.node(node_signal(2, "gap", device="node", boot="b2", sent=12.5, value=41))
    assert kinds(desk) == ["desk-a1 clock", "desk-a1 gap"]
    assert told(desk)[-1].text.startswith("desk-a1 at Check-in counter A: 41 signals lost for good since")
    desk.node(node_signal(3, "gap", device="node", boot="b2", sent=13.5, value=1))
    desk.pass_ms(2 * MINUTE)
    desk.node(node_signal(4, "gap", device="node", boot="b2", sent=14.5, value=1))
    (row,) = [row for row in desk.reader.faults() if row.kind == "gap"]
    assert row.detail == "43 signals"
    desk.pass_ms(25 * 60 * MINUTE)
    assert "desk-a1 gap" not in kinds(desk)


def test_what_comes_too_late_is_said_to_be_so(technicians: Desk) -> None:
    desk = technicians
    desk.node(node_signal(1, mono=10.0, sent=10.0))
    late = [json.loads(node_signal(seq, mono=10.0 + seq, sent=90_000.0)) for seq in (2, 3)]
    desk.pass_ms(89_990_000)
    desk.node(json.dumps(late).encode())
    desk.post("a-1", "docked", key="AG1/1", at=format_time(desk.clock.now_ms() - 86_400_001))
    found = {row.node: row.detail for row in desk.reader.faults() if row.kind == "late"}
    assert found == {"desk-a1": "2 signals", "feed/ops": "1 signal"}
    assert len(desk.moments()) == 1
    desk.node(node_signal(4, mono=20.0, sent=90_000.0))
    assert {row.detail for row in desk.reader.faults() if row.kind == "late"} == {"3 signals", "1 signal"}


def test_a_level_that_nobody_was_told_of(technicians: Desk) -> None:
    desk = technicians
    state(desk, "online")
    desk.node(node_signal(1, "cleared", device="mark", sent=11.0), node="mark-a")
    health(desk, level="on")
    assert told(desk) == []
    desk.pass_ms(30_000)
    health(desk, level="on")
    desk.pass_ms(30_000)
    assert [row.reason for row in told(desk)] == ["mark-a/mark deaf"]
    desk.node(node_signal(2, "reached", device="mark", sent=12.0), node="mark-a")
    health(desk, level="on")
    assert kinds(desk) == []


def test_who_sends_rubbish_is_named(technicians: Desk) -> None:
    desk = technicians
    for n in range(5):
        desk.say("node/desk-a1/signal", b"{" + b" " * n)
        desk.say("feed/ops/signal", b"nonsense%d" % n)
    assert kinds(desk) == ["desk-a1 garbage", "feed/ops garbage"]
    desk.pass_ms(MINUTE)
    counted = {(row.kind, row.name): (row.accepted, row.quarantined) for row in desk.reader.senders()}
    assert counted == {("node", "desk-a1"): (0, 5), ("feed", "ops"): (0, 5)}
    desk.pass_ms(11 * MINUTE)
    assert kinds(desk) == []


def test_who_floods_is_named(technicians: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "FLOOD", 20)
    for n in range(25):
        technicians.node(node_signal(n + 1, "reset", sent=11.0 + n))
    assert kinds(technicians) == ["desk-a1 flood"]
    technicians.pass_ms(MINUTE)
    assert {row.name: row.minute for row in technicians.reader.senders()} == {"desk-a1": 25}
    technicians.pass_ms(2 * MINUTE)
    assert {row.name: row.minute for row in technicians.reader.senders()} == {"desk-a1": 0}
    assert kinds(technicians) == []


def test_names_cannot_fill_the_memory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "OTHERS_MOST", 3)
    for n in range(9):
        desk.say(f"feed/ghost-{n}/signal", b"x")
    desk.pass_ms(MINUTE)
    assert [(row.name, row.quarantined) for row in desk.reader.senders()] == [
        ("*", 6), ("ghost-0", 1), ("ghost-1", 1), ("ghost-2", 1)
    ]  # fmt: skip


def test_a_place_whose_sensor_contradicts_its_button_again_and_again(desk: Desk) -> None:
    watch: Watch = desk.driver._judge.watch
    moment = Moment(
        id="m", anchor="a", expectation="check-in-wait", interactions=(), touchpoint="counter-a", key=None, about={},
        opened_ms=START_MS, threatened_ms=None, failing_ms=None, claimed_ms=None, claimed_by=None, claim_until_ms=None,
        ends_ms=START_MS, counts_to_ms=START_MS, closed_ms=None, ended_ms=START_MS, state="ended", level="ended",
        verdict="void", saved=False, answered=False, provisional=True, reason="contradicted", late_s=None,
        anomaly=False, cause=None, remedy=None, witnesses=("desk-a1/mot",), plan="p",
    )  # fmt: skip
    for n in range(3):
        assert kinds(desk) == []
        watch.published([msgspec.structs.replace(moment, id=f"m{n}")] * 2, START_MS + n * MINUTE)
        desk.sync()
    assert kinds(desk) == ["desk-a1/mot disagree"]
    desk.pass_ms(2 * 60 * MINUTE)
    assert kinds(desk) == []


def test_a_node_taken_out_of_the_plan_is_a_stranger_and_its_page_is_over(technicians: Desk) -> None:
    desk = technicians
    state(desk, "online")
    health(desk, level="on", fault="stuck")
    less = TECHNICIANS.replace('[nodes.mark-a.devices.mark]\ntouchpoint = "counter-a"\nkind = "beam"\npin = 22\n', "")
    desk.driver.reload(less).result(30)
    desk.pass_ms(15_000)
    assert kinds(desk) == ["mark-a stranger"]
    assert [row.kind for row in told(desk)] == ["page", "over"]

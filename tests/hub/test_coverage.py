from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andgate.coverage import Cell, Covered, Spell
from andgate.moment.signals import BLIND, SIGHTED, Input, Replanned, Retimed, Signal
from andgate.plan import parse_plan
from hub.clock import HandClock
from hub.store import Reader, Store
from hub.store.coverage import SightRow, project
from hub.store.covered import Asked
from hub.store.journal import decode_inputs
from tests.hub.desk import PLAN, START_MS, Desk, as_killed, node_signal

HOUR = 3_600_000
MINUTE = 60_000


def inputs_of(reader: Reader) -> list[Input]:
    return [item for entry in reader.entries() for item in decode_inputs(entry.body).in_]


def rows_of(reader: Reader) -> tuple[tuple[SightRow, ...], tuple[Spell, ...], dict[Cell, Covered]]:
    with reader._borrow() as db:
        sights = db.execute("select * from sight order by signal").fetchall()
        dark = db.execute("select device, touchpoint, from_ms, to_ms from spell order by device, from_ms").fetchall()
        cells = db.execute(
            "select hour_ms, expectation, touchpoint, team, area, due_ms, seen_ms from coverage"
        ).fetchall()
    return tuple(sights), tuple(Spell(*row) for row in dark), {Cell(*row[:5]): Covered(*row[5:]) for row in cells}


def agrees(desk: Desk) -> dict[Cell, Covered]:
    """Demand that the tables are what the whole journal says; return the closed hours."""
    closed = desk.reader.meta("coverage")
    assert closed is not None
    made = project(inputs_of(desk.reader), int(closed))
    sights, dark, cells = rows_of(desk.reader)
    assert ([(*row[:3], bool(row[3]), *row[4:8], bool(row[8])) for row in sights], dark, cells) == (
        list(made.sights),
        made.spells,
        made.cells,
    )
    return cells


def share(desk: Desk, by: Any = "touchpoint", **only: Any) -> dict[str, Covered]:
    asked = Asked(only.pop("since_ms", None), only.pop("until_ms", None), **only)
    return desk.reader.coverage(by, asked, now_ms=desk.clock.now_ms(), timezone="Europe/Rome")


def state(desk: Desk, said: str, session: int, node: str = "mark-a", **more: Any) -> None:
    desk.say(f"node/{node}/state", json.dumps({"state": said, "session": session, **more}).encode())


def all_heard(desk: Desk) -> None:
    desk.node(node_signal(1, sent=11.0))
    desk.node(node_signal(1, "cleared", device="mark", sent=11.0), node="mark-a")
    desk.node(node_signal(1, "unloaded", device="done", sent=11.0), node="belt-3")


def test_a_node_never_heard_is_blind_from_the_plan_s_first_day_on(desk: Desk) -> None:
    desk.pass_ms(90 * MINUTE)
    assert share(desk) == {"belt-3": Covered(90 * MINUTE, 0), "counter-a": Covered(90 * MINUTE, 0)}
    all_heard(desk)
    desk.pass_ms(90 * MINUTE)
    assert share(desk)["belt-3"] == Covered(180 * MINUTE, 90 * MINUTE)
    agrees(desk)
    assert desk.reader.blind_ms(since_ms=START_MS, now_ms=desk.clock.now_ms()) == {
        "belt-3": 90 * MINUTE,
        "counter-a": 90 * MINUTE,
    }


def test_every_breakdown_and_filter(desk: Desk) -> None:
    all_heard(desk)
    desk.pass_ms(30 * MINUTE)
    state(desk, "online", 1, boot="b1")
    state(desk, "lost", 1)
    desk.pass_ms(30 * MINUTE)
    half, whole = Covered(60 * MINUTE, 30 * MINUTE), Covered(60 * MINUTE, 60 * MINUTE)
    assert share(desk, "expectation") == {"check-in-wait": half, "baggage-claim": whole}
    assert share(desk, "team") == {"ticket-agents": half, "supervisors": whole}
    assert share(desk, "area") == {"Terminal 1": half, "": whole}
    assert sum(each.due_ms for each in share(desk, "hour").values()) == 120 * MINUTE
    assert sum(each.seen_ms for each in share(desk, "day").values()) == 90 * MINUTE
    assert share(desk, "key") == share(desk, "interaction") == {}
    assert share(desk, touchpoint="belt-3", area="Terminal 1") == {}
    assert share(desk, expectation="baggage-claim") == {"belt-3": whole}
    assert share(desk, until_ms=START_MS - HOUR) == {}
    assert share(desk, since_ms=START_MS + 2 * HOUR) == {}
    desk.pass_ms(2 * HOUR)
    assert share(desk, "expectation", until_ms=START_MS + HOUR)["baggage-claim"].due_ms > 0
    agrees(desk)


def test_what_is_learnt_late_corrects_hours_that_are_closed(desk: Desk) -> None:
    all_heard(desk)
    desk.pass_ms(3 * HOUR)
    before = agrees(desk)
    at_ms = START_MS + 30 * MINUTE
    late = [
        Signal(
            id=f"f/late-{name}", name=name, touchpoint="counter-a", at_ms=at, received_ms=at, source="hub",
            device="mark-a/mark",
        )
        for name, at in ((BLIND, at_ms), (SIGHTED, at_ms + HOUR))
    ]  # fmt: skip
    store = desk.driver._store
    store.coverage.saw(late[0])
    store.coverage.saw(late[1])
    store.coverage.saw(Signal(id="f/back", name="watched", touchpoint="counter-a", at_ms=at_ms, received_ms=at_ms,
                              source="hub", retracts="f/nobody"))  # fmt: skip
    desk.post("x", "docked", key="AG1/2026-11-21")
    cells = rows_of(desk.reader)[2]
    assert sum(it.blind_ms for it in cells.values()) == HOUR
    assert {cell: it.due_ms for cell, it in cells.items()} == {cell: it.due_ms for cell, it in before.items()}
    store.coverage.saw(Retimed(signal="f/late-blind", at_ms=at_ms + 20 * MINUTE))
    desk.post("y", "docked", key="AG2/2026-11-21")
    assert sum(it.blind_ms for it in rows_of(desk.reader)[2].values()) == 40 * MINUTE
    store.coverage.saw(Signal(id="f/back2", name="watched", touchpoint="counter-a", at_ms=at_ms, received_ms=at_ms,
                              source="hub", retracts="f/late-blind"))  # fmt: skip
    desk.post("z", "docked", key="AG3/2026-11-21")
    assert rows_of(desk.reader)[2] == before


def test_a_restart_and_a_kill_go_on_where_it_was(
    make_desk: Callable[..., Desk], tmp_path: Path, clock: HandClock
) -> None:
    desk = make_desk()
    all_heard(desk)
    state(desk, "online", 1, boot="b1")
    desk.pass_ms(50 * MINUTE)
    state(desk, "lost", 1)
    killed = as_killed(tmp_path / "data", tmp_path / "killed")
    desk.stop()
    clock.advance(5 * HOUR)
    for data in (tmp_path / "data", killed):
        again = make_desk(data=data)
        again.sync()
        cells = agrees(again)
        assert sum(it.blind_ms for it in cells.values()) > 4 * HOUR
        assert share(again)["counter-a"] == Covered(5 * HOUR + 50 * MINUTE, 50 * MINUTE)
        again.stop()


def test_a_node_that_died_while_the_hub_was_down_was_blind_since_it_was_last_heard(
    make_desk: Callable[..., Desk], clock: HandClock
) -> None:
    desk = make_desk()
    all_heard(desk)
    for node, device in (("mark-a", "mark"), ("belt-3", "done"), ("desk-a1", "mot")):
        state(desk, "online", 1, node=node, boot="b1")
        said = {"boot": "b1", "mono": 5.0, "devices": {device: {"level": "off"}}}
        desk.say(f"node/{node}/health", json.dumps(said).encode())
    desk.stop()
    clock.advance(2 * HOUR)
    again = make_desk()
    state(again, "online", 2, node="belt-3", boot="b1")  # it went on watching: its spool has what it saw
    state(again, "online", 2, node="desk-a1", boot="b2")  # it was off at some time
    again.pass_ms(30_000)
    for node, device, boot in (("belt-3", "done", "b1"), ("desk-a1", "mot", "b2")):
        said = {"boot": boot, "mono": 5.0, "devices": {device: {"level": "off"}}}
        again.say(f"node/{node}/health", json.dumps(said).encode())
    again.pass_ms(15_000)
    assert share(again)["belt-3"].share == 1.0
    assert share(again)["counter-a"].seen_ms == 0, "mark-a has not come back"
    state(again, "online", 2, boot="b1")
    again.node(node_signal(2, "reached", device="mark", sent=9_000.0, mono=9_000.0), node="mark-a")
    assert share(again)["counter-a"].blind_ms == 2 * HOUR, "its spool vouches for it; but the desk was off"
    agrees(again)


def test_a_journal_older_than_the_table_is_read_once(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk()
    all_heard(desk)
    state(desk, "online", 1, boot="b1")
    state(desk, "lost", 1)
    desk.pass_ms(4 * HOUR)
    before = rows_of(desk.reader)
    desk.stop()
    store = Store(tmp_path / "data")
    for table in ("sight", "spell", "coverage"):
        store.db.execute(f"delete from {table}")
    store.db.execute("delete from meta where key = 'coverage'")
    store.close()
    again = make_desk()
    again.sync()
    assert rows_of(again.reader) == before
    again.pass_ms(2 * HOUR)
    agrees(again)


def test_a_commit_that_fails_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.pass_ms(2 * HOUR)
    monkeypatch.setattr("hub.driver.driver.RETRY_S", 0.01)
    store, tries = desk.driver._store, []
    write = store.pages.write

    def refuse() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise __import__("sqlite3").OperationalError("disk full")
        write()

    monkeypatch.setattr(store.pages, "write", refuse)
    all_heard(desk)
    desk.pass_ms(2 * HOUR)
    agrees(desk)
    assert share(desk)["belt-3"] == Covered(4 * HOUR, 2 * HOUR)


def test_after_a_long_stop_hours_are_closed_in_portions(
    make_desk: Callable[..., Desk], clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    desk.stop()
    clock.advance(100 * HOUR)
    monkeypatch.setattr("hub.store.coverage.ROWS_AT_ONCE", 20)
    again = make_desk()
    for _ in range(40):
        again.pass_ms(1)
    cells = agrees(again)
    assert max(cell.hour_ms for cell in cells) >= START_MS + 98 * HOUR


OTHER = PLAN.replace(
    'touchpoint = "belt-3"\n[nodes.belt-3.devices.sign]', 'touchpoint = "counter-a"\n[nodes.belt-3.devices.sign]', 1
)
DEVICES = {"desk-a1/mot": "counter-a", "mark-a/mark": "counter-a", "belt-3/done": "belt-3"}


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["blind", "sighted", "watched", "press", "plan", "retime"]),
            st.sampled_from(sorted(DEVICES)),
            st.integers(0, 400),
            st.integers(0, 90),
        ),
        max_size=25,
    )
)
def test_kept_step_by_step_it_is_what_the_whole_says(
    tmp_path_factory: Any, steps: list[tuple[str, str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("coverage")
    store = Store(folder)
    plans = [parse_plan(PLAN), parse_plan(OTHER)]
    store.use_plan(plans[0])
    now, taken, in_force = START_MS, [], 0

    def take(item: Input) -> None:
        taken.append(item)
        if isinstance(item, Replanned):
            store.plan(item.plan, item.at_ms, "")
        store.record(now, (item,), (), ())

    take(Replanned(plan=plans[0], at_ms=now))
    blinds: list[str] = []
    for n, (what, device, back, on) in enumerate(steps):
        now += on * MINUTE
        at = now - back * MINUTE
        if what == "plan":
            in_force = 1 - in_force
            take(Replanned(plan=plans[in_force], at_ms=now))
        elif what == "retime":
            if blinds:
                take(Retimed(signal=blinds[-1], at_ms=at))
        else:
            target = blinds.pop() if what == "watched" and blinds else None
            source = device.split("/")[0] if what == "press" else "hub"
            place = DEVICES[device]
            signal = Signal(id=f"f/{n}", name=what, touchpoint=place, at_ms=at, received_ms=now, source=source,
                            device=device, retracts=target)  # fmt: skip
            if what == "blind":
                blinds.append(signal.id)
            take(signal)
        if n % 3 == 0:
            store.roll(now)
            store.commit()
    store.roll(now)
    store.commit()
    with Reader(folder) as reader:
        made = project(taken, int(reader.meta("coverage") or 0))
        _, dark, cells = rows_of(reader)
    assert (dark, cells) == (made.spells, made.cells)
    store.close()
    shutil.rmtree(folder)

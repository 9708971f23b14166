from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from andgate.errors import PayloadError, UsageError
from andgate.moment.moments import Moment
from andgate.wire.codec import format_time
from andgate.wire.messages import FeedSignal
from hub.evidence.verify import verify
from hub.store import Reader, Store
from hub.store.hours import Hours
from hub.store.pages import BUNDLED, QUEUED
from hub.store.rows import By, Counts
from hub.store.schema import LATEST
from hub.store.tally import FIELDS, bits_of
from tests.hub.desk import PLAN, START_MS, WAIT_S, Desk, as_killed, node_signal

KEY = "AG1/2026-11-21"


def _busy(desk: Desk, seed: int, count: int = 150) -> None:
    chance = random.Random(seed)
    for number in range(count):
        desk.clock.advance(chance.randint(0, 240_000))
        key = f"AG{chance.randint(1, 6)}/2026-11-21"
        late = chance.choice([0, 0, 0, 600_000])
        at = datetime.fromtimestamp((desk.clock.now_ms() - late) / 1000, UTC).isoformat(timespec="milliseconds")
        what = chance.choice(["docked", "docked", "unloaded", "unloaded", "jammed", "cancelled", "pressed", "reset"])
        place = "counter-a" if what in {"pressed", "reset"} else "belt-3"
        retracts = f"s{chance.randint(0, number)}" if chance.random() < 0.1 else None
        desk.post(f"s{number}", what, place, key=None if place == "counter-a" else key, at=at, retracts=retracts)
        found = desk.driver.open_moments()
        if found and chance.random() < 0.2:
            desk.act("claim", chance.choice(found).id)


@pytest.mark.parametrize("seed", range(3))
def test_the_tally_is_what_counting_all_moments_would_give(desk: Desk, seed: int) -> None:
    _busy(desk, seed)
    zone = ZoneInfo("Europe/Rome")
    plain: dict[str, dict[str, list[int]]] = {by: {} for by in get_args(By) if by != "interaction"}
    for moment in desk.moments():
        bits = bits_of(moment)
        local = datetime.fromtimestamp(moment.opened_ms / 1000, zone)
        groups = {
            "expectation": moment.expectation,
            "touchpoint": moment.touchpoint,
            "area": "Terminal 1" if moment.touchpoint == "counter-a" else "",
            "team": "ticket-agents" if moment.touchpoint == "counter-a" else "supervisors",
            "hour": f"{local.hour:02d}",
            "day": str(local.date()),
            "key": moment.key,
        }
        for by, group in groups.items():
            if group is not None and bits:
                counts = plain[by].setdefault(group, [0] * len(FIELDS))
                for index in range(len(FIELDS)):
                    counts[index] += bits >> index & 1
    assert sum(sum(counts[:3]) for counts in plain["expectation"].values()) > 20
    for by, counted in plain.items():
        told = {row.group: row.counts for row in desk.reader.tally(by=by)}  # type: ignore[arg-type]
        wanted = {group: Counts(**dict(zip(FIELDS, counts, strict=True))) for group, counts in counted.items()}
        assert told == wanted, by


@pytest.mark.parametrize("seed", range(3))
def test_outcomes_agree_with_their_moments_and_their_tally(desk: Desk, seed: int) -> None:
    _busy(desk, seed)
    items = desk.reader.outcomes("arrival", limit=1000).items
    moments = [moment for moment in desk.moments() if moment.key and not moment.withdrawn and moment.verdict != "void"]
    assert {row.key for row in items} == {moment.key for moment in moments}
    for row in items:
        mine = [moment for moment in moments if moment.key == row.key]
        failed = sorted((moment.ends_ms, moment.id) for moment in mine if moment.verdict == "failure")
        assert (row.state == "failure") == bool(failed)
        assert row.first == (failed[0][1] if failed else None)
        assert row.at_ms == min(moment.opened_ms for moment in mine)
    (told,) = desk.reader.tally(by="interaction")
    for state in ("success", "failure", "pending", "incomplete"):
        assert getattr(told.counts, state) == sum(row.state == state for row in items)


def test_a_pending_outcome_is_incomplete_a_day_later(make_desk: Callable[..., Desk]) -> None:
    two = PLAN.replace('inputs = ["baggage-claim"]', 'inputs = ["baggage-claim", "greeting"]') + (
        '[expectations.greeting]\npromise = "x"\ntouchpoints = ["belt-3"]\nkey = "flight"\nopens = ["greeted"]\n'
        'closes = ["seated"]\nfails_after = "5m"\n'
    )
    desk = make_desk(plan=two)
    desk.post("a", "docked", key=KEY)
    desk.post("b", "unloaded", key=KEY)
    assert [row.state for row in desk.reader.outcomes("arrival").items] == ["pending"]
    desk.pass_ms(86_400_000)
    desk.post("c", "docked", key="AG2/2026-11-22")
    by_key = {row.key: row.state for row in desk.reader.outcomes("arrival").items}
    assert by_key == {KEY: "incomplete", "AG2/2026-11-22": "pending"}


def test_a_line_counts_for_the_flights_served_meanwhile(make_desk: Callable[..., Desk]) -> None:
    plan = PLAN + '[interactions.departure]\nname = "Leaving"\nkey = "flight"\ninputs = ["check-in-wait"]\n'
    desk = make_desk(plan=plan)
    desk.post("a", "serving", "counter-a", key=KEY)
    desk.clock.advance(1000)
    desk.post("b", "pressed", "counter-a")
    desk.pass_ms(200_000)
    (row,) = desk.reader.outcomes("departure").items
    assert (row.key, row.state, row.first) == (KEY, "failure", desk.only().id)
    desk.post("c", "released", "counter-a", key=KEY, retracts="a")
    assert desk.reader.outcomes("departure").items == ()


@pytest.mark.parametrize("together", [False, True])
def test_who_was_not_served_after_all_stays_so_in_whichever_order_it_comes(
    make_desk: Callable[..., Desk], tmp_path: Path, *, together: bool
) -> None:
    plan = PLAN + '[interactions.departure]\nname = "Leaving"\nkey = "flight"\ninputs = ["check-in-wait"]\n'
    desk = make_desk(plan=plan)
    back = FeedSignal(id="c", touchpoint="counter-a", signal="released", key=KEY, retracts="a")
    never = FeedSignal(id="d", touchpoint="counter-a", signal="released", key=KEY, retracts="never")
    served = FeedSignal(id="a", touchpoint="counter-a", signal="serving", key=KEY, at=format_time(desk.clock.now_ms()))
    for members in [[back, served, never]] if together else [[back], [never], [served]]:
        desk.driver.signals(members, "ops").result(WAIT_S)
    desk.clock.advance(1000)
    desk.post("b", "pressed", "counter-a")
    desk.pass_ms(200_000)
    assert desk.reader.outcomes("departure").items == ()
    assert verify(as_killed(tmp_path / "data", tmp_path / "killed") / "andgate.db").differences == ()


@pytest.mark.parametrize("taken_back", ["before its time is known", "by the signal that tells it", "after"])
def test_who_was_served_at_no_known_time_and_not_after_all_stays_so_once_it_is_known(
    make_desk: Callable[..., Desk], tmp_path: Path, taken_back: str
) -> None:
    plan = PLAN + '[interactions.departure]\nname = "Leaving"\nkey = "flight"\ninputs = ["check-in-wait"]\n'
    desk = make_desk(plan=plan)
    desk.say("node/desk-a1/state", b'{"state":"online","session":1,"boot":"new"}')
    desk.node(node_signal(1, "serving", boot="old", key=KEY))
    row = desk.reader.signal("n/desk-a1/old/1")
    assert row is not None
    assert row.state == "untimed"
    if taken_back == "before its time is known":
        desk.post("c", "released", "counter-a", key=KEY, retracts="n/desk-a1/old/1")
    at_last: dict[str, Any] = {"retracts": 1} if taken_back == "by the signal that tells it" else {}
    desk.node(node_signal(2, "released", boot="old", key=KEY, mono=12.0, sent=12.0, **at_last))
    if taken_back == "after":
        desk.post("c", "released", "counter-a", key=KEY, retracts="n/desk-a1/old/1")
    desk.post("b", "pressed", "counter-a", at=format_time(desk.clock.now_ms() - 500))
    desk.pass_ms(200_000)
    assert desk.reader.outcomes("departure").items == ()
    assert verify(as_killed(tmp_path / "data", tmp_path / "killed") / "andgate.db").differences == ()


def test_what_comes_more_than_a_day_late_serves_nobody_and_takes_nobody_back(make_desk: Callable[..., Desk]) -> None:
    plan = PLAN + '[interactions.departure]\nname = "Leaving"\nkey = "flight"\ninputs = ["check-in-wait"]\n'
    desk = make_desk(plan=plan)
    other, now_ms = "AG2/2026-11-21", desk.clock.now_ms()
    desk.post("a", "serving", "counter-a", key=KEY)
    desk.clock.advance(1000)
    desk.post("b", "pressed", "counter-a")
    desk.clock.advance(200_000)
    desk.pass_ms(86_400_000)
    desk.post("late", "serving", "counter-a", key=other, at=format_time(now_ms))
    desk.post("c", "released", "counter-a", key=KEY, retracts="a")
    assert [(row.key, row.state) for row in desk.reader.outcomes("departure").items] == [(KEY, "failure")]


def test_a_feed_that_was_blind_before_the_year_1_changes_nothing(desk: Desk) -> None:
    desk.post("a", "blind", "counter-a", at="0001-01-01T00:00:00Z")
    desk.pass_ms(7_200_000)
    assert desk.driver.fault is None
    assert desk.reader.signal("f/a") is not None


def test_lists_turn_pages(desk: Desk) -> None:
    for number in range(7):
        desk.clock.advance(1000 * (number % 2))
        desk.post(f"s{number}", "docked", key=f"AG{number}/2026-11-21")
    whole = desk.reader.moments(limit=100)
    assert whole.next is None
    assert len(whole.items) == 7
    assert list(whole.items) == sorted(whole.items, key=lambda m: (m.opened_ms, m.id), reverse=True)
    cursor: str | None = None
    parts: list[Moment] = []
    while True:
        page = desk.reader.moments(limit=3, cursor=cursor)
        parts += page.items
        cursor = page.next
        if cursor is None:
            break
    assert tuple(parts) == whole.items
    assert len(desk.reader.outcomes("arrival", limit=3).items) == 3
    outcomes = desk.reader.outcomes("arrival", limit=3)
    assert len(desk.reader.outcomes("arrival", limit=10, cursor=outcomes.next).items) == 4
    for bad in ("x", "1", "a.b", ""):
        with pytest.raises(PayloadError):
            desk.reader.moments(cursor=bad)
    with pytest.raises(PayloadError):
        desk.reader.pages(cursor="x")


def test_filters(desk: Desk) -> None:
    desk.post("a", "docked", key=KEY)
    desk.pass_ms(5_000)
    desk.post("b", "pressed", "counter-a")
    desk.post("c", "unloaded", key=KEY)
    reader = desk.reader
    assert [m.key for m in reader.moments(state="ended").items] == [KEY]
    assert [m.key for m in reader.moments(state="open").items] == [None]
    assert [m.key for m in reader.moments(expectation="baggage-claim").items] == [KEY]
    assert [m.key for m in reader.moments(touchpoint="counter-a").items] == [None]
    assert [m.key for m in reader.moments(key=KEY).items] == [KEY]
    assert [m.key for m in reader.moments(since_ms=START_MS + 1).items] == [None]
    assert [m.key for m in reader.moments(until_ms=START_MS + 1).items] == [KEY]
    assert [m.key for m in reader.day_moments(START_MS)] == [KEY]
    assert reader.day_moments(START_MS + 60_000) == ()
    assert reader.moment("nothing") is None
    assert reader.trail("nothing") == ()
    assert reader.signal("nothing") is None


def test_one_hub_per_folder(tmp_path: Path, desk: Desk) -> None:
    with pytest.raises(UsageError, match="another hub"):
        Store(tmp_path / "data")
    assert desk.driver.session == 1


def test_a_folder_that_cannot_be_used_or_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot use the data folder"):
        Store(tmp_path / "file")
    with pytest.raises(UsageError, match="holds no hub's data"):
        Reader(tmp_path)


def test_session_grows_and_epoch_stays(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    epoch, session = desk.driver.epoch, desk.driver.session
    desk.stop()
    again = make_desk()
    assert (again.driver.epoch, again.driver.session) == (epoch, session + 1)
    assert again.reader.meta("session") == str(session + 1)


def test_tables_are_made_by_migrations_and_a_start_pays_for_them_once(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "andgate.db") as db:
        assert db.execute("pragma user_version").fetchone() == (LATEST,)
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
        names = [row[0] for row in db.execute("select name from _sqlite_migrations order by name")]
        assert [name[:5] for name in names] == [f"m{number:03}_" for number in range(1, LATEST + 1)]
    db.close()
    program = (
        f"import sys; from pathlib import Path; from hub.store import Store; s = Store(Path({str(tmp_path)!r})); "
        "print(s.db.execute('pragma synchronous').fetchone()[0], 'sqlite_utils' in sys.modules); s.close()"
    )
    seen = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert seen.stdout.split() == ["2", "False"]


def test_local_hours_across_a_change_of_summer_time() -> None:
    hours = Hours("Europe/Rome")
    before = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp() * 1000)
    first, second = hours.of(before), hours.of(before + 3_600_000)
    assert (first.hour, second.hour, first.day) == (2, 2, "2026-10-25")
    assert second.start_ms - first.start_ms == 3_600_000
    assert Hours("Asia/Kathmandu").of(0).start_ms == -30 * 60_000


def test_the_quarantine_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.store.store.QUARANTINE_KEPT", 5)
    for number in range(9):
        desk.node(b"x" * (9_000 + number))
    rows = desk.reader.quarantine()
    assert [row.size for row in rows] == [9008, 9007, 9006, 9005, 9004]
    assert {len(row.payload) for row in rows} == {8192}
    assert desk.reader.quarantined() == 9


def test_the_entries_of_a_journal_say_all_that_was_decided(desk: Desk) -> None:
    desk.post("a", "docked", key=KEY)
    entry = json.loads(list(desk.reader.entries())[-1].body)
    assert [item["kind"] for item in entry["in"]] == ["signal"]
    assert [event["event"] for event in entry["events"]] == ["opened"]
    assert entry["moments"][0]["id"] == desk.only().id


def test_failures_are_found_by_an_index_of_their_own(desk: Desk, tmp_path: Path) -> None:
    _busy(desk, 1)
    desk.clock.advance(3_600_000)
    desk.post("last", "docked", "belt-3", key=KEY)
    failed = [moment for moment in desk.moments() if moment.verdict == "failure" and not moment.withdrawn]
    found = desk.reader.failures(since_ms=0, until_ms=1 << 60)
    assert {moment.id for moment in found} == {moment.id for moment in failed}
    assert found
    db = sqlite3.connect(tmp_path / "data" / "andgate.db")
    question = "select body from moment where opened_ms >= 0 and counts & 2 != 0 order by opened_ms desc, id desc"
    plan = " ".join(row[3] for row in db.execute(f"explain query plan {question}"))
    db.close()
    assert "moment_failed" in plan


def test_what_is_asked_often_is_found_by_its_index(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Years of pages and moments are there: none of these may read them all."""
    asked: list[str] = []

    def ask(statement: str, _values: object) -> list[tuple[Any, ...]]:
        asked.append(statement)
        return []

    monkeypatch.setattr(desk.reader, "_all", ask)
    desk.reader.false_alarms(since_ms=0)
    desk.reader.false_alarms()
    desk.reader.causes(since_ms=0)
    desk.reader.told_by("bundle:1")
    db = sqlite3.connect(tmp_path / "data" / "andgate.db")
    plans = [
        " ".join(row[3] for row in db.execute(f"explain query plan {question}", ("1",) * question.count("?")))
        for question in (*asked, BUNDLED, QUEUED)
    ]
    db.close()
    found = [re.findall(r"USING (?:COVERING )?INDEX (\w+)", plan) for plan in plans]
    assert found == [
        ["moment_void"],
        ["moment_void"],
        ["moment_failed"],
        ["sqlite_autoindex_page_1", "page_bundle"],
        ["page_bundle"],
        ["page_queued"],
    ]

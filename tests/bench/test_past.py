from __future__ import annotations

from pathlib import Path

import pytest

from bench import _past
from bench._hub import LINES
from hub.store import Reader

NOON = 1_795_262_400_000
ENTRIES = 56 * LINES + 4


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_past, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


def test_a_past_is_judged_to_its_end_and_leaves_the_flights_open(tmp_path: Path) -> None:
    begin_ms = _past.journal(tmp_path / "data", ENTRIES, NOON, flights=4)
    with Reader(tmp_path / "data") as reader:
        judged = reader.tally()
        docked = reader.moments(expectation="turn", state="open").items
        entries = list(reader.entries())
    assert begin_ms == NOON - _past.SPAN_MS
    assert {row.group: row.counts.success for row in judged} == {"wait": 28 * LINES}
    assert len(docked) == 4
    assert ENTRIES <= len(entries) <= ENTRIES + 2 * LINES  # some is the hub's own word: a node is heard the first time
    assert NOON - _past.PAGED_AFTER_MS < entries[-1].now_ms <= NOON


def test_another_one_goes_on_from_the_same_weeks_with_a_last_day_of_its_own(tmp_path: Path, kept: Path) -> None:
    first = _past.journal(tmp_path / "first", ENTRIES, NOON, flights=4)
    (weeks,) = kept.iterdir()
    old = (weeks / "andgate.db").read_bytes()
    again = _past.journal(tmp_path / "again", ENTRIES, NOON + _past.DAY_MS, flights=4)
    assert again == first
    assert (weeks / "andgate.db").read_bytes() == old
    with Reader(tmp_path / "first") as one, Reader(tmp_path / "again") as other:
        assert one.meta("epoch") == other.meta("epoch")  # nobody takes it for a copy put back by hand
        assert one.tally() == other.tally()
        since_ms = NOON + _past.DAY_MS - _past.PAGED_AFTER_MS
        assert len(other.moments(since_ms=since_ms, expectation="turn").items) == 4


def test_a_past_that_waits_for_no_disk_is_the_same_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _past.journal(tmp_path / "unsafe", ENTRIES, NOON)
    monkeypatch.setattr("hub.driver.past.UNSAFE_ENTRIES_A_COMMIT", 100)
    monkeypatch.setattr("hub.driver.past._UNSAFE", ())
    monkeypatch.setattr(_past, "KEPT", tmp_path / "others")
    _past.journal(tmp_path / "safe", ENTRIES, NOON)
    with Reader(tmp_path / "unsafe") as unsafe, Reader(tmp_path / "safe") as safe:
        assert [(entry.n, entry.now_ms) for entry in unsafe.entries()] == [
            (entry.n, entry.now_ms) for entry in safe.entries()
        ]
        assert unsafe.tally(by="hour") == safe.tally(by="hour")
        assert unsafe.moments(limit=5_000) == safe.moments(limit=5_000)

"""The commands about what is recorded, on a data folder as a hub leaves it."""

from __future__ import annotations

import csv
import json
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from cli.main import main
from hub.clock import HandClock
from hub.evidence.backup import LAST
from hub.store import Customers
from tests.hub.day import GATED, flight
from tests.hub.desk import START_MS, Desk, node_signal


@pytest.fixture
def data(tmp_path: Path) -> Path:
    desk = Desk(tmp_path / "data", HandClock(START_MS), plan=GATED)
    desk.post("a", "docked", key=flight(1))
    desk.node(node_signal(1))
    desk.act("claim", desk.reader.moments(expectation="check-in-wait").items[0].id, by="Ada Jones")
    desk.pass_ms(1_440_000)
    desk.post("b", "unloaded", key=flight(1))
    desk.stop()
    return tmp_path / "data"


def _tamper(data: Path, statement: str) -> None:
    with sqlite3.connect(data / "andgate.db") as db:
        db.execute(statement)
    db.close()


def test_verify_says_what_it_found(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect(data / "andgate.db") as db:
        n, head = db.execute("select n, hash from entry where n = 2").fetchone()
    db.close()
    assert main(["verify", "--data", str(data), "--head", head.hex()]) == 0
    out = capsys.readouterr().out
    assert "of agx: whole" in out
    assert f"is of entry {n} of 2026-" in out
    assert "rows     as the journal says: 1 in plan" in out

    assert main(["verify", "--data", str(data), "--head", "1" * 64]) == 1
    assert "of no entry here" in capsys.readouterr().err
    assert main(["verify", "--data", str(data), "--head", "12"]) == 2
    assert "64 hexadecimal digits" in capsys.readouterr().err
    assert main(["verify", "--data", str(data / "nothing")]) == 2

    _tamper(data, "update moment set counts = 2")
    assert main(["verify", "--data", str(data)]) == 1
    said = capsys.readouterr().err
    assert "counts is 2, and by the journal" in said
    assert "from what the journal says" in said
    _tamper(data, "delete from entry where n = 2")
    assert main(["verify", "--data", str(data)]) == 1
    assert "the chain is broken: entry 2 is missing" in capsys.readouterr().err


def test_an_empty_journal_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hub.store import Store  # noqa: PLC0415 - only here

    Store(tmp_path).close()
    assert main(["verify", "--data", str(tmp_path)]) == 0
    assert "the journal is empty" in capsys.readouterr().out
    assert main(["replay", "--data", str(tmp_path)]) == 0


def test_replay_by_the_rules_that_were_and_by_others(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--data", str(data)]) == 0
    assert "all as they were" in capsys.readouterr().out
    assert main(["replay", "--data", str(data), "--json", "--until", "2000-01-01"]) == 0
    assert json.loads(capsys.readouterr().out)["compared"] == 0
    assert main(["replay", "--data", str(data), "--since", "yesterday"]) == 2
    assert "--since" in capsys.readouterr().err

    plan = tmp_path / "plan.toml"
    plan.write_text(GATED.replace('"25m"', '"23m"').replace('fails_after = "3m"', 'fails_after = "30m"'))
    assert main(["replay", "--data", str(data), "--plan", str(plan)]) == 0
    out = capsys.readouterr().out
    assert "2 moments would have gone otherwise" in out
    assert "deadline after 23:00 instead of 25:00" in out
    assert main(["replay", "--data", str(data), "--plan", str(plan), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    changes = {change["expectation"]: (change["was"], change["now"]) for change in said["changes"]}
    assert changes == {"check-in-wait": ("failure", "open"), "baggage-claim": ("success (saved)", "failure")}
    assert said["was"]["baggage-claim"]["saved"] == 1
    plan.write_text("nonsense")
    assert main(["replay", "--data", str(data), "--plan", str(plan)]) == 2

    _tamper(data, "delete from entry where n = 1")
    assert main(["replay", "--data", str(data)]) == 1


def test_replay_names_the_first_entry_that_is_judged_otherwise(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from andgate.moment.engine import Engine  # noqa: PLC0415 - only here

    judge = Engine.receive
    monkeypatch.setattr(Engine, "receive", lambda self, inputs, now_ms, **more: judge(self, inputs, now_ms + 1, **more))
    assert main(["replay", "--data", str(data)]) == 1
    said = capsys.readouterr().err
    assert "is judged otherwise now" in said
    assert "it was" in said


def test_backup_restore_and_what_they_say(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert main(["backup", "--data", str(data), "--to", str(folder)]) == 0
    assert "read again and whole" in capsys.readouterr().out
    (file,) = folder.iterdir()
    assert file.suffix == ".andgate"
    assert json.loads((data / LAST).read_text())["file"] == str(file)
    assert main(["backup", "--data", str(data), "--to", str(file)]) == 2
    assert main(["restore", "--from", str(file), "--data", str(data)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["restore", "--from", str(file), "--data", str(tmp_path / "new")]) == 0
    assert "a new epoch begins" in capsys.readouterr().out
    assert main(["verify", "--data", str(tmp_path / "new")]) == 0
    file.write_bytes(b"")
    assert main(["restore", "--from", str(file), "--data", str(tmp_path / "newer")]) == 1


def test_retire_takes_whole_months(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retire", "--data", str(data), "--before", "2026-13"]) == 2
    assert "is no month" in capsys.readouterr().err
    assert main(["retire", "--data", str(data), "--before", "2026-01"]) == 2
    assert "nothing was recorded before 2026-01" in capsys.readouterr().err
    assert main(["retire", "--data", str(data), "--before", "2999-01"]) == 2
    assert "too young" in capsys.readouterr().err


def test_erase_forgets_one_person(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["erase", "Ada Jones", "--data", str(data)]) == 0
    assert "is forgotten" in capsys.readouterr().out
    assert main(["erase", "Ada Jones", "--data", str(data)]) == 1
    assert "nobody called Ada Jones" in capsys.readouterr().err
    assert main(["verify", "--data", str(data)]) == 0


def test_erase_forgets_a_passenger(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    word = ("Flight AG1", "Was it you?")
    Customers(data).ask("AG1/2026-11-21", "mail", "ada@example.com", until_ms=2, now_ms=1, word=word)
    assert main(["erase", "ada@example.com", "--data", str(data)]) == 0
    assert "the 1 flight they watched" in capsys.readouterr().out
    assert Customers(data).unsent() == []
    assert main(["erase", "ada@example.com", "--data", str(data)]) == 1


def test_export_for_programs_and_for_spreadsheets(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--data", str(data)]) == 0
    moments = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {moment["expectation"]: moment["verdict"] for moment in moments} == {
        "check-in-wait": "failure",
        "baggage-claim": "success",
    }
    to = tmp_path / "out.csv"
    assert main(["export", "--data", str(data), "--trail", "--format", "csv", "--to", str(to)]) == 0
    rows = list(csv.DictReader(to.read_text(encoding="utf-8").splitlines()))
    assert [row["event"] for row in rows if row["event"] in {"opened", "claimed", "failed"}].count("claimed") == 1
    assert "Ada Jones" in next(row["details"] for row in rows if row["event"] == "claimed")
    assert main(["export", "--data", str(data), "--to", str(to)]) == 2
    assert main(["export", "--data", str(data), "--until", "2000-01-01"]) == 0
    assert main(["export", "--data", str(tmp_path)]) == 2


def test_doctor_says_what_is_well_and_what_is_not(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(GATED)
    assert main(["doctor", "--data", str(data), "--plan", str(plan)]) in {0, 1}  # a test's clock may be ahead
    out = capsys.readouterr().out
    assert "look  backup    none was ever made" in out
    assert "and whole; head" in out
    assert "is in force" in out
    assert "desk-a1: " in out
    assert main(["backup", "--data", str(data), "--to", str(tmp_path / "b")]) == 0
    soon_s = (data / LAST).stat().st_mtime + 60
    os.utime(data / LAST, (soon_s, soon_s))
    plan.write_text("nonsense")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{nobody.getsockname()[1]}"
        assert main(["doctor", "--data", str(data), "--plan", str(plan), "--broker", url]) == 1
    out = capsys.readouterr().out
    assert "well  backup    0 hours ago" in out
    assert "ill   plan" in out
    assert "ill   broker" in out
    _tamper(data, "delete from entry where n = 2")
    assert main(["doctor", "--data", str(data)]) == 1
    assert "ill   journal   entry 2 is missing" in capsys.readouterr().out

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cli.main import main


@pytest.fixture
def plan_file(tmp_path: Path, airport_toml: str) -> Path:
    file = tmp_path / "plan.toml"
    file.write_text(airport_toml, encoding="utf-8")
    return file


def test_a_right_plan_is_told_in_words(plan_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(plan_file)]) == 0
    out = capsys.readouterr().out
    assert "I wait no more than 15 minutes to check in." in out
    assert "Andgate International" in out


def test_quiet_says_nothing(plan_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--quiet", str(plan_file)]) == 0
    assert capsys.readouterr() == ("", "")


def test_everything_wrong_is_told_at_once(plan_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = plan_file.read_text(encoding="utf-8")
    plan_file.write_text(
        text.replace('touchpoint = "counter-a"\n', 'touchpoint = "counter-z"\n', 1).replace('"3m"', '"3 minutes"', 1),
        encoding="utf-8",
    )
    assert main(["check", str(plan_file)]) == 2
    err = capsys.readouterr().err
    assert f"{plan_file}: line " in err
    assert "counter-z" in err
    assert "fails_after" in err
    assert "Traceback" not in err


def test_standard_input(airport_toml: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(airport_toml.encode())))
    assert main(["check", "-"]) == 0
    assert capsys.readouterr().err == ""


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "no.toml")]) == 2
    assert "no.toml: No such file" in capsys.readouterr().err


def test_a_folder_is_no_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert "Is a directory" in capsys.readouterr().err


def test_a_plan_in_another_encoding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plan.toml"
    file.write_bytes('[site]\nname = "Zürich"\n'.encode("latin-1"))
    assert main(["check", str(file)]) == 2
    assert "not UTF-8 (line 2)" in capsys.readouterr().err


def test_a_file_that_never_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "/dev/zero"]) == 2
    assert "Check that this is a plan" in capsys.readouterr().err

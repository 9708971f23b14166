from __future__ import annotations

import argparse
import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import andgate
from andgate.errors import PlanError, Problem, RefusedError, UsageError
from cli import main as cli
from cli.main import COMMANDS, Command, main


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int]], None]:
    """Make `andgate play` a command whose work is the given function."""

    def put(work: Callable[[], int]) -> None:
        module = ModuleType("played")
        module.__dict__["add_arguments"] = lambda parser: parser.add_argument("--often", type=int)
        module.__dict__["run"] = lambda _: work()
        monkeypatch.setitem(sys.modules, "played", module)
        monkeypatch.setitem(COMMANDS, "play", Command("played", "play something", "toys"))

    return put


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


def test_help_lists_every_command_and_imports_no_program(capsys: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)
    assert not {command.module for command in COMMANDS.values()} & (set(sys.modules) - before)


def test_nothing_said_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: andgate" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "'fly'" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"andgate {andgate.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"usage: andgate {name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_has_its_help(name: str) -> None:
    silent = [
        action.dest for action in cli.parser(name)._actions if not action.help or action.help is argparse.SUPPRESS
    ]
    assert silent == []


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_programs_code_is_the_exit_code(code: int, program: Callable[[Callable[[], int]], None]) -> None:
    program(lambda: code)
    assert main(["play"]) == code


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 1, "andgate play: stopped\n"),
        (UsageError("too few toys"), 2, "andgate play: too few toys\n"),
        (RefusedError("not this toy"), 1, "andgate play: not this toy\n"),
        (
            PlanError([Problem(3, "site.id", "missing", "Give one")]),
            2,
            "andgate play: line 3, site.id: missing. Give one.\n",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "toy"),
            1,
            "andgate play: toy: No such file or directory\n",
        ),
        (OSError("no route"), 1, "andgate play: no route\n"),
        (SystemExit(None), 0, ""),
        (SystemExit(2), 2, ""),
        (SystemExit("words"), 1, ""),
    ],
)
def test_every_end_is_a_sentence_and_a_code(
    error: BaseException,
    code: int,
    words: str,
    program: Callable[[Callable[[], int]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    program(raising(error))
    assert main(["play"]) == code
    assert capsys.readouterr().err == words


def test_a_fault_of_our_own_keeps_its_traceback_in_a_file(
    program: Callable[[Callable[[], int]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program(raising(ZeroDivisionError("oh")))
    assert main(["play"]) == 1
    err = capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert "Traceback" not in err
    assert str(kept) in err
    assert "ZeroDivisionError: oh" in kept.read_text(encoding="utf-8")


def test_wrong_arguments_are_wrong_usage(
    program: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    program(lambda: 0)
    assert main(["play", "--often", "very"]) == 2
    assert "--often" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(COMMANDS, "play", Command("toys_that_nobody_has", "play something", "toys"))
    assert main(["play"]) == 1
    assert "pip install 'andgate[toys]'" in capsys.readouterr().err


def test_an_extra_that_is_missed_only_later_is_named_too(
    program: Callable[[Callable[[], int]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    program(raising(ModuleNotFoundError("No module named 'toybox.lid'", name="toybox.lid")))
    assert main(["play"]) == 1
    assert capsys.readouterr().err == (
        "andgate play: needs the toys extra (toybox is missing): pip install 'andgate[toys]'\n"
    )


def test_a_missing_module_of_our_own_is_our_fault(
    program: Callable[[Callable[[], int]], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program(raising(ModuleNotFoundError("No module named 'hub.nose'", name="hub.nose")))
    assert main(["play"]) == 1
    assert "a fault of its own" in capsys.readouterr().err


def _andgate(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words], capture_output=True, text=True, check=False, timeout=60, **more
    )


def test_a_terminal_without_utf8_gets_the_words_as_far_as_it_can_show_them(tmp_path: Path, airport_toml: str) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(airport_toml.replace("Andgate International", "Flughafen München ✈"), encoding="utf-8")
    done = _andgate("check", str(plan), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Flughafen M\\xfcnchen \\u2708" in done.stdout


def test_without_anywhere_to_say_it_the_code_still_tells(tmp_path: Path, airport_toml: str) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(airport_toml, encoding="utf-8")
    command = [sys.executable, "-m", "cli.main", "check", str(plan)]
    closed = shlex.join(command) + " >&- 2>&-"
    assert subprocess.run(["sh", "-c", closed], check=False, timeout=60).returncode == 0
    plan.write_text("nonsense", encoding="utf-8")
    assert subprocess.run(["sh", "-c", closed], check=False, timeout=60).returncode == 2

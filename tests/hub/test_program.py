"""`andgate hub` as a program: its signals, its exit codes, its words."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.desk import PLAN, WAIT_S

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[subprocess.Popen[str]] = []
    (tmp_path / "plan.toml").write_text(PLAN)

    def begin(*more: str) -> subprocess.Popen[str]:
        words = ["--plan", str(tmp_path / "plan.toml"), "--data", str(tmp_path / "data")]
        words += ["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", *more]
        made.append(
            subprocess.Popen(
                [sys.executable, "-m", "hub", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return made[-1]

    yield begin
    for program in made:
        program.kill()
        program.communicate()


def _line(program: subprocess.Popen[str], part: str) -> str:
    assert program.stderr is not None
    for line in program.stderr:
        if part in line:
            return line
    raise AssertionError(f"it never said {part}")


def test_it_runs_reloads_and_ends(start: Start, tmp_path: Path) -> None:
    hub = start()
    assert hub.stdout is not None
    assert hub.stdout.readline().startswith("broker     mqtt://127.0.0.1:")
    assert hub.stdout.readline().startswith("dashboard  http://127.0.0.1:")
    assert (tmp_path / "data" / "hub.pid").read_text().strip() == str(hub.pid)
    (tmp_path / "plan.toml").write_text(PLAN.replace("25m", "soon"))
    hub.send_signal(signal.SIGHUP)
    assert "fails_after" in _line(hub, "line ")
    _line(hub, "the running one stays")
    (tmp_path / "plan.toml").write_text(PLAN.replace("25m", "26m"))
    hub.send_signal(signal.SIGHUP)
    _line(hub, "is in force")
    hub.send_signal(signal.SIGTERM)
    assert hub.wait(5) == 0
    assert not (tmp_path / "data" / "hub.pid").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--listen", "0.0.0.0:0"], "--token-file"),
        (["--broker", "nonsense"], "no broker URL"),
        (["--listen", "nonsense"], "HOST:PORT"),
        (["--plan", "/nowhere.toml"], "cannot read the plan"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(start: Start, more: list[str], said: str) -> None:
    hub = start(*more)
    _, err = hub.communicate(timeout=WAIT_S)
    assert hub.returncode == 2
    assert said in err
    assert "Traceback" not in err


def test_a_second_hub_on_the_same_data_is_refused(start: Start) -> None:
    first = start()
    assert first.stdout is not None
    first.stdout.readline()
    second = start()
    _, err = second.communicate(timeout=WAIT_S)
    assert second.returncode == 2
    assert f"another hub (process {first.pid})" in err

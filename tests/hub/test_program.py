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

    def begin(*more: str, program: str | None = None) -> subprocess.Popen[str]:
        words = ["--plan", str(tmp_path / "plan.toml"), "--data", str(tmp_path / "data")]
        words += ["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", *more]
        made.append(
            subprocess.Popen(
                [sys.executable, *(["-m", "hub"] if program is None else ["-c", program]), *words],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
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
    assert hub.wait(WAIT_S) == 0
    assert not (tmp_path / "data" / "hub.pid").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--listen", "0.0.0.0:0"], "--token-file"),
        (["--broker", "nonsense"], "no broker URL"),
        (["--listen", "nonsense"], "HOST:PORT"),
        (["--plan", "/nowhere.toml"], "cannot read the plan"),
        (["--plan", "/dev/zero"], "Check that this is a plan"),
        (["--broker", "mqtt://127.0.0.1:0"], "no broker URL"),
        (["--listen", "127.example.invalid:8080"], "--token-file"),
        (["--broker", "mqtts://127.0.0.1:1", "--broker-ca", "/nowhere.pem"], "/nowhere.pem"),
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


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_database_is_named(start: Start, tmp_path: Path, content: bytes) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "andgate.db").write_bytes(content)
    hub = start()
    _, err = hub.communicate(timeout=WAIT_S)
    assert hub.returncode == 2
    assert f"the database {data / 'andgate.db'} cannot be used" in err
    assert "Traceback" not in err


def test_the_data_of_another_site_is_refused(start: Start, tmp_path: Path) -> None:
    first = start()
    assert first.stdout is not None
    first.stdout.readline()
    first.send_signal(signal.SIGTERM)
    assert first.wait(WAIT_S) == 0
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace('id = "agx"', 'id = "other"'))
    hub = start()
    _, err = hub.communicate(timeout=WAIT_S)
    assert hub.returncode == 2
    assert 'is of the site "agx"' in err


def test_a_hub_that_cannot_go_on_ends_with_1_and_says_why(start: Start) -> None:
    program = (
        "import sys, hub.store.store as s, hub.__main__ as m\n"
        "def commit(self): raise OverflowError('too large')\n"
        "begin = m.HubApp.start\n"
        "def start(self):\n"
        "    begin(self)\n"
        "    s.Store.commit = commit\n"
        "    self.driver.reload((self.config.plan).read_text().replace('22m', '21m'))\n"
        "m.HubApp.start = start\n"
        "sys.exit(m.main())\n"
    )
    hub = start(program=program)
    _, err = hub.communicate(timeout=WAIT_S)
    assert hub.returncode == 1
    assert "the hub cannot go on judging" in err

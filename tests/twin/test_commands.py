from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from tests.plans import AGENTS, SITE

ANDGATE = [sys.executable, "-c", "import sys; from cli.main import main; sys.exit(main())"]


@pytest.fixture
def taken() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_says_what_to_do(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--listen", f"127.0.0.1:{taken}"]) == 2
    said = capsys.readouterr()
    assert f"andgate demo --listen 127.0.0.1:{taken + 1}" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["demo", "--listen", "0.0.0.0:0"], "ssh -L"),
        (["demo", "--listen", "here"], "HOST:PORT"),
        (["demo", "--speed", "0"], "no speed from 1 to 200"),
        (["demo", "--speed", "nan"], "no speed"),
        (["demo", "--listen", "127.0.0.1:0", "--data", "/proc/no"], "--data"),
        (["twin", "--compare", "--days", "0"], "from 1 to 366"),
        (["twin", "--compare", "--plan", "no-such.toml"], "cannot be read"),
        (["twin", "--hub", "http://127.0.0.1:1"], "andgate hub"),
        (["twin", "--hub", "ftp://x"], "http://HOST:8080"),
        (["twin", "--broker", "x"], "mqtt://HOST:1883"),
        (["twin", "--token-file", "no-such"], "no-such"),
    ],
)
def test_bad_usage_is_answered_with_a_remedy(words: list[str], remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert remedy in said.err
    assert "Traceback" not in said.err


def test_somebody_elses_data_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "andgate.db").write_bytes(b"")
    assert main(["demo", "--listen", "127.0.0.1:0", "--data", str(tmp_path)]) == 2
    assert "not a demo's" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["andgate.db"]


def test_the_comparison_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["twin", "--compare", "--days", "1", "--seed", "3"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 day, seed 3:")
    assert "All promises" in said


def test_a_plan_it_cannot_play_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        SITE
        + AGENTS
        + """
[touchpoints.shop]
name = "Shop"
group = "agents"
[expectations.prices]
promise = "It is the lowest price."
touchpoints = ["shop"]
opens = ["over"]
closes = ["under"]
fails_after = "3m"
""",
        encoding="utf-8",
    )
    assert main(["twin", "--compare", "--plan", str(plan)]) == 2
    assert "knows no touchpoint" in capsys.readouterr().err


@pytest.mark.story
def test_the_demo_tells_its_story_and_ends_cleanly(tmp_path: Path) -> None:
    command = [*ANDGATE, "demo", "--listen", "127.0.0.1:0", "--seed", "1", "--data", str(tmp_path / "demo")]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert demo.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = demo.stdout.readline()
            assert line, demo.stderr.read() if demo.stderr else said
            said += line
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found is not None
        name = re.search(r"the line at (.*) reaches", said)
        assert name is not None
        story = _watch(found[0], name[1])
        assert story >= {"reached", "pressed", "claimed", "verdict", "bags"}
        os.killpg(demo.pid, signal.SIGINT)
        out, err = demo.communicate(timeout=60)
        assert (demo.returncode, out, err) == (0, "", "")
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.communicate()
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.pid, 0)


def _watch(url: str, name: str) -> set[str]:
    """Look at the hub as somebody with a browser would, until the whole story has been told."""

    def get(path: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=60) as answer:
            items: list[dict[str, Any]] = json.load(answer)["items"]
        return items

    (place,) = [touchpoint["id"] for touchpoint in get("touchpoints") if touchpoint["name"] == name]
    before = {moment["id"] for moment in get(f"moments?touchpoint={place}&limit=100") if moment["verdict"]}
    story: set[str] = set()
    waiting = threading.Event()
    for _ in range(1_500):
        if get("moments?expectation=baggage-claim&state=open&limit=10"):
            story.add("bags")
        for moment in get(f"moments?touchpoint={place}&limit=10"):
            if moment["id"] in before:
                continue
            witnesses = " ".join(moment["witnesses"])
            story |= {"reached"} if "/mark" in witnesses else set()
            story |= {"pressed"} if "/mot" in witnesses else set()
            story |= {"claimed"} if moment["claimed_by"] else set()
            story |= {"verdict"} if moment["verdict"] else set()
        if len(story) == 5:
            break
        waiting.wait(0.2)
    return story

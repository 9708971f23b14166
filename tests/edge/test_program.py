"""The program itself: real processes, signals, kill -9."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from andgate.wire.codec import encode, format_time, parse_time
from andgate.wire.messages import TouchpointMoments
from edge.clock import RealClock
from edge.site_time import SiteTime
from edge.spool import Spool
from tests.edge.conftest import LONG_S, Hub, Mosquitto
from tests.edge.test_node import belt, desk, moment
from tests.ports import free_port


def start(folder: Path, url: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "edge", "--node", "desk-a1", "--broker", url, "--data", str(folder)]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until_said(program: subprocess.Popen[str], words: str) -> str:
    assert program.stdout is not None
    said = ""
    for line in program.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def end(program: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    program.send_signal(number)
    said, _ = program.communicate(timeout=LONG_S)
    return program.returncode, said


def test_it_says_stopped_on_sigterm(broker: Mosquitto, hub: Hub, tmp_path: Path) -> None:
    hub.configure("desk-a1", desk())
    program = start(tmp_path / "node", broker.url, "--pins", "mock")
    until_said(program, "is armed")
    hub.online("desk-a1")
    code, said = end(program)
    assert (code, "Traceback" in said) == (0, False), said
    hub.wait(lambda: hub.states[-1].state == "stopped")


def test_without_broker_it_says_so_once_and_goes_on(tmp_path: Path) -> None:
    program = start(tmp_path / "node", f"mqtt://127.0.0.1:{free_port()}", "--pins", "mock")
    said = until_said(program, "cannot be reached")
    code, rest = end(program, signal.SIGINT)
    assert code == 0
    assert "Presses are kept" in said
    assert "Traceback" not in said + rest
    assert "cannot be reached" not in rest


def test_wrong_usage_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    for more, words in (
        (("--broker", "http://x"), "Write mqtt://HOST:1883"),
        (("--node", "Desk A"), "lower-case"),
        (("--data", str(tmp_path / "file")), "Choose another"),
        (("--pins", "lgpio"), "--pins mock"),
    ):
        program = start(tmp_path / "node", "mqtt://127.0.0.1:1", "--pins", "mock", *more)
        said, _ = program.communicate(timeout=LONG_S)
        assert program.returncode == 2
        assert words in said
        assert "Traceback" not in said


def test_the_sign_goes_on_across_kill_9_without_anybody(broker: Mosquitto, hub: Hub, tmp_path: Path) -> None:
    """Hub, broker and network are gone, and the node is killed: the sign is right to the second when it is back."""
    hub.configure("desk-a1", belt())
    at = format_time(hub.clock.now_ms())
    left = moment(hub, "AG1234/d", 301.5)
    hub.moments("belt-3", TouchpointMoments(at=at, moments=[left]))
    program = start(tmp_path / "node", broker.url, "--pins", "mock")
    until_said(program, "sign sign: AG1234 0")
    broker.kill()
    end(program, signal.SIGKILL)
    clock = RealClock()
    spool = Spool(tmp_path / "node", clock.boot_id)
    assert encode(belt()) == spool.fact("config")
    time = SiteTime(clock.boot_id)
    time.load(spool.fact("time"))
    spool.close()
    before_ms = hub.clock.now_ms()
    site_ms = time.ms(clock.mono_s())
    assert site_ms is not None
    assert before_ms - 1000 < site_ms < hub.clock.now_ms() + 1000
    again = start(tmp_path / "node", f"mqtt://127.0.0.1:{free_port()}", "--pins", "mock", "--site", "agx", "--verbose")
    said = until_said(again, "AG1234 0")
    after_ms = hub.clock.now_ms()
    end(again)
    assert "(no link)" in said
    shown = re.search(r"AG1234 (\d+):(\d\d)", said)
    assert shown is not None
    shown_ms = (int(shown[1]) * 60 + int(shown[2])) * 1000
    assert parse_time(left.counts_to) - after_ms - 2000 < shown_ms < parse_time(left.counts_to) - before_ms + 2000

"""Real processes on monotonic clocks that the kernel has moved: other boots, containers, machines that were away.

Linux lets a process have its own CLOCK_MONOTONIC and CLOCK_BOOTTIME (time namespaces); its UTC stays the machine's, so
the truth is known on both sides.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from andgate.wire.times import parse_time
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, BrokerUrl, HubConfig
from hub.store import Reader
from tests.hub.desk import PLAN, WAIT_S, Broker
from tests.ports import free_port

DAY_S = 86_400
NODE = """
import sys, time
from pathlib import Path
from edge.app import EdgeApp
from edge.clock import RealClock
from edge.devices.mock import MockBoard
clock = RealClock()
board = MockBoard(clock)
node = EdgeApp("desk-a1", broker_url=sys.argv[1], data_dir=Path(sys.argv[2]), pin_factory=board.factory)
node.start()
print(clock.boot_id, flush=True)
for line in sys.stdin:
    if line.strip() == "press":
        before_ms = int(time.clock_gettime(time.CLOCK_REALTIME) * 1000)
        board.drive(17, high=False)
        print(before_ms, int(time.clock_gettime(time.CLOCK_REALTIME) * 1000), flush=True)
        time.sleep(0.1)
        board.drive(17, high=True)
    elif line.strip() == "asks":
        print(node._worker.questions.asked if node._worker.time.known else 0, flush=True)
"""


def _moved(offset_s: int) -> list[str]:
    if offset_s == 0:
        return []
    return ["unshare", "--time", "--monotonic", str(offset_s), "--boottime", str(offset_s), "--fork", "--kill-child"]


def _can() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_moved(60), "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not _can(), reason="time namespaces need Linux 5.6, util-linux and root")


class Node:
    """A node in a process of its own, on a monotonic clock that is `offset_s` ahead of the machine's."""

    def __init__(self, broker: Broker, data: Path, offset_s: int) -> None:
        command = [*_moved(offset_s), sys.executable, "-c", NODE, f"mqtt://127.0.0.1:{broker.port}", str(data)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.boot_id = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _tell(self, word: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self._line()

    def press(self) -> tuple[int, int]:
        """Press the button; return the machine's UTC just before and just after."""
        before_ms, after_ms = map(int, self._tell("press").split())
        return before_ms, after_ms

    def settle(self) -> None:
        """Wait until the hub has the whole of an exchange: the second question tells of the first."""
        _until(lambda: int(self._tell("asks")) >= 2)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def _until(what: Callable[[], Any]) -> Any:
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.05)):
        found = what()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError("it did not come to be so")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    it = Broker(tmp_path)
    yield it
    it.stop()


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")
    return file


def _signals(data: Path) -> dict[str, tuple[int, int | None]]:
    """Identity -> site time and how sure it is, of all presses."""
    with Reader(data) as reader:
        found = {}
        for entry in reader.entries():
            for said in json.loads(entry.body).get("in", ()):
                if said["kind"] == "signal" and said.get("name") == "pressed":
                    row = reader.signal(said["id"])
                    assert row is not None
                    found[said["id"]] = (row.signal.at_ms, row.within_ms)
        return found


def test_presses_of_any_boot_and_container_stand_where_they_were(broker: Broker, plan: Path, tmp_path: Path) -> None:
    data = tmp_path / "hub"
    data.mkdir()
    config = HubConfig(plan=plan, data=data, broker=BrokerUrl("127.0.0.1", broker.port), listen=Address("127.0.0.1", 0))
    truth: list[tuple[int, int]] = []
    boots: set[str] = set()
    with HubApp(config, SystemClock()):
        for offset_s in (0, 400 * DAY_S, 60):
            node = Node(broker, tmp_path / "node", offset_s)
            boots.add(node.boot_id)
            try:
                node.settle()
                truth += [node.press()]
                _until(lambda: len(_signals(data)) == len(boots))
            finally:
                node.end()
    assert len(boots) == 3, "each scale has a name of its own"
    _stand_where_they_were(data, truth)


def _stand_where_they_were(data: Path, truth: list[tuple[int, int]]) -> None:
    for (at_ms, within_ms), (before_ms, after_ms) in zip(sorted(_signals(data).values()), truth, strict=True):
        assert within_ms is not None, "and it is told how sure that is"
        # On a machine that hesitates it is less sure, and says so.
        wrong_ms = max(50, within_ms)
        assert before_ms - wrong_ms <= at_ms <= after_ms + wrong_ms


def _hub(plan: Path, data: Path, broker: Broker, port: int, offset_s: int) -> subprocess.Popen[bytes]:
    words = ["--plan", plan, "--data", data, "--broker", f"mqtt://127.0.0.1:{broker.port}"]
    listen = ["--listen", f"127.0.0.1:{port}"]
    return subprocess.Popen(
        [*_moved(offset_s), sys.executable, "-m", "cli.main", "hub", *map(str, words), *listen],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _get(port: int, path: str) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def test_a_hub_whose_machine_was_away_keeps_its_time_and_its_deadlines(
    broker: Broker, plan: Path, tmp_path: Path
) -> None:
    """Its monotonic clock was days ahead, then it is young: as after a power cut."""
    data, port = tmp_path / "hub", free_port()
    data.mkdir()
    ends: set[str] = set()
    for offset_s in (30 * DAY_S, 0):
        hub = _hub(plan, data, broker, port, offset_s)
        try:
            clock = _until(lambda: _get(port, "clock"))
            assert abs(parse_time(clock["at"]) - time.clock_gettime(time.CLOCK_REALTIME) * 1000) < 5_000
            assert (clock["utc_ahead_ms"], clock["fault"]) == (0, None)
            if not ends:
                said = {"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": "AG1/2026-11-21"}
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/api/v1/signals",
                    json.dumps(said).encode(),
                    {"content-type": "application/json"},
                )
                urllib.request.urlopen(request, timeout=WAIT_S).close()
            (moment,) = _until(lambda: (_get(port, "moments") or {}).get("items"))
            assert moment["verdict"] is None
            ends.add(moment["ends_at"])
        finally:
            os.killpg(hub.pid, signal.SIGKILL)
            hub.wait()
    assert len(ends) == 1


def test_a_running_hub_whose_utc_is_set_goes_on_and_says_so(broker: Broker, plan: Path, tmp_path: Path) -> None:
    data, step = tmp_path / "hub", [0.0]
    data.mkdir()
    clock = SystemClock(wall_s=lambda: time.clock_gettime(time.CLOCK_REALTIME) + step[0])
    config = HubConfig(plan=plan, data=data, broker=BrokerUrl("127.0.0.1", broker.port), listen=Address("127.0.0.1", 0))
    with HubApp(config, clock) as hub:
        node = Node(broker, tmp_path / "node", 7 * DAY_S)
        try:
            node.settle()
            truth = [node.press()]
            _until(lambda: len(_signals(data)) == 1)
            step[0] = 3600.0
            _until(lambda: hub.driver.timekeeper.fault)
            truth += [node.press()]
            _until(lambda: len(_signals(data)) == 2)
        finally:
            node.end()
        (moment,) = hub.driver.open_moments()
        assert moment.verdict is None, "an hour has not passed"
    _stand_where_they_were(data, truth)

"""A hub in a process of its own, on a plan made for measuring."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench._mqtt import free_port, wait_for_port

SITE = "agx"
ROOT = f"andgate/v1/{SITE}"
LINES = 50
"""Check-in lines, each with a desk: presses and resets alternate there."""


SENT_S = 2_000.0
SPOOLED_A_SECOND = 16 * LINES
SPOOLED_S = 150.0
"""120,000 signals fit; what happened in it is not over yet."""
PAGED_AT_ONCE = "3m"
PAGED_LATER = "15m"
"""What is reset within minutes pages nobody, as on a usual day."""


def plan_text(*, wait: str = PAGED_AT_ONCE) -> str:
    """Return a plan with lines that page three minutes before a wait is too long, and a belt that pages at once.

    Args:
        wait: how long a wait at a line may be; of three minutes every press pages at once.
    """
    parts = [
        (
            f'[site]\nid = "{SITE}"\nname = "Bench"\ntimezone = "Europe/Rome"\n'
            '[channels.radio]\nurl = "mqtt://"\n'
            '[groups.staff]\nname = "Staff"\nchannels = ["radio"]\n'
            '[touchpoints.belt]\nname = "Belt"\ngroup = "staff"\n'
        )
    ]
    parts += [
        f'[touchpoints.line-{n}]\nname = "Line {n}"\ngroup = "staff"\n'
        f'[nodes.desk-{n}]\ntouchpoint = "line-{n}"\n'
        f'[nodes.desk-{n}.devices.mot]\nkind = "mot-button"\nbutton = 17\nlamp = 27\n'
        for n in range(LINES)
    ]
    lines = ", ".join(f'"line-{n}"' for n in range(LINES))
    parts.append(
        "[expectations.wait]\n"
        'promise = "I wait no more than 15 minutes."\n'
        f"touchpoints = [{lines}]\n"
        f'opens = ["pressed"]\ncloses = ["reset"]\nfails_after = "{wait}"\n'
        '[[expectations.wait.pages]]\nleft = "3m"\ngroup = "staff"\n'
        "[expectations.bag]\n"
        'promise = "I have my bag within 25 minutes."\n'
        'touchpoints = ["belt"]\nkey = "flight"\nopens = ["docked"]\ncloses = ["unloaded"]\nfails_after = "25m"\n'
        '[[expectations.bag.pages]]\nleft = "25m"\ngroup = "staff"\n'
    )
    return "".join(parts)


@dataclass
class Hub:
    """A running hub."""

    process: subprocess.Popen[bytes]
    data: Path
    http: int
    started_s: float
    """Seconds from exec until it answered that it is ready."""

    def memory_mb(self) -> float:
        """Return what it holds in memory (resident set)."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1e6

    def cpu_s(self) -> float:
        """Return how many seconds it has computed, of all its threads together."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def entries(self) -> int:
        """Return how long its journal is."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=20) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("andgate_journal_entry") and not line.startswith("#"):
                    return int(float(line.split()[-1]))
        raise LookupError("no journal entry among the metrics")


@contextlib.contextmanager
def hub(port: int, data: Path | None = None, *, plan: str | None = None, program: str = "cli.main") -> Iterator[Hub]:
    """Run `andgate hub` (or a module that is it) against the broker on `port`, with everything on, synchronous FULL."""
    with tempfile.TemporaryDirectory() as folder:
        data = data or Path(folder) / "data"
        plan_file = Path(folder) / "plan.toml"
        plan_file.write_text(plan or plan_text())
        http = free_port()
        begun = time.perf_counter()
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                program,
                "hub",
                f"--plan={plan_file}",
                f"--data={data}",
                f"--broker=mqtt://127.0.0.1:{port}",
                f"--listen=127.0.0.1:{http}",
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for_port(http)
            while not ready(http):
                time.sleep(0.005)
            yield Hub(process, data, http, time.perf_counter() - begun)
        finally:
            process.terminate()
            process.wait(20)


def ready(http: int) -> bool:
    """Ask whether it judges and is connected."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{http}/readyz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def press(n: int, *, name: str | None = None, seq: int | None = None, mono: float | None = None) -> tuple[str, bytes]:
    """Return topic and payload of the n-th signal: lines take turns, each is pressed and reset in turn.

    Without `mono` it is as if it came out of a spool: a sixteenth of a second apart on each line, sent afterwards.
    """
    line, turn = n % LINES, n // LINES
    sent = SENT_S if mono is None else mono
    mono = sent - SPOOLED_S + n / SPOOLED_A_SECOND if mono is None else mono
    body = {
        "device": "mot",
        "signal": name or ("pressed" if turn % 2 == 0 else "reset"),
        "seq": seq or turn + 1,
        "boot": "bench",
        "mono": mono,
        "sent": sent,
    }
    return f"{ROOT}/node/desk-{line}/signal", json.dumps(body).encode()

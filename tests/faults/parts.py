"""The real parts of a storm, each a process that can be started, stopped, hung and killed: broker, hub, nodes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

from hub.broker.broker import configuration
from hub.clock import SystemClock
from hub.config import Address
from tests.faults.site import HUB, PLAN, PORT, WEB, Desk

CLOCK = SystemClock()
HERE = Path(__file__).parent
UP = ("dashboard ", '@{"armed"')
"""How a hub or a node says that it is up."""


def andgate(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words], capture_output=True, text=True, check=False, cwd=HERE.parent.parent
    )


class Part:
    """A process of ours; what it says goes into a file, and lines that begin with @ are for us."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None
        self.told: list[dict[str, Any]] = []
        self.heard = threading.Condition()
        self.ends: list[int] = []
        """Exit codes, in order."""
        self.up: subprocess.Popen[str] | None = None
        """The process that has said that it is up: before that it has not said what it does on a SIGTERM."""

    def command(self) -> list[str]:
        raise NotImplementedError

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs; nobody waits until it is ready."""
        if self.runs:
            return
        self.reap()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                cwd=HERE.parent.parent,
                process_group=0,  # Ctrl-C is for the storm, not for what is in it
            )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with self.log.open("a") as log:
            for line in process.stdout:
                if line.startswith(UP):
                    self.up = process
                if line.startswith("@"):
                    with self.heard:
                        self.told.append(json.loads(line[1:]))
                        self.heard.notify_all()
                else:
                    log.write(line)

    def tell(self, line: str) -> None:
        """Write a line to it, if it listens."""
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self.process.stdin.write(f"{line}\n")
                self.process.stdin.flush()

    def ask(self, line: str, timeout_s: float = 5.0) -> dict[str, Any] | None:
        """Write a line and wait for the answer that repeats its first word; None if there is none."""
        with self.heard:
            self.told.clear()
            self.tell(line)
            answers: list[dict[str, Any]] = []

            def answered() -> bool:
                answers[:] = [said for said in self.told if said.get("to") == line.split(maxsplit=1)[0]]
                return bool(answers)

            return answers[-1] if self.heard.wait_for(answered, timeout_s) else None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.runs and self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """It is gone, at whatever instruction it was."""
        self.send(signal.SIGKILL)
        self.reap()

    def reap(self) -> int | None:
        """Wait for the end of what was told to end; return its exit code."""
        process, self.process = self.process, None
        if process is None:
            return None
        code = process.wait()
        self.ends.append(code)
        for stream in (process.stdin,):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return code


class BrokerPart(Part):
    """Mosquitto as the hub would configure it, on every address of the namespace. It keeps nothing."""

    name = "broker"

    def __init__(self, folder: Path, port: int = PORT) -> None:
        super().__init__(folder)
        self.conf = folder / "mosquitto.conf"
        self.conf.write_text(configuration(Address("0.0.0.0", port)))
        self.program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

    def command(self) -> list[str]:
        return [self.program, "-c", str(self.conf)]


class HubPart(Part):
    """`andgate hub` on its data folder."""

    name = "hub"

    def __init__(self, folder: Path, data: Path) -> None:
        super().__init__(folder)
        self.data = data
        self.plan = folder / "airport.toml"
        self.plan.write_text(PLAN, encoding="utf-8")
        self.url = f"http://127.0.0.1:{WEB}"

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "cli.main", "hub", "--plan", str(self.plan), "--data", str(self.data)),
            *("--broker", f"mqtt://{HUB}:{PORT}", "--listen", f"127.0.0.1:{WEB}"),
        ]

    def get(self, path: str) -> Any:
        """Ask the API; None where it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None


class NodePart(Part):
    """A node: its program, its card, its pins and its clock."""

    def __init__(self, folder: Path, data: Path, desk: Desk, boot: str) -> None:
        self.name = desk.name
        super().__init__(folder)
        self.data, self.desk = data, desk
        self.diary = folder / f"{desk.name}.diary"
        self.low: set[int] = set()
        self.boots: dict[str, tuple[float, float]] = {}
        """Kernel boot -> where its monotonic clock began, and how fast it runs, in parts of a million."""
        self.skew_s = 0.0
        self.synced = True
        self.unsynced_boots: set[str] = set()
        self.power(boot, 0.0, 0.0, synced=True, skew_s=0.0)

    def power(self, boot: str, age_s: float, drift_ppm: float, *, synced: bool, skew_s: float) -> None:
        """A new boot of its kernel, `age_s` ago."""
        self.boot = boot
        self.boots[boot] = (CLOCK.mono_s() - age_s, drift_ppm)
        self.synced, self.skew_s = synced, skew_s
        if not synced:
            self.unsynced_boots.add(boot)

    def command(self) -> list[str]:
        base_s, drift = self.boots[self.boot]
        return [
            *(sys.executable, "-m", "tests.faults.node_process", "--node", self.name),
            *("--broker", f"mqtt://{self.desk.address}:{PORT}", "--data", str(self.data), "--diary", str(self.diary)),
            *("--boot", self.boot, "--base", repr(base_s), "--drift", repr(drift), "--skew", repr(self.skew_s)),
            *(() if self.synced else ("--unsynced",)),
            *(() if self.desk.lamp is None else ("--lamp", str(self.desk.lamp))),
            *(word for pin in sorted(self.low) for word in ("--low", str(pin))),
        ]

    def wipe(self) -> None:
        """Its card is a new one."""
        for path in self.data.iterdir():
            if path.name == "lost+found":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def status(self) -> dict[str, Any] | None:
        """Ask how much waits there."""
        return self.ask("status") if self.runs else None


class Disk:
    """A small file system of its own that can be filled, freed, and made read-only; or just a folder."""

    def __init__(self, path: Path, megabytes: int, *, mounted: bool) -> None:
        self.path, self.mounted = path, mounted
        path.mkdir(parents=True)
        if mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)], check=True)
        (path / "data").mkdir()
        self.data = path / "data"
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Not a byte fits any more."""
        block = b"\0" * 65536
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(block)
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 512)

    def free(self) -> None:
        """There is room again."""
        with contextlib.suppress(OSError):  # read-only just now: whoever mends that frees it too
            self._ballast.unlink(missing_ok=True)

    def remount(self, how: str) -> bool:
        """Make it ``ro`` or ``rw``; whether the kernel did."""
        return subprocess.run(["mount", "-o", f"remount,{how}", str(self.path)], check=False).returncode == 0

    def close(self) -> None:
        """Unmount it."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=False)


class Network:
    """Loopback with cuts in it: between one address of the broker and everybody who calls it so."""

    MODES = {
        "drop": "drop",
        "reject": "meta l4proto tcp reject with tcp reset",
        "loss": "numgen random mod 100 < 30 drop",
    }

    def __init__(self, *, real: bool) -> None:
        self.real = real
        self.cuts: dict[str, str] = {}
        if real:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def cut(self, address: str, mode: str) -> None:
        """Cut an address off."""
        self.cuts[address] = mode
        self._apply()

    def mend(self, address: str | None = None) -> None:
        """Mend one cut, or all."""
        if address is None:
            self.cuts.clear()
        else:
            self.cuts.pop(address, None)
        self._apply()

    def _apply(self) -> None:
        if not self.real:
            return
        rules = "\n".join(
            f"ip {side} {address} {self.MODES[mode]}"
            for address, mode in sorted(self.cuts.items())
            for side in ("saddr", "daddr")
        )
        chain = f"chain in {{\ntype filter hook input priority 0;\n{rules}\n}}"
        table = f"flush ruleset\ntable inet faults {{\n{chain}\n}}\n"
        subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)


def namespaced() -> bool:
    """Whether this process is alone in a namespace of its own, told so by whoever started it."""
    return os.environ.get("FAULTS_NAMESPACE") == "1"

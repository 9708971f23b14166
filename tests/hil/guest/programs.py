"""Programs in the machine: started, asked, killed; what they say is kept in a file each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

LOGS = Path("/run/logs")
WAIT_S = 240.0
_running: dict[str, subprocess.Popen[bytes]] = {}


def sh(command: str) -> list[object]:
    """Run a command of the shell; return its exit code and all that it said."""
    done = subprocess.run(["/bin/sh", "-c", command], stdout=-1, stderr=-2, text=True, check=False, stdin=-3)
    return [done.returncode, done.stdout]


def write(path: str, text: str) -> None:
    """Write a file."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def start(name: str, *words: str, cwd: str = "/run", **environment: str) -> int:
    """Start a program; ``andgate`` is ours. Return its process id."""
    LOGS.mkdir(exist_ok=True)
    ours = [sys.executable, "-m", "cli.main", *words[1:]] if words[0] == "andgate" else list(words)
    with (LOGS / name).open("wb") as log:
        _running[name] = subprocess.Popen(
            ours, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=cwd, env=os.environ | environment
        )
    return _running[name].pid


def said(name: str, words: str = "") -> str:
    """Wait until a program has said something; return all it has said."""
    pause, text = threading.Event(), ""
    for _ in range(int(WAIT_S / 0.05)):
        ended = _running[name].poll()
        text = (LOGS / name).read_text(errors="replace")
        if words in text:
            return text
        if ended is not None:
            raise AssertionError(f"{name} ended with {ended} without saying {words!r}: {text}")
        pause.wait(0.05)
    raise AssertionError(f"{name} never said {words!r}: {text}")


def wrote(name: str, words: str) -> str:
    """Wait until a program's log has something; it, or what it left behind, may have ended meanwhile."""
    pause, text = threading.Event(), ""
    for _ in range(int(WAIT_S / 0.05)):
        text = (LOGS / name).read_text(errors="replace")
        if words in text:
            return text
        pause.wait(0.05)
    raise AssertionError(f"{name} never wrote {words!r}: {text}")


def end(name: str, number: int = signal.SIGTERM) -> int:
    """Send a program a signal; return its exit code."""
    _running[name].send_signal(number)
    return _running.pop(name).wait(WAIT_S)


def send(name: str, number: int) -> None:
    """Send a program a signal; it goes on."""
    _running[name].send_signal(number)


def logs() -> dict[str, str]:
    """Return the last that every program has said."""
    return {path.name: path.read_text(errors="replace")[-2000:] for path in sorted(LOGS.iterdir())}

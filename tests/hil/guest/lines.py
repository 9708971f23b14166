"""The machine's GPIO: 54 lines of a simulated chip that the kernel takes for a Raspberry Pi's.

A line's pull is what a hand does to it: an input reads what it is pulled to. Lines are numbered as a Pi's, BCM.
"""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

CONFIG = Path("/sys/kernel/config/gpio-sim/andgate")
CHIP = Path("/sys/devices/platform/gpio-sim.0/gpiochip0")
LINES = 54
PI_4 = "Revision\t: c03111\n"
_PULLS = {"up": b"pull-up", "down": b"pull-down"}


def make() -> list[str]:
    """Make the chip, and let programs take the machine for a Pi; return the chips that there are."""
    bank = CONFIG / "bank0"
    bank.mkdir(parents=True)
    (bank / "num_lines").write_text(f"{LINES}\n")
    (bank / "label").write_text("pinctrl-bcm2711\n")
    (CONFIG / "live").write_text("1\n")
    for line in range(LINES):
        pull(line, "up")
    cpuinfo = Path("/run/cpuinfo")
    cpuinfo.write_text(Path("/proc/cpuinfo").read_text() + PI_4)
    subprocess.run(["mount", "--bind", str(cpuinfo), "/proc/cpuinfo"], check=True)
    return sorted(path.name for path in Path("/dev").glob("gpiochip*"))


def pull(line: int, way: str) -> float:
    """Pull a line ``up`` or ``down``; return when, on the monotonic clock."""
    now_s = time.monotonic()
    with (CHIP / f"sim_gpio{line}" / "pull").open("wb", buffering=0) as file:
        file.write(_PULLS[way])
    return now_s


def value(line: int) -> int:
    """Return a line's level: what it is pulled to, or what a program drives it to."""
    return int((CHIP / f"sim_gpio{line}" / "value").read_bytes())


def play(line: int, steps: list[tuple[float, str]]) -> list[float]:
    """Pull a line this way and that: (seconds until then, way) each; return when each was done."""
    times, pause = [], threading.Event()
    for wait_s, way in steps:
        pause.wait(wait_s)
        times.append(pull(line, way))
    return times


def both(first: int, second: int, apart_s: float, for_s: float = 0.3) -> list[float]:
    """Pull one line down, and another a moment later; let both go after a while."""
    times = play(first, [(0.0, "down")]) + play(second, [(apart_s, "down")])
    threading.Event().wait(for_s)
    return [*times, pull(first, "up"), pull(second, "up")]


def tap(line: int, for_s: float) -> list[float]:
    """Pull a line down and up again; return between when and when that was, at most."""
    (down_s,) = play(line, [(0.0, "down")])
    play(line, [(for_s, "up")])
    return [down_s, time.monotonic()]

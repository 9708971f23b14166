"""A worn contact, in a program that nothing else on the machine may interrupt: its times are those of a contact.

    python -m tests.hil.guest.worn bounce 17 8 1      presses it eight times; it bounces on its way down and up
    python -m tests.hil.guest.worn shake 23 80        a loose wire, eighty bursts

Prints every pull, (when, way) each, as JSON: a list of each press, or one of all bursts.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time

from tests.hil.guest.lines import pull

Pulls = list[tuple[float, str]]


def _spin(seconds: float) -> None:
    """Let so little time pass that any sleep would be longer."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        pass


def bounce(button: int, times: int, seed: int) -> list[Pulls]:
    """Press again and again, with a bounce or two each way."""
    chance, presses = random.Random(seed), []
    for _ in range(times):
        pulls: Pulls = []
        for way, back in (("down", "up"), ("up", "down")):
            for _ in range(chance.randint(1, 2)):
                for one in (way, back):
                    pulls.append((pull(button, one), one))
                    _spin(chance.uniform(0.0001, 0.002))
            pulls.append((pull(button, way), way))
            time.sleep(chance.uniform(0.15, 0.2))
        presses.append(pulls)
    return presses


def shake(button: int, bursts: int) -> list[Pulls]:
    """Make some edges a millisecond, and a moment of rest, again and again; it ends open."""
    pulls: Pulls = []
    for _ in range(bursts):
        for way in ("down", "up") * 5:
            pulls.append((pull(button, way), way))
            _spin(0.0005)
        time.sleep(0.01)
    return [pulls]


def main() -> None:
    """Do what the command line says."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    what, button, *more = sys.argv[1], *(int(word) for word in sys.argv[2:])
    made = bounce(button, more[0], more[1]) if what == "bounce" else shake(button, more[0])
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    main()

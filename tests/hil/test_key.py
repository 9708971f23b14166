"""The key of a radio on a real line: however the program ends, the line goes low, and nobody has to ask for it."""

from __future__ import annotations

import sys
from signal import SIGKILL, SIGSEGV, SIGSTOP, Signals

import pytest

from tests.hil.hall import Hall

PTT = 26
HIGH, LOW = 1, 0


def keyed(hall: Hall, name: str, most_s: float) -> None:
    hall.call("lines:pull", PTT, "down")  # as a Pi pulls GPIO 9 to 27: a line that nobody drives keys nothing
    hall.call("programs:start", name, sys.executable, "-m", "tests.hil.guest.keyed", str(PTT), str(most_s))
    hall.call("programs:said", name, "keyed")
    assert hall.call("lines:value", PTT) == HIGH


@pytest.mark.parametrize("way", [SIGKILL, SIGSEGV], ids=lambda way: way.name)
def test_a_program_that_dies_does_not_hold_the_key(hall: Hall, way: Signals) -> None:
    name = f"mast-{way.name}"
    keyed(hall, name, 600.0)
    hall.call("programs:end", name, int(way))
    hall.call("programs:wrote", name, f"GPIO {PTT} is no longer keyed: the node died")
    assert hall.call("lines:value", PTT) == LOW


def test_a_program_that_hangs_does_not_hold_the_key(hall: Hall) -> None:
    keyed(hall, "mast-hung", 3.0)
    hall.call("programs:send", "mast-hung", int(SIGSTOP))
    hall.call("programs:wrote", "mast-hung", f"GPIO {PTT} is no longer keyed: it was keyed for longer")
    assert hall.call("lines:value", PTT) == LOW

"""`andgate edge --pins mock` with a hand on its pins: what a person would do there comes as lines on stdin.

press 17        a short press
hold 17         press, and hold it until it is reset; says when it is let go
low 22          break a beam, keep a button down
high 22         let go
lamp 27         says whether it is lit
"""

from __future__ import annotations

import sys
import threading
from functools import partial

import edge.devices.pins
from cli.main import main
from edge.devices.mock import MockBoard

BOARD = MockBoard()
HOLD_S = 2.3


def obey() -> None:
    """Do what is said, line by line."""
    for line in sys.stdin:
        verb, pin = line.split()
        number = int(pin)
        if verb == "press":
            BOARD.press(number)
        elif verb == "hold":
            BOARD.press(number, for_s=HOLD_S, then=partial(print, f"{number} is let go", flush=True))
        elif verb == "lamp":
            print(f"lamp {number} is {'lit' if BOARD.level(number) else 'dark'}", flush=True)  # noqa: T201 - for the story
        else:
            BOARD.drive(number, high=verb == "high")


if __name__ == "__main__":
    edge.devices.pins.pins = lambda name: BOARD.factory
    threading.Thread(target=obey, daemon=True).start()
    sys.exit(main(sys.argv[1:]))

"""A hand on the buttons, with an eye on the lamps."""

from __future__ import annotations

import itertools
import os
import queue
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.hil.guest import ear
from tests.hil.guest.lines import CHIP, pull

LOOK_S = 0.002
SHORT_S = 0.12
APART_S = 0.1
"""A finger is never off a button for less: that would be a bounce, and both presses one."""
ANSWER_S = 10.0
"""A lamp is looked at for so long, where no calm lamp winks."""
WORK_ANSWER_S = 4.0
"""And for so long where they do: it ends before the next wink."""
DARK_S = 0.3
"""A lamp that has been dark for so long does not blink: no blink that waits for an answer is so slow."""
WINK = (9.6, 0.15)
"""Between these, of every ten seconds, a calm lamp winks: that would be taken for an answer."""
BLIND_S = 25.0
"""A node that has not heard of its hub for longer begins to say so with its lamps."""


class Lamp:
    """What an eye sees of a lamp."""

    def __init__(self, line: int) -> None:
        """Look at a line."""
        self._file = os.open(CHIP / f"sim_gpio{line}" / "value", os.O_RDONLY)

    @property
    def lit(self) -> bool:
        """Whether it is lit now."""
        return os.pread(self._file, 1, 0) == b"1"

    def wait(self, *, lit: bool, wait_s: float = ANSWER_S) -> float | None:
        """Wait until it is; return when, or None if it never was."""
        pause, end_s = threading.Event(), time.monotonic() + wait_s
        while time.monotonic() < end_s:
            if self.lit == lit:
                return time.monotonic()
            pause.wait(LOOK_S)
        return None

    def stays_dark(self) -> bool:
        """Say whether it is dark, and no blinking lamp."""
        return not self.lit and self.wait(lit=True, wait_s=DARK_S) is None


def press(
    button: int, lamp: int | None = None, for_s: float = SHORT_S, answer_s: float = ANSWER_S
) -> list[float | None]:
    """Press a button for a while; return when it went down, when its lamp was seen lit, and when it was let go."""
    eye, pause = None if lamp is None else Lamp(lamp), threading.Event()
    lit_s = up_s = None
    down_s = now_s = pull(button, "down")
    while up_s is None or (eye is not None and lit_s is None and now_s < down_s + answer_s):
        if eye is not None and lit_s is None and eye.lit:
            lit_s = now_s
        if up_s is None and now_s >= down_s + for_s:
            up_s = pull(button, "up")
        pause.wait(LOOK_S)
        now_s = time.monotonic()
    pause.wait(APART_S)
    return [down_s, lit_s, up_s]


def work(buttons: list[tuple[int, int]], node: str, every_s: float, seed: int) -> Iterator[dict[str, Any]]:
    """Press one button after the other until the power goes; say before each press which, then if its lamp answers.

    Also says every receipt that the hub gives the node. Buttons come with their lamps.
    """
    news: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_work, args=(buttons, every_s, seed, news), daemon=True).start()
    threading.Thread(target=_listen, args=(f"node/{node}/receipt", news), daemon=True).start()
    while True:
        yield news.get()


def _work(buttons: list[tuple[int, int]], every_s: float, seed: int, news: queue.SimpleQueue[dict[str, Any]]) -> None:
    chance, pause, begun_s = random.Random(seed), threading.Event(), time.monotonic()
    eyes = {lamp: Lamp(lamp) for _, lamp in buttons}
    numbers = itertools.count()
    for button, lamp in itertools.cycle(buttons):
        pause.wait(chance.uniform(0.5, 1.5) * every_s)
        known = bool(ear.heard("hub/state")) or time.monotonic() - begun_s < BLIND_S
        calm = WINK[1] < time.monotonic() % 10 < WINK[0] - WORK_ANSWER_S - DARK_S
        if not known or not calm or not eyes[lamp].stays_dark():
            continue
        number = next(numbers)
        news.put({"press": number, "button": button, "at": time.monotonic()})
        down_s, lit_s, _ = press(button, lamp, answer_s=WORK_ANSWER_S)
        news.put({"answered": number, "down": down_s, "at": lit_s} if lit_s is not None else {"unheard": number})


def _listen(topic: str, news: queue.SimpleQueue[dict[str, Any]]) -> None:
    pause, told = threading.Event(), 0
    while True:
        for _, said in ear.heard(topic)[told:]:
            told += 1
            news.put({"receipt": said})
        pause.wait(0.02)


def dark(lamp: int) -> bool:
    """Wait until a lamp is dark, and no calm lamp's wink is near."""
    eye, pause, end_s = Lamp(lamp), threading.Event(), time.monotonic() + 30
    while time.monotonic() < end_s:
        if WINK[1] < time.monotonic() % 10 < WINK[0] - DARK_S and eye.stays_dark():
            return True
        pause.wait(0.05)
    raise AssertionError("it never got dark")

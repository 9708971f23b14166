"""What every actor in the terminal stands on: virtual time, its own luck, and a way to make something happen."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from random import Random

import simpy

from andgate.moment.signals import About
from twin.happenings import Answered, AnyHappening, Gave, Level, Pressed, Reported
from twin.parameters import Spread

Play = Generator[simpy.Event, None, None]
"""What an actor does: a generator that yields what it waits for."""


class Stage:
    """One day's virtual time, chance and happenings."""

    def __init__(self, name: str, *, begins_ms: int, seed: int) -> None:
        """Begin an empty day.

        Args:
            name: of the day; part of every chance drawn and of every report's identity.
            begins_ms: site time at second 0, UTC milliseconds.
            seed: the same seed and name give the same luck.
        """
        self.env = simpy.Environment()
        self.begins_ms = begins_ms
        self._name = name
        self._seed = seed
        self._happened: list[AnyHappening] = []
        self._reports = 0

    @property
    def now_s(self) -> float:
        """Seconds since the day began."""
        return float(self.env.now)

    @property
    def now_ms(self) -> int:
        """Site time, UTC milliseconds."""
        return self.begins_ms + round(self.env.now * 1000)

    def chance(self, of: str) -> Random:
        """Return the luck of one actor: its own, so that what another does with his changes nothing here."""
        return Random(f"{self._seed}/{self._name}/{of}")

    def play(self, play: Play) -> simpy.Process:
        """Let an actor begin."""
        return self.env.process(play)

    def after(self, seconds: float) -> simpy.Event:
        """Return what comes when so many seconds have passed; at once if they are negative."""
        return self.env.timeout(max(0.0, seconds))

    def at(self, second: float) -> simpy.Event:
        """Return what comes at a second of the day; at once if it is over."""
        return self.after(second - self.now_s)

    # -------------------------------------------------------------------------------------------- happenings

    def press(self, device: str, for_s: float) -> None:
        """Push a button and let it go after `for_s`."""
        self._happened.append(Pressed(at_ms=self.now_ms, device=device, for_ms=round(for_s * 1000)))

    def level(self, device: str, *, on: bool) -> None:
        """Change what a sensor sees."""
        self._happened.append(Level(at_ms=self.now_ms, device=device, on=on))

    def report(
        self,
        touchpoint: str,
        signal: str,
        *,
        key: str | None = None,
        value: int | None = None,
        about: About | None = None,
    ) -> None:
        """Say something in the airport's own feed."""
        self._reports += 1
        self._happened.append(
            Reported(
                at_ms=self.now_ms,
                id=f"ops-{self._name}-{self._seed}-{self._reports}",
                touchpoint=touchpoint,
                signal=signal,
                key=key,
                value=value,
                about=about or {},
            )
        )

    def answer(self, moment: str, page: str, by: str, promise_s: float, first: str | None = None) -> None:
        """Claim a moment from a pager."""
        self._happened.append(
            Answered(at_ms=self.now_ms, moment=moment, page=page, by=by, promise_s=promise_s, first=first)
        )

    def give(self, task: str, by: str, gave: tuple[str, ...]) -> None:
        """Say what was given to the customers after a failure."""
        self._happened.append(Gave(at_ms=self.now_ms, moment=task, by=by, gave=gave))

    @property
    def anything_happened(self) -> bool:
        """Tell whether `happened` has something to give."""
        return bool(self._happened)

    def happened(self) -> list[AnyHappening]:
        """Take what has happened since the last time, in order."""
        happened, self._happened = self._happened, []
        return happened


def spread(chance: Random, of: Spread) -> float:
    """Draw a person's delay, seconds."""
    median, sigma = of
    return chance.lognormvariate(math.log(median), sigma)


def poisson_times(chance: Random, every_s: float, begins_s: float, ends_s: float) -> Iterator[float]:
    """Yield the seconds at which something happens that comes by itself every `every_s` on average."""
    at = begins_s + chance.expovariate(1 / every_s)
    while at < ends_s:
        yield at
        at += chance.expovariate(1 / every_s)

"""The terminal live: the model keeps pace with a clock, and pages come back into it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from andgate.clock import Clock
from twin.happenings import AnyHappening, Beep
from twin.world import World

_log = logging.getLogger("andgate.twin")

_LONGEST_WAIT_S = 0.5
"""Real seconds between looks at the clock while nothing happens."""

NextWorld = Callable[[int], World]
"""Makes the world that plays the day into which a site time (UTC ms) falls."""

Act = Callable[[AnyHappening], None]


class Terminal:
    """Plays days one after another, in a thread of its own, at the pace of a clock."""

    def __init__(self, world: World, then: NextWorld, clock: Clock, act: Act) -> None:
        """Prepare; `start` begins.

        Args:
            world: the day to begin with; what it has not yet played is played from the clock's time on.
            then: makes the day after.
            clock: site time.
            act: does what happens; called in the terminal's thread.
        """
        self._world = world
        self._then = then
        self._clock = clock
        self._act = act
        self._beeps: SimpleQueue[Beep | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="twin terminal", daemon=True)

    def hear(self, beep: Beep) -> None:
        """Let a pager beep; from any thread."""
        self._beeps.put(beep)

    def why(self, moment: str, touchpoint: str, key: str | None) -> str | None:
        """Return why a promise was broken, as a supervisor of the present day says it; from any thread."""
        return self._world.why(moment, touchpoint, key)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Freeze."""
        self._stopping.set()
        self._beeps.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._play()
        except Exception:  # noqa: BLE001 - the last net of a thread: it is told, and the hub goes on
            _log.exception("the terminal stopped by a fault of its own; nothing more will happen at its pins")

    def _play(self) -> None:
        while not self._stopping.is_set():
            now_ms = self._clock.now_ms()
            for happening in self._world.run(now_ms):
                self._act(happening)
            if now_ms >= self._world.ends_ms:
                self._world = self._then(now_ms)
            beep = self._wait()
            if beep is not None:
                now_ms = self._clock.now_ms()
                for happening in self._world.run(now_ms):
                    self._act(happening)
                self._world.hear(beep, now_ms)

    def _wait(self) -> Beep | None:
        """Wait for a beep or for the model's next instant."""
        next_ms = self._world.next_ms()
        wait_s = _LONGEST_WAIT_S
        if next_ms is not None:
            wait_s = min(wait_s, self._clock.real_s(max(0, next_ms - self._clock.now_ms()) / 1000))
        try:
            return self._beeps.get(timeout=wait_s) if wait_s > 0 else self._beeps.get_nowait()
        except Empty:
            return None

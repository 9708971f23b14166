"""A radio or loudspeaker that says one thing at a time: listen, key, wait a little, play, let go.

It is driven by the worker's clock and owns no thread: `advance` does what is due and never waits. The key is down for
at most `most_s`, whatever the player does: the worker's own clock takes it off; and where the worker, or the whole
program, can do that no more, a process of its own does (`edge.devices.deadman`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Literal

import gpiozero
from msgspec import Struct

from edge.devices.base import Hands
from edge.devices.deadman import Guard
from edge.devices.lamp import Light
from edge.devices.pins import FACTORIES
from edge.devices.player import Player, Playing, ProgramPlayer, seconds_of

LEAD_S = 0.3
"""A radio needs this from its key to a carrier, and a receiver to open its squelch."""
TAIL_S = 0.1
SLACK_S = 0.4
"""A program needs this to begin and to end."""
FREE_S = 0.5
"""A channel that has been free for so long is free: people breathe between sentences."""
LOOK_S = 0.05
"""Real seconds between looks while something plays or a channel is waited for."""


class Outcome(Struct, frozen=True):
    """What became of a transmission."""

    did: Literal["sent", "dropped", "failed"]
    why: str = ""


class Radio:
    """One transmission at a time; belongs to the worker."""

    def __init__(self, hands: Hands, most_s: float) -> None:
        """Claim the pins of the settings `ptt` and `busy`, if there are any.

        Args:
            hands: of the device.
            most_s: the longest the key is down.

        Raises:
            gpiozero.GPIOZeroError: for a pin that is not there or in use; then it holds none.
        """
        self.most_s = most_s
        self.keyed_s = 0.0
        """Since when the key is down, while it is."""
        self._pace = hands.pace
        self._player = player_of(hands)
        self._key: Light | None = None
        self._busy: Any = None
        self._guard: Guard | None = None
        self._watcher: Callable[[], Guard] | None = None
        self._playing: Playing | None = None
        self._step: Literal["idle", "listen", "lead", "play", "tail"] = "idle"
        self._due_s = inf
        self._wav = b""
        self._give_up_s = inf
        self._free_s = -inf
        self.fault: str | None = None
        """What went wrong last, until something goes well."""
        settings = hands.config.settings
        ptt, busy = settings.get("ptt"), settings.get("busy")
        if ptt is not None:
            self._key = Light(int(ptt), hands.pin_factory)
            name = next((name for name, it in FACTORIES.items() if it.endswith(type(hands.pin_factory).__name__)), None)
            self._watcher = None if name is None else partial(Guard, name, int(ptt), most_s)
            self._guard = None if self._watcher is None else self._watcher()
        if busy is not None:
            try:
                low = settings.get("busy_active") != "high"
                self._busy = gpiozero.InputDevice(int(busy), pull_up=low, pin_factory=hands.pin_factory)
            except Exception:
                self.close()
                raise

    @property
    def room_s(self) -> float:
        """How long what is sent may be."""
        return self.most_s - SLACK_S - (LEAD_S + TAIL_S if self._key is not None else 0.0)

    @property
    def keyed(self) -> bool:
        """Whether the key is down."""
        return self._key is not None and self._key.on

    @property
    def idle(self) -> bool:
        """Whether it takes something."""
        return self._step == "idle"

    @property
    def waits(self) -> bool:
        """Whether what was given to it has not begun."""
        return self._step == "listen"

    def due_s(self) -> float:
        """Return when `advance` has something to do."""
        return self._due_s

    def missing(self) -> str | None:
        """Say what is wrong with it, or None."""
        return self._player.fault() or self.fault

    def send(self, wav: bytes, now_s: float, give_up_s: float) -> None:
        """Take something to send; what could not be begun by `give_up_s` is dropped."""
        self._wav, self._give_up_s = wav, give_up_s
        self._step, self._due_s = "listen", now_s
        self._free_s = -inf

    def advance(self, now_s: float) -> Outcome | None:
        """Do what is due; return what became of the transmission, when that is known."""
        if self.keyed and now_s >= self.keyed_s + self.most_s * self._pace:
            return self._over(Outcome("failed", f"it had not ended after {self.most_s:g} s; the key was taken off"))
        if now_s < self._due_s:
            return None
        if self._step == "listen":
            return self._listen(now_s)
        if self._step == "lead":
            self._playing = self._player.play(self._wav)
            self._step, self._due_s = "play", now_s + LOOK_S * self._pace
            return None
        if self._step == "play":
            return self._play(now_s)
        return self._over(Outcome("sent")) if self._step == "tail" else None

    def _listen(self, now_s: float) -> Outcome | None:
        """Wait until nobody talks, then key."""
        if now_s > self._give_up_s:
            return self._over(Outcome("dropped", "the channel was not free in time"))
        if self._busy is not None:
            if self._busy.value:
                self._free_s = inf
            elif self._free_s == inf:
                self._free_s = now_s
            if now_s < self._free_s + FREE_S * self._pace:
                self._due_s = now_s + LOOK_S * self._pace
                return None
        if self._key is not None:
            if self._guard is not None and self._watcher is not None and not self._guard.alive:
                self._guard.close()
                self._guard = self._watcher()
            if self._guard is not None and not self._guard.say(keyed=True):
                return self._over(Outcome("failed", "nobody watches the key; restart the node"))
            self.keyed_s = now_s
            self._key.set(on=True)
            self._step, self._due_s = "lead", now_s + LEAD_S * self._pace
            return None
        self.keyed_s = now_s
        self._step, self._due_s = "lead", now_s
        return None

    def _play(self, now_s: float) -> Outcome | None:
        assert self._playing is not None  # noqa: S101 - the step before has set it
        state = self._playing.state()
        if state == "failed":
            return self._over(Outcome("failed", self._playing.why))
        if state == "played":
            self._step, self._due_s = "tail", now_s + (TAIL_S * self._pace if self._key is not None else 0.0)
        elif now_s >= self.keyed_s + self.most_s * self._pace:
            return self._over(Outcome("failed", f"it had not ended after {self.most_s:g} s"))
        else:
            self._due_s = now_s + LOOK_S * self._pace
        return None

    def _over(self, outcome: Outcome) -> Outcome:
        self.stop()
        if outcome.did != "dropped":
            self.fault = outcome.why if outcome.did == "failed" else None
        return outcome

    def stop(self) -> None:
        """Be silent and let the key go, at once; whatever was being sent is not."""
        if self._key is not None:
            self._key.set(on=False)
        if self._guard is not None:
            self._guard.say(keyed=False)
        if self._playing is not None:
            self._playing.stop()
        self._playing = None
        self._step, self._due_s, self._wav = "idle", inf, b""

    def close(self) -> None:
        """Let everything go."""
        self.stop()
        if self._key is not None:
            self._key.close()
        if self._busy is not None:
            self._busy.close()
        if self._guard is not None:
            self._guard.close()


def player_of(hands: Hands) -> Player:
    """Return the player of a device; mock pins bring their own."""
    make = getattr(hands.pin_factory, "player", None)
    if make is not None:
        made: Player = make(hands.clock)
        return made
    settings = hands.config.settings
    return ProgramPlayer(str(settings.get("player") or "aplay"), str(settings.get("output") or ""))


__all__ = ["Outcome", "Radio", "player_of", "seconds_of"]

"""A sound card and a voice for tests and demos: nothing is heard, but it takes as long as it would."""

from __future__ import annotations

import io
import wave

from andgate.clock import Clock
from edge.devices.player import Player, Playing, State, seconds_of
from edge.devices.voice import Rendering, Voice

CHARS_A_SECOND = 15.0
_RATE_HZ = 8_000


class MockSound:
    """What sounded, and how it is to go wrong."""

    def __init__(self) -> None:
        """Begin in silence and good health."""
        self.played: list[bytes] = []
        """WAVs, as they began to play."""
        self.said: list[str] = []
        """Sentences that were made into sound."""
        self.hangs = False
        """What is played from now on never ends."""
        self.fault: str | None = None
        """What is missing."""

    def player(self, clock: Clock) -> Player:
        """Return a player that takes its time by a clock."""
        return _MockPlayer(self, clock)

    def voice(self, clock: Clock) -> Voice:
        """Return a voice that has spoken at once."""
        del clock
        return _MockVoice(self)


class _Played:
    def __init__(self, until_s: float, clock: Clock, why: str = "") -> None:
        self.why = why
        self._until_s, self._clock = until_s, clock

    def state(self) -> State:
        if self.why:
            return "failed"
        return "playing" if self._clock.mono_s() < self._until_s else "played"

    def stop(self) -> None:
        self._until_s = 0.0


class _MockPlayer:
    def __init__(self, sound: MockSound, clock: Clock) -> None:
        self._sound, self._clock = sound, clock

    def play(self, wav: bytes) -> Playing:
        if self._sound.fault is not None:
            return _Played(0.0, self._clock, self._sound.fault)
        self._sound.played.append(wav)
        length_s = 1e12 if self._sound.hangs else seconds_of(wav)
        return _Played(self._clock.mono_s() + length_s, self._clock)

    def fault(self) -> str | None:
        return self._sound.fault


class _Rendered:
    why = ""

    def __init__(self, text: str) -> None:
        self._text = text

    def state(self) -> State:
        return "played"

    def wav(self) -> bytes:
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE_HZ)
            file.writeframes(bytes(2 * int(_RATE_HZ * len(self._text) / CHARS_A_SECOND)))
        return out.getvalue()

    def stop(self) -> None:
        """Nothing to stop."""


class _MockVoice:
    def __init__(self, sound: MockSound) -> None:
        self._sound = sound

    def render(self, text: str) -> Rendering:
        self._sound.said.append(text)
        return _Rendered(text)

    def fault(self) -> str | None:
        return self._sound.fault

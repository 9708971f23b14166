"""Making speech: a tiny interface, and espeak-ng, called as a program."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Protocol

from edge.devices.player import Program, State, missing

WORDS_A_MINUTE = 165
"""A little slower than espeak-ng's own: a hall echoes."""
PROGRAM = "espeak-ng"


class Rendering(Protocol):
    """A sentence that is being made into sound."""

    why: str
    """Why it failed."""

    def state(self) -> State:
        """Say how far it is; never waits."""

    def wav(self) -> bytes:
        """Return the sound, once it is ``played``."""

    def stop(self) -> None:
        """Forget it."""


class Voice(Protocol):
    """Somebody who can say a sentence."""

    def render(self, text: str) -> Rendering:
        """Begin to make a sentence into sound; never waits, never raises."""

    def fault(self) -> str | None:
        """Say what is missing, with what to do, or None."""


class _Espeak:
    """One sentence of espeak-ng's."""

    def __init__(self, text: str, voice: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="andgate-")
        self._file = Path(self._folder.name, "said.wav")
        speed = str(WORDS_A_MINUTE)
        self._program = Program([PROGRAM, "-v", voice, "-s", speed, "-w", str(self._file), "--", text])
        self._state: State = "playing"
        self.why = ""

    def state(self) -> State:
        if self._state == "playing":
            self._state = self._program.state()
            self.why = self._program.why
            if self._state == "played" and not self._file.is_file():
                self._state, self.why = "failed", f"{PROGRAM} has written nothing"
            if self._state == "failed":
                self._folder.cleanup()
        return self._state

    def wav(self) -> bytes:
        said = self._file.read_bytes()
        self._folder.cleanup()
        return said

    def stop(self) -> None:
        self._program.stop()
        self._folder.cleanup()


class EspeakVoice:
    """Debian's espeak-ng."""

    def __init__(self, voice: str) -> None:
        """Speak with a voice of espeak-ng's, as ``en`` or ``de``."""
        self._voice = voice

    def render(self, text: str) -> Rendering:
        """Begin to make a sentence into sound; never waits, never raises."""
        return _Espeak(text, self._voice)

    def fault(self) -> str | None:
        """Say that the program is missing, or None."""
        return missing(PROGRAM)

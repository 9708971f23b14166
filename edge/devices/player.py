"""Making a sound card play: a tiny interface, and the programs that do it.

playing = ProgramPlayer("aplay", "plughw:1,0").play(wav)
playing.state()                     # "playing", then "played" or "failed"
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Literal, Protocol

_SHOWN = 120
PACKAGES = {"aplay": "alsa-utils", "paplay": "pulseaudio-utils", "espeak-ng": "espeak-ng"}
"""Program -> the Debian package it comes from."""

State = Literal["playing", "played", "failed"]


class Playing(Protocol):
    """Something that sounds, or has."""

    why: str
    """Why it failed."""

    def state(self) -> State:
        """Say how far it is; never waits."""

    def stop(self) -> None:
        """Be silent at once."""


class Player(Protocol):
    """A way to a loudspeaker or a radio."""

    def play(self, wav: bytes) -> Playing:
        """Begin to play; never waits, never raises."""

    def fault(self) -> str | None:
        """Say what is missing, with what to do, or None."""


def seconds_of(wav: bytes) -> float:
    """Return how long a WAV lasts.

    Raises:
        wave.Error, EOFError: for what is no WAV.
    """
    with wave.open(io.BytesIO(wav)) as file:
        frames = file.getnframes()
        # A program that writes to a pipe does not know the length when it writes the head.
        room = max(0, len(wav) - 44) // max(1, file.getsampwidth() * file.getnchannels())
        return float(min(frames, room) / file.getframerate())


def missing(program: str) -> str | None:
    """Say that a program is missing and what to type, or None."""
    if shutil.which(program) is not None:
        return None
    return f"{program} is not installed: sudo apt-get install {PACKAGES.get(program, program)}"


class Program:
    """A program that runs beside the node; whatever becomes of it, nobody waits for it."""

    def __init__(self, command: list[str], folder: tempfile.TemporaryDirectory[str] | None = None) -> None:
        """Start it; one that cannot be started has failed. The folder goes when it has ended."""
        self.why = ""
        self._folder = folder
        self._name = Path(command[0]).name
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the plan's own words, and no shell
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as wrong:
            self.why = missing(command[0]) or f"{self._name} cannot be started: {wrong.strerror}"
            self._end()

    def state(self) -> State:
        """Say how far it is; never waits."""
        if self._process is None:
            return "failed" if self.why else "played"
        code = self._process.poll()
        if code is None:
            return "playing"
        said = self._said()
        if code != 0:
            self.why = f"{self._name} ended with {code}" + (f": {said}" if said else "")
        self._end()
        return "failed" if self.why else "played"

    def _said(self) -> str:
        """Return the last line of what it complained of."""
        if self._process is None or self._process.stderr is None:
            return ""
        os.set_blocking(self._process.stderr.fileno(), False)
        lines = (self._process.stderr.read() or b"").decode("utf-8", "replace").split("\n")
        return next((line.strip()[:_SHOWN] for line in reversed(lines) if line.strip()), "")

    def stop(self) -> None:
        """Kill it if it still runs."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
                self.why = self.why or f"{self._name} was stopped"
            self._end()

    def _end(self) -> None:
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()
        self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class ProgramPlayer:
    """``aplay`` or ``paplay``."""

    def __init__(self, program: str, output: str = "") -> None:
        """Play through a program.

        Args:
            program: ``aplay`` or ``paplay``.
            output: the sound card, as that program names it; empty: its own default.
        """
        self._program = program
        option = {"aplay": "--device=", "paplay": "--device="}[program]
        self._options = ["--quiet"] if program == "aplay" else []
        self._options += [option + output] if output else []

    def play(self, wav: bytes) -> Playing:
        """Begin to play; never waits, never raises."""
        folder = tempfile.TemporaryDirectory(prefix="andgate-")
        file = Path(folder.name, "page.wav")
        file.write_bytes(wav)
        return Program([self._program, *self._options, str(file)], folder)

    def fault(self) -> str | None:
        """Say that the program is missing, or None."""
        return missing(self._program)

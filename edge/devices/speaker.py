"""A voice for a group's pages."""

from __future__ import annotations

import contextlib
import wave
from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from typing import Literal

from msgspec import Struct

from andgate.wire.messages import DeviceHealth
from edge.devices.base import Device, Hands
from edge.devices.player import seconds_of
from edge.devices.radio import LOOK_S, Radio
from edge.devices.voice import EspeakVoice, Rendering, Voice

MOST_S = 6.0
"""A radio is keyed no longer than this for one announcement: others need the channel too."""
WAITING_MOST = 5
"""Announcements that wait; what is older than the newest five would be too late anyway."""
RENDERS_MOST = 12
"""So often a sentence is made shorter until it fits."""


class Announcement(Struct, frozen=True):
    """Something to say."""

    page: str
    until_s: float
    """What has not begun by then is stale."""
    words: Callable[[float], Iterator[str]]
    """At an instant: what to say, then ever shorter."""
    wanted: Callable[[], str | None]
    """None while it is still to be said, else why it is not."""


class Told(Struct, frozen=True):
    """What became of an announcement."""

    page: str
    did: Literal["spoken", "dropped", "failed"]
    why: str = ""


class Speaker(Device):
    """Says pages aloud through espeak-ng, over a loudspeaker or a radio that it keys; each once, at most 6 s.

    Wiring: the sound card's output to the loudspeaker's amplifier or the radio's microphone input; `ptt` through an
    opto-coupler or relay to the radio's key, `busy` from its squelch output through an opto-coupler to ground.

        voice = Speaker(Hands("voice", config, pin_factory, clock, emit))
        voice.offer(announcement)
        for told in voice.advance(now_s): ...
        voice.close()

    Settings:
        group: whose pages it says.
        ptt: GPIO (BCM) that keys the radio; none for a loudspeaker.
        busy: GPIO of the radio's busy line; none if it has none.
        busy_active: its level while somebody talks, ``low`` or ``high``.
        call_sign: what is said first on a radio.
        voice: espeak-ng's voice, ``en`` by default.
        player: ``aplay`` or ``paplay``.
        output: the sound card, as the player names it; empty for its own default.
        stale_ms: what could not be begun within this is dropped, 30 s by default.
        says_over: whether it says that something is over, too.
        quiet: a daily span in which nothing is said, as ``23:00-05:00``; empty if there is none.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim its pins."""
        super().__init__(hands)
        settings = hands.config.settings
        self.group = str(hands.setting("group"))
        self.call_sign = str(settings.get("call_sign") or "")
        self.stale_s = hands.seconds("stale")
        self.says_over = bool(settings.get("says_over"))
        self.quiet = str(settings.get("quiet") or "")
        self.radio = Radio(hands, MOST_S)
        self._pace = hands.pace
        self._voice = _voice_of(hands)
        self._queue: deque[Announcement] = deque()
        self._now: Announcement | None = None
        self._texts: Iterator[str] = iter(())
        self._rendering: Rendering | None = None
        self._left = self._chars = 0
        self._most_chars = inf
        """Longer ways to say it take too long, by what was tried."""
        self._look_s = inf
        self._dropped: list[Told] = []
        self._fault: str | None = None

    def offer(self, announcement: Announcement) -> None:
        """Take something to say; of too many the oldest are dropped."""
        self._queue.append(announcement)
        while len(self._queue) > WAITING_MOST:
            gone = self._queue.popleft()
            self._dropped.append(Told(gone.page, "dropped", "too much was to be said at once"))

    def due_s(self) -> float:
        """Return when `advance` has something to do."""
        if self._now is None:
            return -inf if self._queue or self._dropped else inf
        return min(self._look_s, self.radio.due_s())

    def advance(self, now_s: float) -> list[Told]:
        """Do what is due, and say what became of what was to be said. Never waits."""
        told, self._dropped = self._dropped, []
        if self._now is None:
            self._begin(now_s, told)
        elif self._rendering is not None:
            self._render(now_s, told)
        elif self.radio.waits and (why := self._now.wanted()) is not None:
            self._end(told, "dropped", why)
        if self._now is not None and not self.radio.idle:
            outcome = self.radio.advance(now_s)
            if outcome is not None:
                self._end(told, "spoken" if outcome.did == "sent" else outcome.did, outcome.why)
        return told

    def _begin(self, now_s: float, told: list[Told]) -> None:
        while self._queue:
            it = self._queue.popleft()
            why = it.wanted()
            if why is None and now_s > it.until_s:
                why = "it would have come too late"
            if why is not None:
                told.append(Told(it.page, "dropped", why))
                continue
            self._now, self._texts, self._left = it, it.words(now_s), RENDERS_MOST
            self._most_chars = inf
            self._next(now_s, told)
            return

    def _next(self, now_s: float, told: list[Told]) -> None:
        """Try the next shorter way to say it."""
        text = next((each for each in self._texts if len(each) <= self._most_chars), None)
        if text is None or not self._left:
            self._fault = f"nothing could be said within {self.radio.room_s:.1f} s"
            self._end(told, "failed", self._fault)
            return
        self._left -= 1
        self._rendering, self._chars = self._voice.render(text), len(text)
        self._look_s = now_s

    def _render(self, now_s: float, told: list[Told]) -> None:
        assert self._rendering is not None  # noqa: S101 - who calls has looked
        assert self._now is not None  # noqa: S101 - the same
        state = self._rendering.state()
        self._look_s = now_s + LOOK_S * self._pace
        if state == "playing":
            if now_s > self._now.until_s:
                self._end(told, "dropped", "it would have come too late")
            return
        rendering, self._rendering = self._rendering, None
        if state == "failed":
            self._fault = rendering.why
            self._end(told, "failed", rendering.why)
            return
        wav = rendering.wav()
        self._look_s = inf
        with contextlib.suppress(wave.Error, EOFError):
            length_s = seconds_of(wav)
            self._most_chars = min(self._chars * self.radio.room_s / max(length_s, 0.1), self._most_chars)
            if length_s <= self.radio.room_s:
                self._fault = None
                self.radio.send(wav, now_s, self._now.until_s)
                self._look_s = now_s
                return
        self._next(now_s, told)

    def _end(self, told: list[Told], did: Literal["spoken", "dropped", "failed"], why: str) -> None:
        if self._now is not None:
            told.append(Told(self._now.page, did, why))
        self._halt()

    def _halt(self) -> None:
        self.radio.stop()
        if self._rendering is not None:
            self._rendering.stop()
        self._now, self._rendering, self._look_s = None, None, inf

    def silence(self, why: str) -> None:
        """Be silent at once, and drop everything."""
        for it in ([self._now] if self._now is not None else []) + list(self._queue):
            self._dropped.append(Told(it.page, "dropped", why))
        self._queue.clear()
        self._halt()

    def health(self, at_s: float) -> DeviceHealth:
        """Say whether it speaks, and what is wrong."""
        del at_s
        fault = self._voice.fault() or self.radio.missing() or self._fault
        return DeviceHealth(level="on" if self._now is not None else "off", fault=fault)

    def close(self) -> None:
        """Be silent and give the pins back."""
        self._halt()
        self.radio.close()


def _voice_of(hands: Hands) -> Voice:
    """Return the voice of a device; mock pins bring their own."""
    make = getattr(hands.pin_factory, "voice", None)
    if make is not None:
        made: Voice = make(hands.clock)
        return made
    return EspeakVoice(str(hands.config.settings.get("voice") or "en"))

"""A transmitter for POCSAG pagers."""

from __future__ import annotations

from collections import OrderedDict, deque
from math import inf
from typing import Literal

from msgspec import Struct

from andgate.wire.messages import DeviceHealth, Transmission
from edge import pocsag
from edge.devices.base import Device, Hands
from edge.devices.radio import Radio

MOST_S = 15.0
"""The longest page, 240 characters at 512 baud, is on the air for 14 s."""
WAITING_MOST = 100
REMEMBERED = 500
"""Pages that went out: one that comes again under the same name is answered, and not sent twice."""


class Sent(Struct, frozen=True):
    """What became of a page."""

    page: str
    did: Literal["sent", "dropped", "failed"]
    why: str = ""


class _Waiting(Struct, frozen=True):
    said: Transmission
    until_s: float


class Transmitter(Device):
    """Sends POCSAG pages through a radio whose data input hangs on the sound card.

    Wiring: the sound card's output through 1 uF and a trimmer to the radio's flat data input ("9600"); `ptt` through
    an opto-coupler to its key; `busy` from its squelch output through an opto-coupler to ground.

        mast = Transmitter(Hands("mast", config, pin_factory, clock, emit))
        mast.take(transmission, now_s)
        for sent in mast.advance(now_s): ...
        mast.close()

    Settings:
        ptt: GPIO (BCM) that keys the transmitter.
        busy: GPIO of the radio's busy line; none if it has none.
        busy_active: its level while somebody talks, ``low`` or ``high``.
        invert: turn the signal over, for radios that do so themselves.
        player: ``aplay`` or ``paplay``.
        output: the sound card, as the player names it; empty for its own default.
    """

    def __init__(self, hands: Hands) -> None:
        """Claim its pins."""
        super().__init__(hands)
        hands.setting("ptt")
        self.radio = Radio(hands, MOST_S)
        self._invert = bool(hands.config.settings.get("invert"))
        self._pace = hands.pace
        self._queue: deque[_Waiting] = deque()
        self._now: str | None = None
        self._sent: OrderedDict[str, None] = OrderedDict()
        self._done: list[Sent] = []

    def take(self, said: Transmission, now_s: float) -> None:
        """Take a page to send; one that went out already is only said to have."""
        if said.page in self._sent:
            self._done.append(Sent(said.page, "sent", "it had gone out already"))
        elif said.page == self._now or any(each.said.page == said.page for each in self._queue):
            return  # it is answered once it has been sent
        elif len(self._queue) >= WAITING_MOST:
            self._done.append(Sent(said.page, "failed", f"{WAITING_MOST} pages wait already"))
        else:
            self._queue.append(_Waiting(said, now_s + said.within_s * self._pace))

    def due_s(self) -> float:
        """Return when `advance` has something to do."""
        if self._done or (self._now is None and self._queue):
            return -inf
        return self.radio.due_s()

    def advance(self, now_s: float) -> list[Sent]:
        """Do what is due, and say what became of pages. Never waits."""
        done, self._done = self._done, []
        if self._now is None:
            self._begin(now_s, done)
        if self._now is not None:
            outcome = self.radio.advance(now_s)
            if outcome is not None:
                if outcome.did == "sent":
                    self._remember(self._now)
                done.append(Sent(self._now, outcome.did, outcome.why))
                self._now = None
        return done

    def _begin(self, now_s: float, done: list[Sent]) -> None:
        while self._queue and self._now is None:
            it = self._queue.popleft()
            if now_s > it.until_s:
                done.append(Sent(it.said.page, "dropped", "it waited too long for its turn"))
                continue
            said = it.said
            bits = pocsag.page(said.ric, said.text, function=said.function, numeric=said.numeric)
            self._now = said.page
            self.radio.send(pocsag.wav(bits, said.baud, invert=self._invert), now_s, it.until_s)

    def _remember(self, page: str) -> None:
        self._sent[page] = None
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)

    def silence(self, why: str) -> None:
        """Be silent at once, and drop everything."""
        waiting = [each.said.page for each in self._queue]
        self._done += [Sent(page, "dropped", why) for page in ([self._now] if self._now else []) + waiting]
        self._queue.clear()
        self._now = None
        self.radio.stop()

    def health(self, at_s: float) -> DeviceHealth:
        """Say whether it sends, and what is wrong."""
        del at_s
        return DeviceHealth(level="on" if self.radio.keyed else "off", fault=self.radio.missing())

    def close(self) -> None:
        """Be silent and give the pins back."""
        self.radio.close()

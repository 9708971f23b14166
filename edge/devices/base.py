"""What all devices are: inputs that report, outputs that show, and the hands they get when they are made.

A device owns its pins and no thread. Its pin callbacks do one thing: hand an `Edge` (when, which level) to `emit`,
which only enqueues. One worker owns all else: it feeds edges, lets time pass, re-reads levels and asks for health.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf
from typing import Any, Literal, NamedTuple

import gpiozero
from msgspec import Struct

from andgate.errors import UsageError
from andgate.wire.messages import DeviceConfig, DeviceHealth
from edge.clock import NodeClock
from edge.settle import Change, Chatter, Doubt, Settle

CONFIRM_S = 0.05
"""A level that contradicts the last edge is believed when it still does so this much later."""
CHATTER_WINDOW_S = 60.0
CHATTER_LIMIT = 40
"""More settled-out edges than this in a minute are a loose wire, not people."""
BUSY = ((10.0, 200), (300.0, 1200))
"""More settled changes than this within so many seconds too: nobody presses ten times a second, nor twice a second for
five minutes; and each press is written to the card."""
QUIET_S = 10.0
"""An input that has chattered is believed again when it has stood still for so long."""
TOGETHER_S = 0.001
"""Two clocks that are read within so little time are read together."""
TOGETHER_TRIES = 10
PENDING_MOST = 256
"""Edges of one pin that wait for the worker; what comes on top of them is noise and only counted."""

CHATTERING, STUCK, UNREADABLE = "chattering", "stuck", "unreadable"
"""What is wrong with an input, as health says it; details may follow after a colon."""


class Edge(NamedTuple):
    """A pin changed."""

    device: str
    at_s: float
    """On the node's monotonic clock."""
    level: bool
    """True is the device's active level."""


class Report(NamedTuple):
    """Something happened at a device."""

    occasion: str
    """A key of the kind's signals: ``press``, ``hold``, ``on``, ``off``; or ``blind``, ``sighted``."""
    at_s: float
    found: bool = False
    """A level found at start, not a change that was seen."""
    press_s: float | None = None
    """The down edge of the press that a hold began with."""
    value: float | None = None


class Hands(Struct, frozen=True):
    """What a device gets when it is made."""

    id: str
    config: DeviceConfig
    pin_factory: Any
    """A gpiozero pin factory; never the global one."""
    clock: NodeClock
    emit: Callable[[Edge], None]
    """Enqueues; called in whatever thread the pins have."""

    def setting(self, name: str) -> Any:  # noqa: ANN401 - the plan has checked its type
        """Return a setting of the plan.

        Raises:
            UsageError: if the configuration lacks it.
        """
        try:
            return self.config.settings[name]
        except KeyError:
            raise UsageError(f"device {self.id}: no setting {name!r} in its configuration; is the hub older?") from None

    def seconds(self, name: str) -> float:
        """Return a duration of the plan, in seconds."""
        return float(self.setting(f"{name}_ms")) / 1000

    def stamp_s(self, ticks: float | None = None) -> float:
        """Return the time of an edge: when it was, however late a busy node hears of it.

        Args:
            ticks: what the pins gave with the edge; lgpio's are the kernel's own time of it. None: it is now.
        """
        if hasattr(self.pin_factory, "edge_s"):  # mock pins: it is now, unless they say when
            said: float | None = self.pin_factory.edge_s
            return self.clock.mono_s() if said is None else said
        if ticks is None:
            return self.clock.mono_s()
        now_s, now_ticks = self._together()
        late_s = self.pin_factory.ticks_diff(now_ticks, ticks) * self.pace
        return now_s - late_s if 0 < late_s < now_s else now_s

    def _together(self) -> tuple[float, float]:
        """Return the clock's time and the pins' ticks of one instant.

        A thread that is put aside between reading the one and the other would move the edge by as much: a short press
        would end before it has settled, and nobody would hear of it. So it reads again, and keeps the closest pair.
        """
        closest_s, pair = inf, (0.0, 0.0)
        for _ in range(TOGETHER_TRIES):
            before_s, ticks, after_s = self.clock.mono_s(), self.pin_factory.ticks(), self.clock.mono_s()
            if after_s - before_s < closest_s:
                closest_s, pair = after_s - before_s, (before_s, ticks)
            if closest_s <= TOGETHER_S:
                break
        return pair

    @property
    def pace(self) -> float:
        """Return how many seconds of the clock one real second is; other than 1 only in a demo."""
        return 1.0 / self.clock.real_s(1.0)


class Device(ABC):
    """Anything that hangs on a node."""

    def __init__(self, hands: Hands) -> None:
        """Claim the pins.

        Raises:
            gpiozero.GPIOZeroError: for a pin that is not there or in use.
            UsageError: for a configuration that makes no sense.
        """
        self.id = hands.id
        self.hands = hands
        self.touchpoint = hands.config.touchpoint

    @abstractmethod
    def health(self, at_s: float) -> DeviceHealth:
        """Say how it is."""

    @abstractmethod
    def close(self) -> None:
        """Give the pins back."""


class Input(Device):
    """A device that reports."""

    drops = 0
    """Edges too fast to be believed, since start."""

    @abstractmethod
    def start(self) -> list[Report]:
        """Read the level once and report what was found."""

    @abstractmethod
    def feed(self, at_s: float, level: bool) -> list[Report]:  # noqa: FBT001 - a level is a value
        """Take an edge."""

    @abstractmethod
    def advance(self, at_s: float) -> list[Report]:
        """Let time pass."""

    @abstractmethod
    def due_s(self) -> float | None:
        """Return when `advance` or `check` has something to do, or None."""

    @abstractmethod
    def check(self, at_s: float) -> list[Report]:
        """Read the level again: the kernel may have missed an edge."""


class Switch(Input):
    """An input that is one contact: closed or open, settled, doubted and counted.

    One that chatters or cannot be read is *unknown*: it reports nothing, so that a loose wire neither raises nor resets
    anything, nor fills a card. When it has stood still for a while, its level is found as at a start.
    """

    stuck_after_s = 4 * 3600.0
    """On for so long is a fault worth a look: a dirty lens, a jammed button."""

    def __init__(self, hands: Hands, pin: str, *, active: str = "low", settle_s: float | None = None) -> None:
        """Claim one pin; `active` is the level that counts as on. Its pull goes the other way."""
        super().__init__(hands)
        number = hands.setting(pin)
        # Not a DigitalInputDevice: its callbacks come without the time of the edge.
        self._contact = gpiozero.InputDevice(number, pull_up=active == "low", pin_factory=hands.pin_factory)
        now_s = hands.clock.mono_s()
        level = bool(self._contact.value)
        self.settle = Settle(hands.seconds("settle") if settle_s is None else settle_s, level, now_s)
        self._doubt = Doubt(CONFIRM_S * hands.pace)
        self._noise = Chatter(CHATTER_WINDOW_S * hands.pace, CHATTER_LIMIT)
        self._busy = [Chatter(window_s * hands.pace, limit) for window_s, limit in BUSY]
        self._unknown = False
        """Nothing is reported now."""
        self._noisy_until_s = -inf
        self._readable = True
        self._emitted = self._fed = self._lost = self._counted = 0
        self._high = active == "high"
        self._contact.pin.edges = "both"
        self._contact.pin.bounce = None
        self._contact.pin.when_changed = self._edge

    def _edge(self, ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero calls it so
        """Hand an edge to the worker; runs in the pins' thread. Each counter has one thread that writes it."""
        if self._emitted - self._fed >= PENDING_MOST:
            self._lost += 1
            return
        self._emitted += 1
        self.hands.emit(Edge(self.id, self.hands.stamp_s(ticks), level=bool(state) == self._high))

    @property
    def drops(self) -> int:  # type: ignore[override]
        """Return how many edges were too fast to be believed."""
        return self.settle.drops + self._lost

    @abstractmethod
    def _changed(self, change: Change) -> list[Report]:
        """Say what a settled change means."""

    def _passed(self, at_s: float) -> list[Report]:
        """Say what the passing of time means beyond settling."""
        del at_s
        return []

    def _begin_anew(self) -> None:
        """Forget what was half done: it has been unknown what the contact did."""

    def start(self) -> list[Report]:
        """Report nothing: a press found at start is no press. Level devices say more."""
        return []

    def feed(self, at_s: float, level: bool) -> list[Report]:  # noqa: FBT001 - a level is a value
        """Take an edge."""
        self._fed += 1
        return self._take(at_s, level)

    def _take(self, at_s: float, level: bool) -> list[Report]:  # noqa: FBT001 - a level is a value
        changes = self.settle.feed(at_s, level)
        for _ in range(min(self.drops - self._counted, CHATTER_LIMIT + 1)):
            self._noise.add(at_s)
        self._counted = self.drops
        reports = self._all(changes, at_s)
        if any(counted.chatters(at_s) for counted in (self._noise, *self._busy)):
            self._noisy_until_s = at_s + QUIET_S * self.hands.pace
            reports += self._lose(at_s)
        return reports

    def advance(self, at_s: float) -> list[Report]:
        """Let time pass; what is about to be believed is looked at first.

        A node that stood still for a while goes on before it has heard of the edges of that time, and a short press is
        no hold because its end is heard late.
        """
        due_s = self._decides_s()
        if due_s is not None and due_s <= at_s and self._contradicted():
            return self._find(at_s)
        return self._all(self.settle.advance(at_s), at_s) + self._find(at_s)

    def _decides_s(self) -> float | None:
        """Return when something is believed unless an edge comes before, or None."""
        return self.settle.due_s()

    def _contradicted(self) -> bool:
        """Say whether the contact reads otherwise than its last edge: then an edge is on its way, or was lost."""
        try:
            return bool(self._contact.value) != self.settle.raw
        except Exception:  # noqa: BLE001 - `check` says so
            return False

    def _all(self, changes: list[Change], at_s: float) -> list[Report]:
        for change in changes:
            for counted in self._busy:
                counted.add(change.at_s)
        reports = [report for change in changes for report in self._changed(change)]
        reports += self._passed(at_s)
        return [] if self._unknown else reports

    def _lose(self, at_s: float) -> list[Report]:
        """Believe nothing more."""
        if self._unknown:
            return []
        self._unknown = True
        return [Report("blind", at_s)]

    def _find(self, at_s: float) -> list[Report]:
        """Believe it again, if it has stood still and can be read."""
        if not self._unknown or at_s < self._noisy_until_s or not self._readable:
            return []
        self._unknown = False
        for counted in (self._noise, *self._busy):
            counted.clear()
        self._begin_anew()
        return [Report("sighted", at_s), *self.start()]

    def due_s(self) -> float | None:
        """Return when something settles, is to be read again, or is believed again."""
        doubt_s = self._doubt.due_s()  # while it is in doubt, nothing is believed
        dues = [due for due in (self._decides_s() if doubt_s is None else doubt_s,) if due is not None]
        if self._unknown and self._readable:
            dues.append(self._noisy_until_s)
        return min(dues, default=None)

    def check(self, at_s: float) -> list[Report]:
        """Read the level; one that contradicts the last edge is believed when it does so twice."""
        try:
            level = bool(self._contact.value)
        except Exception:  # noqa: BLE001 - drivers raise what they like; one that answers again is read again
            self._readable = False
            return self._lose(at_s)
        self._readable = True
        since_s = self._doubt.read(at_s, level, self.settle.raw)
        return ([] if since_s is None else self._take(since_s, level)) + self._find(at_s)

    def health(self, at_s: float) -> DeviceHealth:
        """Say the settled level, since when, and what is wrong with it."""
        settle, fault = self.settle, None
        if not self._readable:
            fault = UNREADABLE
        elif at_s < self._noisy_until_s:
            fault = CHATTERING
        elif settle.level and at_s - settle.since_s > self.stuck_after_s:
            fault = STUCK
        known = fault is None or fault == STUCK
        level: Literal["on", "off", "unknown"] = "unknown" if not known else "on" if settle.level else "off"
        return DeviceHealth(level=level, since=round(settle.since_s, 3), fault=fault)

    def close(self) -> None:
        """Give the pin back; no callback comes any more."""
        self._contact.pin.when_changed = None
        self._contact.close()


class LevelSwitch(Switch):
    """A contact whose level is the news, both ways; its level at start is reported as found."""

    def start(self) -> list[Report]:
        """Report the level found."""
        return [Report("on" if self.settle.level else "off", self.settle.since_s, found=True)]

    def _changed(self, change: Change) -> list[Report]:
        return [Report("on" if change.level else "off", change.at_s)]


class PressSwitch(Switch):
    """A contact that is pressed; only its down edge is news."""

    stuck_after_s = 60.0

    def _changed(self, change: Change) -> list[Report]:
        return [Report("press", change.at_s)] if change.level else []

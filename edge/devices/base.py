"""What all devices are: inputs that report, outputs that show, and the hands they get when they are made.

A device owns its pins and no thread. Its pin callbacks do one thing: hand an `Edge` (when, which level) to `emit`,
which only enqueues. One worker owns all else: it feeds edges, lets time pass, re-reads levels and asks for health.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

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

    def stamp_s(self) -> float:
        """Return the time of an edge that is happening now; mock pins may say it better than the clock."""
        said: float | None = getattr(self.pin_factory, "edge_s", None)
        return self.clock.mono_s() if said is None else said

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
    """An input that is one contact: closed or open, settled, doubted and counted."""

    stuck_after_s = 4 * 3600.0
    """On for so long is a fault worth a look: a dirty lens, a jammed button."""

    def __init__(self, hands: Hands, pin: str, *, active: str = "low", settle_s: float | None = None) -> None:
        """Claim one pin; `active` is the level that counts as on. Its pull goes the other way."""
        super().__init__(hands)
        number = hands.setting(pin)
        self._contact = gpiozero.DigitalInputDevice(number, pull_up=active == "low", pin_factory=hands.pin_factory)
        now_s = hands.clock.mono_s()
        level = bool(self._contact.value)
        self.settle = Settle(hands.seconds("settle") if settle_s is None else settle_s, level, now_s)
        self._doubt = Doubt(CONFIRM_S * hands.pace)
        self._chatter = Chatter(CHATTER_WINDOW_S * hands.pace, CHATTER_LIMIT)
        emit, name, stamp_s = hands.emit, hands.id, hands.stamp_s
        self._contact.when_activated = lambda: emit(Edge(name, stamp_s(), level=True))
        self._contact.when_deactivated = lambda: emit(Edge(name, stamp_s(), level=False))

    @property
    def drops(self) -> int:  # type: ignore[override]
        """Return how many edges were too fast to be believed."""
        return self.settle.drops

    @abstractmethod
    def _changed(self, change: Change) -> list[Report]:
        """Say what a settled change means."""

    def _passed(self, at_s: float) -> list[Report]:
        """Say what the passing of time means beyond settling."""
        del at_s
        return []

    def start(self) -> list[Report]:
        """Report nothing: a press found at start is no press. Level devices say more."""
        return []

    def feed(self, at_s: float, level: bool) -> list[Report]:  # noqa: FBT001 - a level is a value
        """Take an edge."""
        before = self.settle.drops
        reports = self._all(self.settle.feed(at_s, level), at_s)
        if self.settle.drops > before:
            self._chatter.add(at_s)
        return reports

    def advance(self, at_s: float) -> list[Report]:
        """Let time pass."""
        return self._all(self.settle.advance(at_s), at_s)

    def _all(self, changes: list[Change], at_s: float) -> list[Report]:
        reports = [report for change in changes for report in self._changed(change)]
        return reports + self._passed(at_s)

    def due_s(self) -> float | None:
        """Return when something settles or is to be read again."""
        return min((due for due in (self.settle.due_s(), self._doubt.due_s()) if due is not None), default=None)

    def check(self, at_s: float) -> list[Report]:
        """Read the level; one that contradicts the last edge is believed when it does so twice."""
        level = bool(self._contact.value)
        since_s = self._doubt.read(at_s, level, self.settle.raw)
        return [] if since_s is None else self.feed(since_s, level)

    def health(self, at_s: float) -> DeviceHealth:
        """Say the settled level, since when, and what is wrong with it."""
        settle, fault = self.settle, None
        stood_s = at_s - settle.since_s
        if self._chatter.chatters(at_s):
            fault = "it chatters: look for a loose wire"
        elif settle.level and stood_s > self.stuck_after_s:
            fault = f"stuck on for {stood_s:.0f} s"
        return DeviceHealth(level="on" if settle.level else "off", since=round(settle.since_s, 3), fault=fault)

    def close(self) -> None:
        """Give the pin back; no callback comes any more."""
        self._contact.when_activated = self._contact.when_deactivated = None
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

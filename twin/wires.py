"""The wires between the model and a judge in virtual time: what real nodes would have reported, without running any.

The edge's own machines settle and hold here too, so that a mark, a press and a hold mean what they mean on a node.
What differs from a live day is only what a network adds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from msgspec import Struct

from andgate.errors import UsageError
from andgate.plan import Device, Plan
from edge.settle import Change, Hold, Press, Settle
from twin.happenings import Level, Pressed

ShownKey = Callable[[str], str | None]
"""Touchpoint -> the key that a sign there shows as the one the button closes."""

_RAW, _DUE = 0, 1


class Seen(Struct, frozen=True, kw_only=True, gc=False):
    """What a device of a node reports."""

    device: str
    touchpoint: str
    signal: str
    at_ms: int
    """When it happened."""
    seq: int
    """Of its node."""
    key: str | None = None
    press: int | None = None
    """The press that a hold began with."""


class _Contact:
    """One input, settled."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.settle = Settle(_seconds(device, "settle_ms"), level=False, at_s=0.0)
        self.hold = Hold(_seconds(device, "hold_ms")) if "hold_ms" in device.settings else None
        self.latest_press = 0

    def due_s(self) -> float | None:
        """Return when there is something to decide."""
        dues = [self.settle.due_s(), self.hold.due_s() if self.hold else None]
        return min((due for due in dues if due is not None), default=None)


def _seconds(device: Device, setting: str) -> float:
    value = device.settings[setting]
    if isinstance(value, bool | str):
        raise UsageError(f"{device.name}: {setting} is {value!r}, not a number of milliseconds")
    return value / 1000


class Wires:
    """All inputs of a plan's nodes, for one day."""

    def __init__(self, plan: Plan, *, begins_ms: int) -> None:
        """Wire them up, all at rest."""
        self._begins_ms = begins_ms
        self._contacts = {device.name: _Contact(device) for device in plan.devices.values() if device.signals}
        self._queue: list[tuple[float, int, str, int, bool]] = []
        self._pushed = 0
        self._seqs: dict[str, int] = {}

    def take(self, happening: Pressed | Level) -> None:
        """Let a contact change."""
        at_s = (happening.at_ms - self._begins_ms) / 1000
        if isinstance(happening, Level):
            self._push(at_s, happening.device, _RAW, level=happening.on)
        else:
            self._push(at_s, happening.device, _RAW, level=True)
            self._push(at_s + happening.for_ms / 1000, happening.device, _RAW, level=False)

    def next_ms(self) -> int | None:
        """Return when the next contact changes or settles; None while all is at rest."""
        return self._ms(self._queue[0][0]) if self._queue else None

    def until(self, now_ms: int, shown: ShownKey) -> list[Seen]:
        """Return what has been reported up to and with `now_ms` since the last call, in order."""
        seen: list[Seen] = []
        while self._queue and self._ms(self._queue[0][0]) <= now_ms:
            at_s, _, name, what, level = heapq.heappop(self._queue)
            contact = self._contacts[name]
            changes = contact.settle.feed(at_s, level) if what == _RAW else contact.settle.advance(at_s)
            presses = (
                [] if contact.hold is None else [press for change in changes for press in contact.hold.feed(change)]
            )
            if contact.hold is not None:
                presses += contact.hold.advance(at_s)
                seen += [self._pressed(contact, press) for press in presses]
            else:
                seen += [one for change in changes if (one := self._changed(contact, change, shown)) is not None]
            due_s = contact.due_s()
            if due_s is not None:
                self._push(due_s, name, _DUE, level=False)
        return seen

    def levels(self) -> dict[str, bool]:
        """Return what every contact is now: True is pressed, broken, near or jammed."""
        return {name: contact.settle.raw for name, contact in self._contacts.items()}

    # ---------------------------------------------------------------------------------------------- inside

    def _push(self, at_s: float, name: str, what: int, *, level: bool) -> None:
        self._pushed += 1
        heapq.heappush(self._queue, (at_s, self._pushed, name, what, level))

    def _ms(self, at_s: float) -> int:
        return self._begins_ms + round(at_s * 1000)

    def _pressed(self, contact: _Contact, press: Press) -> Seen:
        seq = self._seq(contact)
        signal = contact.device.signals["hold" if press.held else "press"]
        began = contact.latest_press if press.held else None
        if not press.held:
            contact.latest_press = seq
        return self._seen(contact, signal, press.at_s, seq, press=began)

    def _changed(self, contact: _Contact, change: Change, shown: ShownKey) -> Seen | None:
        signals = contact.device.signals
        occasion = ("on" if change.level else "off") if "on" in signals else ("press" if change.level else "")
        if occasion not in signals:
            return None
        key = shown(contact.device.touchpoint) if contact.device.kind == "done-button" else None
        return self._seen(contact, signals[occasion], change.at_s, self._seq(contact), key=key)

    def _seq(self, contact: _Contact) -> int:
        seq = self._seqs[contact.device.node] = self._seqs.get(contact.device.node, 0) + 1
        return seq

    def _seen(
        self, contact: _Contact, signal: str, at_s: float, seq: int, *, key: str | None = None, press: int | None = None
    ) -> Seen:
        return Seen(
            device=contact.device.name,
            touchpoint=contact.device.touchpoint,
            signal=signal,
            at_ms=self._ms(at_s),
            seq=seq,
            key=key,
            press=press,
        )

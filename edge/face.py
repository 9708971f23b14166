"""What people see of a node: every lamp, buzzer and sign, from what the hub said and what the node knows by itself."""

from __future__ import annotations

from math import inf

import msgspec

from andgate.wire.messages import NodeConfig, Receipt, TouchpointMoments
from edge.clock import NodeClock
from edge.devices import Device
from edge.devices.done_button import DoneButton
from edge.devices.rack import Rack
from edge.language import LAMP, OFF, SOUND, Own, View, condition
from edge.site_time import SiteTime
from edge.view import Effect, sign_state, view

SETTLED_S = 3.0
"""A receipted signal leaves our own picture when the hub's word is newer than it, or after so long."""
BLIND_AFTER_S = 30.0
"""Cut off for so long, a calm lamp no longer says that all is well."""
REMEMBERED = 500
"""A node that is cut off for days draws its picture from its latest signals; the spool has them all."""


class Face:
    """A node's lamps, buzzers and signs; belongs to the worker."""

    def __init__(self, rack: Rack, time: SiteTime, clock: NodeClock) -> None:
        """Begin with nothing said and nothing heard."""
        self.said: dict[str, TouchpointMoments] = {}
        """What the hub said last of each touchpoint."""
        self.due_s = -inf
        """When something will look different."""
        self.cut_s: float | None = clock.mono_s()
        """Since when nobody hears us, or None."""
        self._rack, self._time = rack, time
        self._pace = 1.0 / clock.real_s(1.0)
        self._config: NodeConfig | None = None
        self._effects: list[Effect] = []
        self._settled: dict[tuple[str, int], float] = {}
        self._own: dict[str, Own] = {}
        self._views: dict[str, View] = {}

    def configure(self, config: NodeConfig) -> None:
        """Take up new devices and expectations."""
        self._config = config
        self.review()

    def hear(self, touchpoint: str, said: TouchpointMoments) -> None:
        """Take the hub's word of a touchpoint; our own receipted signals are in it."""
        self.said[touchpoint] = said
        self._effects = [
            effect
            for effect in self._effects
            if effect.touchpoint != touchpoint or (effect.boot, effect.seq) not in self._settled
        ]
        self.review()

    def add(self, effects: list[Effect]) -> None:
        """Take our own signals, which nobody has confirmed yet."""
        self._effects = [*self._effects, *effects][-REMEMBERED:]
        self.review()

    def receipted(self, receipt: Receipt, now_s: float) -> None:
        """The hub has stored some of our signals: whoever pressed was heard."""
        for effect in self._effects:
            mark = (effect.boot, effect.seq)
            if mark not in self._settled and _stored(receipt, *mark):
                self._settled[mark] = now_s
                if effect.pressed:
                    self._mark(effect.touchpoint, heard_s=now_s)
        self.due_s = -inf

    def identify(self, device: str | None, now_s: float, length_s: float) -> None:
        """Blink one device, or all, for a while of real time."""
        for name in self._about(device):
            self._mark(name, identify_s=now_s, identify_until_s=now_s + length_s * self._pace)

    def refuse(self, device: str | None, now_s: float) -> None:
        """Tell that a reset was refused."""
        for name in self._about(device):
            self._mark(name, refused_s=now_s)

    def cut(self, now_s: float) -> None:
        """Nobody hears us from now on, if not since before."""
        self.cut_s = now_s if self.cut_s is None else self.cut_s

    def shown_key(self, button: Device) -> str | None:
        """Return the key of the flight that a done-button's sign shows first, or None where no sign shows one."""
        sign = self._rack.sign_of(button) if isinstance(button, DoneButton) else None
        if sign is None:
            return None
        moments = self._views.get(sign.touchpoint, View()).moments
        return next((moment.key for moment in moments if moment.key is not None), None)

    def _mark(self, name: str, **marks: float) -> None:
        self._own[name] = msgspec.structs.replace(self._own.get(name, Own()), **marks)
        self.due_s = -inf

    def _about(self, device: str | None) -> list[str]:
        """Return under which names something is marked: one device, or every touchpoint of the node."""
        if device is not None:
            return [f"/{device}"]
        return sorted({one.touchpoint for one in self._rack.devices.values()})

    def review(self) -> None:
        """Draw up what each touchpoint looks like, after anything about it has changed."""
        expectations = self._config.expectations if self._config is not None else []
        zone = self._config.timezone if self._config is not None else "UTC"
        names = {device.touchpoint for device in self._rack.devices.values()}
        self._views = {
            name: view(
                self.said.get(name),
                [effect for effect in self._effects if effect.touchpoint == name],
                expectations,
                self._time,
                zone,
            )
            for name in names
        }
        self.due_s = -inf

    def _own_of(self, device: Device, now_s: float) -> Own:
        """Return what the node knows by itself about a device's touchpoint."""
        own = self._own.get(device.touchpoint, Own())
        mine = self._own.get(f"/{device.id}")
        if mine is not None:
            own = msgspec.structs.replace(
                own,
                refused_s=mine.refused_s or own.refused_s,
                identify_s=mine.identify_s or own.identify_s,
                identify_until_s=max(mine.identify_until_s, own.identify_until_s),
            )
        waiting = [
            effect.at_s
            for effect in self._effects
            if effect.pressed
            and effect.touchpoint == device.touchpoint
            and (effect.boot, effect.seq) not in self._settled
        ]
        cut = self.cut_s is not None and now_s - self.cut_s >= BLIND_AFTER_S * self._pace
        return msgspec.structs.replace(own, waiting_s=min(waiting, default=None), blind_s=self.cut_s if cut else None)

    def show(self, now_s: float, *, linked: bool) -> None:
        """Set every lamp, buzzer and sign to what is true now, and note when the next one changes."""
        old = {mark for mark, at_s in self._settled.items() if now_s - at_s >= SETTLED_S * self._pace}
        if old:
            self._effects = [effect for effect in self._effects if (effect.boot, effect.seq) not in old]
            for mark in old:
                del self._settled[mark]
            self.review()
        wait_s = 1.0
        for device, light in self._rack.lights:
            said = condition(self._views[device.touchpoint], self._own_of(device, now_s), now_s, self._pace)
            since_s = (now_s - said.since_s) / self._pace
            light.set(on=LAMP[said.name].on_at(since_s))
            wait_s = min(wait_s, LAMP[said.name].next_s(since_s))
        for buzzer in self._rack.buzzers:
            said = condition(self._views[buzzer.touchpoint], self._own_of(buzzer, now_s), now_s, self._pace)
            since_s = (now_s - said.since_s) / self._pace
            sound = SOUND.get(said.name, OFF)
            buzzer.light.set(on=sound.on_at(since_s))
            wait_s = min(wait_s, sound.next_s(since_s))
        self.due_s = now_s + max(wait_s, 0.001) * self._pace
        if self._rack.signs:
            self._show_signs(now_s, linked=linked)

    def _show_signs(self, now_s: float, *, linked: bool) -> None:
        rate = self._time.anchor.rate if self._time.anchor is not None else 1.0
        for sign in self._rack.signs:
            seen = self._views[sign.touchpoint]
            state = sign_state(seen, sign.counts, now_s, rate, link=linked)
            sign.show(state)
            # Each flight's next second: every sign of the place changes with its flights and not beside them.
            for flight in state.flights:
                if flight.left_ms is not None:
                    tick_s = ((flight.left_ms - 1) % 1000 + 1) / 1000 / rate
                    self.due_s = min(self.due_s, now_s + max(tick_s + 0.001, 0.1 * self._pace))


def _stored(receipt: Receipt, boot: str, seq: int) -> bool:
    return boot == receipt.boot and (seq <= receipt.seq or any(low <= seq <= high for low, high in receipt.also))

"""What people see of a node: every lamp, buzzer and sign, from what the hub said and what the node knows by itself."""

from __future__ import annotations

import re
from math import inf

import msgspec

from andgate.plan import Hours, Plan
from andgate.plan.hours import is_open
from andgate.wire.codec import parse_time
from andgate.wire.messages import NodeConfig, Receipt, TouchpointMoments
from edge.clock import NodeClock
from edge.devices import Device
from edge.devices.done_button import DoneButton
from edge.devices.rack import Rack
from edge.judge import Facts, Judge, slice_of
from edge.language import LAMP, OFF, SOUND, Ended, Own, View, condition, next_turn_s, sound_condition
from edge.site_time import SiteTime
from edge.spool import is_stored
from edge.view import Effect, sign_state

APART = "~"
"""Ends the name under which what devices in training show at a touchpoint is judged."""
SUSPENDED_ALONE_S = 900.0
"""Real seconds that a node whom nobody hears stays silent because of an alarm that the hub told of."""
SETTLED_S = 3.0
"""A receipted signal leaves our own picture when the hub's word is newer than it, or after so long."""
REMEMBERED = 500
"""A node that is cut off for days draws its picture from its latest signals; the spool has them all."""


_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class Face:
    """A node's lamps, buzzers and signs; belongs to the worker."""

    def __init__(self, node: str, rack: Rack, time: SiteTime, clock: NodeClock) -> None:
        """Begin with nothing said and nothing heard."""
        self.said: dict[str, TouchpointMoments] = {}
        """What the hub said last of each touchpoint."""
        self.due_s = -inf
        """When something will look different."""
        self.alone = True
        """Nobody hears us: the node judges by itself."""
        self.told_s: float | None = None
        """Since when it is told that nobody hears us."""
        self.trouble_s: float | None = None
        """Since when what is seen here cannot be kept on disk."""
        self._node, self._rack, self._time = node, rack, time
        self._now_s = clock.mono_s
        self._pace = 1.0 / clock.real_s(1.0)
        self._config: NodeConfig | None = None
        self._hours: dict[str, Hours] = {}
        self._plan: Plan | None = None
        self._effects: list[Effect] = []
        self._stands: dict[str, Effect] = {}
        """The newest level of each sensor that has left `_effects`."""
        self._past: dict[tuple[str, str, str | None], Ended] = {}
        """By touchpoint, expectation and key: what ended so lately that an opening continues it."""
        self._settled: dict[tuple[str, int], float] = {}
        self._own: dict[str, Own] = {}
        self._blind: dict[str, float] = {}
        self._judges: dict[str, Judge] = {}

    def configure(self, config: NodeConfig) -> None:
        """Take up new devices and expectations."""
        self._config = config
        self._plan = slice_of(self._node, config)
        hours = {name: hours_of(it.hours) for name, it in config.touchpoints.items()}
        self._hours = {name: it for name, it in hours.items() if it is not None}
        self._judges.clear()
        self._stands = {name: it for name, it in self._stands.items() if name in config.devices}
        self.review()

    def hear(self, touchpoint: str, said: TouchpointMoments, now_s: float) -> None:
        """Take the hub's word of a touchpoint; our own receipted signals are in it."""
        self.said[touchpoint] = said
        gone = [it for it in self._effects if it.touchpoint == touchpoint and (it.boot, it.seq) in self._settled]
        self._leave(gone)
        self.review(touchpoint)
        ended = self._judges[touchpoint].view.ended if touchpoint in self._judges else None
        if ended is not None and ended.verdict != "void":
            self._past[touchpoint, ended.expectation, ended.key] = ended
        self._past = {place: it for place, it in self._past.items() if now_s - it.at_s <= self._rejoins_s(place[1])}

    def _rejoins_s(self, expectation: str) -> float:
        found = self._plan.expectations.get(expectation) if self._plan is not None else None
        return 0.0 if found is None else found.rejoins_within_ms / 1000

    def _leave(self, gone: list[Effect]) -> None:
        """Let signals go that the hub's word contains; the level a sensor found last still stands."""
        for effect in gone:
            if not effect.pressed:
                self._stands[effect.device] = effect
        marks = {(effect.boot, effect.seq) for effect in gone}
        self._effects = [effect for effect in self._effects if (effect.boot, effect.seq) not in marks]

    def add(self, effects: list[Effect]) -> None:
        """Take our own signals, which nobody has confirmed yet."""
        self._effects += effects
        self._leave(self._effects[:-REMEMBERED])
        self.review()

    def receipted(self, receipt: Receipt, now_s: float) -> None:
        """The hub has stored some of our signals: whoever pressed was heard."""
        for effect in self._effects:
            mark = (effect.boot, effect.seq)
            if mark not in self._settled and is_stored(receipt, *mark):
                self._settled[mark] = now_s
                if effect.pressed:
                    self._mark(effect.touchpoint, heard_s=now_s)
        self.due_s = -inf

    def hearing(self, now_s: float, *, alone: bool, told: bool) -> None:
        """Take whether anybody hears this node; alone it judges by itself, and the hub's word rules at once after."""
        if told != (self.told_s is not None):
            self.told_s, self.due_s = now_s if told else None, -inf
        if alone != self.alone:
            self.alone = alone
            self.review()

    def safe(self) -> None:
        """What was in memory only is on disk now."""
        self._effects = [msgspec.structs.replace(effect, kept=True) for effect in self._effects]
        self.due_s = -inf

    def blind(self, devices: set[str], now_s: float) -> None:
        """Take which inputs cannot be trusted to see: they hold nothing, and the lamp asks for a technician."""
        if devices != self._blind.keys():
            self._blind = {name: self._blind.get(name, now_s) for name in devices}
            self.review()

    def identify(self, device: str | None, now_s: float, length_s: float) -> None:
        """Blink one device, or all, for a while of real time."""
        for name in self._about(device):
            self._mark(name, identify_s=now_s, identify_until_s=now_s + length_s * self._pace)

    def refuse(self, device: str | None, now_s: float) -> None:
        """Tell that a reset was refused."""
        for name in self._about(device):
            self._mark(name, refused_s=now_s)

    def shown_key(self, button: Device) -> str | None:
        """Return the key of the flight that a done-button's sign shows first, or None where no sign shows one."""
        sign = self._rack.sign_of(button) if isinstance(button, DoneButton) else None
        if sign is None:
            return None
        moments = self._view(sign.touchpoint).moments
        return next((moment.key for moment in moments if moment.key is not None), None)

    def _mark(self, name: str, **marks: float) -> None:
        self._own[name] = msgspec.structs.replace(self._own.get(name, Own()), **marks)
        self.due_s = -inf

    def _about(self, device: str | None) -> list[str]:
        """Return under which names something is marked: one device, or every touchpoint of the node."""
        if device is not None:
            return [f"/{device}"]
        return sorted({one.touchpoint for one in self._rack.devices.values()})

    def _view(self, touchpoint: str, device: str = "") -> View:
        """Return a touchpoint as one of its devices shows it: one in training shows what is trained."""
        name = touchpoint + APART if device in self._trains(touchpoint) else touchpoint
        judge = self._judges.get(name)
        return View() if judge is None else judge.view

    def review(self, only: str | None = None) -> None:
        """Judge each touchpoint anew, or one, after anything about it has changed."""
        self.due_s = -inf
        if self._plan is None:
            return
        now_s = self._now_s()
        names = {device.touchpoint for device in self._rack.devices.values() if device.touchpoint}
        for name in names if only is None else names & {only}:
            trains = self._trains(name)
            self._judge(name, self._facts(name, trains), now_s)
            if trains:
                self._judge(name + APART, self._training_facts(name, trains), now_s)
            else:
                self._judges.pop(name + APART, None)

    def _judge(self, name: str, facts: Facts, now_s: float) -> None:
        judge = self._judges.get(name)
        if judge is None and self._plan is not None:
            judge = self._judges[name] = Judge(self._node, self._plan, name.removesuffix(APART), self._time)
        if judge is not None:
            judge.begin(facts, now_s, alone=self.alone)
            self._refused(judge)

    def _trains(self, touchpoint: str) -> frozenset[str]:
        """Return our devices at a touchpoint that are in training, as the hub said last."""
        said = self.said.get(touchpoint)
        if said is None or said.training is msgspec.UNSET:
            return frozenset()
        mine = f"{self._node}/"
        return frozenset(name.removeprefix(mine) for name in said.training.devices if name.startswith(mine))

    def _facts(self, touchpoint: str, trains: frozenset[str]) -> Facts:
        return Facts(
            said=self.said.get(touchpoint),
            past=tuple(ended for place, ended in self._past.items() if place[0] == touchpoint),
            effects=tuple(it for it in self._effects if it.touchpoint == touchpoint and it.device not in trains),
            stands=tuple(it for it in self._stands.values() if it.touchpoint == touchpoint and it.device not in trains),
            blind={name: at_s for name, at_s in self._blind.items() if self._place(name) == touchpoint},
        )

    def _training_facts(self, touchpoint: str, trains: frozenset[str]) -> Facts:
        """Return what is known of training at a touchpoint: judged apart, as the hub does."""
        said = self.said[touchpoint]
        assert said.training is not msgspec.UNSET  # noqa: S101 - `trains` comes from it
        apart = TouchpointMoments(at=said.at, moments=said.training.moments, ended=said.training.ended)
        return Facts(
            said=apart,
            effects=tuple(it for it in self._effects if it.touchpoint == touchpoint and it.device in trains),
            stands=tuple(it for it in self._stands.values() if it.touchpoint == touchpoint and it.device in trains),
        )

    def _suspended(self, touchpoint: str, now_s: float) -> bool:
        """Whether a fire alarm has stopped all sounds and signs here."""
        said = self.said.get(touchpoint)
        if said is None or said.suspended is msgspec.UNSET or now_s >= self.alarm_until_s:
            return False
        self.due_s = min(self.due_s, self.alarm_until_s)
        return True

    @property
    def alarm_until_s(self) -> float:
        """Until when an alarm that the hub told of is believed: alone, not for ever."""
        return self.told_s + SUSPENDED_ALONE_S * self._pace if self.alone and self.told_s is not None else inf

    def _silent(self, touchpoint: str, now_s: float) -> bool:
        """Whether nothing may sound here; a node that has lost the time sounds rather than not."""
        if self._suspended(touchpoint, now_s):
            return True
        said = self.said.get(touchpoint)
        return said is not None and said.silent_until is not msgspec.UNSET and self._until(said.silent_until, now_s)

    def _until(self, end: str, now_s: float) -> bool:
        """Whether a time is ahead; then it is looked again when it comes."""
        end_s = self._time.mono_s(parse_time(end))
        if end_s is None or now_s >= end_s:
            return False
        self.due_s = min(self.due_s, end_s)
        return True

    def _heard(self, view: View, touchpoint: str, now_s: float) -> View:
        """Return what may sound of how a touchpoint stands: not what is muted for whoever serves it."""
        said = self.said.get(touchpoint)
        if said is None or said.silent_about is msgspec.UNSET:
            return view
        silent = {promise for promise, end in said.silent_about.items() if self._until(end, now_s)}
        ended = None if view.ended is not None and view.ended.expectation in silent else view.ended
        return View(tuple(it for it in view.moments if it.expectation not in silent), ended)

    def _place(self, device: str) -> str:
        wanted = self._config.devices.get(device) if self._config is not None else None
        return "" if wanted is None else wanted.touchpoint

    def _refused(self, judge: Judge) -> None:
        """Tell at the button that a reset was refused, as the hub would have."""
        for device, at_s in judge.refused.items() if self.alone else ():
            known = self._own.get(f"/{device}", Own()).refused_s
            if known is None or known < at_s:
                self._mark(f"/{device}", refused_s=at_s)

    def own_of(self, device: Device, now_s: float) -> Own:
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
        trains = self._trains(device.touchpoint)
        waiting = [
            effect
            for effect in self._effects
            if effect.pressed
            and effect.touchpoint == device.touchpoint
            and (effect.device in trains) == (device.id in trains)
            and (effect.boot, effect.seq) not in self._settled
        ]
        blind = [at_s for name, at_s in self._blind.items() if self._place(name) == device.touchpoint]
        blind += [] if self.trouble_s is None else [self.trouble_s]
        due = self._due_here(device.touchpoint, now_s)
        return msgspec.structs.replace(
            own,
            waiting_s=min((effect.at_s for effect in waiting), default=None),
            loose_s=min((effect.at_s for effect in waiting if not effect.kept), default=None),
            blind_s=min(blind, default=None) if due else None,
            alone_s=self.told_s if due else None,
        )

    def _due_here(self, touchpoint: str, now_s: float) -> bool:
        """Say whether the place is open now; outside its hours nothing is due and nothing is blind."""
        hours, site_ms = self._hours.get(touchpoint), self._time.ms(now_s)
        if hours is None or site_ms is None or self._config is None:
            return True
        try:
            return is_open(hours, self._config.timezone, site_ms)
        except (LookupError, ValueError, OSError, OverflowError):
            return True  # a machine that knows no such zone

    def show(self, now_s: float, *, linked: bool) -> None:
        """Set every lamp, buzzer and sign to what is true now, and note when the next one changes."""
        old = {mark for mark, at_s in self._settled.items() if now_s - at_s >= SETTLED_S * self._pace}
        if old:
            self._leave([effect for effect in self._effects if (effect.boot, effect.seq) in old])
            for mark in old:
                del self._settled[mark]
            self.review()
        self.due_s = inf
        for judge in self._judges.values():
            if judge.due_s <= now_s:
                judge.advance(now_s)
            self.due_s = min(self.due_s, judge.due_s)
        wait_s = 1.0
        for device, light in self._rack.lights:
            own = self.own_of(device, now_s)
            said = condition(self._view(device.touchpoint, device.id), own, now_s, self._pace)
            since_s = (now_s - said.since_s) / self._pace
            light.set(on=LAMP[said.name].on_at(since_s))
            wait_s = min(wait_s, LAMP[said.name].next_s(since_s), next_turn_s(own, now_s, self._pace))
        for buzzer in self._rack.buzzers:
            view = self._heard(self._view(buzzer.touchpoint, buzzer.id), buzzer.touchpoint, now_s)
            said = sound_condition(view, self.own_of(buzzer, now_s), now_s, self._pace)
            since_s = (now_s - said.since_s) / self._pace
            sound = OFF if self._silent(buzzer.touchpoint, now_s) else SOUND.get(said.name, OFF)
            buzzer.light.set(on=sound.on_at(since_s))
            wait_s = min(wait_s, sound.next_s(since_s))
        self.due_s = min(self.due_s, now_s + max(wait_s, 0.001) * self._pace)
        if self._rack.signs:
            self._show_signs(now_s, linked=linked)

    def _show_signs(self, now_s: float, *, linked: bool) -> None:
        rate = self._time.anchor.rate if self._time.anchor is not None else 1.0
        for sign in self._rack.signs:
            seen = View() if self._suspended(sign.touchpoint, now_s) else self._view(sign.touchpoint)
            state = sign_state(seen, sign.counts, now_s, rate, link=linked)
            sign.show(state)
            # Each flight's next second: every sign of the place changes with its flights and not beside them.
            for flight in state.flights:
                if flight.left_ms is not None:
                    tick_s = ((flight.left_ms - 1) % 1000 + 1) / 1000 / rate
                    self.due_s = min(self.due_s, now_s + max(tick_s + 0.001, 0.1 * self._pace))


def hours_of(text: str | None) -> Hours | None:
    """Return ``04:30-23:30`` as hours; None, which is all day, where there is no such text."""
    said = _HOURS.fullmatch(text or "")
    if said is None:
        return None
    start_h, start_min, end_h, end_min = map(int, said.groups())
    return Hours(start_min=start_h * 60 + start_min, end_min=end_h * 60 + end_min)

"""The truth in one sentence, as slowly and as plainly as it can be said.

    Take all signals of an expectation at a touchpoint, without duplicates and retracted ones, in the order of (site
    time in whole milliseconds, source, boot first seen, seq, id), and fold them through the table up to now; the
    moments that come out are the moments.

`judge` does just that, over whole lists, each time from the start. It remembers nothing, hurries nowhere and knows
nothing of how `andgate.moment` does it: it was written from the contract alone, so that where the two disagree one of
them is wrong. The numbers in the comments are the rules of the contract's "Judging, exactly".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from andgate.moment.signals import BLIND, MOVED, SIGHTED, Action, Replanned, Signal
from andgate.plan import KINDS, Expectation, Plan

DAY_MS = 86_400_000
IN_FLIGHT_MS = 1_000
"""A failure by the clock is decided that long after the deadline: signals may still be in flight (4)."""


@dataclass(frozen=True)
class Judged:
    """A moment as it must be, without what depends on the way there (id, change, revision, claims, notes)."""

    expectation: str
    opened_ms: int
    touchpoint: str
    """Where it is now."""
    key: str | None
    ends_ms: int
    threatened_ms: int | None
    closed_ms: int | None
    ended_ms: int | None
    state: Literal["open", "ended"]
    verdict: Literal["success", "failure", "void"] | None
    saved: bool
    answered: bool
    provisional: bool
    reason: str | None
    """Of a void, or ``never closed``; None otherwise."""
    late_s: float | None
    anomaly: bool
    sensor: str | None
    contradicted_ms: int | None
    asks_until_ms: int | None
    witnesses: tuple[str, ...]


def in_line(judged: Iterable[Judged]) -> list[Judged]:
    """Put records in an order in which they can be compared."""
    return sorted(judged, key=lambda one: (one.expectation, one.opened_ms, repr(one)))


@dataclass
class Running:
    """A moment while it is being folded."""

    plan: Plan
    """In force at its opening; it keeps that one (17)."""
    promise: Expectation
    key: str | None
    places: list[tuple[int, str]]
    """From when on it was where; the last one is where it is."""
    openers: list[Signal]
    """What opened it and what opened it again, in fold order."""
    opened_ms: int
    deadline_ms: int
    gives_up_ms: int
    still_waiting: list[Signal] = field(default_factory=list)
    """What opened it again when it had failed: they still wait (1)."""
    threat_ms: int | None = None
    """By a signal; by the clock it is `threatened_ms`."""
    failed_by_signal: bool = False
    failed_at_once: bool = False
    """Opened by a signal that fails: it was never only threatened."""
    ended_ms: int | None = None
    closed_ms: int | None = None
    gave_up: bool = False
    void: str | None = None
    final: bool = False
    """Ended by a person's void or by a changed plan: nothing continues it."""
    doubted: bool = False
    """Void because nobody confirmed what a sensor contradicted."""
    end_found: bool = False
    """Closed by a level found at start."""
    pressed: bool = False
    """A press opened it, not a sensor."""
    sensor: Literal["agreed", "silent"] | None = None
    opened_at: int = 0
    """How much had happened when it opened."""
    ask_ms: int | None = None
    """When the desk is to be asked; None: it is not, or not any more (decision 0030)."""
    asked_ms: int | None = None
    void_ms: int | None = None
    """When it is void unless somebody confirms it."""
    asks_until_ms: int | None = None
    past_blind_hold: bool = False
    """Closed although a hold stood, as its device was blind."""

    @property
    def touchpoint(self) -> str:
        """Where it is."""
        return self.places[-1][1]

    @property
    def is_open(self) -> bool:
        """Whether customers still wait."""
        return self.ended_ms is None

    def place_at(self, at_ms: int) -> str:
        """Where it was at a time."""
        return [place for since_ms, place in self.places if since_ms <= at_ms][-1]

    def settle(self) -> None:
        """Nobody is asked any more."""
        self.ask_ms = self.void_ms = None

    def close(self, at_ms: int, *, found: bool = False, past_blind_hold: bool = False) -> None:
        """End it as closed."""
        self.ended_ms = self.closed_ms = at_ms
        self.end_found, self.past_blind_hold = found, past_blind_hold

    def end_void(self, at_ms: int, reason: str, *, final: bool = False) -> None:
        """End it as void; one that has ended keeps its times."""
        if self.ended_ms is None:
            self.ended_ms = at_ms
        self.void = reason
        self.final = final

    def reopen(self, signal: Signal) -> None:
        """Go on, deadline and all."""
        self.settle()
        self.openers.append(signal)
        self.ended_ms = self.closed_ms = self.void = None
        self.doubted = False
        self.end_found = self.past_blind_hold = False


@dataclass
class Floor:
    """What one expectation's fold knows while it runs."""

    moments: list[Running] = field(default_factory=list)
    holds: set[tuple[str, str, str]] = field(default_factory=set)
    """(touchpoint, signal that holds, device)."""
    blind: set[str] = field(default_factory=set)

    history: list[Signal | Replanned] = field(default_factory=list)
    """What sensors said, who was blind, and which plan came, in order."""
    first_plan: Plan | None = None

    def open_ones(self, touchpoint: str) -> list[Running]:
        """Return the open moments at a touchpoint."""
        return [moment for moment in self.moments if moment.is_open and moment.touchpoint == touchpoint]

    def open_one(self, touchpoint: str, key: str | None) -> Running | None:
        """Return the open moment of a key, if there is one."""
        return next((moment for moment in self.open_ones(touchpoint) if moment.key == key), None)

    def last_ended(self, touchpoint: str, key: str | None) -> Running | None:
        """Return the moment of a key that ended last."""
        ended = [m for m in self.moments if not m.is_open and m.touchpoint == touchpoint and m.key == key]
        return max(ended, key=lambda moment: (moment.ended_ms, moment.opened_ms), default=None)

    def give_up(self, *, before_ms: int) -> None:
        """End what nobody closed in time. A closing at the very instant still counts, so signals at it come first."""
        for moment in self.moments:
            if moment.is_open and moment.gives_up_ms < before_ms:
                moment.ended_ms = moment.gives_up_ms
                moment.gave_up = True

    def doubt(self, name: str, *, before_ms: int) -> None:
        """Ask about presses that a sensor contradicts; end those that nobody confirms."""
        for moment in self.moments:
            if moment.is_open and moment.ask_ms is not None and moment.ask_ms < before_ms:
                if is_contradicted(self, name, moment):
                    moment.asked_ms, moment.ask_ms = moment.ask_ms, None
                else:
                    moment.settle()
            if moment.is_open and moment.void_ms is not None and moment.void_ms < before_ms:
                if is_contradicted(self, name, moment):
                    moment.end_void(moment.void_ms, "contradicted")
                    moment.doubted = True
                moment.settle()


def standing_openers(promise: Expectation) -> set[str]:
    """Return what opens and stands: a sensor's word."""
    return {signal for signal in promise.opens if signal in promise.holds}


def sees_nothing_since(floor: Floor, name: str, place: str, device: str) -> int | None:
    """Return the index in history since when a sensor is trusted and has said that there is no line; None: it is not.

    What it says while it is blind counts from when it is sighted.
    """
    plan = floor.first_plan
    standing: set[str] = set()
    known: int | None = None
    blind = False
    for index, step in enumerate(floor.history):
        if isinstance(step, Replanned):
            plan = step.plan
            if not is_sensor(plan, name, place, device):
                known = None
        elif step.device != device or step.touchpoint != place:
            continue
        elif step.name == BLIND:
            known = known if blind else None
            blind = True
        elif step.name == SIGHTED:
            known = index if blind and known is not None else known
            blind = False
        elif plan is not None and name in plan.expectations:
            promise = plan.expectations[name]
            if step.name in promise.holds:
                standing.add(step.name)
            standing -= {holding for holding, freeing in promise.holds.items() if freeing == step.name}
            if is_sensor(plan, name, place, device):
                line = bool(standing & set(promise.opens))
                known = None if line else index if known is None else known
    return None if blind else known


def is_sensor(plan: Plan, name: str, place: str, device: str) -> bool:
    """Whether a device stands there and can say that a line does."""
    known, promise = plan.devices.get(device), plan.expectations.get(name)
    if known is None or promise is None:
        return False
    return known.touchpoint == place and not standing_openers(promise).isdisjoint(known.signals.values())


def sensors_at(floor: Floor, place: str) -> set[str]:
    """Return every device that ever said anything at a place."""
    return {step.device for step in floor.history if isinstance(step, Signal) and step.touchpoint == place}


def is_contradicted(floor: Floor, name: str, moment: Running) -> bool:
    """Whether some sensor has been trusted and seen no line all the time since the press."""
    if moment.sensor != "silent":
        return False
    since = [sees_nothing_since(floor, name, moment.touchpoint, each) for each in sensors_at(floor, moment.touchpoint)]
    return any(index is not None and index < moment.opened_at for index in since)


def pressed(floor: Floor, signal: Signal, name: str, moment: Running) -> None:
    """A press opened it: look what the sensors there say now."""
    promise, place = moment.promise, signal.touchpoint
    moment.pressed, moment.opened_at = True, len(floor.history)
    lines = {device for there, hold, device in floor.holds if there == place and hold in standing_openers(promise)}
    if lines - floor.blind:
        moment.sensor = "agreed"
    elif any(sees_nothing_since(floor, name, place, each) is not None for each in sensors_at(floor, place)):
        moment.sensor = "silent"
        if promise.contradicted_after_ms is not None:
            moment.ask_ms = moment.opened_ms + promise.contradicted_after_ms
            moment.void_ms = min(moment.opened_ms + 2 * promise.contradicted_after_ms, moment.deadline_ms)


def judge(
    signals: Iterable[Signal],
    actions: Iterable[Action],
    plan: Plan,
    now_ms: int,
    *,
    replanned: Sequence[Replanned] = (),
    horizon_ms: int = DAY_MS,
) -> list[Judged]:
    """Return all moments, sorted. `Action.moment` is the id of a signal that opened the moment, not the moment's."""
    folded = in_order(signals, horizon_ms)
    steps: list[tuple[int, int, tuple[object, ...], Signal | Action | Replanned]] = [
        *((change.at_ms, 0, (), change) for change in replanned),
        *((signal.at_ms, 1, signal.order, signal) for signal in folded),
        *((action.at_ms, 2, (action.id,), action) for action in standing(actions)),
    ]
    steps = sorted((step for step in steps if step[0] <= now_ms), key=lambda step: step[:3])
    spans = blind_spans(folded)
    said = sorted(actions, key=lambda action: (action.at_ms, action.id))
    names = {name for each in (plan, *(change.plan for change in replanned)) for name in each.expectations}
    return in_line(
        verdict_of(moment, said, spans, now_ms)
        for name in names
        for moment in fold(name, plan, [step[3] for step in steps], now_ms)
    )


def in_order(signals: Iterable[Signal], horizon_ms: int) -> list[Signal]:
    """Drop duplicates, the too late and the retracted; sort."""
    first: dict[str, Signal] = {}
    for signal in sorted(signals, key=lambda signal: signal.received_ms):
        first.setdefault(signal.id, signal)
    timely = [signal for signal in first.values() if signal.received_ms - signal.at_ms <= horizon_ms]  # 7
    gone = {
        signal.retracts
        for signal in timely
        if signal.retracts in first and signal.received_ms - first[signal.retracts].at_ms <= horizon_ms
    }
    return sorted((signal for signal in timely if signal.id not in gone), key=lambda signal: signal.order)


def standing(actions: Iterable[Action]) -> list[Action]:
    """Return the voids that were not taken back, and the overrides (13)."""
    voids: dict[str, Action] = {}
    resets = []
    for action in sorted(actions, key=lambda action: (action.at_ms, action.id)):
        if action.do == "void":
            voids.setdefault(action.moment, action)
        elif action.do == "unvoid":
            voids.pop(action.moment, None)
        elif action.do == "reset":
            resets.append(action)
    return [*voids.values(), *resets]


def blind_spans(folded: Sequence[Signal]) -> dict[str, list[tuple[int, int | None]]]:
    """When each device was blind, from (included) and to (not included)."""
    spans: dict[str, list[tuple[int, int | None]]] = {}
    for signal in folded:
        mine = spans.setdefault(signal.device, [])
        is_blind = bool(mine) and mine[-1][1] is None
        if signal.name == BLIND and not is_blind:
            mine.append((signal.at_ms, None))
        elif signal.name == SIGHTED and is_blind:
            mine[-1] = (mine[-1][0], signal.at_ms)
    return spans


def fold(name: str, plan: Plan, steps: Sequence[Signal | Action | Replanned], now_ms: int) -> list[Running]:
    """Fold everything that happened for one expectation, at all its touchpoints together (12)."""
    floor = Floor(first_plan=plan)
    for step in steps:
        floor.doubt(name, before_ms=step.at_ms)
        floor.give_up(before_ms=step.at_ms)
        if isinstance(step, Replanned):
            floor.holds -= {
                hold for hold in floor.holds if can_say(plan, *hold) and not can_say(step.plan, *hold)
            }  # nobody is left who could say that it is over
            plan = step.plan
            floor.history.append(step)
            for moment in floor.moments:
                promise = plan.expectations.get(name)
                if moment.is_open and (promise is None or moment.touchpoint not in promise.touchpoints):
                    moment.end_void(step.at_ms, "plan changed", final=True)
        elif isinstance(step, Action):
            act(floor, step)
        elif step.name == BLIND:
            floor.blind.add(step.device)
            floor.history.append(step)
        elif step.name == SIGHTED:
            floor.blind.discard(step.device)
            floor.history.append(step)
        else:
            promise = plan.expectations.get(name)
            if promise is not None and step.touchpoint in promise.touchpoints and not is_found_press(step, plan):
                floor.history.append(step)
                see(floor, step, plan, promise)
    floor.doubt(name, before_ms=now_ms + 1)
    for moment in floor.moments:
        if moment.is_open and moment.asked_ms is not None and is_contradicted(floor, name, moment):
            moment.asks_until_ms = moment.void_ms
    floor.give_up(before_ms=now_ms + 1)
    return floor.moments


def can_say(plan: Plan, touchpoint: str, name: str, device: str) -> bool:
    """Whether a plan has a device there that reports such a signal."""
    known = plan.devices.get(device)
    return known is not None and known.touchpoint == touchpoint and name in known.signals.values()


def is_found_press(signal: Signal, plan: Plan) -> bool:
    """Whether it is a level found at start of something that can only be pressed: never a press (10)."""
    device = plan.devices.get(signal.device)
    if not signal.found or device is None or device.settings.get("style") == "latching":
        return False
    return KINDS[device.kind].momentary


def act(floor: Floor, action: Action) -> None:
    """Do what a person did (13)."""
    for moment in floor.moments:
        if action.moment not in {opener.id for opener in moment.openers}:
            continue
        if action.do == "void":
            moment.end_void(action.at_ms, action.reason or "void", final=True)
        elif moment.is_open:
            moment.close(action.at_ms)


def see(floor: Floor, signal: Signal, plan: Plan, promise: Expectation) -> None:
    """Do what a signal does: first what it holds or frees, so that the last clearing one may close (2, 3)."""
    for holding, freeing in promise.holds.items():
        if signal.name == holding:
            floor.holds.add((signal.touchpoint, holding, signal.device))
        if signal.name == freeing:
            floor.holds.discard((signal.touchpoint, holding, signal.device))
    key = signal.key if promise.key is not None else None
    if signal.name in promise.closes:
        closing(floor, signal, promise, key)
    elif signal.name in promise.threatens:
        threatening(floor, signal, promise, key)
    elif promise.key is not None and key is None:
        return  # the rest needs to know of whom it speaks (1)
    elif signal.name in promise.opens:
        opening(floor, signal, plan, promise, key)
    elif signal.name in promise.fails_on:
        failing(floor, signal, plan, promise, key)
    elif signal.name in promise.voids:
        voiding(floor, signal, key)
    elif signal.name == MOVED and signal.to in promise.touchpoints and key == signal.key:
        moving(floor, signal, key)


def start(signal: Signal, plan: Plan, promise: Expectation, key: str | None) -> Running:
    """Begin a moment with the deadline its promise gives (4)."""
    deadline_ms = signal.at_ms + promise.fails_after_ms
    return Running(
        plan=plan,
        promise=promise,
        key=key,
        places=[(signal.at_ms, signal.touchpoint)],
        openers=[signal],
        opened_ms=signal.at_ms,
        deadline_ms=deadline_ms,
        gives_up_ms=deadline_ms + promise.gives_up_after_ms,
    )


def opening(floor: Floor, signal: Signal, plan: Plan, promise: Expectation, key: str | None) -> None:
    """Open, be one more witness, or continue what has just ended (1)."""
    running = floor.open_one(signal.touchpoint, key)
    stands = signal.name in standing_openers(promise)
    if running is not None:
        running.openers.append(signal)
        if running.failed_by_signal or signal.at_ms > running.deadline_ms:
            running.still_waiting.append(signal)
        if stands:
            running.settle()
            running.sensor = "agreed" if running.pressed else None
        elif running.asked_ms is not None:
            running.settle()
        return
    last = floor.last_ended(signal.touchpoint, key)
    if last is not None and may_go_on(last, signal.at_ms, promise.rejoins_within_ms):
        last.reopen(signal)
        if stands and last.pressed:
            last.sensor = "agreed"
        return
    floor.moments.append(start(signal, plan, promise, key))
    if not stands and signal.name not in promise.holds:
        pressed(floor, signal, promise.id, floor.moments[-1])


def may_go_on(last: Running, at_ms: int, within_ms: int) -> bool:
    """Whether an ended moment is continued: not one that a person or a plan ended, nor past when it would give up."""
    if last.ended_ms is None or last.final or at_ms > last.gives_up_ms:
        return False
    return within_ms > 0 and at_ms - last.ended_ms <= within_ms


def closing(floor: Floor, signal: Signal, promise: Expectation, key: str | None) -> None:
    """End the moment of its key, or the most urgent where it shows none, unless a hold stands (2, 3)."""
    candidates = floor.open_ones(signal.touchpoint)
    if key is not None:
        candidates = [moment for moment in candidates if moment.key == key]
    if not candidates:
        return
    standing_holds = [
        device
        for touchpoint, holding, device in floor.holds
        if touchpoint == signal.touchpoint and holding in promise.holds
    ]
    if any(device not in floor.blind for device in standing_holds):
        return
    nearest = min(candidates, key=lambda moment: (moment.deadline_ms, moment.opened_ms, moment.key or ""))
    nearest.close(signal.at_ms, found=signal.found, past_blind_hold=bool(standing_holds))


def threatening(floor: Floor, signal: Signal, promise: Expectation, key: str | None) -> None:
    """Threaten the moment of its key, or all of them where it names none (5)."""
    for moment in floor.open_ones(signal.touchpoint):
        named = promise.key is None or key is None or key == moment.key
        has_failed = moment.failed_by_signal or signal.at_ms > moment.deadline_ms
        if named and moment.threat_ms is None and not has_failed:
            moment.threat_ms = signal.at_ms


def voiding(floor: Floor, signal: Signal, key: str | None) -> None:
    """End what does not count (5)."""
    moment = floor.open_one(signal.touchpoint, key)
    if moment is not None:
        moment.end_void(signal.at_ms, signal.name)


def failing(floor: Floor, signal: Signal, plan: Plan, promise: Expectation, key: str | None) -> None:
    """Make this instant the deadline; open what fails at once where nothing is open (5)."""
    moment = floor.open_one(signal.touchpoint, key)
    if moment is None:
        moment = start(signal, plan, promise, key)
        moment.failed_at_once = True
        floor.moments.append(moment)
    if signal.at_ms <= moment.deadline_ms:
        moment.deadline_ms = signal.at_ms
        moment.gives_up_ms = signal.at_ms + moment.promise.gives_up_after_ms
        moment.failed_by_signal = True
        moment.settle()


def moving(floor: Floor, signal: Signal, key: str | None) -> None:
    """Carry the open moment elsewhere; with one of the same key there it becomes one, the earlier one (12)."""
    moment = floor.open_one(signal.touchpoint, key)
    if moment is None or signal.to is None or signal.to == signal.touchpoint:
        return
    there = floor.open_one(signal.to, key)
    moment.places.append((signal.at_ms, signal.to))
    moment.settle()
    if there is not None:
        earlier, later = sorted((moment, there), key=lambda one: one.openers[0].order)
        earlier.openers = sorted(earlier.openers + later.openers, key=lambda opener: opener.order)
        earlier.still_waiting = sorted(earlier.still_waiting + later.still_waiting, key=lambda opener: opener.order)
        floor.moments.remove(later)
        earlier.settle()
        if later.threat_ms is not None and later.threat_ms <= earlier.deadline_ms:
            earlier.threat_ms = min(later.threat_ms, earlier.threat_ms or later.threat_ms)


def threatened_ms(moment: Running, now_ms: int) -> int | None:
    """When it became likely to fail: by the clock or a signal, whichever came first, up to now and to its end (5)."""
    times = [] if moment.threat_ms is None else [moment.threat_ms]
    if moment.promise.pages and not moment.failed_at_once:
        greatest_ms = max(step.left_ms for step in moment.promise.pages)
        by_clock = max(moment.opened_ms, moment.opened_ms + moment.promise.fails_after_ms - greatest_ms)
        if by_clock <= moment.deadline_ms:
            times.append(by_clock)
    end_ms = now_ms if moment.ended_ms is None else moment.ended_ms
    return min((at_ms for at_ms in times if at_ms <= min(now_ms, end_ms)), default=None)


def was_blind(moment: Running, at_ms: int, spans: dict[str, list[tuple[int, int | None]]]) -> bool:
    """Whether something that could contradict the verdict did not see, then and there (3)."""
    promise = moment.promise
    listens_to = {*promise.opens, *promise.closes, *promise.threatens, *promise.fails_on, *promise.voids}
    listens_to |= {*promise.holds, *promise.holds.values()}
    return any(
        since_ms <= at_ms and (until_ms is None or at_ms < until_ms)
        for device in moment.plan.devices.values()
        if device.touchpoint == moment.place_at(at_ms) and listens_to & set(device.signals.values())
        for since_ms, until_ms in spans.get(device.name, [])
    )


def was_answered(moment: Running, said: Sequence[Action], end_ms: int) -> bool:
    """Whether as many as it needs were on it at once before it ended (4, 16)."""
    there: dict[str, float] = {}
    for each in said:
        there = {who: until for who, until in there.items() if until > each.at_ms}
        if each.do == "claim":
            if not each.several:
                there = {}
            there.pop(each.by, None)
            there[each.by] = promised_until(moment, each)
            if each.at_ms <= end_ms and len(there) >= (moment.promise.needs or 1):
                return True
        elif each.do == "unclaim" and there:
            there.pop(each.by if each.by in there else list(there)[-1])
    return False


def promised_until(moment: Running, claim: Action) -> float:
    """When a claim lapses by itself: as promised, else with the next page that it does not cancel, or the deadline."""
    if claim.promise_ms is not None:
        return claim.at_ms + claim.promise_ms
    ahead = [moment.deadline_ms]
    if not moment.failed_by_signal:
        ahead += [moment.deadline_ms - step.left_ms for step in moment.promise.pages if not step.unless_claimed]
    return min((at_ms for at_ms in ahead if at_ms > claim.at_ms), default=float("inf"))


def verdict_of(
    moment: Running, said: Sequence[Action], spans: dict[str, list[tuple[int, int | None]]], now_ms: int
) -> Judged:
    """Say how it went, as far as that is known now (4, 5, 6)."""
    end_ms, deadline_ms = moment.ended_ms, moment.deadline_ms
    verdict: Literal["success", "failure", "void"] | None
    if moment.void is not None:
        verdict = "void"
    elif moment.failed_by_signal or moment.gave_up:
        verdict = "failure"
    elif end_ms is not None:
        verdict = "success" if end_ms <= deadline_ms else "failure"
    else:
        verdict = "failure" if now_ms >= deadline_ms + IN_FLIGHT_MS else None

    threat_ms = threatened_ms(moment, now_ms)
    provisional = moment.openers[0].found or moment.end_found or (moment.gave_up and verdict == "failure")
    provisional = provisional or (moment.doubted and not moment.final)
    if verdict == "failure":
        provisional = provisional or was_blind(moment, deadline_ms, spans)
    elif verdict == "success" and end_ms is not None:
        provisional = provisional or moment.past_blind_hold or was_blind(moment, end_ms, spans)

    late_s: float | None = 0.0
    if verdict == "failure":
        late_s = None if moment.closed_ms is None else (moment.closed_ms - deadline_ms) / 1000
    openers = {opener.id for opener in moment.openers}
    success = verdict == "success" and end_ms is not None
    better_than_ms = moment.promise.better_than_ms
    return Judged(
        expectation=moment.promise.id,
        opened_ms=moment.opened_ms,
        touchpoint=moment.touchpoint,
        key=moment.key,
        ends_ms=deadline_ms,
        threatened_ms=threat_ms,
        closed_ms=moment.closed_ms,
        ended_ms=end_ms,
        state="open" if end_ms is None else "ended",
        verdict=verdict,
        saved=success and threat_ms is not None,
        answered=success and was_answered(moment, [each for each in said if each.moment in openers], end_ms or 0),
        provisional=provisional,
        reason=moment.void or ("never closed" if moment.gave_up else None),
        late_s=late_s,
        anomaly=success and better_than_ms is not None and (end_ms or 0) - moment.opened_ms < better_than_ms,
        sensor="contradicted" if moment.sensor == "silent" and moment.asked_ms is not None else moment.sensor,
        contradicted_ms=moment.asked_ms,
        asks_until_ms=moment.asks_until_ms,
        witnesses=tuple(dict.fromkeys(opener.witness for opener in moment.openers)),
    )

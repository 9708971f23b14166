"""The fold: signals of one expectation, in order, through the table, into cases.

A `Case` is a moment as the fold works on it: mutable, without identity, publication or pages. `Fold.step` takes the
next item in order. Nothing here knows "now": the clock's own transitions (mark, deadline, give-up) are found by
comparing the case's times with the time of the item that meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import Literal

from msgspec import Struct

from andgate.moment.events import AnyEvent, Moved, Opened, Overridden, Refused, Rejoined, Witnessed
from andgate.moment.roles import Casting
from andgate.moment.signals import BLIND, MOVED, SIGHTED, About, Action, Signal
from andgate.moment.table import TABLE, Does, Role, State
from andgate.plan import Expectation

End = Literal["closed", "reset", "gave-up", "voided-by-signal", "voided-by-person", "replanned"]
Place = tuple[str, str | None]
"""(touchpoint, key)."""
Sighting = tuple[tuple[int, str, int, int, str], str]
"""An opening signal's place in the fold, and its witness."""


class PlanMark(Struct, frozen=True):
    """From `at_ms` on, another plan: a place in the fold's order, before the signals of that millisecond."""

    at_ms: int
    version: str

    @property
    def order(self) -> tuple[int, str, int, int, str]:
        """Return the place in the fold: before every signal of its millisecond."""
        return (self.at_ms, "", 0, 0, "")


Item = Signal | Action | PlanMark


class Case(Struct, kw_only=True, omit_defaults=True):
    """A moment as the fold works on it."""

    touchpoint: str
    key: str | None
    plan: str
    """Version of the plan in force when it opened."""
    opened_ms: int
    ends_ms: int
    mark_ms: int | None
    """When the clock threatens it; None: never."""
    gives_up_ms: int
    """How long after the deadline it ends by itself, if nobody closes it."""
    opened_found: bool
    about: About
    signals: list[str]
    """Identities of its opening signals, the first opens."""
    witnesses: list[str]
    sightings: list[Sighting] = []
    """The same signals with their places in the fold: two cases that become one are put in order by them."""
    again: list[str] = []
    """Opening signals that came when it had failed: still waiting."""
    threat_ms: int | None = None
    threat_signal: str | None = None
    fail_signal: str | None = None
    """The signal that failed it at once; the deadline is that signal's time."""
    ended_ms: int | None = None
    end: End | None = None
    end_signal: str | None = None
    end_found: bool = False
    void_reason: str | None = None
    void_by: str | None = None
    facts: list[AnyEvent] = []
    """What cannot be seen by comparing two publications; `moment` is filled in when they are published."""

    @property
    def limit_ms(self) -> int:
        """Return when it ends by itself."""
        return self.ends_ms + self.gives_up_ms

    def state_at(self, at_ms: int) -> State:
        """Return the state a signal of that time meets; the case must not have ended."""
        if self.fail_signal is not None or at_ms > self.ends_ms:
            return State.FAILED
        threatened = self.threat_ms is not None or (self.mark_ms is not None and at_ms >= self.mark_ms)
        return State.THREATENED if threatened else State.OPEN

    def copy(self) -> Case:
        """Return an independent copy."""
        twin = copy(self)
        twin.about, twin.signals, twin.witnesses = self.about.copy(), self.signals.copy(), self.witnesses.copy()
        twin.again, twin.facts, twin.sightings = self.again.copy(), self.facts.copy(), self.sightings.copy()
        return twin


class Blindness(Struct):
    """A span in which a device could not be trusted to see."""

    touchpoint: str
    device: str
    from_ms: int
    to_ms: int | None = None


class Fold:
    """The state of the fold after some items."""

    def __init__(
        self,
        expectation: str,
        casting_at: Callable[[int], Casting],
        first_known: Callable[[Case], str],
    ) -> None:
        """Start empty.

        Args:
            expectation: whose signals these are.
            casting_at: the roles in force at a site time.
            first_known: the anchor of a case: its first witness under which it has been published, else its first.
        """
        self.expectation = expectation
        self.cases: list[Case] = []
        self.holds: dict[str, dict[str, list[str]]] = {}
        """Touchpoint -> device -> signals that stand."""
        self.blindness: list[Blindness] = []
        self.joined = False
        """Two cases have become one since somebody last looked."""
        self._casting_at = casting_at
        self._first_known = first_known
        self._open: dict[Place, Case] = {}
        self._last: dict[Place, Case] = {}
        self._blind: dict[str, Blindness] = {}

    def copy(self) -> Fold:
        """Return an independent copy."""
        other = Fold(self.expectation, self._casting_at, self._first_known)
        other.restore(
            [case.copy() for case in self.cases],
            {place: {name: list(names) for name, names in held.items()} for place, held in self.holds.items()},
            [Blindness(b.touchpoint, b.device, b.from_ms, b.to_ms) for b in self.blindness],
        )
        return other

    def restore(self, cases: list[Case], holds: dict[str, dict[str, list[str]]], blindness: list[Blindness]) -> None:
        """Take over a state, as stored or copied."""
        self.cases, self.holds, self.blindness = cases, holds, blindness
        for case in cases:
            place = (case.touchpoint, case.key)
            (self._open if case.ended_ms is None else self._last)[place] = case
        self._blind = {b.device: b for b in blindness if b.to_ms is None}

    def step(self, item: Item) -> list[Case]:
        """Take the next item in order; return the cases it touched."""
        if isinstance(item, Signal):
            return self._signal(item)
        if isinstance(item, Action):
            return self._person(item)
        return self._replan(item)

    def blind_at(self, touchpoint: str, at_ms: int, sees: Callable[[str], bool]) -> bool:
        """Tell whether a device of the touchpoint that could have contradicted was blind at that time."""
        return any(
            b.touchpoint == touchpoint
            and b.from_ms <= at_ms
            and (b.to_ms is None or at_ms < b.to_ms)
            and sees(b.device)
            for b in self.blindness
        )

    # What meets what -------------------------------------------------------------------------------------------

    def _signal(self, signal: Signal) -> list[Case]:
        casting = self._casting_at(signal.at_ms)
        if signal.name in (BLIND, SIGHTED):
            self._sight(signal)
            # It may have come late: whatever it could make provisional, or not, is looked at again.
            return [case for case in self.cases if case.ended_ms is None or case.ended_ms >= signal.at_ms]
        if signal.found and signal.device in casting.momentary:
            return []
        expectation = casting.plan.expectations.get(self.expectation)
        if expectation is None:
            return []
        if signal.name == MOVED:
            return self._move(signal, expectation)
        roles = casting.roles(self.expectation, signal.name)
        self._hold(signal, holds=roles.holds, frees=roles.frees)
        place = (signal.touchpoint, signal.key if expectation.key else None)
        keyless = expectation.key is not None and signal.key is None
        touched: list[Case] = []
        if (roles.opens or roles.fails) and not keyless:
            touched += self._enter(signal, place, expectation, fails=roles.fails)
        if roles.closes:
            case = self._nearest(place[0], signal.at_ms) if keyless else self._current(place, signal.at_ms)
            role = Role.CLOSES_HELD if self._held_by(signal.touchpoint, expectation) else Role.CLOSES
            touched += self._meet(case, role, signal, expectation)
        if roles.threatens:
            cases = self._all_open(place[0], signal.at_ms) if keyless else [self._current(place, signal.at_ms)]
            for case in cases:
                touched += self._meet(case, Role.THREATENS, signal, expectation)
        if roles.voids and not keyless:
            touched += self._meet(self._current(place, signal.at_ms), Role.VOIDS, signal, expectation)
        return touched

    def _enter(self, signal: Signal, place: Place, expectation: Expectation, *, fails: bool) -> list[Case]:
        case = self._current(place, signal.at_ms)
        if fails:
            return self._meet(case, Role.FAILS, signal, expectation)
        if case is None and (last := self._rejoinable(place, signal.at_ms, expectation)) is not None:
            return self._meet(last, Role.REJOINS, signal, expectation, calm=True)
        return self._meet(case, Role.OPENS, signal, expectation)

    def _move(self, signal: Signal, expectation: Expectation) -> list[Case]:
        if signal.to is None or signal.to == signal.touchpoint or signal.to not in expectation.touchpoints:
            return []
        if (signal.key is None) != (expectation.key is None):
            return []  # a moved flight does not carry the keyless moment of the place along
        return self._meet(self._current((signal.touchpoint, signal.key), signal.at_ms), Role.MOVES, signal, expectation)

    def _person(self, action: Action) -> list[Case]:
        """Void or reset by a person; the action's `moment` holds the anchor here."""
        case = next((case for case in self.cases if action.moment in case.signals), None)
        if case is None or self._first_known(case) != action.moment:
            return []
        self._expire(case, action.at_ms)
        if case.ended_ms is None:
            return self._meet(case, Role.RESETS if action.do == "reset" else Role.DISMISSES, action, None)
        if action.do == "void":
            case.void_reason, case.void_by = action.reason or "void", action.by
            return [case]
        return []

    def _replan(self, mark: PlanMark) -> list[Case]:
        expectation = self._casting_at(mark.at_ms).plan.expectations.get(self.expectation)
        touched: list[Case] = []
        for case in list(self._open.values()):
            if expectation is None or case.touchpoint not in expectation.touchpoints:
                self._expire(case, mark.at_ms)
                if case.ended_ms is None:
                    touched += self._meet(case, Role.REPLANS, mark, None)
        return touched

    def _meet(
        self, case: Case | None, role: Role, item: Item, expectation: Expectation | None, *, calm: bool = False
    ) -> list[Case]:
        """Look the pair up in the table and carry out what it says."""
        state = State.CALM if case is None or calm else case.state_at(item.at_ms)
        transition = TABLE.get((state, role))
        if transition is None:
            return []
        if isinstance(item, Signal) and expectation is not None:
            if transition.does in (Does.OPEN, Does.FAIL_AT_ONCE):
                return [self._open_case(item, expectation, failed=transition.does is Does.FAIL_AT_ONCE)]
            if case is not None:
                self._carry_out(transition.does, case, item)
                return [case]
        if case is not None:
            self._end_by_hand(transition.does, case, item)
            return [case]
        return []

    # What is carried out ----------------------------------------------------------------------------------------

    def _open_case(self, signal: Signal, expectation: Expectation, *, failed: bool) -> Case:
        deadline_ms = signal.at_ms if failed else signal.at_ms + expectation.fails_after_ms
        lead_ms = max((page.left_ms for page in expectation.pages), default=None)
        mark_ms = None if lead_ms is None or failed else max(signal.at_ms, deadline_ms - lead_ms)
        case = Case(
            touchpoint=signal.touchpoint,
            key=signal.key if expectation.key else None,
            plan=self._casting_at(signal.at_ms).plan.version,
            opened_ms=signal.at_ms,
            ends_ms=deadline_ms,
            mark_ms=mark_ms,
            gives_up_ms=expectation.gives_up_after_ms,
            opened_found=signal.found,
            about=dict(signal.about),
            signals=[signal.id],
            witnesses=[signal.witness],
            sightings=[(signal.order, signal.witness)],
            fail_signal=signal.id if failed else None,
            facts=[Opened(moment="", at_ms=signal.at_ms, signal=signal.id, witness=signal.witness)],
        )
        self.cases.append(case)
        self._open[case.touchpoint, case.key] = case
        return case

    def _carry_out(self, does: Does, case: Case, signal: Signal) -> None:
        if does in (Does.WITNESS, Does.WAIT, Does.REJOIN):
            self._witness(does, case, signal)
        elif does is Does.CLOSE:
            case.end_found = signal.found
            self._end(case, signal.at_ms, "closed", signal.id)
        elif does is Does.REFUSE:
            expectation = self._casting_at(signal.at_ms).plan.expectations[self.expectation]
            held_by = self._held_by(signal.touchpoint, expectation)
            case.facts.append(
                Refused(moment="", at_ms=signal.at_ms, signal=signal.id, witness=signal.witness, held_by=held_by)
            )
        elif does is Does.THREATEN:
            if case.threat_ms is None:
                case.threat_ms, case.threat_signal = signal.at_ms, signal.id
        elif does is Does.FAIL:
            case.ends_ms, case.fail_signal = signal.at_ms, signal.id
            if case.mark_ms is not None and case.mark_ms > signal.at_ms:
                case.mark_ms = None
        elif does is Does.VOID:
            case.void_reason = signal.name
            self._end(case, signal.at_ms, "voided-by-signal", signal.id)
        else:
            self._carry(case, signal)

    def _witness(self, does: Does, case: Case, signal: Signal) -> None:
        case.signals.append(signal.id)
        case.sightings.append((signal.order, signal.witness))
        if signal.witness not in case.witnesses:
            case.witnesses.append(signal.witness)
        case.about.update(signal.about)
        kind = Rejoined if does is Does.REJOIN else Witnessed
        case.facts.append(kind(moment="", at_ms=signal.at_ms, signal=signal.id, witness=signal.witness))
        if does is Does.WAIT:
            case.again.append(signal.id)
        if does is Does.REJOIN:
            case.ended_ms = case.end = case.end_signal = case.void_reason = None
            case.end_found = False
            place = (case.touchpoint, case.key)
            del self._last[place]
            self._open[place] = case

    def _carry(self, case: Case, signal: Signal) -> None:
        assert signal.to is not None  # noqa: S101  # `_move` let nothing else through
        case.facts.append(Moved(moment="", at_ms=signal.at_ms, signal=signal.id, to=signal.to))
        del self._open[case.touchpoint, case.key]
        case.touchpoint = signal.to
        place = (signal.to, case.key)
        other = self._current(place, signal.at_ms)
        if other is not None:
            case = self._join(*sorted((case, other), key=lambda each: each.sightings[0]))
        self._open[place] = case

    def _join(self, first: Case, second: Case) -> Case:
        """Two open moments of one key meet at a touchpoint: the earlier goes on with the witnesses of both."""
        first.sightings = sorted(first.sightings + second.sightings)
        first.signals = [order[-1] for order, _ in first.sightings]
        first.witnesses = list(dict.fromkeys(witness for _, witness in first.sightings))
        first.again += second.again
        first.about = {**second.about, **first.about}
        first.facts = sorted(first.facts + second.facts, key=lambda fact: fact.at_ms)
        if second.threat_ms is not None and (first.threat_ms is None or second.threat_ms < first.threat_ms):
            first.threat_ms, first.threat_signal = second.threat_ms, second.threat_signal
        self.cases = [case for case in self.cases if case is not second]
        self.joined = True
        return first

    def _end_by_hand(self, does: Does, case: Case, item: Item) -> None:
        if isinstance(item, Action):
            if does is Does.CLOSE:
                case.facts.append(Overridden(moment="", at_ms=item.at_ms, by=item.by, reason=item.reason or ""))
                self._end(case, item.at_ms, "reset", item.id)
            else:
                case.void_reason, case.void_by = item.reason or "void", item.by
                self._end(case, item.at_ms, "voided-by-person", item.id)
        else:
            case.void_reason = "plan changed"
            self._end(case, item.at_ms, "replanned", None)

    # Where things stand ------------------------------------------------------------------------------------------

    def _end(self, case: Case, at_ms: int, end: End, signal: str | None) -> None:
        case.ended_ms, case.end, case.end_signal = at_ms, end, signal
        place = (case.touchpoint, case.key)
        del self._open[place]
        self._last[place] = case

    def _expire(self, case: Case, at_ms: int) -> None:
        """End a case that nobody closed in time, if that time has passed."""
        if case.ended_ms is None and at_ms > case.limit_ms:
            self._end(case, case.limit_ms, "gave-up", None)

    def _current(self, place: Place, at_ms: int) -> Case | None:
        case = self._open.get(place)
        if case is not None and at_ms > case.limit_ms:
            self._expire(case, at_ms)
            return None
        return case

    def _all_open(self, touchpoint: str, at_ms: int) -> list[Case]:
        for place, case in list(self._open.items()):
            if place[0] == touchpoint:
                self._expire(case, at_ms)
        return [case for place, case in self._open.items() if place[0] == touchpoint]

    def _nearest(self, touchpoint: str, at_ms: int) -> Case | None:
        """Return the open moment with the earliest deadline there."""
        cases = self._all_open(touchpoint, at_ms)
        return min(cases, key=lambda case: (case.ends_ms, case.opened_ms, case.key or ""), default=None)

    def _rejoinable(self, place: Place, at_ms: int, expectation: Expectation) -> Case | None:
        last = self._last.get(place)
        if last is None or expectation.rejoins_within_ms <= 0 or last.void_by is not None:
            return None
        assert last.ended_ms is not None  # noqa: S101  # `_last` holds only what has ended
        soon = at_ms - last.ended_ms <= expectation.rejoins_within_ms and at_ms <= last.limit_ms
        return last if soon and last.end not in ("gave-up", "replanned") else None

    def _hold(self, signal: Signal, *, holds: bool, frees: Iterable[str]) -> None:
        if holds:
            standing = self.holds.setdefault(signal.touchpoint, {}).setdefault(signal.device, [])
            if signal.name not in standing:
                standing.append(signal.name)
        for name in frees:
            standing = self.holds.get(signal.touchpoint, {}).get(signal.device, [])
            if name in standing:
                standing.remove(name)

    def _held_by(self, touchpoint: str, expectation: Expectation) -> tuple[str, ...]:
        """Return the devices whose hold stands, as the plan of the time has it; a blind device's refuses nothing."""
        held = self.holds.get(touchpoint)
        if not held:
            return ()
        return tuple(
            device
            for device, standing in held.items()
            if device not in self._blind and any(name in expectation.holds for name in standing)
        )

    def _sight(self, signal: Signal) -> None:
        blind = self._blind.get(signal.device)
        if signal.name == BLIND:
            if blind is None:
                blind = Blindness(signal.touchpoint, signal.device, signal.at_ms)
                self._blind[signal.device] = blind
                self.blindness.append(blind)
        elif blind is not None:
            blind.to_ms = signal.at_ms
            del self._blind[signal.device]

"""The fold: signals of one expectation, in order, through the table, into cases.

`Fold.step` takes the next item in order. Nothing here knows "now": the clock's own transitions (mark, deadline,
give-up) are found by comparing the case's times with the time of the item that meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

from andgate.moment.case import CONTRADICTED, Case, End, Item, Place, PlanMark
from andgate.moment.events import Moved, Opened, Overridden, Refused, Rejoined, Witnessed
from andgate.moment.roles import Casting
from andgate.moment.sensors import Sensors
from andgate.moment.signals import BLIND, MOVED, SIGHTED, Action, Signal
from andgate.moment.table import TABLE, Does, Role, State
from andgate.plan import Expectation


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
        self.sensors = Sensors({}, [], {})
        self.joined = False
        """Two cases have become one since somebody last looked."""
        self._casting_at = casting_at
        self._first_known = first_known
        self._doubted: list[Case] = []
        """Open cases about which the desk is, or may yet be, asked."""
        self._open: dict[Place, Case] = {}
        self._last: dict[Place, Case] = {}

    def copy(self) -> Fold:
        """Return an independent copy."""
        other = Fold(self.expectation, self._casting_at, self._first_known)
        other.restore([case.copy() for case in self.cases], self.sensors.copy())
        return other

    def without(self, gone: set[str], before_ms: int) -> Fold:
        """Return the same without the cases that began with these signals, or blindness that was over before."""
        other = Fold(self.expectation, self._casting_at, self._first_known)
        other.restore([case for case in self.cases if case.signals[0] not in gone], self.sensors.since(before_ms))
        other.joined = self.joined
        return other

    def restore(self, cases: list[Case], sensors: Sensors) -> None:
        """Take over a state, as stored or copied."""
        self.cases, self.sensors = cases, sensors
        self._doubted = [case for case in cases if case.ended_ms is None and case.doubt_ms is not None]
        for case in sorted(cases, key=lambda case: case.ended_ms or 0):  # the last to end is the one to rejoin
            place = (case.touchpoint, case.key)
            (self._open if case.ended_ms is None else self._last)[place] = case

    def step(self, item: Item) -> list[Case]:
        """Take the next item in order; return the cases it touched."""
        if self._doubted:
            self._doubt(item.at_ms)
        if isinstance(item, Signal):
            return self._signal(item)
        if isinstance(item, Action):
            return self._person(item)
        return self._replan(item)

    def keeps_to_its_key(self, item: Item) -> TypeGuard[Signal]:
        """Tell whether an item is a signal that can touch nothing but the moment of its own key."""
        if not isinstance(item, Signal) or item.key is None or item.name in (BLIND, SIGHTED, MOVED):
            return False
        casting = self._casting_at(item.at_ms)
        expectation = casting.plan.judged.get(self.expectation)
        roles = casting.roles(self.expectation, item.name)
        return expectation is not None and expectation.key is not None and not roles.holds and not roles.frees

    # What meets what -------------------------------------------------------------------------------------------

    def _signal(self, signal: Signal) -> list[Case]:
        casting = self._casting_at(signal.at_ms)
        if signal.name in (BLIND, SIGHTED):
            self.sensors.sight(signal)
            # It may have come late: whatever it could make provisional, or not, is looked at again.
            return [case for case in self.cases if case.ended_ms is None or case.ended_ms >= signal.at_ms]
        if signal.found and signal.device in casting.momentary:
            return []
        expectation = casting.plan.judged.get(self.expectation)
        if expectation is None:
            return []  # received in the very millisecond in which another plan came
        if signal.name == MOVED:
            return self._move(signal, expectation)
        roles = casting.roles(self.expectation, signal.name)
        if roles.holds or roles.frees:
            is_sensor = signal.touchpoint == casting.sensors(self.expectation).get(signal.device)
            self.sensors.say(signal, roles, expectation, is_sensor=is_sensor)
        place = (signal.touchpoint, signal.key if expectation.key else None)
        keyless = expectation.key is not None and signal.key is None
        touched: list[Case] = []
        if (roles.opens or roles.fails) and not keyless:
            touched += self._enter(signal, place, expectation, fails=roles.fails)
        if roles.closes:
            case = self._nearest(place[0], signal.at_ms) if keyless else self._current(place, signal.at_ms)
            role = Role.CLOSES_HELD if self.sensors.held_by(signal.touchpoint, expectation) else Role.CLOSES
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
        if action.do == "reset":
            return []  # it has ended without the person's help
        case.void_reason, case.void_by = action.reason or "void", action.by
        return [case]

    def _replan(self, mark: PlanMark) -> list[Case]:
        casting = self._casting_at(mark.at_ms)
        expectation = casting.plan.judged.get(self.expectation)
        self.sensors.replan(self.expectation, self._casting_at(mark.at_ms - 1), casting)
        touched: list[Case] = []
        for case in list(self._open.values()):
            self._expire(case, mark.at_ms)
            dropped = expectation is None or case.touchpoint not in expectation.touchpoints
            if dropped and case.ended_ms is None:
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
        if not isinstance(item, Signal):
            assert case is not None  # noqa: S101  # persons and plans meet only what is open
            self._end_by_hand(transition.does, case, item)
            return [case]
        if case is None:
            assert expectation is not None  # noqa: S101  # signals come with what they mean
            return [self._open_case(item, expectation, failed=transition.does is Does.FAIL_AT_ONCE)]
        self._carry_out(transition.does, case, item)
        return [case]

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
            owed=signal.owed,
            facts=[Opened(moment="", at_ms=signal.at_ms, signal=signal.id, witness=signal.witness)],
        )
        self.cases.append(case)
        self._open[case.touchpoint, case.key] = case
        if not failed and signal.name not in expectation.holds:
            case.pressed = True
            self._pressed(case, expectation)
        return case

    def _pressed(self, case: Case, expectation: Expectation) -> None:
        """A press opened it: note what the sensors there say, and when the desk is asked if they contradict."""
        if self.sensors.agree(case.touchpoint, expectation):
            case.sensor = "agreed"
        elif self.sensors.see_nothing(case.touchpoint):
            case.sensor = "silent"
            if expectation.contradicted_after_ms is not None and expectation.key is None:
                case.ask_ms = case.opened_ms + expectation.contradicted_after_ms
                case.doubt_ms = min(case.ask_ms + expectation.contradicted_after_ms, case.ends_ms)
                self._doubted.append(case)

    def _carry_out(self, does: Does, case: Case, signal: Signal) -> None:
        if does in (Does.WITNESS, Does.WAIT, Does.REJOIN):
            self._witness(does, case, signal)
        elif does is Does.CLOSE:
            case.end_found = signal.found
            self._end(case, signal.at_ms, "closed", signal.id)
        elif does is Does.REFUSE:
            expectation = self._casting_at(signal.at_ms).plan.judged[self.expectation]
            held_by = self.sensors.held_by(signal.touchpoint, expectation)
            case.facts.append(
                Refused(moment="", at_ms=signal.at_ms, signal=signal.id, witness=signal.witness, held_by=held_by)
            )
        elif does is Does.THREATEN:
            if case.threat_ms is None:
                case.threat_ms, case.threat_signal, case.threat_name = signal.at_ms, signal.id, signal.name
        elif does is Does.FAIL:
            case.settle()
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
        if signal.name in self._casting_at(signal.at_ms).plan.judged[self.expectation].holds:
            case.settle()
            if case.pressed:
                case.sensor = "agreed"
        elif case.asked_ms is not None or does is Does.REJOIN:
            case.settle()
        if does is Does.WAIT:
            case.again.append((signal.at_ms, signal.id))
        if does is Does.REJOIN:
            case.ended_ms = case.end = case.end_signal = case.void_reason = None
            case.end_found = False
            place = (case.touchpoint, case.key)
            del self._last[place]
            self._open[place] = case

    def _carry(self, case: Case, signal: Signal) -> None:
        assert signal.to is not None  # noqa: S101  # `_move` let nothing else through
        case.settle()  # which sensor should say something now?
        case.facts.append(Moved(moment="", at_ms=signal.at_ms, signal=signal.id, to=signal.to))
        del self._open[case.touchpoint, case.key]
        case.path = [*(case.path or [(case.opened_ms, case.touchpoint)]), (signal.at_ms, signal.to)]
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
        first.again = sorted(first.again + second.again)
        first.about = {**second.about, **first.about}
        first.settle()
        first.facts = sorted(first.facts + second.facts, key=lambda fact: fact.at_ms)
        if second.threat_ms is not None and (first.threat_ms is None or second.threat_ms < first.threat_ms):
            first.threat_ms, first.threat_signal = second.threat_ms, second.threat_signal
            first.threat_name = second.threat_name
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

    def _doubt(self, at_ms: int) -> None:
        """Ask about presses that a sensor contradicts, and end those that nobody confirmed, up to `at_ms`."""
        for case in self._doubted:
            if case.ended_ms is None and case.ask_ms is not None and at_ms > case.ask_ms:
                if self.sensors.contradict(case):
                    case.asked_ms, case.ask_ms = case.ask_ms, None
                else:
                    case.settle()
            if case.ended_ms is None and case.doubt_ms is not None and at_ms > case.doubt_ms:
                if self.sensors.contradict(case):
                    assert TABLE[case.state_at(case.doubt_ms), Role.DOUBT].does is Does.VOID  # noqa: S101  # the law
                    case.void_reason = CONTRADICTED
                    self._end(case, case.doubt_ms, "contradicted", None)
                else:
                    case.settle()
        self._doubted = [case for case in self._doubted if case.ended_ms is None and case.doubt_ms is not None]

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
        return last if soon and last.end != "replanned" else None  # what gave up did so at its limit

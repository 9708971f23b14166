"""The history of a group: what was received within the horizon, in order, the fold before it and the fold after it.

A prompt item is one step; anything else folds again from `base`. Nothing here knows what has been published.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from itertools import islice

from andgate.moment.case import Case, Item, PlanMark
from andgate.moment.fold import Fold
from andgate.moment.published import Order, action_order
from andgate.moment.roles import Casting
from andgate.moment.signals import Action, Signal

NEIGHBOURS = 512
"""How many later items are looked at before folding again is the simpler way: a burst has fewer in a millisecond."""


class History:
    """The items of one expectation at linked touchpoints, and the cases that they make."""

    def __init__(
        self, expectation: str, casting_at: Callable[[int], Casting], first_known: Callable[[Case], str]
    ) -> None:
        """Start empty.

        Args:
            expectation: whose signals these are.
            casting_at: the roles in force at a site time.
            first_known: the anchor of a case: its first witness under which it has been published, else its first.
        """
        self.items: list[tuple[Order, Item]] = []
        """Signals, changes of plan, and the orders of persons that stand."""
        self.signals: dict[str, Signal] = {}
        self.out: set[str] = set()
        """Signals taken back; they stay among the items."""
        self.base = Fold(expectation, casting_at, first_known)
        self.fold = self.base.copy()
        self._casting_at = casting_at
        self._touched: list[Case] = []
        self._stale = False

    # Taking in ---------------------------------------------------------------------------------------------------

    def take(self, signal: Signal) -> bool:
        """Take in a signal, in any order; return whether it came in order."""
        self.signals[signal.id] = signal
        return self._insert(signal.order, signal)

    def take_without(self, signal: Signal) -> None:
        """Take in a signal that has been taken back already."""
        self.signals[signal.id] = signal
        self.out.add(signal.id)
        self._put(signal.order, signal)

    def take_out(self, signal_id: str) -> bool:
        """Take a signal out of the fold; return whether that is news."""
        if signal_id in self.out:
            return False
        self.out.add(signal_id)
        self._stale = True
        return True

    def change(self, signal: Signal) -> None:
        """Hold a signal as it is better known now."""
        known = self.signals[signal.id]
        self.items.remove((known.order, known))
        self.signals[signal.id] = signal
        self._put(signal.order, signal)
        self._stale = True

    def bring_back(self, signal: Signal) -> None:
        """Hold a signal that has been taken back, or was another one, as this."""
        self.out.discard(signal.id)
        self.change(signal)

    def held(self, signal_id: str) -> Signal | None:
        """Return a signal; None where it is unknown or taken back."""
        return None if signal_id in self.out else self.signals.get(signal_id)

    def mark(self, mark: PlanMark) -> None:
        """Take in a change of plan."""
        self._insert(mark.order, mark)

    def order(self, standing: Iterable[Action]) -> None:
        """Let just these orders of persons stand."""
        self.items = [entry for entry in self.items if not isinstance(entry[1], Action)]
        for action in standing:
            self._put(action_order(action), action)
        self._stale = True

    def touch(self, signal_id: str) -> None:
        """Look again at the case that a signal belongs to: persons spoke about it."""
        self._touched += [case for case in self.fold.cases if signal_id in case.signals]

    def join(self, other: History) -> None:
        """Fold together with another history from now on."""
        self.signals |= other.signals
        self.out |= other.out
        marks = {order for order, item in self.items if isinstance(item, PlanMark)}
        theirs = [entry for entry in other.items if entry[0] not in marks]
        self.items = sorted(self.items + theirs, key=lambda entry: entry[0])
        self.base.restore(self.base.cases + other.base.cases, self.base.sensors.joined(other.base.sensors))
        self._stale = True

    def _put(self, order: Order, item: Item) -> None:
        insort(self.items, (order, item), key=lambda entry: entry[0])

    def _insert(self, order: Order, item: Item) -> bool:
        """Put an item where it belongs; return whether it came in order."""
        in_order = not self.items or order > self.items[-1][0]
        if in_order:
            self.items.append((order, item))
            if not self._stale:
                self._touched += self.fold.step(item)
        else:
            apart = not self._stale and self._apart(order, item)
            self._put(order, item)
            if apart:
                self._touched += self.fold.step(item)
            else:
                self._stale = True
        return in_order

    def _apart(self, order: Order, item: Item) -> bool:
        """Tell whether an item may be stepped although it comes late: those after it are few, and of other keys.

        A feed that reports a hundred flights in one millisecond need not fold a hundred times.
        """
        if not self.fold.keeps_to_its_key(item):
            return False
        for later_order, later in islice(reversed(self.items), NEIGHBOURS):
            if later_order < order:
                return True
            if not self.fold.keeps_to_its_key(later) or later.key == item.key:
                return False
        return False

    # Folding -----------------------------------------------------------------------------------------------------

    def settle(self) -> tuple[list[Case], bool]:
        """Return the cases that may have changed, folding again where order demands it; and whether that is all."""
        whole = self._stale or self.fold.joined
        if self._stale:
            self.refold()
        touched = self.fold.cases if whole else {id(case): case for case in self._touched}.values()
        self.fold.joined = False
        self._touched = []
        return list(touched), whole

    def refold(self) -> None:
        """Fold again from the base."""
        self.fold = self.base.copy()
        for _, item in self.items:
            if not (isinstance(item, Signal) and item.id in self.out):
                self.fold.step(item)
        self._stale = False
        self._touched = []

    # Forgetting --------------------------------------------------------------------------------------------------

    def shorten(self, before_ms: int) -> list[Case] | None:
        """Fold what is older than `before_ms` into the base for good.

        Returns:
            The cases that nothing can touch any more, to be let go; None where there is nothing to forget.
        """
        old_items = bool(self.items) and self.items[0][0][0] < before_ms
        if self._stale or not (old_items or self._long_over(before_ms)):
            return None
        kept = next((i for i, entry in enumerate(self.items) if entry[0][0] >= before_ms), len(self.items))
        for _, item in self.items[:kept]:
            if isinstance(item, Signal) and item.id in self.out:
                self.out.discard(item.id)
                del self.signals[item.id]
                continue
            self.base.step(item)
        self.items = self.items[kept:]
        return self._long_over(before_ms)

    def let_go(self, over: Iterable[Case], before_ms: int) -> set[str]:
        """Let go cases, and what sensors said that was over before `before_ms`; return the signals that are left."""
        gone = {case.signals[0] for case in over}
        self.base = self.base.without(gone, before_ms)
        # Folding a day again would give just this, at a hundred times the cost.
        self.fold = self.fold.without(gone, before_ms)
        live = {signal for case in self.base.cases for signal in case.signals}
        live |= {item.id for _, item in self.items if isinstance(item, Signal)}
        self.signals = {name: signal for name, signal in self.signals.items() if name in live}
        return live

    def _long_over(self, before_ms: int) -> list[Case]:
        expectation = self._casting_at(before_ms).plan.judged.get(self.base.expectation)
        slack_ms = expectation.rejoins_within_ms if expectation else 0
        return [case for case in self.base.cases if case.over_ms + slack_ms < before_ms]

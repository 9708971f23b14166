"""All groups of a site: where a signal is held, where a moment is, and which groups still sleep.

A group that was stored with nothing open is not needed until something happens at its touchpoints. It sleeps as bytes
until then, so that a restart costs what is going on, not what went on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from andgate.moment.case import PlanMark
from andgate.moment.group import Group
from andgate.moment.roles import Casting

Place = tuple[str, str]
"""(expectation, touchpoint)."""


class Sleeper:
    """A stored group, as bytes, and how to wake it."""

    def __init__(self, expectation: str, touchpoints: list[str], data: bytes, wake: Callable[[bytes], Group]) -> None:
        """Keep what is needed to wake it."""
        self.expectation, self.touchpoints, self.data = expectation, touchpoints, data
        self._wake = wake

    def wake(self) -> Group:
        """Return the group."""
        return self._wake(self.data)


class Groups:
    """Every group, by place, by signal, by moment."""

    def __init__(self, casting_at: Callable[[int], Casting], plan_marks: Callable[[], list[PlanMark]]) -> None:
        """Start with none.

        Args:
            casting_at: the roles in force at a site time.
            plan_marks: the changes of plan so far; a new group begins with them.
        """
        self._casting_at = casting_at
        self._plan_marks = plan_marks
        self._by_place: dict[Place, Group] = {}
        self._asleep: dict[Place, Sleeper] = {}
        self._by_signal: dict[str, tuple[Group, ...]] = {}
        self._by_moment: dict[str, Group] = {}
        self._forgotten_ms = 0

    def at(self, expectation: str, touchpoint: str) -> Group:
        """Return the group of a place, waking or making it."""
        group = self._by_place.get((expectation, touchpoint))
        if group is not None:
            return group
        sleeper = self._asleep.get((expectation, touchpoint))
        if sleeper is not None:
            return self._wake(sleeper)
        group = Group(expectation, [touchpoint], self._casting_at)
        for mark in self._plan_marks():
            group.mark(mark)
        self._by_place[expectation, touchpoint] = group
        return group

    def known(self, expectation: str, touchpoint: str) -> Group | None:
        """Return the group of a place, waking it; None where nothing has ever happened there."""
        place = (expectation, touchpoint)
        return self.at(expectation, touchpoint) if place in self._by_place or place in self._asleep else None

    def awake(self) -> list[Group]:
        """Return every group that is awake, once."""
        return list({id(group): group for group in self._by_place.values()}.values())

    def asleep(self) -> list[Sleeper]:
        """Return every group that sleeps, once."""
        return list({id(sleeper): sleeper for sleeper in self._asleep.values()}.values())

    def all(self) -> Iterator[Group]:
        """Yield every group once, waking those that sleep; in an order that no restart changes."""
        for sleeper in self.asleep():
            self._wake(sleeper)
        yield from sorted(self.awake(), key=_place_of)

    def link(self, group: Group, other: Group) -> Group:
        """Fold two groups together from now on."""
        if group is not other:
            group.absorb(other)
            for touchpoint in other.touchpoints:
                self._by_place[group.expectation, touchpoint] = group
            for signal_id in (
                other.history.signals.keys() & self._by_signal.keys()
            ):  # nobody asks for those that open tasks
                holders = self._by_signal[signal_id]
                self._by_signal[signal_id] = tuple(group if each is other else each for each in holders)
            for moment_id in (*other.published, *other.gone):
                self._by_moment[moment_id] = group
        return group

    def hold(self, signal_id: str, groups: tuple[Group, ...]) -> None:
        """Note which groups hold a signal."""
        self._by_signal[signal_id] = groups

    def holding(self, signal_id: str, *, wake: bool = False) -> tuple[Group, ...]:
        """Return the groups that hold a signal; with `wake` also those that slept."""
        found = self._by_signal.get(signal_id)
        if found is None and wake and self._asleep:
            list(self.all())
            found = self._by_signal.get(signal_id)
        return () if found is None else tuple(sorted(found, key=_place_of))

    def keep(self, moment_id: str, group: Group) -> None:
        """Note where a moment is."""
        self._by_moment[moment_id] = group

    def of(self, moment_id: str) -> Group | None:
        """Return the group of a moment, withdrawn ones too, waking what sleeps to find it."""
        found = self._by_moment.get(moment_id)
        if found is None and self._asleep:
            list(self.all())
            found = self._by_moment.get(moment_id)
        return found

    def adopt(self, group: Group) -> None:
        """Take over a whole group, as stored."""
        for touchpoint in group.touchpoints:
            self._by_place[group.expectation, touchpoint] = group
        for signal_id in group.history.signals:
            self._by_signal[signal_id] = (*self._by_signal.get(signal_id, ()), group)
        self._by_moment.update(dict.fromkeys((*group.published, *group.gone), group))

    def put_to_sleep(self, sleeper: Sleeper) -> None:
        """Take over a group with nothing open, as stored, without looking into it."""
        for touchpoint in sleeper.touchpoints:
            self._asleep[sleeper.expectation, touchpoint] = sleeper

    def forget(self, before_ms: int) -> None:
        """Let go what is long past; what sleeps lets it go when it wakes."""
        self._forgotten_ms = before_ms
        for group in self.awake():
            self._forget_in(group)

    def _forget_in(self, group: Group) -> None:
        held = set(group.history.signals)
        for moment_id in group.forget(self._forgotten_ms):
            self._by_moment.pop(moment_id, None)
        for signal_id in held - set(group.history.signals):
            self._by_signal.pop(signal_id, None)
        for moment_id, gone in list(group.gone.items()):
            if (gone.moment.ended_ms or 0) < self._forgotten_ms:
                del group.gone[moment_id]
                self._by_moment.pop(moment_id, None)

    def _wake(self, sleeper: Sleeper) -> Group:
        for touchpoint in sleeper.touchpoints:
            del self._asleep[sleeper.expectation, touchpoint]
        group = sleeper.wake()
        self.adopt(group)
        self._forget_in(group)
        return group


def _place_of(group: Group) -> Place:
    return group.expectation, min(group.touchpoints)

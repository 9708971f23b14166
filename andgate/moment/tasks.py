"""The remedy tasks of a site: each follows from a failure that was published, and from nothing else.

What a failure owes is said in `andgate.moment.owing`. Here it is brought to where the task is folded, whenever a
failure comes, changes or goes; so nobody ever asks for a task, and none is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from andgate.moment.group import Group
from andgate.moment.groups import Groups
from andgate.moment.moments import Moment
from andgate.moment.owing import Broken, Failures, ids_of, owing
from andgate.moment.roles import Casting
from andgate.moment.signals import Signal
from andgate.plan import task_of


class Tasks:
    """Lets every task be what it must be."""

    def __init__(
        self, failures: Failures, groups: Groups, casting_at: Callable[[int], Casting], horizon_ms: int
    ) -> None:
        """Follow the failures of these groups.

        Args:
            failures: kept up to date here.
            groups: of the site; the tasks are in groups of their own.
            casting_at: the roles in force at a site time.
            horizon_ms: a failure that is older than that changes no task.
        """
        self._failures, self._groups = failures, groups
        self._casting_at, self._horizon_ms = casting_at, horizon_ms

    def follow(self, published: Iterable[tuple[Group, Moment]], seen_ms: int) -> Iterable[Group]:
        """Open, change and close the tasks that follow from what was just published; return the groups to settle."""
        touched: dict[int, Group] = {}
        for group, moment in published:
            if moment.remedies is not None:
                continue
            was = self._failures.note(moment)
            now = self._failures.known.get(moment.id)
            broken = was or now
            if broken is None:
                continue
            self._owe(group, moment, broken, seen_ms, touched)
            if was != now:  # those that failed after it look back on something else now
                for key in {each.key for each in (was, now) if each is not None}:
                    for beside, other in self._beside(moment.id, key):
                        self._owe(beside, other, self._failures.known[other.id], seen_ms, touched)
        return touched.values()

    def _beside(self, moment: str, key: str | None) -> list[tuple[Group, Moment]]:
        """Return the other failures of a key that are in memory, and where."""
        found = [(self._groups.of(other), other) for other in self._failures.beside(moment, key)]
        return [(group, group.published[each].moment) for group, each in found if group and each in group.published]

    def _owe(self, group: Group, moment: Moment, broken: Broken, seen_ms: int, touched: dict[int, Group]) -> None:
        """Let the task of one moment be what it must be: owed or not, made good or not."""
        if seen_ms - broken.at_ms > self._horizon_ms:
            return  # as with any signal: what is older than that changes nothing any more
        name = task_of(moment.expectation)
        wanted: dict[str, Signal] = {}
        if moment.id in self._failures.known:
            task = self._casting_at(moment.ends_ms).plan.judged.get(name)
            place = group.published[moment.id].case.touchpoint_at(moment.ends_ms)
            if task is not None and place in task.touchpoints:
                self._groups.at(name, place)
                before = self._failures.before(moment.id)
                signals = owing(moment, place, task, group.notes_of(moment.id), before)
                wanted = {signal.id: signal for signal in signals}
        tasks = self._of(name, group)
        if tasks is None:
            return
        opens, closes = ids_of(moment.id)
        if moment.withdrawn_into is not None:
            tasks.persons.alias[opens] = ids_of(moment.withdrawn_into)[0]  # whoever makes it good makes that one good
        news = [tasks.keep(each, wanted.get(each), "the failure was judged anew") for each in (opens, closes)]
        if any(news):
            touched[id(tasks)] = tasks

    def _of(self, name: str, group: Group) -> Group | None:
        """Return what folds the tasks of a group, together for all of its places; None where none ever was."""
        tasks: Group | None = None
        for place in sorted(group.touchpoints):
            here = self._groups.known(name, place)
            if here is not None:
                tasks = here if tasks is None else self._groups.link(tasks, here)
        return tasks

"""What a page says of what to do first: which of several threats, and which of the plan's first actions."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from andgate.moment.events import Paged
from andgate.moment.group import Group
from andgate.moment.lessons import Lessons, advice
from andgate.moment.moments import Moment
from andgate.moment.precedence import Precedence
from andgate.moment.roles import Casting
from andgate.plan import Plan, local_time


class Guidance:
    """Says it, from how things stand and from what is on record."""

    def __init__(self, precedence: Precedence, lessons: Lessons, casting_at: Callable[[int], Casting]) -> None:
        """Look at these.

        Args:
            precedence: the threats of each group; kept up to date elsewhere.
            lessons: what was tried; kept up to date here.
            casting_at: the roles in force at a site time.
        """
        self._precedence, self._lessons, self._casting_at = precedence, lessons, casting_at

    def learn(self, group: Group, moment: Moment) -> None:
        """Count what was tried first against a threat of a group, and whether it saved."""
        if moment.verdict is not None or moment.id in self._lessons.of:
            plan = self._casting_at(moment.opened_ms).plan
            hour = local_time(plan, moment.opened_ms if moment.threatened_ms is None else moment.threatened_ms).hour
            self._lessons.note(moment, group.notes_of(moment.id), hour)

    def advised(self, event: Paged, moment: Moment, plan: Plan, now_ms: int) -> Paged:
        """Say in a page which of several threats comes first, and what to do where the record knows better.

        Args:
            event: the page.
            moment: what it is about.
            plan: in force now, for the clocks on the walls.
            now_ms: the real now.
        """
        if moment.remedies is not None:
            return event
        among, ahead = self._precedence.first(event.group, event.moment, now_ms)
        first = None
        expectation = self._casting_at(moment.opened_ms).plan.judged.get(moment.expectation)
        actions = expectation.first_actions(moment.touchpoint) if expectation is not None else ()
        if len(actions) > 1:
            hour = local_time(plan, now_ms).hour
            best = advice(self._lessons.counts, actions, moment.expectation, moment.touchpoint, hour)[0].text
            first = best if best != actions[0] else None
        if among == 1 and ahead is None and first is None:
            return event
        return replace(event, among=among, ahead=ahead, first=first)

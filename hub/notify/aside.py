"""Past the outbox: tells technicians that the hub cannot page as it should, when that cannot go the way of pages.

Nothing of it is stored: what is told is that nothing can be, or that the worker that sends does not. Its channels are
its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial

from andgate.plan import Channel as PlanChannel
from andgate.plan import Plan
from andgate.wire.messages import Page
from hub.clock import HubClock
from hub.driver import Driver
from hub.fleet.alarm import audience
from hub.fleet.faults import Fault
from hub.notify.channels import Channel, Note, Result
from hub.people.directory import Directory
from hub.people.roster import Roster
from hub.store.rows import NOTICE

_log = logging.getLogger(__name__)

WORDS = "The hub cannot page as it should: {}. Call whoever should know, then look at its machine: disk, log, journal."
OVER = "The hub pages as it should again. What was due meanwhile goes now."


class Aside:
    """Tells; whichever thread asks does it."""

    def __init__(
        self, driver: Driver, clock: HubClock, make: Callable[[PlanChannel], Channel], directory: Directory
    ) -> None:
        """Prepare.

        Args:
            driver: knows the plan in force and the people.
            clock: site time.
            make: makes the channel for a plan's entry.
            directory: knows the channels of people.
        """
        self._driver = driver
        self._clock = clock
        self._make = make
        self._directory = directory
        self._channels: dict[PlanChannel, Channel] = {}
        self._page = ""

    def tell(self, wrong: str | None) -> None:
        """Tell whoever is told of the hub's own faults what is wrong, or with None that it is well again."""
        if self._driver.quiet.listen_only:
            return
        now_ms = self._clock.now_ms()
        plan = self._driver.plan
        group = audience(Fault(node="hub/audit", kind="forgotten", since_ms=now_ms), plan)
        if group is None:
            return
        if wrong is not None:
            self._page = f"{NOTICE}hub/watchdog/{now_ms}"
        for entry, to in self._ways(plan, group, now_ms):
            channel = self._channels.get(entry) or self._make(entry)
            self._channels[entry] = channel
            channel.send(self._note(to, wrong, now_ms), partial(_became, entry))

    def _ways(self, plan: Plan, group: str, now_ms: int) -> Iterator[tuple[PlanChannel, str]]:
        """Yield the channels of a group and of whoever of it is on by name, with whom a note over each is for."""
        for name in plan.groups[group].channels:
            yield plan.channels[name], group
        crew = Roster(self._driver.people).crew(plan, group, now_ms)
        for mate in crew.mates if crew is not None else ():
            entry = self._directory.entry(mate.channel)
            if entry is not None:
                yield entry, self._directory.audience(mate.channel) or group

    def _note(self, to: str, wrong: str | None, now_ms: int) -> Note:
        over = wrong is None
        page = Page(
            id=f"{self._page}:over" if over else self._page,
            kind="over" if over else "page",
            moment=None,
            text=OVER if over else WORDS.format(wrong),
            reason="the hub's watchdog",
            left_s=0.0,
            late=False,
            claim=None,
        )
        return Note(group=to, title="Andgate", page=page, decided_ms=now_ms, rank=2 if over else 0)

    def close(self) -> None:
        """Let go of every channel."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()


def _became(entry: PlanChannel, result: Result) -> None:
    if not result.sent:
        _log.error("the watchdog's word over %s: %s", entry.id, result.note)

"""What follows where a shift ends: claims of those who leave lapse, and the new shift is told what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andgate.moment.moments import Moment
from hub.driver.batch import Batch
from hub.people.handover import Change
from hub.store.notices import Notice
from hub.store.rows import KEPT, SHIFT, UNSTAFFED

if TYPE_CHECKING:
    from hub.driver.judge import Judge


class Changeover:
    """Does what a change of shifts asks for; belongs to the judge's thread."""

    def __init__(self, judge: Judge) -> None:
        """Act for `judge`."""
        self._judge = judge

    def look(self, batch: Batch) -> None:
        """Look whether a shift has ended, and whether anybody can be reached on those that are on."""
        judge, now_ms = self._judge, batch.now_ms
        for change in judge.handover.look(now_ms):
            for action in judge.handover.lapses(change, judge.engine.open_moments()):
                if judge.engine.refuses(action) is None:
                    judge.decide(batch, (action,))
            loud: list[Moment] = []
            kept: dict[str, list[Moment]] = {}
            for moment in judge.handover.concerned(change.group, judge.engine.open_moments()):
                why = judge.quiet.why_not(moment, change.group, None, now_ms)
                (loud if why is None else kept.setdefault(why, [])).append(moment)
            self._tell(batch, change, loud)
            if kept:  # at its end the present state is paged; that they were not told stands on record
                self._tell(batch, change, [each for some in kept.values() for each in some], next(iter(kept)))
        unstaffed = judge.handover.staffing(now_ms)
        if unstaffed is not None:
            judge.watch.audited(unstaffed, now_ms, {UNSTAFFED})

    def _tell(self, batch: Batch, change: Change, moments: list[Moment], why_not: str | None = None) -> None:
        """Tell a new shift of these moments, or write down why not."""
        judge, group = self._judge, change.group
        plan = judge.engine.plan
        told = judge.handover.told(change, moments, batch.now_ms)
        if told is not None:
            page = f"{SHIFT}{group}/{change.at_ms}{KEPT if why_not is not None else ''}"
            notice = Notice(page=page, group=group, title=told[0], text=told[1], reason="a shift has ended")
            crew = judge.rota.crew(plan, group, batch.now_ms)
            batch.pages += judge.notices.page(notice, plan.groups[group].channels, batch.now_ms, crew, why_not)

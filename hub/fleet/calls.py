"""Calling technicians: which of the faults that stand they are paged of, when, and when they hear that it is over.

Whom, when and in which words `alarm` says; here is what was told already, and what something quiet keeps back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from andgate.plan import Plan
from hub.fleet import alarm
from hub.fleet.faults import SPOKEN, Fault
from hub.fleet.register import Register
from hub.store import PageRow
from hub.store.crew import Rota
from hub.store.notices import Notice, Notices
from hub.store.pages import Pages
from hub.store.rows import NOTICE

WhyNot = Callable[[Sequence[str], int], str | None]
"""(touchpoints, now) -> why technicians may not be paged of a fault there now, in words; None: they may."""


class Calls:
    """The calls of one site; belongs to the watch."""

    def __init__(
        self, register: Register, pages: Pages, plan: Plan, *, listen_only: bool, rota: Rota, why_not: WhyNot
    ) -> None:
        """Call about the faults in `register`; `listen_only`: page nobody. `rota` says who is paged by name."""
        self.again = True
        """Something may be due that was not: look at all of them."""
        self.due_ms: int | None = None
        """When the next call is due; None: not before something changes."""
        self._register = register
        self._pages = pages
        self._plan = plan
        self._notices = Notices(pages, listen_only=listen_only)
        self._rota = rota
        self._still = why_not
        self._paged: deque[int] = deque(maxlen=alarm.MOST)
        """When technicians were paged last."""

    def use_plan(self, plan: Plan) -> None:
        """Call by this plan from now on."""
        self._plan = plan
        self.again = True

    def holds(self, queued: Sequence[PageRow], now_ms: int) -> dict[int, str]:
        """Return the pages about faults that wait to be sent and must not go now: id and why.

        What they tell counts as told to nobody: what of it still stands when nothing keeps it back is paged then.
        """
        self.again = True  # what was kept back may go now
        found: dict[int, str] = {}
        for row in queued:
            why = self.why_not(row, now_ms)
            if why is not None:
                found[row.id] = why
        held = {row.moment for row in queued if row.id in found}
        for fault in self._register:
            if fault.page in held:
                self._register.told(fault, "", now_ms)
        return found

    def why_not(self, row: PageRow, now_ms: int) -> str | None:
        """Return why nobody may be told now what a page tells, if it is about faults; None: they may."""
        if not row.moment.startswith(NOTICE):
            return None
        told = [fault for fault in self._register if fault.page == row.moment]
        if not told:  # what it told is over: a word of that
            return self._still([row.touchpoint] if row.touchpoint else [], now_ms)
        whys = [self._quiet(fault, now_ms) for fault in told]
        return None if None in whys else whys[0]

    def _quiet(self, fault: Fault, now_ms: int) -> str | None:
        """Return why technicians may not be paged of a fault now; None: they may."""
        return None if fault.kind in SPOKEN else self._still(alarm.touchpoints(fault, self._plan), now_ms)

    def page(self, now_ms: int, started_ms: int) -> list[PageRow]:
        """Page what is due, of a hub that judges since `started_ms`: a handful one by one, more as one."""
        if not self.again and (self.due_ms is None or now_ms < self.due_ms):
            return []
        self.again = False
        self.due_ms = None
        due: list[Fault] = []
        for fault in self._register:
            at_ms = alarm.due_ms(fault, self._plan, started_ms, now_ms)
            if at_ms is None:
                continue
            if self._quiet(fault, now_ms) is not None:
                continue  # each round asks again
            if at_ms <= now_ms:
                due.append(fault)
            elif self.due_ms is None or at_ms < self.due_ms:
                self.due_ms = at_ms
        if not due:
            return []
        due.sort(key=lambda fault: (fault.since_ms, fault.key))
        recent = [at_ms for at_ms in self._paged if now_ms - at_ms < alarm.GRACE_MS]
        if len(recent) == alarm.MOST:  # enough for now: the rest waits and goes together
            self.due_ms = min(recent[0] + alarm.GRACE_MS, self.due_ms or recent[0] + alarm.GRACE_MS)
            return []
        if len(due) + len(recent) <= alarm.MOST:
            return [row for fault in due for row in self._tell([fault], now_ms)]
        return self._tell(due, now_ms)

    def _tell(self, faults: list[Fault], now_ms: int) -> list[PageRow]:
        first, plan = faults[0], self._plan
        self._paged.append(now_ms)
        name = "/".join(part for part in first.key if part)
        page = f"{NOTICE}{name}/{first.since_ms}" if len(faults) == 1 else f"{NOTICE}many/{now_ms}"
        if self._pages.of(page):  # it was kept back
            page = f"{page}/{now_ms}"
        places = alarm.touchpoints(first, plan) if len(faults) == 1 else []
        group = plan.groups[alarm.audience(first, plan) or ""]
        notice = Notice(
            page=page,
            group=group.id,
            title=alarm.place(first, plan) if len(faults) == 1 else alarm.summary(faults),
            text=alarm.page_text(faults, plan, now_ms),
            reason=f"{first.who} {first.kind}" if len(faults) == 1 else "many at once",
            touchpoint=places[0] if places else "",
        )
        for fault in faults:
            self._register.told(fault, page, now_ms)
        return self._notices.page(notice, group.channels, now_ms, self._rota.crew(plan, group.id, now_ms))

    def over(self, fault: Fault, now_ms: int) -> tuple[list[PageRow], list[int]]:
        """Say that it is over, if it was told and nothing else that the same page told still stands.

        Return the pages that go out, and the ids of those that must not any more.
        """
        if not fault.page or any(other.page == fault.page for other in self._register):
            return [], []
        notice = Notice(
            page=fault.page,
            group=self._plan.site.technicians or "",
            title=alarm.place(fault, self._plan),
            text=alarm.over_text(fault, self._plan, now_ms),
            reason="it is over",
        )
        return self._notices.over(notice, now_ms, self._quiet(fault, now_ms))

"""What happens when a page reaches nobody: the person's next channel, or the next group of the ladder, at once.

A fallback is a row of its own that names the delivery it stands for and says why. It is decided in the transaction that
records the failure, so no crash comes between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from andgate.moment.events import Paged
from andgate.moment.moments import Moment
from andgate.plan import PageStep, Plan
from andgate.routing import clock_text, explained
from hub.store.outbox import Outbox
from hub.store.pages import Pages
from hub.store.rows import TEST, PageRow

LATE_MS = 10_000
"""A page to a person that is not out by then, or out and silent where the channel tells, also goes the next way."""


WhyNot = Callable[[PageRow, Moment | None, int], str | None]
"""(page that reached nobody, its moment, now) -> why nobody may be paged of it now, in words; None: they may."""


class Ways(Protocol):
    """How people are reached."""

    def next_channel(self, channel: str) -> str | None:
        """Return the channel that comes after this one of the same person; None where it was the last."""


class Fallbacks:
    """Decides who is told instead; belongs to the driver's thread."""

    def __init__(
        self,
        pages: Pages,
        outbox: Outbox,
        ways: Ways,
        about: Callable[[str], Moment | None],
        ladder: Callable[[str], Sequence[PageStep]],
        *,
        why_not: WhyNot | None = None,
    ) -> None:
        """Write to `pages`.

        Args:
            pages: the outbox's rows.
            outbox: makes the rows of a whole group.
            ways: how people are reached.
            about: a moment as the engine has it now.
            ladder: the steps by which an open moment is paged.
            why_not: asked about each page that would go.
        """
        self._pages = pages
        self._outbox = outbox
        self._ways = ways
        self._about = about
        self._ladder = ladder
        self._why_not = why_not

    def instead(self, row: PageRow, why: str, plan: Plan, now_ms: int) -> list[PageRow]:
        """Return what goes out in place of a page that failed for good."""
        if row.kind != "page" or not self._needed(row):
            return []
        made = self.next_way(row, why, now_ms)
        return made or self._next_group(row, plan, now_ms)

    def next_way(self, row: PageRow, why: str, now_ms: int) -> list[PageRow]:
        """Return the same page over the person's next channel; nothing for a group, or after the last."""
        if row.person is None or not self._needed(row):
            return []
        channel = self._ways.next_channel(row.channel)
        while channel is not None and self._pages.known(row.moment, row.page, row.kind, row.group, channel):
            if any(each.channel == channel and each.stands_for == row.id for each in self._pages.of(row.moment)):
                return []  # it has gone that way already
            channel = self._ways.next_channel(channel)
        if channel is None:
            return []
        moment = self._about(row.moment)
        no = None if self._why_not is None else self._why_not(row, moment, now_ms)
        id, session = self._pages.hold()
        made = replace(
            again_of(row, moment, now_ms),
            id=id,
            channel=channel,
            reason=f"instead of way {row.channel.rpartition('/')[2]}: {why}",
            state="queued" if no is None else "muted",
            note=no or "",
            session=session,
            stands_for=row.id,
        )
        self._pages.add(made)
        return [made] if made.state == "queued" else []

    def _next_group(self, row: PageRow, plan: Plan, now_ms: int) -> list[PageRow]:
        """Page the next group of the ladder, if this was the last hope of reaching anybody of this one."""
        moment = self._about(row.moment)
        siblings = [
            each
            for each in self._pages.of(row.moment)
            if each.kind == "page" and each.page == row.page and each.group == row.group and each.channel
        ]
        if moment is None or any(each.state != "failed" for each in siblings):
            return []
        named = plan.groups.get(row.group)
        why = f"nobody of {named.name if named else row.group} could be reached"
        reached = {each.group for each in self._pages.of(row.moment) if each.kind == "page" and each.state != "failed"}
        ladder = list(enumerate(self._ladder(row.moment)))
        rungs = [index for index, step in ladder if step.group == row.group]
        for index, step in ladder:
            if not rungs or index <= rungs[0] or step.group == row.group:
                continue
            if step.group in reached:
                return []  # they know already
            made = self._tell(row, moment, index, step, why, plan, now_ms)
            if made is not None:
                return made
        return []

    def _tell(
        self, row: PageRow, moment: Moment, index: int, step: PageStep, why: str, plan: Plan, now_ms: int
    ) -> list[PageRow] | None:
        """Page a group in place of another; None where nobody of it can be reached either."""
        page = f"{row.page}:instead:{step.group}"
        event = Paged(
            moment=moment.id,
            at_ms=now_ms,
            page=page,
            step=index,
            group=step.group,
            reason="time-left",
            left_ms=moment.ends_ms - now_ms,
            cancels=row.cancels,
        )
        self._outbox.decided(event, moment, plan, now_ms)
        marked = [
            self._pages.change(replace(each, stands_for=row.id, reason=why, text=explained(each.text, why)))
            for each in self._pages.of(moment.id)
            if each.page == page and each.stands_for is None
        ]
        if not any(each.state in {"queued", "muted"} for each in marked):
            return None
        return [each for each in marked if each.state == "queued"]

    def _needed(self, row: PageRow) -> bool:
        """Whether anybody has to be told any more."""
        if row.about is None:  # of a fault whoever mends it must hear; a test is of this one way
            return not row.moment.startswith(TEST)
        moment = self._about(row.moment)
        return moment is not None and moment.state == "open" and not (row.cancels and moment.claimed_ms is not None)


def again_of(row: PageRow, moment: Moment | None, now_ms: int) -> PageRow:
    """Return a page as it would be decided now: with the time that is left now, and no fate of its own."""
    left_s = row.left_s if moment is None else (moment.ends_ms - now_ms) / 1000
    old, new = f" {clock_text(row.left_s)} left until ", f" {clock_text(left_s)} left until "
    return replace(
        row.untried(),
        text=row.text.replace(old, new if left_s > 0 else " late since ", 1),
        left_s=left_s,
        decided_ms=now_ms,
        due_ms=now_ms,
    )

"""From what the engine decided to who gets which page: rows in the outbox, in the transaction that decided them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from andgate.moment.events import Claimed, Paged, PageSkipped, StoodDown
from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.routing import Delivery, deliveries
from hub.store.crew import Crews, Rota
from hub.store.pages import Pages
from hub.store.rows import SKIPPED, PageRow, PageState

_WHY_SKIPPED = {
    "claimed": "not sent: somebody was on it already",
    "superseded": "not sent: another page to the same group says it",
    "ended": "not sent: it was over",
}


def _of_training(
    event: Paged | StoodDown | Claimed | PageSkipped, trainer: str
) -> Paged | StoodDown | Claimed | PageSkipped:
    """Return who is told in training: the trainer, and nobody else."""
    if isinstance(event, Paged | PageSkipped):
        return replace(event, group=trainer)
    return replace(event, groups=(trainer,)) if isinstance(event, StoodDown) else event


WhyNot = Callable[[Moment, str, str | None, int], str | None]
"""(moment, group, person or None, now) -> why no page about it may go to them now, in words; None: it may."""


class Outbox:
    """Decides each delivery's first fate; belongs to the driver's thread."""

    def __init__(
        self, pages: Pages, *, listen_only: bool, why_not: WhyNot | None = None, rota: Rota | None = None
    ) -> None:
        """Decide what becomes of each page.

        Args:
            pages: to write to.
            listen_only: everything is muted.
            why_not: asked about each page that would go.
            rota: asked who of a group is paged by name; None: nobody is.
        """
        self._pages = pages
        self._crews = Crews(pages, rota or Rota())
        self._listen_only = listen_only
        self._why_not = why_not
        self._plans: dict[str, Plan] = {}
        """Every plan that was in force, by version: a running escalation keeps the one it began with."""

    def use_plan(self, plan: Plan) -> None:
        """Know a plan by which moments may be paged."""
        self._plans[plan.version] = plan

    def _addresses(self, event: Paged | StoodDown, moment: Moment, plan: Plan) -> Plan:
        """Return the plan by which groups are reached: the one in force; for a group that it dropped, the moment's own.

        An address that was mended reaches people at once, also in an escalation that runs; but a group that was taken
        out meanwhile is still paged by an escalation that began with it.
        """
        groups = {event.group} if isinstance(event, Paged) else set(event.groups)
        began = self._plans.get(moment.plan)
        if began is None or groups <= plan.groups.keys():
            return plan
        return replace(plan, groups=began.groups | plan.groups, channels=began.channels | plan.channels)

    def decided(
        self, event: Paged | StoodDown | Claimed | PageSkipped, moment: Moment, plan: Plan, now_ms: int
    ) -> tuple[list[PageRow], list[int]]:
        """Return the deliveries that are new, and the ids of those that must not go out any more."""
        if moment.training is not None:
            event = _of_training(event, moment.training)
        if isinstance(event, Claimed):
            if not event.enough:
                return [], []  # more people are needed: pages go on
            return [], self._pages.cancel(moment.id, f"claimed by {event.by}", claimed=True)
        if isinstance(event, PageSkipped):
            self._skip(event, moment, now_ms)
            return [], []
        plan = self._addresses(event, moment, plan)
        told: set[tuple[str, str]] | None = None
        cancelled: list[int] = []
        if isinstance(event, StoodDown):
            told = {(row.group, row.channel) for row in self._pages.of(moment.id) if self._may_have_told(row)}
            cancelled = self._pages.cancel(moment.id, "it was over", claimed=False)
        made = []
        whole = deliveries(event, moment, plan)
        alone = isinstance(event, Paged) and self._crews.alone(event, plan, now_ms)
        for each in whole:
            if not self._pages.known(moment.id, each.page, each.kind, each.group, each.channel):
                bare = not each.channel and each.group in plan.groups and bool(plan.groups[each.group].shifts)
                made.append(self._row(each, moment, now_ms, told, bare=bare, alone=alone))
        add = partial(self._row, moment=moment, now_ms=now_ms, told=None)
        if isinstance(event, Paged):
            made += self._crews.page(event, moment, plan, now_ms, add)
        elif whole:
            made += self._crews.over(whole[0].page, whole[0], moment, told or (), add)
        return [row for row in made if row.state == "queued"], cancelled

    def _may_have_told(self, row: PageRow) -> bool:
        """Whether they must hear that it is over; a hub that only listens tells nobody, and keeps what it would say."""
        if row.state == "queued" and row.told_in and not self._pages.of(row.told_in):
            return False  # gathered
        return row.kind == "page" and (row.state in {"sent", "queued"} or (self._listen_only and row.state == "muted"))

    def _row(  # noqa: PLR0913 - a delivery's first fate has this many reasons
        self,
        delivery: Delivery,
        moment: Moment,
        now_ms: int,
        told: set[tuple[str, str]] | None,
        *,
        bare: bool = False,
        alone: bool = False,
        person: str | None = None,
        stands_for: int | None = None,
        muted: str = "",
        lost: str = "",
    ) -> PageRow:
        state: PageState = "queued"
        note = ""
        if lost:
            state, note = "failed", lost
        elif alone:
            state, note = "cancelled", "it is for one person, who is paged by name"
        elif bare:
            state, note = "cancelled", "this group has no channel of its own: whoever is on shift is paged"
        elif not delivery.channel:
            state, note = "failed", "the plan gives this group no channel"
        elif told is not None and (delivery.group, delivery.channel) not in told:
            state, note = "cancelled", "no page had gone out there"
        elif self._why_not is not None and (why := self._why_not(moment, delivery.group, person, now_ms)) is not None:
            state, note = "muted", why
        elif self._listen_only:
            state, note = "muted", "the hub only listens"
        elif muted:
            state, note = "muted", muted
        return self._pages.begin(
            delivery.page,
            moment,
            (delivery.group, delivery.channel, person),
            now_ms,
            reason=delivery.reason,
            kind=delivery.kind,
            state=state,
            note=note,
            title=delivery.title,
            text=delivery.text,
            left_s=delivery.left_s,
            late=delivery.late,
            cancels=delivery.cancels,
            stands_for=stands_for,
        )

    def _skip(self, event: PageSkipped, moment: Moment, now_ms: int) -> None:
        page = f"{moment.id}{SKIPPED}{event.step}:{moment.change}"
        if self._pages.known(moment.id, page, "page", event.group, ""):
            return
        self._pages.begin(
            page,
            moment,
            (event.group, "", None),
            now_ms,
            reason=f"step {event.step + 1}",
            state="cancelled",
            note=_WHY_SKIPPED[event.because],
            left_s=(moment.ends_ms - event.at_ms) / 1000,
        )

    def opened(self, moment: Moment) -> None:
        """Say that this is a moment's first publication."""
        self._pages.opened(moment.id)

    def moment_of(self, page: str) -> str | None:
        """Return the moment that a page was about."""
        return self._pages.moment_of(page)

    def answered(self, moment: str, page: str | None, note: str) -> None:
        """Note on a moment's sent pages (or on one of them) what somebody answered."""
        self._pages.answered(moment, page, note)

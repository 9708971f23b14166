"""Pages to people on shift: who of a group is paged by name, and who instead where nobody of it can be reached.

Which people stand on a shift is no part of the journal. So what is decided here follows from the roster of that moment
and cannot be decided again from the journal: such rows name a person (``""`` where there was nobody to name), or the
row that they stand for.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from andgate.audit import SPARED
from andgate.moment.events import Paged
from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.routing import Delivery, deliveries, explained
from hub.store.pages import Pages
from hub.store.rows import PageRow

NOBODY = ""
"""The `person` of a row that says that there was nobody to page."""
TOLD = frozenset({"sent", "queued", "muted"})
"""Whoever has a page in one of these states may have got it, or would have."""


class Mate(Struct, frozen=True):
    """Somebody who is paged by name."""

    person: str
    """Opaque id."""
    channel: str
    """Their first that can work, as `andgate.routing.personal` names it."""
    hushes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Quiet spans that run now: (in words, rungs of the ladder held back; empty: all)."""


class Crew(Struct, frozen=True):
    """Who of a group is paged by name now."""

    mates: tuple[Mate, ...]
    nobody: str = ""
    """Why nobody of them can be relied upon to be reached, in words; empty: somebody can."""


class Rota:
    """Nobody keeps a roster: as for a plan without shifts."""

    def crew(self, plan: Plan, group: str, now_ms: int) -> Crew | None:  # noqa: ARG002 - there is no roster
        """Return who of a group is paged by name now; None where the plan gives it no shifts."""
        return None

    def mate(self, plan: Plan, id: str, now_ms: int) -> Mate | None:  # noqa: ARG002 - there is no roster
        """Return how one person is paged now; None where they cannot be."""
        return None


class Row(Protocol):
    """Adds the row of a delivery."""

    def __call__(
        self,
        delivery: Delivery,
        *,
        person: str | None = None,
        stands_for: int | None = None,
        muted: str = "",
        lost: str = "",
    ) -> PageRow:
        """Add and return it.

        Args:
            delivery: what goes where.
            person: whom it is for by name; None: the group.
            stands_for: the row that reached nobody, for which it goes.
            muted: why it may not go, in words.
            lost: why it cannot go at all, in words.
        """


class Crews:
    """Adds to a page what goes to people; belongs to the driver's thread."""

    def __init__(self, pages: Pages, rota: Rota) -> None:
        """Look into `pages` for what was sent, and into `rota` for who is on."""
        self._pages = pages
        self._rota = rota

    def page(self, event: Paged, moment: Moment, plan: Plan, now_ms: int, add: Row) -> Iterator[PageRow]:
        """Yield the rows of a page to those of its group who are on; where nobody can be reached, to the next group."""
        if moment.training is not None:
            return  # only the trainer is paged
        if event.person is not None:
            mate = self._rota.mate(plan, event.person, now_ms)
            if mate is not None:
                yield from self._to(mate, event, event.group, moment, plan, add, stands_for=None)
                return
        asked = {event.group}
        group, stands_for = event.group, None
        while True:
            crew = self._rota.crew(plan, group, now_ms)
            if crew is None:
                return
            for mate in crew.mates:
                yield from self._to(mate, event, group, moment, plan, add, stands_for=stands_for)
            if not crew.nobody:
                return
            following = next_group(event, moment, plan, asked)
            noted = self._nobody(event, group, crew.nobody, following, moment, plan, add)
            if following is None or noted is None:
                return
            asked.add(following)
            stands_for, group = noted, following
            yield from self._instead(event, group, noted, moment, plan, add)

    def alone(self, event: Paged, plan: Plan, now_ms: int) -> bool:
        """Tell whether a page is for one person only, who can be reached by name."""
        return event.person is not None and self._rota.mate(plan, event.person, now_ms) is not None

    def _to(
        self,
        mate: Mate,
        event: Paged,
        group: str,
        moment: Moment,
        plan: Plan,
        add: Row,
        *,
        stands_for: PageRow | None,
    ) -> Iterator[PageRow]:
        """Page one person, once; in their quiet hours only if it is the first page of the threat that reaches them."""
        if self._pages.known(moment.id, event.page, "page", group, mate.channel):
            return
        hush = self._hush(mate, event, moment)
        yield add(
            _like(event, group, mate.channel, moment, plan, stands_for),
            person=mate.person,
            stands_for=stands_for.id if stands_for is not None else None,
            muted=f"{SPARED} {hush}: the first page of this threat has gone" if hush is not None else "",
        )

    def _hush(self, mate: Mate, event: Paged, moment: Moment) -> str | None:
        spans = [words for words, steps in mate.hushes if not steps or event.step + 1 in steps]
        if not spans:
            return None
        first = not any(
            row.person == mate.person and row.kind == "page" and row.state in {"sent", "queued"}
            for row in self._pages.of(moment.id)
        )
        return None if first else spans[0]

    def _nobody(
        self, event: Paged, group: str, why: str, following: str | None, moment: Moment, plan: Plan, add: Row
    ) -> PageRow | None:
        """Put on record that nobody of a group can be reached; None where that is known of this page."""
        if any(
            row.page == event.page and row.group == group and row.person == NOBODY for row in self._pages.of(moment.id)
        ):
            return None
        then = f"{plan.groups[following].name} are paged at once" if following is not None else "there is nobody else"
        delivery = _like(event, group, NOBODY_CHANNEL, moment, plan, None)
        return add(delivery, person=NOBODY, lost=f"{why}: {then}")

    def _instead(
        self, event: Paged, group: str, noted: PageRow, moment: Moment, plan: Plan, add: Row
    ) -> Iterator[PageRow]:
        """Page the next group over its own channels."""
        for each in deliveries(replace(event, group=group), moment, plan):
            if each.channel and not self._pages.known(moment.id, each.page, "page", group, each.channel):
                yield add(_instead_of(each, noted, plan), stands_for=noted.id)

    def over(
        self, page: str, prototype: Delivery, moment: Moment, told: Container[tuple[str, str]], add: Row
    ) -> Iterator[PageRow]:
        """Yield the word that it is over for everybody who was paged by name, or instead of somebody else.

        Whoever was kept from every page is kept from this too; `told` are the groups and channels that were not.
        """
        for row in self._pages.of(moment.id):
            if row.kind != "page" or row.state not in TOLD or not row.channel:
                continue
            if row.person is None and row.stands_for is None:
                continue
            if not self._pages.known(moment.id, page, "over", row.group, row.channel):
                each = replace(prototype, id=f"{page}:{row.group}:{row.channel}", group=row.group, channel=row.channel)
                kept_back = row.note if row.state == "muted" and (row.group, row.channel) not in told else ""
                yield add(each, person=row.person, stands_for=row.id, muted=kept_back)


NOBODY_CHANNEL = "~"
"""The channel of a row that says that there was nobody to page."""


def next_group(event: Paged, moment: Moment, plan: Plan, asked: set[str]) -> str | None:
    """Return who is paged where nobody of a page's group can be reached; None where there is nobody else.

    It is whoever comes next in the ladder; after its end the technicians, and then whoever stands before in it.
    """
    promise = plan.judged.get(moment.expectation)
    ladder = [step.group for step in promise.pages] if promise is not None else []
    after, before = ladder[event.step + 1 :], ladder[: event.step + 1]
    technicians = [plan.site.technicians] if plan.site.technicians is not None else []
    return next((group for group in (*after, *technicians, *reversed(before)) if group not in asked), None)


def _like(event: Paged, group: str, channel: str, moment: Moment, plan: Plan, stands_for: PageRow | None) -> Delivery:
    """Return the delivery of a page over another channel than the plan's."""
    made = deliveries(replace(event, group=group), moment, plan)[0]
    made = replace(made, id=f"{event.page}:{group}:{channel}", channel=channel, url="")
    return made if stands_for is None else _instead_of(made, stands_for, plan)


def _instead_of(delivery: Delivery, noted: PageRow, plan: Plan) -> Delivery:
    name = plan.groups[noted.group].name if noted.group in plan.groups else noted.group
    return replace(
        delivery,
        text=explained(delivery.text, f"nobody of {name} can be reached by name"),
        reason=f"nobody of {name} can be reached by name",
    )

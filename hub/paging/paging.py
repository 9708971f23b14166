"""What lies between the decision to page and the handing over, and what follows from what became of it.

`admit` lets a delivery go, has it told with others, or holds it back; `fate` and `received` take what became of it and
decide who is told instead. Everything is written in the transaction of the batch that it belongs to.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec.structs import replace

from andgate.moment.events import StoodDown
from andgate.moment.moments import Moment
from andgate.plan import PageStep, Plan
from andgate.plan.addresses import kind_of
from andgate.plan.durations import format_duration
from hub.paging.bundles import Bundles
from hub.paging.fallback import LATE_MS, Fallbacks, Ways, WhyNot
from hub.paging.pace import REMEMBERED, Pace, Receiver, Rules, Told, rules
from hub.store.outbox import Outbox
from hub.store.pages import PageFate, Pages, Receipt
from hub.store.rows import BUNDLE, PageRow

HELD = "held back: "
"""What the note of a page begins with that its receiver was spared."""
LATELY = 2_000
"""Pages that are read at a start, to know what went to whom just before it."""
LATELY_MS = 3_600_000


class NoWays:
    """Nobody has a channel of their own."""

    def next_channel(self, channel: str) -> str | None:  # noqa: ARG002 - a Ways
        """Return None."""
        return None


class Paging:
    """Belongs to the driver's thread."""

    def __init__(
        self,
        pages: Pages,
        outbox: Outbox,
        about: Callable[[str], Moment | None],
        ladder: Callable[[str], Sequence[PageStep]],
        plan: Plan,
        now_ms: int,
        *,
        ways: Ways | None = None,
        why_not: WhyNot | None = None,
    ) -> None:
        """Take up what an earlier session left.

        Args:
            pages: the outbox's rows.
            outbox: decides each delivery's first fate.
            about: a moment as the engine has it now.
            ladder: the steps by which an open moment is paged.
            plan: in force.
            now_ms: site time.
            ways: how people are reached.
            why_not: asked about each page that would go instead of another.
        """
        self._pages = pages
        self._about = about
        self._pace = Pace()
        self._bundles = Bundles(pages, self._pace, about)
        self._fallbacks = Fallbacks(pages, outbox, ways or NoWays(), about, ladder, why_not=why_not)
        self._silent: list[tuple[int, int, str]] = []
        """(when to look, delivery, moment): pages to persons that may reach nobody."""
        self._tells: OrderedDict[str, bool] = OrderedDict()
        """Person's channel -> whether it ever says that it delivered."""
        for row in pages.lately(LATELY):
            self._remember(row, plan, now_ms)

    def _remember(self, row: PageRow, plan: Plan, now_ms: int) -> None:
        if now_ms - row.decided_ms > LATELY_MS:
            return
        to = Receiver(row.group, row.channel)
        if row.note.startswith(HELD):
            self._pace.hold(to, row.title)
        elif row.state in {"queued", "sent"}:
            self._way(row, plan)
            if row.adds:
                self._pace.summed_up(to)
            if row.person is not None and row.delivered_ms is None:
                self._watch(row, now_ms)

    # ---------------------------------------------------------------------------------------------- going out

    def admit(self, rows: Iterable[PageRow], plan: Plan, now_ms: int) -> list[PageRow]:
        """Return what goes out now, of deliveries that were just queued."""
        out = []
        for row in rows:
            about = self._about(row.moment)
            training = about is not None and about.training is not None
            if row.kind == "over" or row.about is None or training:  # what is trained is no threat among others
                out.append(row)
                continue
            to = Receiver(row.group, row.channel)
            way = self._way(row, plan)
            if way == "go":
                adds = self._pace.summed_up(to)
                out.append(self._pages.change(replace(row, adds=adds)) if adds else row)
            elif way == "bundle":
                self._bundles.gather(row, now_ms)
            else:
                self._hold(row, _rules(row, plan))
                self._pace.hold(to, row.title)
        return out

    def _way(self, row: PageRow, plan: Plan) -> str:
        return self._pace.way(
            Receiver(row.group, row.channel),
            Told(row.decided_ms, row.moment, row.id),
            _rules(row, plan),
            first=not any(_told_before(each, row) for each in self._pages.of(row.moment)),
            throttled=row.person or f"{row.group} {row.channel}",
            stands=self._stands,
        )

    def _stands(self, id: str) -> bool:
        """Whether a threat still needs somebody."""
        moment = self._about(id)
        return moment is not None and moment.state == "open" and moment.claimed_ms is None

    def _hold(self, row: PageRow, known: Rules) -> None:
        whom = "one person" if row.person is not None else "one channel"
        note = (
            f"{HELD}more than {known.most} further pages within {format_duration(known.within_ms)} to {whom}; "
            "the next one says so"
        )
        self._pages.change(replace(row, state="cancelled", note=note))

    def next_ms(self) -> int | None:
        """Return when to `look`."""
        found = [self._bundles.next_ms(), self._silent[0][0] if self._silent else None]
        return min((at_ms for at_ms in found if at_ms is not None), default=None)

    def look(self, plan: Plan, now_ms: int) -> list[PageRow]:
        """Make the bundles that are due, and go round whoever is silent; return what goes out."""
        out = self._bundles.look(plan, now_ms)
        while self._silent and self._silent[0][0] <= now_ms:
            _, id, moment = heapq.heappop(self._silent)
            row = next((each for each in self._pages.of(moment) if each.id == id), None)
            if row is None or row.delivered_ms is not None or row.state not in {"queued", "sent"}:
                continue
            after = format_duration(LATE_MS)
            why = f"not delivered within {after}" if row.state == "sent" else f"not out within {after}: {row.note}"
            out += self.admit(self._fallbacks.next_way(row, why, now_ms), plan, now_ms)
        return out

    # ---------------------------------------------------------------------------------------------- what became of it

    def fate(self, fate: PageFate, plan: Plan, now_ms: int) -> list[PageRow]:
        """Record what became of a delivery; return what goes out because of it."""
        self._pages.fate(fate)
        found = [row for row in self._pages.of(fate.moment) if row.id == fate.id]
        if fate.moment.startswith(BUNDLE):
            found = [*self._bundles.settled(fate), *found]
        out: list[PageRow] = []
        for row in found:
            if row.kind == "page" and row.state == "failed" and not row.moment.startswith(BUNDLE):
                out += self._fallbacks.instead(row, fate.note, plan, now_ms)
            elif row.person is not None and row.kind == "page" and row.delivered_ms is None:
                self._watch(row, now_ms)
        return self.admit(out, plan, now_ms)

    def _watch(self, row: PageRow, now_ms: int) -> None:
        """Look again soon at a page to a person: it may not be out then, or not delivered where its channel tells."""
        if row.state == "queued" and row.tries:
            heapq.heappush(self._silent, (max(now_ms, row.decided_ms + LATE_MS), row.id, row.moment))
        elif row.state == "sent" and row.sent_ms is not None and self._delivers(row.channel):
            heapq.heappush(self._silent, (max(now_ms, row.sent_ms + LATE_MS), row.id, row.moment))

    def _delivers(self, channel: str) -> bool:
        """Whether a person's channel tells that it delivered, so that its silence says something."""
        known = self._tells.get(channel)
        if known is None:
            known = self._tells[channel] = self._pages.delivers(channel)
            if len(self._tells) > REMEMBERED:
                self._tells.popitem(last=False)
        return known

    def received(self, receipt: Receipt) -> list[PageRow]:
        """Record what a receiver said of a delivery; return the deliveries of which that is news."""
        row = self._pages.received(receipt)
        if row is None:
            return []
        if row.person is not None:
            self._tells[row.channel] = True
        news = [row]
        if row.moment.startswith(BUNDLE):
            for member in self._pages.bundled(row.moment):
                told = self._pages.received(Receipt(member.id, member.moment, receipt.at_ms, receipt.read))
                news += [] if told is None else [told]
        return news

    def cancelled(self, moment: str, ids: Collection[int]) -> list[int]:
        """Return the bundles that nobody needs any more, now that these deliveries of a moment were cancelled."""
        gone = [row for row in self._pages.of(moment) if row.id in ids]
        return self._bundles.left(gone, "all that it tells of was over, or claimed") if gone else []

    def stood_down(self, event: StoodDown, moment: Moment, cancelled: Collection[int], now_ms: int) -> list[PageRow]:
        """Return the word that it is over for those who were told in place of others: no event names them.

        Args:
            event: that it is over.
            moment: about which.
            cancelled: deliveries that were on their way until this very event.
            now_ms: now.
        """
        rows = self._pages.of(moment.id)
        page = f"{moment.id}:over:{moment.change}"
        model = next((row for row in rows if row.kind == "over" and row.page == page), None)
        known = {(row.group, row.channel) for row in rows if row.kind == "over" and row.page == page}
        out = []
        for row in rows:
            to = (row.group, row.channel)
            if (
                model is None
                or row.kind != "page"
                or not row.channel
                or to in known
                or not self._may_know(row, cancelled)
            ):
                continue
            known.add(to)
            id, session = self._pages.hold()
            made = replace(
                again_over(row, model),
                id=id,
                stands_for=row.id,
                session=session,
                decided_ms=now_ms,
                due_ms=now_ms,
                left_s=(moment.ends_ms - event.at_ms) / 1000,
            )
            self._pages.add(made)
            if made.state == "queued":
                out.append(made)
        return out

    def _may_know(self, row: PageRow, cancelled: Collection[int]) -> bool:
        """Whether somebody may have got it: sent, or on its way; not what was only gathered."""
        on_its_way = row.id in cancelled and not (row.told_in and not self._pages.of(row.told_in))
        return row.state == "sent" or on_its_way

    def told_by(self, page: str) -> list[str]:
        """Return the moments that a bundle names; none for any other page."""
        if not page.startswith(BUNDLE):
            return []
        return list(dict.fromkeys(row.moment for row in self._pages.bundled(page, named=True)))


def again_over(row: PageRow, model: PageRow) -> PageRow:
    """Return the word that it is over for whoever got `row`, as `model` says it to others."""
    return replace(
        model.untried(),
        group=row.group,
        channel=row.channel,
        person=row.person,
        state="muted" if model.state == "muted" else "queued",
        note=model.note if model.state == "muted" else "",
    )


def _rules(row: PageRow, plan: Plan) -> Rules:
    channel = plan.channels.get(row.channel)
    own_broker = channel is not None and kind_of(channel.url) == "mqtt"
    return rules(plan.groups.get(row.group), person=row.person is not None, own_broker=own_broker)


def _told_before(each: PageRow, row: PageRow) -> bool:
    """Whether a receiver was told of a threat by an earlier delivery."""
    return (
        each.id < row.id
        and each.kind == "page"
        and each.channel == row.channel
        and each.group == row.group
        and each.state in {"sent", "queued"}
    )

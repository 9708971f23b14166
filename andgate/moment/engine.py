"""The engine: signals in, moments of truth out. Pure: time is an argument.

It is driven by three things only: what is received (`receive`), the passing of time (`advance`), and nothing else.
`next_deadline` is the one question about the future, however many clocks run inside.

The truth it computes is simple to say: take all signals of an expectation at a touchpoint, without duplicates and
retracted ones, in the order of (site time, source, boot, seq, id), and fold them through the table up to now. The
rest of this package is a way to compute that fast, to tell what changed, and to page people about it.

- *Waking late changes nothing.* Every change by the clock is published as seen at its own time, in order, however
  late `advance` is called; only pages know the real now.
- *One `receive` is one message.* It advances to now, takes everything in, folds, and publishes the difference. A
  journal that keeps these boundaries replays to the same ids, changes and revisions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.backlogs import Backlogs
from andgate.moment.case import PlanMark
from andgate.moment.due import Due
from andgate.moment.events import AnyEvent, Paged
from andgate.moment.group import Group
from andgate.moment.groups import Groups
from andgate.moment.guidance import Guidance
from andgate.moment.ladder import Ladder, next_page
from andgate.moment.lessons import Lessons
from andgate.moment.moments import Moment
from andgate.moment.outlook import Outlook, outlook
from andgate.moment.owing import Failures
from andgate.moment.precedence import Precedence
from andgate.moment.published import Order, Publication, Published
from andgate.moment.roles import Casting
from andgate.moment.sense import refusal
from andgate.moment.signals import MOVED, Action, Input, Released, Replanned, Retimed, Signal
from andgate.moment.tasks import Tasks
from andgate.moment.view import next_times
from andgate.plan import Plan

HORIZON_MS = 86_400_000
"""How late a signal may be (receipt - site time) and still be judged: 24 hours."""

APART = "~training"
"""What devices in training say at a place is folded as if it were this other one: no id of a plan can be that."""
FORGET_EVERY_MS = 600_000
SLACK_MS = 3_600_000
"""Signals stay in memory this much longer than the horizon, so that forgetting never decides anything."""


class Step(Struct, frozen=True):
    """What one call did: every event, and every publication in order (one moment may be there more than once)."""

    events: tuple[AnyEvent, ...] = ()
    published: tuple[Moment, ...] = ()


_NOTHING = Step()
_Made = tuple[Group, Publication, int]
"""A publication, of which group, and the time it was seen at."""


def _in_order(item: Input) -> tuple[int, Order]:
    """Order one message: signals as they are folded, then persons, better times and plans as they came."""
    return (0, item.order) if isinstance(item, Signal) else (1, (0, "", 0, 0, ""))


class Engine:
    """Judges the moments of one site."""

    def __init__(self, plan: Plan, *, horizon_ms: int = HORIZON_MS) -> None:
        """Start with nothing received.

        Args:
            plan: in force from the beginning of time.
            horizon_ms: how late a signal may be and still be judged.
        """
        self.horizon_ms = horizon_ms
        self.now_ms = 0
        self.plans: list[tuple[int, Casting]] = [(-(2**62), Casting(plan))]
        self.groups = Groups(self.casting_at, self._plan_marks)
        self.retracted: dict[str, int] = {}
        """Signal -> earliest receipt of one that takes it back."""
        self._open: dict[str, None] = {}
        """The open moments, in the order in which they opened."""
        self._due = Due(self._due_of)
        self._pages = Due(self._page_of)
        self.backlogs = Backlogs()
        self.failures = Failures()
        self.tasks = Tasks(self.failures, self.groups, self.casting_at, horizon_ms)
        self.precedence = Precedence()
        self.lessons = Lessons()
        self._guidance = Guidance(self.precedence, self.lessons, self.casting_at)
        self.forgot_ms = 0

    # Looking -----------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The plan in force now."""
        return self.plans[-1][1].plan

    def moment(self, moment_id: str) -> Moment | None:
        """Return the latest publication of a moment, withdrawn ones too, while it is in memory."""
        group = self.groups.of(moment_id)
        if group is None:
            return None
        known = group.published.get(moment_id) or group.gone.get(moment_id)
        return known.moment if known else None

    def moments(self) -> Iterator[Moment]:
        """Yield every moment in memory that is not withdrawn."""
        for group in self.groups.all():
            for known in group.published.values():
                yield known.moment

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments, nearest deadline first."""
        found = [known.moment for known in map(self._published, self._open) if known is not None]
        return tuple(sorted(found, key=lambda moment: (moment.ends_ms, moment.opened_ms, moment.id)))

    def outlooks(self, moments: Iterable[str] | None = None) -> Iterator[Outlook]:
        """Yield what lies ahead of those of `moments` (None: of all) that are open and more than that."""
        for moment_id in self._open if moments is None else moments:
            group = self.groups.of(moment_id)
            known = group.published.get(moment_id) if group else None
            if group is not None and known is not None and known.moment.level not in ("open", "ended"):
                waits_ms = self.backlogs.until(known.moment.touchpoint, self.now_ms) if self.backlogs.waiting else None
                yield outlook(known, group.expectation_of(known.case), waits_ms)

    def next_deadline(self) -> int | None:
        """Return when `advance` has something to do, or None."""
        times = (self._due.next_ms(), self._pages.next_ms())
        return min((at_ms for at_ms in times if at_ms is not None), default=None)

    def refuses(self, action: Action) -> str | None:
        """Return why a person's action makes no sense, in words; None where it does."""
        return refusal(self.moment(action.moment), action, self.horizon_ms)

    # Driving -----------------------------------------------------------------------------------------------------

    def advance(self, now_ms: int) -> Step:
        """Let time pass up to `now_ms`; the past is no argument, it is taken as the last now."""
        now_ms = self.now_ms = max(self.now_ms, now_ms)
        made = self._judge_until(now_ms)
        return self._finish(made, now_ms, ())

    def receive(self, inputs: Sequence[Input], now_ms: int, *, more: bool = False) -> Step:
        """Take one message in: advance to now, insert all, fold, publish the difference.

        Args:
            inputs: in any order; duplicates change nothing.
            now_ms: the real now.
            more: the rest of this source's backlog is still to come.
        """
        now_ms = self.now_ms = max(self.now_ms, now_ms)
        made = self._judge_until(now_ms)
        judged = len(made)
        ordered = inputs if len(inputs) == 1 else sorted(inputs, key=_in_order)
        for group in self._whole([group for item in ordered for group in self._take(item)]):
            made += [(group, publication, now_ms) for publication in self._settle(group, now_ms)]
        made += self._owed(made[judged:], now_ms)
        released = self.backlogs.note(inputs, now_ms, more=more)
        step = self._finish(made, now_ms, self._open_at(released) if released else ())
        pages = [page for item in inputs if isinstance(item, Released) for page in item.pages]
        if not pages:
            return step
        return Step((*step.events, *self._release(pages, now_ms)), step.published)

    def _whole(self, touched: Sequence[Group]) -> Iterable[Group]:
        """Return each group once; a move in this very message may have folded one of them into another."""
        if len(touched) == 1:
            return touched
        merged = [self.groups.at(group.expectation, min(group.touchpoints)) for group in touched]
        return {id(group): group for group in merged}.values()

    def _judge_until(self, now_ms: int) -> list[_Made]:
        made: list[_Made] = []
        while (due := self._due.pop(now_ms)) is not None:
            due_ms, moment_id = due
            group = self.groups.of(moment_id)
            assert group is not None  # noqa: S101  # or it would not be due
            fresh = [(group, publication, due_ms) for publication in group.by_the_clock(moment_id, due_ms)]
            self._schedule(group, moment_id, due_ms)
            made += fresh
            made += self._owed(fresh, due_ms)
        return made

    def _owed(self, made: Iterable[_Made], seen_ms: int) -> list[_Made]:
        """Return what becomes of the remedy tasks that follow from what was just published."""
        touched = self.tasks.follow([(group, publication.moment) for group, publication, _ in made], seen_ms)
        return [(group, publication, seen_ms) for group in touched for publication in self._settle(group, seen_ms)]

    def _settle(self, group: Group, seen_ms: int) -> list[Publication]:
        """Publish what changed in a group."""
        publications = group.settle(seen_ms)
        for publication in publications:
            self._schedule(group, publication.moment.id, seen_ms)
        return publications

    def _finish(self, made: list[_Made], now_ms: int, released: Iterable[str]) -> Step:
        """Decide the pages, forget what is long past, and hand everything out."""
        events = [event for _, publication, _ in made for event in publication.events]
        affected: dict[str, None] = dict.fromkeys(publication.moment.id for _, publication, _ in made)
        affected.update(dict.fromkeys(released))
        while (due := self._pages.pop(now_ms)) is not None:
            affected[due[1]] = None
        for moment_id in affected:
            events += self._page(moment_id, now_ms)
        for group, publication, _ in made:
            self._guidance.learn(group, publication.moment)
        events = [self._advised(event, now_ms) if isinstance(event, Paged) else event for event in events]
        if now_ms - self.forgot_ms >= FORGET_EVERY_MS:
            self._forget(now_ms)
        if not events and not made:
            return _NOTHING
        return Step(tuple(events), tuple(publication.moment for _, publication, _ in made))

    # Taking in ---------------------------------------------------------------------------------------------------

    def _take(self, item: Input) -> Iterable[Group]:
        if isinstance(item, Signal):
            return self._take_signal(item)
        if isinstance(item, Action):
            return self._take_action(item)
        if isinstance(item, Retimed):
            return self._take_time(item)
        return self._take_plan(item) if isinstance(item, Replanned) else []

    def _take_signal(self, signal: Signal) -> list[Group]:
        if signal.received_ms - signal.at_ms > self.horizon_ms:
            return []
        casting = self.casting_at(signal.at_ms)
        groups: list[Group] = []
        apart = "" if signal.training is None else APART
        for expectation in casting.hearers(signal.touchpoint, signal.name):
            group = self.groups.at(expectation, signal.touchpoint + apart)
            if signal.name == MOVED and signal.to in casting.plan.expectations[expectation].touchpoints:
                group = self.groups.link(group, self.groups.at(expectation, f"{signal.to}{apart}"))
            groups.append(group)
        if self.groups.holding(signal.id):
            return []
        touched = [] if signal.retracts is None else self._take_back(signal.retracts, signal)
        taken_back_ms = self.retracted.get(signal.id)
        out = taken_back_ms is not None and taken_back_ms - signal.at_ms <= self.horizon_ms
        for group in groups:
            group.take(signal, out=out)
        if groups:
            self.groups.hold(signal.id, tuple(groups))
        return touched + groups

    def _take_back(self, target: str, signal: Signal) -> list[Group]:
        received_ms = min(signal.received_ms, self.retracted.get(target, signal.received_ms))
        self.retracted[target] = received_ms
        groups = []
        for group in self.groups.holding(target, wake=True):
            if signal.received_ms - group.history.signals[target].at_ms <= self.horizon_ms:
                group.take_out(target, signal)
                groups.append(group)
        return groups

    def _take_action(self, action: Action) -> list[Group]:
        group, moment = self.groups.of(action.moment), self.moment(action.moment)
        if action.do == "remedy" and moment is not None and moment.remedies is not None:
            # What was given is said of the failure; the task ends by it.
            failed = self.moment(moment.remedies)
            group, moment = (self.groups.of(moment.remedies), failed) if failed is not None else (group, moment)
        if group is None or moment is None:
            return []
        group.act(replace(action, moment=moment.anchor))
        return [group]

    def _take_time(self, item: Retimed) -> list[Group]:
        groups = []
        for group in self.groups.holding(item.signal, wake=True):
            signal = group.history.signals[item.signal]
            if signal.at_ms != item.at_ms and self.now_ms - item.at_ms <= self.horizon_ms:
                group.retime(replace(signal, at_ms=item.at_ms))
                groups.append(group)
        return groups

    def _take_plan(self, item: Replanned) -> list[Group]:
        if item.plan.version == self.plan.version:
            return []
        groups = list(self.groups.all())  # before the plan counts, or those that wake would have its mark twice
        self.plans.append((item.at_ms, Casting(item.plan)))
        for group in groups:
            group.mark(PlanMark(item.at_ms, item.plan.version))
        return groups

    def casting_at(self, at_ms: int) -> Casting:
        """Return the roles in force at a site time."""
        plans = self.plans
        if at_ms >= plans[-1][0]:
            return plans[-1][1]
        return plans[bisect_right(plans, at_ms, key=lambda entry: entry[0]) - 1][1]

    def _plan_marks(self) -> list[PlanMark]:
        return [PlanMark(since_ms, casting.plan.version) for since_ms, casting in self.plans[1:]]

    def adopt(self, group: Group) -> None:
        """Take over a whole group, as stored."""
        self.groups.adopt(group)
        for moment_id, known in group.published.items():
            if known.moment.state == "open":
                self._open[moment_id] = None
                self.precedence.note(known.moment, known.ledger.told)
            for due, at_ms in ((self._due, known.due_ms), (self._pages, known.page_ms)):
                if at_ms is not None:
                    due.add(moment_id, at_ms)

    # Time and pages ----------------------------------------------------------------------------------------------

    def _schedule(self, group: Group, moment_id: str, seen_ms: int) -> None:
        """Note where a moment is and when the clock alone changes it next."""
        self.groups.keep(moment_id, group)
        known = group.published.get(moment_id)
        if known is None or known.moment.state == "ended":
            self._open.pop(moment_id, None)
            if known is not None:
                known.due_ms = None
            return
        self._open[moment_id] = None
        # What is open ends by itself at the latest, so there is always a next time.
        known.due_ms = min(at_ms for at_ms in next_times(known.case, known.moment) if at_ms > seen_ms)
        self._due.add(moment_id, known.due_ms)

    def _open_at(self, touchpoints: Collection[str]) -> list[str]:
        return [moment.id for moment in self.open_moments() if moment.touchpoint in touchpoints]

    def _published(self, moment_id: str) -> Published | None:
        group = self.groups.of(moment_id)
        return group.published.get(moment_id) if group else None

    def _due_of(self, moment_id: str) -> int | None:
        known = self._published(moment_id)
        return known.due_ms if known else None

    def _page_of(self, moment_id: str) -> int | None:
        known = self._published(moment_id)
        return known.page_ms if known else None

    def _page(self, moment_id: str, now_ms: int) -> list[AnyEvent]:
        group = self.groups.of(moment_id)
        known = group.published.get(moment_id) if group else None
        if group is None or known is None:
            self.precedence.drop(moment_id)
            return []
        moment, expectation = known.moment, group.expectation_of(known.case)
        wait_until_ms = self.backlogs.until(moment.touchpoint, now_ms)
        if wait_until_ms is not None and known.waits_ms is not None:
            # It waits already: one backlog after the other may not hold it for ever.
            wait_until_ms = min(wait_until_ms, known.waits_ms) if known.waits_ms > now_ms else None
        ladder = Ladder(known, expectation, now_ms)
        events = ladder.climb(waits=wait_until_ms is not None, offers=group.offers(known.case))
        self.precedence.note(moment, known.ledger.told)
        page_ms = next_page(known, expectation)
        known.waits_ms = None
        if page_ms is not None and page_ms <= now_ms:
            known.waits_ms = wait_until_ms
            ahead_ms = next_page(known, expectation, after_ms=now_ms)
            page_ms = min((at_ms for at_ms in (wait_until_ms, ahead_ms) if at_ms is not None), default=None)
        known.page_ms = page_ms
        if page_ms is not None:
            self._pages.add(moment_id, page_ms)
        return events

    def _advised(self, event: Paged, now_ms: int) -> Paged:
        """Say in a page what to do first."""
        moment = self.moment(event.moment)
        return event if moment is None else self._guidance.advised(event, moment, self.plan, now_ms)

    def _release(self, pages: Iterable[tuple[str, str]], now_ms: int) -> Iterator[AnyEvent]:
        """Page those whose pages were kept back, of what is still threatened."""
        for moment_id, group_id in pages:
            group = self.groups.of(moment_id)
            known = group.published.get(moment_id) if group else None
            if group is not None and known is not None:
                yield from Ladder(known, group.expectation_of(known.case), now_ms).release(group_id)

    def _forget(self, now_ms: int) -> None:
        self.forgot_ms = now_ms
        before_ms = now_ms - self.horizon_ms - SLACK_MS
        self.groups.forget(before_ms)
        self.failures.forget(before_ms)
        self.lessons.forget(before_ms)
        self.retracted = {name: at_ms for name, at_ms in self.retracted.items() if at_ms >= before_ms}

"""Who must be told now: the escalation of one moment, by time left.

A page is (moment, step) and is sent once. The ladder is climbed at the real "now", after everything that has been
received is folded, because a page is about people, not about verdicts: of several overdue steps one per group goes,
and what is over pages nobody.

The end of the line is never silent: a step may be repeated until somebody has claimed, and where everybody has been
told and whoever was on it gives up, the last group is told once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from andgate.moment.case import Case
from andgate.moment.claims import giver
from andgate.moment.events import AnyEvent, Paged, PageReason, PageSkipped, StoodDown
from andgate.moment.ledger import Ledger
from andgate.moment.moments import Moment
from andgate.moment.published import Published
from andgate.moment.signals import Action
from andgate.moment.view import page_times
from andgate.plan import Expectation, PageStep

OVERDUE_MS = 1_000
"""A page decided later than this after its time is late."""

STILL_WAITING_AFTER_MS = 2_500
"""A press on a failed moment may begin a hold to reset it: the repeat waits until the hold would have named it."""

ALARM_AGAIN_AFTER_MS = 30_000
"""A signal that threatens, is taken back and comes again pages again, but no sooner after the last time: a contact that
chatters must not. What stands by then is told."""


class Ladder:
    """The ladder of one moment as it stands now. What is decided is written into the moment's ledger."""

    def __init__(self, known: Published, expectation: Expectation, now_ms: int) -> None:
        """Look at it.

        Args:
            known: the moment as it is published; its ledger is changed in place.
            expectation: of the plan it is judged by.
            now_ms: the real now.
        """
        self.known, self.ledger, self.case, self.moment = known, known.ledger, known.case, known.moment
        self.expectation, self.steps, self.now_ms = expectation, expectation.pages, now_ms
        self.claimed = known.moment.claimed_ms is not None
        self.happened: list[AnyEvent] = []

    def climb(self, *, waits: bool, offers: Iterable[Action]) -> list[AnyEvent]:
        """Decide every page that is due; what was paged first spares a group what would say it twice.

        Args:
            waits: more of a backlog is on its way, so what is overdue already waits for it.
            offers: claims that were handed over.
        """
        if self.moment.state == "ended":
            return stand_down(self.ledger, self.moment, self.now_ms)
        if self.ledger.over:
            self._reopen()
        self._alarm()
        self._step(waits=waits)
        self._still_waiting()
        if self.ledger.paged_ms:
            self._repeat()
        for offer in offers:
            self._hand_over(offer)
        self._end_of_line()
        return self.happened

    def release(self, group: str) -> list[AnyEvent]:
        """Tell a group how things stand, whose pages about it were kept back until now.

        As its last step would: whoever need not have been told, since somebody is on it, need not be told now.
        """
        if self.moment.level not in ("open", "ended"):
            theirs = [(index, step) for index, step in enumerate(self.steps) if step.group == group]
            index, step = max(
                (each for each in theirs if each[0] in self.ledger.steps), default=(0, PageStep(0, group))
            )
            if step.unless_claimed and self.claimed:
                self._skip(index, step, "claimed")
            else:
                self._page(f"quiet-over:{group}:{self.now_ms}", index, step, "quiet-over")
        return self.happened

    def _reopen(self) -> None:
        """It had been over for those paged, and is open again.

        The steps not yet sent go on as planned; only where none is left somebody must be told anew, or nobody would be.
        """
        self.ledger.over = False
        self.ledger.reopenings += 1
        if self.steps and self._all_decided():
            last = len(self.steps) - 1
            self._page(f"reopened:{self.ledger.reopenings}", last, self.steps[last], "reopened")
            self.ledger.alarmed = True

    def _alarm(self) -> None:
        """A signal threatens it before the clock does: the first group learns of it now; its step still comes."""
        ledger = self.ledger
        if self.case.threat_signal is None:
            ledger.forget_alarm()
        elif not ledger.alarmed and self.now_ms >= _next_alarm(ledger):
            ledger.alarmed = True
            if not self.steps or page_times(self.case, self.expectation)[0] <= self.now_ms:
                return
            ledger.alarmed_ms = self.now_ms
            if self.claimed:
                self._skip(0, self.steps[0], "claimed")
            else:
                number = f":{ledger.alarms_over + 1}" if ledger.alarms_over else ""
                self._page(f"threat{number}", 0, self.steps[0], "threatened")

    def _step(self, *, waits: bool) -> None:
        """Decide the steps that are due, and those that were skipped for a claim that stands no more."""
        due = list(self._due(waits=waits))
        last_of = {step.group: index for index, step, _ in due if not (self.claimed and step.unless_claimed)}
        for index, step, due_ms in due:
            was, lapsed_ms = self.ledger.steps.get(index), self.known.lapsed_ms
            if self.claimed and step.unless_claimed:
                self.ledger.steps[index] = "claimed"
                self._skip(index, step, "claimed")
            elif last_of[step.group] != index:
                self.ledger.steps[index] = "superseded"
                self._skip(index, step, "superseded")
            else:
                since_ms = due_ms if was is None or lapsed_ms is None else max(due_ms, lapsed_ms)
                self.ledger.steps[index] = "sent"
                if step.repeat_ms:
                    self.ledger.paged_ms[index] = self.now_ms
                reason: PageReason = "claim-lapsed" if was == "claimed" else "time-left"
                self._page(str(index), index, step, reason, late_ms=max(0, self.now_ms - since_ms))

    def _due(self, *, waits: bool) -> Iterator[tuple[int, PageStep, int]]:
        """Yield (index, step, due) of each step to decide now."""
        for index, (step, due_ms) in enumerate(zip(self.steps, page_times(self.case, self.expectation), strict=True)):
            was = self.ledger.steps.get(index)
            if due_ms > self.now_ms or (was is None and waits and self.now_ms - due_ms > OVERDUE_MS):
                continue
            if was is None or (was == "claimed" and not self.claimed):
                yield index, step, due_ms

    def _still_waiting(self) -> None:
        """Page the first group again for each opening signal that met a failed moment; a claim cancels such repeats."""
        for at_ms, signal in _unanswered(self.ledger, self.case):
            if self.now_ms < at_ms:
                continue
            self.ledger.again.append(signal)
            if not self.steps:
                continue
            if self.claimed:
                self._skip(0, self.steps[0], "claimed")
            else:
                self._page(f"again:{signal}", 0, self.steps[0], "still-waiting")

    def _repeat(self) -> None:
        """Page again what nobody has claimed; a claim holds it back until it ends."""
        ledger = self.ledger
        told = {event.group for event in self.happened if isinstance(event, Paged)}
        for due_ms, index in _repeats(ledger, self.expectation):
            step, since_ms = self.steps[index], due_ms
            if due_ms > self.now_ms:
                continue
            if self.claimed:
                if index not in ledger.held:
                    ledger.held.append(index)
                    self._skip(index, step, "claimed")
                continue
            if index in ledger.held:
                ledger.held.remove(index)
                since_ms = max(due_ms, self.known.lapsed_ms or due_ms)
            ledger.paged_ms[index] = self.now_ms
            if step.group in told:
                continue  # another page has just said it
            ledger.rounds[index] = ledger.rounds.get(index, 0) + 1
            page = f"repeat:{index}:{ledger.rounds[index]}"
            self._page(page, index, step, "repeat", late_ms=self.now_ms - since_ms)

    def _hand_over(self, offer: Action) -> None:
        """Page whoever shall take a claim over; one that has ended meanwhile is nobody's to take."""
        ledger = self.ledger
        if offer.id in ledger.handed:
            return
        ledger.handed.append(offer.id)
        if offer.group is None or all(claim.by != giver(offer) for claim in self.moment.coming):
            return
        step = PageStep(left_ms=0, group=offer.group, unless_claimed=offer.person is None)
        self._page(f"handed:{len(ledger.handed)}", 0, step, "handed-over", person=offer.person)

    def _end_of_line(self) -> None:
        """Nobody is on it any more: where nothing else would follow, the last group is told."""
        lapse, ledger = self.known.lapse, self.ledger
        if lapse is None or lapse.last == ledger.lapse:
            return
        ledger.lapse = lapse.last
        paged = any(isinstance(event, Paged) for event in self.happened)
        if paged or not self.steps or _repeats(ledger, self.expectation) or not self._all_decided():
            return
        ledger.lapses += 1
        self._page(f"lapsed:{ledger.lapses}", len(self.steps) - 1, self.steps[-1], "claim-lapsed")

    def _all_decided(self) -> bool:
        return all(step in self.ledger.steps for step in range(len(self.steps)))

    def _page(
        self, page: str, index: int, step: PageStep, reason: PageReason, *, late_ms: int = 0, person: str | None = None
    ) -> None:
        """Page a group; `page` tells it from all other pages of this moment."""
        if step.group not in self.ledger.told:
            self.ledger.told.append(step.group)
        self.happened.append(
            Paged(
                moment=self.moment.id,
                at_ms=self.now_ms,
                page=f"{self.moment.id}:{page}",
                step=index,
                group=step.group,
                reason=reason,
                signal=self.case.threat_name if reason == "threatened" else None,
                left_ms=self.moment.ends_ms - self.now_ms,
                late_ms=late_ms,
                cancels=step.unless_claimed or reason in ("threatened", "still-waiting", "repeat"),
                person=person,
            )
        )

    def _skip(self, index: int, step: PageStep, because: Literal["claimed", "superseded"]) -> None:
        """Say that a group is not paged, and why."""
        skipped = PageSkipped(moment=self.moment.id, at_ms=self.now_ms, step=index, group=step.group, because=because)
        self.happened.append(skipped)


def next_page(known: Published, expectation: Expectation, *, after_ms: int = -1) -> int | None:
    """Return when the next undecided step, or repeat, is due; None where none is left or it has ended."""
    ledger, case, moment = known.ledger, known.case, known.moment
    if moment.state == "ended":
        return None
    times = [due_ms for step, due_ms in enumerate(page_times(case, expectation)) if step not in ledger.steps]
    times += [at_ms for at_ms, _ in _unanswered(ledger, case)]
    if case.threat_signal is not None and not ledger.alarmed:
        times.append(_next_alarm(ledger))
    if ledger.paged_ms:
        claimed = moment.claimed_ms is not None
        times += [due_ms for due_ms, step in _repeats(ledger, expectation) if not (claimed and step in ledger.held)]
    return min((at_ms for at_ms in times if at_ms > after_ms), default=None)


def next_repeat(ledger: Ledger, expectation: Expectation) -> tuple[int, int] | None:
    """Return when the next repeat is due, and of which step; None where none is left."""
    return min(_repeats(ledger, expectation), default=None)


def next_again(ledger: Ledger, case: Case) -> int | None:
    """Return when the first group is told once more that customers are still waiting; None where it is not."""
    return min((at_ms for at_ms, _ in _unanswered(ledger, case)), default=None)


def stand_down(ledger: Ledger, moment: Moment, now_ms: int) -> list[AnyEvent]:
    """Tell those who were paged, once, that it is over."""
    ledger.forget_alarm()
    ledger.alarmed_ms = None
    if not ledger.told:
        return []
    groups = tuple(ledger.told)
    ledger.told.clear()
    ledger.over = True
    return [StoodDown(moment=moment.id, at_ms=now_ms, groups=groups)]


def _repeats(ledger: Ledger, expectation: Expectation) -> list[tuple[int, int]]:
    """Return (due, step) of each step that is repeated: the last one sent to its group."""
    made = []
    for index, last_ms in ledger.paged_ms.items():
        if index >= len(expectation.pages):
            continue  # it turned out to have opened earlier, under a plan with fewer steps
        step = expectation.pages[index]
        later = [other for other in range(index + 1, len(expectation.pages)) if ledger.steps.get(other) == "sent"]
        if step.repeat_ms and all(expectation.pages[other].group != step.group for other in later):
            made.append((last_ms + step.repeat_ms, index))
    return made


def _unanswered(ledger: Ledger, case: Case) -> list[tuple[int, str]]:
    """Return (due, signal) of each press on a failed moment that nobody has been told of yet."""
    return [(at_ms + STILL_WAITING_AFTER_MS, signal) for at_ms, signal in case.again if signal not in ledger.again]


def _next_alarm(ledger: Ledger) -> int:
    """Return from when on a signal that threatens may page."""
    return 0 if ledger.alarmed_ms is None else ledger.alarmed_ms + ALARM_AGAIN_AFTER_MS

"""Who must be told now: the escalation of one moment, by time left.

A page is (moment, step) and is sent once. The ladder is decided at the real "now", after everything that has been
received is folded, because a page is about people, not about verdicts: of several overdue steps one per group goes,
and what is over pages nobody.

The end of the line is never silent: a step may be repeated until somebody has claimed, and where everybody has been
told and whoever was on it gives up, the last group is told once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.case import Case
from andgate.moment.claims import Lapse, giver
from andgate.moment.events import AnyEvent, Paged, PageReason, PageSkipped, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.moment.view import page_times
from andgate.plan import Expectation, PageStep

OVERDUE_MS = 1_000
"""A page decided later than this after its time is late."""

STILL_WAITING_AFTER_MS = 2_500
"""A press on a failed moment may begin a hold to reset it: the repeat waits until the hold would have named it."""

Fate = Literal["sent", "claimed", "superseded"]


class Ledger(Struct, kw_only=True, omit_defaults=True):
    """What has become of one moment's pages. Kept apart from the moment, so that no refold repeats a page."""

    steps: dict[int, Fate] = {}
    """Step -> what became of it; a step that is not here has not been due."""
    alarmed: bool = False
    """What to page for the signal that threatens it has been decided."""
    again: list[str] = []
    """Opening signals of a failed moment whose "still waiting" has been decided."""
    told: list[str] = []
    """Groups that were paged and not yet told that it is over."""
    reopenings: int = 0
    over: bool = False
    """Those paged have been told that it is over."""
    paged_ms: dict[int, int] = {}
    """Step that is repeated -> when its group was paged last."""
    rounds: dict[int, int] = {}
    """Step -> how often it was repeated."""
    held: list[int] = []
    """Steps whose repeat is not sent while a claim stands."""
    handed: list[str] = []
    """Actions that handed a claim over, for which it has been decided whom to page."""
    lapse: str | None = None
    """The last claim, whose end has been looked at; see `Lapse`."""
    lapses: int = 0
    """How often the last group was told so because nothing else would have followed."""


def next_repeat(ledger: Ledger, expectation: Expectation) -> tuple[int, int] | None:
    """Return when the next repeat is due, and of which step; None where none is left."""
    return min(_repeats(ledger, expectation), default=None)


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


def next_page(
    ledger: Ledger, case: Case, moment: Moment, expectation: Expectation, *, after_ms: int = -1
) -> int | None:
    """Return when the next undecided step, or repeat, is due; None where none is left or it has ended."""
    if moment.state == "ended":
        return None
    times = [due for step, due in enumerate(page_times(case, expectation)) if step not in ledger.steps]
    times += [at_ms + STILL_WAITING_AFTER_MS for at_ms, signal in case.again if signal not in ledger.again]
    if ledger.paged_ms:
        claimed = moment.claimed_ms is not None
        times += [due for due, step in _repeats(ledger, expectation) if not (claimed and step in ledger.held)]
    return min((at_ms for at_ms in times if at_ms > after_ms), default=None)


def decide(  # noqa: PLR0913 - a page depends on all this
    ledger: Ledger,
    case: Case,
    moment: Moment,
    expectation: Expectation,
    now_ms: int,
    *,
    lapsed_ms: int | None,
    waits: bool,
    lapse: Lapse | None = None,
    offers: Sequence[Action] = (),
) -> list[AnyEvent]:
    """Decide every page that is due, and write it into the ledger.

    Args:
        ledger: changed in place.
        case: the moment as the fold has it.
        moment: as it is published.
        expectation: of the plan it is judged by.
        now_ms: the real now.
        lapsed_ms: when the last claim lapsed or was given back, if one did and none stands.
        waits: more of a backlog is on its way, so what is overdue already waits for it.
        lapse: nobody is on it any more; None while somebody is, or never was.
        offers: claims that were handed over.
    """
    if moment.state == "ended":
        return stand_down(ledger, moment, now_ms)
    happened: list[AnyEvent] = []
    if ledger.over:
        happened += _reopen(ledger, moment, expectation, now_ms)
    claimed = moment.claimed_ms is not None
    if case.threat_signal is not None and not ledger.alarmed:
        happened += _alarm(ledger, case, moment, expectation, now_ms, claimed=claimed)
    due = _due(ledger, case, expectation, now_ms, claimed=claimed, waits=waits)
    last_of = {step.group: index for index, step, _ in due if not (claimed and step.unless_claimed)}
    for index, step, due_ms in due:
        was = ledger.steps.get(index)
        if claimed and step.unless_claimed:
            ledger.steps[index] = "claimed"
            happened.append(
                PageSkipped(moment=moment.id, at_ms=now_ms, step=index, group=step.group, because="claimed")
            )
        elif last_of[step.group] != index:
            ledger.steps[index] = "superseded"
            happened.append(
                PageSkipped(moment=moment.id, at_ms=now_ms, step=index, group=step.group, because="superseded")
            )
        else:
            since_ms = due_ms if was is None or lapsed_ms is None else max(due_ms, lapsed_ms)
            ledger.steps[index] = "sent"
            if step.repeat_ms:
                ledger.paged_ms[index] = now_ms
            happened.append(
                _page(
                    ledger,
                    moment,
                    f"{moment.id}:{index}",
                    index,
                    step,
                    "claim-lapsed" if was == "claimed" else "time-left",
                    now_ms,
                    late_ms=max(0, now_ms - since_ms),
                )
            )
    happened += _still_waiting(ledger, case, moment, expectation, now_ms, claimed=claimed)
    if ledger.paged_ms:
        told = {event.group for event in happened if isinstance(event, Paged)}
        happened += _repeat(ledger, moment, expectation, now_ms, told, lapsed_ms=lapsed_ms, claimed=claimed)
    if offers:
        happened += _hand_over(ledger, moment, offers, now_ms)
    if lapse is not None and lapse.last != ledger.lapse:
        ledger.lapse = lapse.last
        if not any(isinstance(event, Paged) for event in happened):
            happened += _end_of_line(ledger, moment, expectation, now_ms)
    return happened


def _repeat(
    ledger: Ledger,
    moment: Moment,
    expectation: Expectation,
    now_ms: int,
    told: set[str],
    *,
    lapsed_ms: int | None,
    claimed: bool,
) -> list[AnyEvent]:
    """Page again what nobody has claimed; a claim holds it back until it ends."""
    happened: list[AnyEvent] = []
    for due_ms, index in _repeats(ledger, expectation):
        step = expectation.pages[index]
        if due_ms > now_ms:
            continue
        if claimed:
            if index not in ledger.held:
                ledger.held.append(index)
                because = PageSkipped(moment=moment.id, at_ms=now_ms, step=index, group=step.group, because="claimed")
                happened.append(because)
            continue
        since_ms = due_ms
        if index in ledger.held:
            ledger.held.remove(index)
            since_ms = max(due_ms, lapsed_ms or due_ms)
        ledger.paged_ms[index] = now_ms
        if step.group in told:
            continue  # another page has just said it
        told.add(step.group)
        ledger.rounds[index] = ledger.rounds.get(index, 0) + 1
        page = f"{moment.id}:repeat:{index}:{ledger.rounds[index]}"
        happened.append(_page(ledger, moment, page, index, step, "repeat", now_ms, late_ms=now_ms - since_ms))
    return happened


def _hand_over(ledger: Ledger, moment: Moment, offers: Sequence[Action], now_ms: int) -> list[AnyEvent]:
    """Page whoever shall take a claim over; one that has ended meanwhile is nobody's to take."""
    happened: list[AnyEvent] = []
    on_it = {claim.by for claim in moment.coming}
    for offer in offers:
        if offer.id in ledger.handed:
            continue
        ledger.handed.append(offer.id)
        if giver(offer) not in on_it or offer.group is None:
            continue
        step = PageStep(left_ms=0, group=offer.group, unless_claimed=offer.person is None)
        page = f"{moment.id}:handed:{len(ledger.handed)}"
        paged = _page(ledger, moment, page, 0, step, "handed-over", now_ms, late_ms=0)
        happened.append(replace(paged, person=offer.person))
    return happened


def _end_of_line(ledger: Ledger, moment: Moment, expectation: Expectation, now_ms: int) -> list[AnyEvent]:
    """Nobody is on it any more: where nothing else would follow, the last group is told."""
    steps = expectation.pages
    if not steps or _repeats(ledger, expectation) or any(step not in ledger.steps for step in range(len(steps))):
        return []
    ledger.lapses += 1
    page = f"{moment.id}:lapsed:{ledger.lapses}"
    return [_page(ledger, moment, page, len(steps) - 1, steps[-1], "claim-lapsed", now_ms, late_ms=0)]


def _due(
    ledger: Ledger, case: Case, expectation: Expectation, now_ms: int, *, claimed: bool, waits: bool
) -> list[tuple[int, PageStep, int]]:
    """Return the steps to decide now: due and undecided, or skipped for a claim that no longer stands."""
    due = []
    for index, (step, due_ms) in enumerate(zip(expectation.pages, page_times(case, expectation), strict=True)):
        if due_ms > now_ms:
            continue
        was = ledger.steps.get(index)
        if was is None and waits and now_ms - due_ms > OVERDUE_MS:
            continue
        if was is None or (was == "claimed" and not claimed):
            due.append((index, step, due_ms))
    return due


def _page(
    ledger: Ledger,
    moment: Moment,
    page: str,
    index: int,
    step: PageStep,
    reason: PageReason,
    now_ms: int,
    *,
    late_ms: int,
) -> Paged:
    if step.group not in ledger.told:
        ledger.told.append(step.group)
    return Paged(
        moment=moment.id,
        at_ms=now_ms,
        page=page,
        step=index,
        group=step.group,
        reason=reason,
        left_ms=moment.ends_ms - now_ms,
        late_ms=late_ms,
        cancels=step.unless_claimed or reason in ("threatened", "still-waiting", "repeat"),
    )


def _still_waiting(
    ledger: Ledger, case: Case, moment: Moment, expectation: Expectation, now_ms: int, *, claimed: bool
) -> list[AnyEvent]:
    """Page the first group again for each opening signal that met a failed moment; a claim cancels such repeats."""
    happened: list[AnyEvent] = []
    for at_ms, signal in case.again:
        if signal in ledger.again or now_ms < at_ms + STILL_WAITING_AFTER_MS:
            continue
        ledger.again.append(signal)
        if not expectation.pages:
            continue
        step = expectation.pages[0]
        if claimed:
            happened.append(PageSkipped(moment=moment.id, at_ms=now_ms, step=0, group=step.group, because="claimed"))
        else:
            page = f"{moment.id}:again:{signal}"
            happened.append(_page(ledger, moment, page, 0, step, "still-waiting", now_ms, late_ms=0))
    return happened


def _alarm(
    ledger: Ledger, case: Case, moment: Moment, expectation: Expectation, now_ms: int, *, claimed: bool
) -> list[AnyEvent]:
    """A signal threatens it before the clock does: the first group learns of it now; its step still comes."""
    ledger.alarmed = True
    if not expectation.pages or page_times(case, expectation)[0] <= now_ms:
        return []
    step = expectation.pages[0]
    if claimed:
        return [PageSkipped(moment=moment.id, at_ms=now_ms, step=0, group=step.group, because="claimed")]
    page = _page(ledger, moment, f"{moment.id}:threat", 0, step, "threatened", now_ms, late_ms=0)
    return [replace(page, signal=case.threat_name)]


def _reopen(ledger: Ledger, moment: Moment, expectation: Expectation, now_ms: int) -> list[AnyEvent]:
    """It had been over for those paged, and is open again.

    The steps not yet sent go on as planned; only where none is left somebody must be told anew, or nobody would be.
    """
    ledger.over = False
    ledger.reopenings += 1
    if any(step not in ledger.steps for step in range(len(expectation.pages))) or not expectation.pages:
        return []
    last = len(expectation.pages) - 1
    page = f"{moment.id}:reopened:{ledger.reopenings}"
    return [_page(ledger, moment, page, last, expectation.pages[last], "reopened", now_ms, late_ms=0)]


def release(ledger: Ledger, moment: Moment, expectation: Expectation, group: str, now_ms: int) -> list[AnyEvent]:
    """Tell a group how things stand, whose pages about an open moment were kept back until now.

    As its last step would: whoever need not have been told, since somebody is on it, need not be told now.
    """
    if moment.level in ("open", "ended"):
        return []
    steps = [(index, step) for index, step in enumerate(expectation.pages) if step.group == group]
    index, step = max((each for each in steps if each[0] in ledger.steps), default=(0, PageStep(0, group)))
    if step.unless_claimed and moment.claimed_ms is not None:
        return [PageSkipped(moment=moment.id, at_ms=now_ms, step=index, group=group, because="claimed")]
    page = f"{moment.id}:quiet-over:{group}:{now_ms}"
    return [_page(ledger, moment, page, index, step, "quiet-over", now_ms, late_ms=0)]


def stand_down(ledger: Ledger, moment: Moment, now_ms: int) -> list[AnyEvent]:
    """Tell those who were paged, once, that it is over."""
    if not ledger.told:
        return []
    groups = tuple(ledger.told)
    ledger.told.clear()
    ledger.over = True
    return [StoodDown(moment=moment.id, at_ms=now_ms, groups=groups)]

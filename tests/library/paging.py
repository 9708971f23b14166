"""Who is on it and who is told, as slowly and as plainly as it can be said: rule 16 and decisions 0010 and 0038.

`Desk` is somebody who sits beside the engine with a notebook. At every instant at which anything might be due it looks
at the moments as the obvious fold says them, at what people have said, and at what it has noted, and says who is to be
told now. Nothing is worked out ahead and nothing is remembered but the notes. It was written from the rules alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from andgate.moment.signals import Action, Replanned, Signal
from andgate.plan import PageStep, Plan
from tests.library.fold import DAY_MS, Running, fold, in_order, standing

HOLD_TO_RESET_MS = 2_500
CHATTER_MS = 30_000


@dataclass(frozen=True)
class Said:
    """Somebody was told something, or was not, and why."""

    at_ms: int
    moment: str
    """The signal that first opened it."""
    what: str
    """``paged``, ``skipped`` or ``over``."""
    group: str
    step: int = 0
    why: str = ""
    late_ms: int = 0
    person: str | None = None


@dataclass
class Page:
    """What is in the notebook about one moment."""

    fates: dict[int, str] = field(default_factory=dict)
    """Of each step that was decided."""
    carrying: list[str] = field(default_factory=list)
    """Groups that were paged and have not heard that it is over."""
    was_over: bool = False
    was_claimed: bool = False
    free_since_ms: int | None = None
    """When it was seen last that nobody is on it any more."""
    alarmed: bool = False
    alarmed_ms: float = -inf
    still: set[str] = field(default_factory=set)
    """Presses on it after it had failed that were told."""
    told_ms: dict[int, int] = field(default_factory=dict)
    """Step that repeats -> when that was said last."""
    kept_back: set[int] = field(default_factory=set)
    """Steps whose repeat waits for the end of a claim."""
    handed: set[str] = field(default_factory=set)
    line_ended_after: str | None = None
    """The last claim after which it was looked whether anybody else will be told."""


@dataclass(frozen=True)
class OnIt:
    """Somebody is on it."""

    by: str
    until_ms: float


class Desk:
    """Looks on, and says who is to be told."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.signals: list[Signal] = []
        self.actions: list[Action] = []
        self.plans: list[Replanned] = []
        self.notes: dict[str, Page] = {}
        self.said: list[Said] = []
        self.now_ms = 0

    def hear(self, inputs: Iterable[Signal | Action | Replanned], now_ms: int) -> None:
        """Take one message in, after everything that was due before it; an action names the first signal."""
        self.sleep(now_ms)
        for each in inputs:
            if isinstance(each, Signal):
                self.signals.append(each)
            elif isinstance(each, Action):
                self.actions.append(each)
            else:
                self.plans.append(each)
        self.look(now_ms)

    def sleep(self, until_ms: int) -> None:
        """Look at every instant up to a time."""
        while (due_ms := min((at_ms for at_ms in self.instants() if at_ms > self.now_ms), default=inf)) <= until_ms:
            self.look(int(due_ms))
        self.look(until_ms)

    def moments(self, now_ms: int) -> list[Running]:
        """Return every moment as the obvious fold has it."""
        folded = in_order(self.signals, DAY_MS)
        steps: list[tuple[int, int, tuple[object, ...], Signal | Action | Replanned]] = [
            *((change.at_ms, 0, (), change) for change in self.plans),
            *((signal.at_ms, 1, signal.order, signal) for signal in folded),
            *((action.at_ms, 2, (action.id,), action) for action in standing(self.actions)),
        ]
        ordered = [step[3] for step in sorted(steps, key=lambda step: step[:3]) if step[0] <= now_ms]
        names = {name for each in (self.plan, *(change.plan for change in self.plans)) for name in each.expectations}
        return [each for name in sorted(names) for each in fold(name, self.plan, ordered, now_ms)]

    def instants(self) -> Iterator[float]:
        """Yield every time at which anything may be due, past ones too."""
        for each in self.moments(self.now_ms):
            page = self.notes.setdefault(self.name(each), Page())
            yield from (each.gives_up_ms, each.deadline_ms)
            yield from (at_ms for at_ms in (each.ask_ms, each.void_ms) if at_ms is not None)
            yield from due_times(each)
            yield page.alarmed_ms + CHATTER_MS
            yield from (press.at_ms + HOLD_TO_RESET_MS for press in each.still_waiting)
            for step, at_ms in page.told_ms.items():
                yield at_ms + (each.promise.pages[step].repeat_ms or 0) if step < len(each.promise.pages) else inf
            yield from (one.until_ms for one in on_it(each, self.about(each), self.now_ms))

    def name(self, moment: Running) -> str:
        """Return the signal by which a moment is noted: a late one that opened it before does not change that (9)."""
        openers = [opener.id for opener in moment.openers]
        return next((name for name in openers if name in self.notes), openers[0])

    def about(self, moment: Running) -> list[Action]:
        """Return what people said about a moment, in order."""
        openers = {opener.id for opener in moment.openers}
        return sorted((each for each in self.actions if each.moment in openers), key=lambda one: (one.at_ms, one.id))

    def look(self, now_ms: int) -> None:
        """Tell who is to be told at this instant."""
        self.now_ms = now_ms
        for each in self.moments(now_ms):
            self.tell(each, self.notes.setdefault(self.name(each), Page()), now_ms)

    def tell(self, moment: Running, page: Page, now_ms: int) -> None:
        """Tell who is to be told of one moment."""
        name, said = self.name(moment), self.about(moment)
        there = on_it(moment, said, now_ms if moment.ended_ms is None else moment.ended_ms)
        claimed = len(there) >= (moment.promise.needs or 1)
        if page.was_claimed and not claimed:
            page.free_since_ms = now_ms
        line_ended = page.was_claimed and not claimed
        page.was_claimed = claimed
        if moment.ended_ms is not None:
            page.alarmed, page.alarmed_ms = False, -inf
            for group in page.carrying:
                self.said.append(Said(now_ms, name, "over", group))
                page.was_over = True
            page.carrying = []
            return
        before = len(self.said)
        if page.was_over:
            self.open_again(moment, page, now_ms)
        self.threatened(moment, page, now_ms, claimed=claimed)
        self.climb(moment, page, now_ms, claimed=claimed)
        self.press_again(moment, page, now_ms, claimed=claimed)
        self.repeat(moment, page, now_ms, before, claimed=claimed)
        self.hand_over(moment, page, now_ms, there)
        claims = [each for each in said if each.do == "claim"]
        last = claims[-1] if claims else None
        if line_ended and last is not None and last.several and last.id != page.line_ended_after:
            page.line_ended_after = last.id
            self.end_of_line(moment, page, now_ms, before)

    def page(self, moment: Running, page: Page, now_ms: int, step: int, why: str, late_ms: int = 0) -> None:
        """Page the group of a step."""
        self.page_group(moment, page, now_ms, step, moment.promise.pages[step].group, why, late_ms)

    def page_group(
        self, moment: Running, page: Page, now_ms: int, step: int, group: str, why: str, late_ms: int = 0,
        person: str | None = None,
    ) -> None:  # fmt: skip
        if group not in page.carrying:
            page.carrying.append(group)
        self.said.append(Said(now_ms, self.name(moment), "paged", group, step, why, late_ms, person))

    def skip(self, moment: Running, now_ms: int, step: int, why: str) -> None:
        """Do not page the group of a step."""
        group = moment.promise.pages[step].group
        self.said.append(Said(now_ms, self.name(moment), "skipped", group, step, why))

    def open_again(self, moment: Running, page: Page, now_ms: int) -> None:
        """It was over for those who were paged: where no step is left the last group is told."""
        page.was_over = False
        steps = moment.promise.pages
        if steps and all(step in page.fates for step in range(len(steps))):
            self.page(moment, page, now_ms, len(steps) - 1, "reopened")
            page.alarmed = True

    def threatened(self, moment: Running, page: Page, now_ms: int, *, claimed: bool) -> None:
        """A signal threatens it before its first step is due: the first group is told, at most twice a minute."""
        if moment.threat_ms is None:
            page.alarmed = False
        elif not page.alarmed and now_ms - page.alarmed_ms >= CHATTER_MS:
            page.alarmed = True
            if moment.promise.pages and due_times(moment)[0] > now_ms:
                page.alarmed_ms = now_ms
                if claimed:
                    self.skip(moment, now_ms, 0, "claimed")
                else:
                    self.page(moment, page, now_ms, 0, "threatened")

    def climb(self, moment: Running, page: Page, now_ms: int, *, claimed: bool) -> None:
        """Each step that is due goes once: but not one that a claim spares, and of one group only the last."""
        due = [
            (number, step, due_ms)
            for number, (step, due_ms) in enumerate(zip(moment.promise.pages, due_times(moment), strict=True))
            if due_ms <= now_ms and (number not in page.fates or (page.fates[number] == "claimed" and not claimed))
        ]
        goes = [(number, step) for number, step, _ in due if not (claimed and step.unless_claimed)]
        for number, step, due_ms in due:
            if claimed and step.unless_claimed:
                page.fates[number] = "claimed"
                self.skip(moment, now_ms, number, "claimed")
            elif any(later > number and other.group == step.group for later, other in goes):
                page.fates[number] = "superseded"
                self.skip(moment, now_ms, number, "superseded")
            else:
                came_back = page.fates.get(number) == "claimed"
                since_ms = max(due_ms, page.free_since_ms or due_ms) if came_back else due_ms
                page.fates[number] = "sent"
                if step.repeat_ms:
                    page.told_ms[number] = now_ms
                self.page(moment, page, now_ms, number, "claim-lapsed" if came_back else "time-left", now_ms - since_ms)

    def press_again(self, moment: Running, page: Page, now_ms: int, *, claimed: bool) -> None:
        """Somebody presses after it has failed: they still wait; a press that begins a reset is known by then."""
        for press in moment.still_waiting:
            if press.id in page.still or press.at_ms + HOLD_TO_RESET_MS > now_ms:
                continue
            page.still.add(press.id)
            if moment.promise.pages and claimed:
                self.skip(moment, now_ms, 0, "claimed")
            elif moment.promise.pages:
                self.page(moment, page, now_ms, 0, "still-waiting")

    def repeat(self, moment: Running, page: Page, now_ms: int, before: int, *, claimed: bool) -> None:
        """Say again what nobody has answered, by the last step of each group; a claim keeps it back."""
        for step in page.told_ms:
            if step not in repeating(moment, page) or self.next_repeat(moment, page, step) > now_ms:
                continue
            due_ms = self.next_repeat(moment, page, step)
            group = moment.promise.pages[step].group
            if claimed:
                if step not in page.kept_back:
                    self.skip(moment, now_ms, step, "claimed")
                page.kept_back.add(step)
                continue
            if step in page.kept_back:
                due_ms = max(due_ms, page.free_since_ms or due_ms)
            page.kept_back.discard(step)
            page.told_ms[step] = now_ms
            if not any(one.what == "paged" and one.group == group for one in self.said[before:]):
                self.page(moment, page, now_ms, step, "repeat", now_ms - due_ms)

    def next_repeat(self, moment: Running, page: Page, step: int) -> int:
        """Return when a step is to be said again."""
        return page.told_ms[step] + (moment.promise.pages[step].repeat_ms or 0)

    def hand_over(self, moment: Running, page: Page, now_ms: int, there: Sequence[OnIt]) -> None:
        """Page whoever shall take over what somebody is on."""
        for each in self.about(moment):
            if each.do == "hand-over" and each.id not in page.handed:
                page.handed.add(each.id)
                if each.group is not None and (each.whose or each.by) in [one.by for one in there]:
                    self.page_group(moment, page, now_ms, 0, each.group, "handed-over", 0, each.person)

    def end_of_line(self, moment: Running, page: Page, now_ms: int, before: int) -> None:
        """Nobody is on it any more: if nobody would ever be told, the last group is."""
        steps = moment.promise.pages
        told = any(one.what == "paged" for one in self.said[before:])
        if steps and not told and all(step in page.fates for step in range(len(steps))) and not repeating(moment, page):
            self.page(moment, page, now_ms, len(steps) - 1, "claim-lapsed")


def due_times(moment: Running) -> list[int]:
    """When each step is due: by the time left, never before it opened, or before a signal failed it."""
    first_ms = moment.deadline_ms if moment.failed_by_signal else moment.opened_ms
    return [max(first_ms, moment.deadline_ms - step.left_ms) for step in moment.promise.pages]


def repeating(moment: Running, page: Page) -> list[int]:
    """Which steps are said again: of those that went and repeat, the last one to its group."""
    steps: tuple[PageStep, ...] = moment.promise.pages
    sent = [number for number, fate in page.fates.items() if fate == "sent" and number < len(steps)]
    return [
        number
        for number in sent
        if steps[number].repeat_ms
        and not any(other > number and steps[other].group == steps[number].group for other in sent)
    ]


def on_it(moment: Running, said: Sequence[Action], now_ms: int) -> list[OnIt]:
    """Who is on it, first come first; `said` is about this moment, in order."""
    there: list[OnIt] = []
    offers: list[Action] = []
    for each in said:
        there = [one for one in there if one.until_ms > each.at_ms]
        names = [one.by for one in there]
        if each.do == "hand-over":
            offers.append(each)
        elif each.do == "claim":
            offers = [one for one in offers if (one.whose or one.by) in names and (one.whose or one.by) != each.by]
            taken = [one.whose or one.by for one in offers if one.person in (None, each.by)][:1]
            leave = {each.by, *taken} if each.several else set(names)
            there = [one for one in there if one.by not in leave] + [OnIt(each.by, until(moment, each))]
        elif each.do == "unclaim":
            whose = each.whose or each.by
            if whose in names:
                there = [one for one in there if one.by != whose]
            elif each.whose is None:
                there = there[:-1]
    return [one for one in there if one.until_ms > now_ms]


def until(moment: Running, claim: Action) -> float:
    """When a claim lapses by itself: as promised, else at the next page that it does not spare, or the deadline."""
    if claim.promise_ms is not None:
        return claim.at_ms + claim.promise_ms
    times = [
        due_ms for step, due_ms in zip(moment.promise.pages, due_times(moment), strict=True) if not step.unless_claimed
    ]
    return min((at_ms for at_ms in (*times, moment.deadline_ms) if at_ms > claim.at_ms), default=inf)

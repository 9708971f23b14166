"""Plays a day to the engine and keeps everything it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from andgate.moment.engine import Engine, Step
from andgate.moment.events import AnyEvent, Paged, PageSkipped, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, ActionKind, Input
from andgate.plan import Plan
from tests.library.fold import DAY_MS, Judged, in_line

PAGING = (Paged, PageSkipped, StoodDown)
"""Events that tell what was sent: they depend on when the hub knew, as nobody is paged for what is over."""


@dataclass(frozen=True)
class Person:
    """Somebody who does something about an open moment, whichever is there when they come."""

    do: ActionKind
    which: int
    promise_ms: int | None = None
    several: bool = False

    def about(self, moments: Sequence[Moment], now_ms: int) -> Action | None:
        """Say it of one of these moments."""
        if not moments:
            return None
        return Action(
            id=f"{self.do}/{now_ms}/{self.which}",
            do=self.do,
            moment=moments[self.which % len(moments)].id,
            at_ms=now_ms,
            by=f"p{self.which}",
            promise_ms=self.promise_ms,
            reason="why",
            several=self.several,
            group="supervisors" if self.do == "hand-over" else None,
        )


Message = tuple[int, Sequence[Input | Person]]


@dataclass
class Watch:
    """An engine, and the record of what it has published and decided."""

    engine: Engine
    steps: list[Step] = field(default_factory=list)
    events: list[AnyEvent] = field(default_factory=list)
    published: list[Moment] = field(default_factory=list)
    latest: dict[str, Moment] = field(default_factory=dict)

    @classmethod
    def over(cls, plan: Plan, *, horizon_ms: int = DAY_MS) -> Watch:
        """Begin with nothing seen."""
        return cls(Engine(plan, horizon_ms=horizon_ms))

    def receive(self, inputs: Iterable[Input | Person], now_ms: int, *, more: bool = False) -> Step:
        """Hand one message to the engine."""
        open_moments = self.engine.open_moments()
        said = [each.about(open_moments, now_ms) if isinstance(each, Person) else each for each in inputs]
        return self._take(self.engine.receive([each for each in said if each is not None], now_ms, more=more))

    def advance(self, now_ms: int) -> Step:
        """Let time pass in one leap."""
        return self._take(self.engine.advance(now_ms))

    def wake(self, now_ms: int) -> None:
        """Let time pass, waking at every deadline on the way."""
        while (due_ms := self.engine.next_deadline()) is not None and due_ms <= now_ms:
            self.advance(due_ms)
            again = self.engine.next_deadline()
            assert again is None or again > due_ms, "the engine wants to wake at the same instant for ever"
        self.advance(now_ms)

    def _take(self, step: Step) -> Step:
        for moment in step.published:
            before = self.latest.get(moment.id)
            assert moment.change == (before.change + 1 if before else 1), "change grows by one with each publication"
            assert before is None or moment.revision >= before.revision
            spoken_of = any(event.moment == moment.id for event in step.events)
            assert spoken_of or before is None or moment != replace(before, change=moment.change), "nothing new"
            self.latest[moment.id] = moment
        self.steps.append(step)
        self.events.extend(step.events)
        self.published.extend(step.published)
        return step

    @property
    def living(self) -> list[Moment]:
        """The moments as they were last published, without the withdrawn."""
        return [moment for moment in self.latest.values() if not moment.withdrawn]

    @property
    def judged(self) -> list[Judged]:
        """The moments as the obvious fold says them."""
        return in_line(judged_of(moment) for moment in self.living)

    def decided(self) -> list[AnyEvent]:
        """Return what was decided, pages aside."""
        return [event for event in self.events if not isinstance(event, PAGING)]


def judged_of(moment: Moment) -> Judged:
    """Say a published moment as the obvious fold says it."""
    closed_or_void = moment.verdict == "void" or moment.reason == "never closed"
    return Judged(
        expectation=moment.expectation,
        opened_ms=moment.opened_ms,
        touchpoint=moment.touchpoint,
        key=moment.key,
        ends_ms=moment.ends_ms,
        threatened_ms=moment.threatened_ms,
        closed_ms=moment.closed_ms,
        ended_ms=moment.ended_ms,
        state=moment.state,
        verdict=moment.verdict,
        saved=moment.saved,
        answered=moment.answered,
        provisional=moment.provisional,
        reason=moment.reason if closed_or_void else None,
        late_s=moment.late_s,
        anomaly=moment.anomaly,
        sensor=moment.sensor,
        contradicted_ms=moment.contradicted_ms,
        asks_until_ms=moment.asks_until_ms,
        witnesses=moment.witnesses,
    )


def play(
    plan: Plan,
    messages: Sequence[Message],
    until_ms: int,
    *,
    horizon_ms: int = DAY_MS,
    punctual: bool = False,
    after: Callable[[Watch, int], None] | None = None,
) -> Watch:
    """Play messages (when, what) to a new engine, then let time pass to the end; `after` is called after each."""
    watch = Watch.over(plan, horizon_ms=horizon_ms)
    for now_ms, inputs in messages:
        if punctual:
            watch.wake(now_ms)
        watch.receive(inputs, now_ms)
        if after is not None:
            after(watch, now_ms)
    if punctual:
        watch.wake(until_ms)
    else:
        watch.advance(until_ms)
    if after is not None:
        after(watch, until_ms)
    return watch

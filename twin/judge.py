"""A judge in virtual time: the real engine and its routing, with nothing between it and the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from andgate.moment.engine import Engine, Step
from andgate.moment.events import Paged, StoodDown
from andgate.moment.gate import Serving
from andgate.moment.moments import Moment
from andgate.moment.signals import RELEASED, SERVING, Action, Input, Signal
from andgate.plan import Plan
from andgate.routing import deliveries
from twin.feed import FEED
from twin.happenings import Answered, Beep, Gave, Reported
from twin.wires import Seen


class Judge(Protocol):
    """What the virtual day is played before."""

    def next_ms(self) -> int | None:
        """Return when it has something to decide by itself, UTC milliseconds."""

    def shown(self, touchpoint: str) -> str | None:
        """Return the key that a sign at a touchpoint shows as the one its button closes."""

    def hear(
        self, seen: Sequence[Seen], reported: Sequence[Reported], answered: Sequence[Answered | Gave], now_ms: int
    ) -> list[Beep]:
        """Take what has come in by now, let time pass up to now, and return which pagers beep."""


class EngineJudge:
    """Judges with the engine itself, and keeps the last publication of every moment."""

    def __init__(self, plan: Plan) -> None:
        """Begin with nothing received."""
        self._engine = Engine(plan)
        self._answers = 0
        self.moments: dict[str, Moment] = {}
        """Every moment that was ever published, by id, as it was published last."""
        self.servings: dict[tuple[str, str], Serving] = {}
        """Which keys were served where, by touchpoint and key."""
        self.pages = 0
        """How often a group was paged."""

    def next_ms(self) -> int | None:
        """Return the engine's next deadline."""
        return self._engine.next_deadline()

    def shown(self, touchpoint: str) -> str | None:
        """Return the key of the open moment there with the nearest deadline."""
        return shown_key(self._engine.open_moments(), touchpoint)

    def hear(
        self, seen: Sequence[Seen], reported: Sequence[Reported], answered: Sequence[Answered | Gave], now_ms: int
    ) -> list[Beep]:
        """Judge everything as one message each, as the hub does."""
        beeps: list[Beep] = []
        for one in reported:
            self._note(one)
        messages: list[Input] = [node_signal(one, now_ms) for one in seen]
        messages += [feed_signal(one, now_ms) for one in reported]
        messages += [action for one in answered if (action := self._act(one)) is not None]
        for message in messages:
            beeps += self._publish(self._engine.receive((message,), now_ms))
        if not messages:
            beeps += self._publish(self._engine.advance(now_ms))
        return beeps

    def _note(self, reported: Reported) -> None:
        at, key = reported.touchpoint, reported.key
        if key is not None and reported.signal == SERVING:
            self.servings[at, key] = Serving(at, key, reported.at_ms)
        elif key is not None and reported.signal == RELEASED and (at, key) in self.servings:
            self.servings[at, key] = Serving(at, key, self.servings[at, key].from_ms, reported.at_ms)

    def _act(self, answered: Answered | Gave) -> Action | None:
        moment = self._engine.moment(answered.moment)
        if moment is None or moment.state == "ended" or moment.withdrawn:
            return None
        self._answers += 1
        if isinstance(answered, Gave):
            return given(answered, id=f"twin-{self._answers}")
        return Action(
            id=f"twin-{self._answers}",
            do="claim",
            moment=answered.moment,
            at_ms=answered.at_ms,
            by=answered.by,
            promise_ms=round(answered.promise_s * 1000),
            first=answered.first,
        )

    def _publish(self, step: Step) -> list[Beep]:
        for moment in step.published:
            self.moments[moment.id] = moment
        beeps = beeps_of(step, self.moments, self._engine.plan)
        self.pages += sum(not one.over for one in beeps)
        return beeps


def shown_key(moments: Sequence[Moment], touchpoint: str) -> str | None:
    """Return the key of the open moment at a touchpoint with the nearest deadline: what its sign shows first."""
    keyed = [
        moment
        for moment in moments
        if moment.touchpoint == touchpoint and moment.key is not None and moment.remedies is None
    ]
    return min(keyed, key=lambda moment: (moment.ends_ms, moment.opened_ms)).key if keyed else None


def beeps_of(step: Step, moments: dict[str, Moment], plan: Plan) -> list[Beep]:
    """Return the pagers that beep after a step: pages, and the word that it is over; once a group."""
    beeps: dict[tuple[str, str], Beep] = {}
    for event in step.events:
        if isinstance(event, Paged | StoodDown):
            moment = moments[event.moment]
            for delivery in deliveries(event, moment, plan):
                beeps[delivery.page, delivery.group] = beep(
                    moment, page=delivery.page, group=delivery.group, over=delivery.kind == "over"
                )
    return list(beeps.values())


def beep(moment: Moment, *, page: str, group: str, over: bool) -> Beep:
    """Return what a pager's owner understands of a page about a moment."""
    return Beep(
        page=page,
        group=group,
        moment=moment.id,
        expectation=moment.expectation,
        touchpoint=moment.touchpoint,
        key=moment.key,
        over=over,
    )


def given(gave: Gave, *, id: str) -> Action:
    """Return what somebody gave as the action that the hub would make of it."""
    words = ", ".join(gave.gave)
    return Action(id=id, do="remedy", moment=gave.moment, at_ms=gave.at_ms, by=gave.by, reason=words, gave=gave.gave)


def node_signal(seen: Seen, now_ms: int) -> Signal:
    """Return what the hub would make of a node's signal."""
    node = seen.device.partition("/")[0]
    return Signal(
        id=f"n/{node}/twin/{seen.seq}",
        name=seen.signal,
        touchpoint=seen.touchpoint,
        at_ms=seen.at_ms,
        received_ms=now_ms,
        source=node,
        device=seen.device,
        boot_rank=1,
        seq=seen.seq,
        key=seen.key,
        retracts=None if seen.press is None else f"n/{node}/twin/{seen.press}",
    )


def feed_signal(reported: Reported, now_ms: int) -> Signal:
    """Return what the hub would make of a feed's report."""
    return Signal(
        id=f"f/{reported.id}",
        name=reported.signal,
        touchpoint=reported.touchpoint,
        at_ms=reported.at_ms,
        received_ms=now_ms,
        source=FEED,
        key=reported.key,
        value=reported.value,
        about=reported.about,
    )

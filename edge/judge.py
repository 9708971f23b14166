"""The node's own judge: the site's engine over what the node knows, while the hub has not said what holds.

The law: *alone, a node judges as a hub would that heard it alone; when the hub speaks, its word holds.* So there
is no second set of rules here. What the hub said last becomes openings that the engine finds as if it had seen them; on
top of them go this node's own signals that the hub's word does not contain yet. Every level, refusal, rejoining and
giving-up after that is the engine's. Claims and threats by others' signals are taken from the hub's word as they are.

A line that still stands at the mark is in no word of the hub's. It is given to the engine under a name of its own
(``reached!``), which holds as the level does and opens nothing.

Everything is built anew from a handful of facts whenever one of them changes, so nothing here can drift away from what
the hub will say of the same signals. Times of the engine are the site's where the node knows them, else the node's own:
a countdown begun on the spot needs no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import TYPE_CHECKING

import msgspec

from andgate.plan import Device, Expectation, Node, PageStep, Plan, Site, Touchpoint
from andgate.plan.kinds import KINDS
from andgate.plan.reserved import BLIND
from andgate.wire.codec import parse_time
from andgate.wire.messages import ExpectationConfig, LiveMoment, NodeConfig, TouchpointMoments
from edge.language import Ended, Open, View
from edge.site_time import SiteTime
from edge.view import Effect, open_of, said_view, wall

if TYPE_CHECKING:
    from andgate.moment.engine import Engine, Step
    from andgate.moment.moments import Moment
    from andgate.moment.signals import Signal

HUB = ""
"""The source of what stands for the hub's word: before anything of our own in the same millisecond."""
_STANDS = "!"
"""Ends the name under which a level that stands since before holds; no signal of a plan can be called so."""
_SOME_MS = 10**12
"""Where the engine's time begins on a node that has lost the site's: any number far from zero."""


def slice_of(node: str, config: NodeConfig) -> Plan:
    """Return what a node's configuration says as a plan of its own touchpoints: promises, devices, and no people."""
    places = {device.touchpoint for device in config.devices.values() if device.touchpoint} | set(config.touchpoints)
    devices = {
        name: Device(id=name, node=node, touchpoint=it.touchpoint, kind=it.kind, settings={}, signals=dict(it.signals))
        for name, it in config.devices.items()
        if it.kind in KINDS
    }
    return Plan(
        site=Site(id=config.site, name=config.site, timezone=config.timezone),
        channels={},
        groups={},
        touchpoints={place: Touchpoint(id=place, name=place, area="", group="") for place in sorted(places)},
        nodes={node: Node(id=node, touchpoint=None, devices=devices)},
        expectations={it.id: _expectation(it) for it in config.expectations},
        interactions={},
        version=config.hash,
    )


def _expectation(it: ExpectationConfig) -> Expectation:
    fails_after_ms, countdown_ms = round(it.fails_after_s * 1000), round(it.countdown_s * 1000)
    left_s = it.threatened_left_s
    return Expectation(
        id=it.id,
        promise="",
        touchpoints=tuple(it.touchpoints),
        opens=tuple(it.opens),
        closes=tuple(it.closes),
        fails_after_ms=fails_after_ms,
        key=it.key,
        holds=it.holds | {name + _STANDS: opposite for name, opposite in it.holds.items()},
        threatens=tuple(it.threatens),
        fails_on=tuple(it.fails_on),
        voids=tuple(it.voids),
        countdown_ms=countdown_ms,
        rejoins_within_ms=round(it.rejoins_within_s * 1000),
        gives_up_after_ms=round(it.gives_up_after_s * 1000),
        contradicted_after_ms=None if it.contradicted_after_s is None else round(it.contradicted_after_s * 1000),
        pages=() if left_s is None else (PageStep(left_ms=round(left_s * 1000), group=""),),
    )


def _trusting(plan: Plan) -> Plan:
    """Return the plan without questions about presses."""
    promises = {
        name: msgspec.structs.replace(each, contradicted_after_ms=None) for name, each in plan.expectations.items()
    }
    return msgspec.structs.replace(plan, expectations=promises)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a touchpoint's node knows of it."""

    said: TouchpointMoments | None = None
    """The hub's word."""
    past: tuple[Ended, ...] = ()
    """Moments whose end the hub told and which an opening may still continue."""
    effects: tuple[Effect, ...] = ()
    """Own signals that the word does not contain."""
    stands: tuple[Effect, ...] = ()
    """The level of each own sensor that the word may contain: it still holds."""
    blind: Mapping[str, float] = {}
    """Own devices that cannot be trusted to see, and since when."""


class Judge:
    """One touchpoint's moments, judged by its node."""

    def __init__(self, node: str, plan: Plan, touchpoint: str, time: SiteTime) -> None:
        """Know nothing yet of `touchpoint`; `plan` is the node's slice."""
        self._node, self._plan, self._touchpoint, self._time = node, plan, touchpoint, time
        self._engine: Engine | None = None
        self._hubs: dict[str, LiveMoment] = {}
        """What the hub said of a moment, by the signal that stands for it here."""
        self._places: dict[tuple[str, str | None], LiveMoment] = {}
        """The same by expectation and key."""
        self._past: dict[str, Ended] = {}
        """Moments that only stand here to be continued, by the signal that stands for them."""
        self._untimed: list[Open] = []
        self._ended: Ended | None = None
        self.refused: dict[str, float] = {}
        """Own device -> when its reset was refused last."""
        self.view = View()

    @property
    def due_s(self) -> float:
        """Return when the clock alone changes something."""
        due_ms = self._engine.next_deadline() if self._engine is not None else None
        return inf if due_ms is None else self._s(due_ms)

    def begin(self, facts: Facts, now_s: float, *, alone: bool) -> None:
        """Judge anew; while somebody hears us and nothing of our own is under way, the hub's word is all there is."""
        self.view = said_view(facts.said, self._time, self._plan.site.timezone)
        self._engine, self._ended = None, self.view.ended
        self.refused.clear()
        nothing = not (facts.effects or facts.past or self.view.moments)
        if nothing or (not alone and not facts.effects):
            return
        # A megabyte that a node does not need while it is heard and nobody presses.
        from andgate.moment.engine import Engine  # noqa: PLC0415

        signals = self._of_hub(facts)
        # Who saw what the hub tells of, nobody says: no sensor here may contradict it.
        self._engine = Engine(self._plan if not self._hubs else _trusting(self._plan), horizon_ms=2**60)
        signals += [self._sight(device, since_s) for device, since_s in facts.blind.items()]
        signals += [self._stand(effect) for effect in facts.stands]
        signals += [self._own(effect) for effect in facts.effects]
        self._close_untimed(facts.effects)
        now_ms = max((signal.at_ms for signal in signals), default=0)
        self._take(self._engine.receive(signals, max(now_ms, self._ms(now_s))))
        self._look()

    def advance(self, now_s: float) -> None:
        """Let time pass."""
        if self._engine is not None:
            self._take(self._engine.advance(self._ms(now_s)))
            self._look()

    # ------------------------------------------------------------------------------------------ what goes in

    def _signal(self, id: str, name: str, at_ms: int, **more: str | bool | int | None) -> Signal:
        from andgate.moment.signals import Signal  # noqa: PLC0415 - loaded with the engine

        return Signal(
            id=id,
            name=name,
            touchpoint=self._touchpoint,
            at_ms=at_ms,
            received_ms=at_ms,
            **{"source": HUB, **more},  # type: ignore[arg-type]
        )

    def _of_hub(self, facts: Facts) -> list[Signal]:
        """Return openings, and ends, that stand for what the hub has said."""
        for known in (self._hubs, self._places, self._past):
            known.clear()
        self._untimed = [moment for moment in self.view.moments if not moment.timed]
        signals = []
        moments = facts.said.moments if facts.said is not None and not self._untimed else []
        for moment in moments:
            expectation = self._plan.expectations.get(moment.expectation)
            if expectation is None or not expectation.opens:
                continue
            id = f"hub/{moment.id}"
            self._hubs[id] = self._places[moment.expectation, moment.key] = moment
            signals.append(self._signal(id, expectation.opens[0], parse_time(moment.opened), key=moment.key))
        for ended in facts.past:
            expectation = self._plan.expectations.get(ended.expectation)
            if expectation is None or not (expectation.opens and expectation.closes):
                continue
            at_ms = self._ms(ended.at_s)
            opened_ms = min(self._ms(ended.deadline_s) - expectation.fails_after_ms, at_ms)
            id = f"hub/{ended.expectation}/{ended.key}/{at_ms}"
            self._past[id] = ended
            signals.append(self._signal(id, expectation.opens[0], opened_ms, key=ended.key))
            signals.append(self._signal(f"{id}/end", expectation.closes[0], at_ms, key=ended.key))
        return signals

    def _sight(self, device: str, since_s: float) -> Signal:
        return self._signal(f"blind/{device}", BLIND, self._ms(since_s), device=f"{self._node}/{device}")

    def _stand(self, effect: Effect) -> Signal:
        id = f"stands/{effect.device}"
        return self._signal(
            id, effect.signal + _STANDS, self._ms(effect.at_s), device=f"{self._node}/{effect.device}", key=effect.key
        )

    def _own(self, effect: Effect) -> Signal:
        return self._signal(
            f"n/{self._node}/{effect.boot}/{effect.seq}",
            effect.signal,
            self._ms(effect.at_s),
            source=self._node,
            device=f"{self._node}/{effect.device}",
            boot_rank=1,
            seq=effect.seq,
            key=effect.key,
            found=effect.found,
            retracts=None if effect.retracts is None else f"n/{self._node}/{effect.retracts}",
        )

    def _close_untimed(self, effects: Iterable[Effect]) -> None:
        """Take out what our own signals end of moments whose times a node without a clock cannot know."""
        for effect in effects:
            for moment in self._untimed:
                expectation = self._plan.expectations.get(moment.expectation)
                if (
                    expectation is not None
                    and effect.signal in expectation.closes
                    and (effect.key is None or moment.key in (None, effect.key))
                ):
                    self._untimed.remove(moment)
                    break

    # ------------------------------------------------------------------------------------------ what comes out

    def _take(self, step: Step) -> None:
        from andgate.moment.events import Refused  # noqa: PLC0415 - loaded with the engine

        for event in step.events:
            if isinstance(event, Refused):
                node, _, device = event.witness.partition("/")
                if node == self._node:
                    self.refused[device] = self._s(event.at_ms)
        for moment in step.published:
            if moment.state == "ended" and not moment.withdrawn and moment.touchpoint == self._touchpoint:
                self._end(moment)

    def _end(self, moment: Moment) -> None:
        past = self._past.get(moment.anchor)
        if moment.ended_ms is None or (past is not None and moment.ended_ms == self._ms(past.at_s)):
            return  # the hub has told of this end
        if self._ended is not None and self._s(moment.ended_ms) < self._ended.at_s:
            return
        known = self._open(moment)
        at_s = self._s(moment.ended_ms)
        kept = moment.verdict == "success" and at_s <= known.deadline_s
        site_ms = self._time.ms(at_s)
        self._ended = Ended(
            expectation=moment.expectation,
            key=moment.key,
            verdict="void" if moment.verdict == "void" else "success" if kept else "failure",
            saved=kept and known.threatened_s is not None and known.threatened_s <= at_s,
            at_s=at_s,
            deadline_s=known.deadline_s,
            clock="" if site_ms is None else wall(site_ms, self._plan.site.timezone)[11:],
        )

    def _look(self) -> None:
        assert self._engine is not None  # noqa: S101 - asked only when there is one
        found = [self._open(it) for it in self._engine.open_moments() if it.touchpoint == self._touchpoint]
        moments = sorted([*found, *self._untimed], key=lambda moment: (moment.deadline_s, moment.opened_s))
        self.view = View(tuple(moments), self._ended)

    def _open(self, moment: Moment) -> Open:
        """Return one of the engine's moments; of one that the hub has told, with what only the hub can know."""

        def seconds(at_ms: int | None) -> float | None:
            return None if at_ms is None else self._s(at_ms)

        mine = Open(
            expectation=moment.expectation,
            key=moment.key,
            opened_s=self._s(moment.opened_ms),
            counts_to_s=self._s(moment.counts_to_ms),
            deadline_s=self._s(moment.ends_ms),
            threatened_s=seconds(moment.threatened_ms),
            failing_s=seconds(moment.failing_ms),
            asks_until_s=seconds(moment.asks_until_ms),
        )
        past = self._past.get(moment.anchor)
        if past is not None and past.saved:  # it had been threatened, and it still is
            mine = msgspec.structs.replace(mine, threatened_s=_earlier(mine.threatened_s, past.at_s))
        said = self._hubs.get(moment.anchor) or self._places.get((moment.expectation, moment.key))
        theirs = open_of(said, self._time) if said is not None else None
        if theirs is None or not mine.opened_s <= theirs.opened_s <= mine.deadline_s:
            return mine
        plain = (
            moment.anchor in self._hubs
            and moment.ends_ms - moment.opened_ms == self._plan.expectations[moment.expectation].fails_after_ms
        )
        confirmed = any(witness.startswith(f"{self._node}/") for witness in moment.witnesses)
        return msgspec.structs.replace(
            mine,
            counts_to_s=min(mine.counts_to_s, theirs.counts_to_s),
            deadline_s=theirs.deadline_s if plain else min(mine.deadline_s, theirs.deadline_s),
            threatened_s=_earlier(mine.threatened_s, theirs.threatened_s),
            failing_s=_earlier(mine.failing_s, theirs.failing_s),
            claimed_s=theirs.claimed_s,
            asks_until_s=None if confirmed else theirs.asks_until_s,
        )

    # ------------------------------------------------------------------------------------------ its time

    def _ms(self, at_s: float) -> int:
        site_ms = self._time.ms(at_s)
        return _SOME_MS + round(at_s * 1000) if site_ms is None else site_ms

    def _s(self, at_ms: int) -> float:
        at_s = self._time.mono_s(at_ms)
        return (at_ms - _SOME_MS) / 1000 if at_s is None else at_s


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((at_s for at_s in (one, other) if at_s is not None), default=None)

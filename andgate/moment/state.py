"""The engine's whole state as bytes and back, so that a restart need not replay a day.

What is derived (the fold after the items, the clocks, the indexes) is computed again on loading; what is stored is
what was received within the horizon, the fold before it, and what has been published. A group with nothing open is
left packed until something happens there.
"""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Struct

from andgate.errors import UsageError
from andgate.moment.case import Blindness, Case, Clear, PlanMark
from andgate.moment.engine import Engine
from andgate.moment.group import Group
from andgate.moment.groups import Sleeper
from andgate.moment.owing import Broken
from andgate.moment.published import Published, action_order
from andgate.moment.roles import Casting
from andgate.moment.sensors import Holds, Sensors
from andgate.moment.signals import Action, Signal
from andgate.plan import Plan

VERSION = 3
"""Of the format; another one is not loaded, the journal is replayed instead."""


class GroupState(Struct):
    """One group."""

    expectation: str
    touchpoints: list[str]
    items: list[Signal]
    kept: list[Signal]
    """Signals older than the items that published moments still name."""
    marks: list[PlanMark]
    out: list[str]
    actions: list[Action]
    alias: dict[str, str]
    published: dict[str, Published]
    gone: dict[str, Published]
    decided_ms: int
    cases: list[Case]
    """Of the fold before the items."""
    holds: Holds
    blindness: list[Blindness]
    clear: Clear = {}


class GroupHead(Struct):
    """One group, packed: what must be known of it without unpacking."""

    expectation: str
    touchpoints: list[str]
    busy: bool
    """Something is open there, so its clocks run."""
    data: bytes
    """Its `GroupState`."""


class EngineState(Struct):
    """Everything."""

    version: int
    horizon_ms: int
    now_ms: int
    forgot_ms: int
    plans: list[tuple[int, Plan]]
    groups: list[GroupHead]
    retracted: dict[str, int]
    waiting: dict[str, tuple[int, list[str]]]
    failures: dict[str, Broken] | None = None
    """None: stored by a version that did not look back on failures."""
    lessons: dict[str, tuple[int, int]] = {}
    lessons_of: dict[str, tuple[str, bool, int | None]] = {}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(EngineState).decode
_decode_group = msgspec.msgpack.Decoder(GroupState).decode


def dump(engine: Engine) -> bytes:
    """Return the engine's state; `load` gives an engine that goes on exactly alike."""
    return _encode(
        EngineState(
            version=VERSION,
            horizon_ms=engine.horizon_ms,
            now_ms=engine.now_ms,
            forgot_ms=engine.forgot_ms,
            plans=[(since_ms, casting.plan) for since_ms, casting in engine.plans],
            groups=sorted(_heads(engine), key=lambda head: (head.expectation, head.touchpoints)),
            retracted=engine.retracted,
            waiting={source: (until, sorted(places)) for source, (until, places) in engine.backlogs.waiting.items()},
            failures=engine.failures.known,
            lessons=engine.lessons.counts,
            lessons_of=engine.lessons.of,
        )
    )


def load(data: bytes) -> Engine:
    """Return the engine that `dump` stored.

    Raises:
        UsageError: if the bytes are not a state of this version.
    """
    try:
        state = _decode(data)
    except msgspec.MsgspecError as wrong:
        message = f"not an engine state: {wrong}"
        raise UsageError(message) from wrong
    if state.version != VERSION:
        message = f"engine state of version {state.version}, this is version {VERSION}: replay the journal instead"
        raise UsageError(message)
    engine = Engine(state.plans[0][1], horizon_ms=state.horizon_ms)
    engine.plans = [(since_ms, Casting(plan)) for since_ms, plan in state.plans]
    engine.now_ms, engine.forgot_ms = state.now_ms, state.forgot_ms
    engine.retracted = state.retracted
    engine.backlogs.waiting = {source: (until, frozenset(places)) for source, (until, places) in state.waiting.items()}
    for head in state.groups:
        sleeper = Sleeper(head.expectation, head.touchpoints, head.data, partial(_group, engine))
        if head.busy:
            engine.adopt(sleeper.wake())
        else:
            engine.groups.put_to_sleep(sleeper)
    if state.failures is None:
        for moment in list(engine.moments()):
            engine.failures.note(moment)
    else:
        engine.failures.restore(state.failures.items())
    engine.lessons.counts, engine.lessons.of = state.lessons, state.lessons_of
    return engine


def _heads(engine: Engine) -> list[GroupHead]:
    heads = [
        GroupHead(each.expectation, each.touchpoints, busy=False, data=each.data) for each in engine.groups.asleep()
    ]
    for group in engine.groups.awake():
        busy = any(known.moment.state == "open" for known in group.published.values())
        heads.append(GroupHead(group.expectation, sorted(group.touchpoints), busy, _encode(_group_state(group))))
    return heads


def _group_state(group: Group) -> GroupState:
    history = group.history
    items = [item for _, item in history.items if isinstance(item, Signal)]
    names = {signal.id for signal in items}
    return GroupState(
        expectation=group.expectation,
        touchpoints=sorted(group.touchpoints),
        items=items,
        kept=[signal for name, signal in history.signals.items() if name not in names],
        marks=[item for _, item in history.items if isinstance(item, PlanMark)],
        out=sorted(history.out),
        actions=group.persons.actions,
        alias=group.persons.alias,
        published=group.published,
        gone=group.gone,
        decided_ms=group.decided_ms,
        cases=history.base.cases,
        holds=history.base.sensors.holds,
        blindness=history.base.sensors.blindness,
        clear=history.base.sensors.clear,
    )


def _group(engine: Engine, data: bytes) -> Group:
    state = _decode_group(data)
    group = Group(state.expectation, state.touchpoints, engine.casting_at)
    history = group.history
    history.signals = {signal.id: signal for signal in (*state.kept, *state.items)}
    history.out = set(state.out)
    group.persons.actions, group.persons.alias = state.actions, state.alias
    group.decided_ms = state.decided_ms
    history.items = sorted(
        [
            *((signal.order, signal) for signal in state.items),
            *((mark.order, mark) for mark in state.marks),
            *((action_order(action), action) for action in group.persons.orders()),
        ],
        key=lambda entry: entry[0],
    )
    history.base.restore(state.cases, Sensors(state.holds, state.blindness, state.clear))
    group.take_over(state.published, state.gone)
    return group

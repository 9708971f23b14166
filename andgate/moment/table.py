"""The transition table of a moment of truth.

The law: everything that decides what a signal does to a moment is in this file as data. The fold only looks up a
pair (state, role) here and carries out what it finds; a pair that is not in `TABLE` is in `REFUSED` with its reason.

The theory. A moment of truth (Carlzon) is one occasion on which a promise can be broken. Andgate sees it as the
machine on a factory floor that Toyota calls andon: pulling the cord does not stop the line, it starts a clock. If
the leader resets it before the clock runs out, the line never stops and nobody outside notices; if not, it stops.
Here the cord is any *opening* signal, the clock is `fails_after`, the leader's reset is any *closing* signal. So:

    calm --opens--> open --mark--> threatened --deadline--> failed --closes or gives up--> calm
                      |                |
                      |                +--closes--> calm, saved
                      +--closes--> calm, kept

- *Calm* means no moment is open for this expectation, touchpoint and key.
- *Open* and *threatened* differ only in what people are told: threatened says "likely to fail, act now".
- *Failed* is still open: the promise is broken but the customers still wait, so it can be closed, and how late
  that was is part of the record.
- A reset while the line still stands at the mark would flatter the record. So a closing signal has two roles:
  `CLOSES`, and `CLOSES_HELD` while a hold stands; the second never ends anything.
- A press is a person's word, a line at the mark a sensor's. Where the plan says so, a press that a sensor beside it
  contradicts for a while is asked about; unconfirmed for as long again it ends void (docs/decisions/0030).
- The clock's own roles (`MARK`, `DEADLINE`, `LIMIT`, `DOUBT`) are in the table like any other. The fold applies them
  lazily, by comparing times, so that waking late cannot change a verdict.

Time decides which state a moment is in when a signal meets it: the state *at the signal's own site time*.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct


class State(Enum):
    """What a signal meets."""

    CALM = "calm"
    """No moment is open."""
    OPEN = "open"
    """The promise is running."""
    THREATENED = "threatened"
    """It is likely to be broken."""
    FAILED = "failed"
    """It is broken, and customers still wait."""


class Role(Enum):
    """What a signal, a person or the clock is to a moment."""

    OPENS = "opens"
    REJOINS = "rejoins"
    """An opening signal so soon after the last moment's end that it goes on."""
    CLOSES = "closes"
    CLOSES_HELD = "closes while held"
    THREATENS = "threatens"
    FAILS = "fails on"
    VOIDS = "voids"
    MOVES = "moves"
    RESETS = "a person resets"
    DISMISSES = "a person voids"
    REPLANS = "the plan drops it"
    MARK = "the mark passes"
    DEADLINE = "the deadline passes"
    LIMIT = "given up"
    DOUBT = "nobody confirms what the sensor contradicts"


class Does(Enum):
    """What is carried out."""

    OPEN = "opens a moment"
    FAIL_AT_ONCE = "opens a moment that has failed"
    WITNESS = "is one more witness"
    WAIT = "is one more witness; the first group is paged again"
    REJOIN = "continues the last moment"
    CLOSE = "ends it"
    REFUSE = "is refused: the line still stands"
    THREATEN = "threatens it"
    FAIL = "is its deadline"
    VOID = "ends it as void"
    CARRY = "carries it to another touchpoint"


class Transition(Struct, frozen=True):
    """What a role does in a state, and the state after."""

    does: Does
    then: State


_LIVE: Final = (State.OPEN, State.THREATENED)
_NOT_CALM: Final = (State.OPEN, State.THREATENED, State.FAILED)

TABLE: Final[dict[tuple[State, Role], Transition]] = {
    (State.CALM, Role.OPENS): Transition(Does.OPEN, State.OPEN),
    (State.CALM, Role.REJOINS): Transition(Does.REJOIN, State.OPEN),
    (State.CALM, Role.FAILS): Transition(Does.FAIL_AT_ONCE, State.FAILED),
    **{(state, Role.OPENS): Transition(Does.WITNESS, state) for state in _LIVE},
    (State.FAILED, Role.OPENS): Transition(Does.WAIT, State.FAILED),
    **{(state, Role.CLOSES): Transition(Does.CLOSE, State.CALM) for state in _NOT_CALM},
    **{(state, Role.CLOSES_HELD): Transition(Does.REFUSE, state) for state in _NOT_CALM},
    **{(state, Role.THREATENS): Transition(Does.THREATEN, State.THREATENED) for state in _LIVE},
    **{(state, Role.FAILS): Transition(Does.FAIL, State.FAILED) for state in _LIVE},
    **{(state, Role.VOIDS): Transition(Does.VOID, State.CALM) for state in _NOT_CALM},
    **{(state, Role.MOVES): Transition(Does.CARRY, state) for state in _NOT_CALM},
    **{(state, Role.RESETS): Transition(Does.CLOSE, State.CALM) for state in _NOT_CALM},
    **{(state, Role.DISMISSES): Transition(Does.VOID, State.CALM) for state in _NOT_CALM},
    **{(state, Role.REPLANS): Transition(Does.VOID, State.CALM) for state in _NOT_CALM},
    (State.OPEN, Role.MARK): Transition(Does.THREATEN, State.THREATENED),
    **{(state, Role.DEADLINE): Transition(Does.FAIL, State.FAILED) for state in _LIVE},
    (State.FAILED, Role.LIMIT): Transition(Does.CLOSE, State.CALM),
    **{(state, Role.DOUBT): Transition(Does.VOID, State.CALM) for state in _LIVE},
}
"""State x role -> what happens."""

REFUSED: Final[dict[tuple[State, Role], str]] = {
    **{
        (State.CALM, role): "nothing is open"
        for role in Role
        if role not in {Role.OPENS, Role.REJOINS, Role.FAILS, Role.DISMISSES}
    },
    (State.CALM, Role.DISMISSES): "it has ended: the void is written on it, its times stay",
    **{(state, Role.REJOINS): "it has not ended" for state in _NOT_CALM},
    (State.FAILED, Role.THREATENS): "it has failed already",
    (State.FAILED, Role.FAILS): "it has failed already",
    (State.THREATENED, Role.MARK): "it is threatened already",
    (State.FAILED, Role.MARK): "it has failed already",
    (State.FAILED, Role.DEADLINE): "it has failed already",
    **{(state, Role.LIMIT): "it has not failed" for state in _LIVE},
    (State.FAILED, Role.DOUBT): "it has failed already",
}
"""Every other pair, and why nothing happens."""

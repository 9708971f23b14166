"""What the world knows of a moment: its last publication, its name, and what has become of its pages."""

from __future__ import annotations

import hashlib

from msgspec import Struct

from andgate.moment.case import Case
from andgate.moment.claims import Lapse
from andgate.moment.events import AnyEvent
from andgate.moment.ledger import Ledger
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Signal
from andgate.plan import Plan

Order = tuple[int, str, int, int, str]


class Published(Struct, kw_only=True):
    """What the world knows of one moment, and what is behind it."""

    moment: Moment
    case: Case
    ledger: Ledger
    facts: int
    """How many of the case's facts have been published."""
    due_ms: int | None = None
    """When the clock alone changes it next."""
    page_ms: int | None = None
    """When its next page is due."""
    waits_ms: int | None = None
    """Until when pages that are overdue wait for the rest of a backlog."""
    lapsed_ms: int | None = None
    lapse: Lapse | None = None
    """Nobody is on it any more, since a claim ended; None while somebody is, and in a journal from before several could
    be on it."""


class Publication(Struct, frozen=True):
    """One publication: the moment, and what happened since the last one."""

    moment: Moment
    events: tuple[AnyEvent, ...]


def moment_id(expectation: str, signal: Signal, plan: Plan) -> str:
    """Return a moment's id: from expectation, touchpoint, key and the signal that first opened it."""
    keyed = plan.judged[expectation].key is not None
    parts = (expectation, signal.touchpoint, (signal.key or "") if keyed else "", signal.id)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def action_order(action: Action) -> Order:
    """Return a person's place in the fold: after the signals of that millisecond."""
    return (action.at_ms, "\U0010ffff", 0, 0, action.id)

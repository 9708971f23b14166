"""A batch: what gathers while messages are judged, and what its commit made true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.wire.messages import Command, Receipt
from hub.ingest.boots import Boot
from hub.quiet import View
from hub.store import ChainHead, PageRow

PERSONAL = "personal"
"""What stands for the channels of all people together where figures are counted: none are kept of anybody."""


class Heard(Struct, frozen=True):
    """A receiver said that it has a page, or that somebody saw it."""

    channel: str
    what: Literal["delivered", "read"]
    seconds: float
    """Since it was decided."""


class Committed(Struct, frozen=True, kw_only=True):
    """What one commit made true."""

    now_ms: int
    chain: ChainHead
    entries: int
    """How many entries it added to the journal."""
    events: tuple[AnyEvent, ...] = ()
    published: tuple[Moment, ...] = ()
    """Publications in order; the same moment may be there more than once."""
    pages: tuple[PageRow, ...] = ()
    """Deliveries that are new in the outbox."""
    cancelled: tuple[int, ...] = ()
    """Deliveries that must not go out any more."""
    receipts: tuple[tuple[str, Receipt], ...] = ()
    """Node -> receipt."""
    feeds: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Feed -> ids stored."""
    commands: tuple[tuple[str, Command], ...] = ()
    """Node -> command."""
    drilled: tuple[str, ...] = ()
    """Parts of drills that pagers and nodes have answered: ``drill:ID:N``."""
    heard: tuple[Heard, ...] = ()
    """What receivers said of pages."""
    nodes: tuple[tuple[str, str], ...] = ()
    """Nodes that said another state, or of which a fault came or went -> state."""
    plan: Plan | None = None
    """A plan that came into force."""
    quiet: View | None = None
    """What is quiet, where something of it may have changed."""
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    took_s: float = 0.0
    """Real seconds from the first decision to the commit."""


class Batch:
    """What gathers while one batch is judged."""

    def __init__(self, now_ms: int) -> None:
        """Begin one that is judged at `now_ms`."""
        self.now_ms = now_ms
        self.entries = 0
        self.events: list[AnyEvent] = []
        self.published: list[Moment] = []
        self.pages: list[PageRow] = []
        self.cancelled: list[int] = []
        self.boots: dict[int, Boot] = {}
        self.feeds: dict[str, list[str]] = {}
        self.commands: list[tuple[str, Command]] = []
        self.drilled: list[str] = []
        self.heard: list[Heard] = []
        self.nodes: list[tuple[str, str]] = []
        self.plan: Plan | None = None
        self.quiet: View | None = None
        self.tokens: list[int] = []
        """MQTT messages to acknowledge."""
        self.answers: list[Callable[[], None]] = []
        """Futures to fulfil."""
        self.accepted = 0
        self.duplicates = 0

    def committed(self, chain: ChainHead, *, quarantined: int, took_s: float) -> Committed:
        """Return what the commit that ended at `chain` made true."""
        return Committed(
            now_ms=self.now_ms,
            chain=chain,
            entries=self.entries,
            events=tuple(self.events),
            published=tuple(self.published),
            pages=tuple(self.pages),
            cancelled=tuple(self.cancelled),
            receipts=tuple(
                (boot.node, Receipt(boot=boot.boot, seq=boot.numbers.upto, also=list(boot.numbers.ranges)))
                for boot in self.boots.values()
            ),
            feeds=tuple((feed, tuple(ids)) for feed, ids in self.feeds.items()),
            commands=tuple(self.commands),
            drilled=tuple(self.drilled),
            heard=tuple(self.heard),
            nodes=tuple(self.nodes),
            plan=self.plan,
            quiet=self.quiet,
            accepted=self.accepted,
            duplicates=self.duplicates,
            quarantined=quarantined,
            took_s=took_s,
        )

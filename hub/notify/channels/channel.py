"""What every channel can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from andgate.wire.messages import Page

AGAIN = " (sent again: it may have reached you before)"
"""What a page ends with that may have gone out before."""


class Note(Struct, frozen=True, kw_only=True):
    """Something to tell one group."""

    group: str
    title: str
    page: Page
    decided_ms: int
    """When it was decided to page, in site time."""
    answer: str | None = None
    """Where it can be answered with one tap, as a path of the hub's pages; None: nowhere. It is good for this page
    only, and whoever has it is who answers, so it belongs into no log."""
    named: bool = False
    """It is for one person, whom that path names."""
    base: str | None = None
    """Where people reach the hub's pages, as the plan says it; None: it does not."""
    receipt: str = ""
    """Names this delivery where a receiver acknowledges it: a channel that can, hands it on, signed."""
    rank: int = 0
    """Which goes first where several wait: 0 the first page of a threat, 1 a further one, 2 "over"."""
    loud: bool = True
    """Of a drill: whether it may sound and show itself; a silent one must prove the channel and disturb nobody."""

    @property
    def link(self) -> str | None:
        """The whole address at which it can be answered; None where nobody knows one."""
        return None if self.answer is None or self.base is None else self.base.rstrip("/") + self.answer


class Result(Struct, frozen=True, kw_only=True):
    """How an attempt went."""

    sent: bool
    """It surely went out."""
    note: str = ""
    """What happened, in words; never a secret out of a URL."""
    retry: bool = True
    """Whether trying again may help."""
    surely_unsent: bool = False
    """Nobody can have got it."""
    untried: bool = False
    """Nothing was even tried: it waits for a connection that is away, and that is no attempt."""
    after_s: float = 0.0
    """The receiver asks not to be tried again before so long."""
    delivered: bool = False
    """The receiver says that it is in somebody's device."""
    read: bool = False
    """The receiver says that a person has seen it."""
    proven: bool = True
    """Of a drill that was sent: whether that proves the channel to its end; else whoever gets it must say so."""
    skipped: bool = False
    """Of a drill: this channel cannot be proven without disturbing somebody, so nothing was sent."""


class Channel(Protocol):
    """One way to reach people."""

    prompt: bool
    """Whether `send` only hands over, so that the driver's own thread may call it."""

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        """Begin to send; `done` is called exactly once, now or later, from any thread. Never raises."""

    def close(self) -> None:
        """Let go of everything."""

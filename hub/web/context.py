"""What a request may reach: the driver to change things, the reader to look, the clock, the stream, the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from fastapi import Request
from msgspec import Struct

if TYPE_CHECKING:
    from concurrent.futures import Future

    from andgate.clock import Clock
    from andgate.moment.moments import Moment
    from andgate.moment.signals import Action
    from andgate.plan import Plan
    from andgate.wire.messages import FeedSignal
    from hub.store.reader import Reader
    from hub.web.live import Live
    from hub.web.metrics import Metrics


class Accepted(Protocol):
    """What became of posted signals."""

    @property
    def accepted(self) -> int:
        """Signals that are new, and stored."""

    @property
    def duplicates(self) -> int:
        """Signals that were stored already, with the same content."""


class Judge(Protocol):
    """The part of the driver that the web uses."""

    @property
    def plan(self) -> Plan:
        """The plan in force."""

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments as of the last commit."""

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Any]:
        """Store and judge; done after the commit, with an `Accepted`, or a `RefusedError` that has an `index`."""

    def act(self, action: Action) -> Future[Moment]:
        """Store and judge a person's action; done after the commit, with the moment as it is then."""


class Context(Struct, frozen=True, kw_only=True):
    """Everything a handler needs; one for each application."""

    driver: Judge
    reader: Reader
    clock: Clock
    live: Live
    metrics: Metrics


def context(request: Request) -> Context:
    """Return the application's context: a dependency, ``Annotated[Context, Depends(context)]``."""
    found: Context = request.app.state.context
    return found

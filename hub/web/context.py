"""What a request may reach: the driver to change things, the reader to look, the clock, the stream, the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fastapi import Request
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from andgate.moment.moments import Moment
    from andgate.moment.signals import Action
    from andgate.plan import Plan
    from andgate.wire.messages import Command, FeedSignal
    from hub.clock import HubClock
    from hub.driver import Accepted, Committed
    from hub.driver.auditor import Audit
    from hub.driver.intake import Ask
    from hub.driver.timekeeper import Timekeeper
    from hub.heartbeat import Heartbeat
    from hub.quiet import View
    from hub.store import ChainHead, Reader
    from hub.store.pages import Receipt
    from hub.web.live import Live
    from hub.web.metrics import Metrics


class Judge(Protocol):
    """The part of the driver that the web uses."""

    @property
    def plan(self) -> Plan:
        """The plan in force."""

    @property
    def chain(self) -> ChainHead:
        """The head of the journal as of the last commit."""

    @property
    def fault(self) -> str | None:
        """What keeps it from committing, in words; None while all is well."""

    @property
    def audit(self) -> Audit:
        """What the auditor found last."""

    @property
    def timekeeper(self) -> Timekeeper:
        """What is known of the machine's clock."""

    @property
    def listeners(self) -> list[Callable[[Committed], None]]:
        """Called in the driver's thread after each commit; they only queue."""

    @property
    def quiet(self) -> View:
        """What is quiet, as of the last commit."""

    def hush(self, asked: Ask) -> Future[View]:
        """Mute, train, or end that; done after the commit, or a `RefusedError`."""

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments as of the last commit."""

    @property
    def lessons(self) -> Mapping[str, tuple[int, int]]:
        """What was tried first and saved, as of the last commit."""

    def open_tasks(self) -> tuple[Moment, ...]:
        """Return the remedy tasks that nobody has done yet, as of the last commit, nearest deadline first."""

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Accepted]:
        """Store and judge; done after the commit, or a `RefusedError` that has an `index`."""

    def command(self, node: str, command: Command) -> Future[None]:
        """Tell a node something; a `RefusedError` where the plan has no such node."""

    def receipt(self, receipt: Receipt) -> None:
        """Record what a receiver said of a delivery."""

    def tap(self, link: int, actions: Sequence[Action], person: str | None) -> Future[list[Moment]]:
        """Store and judge what somebody did with the link in a page; done after the commit with the moments."""

    def act(self, action: Action) -> Future[Moment]:
        """Store and judge a person's action; done after the commit, with the moment as it is then."""


class Context(Struct, frozen=True, kw_only=True):
    """Everything a handler needs; one for each application."""

    driver: Judge
    reader: Reader
    clock: HubClock
    live: Live
    metrics: Metrics
    cut_off: Callable[[], str | None]
    """Why nothing from the floor can reach the hub, in words; None while it can."""
    heartbeat: Heartbeat | None = None
    """Tells a watch outside that all is well; None where there is none."""


async def context(request: Request) -> Context:
    """Return the application's context: a dependency, ``Annotated[Context, Depends(context)]``."""
    found: Context = request.app.state.context
    return found

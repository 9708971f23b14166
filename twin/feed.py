"""The airport's own systems: a feed on the site's broker that keeps what the hub has not receipted."""

from __future__ import annotations

import logging
import threading

from andgate.clock import Clock
from andgate.errors import PayloadError, TopicError
from andgate.plan import Plan
from andgate.wire.codec import decode_feed_receipt, encode, format_time
from andgate.wire.messages import MAX_SIGNALS, FeedSignal
from andgate.wire.topics import Topics, parse
from edge.broker import Broker
from edge.link import Link, Message, Said, Up
from twin.happenings import Reported

_log = logging.getLogger("andgate.twin")

FEED = "ops"
"""The feed's name: the airport's operations system."""


class Feed:
    """Says what the airport reports, and again at every connect, its own and the hub's, until the hub has it."""

    def __init__(self, plan: Plan, broker: Broker, clock: Clock) -> None:
        """Prepare; `start` connects."""
        self._topics = Topics(plan.site.id)
        self._link = Link(broker, f"twin-feed-{plan.site.id}", self._said, lambda: clock.real_s(clock.mono_s()))
        self._filters = (self._topics.feed_receipt(FEED), self._topics.hub_state)
        self._lock = threading.Lock()
        self._kept: dict[str, FeedSignal] = {}

    def start(self) -> None:
        """Connect, and go on trying."""
        self._link.connect(None, self._filters)

    def stop(self) -> None:
        """Say nothing more."""
        self._link.close()
        if self._kept:
            _log.warning("%d reports of the twin never reached a hub", len(self._kept))

    @property
    def waiting(self) -> int:
        """How many reports the hub has not receipted."""
        return len(self._kept)

    def post(self, reported: Reported) -> None:
        """Report something; returns at once."""
        member = feed_member(reported)
        with self._lock:
            self._kept[member.id] = member
        self._link.publish(self._topics.feed_signal(FEED), encode(member))

    def _said(self, said: Said) -> None:
        if isinstance(said, Message):
            try:
                self._message(said)
            except (PayloadError, TopicError) as wrong:
                _log.warning("the feed got something it does not understand: %s", wrong)
        elif isinstance(said, Up):
            self._again()
        else:
            self._link.connect(None, self._filters)

    def _message(self, message: Message) -> None:
        if parse(message.topic).kind == "hub/state":
            self._again()
            return
        with self._lock:
            for known in decode_feed_receipt(message.payload).ids:
                self._kept.pop(known, None)

    def _again(self) -> None:
        with self._lock:
            members = list(self._kept.values())
        for first in range(0, len(members), MAX_SIGNALS):
            self._link.publish(self._topics.feed_signal(FEED), encode(members[first : first + MAX_SIGNALS]))


def feed_member(report: Reported) -> FeedSignal:
    """Return one report as the contract's feed signal."""
    return FeedSignal(
        id=report.id,
        touchpoint=report.touchpoint,
        signal=report.signal,
        key=report.key,
        at=format_time(report.at_ms),
        value=report.value,
        about=report.about,
    )

"""The pagers of everybody on the floor: they listen on the site's broker like any pager, and answer there."""

from __future__ import annotations

import logging
from collections.abc import Callable

from andgate.clock import Clock
from andgate.errors import PayloadError, TopicError
from andgate.plan import Plan
from andgate.wire.codec import decode_moment, decode_page, decode_touchpoint, encode
from andgate.wire.messages import Answer, LiveMoment, MomentMessage, Page
from andgate.wire.topics import Topics, parse
from edge.broker import Broker
from edge.link import Link, Message, Said, Up
from twin.happenings import Answered, Beep

_log = logging.getLogger("andgate.twin")

_REMEMBERED = 2_000
"""Moments whose place is remembered, so that "over" is understood long after."""


class Pagers:
    """Every group's pager in one: hears pages, knows from the touchpoints' states which place they are about."""

    def __init__(
        self,
        plan: Plan,
        broker: Broker,
        clock: Clock,
        heard: Callable[[Beep], None],
        published: Callable[[MomentMessage], None],
    ) -> None:
        """Prepare; `start` connects.

        Args:
            plan: the site, for its groups.
            broker: the site's.
            clock: everybody's.
            heard: takes every beep; called in the link's thread, so it must only enqueue.
            published: takes every publication of a moment, likewise.
        """
        self._topics = Topics(plan.site.id)
        self._heard = heard
        self._published = published
        self._link = Link(broker, f"twin-pagers-{plan.site.id}", self._said, lambda: clock.real_s(clock.mono_s()))
        self._groups = frozenset(plan.groups)
        self._filters = [f"{self._topics.root}/page/+"]  # people's own pagers are there too, and answer drills
        self._filters += [self._topics.touchpoint_moment(touchpoint) for touchpoint in plan.touchpoints]
        self._filters.append(self._topics.verdict)
        self._places: dict[str, tuple[str, LiveMoment]] = {}
        self._unplaced: list[tuple[str, str, Page]] = []

    def start(self) -> None:
        """Connect, and go on trying."""
        self._link.connect(None, self._filters)

    def stop(self) -> None:
        """Hang up."""
        self._link.close()

    def answer(self, answered: Answered) -> None:
        """Say that somebody is on it."""
        answer = Answer(
            do="claim",
            by=answered.by,
            moment=answered.moment,
            page=answered.page,
            promise_s=answered.promise_s,
            first=answered.first,
        )
        self._link.publish(self._topics.answer, encode(answer))

    # ---------------------------------------------------------------------------------------------- inside

    def _said(self, said: Said) -> None:
        if isinstance(said, Message):
            try:
                self._message(said)
            except (PayloadError, TopicError) as wrong:
                _log.warning("a pager got something it does not understand: %s", wrong)
        elif not isinstance(said, Up):
            self._link.connect(None, self._filters)

    def _message(self, message: Message) -> None:
        topic = parse(message.topic)
        if topic.kind == "page":
            page = decode_page(message.payload)
            if page.kind == "drill":  # a pager answers by itself, and makes no sound
                drilled = Answer(do="seen", by=f"pager-{topic.name}", page=page.id)
                self._link.publish(self._topics.answer, encode(drilled))
            elif page.moment is not None and topic.name in self._groups:  # the twin plays no technicians
                self._unplaced.append((topic.name, page.moment, page))
        elif topic.kind == "touchpoint/moment" and message.payload:
            for moment in decode_touchpoint(message.payload).moments:
                self._places[moment.id] = (topic.name, moment)
            while len(self._places) > _REMEMBERED:
                del self._places[next(iter(self._places))]
        elif topic.kind == "verdict":
            self._published(decode_moment(message.payload))
        # A page may be faster than the state that says where it is: it waits for that.
        waiting, self._unplaced = self._unplaced, []
        for group, about, page in waiting:
            known = self._places.get(about)
            if page.kind == "over":
                self._heard(_over(group, about, page))
            elif known is None:
                self._unplaced = [*self._unplaced[-_REMEMBERED:], (group, about, page)]
            else:
                self._heard(_beep(group, about, page, *known))


def _over(group: str, about: str, page: Page) -> Beep:
    """It is over, wherever it was."""
    return Beep(page=page.id, group=group, moment=about, expectation="", touchpoint="", key=None, over=True)


def _beep(group: str, about: str, page: Page, touchpoint: str, moment: LiveMoment) -> Beep:
    return Beep(
        page=page.id,
        group=group,
        moment=about,
        expectation=moment.expectation,
        touchpoint=touchpoint,
        key=moment.key,
    )

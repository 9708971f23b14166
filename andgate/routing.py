"""Who is told what, on which channel, and why. Pure: the engine decides *that* a group is paged, this decides how."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from andgate.moment.events import Paged, PageReason, StoodDown
from andgate.moment.moments import Moment
from andgate.plan import Channel, Plan, local_time
from andgate.plan.addresses import kind_of

LATE_MS = 1_000
"""A page decided later than this after its time says that it is late."""

_WHY: dict[PageReason, str] = {
    "time-left": "so much time is left",
    "threatened": "something threatens it",
    "claim-lapsed": "whoever was on it promised to be done by now",
    "still-waiting": "customers are still waiting",
    "reopened": "it had been over and is open again",
    "repeat": "nobody has answered yet",
    "handed-over": "somebody who is on it asks you to take over",
    "quiet-over": "it was quiet until now",
}

_PERSONAL = re.compile(r"(~[0-9a-f]{16})/([1-9][0-9]{0,3})")


def personal(person: str, rank: int) -> str:
    """Return the name, on a page, of the channel that is a person's own: ``~0123456789abcdef/1`` is the first.

    It names the person by the opaque id and the channel by its place in the person's order (`rank` 0 is the first):
    the address itself never stands on a page.
    """
    return f"{person}/{rank + 1}"


def personal_rank(channel: str) -> tuple[str, int] | None:
    """Return the person and the rank (0 is the first) that a channel's name says; None for a channel of the plan."""
    found = _PERSONAL.fullmatch(channel)
    return None if found is None else (found[1], int(found[2]) - 1)


_UNTIL = re.compile(r"(?:left until|late since) [0-9]{2}:[0-9]{2}\.")
"""What `left_text` says, in a page."""
LONGEST = 1_000
"""Characters of any page."""
_ROOM = {"snpp": 235, "pocsag": 235}
"""Characters that a channel of this kind has for the text."""
_ORDINALS = ("No", "First", "Second", "Third", "Fourth", "One more")


class Delivery(Struct, frozen=True, kw_only=True):
    """One page, or one "over", to one group on one channel."""

    id: str
    """Idempotency key: page, group and channel."""
    page: str
    group: str
    channel: str
    """Id of the channel in the plan; empty where the group has none, so that nobody overlooks it."""
    url: str
    kind: Literal["page", "over"]
    moment: str
    title: str
    text: str
    reason: str
    left_s: float
    late: bool
    cancels: bool
    """A later claim cancels it while it is not surely sent."""


def clock_text(seconds: float) -> str:
    """Return ``m:ss``, with a plus sign where the time is over: ``2:59``, ``+0:20``.

    A begun second counts as left, as on a sign: 179.995 s are ``3:00``.
    """
    whole = abs(math.ceil(seconds - 0.0005))
    sign = "+" if seconds < 0 and whole else ""
    return f"{sign}{whole // 60}:{whole % 60:02d}"


def left_text(left_ms: int, ends_ms: int, plan: Plan) -> str:
    """Return how long is left and until when: ``2:59 left until 22:14``, ``late since 22:14``.

    A page may be read long after it was sent: what the clock on the wall must not be past stays right.
    """
    at = f"{local_time(plan, ends_ms):%H:%M}"
    return f"{clock_text(left_ms / 1000)} left until {at}" if left_ms > 0 else f"late since {at}"


def explained(text: str, why: str) -> str:
    """Return a page's text that says also why it comes here, after where and until when: these are read first."""
    until = _UNTIL.search(text)
    at = len(text) if until is None else until.end()
    return f"{text[:at]} {why[:1].upper()}{why[1:]}.{text[at:]}"


def place(moment: Moment, plan: Plan) -> str:
    """Return where it is, as people say it: the touchpoint's name, and the flight if there is one."""
    touchpoint = plan.touchpoints.get(moment.touchpoint)
    name = touchpoint.name if touchpoint else moment.touchpoint
    return f"{name}, {shown_key(moment.key)}" if moment.key else name


def shown_key(key: str) -> str:
    """Return the part of a key that people read: ``AG1234`` of ``AG1234/2026-11-21``."""
    return key.split("/", 1)[0]


def _page_text(event: Paged, moment: Moment, plan: Plan, room: int = LONGEST) -> str:
    """Return what a page says, in `room` characters: where and until when, what to do first, then the promise.

    What does not fit is left out from the end, so that a pager's few words are those that somebody can act upon.
    """
    expectation = plan.judged.get(moment.expectation)
    why = (event.signal or _WHY[event.reason]).capitalize()
    extra = "" if event.reason == "time-left" else f" {why}."
    left = left_text(event.left_ms, moment.ends_ms, plan)
    if moment.remedies is not None:
        head = f"{place(moment, plan)}: make it good, {left}.{extra}"
        parts = [f" {exceptional(moment, plan)}", f" {expectation.promise}" if expectation else ""]
        parts.append(f" You may give: {', '.join(expectation.first)}." if expectation and expectation.first else "")
    else:
        head = f"{place(moment, plan)}: {left}.{extra}"
        first = expectation.first_actions(moment.touchpoint)[:1] if expectation else ()
        first = first if event.first is None else (event.first,)
        parts = [_among(event, plan), f" First: {first[0]}." if first else ""]
        parts.append(f" “{expectation.promise}”" if expectation else "")
    return _fitting(head, parts, room)


def _among(event: Paged, plan: Plan) -> str:
    """Return which of several threats to go to first; empty where there is only one."""
    if event.among < 2:  # noqa: PLR2004 - one is no choice
        return ""
    if event.ahead is None:
        return f" Of {event.among} threats this one first."
    known = plan.touchpoints.get(event.ahead.touchpoint)
    where = known.name if known else event.ahead.touchpoint
    if event.ahead.key:
        where += f", {shown_key(event.ahead.key)}"
    return f" Of {event.among} threats {where} first ({clock_text(event.ahead.left_ms / 1000)})."


def _fitting(head: str, parts: Sequence[str], room: int) -> str:
    """Add the parts that fit, the first ones first."""
    text = head
    for part in parts:
        if part.strip() and len(text) + len(part) <= room:
            text += part
    return text


def exceptional(moment: Moment, plan: Plan) -> str:
    """Return what had failed for the same key before a remedy task's failure, in words; empty where nothing had."""
    if not moment.before:
        return ""
    last = moment.before[-1]
    promise = plan.judged.get(last.expectation)
    count = _ORDINALS[min(len(moment.before) + 1, len(_ORDINALS) - 1)]
    what = f"“{promise.promise.rstrip('.')}”" if promise else last.expectation
    return f"{count} failure for {shown_key(moment.key or '')}, after {what}."


def _over_text(moment: Moment, plan: Plan) -> str:
    if moment.withdrawn:
        how = "taken back"
    elif moment.verdict == "void":
        how = f"void, {moment.reason}"
    elif moment.verdict == "failure":
        late = "" if moment.late_s is None else f", {clock_text(moment.late_s)} late"
        how = f"failed{late}"
    elif moment.remedies is not None:
        how = "made good"
    else:
        how = "saved" if moment.saved else "kept"
    return f"{place(moment, plan)}: over, {how}."


def _text(event: Paged | StoodDown, moment: Moment, plan: Plan, channel: Channel | None) -> str:
    """Return what one channel carries of an event."""
    training = "" if moment.training is None else "Training, not real. "
    if isinstance(event, StoodDown):
        return training + _over_text(moment, plan)
    room = LONGEST if channel is None else _ROOM.get(kind_of(channel.url), LONGEST)
    return training + _page_text(event, moment, plan, room - len(training))


def deliveries(event: Paged | StoodDown, moment: Moment, plan: Plan) -> tuple[Delivery, ...]:
    """Return what goes out for one event of the engine, group by group, channel by channel.

    A group without channels still gets a delivery, with an empty channel: the page's fate is on record as failed.
    """
    if isinstance(event, Paged):
        groups: tuple[str, ...] = (event.group,)
        page, kind, why = event.page, "page", event.signal or _WHY[event.reason]
        left_s, late, cancels = event.left_ms / 1000, event.late_ms > LATE_MS, event.cancels
    else:
        groups, page, kind = event.groups, f"{moment.id}:over:{moment.change}", "over"
        why = "it is over"
        left_s, late, cancels = (moment.ends_ms - event.at_ms) / 1000, False, False
    if moment.training is not None:
        groups = (moment.training,)
    made: list[Delivery] = []
    for group in groups:
        known = plan.groups.get(group)
        channels: list[Channel | None] = [plan.channels[name] for name in known.channels] if known else []
        made += [
            Delivery(
                id=f"{page}:{group}:{channel.id if channel else ''}",
                page=page,
                group=group,
                channel=channel.id if channel else "",
                url=channel.url if channel else "",
                kind="page" if kind == "page" else "over",
                moment=moment.id,
                title=place(moment, plan),
                text=_text(event, moment, plan, channel),
                reason=why,
                left_s=left_s,
                late=late,
                cancels=cancels,
            )
            for channel in (channels or [None])
        ]
    return tuple(made)

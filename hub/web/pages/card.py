"""One moment that needs somebody, as a card: what is left, who knows, who is on it, what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from msgspec import Struct

from andgate.audit import THREATS, following
from andgate.moment.events import Paged, PageSkipped, Threatened
from hub.quiet import NOTHING
from hub.web.pages.names import capital, group_name, place, promise, signal_words
from hub.web.pages.spans import hm, hms, left
from hub.web.pages.words import rich, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from andgate.moment.events import AnyEvent
    from andgate.moment.moments import Moment
    from andgate.plan import PageStep, Plan
    from hub.quiet import View
    from hub.store.rows import TrailLine

URGENT = THREATS
"""Levels that need somebody."""
LADDER = ("time-left", "claim-lapsed")
"""Why a step of the ladder goes; what a signal brings forward or repeats comes on top of it."""


class Tick(Struct, frozen=True):
    """A mark on a card's life line."""

    percent: float
    kind: Literal["opened", "paged", "claimed"]
    words: str


class Card(Struct, frozen=True, kw_only=True):
    """One moment that needs somebody."""

    id: str
    level: str
    state: str
    place: str
    touchpoint: str
    promise: str
    ends_ms: int
    opened_ms: int
    left: str
    until: str
    knows: Markup
    next: Markup | None
    """What happens next and when."""
    claimed_by: str | None
    claimed_ms: int | None
    since: str
    """When the first of them said so."""
    coming: str
    """How many are on it, where that is more than one or more than one is needed; else empty."""
    first: str = ""
    """What to do first."""
    leads: bool = False
    """Of several threats this one comes first."""
    percent: float
    """Of its life, 0 to 100."""
    ticks: tuple[Tick, ...]
    provisional: bool


def urgent(moments: Iterable[Moment]) -> tuple[Moment, ...]:
    """Return the moments that need somebody: what can still be kept, nearest deadline first, then what has failed."""
    needs = (moment for moment in moments if moment.level in URGENT)
    return tuple(sorted(needs, key=lambda m: (m.level == "failed", m.ends_ms, m.id)))


def next_step(plan: Plan, moment: Moment, trail: Sequence[TrailLine], now_ms: int) -> tuple[int, PageStep] | None:
    """Return when the next page goes out, and the step, as far as the plan and the claim tell."""
    expectation = plan.judged.get(moment.expectation)
    if expectation is None:
        return None
    events = [line.event for line in trail]
    gone = {event.step for event in events if isinstance(event, Paged) and event.reason in LADDER}
    gone |= {event.step for event in events if isinstance(event, PageSkipped) and event.because == "superseded"}
    due_ms = [max(moment.opened_ms, moment.ends_ms - step.left_ms) for step in expectation.pages]
    ahead = following(moment, expectation.pages, due_ms, gone, now_ms)
    found = [] if ahead is None else [(ahead.at_ms, ahead.step)]
    found += repeats(moment, expectation.pages, events, now_ms)
    at_ms, step = min(found, default=(None, 0))
    return None if at_ms is None else (at_ms, expectation.pages[step])


def repeats(
    moment: Moment, steps: Sequence[PageStep], events: Sequence[AnyEvent], now_ms: int
) -> list[tuple[int, int]]:
    """Return when each page that is repeated goes out next, as far as the trail and the claim tell: (when, step)."""
    paged: dict[int, int] = {}
    for event in events:
        if isinstance(event, Paged) and (event.reason in LADDER or event.reason == "repeat"):
            paged[event.step] = event.at_ms
    found = []
    for index, last_ms in paged.items():
        step = steps[index] if index < len(steps) else None
        if step is None or not step.repeat_ms:
            continue
        if any(steps[later].group == step.group for later in paged if index < later < len(steps)):
            continue
        at_ms = max(last_ms + step.repeat_ms, now_ms)
        if moment.claimed_ms is None:
            found.append((at_ms, index))
        elif moment.claim_until_ms is not None:
            found.append((max(at_ms, moment.claim_until_ms), index))
    return found


def next_words(
    plan: Plan,
    moment: Moment,
    trail: Sequence[TrailLine],
    now_ms: int,
    told: Sequence[TrailLine] | None = None,
    view: View = NOTHING,
) -> Markup | None:
    """Say what happens next and when, or that nothing does; None where that says nothing new.

    Args:
        plan: in force.
        moment: open.
        trail: all of it.
        now_ms: now.
        told: the trail with the pages that went out; None: all did.
        view: what is quiet: whoever is not paged is not promised.
    """
    where = moment.touchpoint
    if view.suspended(where) is not None:
        return rich("card.next.suspended")
    if view.listen_only or where in view.listens:
        return rich("card.next.listens")
    ahead = next_step(plan, moment, trail, now_ms)
    if ahead is not None:
        at_ms, group = ahead[0], ahead[1].group
        words = rich("card.next", group=group_name(plan, group).lower(), count=counting(at_ms, now_ms))
        mute = view.muted_for(plan, where, moment.expectation, group, at_ms)
        if mute is None:
            return words
        return rich("card.next.muted", next=words, time=hm(mute.end_ms, plan.site.timezone))
    if moment.level != "failed" and moment.claimed_ms is None:
        return Markup(say("card.next.none"))  # noqa: S704 catalogue text
    if moment.claimed_ms is None and any(isinstance(line.event, Paged) for line in (trail if told is None else told)):
        return rich("coming.all.told")
    return None


def counting(to_ms: int, now_ms: int) -> Markup:
    """Return a count down to `to_ms` that the browser keeps going."""
    return Markup('<span class="count" data-down="{}">{}</span>').format(to_ms, left(to_ms - now_ms))


def card(
    plan: Plan,
    moment: Moment,
    trail: Sequence[TrailLine],
    signals: Mapping[str, str],
    now_ms: int,
    told: Sequence[TrailLine] | None = None,
    view: View = NOTHING,
) -> Card:
    """Return one moment as a card.

    Args:
        plan: in force.
        moment: open.
        trail: all of it: what comes next follows from it.
        signals: names the signals that the trail speaks of.
        now_ms: now.
        told: the trail with the pages that went out; None: all did.
        view: what is quiet.
    """
    zone = plan.site.timezone
    life = max(moment.ends_ms - moment.opened_ms, 1)

    def percent(at_ms: int) -> float:
        return round(min(max((at_ms - moment.opened_ms) / life, 0.0), 1.0) * 100, 2)

    heard = trail if told is None else told
    pages = [line.event for line in heard if isinstance(line.event, Paged)]
    ticks = [Tick(0.0, "opened", hms(moment.opened_ms, zone))]
    ticks += [Tick(percent(p.at_ms), "paged", group_name(plan, p.group)) for p in pages]
    if moment.claimed_ms is not None:
        ticks.append(Tick(percent(moment.claimed_ms), "claimed", hms(moment.claimed_ms, zone)))
    late = moment.level == "failed"
    return Card(
        id=moment.id,
        level=moment.level,
        state=say(f"state.{moment.level}"),
        place=place(plan, moment),
        touchpoint=moment.touchpoint,
        promise=promise(plan, moment.expectation),
        ends_ms=moment.ends_ms,
        opened_ms=moment.opened_ms,
        left=left(moment.ends_ms - now_ms),
        until=say("card.late" if late else "card.left", time=hms(moment.ends_ms, zone)),
        knows=_knows(plan, moment, heard, signals),
        next=next_words(plan, moment, trail, now_ms, told, view),
        claimed_by=moment.claimed_by,
        claimed_ms=moment.claimed_ms,
        since=hm(moment.claimed_ms, zone) if moment.claimed_ms is not None else "",
        coming=coming_words(moment),
        percent=percent(now_ms),
        ticks=tuple(ticks),
        provisional=moment.provisional,
    )


def coming_words(moment: Moment) -> str:
    """Say how many are on a moment, where one name does not say it."""
    have = len(moment.coming)
    if moment.needs > 1:
        return say("coming.some", have=have, needs=moment.needs) if have else say("coming.needed", needs=moment.needs)
    return say("coming.more", n=have - 1) if have > 1 else ""


def _knows(plan: Plan, moment: Moment, trail: Sequence[TrailLine], signals: Mapping[str, str]) -> Markup:
    zone = plan.site.timezone
    said: list[Markup] = []
    for line in trail:
        event = line.event
        if isinstance(event, Threatened) and event.signal is not None and event.signal in signals:
            words = capital(signal_words(signals[event.signal]))
            said.append(rich("card.signal", signal=words, time=hms(event.at_ms, zone)))
    if moment.claimed_ms is None:
        some = rich("card.some", some=coming_words(moment))
        said.append(some if moment.coming else rich("card.nobody"))
        paged: dict[str, int] = {}
        for line in trail:
            if isinstance(line.event, Paged):
                paged.setdefault(line.event.group, line.event.at_ms)
        if paged:
            groups = ", ".join(
                say("card.paged.one", group=group_name(plan, group).lower(), time=hms(at_ms, zone))
                for group, at_ms in paged.items()
            )
            said.append(Markup('<span class="paged">{}</span>').format(rich("card.paged", groups=groups)))
        else:
            said.append(Markup('<span class="paged">{}</span>').format(say("card.paged.none")))
    if moment.level == "failed":
        said.append(rich("card.waiting"))
    return Markup(" ").join(said)

"""The soft red button of a line: what its ring and its words say, and which signals it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from andgate.moment.events import Refused
from hub.web.pages.asking import ask, facts
from hub.web.pages.names import group_name, touchpoint_name
from hub.web.pages.spans import hm, hms, left
from hub.web.pages.told import paged_groups
from hub.web.pages.words import listed, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from andgate.causes import Fact
    from andgate.moment.moments import Moment
    from andgate.plan import Expectation, Plan
    from hub.quiet import View
    from hub.store.rows import SignalRow, TrailLine
    from hub.web.pages.source import Source

Ring = Literal["calm", "open", "threatened", "failing", "failed", "claimed", "saved"]

REFUSED_SHOWN_MS = 20_000
SAVED_SHOWN_MS = 10_000
WHY_ASKED_MS = 30 * 60_000
"""So long after its end a desk is asked why something failed there; after that its page asks."""
WHY_SHOWN = 6
PRESS, HOLD = "pressed", "reset"


class Button(Struct, frozen=True):
    """The signals of a touchpoint's red button, and the promise that a press opens."""

    press: str
    reset: str
    expectation: str


class Choice(Struct, frozen=True):
    """A desk one may open."""

    id: str
    name: str


class Desk(Struct, frozen=True, kw_only=True):
    """Everything on a desk's page, as the hub knows it; what only this screen knows is added there."""

    touchpoint: str
    name: str
    press: str
    reset: str
    promise: str
    moment: str | None
    ring: Ring
    head: str
    """The state in words a customer may see too."""
    opened_ms: int | None
    ends_ms: int | None
    left: str
    until: str
    """The deadline on the wall; empty while nothing runs."""
    claimed_ms: int | None
    since: str
    state: str
    """The word over the time."""
    seen: str
    paged: str
    """Who has been paged; empty if nobody."""
    hush: str = ""
    """Why nobody is paged from here now, in words; empty: somebody is."""
    stands: bool
    """The line stands at the mark: a reset would be refused."""
    refused: bool
    """One was refused just now."""
    why: Why | None = None
    """What is asked about the last failure here; None: nothing."""
    asked: bool
    """The sensor sees no line: a second press would confirm that customers wait."""


class Why(Struct, frozen=True):
    """Why did it fail? Asked where it happened, once it is over; not answering is an answer too: not yet known."""

    moment: str
    choices: tuple[tuple[str, str], ...]
    """(id, words), what is proposed first."""


def why_of(plan: Plan, moment: Moment, known: Sequence[Fact]) -> Why | None:
    """Return what a desk is asked about a failure that has just ended; None where there is nothing to ask."""
    if moment.state != "ended" or moment.verdict != "failure" or moment.cause is not None:
        return None
    asked = ask(plan, moment, known)
    listed = {each.id: each.text for each in asked.proposed}
    for _, causes in asked.choices:
        listed |= {each.id: each.text for each in causes if each.id not in listed}
    return Why(moment.id, tuple(listed.items())[:WHY_SHOWN])


def button_of(plan: Plan, touchpoint: str) -> Button | None:
    """Return what the red button of a place sends; None where no promise opens by a press."""
    device = next((d for d in plan.devices.values() if d.kind == "mot-button" and d.touchpoint == touchpoint), None)
    press = device.signals.get("press", PRESS) if device else PRESS
    reset = device.signals.get("hold", HOLD) if device else HOLD
    for promise in plan.expectations.values():
        if touchpoint in promise.touchpoints and press in promise.opens and promise.key is None:
            return Button(press, reset, promise.id)
    return None


def choices(plan: Plan) -> tuple[Choice, ...]:
    """Return every place with a red button."""
    return tuple(
        Choice(touchpoint.id, touchpoint.name)
        for touchpoint in plan.touchpoints.values()
        if button_of(plan, touchpoint.id) is not None
    )


def standing(expectation: Expectation, signals: Sequence[SignalRow]) -> bool:
    """Return whether a hold stands, as far as the moment's own signals tell."""
    stands: dict[tuple[str, str], bool] = {}
    for row in sorted(signals, key=lambda row: row.signal.order):
        for on, off in expectation.holds.items():
            if row.signal.name in (on, off):
                stands[row.signal.device, on] = row.signal.name == on
    return any(stands.values())


def build(
    plan: Plan,
    touchpoint: str,
    button: Button,
    moment: Moment | None,
    trail: Sequence[TrailLine],
    signals: Sequence[SignalRow],
    now_ms: int,
) -> Desk:
    """Return the desk; pure. `moment` is the open one, or the last that ended."""
    zone = plan.site.timezone
    running = moment if moment is not None and moment.state == "open" else None
    saved = (
        running is None
        and moment is not None
        and moment.verdict == "success"
        and moment.ended_ms is not None
        and now_ms - moment.ended_ms <= SAVED_SHOWN_MS
    )
    ring: Ring = "saved" if saved else "calm"
    if running is not None:
        level = running.level if running.level in ("open", "threatened", "failing", "failed") else "open"
        ring = "claimed" if running.claimed_ms is not None else level
    heads = {
        "calm": "desk.calm",
        "saved": "desk.saved",
        "claimed": "desk.coming",
        "failed": "desk.failed",
    }
    groups = paged_groups(trail) if running is not None else ()
    refusals = [line.now_ms for line in trail if isinstance(line.event, Refused)]
    return Desk(
        touchpoint=touchpoint,
        name=touchpoint_name(plan, touchpoint),
        press=button.press,
        reset=button.reset,
        promise=plan.expectations[button.expectation].promise,
        moment=running.id if running else None,
        ring=ring,
        head=say(heads.get(ring, "desk.heard")),
        opened_ms=running.opened_ms if running else None,
        ends_ms=running.ends_ms if running else None,
        left=left(running.ends_ms - now_ms) if running else "",
        until=hms(running.ends_ms, zone) if running else "",
        claimed_ms=running.claimed_ms if running else None,
        since=hm(running.claimed_ms, zone) if running and running.claimed_ms is not None else "",
        state=say(f"state.{running.level}") if running else "",
        seen=hms(running.opened_ms, zone) if running else "",
        paged=listed([group_name(plan, group) for group in groups]),
        stands=running is not None and standing(plan.expectations[button.expectation], signals),
        refused=running is not None and bool(refusals) and now_ms - refusals[-1] <= REFUSED_SHOWN_MS,
        asked=running is not None and running.asks_until_ms is not None,
    )


def hushed(view: View, plan: Plan, touchpoint: str, now_ms: int) -> str:
    """Say why a press here pages nobody; empty where it does."""
    zone = plan.site.timezone
    fire = view.suspended(touchpoint)
    if fire is not None:
        return say("quiet.desk.suspended", time=hm(fire.since_ms, zone))
    if view.listen_only or touchpoint in view.listens:
        return say("quiet.desk.listens")
    mute = view.muted_for(plan, touchpoint, "", plan.touchpoints[touchpoint].group, now_ms)
    return "" if mute is None else say("quiet.desk.muted", time=hm(mute.end_ms, zone), reason=mute.reason)


def desk(source: Source, touchpoint: str) -> Desk | None:
    """Read what a desk shows and build it; None where there is no such desk."""
    plan, now_ms = source.plan, source.now_ms()
    button = button_of(plan, touchpoint) if touchpoint in plan.touchpoints else None
    if button is None:
        return None
    mine = [
        moment
        for moment in (*source.open_moments(), *source.decided(now_ms - SAVED_SHOWN_MS))
        if moment.touchpoint == touchpoint and moment.expectation == button.expectation
    ]
    moment = max(mine, key=lambda m: (m.state == "open", m.ended_ms or m.opened_ms), default=None)
    trail = source.told(moment.id) if moment else ()
    signals = source.signals(moment.id) if moment else ()
    found = build(plan, touchpoint, button, moment, trail, signals, now_ms)
    found = replace(found, hush=hushed(source.quiet, plan, touchpoint, now_ms))
    unexplained = [
        each
        for each in source.decided(now_ms - WHY_ASKED_MS)
        if each.touchpoint == touchpoint and each.expectation == button.expectation and why_of(plan, each, ())
    ]
    last = max(unexplained, key=lambda each: each.ended_ms or 0, default=None)
    if found.moment is not None or last is None:
        return found
    known = facts(source.trail(last.id), source.signals(last.id), ())
    return replace(found, why=why_of(plan, last, known))

"""The floor: what is threatened now, what is running, and every place, as plain values a template can draw."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from hub.quiet import NOTHING
from hub.store.rows import UNSTAFFED
from hub.web.pages.card import URGENT, Card, card, urgent
from hub.web.pages.day import Day, DayLine, Stroke, count, day_line, decided_ms, sayable, stroke
from hub.web.pages.guidance import leader
from hub.web.pages.hush import Strip, strip
from hub.web.pages.names import group_name, kind_words, place
from hub.web.pages.ruler import Ruler, ruler
from hub.web.pages.sight import Blind, blind
from hub.web.pages.spans import MINUTE_MS, hm, hms, left, midnight_ms
from hub.web.pages.told import told as told_of
from hub.web.pages.words import listed, rich, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.fleet.faults import Fault
    from hub.quiet import View
    from hub.store.rows import NodeRow, TrailLine
    from hub.web.pages.source import Source


SHOWN = 6
"""Most cards; the rest is a number."""
SAVED_SHOWN_MS = 10_000
STROKES = 18
"""Most strokes in a tile: what fits beside a countdown."""


class Tile(Struct, frozen=True, kw_only=True):
    """One place, quiet unless it needs somebody."""

    id: str
    name: str
    state: Literal["", "threatened", "failing", "failed", "blind", "saved"]
    ends_ms: int | None
    left: str
    claimed: bool
    strokes: tuple[Stroke, ...]
    hush: str = ""
    """Why nobody is paged about it now, in words; empty: people are."""
    hush_ms: int | None = None
    """When that ends, where it is known."""
    hush_left: str = ""
    earlier: int
    """Strokes of today that no longer fit."""
    tally: str


class Area(Struct, frozen=True):
    """Places that belong together."""

    name: str
    tiles: tuple[Tile, ...]
    tally: str


class Dark(Struct, frozen=True):
    """A blind device, in words."""

    touchpoint: str
    who: Markup
    judges: str
    short: str
    time: str


class Unstaffed(Struct, frozen=True):
    """The groups of which nobody can be reached by name; no names."""

    who: str
    ways: str
    """Over what its pages go all the same."""


class Floor(Struct, frozen=True, kw_only=True):
    """Everything on the floor at `now_ms`."""

    now_ms: int
    sayable: Markup
    cards: tuple[Card, ...]
    more: int
    calm: Markup | None
    """The words said when nothing needs anybody."""
    ruler: Ruler
    line: DayLine
    areas: tuple[Area, ...]
    quiet: Strip
    dark: tuple[Dark, ...]
    nodes: str
    day: Day
    busy: int
    unstaffed: Unstaffed | None = None
    """Groups of which nobody can be reached by name now, or when the next shift begins."""


def tile(
    plan: Plan,
    touchpoint: str,
    running: Sequence[Moment],
    decided: Sequence[Moment],
    *,
    dark: bool,
    now_ms: int,
    view: View = NOTHING,
) -> Tile:
    """Return one place; only the present has a state, history is strokes."""
    worst = urgent(running)
    drawn = tuple(stroke(moment) for moment in sorted(decided, key=decided_ms))
    day = count(decided)
    state: Literal["", "threatened", "failing", "failed", "blind", "saved"] = ""
    saved = any(m.saved and m.ended_ms is not None and now_ms - m.ended_ms <= SAVED_SHOWN_MS for m in decided)
    if worst:
        first = max(worst, key=lambda m: (URGENT.index(m.level), -m.ends_ms))
        state = "failed" if first.level == "failed" else "failing" if first.level == "failing" else "threatened"
    elif dark:
        state = "blind"
    elif saved:
        state = "saved"
    nearest = worst[0] if worst else None
    hush, hush_ms = _hush(plan, touchpoint, view, now_ms)
    return Tile(
        id=touchpoint,
        name=plan.touchpoints[touchpoint].name,
        state=state,
        ends_ms=nearest.ends_ms if nearest else None,
        left=left(nearest.ends_ms - now_ms) if nearest else "",
        claimed=bool(nearest and nearest.claimed_ms is not None),
        hush=hush,
        hush_ms=hush_ms,
        hush_left=left(hush_ms - now_ms) if hush_ms is not None else "",
        strokes=drawn[-STROKES:],
        earlier=max(len(drawn) - STROKES, 0),
        tally=say("tile.tally", kept=day.kept, saved=day.saved, failed=day.failed) if drawn else say("tile.quiet"),
    )


def _hush(plan: Plan, touchpoint: str, view: View, now_ms: int) -> tuple[str, int | None]:
    """Return why nobody is paged about a place now, and until when."""
    if view.suspended(touchpoint) is not None:
        return say("quiet.suspended"), None
    mute = view.muted(plan, touchpoint, now_ms)
    if mute is not None:
        return say("quiet.tile", time=hm(mute.end_ms, plan.site.timezone)), mute.end_ms
    return ("", None) if touchpoint not in view.listens else (say("quiet.listen.plan"), None)


def areas(
    plan: Plan,
    running: Sequence[Moment],
    decided: Sequence[Moment],
    dark: Sequence[Blind],
    now_ms: int,
    view: View = NOTHING,
) -> tuple[Area, ...]:
    """Return every place by area, both in plan order, which they keep all day."""
    open_at: dict[str, list[Moment]] = defaultdict(list)
    done_at: dict[str, list[Moment]] = defaultdict(list)
    for moment in running:
        open_at[moment.touchpoint].append(moment)
    for moment in decided:
        done_at[moment.touchpoint].append(moment)
    unseen = {item.touchpoint for item in dark}
    by_area: dict[str, list[str]] = defaultdict(list)
    for touchpoint in plan.touchpoints.values():
        by_area[touchpoint.area].append(touchpoint.id)
    found = []
    for name, ids in by_area.items():
        tiles = tuple(tile(plan, i, open_at[i], done_at[i], dark=i in unseen, now_ms=now_ms, view=view) for i in ids)
        day = count(moment for i in ids for moment in done_at[i])
        words = say("floor.area.kept", kept=day.kept, all=day.all) if day.all else say("floor.area.none")
        found.append(Area(name or say("floor.area.other"), tiles, words))
    return tuple(found)


def _dark(plan: Plan, item: Blind) -> Dark:
    zone = plan.site.timezone
    name, kind = plan.touchpoints[item.touchpoint].name, kind_words(item.kind)
    time = hms(item.since_ms, zone) if item.since_ms is not None else ""
    who = (
        rich("floor.blind", place=name, device=kind, time=time)
        if item.since_ms is not None
        else rich("floor.blind.never", place=name, device=kind)
    )
    others = listed([kind_words(other) for other in item.others])
    judges = say("floor.blind.judges", others=others) if others else say("floor.blind.nobody")
    return Dark(item.touchpoint, who, judges, f"{name}, {kind} {say('state.blind')}", time)


def _calm(plan: Plan, running: Sequence[Moment], dark: Sequence[Blind], now_ms: int) -> Markup:
    coming = min((m for m in running if m.ends_ms > now_ms), key=lambda m: m.ends_ms, default=None)
    following = (
        say("floor.calm.next", place=place(plan, coming), time=hm(coming.ends_ms, plan.site.timezone))
        if coming
        else say("floor.calm.none")
    )
    return rich("floor.calm.blind" if dark else "floor.calm", next=following)


def build(  # noqa: PLR0913 - a floor is made of all this
    plan: Plan,
    running: Sequence[Moment],
    decided: Sequence[Moment],
    trails: Mapping[str, Sequence[TrailLine]],
    signals: Mapping[str, str],
    nodes: Sequence[NodeRow],
    unseen_ms: int,
    now_ms: int,
    *,
    view: View = NOTHING,
    told: Mapping[str, Sequence[TrailLine]] | None = None,
) -> Floor:
    """Return the floor; pure, so that it can be tested for any site and any minute."""
    needs = urgent(running)
    dark = blind(plan, nodes, now_ms)
    day = count(decided)
    alive = sum(node.state == "online" for node in nodes)
    return Floor(
        now_ms=now_ms,
        sayable=sayable(day, -(-unseen_ms // MINUTE_MS)),
        cards=tuple(
            card(plan, m, trails.get(m.id, ()), signals, now_ms, (told or {}).get(m.id), view) for m in needs[:SHOWN]
        ),
        more=max(len(needs) - SHOWN, 0),
        calm=None if needs else _calm(plan, running, dark, now_ms),
        ruler=ruler(plan, running, now_ms),
        line=day_line(plan, decided, now_ms),
        areas=areas(plan, running, decided, dark, now_ms, view),
        quiet=strip(plan, view, now_ms),
        dark=tuple(_dark(plan, item) for item in dark),
        nodes=say("floor.nodes.fine", n=alive) if nodes else say("floor.nodes.none"),
        day=day,
        busy=len({moment.touchpoint for moment in needs}),
    )


def _unstaffed(plan: Plan, faults: Sequence[Fault]) -> Unstaffed | None:
    if not faults:
        return None
    groups = [each.node.removeprefix("group/") for each in faults]
    ways = dict.fromkeys(way for group in groups if group in plan.groups for way in plan.groups[group].channels)
    names = [group_name(plan, group) for group in groups]
    return Unstaffed(
        say("floor.lonely", group=names[0], why=faults[0].detail)
        if len(names) == 1
        else say("floor.lonely.many", groups=listed(names)),
        say("floor.lonely.own", ways=listed(list(ways))) if ways else say("floor.lonely.next"),
    )


def floor(source: Source) -> Floor:
    """Read what the floor needs and build it."""
    now_ms, plan = source.now_ms(), source.plan
    midnight = midnight_ms(now_ms, plan.site.timezone)
    running = source.open_moments()
    shown = urgent(running)[:SHOWN]
    trails = {moment.id: source.trail(moment.id) for moment in shown}
    signals = {row.signal.id: row.signal.name for moment in shown for row in source.signals(moment.id)}
    unseen = source.blind_ms(midnight)
    lonely = _unstaffed(plan, [each for each in source.faults() if each.kind == UNSTAFFED])
    told = {moment.id: told_of(trails[moment.id], source.deliveries(moment.id)) for moment in shown}
    decided, nodes = source.decided(midnight), source.nodes()
    found = build(plan, running, decided, trails, signals, nodes, unseen, now_ms, view=source.quiet, told=told)
    free = [moment for moment in running if source.quiet.suspended(moment.touchpoint) is None]
    lead = leader(free, now_ms)
    todo = {moment.id: source.advice(moment)[:1] for moment in shown if moment in free}
    cards = tuple(
        replace(card, first=todo[card.id][0].text if todo.get(card.id) else "", leads=card.id == lead)
        for card in found.cards
    )
    return replace(found, unstaffed=lonely, cards=cards)

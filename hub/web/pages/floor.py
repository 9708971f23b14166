"""The floor: what is threatened now, what is running, and every place, as plain values a template can draw."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from msgspec import Struct

from andgate.moment.events import Paged, Threatened
from hub.web.pages.names import capital, group_name, kind_words, place, promise, signal_words
from hub.web.pages.sight import Blind, blind
from hub.web.pages.spans import DAY_MS, MINUTE_MS, hm, hms, left, local, midnight_ms, span
from hub.web.pages.words import listed, rich, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from andgate.moment.moments import Moment
    from andgate.plan import PageStep, Plan
    from hub.store.rows import NodeRow, TrailLine
    from hub.web.pages.source import Source

Stroke = Literal["kept", "saved", "failed"]

URGENT = ("threatened", "failing", "failed")
"""Levels that need somebody."""
SHOWN = 6
"""Most cards; the rest is a number."""
SOON_MS = 30 * MINUTE_MS
SAVED_SHOWN_MS = 10_000
STROKES = 18
"""Most strokes in a tile: what fits beside a countdown."""


class Day(Struct, frozen=True):
    """Verdicts of a day, added up."""

    kept: int
    """Successes, saved ones among them."""
    saved: int
    failed: int

    @property
    def all(self) -> int:
        """Promises decided."""
        return self.kept + self.failed


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
    on_it: str
    """How long somebody has been on it."""
    percent: float
    """Of its life, 0 to 100."""
    ticks: tuple[Tick, ...]
    provisional: bool


class Tile(Struct, frozen=True, kw_only=True):
    """One place, quiet unless it needs somebody."""

    id: str
    name: str
    state: Literal["", "threatened", "failing", "failed", "blind", "saved"]
    ends_ms: int | None
    left: str
    claimed: bool
    strokes: tuple[Stroke, ...]
    earlier: int
    """Strokes of today that no longer fit."""
    tally: str


class Area(Struct, frozen=True):
    """Places that belong together."""

    name: str
    tiles: tuple[Tile, ...]
    tally: str


class Running(Struct, frozen=True, kw_only=True):
    """A promise that runs and is not threatened: its deadline is known, nothing else."""

    id: str
    place: str
    ends_ms: int
    time: str
    percent: float
    """On the ruler of the next 30 minutes."""
    warns_percent: float | None
    words: str
    row: int
    flip: bool
    """Too far right for its words to stand right of it."""


class Ruler(Struct, frozen=True):
    """The next 30 minutes."""

    items: tuple[Running, ...]
    hours: tuple[tuple[float, str], ...]
    minutes: tuple[float, ...]
    more: int
    rows: int


class Mark(Struct, frozen=True):
    """One verdict on the day line."""

    percent: float
    stroke: Stroke
    id: str


class DayLine(Struct, frozen=True):
    """A day as one line: where in it we are, and what was decided when."""

    now_percent: float
    marks: tuple[Mark, ...]
    hours: tuple[tuple[float, str | None], ...]
    words: str


class Dark(Struct, frozen=True):
    """A blind device, in words."""

    touchpoint: str
    who: Markup
    judges: str
    short: str
    time: str


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
    dark: tuple[Dark, ...]
    nodes: str
    day: Day
    busy: int


def stroke(moment: Moment) -> Stroke:
    """Return how a decided moment is drawn."""
    if moment.verdict == "failure":
        return "failed"
    return "saved" if moment.saved else "kept"


def decided_ms(moment: Moment) -> int:
    """Return when its verdict stood: a failure's is the deadline."""
    if moment.verdict == "failure" or moment.ended_ms is None:
        return moment.ends_ms
    return moment.ended_ms


def count(moments: Iterable[Moment]) -> Day:
    """Add up decided moments; void ones do not count."""
    tally = {"kept": 0, "saved": 0, "failed": 0}
    for moment in moments:
        if moment.verdict in ("success", "failure") and not moment.withdrawn:
            tally[stroke(moment)] += 1
    return Day(tally["kept"] + tally["saved"], tally["saved"], tally["failed"])


def urgent(moments: Iterable[Moment]) -> tuple[Moment, ...]:
    """Return the moments that need somebody, nearest deadline first."""
    return tuple(sorted((m for m in moments if m.level in URGENT), key=lambda m: (m.ends_ms, m.id)))


def next_step(plan: Plan, moment: Moment, trail: Sequence[TrailLine], now_ms: int) -> tuple[int, PageStep] | None:
    """Return when the next page goes out, and the step, as far as the plan and the claim tell."""
    expectation = plan.expectations.get(moment.expectation)
    if expectation is None:
        return None
    gone = {line.event.step for line in trail if isinstance(line.event, Paged)}
    due: list[tuple[int, int, PageStep]] = []
    for index, step in enumerate(expectation.pages):
        at_ms = moment.ends_ms - step.left_ms
        if step.unless_claimed and moment.claimed_ms is not None:
            if moment.claim_until_ms is None:
                continue
            at_ms = max(at_ms, moment.claim_until_ms)
        if index not in gone and at_ms > now_ms:
            due.append((at_ms, index, step))
    if not due:
        return None
    at_ms, _, step = min(due)[0], min(due)[1], min(due)[2]
    return at_ms, step


def counting(to_ms: int, now_ms: int, *, up: bool = False) -> Markup:
    """Return a count that the browser keeps going: down to `to_ms`, or up from it."""
    words = span(now_ms - to_ms) if up else left(to_ms - now_ms)
    kind = "up" if up else "down"
    return Markup('<span class="count" data-{}="{}">{}</span>').format(kind, to_ms, words)


def card(plan: Plan, moment: Moment, trail: Sequence[TrailLine], signals: Mapping[str, str], now_ms: int) -> Card:
    """Return one moment as a card; `signals` names the signals its trail speaks of."""
    zone = plan.site.timezone
    life = max(moment.ends_ms - moment.opened_ms, 1)

    def percent(at_ms: int) -> float:
        return round(min(max((at_ms - moment.opened_ms) / life, 0.0), 1.0) * 100, 2)

    pages = [line.event for line in trail if isinstance(line.event, Paged)]
    ticks = [Tick(0.0, "opened", hms(moment.opened_ms, zone))]
    ticks += [Tick(percent(p.at_ms), "paged", group_name(plan, p.group)) for p in pages]
    if moment.claimed_ms is not None:
        ticks.append(Tick(percent(moment.claimed_ms), "claimed", hms(moment.claimed_ms, zone)))
    step = next_step(plan, moment, trail, now_ms)
    following = None
    if step is not None:
        following = rich("card.next", group=group_name(plan, step[1].group).lower(), count=counting(step[0], now_ms))
    elif moment.level != "failed" and moment.claimed_ms is None:
        following = Markup(say("card.next.none"))  # noqa: S704 catalogue text
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
        knows=_knows(plan, moment, trail, signals),
        next=following,
        claimed_by=moment.claimed_by,
        claimed_ms=moment.claimed_ms,
        on_it=span(now_ms - moment.claimed_ms) if moment.claimed_ms is not None else "",
        percent=percent(now_ms),
        ticks=tuple(ticks),
        provisional=moment.provisional,
    )


def _knows(plan: Plan, moment: Moment, trail: Sequence[TrailLine], signals: Mapping[str, str]) -> Markup:
    zone = plan.site.timezone
    said: list[Markup] = []
    for line in trail:
        event = line.event
        if isinstance(event, Threatened) and event.signal is not None and event.signal in signals:
            words = capital(signal_words(signals[event.signal]))
            said.append(rich("card.signal", signal=words, time=hms(event.at_ms, zone)))
    if moment.claimed_ms is None:
        said.append(rich("card.nobody"))
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


def tile(
    plan: Plan, touchpoint: str, running: Sequence[Moment], decided: Sequence[Moment], *, dark: bool, now_ms: int
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
    return Tile(
        id=touchpoint,
        name=plan.touchpoints[touchpoint].name,
        state=state,
        ends_ms=nearest.ends_ms if nearest else None,
        left=left(nearest.ends_ms - now_ms) if nearest else "",
        claimed=bool(nearest and nearest.claimed_ms is not None),
        strokes=drawn[-STROKES:],
        earlier=max(len(drawn) - STROKES, 0),
        tally=say("tile.tally", kept=day.kept, saved=day.saved, failed=day.failed) if drawn else say("tile.quiet"),
    )


def areas(
    plan: Plan, running: Sequence[Moment], decided: Sequence[Moment], dark: Sequence[Blind], now_ms: int
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
        tiles = tuple(tile(plan, i, open_at[i], done_at[i], dark=i in unseen, now_ms=now_ms) for i in ids)
        day = count(moment for i in ids for moment in done_at[i])
        words = say("floor.area.kept", kept=day.kept, all=day.all) if day.all else say("floor.area.none")
        found.append(Area(name or say("floor.area.other"), tiles, words))
    return tuple(found)


def ruler(plan: Plan, running: Iterable[Moment], now_ms: int) -> Ruler:
    """Return what is known about the next 30 minutes: promises that run, and when they warn and break."""
    zone = plan.site.timezone

    def percent(at_ms: int) -> float:
        return round((at_ms - now_ms) / SOON_MS * 100, 2)

    calm = sorted((m for m in running if m.level == "open" and now_ms < m.ends_ms), key=lambda m: m.ends_ms)
    near = [moment for moment in calm if moment.ends_ms <= now_ms + SOON_MS]
    width, ends, items = 15.5, [-1.0, -1.0], []
    for moment in near:
        at = percent(moment.ends_ms)
        flip = at > 100 - width
        start = at - width if flip else at
        row = next((index for index, end in enumerate(ends) if start >= end), None)
        if row is None:
            continue
        ends[row] = start + width
        expectation = plan.expectations.get(moment.expectation)
        steps = [s.left_ms for s in expectation.pages] if expectation else []
        warns_ms = moment.ends_ms - max(steps) if steps else None
        words = (
            say("floor.soon.warns", warns=hm(warns_ms, zone), ends=hm(moment.ends_ms, zone))
            if warns_ms is not None and warns_ms > now_ms
            else say("floor.soon.until", ends=hm(moment.ends_ms, zone))
        )
        items.append(
            Running(
                id=moment.id,
                place=place(plan, moment),
                ends_ms=moment.ends_ms,
                time=hm(moment.ends_ms, zone),
                percent=at,
                warns_percent=percent(max(warns_ms, now_ms)) if warns_ms is not None else None,
                words=words,
                row=row,
                flip=flip,
            )
        )
    first = -(-now_ms // MINUTE_MS) * MINUTE_MS
    minutes = [first + step * MINUTE_MS for step in range(30)]
    fives = [at for at in minutes if local(at, zone).minute % 5 == 0]
    return Ruler(
        tuple(items),
        tuple((percent(at), hm(at, zone)) for at in fives),
        tuple(percent(at) for at in minutes if at not in fives),
        len(near) - len(items),
        1 + max((item.row for item in items), default=0),
    )


def day_line(plan: Plan, decided: Sequence[Moment], now_ms: int) -> DayLine:
    """Return the day as one line, over the hours in which any place is open."""
    zone = plan.site.timezone
    midnight = midnight_ms(now_ms, zone)
    hours = [touchpoint.hours for touchpoint in plan.touchpoints.values()]
    start_ms, end_ms = midnight, midnight + DAY_MS
    if hours and all(span is not None and span.start_min < span.end_min for span in hours):
        known = [span for span in hours if span is not None]
        start_ms = midnight + min(span.start_min for span in known) * MINUTE_MS
        end_ms = midnight + max(span.end_min for span in known) * MINUTE_MS
    stood = [decided_ms(moment) for moment in decided]
    start_ms, end_ms = min([start_ms, *stood, now_ms]), max(end_ms, now_ms)

    def percent(at_ms: int) -> float:
        return round((at_ms - start_ms) / (end_ms - start_ms) * 100, 2)

    marks = sorted(
        (Mark(percent(decided_ms(m)), stroke(m), m.id) for m in decided), key=lambda mark: (mark.percent, mark.id)
    )
    first = -(-start_ms // (60 * MINUTE_MS)) * 60 * MINUTE_MS
    hours_at = []
    for at in range(first, end_ms, 60 * MINUTE_MS):
        when = local(at, zone)
        hours_at.append((percent(at), hm(at, zone) if when.hour % 3 == 0 and when.minute == 0 else None))
    day = count(decided)
    words = say("floor.day", kept=day.kept, saved=day.saved, failed=day.failed)
    return DayLine(percent(now_ms), tuple(marks), tuple(hours_at), words)


def sayable(day: Day, blind_minutes: int) -> Markup:
    """Return the day in one sentence that can be said aloud."""
    if not day.all:
        return rich("floor.say.none")
    unseen = (
        rich(
            "floor.say.blind",
            minutes=blind_minutes,
            minutes_word=say("floor.minute" if blind_minutes == 1 else "floor.minutes"),
        )
        if blind_minutes
        else Markup()
    )
    return rich("floor.say", kept=day.kept, all=day.all, saved=day.saved, blind=unseen)


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


def build(
    plan: Plan,
    running: Sequence[Moment],
    decided: Sequence[Moment],
    trails: Mapping[str, Sequence[TrailLine]],
    signals: Mapping[str, str],
    nodes: Sequence[NodeRow],
    unseen_ms: int,
    now_ms: int,
) -> Floor:
    """Return the floor; pure, so that it can be tested for any site and any minute."""
    needs = urgent(running)
    dark = blind(plan, nodes, now_ms)
    day = count(decided)
    alive = sum(node.state == "online" for node in nodes)
    return Floor(
        now_ms=now_ms,
        sayable=sayable(day, -(-unseen_ms // MINUTE_MS)),
        cards=tuple(card(plan, m, trails.get(m.id, ()), signals, now_ms) for m in needs[:SHOWN]),
        more=max(len(needs) - SHOWN, 0),
        calm=None if needs else _calm(plan, running, dark, now_ms),
        ruler=ruler(plan, running, now_ms),
        line=day_line(plan, decided, now_ms),
        areas=areas(plan, running, decided, dark, now_ms),
        dark=tuple(_dark(plan, item) for item in dark),
        nodes=say("floor.nodes.fine", n=alive) if nodes else say("floor.nodes.none"),
        day=day,
        busy=len({moment.touchpoint for moment in needs}),
    )


def blind_ms(plan: Plan, nodes: Sequence[NodeRow], since_ms: int, now_ms: int) -> int:
    """Return for how long places that are blind now have been so, since `since_ms`, summed over places."""
    worst: dict[str, int] = {}
    for item in blind(plan, nodes, now_ms):
        unseen = now_ms - max(item.since_ms if item.since_ms is not None else now_ms, since_ms)
        worst[item.touchpoint] = max(worst.get(item.touchpoint, 0), unseen)
    return sum(worst.values())


def floor(source: Source) -> Floor:
    """Read what the floor needs and build it."""
    now_ms, plan = source.now_ms(), source.plan
    midnight = midnight_ms(now_ms, plan.site.timezone)
    running = source.open_moments()
    shown = urgent(running)[:SHOWN]
    trails = {moment.id: source.trail(moment.id) for moment in shown}
    signals = {row.signal.id: row.signal.name for moment in shown for row in source.signals(moment.id)}
    nodes = source.nodes()
    unseen = blind_ms(plan, nodes, midnight, now_ms)
    return build(plan, running, source.decided(midnight), trails, signals, nodes, unseen, now_ms)

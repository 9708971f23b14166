"""The list of moments, with its filters: where every figure on a screen leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from msgspec import Struct

from hub.web.pages.moment import level_of
from hub.web.pages.names import place, promise
from hub.web.pages.source import Query
from hub.web.pages.spans import clock, down_s, left, local, to_ms, when_words
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.web.pages.source import Found, Source

FILTERS = ("state", "verdict", "expectation", "touchpoint", "key", "since", "until", "cause", "at")


class Row(Struct, frozen=True, kw_only=True):
    """One moment in the list."""

    id: str
    opened: str
    place: str
    promise: str
    level: str
    outcome: str
    left: str
    counts: int | None
    """Deadline that the browser counts to while it is open."""
    on: str
    cause: str
    training: bool
    """It was not real, and counts nowhere."""
    provisional: bool


class Moments(Struct, frozen=True, kw_only=True):
    """One page of the list."""

    rows: tuple[Row, ...]
    next: str | None
    """Query of the following page."""
    first: str | None
    """Query of the first page, if this is another."""
    chosen: dict[str, str]
    only: str


def row(plan: Plan, moment: Moment, now_ms: int) -> Row:
    """Return a moment as one line."""
    level = level_of(moment)
    return Row(
        id=moment.id,
        opened=when_words(moment.opened_ms, now_ms, plan.site.timezone),
        place=place(plan, moment),
        promise=promise(plan, moment.expectation),
        level=level,
        outcome=say(f"state.{level}"),
        left=_left(moment, now_ms),
        counts=moment.ends_ms if moment.state == "open" else None,
        on=moment.claimed_by or "",
        cause=moment.cause or moment.reason or "",
        training=moment.training is not None,
        provisional=moment.provisional,
    )


def _left(moment: Moment, now_ms: int) -> str:
    if moment.state == "open":
        return left(moment.ends_ms - now_ms)
    if moment.verdict == "failure":
        return f"+{clock(int(moment.late_s))}" if moment.late_s is not None else ""
    if moment.verdict == "success" and moment.ended_ms is not None:
        return clock(down_s(moment.ends_ms - moment.ended_ms))
    return ""


def read_day(text: str, zone: str) -> int | None:
    """Return ``2026-11-21``, ``2026-11-21T17`` or UTC milliseconds as a time; None where it is none of these."""
    if text.isascii() and text.isdigit() and len(text) <= len("9999999999999"):
        return int(text)
    day, _, hour = text.partition("T")
    parts = day.split("-")
    try:
        year, month, date = (int(part) for part in parts)
        when: datetime = local(0, zone).replace(year=year, month=month, day=date, hour=int(hour or 0), minute=0)
    except ValueError:
        return None
    return to_ms(when.replace(second=0, microsecond=0))


def chosen_from(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the filters that were set."""
    return {name: arguments[name][:200] for name in FILTERS if arguments.get(name)}


def query_from(arguments: Mapping[str, str], zone: str) -> Query:
    """Return what a list's address asks for; what makes no sense is left out, so that a link never fails."""
    chosen = chosen_from(arguments)
    until = chosen.get("until")
    until_ms = read_day(until, zone) if until else None
    if until_ms is not None and until and len(until) == len("2026-11-21"):
        until_ms += 86_400_000
    return Query(
        state=chosen.get("state"),
        verdict=chosen.get("verdict"),
        expectation=chosen.get("expectation"),
        touchpoint=chosen.get("touchpoint"),
        key=chosen.get("key"),
        since_ms=read_day(chosen["since"], zone) if "since" in chosen else None,
        until_ms=until_ms,
        cause=chosen.get("cause"),
        week_hour=read_week_hour(chosen.get("at", "")),
        cursor=arguments.get("cursor"),
    )


def read_week_hour(text: str) -> tuple[int, int] | None:
    """Return ``5-17`` as Saturday, 17 h; None where it is no hour of the week."""
    day, _, hour = text.partition("-")
    if not (day.isdecimal() and hour.isdecimal() and len(text) <= len("6-23")):
        return None
    return (int(day), int(hour)) if int(day) < 7 and int(hour) < 24 else None  # noqa: PLR2004 days and hours


def only_words(query: Query) -> str:
    """Say the filters that the form does not show."""
    said = []
    if query.cause is not None:
        said.append(say("moments.only.nocause") if query.cause == "-" else say("moments.only.cause", cause=query.cause))
    if query.week_hour is not None:
        day, hour = query.week_hour
        said.append(say("moments.only.at", day=say(f"days.{day}"), hour=f"{hour:02}"))
    return " ".join(said)


def build(plan: Plan, found: Found, arguments: Mapping[str, str], now_ms: int) -> Moments:
    """Return the list; pure."""
    chosen = chosen_from(arguments)
    return Moments(
        rows=tuple(row(plan, moment, now_ms) for moment in found.items),
        next=urlencode({**chosen, "cursor": found.next}) if found.next is not None else None,
        first=urlencode(chosen) if arguments.get("cursor") else None,
        chosen=chosen,
        only=only_words(query_from(arguments, plan.site.timezone)),
    )


def moments(source: Source, arguments: Mapping[str, str]) -> Moments:
    """Read the list that an address asks for."""
    plan = source.plan
    return build(plan, source.find(query_from(arguments, plan.site.timezone)), arguments, source.now_ms())

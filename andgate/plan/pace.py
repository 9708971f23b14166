"""Reads how much a group is paged at once, and when the channels are proven at night."""

from __future__ import annotations

import re

from msgspec.structs import replace

from andgate.plan.durations import format_duration
from andgate.plan.model import USUAL_PACE, Group, Pace, Site
from andgate.plan.tables import Table, show

_MOST = 1_000
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_HOUR_MIN = 60


def read_pace(table: Table) -> Pace:
    """Read what a group's table says about bundles and limits; `USUAL_PACE` itself where it says nothing."""
    said: dict[str, int] = {}
    for key, ms in (("bundles_within", "bundles_within_ms"), ("pages_within", "pages_within_ms")):
        value = table.duration(key, positive=True)
        if value is not None:
            said[ms] = value
    for key, low in (("bundles_from", 0), ("pages_most", 1)):
        value = table.whole(key, low, _MOST)
        if value is not None:
            said[key] = value
    if said.get("bundles_from") == 1:
        table.wrong("bundles_from", "1 would bundle every page", "Write 2 or more, or 0 for no bundles")
    if "pages_within_ms" in said and "pages_most" not in table.content:
        table.wrong("pages_within", "limits nothing", "Add pages_most = 10, or delete this key")
    return replace(USUAL_PACE, **said) if said else USUAL_PACE


def read_drill(table: Table) -> int | None:
    """Read ``drill = "03:30"`` of the site: minutes from midnight, or None."""
    text = table.text("drill")
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        table.wrong("drill", f"{show(text)} is no time of day", 'Write one such as "03:30", when little is going on')
        return None
    return int(match[1]) * _HOUR_MIN + int(match[2])


def pace_words(group: Group) -> str:
    """Say what is unusual about how much a group is paged at once; empty where nothing is."""
    pace, said = group.pace, []
    within = format_duration(pace.bundles_within_ms)
    if pace.bundles_from == 0:
        said.append("threats are never told together")
    elif pace.bundles_from is not None:
        said.append(f"from {pace.bundles_from} threats within {within} on they are told together")
    elif pace.bundles_within_ms != USUAL_PACE.bundles_within_ms:
        said.append(f"threats within {within} may be told together")
    if pace.pages_most is not None:
        said.append(f"at most {pace.pages_most} further pages within {format_duration(pace.pages_within_ms)}")
    return "".join(f"; {each}" for each in said)


def drill_words(site: Site) -> list[str]:
    """Say when all channels are proven; nothing where they never are by themselves."""
    if site.drill_min is None:
        return []
    hour, minute = divmod(site.drill_min, _HOUR_MIN)
    return [f"Every night at {hour:02}:{minute:02} all channels of the coming shift are proven, silently"]

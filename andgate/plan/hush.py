"""Reads what a plan says about quiet: ``[mutes.ID]``, and keys of touchpoints, nodes and devices."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from andgate.plan.durations import format_duration
from andgate.plan.model import Device, Touchpoint
from andgate.plan.quiet import DAYS, Quiets, Recurring, Scope, Suspends
from andgate.plan.tables import Table, known, show

OF_TOUCHPOINTS = ("suspends", "suspends_at_most", "listens")
"""Keys of ``[touchpoints.ID]`` that are read here."""
OF_DEVICES = ("training", "trainer")
"""Keys of ``[nodes.ID]`` and its devices that are read here."""
AT_MOST_LONGEST_MS = 8 * 3_600_000
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_HOUR_MIN = 60


def read_quiets(
    root: Table,
    touchpoints: Mapping[str, Touchpoint],
    devices: Mapping[str, Device],
    groups: Collection[str],
    expectations: Collection[str],
) -> Quiets:
    """Read all of it; the tables themselves are read elsewhere, which knows that these keys are."""
    places = root.names_under("touchpoints")
    areas = tuple(dict.fromkeys(each.area for each in touchpoints.values() if each.area))
    mutes = {name: _mute(name, table, (areas, places, expectations, groups)) for name, table in root.entries("mutes")}
    suspends = {}
    listens = []
    for name, table in _tables(root, "touchpoints"):
        found = _suspends(table, areas, places)
        if found is not None:
            suspends[name] = found
        if table.flag("listens"):
            listens.append(name)
    return Quiets(
        mutes={name: mute for name, mute in mutes.items() if mute is not None},
        suspends=suspends,
        listens=tuple(listens),
        training=_training(root, devices, groups),
    )


def _tables(holder: Table, key: str) -> Iterator[tuple[str, Table]]:
    """Yield (id, table) of every ``[key.id]`` that is one; what is wrong with them otherwise has been noted."""
    content = holder.content.get(key)
    for name, each in content.items() if isinstance(content, dict) else ():
        if isinstance(each, dict):
            yield name, Table(holder.book, (*holder.path, key, name), each)


def _mute(name: str, table: Table, options: tuple[Collection[str], ...]) -> Recurring | None:
    reason = table.text("reason", example="Nightly cleaning")
    owner = table.text("owner", example="Facility management")
    start, end = _time(table, "from", "23:30"), _time(table, "to", "04:30")
    days = tuple(DAYS.index(day) for day in table.references("days", DAYS, "day"))
    areas, touchpoints, expectations, groups = options
    scope = Scope(
        areas=table.references("areas", areas, "area"),
        touchpoints=table.references("touchpoints", touchpoints, "touchpoint"),
        expectations=table.references("expectations", expectations, "expectation"),
        groups=table.references("groups", groups, "group"),
    )
    faults = bool(table.flag("faults"))
    table.close()
    if start is not None and start == end:
        table.wrong("to", "is when it begins", "A mute has an end: let a day be at most a day, and leave a minute")
    if reason is None or owner is None or start is None or end is None:
        return None
    return Recurring(
        id=name,
        reason=reason,
        owner=owner,
        start_min=start,
        end_min=end,
        days=tuple(sorted(days)),
        scope=scope,
        faults=faults,
    )


def _time(table: Table, key: str, example: str) -> int | None:
    """Read a time of the day as minutes from midnight."""
    text = table.text(key, example=example)
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if match is None or (key == "from" and text == "24:00"):
        table.wrong(key, f"{show(text)} is no time of the day", f'Write it as in {key} = "{example}"')
        return None
    return 24 * _HOUR_MIN if match[1] is None else int(match[1]) * _HOUR_MIN + int(match[2])


def _suspends(table: Table, areas: Collection[str], places: Collection[str]) -> Suspends | None:
    """Read ``suspends = "site"``, or a list of areas and touchpoints."""
    said = table.content.get("suspends")
    at_most_ms = table.duration("suspends_at_most", positive=True)
    if said is None:
        if "suspends_at_most" in table.content:
            table.wrong("suspends_at_most", "suspends nothing", 'Add suspends = "site", or delete this key')
        return None
    if at_most_ms is not None and at_most_ms > AT_MOST_LONGEST_MS:
        table.wrong(
            "suspends_at_most",
            f"{format_duration(at_most_ms)} without a word from the contact is too long",
            f"Write at most {format_duration(AT_MOST_LONGEST_MS)}: who is not heard may be a cut wire",
        )
    found = Suspends() if at_most_ms is None else Suspends(at_most_ms=at_most_ms)
    if said == "site":
        return found
    if isinstance(said, str) or said == []:
        remedy = 'Write "site", or areas and touchpoints in brackets'
        table.wrong("suspends", f"{show(said)} is neither the site nor a list", remedy)
        return None
    options = {**dict.fromkeys(areas, "area"), **dict.fromkeys(places, "touchpoint")}
    named = table.references("suspends", options, "area or touchpoint")
    return Suspends(
        areas=tuple(name for name in named if options[name] == "area"),
        touchpoints=tuple(name for name in named if options[name] == "touchpoint"),
        at_most_ms=found.at_most_ms,
    )


def _training(root: Table, devices: Mapping[str, Device], groups: Collection[str]) -> dict[str, str]:
    """Read who trains where: what a node says counts for all of its devices."""
    found: dict[str, str] = {}
    for node, table in _tables(root, "nodes"):
        of_node = _trainer(table, groups)
        for device, own in _tables(table, "devices"):
            trainer = _trainer(own, groups) or of_node
            if trainer is not None and f"{node}/{device}" in devices:
                found[f"{node}/{device}"] = trainer
    return found


def _trainer(table: Table, groups: Collection[str]) -> str | None:
    """Read ``training = true`` and its ``trainer``."""
    training = table.flag("training")
    trainer = table.reference("trainer", groups, "group", required=False)
    if training and "trainer" not in table.content:
        table.wrong("trainer", "is missing", f"Say who is paged instead: {known('', groups, 'group')}")
    elif not training and "trainer" in table.content:
        table.wrong("trainer", "trains nobody", "Add training = true, or delete this key")
    return trainer if training else None

"""Reads ``[alerts]``: how passengers who asked are told of delays and gate changes, in which words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from andgate.plan.durations import format_duration
from andgate.plan.model import Alerts, Expectation
from andgate.plan.tables import Table, known, show
from andgate.plan.ways import read_passengers_ways

DAY_MS = 86_400_000
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_KEEPS_MOST_MS = 30 * DAY_MS


def read_alerts(root: Table, expectations: Mapping[str, Expectation]) -> Alerts | None:
    """Read ``[alerts]``; None where there is none, or where a part without which there are none is wrong."""
    table = root.table("alerts")
    if table is None:
        return None
    site = root.content.get("site")
    if isinstance(site, dict) and "url" not in site:
        table.wrong(
            "expectation",
            "tells people outside, and the messages have nothing to link to",
            'Add url = "https://..." to [site]: how passengers reach the hub\'s pages to say yes, and to stop',
        )
    name = table.reference("expectation", root.names_under("expectations"), "expectation")
    told = table.name("told", example="told")
    nobody = table.name("nobody", example="nobody-asked")
    keeps = table.duration("keeps", positive=True)
    if keeps is not None and keeps > _KEEPS_MOST_MS:
        table.wrong("keeps", f"is longer than {format_duration(_KEEPS_MOST_MS)}", "Keep what is personal a few days")
    ways = read_passengers_ways(table)
    news = _news(table)
    table.close()
    expectation = expectations.get(name or "")
    if name is None or told is None or nobody is None or expectation is None:
        return None
    _check_roles(table, expectation, told, nobody, news)
    return Alerts(
        expectation=name, told=told, nobody=nobody, ways=ways, news=news, keeps_ms=DAY_MS if keeps is None else keeps
    )


def _check_roles(table: Table, it: Expectation, told: str, nobody: str, news: Mapping[str, str]) -> None:
    """Note where the expectation cannot be judged by what the hub will say."""
    if it.key is None:
        table.wrong("expectation", f"{show(it.id)} has no key", f'Add key = "flight" to [expectations.{it.id}]')
    if told not in it.closes:
        table.wrong("told", f"{show(told)} does not close {show(it.id)}", known(told, it.closes, "closing signal"))
    if nobody not in it.voids:
        remedy = known(nobody, it.voids, "signal that voids it") if it.voids else f'Add voids = ["{nobody}"] there'
        table.wrong("nobody", f"{show(nobody)} does not void {show(it.id)}", remedy)
    for signal in news:
        if signal not in it.opens:
            table.wrong("news", f"{show(signal)} does not open {show(it.id)}", known(signal, it.opens, "such signal"))
    for signal in it.opens:
        if signal not in news:
            table.wrong("news", f"has no words for {show(signal)}", f'Add {signal} = "{{flight}} ..."')


def _news(table: Table) -> dict[str, str]:
    """Read ``[alerts.news]``: signal -> the sentence that tells it."""
    holder = table.table("news")
    if holder is None:
        if "news" not in table.content:
            table.wrong(
                "news", "is missing", 'Add [alerts.news] with a sentence for each signal: delayed = "{flight} ..."'
            )
        return {}
    news = {}
    for signal in holder.content:
        text = holder.text(signal)
        if text is None or holder.id_of((*holder.path, signal), signal) is None:
            continue
        for found in _BRACES.finditer(text):
            if found[1] is None or not _FIELD.fullmatch(found[1]):
                holder.wrong(
                    signal,
                    f"{show(found[0])} is no place for a word",
                    "Write {flight}, or the name of something that the signal says `about` the flight, as {gate}",
                )
                break
        else:
            news[signal] = text
    return news

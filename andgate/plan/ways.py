"""Reads ways to reach one person: a name for people, and a URL with a place for each one's own address.

``[ways.ID]`` is how staff can be reached, ``[alerts.ways.ID]`` how passengers can be told; they are written alike.
"""

from __future__ import annotations

from andgate.plan.addresses import ADDRESS, SAMPLE, kind_of
from andgate.plan.floor import read_channel
from andgate.plan.model import Way
from andgate.plan.tables import Table

_OWN = ("mqtt", "webpush")


def read_staff_ways(root: Table) -> dict[str, Way]:
    """Read every ``[ways.ID]``."""
    ways = {}
    for name, table in root.entries("ways"):
        way = _read(name, table, example="Mail", whose="person", sample=SAMPLE)
        if way is not None and kind_of(way.url) in _OWN:
            table.wrong(
                "url",
                "needs no table: everybody may be given a phone, or a pager on the site's own broker",
                f"Delete [ways.{name}]",
            )
        elif way is not None:
            ways[name] = way
    return ways


def read_passengers_ways(alerts: Table) -> dict[str, Way]:
    """Read every ``[alerts.ways.ID]``, at least one."""
    if not alerts.names_under("ways"):
        alerts.asked.add("ways")
        alerts.wrong("ways", "is missing", "Add [alerts.ways.mail] with name and url: how passengers can be told")
        return {}
    entries = alerts.entries("ways")
    found = ((name, _read(name, table, example="E-mail", whose="passenger")) for name, table in entries)
    return {name: way for name, way in found if way is not None}


def _read(name: str, table: Table, *, example: str, whose: str, sample: str = ADDRESS) -> Way | None:
    """Read one way; its URL is looked at with `sample` in the place of an address."""
    shown = table.text("name", example=example)
    takes = table.choice("takes", ("address", "number"), "sort of address", required=True)
    channel = read_channel(name, table, sample=sample)
    table.close()
    if channel is not None and ADDRESS not in channel.url and channel.secret is None:
        table.wrong(
            "url",
            f"has no place for the {whose}'s own {takes or 'address'}",
            f"Write {ADDRESS} where it goes, or name a signed web hook, which gets it with each event",
        )
    if shown is None or takes is None or channel is None:
        return None
    return Way(id=name, name=shown, takes_number=takes == "number", url=channel.url, secret=channel.secret)

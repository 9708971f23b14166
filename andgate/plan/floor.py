"""Reads a plan's people and places: site, channels, groups, touchpoints."""

from __future__ import annotations

import re
from collections.abc import Collection
from zoneinfo import ZoneInfo, available_timezones

from msgspec.structs import replace

from andgate.plan.addresses import (
    ADDRESS,
    hook_address,
    hook_key,
    is_hook,
    kind_of,
    pager_address,
    pocsag_address,
    push_contact,
    web_base,
)
from andgate.plan.hush import OF_TOUCHPOINTS
from andgate.plan.model import Channel, Group, Hours, Site, Touchpoint
from andgate.plan.pace import read_drill, read_pace
from andgate.plan.shifts import read_holidays, read_shifts
from andgate.plan.tables import Table, known, show

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_HOURS = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_HOUR_MIN = 60
_MIDNIGHT_MIN = 24 * _HOUR_MIN


def read_site(root: Table) -> Site | None:
    """Read ``[site]``."""
    table = root.table("site")
    if table is None:
        if "site" not in root.content:
            root.wrong("site", "is missing", "Add [site] with id, name and timezone")
        return None
    name_id = table.name("id", example="agx")
    name = table.text("name", example="Andgate International")
    zone = table.text("timezone", example="Europe/Rome")
    if zone is not None and not _is_zone(zone):
        remedy = known(zone, available_timezones(), "time zone").partition(" Name one of")[0]
        table.wrong("timezone", f"unknown time zone {show(zone)}", _zone_remedy(remedy))
        zone = None
    technicians = table.reference("technicians", root.names_under("groups"), "group", required=False)
    after_ms = table.duration("technicians_after")
    if after_ms is not None and "technicians" not in table.content:
        table.wrong("technicians_after", "pages nobody", 'Add technicians = "GROUP", or delete this key')
    url = _base(table)
    drill_min = read_drill(table)
    holidays = read_holidays(table)
    warning_ms = table.duration("shift_warning")
    table.close()
    if name_id is None or name is None or zone is None:
        return None
    site = Site(
        id=name_id,
        name=name,
        timezone=zone,
        technicians=technicians,
        url=url,
        holidays=holidays,
        drill_min=drill_min,
    )
    site = site if after_ms is None else replace(site, technicians_after_ms=after_ms)
    return site if warning_ms is None else replace(site, shift_warning_ms=warning_ms)


def _base(table: Table) -> str | None:
    """Read where people reach the hub, for the links that messages carry."""
    text = table.text("url")
    base = None if text is None else web_base(text)
    if text is not None and base is None:
        table.wrong(
            "url",
            f"{show(text)} is no address that a browser can open",
            'Write how people outside reach the hub\'s pages, such as "https://andgate.example.com"',
        )
    return base


def _zone_remedy(nearest: str) -> str:
    """Return the remedy for a bad zone; all names would be too many to list."""
    rule = 'Write an IANA name such as "Europe/Rome" or "UTC"'
    return f"{nearest} {rule}" if nearest.endswith("?") else rule


def _is_zone(name: str) -> bool:
    """Tell whether the machine's time zone database has a zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of zones ("Europe") is an OSError
        return False
    return True


def read_channels(root: Table) -> dict[str, Channel]:
    """Read every ``[channels.ID]``. A URL may hold secrets: it is never repeated in a problem."""
    channels = {}
    for name, table in root.entries("channels"):
        channel = read_channel(name, table)
        if channel is not None:
            channels[name] = channel
        table.close()
    return channels


def read_channel(name: str, table: Table, *, sample: str = ADDRESS) -> Channel | None:
    """Read `url` and `secret` of a table; a URL with a place for an address is looked at with `sample` there."""
    url = table.text("url", example="mqtt://")
    table.asked.add("secret")
    if url is None:
        return None
    _check_address(table, url.replace(ADDRESS, sample))
    return Channel(id=name, url=url, secret=_secret(table, url))


def _check_address(table: Table, url: str) -> None:
    """Note what is wrong with a channel's URL; what only Apprise can know is left to Apprise."""
    if not _SCHEME.fullmatch(url):
        table.wrong(
            "url",
            "is no URL with a scheme",
            'Write "mqtt://" for the site\'s own broker, or an Apprise URL such as "mailto://user:password@host"',
        )
    elif kind_of(url) == "snpp" and pager_address(url) is None:
        table.wrong(
            "url",
            "does not name a pager behind a gateway",
            'Write "snpp://HOST:444/PAGER-ID": the gateway, its port, and one pager',
        )
    elif kind_of(url) == "pocsag" and pocsag_address(url) is None:
        table.wrong(
            "url",
            "does not name a pager",
            'Write "pocsag://NODE/RIC": the node that has the transmitter and the pager\'s address, 8 to 2097151',
        )
    elif kind_of(url) == "webpush" and push_contact(url) is None:
        table.wrong(
            "url",
            "says more than phones need",
            'Write "webpush://", or "webpush://YOU@HOST" with a mail address for push services: phones add themselves',
        )
    elif is_hook(url) and hook_address(url) is None:
        table.wrong(
            "url",
            "is no address that can be posted to",
            'Write "webhook+https://HOST/PATH", without user, password or fragment: the secret has its own key',
        )


def _secret(table: Table, url: str) -> str | None:
    """Read the secret of a signed web hook; it is never repeated in a problem."""
    if not is_hook(url):
        if "secret" in table.content:
            table.wrong(
                "secret",
                "signs nothing here",
                'For a signed web hook write url = "webhook+https://HOST/PATH"; for anything else delete this key',
            )
        return None
    remedy = "Make one with `echo whsec_$(openssl rand -base64 32)`, and give it to the receiver too"
    secret = table.content.get("secret")
    if secret is None:
        table.wrong("secret", "is missing", remedy)
    elif not isinstance(secret, str) or hook_key(secret) is None:
        table.wrong("secret", 'is not "whsec_" and the base64 of 24 to 64 bytes', remedy)
    else:
        return secret
    return None


def read_groups(root: Table, channels: Collection[str]) -> dict[str, Group]:
    """Read every ``[groups.ID]``. A group without channels is reached by screens only."""
    groups = {}
    for name, table in root.entries("groups"):
        shown = table.text("name", example="Ticket agents")
        reached = table.references("channels", channels, "channel")
        pace = read_pace(table)
        shifts = read_shifts(table)
        if shown is not None:
            groups[name] = Group(id=name, name=shown, channels=reached, shifts=shifts, pace=pace)
        table.close()
    return groups


def read_touchpoints(root: Table, groups: Collection[str]) -> dict[str, Touchpoint]:
    """Read every ``[touchpoints.ID]``."""
    touchpoints = {}
    for name, table in root.entries("touchpoints"):
        shown = table.text("name", example="Check-in counter A")
        area = table.text("area")
        group = table.reference("group", groups, "group")
        hours = read_hours(table, "hours")
        table.asked.update(OF_TOUCHPOINTS)
        if shown is not None and group is not None:
            touchpoints[name] = Touchpoint(id=name, name=shown, area=area or "", group=group, hours=hours)
        table.close()
    return touchpoints


def read_hours(table: Table, key: str) -> Hours | None:
    """Read ``hours = "04:30-23:30"``; the end may be 24:00, or lie before the start and so after midnight."""
    text = table.text(key)
    if text is None:
        return None
    remedy = 'Write a daily span such as "04:30-23:30", or leave it out'
    match = _HOURS.fullmatch(text)
    if match is None:
        table.wrong(key, f"{show(text)} is no span of the day", remedy)
        return None
    from_h, from_min, to_h, to_min = (int(part) for part in match.groups())
    start, end = from_h * _HOUR_MIN + from_min, to_h * _HOUR_MIN + to_min
    if max(from_min, to_min) >= _HOUR_MIN or start >= _MIDNIGHT_MIN or end > _MIDNIGHT_MIN:
        table.wrong(key, f"{show(text)} has a time that no clock shows", remedy)
    elif start == end:
        table.wrong(key, f"{show(text)} ends when it begins", remedy)
    else:
        return Hours(start_min=start, end_min=end)
    return None

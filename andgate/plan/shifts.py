"""Reads a group's shifts and the site's holidays: when people of a group are on, by the clocks on the site's walls."""

from __future__ import annotations

import re
from datetime import date, datetime

from andgate.plan.model import Shift
from andgate.plan.tables import Table, show

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAYS = "holidays"
DAILY = "daily"
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOUR_MIN = 60
_MIDNIGHT_MIN = 24 * _HOUR_MIN
_EVERY_DAY = tuple(range(7))
_DAYS_REMEDY = (
    'Write days such as "mon-fri", a list such as ["mon-fri", "holidays"], or "daily". On holidays only a shift that '
    'says "holidays" or "daily" is on'
)


def read_holidays(site: Table) -> tuple[str, ...]:
    """Read ``holidays = ["2026-12-25", ...]`` of ``[site]``, in the order of the calendar."""
    return _dates(site, "holidays")


def read_shifts(group: Table) -> dict[str, Shift]:
    """Read every ``[groups.ID.shifts.ID]``."""
    shifts = {}
    for name, table in group.entries("shifts"):
        shown = table.text("name")
        days = _days(table)
        start, end = _minute(table, "from", last=False), _minute(table, "to", last=True)
        on, off = _dates(table, "on"), _dates(table, "off")
        both = sorted({*on} & {*off})
        if both:
            table.wrong("off", f"{both[0]} stands under `on` too", "Delete it in one of the two")
        if start is not None and start == end:
            table.wrong("to", "ends when it begins", 'For a whole day write from = "00:00" and to = "24:00"')
        elif start is not None and end is not None and days is not None:
            shifts[name] = Shift(
                id=name,
                name=shown or name.replace("-", " ").capitalize(),
                start_min=start,
                end_min=end,
                days=days[0],
                holidays=days[1],
                on=on,
                off=off,
            )
        table.close()
    return shifts


def _days(table: Table) -> tuple[tuple[int, ...], bool] | None:
    """Read ``days``: the days of the week, and whether it is on on holidays; every day where it is left out."""
    table.asked.add("days")
    value = table.content.get("days", DAILY)
    words = value if isinstance(value, list) else [value]
    days: set[int] = set()
    holidays = False
    for word in words:
        if word == DAILY:
            days, holidays = {*_EVERY_DAY}, True
        elif word == HOLIDAYS:
            holidays = True
        else:
            span = _span(word)
            if span is None:
                table.wrong("days", f"{show(word)} is no day", _DAYS_REMEDY)
                return None
            days |= span
    if not words:
        table.wrong("days", "is an empty list", _DAYS_REMEDY)
        return None
    return tuple(sorted(days)), holidays


def _span(word: object) -> set[int] | None:
    """Return the days of ``fri`` or ``fri-mon``; None for what is neither."""
    if not isinstance(word, str):
        return None
    first, dash, last = word.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        return None
    start = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last) - start) % 7 if dash else 0
    return {(start + day) % 7 for day in range(length + 1)}


def _minute(table: Table, key: str, *, last: bool) -> int | None:
    """Read a time of day in minutes from midnight; `last`: 24:00 is one."""
    text = table.text(key, example="12:30" if last else "04:30")
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    hour, minute = (int(match[1]), int(match[2])) if match else (99, 99)
    found = hour * _HOUR_MIN + minute
    if minute >= _HOUR_MIN or found > (_MIDNIGHT_MIN if last else _MIDNIGHT_MIN - 1):
        remedy = 'Write hours and minutes, such as "04:30"; a shift that ends before it begins runs over midnight'
        table.wrong(key, f"{show(text)} is no time of the day", remedy)
        return None
    return found


def _dates(table: Table, key: str) -> tuple[str, ...]:
    """Read a list of dates, in quotes or without, in the order of the calendar."""
    table.asked.add(key)
    value = table.content.get(key, [])
    remedy = f'Write a list of dates, as in {key} = ["2026-12-25", "2026-12-26"]'
    if not isinstance(value, list):
        table.wrong(key, f"must be a list, not {show(value)}", remedy)
        return ()
    taken: list[str] = []
    for place, member in enumerate(value):
        path = (*table.path, key, place)
        found = member if isinstance(member, date) and not isinstance(member, datetime) else _date(member)
        if found is None:
            table.book.note(path, f"{show(member)} is no date", remedy)
        elif found.isoformat() in taken:
            table.book.note(path, f"{found.isoformat()} is named twice", "Delete one of the two")
        else:
            taken.append(found.isoformat())
    return tuple(sorted(taken))


def _date(text: object) -> date | None:
    if not isinstance(text, str) or not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

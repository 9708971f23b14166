"""Shifts and holidays in plain words, with what a duty manager would overlook: hours in which nobody is on."""

from __future__ import annotations

from collections.abc import Iterable

from andgate.plan.model import Group, Plan, Shift

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_MIN = 24 * 60
_WEEK_MIN = 7 * _DAY_MIN
_SHOWN = 6
"""So many dates, or gaps, are told one by one."""


def group_words(plan: Plan, group: Group) -> list[str]:
    """Tell a group's shifts, and when nobody is on; nothing for a group without shifts."""
    if not group.shifts:
        return []
    lines = [f"  Shift {shift.name} ({shift.id}): {shift_words(plan, shift)}" for shift in group.shifts.values()]
    gaps = uncovered(group.shifts.values())
    if gaps:
        shown = "; ".join(f"{_moment(start)} to {_moment(end)}" for start, end in gaps[:_SHOWN])
        more = f" and {len(gaps) - _SHOWN} more spans" if len(gaps) > _SHOWN else ""
        when = "in a plain week" if gaps == [(0, _WEEK_MIN)] else f"from {shown}{more}"
        lines.append(
            f"  Note: {group.name} have nobody on {when}: pages then go to their own channels and to the next group"
        )
    if plan.site.holidays and not any(shift.holidays for shift in group.shifts.values()):
        lines.append(f'  Note: {group.name} have nobody on on holidays: no shift says "holidays" or "daily"')
    return lines


def site_words(plan: Plan) -> list[str]:
    """Tell the holidays, where shifts heed them."""
    if not plan.site.holidays or not any(group.shifts for group in plan.groups.values()):
        return []
    return [f"Holidays: {_dates(plan.site.holidays)}"]


def shift_words(plan: Plan, shift: Shift) -> str:
    """Tell one shift: ``04:30-12:30, Monday to Friday, not on holidays``."""
    parts = [f"{_time(shift.start_min)}-{_time(shift.end_min)}", days_words(shift.days, holidays=shift.holidays)]
    if shift.end_min <= shift.start_min:
        parts[0] += " the next day"
    if plan.site.holidays and shift.days and not shift.holidays:
        parts.append("not on holidays")
    if shift.on:
        parts.append(f"also on {_dates(shift.on)}")
    if shift.off:
        parts.append(f"not on {_dates(shift.off)}")
    return ", ".join(parts)


def days_words(days: tuple[int, ...], *, holidays: bool) -> str:
    """Tell days of the week, runs of them as such: ``Monday to Friday, Sunday``."""
    if len(days) == len(_NAMES):
        return "every day"
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = [
        _NAMES[run[0]] if len(run) == 1 else f"{_NAMES[run[0]]} {'and' if len(run) == 2 else 'to'} {_NAMES[run[-1]]}"  # noqa: PLR2004 - a pair
        for run in runs
    ]
    return ", ".join([*shown, "holidays"] if holidays else shown) or "on single dates only"


def uncovered(shifts: Iterable[Shift]) -> list[tuple[int, int]]:
    """Return the spans of a plain week in which no shift is on, in minutes from Monday 00:00; the last may wrap."""
    spans = []
    for shift in shifts:
        length = (shift.end_min - shift.start_min) % _DAY_MIN or _DAY_MIN
        for day in shift.days:
            start = day * _DAY_MIN + shift.start_min
            spans += [(start, start + length), (start - _WEEK_MIN, start + length - _WEEK_MIN)]
    gaps: list[tuple[int, int]] = []
    until = 0
    for start, end in sorted(spans):
        if start > until:
            gaps.append((until, min(start, _WEEK_MIN)))
        until = max(until, end)
    if until < _WEEK_MIN:
        gaps.append((until, _WEEK_MIN))
    if len(gaps) > 1 and gaps[0][0] == 0 and gaps[-1][1] == _WEEK_MIN:  # over the turn of the week it is one
        gaps = [*gaps[1:-1], (gaps[-1][0], gaps[0][1])]
    return gaps


def _moment(minute: int) -> str:
    minute %= _WEEK_MIN
    return f"{_NAMES[minute // _DAY_MIN]} {_time(minute % _DAY_MIN)}"


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _dates(dates: tuple[str, ...]) -> str:
    more = f" and {len(dates) - _SHOWN} more" if len(dates) > _SHOWN else ""
    return ", ".join(dates[:_SHOWN]) + more

"""What a plan says about quiet, in plain words."""

from __future__ import annotations

from andgate.plan.durations import format_duration
from andgate.plan.model import Plan
from andgate.plan.quiet import DAYS, SUSPENDED, Recurring, Suspends


def quiet_words(plan: Plan) -> list[str]:
    """Tell what keeps pages from people by the plan, line by line; nothing where nothing does."""
    quiet = plan.quiet
    lines = [_mute(each) for each in quiet.mutes.values()]
    for name, each in quiet.suspends.items():
        lines += _suspends(plan, name, each)
    lines += [f"{plan.touchpoints[name].name} only listens: nobody is paged about it" for name in quiet.listens]
    lines += [
        f"{device} is for training: {plan.groups[trainer].name} are paged in place of everybody else"
        for device, trainer in quiet.training.items()
    ]
    return ["", "QUIET", *lines] if lines else []


def _mute(it: Recurring) -> str:
    days = ", ".join(DAYS[day] for day in it.days) or "every day"
    scope = it.scope
    named = [*scope.areas, *scope.touchpoints, *scope.expectations]
    about = " and ".join(named) or "the whole site"
    who = " and ".join(scope.groups) or "nobody"
    paged = f"{who} {'are not' if scope.groups else 'is'} paged about {about}"
    faults = ", nor technicians of faults there" if it.faults else ""
    return f"{it.id}: {days} {_clock(it.start_min)}-{_clock(it.end_min)} {paged}{faults}: {it.reason} ({it.owner})"


def _suspends(plan: Plan, name: str, it: Suspends) -> list[str]:
    what = " and ".join([*it.areas, *it.touchpoints]) or "the whole site"
    said = [
        device.name
        for device in plan.devices.values()
        if device.touchpoint == name and SUSPENDED in device.signals.values()
    ]
    unheard = format_duration(it.at_most_ms)
    who = plan.touchpoints[name].name
    lines = [
        f"{who} suspends {what} while {' or '.join(said) or 'a feed'} says {SUSPENDED}; unheard for {unheard} it ends"
    ]
    if not said:
        lines.append(f"  Note: no device there says {SUSPENDED}: a feed must, and say it again within {unheard}")
    return lines


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"

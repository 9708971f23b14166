"""A plan in plain words: what a supervisor reads to see whether the file says what was meant."""

from __future__ import annotations

from collections.abc import Iterable

from andgate.plan.addresses import kind_of
from andgate.plan.durations import format_duration
from andgate.plan.kinds import KINDS
from andgate.plan.model import Expectation, Hours, Interaction, Node, PageStep, Plan, Touchpoint
from andgate.plan.pace import drill_words, pace_words
from andgate.plan.quiet_words import quiet_words
from andgate.plan.shift_words import group_words, site_words

_OWN_WAYS = {
    "pocsag": "a pager, over POCSAG",
    "snpp": "a pager, over SNPP",
    "webpush": "phones that asked for it",
    "webhook+https": "a signed web hook",
    "webhook+http": "a signed web hook, not encrypted",
}


def describe(plan: Plan) -> str:
    """Say what a plan means, section by section, in lines of plain text."""
    site = plan.site
    lines = [f"{site.name} ({site.id}), times in {site.timezone}, plan {plan.version}", *drill_words(site)]
    if plan.expectations:
        lines += ["", "PROMISES"]
    for expectation in plan.expectations.values():
        lines += _expectation(plan, expectation)
    if plan.interactions:
        lines += ["", "INTERACTIONS"]
    for interaction in plan.interactions.values():
        lines += _interaction(plan, interaction)
    if plan.groups:
        lines += ["", "PEOPLE"]
    for group in plan.groups.values():
        lines += [f"{group.name} ({group.id}): {_reached(plan, group.id)}", *group_words(plan, group)]
    if plan.ways:
        lines.append(f"Each of them also by {' or '.join(f'{way.name} ({way.id})' for way in plan.ways.values())}")
    lines += site_words(plan)
    lines += _technicians(plan)
    lines += _passengers(plan)
    lines += quiet_words(plan)
    if plan.nodes:
        lines += ["", "NODES"]
    for node in plan.nodes.values():
        lines += _node(plan, node)
    return "\n".join(lines) + "\n"


def _expectation(plan: Plan, it: Expectation) -> list[str]:
    """Tell one promise, from what opens it to what is done after a failure."""
    limit = format_duration(it.fails_after_ms)
    lines = [
        f'{it.id}: "{it.promise}"',
        f"  Where: {'; '.join(_place(plan.touchpoints[name]) for name in it.touchpoints)}",
        f"  Begins with {_signals(plan, it, it.opens)}",
        f"  Kept if it ends within {limit}, with {_signals(plan, it, it.closes)}; failed after that",
    ]
    if it.key is not None:
        lines.append(f"  Each {it.key} is judged by itself; a beginning that names no {it.key} is refused")
    lines += [
        f"  While {signal} stands, nothing can end it: that is refused until {_signals(plan, it, (opposite,))}"
        for signal, opposite in it.holds.items()
    ]
    lines.append(f"  Threatened {_threatened(plan, it)}")
    if it.fails_on:
        lines.append(f"  Failed at once by {_signals(plan, it, it.fails_on)}")
    if it.voids:
        lines.append(f"  Does not count after {_signals(plan, it, it.voids)}")
    if it.countdown_ms is not None:
        lines.append(f"  The staff's sign counts down from {format_duration(it.countdown_ms)}")
    if it.better_than_ms is not None:
        lines.append(f"  Faster than {format_duration(it.better_than_ms)} is praised, and flagged as an anomaly")
    if it.contradicted_after_ms is not None:
        span = format_duration(it.contradicted_after_ms)
        lines.append(
            f"  A press is asked about when a sensor sees nobody for {span}; unconfirmed {span} later it is void"
        )
    if it.rejoins_within_ms:
        lines.append(
            f"  Beginning again within {format_duration(it.rejoins_within_ms)} of an end goes on with the same"
        )
    lines.append(f"  If nobody ends it, it ends by itself {format_duration(it.gives_up_after_ms)} after its time is up")
    lines += _first(plan, it)
    lines += [f"  {_page(plan, it, step)}" for step in it.pages] or ["  Nobody is paged"]
    if it.remedy is not None:
        lines.append(f"  After a failure: {it.remedy}")
    return lines + _task(plan, it) + _causes(it) + _notes(plan, it)


def _first(plan: Plan, it: Expectation) -> list[str]:
    """Tell what to do first against a threat."""
    lines = [f"  First: {'; then '.join(it.first)}"] if it.first else []
    lines += [f"  First at {plan.touchpoints[at].name}: {'; then '.join(does)}" for at, does in it.first_at.items()]
    return lines


def _task(plan: Plan, it: Expectation) -> list[str]:
    """Tell who makes a failure good, by when, with what."""
    if it.task is None:
        return []
    within = format_duration(it.task.within_ms)
    lines = [f"    {plan.groups[it.task.group].name} do that within {within} of the failure; it is judged too"]
    if it.task.may:
        lines.append(f"    They may give without asking: {', '.join(it.task.may)}")
    for step in it.task.pages:
        after = it.task.within_ms - step.left_ms
        when = f"{format_duration(after)} after the failure" if after else "at the failure"
        claimed = ", unless somebody has claimed it" if step.unless_claimed else ""
        lines.append(f"    {plan.groups[step.group].name} are paged {when}{claimed}")
    return lines


def _causes(it: Expectation) -> list[str]:
    """Tell what can be given as the cause of a failure."""
    lines = [
        f"  Causes, {category}: {', '.join(cause.text for cause in it.causes if cause.category == category)}"
        for category in dict.fromkeys(cause.category for cause in it.causes)
    ]
    texts = {cause.id: cause.text for cause in it.causes}
    return lines + [f"    {signal} proposes: {texts[cause]}" for signal, cause in it.proposes.items()]


def _place(touchpoint: Touchpoint) -> str:
    """Tell where a touchpoint is and when it works."""
    area = f", {touchpoint.area}" if touchpoint.area else ""
    hours = f", {_hours(touchpoint.hours)}" if touchpoint.hours else ", at any hour"
    return f"{touchpoint.name} ({touchpoint.id}{area}{hours})"


def _hours(hours: Hours) -> str:
    """Write a daily span as in the plan."""
    start, end = (f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (hours.start_min, hours.end_min))
    return f"{start}-{end}"


def _witnesses(plan: Plan, it: Expectation, signal: str) -> list[str]:
    """Return the devices at an expectation's touchpoints that report a signal."""
    return [
        device.name
        for device in plan.devices.values()
        if device.touchpoint in it.touchpoints and signal in device.signals.values()
    ]


def _signals(plan: Plan, it: Expectation, signals: Iterable[str]) -> str:
    """Name signals, and who reports them."""
    return " or ".join(f"{signal} ({', '.join(_witnesses(plan, it, signal)) or 'a feed'})" for signal in signals)


def _threatened(plan: Plan, it: Expectation) -> str:
    """Tell when a moment counts as threatened."""
    ways = []
    if it.pages:
        left = it.pages[0].left_ms
        ways.append(f"when {format_duration(left)} are left" if left < it.fails_after_ms else "from its beginning")
    if it.threatens:
        ways.append(f"at once by {_signals(plan, it, it.threatens)}")
    return ", and ".join(ways) or "never: no page and no signal says when"


def _page(plan: Plan, it: Expectation, step: PageStep) -> str:
    """Tell one rung of the ladder."""
    after = it.fails_after_ms - step.left_ms
    when = f"{format_duration(after)} after the beginning" if after else "at once"
    who = "somebody has" if it.needs is None else f"{it.needs} people have"
    claimed = f", unless {who} claimed it" if step.unless_claimed else ""
    again = f", and again every {format_duration(step.repeat_ms)} until {who}" if step.repeat_ms else ""
    group = plan.groups[step.group].name
    return f"With {format_duration(step.left_ms)} left ({when}): {group} are paged{claimed}{again}"


def _notes(plan: Plan, it: Expectation) -> list[str]:
    """Tell what is allowed, but worth a second look."""
    notes = []
    if not any(_witnesses(plan, it, signal) for signal in it.opens):
        notes.append(f"no device at its touchpoints reports {' or '.join(it.opens)}: only a feed can begin it")
    if not any(_witnesses(plan, it, signal) for signal in it.closes):
        notes.append(f"no device at its touchpoints reports {' or '.join(it.closes)}: only a feed can end it")
    notes += [
        f"no device at its touchpoints reports {opposite}: without a feed that does, {signal} holds for ever"
        for signal, opposite in it.holds.items()
        if _witnesses(plan, it, signal) and not _witnesses(plan, it, opposite)
    ]
    notes += [
        f"{plan.groups[group].name} have no channel: they {_otherwise(plan, group)}"
        for group in dict.fromkeys(step.group for step in it.pages)
        if not plan.groups[group].channels and not plan.groups[group].shifts
    ]
    if it.pages and not it.pages[-1].repeat_ms:
        last = plan.groups[it.pages[-1].group].name
        notes.append(
            f'after {last} nobody else is paged: repeat = "60s" in the last page goes on until somebody claims it'
        )
    return [f"  Note: {note}" for note in notes]


def _interaction(plan: Plan, it: Interaction) -> list[str]:
    """Tell one AND gate."""
    each = f" for a {it.key}" if it.key else ""
    lines = [f"{it.name} ({it.id}) succeeds{each} only if every one of these is kept:"]
    for name in it.inputs:
        if name in plan.expectations:
            lines.append(f'  AND "{plan.expectations[name].promise}" ({name})')
        else:
            lines.append(f"  AND all of {plan.interactions[name].name} ({name})")
    return lines


def _technicians(plan: Plan) -> list[str]:
    """Tell who hears of faults of nodes and devices; nothing to tell where there are no nodes."""
    if not plan.nodes:
        return []
    if plan.site.technicians is None:
        return ["  Note: nobody is paged when a node or device is at fault: [site] names no technicians"]
    group = plan.groups[plan.site.technicians]
    after = format_duration(plan.site.technicians_after_ms)
    lines = [f"{group.name} are paged when a node or device is at fault; when a node is lost, after {after}"]
    if not group.channels and not group.shifts:
        lines.append(f"  Note: {group.name} have no channel: they see faults on screens only")
    return lines


def _passengers(plan: Plan) -> list[str]:
    """Tell how passengers who asked hear of their flight."""
    alerts = plan.alerts
    if alerts is None:
        return []
    ways = " or ".join(f"{way.name} ({way.id})" for way in alerts.ways.values())
    kept = format_duration(alerts.keeps_ms)
    return [
        "",
        "PASSENGERS",
        f"Who asked is told, by {ways}; judged as {alerts.expectation}: {alerts.told} when everybody knows",
        *(f'  {signal}: "{text}"' for signal, text in alerts.news.items()),
        f"  What they gave is erased {kept} after the day of the flight, or when they stop",
    ]


def _reached(plan: Plan, group: str) -> str:
    """Tell how a group is reached, by channel ids: a URL may hold secrets."""
    channels = ", ".join(_way(plan, channel) for channel in plan.groups[group].channels)
    told = _devices_of(plan, group)
    people = ["whoever is on shift"] if plan.groups[group].shifts else []
    if not channels and people:
        return f"no channel of its own, but {' and '.join([*people, *told])}"
    if not channels:
        return f"no channel, told by {', '.join(told)} only" if told else "no channel, screens only"
    also = "".join(f", {each}" for each in people) + (f", told by {', '.join(told)}" if told else "")
    return f"reached by {channels}{pace_words(plan.groups[group])}{also}"


def _devices_of(plan: Plan, group: str) -> list[str]:
    """Return the annunciators and speakers of a group."""
    return [device.name for device in plan.devices.values() if device.settings.get("group") == group]


def _otherwise(plan: Plan, group: str) -> str:
    """Tell how a group without a channel hears of anything."""
    told = _devices_of(plan, group)
    return f"are told by {', '.join(told)} only" if told else "see pages on screens only"


def _way(plan: Plan, channel: str) -> str:
    """Name a channel, and what it is where that is Andgate's own business."""
    what = _OWN_WAYS.get(kind_of(plan.channels[channel].url))
    return f"{channel} ({what})" if what else channel


def _node(plan: Plan, node: Node) -> list[str]:
    """Tell what hangs on a node, as a table."""
    lines = [f"{node.id}" + (f", at {plan.touchpoints[node.touchpoint].name}" if node.touchpoint else "")]
    rows = [("device", "kind", "touchpoint", "GPIO", "reports")]
    for device in node.devices.values():
        known = KINDS[device.kind].settings
        pins = [f"{key} {device.settings[key]}" for key in known if known[key].type == "pin" and key in device.settings]
        reports = [f"{occasion}: {signal}" for occasion, signal in device.signals.items()]
        where = device.touchpoint or str(device.settings.get("group", "-"))
        rows.append((device.id, device.kind, where, ", ".join(pins) or "-", ", ".join(reports) or "-"))
    if len(rows) == 1:
        return [*lines, "  nothing hangs on it"]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return lines + [
        f"  Note: no promise at {device.touchpoint} listens to {signal} from {device.id}"
        for device in node.devices.values()
        for signal in device.signals.values()
        if device.touchpoint and signal not in _heard(plan, device.touchpoint)
    ]


def _heard(plan: Plan, touchpoint: str) -> set[str]:
    """Return every signal that means something to a promise at a touchpoint."""
    heard = set()
    for it in plan.expectations.values():
        if touchpoint in it.touchpoints:
            heard |= {*it.opens, *it.closes, *it.threatens, *it.fails_on, *it.voids, *it.holds, *it.holds.values()}
    return heard

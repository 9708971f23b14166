"""Who is told of a fault, when and in which words; pure.

A fault of a device pages at once. A node that is lost, silent or stopped pages after the plan's `technicians_after`, so
that a blink of the Wi-Fi or a restart of the hub storms nobody, and only within hours: cleaners cut the power at night.
What is due together and is more than a handful becomes one page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from andgate.plan import Plan, is_served, local_time
from hub.fleet.faults import KINDS, MINUTE_MS, OWN, Fault
from hub.store.rows import UNSTAFFED

GRACE_MS = 60_000
"""After a start of the hub nodes have so long to come back before they count as lost."""
SPEAK_MS = 20_000
"""After a machine that slept every node seems silent at once: each has the time of one health to speak up."""
GATHER_MS = 5_000
"""So long after the first of them is due nodes that went together are paged together."""
MOST = 5
"""Faults that get a page each within a minute; more at once become one page."""
_NAMED = 3
_PLACES = 2


def due_ms(fault: Fault, plan: Plan, started_ms: int, now_ms: int) -> int | None:
    """Return when technicians are to be paged of a fault; None: not at all, or not before something changes."""
    kind = KINDS[fault.kind]
    if fault.page or kind.pages == "never" or audience(fault, plan) is None:
        return None
    if kind.pages == "at once":
        return fault.since_ms + kind.shown_after_ms
    if not _served(fault, plan, now_ms):
        return None
    after_ms = plan.site.technicians_after_ms
    ripe_ms = max(fault.since_ms + after_ms, fault.known_ms + SPEAK_MS, started_ms + max(after_ms, GRACE_MS))
    return ripe_ms + GATHER_MS


def audience(fault: Fault, plan: Plan) -> str | None:
    """Return the group that is told of a fault; None: nobody is, it is on the screens.

    It is the technicians. Where a site names none, what the auditor finds goes to whoever hears last of a threat and
    has a channel: that a threat is nobody's concern must be somebody's. That a shift has nobody who can be reached is
    told to whoever is paged after that group: it is them who will be paged in its place.
    """
    if fault.kind == UNSTAFFED and (following := _follows(fault.node.removeprefix("group/"), plan)) is not None:
        return following
    if plan.site.technicians is not None or fault.kind not in OWN:
        return plan.site.technicians
    last = dict.fromkeys(step.group for promise in plan.expectations.values() for step in promise.pages[-1:])
    reachable = (group for group in last if plan.groups[group].channels and fault.node != f"group/{group}")
    return next(reachable, None)


def _follows(group: str, plan: Plan) -> str | None:
    """Return the first group that is paged after another one, of those with a way to reach them."""
    for promise in plan.expectations.values():
        ladder = [step.group for step in promise.pages]
        after = ladder[ladder.index(group) + 1 :] if group in ladder else []
        for following in after:
            if following != group and (plan.groups[following].channels or plan.groups[following].shifts):
                return following
    return None


def _served(fault: Fault, plan: Plan, now_ms: int) -> bool:
    places = touchpoints(fault, plan)
    return not places or any(is_served(plan, place, now_ms) for place in places)


def touchpoints(fault: Fault, plan: Plan) -> list[str]:
    """Return where it is: its device's touchpoint, or all of its node's."""
    node = plan.nodes.get(fault.node)
    if node is None:
        return []
    if fault.device in node.devices:
        places = [node.devices[fault.device].touchpoint]
    else:
        places = [node.touchpoint or "", *(device.touchpoint for device in node.devices.values())]
    return [place for place in dict.fromkeys(places) if place]


def place(fault: Fault, plan: Plan) -> str:
    """Return where it is, as people say it; whom it is about, where that is nowhere."""
    names = [plan.touchpoints[name].name for name in touchpoints(fault, plan)]
    more = f" and {len(names) - _PLACES} more" if len(names) > _PLACES else ""
    return ", ".join(names[:_PLACES]) + more if names else who(fault, plan)


def who(fault: Fault, plan: Plan) -> str:
    """Return whom a fault is about: a group with nobody on shift by its name, anybody else by id."""
    group = plan.groups.get(fault.node.removeprefix("group/")) if fault.kind == UNSTAFFED else None
    return fault.who if group is None else group.name


def since_words(plan: Plan, since_ms: int, now_ms: int) -> str:
    """Return ``10:41``, with the day where it is another one."""
    since, now = local_time(plan, since_ms), local_time(plan, now_ms)
    if since.date() == now.date():
        return since.strftime("%H:%M")
    return f"{since.day} {since.strftime('%b')} {since.strftime('%H:%M')}"


def page_text(faults: Sequence[Fault], plan: Plan, now_ms: int) -> str:
    """Say what is wrong, where, since when and what to do."""
    since = since_words(plan, min(fault.since_ms for fault in faults), now_ms)
    if len(faults) == 1:
        (fault,) = faults
        names = touchpoints(fault, plan)
        where = f" at {place(fault, plan)}" if names else ""
        comma = "," if ":" in fault.words else ""
        return f"{who(fault, plan)}{where}: {fault.words}{comma} since {since}. {fault.do}."
    first = ", ".join(who(fault, plan) for fault in faults[:_NAMED])
    return f"{summary(faults)} since {since}, first: {first}. {faults[0].do}. The nodes page has them all."


def summary(faults: Iterable[Fault]) -> str:
    """Return ``17 nodes lost, 2 inputs stuck``."""
    counts = Counter(fault.kind for fault in faults)
    return ", ".join(f"{n} {KINDS[kind].many}" for kind, n in counts.most_common())


def over_text(fault: Fault, plan: Plan, now_ms: int) -> str:
    """Say that it is well again."""
    minutes = max(1, (now_ms - fault.since_ms) // MINUTE_MS)
    where = f" at {place(fault, plan)}" if touchpoints(fault, plan) else ""
    over = "over" if fault.kind == UNSTAFFED else "well again"
    return f"{who(fault, plan)}{where}: {over} after {minutes} min. It was: {fault.words}."

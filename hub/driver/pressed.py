"""The big button of a break room: a ``claimed`` that a node reports is a claim by its group.

The node says in `about.moment` which one its people saw, and in `about.coming` how many they saw to be on it; without
that it is the nearest deadline that the group has been paged about and nobody is on. The press comes through the node's
spool like any other, so it counts once, at the time when it happened, however late it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from andgate.moment.claims import one_of_us
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Input, Signal
from andgate.plan import Plan
from hub.store import PageRow

KIND = "annunciator"
SENT_AS = "@"
"""Ends a page's id where a node names one of several things that were made of it: a pager's, an "over"."""


def claims(
    inputs: Iterable[Input], plan: Plan, open_now: Callable[[], Iterable[Moment]], pages: Callable[[str], list[PageRow]]
) -> Iterator[Action]:
    """Yield the claim that each press of an annunciator's button is.

    Args:
        inputs: what a message brought; marked where it is training.
        plan: in force.
        open_now: returns the open moments, nearest deadline first, with the names of those who are on them.
        pages: returns the deliveries of a moment.
    """
    for item in inputs:
        device = plan.devices.get(item.device) if isinstance(item, Signal) else None
        if not isinstance(item, Signal) or device is None or device.kind != KIND or item.found:
            continue
        if item.name != device.signals.get("press"):
            continue
        group = str(device.settings.get("group"))
        meant, saw = item.about.get("moment"), item.about.get("coming")
        if isinstance(meant, str):
            moment = next((it for it in open_now() if it.id == meant), None)
        else:
            first = sorted(open_now(), key=lambda it: it.level == "failed")  # what can still be kept, as on screens
            moment = next((it for it in first if it.claimed_ms is None and _told(pages(it.id), group)), None)
        if moment is None or (item.training is not None and moment.training is None):
            continue  # whoever learns the button is on nothing that is real
        saw = saw if isinstance(saw, int) else 0
        by = one_of_us(plan.groups[group].name, moment.coming, moment.needs, saw=saw, at_ms=item.at_ms)
        yield Action(id=f"{item.id}/claim", do="claim", moment=moment.id, at_ms=item.at_ms, by=by)


def _told(rows: list[PageRow], group: str) -> bool:
    return any(row.kind == "page" and row.group == group and row.state != "muted" for row in rows)

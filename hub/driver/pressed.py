"""The big button of a break room: a ``claimed`` that a node reports is a claim by its group.

The node says in `about.moment` which one its people saw; without that it is the nearest deadline that the group has
been paged about and nobody is on. The press comes through the node's spool like any other, so it counts once, at the
time when it happened, however late it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

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
        open_now: returns the open moments, nearest deadline first.
        pages: returns the deliveries of a moment.
    """
    for item in inputs:
        device = plan.devices.get(item.device) if isinstance(item, Signal) else None
        if not isinstance(item, Signal) or device is None or device.kind != KIND or item.found:
            continue
        if item.name != device.signals.get("press"):
            continue
        group = str(device.settings.get("group"))
        moment = item.about.get("moment")
        if not isinstance(moment, str):
            waiting = (it.id for it in open_now() if it.claimed_ms is None and _told(pages(it.id), group))
            moment = next(waiting, None)
        if item.training is not None and not any(it.id == moment and it.training is not None for it in open_now()):
            continue  # whoever learns the button is on nothing that is real
        if moment is not None:
            by = plan.groups[group].name
            yield Action(id=f"{item.id}/claim", do="claim", moment=moment, at_ms=item.at_ms, by=by)


def _told(rows: list[PageRow], group: str) -> bool:
    return any(row.kind == "page" and row.group == group and row.state != "muted" for row in rows)

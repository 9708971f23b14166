"""What people answer, made ready for the engine: names become ids, and what a site does not have is refused.

An answer may come from a pager, a link in a page, a screen, a script, or the button of a break room. Here they are all
the same: an action of somebody, about a moment.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from andgate.errors import RefusedError
from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import Plan
from hub.store.taps import FALSE_ALARM


def identified(action: Action, id_of: Callable[[str], str | None]) -> Action:
    """Return an action of the people whose ids these are; `id_of` may know none, then a name stays one."""
    return replace(
        action,
        by=id_of(action.by) or action.by,
        whose=None if action.whose is None else id_of(action.whose) or action.whose,
        several=action.do == "claim",
    )


def addressed(action: Action, moment: Moment | None, plan: Plan) -> Action:
    """Return a claim that is handed over with the group that takes it; one person's is the place's where none is named.

    Raises:
        RefusedError: the plan has no such group.
    """
    if action.do != "hand-over":
        return action
    if action.group is None and action.person is not None and moment is not None:
        place = plan.touchpoints.get(moment.touchpoint)
        return replace(action, group=place.group if place is not None else None)
    if action.group is not None and action.group not in plan.groups:
        raise RefusedError(f'the plan has no group "{action.group}"')
    return action


def rejection(reason: str | None) -> str:
    """Return the reason of the void that a rejected page is."""
    words = " ".join((reason or "").split())
    if not words or words.lower() == FALSE_ALARM:
        return FALSE_ALARM
    return f"{FALSE_ALARM}: {words}"[:500]


def may_reject(moment: Moment | None) -> str | None:
    """Return why a page about a moment cannot be rejected any more, in words; None where it can.

    What has failed or ended is on the record: it has causes, and a supervisor may void it on its own page. Otherwise
    whoever failed could take the failure out of the rates with one tap.
    """
    if moment is None:
        return "this hub does not have that moment any more"
    if moment.state == "ended":
        return f"moment {moment.id} has ended"
    if moment.verdict == "failure":
        return f"moment {moment.id} has failed: give its cause, or void it on its page"
    return None

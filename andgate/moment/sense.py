"""Whether what a person wants to do about a moment makes sense."""

from __future__ import annotations

from andgate.moment.claims import giver
from andgate.moment.moments import Moment
from andgate.moment.signals import Action


def refusal(moment: Moment | None, action: Action, horizon_ms: int) -> str | None:
    """Return why an action makes no sense, in words; None where it does.

    Args:
        moment: as last published; None where the engine does not have it.
        action: what a person wants to do.
        horizon_ms: how long the engine keeps what has ended, for the words.
    """
    if moment is None:
        return f"no moment {action.moment!r} within the last {horizon_ms // 3_600_000} hours"
    if moment.withdrawn:
        into = f"; it is part of {moment.withdrawn_into}" if moment.withdrawn_into else ""
        return f"moment {action.moment} was withdrawn{into}"
    if moment.state == "ended" and action.do in ("claim", "unclaim", "hand-over", "reset"):
        return f"moment {action.moment} has ended"
    if action.do in ("reset", "cause", "remedy") and not action.reason:
        return f"a {action.do} needs its words in `reason`"
    return _against_what_stands(moment, action)


def _against_what_stands(moment: Moment, action: Action) -> str | None:
    if action.do == "reset" and moment.remedies is not None:
        return f"moment {action.moment} is a remedy: say what was given, and it ends"
    on_it = [claim.by for claim in moment.coming]
    if action.do in ("unclaim", "hand-over"):
        if not on_it:
            return f"nobody has claimed moment {action.moment}"
        if giver(action) not in on_it:
            return f"whoever is on moment {action.moment} is somebody else"
    if action.do == "hand-over" and action.group is None:
        return "a claim is handed over to a group, or to somebody in one"
    if action.do == "hand-over" and action.person is not None and action.person in on_it:
        return f"whoever shall take over moment {action.moment} is on it already"
    if action.do == "unvoid" and moment.verdict != "void":
        return f"moment {action.moment} is not void"
    if action.do == "void" and moment.verdict == "void":
        return f"moment {action.moment} is void already: {moment.reason}"
    return None

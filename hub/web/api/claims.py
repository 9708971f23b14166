"""Whose claim a caller may give back or hand over, and who may override a refused reset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from msgspec import Struct

from hub.web.auth import Caller, Keyring, caller
from hub.web.problems import ProblemError, unprocessable

if TYPE_CHECKING:
    from andgate.moment.moments import Moment
    from andgate.plan import Plan
    from hub.web.api.answers import HandOverBody


class Whose(Struct, frozen=True):
    """Whose claim is given back, where it is not one's own."""

    whose: str | None


class Handed(Struct, frozen=True):
    """Whose claim is handed over, where it is not one's own, and to whom."""

    whose: str | None
    group: str | None
    person: str | None


def whose(moment: Moment, who: Caller, by: str) -> str | None:
    """Return whose claim `by` may end: None for their own; where nobody is known by name, or one supervises, the last.

    Somebody else's claim is not ended by a colleague: the hub refuses that (409).
    """
    on_it = [claim.by for claim in moment.coming]
    if not on_it or by in on_it:
        return None
    return on_it[-1] if who.via == "open" or who.may("supervise") else None


def handed(moment: Moment, who: Caller, by: str, body: HandOverBody, plan: Plan) -> Handed:
    """Return what a hand-over says, or raise the problem that it is."""
    if (body.group is None) == (body.person is None):
        raise unprocessable("Who shall take over?", "Name a `group`, or a `person` by id, and not both.")
    if body.group is not None and body.group not in plan.groups:
        raise unprocessable(f'The plan has no group "{body.group}".', f"Name one of: {', '.join(plan.groups)}.")
    return Handed(whose(moment, who, by), body.group, body.person)


class Overrides:
    """A dependency: the caller may override a refused reset (403 otherwise).

    That is a supervisor's business. A token file that names no supervisor is from before there were any: there, whoever
    acts may.
    """

    async def __call__(self, request: Request) -> Caller:
        """Return the caller, who may."""
        who = caller(request)
        keyring: Keyring | None = request.app.state.keyring
        if who.may("supervise") or (who.may("act") and (keyring is None or not keyring.supervised)):
            return who
        raise ProblemError(
            403,
            "forbidden",
            f'The token "{who.id}" may not override a refused reset.',
            remedy='Ask a supervisor: a token with the right "supervise" may.',
        )

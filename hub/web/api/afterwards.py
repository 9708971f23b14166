"""What somebody says after a failure: why it happened, and what was given for it; checked against the plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import Request
from msgspec import Struct

from andgate.causes import choices, find, split
from andgate.plan.remedies import slug
from hub.web.auth import Keyring, caller
from hub.web.problems import ProblemError, unprocessable

if TYPE_CHECKING:
    from andgate.moment.moments import Moment
    from andgate.plan import Category, Expectation, Plan


class Saying(Struct, frozen=True, kw_only=True):
    """What a person's word adds to their action."""

    reason: str
    """In words."""
    category: Category | None = None
    cause: str | None = None
    gave: tuple[str, ...] = ()
    comment: str | None = None


class Doing(Struct, frozen=True):
    """What a claim adds: which first action is being done."""

    first: str | None


def doing(plan: Plan, moment: Moment, words: str | None) -> Doing:
    """Return which first action somebody does, as the plan has it; 422 where it has none like it."""
    if not words:
        return Doing(None)
    promise = plan.judged.get(moment.expectation)
    known = promise.first_actions(moment.touchpoint) if promise is not None else ()
    found = next((each for each in known if slug(each) == slug(words)), None)
    if found is None:
        listed = ", ".join(known) or "none here"
        raise unprocessable(f'"{words}" is no first action of this promise.', f"The plan has: {listed}.")
    return Doing(found)


def promise_of(plan: Plan, moment: Moment) -> Expectation | None:
    """Return the promise of a moment; of a remedy task the one that it makes good."""
    found = plan.judged.get(moment.expectation)
    if found is not None and found.remedy_of is not None:
        return plan.expectations.get(found.remedy_of)
    return found


def cause_said(
    plan: Plan,
    moment: Moment,
    *,
    id: str | None,
    words: str | None,
    category: Category | None,
    comment: str | None,
) -> Saying:
    """Return a cause as it is journalled: one of the list by its id or its own words, or words of somebody's own.

    Its words begin with the category where that is known: ``people: Too few desks open``.

    Raises:
        ProblemError: 422 where neither is there, or the list has no such id.
    """
    promise = promise_of(plan, moment)
    if id is None and words is None:
        raise unprocessable("The cause is empty.", "Send id, from the plan's list, or cause, in words of your own.")
    if id is not None:
        known = find(promise, id)
        if known is None:
            listed = ", ".join(each.id for each in choices(promise))
            raise unprocessable(f'There is no cause "{id}" for this promise.', f"Use one of: {listed}; or cause alone.")
    else:
        kind, words = split(words or "")
        category = kind or category
        known = find(promise, slug(words))
        if known is None:
            said = words if category is None else f"{category}: {words}"
            return Saying(reason=said, category=category, comment=comment)
    comment = comment or (words if words != known.text and id is not None else None)
    return Saying(reason=f"{known.category}: {known.text}", category=known.category, cause=known.id, comment=comment)


def decides(request: Request) -> bool:
    """Return whether a caller may decide what staff may not: a supervisor's token, or no token is a supervisor's."""
    keyring: Keyring | None = request.app.state.keyring
    return keyring is None or not keyring.supervised or caller(request).may("supervise")


def remedy_said(
    plan: Plan, moment: Moment, *, free: bool, gave: Sequence[str], words: str | None, comment: str | None
) -> Saying:
    """Return what was given as it is journalled: of what staff may give by themselves, or a supervisor's own words.

    Args:
        plan: in force.
        moment: the failed one, or its remedy task.
        free: whoever says it may give what is not on the list (`decides`).
        gave: of the list.
        words: their own.
        comment: what else there is to say.

    Raises:
        ProblemError: 422 where nothing was given, or something that the plan does not let staff give; 403 where the
            plan has such a list and somebody without a supervisor's right gave something else.
    """
    promise = promise_of(plan, moment)
    may = promise.task.may if promise is not None and promise.task is not None else ()
    by_slug = {slug(each): each for each in may}
    taken = []
    for each in gave:
        known = by_slug.get(slug(each))
        if known is None:
            listed = ", ".join(may) or "nothing by themselves here"
            raise unprocessable(f'"{each}" is not among what staff may give.', f"They may give: {listed}.")
        taken.append(known)
    if words is not None and slug(words) in by_slug and not taken:
        taken, words = [by_slug[slug(words)]], None
    if words is not None and may and not free:
        raise ProblemError(
            403,
            "forbidden",
            f'"{words}" is not among what staff may give, and you are no supervisor.',
            remedy=f'Give one of: {", ".join(may)}; or let somebody with the right "supervise" do it.',
        )
    if not taken and words is None:
        raise unprocessable("Nothing is given.", "Send gave, from the plan's list, or remedy, in words of your own.")
    said = ", ".join(dict.fromkeys([*taken, *([words] if words is not None else [])]))
    return Saying(reason=said, gave=tuple(dict.fromkeys(taken)), comment=comment)

"""What to do first, on screens: which of several threats, and which action, with what is on record about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.moment.lessons import LEAST
from andgate.moment.precedence import in_order
from hub.web.pages.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from andgate.moment.lessons import Advice
    from andgate.moment.moments import Moment


class Tip(Struct, frozen=True):
    """One first action, and what is on record about it."""

    text: str
    record: str


def leader(moments: Iterable[Moment], now_ms: int) -> str | None:
    """Return which of several threats to go to first; None where there are not two that nobody is on."""
    choice = [
        moment
        for moment in moments
        if moment.level in ("threatened", "failing")
        and moment.verdict is None
        and moment.claimed_ms is None
        and moment.ends_ms > now_ms
    ]
    return in_order(choice, now_ms)[0].id if len(choice) > 1 else None


def tips(known: Sequence[Advice]) -> tuple[Tip, ...]:
    """Return the first actions with their figures; where too few are on record they say so, and prove nothing."""
    return tuple(Tip(each.text, _record(each)) for each in known)


def _record(each: Advice) -> str:
    if each.n < LEAST:
        return say("first.few", n=each.n) if each.n else ""
    return say("first.learned", saved=each.saved, n=each.n, else_saved=each.else_saved, else_n=each.else_n)

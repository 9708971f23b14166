"""Which of several threats a group is to go to first: the nearest deadline that can still be met.

Of two with the same deadline the one where more customers wait comes first, as far as anybody has said: a feed in
``waiting`` or ``pax``, else one for each witness. What somebody is on already, what has failed, and what is only a
remedy is no threat to choose between.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

from msgspec import Struct

from andgate.moment.events import Ahead
from andgate.moment.moments import Moment

_Rank = tuple[int, int, int, str]


class _Threat(Struct, frozen=True):
    """A threat, where it stands, and who was paged about it."""

    rank: _Rank
    moment: Moment
    groups: tuple[str, ...]


class Precedence:
    """The threats of each group that was paged about them."""

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[str, _Threat] = {}
        self._of: dict[str, list[_Rank]] = {}
        """Group -> its threats, in order."""

    def note(self, moment: Moment, groups: Iterable[str]) -> None:
        """Know how a moment stands, and which groups have been paged about it."""
        self.drop(moment.id)
        if moment.state == "ended" or moment.verdict is not None or moment.claimed_ms is not None:
            return
        if moment.remedies is not None or moment.withdrawn:
            return
        mine = tuple(groups)
        if mine:
            threat = self._known[moment.id] = _Threat(_rank(moment), moment, mine)
            for group in mine:
                insort(self._of.setdefault(group, []), threat.rank)

    def drop(self, moment: str) -> None:
        """Know nothing of a moment any more."""
        threat = self._known.pop(moment, None)
        if threat is not None:
            for group in threat.groups:
                ranks = self._of[group]
                del ranks[bisect_left(ranks, threat.rank)]

    def first(self, group: str, moment: str, now_ms: int) -> tuple[int, Ahead | None]:
        """Return among how many threats a group has to choose, and which goes before this one; None: this one is first.

        Args:
            group: whom a page goes to.
            moment: what it is about.
            now_ms: deadlines up to here cannot be met any more.
        """
        threat, ranks = self._known.get(moment), self._of.get(group, [])
        over = bisect_left(ranks, now_ms + 1, key=_ends)
        if threat is None or group not in threat.groups or over == len(ranks):
            return 1, None
        best = self._known[ranks[over][3]].moment
        ahead = None
        if best.id != moment:
            ahead = Ahead(best.id, best.touchpoint, best.key, best.ends_ms - now_ms)
        return len(ranks) - over, ahead


def _ends(rank: _Rank) -> int:
    return rank[0]


def _rank(moment: Moment) -> _Rank:
    return (moment.ends_ms, -waiting(moment), moment.opened_ms, moment.id)


def waiting(moment: Moment) -> int:
    """Return how many customers wait, as far as anybody has said."""
    for name in ("waiting", "pax"):
        said = moment.about.get(name)
        if isinstance(said, int) and not isinstance(said, bool) and said > 0:
            return said
    return len(moment.witnesses)


def in_order(moments: Iterable[Moment], now_ms: int) -> list[Moment]:
    """Return threats in the order to go to them: those that can still be kept first, by this module's rule."""
    return sorted(moments, key=lambda moment: (moment.ends_ms <= now_ms, *_rank(moment)))

"""How many pages a receiver gets at once. Pure: a memory of what went to whom lately, and three rules.

1. The first page of a threat goes, always: nobody misses a threat because of another one.
2. A further page (a repeat, a lapsed claim, one more step) goes as long as its receiver has tokens; else it is held
   back, on record, and the next page to the same receiver says how many were.
3. In a storm - so many threats that still stand page the same group over the same channel within so short a time -
   the first ones go as they are and the others are told together, in one page (`hub.paging.bundles`).

The bucket is our own and not a library's: those (`limits` among them) ask the machine's clock, and cannot be replayed
after a crash from what is on record.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

from msgspec import Struct

from andgate.plan import Group

K = TypeVar("K")
V = TypeVar("V")
Way = Literal["go", "bundle", "hold"]
"""At once as it is; together with others; not at all."""

BUNDLES_FROM = 4
"""The threat from which on a storm is told together, where the plan says nothing else."""
PERSON_MOST = 20
"""Further pages to one person within `PERSON_WITHIN_MS`, where the plan says nothing else: one each 15 s is no help."""
PERSON_WITHIN_MS = 300_000
REMEMBERED = 4_096
"""Receivers of whom anything is remembered."""
NAMED = 3
"""Places that are named of what was held back."""


class Receiver(NamedTuple):
    """A group over a channel; a person's channels carry the person in their name."""

    group: str
    channel: str


class Rules(Struct, frozen=True):
    """What the plan says for one receiver."""

    bundles_from: int
    """The threat within `bundles_within_ms` from which on they are told together; 0: never."""
    bundles_within_ms: int
    most: int | None
    """Further pages within `within_ms`; None: no limit."""
    within_ms: int


def rules(group: Group | None, *, person: bool, own_broker: bool = False) -> Rules:
    """Return the rules for a group's own channel, or for one of its people's.

    Args:
        group: of the plan; None where it is gone from it: then nothing is bundled.
        person: whether the channel is one person's.
        own_broker: whether pages go to the site's own broker. What listens there shows many threats by itself, and
            counts on each: unless the plan says so, nothing waits there to be told together.
    """
    if group is None:
        return Rules(0, 1, None, 1)
    pace = group.pace
    bundles_from = pace.bundles_from
    if bundles_from is None:
        bundles_from = 0 if own_broker else BUNDLES_FROM
    if pace.pages_most is None and person:
        return Rules(bundles_from, pace.bundles_within_ms, PERSON_MOST, PERSON_WITHIN_MS)
    return Rules(bundles_from, pace.bundles_within_ms, pace.pages_most, pace.pages_within_ms)


class Told(NamedTuple):
    """One page that went, or goes, to a receiver."""

    at_ms: int
    moment: str
    row: int


class _Bucket(Struct):
    tokens: float
    at_ms: int


class _Lately:
    """What went to one receiver within the time in which threats are a storm: of each threat the last."""

    def __init__(self) -> None:
        self.told: OrderedDict[str, Told] = OrderedDict()

    def add(self, said: Told, within_ms: int) -> None:
        self.told[said.moment] = said
        self.told.move_to_end(said.moment)
        while said.at_ms - next(iter(self.told.values())).at_ms > within_ms:
            self.told.popitem(last=False)

    def many(self, said: Told, most: int, stands: Callable[[str], bool]) -> bool:
        """Whether `most` threats stand, this one among them; what stands no more is forgotten on the way."""
        count = 1
        for moment in list(reversed(self.told)):
            if count >= most:
                return True
            if moment == said.moment:
                continue
            if stands(moment):
                count += 1
            else:
                del self.told[moment]
        return count >= most


class Pace:
    """Remembers; one thread."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._told: OrderedDict[Receiver, _Lately] = OrderedDict()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._held: OrderedDict[Receiver, dict[str, int]] = OrderedDict()

    def way(
        self,
        to: Receiver,
        said: Told,
        known: Rules,
        *,
        first: bool,
        throttled: str,
        stands: Callable[[str], bool] = lambda _moment: True,
    ) -> Way:
        """Say how a page goes, and remember it.

        Args:
            to: its receiver.
            said: when, about what, and its delivery.
            known: the rules for this receiver.
            first: the receiver has not been told of this threat before.
            throttled: whose tokens it takes: a person, over all of their channels, or the receiver.
            stands: whether a threat still needs somebody: what is over, or claimed, makes no storm.
        """
        if not first and not self._token(throttled, said.at_ms, known):
            return "hold"
        lately = self._told.setdefault(to, _Lately())
        self._told.move_to_end(to)
        lately.add(said, known.bundles_within_ms)
        _trim(self._told)
        return "bundle" if known.bundles_from and lately.many(said, known.bundles_from, stands) else "go"

    def lately(self, to: Receiver) -> tuple[Told, ...]:
        """Return what went to a receiver within the time in which threats are a storm."""
        lately = self._told.get(to)
        return () if lately is None else tuple(lately.told.values())

    def hold(self, to: Receiver, place: str) -> None:
        """Remember a page that was held back, by the place it was about."""
        held = self._held.setdefault(to, {})
        held[place] = held.get(place, 0) + 1
        _trim(self._held)

    def summed_up(self, to: Receiver) -> str:
        """Say what was held back from a receiver since the last page; empty where nothing was. Said once."""
        held = self._held.pop(to, None)
        if not held:
            return ""
        count = sum(held.values())
        named = ", ".join(list(held)[:NAMED])
        more = f" and {len(held) - NAMED} more places" if len(held) > NAMED else ""
        return f" Held back before this: {count} page{'s' * (count > 1)} ({named}{more})."

    def _token(self, whose: str, now_ms: int, known: Rules) -> bool:
        if known.most is None:
            return True
        bucket = self._buckets.setdefault(whose, _Bucket(known.most, now_ms))
        self._buckets.move_to_end(whose)
        gained = (now_ms - bucket.at_ms) * known.most / known.within_ms
        bucket.tokens = min(float(known.most), bucket.tokens + max(gained, 0.0))
        bucket.at_ms = now_ms
        _trim(self._buckets)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _trim(known: OrderedDict[K, V]) -> None:
    while len(known) > REMEMBERED:
        known.popitem(last=False)

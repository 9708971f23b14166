"""What a plan knows: the names that signals may use, and what to say of one it does not know."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from andgate.moment.roles import names_of
from andgate.moment.signals import BLIND, MOVED, RESERVED, SIGHTED
from andgate.plan import Device, Plan
from andgate.plan.quiet import RESUMED, SUSPENDED
from andgate.plan.reserved import HUBS_OWN

_OWN = '"{}" is a word of the hub\'s own. Nobody else can say it'
_SIGHT = frozenset({BLIND, SIGHTED})
FEW = 30
"""So many names are compared with one that is unknown."""

STRANGERS_MOST = 500


class Vocabulary:
    """A plan's names, ready to be looked up for every signal."""

    def __init__(self, plan: Plan) -> None:
        """Collect them."""
        self.plan = plan
        self.devices: dict[str, dict[str, Device]] = {node.id: node.devices for node in plan.nodes.values()}
        self._strangers: dict[str, str] = {}
        self.signals: set[str] = set(RESERVED - HUBS_OWN)
        for expectation in plan.expectations.values():
            self.signals |= names_of(expectation)
        for device in plan.devices.values():
            self.signals |= set(device.signals.values())
        if plan.quiet.suspends:
            self.signals |= {SUSPENDED, RESUMED}

    def node_fault(self, node: str, device: str, signal: str) -> str | None:
        """Return what is wrong with a node's signal of this device, or None."""
        devices = self.devices.get(node)
        if devices is None:
            return self._stranger(node)
        if device not in devices:
            return f'the plan has no device "{device}" on node "{node}"{_near(device, devices)}'
        return _OWN.format(signal) if signal in HUBS_OWN else None

    def _stranger(self, node: str) -> str:
        """Who is a stranger says much the same again and again, so what to say of it is kept for a while."""
        known = self._strangers.get(node)
        if known is None:
            if len(self._strangers) >= STRANGERS_MOST:
                self._strangers.clear()
            known = self._strangers[node] = f'the plan has no node "{node}"{_near(node, self.devices)}'
        return known

    def feed_fault(self, touchpoint: str, signal: str, device: str | None, to: str | None) -> str | None:
        """Return what is wrong with a feed's signal, or None."""
        if touchpoint not in self.plan.touchpoints:
            return f'the plan has no touchpoint "{touchpoint}"{_near(touchpoint, self.plan.touchpoints)}'
        if signal in HUBS_OWN:
            return _OWN.format(signal)
        if signal not in self.signals:
            return f'nothing in the plan knows a signal "{signal}"{_near(signal, self.signals)}'
        if device is not None and device not in self.plan.devices:
            return f'the plan has no device "{device}"{_near(device, self.plan.devices)}'
        if device is not None and signal in _SIGHT:
            return f'"{signal}" of {device} is for its node and the hub to say, nobody else'
        if signal == MOVED and to is None:
            return '"moved" says where to: give a touchpoint in `to`'
        if to is not None and to not in self.plan.touchpoints:
            return f'the plan has no touchpoint "{to}" to move to{_near(to, self.plan.touchpoints)}'
        return None


class Reign(NamedTuple):
    """A plan's names, and since when they count."""

    since_ms: int
    words: Vocabulary


class Vocabularies:
    """The names of the plan in force and of those before it: a signal meets the plan of when it happened (rule 17).

    A press that a node kept while it was cut off may be of a button that the plan has moved or dropped since.
    """

    def __init__(self, plans: Sequence[tuple[int, Plan]]) -> None:
        """Know some plans, each with the site time since when it is in force; the last is in force now."""
        self._reigns = [Reign(since_ms, Vocabulary(plan)) for since_ms, plan in plans]

    @property
    def now(self) -> Vocabulary:
        """Of the plan in force."""
        return self._reigns[-1].words

    def use_plan(self, plan: Plan, since_ms: int, before_ms: int) -> None:
        """Know a plan that is in force from now on; forget those that ended before `before_ms`."""
        self._reigns.append(Reign(since_ms, Vocabulary(plan)))
        while len(self._reigns) > 1 and self._reigns[1].since_ms < before_ms:
            del self._reigns[0]

    def at(self, at_ms: int) -> Vocabulary:
        """Of the plan in force at a site time; of the oldest known for what was before."""
        return next((reign.words for reign in reversed(self._reigns) if reign.since_ms <= at_ms), self._reigns[0].words)

    def before(self, node: str, device: str) -> Vocabulary | None:
        """Of the newest plan before the one in force that has this device of this node."""
        return next((it.words for it in reversed(self._reigns[:-1]) if device in it.words.devices.get(node, ())), None)

    def knows_node(self, node: str) -> bool:
        """Whether any of them has the node."""
        return any(node in reign.words.devices for reign in self._reigns)


def _near(name: str, known: object) -> str:
    names = [str(each) for each in known]  # type: ignore[attr-defined]
    # Comparing is slow, and strangers may ask thousands of times a second what a site of thousands of names has.
    alike = names if len(names) <= FEW else [each for each in names if each[:2] == name[:2]][:FEW]
    near = get_close_matches(name, alike, n=1, cutoff=0.5)
    if near:
        return f'. Perhaps "{near[0]}" is meant'
    return f". It has: {', '.join(sorted(names)[:12]) or 'none'}"

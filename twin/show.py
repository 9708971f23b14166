"""A terminal playing before a hub: nodes on mock pins, the airport's feed, everybody's pagers, and the model's pace."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from andgate.clock import Clock
from andgate.plan import Plan
from andgate.wire.messages import MomentMessage
from edge.broker import Broker
from twin.causes import Causes
from twin.feed import Feed
from twin.flights import day_of
from twin.hands import Hands
from twin.happenings import Answered, AnyHappening, Beep, Gave, Reported
from twin.hubcall import HubAddress
from twin.pagers import Pagers
from twin.terminal import Terminal
from twin.world import World


class Show:
    """Everything on this side of the hub; `open` starts it, `close` ends it."""

    def __init__(
        self, plan: Plan, *, hub: HubAddress, broker: Broker, data: Path, clock: Clock, levels: Mapping[str, bool]
    ) -> None:
        """Set the stage; nothing runs yet.

        Args:
            plan: the site, as the hub has it.
            hub: where its API is; supervisors write causes down there.
            broker: the site's.
            data: a folder for the nodes' spools.
            clock: site time.
            levels: what the sensors see at the start, by ``node/device``.
        """
        self._plan = plan
        self._clock = clock
        self._exits = contextlib.ExitStack()
        self._hands = Hands(plan, broker=broker, data=data, clock=clock, levels=levels)
        self._feed = Feed(plan, broker, clock)
        self._pagers = Pagers(plan, broker, clock, self._beeps, self._publications)
        self._causes = Causes(hub, self._why)
        self._terminal: Terminal | None = None

    def open(self) -> None:
        """Switch on nodes, feed and pagers; returns when the nodes have found the broker."""
        self._exits.callback(self._hands.stop)
        self._hands.start()
        self._exits.callback(self._feed.stop)
        self._feed.start()
        self._exits.callback(self._causes.stop)
        self._causes.start()
        self._exits.callback(self._pagers.stop)
        self._pagers.start()
        self._hands.wait_connected()

    def begin(self, world: World, *, seed: int) -> None:
        """Let the model go on from where `world` stands, day after day."""

        def then(now_ms: int) -> World:
            return World(self._plan, day_of(now_ms, self._plan.site.timezone), today=world.day, seed=seed)

        self._terminal = Terminal(world, then, self._clock, self._act)
        self._exits.callback(self._terminal.stop)
        self._terminal.start()

    def close(self) -> None:
        """End everything, the other way round."""
        self._exits.close()

    def _act(self, happening: AnyHappening) -> None:
        if isinstance(happening, Reported):
            self._feed.post(happening)
        elif isinstance(happening, Answered):
            self._pagers.answer(happening)
        elif isinstance(happening, Gave):
            self._causes.gave(happening)
        else:
            self._hands.take(happening)

    def _why(self, moment: str, touchpoint: str, key: str | None) -> str | None:
        return None if self._terminal is None else self._terminal.why(moment, touchpoint, key)

    def _publications(self, moment: MomentMessage) -> None:
        self._causes.published(moment)

    def _beeps(self, beep: Beep) -> None:
        if self._terminal is not None:
            self._terminal.hear(beep)

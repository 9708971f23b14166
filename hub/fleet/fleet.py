"""What each node last said, and who is blind.

A node says its birth with a session number that grows with every connection. Its will carries the same number, so that
a will that arrives after a newer birth says nothing about the present and is ignored.

A device is blind while its node is lost, stopped or stale, or while the node's health calls it unknown or faulty.
Going blind and seeing again are signals on the site's timeline, like any other: the engine marks verdicts provisional
by them; `sight` keeps in mind which of them may be taken back. A node that never came is no reason to doubt what others
see: it is shown as unseen, nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from andgate.moment.engine import HORIZON_MS
from andgate.moment.signals import BLIND, SIGHTED, Signal
from andgate.plan import Plan
from andgate.wire.messages import Health, NodeState
from hub.fleet.sight import Change, Sight
from hub.fleet.wanted import node_config
from hub.store import Store

_UPSERT = (
    "insert into node (node, state, session, boot, version, config, wanted, since_ms, seen_ms, health, health_ms, "
    "blind, fault, run) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (node) do update set "
    "state = excluded.state, "
    "session = excluded.session, boot = excluded.boot, version = excluded.version, config = excluded.config, "
    "wanted = excluded.wanted, since_ms = excluded.since_ms, seen_ms = excluded.seen_ms, health = excluded.health, "
    "health_ms = excluded.health_ms, blind = excluded.blind, fault = excluded.fault, run = excluded.run"
)
KNOWN_MS = 3_600_000
"""A blindness dated further back than the horizon less this would be too late to be judged, or soon be."""
_HEALTH_SHOWN_MS = 60_000
"""Health is written this often, unless it says something new: 2,000 nodes say it every 15 s."""


class Standing(msgspec.Struct):
    """One node, as one thread keeps it."""

    node: str
    state: Literal["online", "lost", "stopped", "unseen"] = "unseen"
    session: int | None = None
    boot: str | None = None
    version: str | None = None
    config: str | None = None
    wanted: str | None = None
    since_ms: int | None = None
    seen_ms: int | None = None
    health: Health | None = None
    health_ms: int | None = None
    blind: list[str] = []
    stale_ms: int | None = None
    """Since when its health is overdue while it calls itself online; None while it is not."""

    @property
    def dark(self) -> bool:
        """Whether nothing is known of what its devices see now."""
        return self.state != "online" or self.stale_ms is not None

    @property
    def fault(self) -> str | None:
        """What is wrong, in words."""
        if self.state == "unseen":
            return "never seen"
        if self.wanted is None:
            return "not in the plan"
        if self.state != "online":
            return self.state
        faults = (
            [f"{name}: {said.fault}" for name, said in self.health.devices.items() if said.fault] if self.health else []
        )
        if self.config is not None and self.config != self.wanted:
            faults.append("it runs another configuration than the plan's")
        return "; ".join(faults) or None


class Fleet:
    """Every node of the plan and every other one that ever spoke; belongs to the driver's thread."""

    def __init__(
        self, store: Store, plan: Plan, rate: float = 1.0, top: Callable[[str, str], int] = lambda _node, _boot: 0
    ) -> None:
        """Read what is stored.

        Args:
            store: of the hub.
            plan: in force.
            rate: site seconds per real second.
            top: of a node and boot, the greatest number received.
        """
        self._store = store
        self.sight = Sight(store, rate, top)
        self._began = False
        self._nodes: dict[str, Standing] = {}
        self._changed: set[str] = set()
        self._written_ms: dict[str, int] = {}
        rows = store.db.execute(
            "select node, state, session, boot, version, config, wanted, since_ms, seen_ms, health, health_ms, blind "
            "from node"
        )
        for row in rows:
            self._nodes[row[0]] = Standing(
                node=row[0],
                state=row[1],
                session=row[2],
                boot=row[3],
                version=row[4],
                config=row[5],
                wanted=row[6],
                since_ms=row[7],
                seen_ms=row[8],
                health=None if row[9] is None else msgspec.json.decode(row[9], type=Health),
                health_ms=row[10],
                blind=msgspec.json.decode(row[11], type=list[str]),
                stale_ms=self.sight.stale_since(row[0]) if row[1] == "online" else None,
            )
            if row[8] is not None:
                self.sight.heard(row[0], row[8])  # what it did while the hub was down nobody knows before it speaks
        self.use_plan(plan)

    def use_plan(self, plan: Plan) -> None:
        """Know this plan's nodes from now on."""
        self._plan = plan
        self._reporting = _reporting(plan)
        for node in plan.nodes.values():
            standing = self._nodes.setdefault(node.id, Standing(node.id))
            standing.wanted = node_config(plan, node).hash
            self._changed.add(node.id)
        for standing in self._nodes.values():
            if standing.node not in plan.nodes and standing.wanted is not None:
                standing.wanted = None
                self._changed.add(standing.node)

    def leave(self, plan: Plan, now_ms: int) -> list[Signal]:
        """Return what ends the blindness of devices that this plan drops or moves; before the plan counts.

        Nobody else would: who comes back to its place would be blind there for ever, and its hold refuse nothing.
        """
        coming = _reporting(plan)
        made = []
        for node, standing in self._nodes.items():
            for device in list(standing.blind):
                place = self._reporting.get(node, {}).get(device)
                if place != coming.get(node, {}).get(device):
                    standing.blind.remove(device)
                    self._changed.add(node)
                    if place is not None:
                        made.append(self.sight.signal(Change(SIGHTED, device, place, now_ms - 1), now_ms))
        return made

    def join(self, now_ms: int) -> list[Signal]:
        """Return the `blind` of devices that came with the plan to a node which nobody hears, or which calls them so.

        They are blind since they are there: what was before is not theirs.
        """
        return [signal for it in list(self._nodes.values()) for signal in self._see(it, now_ms, new=True)]

    def said(self, node: str, said: NodeState, now_ms: int, *, retained: bool = False) -> tuple[Standing, list[Signal]]:
        """Take a birth, a will or a goodbye; return the node's standing and what its devices' sight became.

        A birth that the broker kept tells of the past, unless it is of a session that nobody has heard of.
        """
        standing = self._nodes.setdefault(node, Standing(node))
        standing.seen_ms = now_ms
        if standing.session is not None and said.session < standing.session and said.state != "online":
            return standing, []
        news = said.session != standing.session
        if standing.state != said.state:
            standing.since_ms = now_ms
        own: list[Signal] = []
        if said.state == "online" and (news or not retained or standing.state != "online"):
            own = self._born(standing, said, now_ms)
        standing.state, standing.session = said.state, said.session
        if said.state == "online":
            standing.boot = said.boot or standing.boot
            standing.version = said.version or standing.version
            standing.config = said.config or standing.config
        else:
            standing.stale_ms = None
            self.sight.excuse(node)
        self._changed.add(node)
        return standing, own + self._see(standing, now_ms)

    def _born(self, standing: Standing, said: NodeState, now_ms: int) -> list[Signal]:
        """Say what a birth changes about what was dark before it."""
        node, sight = standing.node, self.sight
        boot = said.boot or standing.boot
        if standing.dark:
            own = sight.back(node, boot, said.run, now_ms)
        elif boot is None or not sight.expects(node):
            own = []  # of one that never says how it is, the last press says nothing about when it went dark
        else:
            reporting = self._reporting.get(node, {})
            seeing = {name: place for name, place in reporting.items() if name not in standing.blind}
            own = sight.restarted(node, seeing, (standing.boot, boot), said.run, now_ms)
        sight.born(node, said.run)
        sight.heard(node, now_ms)
        standing.stale_ms = None
        if standing.health is not None and boot == standing.boot:  # one that never says how it is, is not missed
            sight.expect(node, now_ms)
        return own

    def behind(self, node: str) -> bool:
        """Whether a node says that it still runs another configuration than the plan's."""
        standing = self._nodes.get(node)
        return (
            standing is not None
            and None not in (standing.wanted, standing.config)
            and (standing.config != standing.wanted)
        )

    def heard(self, node: str, now_ms: int) -> None:
        """Note that a node said something of its own."""
        self.sight.heard(node, now_ms)

    def health(self, node: str, said: Health, now_ms: int) -> list[Signal]:
        """Take a node's health; return what its devices' sight became."""
        standing = self._nodes.setdefault(node, Standing(node))
        standing.seen_ms = now_ms
        self.sight.heard(node, now_ms)
        old = standing.health
        standing.health, standing.health_ms = said, now_ms
        news = old is None or any(
            old.devices.get(name) is None or (old.devices[name].level, old.devices[name].fault) != (it.level, it.fault)
            for name, it in said.devices.items()
        )
        if said.config is not None and said.config != standing.config:
            standing.config, news = said.config, True
        own: list[Signal] = []
        if standing.state == "online":
            if standing.stale_ms is not None:
                own = self.sight.back(node, said.boot, self.sight.run_of(node), now_ms)
                standing.stale_ms, news = None, True
            self.sight.expect(node, now_ms)
        if news or now_ms - self._written_ms.get(node, 0) >= _HEALTH_SHOWN_MS:
            self._changed.add(node)
        return own + self._see(standing, now_ms) if news else own

    def look(self, now_ms: int) -> list[Signal]:
        """Return the `blind` of nodes whose health is overdue; it is stamped with when it was last heard."""
        if not self._began:
            self._began = True
            for standing in self._nodes.values():
                if not standing.dark and standing.health is not None and not self.sight.expects(standing.node):
                    self.sight.expect(standing.node, now_ms)
        own: list[Signal] = []
        for node, since_ms in self.sight.overdue(now_ms):
            standing = self._nodes[node]
            if not standing.dark and node in self._plan.nodes:
                # One that is not heard after a start of the hub may have gone at any time since it was heard last.
                heard_ms = self.sight.heard_ms(node) or since_ms
                standing.stale_ms = max(min(since_ms, heard_ms), now_ms - HORIZON_MS + KNOWN_MS)
                self._changed.add(node)
                own += self._see(standing, now_ms)
        return own

    def waits(self, node: str) -> set[str]:
        """Return the boots of a node that is back whose spool may still hold what it saw while it was not heard."""
        return self.sight.waits(node)

    def gone(self, gap: Signal) -> None:
        """Take a node's word that signals are gone: what it saw then nobody will know, so it stays blind."""
        boot, last = gap.about.get("boot"), gap.about.get("to")
        if isinstance(boot, str) and isinstance(last, int):
            self.sight.lost_for_good(gap.source, boot, last)

    def drained(self, node: str, boot: str, now_ms: int) -> list[Signal]:
        """Return what takes a node's blindness back: all it saw in a boot has come in."""
        return self.sight.drained(node, boot, now_ms)

    def next_ms(self) -> int | None:
        """Return when to `look`."""
        return self.sight.next_ms()

    def _see(self, standing: Standing, now_ms: int, *, new: bool = False) -> list[Signal]:
        """Compare who is blind with who was; `new`: those who were not have just come with the plan."""
        reporting = self._reporting.get(standing.node, {})
        if standing.state == "unseen":
            return []
        devices = standing.health.devices if standing.health else {}
        faulty = {
            f"{standing.node}/{name}": it.fault or it.level
            for name, it in devices.items()
            if it.level == "unknown" or it.fault
        }
        blind = set(reporting) if standing.dark else set(faulty) & set(reporting)
        was = set(standing.blind)
        standing.blind = sorted(blind)
        if blind != was:
            self._changed.add(standing.node)
        went = {name: reporting[name] for name in sorted(blind - was)}
        back = [name for name in sorted(was - blind) if name in reporting]
        if not standing.dark:
            made = [
                self.sight.signal(Change(BLIND, name, place, now_ms, faulty[name]), now_ms)
                for name, place in went.items()
            ]
        elif went:
            heard_ms = None if new else self.sight.heard_ms(standing.node)
            at_ms = now_ms if new or standing.stale_ms is None else standing.stale_ms
            why = "stale" if standing.state == "online" else "stopped" if standing.state == "stopped" else "lost"
            made = self.sight.went(standing.node, went, at_ms, why, standing.boot, heard_ms, now_ms=now_ms)  # type: ignore[arg-type]
        else:
            made = []
        return made + [self.sight.signal(Change(SIGHTED, name, reporting[name], now_ms), now_ms) for name in back]

    def state_of(self, node: str) -> str:
        """Return what a node last said it is."""
        standing = self._nodes.get(node)
        return standing.state if standing else "unseen"

    def standing(self, node: str) -> Standing | None:
        """Return what is known of a node; None where nobody ever heard of it."""
        return self._nodes.get(node)

    def standings(self) -> Iterable[Standing]:
        """Return what is known of every node."""
        return self._nodes.values()

    def strangers(self, node: str) -> int:
        """Return how many nodes outside the plan are remembered; 0 if this one is among them."""
        return 0 if node in self._nodes else len(self._nodes) - len(self._plan.nodes)

    def boots(self) -> dict[str, str]:
        """Return the boot that each node's newest birth named."""
        return {standing.node: standing.boot for standing in self._nodes.values() if standing.boot is not None}

    def flush(self, now_ms: int) -> None:
        """Add what changed to the store's transaction."""
        for node in self._changed:
            it = self._nodes[node]
            self._written_ms[node] = now_ms
            self._store.row(
                _UPSERT,
                (
                    it.node,
                    it.state,
                    it.session,
                    it.boot,
                    it.version,
                    it.config,
                    it.wanted,
                    it.since_ms,
                    it.seen_ms,
                    msgspec.json.encode(it.health) if it.health is not None else None,
                    it.health_ms,
                    msgspec.json.encode(it.blind).decode(),
                    it.fault,
                    self.sight.run_of(it.node),
                ),
            )
        self._changed.clear()


def _reporting(plan: Plan) -> dict[str, dict[str, str]]:
    """Return of each node the devices that report anything of a place, with their touchpoints."""
    return {
        node.id: {it.name: it.touchpoint for it in node.devices.values() if it.signals and it.touchpoint}
        for node in plan.nodes.values()
    }

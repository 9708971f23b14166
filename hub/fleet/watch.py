"""The watch: which faults stand, and since when; technicians are called about them by `calls`.

It asks `faults.decide` about every node that said something, and about all of them now and then, because silence is
news too. What stands is in the store, in the transaction that pages it: a restart forgets no fault, makes none younger,
and repeats no page. Belongs to the driver's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from andgate.moment.case import CONTRADICTED
from andgate.moment.engine import HORIZON_MS
from andgate.moment.moments import Moment
from andgate.moment.signals import GAP, Input, Signal
from andgate.plan import Plan
from hub.fleet.calls import Calls, WhyNot
from hub.fleet.faults import AUDIT, KINDS, LASTING, UNPROVEN, Fault, Key, Known, decide
from hub.fleet.fleet import Fleet, Standing
from hub.fleet.register import Register
from hub.fleet.traffic import FLOOD, Sender, SenderKind, Traffic
from hub.store import PageRow, Store
from hub.store.crew import Rota

LOOK_MS = 15_000
"""Between looks at all nodes: as often as each says how it is."""
PORTION = 100
PORTION_MS = 250
"""A large site's nodes are looked at so many at a time, so long after each other: two milliseconds, not forty."""
CONTRADICTIONS = 3
CONTRADICTED_WITHIN_MS = 3_600_000
"""So many contradicted moments at one place within so long are a fault of its button or its sensor."""


class Boot(Protocol):
    """What the watch must know of a numbering."""

    node: str
    boot: str
    untimed: int
    """Signals that nobody can put on the timeline."""
    told: str | None
    """What has been said to be wrong with its clock."""

    @property
    def clock(self) -> str | None:
        """What is wrong with its clock, in words."""

    @property
    def odd(self) -> int:
        """How many impossible times it named."""


class Watch:
    """Keeps the faults of one site."""

    def __init__(
        self,
        store: Store,
        fleet: Fleet,
        plan: Plan,
        *,
        listen_only: bool,
        rota: Rota | None = None,
        why_not: WhyNot = lambda _places, _now_ms: None,
    ) -> None:
        """Go on from what is stored.

        Args:
            store: of the hub.
            fleet: of the same.
            plan: in force.
            listen_only: page nobody.
            rota: says who of a group is paged by name.
            why_not: (touchpoints, now) -> why technicians may not be paged of a fault there now; None: they may.
        """
        self._store = store
        self._fleet = fleet
        self.traffic = Traffic(store)
        self._started_ms: int | None = None
        self._register = Register(store)
        self.calls = Calls(
            self._register, store.pages, plan, listen_only=listen_only, rota=rota or Rota(), why_not=why_not
        )
        self._untimed: dict[str, dict[str, int]] = {}
        """Node -> boot -> signals without a time; only where there are any."""
        self._told: dict[str, dict[str, tuple[int, str]]] = {}
        self._contradicted: dict[str, deque[tuple[int, str]]] = {}
        self._ended: list[Fault] = []
        """What the auditor does not find any more."""
        self._dirty: set[str] = set()
        self._news: set[str] = set()
        self._lost: dict[tuple[str, str], int] = {}
        """Who, and which fault -> signals that were lost, or were too late, since it stands."""
        self._look_ms = 0
        self._left: list[str] = []
        """Nodes that this round has not looked at yet."""
        for node, boot, untimed in store.db.execute("select node, boot, untimed from boot where untimed > 0"):
            self._untimed.setdefault(node, {})[boot] = untimed
        self.use_plan(plan)

    def use_plan(self, plan: Plan) -> None:
        """Watch this plan's nodes from now on."""
        self._plan = plan
        self.traffic.use_plan(frozenset(plan.nodes))
        self._levels = {
            (device.name, device.signals[level]): (device.node, device.id, level)
            for device in plan.devices.values()
            if {"on", "off"} <= device.signals.keys()
            for level in ("on", "off")
        }
        self._look_ms = 0
        self.calls.use_plan(plan)

    # ---------------------------------------------------------------------------------------------- what comes in

    def said(self, node: str) -> None:
        """Note that something is new about a node."""
        self._dirty.add(node)

    def took(
        self, kind: SenderKind, name: str, now_ms: int, accepted: int, duplicates: int, bad: int, reason: str
    ) -> None:
        """Count a message, and what of it was no good."""
        sender = self.traffic.took(kind, name, now_ms, accepted, duplicates)
        if bad:
            self.traffic.refused(sender, now_ms, bad, reason)
            bad_ms = sender.bad_ms
            if bad_ms is not None:
                self._event(self._who(sender), "", "garbage", now_ms, detail=sender.reason)
        if sender.floods:
            self._event(self._who(sender), "", "flood", now_ms, detail=f"more than {FLOOD:,}")

    @staticmethod
    def _who(sender: Sender) -> str:
        return sender.name if sender.kind == "node" else f"feed/{sender.name}"

    def signals(self, inputs: Iterable[Input], boots: Iterable[Boot], now_ms: int) -> None:
        """Look at what a node's message brought, and at the numberings it was of."""
        for boot in boots:
            if boot.untimed:
                self._without_time(boot)
            if boot.odd:
                self.clocks((boot,), now_ms)
        for item in inputs:
            if not isinstance(item, Signal):
                continue
            level = self._levels.get((item.device, item.name))
            if level is not None:
                node, device, word = level
                told = self._told.setdefault(node, {})
                if device not in told or told[device][0] <= item.at_ms:
                    told[device] = (item.at_ms, word)
            elif item.name == GAP:
                lost = item.value if isinstance(item.value, int) and item.value > 0 else 1
                self._lose(item.source, "gap", lost, item.received_ms)

    def unheard(self, contact: str, now_ms: int) -> None:
        """Take note that a suspension has ended since nobody heard its contact for so long."""
        node, _, device = contact.partition("/")
        if device:
            self._event(node, device, "unheard", now_ms, detail="")
        else:
            self._event(f"feed/{node}", "", "unheard", now_ms, detail="")

    def late(self, inputs: Iterable[Input]) -> None:
        """Look whether something is too late to be judged: who sent it believes that it counts."""
        late = [it for it in inputs if isinstance(it, Signal) and it.received_ms - it.at_ms > HORIZON_MS]
        if late:
            who = late[0].source if late[0].boot_rank else f"feed/{late[0].source}"
            self._lose(who, "late", len(late), late[0].received_ms)

    def _lose(self, who: str, kind: str, lost: int, now_ms: int) -> None:
        """Count lost signals up, as long as that fault stands."""
        if (who, "", kind) in self._register:
            lost += self._lost.get((who, kind), 0)
        self._lost[who, kind] = lost
        self._event(who, "", kind, now_ms, detail=f"{lost} signal{'s' * (lost > 1)}")

    def clocks(self, boots: Iterable[Boot], now_ms: int) -> None:
        """Look whether a node's clock named a time that cannot be, or runs too wrongly for a quartz."""
        for boot in boots:
            wrong = boot.clock
            if wrong != boot.told:
                boot.told = wrong
                if wrong is not None:
                    self._event(boot.node, "", "dial", now_ms, detail=wrong.replace("its clock ", ""))

    def _without_time(self, boot: Boot) -> None:
        known = self._untimed.setdefault(boot.node, {})
        if known.get(boot.boot) != boot.untimed:
            known[boot.boot] = boot.untimed
            self._dirty.add(boot.node)

    def published(self, moments: Sequence[Moment], now_ms: int) -> None:
        """Look at publications: a place where the sensor contradicts the button again and again is a fault."""
        for moment in moments:
            if moment.verdict != "void" or moment.reason != CONTRADICTED or moment.withdrawn:
                continue
            times = self._contradicted.setdefault(moment.touchpoint, deque(maxlen=CONTRADICTIONS))
            if any(known == moment.id for _, known in times):
                continue  # published once more
            times.append((now_ms, moment.id))
            if len(times) == CONTRADICTIONS and times[-1][0] - times[0][0] <= CONTRADICTED_WITHIN_MS:
                for witness in moment.witnesses:
                    node, slash, device = witness.partition("/")
                    if slash and node in self._plan.nodes:
                        detail = f"{CONTRADICTIONS} times within the hour"
                        self._event(node, device, "disagree", now_ms, detail=detail)

    def audited(self, found: Mapping[Key, str], now_ms: int, kinds: Collection[str] = AUDIT) -> bool:
        """Take all that the auditor (or who looks for other `kinds`) finds wrong now; whether any began or ended."""
        known = {fault.key for fault in self._register if fault.kind in kinds}
        for (node, device, kind), detail in found.items():
            new = Fault(node=node, device=device, kind=kind, since_ms=now_ms, seen_ms=now_ms, detail=detail)
            self._put(new, now_ms)
        self._ended += [self._drop(self._register[key]) for key in known - found.keys()]
        if known == found.keys():
            return False
        self.calls.due_ms = now_ms
        return True

    def drilled(self, found: Mapping[Key, str], checked: Collection[Key], now_ms: int) -> None:
        """Take what a drill found dead; of what it did not look at the last word stands."""
        stand = {each.key: each.detail for each in self._register if each.kind == UNPROVEN and each.key not in checked}
        self.audited({**stand, **found}, now_ms, {UNPROVEN})

    def _event(self, node: str, device: str, kind: str, now_ms: int, *, detail: str) -> None:
        new = Fault(node=node, device=device, kind=kind, since_ms=now_ms, seen_ms=now_ms, detail=detail)
        self._put(new, now_ms)

    # ---------------------------------------------------------------------------------------------- looking

    def next_ms(self) -> int:
        """Return when to `look`."""
        return self._look_ms if self.calls.due_ms is None else min(self._look_ms, self.calls.due_ms)

    def look(self, now_ms: int) -> tuple[list[PageRow], list[int]]:
        """Decide what is wrong now; return the pages that go out, and the ids of those that must not any more."""
        if self._started_ms is None:
            self._started_ms = now_ms
        over, self._ended = self._ended, []
        if now_ms >= self._look_ms:
            over += self._round(now_ms)
        if self._dirty:
            for node in self._dirty:
                known = self._fleet.standing(node)
                if known is not None:
                    over += self._decide(known, now_ms)
            self._dirty.clear()
        pages: list[PageRow] = []
        cancelled: list[int] = []
        for fault in over:
            rows, gone = self.calls.over(fault, now_ms)
            pages += rows
            cancelled += gone
        return pages + self.calls.page(now_ms, self._started_ms or now_ms), cancelled

    def _round(self, now_ms: int) -> list[Fault]:
        """Look at the next nodes of a round, so many that no press waits for it; return what is over."""
        if not self._left:
            self._left = [standing.node for standing in self._fleet.standings()]
            self._timed()
        over: list[Fault] = []
        for node in self._left[-PORTION:]:
            known = self._fleet.standing(node)
            if known is not None:
                over += self._decide(known, now_ms)
        del self._left[-PORTION:]
        if self._left:
            self._look_ms = now_ms + PORTION_MS
            return over
        self._look_ms = now_ms + LOOK_MS
        self.calls.again = True
        self.traffic.flush(now_ms)
        return over + self._forget(now_ms)

    def _timed(self) -> None:
        """Ask the store whether signals without a time have found theirs."""
        for node in list(self._untimed):
            rows = self._store.db.execute("select boot, untimed from boot where node = ? and untimed > 0", (node,))
            self._untimed[node] = dict(rows.fetchall())
            if not self._untimed[node]:
                del self._untimed[node]

    def _decide(self, standing: Standing, now_ms: int) -> list[Fault]:
        """Compare what is wrong with a node with what was; return what is over."""
        node = standing.node
        mine = self._register.of(node)
        told = self._told.get(node)
        known = Known(
            node=node,
            state=standing.state,
            since_ms=standing.since_ms,
            stale_ms=standing.stale_ms,
            wanted=standing.wanted,
            config=standing.config,
            health=standing.health if (standing.health_ms or 0) >= (self._started_ms or 0) else None,
            health_ms=standing.health_ms,
            untimed=sum(self._untimed[node].values()) if node in self._untimed else 0,
            told={device: word for device, (_, word) in told.items()} if told else {},
        )
        found = {fault.key: fault for fault in decide(known, self._plan, mine, now_ms)}
        for fault in found.values():
            self._put(fault, now_ms)
        states = [fault for fault in mine.values() if KINDS[fault.kind].lasts_ms is None]
        return [self._drop(fault) for fault in states if fault.key not in found]

    def _put(self, new: Fault, now_ms: int) -> None:
        if self._register.put(new, now_ms):
            self.calls.again = True
            self._tell_screens(new)

    def flush(self) -> None:
        """Add what changed to the store's transaction."""
        self._register.flush()

    def _drop(self, fault: Fault) -> Fault:
        self._register.drop(fault)
        self._tell_screens(fault)
        return fault

    def _tell_screens(self, fault: Fault) -> None:
        if KINDS[fault.kind].pages != "never" and self._fleet.standing(fault.node) is not None:
            self._news.add(fault.node)

    def news(self) -> list[str]:
        """Return the nodes of which a fault came or went since this was asked last, for screens that stand open."""
        found = sorted(self._news)
        self._news.clear()
        return found

    def _forget(self, now_ms: int) -> list[Fault]:
        """Return the events that are long enough ago, and the states of nodes that nobody knows any more."""
        gone = []
        for fault in self._register:
            lasts_ms = KINDS[fault.kind].lasts_ms
            ended = lasts_ms is not None and now_ms - fault.seen_ms >= lasts_ms
            stranger = lasts_ms is None and fault.kind not in LASTING and self._fleet.standing(fault.node) is None
            if ended or stranger:
                gone.append(self._drop(fault))
        return gone

"""A storm: some seconds of an airport's life in which, at instants chosen by a seed, everything that can die dies."""

from __future__ import annotations

import heapq
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

from tests.faults.deaths import Deaths
from tests.faults.life import Life
from tests.faults.outside import HttpFeed, MqttFeed, Pager
from tests.faults.parts import CLOCK, BrokerPart, Disk, HubPart, Network, NodePart, Part
from tests.faults.site import NODES

DRAIN_S = 240.0
"""A node may wait 22 s before it knocks again, and a minute before it says again what was not receipted."""
LONGEST_TERM_S = 60.0


class StuckError(Exception):
    """Healed, the site does not come to rest."""


class Storm:
    """One round."""

    def __init__(self, seed: int, folder: Path, *, namespace: bool, length_s: float = 20.0, faults: int = 14) -> None:
        self.seed, self.folder, self.namespace = seed, folder, namespace
        self.length_s, self.faults = length_s, faults
        self.random = Random(seed)
        folder.mkdir(parents=True)
        self.network = Network(real=namespace)
        self.disks = {node.name: Disk(folder / "disk" / node.name, 8, mounted=namespace) for node in NODES}
        self.disks["hub"] = Disk(folder / "disk" / "hub", 48, mounted=namespace)
        self.broker = BrokerPart(folder)
        self.hub = HubPart(folder, self.disks["hub"].data)
        self.nodes = {desk.name: NodePart(folder, self.disks[desk.name].data, desk, self.new_boot()) for desk in NODES}
        self.parts: dict[str, Part] = {"broker": self.broker, "hub": self.hub, **self.nodes}
        self.counts: Counter[str] = Counter()
        self.lines: list[str] = []
        self.wrongs: list[str] = []
        """What was found wrong while it blew; the check adds to it."""
        self.backups: list[tuple[int, Path]] = []
        self.restores: list[tuple[int, int]] = []
        """(when, as of when) the hub was restored."""
        self.wipes: list[tuple[int, str]] = []
        self.ends: list[tuple[int, str]] = []
        """(when, node) a node's process ended."""
        self.longest_term_s = 0.0
        self._plan: list[tuple[float, int, Callable[[], None]]] = []
        self._tie = 0
        self._begun_s = self._last_s = 0.0
        self.starting: dict[str, float] = {}
        """Part -> when it is started again."""
        self.terms: dict[str, float] = {}
        self.hung: set[str] = set()
        self.full: Counter[str] = Counter()
        """Parts whose disk is full or read-only, or was so just now: they may end by themselves."""
        self.pause = threading.Event()
        self.life = Life(self)
        self.deaths = Deaths(self, self.life)
        self.outside: list[Pager | MqttFeed | HttpFeed] = []

    def new_boot(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    # ------------------------------------------------------------------------------------------ time

    @property
    def now_s(self) -> float:
        """Seconds since it began."""
        return CLOCK.mono_s() - self._begun_s

    def note(self, words: str) -> None:
        """Write a line of the timeline."""
        self.lines.append(f"{self.now_s:8.3f}  {words}")

    def at(self, at_s: float, do: Callable[[], None]) -> None:
        """Do something then; the round does not end before."""
        self._tie += 1
        self._last_s = max(self._last_s, at_s)
        heapq.heappush(self._plan, (at_s, self._tie, do))

    def _live(self, do: Callable[[], None], low_s: float, high_s: float) -> None:
        """Do something again and again, as long as the round lasts."""
        do()
        at_s = self.now_s + self.life.random.uniform(low_s, high_s)
        if at_s < self._last_s:
            self.at(at_s, lambda: self._live(do, low_s, high_s))

    def after(self, low_s: float, high_s: float, do: Callable[[], None]) -> None:
        """Do something after a random while."""
        self.at(self.now_s + self.random.uniform(low_s, high_s), do)

    # ------------------------------------------------------------------------------------------ the round

    def run(self) -> None:
        """Let it blow, heal everything, and wait until all is at rest; then nothing runs any more."""
        self._begun_s = CLOCK.mono_s()
        try:
            self.broker.start()
            self._wait(self._broker_answers, 60, "the broker does not start")
            self.pager, self.mqtt, self.http = Pager(), MqttFeed(), HttpFeed()
            self.outside = [self.pager, self.mqtt, self.http]
            self.hub.start()
            for node in self.nodes.values():
                node.start()
            self._wait(self._ready, 180, lambda: f"the site does not come up: {self._restless()}")
            self._begun_s = CLOCK.mono_s()
            self._draw()
            self._blow()
            self.heal()
            self.rest()
        finally:
            self.close()

    def _draw(self) -> None:
        """Draw what happens when, all from the seed."""
        draw = self.random
        self._last_s = self.length_s
        for low_s, high_s, do in (
            (0.05, 0.9, self.life.hand),
            (0.2, 1.2, self.life.feed),
            (1.0, 4.0, self.life.claim),
        ):
            self._live(do, low_s, high_s)
        for _ in range(self.faults):
            self.at(draw.uniform(0.5, self.length_s), self.deaths.draw())
        for _ in range(2):
            self.at(draw.uniform(1.0, self.length_s / 2), self.deaths.back_up)

    def _blow(self) -> None:
        while self._plan:
            self._look_after()
            at_s = self._plan[0][0]
            if self.now_s < at_s:
                self.pause.wait(min(0.02, at_s - self.now_s))
                continue
            _, _, do = heapq.heappop(self._plan)
            do()

    def _look_after(self) -> None:
        """Start again what is due, and notice what ended by itself."""
        for name, part in self.parts.items():
            ended = part.process is not None and not part.runs
            if ended:
                code = part.reap()
                self._ended(name, code)
            due_s = self.starting.get(name)
            if due_s is not None and self.now_s >= due_s:
                del self.starting[name]
                self.note(f"start {name}")
                part.start()
        for name, since_s in tuple(self.terms.items()):
            if self.now_s - since_s > LONGEST_TERM_S and name not in self.hung and not self.full[name]:
                self.wrongs.append(f"{name} did not end within {LONGEST_TERM_S} s of a SIGTERM at {since_s:.1f}")
                del self.terms[name]
                self.parts[name].kill()
                self.again(name)

    def _ended(self, name: str, code: int | None) -> None:
        if name in self.nodes:
            self.ends.append((CLOCK.now_ms(), name))
        asked_s = self.terms.pop(name, None)
        if asked_s is not None:
            if name == "hub" and not self.full[name]:
                self.longest_term_s = max(self.longest_term_s, self.now_s - asked_s)
            self.note(f"{name} has ended with {code}")
            if code != 0 and not self.full[name]:
                self.wrongs.append(f"{name} ended with {code} after a SIGTERM")
        else:
            self.note(f"{name} ended by itself with {code}")
            self.counts[f"{name} ended by itself"] += 1
            if not self.full[name]:
                self.wrongs.append(f"{name} ended by itself with {code}")
        self.again(name, 1.0)

    def kill(self, name: str, why: str = "") -> bool:
        """Kill it, and let somebody's watchdog start it again; whether it ran."""
        part = self.parts[name]
        if not part.runs:
            return False
        part.kill()
        if name in self.nodes:
            self.ends.append((CLOCK.now_ms(), name))
        self.hung.discard(name)
        self.terms.pop(name, None)
        self.note(f"kill -9 {name} {why}")
        self.counts[f"kill {'node' if name in self.nodes else name}"] += 1
        self.again(name)
        return True

    def again(self, name: str, soonest_s: float = 0.0) -> None:
        """Somebody's watchdog starts it again."""
        self.starting[name] = self.now_s + soonest_s + self.random.uniform(0.0, 1.5) ** 2

    # ------------------------------------------------------------------------------------------ rest

    def heal(self) -> None:
        """Everything that can be mended is, and everything runs."""
        self.note("healed")
        self.network.mend()
        for name, disk in self.disks.items():
            if disk.mounted:
                disk.remount("rw")
            disk.free()
            self.full[name] += 1  # what ends for it now may
        for part in self.parts.values():
            part.send(signal.SIGCONT)
            if not part.runs and part.name not in self.starting:
                self.again(part.name)

    def rest(self) -> None:
        """Wait until nothing is on its way any more and nothing is open."""
        self._wait(self._at_rest, DRAIN_S, lambda: f"the site does not come to rest: {self._restless()}")
        self.note("at rest")

    def _ready(self) -> bool:
        self._look_after()
        ready = self.hub.get("/readyz") is not None
        return ready and all(self._node_rests(node) for node in self.nodes.values())

    def _node_rests(self, node: NodePart) -> bool:
        said = node.status()
        return (
            said is not None and said["depth"] == 0 and bool(said["online"]) and said["idle"] and bool(said["devices"])
        )

    def _at_rest(self) -> bool:
        self._look_after()
        return not self._restless()

    def _restless(self) -> list[str]:
        """Say who is not at rest."""
        wrong = [name for name, part in self.parts.items() if not part.runs]
        wrong += ["hub not ready"] if self.hub.get("/readyz") is None else []
        wrong += [f"{name}: {node.status()}" for name, node in self.nodes.items() if not self._node_rests(node)]
        wrong += [f"{feed.waiting} of a feed" for feed in (self.mqtt, self.http) if feed.waiting]
        if not wrong:
            try:
                with closing(sqlite3.connect(f"file:{self.hub.data}/andgate.db?mode=ro", uri=True)) as db:
                    for what, query in (
                        ("open moments", "select count(*) from moment where state = 'open' and not withdrawn"),
                        ("queued pages", "select count(*) from page where state = 'queued'"),
                    ):
                        count = db.execute(query).fetchone()[0]
                        wrong += [f"{count} {what}"] if count else []
            except sqlite3.Error as error:
                wrong.append(str(error))
        return wrong

    def _broker_answers(self) -> bool:
        return "running" in self.broker.log.read_text() if self.broker.log.exists() else False

    def _wait(self, what: Callable[[], bool], most_s: float, why: str | Callable[[], str]) -> None:
        until_s = CLOCK.mono_s() + most_s
        while not what():
            if CLOCK.mono_s() > until_s:
                raise StuckError(why if isinstance(why, str) else why())
            self.pause.wait(0.2)

    def close(self) -> None:
        """End everything: the hub cleanly, so that its files are whole; the others anyhow."""
        self.network.mend()  # also for the next round
        for client in self.outside:
            client.close()
        self.hub.send(signal.SIGCONT)
        self.hub.send(signal.SIGTERM)
        if self.hub.process is not None:
            self.pause.wait(0.1)
            self.hub.reap()
        for part in self.parts.values():
            part.kill()

    def unmount(self) -> None:
        """Let go of the disks; what was on them is gone."""
        for disk in self.disks.values():
            disk.close()

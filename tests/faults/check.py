"""After a storm: was every press that a lamp answered judged, exactly once, and nothing else?

The truth is made of what was noted outside of the hub: the nodes' diaries, the feeds' receipts, the pager's ears. What
the hub says it stored is folded by the obvious fold, which knows nothing of the engine.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from andgate.moment.engine import Engine
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Replanned, Signal
from hub.store.journal import GENESIS, Body, decode_body, encode_body
from tests.faults.pages import PageCheck
from tests.faults.parts import CLOCK, andgate
from tests.faults.result import Result
from tests.faults.site import plan
from tests.faults.storm import Storm
from tests.library.fold import Judged, in_line, judge
from tests.library.watch import judged_of

TIME_EARLY_MS = 60
TIME_LATE_MS = 60_000
"""Where the hub does not know how wrong a time may be: as late as the longest way to it, never earlier than it was."""
TIME_SLACK_MS = 20
"""What the harness itself may be wrong by, on a busy machine."""
SHOWN = 12
"""Differences of one kind that are told in full."""


@dataclass
class Kept:
    """A signal that a node's spool has numbered."""

    node: str
    numbering: str
    seq: int
    said: dict[str, Any]
    answered: bool = False

    @property
    def id(self) -> str:
        return f"n/{self.node}/{self.numbering}/{self.seq}"

    @property
    def boot(self) -> str:
        return self.numbering.split(".")[0]

    @property
    def loose(self) -> bool:
        """Numbered while the disk was full: in memory only."""
        return self.numbering.count(".") > 1


class Check:
    """Looks at what a storm left."""

    def __init__(self, storm: Storm) -> None:
        self.storm = storm
        self.result = Result(wrongs=list(storm.wrongs))
        self.db = sqlite3.connect(f"file:{storm.hub.data}/andgate.db?mode=ro", uri=True)
        self.kept: dict[str, Kept] = {}
        self.driven: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.bodies: list[Body] = []
        self.begun_ms = _begun_ms()
        """The world's time when our monotonic clock began."""

    def run(self) -> Result:
        """Check everything."""
        with closing(self.db):
            self._diaries()
            self._journal()
            self._promised()
            self._invented()
            self._folded()
            PageCheck(self.storm, self.result, self.db, self.bodies).run()
        for command in ("verify", "replay"):  # the product's own word on it, beside ours
            done = andgate(command, "--data", str(self.storm.hub.data))
            if done.returncode != 0:
                self.result.wrong(
                    f"andgate {command} says {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
                )
        return self.result

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.db.execute(query, values).fetchall()

    # ------------------------------------------------------------------------------------------ what was noted

    def _diaries(self) -> None:
        for name, node in self.storm.nodes.items():
            for line in _lines(node.diary):
                if line["what"] == "driven":
                    self.driven[name, line["boot"]].append(line)
                elif line["what"] == "kept":
                    one = Kept(name, line["numbering"], line["seq"], line)
                    if one.id in self.kept:
                        self.result.wrong(f"the spool of {name} numbered two signals alike: {one.id}")
                    self.kept[one.id] = one
                else:
                    self.kept[f"n/{name}/{line['numbering']}/{line['seq']}"].answered = True
        figures = self.result.figures
        figures["signals kept by nodes"] = len(self.kept)
        figures["presses answered by a lamp"] = sum(one.answered for one in self.kept.values())

    def _journal(self) -> None:
        """Check the chain, and judge the journal again: byte by byte the same."""
        prev, last = GENESIS, 0
        engine: Engine | None = None
        for n, now_ms, body, said_prev, said_hash in self._rows(
            "select n, now_ms, body, prev, hash from entry order by n"
        ):
            hashed = sha256(prev + body).digest()
            if n != last + 1 or said_prev != prev or said_hash != hashed:
                self.result.wrong(f"the chain is broken at entry {n}")
            prev, last = hashed, n
            entry = decode_body(body)
            self.bodies.append(entry)
            if engine is None:
                engine = Engine(plan())
            step = engine.receive(entry.in_, entry.now, more=entry.more) if entry.in_ else engine.advance(entry.now)
            again = encode_body(
                Body(n=n, now=now_ms, in_=entry.in_, events=step.events, moments=step.published, more=entry.more)
            )
            if again != body:
                self.result.wrong(
                    f"entry {n} is judged otherwise by a replay:\n   {body.decode()}\n   {again.decode()}"
                )
                return
        self.result.figures["journal entries"] = last

    # ------------------------------------------------------------------------------------------ promises

    def _promised(self) -> None:
        """Everything that was answered, receipted or accepted is in the hub."""
        stored = {row[0]: row for row in self._rows("select id, state, at_ms, within_ms from signal")}
        inputs = Counter(item.id for body in self.bodies for item in body.in_ if isinstance(item, Signal))
        for id, count in inputs.items():
            if count > 1:
                self.result.wrong(f"{id} was judged {count} times")
        for id, row in stored.items():
            if row[1] == 0 and not inputs[id]:
                self.result.wrong(f"{id} is stored as judged, and the journal does not have it")
        self.result.figures["signals stored"] = len(stored)
        for one in self.kept.values():
            self._is_there(one, stored.get(one.id))
        self._accepted(stored)

    def _is_there(self, one: Kept, row: tuple[Any, ...] | None) -> None:
        """What a spool has numbered is there, and at its time."""
        if row is None and self._excused(one):
            self.result.figures["lost with a wiped spool or a full disk, not receipted"] += 1
        elif row is None:
            answered = "a press that the lamp answered" if one.answered else "a signal"
            self.result.wrong(f"lost: {answered}: {one.id} {one.said}")
        elif row[1] == 1:
            self.result.figures["untimed"] += 1
            if one.boot not in self.storm.nodes[one.node].unsynced_boots:
                self.result.wrong(f"untimed, and its node knew the time: {one.id} {one.said}")
        else:
            self._timed(one, row[2], row[3])

    def _accepted(self, stored: dict[str, Any]) -> None:
        """What was accepted from feeds is there."""
        for feed in (self.storm.http, self.storm.mqtt):
            for id, said in feed.said.items():
                if said.refused is not None:
                    self.result.wrong(f"a feed's signal was refused: {said.body} {said.refused}")
                elif said.at_ms is None or f"f/{id}" in stored:
                    self.result.figures["signals accepted from feeds"] += said.at_ms is not None
                elif not self._rolled_back(said.at_ms):
                    self.result.wrong(f"lost: {said.over} accepted {said.body}")

    def _excused(self, one: Kept) -> bool:
        """Whether it may be lost: its spool was wiped, or held it in memory, before a receipt that holds."""
        receipted_ms = self.storm.pager.receipted(one.numbering, one.seq)
        safe = receipted_ms is not None and not self._rolled_back(receipted_ms)
        if safe:
            return False
        made_ms = self._true_ms(one)
        if any(node == one.node and at_ms >= made_ms - 1000 for at_ms, node in self.storm.wipes):
            return True
        return one.loose and any(node == one.node and at_ms >= made_ms - 1000 for at_ms, node in self.storm.ends)

    def _rolled_back(self, at_ms: int) -> bool:
        """Whether the hub was later put back to how it was before."""
        return any(when_ms >= at_ms - 2000 and of_ms <= at_ms + 2000 for when_ms, of_ms in self.storm.restores)

    def _true_ms(self, one: Kept) -> float:
        return self._world_ms(one.node, one.boot, one.said["mono"])

    def _world_ms(self, node: str, boot: str, mono_s: float) -> float:
        base_s, drift = self.storm.nodes[node].boots[boot]
        return self.begun_ms + (mono_s / (1 + drift * 1e-6) + base_s) * 1000

    def _timed(self, one: Kept, at_ms: int, within_ms: int | None) -> None:
        """Compare with the world's time: the error is no greater than the hub itself says it may be (11)."""
        error_ms = at_ms - self._true_ms(one)
        self.result.worst_time_ms = max(self.result.worst_time_ms, abs(error_ms))
        self.result.figures["signals timed wrong by more than 50 ms"] += abs(error_ms) > 50
        if within_ms is None:
            self.result.figures["signals of uncertain time"] += 1
        late_ms = TIME_LATE_MS if within_ms is None else within_ms
        early_ms = TIME_EARLY_MS if within_ms is None else within_ms
        if error_ms < -early_ms - TIME_SLACK_MS or error_ms > late_ms + TIME_SLACK_MS:
            said = f"(the hub says: within {within_ms} ms)"
            self.result.wrong(f"on the site's timeline wrong by {error_ms:.0f} ms {said}: {one.id} {one.said}")

    # ------------------------------------------------------------------------------------------ inventions

    def _invented(self) -> None:
        """Nothing is in the hub that nobody did: each button's signal has one movement of a pin, and only one."""
        accepted = self.storm.http.said.keys() | self.storm.mqtt.said.keys()
        used: set[tuple[str, str, float, str]] = set()
        for id, mono_ms in self._rows("select id, mono_ms from signal order by id"):
            if id.startswith("h/"):
                continue
            if id.startswith("f/"):
                if id[2:] not in accepted:
                    self.result.wrong(f"invented: {id}")
                continue
            _, node, numbering, _ = id.split("/")
            one = self.kept.get(id)
            if one is not None and (one.said.get("found") or one.said["signal"] in ("gap", "reached", "cleared")):
                continue
            boot = numbering.split(".")[0]
            at_s = mono_ms / 1000
            signal = one.said["signal"] if one is not None else "?"
            early_s = 0.75 if signal in ("reset", "?") else 0.1  # a hold is reported when it has lasted
            near = [
                line
                for line in self.driven[node, boot]
                if -0.002 <= at_s - line["mono"] <= early_s and (node, boot, line["mono"], signal) not in used
            ]
            if near:
                used.add((node, boot, min(line["mono"] for line in near), signal))
            elif node != "mark-a":
                self.result.wrong(f"invented: {id} at {at_s}, where nobody moved a pin; {one}")

    # ------------------------------------------------------------------------------------------ verdicts

    def _folded(self) -> None:
        """The obvious fold over all that is stored says the same moments."""
        times = dict(self._rows("select id, at_ms from signal where state = 0"))
        moments = [msgspec.json.decode(row[0], type=Moment) for row in self._rows("select body from moment")]
        known = {moment.id: moment for moment in moments}
        signals, actions, plans = [], [], []
        for body in self.bodies:
            for item in body.in_:
                if isinstance(item, Signal):
                    signals.append(replace(item, at_ms=times.get(item.id, item.at_ms)))
                elif isinstance(item, Action):
                    actions.append(replace(item, moment=_anchor(known, item.moment)))
                elif isinstance(item, Replanned):
                    plans.append(item)
        expected = judge(signals, actions, plan(), CLOCK.now_ms(), replanned=plans[1:])
        living = [moment for moment in moments if not moment.withdrawn]
        found = in_line(judged_of(moment) for moment in living)
        figures = self.result.figures
        figures["moments judged"] = len(living)
        figures["moments revised"] = sum(moment.revision > 0 for moment in living)
        figures["moments withdrawn"] = len(moments) - len(living)
        figures["claims"] = sum(action.do == "claim" for action in actions)
        figures["failures"] = sum(moment.verdict == "failure" for moment in living)
        if len({moment.anchor for moment in living}) != len(living):
            self.result.wrong("two moments have one first signal")
        if found != expected:
            self._tell_difference(expected, found)

    def _tell_difference(self, expected: list[Judged], found: list[Judged]) -> None:
        missing = [one for one in expected if one not in found]
        surplus = [one for one in found if one not in expected]
        for one in missing[:SHOWN]:
            twin = next(
                (each for each in surplus if (each.expectation, each.opened_ms) == (one.expectation, one.opened_ms)),
                None,
            )
            if twin is None:
                self.result.wrong(f"the hub does not have this moment: {one}")
            else:
                names = [name for name in one.__dataclass_fields__ if getattr(one, name) != getattr(twin, name)]
                told = ", ".join(f"{name}: fold {getattr(one, name)!r}, hub {getattr(twin, name)!r}" for name in names)
                self.result.wrong(f"a moment of {one.expectation} opened at {one.opened_ms} differs: {told}")
                surplus.remove(twin)
        for one in surplus[:SHOWN]:
            self.result.wrong(f"the fold does not have this moment of the hub's: {one}")


def _begun_ms() -> float:
    """Read two clocks at one instant: of many tries the one in which least came between."""
    tries = []
    for _ in range(50):
        before_s, now_ms, after_s = CLOCK.mono_s(), CLOCK.now_ms(), CLOCK.mono_s()
        tries.append((after_s - before_s, now_ms - before_s * 1000))
    return min(tries)[1]


def _anchor(known: dict[str, Moment], id: str) -> str:
    """Return the first signal of the moment that a person meant: of the one that took it in, if one did (9)."""
    moment = known[id]
    while moment.withdrawn and moment.withdrawn_into is not None:
        moment = known[moment.withdrawn_into]
    return moment.anchor


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)

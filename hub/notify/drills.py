"""Drills: every channel of the coming shift is proven to its end, by hand or each night, mostly without a sound.

A drill is no page. It sends a note of its own kind over each channel and waits until the far end has answered: a pager
with `seen`, a phone's service worker with its slip, a web hook with 2xx, an SNPP gateway with the acceptance of the
pager, a node with its health. What cannot be proven without disturbing somebody is left out of a silent drill, and
says so.

Where no shift is planned the groups' own channels are the channels of the coming shift.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import timedelta
from typing import Protocol

from msgspec.structs import replace

from andgate.errors import RefusedError
from andgate.plan import Channel as PlanChannel
from andgate.plan import Plan
from andgate.plan.addresses import is_pager, kind_of
from andgate.shifts import instant, local_date
from andgate.wire.messages import Command, Page
from hub.clock import HubClock
from hub.driver import Committed
from hub.driver.intake import Drilled
from hub.notify.channels import Note, Result
from hub.quiet import View
from hub.store.drills import Drill, Part

DRILL = "drill"
NIGHT = "night"
"""Who asked for the drill of the plan."""
WAIT_S = 20.0
"""Real seconds that a far end has to answer: a phone asleep in a pocket takes ten."""
SILENT = frozenset({"mqtt", "webpush", "webhook+https", "webhook+http", "snpp"})
"""Channels that can be proven without a sound; all others say something to somebody, or cannot tell."""
RANK = 3


class Judges(Protocol):
    """What is needed of the driver."""

    @property
    def plan(self) -> Plan:
        """The plan in force."""

    @property
    def quiet(self) -> View:
        """What is quiet now."""

    def command(self, node: str, command: Command) -> Future[None]:
        """Tell a node something."""

    def drilled(self, drilled: Drilled) -> None:
        """Put what is known of a drill on record."""


class Sends(Protocol):
    """What is needed of the notify worker."""

    def drill(self, entry: PlanChannel, note: Note, begins: Callable[[], bool], done: Callable[[Result], None]) -> None:
        """Send a note over a channel, if `begins` still says so when its turn has come."""


class Crews(Protocol):
    """Who stands on the shift that is on, or the next one."""

    def coming(self, plan: Plan, group: str, now_ms: int) -> Iterable[str]:
        """Return the channels of people, by name: all that can work, of all who stand there."""

    def entry(self, channel: str) -> PlanChannel | None:
        """Return a person's channel with its address as of now."""

    def audience(self, channel: str) -> str | None:
        """Return whom a note over a person's channel is for."""


class Drills:
    """Runs drills; from any thread, with one of its own for the time."""

    def __init__(
        self,
        driver: Judges,
        clock: HubClock,
        sends: Sends,
        crews: Crews | None = None,
        nodes: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Prepare; `start` begins to watch the time.

        Args:
            driver: keeps what comes out.
            clock: site time.
            sends: owns the channels.
            crews: who is on; None: nobody is planned by name.
            nodes: the nodes that are there now.
        """
        self._driver = driver
        self._clock = clock
        self._sends = sends
        self._crews = crews
        self._nodes = nodes
        self._lock = threading.Condition()
        self._running: dict[int, _Running] = {}
        self._last = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="drills", daemon=True)
        clock.subscribe(self._wake)

    # ---------------------------------------------------------------------------------------------- asking

    def start(self) -> None:
        """Begin to watch the time."""
        self._thread.start()

    def stop(self) -> None:
        """End; a drill that runs stays on record as it is."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def begin(self, by: str, *, group: str | None = None, loud: bool = False) -> Drill:
        """Begin a drill and return it as it begins.

        Args:
            by: whoever asks for it.
            group: the only one; None: all of them, and every node.
            loud: whether it may sound and send messages to people.

        Raises:
            RefusedError: there is no such group, one runs already, or nothing can be drilled; or it is to be loud, and
                a fire alarm is on somewhere.
        """
        plan, now_ms = self._driver.plan, self._clock.now_ms()
        if loud and self._driver.quiet.suspensions:
            raise RefusedError("a fire alarm is on: nothing may sound. Drill silently, or loud when it is over")
        if group is not None and group not in plan.groups:
            raise RefusedError(f'the plan has no group "{group}". Name one of: {", ".join(plan.groups)}')
        parts, entries = self._parts(plan, group, now_ms, loud=loud)
        with self._lock:
            if self._running:
                raise RefusedError("a drill is running. Wait until it has ended, at most half a minute")
            if not parts:
                raise RefusedError("there is nothing to drill: no channel is in the plan, and nobody is on a shift")
            self._last = max(now_ms, self._last + 1)
            drill = Drill(id=self._last, by=by, group=group or "", loud=loud, parts=tuple(parts))
            running = self._running[drill.id] = _Running(drill, self._clock.mono_s() + WAIT_S)
            self._lock.notify_all()
        self._driver.drilled(Drilled(drill, {}, frozenset()))
        for part in parts:
            if part.state == "waiting":
                self._prove(running, part, entries.get(part.n), plan, loud=loud)
        self._look(drill.id)
        return drill

    def ask(self, channel: str, page: str) -> None:
        """Ask the pager behind a person's channel whether it has a page that was just sent to try it.

        Only one on the site's own broker, which answers a drill by itself and without a sound; others have receipts of
        their own, or none.

        Args:
            channel: somebody's, by name.
            page: the page's id; what comes back is that page's receipt, and on no drill's record.
        """
        entry = self._crews.entry(channel) if self._crews is not None else None
        if self._crews is None or entry is None or not is_pager(entry.url):
            return
        note = _note(self._crews.audience(channel) or "", f"{DRILL}:{page}", self._driver.plan, self._clock.now_ms())
        self._sends.drill(entry, note, lambda: True, lambda _: None)

    def running(self, id: int) -> Drill | None:
        """Return a drill that has not ended as it stands."""
        with self._lock:
            found = self._running.get(id)
            return None if found is None else found.drill

    def _parts(
        self, plan: Plan, group: str | None, now_ms: int, *, loud: bool
    ) -> tuple[list[Part], dict[int, PlanChannel]]:
        """Return what is to be proven, and over which address."""
        parts: list[Part] = []
        entries: dict[int, PlanChannel] = {}

        def add(part: Part, entry: PlanChannel) -> None:
            quiet = not loud and kind_of(entry.url) not in SILENT
            note = "cannot be proven without a message: drill it loud" if quiet else ""
            entries[part.n] = entry
            parts.append(replace(part, state="skipped" if quiet else "waiting", note=note))

        for each in plan.groups.values():
            if group is not None and each.id != group:
                continue
            for name in each.channels:
                add(Part(n=len(parts), kind="channel", name=name, group=each.id), plan.channels[name])
            for name in self._crews.coming(plan, each.id, now_ms) if self._crews is not None else ():
                entry = self._crews.entry(name) if self._crews is not None else None
                if entry is not None and all(part.name != name for part in parts):
                    person = name.partition("/")[0]
                    add(Part(n=len(parts), kind="person", name=name, group=each.id, person=person), entry)
        if group is None:
            here = frozenset(self._nodes())
            parts += [
                Part(n=n, kind="node", name=node, group="")
                for n, node in enumerate((node for node in plan.nodes if node in here), len(parts))
            ]
        return parts, entries

    def _prove(self, running: _Running, part: Part, entry: PlanChannel | None, plan: Plan, *, loud: bool) -> None:
        id, now_ms = running.drill.id, self._clock.now_ms()
        if part.kind == "node":
            if self._begins(id, part.n):
                self._driver.command(part.name, Command(do="drill", drill=f"{DRILL}:{id}:{part.n}", loud=loud))
            return
        assert entry is not None  # noqa: S101 - every channel has one
        audience = self._crews.audience(part.name) if part.kind == "person" and self._crews is not None else None
        note = _note(audience or part.group, f"{DRILL}:{id}:{part.n}", plan, now_ms)
        note = replace(note, receipt=f"{DRILL}/{id}/{part.n}", loud=loud)
        self._sends.drill(entry, note, lambda: self._begins(id, part.n), lambda result: self._sent(id, part.n, result))

    # ---------------------------------------------------------------------------------------------- answers

    def _begins(self, id: int, n: int) -> bool:
        """Say whether a far end is to be asked now, noting when: before that it cannot answer, and is not to blame."""
        with self._lock:
            running = self._running.get(id)
            part = running.part(n) if running is not None else None
            if running is None or part is None:
                return False  # the drill has ended
            alarm = running.drill.loud and bool(self._driver.quiet.suspensions)
            if alarm:
                running.put(replace(part, state="skipped", note="not tried: a fire alarm has begun"))
            else:
                running.put(replace(part, sent_ms=self._clock.now_ms()))
        if alarm:
            self._look(id)
        return not alarm

    def _sent(self, id: int, n: int, result: Result) -> None:
        """Take what a channel says of its own sending."""
        with self._lock:
            running = self._running.get(id)
            if running is not None and (part := running.part(n)) is not None and part.state == "waiting":
                if result.skipped:
                    running.put(replace(part, state="skipped", note=result.note))
                elif not result.sent:
                    running.put(replace(part, state="failed", note=result.note))
                elif result.proven:
                    running.put(replace(part, state="proven", proven_ms=self._clock.now_ms(), note=result.note))
        self._look(id)

    def proven(self, about: str) -> None:
        """Take a far end's answer: ``drill/ID/N`` of a slip, ``drill:ID:N`` of a pager or node."""
        _, id, n = [*about.replace("/", ":").split(":"), "", ""][:3]
        if not (id.isdecimal() and n.isdecimal()):
            return
        with self._lock:
            running = self._running.get(int(id))
            part = running.part(int(n)) if running is not None else None
            if running is not None and part is not None and part.state == "waiting":
                running.put(replace(part, state="proven", proven_ms=self._clock.now_ms()))
        self._look(int(id))

    def committed(self, out: Committed) -> None:
        """Take the answers that came in with a commit; the driver's listener."""
        for about in out.drilled:
            self.proven(about)

    def _look(self, id: int) -> None:
        """End a drill when everything has answered, or had the time to."""
        with self._lock:
            running = self._running.get(id)
            if running is None:
                return
            late = self._clock.mono_s() >= running.until_s
            if not late and any(part.state == "waiting" for part in running.drill.parts):
                return
            del self._running[id]
            drill = running.ended(self._clock.now_ms())
            self._lock.notify_all()
        self._driver.drilled(Drilled(drill, *verdict(drill, self._driver.plan)))

    # ---------------------------------------------------------------------------------------------- the time

    def _wake(self) -> None:
        with self._lock:
            self._lock.notify_all()

    def _run(self) -> None:
        after_ms = self._clock.now_ms()
        while not self._stops():
            now_ms = self._clock.now_ms()
            due_ms = next_drill(self._driver.plan, after_ms)
            if due_ms is not None and due_ms <= now_ms:
                after_ms = now_ms
                self._by_night()
                continue
            with self._lock:
                late = [id for id, each in self._running.items() if each.until_s <= self._clock.mono_s()]
                if not late and not self._stopping:
                    self._lock.wait(self._wait_s(due_ms, now_ms))
            for id in late:
                self._look(id)

    def _stops(self) -> bool:
        with self._lock:
            return self._stopping

    def _by_night(self) -> None:
        try:
            self.begin(NIGHT)
        except RefusedError:
            return  # one runs, or there is nothing to prove: the next night comes

    def _wait_s(self, due_ms: int | None, now_ms: int) -> float:
        """Return for how many real seconds nothing is to be done; a changed plan is seen within the minute."""
        waits = [60.0]
        if due_ms is not None:
            waits.append(max(0.0, self._clock.real_s((due_ms - now_ms) / 1000)))
        waits += [max(0.0, each.until_s - self._clock.mono_s()) for each in self._running.values()]
        return min(waits)


class _Running:
    """A drill that has not ended."""

    def __init__(self, drill: Drill, until_s: float) -> None:
        self.drill = drill
        self.until_s = until_s

    def part(self, n: int) -> Part | None:
        return self.drill.parts[n] if n < len(self.drill.parts) else None

    def put(self, part: Part) -> None:
        parts = list(self.drill.parts)
        parts[part.n] = part
        self.drill = replace(self.drill, parts=tuple(parts))

    def ended(self, now_ms: int) -> Drill:
        for part in self.drill.parts:
            if part.state == "waiting" and part.sent_ms is None:
                self.put(replace(part, state="skipped", note="not tried: there were pages to send all the time"))
            elif part.state == "waiting":
                self.put(replace(part, state="failed", note=f"no answer within {WAIT_S:g} s"))
        return replace(self.drill, ended_ms=now_ms)


def _note(group: str, id: str, plan: Plan, now_ms: int) -> Note:
    """Return what a drill tells a far end, without a sound."""
    text = f"This is only a drill: {plan.site.name} can reach you here. Nothing to do."
    page = Page(id=id, kind="drill", moment=None, text=text, reason="a drill", left_s=0.0)
    return Note(group=group, title="Drill", decided_ms=now_ms, rank=RANK, loud=False, page=page)


def verdict(drill: Drill, plan: Plan) -> tuple[dict[tuple[str, str, str], str], frozenset[tuple[str, str, str]]]:
    """Return what is dead (fault -> what was found), and all that the drill has looked at.

    People are told of together, by group: a technician mends a way, and nobody keeps a list of whose phone was off.
    Nodes are watched all the time anyway.
    """
    checked: dict[tuple[str, str, str], list[Part]] = {}
    for part in drill.parts:
        if part.kind != "node" and part.state in {"proven", "failed"}:
            node = f"channel/{part.name}" if part.kind == "channel" else f"group/{part.group}"
            checked.setdefault((node, "", "unproven"), []).append(part)
    found: dict[tuple[str, str, str], str] = {}
    for key, parts in checked.items():
        failed = [part for part in parts if part.state == "failed"]
        if not failed:
            continue
        if failed[0].kind == "channel":
            found[key] = f"{failed[0].note} ({_groups(failed, plan)})"
        else:
            found[key] = f"{len(failed)} of {len(parts)} ways of its people; see the drills page"
    return found, frozenset(checked)


def _groups(parts: Iterable[Part], plan: Plan) -> str:
    named: Mapping[str, str] = {group.id: group.name for group in plan.groups.values()}
    return ", ".join(named.get(part.group, part.group) for part in parts)


def next_drill(plan: Plan, after_ms: int) -> int | None:
    """Return when the plan's nightly drill is due next, after a time; None: it wants none.

    Where the clocks go forward over it that night, it is when they have; where they go back, the first of the two.
    """
    if plan.site.drill_min is None:
        return None
    zone, minute = plan.site.timezone, plan.site.drill_min
    days = (local_date(zone, after_ms) + timedelta(days=day) for day in range(3))
    due = (instant(zone, day.isoformat(), minute) for day in days)
    return next((at_ms for at_ms in due if at_ms > after_ms), None)

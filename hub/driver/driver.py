"""The driver: the thread that judges. One queue in, one commit a batch.

Everything that changes anything joins the queue: what MQTT delivered, what was posted, what a person did, a new plan,
what became of a page. The thread takes all that has arrived, judges it message by message, commits once, and only then
tells the listeners (who send the pages first), acknowledges and answers. It never waits for more to come. Between
batches it sleeps until the engine's next deadline; waking late changes nothing but the pages.

A commit that the disk refuses is tried again until it takes it; meanwhile nothing is acknowledged, so nothing is lost.
One that can never be taken, by a fault of our own, ends the driver: what was not acknowledged comes after a start.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from andgate.errors import PlanError, UsageError
from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import Plan, parse_plan
from andgate.wire.messages import Command, FeedSignal, TimeReply
from hub.clock import HubClock
from hub.driver.auditor import Audit
from hub.driver.batch import Batch, Committed
from hub.driver.intake import (
    Accepted,
    Acted,
    Ask,
    Asked,
    Commanded,
    Delivered,
    Drilled,
    Held,
    Posted,
    Replaced,
    Tapped,
    Tried,
)
from hub.driver.judge import Judge
from hub.driver.keeper import Keeper
from hub.driver.site import another_site
from hub.driver.timekeeper import Timekeeper
from hub.driver.turns import Turns
from hub.quiet import NOTHING, View
from hub.store import ChainHead, PageFate, PageRow, People, Store, StoreError
from hub.store.pages import Receipt
from hub.store.store import NEVER

_log = logging.getLogger(__name__)

IDLE_S = 5.0
"""Real seconds between looks at the house while nothing happens."""
AUDITED_S = 60.0
"""A driver that has not looked at every threat for so many real seconds hangs."""
FAILURES_MOST = 50
"""So often in one batch what cannot be digested is halved, to judge its good members; the rest is sent again."""
RETRY_S = 0.5
"""Real seconds before a refused commit is tried again."""


class Driver:
    """Runs the judge; everybody else asks it through its queue."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        clock: HubClock,
        *,
        plan_source: str = "",
        listen_only: bool = False,
        acknowledge: Callable[[Sequence[int]], None] | None = None,
        reply: Callable[[str, TimeReply], None] | None = None,
    ) -> None:
        """Restore the engine from `store`; `start` begins to judge.

        Args:
            store: open, and from now on the driver's.
            plan: what the plan file says now; if it is not what was in force, it comes into force at the start.
            clock: site time.
            plan_source: text of the plan file, kept beside the plan.
            listen_only: judge, and page nobody.
            acknowledge: called with the tokens of MQTT messages that are committed.
            reply: called with a node and the answer to its question for the time.
        """
        self.listeners: list[Callable[[Committed], None]] = []
        """Called in the driver's thread after each commit, in this order; none may wait for anything."""
        self._store = store
        self._clock = clock
        self._acknowledge = acknowledge
        self._judge = judge = Judge(store, plan, clock, plan_source=plan_source, listen_only=listen_only, reply=reply)
        self.replayed = judge.replayed
        self._keeper = Keeper(store, clock, snapshot=judge.snapshot)
        self._turns = Turns()
        self._stopping = False
        self._open: dict[str, Moment] = {
            moment.id: judge.persons.moment(moment) for moment in judge.engine.open_moments()
        }
        self._chain = store.head
        self._lessons: dict[str, tuple[int, int]] = dict(judge.engine.lessons.counts)
        self._learned = judge.engine.lessons.version
        self.quiet: View = NOTHING
        """What is quiet, as of the last commit."""
        self._plan = judge.engine.plan
        self._thread = threading.Thread(target=self._run, name="driver", daemon=True)
        self._ready: Future[None] = Future()
        self.fault: str | None = None
        """What keeps it from committing, in words; None while all is well."""
        self.broken = False
        """Whether it ended without having been told to."""
        self.broke: Callable[[], None] | None = None
        """Called in the driver's thread when that happens; `fault` says why."""
        clock.subscribe(self.wake)

    # ---------------------------------------------------------------------------------------------- from any thread

    @property
    def plan(self) -> Plan:
        """The plan in force as of the last commit."""
        return self._plan

    @property
    def plan_version(self) -> str:
        """The version of the plan in force."""
        return self._plan.version

    @property
    def chain(self) -> ChainHead:
        """The head of the journal as of the last commit."""
        return self._chain

    @property
    def session(self) -> int:
        """How many times a hub has started on this data."""
        return self._store.session

    @property
    def epoch(self) -> str:
        """Names this data: another one makes nodes send again what they keep."""
        return self._store.epoch

    @property
    def people(self) -> People:
        """Who stands on which shift, and how they are reached; from any thread."""
        return self._judge.people

    @property
    def timekeeper(self) -> Timekeeper:
        """What is known of the machine's clock."""
        return self._judge.timekeeper

    @property
    def audit(self) -> Audit:
        """What the auditor found last."""
        return self._judge.auditor.report

    def hangs(self) -> str | None:
        """Why nobody may rely on its going on, in words: it has looked at no threat for too long, and says not why."""
        audit = self.audit
        late = audit.at_ms is None or (self._clock.mono_s() - audit.mono_s) / self._clock.rate > AUDITED_S
        if not late or self.fault is not None:
            return None
        return "nobody has looked lately whether every threat has a next step"

    def unaudited(self) -> str | None:
        """Why nobody may rely on the auditor now, in words: it finds something, or has not looked for too long."""
        findings = self.audit.findings
        return self.hangs() or (f"{len(findings)} threats have no next step" if findings else None)

    @property
    def busy(self) -> bool:
        """Whether more waits to be judged."""
        return self._turns.busy

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments as of the last commit, nearest deadline first; remedy tasks are apart."""
        return self._in_order(tasks=False)

    def open_tasks(self) -> tuple[Moment, ...]:
        """Return the remedy tasks that nobody has done yet, as of the last commit, nearest deadline first."""
        return self._in_order(tasks=True)

    @property
    def lessons(self) -> Mapping[str, tuple[int, int]]:
        """What was tried first and saved, as of the last commit; see `andgate.moment.lessons`."""
        return self._lessons

    def _in_order(self, *, tasks: bool) -> tuple[Moment, ...]:
        known = list(self._open.values())  # one step of the interpreter: no commit comes between
        found = [moment for moment in known if (moment.remedies is not None) == tasks]
        return tuple(sorted(found, key=lambda moment: (moment.ends_ms, moment.opened_ms, moment.id)))

    @property
    def has_room(self) -> bool:
        """Whether whoever delivers may read on; while not, the broker has to wait."""
        return self._turns.has_room

    def deliver(self, message: Delivered) -> None:
        """Take an MQTT message. It never waits: its caller holds what the listeners need to send (`has_room`)."""
        self._turns.put(message)

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Accepted]:
        """Store and judge posted signals, whole or not at all; done after the commit.

        The future fails with a RefusedError whose `index` names the first wrong member, or a UsageError while the hub
        stops.
        """
        future: Future[Accepted] = Future()
        return self._put(Posted(members, feed, future), future)

    def act(self, action: Action) -> Future[Moment]:
        """Take a person's action; done after the commit with the moment as it is then, or a RefusedError."""
        future: Future[Moment] = Future()
        return self._put(Acted(action, future), future)

    def hush(self, asked: Ask) -> Future[View]:
        """Mute, train, or end that; done after the commit with what is quiet from then on, or a RefusedError.

        `by`, and the owner of a mute, are names; the journal gets their opaque ids.
        """
        future: Future[View] = Future()
        return self._put(Asked(asked, future), future)

    def try_channel(self, person: str, channel: str) -> Future[str]:
        """Send a page that only tries a person's channel; done when it is queued, with the page's id."""
        future: Future[str] = Future()
        return self._put(Tried(person, channel, future), future)

    def tap(self, link: int, actions: Sequence[Action], person: str | None) -> Future[list[Moment]]:
        """Take what somebody did with the link in a page; done after the commit with the moments, or a RefusedError.

        Args:
            link: the delivery it came with.
            actions: one, or one for each moment of a bundle.
            person: whose link it is, by opaque id; None: everybody's who got it.
        """
        future: Future[list[Moment]] = Future()
        return self._put(Tapped(link, tuple(actions), person, future), future)

    def command(self, node: str, command: Command) -> Future[None]:
        """Tell a node something; done when it has been handed on, or a RefusedError where the plan has no such node."""
        future: Future[None] = Future()
        return self._put(Commanded(node, command, future), future)

    def reload(self, plan_text: str) -> Future[str]:
        """Put a changed plan in force; done after the commit with its version.

        Fails with a PlanError while the running plan stays.
        """
        future: Future[str] = Future()
        try:
            plan = parse_plan(plan_text)
        except PlanError as wrong:
            future.set_exception(wrong)
            return future
        strange = another_site(self._plan.site, plan.site, self._clock.now_ms())
        if strange is not None:
            future.set_exception(PlanError([strange]))
            return future
        return self._put(Replaced(plan, plan_text, future), future)

    def fate(self, fate: PageFate) -> None:
        """Record what became of a delivery."""
        self._turns.put(fate)

    def drilled(self, drilled: Drilled) -> None:
        """Put what is known of a drill on record."""
        self._turns.put(drilled)

    def receipt(self, receipt: Receipt) -> None:
        """Record what a receiver said of a delivery."""
        self._turns.put(receipt)

    def hold(self, id: int, moment: str, done: Callable[[], None]) -> None:
        """Put on record that a delivery that surely did not go out may do so from now on; `done` after the commit.

        If the hub stops meanwhile nobody is told, and nothing may be sent.
        """
        self._turns.put(Held(id, moment, done))

    def queued_pages(self) -> tuple[PageRow, ...]:
        """Return the deliveries that a start found unsent; call it before `start`."""
        return tuple(row for row in self._store.pages.queued.values() if not row.told_in)

    def wake(self) -> None:
        """Look at the clock again."""
        self._turns.put(None)

    def _put(self, item: object, future: Future[Any]) -> Future[Any]:
        if self._stopping:
            future.set_exception(UsageError("the hub is stopping"))
        else:
            self._turns.put(item)
        return future

    def start(self) -> None:
        """Begin to judge; returns when everything that fell due while it was down is judged and committed."""
        self._keeper.start()
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Commit what is being judged, keep a snapshot, and close the store."""
        if not self._thread.is_alive():
            self._store.close()
            return
        self._stopping = True
        self._turns.put(None)
        self._thread.join()

    # ---------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        try:
            self._begin()
        except BaseException as wrong:  # noqa: BLE001 - whoever starts the driver gets it
            self._ready.set_exception(UsageError(self.fault) if self.fault is not None else wrong)
            self._keeper.stop()
            self._store.close()
            return
        self._ready.set_result(None)
        try:
            while not self._stopping:
                items = self._turns.take(self._wait_s)
                if items or self._due():
                    self._work(items)
                if self._judge.audit():
                    self.wake()  # somebody must be told
                self._judge.keep_time()
                self._keeper.look(self._judge.engine, busy=self.busy)
        except BaseException as wrong:  # noqa: BLE001 - whoever runs the hub is told, and the next start judges on
            self._break(wrong)
        self._end()
        if self.broken and self.broke is not None:
            self.broke()

    def _break(self, wrong: BaseException) -> None:
        """Take note of what ends the judging: a disk that refuses while the hub is stopped, or a fault of our own."""
        if self._stopping and isinstance(wrong, StoreError):
            _log.error("stopped while the disk refuses the journal; what waited was acknowledged to nobody")
            return
        _log.critical("the hub cannot go on judging", exc_info=wrong)
        self.fault = f"the hub cannot go on judging: {wrong!r}. Start it again; nothing acknowledged is lost"
        self.broken = self._stopping = True

    def _begin(self) -> None:
        self._finish(self._judge.begin())

    def _end(self) -> None:
        for item in self._turns.rest():
            future = getattr(item, "future", None)
            if future is not None:
                future.set_exception(UsageError("the hub is stopping"))
            elif isinstance(item, PageFate):
                self._judge.paging.fate(item, self._plan, self._clock.now_ms())
            elif isinstance(item, Receipt):
                self._judge.paging.received(item)
        try:
            if self.fault is None:  # what could not be committed or judged is not tried again
                self._judge.write(self._clock.now_ms())
                self._keeper.snapshot(self._judge.engine)
        except (StoreError, OSError) as wrong:
            _log.error("the last commit before the end failed (%s); nothing acknowledged is lost", wrong)
        self._keeper.stop()
        self._judge.people.close()
        self._store.close()

    def _wait_s(self) -> float:
        """Return for how many real seconds nothing is to be done by itself."""
        wait_s = min(IDLE_S, self._judge.auditor.wait_s())
        deadline = self._judge.soon_ms()
        if deadline is None:
            return wait_s
        return min(wait_s, self._clock.real_s((deadline - self._clock.now_ms()) / 1000))

    def _due(self) -> bool:
        deadline = self._judge.next_ms()
        return deadline is not None and deadline <= self._clock.now_ms()

    def _work(self, items: list[object]) -> None:
        batch = Batch(self._clock.now_ms())
        begun_s = self._clock.mono_s()
        judge = self._judge
        failures = 0
        waiting = deque(items)
        while waiting:
            item = waiting.popleft()
            try:
                if isinstance(item, Replaced):
                    self._commit(batch)  # what came before counts by the names of the plan before
                judge.take(batch, item)
            except Exception as wrong:  # noqa: BLE001 - nothing from outside may stop the hub
                judge.set_aside(batch, item, wrong)
                self._commit(batch)
                judge.restore()
                failures += 1
                if failures <= FAILURES_MOST:  # each costs a restore of the engine
                    waiting.extendleft(reversed(judge.parts(item)))
        judge.advance(batch)
        self._finish(batch, begun_s)

    # ---------------------------------------------------------------------------------------------- committing

    def _finish(self, batch: Batch, begun_s: float | None = None) -> None:
        quarantined = self._store.quarantined
        self._commit(batch)
        self._chain = self._store.head
        for moment in batch.published:
            if moment.state == "open" and not moment.withdrawn:
                self._open[moment.id] = moment
            else:
                self._open.pop(moment.id, None)
        if batch.plan is not None:
            self._plan = batch.plan
        lessons = self._judge.engine.lessons
        if lessons.version != self._learned or not self._lessons:
            self._lessons, self._learned = dict(lessons.counts), lessons.version
        if batch.quiet is not None:
            self.quiet = batch.quiet
        took_s = self._clock.mono_s() - begun_s if begun_s is not None else 0.0
        out = batch.committed(self._chain, quarantined=quarantined, took_s=took_s)
        for listener in self.listeners:
            listener(out)
        if batch.tokens and self._acknowledge is not None:
            self._acknowledge(batch.tokens)
        for answer in batch.answers:
            answer()

    def _commit(self, batch: Batch) -> None:
        """Commit, however long the disk refuses."""
        while True:
            begun_s = self._clock.mono_s()
            try:
                written = self._judge.write(batch.now_ms)
            except NEVER as wrong:
                self.fault = f"the journal cannot take what was judged: {wrong!r}. Nothing of it is acknowledged"
                raise
            except StoreError as wrong:
                fault = f"the disk does not take the journal: {wrong}. Nothing is acknowledged until it does"
                if fault != self.fault:  # once a trouble, not once a try: a log on the same disk would fill it further
                    _log.error("%s", fault)
                self.fault = fault
                if self._stopping or not self._ready.done():
                    raise
                threading.Event().wait(RETRY_S)
            else:
                if written:
                    self._turns.commit_s = self._clock.mono_s() - begun_s
                    self.fault = None
                    self._keeper.committed()
                return

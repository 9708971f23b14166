"""The driver: the only owner of the engine and of the writing connection. One thread, one queue in, one commit a batch.

Everything that changes anything joins the queue: what MQTT delivered, what was posted, what a person did, a new plan,
what became of a page. The thread takes all that has arrived, judges it message by message (one message is one
`Engine.receive`), commits once, and only then acknowledges, answers and tells the listeners. It never waits for more
to come. Between batches it sleeps until the engine's next deadline; waking late changes nothing but the pages.

A commit that the disk refuses is tried again until it takes it; meanwhile nothing is acknowledged, so nothing is lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from hashlib import blake2b
from queue import Empty, SimpleQueue
from typing import Any

from msgspec import Struct

from andgate.errors import AndgateError, PayloadError, PlanError, Problem, RefusedError, TopicError, UsageError
from andgate.moment.events import AnyEvent, Claimed, Paged, PageSkipped, Refused, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Action, Input, Replanned
from andgate.moment.state import dump
from andgate.plan import Plan, parse_plan
from andgate.wire.codec import decode_answer, decode_health, decode_node_state, decode_time_ask, format_time
from andgate.wire.messages import Command, FeedSignal, Receipt, TimeReply
from andgate.wire.topics import parse
from hub.clock import HubClock
from hub.fleet.fleet import Fleet
from hub.ingest.boots import Boot, Boots
from hub.ingest.gate import Gate, Taken
from hub.store import ChainHead, Checkpoints, PageFate, PageRow, Snapshot, Snapshots, Store, StoreError, restore
from hub.store.outbox import Outbox

_log = logging.getLogger(__name__)

QUEUE_MOST = 20_000
"""Messages that wait; the broker is made to wait beyond it."""
BATCH_MOST = 2_000
"""Messages in one transaction."""
IDLE_S = 5.0
"""Real seconds between looks at the house while nothing happens."""
SNAPSHOT_ENTRIES = 5_000
SNAPSHOT_AT_MOST = 20_000
"""A busy hub waits for a quiet moment to take a snapshot, but not longer than this many entries."""
SNAPSHOT_S = 180.0
RETRY_S = 0.5
"""Real seconds before a refused commit is tried again."""
STRANGERS_MOST = 500
"""Nodes outside the plan that are remembered at all."""


class Delivered(Struct, gc=False, frozen=True):
    """A message as MQTT delivered it. `token` is what the link needs to acknowledge it."""

    topic: str
    payload: bytes
    retained: bool
    received_ms: int
    token: int


class Accepted(Struct, frozen=True):
    """What became of posted signals."""

    accepted: int
    duplicates: int


class Committed(Struct, frozen=True, kw_only=True):
    """What one commit made true."""

    now_ms: int
    chain: ChainHead
    entries: int
    """How many entries it added to the journal."""
    events: tuple[AnyEvent, ...] = ()
    published: tuple[Moment, ...] = ()
    """Publications in order; the same moment may be there more than once."""
    pages: tuple[PageRow, ...] = ()
    """Deliveries that are new in the outbox."""
    cancelled: tuple[int, ...] = ()
    """Deliveries that must not go out any more."""
    receipts: tuple[tuple[str, Receipt], ...] = ()
    """Node -> receipt."""
    feeds: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Feed -> ids stored."""
    commands: tuple[tuple[str, Command], ...] = ()
    """Node -> command."""
    nodes: tuple[tuple[str, str], ...] = ()
    """Nodes that said another state -> state."""
    plan: Plan | None = None
    """A plan that came into force."""
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    took_s: float = 0.0
    """Real seconds from the first decision to the commit."""


class _Posted(Struct, frozen=True):
    members: list[FeedSignal]
    feed: str
    future: Future[Accepted]


class _Acted(Struct, frozen=True):
    action: Action
    future: Future[Moment]


class _Commanded(Struct, frozen=True):
    node: str
    command: Command
    future: Future[None]


class _Reload(Struct, frozen=True):
    plan: Plan
    source: str
    future: Future[str]


class _Batch:
    """What gathers while one batch is judged."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.entries = 0
        self.events: list[AnyEvent] = []
        self.published: list[Moment] = []
        self.pages: list[PageRow] = []
        self.cancelled: list[int] = []
        self.boots: dict[int, Boot] = {}
        self.feeds: dict[str, list[str]] = {}
        self.commands: list[tuple[str, Command]] = []
        self.nodes: list[tuple[str, str]] = []
        self.plan: Plan | None = None
        self.tokens: list[int] = []
        self.answers: list[Callable[[], None]] = []
        self.accepted = 0
        self.duplicates = 0


class Driver:
    """Owns the engine and the store; everybody else asks it through its queue."""

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
        self._store = store
        self._clock = clock
        self._acknowledge = acknowledge
        self._reply = reply
        store.use_plan(plan)
        restored = restore(store, plan)
        self.replayed = restored.replayed
        self._engine = restored.engine
        self._wanted_plan: tuple[Plan, str] = (plan, plan_source)
        self._boots = Boots(store)
        self._fleet = Fleet(store, plan)
        self._gate = Gate(store, self._boots, plan)
        for node, boot in self._fleet.boots().items():
            self._gate.born(node, boot, 0)
        self._outbox = Outbox(store.pages, listen_only=listen_only)
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._room = threading.Event()
        self._stopping = False
        self._snapshots = Snapshots(store.data)
        self._snapshot_entry = restored.snapshot
        self._snapshot_s = clock.mono_s()
        self._snapshot_writer: threading.Thread | None = None
        self._checkpoints = Checkpoints(store.data)
        self._open: dict[str, Moment] = {moment.id: moment for moment in self._engine.open_moments()}
        self._chain = store.head
        self._plan = self._engine.plan
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

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments as of the last commit, nearest deadline first."""
        found = list(self._open.values())  # one step of the interpreter: no commit comes between
        return tuple(sorted(found, key=lambda moment: (moment.ends_ms, moment.opened_ms, moment.id)))

    def deliver(self, message: Delivered) -> None:
        """Take an MQTT message; waits while too many are waiting already."""
        while self._queue.qsize() >= QUEUE_MOST and not self._stopping:
            self._room.clear()
            self._room.wait(1.0)
        self._queue.put(message)

    def signals(self, members: list[FeedSignal], feed: str) -> Future[Accepted]:
        """Store and judge posted signals, whole or not at all; done after the commit.

        The future fails with a RefusedError whose `index` names the first wrong member, or a UsageError while the hub
        stops.
        """
        future: Future[Accepted] = Future()
        return self._put(_Posted(members, feed, future), future)

    def act(self, action: Action) -> Future[Moment]:
        """Take a person's action; done after the commit with the moment as it is then, or a RefusedError."""
        future: Future[Moment] = Future()
        return self._put(_Acted(action, future), future)

    def command(self, node: str, command: Command) -> Future[None]:
        """Tell a node something; done when it has been handed on, or a RefusedError where the plan has no such node."""
        future: Future[None] = Future()
        return self._put(_Commanded(node, command, future), future)

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
        if plan.site.id != self._plan.site.id:
            what = f'this hub serves the site "{self._plan.site.id}"'
            remedy = "Keep the id, or start another hub with another data folder"
            future.set_exception(PlanError([Problem(0, "site.id", what, remedy)]))
            return future
        return self._put(_Reload(plan, plan_text, future), future)

    def fate(self, fate: PageFate) -> None:
        """Record what became of a delivery."""
        self._queue.put(fate)

    def queued_pages(self) -> tuple[PageRow, ...]:
        """Return the deliveries that a start found unsent; call it before `start`."""
        return tuple(self._store.pages.queued.values())

    def wake(self) -> None:
        """Look at the clock again."""
        self._queue.put(None)

    def _put(self, item: object, future: Future[Any]) -> Future[Any]:
        if self._stopping:
            future.set_exception(UsageError("the hub is stopping"))
        else:
            self._queue.put(item)
        return future

    def start(self) -> None:
        """Begin to judge; returns when everything that fell due while it was down is judged and committed."""
        self._checkpoints.start()
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        """Commit what is being judged, keep a snapshot, and close the store."""
        if not self._thread.is_alive():
            self._store.close()
            return
        self._stopping = True
        self._room.set()
        self._queue.put(None)
        self._thread.join()

    # ---------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        try:
            self._begin()
        except BaseException as wrong:  # noqa: BLE001 - whoever starts the driver gets it
            self._ready.set_exception(UsageError(self.fault) if self.fault is not None else wrong)
            self._checkpoints.stop()
            self._store.close()
            return
        self._ready.set_result(None)
        try:
            while not self._stopping:
                items = self._take()
                if items or self._due():
                    self._work(items)
                self._keep_house(busy=not self._queue.empty())
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
        plan, source = self._wanted_plan
        batch = _Batch(self._clock.now_ms())
        if self._store.entry == 0 or self._engine.plan.version != plan.version:
            self._replan(batch, plan, source)
        self._advance(batch)
        self._finish(batch)

    def _end(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except Empty:
                break
            future = getattr(item, "future", None)
            if future is not None:
                future.set_exception(UsageError("the hub is stopping"))
            elif isinstance(item, PageFate):
                self._store.pages.fate(item)
        try:
            if self.fault is None:  # what could not be committed or judged is not tried again
                self._boots.flush()
                self._fleet.flush(self._clock.now_ms())
                self._store.commit()
                self._snapshot()
        except (StoreError, OSError) as wrong:
            _log.error("the last commit before the end failed (%s); nothing acknowledged is lost", wrong)
        if self._snapshot_writer is not None:
            self._snapshot_writer.join()
        self._checkpoints.stop()
        self._store.close()

    def _take(self) -> list[object]:
        """Wait for something to do, then take all that has arrived."""
        wait_s = IDLE_S
        deadline = self._engine.next_deadline()
        if deadline is not None:
            wait_s = min(wait_s, self._clock.real_s((deadline - self._clock.now_ms()) / 1000))
        items: list[object] = []
        try:
            items.append(self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait())
            while len(items) < BATCH_MOST:
                items.append(self._queue.get_nowait())
        except Empty:
            pass
        if not self._room.is_set():
            self._room.set()
        return items

    def _due(self) -> bool:
        deadline = self._engine.next_deadline()
        return deadline is not None and deadline <= self._clock.now_ms()

    def _work(self, items: list[object]) -> None:
        batch = _Batch(self._clock.now_ms())
        begun_s = self._clock.mono_s()
        for item in items:
            try:
                self._item(batch, item)
            except Exception as wrong:  # noqa: BLE001 - nothing from outside may stop the hub
                self._recover(batch, item, wrong)
        self._advance(batch)
        self._finish(batch, begun_s)

    def _item(self, batch: _Batch, item: object) -> None:
        if isinstance(item, Delivered):
            batch.tokens.append(item.token)
            self._message(batch, item)
        elif isinstance(item, PageFate):
            self._store.pages.fate(item)
        elif isinstance(item, _Posted):
            self._posted(batch, item)
        elif isinstance(item, _Acted):
            self._acted(batch, item)
        elif isinstance(item, _Commanded):
            self._commanded(batch, item)
        elif isinstance(item, _Reload):
            self._reloaded(batch, item)

    def _recover(self, batch: _Batch, item: object, wrong: Exception) -> None:
        """Set aside what the hub could not digest, and rebuild the engine, whose state cannot be trusted any more."""
        _log.error("the hub could not digest %s; it is set aside", type(item).__name__, exc_info=wrong)
        if isinstance(item, Delivered):
            self._store.quarantine(batch.now_ms, item.topic, f"internal error: {wrong!r}", item.payload)
        future = getattr(item, "future", None)
        if future is not None and not future.done():
            batch.answers.append(lambda: future.set_exception(UsageError(f"internal error: {wrong!r}")))
        self._commit()
        self._engine = restore(self._store, self._plan).engine

    # ---------------------------------------------------------------------------------------------- kinds of input

    def _message(self, batch: _Batch, item: Delivered) -> None:
        try:
            topic = parse(item.topic)
        except TopicError as wrong:
            self._store.quarantine(item.received_ms, item.topic, str(wrong), item.payload)
            return
        name, received_ms = topic.name, item.received_ms
        try:
            if topic.kind == "node/signal":
                taken = self._gate.node_signals(name, item.topic, item.payload, received_ms, retained=item.retained)
                batch.boots |= taken.boots
                self._taken(batch, taken)
            elif topic.kind == "feed/signal":
                taken = self._gate.feed_signals(name, item.topic, item.payload, received_ms, retained=item.retained)
                if taken.ids:
                    batch.feeds.setdefault(name, []).extend(taken.ids)
                self._taken(batch, taken)
            elif topic.kind == "answer":
                self._answer(batch, item)
            elif topic.kind == "node/time":
                ask = decode_time_ask(item.payload)
                if self._reply is not None:
                    self._reply(name, TimeReply(n=ask.n, at=format_time(received_ms), rate=self._clock.rate))
                if name in self._plan.nodes:
                    self._taken(batch, self._gate.asked(name, ask, received_ms))
            elif item.payload or not item.retained:  # an empty retained payload takes a state back
                self._node_said(batch, topic.kind, name, item)
        except PayloadError as wrong:
            self._store.quarantine(received_ms, item.topic, str(wrong), item.payload)

    def _node_said(self, batch: _Batch, kind: str, node: str, item: Delivered) -> None:
        if node not in self._plan.nodes and self._fleet.strangers(node) >= STRANGERS_MOST:
            raise PayloadError(f'the plan has no node "{node}", nor have {STRANGERS_MOST} others that spoke')
        taken = Taken()
        if kind == "node/state":
            said = decode_node_state(item.payload)
            was = self._fleet.state_of(node)
            standing, own = self._fleet.said(node, said, batch.now_ms)
            if said.state == "online" and said.boot is not None and node in self._plan.nodes:
                self._gate.born(node, said.boot, batch.now_ms)
            if standing.state != was:
                batch.nodes.append((node, standing.state))
        else:
            own = self._fleet.health(node, decode_health(item.payload), batch.now_ms)
        for signal in own:
            self._gate.own(signal, taken)
        self._taken(batch, taken)

    def _posted(self, batch: _Batch, item: _Posted) -> None:
        try:
            taken = self._gate.posted(item.feed, item.members, batch.now_ms)
        except AndgateError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        self._taken(batch, taken)
        result = Accepted(taken.accepted, taken.duplicates)
        batch.answers.append(lambda: item.future.set_result(result))

    def _acted(self, batch: _Batch, item: _Acted) -> None:
        try:
            self._act(batch, item.action)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        moment = self._engine.moment(item.action.moment)
        if moment is None:
            raise UsageError(f"moment {item.action.moment} is gone after it was acted upon")
        batch.answers.append(lambda: item.future.set_result(moment))

    def _act(self, batch: _Batch, action: Action) -> None:
        self._advance(batch)
        why = self._engine.refuses(action)
        if why is not None:
            raise RefusedError(why)
        self._judge(batch, (action,))

    def _answer(self, batch: _Batch, item: Delivered) -> None:
        """Take a pager's answer: a claim, or that it was seen or rejected."""
        answer = decode_answer(item.payload)
        moment = answer.moment
        if moment is None and answer.page is not None:
            moment = self._outbox.moment_of(answer.page)
        if moment is None:
            raise PayloadError("the answer names no page or moment that this hub knows. Send `page` or `moment`")
        if answer.do != "claim":
            self._outbox.answered(moment, answer.page, f"{answer.do} by {answer.by}")
            return
        digest = blake2b(item.payload + b"%d" % item.received_ms, digest_size=12).hexdigest()
        try:
            self._act(
                batch,
                Action(
                    id=f"a/{digest}",
                    do="claim",
                    moment=moment,
                    at_ms=min(item.received_ms, batch.now_ms),
                    by=answer.by,
                    promise_ms=None if answer.promise_s is None else round(answer.promise_s * 1000),
                    reason=answer.reason,
                ),
            )
        except RefusedError as wrong:
            self._store.quarantine(item.received_ms, item.topic, str(wrong), item.payload)

    def _commanded(self, batch: _Batch, item: _Commanded) -> None:
        if item.node not in self._engine.plan.nodes:
            refusal = RefusedError(f'the plan has no node "{item.node}"')
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        batch.commands.append((item.node, item.command))
        batch.answers.append(lambda: item.future.set_result(None))

    def _reloaded(self, batch: _Batch, item: _Reload) -> None:
        if item.plan.version != self._engine.plan.version:
            self._replan(batch, item.plan, item.source)
        batch.answers.append(lambda: item.future.set_result(item.plan.version))

    def _replan(self, batch: _Batch, plan: Plan, source: str) -> None:
        self._store.plan(plan, batch.now_ms, source)
        self._judge(batch, (Replanned(plan=plan, at_ms=batch.now_ms),))
        self._store.use_plan(plan)
        self._gate.use_plan(plan)
        self._fleet.use_plan(plan)
        batch.plan = plan

    # ---------------------------------------------------------------------------------------------- judging

    def _taken(self, batch: _Batch, taken: Taken) -> None:
        batch.accepted += taken.accepted
        batch.duplicates += taken.duplicates
        if taken.inputs:
            self._judge(batch, tuple(taken.inputs), more=taken.more)

    def _judge(self, batch: _Batch, inputs: tuple[Input, ...], *, more: bool = False) -> None:
        step = self._engine.receive(inputs, batch.now_ms, more=more)
        self._record(batch, inputs, step.events, step.published, more=more)

    def _advance(self, batch: _Batch) -> None:
        deadline = self._engine.next_deadline()
        if deadline is None or deadline > batch.now_ms:
            return
        step = self._engine.advance(batch.now_ms)
        if step.events or step.published:
            self._record(batch, (), step.events, step.published)

    def _record(
        self,
        batch: _Batch,
        inputs: tuple[Input, ...],
        events: tuple[AnyEvent, ...],
        published: tuple[Moment, ...],
        *,
        more: bool = False,
    ) -> None:
        self._store.record(batch.now_ms, inputs, events, published, more=more)
        batch.entries += 1
        batch.events.extend(events)
        batch.published.extend(published)
        for event in events:
            if isinstance(event, Paged | StoodDown | Claimed | PageSkipped):
                moment = self._engine.moment(event.moment)
                if moment is not None:
                    pages, cancelled = self._outbox.decided(event, moment, self._engine.plan, batch.now_ms)
                    batch.pages += pages
                    batch.cancelled += cancelled
            elif isinstance(event, Refused):
                node, slash, device = event.witness.partition("/")
                if slash:
                    reason = f"held by {', '.join(event.held_by)}"
                    batch.commands.append((node, Command(do="refused", device=device, reason=reason)))

    # ---------------------------------------------------------------------------------------------- committing

    def _finish(self, batch: _Batch, begun_s: float | None = None) -> None:
        quarantined = self._store.quarantined
        self._boots.flush()
        self._fleet.flush(batch.now_ms)
        self._commit()
        self._chain = self._store.head
        for moment in batch.published:
            if moment.state == "open" and not moment.withdrawn:
                self._open[moment.id] = moment
            else:
                self._open.pop(moment.id, None)
        if batch.plan is not None:
            self._plan = batch.plan
        if batch.tokens and self._acknowledge is not None:
            self._acknowledge(batch.tokens)
        out = Committed(
            now_ms=batch.now_ms,
            chain=self._chain,
            entries=batch.entries,
            events=tuple(batch.events),
            published=tuple(batch.published),
            pages=tuple(batch.pages),
            cancelled=tuple(batch.cancelled),
            receipts=tuple(
                (boot.node, Receipt(boot=boot.boot, seq=boot.numbers.upto, also=list(boot.numbers.ranges)))
                for boot in batch.boots.values()
            ),
            feeds=tuple((feed, tuple(ids)) for feed, ids in batch.feeds.items()),
            commands=tuple(batch.commands),
            nodes=tuple(batch.nodes),
            plan=batch.plan,
            accepted=batch.accepted,
            duplicates=batch.duplicates,
            quarantined=quarantined,
            took_s=self._clock.mono_s() - begun_s if begun_s is not None else 0.0,
        )
        for listener in self.listeners:
            listener(out)
        for answer in batch.answers:
            answer()

    def _commit(self) -> None:
        """Commit, however long the disk refuses."""
        if not self._store.dirty:
            return
        while True:
            try:
                self._store.commit()
            except StoreError as wrong:
                self.fault = f"the disk does not take the journal: {wrong}. Nothing is acknowledged until it does"
                _log.error("%s", self.fault)
                if self._stopping or not self._ready.done():
                    raise
                self._room.clear()
                threading.Event().wait(RETRY_S)
            else:
                self.fault = None
                break
        self._checkpoints.poke()

    # ---------------------------------------------------------------------------------------------- the house

    def _keep_house(self, *, busy: bool) -> None:
        since = self._store.entry - self._snapshot_entry
        if since == 0 or (busy and since < SNAPSHOT_AT_MOST):
            return
        if since >= SNAPSHOT_ENTRIES or self._clock.mono_s() - self._snapshot_s >= SNAPSHOT_S:
            if self._snapshot_writer is not None and self._snapshot_writer.is_alive():
                return
            self._snapshot()

    def _snapshot(self) -> None:
        snapshot = Snapshot(self._store.entry, self._store.hash, dump(self._engine))
        self._snapshot_entry, self._snapshot_s = snapshot.entry, self._clock.mono_s()
        if self._snapshot_writer is not None:
            self._snapshot_writer.join()
        self._snapshot_writer = threading.Thread(target=self._write_snapshot, args=(snapshot,), name="snapshot")
        self._snapshot_writer.start()

    def _write_snapshot(self, snapshot: Snapshot) -> None:
        try:
            self._snapshots.write(snapshot)
        except OSError as wrong:
            _log.warning("no snapshot could be written, the next start takes longer: %s", wrong)

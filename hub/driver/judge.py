"""The judge: the engine and the writing store, driven by whoever holds it. No thread, no queue, no wait.

Each kind of input is taken into a batch, message by message: one message is one `Engine.receive` is one entry of the
journal. Nothing is written before `write`, which commits everything taken since the last one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec.structs import replace

from andgate.errors import AndgateError, PayloadError, RefusedError, TopicError, UsageError
from andgate.moment.engine import Engine
from andgate.moment.events import AnyEvent, Claimed, Paged, PageSkipped, Refused, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import GAP, HEARD, Action, Input, Muted, Replanned, Signal
from andgate.plan import PageStep, Plan
from andgate.plan.addresses import is_pager
from andgate.plan.remedies import slug
from andgate.wire.codec import (
    decode_answer,
    decode_health,
    decode_node_state,
    decode_page_receipt,
    decode_time_ask,
    format_time,
)
from andgate.wire.messages import Answer, Command, PageReceipt, TimeReply
from andgate.wire.topics import parse
from hub.clock import HubClock
from hub.driver.answering import addressed, identified, may_reject, rejection
from hub.driver.auditor import Auditor
from hub.driver.batch import PERSONAL, Batch, Heard
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
from hub.driver.pressed import SENT_AS, claims
from hub.driver.timekeeper import Timekeeper
from hub.fleet.fleet import Fleet
from hub.fleet.sight import Change
from hub.fleet.traffic import SenderKind
from hub.fleet.watch import Watch
from hub.ingest.boots import Boots
from hub.ingest.gate import Gate
from hub.ingest.holes import Holes
from hub.ingest.taken import Taken
from hub.paging.paging import Paging
from hub.people.directory import Directory
from hub.people.handover import Handover
from hub.people.roster import Roster
from hub.quiet import OF_PLAN, Quiet
from hub.store import PageFate, PageRow, People, Store, restore
from hub.store.crew import Crew, Mate
from hub.store.drills import statements
from hub.store.notices import Notice, Notices
from hub.store.outbox import Outbox
from hub.store.pages import Receipt
from hub.store.persons import Persons
from hub.store.rows import BUNDLE, DRILL, NOTICE, SHIFT, TEST, UNSTAFFED
from hub.store.store import FIRST
from hub.store.taps import Taps

_log = logging.getLogger(__name__)

STRANGERS_MOST = 500
"""Nodes outside the plan that are remembered at all."""
_TOPICS_KEPT = 8_192
_SENDERS: dict[str, SenderKind] = {
    "node/signal": "node",
    "node/state": "node",
    "node/health": "node",
    "node/time": "node",
    "feed/signal": "feed",
}
_PAGING = (Paged, StoodDown, Claimed, PageSkipped)

_parse = lru_cache(_TOPICS_KEPT)(parse)
"""A site says the same few topics for ever."""


class Judge:
    """Owns the engine and the store; belongs to one thread."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        clock: HubClock,
        *,
        plan_source: str = "",
        listen_only: bool = False,
        reply: Callable[[str, TimeReply], None] | None = None,
    ) -> None:
        """Restore the engine from `store`.

        Args:
            store: open, and from now on the judge's.
            plan: what the plan file says now; if it is not what was in force, `begin` puts it in force.
            clock: site time.
            plan_source: text of the plan file, kept beside the plan.
            listen_only: judge, and page nobody.
            reply: called with a node and the answer to its question for the time.
        """
        self.store = store
        self._clock = clock
        self._reply = reply
        store.use_plan(plan)
        restored = restore(store, plan)
        self.replayed = restored.replayed
        """Journal entries that were judged again."""
        self.snapshot = restored.snapshot
        """Entry of the snapshot it began from."""
        self.engine: Engine = restored.engine
        self._wanted = (plan, plan_source)
        self._judging: tuple[Input, ...] = ()
        """What the engine is taking in; it stays when the engine raises."""
        self._plan = self.engine.plan
        """In force as of the last commit."""
        self.persons = Persons(store)
        """Whose names stand for the ids in the journal."""
        self.taps = Taps(store)
        """Which links in pages have been used."""
        self._boots = Boots(store)
        self._fleet = Fleet(store, self._plan, clock.rate, self._boots.top)
        self.timekeeper = Timekeeper(store, clock, self.engine.now_ms)
        plans = [(since_ms, casting.plan) for since_ms, casting in self.engine.plans]
        self._gate = Gate(store, self._boots, plans, self.timekeeper.site_ms, self._fleet.behind)
        self._holes = Holes(self._boots.holed())
        for node, boot in self._fleet.boots().items():
            self._gate.born(node, boot, 0)
        self.people = People(store.data)
        """Who stands on which shift, and how they are reached."""
        self._rota = rota = Roster(self.people)
        self.handover = Handover(store, self.people, self.engine.plan)
        self._notices = Notices(store.pages, listen_only=listen_only)
        self._quiet = quiet = Quiet(store, self.engine.plan, clock.now_ms(), listen_only=listen_only)
        self._watch = Watch(store, self._fleet, plan, listen_only=listen_only, rota=rota, why_not=quiet.fault_why_not)
        self._outbox = Outbox(store.pages, listen_only=listen_only, why_not=self._quiet.why_not, rota=rota)
        for _, known in plans:
            self._outbox.use_plan(known)
        self.paging = Paging(
            store.pages,
            self._outbox,
            self._moment,
            self._ladder,
            self.engine.plan,
            clock.now_ms(),
            ways=Directory(self.people),
            why_not=self._quiet.why_not,
        )
        self.auditor = Auditor(store, clock, listen_only=listen_only)

    def begin(self) -> Batch:
        """Put the wanted plan in force and judge what fell due meanwhile."""
        plan, source = self._wanted
        batch = Batch(self._clock.now_ms())
        if self.store.entry == 0 or self.engine.plan.version != plan.version:
            self._replan(batch, plan, source)
        for node in list(self.store.coverage.unheard):  # in a journal older than that word
            self._say(batch, self._first_heard(node, batch.now_ms))
        listening = self._quiet.listening(batch.now_ms)
        if listening is not None:
            self._judge(batch, (listening,))
        self.advance(batch)
        return batch

    def keep_time(self) -> None:
        """Look at the machine's clock; where site time jumps to it, everything that compares times goes along."""
        by_ms = self.timekeeper.look(self.engine.open_moments)
        if by_ms:
            self._boots.shift(by_ms)
            self._fleet.sight.jumped(self._clock.now_ms())

    def audit(self) -> bool:
        """Look whether every open threat has a next step; whether somebody must be told. Cheap where nothing is new."""
        return self.auditor.look(self.engine, self._watch)

    def write(self, now_ms: int) -> bool:
        """Commit everything taken; whether there was anything. StoreError if the disk refuses: try it again."""
        self.store.roll(now_ms)
        self._boots.flush()
        self._fleet.flush(now_ms)
        self._watch.flush()
        if not self.store.dirty:
            return False
        self.store.commit()
        self._plan = self.engine.plan
        return True

    def take(self, batch: Batch, item: object) -> None:
        """Take any kind of input into `batch`."""
        self.store.signals.begin()
        if isinstance(item, Delivered):
            batch.tokens.append(item.token)
            before = (batch.accepted, batch.duplicates, self.store.quarantined)
            self._message(batch, item)
            self._count(batch, item, before)
        elif isinstance(item, PageFate | Receipt | Held | Drilled):
            self._became(batch, item)
        elif isinstance(item, Posted):
            self._posted(batch, item)
        elif isinstance(item, Acted):
            self._acted(batch, item)
        elif isinstance(item, Tapped):
            self._tapped(batch, item)
        elif isinstance(item, Asked):
            self._hushed(batch, item)
        elif isinstance(item, Commanded):
            self._commanded(batch, item)
        elif isinstance(item, Tried):
            self._tried(batch, item)
        elif isinstance(item, Replaced):
            self._replaced(batch, item)

    def _became(self, batch: Batch, item: PageFate | Receipt | Held | Drilled) -> None:
        """Take what became of a page, or of a drill."""
        if isinstance(item, PageFate):
            batch.pages += self.paging.fate(item, self.engine.plan, batch.now_ms)
            self.auditor.decided(item.moment)
        elif isinstance(item, Receipt):
            self._received(batch, item)
        elif isinstance(item, Held):
            self.store.pages.held(item.id, item.moment)
            batch.answers.append(item.done)
        else:
            self._drilled(batch, item)

    def set_aside(self, batch: Batch, item: object, wrong: Exception) -> None:
        """Quarantine what could not be digested; commit, and then `restore` the engine, which cannot be trusted."""
        _log.error("the hub could not digest %s; it is set aside", type(item).__name__, exc_info=wrong)
        whole = not self._unkeep()
        if isinstance(item, Delivered) and (whole or not _halves(item)):
            self.store.quarantine(batch.now_ms, item.topic, f"internal error: {wrong!r}", item.payload)
        future = getattr(item, "future", None)
        if future is not None and not future.done():
            batch.answers.append(lambda: future.set_exception(UsageError(f"internal error: {wrong!r}")))

    def _unkeep(self) -> bool:
        """Let go of the signals that the engine could not judge: neither receipted nor stored, they may come again.

        A mended version will judge them. Until then this one takes no notice of them, so that a node that sends them
        again and again costs nothing. Those that never came to the engine, since another of their message was in the
        way, are let go, too, and come again with their half of it. Whether there were any.
        """
        signals = [each.id for each in self._judging if isinstance(each, Signal)]
        judging = bool(signals)
        self._judging = ()
        signals += [id for id in self.store.signals.unjudged if id not in set(signals)]
        self.store.signals.abandon()
        self.store.signals.forget(signals)
        for id in signals:
            self._gate.unkeep(id, undigested=judging and len(signals) == 1)
        return bool(signals)

    def parts(self, item: object) -> list[Delivered]:
        """Return the halves of a list that could not be digested, so that its good members are judged; [] of others."""
        return _halves(item) if isinstance(item, Delivered) else []

    def restore(self) -> None:
        """Build the engine anew from what is committed."""
        self.engine = restore(self.store, self._plan).engine

    # ---------------------------------------------------------------------------------------------- over MQTT

    def _message(self, batch: Batch, item: Delivered) -> None:
        try:
            topic = _parse(item.topic)
        except TopicError as wrong:
            self.store.quarantine(item.received_ms, item.topic, str(wrong), item.payload)
            return
        name, received_ms = topic.name, self.timekeeper.now_of(item.received_ms)
        try:
            if topic.kind == "node/signal":
                taken = self._gate.node_signals(name, item.topic, item.payload, received_ms, retained=item.retained)
                batch.boots |= taken.boots
                for boot in taken.boots.values():
                    self._holes.note(boot)
                self._holes.answered(taken.inputs)
                self._fleet.heard(name, received_ms)
                self._taken(batch, taken)
                self._pressed(batch, taken)
                self._drained(batch, name, taken)
                self._watch.signals(taken.inputs, taken.boots.values(), received_ms)
            elif topic.kind == "feed/signal":
                taken = self._gate.feeds.signals(name, item.topic, item.payload, received_ms, retained=item.retained)
                self._taken(batch, taken)
                if taken.ids:
                    batch.feeds.setdefault(name, []).extend(taken.ids)
            elif topic.kind == "answer":
                self._answer(batch, item)
            elif topic.kind == "node/page":
                self._told(decode_page_receipt(item.payload), name)
            elif topic.kind == "node/time":
                self._asked(batch, name, item.payload, received_ms)
            elif item.payload or not item.retained:  # an empty retained payload takes a state back
                self._node_said(batch, topic.kind, name, item)
        except PayloadError as wrong:
            self.store.quarantine(received_ms, item.topic, str(wrong), item.payload)

    def _count(self, batch: Batch, item: Delivered, before: tuple[int, int, int]) -> None:
        """Count a message for its sender, and what of it was no good."""
        bad = self.store.quarantined - before[2]
        try:
            topic = _parse(item.topic)
        except TopicError:
            return  # the broker lets nobody near the topics of others: whoever this was has no name
        sender = _SENDERS.get(topic.kind)
        if sender is not None and (bad or topic.kind.endswith("/signal")):
            accepted, duplicates = batch.accepted - before[0], batch.duplicates - before[1]
            self._watch.took(
                sender, topic.name, batch.now_ms, accepted, duplicates, bad, self.store.last_reason if bad else ""
            )

    def _asked(self, batch: Batch, node: str, payload: bytes, received_ms: int) -> None:
        """Answer a node's question for the time."""
        ask = decode_time_ask(payload)
        if self._reply is not None:
            self._reply(node, TimeReply(n=ask.n, at=format_time(received_ms), rate=self._clock.rate))
        if node in self._plan.nodes:
            self._fleet.heard(node, received_ms)
            taken = self._gate.asked(node, ask, received_ms, self.timekeeper.now_of)
            self._watch.clocks(taken.boots.values(), received_ms)
            self._taken(batch, taken)

    def _node_said(self, batch: Batch, kind: str, node: str, item: Delivered) -> None:
        if node not in self._plan.nodes and self._fleet.strangers(node) >= STRANGERS_MOST:
            raise PayloadError(f'the plan has no node "{node}", nor have {STRANGERS_MOST} others that spoke')
        if kind == "node/state":
            said = decode_node_state(item.payload)
            was = self._fleet.state_of(node)
            standing, own = self._fleet.said(node, said, batch.now_ms, retained=item.retained)
            if said.state == "online" and said.boot is not None and node in self._plan.nodes:
                self._gate.born(node, said.boot, batch.now_ms)
            if standing.state != was:
                batch.nodes.append((node, standing.state))
        else:
            health = decode_health(item.payload)
            if health.drill is not None and not item.retained:
                batch.drilled.append(health.drill)
            own = self._fleet.health(node, health, batch.now_ms)
            batch.commands += [(node, command) for command in self._holes.ask(node, batch.now_ms)]
            if health.spool == 0:
                for boot in sorted(self._fleet.waits(node)):
                    if self._boots.gapless(node, boot) or self._holes.only_gone(node, boot):
                        own += self._fleet.drained(node, boot, batch.now_ms)
        self._watch.said(node)
        self._say(batch, self._first_heard(node, batch.now_ms) + own)

    def _first_heard(self, node: str, now_ms: int) -> list[Signal]:
        """Return the journal's word that a node is there, the first time: until then it counts as blind."""
        devices = self.store.coverage.unheard.get(node)
        if devices is None or self._fleet.state_of(node) == "unseen":
            return []
        touchpoint = next(iter(devices.values()))[0]
        return [self._fleet.sight.signal(Change(HEARD, node, touchpoint, now_ms), now_ms)]

    def _drained(self, batch: Batch, node: str, taken: Taken) -> None:
        """Ask whether a node that is back has now told everything it saw while nobody heard it."""
        if not self._fleet.waits(node):
            return
        for item in taken.inputs:
            if isinstance(item, Signal) and item.name == GAP:
                self._fleet.gone(item)
        if taken.more:
            return
        for boot in taken.boots.values():
            if not boot.numbers.ranges:
                self._say(batch, self._fleet.drained(node, boot.boot, batch.now_ms))

    def _say(self, batch: Batch, own: list[Signal]) -> None:
        """Judge signals of the hub's own."""
        taken = Taken()
        for signal in own:
            self._gate.own(signal, taken)
        self._taken(batch, taken)

    def _moment(self, id: str) -> Moment | None:
        """Return a moment as the engine has it now, which may be another engine after a fault."""
        return self.engine.moment(id)

    def _ladder(self, moment: str) -> tuple[PageStep, ...]:
        """Return the steps by which an open moment is paged."""
        return next((outlook.steps for outlook in self.engine.outlooks({moment})), ())

    def _received(self, batch: Batch, receipt: Receipt) -> None:
        """Take a receiver's word that it has a page, or that somebody saw it."""
        waited = receipt.id in self.store.pages.queued
        for row in self.paging.received(receipt):
            if waited and row.id == receipt.id:
                batch.cancelled.append(row.id)  # who has it need not get it again
            what: Literal["delivered", "read"] = "read" if receipt.read else "delivered"
            channel = row.channel if row.person is None else PERSONAL
            batch.heard.append(Heard(channel, what, (receipt.at_ms - row.decided_ms) / 1000))
            self.auditor.decided(row.moment)

    def _seen(self, batch: Batch, moment: str, answer: Answer) -> None:
        """Whoever answers has seen the page: on their own channels, or else on the group's pagers."""
        by, plan = self.persons.id_of(answer.by), self.engine.plan
        rows = [row for row in self.store.pages.of(moment) if row.kind == "page" and answer.page in {None, row.page}]
        mine = [row for row in rows if row.person == by]
        pagers = [row for row in rows if row.channel in plan.channels and is_pager(plan.channels[row.channel].url)]
        # A way that has not taken it is not how they saw it; but an answer may be faster than word of the pager's page.
        for row in mine or pagers:
            if row.state == "sent" or (row.state == "queued" and self._on_pager(row)):
                self._received(batch, Receipt(row.id, row.moment, batch.now_ms, read=True))

    def _on_pager(self, row: PageRow) -> bool:
        """Whether a delivery is to a pager on the site's own broker, a group's or somebody's own."""
        entry = self.engine.plan.channels.get(row.channel) or Directory(self.people).entry(row.channel)
        return entry is not None and is_pager(entry.url)

    def _answer(self, batch: Batch, item: Delivered) -> None:
        """Take a pager's answer: a claim, or that it was seen or rejected."""
        answer = decode_answer(item.payload)
        if answer.page is not None and answer.page.startswith(DRILL):
            batch.drilled.append(answer.page)
            return
        moment = answer.moment
        if moment is None and answer.page is not None:
            moment = self._outbox.moment_of(answer.page)
        if moment is None:
            raise PayloadError("the answer names no page or moment that this hub knows. Send `page` or `moment`")
        self._seen(batch, moment, answer)
        if answer.do != "claim" or moment.startswith((NOTICE, SHIFT, TEST)):
            # What is about no moment is nobody's promise: that is noted, no more.
            self._outbox.answered(moment, answer.page, f"{answer.do} by {self.persons.id_of(answer.by)}")
            if answer.do == "reject" and may_reject(self.engine.moment(moment)) is None:
                self._reject(batch, item, answer, moment)
            return
        refused: list[RefusedError] = []
        together = self.paging.told_by(moment)
        for each in together or [moment]:
            try:
                self._claim(batch, item, answer, each)
            except RefusedError as wrong:
                refused.append(wrong)
        if refused and len(refused) == len(together or [moment]):
            self.store.quarantine(item.received_ms, item.topic, str(refused[0]), item.payload)

    def _reject(self, batch: Batch, item: Delivered, answer: Answer, moment: str) -> None:
        """Void what a pager's owner calls a false alarm."""
        digest = blake2b(item.payload + b"%d" % item.received_ms, digest_size=12).hexdigest()
        at_ms = min(item.received_ms, batch.now_ms)
        reason = rejection(answer.reason)
        self.act(batch, Action(id=f"a/{digest}", do="void", moment=moment, at_ms=at_ms, by=answer.by, reason=reason))

    def _pressed(self, batch: Batch, taken: Taken) -> None:
        """Take the claims that a break room's button makes; one that comes too late for anything is no harm."""
        inputs = self._apart(taken)
        for action in claims(inputs, self.engine.plan, self.engine.open_moments, self.store.pages.of):
            try:
                self.act(batch, action)
            except RefusedError as wrong:
                _log.info("%s claims nothing: %s", action.by, wrong)

    def _told(self, said: PageReceipt, node: str) -> None:
        """Note on a page what became of it at an annunciator, speaker or transmitter."""
        page = said.page.partition(SENT_AS)[0]
        moment = self._outbox.moment_of(page)
        if node not in self.engine.plan.nodes:
            raise PayloadError(f'the plan has no node "{node}"')
        if moment is None:
            raise PayloadError(f'there is no page "{said.page[:80]}"')
        why = f": {said.why}" if said.why else ""
        self._outbox.answered(moment, page, f"{said.did} at {node}/{said.device}{why}")

    def _claim(self, batch: Batch, item: Delivered, answer: Answer, moment: str) -> None:
        """Take a claim, or raise a RefusedError."""
        told = item.payload + moment.encode() + b"%d" % item.received_ms
        digest = blake2b(told, digest_size=12).hexdigest()
        self.act(
            batch,
            Action(
                id=f"a/{digest}",
                do="claim",
                moment=moment,
                at_ms=min(item.received_ms, batch.now_ms),
                by=answer.by,
                promise_ms=None if answer.promise_s is None else round(answer.promise_s * 1000),
                reason=answer.reason,
                first=self._first(moment, answer.first),
            ),
        )

    def _first(self, moment: str, words: str | None) -> str | None:
        """Return a first action as the plan has it; None where it has none in these words."""
        about = self.engine.moment(moment) if words else None
        promise = self.engine.plan.judged.get(about.expectation) if about is not None else None
        if about is None or promise is None:
            return None
        return next((each for each in promise.first_actions(about.touchpoint) if slug(each) == slug(words or "")), None)

    # ---------------------------------------------------------------------------------------------- asked for

    def _posted(self, batch: Batch, item: Posted) -> None:
        try:
            taken = self._gate.feeds.posted(item.feed, item.members, batch.now_ms)
        except AndgateError as wrong:
            refusal = wrong
            self._watch.took("feed", item.feed, batch.now_ms, 0, 0, 1, str(wrong))
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        if item.members:
            self._watch.took("feed", item.feed, batch.now_ms, taken.accepted, taken.duplicates, 0, "")
        self._taken(batch, taken)
        result = Accepted(taken.accepted, taken.duplicates)
        batch.answers.append(lambda: item.future.set_result(result))

    def _acted(self, batch: Batch, item: Acted) -> None:
        try:
            self.act(batch, item.action)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        moment = self.engine.moment(item.action.moment)
        if moment is None:
            raise UsageError(f"moment {item.action.moment} is gone after it was acted upon")
        shown = self.persons.moment(moment)
        batch.answers.append(lambda: item.future.set_result(shown))

    def act(self, batch: Batch, action: Action, *, known: bool = True) -> None:
        """Take a person's action, or raise a RefusedError.

        Args:
            batch: to take it into.
            action: what they do; `person` of it is an opaque id.
            known: the others are called by their names; False: by opaque ids too.
        """
        self.advance(batch)
        self.engine.advance(batch.now_ms)  # lets go of what is too old, so that it is refused and not lost while judged
        action = addressed(action, self.engine.moment(action.moment), self.engine.plan)
        if action.person is not None and action.person not in self.people.book().people:
            raise RefusedError("nobody on this hub's list is the person that shall take over")
        why = self.engine.refuses(identified(action, self.persons.known if known else _itself))
        if why is not None:
            raise RefusedError(why)
        self._judge(batch, (identified(action, self.persons.id_of if known else _itself),))

    def _tapped(self, batch: Batch, item: Tapped) -> None:
        """Take what the link in a page does, once; a tap that comes twice is answered twice."""
        try:
            self._tap(batch, item)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        found = [self.engine.moment(action.moment) for action in item.actions]
        shown = [self.persons.moment(moment) for moment in found if moment is not None]
        batch.answers.append(lambda: item.future.set_result(shown))

    def _tap(self, batch: Batch, item: Tapped) -> None:
        first = item.actions[0]
        users = self.taps.users(item.link)
        if (item.person or self.persons.known(first.by)) in users:
            return
        moments = [self.engine.moment(action.moment) for action in item.actions]
        needs = 1 if item.person is not None else max([1, *(moment.needs for moment in moments if moment is not None)])
        if len(users) >= needs:
            raise RefusedError("this link has been used")
        refused: list[RefusedError] = []
        for action, moment in zip(item.actions, moments, strict=True):
            why = may_reject(moment) if action.do == "void" else None
            if why is not None:
                refused.append(RefusedError(why))
                continue
            try:
                self.act(batch, action, known=item.person is None)
            except RefusedError as wrong:
                refused.append(wrong)
        if len(refused) == len(item.actions):
            raise refused[0]
        who = item.person or self.persons.id_of(first.by)
        self.taps.use(item.link, who, batch.now_ms, "reject" if first.do == "void" else "claim")

    def _hushed(self, batch: Batch, item: Asked) -> None:
        """Take what somebody asks about quiet: the answer is what is quiet from then on."""
        self.advance(batch)
        try:
            taken = self._quiet.taken(item.hush, batch.now_ms)
        except RefusedError as wrong:
            refusal = wrong
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        self._judge(batch, tuple(self._by_id(each) for each in taken))
        self._look_quiet(batch)
        view = self._quiet.view(batch.now_ms, self.persons.name)
        batch.answers.append(lambda: item.future.set_result(view))

    def _by_id(self, hush: Ask) -> Ask:
        """Put opaque ids in the place of people's names; who answers for a mute of the plan's is a role."""
        if isinstance(hush, Muted) and not hush.id.startswith(OF_PLAN):
            hush = replace(hush, owner=self.persons.id_of(hush.owner))
        return replace(hush, by=self.persons.id_of(hush.by))

    def _look_quiet(self, batch: Batch) -> None:
        """Do what follows where something quiet has begun or ended: hold what waits, page what was kept back."""
        quiet, now_ms = self._quiet, batch.now_ms
        if not quiet.due(now_ms):
            return
        for each in quiet.unheard(now_ms):
            word, device, touchpoint, at_ms = quiet.resumed(each, now_ms)
            self._say(batch, [self._fleet.sight.signal(Change(word, device, touchpoint, at_ms), now_ms)])
            self._watch.unheard(each.contact, now_ms)
        pages = self.store.pages
        held = quiet.holds(pages.queued.values(), self.engine.moment, now_ms)
        for row in list(pages.queued.values()):
            if row.id not in held and row.moment.startswith(BUNDLE) and held:
                told = pages.bundled(row.moment)
                if told and all(each.state != "queued" or each.id in held for each in told):
                    held[row.id] = held[told[0].id] if told[0].id in held else told[0].note
        for row in list(pages.queued.values()):
            if row.id in held and pages.mute(row.moment, row.id, held[row.id]):
                batch.cancelled.append(row.id)
        batch.pages = [row for row in batch.pages if row.id not in held]
        released = quiet.released(self.engine.moment, now_ms)
        if released is not None:
            self._judge(batch, (released,))
        batch.quiet = quiet.looked(now_ms, self.persons.name)

    def _drilled(self, batch: Batch, item: Drilled) -> None:
        """Write a drill down; what it found dead is a fault until a drill finds it well."""
        for statement, values in statements(item.drill):
            self.store.row(statement, values)
        if item.checked:
            self._watch.drilled(item.found, item.checked, batch.now_ms)

    def _commanded(self, batch: Batch, item: Commanded) -> None:
        if item.node not in self.engine.plan.nodes:
            refusal = RefusedError(f'the plan has no node "{item.node}"')
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        batch.commands.append((item.node, item.command))
        batch.answers.append(lambda: item.future.set_result(None))

    def _tried(self, batch: Batch, item: Tried) -> None:
        """Send a page that only tries one channel of one person."""
        notice = Notice(
            page=f"{TEST}{item.channel}/{batch.now_ms}",
            group="",
            title="Test page",
            text=f"Test page: {self.engine.plan.site.name} reaches you here. There is nothing to do.",
            reason="somebody tries this channel",
        )
        crew = Crew((Mate(item.person, item.channel),))
        batch.pages += self._notices.page(notice, (), batch.now_ms, crew)
        batch.answers.append(lambda: item.future.set_result(notice.page))

    def _replaced(self, batch: Batch, item: Replaced) -> None:
        if item.plan.version != self.engine.plan.version:
            self._replan(batch, item.plan, item.source)
        batch.answers.append(lambda: item.future.set_result(item.plan.version))

    def _replan(self, batch: Batch, plan: Plan, source: str) -> None:
        self._say(batch, self._fleet.leave(plan, batch.now_ms))
        self.store.plan(plan, batch.now_ms, source)
        self._judge(batch, (Replanned(plan=plan, at_ms=batch.now_ms),))
        self.store.use_plan(plan)
        self._gate.use_plan(plan, batch.now_ms)
        self._fleet.use_plan(plan)
        self._watch.use_plan(plan)
        self._quiet.use_plan(plan)
        self._outbox.use_plan(plan)
        self.handover.use_plan(plan)
        self._say(batch, self._fleet.join(batch.now_ms))
        batch.plan = plan

    # ---------------------------------------------------------------------------------------------- judging

    def next_ms(self) -> int | None:
        """Return when the clock alone has something to judge."""
        house = (self._fleet.next_ms(), self._watch.next_ms(), self.soon_ms())
        return min((at_ms for at_ms in house if at_ms is not None), default=None)

    def soon_ms(self) -> int | None:
        """Return when people notice that the clock has something to judge: what is only the house's can wait."""
        soon = (self.engine.next_deadline(), self.paging.next_ms(), self.handover.next_ms(), self._quiet.next_ms())
        return min((at_ms for at_ms in soon if at_ms is not None), default=None)

    def advance(self, batch: Batch) -> None:
        """Judge what the clock alone brings."""
        self._say(batch, self._fleet.look(batch.now_ms))
        deadline = self.engine.next_deadline()
        if deadline is not None and deadline <= batch.now_ms:
            step = self.engine.advance(batch.now_ms)
            if step.events or step.published:
                self._record(batch, (), step.events, step.published)
        self._look_quiet(batch)
        self._hand_over(batch)
        batch.pages += self.paging.look(self.engine.plan, batch.now_ms)
        pages, cancelled = self._watch.look(batch.now_ms)
        batch.pages += pages
        batch.cancelled += cancelled
        for node in self._watch.news():
            now = (node, self._fleet.state_of(node))
            if now not in batch.nodes:
                batch.nodes.append(now)

    def _hand_over(self, batch: Batch) -> None:
        """Where a shift has ended: let the claims of those who leave lapse, and tell the new shift what is open."""
        now_ms = batch.now_ms
        for change in self.handover.look(now_ms):
            for action in self.handover.lapses(change, self.engine.open_moments()):
                if self.engine.refuses(action) is None:
                    self._judge(batch, (action,))
            told = self.handover.told(change, self.engine.open_moments(), now_ms)
            if told is not None:
                plan, group = self.engine.plan, change.group
                page = f"{SHIFT}{group}/{change.at_ms}"
                notice = Notice(page=page, group=group, title=told[0], text=told[1], reason="a shift has ended")
                crew = self._rota.crew(plan, group, now_ms)
                batch.pages += self._notices.page(notice, plan.groups[group].channels, now_ms, crew)
        unstaffed = self.handover.staffing(now_ms)
        if unstaffed is not None:
            self._watch.audited(unstaffed, now_ms, {UNSTAFFED})

    def _taken(self, batch: Batch, taken: Taken) -> None:
        batch.accepted += taken.accepted
        batch.duplicates += taken.duplicates
        if taken.inputs:
            self._judge(batch, self._apart(taken), more=taken.more)
            self._watch.late(taken.inputs)

    def _apart(self, taken: Taken) -> tuple[Input, ...]:
        """Return what was taken in, marked where it is training."""
        return self._quiet.apart(taken.inputs, lambda at_ms: self.engine.casting_at(at_ms).plan)

    def _judge(self, batch: Batch, inputs: tuple[Input, ...], *, more: bool = False) -> None:
        self._judging = inputs
        step = self.engine.receive(inputs, batch.now_ms, more=more)
        self._judging = ()
        self._record(batch, inputs, step.events, step.published, more=more)

    def _record(
        self,
        batch: Batch,
        inputs: tuple[Input, ...],
        events: tuple[AnyEvent, ...],
        published: tuple[Moment, ...],
        *,
        more: bool = False,
    ) -> None:
        self.store.record(batch.now_ms, inputs, events, published, more=more)
        self.store.signals.begin()  # these are judged, whatever comes
        batch.entries += 1
        self._quiet.saw(inputs)
        self._quiet.published(published)
        batch.events.extend(map(self.persons.event, events))
        batch.published.extend(map(self.persons.moment, published))
        self._watch.published(published, batch.now_ms)
        for moment in published:
            if moment.change == FIRST:
                self._outbox.opened(moment)
        for event in events:
            if isinstance(event, _PAGING):
                self.auditor.decided(event.moment)
                about = self.engine.moment(event.moment)
                if about is not None:
                    pages, cancelled = self._outbox.decided(event, about, self.engine.plan, batch.now_ms)
                    batch.pages += self.paging.admit(pages, self.engine.plan, batch.now_ms)
                    if isinstance(event, StoodDown):
                        batch.pages += self.paging.stood_down(event, about, cancelled, batch.now_ms)
                    batch.cancelled += [*cancelled, *self.paging.cancelled(event.moment, cancelled)]
            elif isinstance(event, Refused):
                node, slash, device = event.witness.partition("/")
                if slash:
                    reason = f"held by {', '.join(event.held_by)}"
                    batch.commands.append((node, Command(do="refused", device=device, reason=reason)))


def _itself(name: str) -> str:
    return name


def _halves(item: Delivered) -> list[Delivered]:
    """Return the two halves of a message that is a list; [] of one that is none, or has one member."""
    try:
        members = msgspec.json.decode(item.payload, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    middle = len(members) // 2
    if not middle:
        return []
    parts = (members[:middle], members[middle:])
    return [msgspec.structs.replace(item, payload=msgspec.json.encode(part)) for part in parts]

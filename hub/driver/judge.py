"""The judge: the engine and the writing store, driven by whoever holds it. No thread, no queue, no wait.

Each kind of input is taken into a batch, message by message: one message is one `Engine.receive` is one entry of the
journal. Nothing is written before `write`, which commits everything taken since the last one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import msgspec

from andgate.errors import AndgateError, RefusedError, UsageError
from andgate.moment.engine import Engine
from andgate.moment.events import AnyEvent, Claimed, Paged, PageSkipped, Refused, StoodDown
from andgate.moment.moments import Moment
from andgate.moment.signals import Input, Replanned, Signal
from andgate.plan import PageStep, Plan
from andgate.wire.messages import Command, TimeReply
from hub.clock import HubClock
from hub.driver.auditor import Auditor
from hub.driver.batch import PERSONAL, Batch, Heard
from hub.driver.changeover import Changeover
from hub.driver.hands import Hands
from hub.driver.intake import (
    Accepted,
    Acted,
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
from hub.driver.mail import Mail
from hub.driver.stillness import Stillness
from hub.driver.timekeeper import Timekeeper
from hub.fleet.fleet import Fleet
from hub.fleet.watch import Watch
from hub.ingest.boots import Boots
from hub.ingest.gate import Gate
from hub.ingest.holes import Holes
from hub.ingest.taken import Taken
from hub.paging.paging import Paging
from hub.people.directory import Directory
from hub.people.handover import Handover
from hub.people.roster import Roster
from hub.quiet import Quiet
from hub.store import PageFate, PageRow, People, Store, restore
from hub.store.crew import Crew, Mate
from hub.store.drills import statements
from hub.store.notices import Notice, Notices
from hub.store.outbox import Outbox
from hub.store.pages import Receipt
from hub.store.persons import Persons
from hub.store.rows import TEST
from hub.store.store import FIRST
from hub.store.taps import Taps

_log = logging.getLogger(__name__)

_PAGING = (Paged, StoodDown, Claimed, PageSkipped)


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
        self.clock = clock
        self.reply = reply
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
        self.in_force = self.engine.plan
        """In force as of the last commit."""
        self.persons = Persons(store)
        """Whose names stand for the ids in the journal."""
        self.taps = Taps(store)
        """Which links in pages have been used."""
        self.boots = Boots(store)
        self.fleet = Fleet(store, self.in_force, clock.rate, self.boots.top)
        self.timekeeper = Timekeeper(store, clock, self.engine.now_ms)
        plans = [(since_ms, casting.plan) for since_ms, casting in self.engine.plans]
        self.gate = Gate(store, self.boots, plans, self.timekeeper.site_ms, self.fleet.behind)
        self.holes = Holes(self.boots.holed())
        for node, boot in self.fleet.boots().items():
            self.gate.born(node, boot, 0)
        self.people = People(store.data)
        """Who stands on which shift, and how they are reached."""
        self.rota = rota = Roster(self.people)
        """Who is paged by name."""
        self.handover = Handover(store, self.people, self.engine.plan)
        self.notices = Notices(store.pages, listen_only=listen_only)
        self.quiet = quiet = Quiet(
            store, self.engine.plan, self.engine.open_moments(), clock.now_ms(), listen_only=listen_only
        )
        self.watch = Watch(store, self.fleet, plan, listen_only=listen_only, rota=rota, why_not=quiet.fault_why_not)
        self.outbox = Outbox(store.pages, listen_only=listen_only, why_not=quiet.why_not, rota=rota)
        for _, known in plans:
            self.outbox.use_plan(known)
        self.paging = Paging(
            store.pages,
            self.outbox,
            self._moment,
            self._ladder,
            self.engine.plan,
            clock.now_ms(),
            ways=Directory(self.people, lambda: self.engine.plan),
            why_not=self._why_not,
        )
        self.auditor = Auditor(store, clock, listen_only=listen_only, quiet=quiet.kept)
        self.hands = Hands(self)
        self._mail = Mail(self)
        self._stillness = Stillness(self)
        self._changeover = Changeover(self)

    def begin(self) -> Batch:
        """Put the wanted plan in force and judge what fell due meanwhile."""
        plan, source = self._wanted
        batch = Batch(self.clock.now_ms())
        if self.store.entry == 0 or self.engine.plan.version != plan.version:
            self._replan(batch, plan, source)
        for node in list(self.store.coverage.unheard):  # in a journal older than that word
            self.say(batch, self._mail.first_heard(node, batch.now_ms))
        self._stillness.recall()
        listening = self.quiet.listening(batch.now_ms)
        if listening is not None:
            self.decide(batch, (listening,))
        self.advance(batch)
        return batch

    def keep_time(self) -> None:
        """Look at the machine's clock; where site time jumps to it, everything that compares times goes along."""
        by_ms = self.timekeeper.look(self.engine.open_moments)
        if by_ms:
            self.boots.shift(by_ms)
            self.fleet.sight.jumped(self.clock.now_ms())

    def audit(self) -> bool:
        """Look whether every open threat has a next step; whether somebody must be told. Cheap where nothing is new."""
        return self.auditor.look(self.engine, self.watch)

    def write(self, now_ms: int) -> bool:
        """Commit everything taken; whether there was anything. StoreError if the disk refuses: try it again."""
        self.store.roll(now_ms)
        self.boots.flush()
        self.fleet.flush(now_ms)
        self.watch.flush()
        if not self.store.dirty:
            return False
        self.store.commit()
        self.in_force = self.engine.plan
        return True

    def take(self, batch: Batch, item: object) -> None:
        """Take any kind of input into `batch`."""
        self.store.signals.begin()
        if isinstance(item, Delivered):
            batch.tokens.append(item.token)
            before = (batch.accepted, batch.duplicates, self.store.quarantined)
            self._mail.message(batch, item)
            self._mail.count(batch, item, before)
        elif isinstance(item, PageFate | Receipt | Held | Drilled):
            self._became(batch, item)
        elif isinstance(item, Posted):
            self._posted(batch, item)
        elif isinstance(item, Acted):
            self.hands.acted(batch, item)
        elif isinstance(item, Tapped):
            self.hands.tapped(batch, item)
        elif isinstance(item, Asked):
            self._stillness.asked(batch, item)
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
            if item.state == "sent":
                self.auditor.sent(item.moment)
            else:
                self.auditor.decided(item.moment)
        elif isinstance(item, Receipt):
            self.received(batch, item)
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
            self.gate.unkeep(id, undigested=judging and len(signals) == 1)
        return bool(signals)

    def parts(self, item: object) -> list[Delivered]:
        """Return the halves of a list that could not be digested, so that its good members are judged; [] of others."""
        return _halves(item) if isinstance(item, Delivered) else []

    def restore(self) -> None:
        """Build the engine anew from what is committed."""
        self.engine = restore(self.store, self.in_force).engine

    def say(self, batch: Batch, own: list[Signal]) -> None:
        """Judge signals of the hub's own."""
        taken = Taken()
        for signal in own:
            self.gate.own(signal, taken)
        self.take_in(batch, taken)

    def _moment(self, id: str) -> Moment | None:
        """Return a moment as the engine has it now, which may be another engine after a fault."""
        return self.engine.moment(id)

    def _why_not(self, row: PageRow, moment: Moment | None, now_ms: int) -> str | None:
        """Return why nobody may be told now what a page told that reached nobody; None: they may."""
        if moment is None:
            return self.watch.calls.why_not(row, now_ms)
        return self.quiet.why_not(moment, row.group, row.person, now_ms)

    def _ladder(self, moment: str) -> tuple[PageStep, ...]:
        """Return the steps by which an open moment is paged."""
        return next((outlook.steps for outlook in self.engine.outlooks({moment})), ())

    def received(self, batch: Batch, receipt: Receipt) -> None:
        """Take a receiver's word that it has a page, or that somebody saw it."""
        waited = receipt.id in self.store.pages.queued
        for row in self.paging.received(receipt):
            if waited and row.id == receipt.id:
                batch.cancelled.append(row.id)  # who has it need not get it again
            what: Literal["delivered", "read"] = "read" if receipt.read else "delivered"
            channel = row.channel if row.person is None else PERSONAL
            batch.heard.append(Heard(channel, what, (receipt.at_ms - row.decided_ms) / 1000))
            self.auditor.decided(row.moment)

    # ---------------------------------------------------------------------------------------------- asked for

    def _posted(self, batch: Batch, item: Posted) -> None:
        try:
            taken = self.gate.feeds.posted(item.feed, item.members, batch.now_ms)
        except AndgateError as wrong:
            refusal = wrong
            self.watch.took("feed", item.feed, batch.now_ms, 0, 0, 1, str(wrong))
            batch.answers.append(lambda: item.future.set_exception(refusal))
            return
        if item.members:
            self.watch.took("feed", item.feed, batch.now_ms, taken.accepted, taken.duplicates, 0, "")
        self.take_in(batch, taken)
        result = Accepted(taken.accepted, taken.duplicates)
        batch.answers.append(lambda: item.future.set_result(result))

    def _drilled(self, batch: Batch, item: Drilled) -> None:
        """Write a drill down; what it found dead is a fault until a drill finds it well."""
        for statement, values in statements(item.drill):
            self.store.row(statement, values)
        if item.checked:
            self.watch.drilled(item.found, item.checked, batch.now_ms)

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
        batch.pages += self.notices.page(notice, (), batch.now_ms, crew)
        batch.answers.append(lambda: item.future.set_result(notice.page))

    def _replaced(self, batch: Batch, item: Replaced) -> None:
        if item.plan.version != self.engine.plan.version:
            self._replan(batch, item.plan, item.source)
        batch.answers.append(lambda: item.future.set_result(item.plan.version))

    def _replan(self, batch: Batch, plan: Plan, source: str) -> None:
        self.say(batch, self.fleet.leave(plan, batch.now_ms))
        self.store.plan(plan, batch.now_ms, source)
        self.decide(batch, (Replanned(plan=plan, at_ms=batch.now_ms),))
        self.store.use_plan(plan)
        self.gate.use_plan(plan, batch.now_ms)
        self.fleet.use_plan(plan)
        self.watch.use_plan(plan)
        self.quiet.use_plan(plan)
        self.outbox.use_plan(plan)
        self.handover.use_plan(plan)
        self.say(batch, self.fleet.join(batch.now_ms))
        batch.plan = plan

    # ---------------------------------------------------------------------------------------------- judging

    def next_ms(self) -> int | None:
        """Return when the clock alone has something to judge."""
        house = (self.fleet.next_ms(), self.watch.next_ms(), self.soon_ms())
        return min((at_ms for at_ms in house if at_ms is not None), default=None)

    def soon_ms(self) -> int | None:
        """Return when people notice that the clock has something to judge: what is only the house's can wait."""
        soon = (self.engine.next_deadline(), self.paging.next_ms(), self.handover.next_ms(), self.quiet.next_ms())
        return min((at_ms for at_ms in soon if at_ms is not None), default=None)

    def advance(self, batch: Batch) -> None:
        """Judge what the clock alone brings."""
        self.say(batch, self.fleet.look(batch.now_ms))
        deadline = self.engine.next_deadline()
        if deadline is not None and deadline <= batch.now_ms:
            step = self.engine.advance(batch.now_ms)
            if step.events or step.published:
                self._record(batch, (), step.events, step.published)
        self._stillness.look(batch)
        self._changeover.look(batch)
        batch.pages += self.paging.look(self.engine.plan, batch.now_ms)
        pages, cancelled = self.watch.look(batch.now_ms)
        batch.pages += pages
        batch.cancelled += cancelled
        for node in self.watch.news():
            now = (node, self.fleet.state_of(node))
            if now not in batch.nodes:
                batch.nodes.append(now)

    def take_in(self, batch: Batch, taken: Taken) -> None:
        """Judge the signals of one message or request, and count them."""
        batch.accepted += taken.accepted
        batch.duplicates += taken.duplicates
        if taken.inputs:
            marked = self.quiet.apart(taken.inputs, lambda at_ms: self.engine.casting_at(at_ms).plan)
            taken.inputs = list(marked)
            self.decide(batch, marked, more=taken.more)
            self.watch.late(taken.inputs)

    def decide(self, batch: Batch, inputs: tuple[Input, ...], *, more: bool = False) -> None:
        """Let the engine take these in: one step of it, one entry of the journal."""
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
        self.quiet.saw(inputs)
        self.quiet.published(published)
        batch.events.extend(map(self.persons.event, events))
        batch.published.extend(map(self.persons.moment, published))
        self.watch.published(published, batch.now_ms)
        for moment in published:
            if moment.change == FIRST:
                self.outbox.opened(moment)
        for event in events:
            if isinstance(event, _PAGING):
                self.auditor.decided(event.moment)
                about = self.engine.moment(event.moment) or _published(event.moment, published)
                if about is not None:
                    pages, cancelled = self.outbox.decided(event, about, self.engine.plan, batch.now_ms)
                    batch.pages += self.paging.admit(pages, self.engine.plan, batch.now_ms)
                    if isinstance(event, StoodDown):
                        batch.pages += self.paging.stood_down(event, about, cancelled, batch.now_ms)
                    batch.cancelled += [*cancelled, *self.paging.cancelled(event.moment, cancelled)]
            elif isinstance(event, Refused):
                node, slash, device = event.witness.partition("/")
                if slash:
                    reason = f"held by {', '.join(event.held_by)}"
                    batch.commands.append((node, Command(do="refused", device=device, reason=reason)))


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


def _published(id: str, published: tuple[Moment, ...]) -> Moment | None:
    """Return the last publication of a moment: a hub that was away for a day lets go of it while it ends it."""
    return next((moment for moment in reversed(published) if moment.id == id), None)

"""Crashes between any two steps: taking in, judging, committing, receipting, sending a page, recording its fate.

The parts are the hub's own (gatekeeper, engine, store, outbox), without threads, so that a crash can come between any
two of their steps: what is on the disk then is what a kill -9 would leave. A node, a feed and a notify worker do around
them what theirs do: keep until receipted, post again until answered, send what is queued and then say so.

At the end everything is healed, and what was receipted or answered must have been judged exactly as the obvious fold
says; every page must have gone out, and a second time only if it was marked.
"""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from andgate.moment.engine import Engine
from andgate.moment.signals import Action, ActionKind, Signal
from andgate.plan import parse_plan
from andgate.wire.codec import format_time
from andgate.wire.messages import FeedSignal
from hub.clock import HandClock
from hub.driver.batch import Batch
from hub.driver.intake import Accepted, Acted, Delivered, Posted
from hub.driver.judge import Judge
from hub.store import PageFate, PageRow, Reader, Store, StoreError
from hub.store.journal import decode_body, encode_body
from hub.store.pages import Receipt as PageReceipt
from tests.hub.desk import PLAN, ROOT, START_MS, as_killed
from tests.library.fold import in_line, judge
from tests.library.watch import judged_of

ACTIONS: tuple[ActionKind, ...] = ("claim", "unclaim", "void", "unvoid")
DEVICES = {"desk-a1": ("mot", ("pressed", "reset")), "mark-a": ("mark", ("reached", "cleared"))}
BOOTED_MS = START_MS - 10_000
"""When the nodes' monotonic clocks began."""
STORMY = PLAN.replace(
    'name = "Supervisors"\n',
    'name = "Supervisors"\nbundles_from = 2\nbundles_within = "10m"\npages_most = 1\npages_within = "1h"\n',
    1,
)
"""Two threats are a storm already, and a second further page is one too many."""
plan = parse_plan(STORMY)


class Node:
    """A node with its spool: what is pressed is kept until the hub has receipted it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.device, self.words = DEVICES[name]
        self.all: list[dict[str, Any]] = []
        self.kept: list[dict[str, Any]] = []

    def see(self, word: int, now_ms: int) -> None:
        mono = (now_ms - BOOTED_MS) / 1000
        said = {"device": self.device, "signal": self.words[word], "seq": len(self.all) + 1, "boot": "b1", "mono": mono}
        self.all.append(said)
        self.kept.append(said)

    def message(self, first: int, many: int, now_ms: int) -> bytes:
        sent = (now_ms - BOOTED_MS) / 1000
        members = [{**said, "sent": sent} for said in (self.kept or self.all)[first : first + many]]
        return json.dumps(members[0] if len(members) == 1 else members).encode()

    def signals(self) -> list[Signal]:
        return [
            Signal(
                id=f"n/{self.name}/b1/{said['seq']}",
                name=said["signal"],
                touchpoint="counter-a",
                at_ms=round(said["mono"] * 1000) + BOOTED_MS,
                received_ms=round(said["mono"] * 1000) + BOOTED_MS,
                source=self.name,
                device=f"{self.name}/{self.device}",
                boot_rank=1,
                seq=said["seq"],
            )
            for said in self.all
        ]


class Crashes(RuleBasedStateMachine):
    """One hub and what is around it, in steps that may each be the last."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.lives = itertools.count()
        self.data = self.folder / "data"
        self.data.mkdir()
        self.clock = HandClock(START_MS)
        self.nodes = {name: Node(name) for name in DEVICES}
        self.feed: list[tuple[int, FeedSignal]] = []
        self.answered: dict[str, tuple[int, FeedSignal]] = {}
        self.numbers = itertools.count(1)
        self.acted: list[Action] = []
        self.sent: list[PageRow] = []
        self.full = False
        self.live()

    # ------------------------------------------------------------------------------------------ the hub's lives

    def live(self) -> None:
        self.judge = Judge(Store(self.data), plan, self.clock, plan_source=STORMY)
        self.worker = [row for row in self.judge.store.pages.queued.values() if not row.told_in]
        self.unsaid: list[PageFate] = []
        self.posts: list[tuple[Posted, list[tuple[int, FeedSignal]]]] = []
        self.acts: list[tuple[Acted, Action]] = []
        self.batch = self.judge.begin()
        self.judge.write(self.clock.now_ms())
        self.after()

    def after(self) -> None:
        """What follows a commit: pages to the worker, receipts to the nodes, answers to those who asked."""
        store = self.judge.store
        out = self.batch.committed(store.head, quarantined=0, took_s=0.0)
        gone = {row.id for row in self.worker if row.id in out.cancelled}
        self.worker = [row for row in [*self.worker, *out.pages] if row.id not in gone and row.id not in out.cancelled]
        for name, receipt in out.receipts:
            node = self.nodes[name]
            upto, ranges = receipt.seq, receipt.also
            node.kept = [
                said
                for said in node.kept
                if said["seq"] > upto and not any(low <= said["seq"] <= high for low, high in ranges)
            ]
        for answer in self.batch.answers:
            answer()
        for item, members in self.posts:
            if isinstance(item.future.result(0), Accepted):
                self.answered |= {member.id: (at_ms, member) for at_ms, member in members}
                self.feed = [each for each in self.feed if each not in members]
        self.acted += [action for item, action in self.acts if item.future.exception(0) is None]
        self.posts, self.acts = [], []
        self.batch = Batch(self.clock.now_ms())

    @rule()
    def crash(self) -> None:
        """A kill -9: what is committed is there, and nothing else."""
        copy = as_killed(self.data, self.folder / f"life-{next(self.lives)}")
        self.judge.store.close()
        self.data = copy
        self.full = False
        self.live()

    @rule()
    def commit(self) -> None:
        if not self.full:
            self.judge.advance(self.batch)
        try:
            self.judge.write(self.batch.now_ms)
        except StoreError:
            assert self.full, "only a full disk refuses"
        else:
            self.after()

    @rule()
    def fill_or_free_the_disk(self) -> None:
        self.full = not self.full
        pages = self.judge.store.db.execute("pragma page_count").fetchone()[0]
        self.judge.store.db.execute(f"pragma max_page_count = {pages if self.full else 2**30}")

    # ------------------------------------------------------------------------------------------ what comes in

    @initialize()
    def a_press(self) -> None:
        self.nodes["desk-a1"].see(0, self.clock.now_ms())

    @rule(name=st.sampled_from(sorted(DEVICES)), word=st.integers(0, 1))
    def somebody_or_something_moves(self, name: str, word: int) -> None:
        self.nodes[name].see(word, self.clock.now_ms())

    @rule(name=st.sampled_from(sorted(DEVICES)), first=st.integers(0, 3), many=st.integers(1, 5))
    def a_message_arrives(self, name: str, first: int, many: int) -> None:
        node = self.nodes[name]
        if (node.kept or node.all)[first:]:
            payload = node.message(first, many, self.clock.now_ms())
            self.take(Delivered(f"{ROOT}/node/{name}/signal", payload, False, self.clock.now_ms(), 1))

    @rule(signal=st.sampled_from(["docked", "unloaded", "jammed", "cancelled"]), flight=st.integers(1, 2))
    def a_feed_sees(self, signal: str, flight: int) -> None:
        id = f"ops-{next(self.numbers)}"
        key = None if signal == "jammed" else f"AG{flight}/2026-11-21"
        self.feed.append((self.clock.now_ms(), FeedSignal(id=id, touchpoint="belt-3", signal=signal, key=key)))

    @precondition(lambda self: self.feed)
    @rule()
    def a_feed_posts_all_that_is_not_answered(self) -> None:
        members = list(self.feed)
        said = [msgspec.structs.replace(each, at=format_time(at_ms)) for at_ms, each in members]
        item = Posted(said, "ops", Future())
        self.posts.append((item, members))
        self.take(item)

    @rule(do=st.sampled_from(ACTIONS), which=st.integers(0, 5))
    def a_person_acts(self, do: ActionKind, which: int) -> None:
        known = sorted(self.judge.engine.moments(), key=lambda moment: (moment.opened_ms, moment.id))
        if not known:
            return
        moment = known[which % len(known)]
        action = Action(
            id=f"a/{next(self.numbers)}", do=do, moment=moment.id, at_ms=self.clock.now_ms(), by="p1", reason="why"
        )
        item = Acted(action, Future())
        self.take(item)
        self.acts.append((item, msgspec.structs.replace(action, moment=moment.anchor)))

    def take(self, item: object) -> None:
        self.batch.now_ms = self.clock.now_ms()
        self.judge.take(self.batch, item)

    @rule(ms=st.sampled_from([1, 40, 1_000, 2_500, 29_000, 90_000, 180_000, 400_000]))
    def time_passes(self, ms: int) -> None:
        self.clock.advance(ms)
        self.batch.now_ms = self.clock.now_ms()

    # ------------------------------------------------------------------------------------------ what goes out

    @precondition(lambda self: self.worker)
    @rule()
    def the_worker_sends_a_page(self) -> None:
        row = self.worker.pop(0)
        self.sent.append(row)
        self.unsaid.append(
            PageFate(
                id=row.id,
                moment=row.moment,
                state="sent",
                note="",
                tries=row.tries + 1,
                due_ms=row.due_ms,
                sent_ms=self.clock.now_ms(),
            )
        )

    @precondition(lambda self: self.worker)
    @rule(where=st.sampled_from(["first", "last"]))
    def a_page_reaches_nobody(self, where: str) -> None:
        row = self.worker.pop(0 if where == "first" else -1)
        now_ms = self.clock.now_ms()
        self.unsaid.append(PageFate(row.id, row.moment, "failed", "no such number", row.tries + 1, now_ms))

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 5), read=st.booleans())
    def a_receiver_says_that_it_has_it(self, which: int, read: bool) -> None:
        row = self.sent[which % len(self.sent)]
        self.take(PageReceipt(row.id, row.moment, self.clock.now_ms(), read))

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 5))
    def somebody_answers(self, which: int) -> None:
        page = self.sent[which % len(self.sent)].page
        said = json.dumps({"page": page, "do": "seen", "by": "p2"}).encode()
        self.take(Delivered(f"{ROOT}/answer", said, False, self.clock.now_ms(), 1))

    @precondition(lambda self: self.unsaid)
    @rule()
    def the_worker_says_so(self) -> None:
        self.take(self.unsaid.pop(0))

    # ------------------------------------------------------------------------------------------ what must hold

    @invariant()
    def nothing_is_receipted_that_is_not_on_the_disk(self) -> None:
        stored = {row[0] for row in self.judge.store.db.execute("select id from signal where state = 0")}
        for node in self.nodes.values():
            kept = {said["seq"] for said in node.kept}
            for said in node.all:
                assert said["seq"] in kept or f"n/{node.name}/b1/{said['seq']}" in stored
        assert {f"f/{id}" for id in self.answered} <= stored

    @invariant()
    def no_page_went_out_twice_unmarked(self) -> None:
        plain = Counter((row.page, row.kind, row.group, row.channel) for row in self.sent if not row.again)
        assert not [page for page, times in plain.items() if times > 1]

    def teardown(self) -> None:
        """Heal everything, let everything end, and compare."""
        try:
            self.heal()
            self.compare()
        finally:
            self.judge.store.close()
            shutil.rmtree(self.folder)

    def heal(self) -> None:
        if self.full:
            self.fill_or_free_the_disk()
        for name, node in self.nodes.items():
            while node.kept:
                self.a_message_arrives(name, 0, 500)
                self.commit()
        if self.feed:
            self.a_feed_posts_all_that_is_not_answered()
        self.commit()
        for ms in (3 * 60_000, 30 * 60_000, 2 * 3_600_000):
            self.time_passes(ms)
            self.commit()
        while self.worker or self.unsaid or self.judge.paging.next_ms() is not None:
            self.time_passes(1_000)
            if self.worker:
                self.the_worker_sends_a_page()
            while self.unsaid:
                self.the_worker_says_so()
            self.commit()

    def compare(self) -> None:
        signals = [signal for node in self.nodes.values() for signal in node.signals()]
        signals += [_of_feed(at_ms, member) for at_ms, member in self.answered.values()]
        reader = Reader(self.data)
        try:
            stored = reader.moments(limit=10_000).items
            pages = reader.pages(limit=10_000).items
        finally:
            reader.close()
        # What was said of a moment that turned out to be part of another: its void does not move over (rule 9).
        anchors = {moment.anchor for moment in stored}
        acted = [action for action in self.acted if action.do != "void" or action.moment in anchors]
        wanted = judge(signals, acted, plan, self.clock.now_ms())
        assert in_line(map(judged_of, stored)) == wanted
        assert not [row for row in pages if row.state == "queued"]
        told = {row.id for row in self.sent}
        heard = {row.page for row in pages if row.id in told} | {
            row.page for row in pages if row.delivered_ms is not None and row.id not in told
        }
        sent = [row for row in pages if row.state == "sent"]
        assert [row for row in sent if row.id not in told and row.told_in not in heard] == []
        assert [row for row in pages if row.state in {"cancelled", "failed"} and not row.note] == []
        self.everybody_told_knows_that_it_is_over(sent, pages)
        self.replay()

    def everybody_told_knows_that_it_is_over(self, sent: list[PageRow], pages: tuple[PageRow, ...]) -> None:
        """Once for each end, over the same channel: those too who were told in place of others, or with others."""
        ends = Counter((row.moment, row.page, row.group, row.channel) for row in pages if row.kind == "over")
        assert max(ends.values(), default=1) == 1
        over = {
            (row.moment, row.group, row.channel) for row in pages if row.kind == "over" and row.state != "cancelled"
        }
        for row in sent:
            # One that went out just when it was called back was told to nobody, as far as anybody knew.
            if row.kind == "page" and row.about is not None and not row.note.startswith("sent just before"):
                assert (row.moment, row.group, row.channel) in over, row

    def replay(self) -> None:
        """The journal says the same again, byte for byte."""
        engine: Engine | None = None
        for entry in self.judge.store.entries(1):
            body = decode_body(entry.body)
            if engine is None:
                engine = Engine(plan)
            step = engine.receive(body.in_, body.now, more=body.more) if body.in_ else engine.advance(body.now)
            again = msgspec.structs.replace(body, events=step.events, moments=step.published)
            assert encode_body(again) == entry.body


def _of_feed(at_ms: int, member: FeedSignal) -> Signal:
    return Signal(
        id=f"f/{member.id}",
        name=member.signal,
        touchpoint=member.touchpoint,
        at_ms=at_ms,
        received_ms=at_ms,
        source="ops",
        key=member.key,
    )


Crashes.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
test_crashes = Crashes.TestCase

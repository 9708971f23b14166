"""The thread that says on MQTT what a commit made true. States are said once for many commits, verdicts each.

Receipts and commands go first: somebody waits for them. What is only to be known waits a little while the driver still
has signals to judge, because a burst is over sooner if nobody talks in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from andgate.moment.moments import Moment
from andgate.plan import Plan
from andgate.wire.codec import encode, encode_moment, format_time
from andgate.wire.messages import MAX_PAYLOAD_BYTES, Chain, FeedReceipt, HubBeat, HubState, Receipt
from andgate.wire.topics import Topics
from hub.clock import HubClock
from hub.driver import Committed, Driver
from hub.fleet.wanted import node_config
from hub.quiet import View
from hub.signs.boards import Boards
from hub.signs.signs import Signs, hushes
from hub.store import PageRow

HANGS_S = 30.0
"""Real seconds: it comes round every few."""
BEAT_S = 1.5
"""Real seconds between beats. Lamps, signs and buzzers tell within 5 s that the hub is gone, however silently: they
wait for two and a half beats, because one may be late. QoS 0, so that 2,000 nodes have nothing to confirm."""
HEAD_EVERY_S = 60.0
"""Site seconds after which a new head of the journal is published; it is evidence, not a heartbeat."""
BATCH_MOST = 256
SIGNS_WAIT_S = 0.25
VERDICTS_WAIT_S = 2.0
"""Site seconds that states and verdicts wait at most while the driver is busy."""
LOOK_S = 0.02
"""Real seconds between looks whether it still is."""
ROOM_BYTES = MAX_PAYLOAD_BYTES - 1024
"""For the ids in one receipt."""


class Speaker(Protocol):
    """What the announcer needs of the link."""

    @property
    def connected(self) -> bool:
        """Whether the broker has us now."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish, with QoS 1 unless it is said again soon anyway."""


class Announcer:
    """Publishes retained states, verdicts, receipts, commands and configurations."""

    def __init__(
        self,
        driver: Driver,
        clock: HubClock,
        link: Speaker,
        topics: Topics,
        pages: Callable[[str], Iterable[PageRow]] = lambda _moment: (),
    ) -> None:
        """Prepare; `start` begins. `pages` returns every delivery of a moment, committed."""
        self._driver = driver
        self._clock = clock
        self._link = link
        self._topics = topics
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        self._plan = driver.plan
        self._signs = Signs(self._plan.touchpoints, ())
        self._pages = pages
        self._boards = Boards(self._plan, (), pages)
        self._configs: dict[str, bytes] = {}
        self._said_entry = -1
        self._said_s = 0.0
        self._beat_s = 0.0
        self._looked_s = clock.mono_s()
        """When it came round last."""
        self._verdicts: list[Moment] = []
        self._verdicts_s = 0.0
        """When the first of the verdicts that wait was due."""
        self._signs_s = 0.0
        """When the states were said last."""
        clock.subscribe(self.wake)

    def start(self) -> None:
        """Begin with what is open now; call it when the driver has started and before it is given anything."""
        self._plan = self._driver.plan
        self._signs = Signs(self._plan.touchpoints, self._driver.open_moments())
        everything = (*self._driver.open_moments(), *self._driver.open_tasks())
        self._boards = Boards(self._plan, everything, self._pages)
        self._hush(self._driver.quiet)
        self._thread.start()

    def committed(self, out: Committed) -> None:
        """Take what a commit made true; the driver's listener."""
        self._queue.put(out)

    def connected(self) -> None:
        """The broker is there (again): say everything."""
        self._queue.put("connected")

    def wake(self) -> None:
        """Look at the clock again."""
        self._queue.put(None)

    def hangs(self) -> str | None:
        """Why nobody may rely on its going on, in words: it has not come round for too long."""
        if (self._clock.mono_s() - self._looked_s) / self._clock.rate <= HANGS_S:
            return None
        return "the worker that tells lamps and signs hangs"

    def stop(self) -> None:
        """Say what is left to say and end."""
        if self._thread.is_alive():
            self._queue.put("stop")
            self._thread.join()

    def _run(self) -> None:
        while True:
            items: list[object] = []
            self._looked_s = self._clock.mono_s()
            wait_s = self._wait_s()
            try:
                items.append(self._queue.get(timeout=wait_s))
                while len(items) < BATCH_MOST:
                    items.append(self._queue.get_nowait())
            except Empty:
                pass
            self._say(items)
            if "stop" in items:
                return

    def _wait_s(self) -> float:
        if self._verdicts or ((self._signs.stale or self._boards.stale) and self._link.connected):
            return LOOK_S
        wait_s = BEAT_S
        if self._link.connected:
            wait_s = max(0.0, BEAT_S - self._clock.real_s(self._clock.mono_s() - self._beat_s))
        for next_ms in (self._signs.next_ms(), self._boards.next_ms()):
            if next_ms is not None and self._link.connected:  # else a connection says everything anew
                wait_s = min(wait_s, max(0.0, self._clock.real_s((next_ms - self._clock.now_ms()) / 1000)))
        return wait_s

    def _say(self, items: list[object]) -> None:
        receipts: dict[tuple[str, str], Receipt] = {}
        online = self._link.connected
        if "connected" in items:
            self._signs.forget_said()
            self._boards.forget_said()
            self._configs.clear()
            self._said_entry = -1
            self._hub_state()
            self._configure(self._plan)
        for item in items:
            if isinstance(item, Committed):
                for node, receipt in item.receipts:
                    receipts[node, receipt.boot] = receipt
        if online:
            for (node, _), receipt in receipts.items():
                self._link.publish(self._topics.node_receipt(node), encode(receipt))
        for item in items:
            if isinstance(item, Committed):
                self._committed(item, online=online)
        self._say_states(online=online, now="stop" in items or not self._driver.busy)

    def _say_states(self, *, online: bool, now: bool) -> None:
        now_s = self._clock.mono_s()
        if online and self._clock.real_s(now_s - self._beat_s) >= BEAT_S:
            self._beat_s = now_s
            beat = HubBeat(session=self._driver.session, at=format_time(self._clock.now_ms()))
            self._link.publish(self._topics.hub_beat, encode(beat), qos=0)
        if self._verdicts and (now or now_s - self._verdicts_s >= VERDICTS_WAIT_S):
            verdicts, self._verdicts = self._verdicts, []
            for moment in verdicts:
                self._link.publish(self._topics.verdict, encode_moment(moment))
        if online and (now or now_s - self._signs_s >= SIGNS_WAIT_S):
            self._signs_s = now_s
            for touchpoint, payload in self._signs.changes(self._clock.now_ms()):
                self._link.publish(self._topics.touchpoint_moment(touchpoint), payload, retain=True)
            for group, payload in self._boards.changes(self._clock.now_ms()):
                self._link.publish(self._topics.group_board(group), payload, retain=True)
            if now_s - self._said_s >= HEAD_EVERY_S:
                self._hub_state()

    def _committed(self, item: Committed, *, online: bool) -> None:
        real = [moment for moment in item.published if moment.training is None]  # others must not count what is not
        if real and not self._verdicts:
            self._verdicts_s = self._clock.mono_s()
        self._verdicts += real
        for moment in item.published:
            if moment.remedies is None:  # a lamp and a sign tell of promises; what one that broke owes is no countdown
                self._signs.published(moment)
            self._boards.published(moment)
        self._boards.paged(item.events, item.pages)
        if online:
            for node, command in item.commands:
                self._link.publish(self._topics.node_command(node), encode(command))
            for feed, ids in item.feeds:
                for some in in_messages(ids):
                    self._link.publish(self._topics.feed_receipt(feed), encode(FeedReceipt(ids=some)))
        if item.plan is not None:
            self._replan(item.plan)
        if item.quiet is not None:
            self._hush(item.quiet)

    def _hush(self, view: View) -> None:
        """Let what sounds and shows know what is quiet."""
        now_ms = max(view.at_ms, self._clock.now_ms())
        self._signs.hushed(hushes(view, self._plan, now_ms))
        self._boards.hush(view, now_ms)

    def _replan(self, plan: Plan) -> None:
        for node in set(self._plan.nodes) - set(plan.nodes):
            self._configs.pop(node, None)
            self._link.publish(self._topics.node_config(node), b"", retain=True)
        for touchpoint in self._signs.use_plan(plan.touchpoints):
            self._link.publish(self._topics.touchpoint_moment(touchpoint), b"", retain=True)
        for group in self._boards.use_plan(plan):
            self._link.publish(self._topics.group_board(group), b"", retain=True)
        self._plan = plan
        self._configure(plan)

    def _configure(self, plan: Plan) -> None:
        for node in plan.nodes.values():
            payload = encode(node_config(plan, node))
            if payload != self._configs.get(node.id):
                self._configs[node.id] = payload
                self._link.publish(self._topics.node_config(node.id), payload, retain=True)

    def _hub_state(self) -> None:
        head = self._driver.chain
        self._said_s = self._clock.mono_s()
        if head.entry == self._said_entry:
            return
        self._said_entry = head.entry
        self._link.publish(self._topics.hub_state, self.state("online"), retain=True)

    def state(self, state: str) -> bytes:
        """Return ``hub/state`` as it is now."""
        head = self._driver.chain
        return encode(
            HubState(
                state="online" if state == "online" else "stopped",
                session=self._driver.session,
                epoch=self._driver.epoch,
                at=format_time(self._clock.now_ms()),
                chain=Chain(entry=head.entry, hash=head.hash),
                beat_s=BEAT_S if state == "online" else None,
            )
        )


def in_messages(ids: Sequence[str]) -> Iterator[list[str]]:
    """Yield ids in as few receipts as surely are no longer than a message may be."""
    some: list[str] = []
    room = ROOM_BYTES
    for each in ids:
        most_bytes = 4 * len(each) + len('"",')
        if most_bytes > room:
            yield some
            some, room = [], ROOM_BYTES
        some.append(each)
        room -= most_bytes
    if some:
        yield some

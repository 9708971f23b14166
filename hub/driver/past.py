"""The past: the hub's own gate, engine and store with their `now` given, so that a month is judged in a minute.

It has no thread, no broker and no outside: pages are handed to the caller and count as sent, and it commits now and
then instead of at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from andgate.moment.moments import Moment
from andgate.moment.signals import Action
from andgate.plan import Plan
from hub.clock import HandClock
from hub.driver.batch import Batch
from hub.driver.intake import Delivered
from hub.driver.judge import Judge
from hub.driver.keeper import Keeper
from hub.store import PageFate, PageRow, Store

ENTRIES_A_COMMIT = 2_000
UNSAFE_ENTRIES_A_COMMIT = 20_000
_UNSAFE = ("pragma synchronous = off", "pragma cache_size = -400000")


class Heard(Struct, frozen=True):
    """What came of some messages."""

    pages: tuple[PageRow, ...]
    """Deliveries that went out."""
    published: tuple[Moment, ...]
    """Publications in order."""


class Past:
    """Judges what happened in the past, in the order of its time; belongs to one thread."""

    def __init__(self, data: Path, plan: Plan, plan_text: str, *, now_ms: int, unsafe: bool = False) -> None:
        """Open (or make) the data folder's database and go on from what it holds, no earlier than `now_ms`.

        Args:
            data: the folder.
            plan: in force from now on.
            plan_text: where it was read from.
            now_ms: site time at which it begins.
            unsafe: wait for no disk and commit seldom, with 400 MB of memory: a power cut leaves a broken database.
                For what can be made again.
        """
        self._clock = HandClock(now_ms)
        self._entries_a_commit = UNSAFE_ENTRIES_A_COMMIT if unsafe else ENTRIES_A_COMMIT
        self._store = store = Store(data)
        if unsafe:
            for pragma in _UNSAFE:
                store.db.execute(pragma)
        try:
            self._judge = judge = Judge(store, plan, self._clock, plan_source=plan_text)
        except BaseException:
            store.close()
            raise
        self.newest_ms = judge.engine.now_ms
        """When the newest entry was made; 0 in a new journal."""
        self._clock.advance(max(0, self.newest_ms - now_ms))
        self._keeper = Keeper(store, self._clock, snapshot=judge.snapshot)
        self._keeper.start()
        self._batch = judge.begin()
        self._commit()

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self._judge.engine.plan

    def next_ms(self) -> int | None:
        """Return when the clock alone changes something next."""
        return self._judge.engine.next_deadline()

    def open_moments(self) -> tuple[Moment, ...]:
        """Return the open moments."""
        return self._judge.engine.open_moments()

    def hear(self, messages: Iterable[tuple[str, bytes]], now_ms: int) -> Heard:
        """Judge MQTT messages (topic, payload) one by one, as if they had just been delivered at `now_ms`."""
        self._clock.advance(now_ms - self._clock.now_ms())
        batch = self._batch
        batch.now_ms = now_ms
        pages, published = len(batch.pages), len(batch.published)
        for topic, payload in messages:
            self._judge.take(batch, Delivered(topic, payload, retained=False, received_ms=now_ms, token=0))
        self._judge.advance(batch)
        heard = self._sent(pages, published)
        if batch.entries >= self._entries_a_commit:
            self._commit()
        return heard

    def act(self, action: Action) -> Heard:
        """Take a person's action at the time of what was heard last, or raise a RefusedError."""
        pages, published = len(self._batch.pages), len(self._batch.published)
        self._judge.hands.act(self._batch, action)
        return self._sent(pages, published)

    def _sent(self, pages: int, published: int) -> Heard:
        """Count as sent what the batch has beyond so many pages; return that."""
        batch = self._batch
        heard = Heard(tuple(batch.pages[pages:]), tuple(batch.published[published:]))
        for row in heard.pages:
            at_ms = batch.now_ms
            fate = PageFate(id=row.id, moment=row.moment, state="sent", note="", tries=1, due_ms=at_ms, sent_ms=at_ms)
            self._store.pages.fate(fate)
        return heard

    def close(self) -> None:
        """Commit everything, keep a snapshot and let go of the folder."""
        try:
            self._commit()
            self._keeper.snapshot(self._judge.engine)
        finally:
            self._keeper.stop()
            self._store.close()

    def _commit(self) -> None:
        if self._judge.write(self._batch.now_ms):
            self._keeper.committed()
        self._batch = Batch(self._batch.now_ms)

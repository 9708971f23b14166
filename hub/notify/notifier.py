"""The worker that sends what is in the outbox: due, not cancelled, sent, recorded.

The commit that queues a page hands it to this worker; what became of it goes back through the driver into the same
database. A crash between sending and recording means that the page is sent again after the start, marked `again`.
An attempt that failed is made again with growing pauses, until it is over, claimed (where a claim cancels it), or
hopeless.

Pages over a channel that is prompt (the site's own broker) do not wait for this worker: the driver's thread itself
hands them over, first of all that follows a commit. What cannot go out that way at once takes the worker's.
"""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import NamedTuple

import msgspec

from andgate.plan import Channel as PlanChannel
from andgate.plan import Plan
from andgate.wire.messages import Page
from hub.clock import HubClock
from hub.driver import Committed, Driver
from hub.driver.batch import PERSONAL
from hub.notify.channels import Channel, Note, Result
from hub.people.directory import Directory
from hub.store import PageFate, PageRow

_log = logging.getLogger(__name__)

PAUSES_MS = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000)
"""Before the second, third, ... attempt; the last one again and again."""
TRIES_MOST = 30
HOLD_MS = 5_000
"""So long a page that surely did not go out waits until it is on record that it may do so now."""
HANGS_S = 30.0
"""Real seconds: it hands over and waits for nothing, so whatever is asked of it is done at once."""
PROMPT = "mqtt://"
"""Only these are asked whether they are prompt: others are made when they are needed."""
REMEMBERED = 10_000
_FURTHER = (":again:", ":reopened:", ":repeat:")
"""What the name of a page has that tells once more what was told."""


def rank(row: PageRow) -> int:
    """Say which of several deliveries goes first: 0 a first page, 1 one more of the same threat, 2 "over"."""
    if row.kind == "over":
        return 2
    return int(any(mark in row.page for mark in _FURTHER))


class Notifier:
    """Sends; one thread of its own."""

    def __init__(
        self,
        driver: Driver,
        clock: HubClock,
        make: Callable[[PlanChannel], Channel],
        *,
        sent: Callable[[str, float], None] | None = None,
        directory: Directory | None = None,
        answers: Callable[[PageRow], str | None] | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            driver: what is queued comes from it, and fates go to it.
            clock: site time.
            make: makes the channel for a plan's entry.
            sent: told of each page that surely went out: channel, seconds since it was decided.
            directory: knows the channels of people; None: there are none.
            answers: returns where a page can be answered, as a path of the hub's pages; None: nowhere.
        """
        self._answers = answers
        self._driver = driver
        self._clock = clock
        self._make = make
        self._sent = sent
        self._directory = directory
        self._plan = plan = driver.plan
        self._channels: dict[str, tuple[PlanChannel, Channel]] = {}
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._waiting: list[tuple[int, int]] = []
        self._rows: dict[int, PageRow] = {}
        self._cancelled: dict[int, None] = {}
        self._tries: dict[int, int] = {}
        self._drills: SimpleQueue[_Drilled] = SimpleQueue()
        """Notes that prove a channel: they go when nothing else is to be done."""
        self._unheld: set[int] = set()
        """Of these it is on record that they surely did not go out."""
        self._prompt = self._prompt_of(plan)
        """Prompt channels by id; the driver's thread's own."""
        self._asked_s: float | None = None
        """Since when it owes an answer."""
        self._thread = threading.Thread(target=self._run, name="notify", daemon=True)
        clock.subscribe(self.wake)

    # ---------------------------------------------------------------------------------------------- from any thread

    def start(self, unsent: Iterable[PageRow]) -> None:
        """Begin; `unsent` is what earlier sessions left in the outbox."""
        open_now = {moment.id for moment in (*self._driver.open_moments(), *self._driver.open_tasks())}
        now_ms = self._clock.now_ms()
        for row in unsent:
            if row.kind == "page" and row.about is not None and row.about not in open_now:
                fate = PageFate(
                    id=row.id,
                    moment=row.moment,
                    state="cancelled",
                    note="it was over before it could be sent",
                    tries=row.tries,
                    due_ms=now_ms,
                )
                self._driver.fate(fate)
            else:
                self._queue.put(row)
        self._thread.start()

    def committed(self, out: Committed) -> None:
        """Take what a commit queued and cancelled; the driver's listener."""
        if out.plan is not None:
            self._prompt = self._prompt_of(out.plan)
        rest = [row for row in out.pages if not self._sent_promptly(row, out)] if out.pages else []
        if rest or out.cancelled or out.plan is not None:
            self._queue.put(_Decided(out.plan, out.cancelled, rest))

    def _prompt_of(self, plan: Plan) -> dict[str, Channel]:
        made = {entry.id: self._make(entry) for entry in plan.channels.values() if entry.url.startswith(PROMPT)}
        return {id: channel for id, channel in made.items() if channel.prompt}

    def _sent_promptly(self, row: PageRow, out: Committed) -> bool:
        channel = self._prompt.get(row.channel)
        if channel is None or row.id in out.cancelled or row.due_ms > out.now_ms:
            return False
        channel.send(self._note(row, self._clock.now_ms()), lambda result: self._promptly(row, result))
        return True

    def _promptly(self, row: PageRow, result: Result) -> None:
        if result.sent:
            self._report_sent(row, result, row.tries + 1, self._clock.now_ms())
        else:
            self._queue.put(_Done(row, result))

    def drill(self, entry: PlanChannel, note: Note, begins: Callable[[], bool], done: Callable[[Result], None]) -> None:
        """Send a drill's note over a channel, from any thread, when nothing else is to be done.

        Args:
            entry: the channel.
            note: the note.
            begins: called when its turn has come; False: it is not sent any more.
            done: called once if it is sent, with what became of it.
        """
        self._drills.put(_Drilled(entry, note, begins, done))
        self.wake()

    def wake(self) -> None:
        """Look at the clock again, and at the channels: one may work again."""
        self._queue.put(None)

    def hangs(self) -> str | None:
        """Why nobody may rely on its going on, in words: what was asked here the last time waits for too long."""
        asked_s, now_s = self._asked_s, self._clock.mono_s()
        if asked_s is None:
            self._asked_s = now_s
            self._queue.put("answer")
        elif (now_s - asked_s) / self._clock.rate > HANGS_S:
            return "the worker that sends pages hangs"
        return None

    def connected(self) -> None:
        """The broker is there (again): whatever waited for it goes now."""
        self._queue.put("connected")

    def stop(self) -> None:
        """End the thread and close the channels; what was not sent waits in the outbox for the next start."""
        if self._thread.is_alive():
            self._queue.put("stop")
            self._thread.join()
        for _, channel in self._channels.values():
            channel.close()

    # ---------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._wait_s())
            except Empty:
                item = None if self._drills.empty() else self._drills.get_nowait()
            if item == "stop":
                return
            try:
                self._take(item)
                self._send_due()
            except Exception:  # noqa: BLE001 - what cannot be handled keeps back no page
                _log.exception("the worker that sends pages could not handle something")

    def _wait_s(self) -> float | None:
        """Return for how many real seconds nothing is to be done by itself; None: for ever."""
        if not self._drills.empty():
            return 0.0
        if not self._waiting:
            return None
        return max(0.0, self._clock.real_s((self._waiting[0][0] - self._clock.now_ms()) / 1000))

    def _take(self, item: object) -> None:
        if isinstance(item, PageRow):
            self._wait(item, min(item.due_ms, self._clock.now_ms()))  # a start is a reason to try at once
        elif isinstance(item, _Decided):
            self._take_decided(item)
        elif isinstance(item, _Done):
            self._report(item.row, item.result, self._clock.now_ms())
        elif isinstance(item, _Held):
            if item.row.id in self._rows:  # else it is cancelled, or went out already
                self._wait(item.row, self._clock.now_ms())
        elif isinstance(item, _Drilled):
            if item.begins():
                self._channel(item.entry).send(item.note, item.done)
        elif item == "connected":
            self._hurry()
        elif item == "answer":
            self._asked_s = None

    def _take_decided(self, item: _Decided) -> None:
        if item.plan is not None:
            self._plan = item.plan
        for id in item.cancelled:
            self._cancelled[id] = None
            self._rows.pop(id, None)
            self._unheld.discard(id)
        while len(self._cancelled) > REMEMBERED:
            del self._cancelled[next(iter(self._cancelled))]
        for row in item.pages:
            if row.id not in self._cancelled:
                self._wait(row, row.due_ms)

    def _hurry(self) -> None:
        """Let go now what waits for the broker."""
        now_ms = self._clock.now_ms()
        for id, row in self._rows.items():
            if (self._entry(row) or _NONE).url.startswith(PROMPT):
                heapq.heappush(self._waiting, (now_ms, id))

    def _wait(self, row: PageRow, due_ms: int) -> None:
        self._rows[row.id] = row
        heapq.heappush(self._waiting, (due_ms, row.id))

    def _send_due(self) -> None:
        now_ms = self._clock.now_ms()
        due: list[tuple[int, int, int, PageRow]] = []
        while self._waiting and self._waiting[0][0] <= now_ms:
            due_ms, id = heapq.heappop(self._waiting)
            row = self._rows.pop(id, None)  # gone: cancelled, or sent by an earlier due time
            if row is not None:
                due.append((rank(row), due_ms, id, row))
        for *_, row in sorted(due, key=lambda each: each[:3]):  # first pages first
            try:
                self._send(row, now_ms)
            except Exception as wrong:  # noqa: BLE001 - a fault of our own in one page keeps back no other, and loses none
                _log.error("page %s over channel %s could not be sent", row.page, row.channel, exc_info=wrong)
                fault = f"a fault of the hub's own: {type(wrong).__name__}"
                self._queue.put(_Done(row, Result(sent=False, note=fault)))

    def _send(self, row: PageRow, now_ms: int) -> None:
        if row.id in self._unheld:
            # As long as that is on record, a crash after it went out would send it again as if for the first time. On a
            # disk that takes nothing it goes nevertheless, marked already.
            self._unheld.discard(row.id)
            self._wait(msgspec.structs.replace(row, again=True), now_ms + HOLD_MS)
            self._driver.hold(row.id, row.moment, lambda: self._queue.put(_Held(row)))
            return
        entry = self._entry(row)
        if entry is None:
            whose = "this person" if row.person else "the plan"
            self._report(row, Result(sent=False, note=f"{whose} has no such channel any more", retry=False), now_ms)
            return
        link = not entry.url.startswith(PROMPT)  # a pager on the broker answers by itself
        self._channel(entry).send(
            self._note(row, now_ms, link=link), lambda result: self._queue.put(_Done(row, result))
        )

    def _channel(self, entry: PlanChannel) -> Channel:
        known = self._channels.get(entry.id)
        if known is None or known[0] != entry:
            if known is not None:
                known[1].close()
            known = self._channels[entry.id] = (entry, self._make(entry))
        return known[1]

    def _entry(self, row: PageRow) -> PlanChannel | None:
        """Return the channel with its address; a person's is looked up each time, and stands nowhere else."""
        if not row.person:
            return self._plan.channels.get(row.channel)
        return self._directory.entry(row.channel) if self._directory is not None else None

    def _audience(self, row: PageRow) -> str:
        """Return whom a note is for: the group, or the pager or phones of one person."""
        if not row.person or self._directory is None:
            return row.group
        return self._directory.audience(row.channel) or row.group

    def _note(self, row: PageRow, now_ms: int, *, link: bool = False) -> Note:
        gone_s = (now_ms - row.decided_ms) / 1000
        together = row.kind == "page" and row.bundle == row.moment
        claims = row.kind == "page" and (row.about is not None or together)
        claim = f"/api/v1/pages/{row.page}/claim" if together else f"/api/v1/moments/{row.about}/claim"
        return Note(
            group=self._audience(row),
            title=row.title,
            decided_ms=row.decided_ms,
            receipt=f"{row.id}/{row.moment}" if row.kind == "page" else "",
            answer=self._answers(row) if link and claims and self._answers is not None else None,
            named=row.person is not None,
            base=self._plan.site.url,
            rank=rank(row),
            page=Page(
                id=row.page,
                kind=row.kind,
                moment=row.about,
                text=row.text + row.adds,
                reason=row.reason,
                left_s=round(row.left_s - gone_s, 3) if claims else row.left_s,
                late=row.late,
                claim=claim if claims else None,
                again=row.again,
            ),
        )

    def _report(self, row: PageRow, result: Result, now_ms: int) -> None:
        tries = self._tries.pop(row.id, row.tries) + 1
        if result.sent:
            self._report_sent(row, result, tries, now_ms)
            return
        if row.id in self._cancelled:
            return
        tries -= result.untried
        if not result.retry or tries >= TRIES_MOST:
            _log.warning("page %s over channel %s failed: %s", row.page, row.channel, result.note)
            self._driver.fate(
                PageFate(id=row.id, moment=row.moment, state="failed", note=result.note, tries=tries, due_ms=now_ms)
            )
            return
        pause_ms = PAUSES_MS[min(max(tries - 1, 0), len(PAUSES_MS) - 1)]
        due_ms = now_ms + max(pause_ms, round(result.after_s * 1000))
        self._tries[row.id] = tries
        if result.surely_unsent:
            self._unheld.add(row.id)
        if not result.surely_unsent and not row.again:
            row = msgspec.structs.replace(row, again=True)
        self._driver.fate(
            PageFate(
                id=row.id,
                moment=row.moment,
                state="queued",
                note=result.note,
                tries=tries,
                due_ms=due_ms,
                surely_unsent=result.surely_unsent,
            )
        )
        self._wait(row, due_ms)

    def _report_sent(self, row: PageRow, result: Result, tries: int, now_ms: int) -> None:
        note = "sent again: it may have gone out before" if row.again else result.note
        self._driver.fate(
            PageFate(
                id=row.id,
                moment=row.moment,
                state="sent",
                note=note,
                tries=tries,
                due_ms=row.due_ms,
                sent_ms=now_ms,
                delivered_ms=now_ms if result.delivered or result.read else None,
                read_ms=now_ms if result.read else None,
            )
        )
        if self._sent is not None:
            self._sent(row.channel if row.person is None else PERSONAL, (now_ms - row.decided_ms) / 1000)


class _Decided(NamedTuple):
    """What a commit leaves to the worker."""

    plan: Plan | None
    cancelled: tuple[int, ...]
    pages: list[PageRow]


class _Held(NamedTuple):
    """It is on record that a delivery may go out from now on."""

    row: PageRow


class _Drilled(NamedTuple):
    """A note that proves a channel: no page, on no record but the drill's own."""

    entry: PlanChannel
    note: Note
    begins: Callable[[], bool]
    done: Callable[[Result], None]


class _Done(NamedTuple):
    """An attempt has ended."""

    row: PageRow
    result: Result


_NONE = PlanChannel(id="", url="")

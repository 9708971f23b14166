"""The teller: what is new about a flight, to every passenger who asked; and to the judge, that everybody knows.

For each open moment of the plan's promise to tell it queues the newest news once for each passenger, sends what is due,
and when nobody is left who does not know says the signal that closes the moment (or, where nobody asked, the one that
voids it). All of that is asked of the store again whenever something happens, so a start goes on where a crash ended.
What was being sent then is sent again, and says so.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from msgspec.structs import replace

from andgate.errors import AndgateError
from andgate.flights import newest, sentence
from andgate.moment.moments import Moment
from andgate.moment.signals import Signal
from andgate.plan import Alerts, Plan, Way
from andgate.routing import shown_key
from andgate.wire.messages import FeedSignal
from hub.clock import HubClock
from hub.customers.ways import send
from hub.driver import Committed, Driver
from hub.notify.channels import Result
from hub.store import Reader
from hub.store.customers import Customer, Customers, Word

_log = logging.getLogger(__name__)

FEED = "alerts"
"""As which feed the hub says that passengers were told."""
PAUSES_MS = (2_000, 5_000, 10_000, 20_000, 30_000, 60_000)
TRIES_MOST = 20
LOOK_MS = 600_000
"""Between looks for what no flight needs any more."""
_THREADS = 4
STOP = "stop"


class Teller:
    """Tells passengers; one thread that decides, and a few that wait for answers."""

    def __init__(self, driver: Driver, reader: Reader, customers: Customers, clock: HubClock) -> None:
        """Go on from what is stored, once it is started."""
        self._driver = driver
        self._reader = reader
        self._customers = customers
        self._clock = clock
        self._queue: SimpleQueue[object] = SimpleQueue()
        self._sending: set[tuple[str, str]] = set()
        self._said: set[str] = set()
        """Signals that are on their way to the judge."""
        self._senders = ThreadPoolExecutor(_THREADS, thread_name_prefix="tell")
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
        self._look_ms = 0
        self._begun = False
        clock.subscribe(self.wake)

    # ---------------------------------------------------------------------------------------------- from any thread

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self.wake()

    def wake(self) -> None:
        """Look again: somebody asked, or the clock jumped."""
        self._queue.put(None)

    def committed(self, out: Committed) -> None:
        """Look again where a flight's news was judged; the driver's listener."""
        alerts = self._driver.plan.alerts if out.plan is None else out.plan.alerts
        if out.plan is not None or (
            alerts is not None and any(moment.expectation == alerts.expectation for moment in out.published)
        ):
            self._queue.put(None)

    def stop(self) -> None:
        """End; what was not sent waits for the next start."""
        if self._thread.is_alive():
            self._queue.put(STOP)
            self._thread.join()
        self._senders.shutdown(wait=False, cancel_futures=True)

    # ---------------------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        wait_s: float | None = 0.0
        while True:
            try:
                item = self._queue.get(timeout=wait_s)
            except Empty:
                item = None
            while item is not STOP and not self._queue.empty():  # many reasons to look are one
                self._take(item)
                item = self._queue.get()
            if item is STOP:
                return
            self._take(item)
            try:
                due_ms = self._look()
            except Exception:  # noqa: BLE001 - whatever it is, passengers are told once it is over
                _log.exception("passengers could not be told; trying again")
                due_ms = self._clock.now_ms() + PAUSES_MS[-1]
            wait_s = max(0.0, self._clock.real_s((due_ms - self._clock.now_ms()) / 1000))

    def _take(self, item: object) -> None:
        if isinstance(item, _Done):
            self._sending.discard((item.word.customer, item.word.news))
            self._customers.note(_after(item.word, item.result, self._clock.now_ms()))

    def _look(self) -> int:
        """Do all that is due; return when to look again."""
        now_ms = self._clock.now_ms()
        if now_ms >= self._look_ms:
            self._look_ms = now_ms + LOOK_MS
            self._customers.erase_due(now_ms)
        plan = self._driver.plan
        alerts = plan.alerts
        if alerts is None:
            return self._look_ms
        if not self._begun:
            self._begun = True
            self._begin_again()
        for moment in self._driver.open_moments():
            if moment.expectation == alerts.expectation:
                self._news(moment, plan, alerts, now_ms)
        return min([self._look_ms, *self._send_due(plan, alerts, now_ms)])

    def _begin_again(self) -> None:
        """Queue what was being sent when the hub ended: it may have gone out."""
        for word in self._customers.unsent():
            if word.state == "sending":
                self._customers.note(replace(word, state="queued", again=True))

    def _news(self, moment: Moment, plan: Plan, alerts: Alerts, now_ms: int) -> None:
        """Queue what is new for everybody who asked; say so once all of them know."""
        flight = moment.key
        if flight is None:
            return
        news = newest(alerts, (row.signal for row in self._reader.signals_of(moment.id)))
        customers = self._customers.of_flight(flight)
        if not news:
            return
        if not customers:
            self._say(alerts.nobody, moment, news[-1], 0)
            return
        for each in news:
            known = {word.customer for word in self._customers.told(each.id)}
            fresh = [customer for customer in customers if customer.token not in known]
            if fresh:
                text = sentence(alerts.news[each.name], each, plan.site.timezone)
                title = f"Flight {shown_key(flight)}"
                words = [(it.token, title, with_end(text, plan.site.url, it.token)) for it in fresh]
                self._customers.tell(each.id, words, now_ms)
        here = {customer.token for customer in customers}
        told = [word for each in news for word in self._customers.told(each.id) if word.customer in here]
        if told and all(word.state == "sent" for word in told):
            self._say(alerts.told, moment, news[-1], len(here))

    def _say(self, name: str, moment: Moment, newest: Signal, count: int) -> None:
        """Tell the judge; the same news is said once, whatever happens."""
        id = f"{name}:{newest.id}"
        if id in self._said:
            return
        self._said.add(id)
        said = FeedSignal(
            id=id, touchpoint=moment.touchpoint, signal=name, key=moment.key, about={"told": count} if count else {}
        )
        future = self._driver.signals([said], FEED)

        def done(_: object) -> None:
            wrong = future.exception()
            if wrong is not None and not isinstance(wrong, AndgateError):
                _log.error("the judge did not take that passengers were told: %s", wrong)
            self._said.discard(id)

        future.add_done_callback(done)

    def _send_due(self, plan: Plan, alerts: Alerts, now_ms: int) -> list[int]:
        """Begin to send what is due; return when the rest is."""
        later = []
        for word in self._customers.unsent():
            if (word.customer, word.news) in self._sending:
                continue
            if word.due_ms > now_ms:
                later.append(word.due_ms)
                continue
            customer = self._customers.find(word.customer)
            if customer is None:
                continue
            way = alerts.ways.get(customer.way)
            if way is None or plan.site.url is None:
                self._customers.note(replace(word, state="failed", note="the plan has no such way any more"))
                continue
            self._customers.note(replace(word, state="sending"))
            self._sending.add((word.customer, word.news))
            self._senders.submit(self._send, way, customer, word, plan, now_ms)
        return later

    def _send(self, way: Way, customer: Customer, word: Word, plan: Plan, now_ms: int) -> None:
        result = send(way, customer, word, plan.site.url or "", plan.site.id, now_ms)
        self._queue.put(_Done(word, result))


def with_end(text: str, base: str | None, token: str) -> str:
    """Return a text with where to stop it, which every word to a passenger says."""
    return f"{text} To hear no more of this flight: {base}/alerts/{token}"


def _after(word: Word, result: Result, now_ms: int) -> Word:
    """Return what a word is after an attempt."""
    tries = word.tries + 1
    if result.sent:
        return replace(word, state="sent", tries=tries, sent_ms=now_ms, note="")
    if not result.retry or tries >= TRIES_MOST:
        return replace(word, state="failed", tries=tries, note=result.note)
    pause_ms = max(PAUSES_MS[min(tries, len(PAUSES_MS)) - 1], round(result.after_s * 1000))
    again = word.again or not result.surely_unsent
    return replace(word, state="queued", tries=tries, due_ms=now_ms + pause_ms, again=again, note=result.note)


class _Done:
    """An attempt has ended."""

    def __init__(self, word: Word, result: Result) -> None:
        self.word = word
        self.result = result

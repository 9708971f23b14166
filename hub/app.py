"""The hub, wired: New, start, stop in-process, so that tests, the demo and the benchmarks embed the very same thing.

with HubApp(HubConfig(plan=Path("plan.toml"), data=Path("data"), ...), SystemClock()) as hub:
    print(hub.broker_url, hub.http_url)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from andgate.errors import PlanError, UsageError
from andgate.plan import Channel as PlanChannel
from andgate.plan import Plan, parse_plan
from andgate.plan.parse import MAX_PLAN_CHARS
from andgate.wire.codec import encode
from andgate.wire.messages import HubState, TimeReply
from andgate.wire.topics import Topics
from hub.answers import Links
from hub.broker import EmbeddedBroker, embedded_broker
from hub.clock import HubClock
from hub.config import BrokerUrl, HubConfig
from hub.customers import Teller
from hub.driver import Delivered, Driver
from hub.driver.site import another_site
from hub.heartbeat import Heartbeat, parse_heartbeat
from hub.link import Link
from hub.notify.aside import Aside
from hub.notify.channels import Channel
from hub.notify.channels.mqtt import MqttChannel
from hub.notify.drills import Drills
from hub.notify.notifier import Notifier
from hub.notify.transmitters import Transmitters
from hub.people.coming import Coming
from hub.people.directory import Directory
from hub.server import Server
from hub.signs.announcer import Announcer
from hub.store import Customers, Phones, Reader, Store
from hub.store.drills import DrillLog
from hub.watchdog import Watchdog

if TYPE_CHECKING:
    from hub.web.metrics import Metrics


PAGES_MOST = 1_000
"""Of one moment, the newest that a board looks at."""


class HubApp:
    """One hub. `start` returns when it judges; the dashboard is there a moment later."""

    def __init__(self, config: HubConfig, clock: HubClock) -> None:
        """Read the plan and take the data folder. Raises PlanError or UsageError, and then holds nothing."""
        config.check()
        # First of all: a hub that judges a long journal again at its start is alive meanwhile.
        self._watchdog = Watchdog(lambda: clock.mono_s() / clock.rate, self._hangs, self._unable, self._tell)
        self._up = False
        self._watchdog.start()
        try:
            self._prepare(config, clock)
        except BaseException:
            self._watchdog.stop()
            raise

    def _prepare(self, config: HubConfig, clock: HubClock) -> None:
        self.config = config
        self.clock = clock
        text = _read(config.plan)
        plan = parse_plan(text)
        self._topics = Topics(plan.site.id)
        self._tokens = self._read_tokens()
        self.heartbeat: Heartbeat | None = None
        if config.heartbeat is not None:
            self.heartbeat = Heartbeat(parse_heartbeat(config.heartbeat), self._unwell, clock.now_ms)
        self._web = Server(config.listen) if config.web else None
        try:
            self._store = Store(config.data)
            try:
                self._check_site(plan)
                self.driver = Driver(
                    self._store,
                    plan,
                    clock,
                    plan_source=text,
                    listen_only=config.listen_only,
                    acknowledge=self._acknowledge,
                    reply=self._reply,
                )
            except BaseException:
                self._store.close()
                raise
        except BaseException:
            if self._web is not None:
                self._web.stop()
            raise
        self.reader = Reader(config.data)
        self._phones = Phones(config.data)
        self._links = Links(config.data)
        self._customers = Customers(config.data)
        self._teller = Teller(self.driver, self.reader, self._customers, clock)
        self._broker: EmbeddedBroker | None = None
        self._link: Link | None = None
        self._announcer: Announcer | None = None
        self._transmitters: Transmitters | None = None
        self._notifier: Notifier | None = None
        self._aside: Aside | None = None
        self._drills: Drills | None = None
        self._metrics: Metrics | None = None

    def _check_site(self, plan: Plan) -> None:
        """Refuse the data of another site: two sites in one journal could never be told apart again."""
        known = self._store.last_plan()
        strange = None if known is None else another_site(known.site, plan.site, self.clock.now_ms())
        if strange is not None:
            raise UsageError(f"{self.config.data}: {strange.what}. {strange.remedy}")

    def __enter__(self) -> Self:
        """Start, and return itself."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    # ---------------------------------------------------------------------------------------------- looking

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.driver.plan

    @property
    def broker_url(self) -> str:
        """Where the broker is, without a password."""
        return str(self._broker_at())

    @property
    def http_url(self) -> str:
        """Where the dashboard and the API are."""
        if self._web is None:
            raise UsageError("this hub was told to serve no web")
        return self._web.url

    @property
    def link(self) -> Link:
        """The connection to the broker."""
        if self._link is None:
            raise UsageError("the hub has not started")
        return self._link

    def _broker_at(self) -> BrokerUrl:
        if self.config.broker is not None:
            return self.config.broker
        address = self._broker.address if self._broker is not None else self.config.broker_listen
        return BrokerUrl(address.host, address.port)

    # ---------------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Begin to judge, to listen and to send. UsageError if the broker's port is taken; then nothing runs."""
        try:
            if self.config.broker is None:
                self._broker = embedded_broker(self.config.broker_listen)
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        driver, clock = self.driver, self.clock
        unsent = driver.queued_pages()
        will = encode(HubState(state="lost", session=driver.session))
        self._link = link = Link(
            self._broker_at(),
            self._topics,
            clock,
            self._deliver,
            will=will,
            certificates=self.config.certificates,
            room=lambda: driver.has_room,
        )
        self._announcer = announcer = Announcer(
            driver, clock, link, self._topics, lambda moment: self.reader.pages(moment=moment, limit=PAGES_MOST).items
        )
        directory = Directory(driver.people, lambda: driver.plan)
        self._notifier = notifier = Notifier(
            driver, clock, self._channel, sent=self._page_sent, directory=directory, answers=self._links.path
        )
        self._aside = Aside(driver, clock, self._channel, directory)
        # Pages first: a listener is a queue, but the first in line is served first.
        self._drills = drills = Drills(
            driver, clock, notifier, Coming(driver.people, directory), lambda: _online(self.reader)
        )
        driver.listeners += [notifier.committed, announcer.committed, self._teller.committed, drills.committed]
        driver.start()
        notifier.start(unsent)
        announcer.start()
        drills.start()
        self._teller.start()
        link.up += [notifier.connected, announcer.connected]
        link.start()
        self._up = True
        if self.heartbeat is not None:
            self.heartbeat.start()
        if self._web is not None:
            self._web.start(self._application)

    def wait_web(self) -> None:
        """Wait until the dashboard answers, if there is to be one."""
        if self._web is not None:
            self._web.wait()

    def stop(self) -> None:
        """Stop listening, commit what is known, say goodbye. May be called more than once."""
        self._watchdog.stop()  # what was wrong has not ended with the hub
        self._up = False
        if self.heartbeat is not None:
            self.heartbeat.stop()
        if self._web is not None:
            self._web.stop()
        if self._drills is not None:
            self._drills.stop()
        if self._notifier is not None:
            self._notifier.stop()
        self._teller.stop()
        if self._announcer is not None:
            self._announcer.stop()
        if self._link is not None and self._announcer is not None:
            self._link.stop(self._announcer.state("stopped"))
        if self._aside is not None:
            self._aside.close()
        self.driver.stop()
        self.reader.close()
        if self._broker is not None:
            self._broker.stop()
        self._notifier = self._announcer = self._link = self._broker = None

    def reload(self) -> Future[str]:
        """Read the plan file again and put it in force; the future has its version, or the error that refused it."""
        try:
            text = _read(self.config.plan)
        except UsageError as wrong:
            future: Future[str] = Future()
            future.set_exception(wrong)
            return future
        return self.driver.reload(text)

    # ---------------------------------------------------------------------------------------------- wiring

    def _deliver(self, topic: str, payload: bytes, retained: bool, received_ms: int, token: int) -> None:  # noqa: FBT001 - the link's callback
        if self._transmitters is not None and topic.endswith("/page"):
            self._transmitters.heard(payload)
        self.driver.deliver(Delivered(topic, payload, retained, received_ms, token))

    def _acknowledge(self, tokens: Sequence[int]) -> None:
        if self._link is not None:
            self._link.ack(tokens)

    def _reply(self, node: str, reply: TimeReply) -> None:
        if self._link is not None and self._link.connected:
            self._link.publish(self._topics.node_time_reply(node), encode(reply))

    def _channel(self, channel: PlanChannel) -> Channel:
        if channel.url.startswith("mqtt://") and self._link is not None:
            return MqttChannel(self._link, self._topics)
        from hub.notify.channels.make import make_channel  # noqa: PLC0415 - not before somebody needs it

        return make_channel(channel, self.plan.site.id, self.clock.now_ms, self._phones, self._pagers())

    def _pagers(self) -> Transmitters:
        """Return the site's transmitters, which are not known before the link is."""
        if self._transmitters is None:
            states = {"": "unseen"}

            def state_of(node: str) -> str:
                states.update({each.node: each.state for each in self.reader.nodes()})
                return states.get(node, "unseen")

            self._transmitters = Transmitters(self.link, self._topics, state_of)
        return self._transmitters

    def _page_sent(self, channel: str, seconds: float) -> None:
        if self._metrics is not None:  # the web comes after the first page
            self._metrics.page(channel, seconds)

    # ---------------------------------------------------------------------------------------------- the web

    def _read_tokens(self) -> tuple[Any, ...] | None:
        if self.config.token_file is None:
            return None
        from hub.web.tokens import read_tokens  # noqa: PLC0415 - the web's packages come after the first page

        return read_tokens(self.config.token_file)

    def _cut_off(self) -> str | None:
        if self._link is not None and self._link.connected:
            return None
        return f"the broker {self.broker_url} is not connected. Nodes and pagers are not heard until it is"

    def _unwell(self) -> str | None:
        """Why no heartbeat may go out, in words."""
        return self.driver.fault or self._cut_off() or self._hangs() or self.driver.unaudited()

    # ---------------------------------------------------------------------------------------------- the watchdog's

    def _hangs(self) -> str | None:
        if not self._up or self._notifier is None:
            return None  # whoever starts or stops takes the time that it takes
        announcer = self._announcer.hangs() if self._announcer is not None else None
        return self.driver.hangs() or self._notifier.hangs() or announcer

    def _unable(self) -> str | None:
        return self.driver.fault if self._up else None

    def _tell(self, wrong: str | None) -> None:
        if self._aside is not None:
            self._aside.tell(wrong)

    def _application(self) -> tuple[Any, Callable[[], None]]:
        from hub.web.app import create_app  # noqa: PLC0415 - in the server's thread: see there

        app = create_app(
            self.driver,
            self.reader,
            self.clock,
            tokens=self._tokens,
            host=self.config.listen.host,
            cut_off=self._cut_off,
            heartbeat=self.heartbeat,
        )
        app.state.phones, app.state.links = self._phones, self._links
        app.state.drills, app.state.drill_log = self._drills, DrillLog(self.config.data)
        app.state.people, app.state.try_channel = self.driver.people, self.driver.try_channel
        app.state.customers, app.state.tell = self._customers, self._teller.wake
        self._metrics = app.state.context.metrics
        return app, app.state.context.live.stop


def _online(reader: Reader) -> list[str]:
    """Return the nodes that are there: of the others it is known that nothing reaches them."""
    return [row.node for row in reader.nodes() if row.state == "online"]


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_PLAN_CHARS + 1)  # it may be a device that never ends
    except OSError as wrong:
        raise UsageError(f"cannot read the plan {path}: {wrong.strerror}. Name one with --plan FILE") from wrong
    except UnicodeDecodeError as wrong:
        raise UsageError(f"the plan {path} is not UTF-8. Save it as UTF-8") from wrong


__all__ = ["HubApp", "PlanError"]

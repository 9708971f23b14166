"""The hub's one connection to the broker, kept up for ever.

- A message is acknowledged when `ack` is called with its token, which the driver does after its commit; what was not
  acknowledged the broker delivers again after a reconnect.
- Subscriptions and the birth are said again at every connect, and whoever keeps retained states is told to say them.
- Callbacks run in the network thread: they only hand over.

Nodes speak through paho. Here every message counts: paho spends 20 us on taking one and 20 on saying one, as long as
the judging of it takes, most of it for what a hub never needs (docs/decisions/0070).
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Sequence

from andgate.clock import Clock
from andgate.errors import UsageError
from andgate.wire.topics import Topics
from hub.config import BrokerUrl, Certificates
from hub.link.packets import REASONS, REFUSED, RETAIN, Kind, connect, published
from hub.link.pump import Pump
from hub.link.session import Session

_log = logging.getLogger(__name__)

KEEPALIVE_S = 30
RETRY_FIRST_S = 1
RETRY_MOST_S = 15
INFLIGHT_MOST = 1_000
"""As many as Mosquitto is told to have on their way."""
QUEUED_MOST = 50_000
"""Publications kept in memory while the broker is away; states are said again anyway."""

Receive = Callable[[str, bytes, bool, int, int], None]
"""Topic, payload, whether it was retained, site time of the receipt, token for `Link.ack`."""


class Link:
    """The hub's connection to its broker."""

    def __init__(
        self,
        broker: BrokerUrl,
        topics: Topics,
        clock: Clock,
        receive: Receive,
        *,
        will: bytes,
        certificates: Certificates | None = None,
    ) -> None:
        """Prepare; `start` connects.

        Args:
            broker: where to.
            topics: the site's.
            clock: dates receipts.
            receive: called in the network thread with every message said to a hub; must only hand over.
            will: payload of ``hub/state`` that the broker publishes if the hub is lost.
            certificates: for ``mqtts://``.
        """
        self.up: list[Callable[[], None]] = []
        """Called in the network thread at every connect, after the subscriptions; must only hand over."""
        self._broker = broker
        self._topics = topics
        self._clock = clock
        self._receive = receive
        self._said: str | None = None
        self._connected = threading.Event()
        self._session = Session(inflight_most=INFLIGHT_MOST, queued_most=QUEUED_MOST)
        self._pump = Pump(
            self._session,
            (broker.host, broker.port),
            tls=self._tls(certificates or Certificates()) if broker.tls else None,
            greeting=connect(
                f"andgate-hub-{topics.site}",
                KEEPALIVE_S,
                topics.hub_state,
                will,
                username=broker.username,
                password=broker.password,
            ),
            hear=self._hear,
            lost=self._lost,
            keepalive_s=KEEPALIVE_S,
            retry_s=(RETRY_FIRST_S, RETRY_MOST_S),
        )

    def _tls(self, files: Certificates) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=str(files.ca) if files.ca else None)
            if files.certificate is not None:
                context.load_cert_chain(str(files.certificate), str(files.key) if files.key else None)
        except (OSError, ssl.SSLError) as wrong:
            named = ", ".join(str(each) for each in (files.ca, files.certificate, files.key) if each is not None)
            raise UsageError(
                f"the certificates for {self._broker} cannot be used: {wrong}. Give PEM files that exist and belong "
                f"together; these were named: {named or 'none'}"
            ) from wrong
        return context

    # ---------------------------------------------------------------------------------------------- using

    @property
    def connected(self) -> bool:
        """Whether the broker has us now."""
        return self._connected.is_set()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait (real seconds) for the connection; whether it is there."""
        return self._connected.wait(timeout_s)

    def start(self) -> None:
        """Connect, and go on trying for ever."""
        self._pump.start()

    def stop(self, goodbye: bytes) -> None:
        """Say `goodbye` on ``hub/state``, let go of the broker and end the network thread."""
        if self.connected:
            gone = threading.Event()
            self.publish(self._topics.hub_state, goodbye, retain=True, done=gone.set)
            gone.wait(1.0)
        self._pump.stop()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        urgent: bool = False,
        qos: int = 1,
        done: Callable[[], None] | None = None,
    ) -> None:
        """Publish.

        Args:
            topic: where.
            payload: what.
            retain: whether the broker keeps it.
            urgent: write it to the socket in this very thread.
            qos: 1, or 0 for what is said again soon anyway; `done` needs 1.
            done: called in the network thread when the broker has it.
        """
        if qos:
            self._session.publish(topic, payload, retain=retain, done=done)
        else:
            self._session.mention(topic, payload, retain=retain)
        if urgent:
            self._pump.flush()
        else:
            self._pump.ring()

    def ack(self, tokens: Sequence[int]) -> None:
        """Acknowledge what is committed; tokens of an earlier connection mean nothing any more and are passed over."""
        self._session.acknowledge(tokens)
        self._pump.ring()

    # ---------------------------------------------------------------------------------------------- network thread

    def _hear(self, heard: list[tuple[int, bytes]]) -> None:
        """Take the packets that came; what came together was received at one time."""
        session = self._session
        now_ms = self._clock.now_ms()
        for first, rest in heard:
            kind = first >> 4
            if kind == Kind.PUBLISH:
                name, payload, number = published(first, rest)
                try:
                    topic = name.decode()
                except UnicodeDecodeError:
                    topic = "a topic that is not UTF-8"
                self._receive(topic, payload, bool(first & RETAIN), now_ms, session.token(number))
            elif kind == Kind.PUBACK:
                done = session.acknowledged(int.from_bytes(rest))
                if done is not None:
                    done()
            elif kind == Kind.CONNACK:
                self._answered(rest[1])
            elif kind == Kind.SUBACK:
                self._subscribed(rest[2:])

    def _answered(self, code: int) -> None:
        if code:
            reason = REASONS.get(code, f"reason {code}")
            self._say(f"the broker {self._broker} refuses the hub: {reason}. Check user and password")
            return  # it closes the connection
        self._session.welcome(self._topics.hub_filters())

    def _subscribed(self, granted: bytes) -> None:
        # Only now is anybody heard: a node that were told of the hub before would speak to nobody.
        if any(each == REFUSED for each in granted):
            self._say(f"the broker {self._broker} lets the hub hear only a part of its site. Check its access rules")
        self._connected.set()
        self._said = None
        _log.info("connected to %s", self._broker)
        for tell in self.up:
            tell()

    def _lost(self, why: str | None) -> None:
        was = self._connected.is_set()
        self._connected.clear()
        if why is None:
            self._say(
                f"the broker {self._broker} cannot be reached; trying again for ever. "
                "Check its address and that it runs; meanwhile nodes keep what they see"
            )
        elif was:
            self._say(f"the connection to {self._broker} broke ({why}); connecting again")

    def _say(self, what: str) -> None:
        """Log a trouble once, not once a try."""
        if what != self._said:
            self._said = what
            _log.warning("%s", what)

"""The hub's one connection to the broker, kept up for ever.

- A message is acknowledged when `ack` is called with its token, which the driver does after its commit; what was not
  acknowledged the broker delivers again after a reconnect.
- TCP_NODELAY: with Nagle's algorithm on, a QoS 1 round trip takes 23 ms instead of 0.5.
- Subscriptions and the birth are said again at every connect, and whoever keeps retained states is told to say them.
- paho's callbacks run in the network thread: they only hand over.
- Certificates are read anew for each connection, so that they can be renewed while the hub runs.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from andgate.clock import Clock
from andgate.errors import UsageError
from andgate.wire.topics import Topics
from andgate.wire.trust import REFUSED, distrust
from hub.config import BrokerUrl, Certificates
from hub.link.pump import Pump

_log = logging.getLogger(__name__)

KEEPALIVE_S = 30
RETRY_FIRST_S = 0.5
RETRY_MOST_S = 2.0
"""Every page waits for it once the broker is back; the hub is one alone and need not spare the broker, as nodes do."""
INFLIGHT_MOST = 0
"""Publications on their way at once: any number. With a limit paho looks through all of them at every acknowledgement,
which cost 100 us each in a burst; `QUEUED_MOST` keeps their number in bounds."""
QUEUED_MOST = 50_000
"""Publications kept in memory while the broker is away; states are said again anyway."""
_MID_BITS = 16

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
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare; `start` connects.

        Args:
            broker: where to.
            topics: the site's.
            clock: dates receipts.
            receive: called in the network thread with every message said to a hub; must only hand over.
            will: payload of ``hub/state`` that the broker publishes if the hub is lost.
            certificates: for ``mqtts://``.
            room: whether `receive` can take more just now; while not, nothing is read.
        """
        self.up: list[Callable[[], None]] = []
        """Called in the network thread at every connect, after the subscriptions; must only hand over."""
        self._broker = broker
        self._topics = topics
        self._clock = clock
        self._receive = receive
        self._generation = 0
        self._lock = threading.Lock()
        self._done: dict[int, tuple[Callable[[], None], Callable[[], None] | None]] = {}
        self._asking = 0
        """Publications whose number is not known yet."""
        self._early: set[int] = set()
        """Numbers acknowledged while somebody was asking for one."""
        self._said: str | None = None
        self._connected = threading.Event()
        self._tls: tuple[ssl.SSLContext, Certificates] | None = None
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"andgate-hub-{topics.site}",
            protocol=mqtt.MQTTv311,
            clean_session=True,
            manual_ack=True,
        )
        client.max_inflight_messages_set(INFLIGHT_MOST)
        client.max_queued_messages_set(QUEUED_MOST)
        client.will_set(topics.hub_state, will, qos=1, retain=True)
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._use_tls(certificates or Certificates())
            client.on_pre_connect = self._renew
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._pump = Pump(
            client,
            retry_first_s=RETRY_FIRST_S,
            retry_most_s=RETRY_MOST_S,
            failed=self._on_connect_fail,
            room=room,
        )

    def _use_tls(self, files: Certificates) -> None:
        try:
            context = ssl.create_default_context(cafile=str(files.ca) if files.ca else None)
            _load(context, files)
        except OSError as wrong:
            named = ", ".join(str(each) for each in (files.ca, files.certificate, files.key) if each is not None)
            raise UsageError(
                f"the certificates for {self._broker} cannot be used: {wrong}. Give PEM files that exist and belong "
                f"together; these were named: {named or 'none'}"
            ) from wrong
        self._client.tls_set_context(context)
        self._tls = context, files

    def _renew(self, _client: mqtt.Client, _data: object) -> None:
        """Take certificates that were renewed; where they cannot be read, those of before are tried."""
        if self._tls is not None:
            try:
                _load(*self._tls)
            except OSError as wrong:
                self._say(f"the certificates for {self._broker} cannot be read any more: {wrong}. Put them back")

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
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        self._pump.start()

    def stop(self, goodbye: bytes) -> None:
        """Say `goodbye` on ``hub/state``, let go of the broker and end the network thread."""
        if self.connected:
            gone = threading.Event()
            self.publish(self._topics.hub_state, goodbye, retain=True, done=gone.set)
            gone.wait(1.0)
        self._client.disconnect()
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
        lost: Callable[[], None] | None = None,
    ) -> None:
        """Publish.

        Args:
            topic: where.
            payload: what.
            retain: whether the broker keeps it.
            urgent: write it to the socket in this very thread.
            qos: 1, or 0 for what is said again soon anyway; `done` needs 1.
            done: called in the network thread when the broker has it.
            lost: called there instead when the connection broke before the broker said so: it may have it or not, and
                nothing is said again behind its publisher's back. Without it the next connection says it again.
        """
        send = self._pump.flush if urgent else self._pump.ring
        if done is None:
            self._client.publish(topic, payload, qos=qos, retain=retain)
            send()
            return
        # Never hold our lock over paho's: its network thread holds its own while it calls us back.
        with self._lock:
            self._asking += 1
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        with self._lock:
            self._asking -= 1
            early = info.mid in self._early
            if early:
                self._early.discard(info.mid)
            else:
                self._done[info.mid] = (done, lost)
            if not self._asking:
                self._early.clear()
        send()
        if early:
            done()

    def ack(self, tokens: Sequence[int]) -> None:
        """Acknowledge what is committed; tokens of an earlier connection mean nothing any more and are passed over."""
        generation = self._generation
        for token in tokens:
            if token >> _MID_BITS == generation:
                self._client.ack(token & 0xFFFF, 1)
        self._pump.ring()

    # ---------------------------------------------------------------------------------------------- network thread

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _props: object
    ) -> None:
        if reason.is_failure:
            self._say(f"the broker {self._broker} refuses the hub: {str(reason).lower()}. Check user and password")
            return
        self._pump.packets += 1
        self._generation += 1
        self._say_again(client)
        client.subscribe([(topic, 1) for topic in self._topics.hub_filters()])

    def _say_again(self, client: mqtt.Client) -> None:
        """Say again what the last connection left, before paho does; but for what its publisher wants to know of."""
        for message in client.drop_out_messages():
            with self._lock:
                done, lost = self._done.pop(message.mid, (None, None))
            if lost is not None:
                lost()
            elif done is not None:
                self.publish(message.topic, bytes(message.payload), retain=message.retain, done=done)
            else:
                client.publish(message.topic, message.payload, message.qos, message.retain)

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _props: object
    ) -> None:
        self._pump.packets += 1
        # Only now is anybody heard: a node that were told of the hub before would speak to nobody.
        if any(reason.is_failure for reason in reasons):
            self._say(f"the broker {self._broker} lets the hub hear only a part of its site. Check its access rules")
        self._connected.set()
        self._said = None
        _log.info("connected to %s", self._broker)
        for tell in self.up:
            tell()

    def _on_connect_fail(self, wrong: OSError) -> None:
        what = distrust(wrong, ca="--broker-ca") if self._broker.tls else None
        self._say(
            f"the broker {self._broker} cannot be reached; trying again for ever. "
            f"{'Check its address and that it runs' if what is None else what[:1].upper() + what[1:]}; "
            "meanwhile nodes keep what they see"
        )

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: object,
        reason: ReasonCode,
        _props: object,
    ) -> None:
        taken = self._connected.is_set()
        self._connected.clear()
        if not taken:
            if self._broker.tls and self._said is None:
                self._say(f"the broker {self._broker} does not take the hub: {REFUSED}. Trying again for ever")
        elif reason.is_failure:
            self._say(
                f"the connection to {self._broker} broke ({str(reason).lower()}); connecting again. "
                "If it breaks again and again: a second hub of this site is there, and both throw each other off"
            )

    def _say(self, what: str) -> None:
        """Log a trouble once, not once a try."""
        if what != self._said:
            self._said = what
            _log.warning("%s", what)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._pump.packets += 1
        token = self._generation << _MID_BITS | message.mid if message.qos else 0
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "a topic that is not UTF-8"
        self._receive(topic, bytes(message.payload), message.retain, self._clock.now_ms(), token)

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, _reason: object, _props: object) -> None:
        self._pump.packets += 1
        with self._lock:
            known = self._done.pop(mid, None)
            if known is None and self._asking:
                self._early.add(mid)
        if known is not None:
            known[0]()


def _load(context: ssl.SSLContext, files: Certificates) -> None:
    if files.ca is not None:
        context.load_verify_locations(str(files.ca))
    if files.certificate is not None:
        context.load_cert_chain(str(files.certificate), str(files.key) if files.key else None)


def _no_delay(_client: mqtt.Client, _data: object, sock: Any) -> None:  # noqa: ANN401 - plain, TLS or web socket
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

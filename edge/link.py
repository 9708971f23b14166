"""The only paho in the edge: one thread that connects, carries messages both ways, and connects again.

It decides nothing: what it has to say goes to `tell` (which only enqueues), what it has to do comes through `connect`,
`publish`, `subscribe`, `drop` and `close`. Every connection is a new client with a clean session, so nothing old is
sent again behind the spool's back. TCP_NODELAY is set on every socket: without it a press waits 20 ms for nothing.
"""

from __future__ import annotations

import contextlib
import logging
import random
import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from andgate.wire.trust import REFUSED, distrust
from edge.broker import Broker

_log = logging.getLogger("andgate.edge")

KEEPALIVE_S = 10
"""A connection that died silently is noticed within two of these and made anew; lamps know sooner (`edge.hearing`)."""
CONNECT_TIMEOUT_S = 5.0
FIRST_DELAY_S = 0.25
LAST_DELAY_S = 15.0
"""Longest pause between attempts. Each pause is 1.6 times the last, and between half and one and a half of that by
chance, so that two thousand nodes do not knock together when a broker comes back."""
GROWTH = 1.6
STEADY_S = 10.0
"""A connection that lasted so long makes the next pause short again."""
NO_ROOM_S = 0.02
"""How long nothing is read while too much waits to be handled: the broker has to wait, and memory does not grow."""
FAREWELL_S = 2.0
"""How long a closing link waits for its last words to be acknowledged."""
MAX_INFLIGHT = 1000
OURSELVES = "closed by ourselves"


class Up(NamedTuple):
    """A connection stands and its subscriptions are asked for."""


class Down(NamedTuple):
    """A connection, or an attempt, has ended."""

    reason: str


class Message(NamedTuple):
    """Something came from the broker."""

    topic: str
    payload: bytes
    retained: bool


Said = Up | Down | Message


class Will(NamedTuple):
    """What the broker says for us when we are gone without a word."""

    topic: str
    payload: bytes


class _Out(NamedTuple):
    topic: str
    payload: bytes
    retain: bool


class Link:
    """One node's connection; every public method may be called from any thread and returns at once."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        tell: Callable[[Said], None],
        real_s: Callable[[], float],
        *,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare; nothing happens before `connect`.

        Args:
            broker: where to connect.
            client_id: one a node, so that a second node of that name is noticed.
            tell: takes what happened; called in the link's thread, so it must only enqueue.
            real_s: tells real seconds on a clock that only goes forward.
            room: whether more can be told just now; while not, nothing is read.
        """
        self._room = room
        self.broker = broker
        self._client_id = client_id
        self._tell = tell
        self._real_s = real_s
        self._lock = threading.Lock()
        self._out: deque[_Out] = deque()
        self._subscribe: deque[str] = deque()
        self._next: tuple[Will | None, tuple[str, ...]] | None = None
        self._changed = threading.Condition(self._lock)
        self._closing = threading.Event()
        self._dropping = False
        self._polite = True
        self._connected = False
        self._delay_s = FIRST_DELAY_S
        self._complained: set[str] = set()
        """What was said to be wrong since the link was up."""
        self._wake_out, self._wake_in = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.settimeout(0)
        self._thread = threading.Thread(target=self._run, name=f"link {client_id}", daemon=True)

    def connect(self, will: Will | None, filters: Iterable[str]) -> None:
        """Connect with this will and these subscriptions, trying until it works; `Up` tells when, `Down` when it ends.

        After each `Down` the link waits for the next call, since each session has its own will.
        """
        with self._changed:
            self._next = (will, tuple(filters))
            self._changed.notify_all()
        if self._thread.ident is None:
            self._thread.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send with QoS 1, if a connection stands; what is lost with it is the spool's business."""
        with self._lock:
            if not self._connected:
                return
            self._out.append(_Out(topic, payload, retain))
        self._wake()

    def subscribe(self, filters: Iterable[str]) -> None:
        """Subscribe to more, on the connection that stands."""
        with self._lock:
            self._subscribe.extend(filters)
        self._wake()

    def drop(self) -> None:
        """End the connection politely and tell `Down`, so that the next one can have another will."""
        self._dropping = True
        self._wake()

    def close(self, *, polite: bool = True) -> None:
        """End for good. Politely: last words out and acknowledged, then a goodbye; else the socket just dies."""
        self._polite = polite
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        self._wake()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(CONNECT_TIMEOUT_S + FAREWELL_S + 1)
        self._wake_in.close()
        self._wake_out.close()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it will wake anyway; closed: nobody is there to wake
            self._wake_out.send(b"w")

    # Everything below runs in the link's thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                while self._next is None and not self._closing.is_set():
                    self._changed.wait()
                wanted, self._next = self._next, None
            if wanted is None:
                return
            self._until_down(*wanted)

    def _until_down(self, will: Will | None, filters: tuple[str, ...]) -> None:
        """Try to connect until it works, serve until it ends, and tell."""
        while not self._closing.is_set():
            session = _Session(self, will, filters)
            began_s = self._real_s()
            try:
                session.open()
                session.serve()
            except (OSError, ValueError, mqtt.WebsocketConnectionError) as wrong:
                session.reason = session.reason or self._what(wrong)
            finally:
                was_up = session.up
                with self._lock:
                    self._connected = False
                    self._out.clear()
                    self._subscribe.clear()
                self._dropping = False
                session.end()
            if self._closing.is_set():
                return
            self._complain(session.reason, was_up=was_up)
            if was_up and self._real_s() - began_s >= STEADY_S:
                self._delay_s = FIRST_DELAY_S
            if was_up:
                self._tell(Down(session.reason))
            self._closing.wait(self._delay_s * random.uniform(0.5, 1.5))
            self._delay_s = min(self._delay_s * GROWTH, LAST_DELAY_S)
            if was_up:
                return

    def _what(self, wrong: Exception) -> str:
        tls = distrust(wrong, ca="--ca") if self.broker.tls and isinstance(wrong, OSError) else None
        return tls or str(wrong) or type(wrong).__name__

    def _complain(self, reason: str, *, was_up: bool) -> None:
        """Say each thing that is wrong once an outage; the rest is in the health and in the lamp."""
        if reason == OURSELVES:
            return
        if was_up:
            _log.info(
                "%s: the link is down (%s); presses are kept. If that happens again and again: a second machine has "
                "this node's id, and both throw each other off",
                self._client_id,
                reason,
            )
        elif reason not in self._complained:
            self._complained.add(reason)
            _log.warning(
                "%s: the broker at %s cannot be reached: %s. Presses are kept; trying again. Check --broker, the "
                "network, and that the broker runs",
                self._client_id,
                self.broker,
                reason,
            )

    def _went_up(self) -> None:
        self._complained.clear()
        with self._lock:
            self._connected = True
        self._tell(Up())

    def _take(self) -> tuple[list[_Out], list[str]]:
        with self._lock:
            out, more = list(self._out), list(self._subscribe)
            self._out.clear()
            self._subscribe.clear()
        return out, more


class _Session:
    """One connection: one paho client, driven by our own loop, so that only one thread ever touches it."""

    def __init__(self, link: Link, will: Will | None, filters: tuple[str, ...]) -> None:
        self.link, self.filters = link, filters
        self.up = False
        self.reason = ""
        self._unacked: set[int] = set()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=link._client_id, clean_session=True)  # noqa: SLF001
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(MAX_INFLIGHT)
        client.max_queued_messages_set(0)
        client.on_socket_open = set_nodelay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        if link.broker.user is not None:
            client.username_pw_set(link.broker.user, link.broker.password)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        self.client = client

    def open(self) -> None:
        """Connect; raises OSError where there is nobody."""
        broker = self.link.broker
        if broker.tls:
            try:
                context = ssl.create_default_context(cafile=broker.ca)
                if broker.certificate:
                    context.load_cert_chain(broker.certificate, broker.key)
            except OSError as wrong:
                raise OSError(f"the certificate files cannot be used: {wrong}") from wrong
            self.client.tls_set_context(context)
        self.client.connect(broker.host, broker.port, keepalive=KEEPALIVE_S)

    def serve(self) -> None:
        """Carry messages until the connection ends or the link closes."""
        link, client = self.link, self.client
        with selectors.DefaultSelector() as selector:
            watched = client.socket()
            if watched is None:
                return
            selector.register(link._wake_in, selectors.EVENT_READ)  # noqa: SLF001 - one thing in two classes
            selector.register(watched, selectors.EVENT_READ)
            while client.socket() is watched:
                writing = selectors.EVENT_WRITE if client.want_write() else 0
                selector.modify(watched, selectors.EVENT_READ | writing)
                ready = {key.fileobj: events for key, events in selector.select(1.0)}
                if link._wake_in in ready:  # noqa: SLF001
                    self._drain_wake()
                if ready.get(watched, 0) & selectors.EVENT_READ and not self._read_if_room(watched):
                    return
                if ready.get(watched, 0) & selectors.EVENT_WRITE:
                    client.loop_write()
                if self.up:
                    self._send()
                if client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
                    return
                if link._closing.is_set() or link._dropping:  # noqa: SLF001
                    self._farewell(selector, watched)
                    return

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.link._wake_in.recv(4096):  # noqa: SLF001
                pass

    def _read_if_room(self, watched: Any) -> bool:  # noqa: ANN401 - plain or TLS
        """Read what is there, unless too much waits to be handled; False when the connection is gone."""
        if self.link._room():  # noqa: SLF001
            return self._read(watched)
        self.link._closing.wait(NO_ROOM_S)  # noqa: SLF001
        return True

    def _read(self, watched: Any) -> bool:  # noqa: ANN401 - plain or TLS
        """Read what is there, also what TLS holds back; False when the connection is gone."""
        while True:
            if self.client.loop_read() != mqtt.MQTT_ERR_SUCCESS or self.client.socket() is not watched:
                return False
            pending = getattr(watched, "pending", None)
            if pending is None or not pending():
                return True

    def _send(self) -> None:
        out, more = self.link._take()  # noqa: SLF001
        if more:
            self.client.subscribe([(one, 1) for one in more])
        for one in out:
            sent = self.client.publish(one.topic, one.payload, qos=1, retain=one.retain)
            if sent.rc == mqtt.MQTT_ERR_SUCCESS:
                self._unacked.add(sent.mid)

    def _farewell(self, selector: selectors.BaseSelector, watched: Any) -> None:  # noqa: ANN401 - plain or TLS
        """Get the last words acknowledged, then say goodbye; a broker that does not answer is not waited for long.

        To go before the acknowledgement is read would make the kernel break the connection, and the broker speak
        our will.
        """
        self.reason = OURSELVES
        if not self.link._polite:  # noqa: SLF001
            return
        if self.up:
            self._send()
        until_s = self.link._real_s() + FAREWELL_S  # noqa: SLF001
        while self._unacked and self._stands(watched) and self.link._real_s() < until_s:  # noqa: SLF001
            writing = selectors.EVENT_WRITE if self.client.want_write() else 0
            selector.modify(watched, selectors.EVENT_READ | writing)
            for key, events in selector.select(0.05):
                if key.fileobj is not watched:
                    self._drain_wake()
                    continue
                if events & selectors.EVENT_READ:
                    self.client.loop_read()
                if events & selectors.EVENT_WRITE:
                    self.client.loop_write()
        self.client.disconnect()

    def _stands(self, watched: Any) -> bool:  # noqa: ANN401 - plain or TLS
        return self.client.socket() is watched

    def end(self) -> None:
        """Leave no socket behind. A socket closed without a goodbye makes the broker speak our will."""
        watched = self.client.socket()
        if watched is not None:
            watched.close()

    def _on_connect(self, client: Any, _data: object, _flags: object, code: Any, _more: object) -> None:  # noqa: ANN401
        if code.is_failure:
            self.reason = f"the broker refuses us: {code}"
            return
        client.subscribe([(one, 1) for one in self.filters])
        self.up = True
        self.link._went_up()  # noqa: SLF001

    def _on_disconnect(self, _client: Any, _data: object, _flags: object, code: Any, _more: object) -> None:  # noqa: ANN401
        refused = self.link.broker.tls and not self.up
        self.reason = self.reason or (REFUSED if refused else str(code))

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self.link._tell(Message(message.topic, bytes(message.payload), bool(message.retain)))  # noqa: SLF001

    def _on_publish(self, _client: object, _data: object, mid: int, _code: object, _more: object) -> None:
        self._unacked.discard(mid)


def set_nodelay(_client: object, _data: object, sock: Any) -> None:  # noqa: ANN401 - plain or TLS
    """Switch Nagle's algorithm off on a new socket."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

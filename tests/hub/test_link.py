"""The hub's MQTT, byte by byte: against a broker that is a bare socket and says what a test tells it to."""

from __future__ import annotations

import logging
import shutil
import socket
import ssl
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from andgate.errors import PayloadError
from andgate.wire.topics import Topics
from hub.clock import SystemClock
from hub.config import BrokerUrl, Certificates
from hub.link import Link
from hub.link.link import INFLIGHT_MOST
from hub.link.packets import connect, puback, publish, published, split
from hub.link.session import Session

WAIT_S = 20.0
CONNACK, SUBACK = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x01"


class Peer:
    """The broker's end: one connection after the other."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT_S)
        self.port = self.listener.getsockname()[1]
        self.sock: socket.socket | None = None
        self.rest = b""
        self.packets: deque[tuple[int, bytes]] = deque()

    def accept(self, *, tls: ssl.SSLContext | None = None) -> None:
        if self.sock is not None:
            self.sock.close()
        self.sock, _ = self.listener.accept()
        self.sock.settimeout(WAIT_S)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_side=True)
        self.rest = b""
        self.packets.clear()

    def say(self, data: bytes) -> None:
        assert self.sock is not None
        self.sock.sendall(data)

    def hear(self) -> tuple[int, bytes]:
        """Return the next packet."""
        assert self.sock is not None
        while not self.packets:
            data = self.sock.recv(65536)
            assert data, "the hub hung up"
            found, end = split(self.rest + data)
            self.packets += found
            self.rest = (self.rest + data)[end:]
        return self.packets.popleft()

    def welcome(self) -> None:
        assert self.hear()[0] == 0x10
        self.say(CONNACK)
        assert self.hear()[0] == 0x82
        self.say(SUBACK)

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
        self.listener.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


class Wire:
    """A link, and what it heard."""

    def __init__(self, url: BrokerUrl, certificates: Certificates | None = None) -> None:
        self.heard: list[tuple[str, bytes, bool, int]] = []
        self.arrived = threading.Semaphore(0)
        self.link = Link(url, Topics("agx"), SystemClock(), self._take, will=b"lost", certificates=certificates)

    def _take(self, topic: str, payload: bytes, retained: bool, _at: int, token: int) -> None:
        self.heard.append((topic, payload, retained, token))
        self.arrived.release()


@pytest.fixture
def wire(peer: Peer) -> Iterator[Wire]:
    made = Wire(BrokerUrl("127.0.0.1", peer.port))
    made.link.start()
    peer.accept()
    yield made
    peer.close()
    made.link._pump.stop()


def _connected(wire: Wire, peer: Peer) -> None:
    peer.welcome()
    assert wire.link.wait_connected(WAIT_S)


def test_what_is_said_is_what_the_standard_says() -> None:
    assert connect("h", 30, "w", b"x", username=None, password=None) == (
        b"\x10\x13\x00\x04MQTT\x04\x2e\x00\x1e\x00\x01h\x00\x01w\x00\x01x"
    )
    assert connect("h", 30, "w", b"x", username="u", password="p")[9] == 0xEE
    assert publish("t", b"abc", 7, retain=True) == b"\x33\x08\x00\x01t\x00\x07abc"
    assert publish("t", b"abc", 7, retain=False, again=True)[0] == 0x3A
    assert publish("t", b"abc", 0, retain=False) == b"\x30\x06\x00\x01tabc"
    assert puback([1, 258]) == b"\x40\x02\x00\x01\x40\x02\x01\x02"


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 70_000])
def test_packets_are_found_wherever_they_are_cut(length: int) -> None:
    payload = b"x" * length
    data = publish("t", payload, 7, retain=False) + puback([3])
    (first, rest), second = split(data)[0]
    assert published(first, rest) == (b"t", payload, 7)
    assert second == (0x40, b"\x00\x03")
    for cut in {0, 1, 2, 3, 4, 5, len(data) // 2, len(data) - 1}:
        whole, end = split(data[:cut])
        again, _ = split(data[end:cut] + data[cut:])
        assert whole + again == [(first, rest), second]


@pytest.mark.parametrize("data", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x80\x80\x80\x80\x00"])
def test_a_length_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        split(data)


@pytest.mark.parametrize(("first", "rest"), [(0x34, b"\x00\x01t\x00\x07"), (0x32, b"\x00\x09t"), (0x30, b"\x00\x09t")])
def test_a_publication_nobody_asked_for_is_refused(first: int, rest: bytes) -> None:
    with pytest.raises(PayloadError):
        published(first, rest)


def test_more_than_may_be_in_flight_waits_and_more_than_may_wait_is_dropped() -> None:
    session = Session(inflight_most=2, queued_most=1)
    session.begin(b"")
    session.welcome([])
    session.take()
    for number in range(4):
        session.publish("t", b"%d" % number, retain=False, done=None)
    said = [published(*each) for each in split(session.take())[0]]
    assert [payload for _, payload, _ in said] == [b"0", b"1"]
    assert session.acknowledged(said[0][2]) is None
    assert [published(*each)[1] for each in split(session.take())[0]] == [b"2"]
    assert session.acknowledged(said[0][2]) is None, "a number acknowledged twice is nobody's"
    session.acknowledged(said[1][2])
    assert not session.unsaid


def test_messages_are_heard_and_acknowledged(wire: Wire, peer: Peer) -> None:
    _connected(wire, peer)
    peer.say(
        publish("a/b", b"one", 5, retain=False) + publish("a/c", b"two", 6, retain=True) + b"\x30\x05\x00\x02\xff\xfex"
    )
    for _ in range(3):
        assert wire.arrived.acquire(timeout=WAIT_S)
    assert [(topic, payload, retained) for topic, payload, retained, _ in wire.heard] == [
        ("a/b", b"one", False),
        ("a/c", b"two", True),
        ("a topic that is not UTF-8", b"x", False),
    ]
    wire.link.ack([token for *_, token in wire.heard])
    assert peer.hear() == (0x40, b"\x00\x05")
    assert peer.hear() == (0x40, b"\x00\x06")


def test_what_was_not_acknowledged_is_said_again_and_old_tokens_mean_nothing(wire: Wire, peer: Peer) -> None:
    _connected(wire, peer)
    peer.say(publish("a/b", b"one", 5, retain=False))
    assert wire.arrived.acquire(timeout=WAIT_S)
    done = threading.Event()
    wire.link.publish("page/x", b"p", urgent=True, done=done.set)
    first, rest = peer.hear()
    assert first == 0x32
    peer.accept()
    wire.link.ack([wire.heard[0][3]])
    peer.welcome()
    first, again = peer.hear()
    assert (first, again) == (0x3A, rest)
    peer.say(puback([published(first, again)[2]]))
    assert done.wait(WAIT_S)
    wire.link.ack([wire.heard[0][3]])
    wire.link.publish("page/x", b"q")
    assert published(*peer.hear())[1] == b"q", "no acknowledgement came before it"


def test_a_refusal_and_a_broker_that_talks_nonsense_are_told_and_tried_again(
    wire: Wire, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert peer.hear()[0] == 0x10
        peer.say(b"\x20\x02\x00\x05")
        peer.accept()
        assert "not authorized" in caplog.text
        peer.welcome()
        assert wire.link.wait_connected(WAIT_S)
        peer.say(b"\x30\xff\xff\xff\xff\xff")
        peer.accept()
        peer.welcome()
        assert "more than four digits" in caplog.text


def test_a_filter_that_is_not_granted_is_told(wire: Wire, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        peer.hear()
        peer.say(CONNACK)
        peer.hear()
        peer.say(b"\x90\x03\x00\x01\x80")
        assert wire.link.wait_connected(WAIT_S)
    assert "access rules" in caplog.text


def test_a_silent_broker_is_asked_and_left(wire: Wire, peer: Peer) -> None:
    _connected(wire, peer)
    wire.link._pump._keepalive_s = 0.0
    wire.link.publish("t", b"wakes the thread")
    while peer.hear()[0] != 0xC0:
        pass
    peer.accept()
    wire.link._pump._keepalive_s = 30.0
    peer.welcome()


def test_what_is_only_mentioned_is_not_kept(wire: Wire, peer: Peer) -> None:
    wire.link.publish("t", b"nobody listens", qos=0)
    _connected(wire, peer)
    wire.link.publish("t", b"heard", qos=0)
    assert peer.hear() == (0x30, b"\x00\x01theard")


def test_a_socket_without_room_is_waited_for(wire: Wire, peer: Peer) -> None:
    _connected(wire, peer)
    payload = b"x" * 60_000
    for _ in range(INFLIGHT_MOST // 4):
        wire.link.publish("t", payload, urgent=True)
    assert peer.sock is not None
    left = (INFLIGHT_MOST // 4) * len(publish("t", payload, 1, retain=False))
    while left:
        left -= len(peer.sock.recv(1 << 20))


def test_the_end_is_said(wire: Wire, peer: Peer) -> None:
    _connected(wire, peer)
    ended = threading.Thread(target=wire.link.stop, args=(b"bye",))
    ended.start()
    name, payload, number = published(*peer.hear())
    assert (name, payload) == (b"andgate/v1/agx/hub/state", b"bye")
    peer.say(puback([number]))
    assert peer.hear() == (0xE0, b"")
    ended.join(WAIT_S)


def test_it_speaks_through_tls(peer: Peer, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    wire = Wire(BrokerUrl("localhost", peer.port, tls=True), Certificates(ca=cert))
    wire.link.start()
    try:
        peer.accept(tls=context)
        _connected(wire, peer)
        payload = b"y" * 50_000
        for number in range(1, 21):
            peer.say(publish("a/b", payload, number, retain=False))
        for _ in range(20):
            assert wire.arrived.acquire(timeout=WAIT_S)
        wire.link.publish("page/x", b"p", urgent=True)
        assert published(*peer.hear())[1] == b"p"
    finally:
        peer.close()
        wire.link._pump.stop()

"""The broker's configurations, each in a real Mosquitto: who gets in, and who may say what."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from andgate.wire.messages import MAX_PAYLOAD_BYTES
from andgate.wire.topics import Topics
from edge.app import EdgeApp
from edge.broker import Broker as NodeBroker
from edge.devices.mock import MockBoard
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import HubConfig, parse_broker
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "firmware_config" / "mosquitto"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PASSWD = shutil.which("mosquitto_passwd")
WAIT_S = 40.0
SITE = Topics("agx")
PASSWORDS = {
    "andgate.hub": "hub-secret",
    "andgate.listener": "listener-secret",
    "desk-a1": "desk-secret",
    "mark-a": "mark-secret",
    "flights": "feed-secret",
}

pytestmark = pytest.mark.skipif(not (MOSQUITTO and PASSWD), reason="mosquitto is not installed")


class Broker:
    """A Mosquitto that runs a configuration."""

    def __init__(self, conf: Path) -> None:
        assert MOSQUITTO is not None
        self.said: list[str] = []
        self._up = threading.Event()
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(conf)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        running = self._up.wait(WAIT_S) and any(" running" in line for line in self.said)
        if not running:
            self.stop()
        assert running, self.said

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as said:
            for line in said:
                self.said.append(line.rstrip())
                if " running" in line:
                    self._up.set()
        self._up.set()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(WAIT_S)
        self._reader.join(WAIT_S)


class Client:
    """A client that remembers what it was told."""

    def __init__(self, port: int, user: str | None = None, password: str | None = None, ca: Path | None = None) -> None:
        self._changed = threading.Condition()
        self._told: list[tuple[str, bytes]] = []
        self._answer: str | None = None
        self._acked: set[int] = set()
        self._mqtt = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._mqtt.max_inflight_messages_set(1000)
        if user is not None:
            self._mqtt.username_pw_set(user, password)
        if ca is not None:
            self._mqtt.tls_set_context(ssl.create_default_context(cafile=str(ca)))
        self._mqtt.on_connect = lambda _c, _d, _f, reason, _p: self._note(answer=str(reason))
        # What another test's clients left with the broker is nobody's word now.
        self._mqtt.on_message = lambda _c, _d, said: (
            None if said.retain else self._note(told=(said.topic, bytes(said.payload)))
        )
        self._mqtt.on_publish = lambda _c, _d, mid, _r, _p: self._note(acked=mid)
        self._mqtt.on_subscribe = lambda _c, _d, mid, _r, _p: self._note(acked=mid)
        self._mqtt.connect("localhost", port)
        self._mqtt.loop_start()
        self._wait(lambda: self._answer is not None)

    def _note(
        self, *, answer: str | None = None, told: tuple[str, bytes] | None = None, acked: int | None = None
    ) -> None:
        with self._changed:
            self._answer = answer or self._answer
            self._told += [told] if told else []
            self._acked |= {acked} if acked else set()
            self._changed.notify_all()

    def _wait(self, true: object) -> None:
        assert callable(true)
        with self._changed:
            assert self._changed.wait_for(true, WAIT_S)

    @property
    def answer(self) -> str | None:
        return self._answer

    def subscribe(self, topic: str) -> None:
        mid = self._mqtt.subscribe(topic, 1)[1]
        self._wait(lambda: mid in self._acked)

    def publish(self, topic: str, payload: bytes = b"{}") -> None:
        """Publish and wait for the acknowledgement, which says nothing about whether it was allowed."""
        mid = self._mqtt.publish(topic, payload, qos=1).mid
        self._wait(lambda: mid in self._acked)

    def told_until(self, topic: str) -> set[str]:
        """Return the topics of everything told, up to one on `topic`."""
        self._wait(lambda: any(name == topic for name, _ in self._told))
        return {name for name, _ in self._told}

    def wait_told(self, topic: str, words: bytes) -> None:
        """Wait for a message on a topic with these words in it."""
        self._wait(lambda: any(name == topic and words in payload for name, payload in self._told))

    def close(self) -> None:
        self._mqtt.disconnect()
        self._mqtt.loop_stop()


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the authority's certificate of a site, made by the script beside the configuration."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("site-ca")
    for _ in range(2):  # the second run renews the broker's certificate and keeps the authority
        subprocess.run(
            ["sh", str(FOLDER / "certificates"), str(folder), "localhost", "127.0.0.1"],
            check=True,
            capture_output=True,
            timeout=60,
        )
    return folder / "ca.crt"


class Site:
    """A running site's broker."""

    def __init__(self, plain: int, tls: int, ca: Path) -> None:
        self.plain, self.tls, self.ca = plain, tls, ca
        self.stack = contextlib.ExitStack()

    def node(self, user: str, password: str | None = None) -> Client:
        return self._kept(Client(self.tls, user, password or PASSWORDS[user], self.ca))

    def hub(self) -> Client:
        return self._kept(Client(self.plain, "andgate.hub", PASSWORDS["andgate.hub"]))

    def _kept(self, client: Client) -> Client:
        self.stack.callback(client.close)
        return client


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory, ca: Path) -> Iterator[tuple[int, int]]:
    """Run andgate.conf as Debian would, from the folder that its own file includes; paths and ports differ."""
    home = tmp_path_factory.mktemp("mosquitto")
    plain, tls = free_port(), free_port()
    shutil.copy(FOLDER / "andgate.acl", home)
    shutil.copytree(ca.parent, home / "certs")
    first = ["-c"]
    for user, password in PASSWORDS.items():
        subprocess.run(
            [str(PASSWD), *first, "-b", str(home / "andgate.passwd"), user, password], check=True, capture_output=True
        )
        first = []
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    text = (FOLDER / "andgate.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/mosquitto", str(home)).replace("listener 1883 ", f"listener {plain} ")
    text = text.replace("listener 8883", f"listener {tls} 127.0.0.1")
    parts = home / "conf.d"
    parts.mkdir()
    (parts / "andgate.conf").write_text(text, encoding="utf-8")
    debian = home / "mosquitto.conf"
    debian.write_text(
        f"user root\npersistence true\npersistence_location {home}/\nlog_dest stderr\ninclude_dir {parts}\n",
        encoding="utf-8",
    )
    broker = Broker(debian)
    yield plain, tls
    broker.stop()
    assert not (home / "mosquitto.db").exists(), "nothing is kept on disk"
    starting = broker.said[: next(at for at, line in enumerate(broker.said) if " running" in line)]
    meant = ("run as root", "does not contain '%c' or '%u'")
    wrong = [line for line in starting if "Error" in line or "Warning" in line]
    assert [line for line in wrong if not any(words in line for words in meant)] == []


@pytest.fixture
def site(ports: tuple[int, int], ca: Path) -> Iterator[Site]:
    running = Site(*ports, ca)
    with running.stack:
        yield running


def heard_by(hub: Client, speaker: Client, topics: list[str], last: str) -> set[str]:
    """Return which topics the hub hears of those that the speaker publishes; `last` is one that it may."""
    hub.subscribe(f"{SITE.root}/#")
    for topic in [*topics, last]:
        speaker.publish(topic)
    return hub.told_until(last) - {last}


def test_a_node_says_what_is_its_own(site: Site) -> None:
    own = [SITE.node_state("desk-a1"), SITE.node_health("desk-a1"), SITE.node_time("desk-a1")]
    assert heard_by(site.hub(), site.node("desk-a1"), own, SITE.node_signal("desk-a1")) == set(own)


def test_a_node_says_nothing_for_anybody_else(site: Site) -> None:
    others = [
        SITE.node_signal("mark-a"),
        SITE.node_state("mark-a"),
        SITE.node_receipt("desk-a1"),
        SITE.node_config("desk-a1"),
        SITE.node_command("desk-a1"),
        SITE.hub_state,
        SITE.feed_signal("flights"),
        SITE.touchpoint_moment("counter-a"),
        SITE.page("ticket-agents"),
        SITE.answer,
        SITE.verdict,
    ]
    assert heard_by(site.hub(), site.node("desk-a1"), others, SITE.node_signal("desk-a1")) == set()


def test_a_node_hears_what_it_lives_on_and_no_other_node(site: Site) -> None:
    node, hub = site.node("desk-a1"), site.hub()
    wanted = set(SITE.node_filters("desk-a1", ["counter-a"]))
    node.subscribe("andgate/v1/+/node/desk-a1/config")
    for topic in [*wanted, "#", f"{SITE.root}/#"]:
        node.subscribe(topic)
    for topic in [SITE.node_signal("mark-a"), SITE.node_config("mark-a"), SITE.page("ticket-agents"), SITE.verdict]:
        hub.publish(topic)
    for topic in wanted - {SITE.hub_state}:
        hub.publish(topic)
    hub.publish(SITE.hub_state)
    assert node.told_until(SITE.hub_state) == wanted


def test_a_feed_says_its_signals_and_hears_its_receipts(site: Site) -> None:
    hub, feed = site.hub(), site.node("flights")
    assert heard_by(hub, feed, [SITE.feed_signal("prices")], SITE.feed_signal("flights")) == set()
    feed.subscribe("andgate/v1/agx/feed/+/receipt")
    hub.publish(SITE.feed_receipt("prices"))
    hub.publish(SITE.feed_receipt("flights"))
    assert feed.told_until(SITE.feed_receipt("flights")) == {SITE.feed_receipt("flights")}


def test_a_listener_hears_everything_and_says_nothing(site: Site) -> None:
    hub, listener = site.hub(), site.node("andgate.listener")
    listener.subscribe(f"{SITE.root}/#")
    hub.subscribe(f"{SITE.root}/#")
    listener.publish(SITE.answer)
    hub.publish(SITE.verdict)
    assert listener.told_until(SITE.verdict) == {SITE.verdict}
    assert hub.told_until(SITE.verdict) == {SITE.verdict}


@pytest.mark.parametrize(("user", "password"), [("desk-a1", "wrong"), ("stranger", "desk-secret"), (None, None)])
def test_nobody_gets_in_without_the_right_password(site: Site, user: str | None, password: str | None) -> None:
    client = Client(site.plain, user, password)
    site.stack.callback(client.close)
    assert client.answer == "Not authorized"


def test_nobody_speaks_plainly_on_the_network_s_port(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.tls), WAIT_S) as plain:
        plain.settimeout(WAIT_S)
        plain.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04node")
        with contextlib.suppress(ConnectionResetError):
            assert b"\x20\x02\x00\x00" not in plain.recv(64)


def test_the_broker_of_another_authority_is_not_believed(site: Site) -> None:
    world = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", site.tls), WAIT_S) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
        world.wrap_socket(plain, server_hostname="localhost"),
    ):
        pass


def test_a_message_of_the_longest_kind_arrives(site: Site) -> None:
    hub, node = site.hub(), site.node("desk-a1")
    hub.subscribe(SITE.node_signal("desk-a1"))
    node.publish(SITE.node_signal("desk-a1"), b"x" * (MAX_PAYLOAD_BYTES + 1000))
    assert hub.told_until(SITE.node_signal("desk-a1"))  # also what is too long: the hub quarantines it, visibly


def test_loopback_lets_everybody_on_the_machine_in(tmp_path: Path) -> None:
    port = free_port()
    conf = tmp_path / "loopback.conf"
    text = (FOLDER / "loopback.conf").read_text(encoding="utf-8")
    conf.write_text(text.replace("listener 1883 ", f"listener {port} "), encoding="utf-8")
    broker = Broker(conf)
    try:
        client = Client(port)
        client.subscribe(SITE.hub_state)
        client.publish(SITE.hub_state)
        assert client.told_until(SITE.hub_state) == {SITE.hub_state}
        client.close()
    finally:
        broker.stop()


@pytest.mark.parametrize("conf", sorted(FOLDER.glob("*.conf")), ids=lambda path: path.name)
def test_what_every_broker_of_ours_needs(conf: Path) -> None:
    text = conf.read_text(encoding="utf-8")
    for line in ("set_tcp_nodelay true", "max_inflight_messages 1000", "persistence false"):
        assert re.search(rf"^{line}$", text, flags=re.MULTILINE)


def test_hub_and_node_work_together_through_it(site: Site, tmp_path: Path) -> None:
    """With the rights of andgate.acl a node learns its devices from the hub, and its press comes to judgement."""
    plan = tmp_path / "plan.toml"
    plan.write_text((ROOT / "docs" / "examples" / "airport.toml").read_text(encoding="utf-8"), encoding="utf-8")
    hub = HubApp(
        HubConfig(
            plan=plan,
            data=tmp_path / "hub",
            broker=parse_broker(f"mqtt://andgate.hub:{PASSWORDS['andgate.hub']}@127.0.0.1:{site.plain}"),
            web=False,
        ),
        SystemClock(),
    )
    board = MockBoard()
    site.stack.callback(board.close)
    broker = NodeBroker.at(f"mqtts://desk-a1:{PASSWORDS['desk-a1']}@localhost:{site.tls}", ca=str(site.ca))
    node = EdgeApp("desk-a1", broker_url=broker, data_dir=tmp_path / "desk-a1", pin_factory=board.factory)
    listener = site.node("andgate.listener")
    listener.subscribe(f"{SITE.root}/#")
    hub.start()
    site.stack.callback(hub.stop)
    node.start()
    site.stack.callback(node.stop)
    listener.wait_told(SITE.node_health("desk-a1"), b'"mot"')
    board.press(17, for_s=0.2)
    listener.wait_told(SITE.node_receipt("desk-a1"), b'"seq":')
    listener.wait_told(SITE.touchpoint_moment("counter-a"), b"check-in-wait")

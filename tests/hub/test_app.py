"""The whole hub against a real Mosquitto."""

from __future__ import annotations

import json
import logging
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from andgate.errors import UsageError
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, BrokerUrl, HubConfig, parse_address, parse_broker
from hub.driver import Committed
from tests.hub.desk import PLAN, ROOT, WAIT_S, Broker, Ear, node_signal
from tests.hub.valve import Valve

ANY = Address("127.0.0.1", 0)


@pytest.fixture
def make_hub(tmp_path: Path) -> Iterator[Callable[..., HubApp]]:
    made: list[HubApp] = []
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)

    def make(**options: Any) -> HubApp:
        given: dict[str, Any] = {
            "plan": plan,
            "data": tmp_path / "data",
            "broker_listen": ANY,
            "listen": ANY,
            "web": False,
        }
        made.append(HubApp(HubConfig(**(given | options)), SystemClock()))
        return made[-1]

    yield make
    for hub in made:
        hub.stop()


def _on(broker: Broker) -> dict[str, Any]:
    return {"broker": BrokerUrl("127.0.0.1", broker.port)}


def test_a_press_becomes_a_page_a_lamp_a_verdict_and_a_receipt(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear]
) -> None:
    hub = make_hub(**_on(broker))
    client = ear(broker.port, f"{ROOT}/#")
    hub.start()
    assert client.hear("hub/state")["state"] == "online"
    client.say("node/desk-a1/signal", node_signal(1, sent=11.0))
    page = client.hear("page/ticket-agents")
    assert page["kind"] == "page"
    lamp = client.hear("touchpoint/counter-a/moment", lambda said: bool(said["moments"]))
    assert lamp["moments"][0]["level"] == "threatened"
    client.say("answer", json.dumps({"page": page["id"], "do": "claim", "by": "p7"}).encode())
    assert client.hear("verdict", lambda said: said["claimed_by"] == "p7")["id"] == page["moment"]
    client.say("node/desk-a1/signal", node_signal(2, "reset", sent=12.0))
    assert client.hear("node/desk-a1/receipt", lambda said: said["seq"] == 2)["boot"] == "b1"
    ended = client.hear("touchpoint/counter-a/moment", lambda said: "ended" in said)
    assert ended["ended"]["saved"]
    assert (ended["moments"], ended["ended"]["verdict"]) == ([], "success")


def test_nodes_are_configured_timed_and_refused(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear]
) -> None:
    hub = make_hub(**_on(broker))
    hub.start()
    client = ear(broker.port, f"{ROOT}/node/#", f"{ROOT}/feed/#")
    assert hub.link.wait_connected(WAIT_S)  # the configuration may come before anybody listens
    assert client.hear("node/desk-a1/config")["devices"]["mot"]["kind"] == "mot-button"
    client.say("node/desk-a1/time", b'{"n":5,"boot":"b1","mono":1.0}')
    reply = client.hear("node/desk-a1/time/reply")
    assert (reply["n"], reply.get("rate", 1.0)) == (5, 1.0)
    client.say("node/mark-a/signal", node_signal(1, "reached", device="mark", sent=12.5))
    client.say("node/desk-a1/signal", node_signal(1, "reset"))
    assert client.hear("node/desk-a1/command")["do"] == "refused"
    client.say("feed/ops/signal", b'[{"id":"a","touchpoint":"belt-3","signal":"docked","key":"K/1"}]')
    assert client.hear("feed/ops/receipt")["ids"] == ["a"]


def test_a_broker_that_comes_late_or_again_learns_everything(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear], caplog: pytest.LogCaptureFixture
) -> None:
    broker.stop()
    hub = make_hub(**_on(broker))
    with caplog.at_level(logging.WARNING):
        hub.start()
        hub.driver.signals([], "x").result(WAIT_S)
        _until(lambda: "cannot be reached" in caplog.text)
    broker.start()
    for _ in range(2):
        assert hub.link.wait_connected(WAIT_S)
        client = ear(broker.port, f"{ROOT}/#")
        client.hear("hub/state", lambda said: said["state"] == "online")
        client.hear("touchpoint/belt-3/moment")
        client.hear("node/belt-3/config")
        client.close()
        broker.stop()
        _until(lambda: not hub.link.connected)
        broker.start()
    assert hub.link.wait_connected(WAIT_S)
    client = ear(broker.port, f"{ROOT}/#")
    client.say("node/desk-a1/signal", node_signal(1, sent=11.0))
    client.hear("page/ticket-agents")


def test_a_page_decided_while_the_broker_is_away_goes_out_once_it_is_back(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear]
) -> None:
    from andgate.wire.messages import FeedSignal  # noqa: PLC0415

    hub = make_hub(**_on(broker))
    hub.start()
    assert hub.link.wait_connected(WAIT_S)
    broker.stop()
    _until(lambda: not hub.link.connected)
    hub.driver.signals([FeedSignal(id="a", touchpoint="counter-a", signal="pressed")], "ops").result(WAIT_S)
    _until(lambda: hub.reader.pages().items[0].note == "waiting for the broker")
    broker.start()
    _until(lambda: hub.reader.pages().items[0].state == "sent")
    assert not hub.reader.pages().items[0].again


def test_a_page_whose_acknowledgement_is_lost_goes_out_again_and_says_so(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear]
) -> None:
    from andgate.wire.messages import FeedSignal  # noqa: PLC0415

    valve = Valve(broker.port)
    try:
        hub = make_hub(broker=BrokerUrl("127.0.0.1", valve.port))
        hub.start()
        assert hub.link.wait_connected(WAIT_S)
        client = ear(broker.port, f"{ROOT}/page/#")
        valve.close_back()
        hub.driver.signals([FeedSignal(id="a", touchpoint="counter-a", signal="pressed")], "ops").result(WAIT_S)
        first = client.hear("page/ticket-agents")
        assert first["again"] is False
        valve.cut()
        second = client.hear("page/ticket-agents")
        assert second == first | {"again": True, "left_s": second["left_s"]}
        _until(lambda: hub.reader.pages().items[0].state == "sent")
        assert hub.reader.pages().items[0].note == "sent again: it may have gone out before"
    finally:
        valve.close()


def test_a_flood_that_the_driver_cannot_take_stands_in_no_pages_way(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link reads no more while the driver is full, and holds nothing that a page needs to go out."""
    most, flood = 20, 400
    monkeypatch.setattr("hub.driver.turns.QUEUE_MOST", most)
    hub = make_hub(**_on(broker))
    held, go_on = threading.Event(), threading.Event()

    def hold(out: Committed) -> None:
        if out.pages and not held.is_set():
            held.set()
            go_on.wait(WAIT_S)

    hub.driver.listeners.append(hold)  # before the notifier's own
    hub.start()
    client = ear(broker.port, f"{ROOT}/page/#", f"{ROOT}/node/mark-a/receipt")
    assert hub.link.wait_connected(WAIT_S)
    client.say("node/desk-a1/signal", node_signal(1, sent=11.0))
    assert held.wait(WAIT_S)
    for number in range(1, flood + 1):
        client.shout("node/mark-a/signal", node_signal(number, "gap", device="", to=number, sent=1e3))
    _until(lambda: not hub.driver.has_room)
    # A packet of QoS 0 before the page: paho tells of it in the thread that writes it, which then is the driver's.
    hub.link.publish(f"{ROOT}/hub/beat", b"{}", qos=0)
    go_on.set()
    assert client.hear("page/ticket-agents")["kind"] == "page"
    client.hear("node/mark-a/receipt", lambda said: said["seq"] == flood)


def test_the_end_is_said_and_a_kill_is_noticed(
    make_hub: Callable[..., HubApp], broker: Broker, ear: Callable[..., Ear]
) -> None:
    hub = make_hub(**_on(broker))
    hub.start()
    client = ear(broker.port, f"{ROOT}/hub/state")
    client.hear("hub/state", lambda said: said["state"] == "online")
    hub.link._client._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    assert client.hear("hub/state", lambda said: said["state"] == "lost")["session"] == 1
    _until(lambda: hub.link._generation == 2 and hub.link.connected)
    hub.stop()
    said = client.hear("hub/state", lambda said: said["state"] == "stopped")
    assert said["chain"]["entry"] >= 1


def test_done_is_told_of_every_publication_however_fast(make_hub: Callable[..., HubApp], broker: Broker) -> None:
    hub = make_hub(**_on(broker))
    hub.start()
    assert hub.link.wait_connected(WAIT_S)
    told = threading.Semaphore(0)
    count = 4_000
    for number in range(count):
        hub.link.publish(f"{ROOT}/page/supervisors", b"%d" % number, done=told.release)
    for _ in range(count):
        assert told.acquire(timeout=WAIT_S)


def test_nagle_is_off(make_hub: Callable[..., HubApp], broker: Broker) -> None:
    hub = make_hub(**_on(broker))
    hub.start()
    assert hub.link.wait_connected(WAIT_S)
    sock = hub.link._client._sock
    assert isinstance(sock, socket.socket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_everything_embedded_with_a_dashboard(make_hub: Callable[..., HubApp], ear: Callable[..., Ear]) -> None:
    hub = make_hub(web=True)
    with hub:
        hub.wait_web()
        with urllib.request.urlopen(f"{hub.http_url}/api/v1/touchpoints", timeout=WAIT_S) as answer:
            assert [item["id"] for item in json.load(answer)["items"]] == ["counter-a", "belt-3"]
        assert hub.broker_url.startswith("mqtt://127.0.0.1:")
        client = ear(parse_broker(hub.broker_url).port, f"{ROOT}/page/#")
        client.say("node/desk-a1/signal", node_signal(1, sent=11.0))
        client.hear("page/ticket-agents")
        client.close()


def test_taken_ports_are_refused_before_anything_runs(make_hub: Callable[..., HubApp], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = Address("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(UsageError, match="--listen HOST:PORT"):
            make_hub(web=True, listen=address)
        hub = make_hub(broker_listen=address)
        with pytest.raises(UsageError, match="--broker-listen"):
            hub.start()
    make_hub().start()
    assert threading.active_count() > 1


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"listen": Address("0.0.0.0", 0)}, "--token-file"),
        ({"broker_listen": Address("0.0.0.0", 0)}, "mqtt://USER:PASSWORD@HOST"),
        ({"broker": BrokerUrl("broker.example", 1883)}, "prove who it is"),
        ({"plan": Path("/nowhere/plan.toml")}, "cannot read the plan"),
        ({"token_file": Path("/nowhere/tokens")}, "cannot read the token file"),
    ],
)
def test_what_would_be_open_or_cannot_work_is_refused(
    make_hub: Callable[..., HubApp], options: dict[str, Any], match: str
) -> None:
    with pytest.raises(UsageError, match=match):
        make_hub(**options)


def test_addresses_and_urls() -> None:
    assert parse_address("[::1]:80") == Address("::1", 80)
    assert str(Address("::1", 80)) == "[::1]:80"
    assert parse_broker("mqtts://u:p%40@h") == BrokerUrl("h", 8883, True, "u", "p@")
    assert str(parse_broker("mqtts://u:p%40@h")) == "mqtts://u@h:8883"
    for bad in ("", "8080", "host:", "host:http", "h:99999"):
        with pytest.raises(UsageError):
            parse_address(bad)
    for bad in ("", "h:1883", "http://h", "mqtt://", "mqtt://h/path", "mqtt://h:x", "mqtt://h?x=1"):
        with pytest.raises(UsageError):
            parse_broker(bad)


def _until(true: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_S * 100)):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_what_is_no_http_leaves_no_traceback(
    make_hub: Callable[..., HubApp], broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    hub = make_hub(web=True, **_on(broker))
    hub.start()
    hub.wait_web()
    host, _, port = hub.http_url.removeprefix("http://").partition(":")
    begun = b"POST /api/v1/signals HTTP/1.1\r\nHost: elsewhere\r\n"
    for said in (b"\x16\x03\x01\x02", b"GET\r\n\r\n", begun + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n"):
        with socket.create_connection((host, int(port)), timeout=WAIT_S) as caller:
            caller.sendall(said)
            assert b" 400 " in caller.recv(200)
            while caller.recv(1000):
                pass
    with urllib.request.urlopen(f"{hub.http_url}/healthz", timeout=WAIT_S) as answer:
        assert answer.status == 200
    hub.stop()
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]

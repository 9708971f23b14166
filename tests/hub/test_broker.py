from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from andgate.errors import UsageError
from hub.broker import broker as broker_module
from hub.broker.broker import IotcoreBroker, MosquittoBroker, configuration, embedded_broker, mosquitto
from hub.config import Address
from tests.hub.desk import ROOT, WAIT_S, Ear
from tests.ports import free_port

ANY = Address("127.0.0.1", 0)


def free() -> Address:
    return Address("127.0.0.1", free_port())


@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
def test_an_embedded_broker_carries_a_full_list_of_signals(kind: str, ear: Callable[..., Ear]) -> None:
    if kind == "iotcore":
        pytest.importorskip("iotcore")
        broker: MosquittoBroker | IotcoreBroker = IotcoreBroker(free())
    else:
        broker = MosquittoBroker(mosquitto() or "mosquitto", free())
    try:
        client = ear(broker.address.port, f"{ROOT}/verdict")
        client.say("verdict", b'{"x":"%s"}' % (b"y" * 65_000))
        assert len(client.hear("verdict")["x"]) == 65_000
        client.close()
    finally:
        broker.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", broker.address.port)) != 0, "it is gone"


def test_a_taken_port_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--broker mqtt://127.0.0.1:{port}.*--broker-listen 127.0.0.1:{port + 1}"):
            embedded_broker(Address("127.0.0.1", port))
    with pytest.raises(UsageError, match="cannot listen"):
        embedded_broker(Address("203.0.113.9", 0))


def test_a_free_port_that_somebody_takes_at_the_last_moment_is_left_to_him(monkeypatch: pytest.MonkeyPatch) -> None:
    left = free()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = [Address("127.0.0.1", taken.getsockname()[1]), left]
        monkeypatch.setattr(broker_module, "_free", lambda _: found.pop(0))
        monkeypatch.setattr(broker_module, "_is_free", lambda address: address == left)
        broker = embedded_broker(ANY)
        try:
            assert broker.address == left
        finally:
            broker.stop()
        found.append(Address("127.0.0.1", taken.getsockname()[1]))
        with pytest.raises(UsageError, match="does not start"):
            embedded_broker(Address("127.0.0.1", taken.getsockname()[1]))


def test_a_broker_that_does_not_start_says_so(tmp_path: Path) -> None:
    for program in ("/bin/false", str(tmp_path / "nothing")):
        with pytest.raises(UsageError, match="does not start"):
            MosquittoBroker(program, free())


def test_its_configuration_has_what_speed_needs() -> None:
    told = configuration(Address("127.0.0.1", 1883)).splitlines()
    assert {"set_tcp_nodelay true", "max_inflight_messages 1000", "persistence false"} <= set(told)
    assert "listener 1883 127.0.0.1" in told


def test_it_dies_with_a_killed_hub() -> None:
    program = textwrap.dedent(
        """
        import sys, threading
        from hub.broker.broker import MosquittoBroker, mosquitto
        from hub.config import Address
        broker = MosquittoBroker(mosquitto(), Address("127.0.0.1", int(sys.argv[1])))
        print(broker._process.pid, broker.address.port, flush=True)
        threading.Event().wait()
        """
    )
    with subprocess.Popen([sys.executable, "-c", program, str(free_port())], stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout is not None
        pid, _ = (int(word) for word in hub.stdout.readline().split())
        watch = os.pidfd_open(pid)
        hub.send_signal(signal.SIGKILL)
        hub.wait()
        import select  # noqa: PLC0415

        poll = select.poll()
        poll.register(watch, select.POLLIN)
        assert poll.poll(WAIT_S * 1000), "the kernel has ended it"
        os.close(watch)


def test_one_that_is_killed_is_started_again_on_the_same_port() -> None:
    broker = MosquittoBroker(mosquitto() or "mosquitto", free())
    try:
        first = broker._process
        assert first is not None
        first.kill()
        pause = threading.Event()
        for _ in range(int(WAIT_S / 0.05)):
            if broker._process is not first and _answers(broker.address):
                break
            pause.wait(0.05)
        else:
            pytest.fail("nobody has started it again")
    finally:
        broker.stop()
    assert not _answers(broker.address)


def _answers(address: Address) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port)) == 0

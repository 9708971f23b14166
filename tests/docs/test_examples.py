"""The examples are run as a reader would run them: against a real hub and a real Mosquitto."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from andgate.moment.moments import Moment
from andgate.wire.messages import FeedSignal
from cli.main import main
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, BrokerUrl, HubConfig
from tests.hub.desk import WAIT_S, Broker

KEY = "AG1234/2026-11-21"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def hub(tmp_path: Path, root: Path, broker: Broker) -> Iterator[HubApp]:
    config = HubConfig(
        plan=root / "docs" / "examples" / "airport.toml",
        data=tmp_path / "data",
        broker=BrokerUrl("127.0.0.1", broker.port),
        listen=Address("127.0.0.1", 0),
    )
    with HubApp(config, SystemClock()) as running:
        running.wait_web()
        assert running.link.wait_connected(WAIT_S)
        yield running


class Program:
    """An example in a process of its own: type a line, read a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WAIT_S)


@pytest.fixture
def start(root: Path) -> Iterator[Callable[..., Program]]:
    with contextlib.ExitStack() as exits:

        def begin(name: str, *words: object) -> Program:
            command = [sys.executable, str(root / "docs" / "examples" / name), *map(str, words)]
            process = exits.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            exits.callback(process.kill)
            return Program(process)

        yield begin


def moments(hub: HubApp, touchpoint: str, true: Callable[[Moment], bool]) -> Moment:
    """Wait until the newest moment at a touchpoint is so."""
    for _ in range(int(WAIT_S * 50)):
        found = hub.reader.moments(touchpoint=touchpoint).items
        if found and true(found[0]):
            return found[0]
        threading.Event().wait(0.02)
    raise AssertionError(f"it never came at {touchpoint}")


def test_a_button_of_ones_own_and_a_pager(hub: HubApp, broker: Broker, start: Callable[..., Program]) -> None:
    pager = start("pager.py", "127.0.0.1", broker.port, "agx", "ticket-agents", "agent-7")
    assert pager.read() == "listening"
    button = start("button.py", "127.0.0.1", broker.port, "agx", "counter-a", "kiosk-button")
    button.type("")
    assert button.read().startswith("the hub has kiosk-button-")
    assert pager.read().startswith("page: ")
    pager.type("")
    assert moments(hub, "counter-a", lambda moment: moment.claimed_by == "agent-7").witnesses == ("kiosk-button",)
    button.type("r")
    assert button.read().startswith("the hub has kiosk-button-")
    assert pager.read().startswith("over: ")
    assert moments(hub, "counter-a", lambda moment: moment.state == "ended").saved
    for program in (pager, button):
        program.type("q")
        assert program.end() == 0


def test_a_receiver_of_signed_web_hooks(tmp_path: Path, root: Path, start: Callable[..., Program]) -> None:
    secret = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
    receiver = start("hook.py", 0, secret)
    port = int(receiver.read().removeprefix("listening on "))
    airport = (root / "docs" / "examples" / "airport.toml").read_text(encoding="utf-8")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        airport.replace('url = "mqtt://"', f'url = "webhook+http://127.0.0.1:{port}/"\nsecret = "{secret}"\n#', 1),
        encoding="utf-8",
    )
    config = HubConfig(
        plan=plan, data=tmp_path / "data", broker_listen=Address("127.0.0.1", 0), listen=Address("127.0.0.1", 0)
    )
    with HubApp(config, SystemClock()) as hub:
        hub.wait_web()
        for id, signal in (("a", "reached"), ("b", "cleared"), ("c", "reset")):
            hub.driver.signals([FeedSignal(id=id, touchpoint="counter-a", signal=signal)], "test").result(WAIT_S)
            if signal == "reached":
                said = receiver.read()
                assert said.startswith("andgate.page to ticket-agents: Check-in counter A: 3:00 left until "), said
        assert receiver.read() == "andgate.over to ticket-agents: Check-in counter A: over, saved."
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/",
        b"{}",
        {"webhook-id": "x", "webhook-timestamp": "1795291200", "webhook-signature": "v1,AAAA"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=WAIT_S)
    assert refused.value.code == 401
    refused.value.close()
    receiver.type("q")
    assert receiver.end() == 0


def test_a_button_keeps_its_presses_while_the_broker_is_away(
    hub: HubApp, broker: Broker, start: Callable[..., Program]
) -> None:
    button = start("button.py", "127.0.0.1", broker.port, "agx", "counter-a", "kiosk-button")
    button.type("")
    assert button.read()
    broker.stop()
    button.type("r")
    broker.start()
    assert button.read().startswith("the hub has ")
    assert moments(hub, "counter-a", lambda moment: moment.state == "ended").saved


def test_a_feed_that_begins_again_from_the_top_changes_nothing(hub: HubApp, start: Callable[..., Program]) -> None:
    lines = [
        f"2026-11-21T20:10:00.000Z,belt-3,docked,{KEY}",
        f"2026-11-21T20:31:00.000Z,belt-3,unloaded,{KEY}",
        "2026-11-21T20:31:00.000Z,belt-9,unloaded,",
    ]
    for accepted, duplicates in ((1, 0), (0, 1)):
        feed = start("feed.py", hub.http_url)
        for line in lines[:2]:
            feed.type(line)
            assert feed.read() == f'{line} -> {{"accepted":{accepted},"duplicates":{duplicates}}}'
        feed.type(lines[2])
        assert feed.end() == 0
    (moment,) = hub.reader.moments(key=KEY).items
    assert (moment.state, moment.change) == ("ended", 2)


def test_a_report(hub: HubApp, start: Callable[..., Program]) -> None:
    feed = start("feed.py", hub.http_url)
    for line in (f"2026-11-21T20:10:00.000Z,belt-3,docked,{KEY}", f"2026-11-21T20:31:00.000Z,belt-3,unloaded,{KEY}"):
        feed.type(line)
        assert feed.read()
    said = start("report.py", hub.http_url).read()
    assert said == "100.0 % ( 20.7 to 100.0)  I have my bag within 25 minutes of docking.  1 of 1 kept, 1 of them saved"
    assert "Baggage belt 3" in start("report.py", hub.http_url, "touchpoint", "2026-11-01T00:00:00.000Z").read()


def commands(guide: Path, program: str) -> list[list[str]]:
    """Return the commands of a guide that begin with `program`, as a shell would split them."""
    text = re.sub(r"\\\n\s+", "", guide.read_text(encoding="utf-8"))
    return [shlex.split(line) for line in re.findall(rf"^ {{4}}({program} .*)$", text, flags=re.MULTILINE)]


def test_what_the_integrators_guide_posts_and_reads(hub: HubApp, root: Path) -> None:
    answered = []
    for words in commands(root / "docs" / "guides" / "integrator.md", "curl"):
        url = next(word for word in words if word.startswith("http")).replace("http://127.0.0.1:8080", hub.http_url)
        if url.endswith("/stream"):
            continue
        body = words[words.index("-d") + 1].encode() if "-d" in words else None
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            answered.append((answer.status, json.load(answer)))
    assert [status for status, _ in answered] == [202] * 5 + [200] * 4
    assert [said for status, said in answered if status == 202] == [
        {"accepted": members, "duplicates": 0} for members in (1, 2, 1, 1, 1)
    ]
    by_key = {moment.key: moment for moment in hub.reader.moments(withdrawn=True).items}
    assert by_key["AG77/2026-11-21"].verdict == "success"
    assert by_key["AG1234/2026-11-21"].withdrawn


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="needs Debian's mosquitto-clients")
def test_what_the_guides_say_over_mqtt(hub: HubApp, broker: Broker, root: Path) -> None:
    said = commands(root / "docs" / "guides" / "integrator.md", "mosquitto_pub") + commands(
        root / "README.md", "mosquitto_pub"
    )
    assert len(said) == 3
    for program, *words in said:
        subprocess.run([program, "-p", str(broker.port), *words], check=True, timeout=WAIT_S)
    assert moments(hub, "belt-3", lambda moment: moment.key == "AG1234/2026-11-21").about == {"pax": 180}
    assert moments(hub, "counter-a", lambda moment: moment.state == "open").witnesses == ("cam-1",)
    assert [row.reason for row in hub.reader.quarantine()] == [
        "the answer names no page or moment that this hub knows. Send `page` or `moment`"
    ]


def test_a_backup_is_restored_as_the_operators_guide_says(hub: HubApp, root: Path, tmp_path: Path) -> None:
    with urllib.request.urlopen(
        urllib.request.Request(
            f"{hub.http_url}/api/v1/signals",
            json.dumps({"id": "a", "touchpoint": "counter-a", "signal": "reached"}).encode(),
            {"Content-Type": "application/json"},
        ),
        timeout=WAIT_S,
    ) as answer:
        assert answer.status == 202
    guide = root / "docs" / "guides" / "operator.md"
    restored = tmp_path / "restored"
    (taken,) = commands(guide, "andgate backup")
    assert (
        main([{"data": str(tmp_path / "data"), "/backups": str(tmp_path)}.get(word, word) for word in taken[1:]]) == 0
    )
    (backup,) = tmp_path.glob("*.andgate")
    given = commands(guide, "andgate restore")[0]
    put_back = [str(backup) if word.startswith("/backups") else word for word in given[1:]]
    assert main([{"data": str(restored)}.get(word, word) for word in put_back]) == 0
    config = HubConfig(
        plan=root / "docs" / "examples" / "airport.toml",
        data=restored,
        broker_listen=Address("127.0.0.1", 0),
        web=False,
    )
    with HubApp(config, SystemClock()) as again:
        assert again.driver.epoch != hub.driver.epoch
        assert [moment.id for moment in again.driver.open_moments()] == [
            moment.id for moment in hub.driver.open_moments()
        ]

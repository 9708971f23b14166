"""Things die in the middle of a sentence: nothing is lost, and nobody is called for nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.clock import SystemClock
from tests.story.airport import LAMP, MARK, MOT, Airport, Broker, ask, events
from tests.story.stage import LeapingClock, Node, Pager, Program, until

ANDGATE = str(Path(sys.executable).parent / "andgate")


class Mortal:
    """A hub in a process of its own, which can be killed, with a real broker and a node with a lamp."""

    def __init__(self, folder: Path, plan: str, program: Callable[..., Program], broker: Broker, pager: Pager) -> None:
        self.folder, self._program, self.broker, self.pager = folder, program, broker, pager
        (folder / "airport.toml").write_text(plan, encoding="utf-8")
        self.start()
        self.clock = LeapingClock(SystemClock().now_ms())
        self.desk = Node("desk-a1", f"mqtt://127.0.0.1:{self.broker.port}", folder / "desk-a1", self.clock)
        until(lambda: self.node("desk-a1")["config"] is not None and self.desk.idle)

    def start(self) -> None:
        """Start the hub on its data, for the first time or again."""
        self.hub = self._program(
            *(ANDGATE, "hub", "--plan", str(self.folder / "airport.toml"), "--data", str(self.folder / "hub")),
            *("--broker", f"mqtt://127.0.0.1:{self.broker.port}", "--listen", "127.0.0.1:0"),
        )
        self.url = self.hub.said("dashboard  http://").split()[1]
        until(lambda: ask(f"{self.url}/readyz").status == 200)

    def kill(self) -> None:
        self.hub.send(signal.SIGKILL)
        assert self.hub.ended() == -signal.SIGKILL

    def get(self, path: str) -> Any:
        status, body = ask(f"{self.url}/api/v1{path}")
        assert status == 200, body
        return body

    def node(self, name: str) -> Any:
        return next(one for one in self.get("/nodes")["items"] if one["id"] == name)

    def newest(self) -> Any:
        """The moment that opened last, once there is one."""
        which = until(lambda: self.get("/moments")["items"])[0]["id"]
        return self.get(f"/moments/{which}")

    def quiet(self) -> None:
        until(lambda: self.desk.idle)
        until(lambda: all(page["state"] != "queued" for page in self.get("/pages")["items"]))
        self.pager.fence()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    there = Broker(tmp_path)
    yield there
    there.stop()


@pytest.fixture
def pager(broker: Broker) -> Iterator[Pager]:
    there = Pager(broker.port)
    yield there
    there.close()


@pytest.fixture
def mortal(
    tmp_path: Path, airport_toml: str, program: Callable[..., Program], broker: Broker, pager: Pager
) -> Iterator[Mortal]:
    there = Mortal(tmp_path, airport_toml, program, broker, pager)
    yield there
    there.desk.close()


def test_the_hub_is_killed_between_press_and_page(mortal: Mortal) -> None:
    desk, pager = mortal.desk, mortal.pager
    lamp = desk.lamp(LAMP)
    # It hangs when the agent presses, and dies of it. The lamp says: seen here, wait.
    mortal.hub.send(signal.SIGSTOP)
    desk.press(MOT)
    lamp.fast()
    mortal.kill()
    assert pager.pages() == []
    # Somebody's watchdog starts it again: the page goes out, once, and the lamp is steady.
    mortal.start()
    page = pager.hear("page/ticket-agents", kind="page")
    mortal.quiet()
    moment = mortal.newest()
    assert (moment["id"], moment["witnesses"], moment["state"]) == (page["moment"], ["desk-a1/mot"], "open")
    assert 100 < page["left_s"] < 180
    assert pager.pages() == [("ticket-agents", page)]
    lamp.steady()

    # Killed again, a moment after the page: it is sent no more, or marked, since nobody can be sure.
    mortal.kill()
    mortal.start()
    pager.claim(page, by="p7")
    until(lambda: mortal.newest()["claimed_by"] == "p7")
    mortal.quiet()
    first, *more = [said for _, said in pager.pages()]
    assert first["again"] is False
    assert all(said["again"] and said["id"] == first["id"] for said in more)
    assert len(more) <= 1

    # The agent holds: it ends, and one "over" goes to those who were paged, across all these lives of the hub.
    desk.board.press(MOT, for_s=2.3)
    until(lambda: mortal.newest()["state"] == "ended")
    ended = mortal.newest()
    assert (ended["saved"], ended["answered"], ended["id"]) == (True, True, page["moment"])
    pager.hear("page/ticket-agents", kind="over")
    mortal.quiet()
    assert len(pager.pages("over")) == 1
    assert [one["id"] for one in mortal.get("/moments")["items"]] == [page["moment"]]


def test_the_broker_dies_and_comes_back(airport: Airport) -> None:
    desk, mark = airport.node("desk-a1"), airport.node("mark-a")
    desk.press(MOT)
    which = airport.open_moment("counter-a")["id"]
    airport.pager.hear("page/ticket-agents", kind="page", moment=which)
    airport.quiet()
    airport.broker.stop()
    until(lambda: not (desk.app.connected or mark.app.connected or airport.hub.link.connected))

    # Meanwhile: the line reaches the mark, the agent tries to reset, the line goes.
    airport.later(seconds=20)
    mark.lower(MARK)
    airport.later(seconds=4.2)
    until(lambda: mark.kept == 1)
    airport.later(seconds=20)
    desk.lower(MOT)
    airport.later(seconds=2.2)
    until(lambda: desk.kept == 2)
    desk.raise_(MOT)
    airport.later(seconds=20)
    mark.raise_(MARK)
    airport.later(seconds=4.2)
    until(lambda: mark.kept == 2)
    assert airport.moment(which)["state"] == "open"

    airport.broker.start()
    saved = airport.becomes(which, state="ended", witnesses=["desk-a1/mot", "mark-a/mark"])
    assert (saved["verdict"], saved["saved"]) == ("success", True)
    assert saved["closed_at"] == max(one["at"] for one in saved["signals"] if one["device"] == "mark-a/mark")
    until(lambda: desk.kept == 0 and mark.kept == 0)
    assert events(airport.moment(which)).count("refused") == 1
    airport.quiet()
    assert [one["id"] for one in airport.moments()] == [which]
    # The broker had forgotten everything; it has been told everything again.
    fresh = Pager(airport.broker.port)
    assert fresh.hear("hub/state")["state"] == "online"
    assert fresh.hear("touchpoint/counter-a/moment")["moments"] == []
    assert fresh.hear("node/desk-a1/config")["site"] == "agx"
    fresh.hear("node/desk-a1/state", state="online")
    fresh.close()


def test_the_node_loses_its_power_with_a_press_in_its_hands(airport: Airport) -> None:
    desk = airport.node("desk-a1", on_the_cable=True)
    airport.cable.cut()
    until(lambda: not desk.app.connected)
    desk.press(MOT)
    until(lambda: desk.kept == 1)
    desk.app.crash()
    airport.cable.mend()
    desk.start()
    moment = airport.open_moment("counter-a")
    assert moment["witnesses"] == ["desk-a1/mot"]
    airport.quiet()
    assert desk.kept == 0
    assert len(airport.moments()) == 1


def test_a_whole_day_in_separate_processes(
    tmp_path: Path, airport_toml: str, program: Callable[..., Program], broker: Broker, pager: Pager
) -> None:
    """`andgate hub` and `andgate edge` as anybody starts them, with the example's plan as it stands."""
    plan = tmp_path / "airport.toml"
    plan.write_text(airport_toml, encoding="utf-8")
    url = f"mqtt://127.0.0.1:{broker.port}"

    def node(name: str, *how: str) -> Program:
        return program(*how, "edge", "--node", name, "--broker", url, "--data", str(tmp_path / name), "--pins", "mock")

    desk = node("desk-a1", str(Path(__file__).with_name("hand.py")))
    belt = node("belt-3", ANDGATE)  # before the hub: whoever comes first waits
    hub = program(
        *(ANDGATE, "hub", "--plan", str(plan), "--data", str(tmp_path / "hub"), "--broker", url),
        *("--listen", "127.0.0.1:0"),
    )
    site = hub.said("dashboard  http://").split()[1]
    api = f"{site}/api/v1"
    desk.said("is armed")
    belt.said("is armed")

    def online() -> set[str]:
        items = ask(f"{api}/nodes").body["items"]
        return {one["id"] for one in items if one["state"] == "online" and one["config"] == one["config_wanted"]}

    until(lambda: online() == {"desk-a1", "belt-3"})

    # Check-in: pressed, paged, claimed, reset.
    desk.tell("press 17")
    page = pager.hear("page/ticket-agents", kind="page")
    assert 100 < page["left_s"] <= 180
    pager.claim(page, by="p7")
    pager.hear("verdict", claimed_by="p7")
    desk.tell("lamp 27")
    desk.said("lamp 27 is")
    desk.tell("hold 17")
    ended = pager.hear("verdict", state="ended")
    assert (ended["id"], ended["verdict"], ended["saved"], ended["answered"]) == (page["moment"], "success", True, True)
    pager.hear("page/ticket-agents", kind="over")

    # Baggage: docked, counted down on the sign, unloaded.
    key = "AG1234/2026-11-21"
    docked = {"id": "d1", "touchpoint": "belt-3", "signal": "docked", "key": key}
    assert ask(f"{api}/signals", docked).status == 202
    belt.said("sign sign: AG1234 2")
    assert ask(f"{api}/signals", {"id": "u1", "touchpoint": "belt-3", "signal": "unloaded", "key": key}).status == 202
    belt.said("DONE")
    done = pager.hear("verdict", key=key, state="ended")
    assert (done["verdict"], done["anomaly"], done["interactions"]) == ("success", True, ["arrival"])

    # A wrong plan, then a good one, by the command for it.
    def reload() -> None:
        assert program(ANDGATE, "reload", "--data", str(tmp_path / "hub")).ended() == 0

    plan.write_text(airport_toml.replace('"25m"', '"-1m"'), encoding="utf-8")
    reload()
    said = hub.said("fails_after")
    assert "line " in said
    hub.said("the running one stays")
    plan.write_text(airport_toml.replace('"25m"', '"26m"'), encoding="utf-8")
    reload()
    hub.said("is in force")

    # Good night: everybody ends well, says goodbye, and has nothing to complain about.
    for one in (desk, belt, hub):
        one.send(signal.SIGTERM)
        assert one.ended() == 0
    pager.hear("hub/state", state="stopped")
    pager.hear("node/desk-a1/state", state="stopped")
    pager.hear("node/belt-3/state", state="stopped")
    for one in (desk, belt, hub):
        assert "Traceback" not in "\n".join(one.lines)

"""Who is told when the hub itself cannot page: its disk takes nothing, a thread hangs, systemd must know."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from andgate.plan import Channel as PlanChannel
from andgate.wire.topics import Topics
from hub import watchdog
from hub.driver import driver as driver_module
from hub.notify.aside import OVER, Aside
from hub.notify.channels import Channel, Note, Result
from hub.notify.notifier import HANGS_S, Notifier
from hub.people.directory import Directory
from hub.signs.announcer import Announcer
from hub.watchdog import PATIENCE_S, Watchdog
from tests.hub.crew import Office, shifts
from tests.hub.desk import START_MS, WAIT_S, Desk
from tests.hub.test_technicians import TECHNICIANS


class House:
    """What a watchdog looks at, and what it says."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.hangs: str | None = None
        self.unable: str | None = None
        self.told: list[str | None] = []
        self.dog = Watchdog(lambda: self.now_s, lambda: self.hangs, lambda: self.unable, self._tell)

    def _tell(self, wrong: str | None) -> None:
        self.told.append(wrong)
        if wrong == "boom":
            raise OSError(wrong)

    def look(self, after_s: float = 0.0) -> None:
        self.now_s += after_s
        self.dog.look()


def test_what_stands_is_told_once_and_that_it_is_over_once() -> None:
    house = House()
    house.look()
    house.unable = "the disk does not take the journal"
    house.look()
    house.look(PATIENCE_S - 1)
    assert house.told == []
    house.look(1)
    house.look(3600)
    assert house.told == ["the disk does not take the journal"]
    house.unable = None
    house.look()
    house.look(5)
    assert house.told == ["the disk does not take the journal", None]


def test_what_passes_is_told_to_nobody() -> None:
    house = House()
    for _ in range(20):
        house.unable = "locked"
        house.look(PATIENCE_S - 1)
        house.unable = None
        house.look(1)
    assert house.told == []


def test_it_looks_again_whatever_becomes_of_the_telling() -> None:
    house = House()
    house.hangs = "boom"
    house.look()
    house.look(PATIENCE_S)
    house.hangs = None
    house.look()
    assert house.told == ["boom", None]


def test_systemd_hears_from_it_only_while_every_thread_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.look()  # nobody wants to know
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(WAIT_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "90000000")
        house.unable = "the disk is full: starting anew helps nothing"
        house.look()
        assert ear.recv(100) == b"WATCHDOG=1"
        house.hangs = "it hangs"
        house.look()
        house.hangs = None
        house.look()
        assert ear.recv(100) == b"WATCHDOG=1"
        ear.setblocking(False)
        with pytest.raises(BlockingIOError):
            ear.recv(100)
    house.look()  # systemd has gone: that is logged, and no more


def test_a_hub_that_is_stopped_does_not_say_that_it_is_well_again() -> None:
    house = House()
    house.unable = "the disk does not take the journal"
    house.look()
    house.look(PATIENCE_S)
    house.dog.stop()
    house.unable = None
    house.look()
    assert house.told == ["the disk does not take the journal"]


def test_it_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "EVERY_S", 0.01)
    looked = threading.Event()
    dog = Watchdog(lambda: 0.0, looked.set, lambda: None, lambda _wrong: None)
    dog.start()
    assert looked.wait(WAIT_S)
    dog.stop()


class Ears:
    """A channel that keeps what it gets; it may block whoever sends."""

    prompt = False

    def __init__(self, entry: PlanChannel) -> None:
        self.entry = entry
        self.notes: SimpleQueue[Note] = SimpleQueue()
        self.blocks: threading.Event | None = None
        self.closed = False

    def send(self, note: Note, done: Callable[[Result], None]) -> None:
        self.notes.put(note)
        if self.blocks is not None:
            self.blocks.wait(WAIT_S)
        done(Result(sent=self.blocks is None, note="nobody is there"))

    def close(self) -> None:
        self.closed = True


def test_technicians_are_told_past_the_outbox_over_every_channel_of_theirs(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS)
    made: list[Ears] = []

    def make(entry: PlanChannel) -> Channel:
        made.append(Ears(entry))
        return made[-1]

    aside = Aside(desk.driver, desk.clock, make, Directory(desk.driver.people, lambda: desk.driver.plan))
    aside.tell("the disk does not take the journal")
    aside.tell(None)
    (ears,) = made
    said, over = ears.notes.get_nowait(), ears.notes.get_nowait()
    assert (said.group, said.page.kind, said.page.moment) == ("technicians", "page", None)
    assert said.page.text.startswith("The hub cannot page as it should: the disk does not take the journal.")
    assert (over.page.kind, over.page.text) == ("over", OVER)
    assert over.page.id == f"{said.page.id}:over"
    aside.close()
    assert ears.closed
    assert desk.pages() == [], "nothing of it is stored"


def test_whoever_is_on_shift_is_told_by_name_too_and_one_channel_that_fails_keeps_back_no_other(
    make_desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    plan = shifts().replace('timezone = "Europe/Rome"', 'timezone = "Europe/Rome"\ntechnicians = "ticket-agents"')
    desk = make_desk(plan=plan)
    ada = Office(desk.driver.people).hire("Ada", "json://pager.example")
    made: list[Ears] = []

    def make(entry: PlanChannel) -> Channel:
        made.append(Ears(entry))
        if entry.id == "radio":
            made[-1].blocks = threading.Event()
            made[-1].blocks.set()  # it does not wait, and fails
        return made[-1]

    aside = Aside(desk.driver, desk.clock, make, Directory(desk.driver.people, lambda: desk.driver.plan))
    aside.tell("the worker that sends pages hangs")
    assert [each.entry.id for each in made] == ["radio", f"{ada}/1"]
    assert {each.notes.get_nowait().page.id for each in made} == {f"fault/hub/watchdog/{START_MS}"}
    assert "the watchdog's word over radio: nobody is there" in caplog.text


def test_a_hub_that_only_listens_tells_nobody(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS, listen_only=True)

    def make(_entry: PlanChannel) -> Channel:
        raise AssertionError("nobody is to be told")

    Aside(desk.driver, desk.clock, make, Directory(desk.driver.people, lambda: desk.driver.plan)).tell("it hangs")


def test_a_worker_that_hangs_is_found(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(plan=TECHNICIANS.replace('url = "mqtt://"', 'url = "json://127.0.0.1:1/"'))
    free = threading.Event()
    made: SimpleQueue[Ears] = SimpleQueue()

    def make(entry: PlanChannel) -> Channel:
        ears = Ears(entry)
        ears.blocks = free
        made.put(ears)
        return ears

    notifier = Notifier(desk.driver, desk.clock, make)
    desk.driver.listeners.append(notifier.committed)
    notifier.start(())
    try:
        assert notifier.hangs() is None
        desk.post("p", "pressed", "counter-a")
        made.get(timeout=WAIT_S).notes.get(timeout=WAIT_S)  # from here on it waits for a channel that breaks its word
        notifier.hangs()
        desk.clock.advance(round(HANGS_S * 1000) + 1000)
        notifier.hangs()
        desk.clock.advance(round(HANGS_S * 1000) + 1000)
        assert notifier.hangs() == "the worker that sends pages hangs"
    finally:
        free.set()
        notifier.stop()


def test_one_page_that_cannot_be_handled_keeps_back_no_other(make_desk: Callable[..., Desk]) -> None:
    """Both are due at once, and the one that goes first is refused by a fault of the hub's own: it is tried again."""
    two = TECHNICIANS.replace('url = "mqtt://"', 'url = "json://127.0.0.1:1/"').replace(
        "[channels.radio]", '[channels.mail]\nurl = "json://127.0.0.1:2/"\n[channels.radio]'
    )
    desk = make_desk(
        plan=two.replace('name = "Ticket agents"\nchannels = ["radio"]', 'name = "A"\nchannels = ["mail", "radio"]')
    )
    made: SimpleQueue[Ears] = SimpleQueue()

    def make(entry: PlanChannel) -> Channel:
        if entry.id == "mail":
            raise RuntimeError("a channel that cannot be made")
        ears = Ears(entry)
        made.put(ears)
        return ears

    notifier = Notifier(desk.driver, desk.clock, make)
    desk.driver.listeners.append(notifier.committed)
    notifier.start(())
    try:
        desk.post("p", "pressed", "counter-a")
        notes = made.get(timeout=WAIT_S).notes
        assert notes.get(timeout=WAIT_S).group == "ticket-agents"
        desk.pass_ms(90_000)
        assert notes.get(timeout=WAIT_S).group == "supervisors"
        desk.sync()
        (refused,) = desk.pages(channel="mail")
        assert (refused.state, refused.note) == ("queued", "a fault of the hub's own: RuntimeError")
    finally:
        notifier.stop()


def test_a_driver_that_does_not_look_hangs_and_one_whose_disk_refuses_says_so(
    make_desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(plan=TECHNICIANS)
    assert desk.driver.hangs() is None
    monkeypatch.setattr(driver_module, "AUDITED_S", -1.0)
    assert desk.driver.hangs() == "nobody has looked lately whether every threat has a next step"
    desk.driver.fault = "the disk does not take the journal"
    assert desk.driver.hangs() is None, "it goes on, and says what is wrong"


class Mute:
    """A link that is away."""

    connected = False

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        raise AssertionError("nobody is there")


def test_a_worker_of_lamps_and_signs_that_does_not_come_round_is_found_by_real_seconds(desk: Desk) -> None:
    announcer = Announcer(desk.driver, desk.clock, Mute(), Topics("agx"))
    desk.clock.rate = 60.0  # a demo: its minutes are seconds
    desk.clock.advance(10 * 60_000)
    assert announcer.hangs() is None
    desk.clock.rate = 1.0
    assert announcer.hangs() == "the worker that tells lamps and signs hangs"

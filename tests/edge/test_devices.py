"""Every kind of device passes one suite; then what each has of its own."""

from __future__ import annotations

import re
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from andgate.errors import UsageError
from andgate.plan.kinds import KINDS as PLANNED
from andgate.wire.messages import DeviceConfig, NodeConfig
from edge.devices import KINDS, Device, Edge, Hands, Input, Report, make
from edge.devices.mock import BoardFactory, MockBoard
from edge.devices.pins import pins
from edge.devices.rack import Rack
from tests.edge.conftest import LONG_S, HandClock, device

WIRING: dict[str, dict[str, Any]] = {
    "mot-button": {"button": 17, "lamp": 27},
    "beam": {"pin": 22},
    "distance": {"echo": 24, "trigger": 23},
    "done-button": {"button": 5},
    "start-button": {"button": 6},
    "belt-sensor": {"pin": 12},
    "lamp": {"pin": 13},
    "buzzer": {"pin": 19},
    "annunciator": {"group": "agents", "button": 16, "lamp": 20, "beacon": 21, "buzzer": 26},
    "speaker": {"group": "agents", "ptt": 25, "busy": 8, "call_sign": "Andgate"},
    "transmitter": {"ptt": 7, "busy": 11},
    "sign": {},
}
PRESSED = {"mot-button": 17, "beam": 22, "done-button": 5, "start-button": 6, "belt-sensor": 12, "annunciator": 16}
INPUTS = sorted(PRESSED)


class FastClock(HandClock):
    """Three seconds take a twentieth of one."""

    def real_s(self, site_s: float) -> float:
        return site_s / 60


class Bench:
    """A board, a clock for a hand, and the edges that come."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.board = MockBoard(self.clock)
        self.edges: list[Edge] = []
        self.threads: set[int] = set()

    def emit(self, edge: Edge) -> None:
        self.threads.add(threading.get_ident())
        self.edges.append(edge)

    def make(self, kind: str, name: str = "it", config: DeviceConfig | None = None, **settings: Any) -> Any:
        made = config or device(kind, **{**WIRING[kind], **settings})
        return make(Hands(name, made, self.board.factory, self.clock, self.emit))

    def feed(self, it: Input) -> list[Report]:
        """Hand over the edges that have come, as the worker does."""
        edges, self.edges = self.edges, []
        return [report for edge in edges for report in it.feed(edge.at_s, edge.level)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    there = Bench()
    yield there
    there.board.close()


def test_every_kind_of_the_plan_is_here() -> None:
    assert set(KINDS) == set(PLANNED) == set(WIRING)


@pytest.mark.parametrize("kind", sorted(KINDS))
class TestConformance:
    def test_it_can_be_made_asked_and_closed_again_and_again(self, bench: Bench, kind: str) -> None:
        for _ in range(3):
            it = bench.make(kind)
            assert isinstance(it, Device)
            assert it.health(bench.clock.mono_s()).level in ("on", "off", "unknown")
            it.close()

    def test_its_docstring_says_what_it_is_how_to_wire_it_and_a_program(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        text = type(it).__doc__ or ""
        assert "Wiring" in text
        assert "Settings:" in text
        program = [line for line in text.splitlines() if line.startswith("        ") and line.strip()]
        assert len(program) >= 4
        for setting in PLANNED[kind].settings.values():
            assert setting.type
        named = text.split("Settings:")[1]
        for name, setting in PLANNED[kind].settings.items():
            assert (f"{name}_ms" if setting.type == "duration" else name) in named
        it.close()

    def test_a_pin_in_use_is_an_error_and_leaves_nothing_behind(self, bench: Bench, kind: str) -> None:
        if not WIRING[kind]:
            pytest.skip("it has no pins")
        first = bench.make(kind)
        with pytest.raises(gpiozero.GPIOPinInUse):
            bench.make(kind, "another")
        first.close()
        bench.make(kind).close()

    def test_what_it_shows_is_dark_once_closed(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        light = getattr(it, "light", None)
        if light is not None:
            light.set(on=True)
            pin = int(WIRING[kind].get("lamp") or WIRING[kind]["pin"])
            assert bench.board.level(pin)
            it.close()
            assert not bench.board.level(pin)
        else:
            it.close()


@pytest.mark.parametrize("kind", INPUTS)
class TestInputs:
    def test_callbacks_only_enqueue(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        bench.board.drive(PRESSED[kind], high=False)
        assert [(edge.device, edge.level) for edge in bench.edges] == [("it", True)]
        assert it.settle.raw is False
        it.close()
        bench.board.drive(PRESSED[kind], high=True)
        assert len(bench.edges) == 1  # closed: nobody listens

    def test_it_reports_the_time_of_the_edge(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        it.start()
        bench.clock.push(5)
        bench.board.drive(PRESSED[kind], high=False)
        down_s = bench.clock.mono_s()
        assert bench.feed(it) == []
        (report,) = it.advance(bench.clock.push(9))[:1]
        assert report.occasion in PLANNED[kind].signals
        assert (report.at_s, report.found) == (down_s, False)

    def test_noise_is_no_news_and_is_counted(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        for _ in range(5):
            bench.board.drive(PRESSED[kind], high=False)
            bench.clock.push(0.005)
            bench.board.drive(PRESSED[kind], high=True)
            bench.clock.push(0.005)
        assert bench.feed(it) + it.advance(bench.clock.push(9)) == []
        assert it.drops == 5

    def test_chatter_is_a_fault(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        for _ in range(60):
            bench.board.drive(PRESSED[kind], high=False)
            bench.board.drive(PRESSED[kind], high=True)
        bench.feed(it)
        assert it.health(bench.clock.mono_s()).fault == "chattering"
        assert it.health(bench.clock.push(600)).fault is None

    def test_stuck_is_a_fault(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        bench.board.drive(PRESSED[kind], high=False)
        bench.feed(it)
        it.advance(bench.clock.push(10))
        assert it.health(bench.clock.mono_s()).fault is None
        assert it.health(bench.clock.push(5 * 3600)).fault == "stuck"

    def test_a_missed_edge_is_found_by_reading_twice(self, bench: Bench, kind: str) -> None:
        it = bench.make(kind)
        bench.board.drive(PRESSED[kind], high=False)
        bench.edges.clear()  # the kernel lost it
        seen_s = bench.clock.push(1)
        assert it.check(seen_s) == []
        assert it.due_s() is not None
        it.check(bench.clock.push(0.06))
        (report,) = it.advance(bench.clock.push(9))[:1]
        assert report.at_s == seen_s

    def test_closed_at_start(self, bench: Bench, kind: str) -> None:
        bench.board.drive(PRESSED[kind], high=False)
        it = bench.make(kind)
        found = it.start()
        if PLANNED[kind].momentary:
            assert found == []
            assert it.advance(bench.clock.push(60)) == []
        else:
            assert [(report.occasion, report.found) for report in found] == [("on", True)]
        bench.board.drive(PRESSED[kind], high=True)
        later = bench.feed(it) + it.advance(bench.clock.push(60))
        assert [report.occasion for report in later] == ([] if PLANNED[kind].momentary else ["off"])


def test_a_hold_resets_and_names_its_press(bench: Bench) -> None:
    it = bench.make("mot-button")
    down_s = bench.clock.mono_s()
    bench.board.drive(17, high=False)
    bench.feed(it)
    assert it.advance(bench.clock.push(0.05)) == [Report("press", down_s)]
    assert it.due_s() == down_s + 2
    assert it.advance(bench.clock.push(2)) == [Report("hold", down_s + 2, press_s=down_s)]
    bench.board.drive(17, high=True)
    assert bench.feed(it) + it.advance(bench.clock.push(9)) == []


def test_a_press_let_go_at_the_last_moment_is_no_hold(bench: Bench) -> None:
    it = bench.make("mot-button")
    down_s = bench.clock.mono_s()
    bench.board.drive(17, high=False, at_s=down_s)
    bench.board.drive(17, high=True, at_s=down_s + 1.99)
    reports = bench.feed(it) + it.advance(down_s + 2.01) + it.advance(down_s + 9)
    assert reports == [Report("press", down_s)]


def test_a_latching_switch_raises_down_and_resets_up_and_says_where_it_was_found(bench: Bench) -> None:
    bench.board.drive(17, high=False)
    it = bench.make("mot-button", style="latching")
    (found,) = it.start()
    assert (found.occasion, found.found) == ("press", True)
    bench.board.drive(17, high=True)
    bench.feed(it)
    assert [report.occasion for report in it.advance(bench.clock.push(1))] == ["hold"]
    assert it.advance(bench.clock.push(60)) == []


def test_a_foot_switch_settles_longer(bench: Bench) -> None:
    it = bench.make("mot-button", style="foot")
    bench.board.drive(17, high=False)
    bench.feed(it)
    assert it.advance(bench.clock.push(0.05)) == []
    assert len(it.advance(bench.clock.push(0.05))) == 1


def test_a_beam_that_drives_high_while_broken(bench: Bench) -> None:
    it = bench.make("beam", active="high")
    assert [report.occasion for report in it.start()] == ["off"]
    bench.board.drive(22, high=True)
    bench.feed(it)
    assert [report.occasion for report in it.advance(bench.clock.push(5))] == ["on"]


def ping(bench: Bench, it: Any, times: int = 8) -> list[Report]:
    reports = []
    for _ in range(times):
        reports += it.advance(bench.clock.push(0.11)) + bench.feed(it)
    return reports


def test_distance_has_two_marks_and_settles(bench: Bench) -> None:
    bench.board.distance(23, 24, 2.0)
    it = bench.make("distance", settle="1s")
    it.start()
    assert [(report.occasion, report.found) for report in ping(bench, it)] == [("off", True)]
    bench.board.distance(23, 24, 1.2)
    assert ping(bench, it, 30) == []
    bench.board.distance(23, 24, 0.8)
    assert [report.occasion for report in ping(bench, it, 20)] == ["on"]
    bench.board.distance(23, 24, 1.4)
    assert ping(bench, it, 30) == []
    bench.board.distance(23, 24, 1.6)
    assert [report.occasion for report in ping(bench, it, 20)] == ["off"]
    assert it.health(0).level == "off"


def test_distance_without_echo_is_blind_and_raises_nothing(bench: Bench) -> None:
    bench.board.distance(23, 24, 0.5)
    it = bench.make("distance", settle="1s")
    it.start()
    assert [report.occasion for report in ping(bench, it)] == ["on"]
    bench.board.distance(23, 24, None)
    assert [report.occasion for report in ping(bench, it, 30)] == ["blind"]
    assert it.health(0).level == "unknown"
    bench.board.distance(23, 24, 0.5)
    assert [report.occasion for report in ping(bench, it, 20)] == ["sighted"]


def test_distance_marks_the_wrong_way_round_are_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="must be less than far"):
        bench.make("distance", near=2.0)


def test_a_gloved_second_press_means_the_same_flight(bench: Bench) -> None:
    it = bench.make("done-button")
    assert it.key_for("AG1", 10.0) == "AG1"
    assert it.key_for("AG2", 12.0) == "AG1"
    assert it.key_for("AG2", 13.1) == "AG2"


def test_a_start_has_a_key_of_its_own(bench: Bench) -> None:
    it = bench.make("start-button")
    assert it.key("2026-11-21T17:42", "boot", 3) == "SPOT-1742/2026-11-21"
    assert it.key(None, "boot", 3) == "SPOT-N3/boot"


def test_a_long_press_keeps_the_pin_down(bench: Bench) -> None:
    released = threading.Event()
    board = MockBoard(FastClock())
    board.pin(17)._set_pull("up")
    board.press(17, for_s=3.0, then=released.set)
    assert not board.level(17)
    assert released.wait(LONG_S)
    assert board.level(17)
    board.press(17, for_s=3.0)
    board.close()


def test_a_kind_from_the_future_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="update the node"):
        bench.make("", config=DeviceConfig(kind="teleporter", touchpoint="x", settings={}, signals={}))
    with pytest.raises(UsageError, match="no setting 'pin'"):
        bench.make("", config=DeviceConfig(kind="beam", touchpoint="x", settings={"active": "low"}, signals={}))


def test_pins_are_never_chosen_silently() -> None:
    assert type(pins("mock")).__name__ == "BoardFactory"
    with pytest.raises(UsageError, match="--pins mock"):
        pins("auto")
    with pytest.raises(UsageError, match="Use one of"):
        pins("telepathy")


class BusyFactory(BoardFactory):
    """Pins as lgpio's are when another program has line 13: an error of no known type, which does not say which."""

    _handle = 4

    def pin(self, name: Any) -> Any:
        if name == 13:
            raise type("error", (Exception,), {})("'GPIO busy'")
        return super().pin(name)


def held_by(*holders: tuple[int, int, str]) -> types.ModuleType:
    """Return an lgpio that knows of each line its flags and what the kernel calls its holder."""
    module = types.ModuleType("lgpio")
    known = {number: (0, number, flags, "", name) for number, flags, name in holders}
    vars(module)["gpio_get_line_info"] = lambda handle, number: known[number]
    return module


@pytest.mark.parametrize(
    ("lgpio", "said"),
    [
        (held_by((19, 0x10421, "lg"), (13, 0x10001, "spi0 CS0")), "GPIO 13 is in use .* calls 'spi0 CS0'. Stop"),
        (held_by((19, 0x10421, "lg"), (13, 0x10001, "")), "GPIO 13 is in use by another program. Stop"),
        (held_by((19, 0x10421, "lg"), (13, 0x10000, "")), "one of its pins is in use by another program. Stop"),
        (None, "one of its pins is in use by another program. Stop"),
    ],
)
def test_a_line_that_another_program_has_is_named_and_the_rest_works(
    lgpio: types.ModuleType | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    rack = Rack(BusyFactory(), HandClock(), lambda edge: None)
    devices = {
        "half": device("mot-button", button=19, lamp=13),
        "free": device("mot-button", button=20, lamp=21),
        "odd": DeviceConfig(kind="teleporter", touchpoint="x", settings={}, signals={}),
    }
    rack.fit(NodeConfig(hash="1", site="agx", timezone="UTC", devices=devices, expectations=[]))
    assert list(rack.devices) == ["free"]
    assert re.match(said, rack.faults["half"]), rack.faults
    assert "update the node" in rack.faults["odd"]
    rack.close()


def test_pins_that_cannot_be_had_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, remedy in (
        (FileNotFoundError(2, "No such file or directory", ".lgd-nfy-3"), "LG_WD"),
        (type("error", (Exception,), {})("can not open gpiochip"), "group gpio"),
        (ImportError("no lgpio"), "install python3-lgpio"),
    ):

        def fail(wrong: Exception = wrong) -> None:
            raise wrong

        module = types.ModuleType("gpiozero.pins.lgpio")
        vars(module)["LGPIOFactory"] = fail
        monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", module)
        with pytest.raises(UsageError, match=remedy):
            pins("lgpio")


class LateFactory(MockFactory):  # type: ignore[misc]
    """Pins as a real kernel's: it tells when an edge was, however late the program gets to hear of it."""

    def __init__(self) -> None:
        super().__init__()
        self.late_s = 0.0

    def ticks(self) -> float:
        return float(super().ticks()) + self.late_s


def test_an_edge_has_the_time_that_the_kernel_gives_it() -> None:
    edges: list[Edge] = []
    factory, clock = LateFactory(), HandClock()
    it = make(Hands("it", device("mot-button", button=17), factory, clock, edges.append))
    pin = factory.pin(17)
    for late_s, at_s in ((1.5, 998.5), (0.0, 1000.0), (-5.0, 1000.0), (5000.0, 1000.0)):
        was_s = factory.ticks()
        factory.late_s += late_s
        pin.when_changed(was_s, 0)  # as lgpio's thread does
        factory.late_s -= late_s
        edge = edges.pop()
        assert (edge.device, edge.level) == ("it", True)
        assert edge.at_s == pytest.approx(at_s, abs=0.2)
    it.close()


class BusyClock(HandClock):
    """Of a machine so busy that the thread is put aside right after it has looked at the clock, this often."""

    aside = 0

    def mono_s(self) -> float:
        seen_s = self.mono
        if self.aside:
            self.aside -= 1
            self.push(0.2)
        return seen_s


def test_a_short_press_is_heard_on_a_machine_so_busy_that_its_clocks_are_read_apart() -> None:
    edges: list[Edge] = []
    factory, clock = MockFactory(), BusyClock()
    factory.ticks = lambda: clock.mono
    it = make(Hands("it", device("mot-button", button=17), factory, clock, edges.append))
    assert isinstance(it, Input)
    pin = factory.pin(17)
    down_s = clock.mono
    pin.when_changed(down_s, 0)
    up_s = clock.push(0.12)
    clock.aside = 3
    pin.when_changed(up_s, 1)
    assert [edge.at_s for edge in edges] == pytest.approx([down_s, up_s], abs=0.001)
    assert [report for edge in edges for report in it.feed(edge.at_s, edge.level)] == [Report("press", down_s)]
    clock.aside = 99  # it is never left in peace: still an edge, as near as can be said
    pin.when_changed(clock.mono, 0)
    assert len(edges) == 3
    it.close()


def test_a_node_that_stood_still_believes_nothing_before_it_has_heard_what_happened(bench: Bench) -> None:
    it = bench.make("mot-button")
    bench.board.drive(17, high=False)
    assert bench.feed(it) == []
    assert [one.occasion for one in it.advance(bench.clock.push(0.05))] == ["press"]
    # The finger goes up, the program stands still, and the kernel's word is still on its way when it goes on.
    up_s = bench.clock.push(0.1)
    bench.board.drive(17, high=True)
    late = bench.edges.pop()
    now_s = bench.clock.push(10.0)
    assert it.advance(now_s) + it.check(now_s) == []
    assert now_s < it.due_s() < now_s + 0.1
    assert it.feed(up_s, late.level) + it.advance(now_s) + it.check(now_s) == []
    assert it.due_s() is None
    # Down and up again, and of both it hears late: that is a press all the same, and no hold.
    down_s = bench.clock.push(1.0)
    now_s = bench.clock.push(5.0)
    assert it.advance(now_s) + it.check(now_s) == []
    assert it.feed(down_s, True) + it.feed(down_s + 0.2, False) == [Report("press", down_s)]
    assert it.advance(now_s) == []


def test_an_edge_that_never_comes_is_made_up_for_by_looking(bench: Bench) -> None:
    it = bench.make("mot-button")
    bench.board.drive(17, high=False)
    bench.feed(it)
    it.advance(bench.clock.push(0.05))
    bench.board.drive(17, high=True)
    bench.edges.clear()  # the kernel's queue ran over
    now_s = bench.clock.push(0.5)
    assert it.advance(now_s) + it.check(now_s) == []
    later_s = bench.clock.push(0.06)
    assert it.advance(later_s) + it.check(later_s) == []
    assert it.advance(bench.clock.push(5.0)) == []
    assert it.health(bench.clock.mono_s()).level == "off"

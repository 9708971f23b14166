"""Keying, listening, speaking and paging, by a clock in the hand; and the dead man's hand, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from andgate.wire.messages import Transmission
from edge import pocsag
from edge.devices import Hands, make
from edge.devices.deadman import Guard, watch
from edge.devices.mock import MockBoard
from edge.devices.pins import FACTORIES
from edge.devices.player import PACKAGES, Program, ProgramPlayer, seconds_of
from edge.devices.radio import LEAD_S
from edge.devices.speaker import Announcement, Speaker, Told
from edge.devices.transmitter import Sent, Transmitter
from edge.devices.voice import EspeakVoice, Rendering
from edge.speech import left_words, over, sentence, shorter
from tests.edge.conftest import LONG_S, HandClock, device

PTT, BUSY = 25, 8


class Bench:
    """A board with a radio, a clock for a hand, and a device on it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.board = MockBoard(self.clock)
        self.sound = self.board.factory.sound
        self.devices: list[Any] = []

    def make(self, kind: str, **settings: Any) -> Any:
        config = device(kind, "", **settings)
        made = make(Hands("it", config, self.board.factory, self.clock, lambda _: None))
        self.devices.append(made)
        return made

    def speaker(self, **settings: Any) -> Speaker:
        made = self.make("speaker", group="agents", **{"ptt": PTT, "call_sign": "Andgate", **settings})
        assert isinstance(made, Speaker)
        return made

    def transmitter(self, **settings: Any) -> Transmitter:
        made = self.make("transmitter", ptt=PTT, **settings)
        assert isinstance(made, Transmitter)
        return made

    @property
    def keyed(self) -> bool:
        return self.board.level(PTT)

    def run(self, it: Any, seconds: float, *, until: Callable[[], bool] = lambda: False) -> list[Any]:
        """Let time pass as the worker does: wake when something is due."""
        told: list[Any] = []
        end_s = self.clock.mono_s() + seconds
        while self.clock.mono_s() < end_s:
            told += it.advance(self.clock.mono_s())
            if until():
                break
            self.clock.push(min(max(it.due_s() - self.clock.mono_s(), 0.001), 1.0, end_s - self.clock.mono_s() + 1e-9))
        return told


@pytest.fixture
def bench() -> Iterator[Bench]:
    there = Bench()
    yield there
    for made in there.devices:
        made.close()
    there.board.close()


def words(text: str, *, page: str = "p1", until_s: float = 1e9, why: str | None = None) -> Announcement:
    return Announcement(page, until_s, lambda _: shorter(text), lambda: why)


# ------------------------------------------------------------------------------------------------ speaking


def test_it_keys_waits_speaks_and_lets_go(bench: Bench) -> None:
    it = bench.speaker()
    it.offer(words("Andgate. Counter A. Three minutes left."))
    assert bench.run(it, 1, until=lambda: bench.keyed) == []
    began_s = bench.clock.mono_s()
    assert bench.sound.played == [], "a receiver needs a moment to open"
    bench.run(it, LEAD_S + 0.1)
    assert len(bench.sound.played) == 1
    assert bench.run(it, 10, until=lambda: not bench.keyed) == [Told("p1", "spoken")]
    assert bench.clock.mono_s() - began_s < 6.0
    assert it.health(0).fault is None
    assert it.due_s() == float("inf")


def test_a_loudspeaker_needs_no_key(bench: Bench) -> None:
    it = bench.speaker(ptt=None, call_sign="")
    it.offer(words("Counter A."))
    assert bench.run(it, 5) == [Told("p1", "spoken")]
    assert not bench.keyed


def test_a_long_sentence_is_made_shorter_until_it_fits_and_its_end_stays(bench: Bench) -> None:
    it = bench.speaker()
    it.offer(words("Andgate. " + "Baggage hall of the northern pier, " * 6 + "belt 3. Seven minutes left."))
    assert bench.run(it, 30)[-1].did == "spoken"
    (wav,) = bench.sound.played
    assert seconds_of(wav) <= 5.2
    assert bench.sound.said[-1].endswith("Seven minutes left.")
    assert bench.sound.said[-1].startswith("Andgate. Baggage hall")
    assert len(bench.sound.said) < 12


def test_what_cannot_be_made_short_is_not_said(bench: Bench) -> None:
    it = bench.speaker()
    it.offer(words("x" * 400))
    (told,) = bench.run(it, 30)
    assert (told.did, bench.sound.played) == ("failed", [])
    assert "within 5.2 s" in told.why
    assert "within" in (it.health(0).fault or "")


def test_playback_that_hangs_never_holds_the_key(bench: Bench) -> None:
    it = bench.speaker()
    bench.sound.hangs = True
    it.offer(words("Counter A."))
    bench.run(it, 1, until=lambda: bench.keyed)
    began_s = bench.clock.mono_s()
    told = bench.run(it, 20, until=lambda: not bench.keyed)
    assert bench.clock.mono_s() - began_s <= 6.1
    assert [each.did for each in told] == ["failed"]
    assert "after 6 s" in told[0].why
    assert "after 6 s" in (it.health(0).fault or "")


def test_a_worker_that_wakes_late_takes_the_key_off_first(bench: Bench) -> None:
    it = bench.speaker()
    it.offer(words("Counter A."))
    bench.run(it, 1, until=lambda: bench.keyed)
    bench.clock.push(60)
    assert [each.did for each in it.advance(bench.clock.mono_s())] == ["failed"]
    assert not bench.keyed


def test_it_listens_before_it_talks(bench: Bench) -> None:
    it = bench.speaker(busy=BUSY)
    bench.board.drive(BUSY, high=False)
    it.offer(words("Counter A."))
    assert bench.run(it, 10) == []
    assert not bench.keyed
    bench.board.drive(BUSY, high=True)
    bench.run(it, 0.3)
    assert not bench.keyed, "people breathe between sentences"
    bench.run(it, 0.5)
    assert bench.board.level(PTT)
    assert [each.did for each in bench.run(it, 10)] == ["spoken"]


def test_a_channel_that_is_never_free_is_given_up(bench: Bench) -> None:
    it = bench.speaker(busy=BUSY, busy_active="high")
    bench.board.drive(BUSY, high=True)
    it.offer(words("Counter A.", until_s=bench.clock.mono_s() + 30))
    (told,) = bench.run(it, 60)
    assert told == Told("p1", "dropped", "the channel was not free in time")
    assert it.health(0).fault is None, "a busy channel is no fault"


def test_what_is_over_while_it_waits_is_not_said(bench: Bench) -> None:
    it = bench.speaker(busy=BUSY)
    bench.board.drive(BUSY, high=False)
    over_now: list[str] = []
    it.offer(Announcement("p1", 1e9, lambda _: shorter("Counter A."), lambda: over_now[0] if over_now else None))
    bench.run(it, 2)
    over_now.append("it was over")
    assert bench.run(it, 1) == [Told("p1", "dropped", "it was over")]


def test_what_is_stale_or_over_before_its_turn_is_dropped_and_said_so(bench: Bench) -> None:
    it = bench.speaker()
    it.offer(words("One.", page="p1", until_s=bench.clock.mono_s() - 1))
    it.offer(words("Two.", page="p2", why="somebody was on it already"))
    it.offer(words("Three.", page="p3"))
    assert bench.run(it, 10) == [
        Told("p1", "dropped", "it would have come too late"),
        Told("p2", "dropped", "somebody was on it already"),
        Told("p3", "spoken"),
    ]
    assert bench.sound.said == ["Three."]


def test_a_storm_is_no_sermon(bench: Bench) -> None:
    it = bench.speaker()
    for number in range(12):
        it.offer(words("Counter A.", page=f"p{number}"))
    told = bench.run(it, 60)
    assert [each.page for each in told if each.did == "dropped"] == [f"p{n}" for n in range(7)]
    assert [each.page for each in told if each.did == "spoken"] == [f"p{n}" for n in range(7, 12)]


def test_silence_is_at_once(bench: Bench) -> None:
    it = bench.speaker()
    for page in ("p1", "p2"):
        it.offer(words("Counter A.", page=page))
    bench.run(it, 1, until=lambda: bench.keyed)
    it.silence("all sounds are suspended")
    assert not bench.keyed
    assert {each.did for each in it.advance(bench.clock.mono_s())} == {"dropped"}
    assert bench.run(it, 30) == []


def test_a_player_that_fails_is_a_fault_until_it_works_again(bench: Bench) -> None:
    it = bench.speaker()
    bench.sound.fault = "aplay is not installed: sudo apt-get install alsa-utils"
    it.offer(words("Counter A."))
    assert [each.did for each in bench.run(it, 10)] == ["failed"]
    assert "apt-get install" in (it.health(0).fault or "")
    bench.sound.fault = None
    it.offer(words("Counter A."))
    assert [each.did for each in bench.run(it, 10)] == ["spoken"]
    assert it.health(0).fault is None


def test_a_speaker_that_is_closed_has_let_go(bench: Bench) -> None:
    it = bench.speaker()
    it.offer(words("Counter A."))
    bench.run(it, 1, until=lambda: bench.keyed)
    bench.devices.remove(it)
    it.close()
    assert not bench.keyed


# ------------------------------------------------------------------------------------------------ words


def test_what_is_said_of_a_moment() -> None:
    assert sentence("Counter A", None, 179.0) == "Counter A. Two minutes left."
    said = sentence("Belt 3", "AG1234/2026-11-21", 85.0, call_sign="Andgate")
    assert said == "Andgate. Belt 3, A G 1 2 3 4. 80 seconds left."
    assert sentence("Belt 3", None, None) == "Belt 3."
    assert over("Belt 3", "AG7/2026-11-21", call_sign="Andgate") == "Andgate. Belt 3, A G 7: over."
    assert [left_words(left_s) for left_s in (0, 3, 119, 120, 661)] == [
        "The promise is broken.", "10 seconds left.", "110 seconds left.", "Two minutes left.", "11 minutes left.",
    ]  # fmt: skip


def test_shorter_ends_and_keeps_the_time() -> None:
    ways = list(shorter("Andgate. Belt 3, A G 1. Two minutes left."))
    assert ways[0] == "Andgate. Belt 3, A G 1. Two minutes left."
    assert all(way.endswith("Two minutes left.") for way in ways)
    assert [len(way) for way in ways] == sorted({len(way) for way in ways}, reverse=True)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs Debian's espeak-ng")
def test_espeak_says_a_sentence_in_time() -> None:
    def spoken(text: str) -> bytes:
        rendering: Rendering = EspeakVoice("en").render(text)
        for _ in range(int(LONG_S / 0.02)):
            if rendering.state() != "playing":
                break
            threading.Event().wait(0.02)
        assert rendering.state() == "played", rendering.why
        return rendering.wav()

    said = spoken(sentence("Baggage belt 3", "AG1234/2026-11-21", 470.0, call_sign="Andgate"))
    assert 2.0 < seconds_of(said) < 6.0
    assert seconds_of(spoken("--help")) < 3.0, "no text is an option"


def test_a_voice_that_is_not_there_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert EspeakVoice("en").fault() == "espeak-ng is not installed: sudo apt-get install espeak-ng"
    wrong = EspeakVoice("en").render("Hello")
    assert (wrong.state(), wrong.why) == ("failed", EspeakVoice("en").fault())
    wrong.stop()


# ------------------------------------------------------------------------------------------------ paging


def page(name: str = "m1:0@1234567", text: str = "Belt 3", within_s: float = 20.0) -> Transmission:
    return Transmission(page=name, ric=1_234_567, text=text, within_s=within_s)


def test_a_page_is_keyed_sent_and_told(bench: Bench) -> None:
    it = bench.transmitter()
    it.take(page(), bench.clock.mono_s())
    bench.run(it, 1, until=lambda: bench.keyed)
    assert it.health(0).level == "on"
    assert bench.run(it, 10) == [Sent("m1:0@1234567", "sent")]
    assert not bench.keyed
    assert bench.sound.played == [pocsag.wav(pocsag.page(1_234_567, "Belt 3"), 1200)]


def test_the_longest_page_at_the_slowest_speed_fits(bench: Bench) -> None:
    it = bench.transmitter(invert=True)
    long = Transmission(page="p", ric=15, text="x" * 240, baud=512)
    it.take(long, bench.clock.mono_s())
    assert bench.run(it, 30) == [Sent("p", "sent")]
    assert bench.sound.played == [pocsag.wav(pocsag.page(15, "x" * 240), 512, invert=True)]


def test_what_comes_twice_is_sent_once_and_answered_twice(bench: Bench) -> None:
    it = bench.transmitter()
    now_s = bench.clock.mono_s()
    for _ in range(3):
        it.take(page(), now_s)
    assert bench.run(it, 10) == [Sent("m1:0@1234567", "sent")]
    it.take(page(), bench.clock.mono_s())
    assert bench.run(it, 10) == [Sent("m1:0@1234567", "sent", "it had gone out already")]
    assert len(bench.sound.played) == 1


def test_what_waits_too_long_is_dropped(bench: Bench) -> None:
    it = bench.transmitter()
    for number in range(4):
        it.take(page(f"p{number}", "x" * 200, within_s=8.0), bench.clock.mono_s())
    told = bench.run(it, 60)
    assert [each.did for each in told] == ["sent", "sent", "sent", "dropped"]


def test_a_page_that_failed_is_tried_again_when_it_comes_again(bench: Bench) -> None:
    it = bench.transmitter()
    bench.sound.hangs = True
    it.take(page(), bench.clock.mono_s())
    assert [each.did for each in bench.run(it, 30)] == ["failed"]
    bench.sound.hangs = False
    it.take(page(), bench.clock.mono_s())
    assert [each.did for each in bench.run(it, 30)] == ["sent"]


def test_too_many_pages_are_refused_at_once(bench: Bench) -> None:
    it = bench.transmitter()
    for number in range(101):
        it.take(page(f"p{number}"), bench.clock.mono_s())
    assert it.advance(bench.clock.mono_s())[0].why == "100 pages wait already"
    it.silence("all sounds are suspended")
    assert {each.did for each in it.advance(bench.clock.mono_s())} == {"dropped"}


# ------------------------------------------------------------------------------------------------ programs


def ended(program: Program) -> str:
    for _ in range(int(LONG_S / 0.01)):
        state = program.state()
        if state != "playing":
            return state
        threading.Event().wait(0.01)
    raise AssertionError("it does not end")


def test_programs_that_end_well_badly_or_not_at_all() -> None:
    assert ended(Program(["true"])) == "played"
    bad = Program([sys.executable, "-c", "import sys; sys.exit('no such card')"])
    assert ended(bad) == "failed"
    assert "no such card" in bad.why
    endless = Program(["sleep", "1000"])
    assert endless.state() == "playing"
    endless.stop()
    assert endless.state() == "failed"
    gone = Program(["no-such-program-at-all"])
    assert (gone.state(), "not installed" in gone.why) == ("failed", True)


def test_a_player_is_called_with_the_card_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    for name in ("aplay", "paplay"):
        script = tmp_path / name
        script.write_text(
            f'#!/bin/sh\nfor word in "$@"; do last="$word"; done\necho "$@" >>{seen}\ncp "$last" {seen}.wav\n'
        )
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    wav = pocsag.wav(pocsag.page(8, "x"), 1200)
    for name in ("aplay", "paplay"):
        player = ProgramPlayer(name, "plughw:1,0")
        assert player.fault() is None
        playing = player.play(wav)
        assert isinstance(playing, Program)
        assert ended(playing) == "played"
        assert Path(f"{seen}.wav").read_bytes() == wav
    first, second = seen.read_text().splitlines()
    assert first.startswith("--quiet --device=plughw:1,0 ")
    assert second.startswith("--device=plughw:1,0 ")
    assert not Path(second.split()[-1]).exists(), "nothing is left behind"
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert ProgramPlayer("aplay").fault() == f"aplay is not installed: sudo apt-get install {PACKAGES['aplay']}"


def test_only_a_wav_has_a_length() -> None:
    with pytest.raises((wave.Error, EOFError)):
        seconds_of(b"nothing")


# ------------------------------------------------------------------------------------------------ dead man's hand


class Watched:
    """A pipe that is watched in a thread."""

    def __init__(self, most_s: float = LONG_S) -> None:
        self.out, self.inn = os.pipe()
        self.done: list[str] = []
        self.killed = 0
        self._thread = threading.Thread(target=watch, args=(self.out, most_s, self.done.append, self._kill))
        self._thread.start()

    def _kill(self) -> None:
        self.killed += 1

    def end(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self.inn)
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        os.close(self.out)


def test_a_node_that_dies_keyed_is_unkeyed_and_one_that_is_not_keyed_is_not() -> None:
    for said, why in ((b"k", "died"), (b"ku", None), (b"", None), (b"kuk", "died")):
        watched = Watched()
        os.write(watched.inn, said)
        watched.end()
        assert [why in each for each in watched.done] == ([True] if why else []) if why else watched.done == []
        assert not watched.killed


def test_a_node_that_hangs_keyed_is_killed_and_unkeyed() -> None:
    watched = Watched(most_s=0.05)
    os.write(watched.inn, b"k")
    watched._thread.join(LONG_S)
    assert watched.killed == 1
    assert ["hung" in each for each in watched.done] == [True]
    watched.end()


NODE = """
import os, sys, time
from edge.devices.deadman import Guard
guard = Guard("mock", 25, {most_s})
assert guard.alive and guard.say(keyed=True)
print("keyed", flush=True)
{then}
"""


def play(then: str, most_s: float = 600.0) -> tuple[subprocess.Popen[str], str]:
    program = NODE.format(then=then, most_s=most_s)
    node = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert node.stdout is not None
    assert node.stdout.readline() == "keyed\n"
    return node, ""


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGSEGV])
def test_the_key_is_taken_off_however_the_program_dies(way: signal.Signals) -> None:
    node, _ = play("time.sleep(600)")
    node.send_signal(way)
    _, said = node.communicate(timeout=LONG_S)  # the hand has the same stderr, and ends when it has done its work
    assert "GPIO 25 is no longer keyed: the node died while it was keyed" in said


def test_a_program_that_hangs_is_killed_and_the_key_taken_off() -> None:
    node, _ = play("os.kill(os.getpid(), 19)", most_s=4.0)  # SIGSTOP: nothing of it runs any more
    _, said = node.communicate(timeout=LONG_S)
    assert "the node hung" in said
    assert node.returncode == -signal.SIGKILL


def test_a_node_that_ends_well_needs_no_hand() -> None:
    node, _ = play("guard.say(keyed=False); guard.close()")
    _, said = node.communicate(timeout=LONG_S)
    assert (said, node.returncode) == ("", 0)


def test_nothing_is_keyed_while_nobody_watches() -> None:
    guard = Guard("mock", 25, 6.0)
    process = guard._process
    process.kill()
    process.wait()
    assert not guard.alive
    assert not guard.say(keyed=True)
    guard.close()


def test_a_watcher_that_has_died_is_replaced_before_anything_is_keyed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FACTORIES, "mock", "edge.devices.mock:BoardFactory")
    it = bench.transmitter()
    first = it.radio._guard
    assert first is not None
    first._process.kill()
    first._process.wait()
    it.take(page(), bench.clock.mono_s())
    assert bench.run(it, 10) == [Sent("m1:0@1234567", "sent")]
    second = it.radio._guard
    assert second is not None
    assert second is not first
    assert second.alive

"""A node in a process of its own that can be killed: the real program on mock pins, with a diary of its lamp's word.

What a hand does comes as lines on stdin; what the lamp has answered goes into a diary that survives a kill:

    press 17        a short press             low 22, high 22     break a beam, clear it
    hold 17         press, and hold           step -3600          set the node's own clock
    status          say on stdout how much waits

Lines of the diary, each on disk before anything follows from it: ``driven`` (before a pin moves), ``kept`` (the spool
has numbered a signal), ``answered`` (the lamp is lit while that press is among what it shows).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import edge.app
import edge.worker
from edge.clock import RealClock
from edge.devices.mock import MockBoard
from edge.face import Face
from edge.spool import Entry, Spool, Write

PRESS_S = 0.08
BETWEEN_S = 0.06
HOLD_S = 0.9


class NodeClock:
    """A Pi's clock: seconds since its power came, a quartz that is not quite right, and a UTC that may be far off."""

    def __init__(self, boot_id: str, base_s: float, drift_ppm: float, skew_s: float, *, synced: bool) -> None:
        self.boot_id = boot_id
        self.skew_s = skew_s
        self.is_synced = synced
        self._base_s, self._rate = base_s, 1 + drift_ppm * 1e-6
        self._real = RealClock()

    def now_ms(self) -> int:
        return max(0, self._real.now_ms() + round(self.skew_s * 1000))

    def mono_s(self) -> float:
        return (self._real.mono_s() - self._base_s) * self._rate

    def real_s(self, site_s: float) -> float:
        return site_s

    def synced(self) -> bool:
        return self.is_synced


class Diary:
    """Lines that are on disk when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lock = threading.Lock()

    def write(self, **said: Any) -> None:
        with self._lock:
            os.write(self._file, json.dumps(said).encode() + b"\n")
            os.fsync(self._file)


class Hand:
    """Moves the pins of one node, and notes it first."""

    def __init__(self, board: MockBoard, clock: NodeClock, diary: Diary) -> None:
        self.board, self.clock, self.diary = board, clock, diary
        self._up_s: dict[int, float] = {}
        self._pause = threading.Event()

    def press(self, pin: int, for_s: float) -> None:
        early_s = self._up_s.get(pin, 0.0) + BETWEEN_S - self.clock.mono_s()
        if early_s > 0:  # one finger, one press at a time
            self._pause.wait(early_s)
        down_s = round(self.clock.mono_s(), 6)
        up_s = down_s + for_s
        self._up_s[pin] = up_s
        self.diary.write(what="driven", pin=pin, how="press", mono=down_s, boot=self.clock.boot_id)
        self.board.drive(pin, high=False, at_s=down_s)
        if for_s <= PRESS_S:
            self.board.drive(pin, high=True, at_s=up_s)
        else:
            timer = threading.Timer(for_s, lambda: self.board.drive(pin, high=True, at_s=up_s))
            timer.daemon = True
            timer.start()

    def level(self, pin: int, *, high: bool) -> None:
        at_s = round(self.clock.mono_s(), 6)
        self.diary.write(what="driven", pin=pin, how="high" if high else "low", mono=at_s, boot=self.clock.boot_id)
        self.board.drive(pin, high=high, at_s=at_s)


class Eye:
    """Sees what the spool keeps and when the lamp answers it. It changes nothing."""

    def __init__(self, board: MockBoard, diary: Diary, lamp: int | None) -> None:
        self._board, self._diary, self._lamp = board, diary, lamp
        self._unanswered: dict[tuple[str, int], None] = {}

    def watch(self) -> None:
        """Look over the shoulder of the program's own spool and face."""
        eye = self

        class WatchedSpool(Spool):
            def append(self, signals: Sequence[Write]) -> list[Entry]:
                entries = super().append(signals)
                for entry in entries:
                    eye.kept(entry)
                return entries

        class WatchedFace(Face):
            def show(self, now_s: float, *, linked: bool) -> None:
                super().show(now_s, linked=linked)
                eye.shown()

        for module, name, watched in ((edge.app, "Spool", WatchedSpool), (edge.worker, "Face", WatchedFace)):
            setattr(module, name, watched)

    def kept(self, entry: Entry) -> None:
        said = json.loads(entry.body)
        names = ("device", "signal", "key", "mono", "found", "press", "synced", "at")
        more = {name: said[name] for name in names if said.get(name) is not None}
        self._diary.write(what="kept", numbering=entry.boot, seq=entry.seq, **more)
        if self._lamp is not None and said["signal"] in ("pressed", "reset"):
            self._unanswered[entry.boot, entry.seq] = None

    def shown(self) -> None:
        if self._unanswered and self._lamp is not None and self._board.level(self._lamp):
            for numbering, seq in self._unanswered:
                self._diary.write(what="answered", numbering=numbering, seq=seq)
            self._unanswered.clear()


def say(**said: Any) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(f"@{json.dumps(said)}\n")
    sys.stdout.flush()


def obey(hand: Hand, node: edge.app.EdgeApp) -> None:
    """Do what comes on stdin; without anybody there any more, end."""
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "press":
            hand.press(int(words[0]), PRESS_S)
        elif verb == "hold":
            hand.press(int(words[0]), HOLD_S)
        elif verb in ("low", "high"):
            hand.level(int(words[0]), high=verb == "high")
        elif verb == "step":
            hand.clock.skew_s += float(words[0])
        elif verb == "sync":
            hand.clock.skew_s, hand.clock.is_synced = 0.0, True
        elif verb == "status":
            say(to=verb, **status(node))
    os._exit(0)


def status(node: edge.app.EdgeApp) -> dict[str, Any]:
    """Say how much waits. Asked from outside the worker's thread: good enough for whoever asks again and again."""
    worker = node._worker
    assert worker is not None
    try:
        depth = worker.spool.depth
    except Exception as wrong:  # noqa: BLE001 - the disk is being taken away: ask again
        return {"depth": -1, "wrong": str(wrong)}
    return {
        "depth": depth,
        "idle": node._inbox.empty(),
        "connected": node.connected,
        "online": worker.delivery.hub_online,
        "trouble": worker.spool.trouble,
        "devices": sorted(worker.rack.devices),
    }


def main() -> int:
    """Run one node until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--node", required=True)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--diary", required=True, type=Path)
    parser.add_argument("--lamp", type=int)
    parser.add_argument("--low", type=int, action="append", default=[])
    parser.add_argument("--boot", required=True)
    parser.add_argument("--base", type=float, default=0.0)
    parser.add_argument("--drift", type=float, default=0.0)
    parser.add_argument("--skew", type=float, default=0.0)
    parser.add_argument("--unsynced", action="store_true")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s: %(message)s")
    clock = NodeClock(args.boot, args.base, args.drift, args.skew, synced=not args.unsynced)
    board = MockBoard(clock)
    for pin in args.low:
        board.drive(pin, high=False)
    diary = Diary(args.diary)
    Eye(board, diary, args.lamp).watch()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    node = edge.app.EdgeApp(
        args.node, broker_url=args.broker, data_dir=args.data, clock=clock, pin_factory=board.factory
    )
    node.start()
    say(armed=args.node)
    threading.Thread(target=obey, args=(Hand(board, clock, diary), node), daemon=True).start()
    ended.wait()
    node.stop()
    with contextlib.suppress(OSError):
        board.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

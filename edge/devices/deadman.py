"""The dead man's hand of a radio: a process of its own that takes the key off when the node can no longer do it.

    python -m edge.devices.deadman lgpio 21 7.0 4711

It reads what its node, process 4711, says on a pipe: ``k`` keyed and ``u`` unkeyed. When the pipe ends while the radio
is keyed, the node has died: the kernel has let its line go, but leaves it as it was. When the radio is keyed for longer
than the node ever keys it, the node hangs, and holds the line: it is killed first, which systemd makes good. Either way
the line is then claimed and driven low. A power cut needs nobody; `gpio=21=op,dl` in config.txt keeps it low through a
boot.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

GRACE_S = 1.0
"""The node has its own watchdog; this one is for when that has failed."""
TRIES, PAUSE_S = 100, 0.05
"""The kernel may take a moment to let the line of a dead process go."""


def watch(pipe: int, most_s: float, release: Callable[[str], None], kill: Callable[[], None]) -> None:
    """Watch a node until its pipe ends.

    Args:
        pipe: file descriptor on which it says ``k`` and ``u``.
        most_s: how long it may be keyed.
        release: takes the key off; told why.
        kill: ends the node.
    """
    keyed = False
    while True:
        ready, _, _ = select.select([pipe], [], [], most_s if keyed else None)
        if not ready:
            kill()
            release(f"it was keyed for longer than {most_s:g} s: the node hung")
            return
        said = os.read(pipe, 1024)
        if not said:
            if keyed:
                release("the node died while it was keyed")
            return
        keyed = said[-1:] == b"k"


def unkey(pins_name: str, pin: int) -> bool:
    """Claim a line and drive it low; False where somebody else holds it for good."""
    from gpiozero import DigitalOutputDevice  # noqa: PLC0415 - only now is it needed; until then this is a small process

    from edge.devices.pins import pins  # noqa: PLC0415

    for _ in range(TRIES):
        try:
            DigitalOutputDevice(pin, initial_value=False, pin_factory=pins(pins_name))
        except Exception:  # noqa: BLE001 - still held, in whatever words the driver says so
            threading.Event().wait(PAUSE_S)
        else:
            return True
    return False


def main(words: list[str]) -> int:
    """Watch the node that started this process."""
    pins_name, pin, most_s = words[0], int(words[1]), float(words[2])
    node = int(words[3])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it goes when its node has gone, and not before

    def release(why: str) -> None:
        done = unkey(pins_name, pin)
        said = "is no longer keyed" if done else "CANNOT BE UNKEYED, another program holds it"
        sys.stderr.write(f"andgate: GPIO {pin} {said}: {why}\n")
        sys.stderr.flush()

    def kill() -> None:
        if os.getppid() == node:  # else it has died meanwhile, and the number may be anybody's
            os.kill(node, signal.SIGKILL)

    watch(sys.stdin.fileno(), most_s, release, kill)
    return 0


class Guard:
    """A node's end of the pipe."""

    def __init__(self, pins_name: str, pin: int, most_s: float) -> None:
        """Start the process that watches this one."""
        command = [sys.executable, "-m", "edge.devices.deadman", pins_name, str(pin), str(most_s + GRACE_S)]
        command.append(str(os.getpid()))
        self._process: Any = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0)  # noqa: S603 - our own words

    @property
    def alive(self) -> bool:
        """Whether it watches."""
        return self._process.poll() is None

    def say(self, *, keyed: bool) -> bool:
        """Tell it; False where nobody hears it, and then nothing may be keyed."""
        try:
            self._process.stdin.write(b"k" if keyed else b"u")
        except OSError:
            return False
        return self.alive

    def close(self) -> None:
        """Let it go."""
        with contextlib.suppress(OSError):  # it has gone by itself
            self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

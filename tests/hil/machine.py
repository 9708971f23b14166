"""A throw-away machine: qemu without any acceleration, Debian's kernel, the host's own files read-only as its root.

    with Machine(kernel, folder) as machine:
        machine.call("lines:make")
        machine.call("lines:pull", 17, "down")

It has 54 simulated GPIO lines and no network. What is asked of it goes over a serial line to `guest/agent.py`, which
calls functions of the modules beside it; what it writes is in memory, except on a disk that outlives it.
"""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.hil.kernel import ROOT, Kernel

BOOT_S = 300.0
WAIT_S = 300.0
"""Emulated, beside others on a small machine: generous, and nothing waits so long unless it is broken."""
MEMORY_MB = 768
COMMANDS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "gcc": "gcc",
    "make": "make",
    "xz": "xz-utils",
    "mosquitto": "mosquitto",
    "mkfs.ext4": "e2fsprogs",
    "e2fsck": "e2fsprogs",
}
"""What must be here, and the Debian package it is in."""

INIT = """
set -e
busybox() {{ /bin/busybox "$@"; }}
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do busybox insmod "$module"; done
busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /lower
busybox mount -t tmpfs tmpfs /upper
busybox mkdir /upper/files /upper/work
busybox mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /new
for place in proc sys dev; do busybox mount --move "/$place" "/new/$place"; done
busybox mount -t configfs configfs /new/sys/kernel/config
busybox mount -t tmpfs tmpfs /new/run
busybox ifconfig lo up
busybox stty -F /new/dev/ttyS1 raw -echo
# Not the machine's init itself: init also takes in the orphans of whatever is killed.
set +e
busybox chroot /new /bin/sh -c 'cd {root} && exec {python} -u tests/hil/guest/agent.py' </new/dev/ttyS1 >/new/dev/ttyS1
busybox poweroff -f
"""


class WrongError(AssertionError):
    """What was asked of the machine went wrong there; the message has its traceback."""


class Machine:
    """One boot of a machine. It ends with `close`, or without warning with `cut`."""

    def __init__(self, kernel: Kernel, folder: Path, *, disk: Path | None = None, paths: tuple[Path, ...] = ()) -> None:
        """Switch it on, and wait until it listens.

        Args:
            kernel: what it runs.
            folder: for its console's log and its initramfs.
            disk: an image that is its /dev/vda.
            paths: where its Python also finds packages.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.console = folder / "console.log"
        initramfs = folder / "initramfs"
        path = ":".join(str(one) for one in (ROOT, *paths))
        python = f"env PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 PATH=$PATH:/usr/sbin:/sbin {sys.executable}"
        kernel.initramfs(INIT.format(root=ROOT, python=python), initramfs)
        self._process = subprocess.Popen(
            [
                *("nice", "-n", "10", "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none"),
                *("-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1", "-m", str(MEMORY_MB)),
                *("-kernel", kernel.image, "-initrd", initramfs),
                *("-append", "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check"),
                *("-serial", f"file:{self.console}", "-chardev", "stdio,id=agent,signal=off"),
                *("-serial", "chardev:agent"),
                *("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"),
                *(() if disk is None else ("-drive", f"file={disk},if=virtio,format=raw")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # no line of it is JSON
        )
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {0: queue.SimpleQueue()}
        self._thread = threading.Thread(target=self._listen, name="machine", daemon=True)
        self._thread.start()
        try:
            self._answer(0, BOOT_S)
        except BaseException:
            self.cut()
            raise

    def _listen(self) -> None:
        """Hand each line that the agent says to whoever asked for it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                said = json.loads(line)
                self._answers[said["n"]].put(said)
            except (ValueError, KeyError, TypeError):
                continue  # half a line, at the end of a machine
        for waiting in tuple(self._answers.values()):
            waiting.put({"gone": True})

    def _answer(self, number: int, wait_s: float) -> dict[str, Any]:
        try:
            said = self._answers[number].get(timeout=wait_s)
        except queue.Empty:
            raise WrongError(f"the machine says nothing; its console: {self._last()}") from None
        if said.get("gone"):
            raise WrongError(f"the machine is off; its console: {self._last()}")
        if "wrong" in said:
            raise WrongError(said["wrong"])
        return said

    def _last(self) -> str:
        return self.console.read_text(errors="replace")[-2000:] if self.console.exists() else "nothing"

    def each(self, function: str, *args: Any, **more: Any) -> Iterator[Any]:
        """Call a generator in the machine, ``module:function`` of guest/; yield what it yields, when it does."""
        number = next(self._numbers)
        self._answers[number] = queue.SimpleQueue()
        assert self._process.stdin is not None
        words = json.dumps({"n": number, "call": function, "args": args, "more": more})
        try:
            self._process.stdin.write(words.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise WrongError(f"the machine is off; its console: {self._last()}") from None
        while "end" not in (said := self._answer(number, WAIT_S)):
            yield said["is"]

    def call(self, function: str, *args: Any, **more: Any) -> Any:
        """Call a function in the machine; return what it returns."""
        (answer,) = self.each(function, *args, **more)
        return answer

    def cut(self) -> None:
        """Take its power away, in the middle of whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    close = cut

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Switch it off."""
        self.close()

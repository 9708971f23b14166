"""`andgate reload`: tell a running hub to take its changed plan."""

from __future__ import annotations

import argparse
import os
import signal
from itertools import pairwise
from pathlib import Path

from andgate.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the running hub's data folder")


def run(args: argparse.Namespace) -> int:
    """Send SIGHUP to the hub of the data folder; it reads its plan file again, or refuses it and goes on."""
    pid = hub_pid(args.data)
    try:
        os.kill(pid, signal.SIGHUP)
    except PermissionError:
        raise UsageError(
            f"the hub of {args.data} (process {pid}) belongs to another user; run this as that user"
        ) from None
    print(f"told the hub of {args.data} (process {pid}) to read its plan again; its log says what came of it")
    return 0


def hub_pid(data: Path) -> int:
    """Return the process id of the hub that runs on a data folder. Raises UsageError where none does."""
    nobody = UsageError(f"no hub is running on {data}; start one with: andgate hub --plan FILE --data {data}")
    try:
        pid = int((data / "hub.pid").read_text(encoding="ascii"))
        # The file of a hub that was killed may name a process that is somebody else's by now: look before signalling.
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        raise nobody from None
    if not any(_starts_hub(first, second) for first, second in pairwise(words)):
        raise nobody
    return pid


def _starts_hub(first: bytes, second: bytes) -> bool:
    """Whether two neighbouring words of a command line are ``andgate hub`` or ``-m hub``."""
    return second == b"hub" and (first == b"-m" or first.rpartition(b"/")[2] == b"andgate")

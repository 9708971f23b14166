"""`andgate backup`: the data folder in one file, while the hub runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from andgate.wire.codec import format_time
from cli.progress import Progress
from hub.clock import SystemClock
from hub.evidence.backup import backup, note_backup
from hub.evidence.frozen import Frozen, database_of

SUFFIX = ".andgate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")
    parser.add_argument(
        "--to",
        metavar="FILE",
        type=Path,
        required=True,
        help="the new file; in a folder that is there it gets a name with the time",
    )


def run(args: argparse.Namespace) -> int:
    """Write the backup, read it again, and say what is in it."""
    at = format_time(SystemClock().now_ms())
    to: Path = args.to
    if to.is_dir():
        with Frozen(database_of(args.data)):  # there is something to back up
            to /= f"andgate-{at[:19].replace(':', '').replace('-', '')}Z{SUFFIX}"
    progress = Progress()
    try:
        made = backup(args.data, to, at, progress)
    finally:
        progress.done()
    try:
        note_backup(args.data, made, to.resolve())
    except OSError as wrong:
        print(f"andgate backup: when it was made could not be noted in {args.data}: {wrong.strerror}", file=sys.stderr)
    print(f"{to}: {made.site}, {made.entry:,} entries, {to.stat().st_size:,} bytes; read again and whole")
    print(f"head {made.head}")
    return 0

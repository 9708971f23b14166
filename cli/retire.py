"""`andgate retire`: months of the journal into an archive; a signed seal stays in their place."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from andgate.errors import UsageError
from cli.progress import Progress
from hub.clock import SystemClock
from hub.evidence.frozen import Frozen, database_of
from hub.evidence.retire import retire


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")
    parser.add_argument(
        "--before", metavar="YYYY-MM", required=True, help="the month that stays first; all before it goes"
    )
    parser.add_argument(
        "--to", metavar="FILE", type=Path, help="the archive's new file (default: archive/ in the data folder)"
    )


def run(args: argparse.Namespace) -> int:
    """Say what went where."""
    if re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", args.before) is None:
        raise UsageError(f'--before: "{args.before}" is no month. Write it as 2026-10')
    with Frozen(database_of(args.data)) as frozen:
        row = frozen.db.execute("select body from plan order by entry desc limit 1").fetchone()
    if row is None:
        raise UsageError(f"the journal in {args.data} is empty")
    zone = ZoneInfo(msgspec.json.decode(row[0])["site"]["timezone"])
    year, month = (int(part) for part in args.before.split("-"))
    before_ms = round(datetime(year, month, 1, tzinfo=zone).timestamp() * 1000)
    to = args.to
    if to is None:
        to = args.data / "archive" / f"before-{args.before}.jsonl.gz"
        to.parent.mkdir(mode=0o700, exist_ok=True)
    progress = Progress()
    try:
        done = retire(args.data, args.before, before_ms, SystemClock().now_ms(), to, progress)
    finally:
        progress.done()
    document = done.seal.document
    if done.archive is None:
        print(f"an earlier retirement, of what was before {document.before}, is now done; run this again for more")
    else:
        print(f"{done.archive}: entries {document.first:,} to {document.last:,}; read again and whole")
    print(f"sealed by key {done.seal.key.hex()}; {done.deleted:,} rows are out of the live journal, the rates stay")
    return 0

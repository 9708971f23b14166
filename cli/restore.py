"""`andgate restore`: a data folder from a backup."""

from __future__ import annotations

import argparse
from pathlib import Path

from cli.progress import Progress
from hub.evidence.restore import restore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--from", dest="file", metavar="FILE", type=Path, required=True, help="what andgate backup had written"
    )
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the new data folder; it must be empty")


def run(args: argparse.Namespace) -> int:
    """Make the folder and say what happens next."""
    progress = Progress()
    try:
        made = restore(args.file, args.data, progress)
    finally:
        progress.done()
    manifest = made.manifest
    print(f"{args.data}: {manifest.site} as of {manifest.at}, {manifest.entry:,} entries; the chain is whole")
    print(f"head {manifest.head}")
    print(f"a new epoch begins ({made.epoch}): when the hub starts, every node sends again what it keeps, seven days")
    print("feeds must send again by themselves; what people did since the backup is lost")
    return 0

"""`andgate erase`: a person's name out of the data folder, without touching the journal's chain."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hub.evidence.erase import erase


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "person", metavar="PERSON", help="as it stands in claims, causes and voids; or a passenger's address"
    )
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")


def run(args: argparse.Namespace) -> int:
    """Say what was forgotten; exit 1 where nobody of that name is known, or the journal itself holds it."""
    gone = erase(args.data, args.person)
    if gone.ids or gone.quarantined:
        print(f"{args.person} is forgotten: what they did was done by somebody; the journal's chain is as it was")
        print(
            "backups made before still hold the name: let them run out; a token of that name stands in the token file"
        )
    elif gone.wishes:
        print(f"{args.person} is forgotten, and the {gone.wishes} flight{'s' * (gone.wishes > 1)} they watched")
    elif not gone.plain:
        print(f"andgate erase: nobody called {args.person} is known in {args.data}", file=sys.stderr)
    if gone.plain:
        print(
            f"andgate erase: {gone.plain:,} older moments name {args.person} in the journal itself, from before it "
            "kept ids; only `andgate retire` takes them out",
            file=sys.stderr,
        )
    return 0 if (gone.ids or gone.wishes) and not gone.plain else 1

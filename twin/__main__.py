"""`andgate twin`: the terminal in a box against a running hub, or the same days with and without paging."""

from __future__ import annotations

import argparse
from pathlib import Path

from twin.compare import compare, table
from twin.sites import plan_text, playable

DAYS = 7
MOST_DAYS = 366


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--compare",
        action="store_true",
        help="play the same days twice in virtual time, listening only and with paging, and print both failure rates",
    )
    parser.add_argument(
        "--days", type=_days, default=DAYS, metavar="N", help=f"days to compare (default {DAYS}, most {MOST_DAYS})"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same day (default 1)")
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="the site's plan, as the hub has it (default: the demo's airport)"
    )
    parser.add_argument(
        "--hub", default="http://127.0.0.1:8080", metavar="URL", help="the hub's address (default %(default)s)"
    )
    parser.add_argument(
        "--broker", default="mqtt://127.0.0.1:1883", metavar="URL", help="the site's broker (default %(default)s)"
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the feed's token, where the hub wants one")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where the nodes keep their presses (default: a new one)"
    )


def run(args: argparse.Namespace) -> int:
    """Compare, or play until interrupted."""
    plan = playable(plan_text(args.plan))
    if args.compare:
        listening, paging = compare(plan, days=args.days, seed=args.seed)
        print(table(plan, listening, paging, days=args.days, seed=args.seed))
        return 0
    return 0


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {MOST_DAYS}")
    return int(text)

"""`andgate check FILE`: what is wrong in a plan, or what it means, in words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from andgate.errors import PlanError, UsageError
from andgate.plan.parse import MAX_PLAN_CHARS, parse_plan
from andgate.plan.words import describe

_MOST_BYTES = 4 * MAX_PLAN_CHARS + 4
"""It may be a device that never ends; no plan has as many bytes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the plan, a TOML file; - reads standard input")
    parser.add_argument("--quiet", action="store_true", help="say nothing about a plan that is right")


def run(args: argparse.Namespace) -> int:
    """Print what the plan means; exit 0. Or what is wrong in it, all of it, as ``FILE: line ...``; exit 2."""
    shown = "standard input" if str(args.file) == "-" else args.file
    try:
        plan = parse_plan(read(args.file))
    except PlanError as wrong:
        for problem in wrong.problems:
            print(f"{shown}: {problem}", file=sys.stderr)
        count = len(wrong.problems)
        print(f"{shown}: {count} problem{'s' * (count > 1)}; a hub would refuse this plan", file=sys.stderr)
        return 2
    if not args.quiet:
        print(describe(plan))
    return 0


def read(file: Path) -> str:
    """Return a plan's text. Raises UsageError where there is none to read."""
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES)
        else:
            with file.open("rb") as opened:
                content = opened.read(_MOST_BYTES)
    except OSError as failed:
        raise UsageError(f"cannot read the plan {file}: {failed.strerror}") from failed
    try:
        return content.decode("utf-8", errors="strict" if len(content) < _MOST_BYTES else "replace")
    except UnicodeDecodeError as failed:
        line = content[: failed.start].count(b"\n") + 1
        raise UsageError(f"the plan {file} is not UTF-8 (line {line}); save it as UTF-8") from failed

"""`andgate replay`: the journal judged again, by the rules that were, or by another plan."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from andgate.plan import Plan
from andgate.plan.parse import parse_plan
from andgate.wire.codec import format_time
from cli.check import read
from cli.progress import Progress
from cli.when import parse_when, shown
from hub.evidence.frozen import database_of
from hub.evidence.rejudge import Rejudged, rejudge
from hub.evidence.whatif import Counted, Told, WhatIf, what_if


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")
    parser.add_argument("--plan", metavar="FILE", type=Path, help="say what would have differed with this plan")
    parser.add_argument("--since", metavar="TIME", help="only from then on, as 2026-11-21 or 2026-11-21T20:46Z")
    parser.add_argument("--until", metavar="TIME", help="only before then")
    parser.add_argument("--json", action="store_true", help="say it for programs")
    parser.add_argument(
        "--most", metavar="N", type=int, default=40, help="lines of each list that are shown (default %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 where everything comes out as it was, 1 where it does not; with another plan always 0."""
    since_ms, until_ms = parse_when(args.since, "--since"), parse_when(args.until, "--until")
    plan = None if args.plan is None else parse_plan(read(args.plan))
    file, progress = database_of(args.data), Progress()
    try:
        found = (
            rejudge(file, since_ms=since_ms, until_ms=until_ms, progress=progress)
            if plan is None
            else what_if(file, plan, since_ms=since_ms, until_ms=until_ms, progress=progress)
        )
    finally:
        progress.done()
    if isinstance(found, Rejudged):
        return _same(found, as_json=args.json)
    if plan is not None:
        _differs(found, plan, as_json=args.json, most=args.most)
    return 0


def _same(judged: Rejudged, *, as_json: bool) -> int:
    first = judged.first
    if as_json:
        print(json.dumps(msgspec.to_builtins(judged)))
    elif first is None:
        print(
            f"{judged.compared:,} entries judged again: {judged.events:,} events and {judged.moments:,} publications, "
            "all as they were"
        )
    else:
        print(f"entry {first.entry} of {shown(first.now_ms)} is judged otherwise now: {first.what}", file=sys.stderr)
        print(f"  it was  {first.stored}", file=sys.stderr)
        print(f"  now     {first.judged}", file=sys.stderr)
    return 0 if first is None else 1


# -------------------------------------------------------------------------------------------------- another plan


def _differs(other: WhatIf, plan: Plan, *, as_json: bool, most: int) -> None:
    if as_json:
        said = msgspec.to_builtins(other)
        for change in said["changes"]:
            change["opened_at"] = format_time(change.pop("opened_ms"))
        for told in (*said["more"], *said["fewer"]):
            told["at"] = format_time(told.pop("at_ms"))
        print(json.dumps({"plan": plan.version, **said}))
        return
    zone = ZoneInfo(plan.site.timezone)
    print(f"{other.entries:,} entries judged by plan {plan.version}; times in {plan.site.timezone}")
    if other.refused:
        print(f"{other.refused:,} things that people did would have made no sense and were left out")
    print()
    names = sorted({*other.was, *other.now})
    _table(
        ["expectation", "", "success", "saved", "failure", "void", "open"],
        [
            row
            for name in names
            for row in (
                [name, "as it was", *_counts(other.was.get(name))],
                ["", "with the plan", *_counts(other.now.get(name))],
            )
        ],
    )
    print()
    print(f"{len(other.changes):,} moment{'s' * (len(other.changes) != 1)} would have gone otherwise")
    _table(
        ["opened", "moment", "expectation", "where", "was", "would be", "why"],
        [
            [
                shown(change.opened_ms, zone),
                change.moment,
                change.expectation,
                f"{change.touchpoint} {change.key or ''}".strip(),
                change.was,
                change.now,
                change.why,
            ]
            for change in other.changes[:most]
        ],
    )
    _rest(len(other.changes), most)
    groups = sorted({*other.pages_was, *other.pages_now})
    print()
    print("pages")
    _table(
        ["group", "as it was", "with the plan"],
        [[group, f"{other.pages_was.get(group, 0):,}", f"{other.pages_now.get(group, 0):,}"] for group in groups],
    )
    _told("would have been told as well", other.more, zone, most)
    _told("would not have been told", other.fewer, zone, most)


def _told(words: str, told: tuple[Told, ...], zone: ZoneInfo, most: int) -> None:
    print()
    print(f"{words}: {len(told):,}")
    _table(
        ["at", "group", "moment", "reason"],
        [[shown(each.at_ms, zone), each.group, each.moment, each.reason] for each in told[:most]],
    )
    _rest(len(told), most)


def _counts(counted: Counted | None) -> list[str]:
    it = counted or Counted()
    return [f"{count:,}" for count in (it.success, it.saved, it.failure, it.void, it.open)]


def _rest(count: int, most: int) -> None:
    if count > most:
        print(f"  ... and {count - most:,} more (--most, or --json for all)")


def _table(heads: list[str], rows: list[list[str]]) -> None:
    if not rows:
        return
    widths = [max(len(row[index]) for row in [heads, *rows]) for index in range(len(heads))]
    for row in [heads, *rows]:
        print("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())

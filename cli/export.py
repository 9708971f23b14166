"""`andgate export`: moments and their trails out of the data folder, for spreadsheets and programs."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import msgspec

from andgate.errors import UsageError
from andgate.moment.moments import Moment
from andgate.wire.codec import encode_moment, format_time
from cli.progress import Progress
from cli.when import parse_when
from hub.store import Reader

_AT_ONCE = 500
TRAIL = ("moment", "entry", "at", "decided_at", "event", "details")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")
    parser.add_argument(
        "--since", metavar="TIME", help="moments opened from then on, as 2026-11-21 or 2026-11-21T20:46Z"
    )
    parser.add_argument("--until", metavar="TIME", help="moments opened before then")
    parser.add_argument("--trail", action="store_true", help="every event of the moments instead of how they stand")
    parser.add_argument("--format", choices=["csv", "jsonl"], default="jsonl", help="default: %(default)s")
    parser.add_argument("--to", metavar="FILE", type=Path, help="a new file (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Write them, newest opening first."""
    since_ms, until_ms = parse_when(args.since, "--since"), parse_when(args.until, "--until")
    progress = Progress()
    count = 0
    with Reader(args.data) as reader, _target(args.to) as target:
        found = _moments(reader, since_ms, until_ms)
        rows = (line for moment in found for line in _trail(reader, moment)) if args.trail else map(_flat, found)
        for count in _written(rows, args.format, target):
            progress("lines", count, 0)
    progress.done()
    if args.to is not None:
        print(f"{args.to}: {count:,} lines")
    return 0


def _written(rows: Iterable[dict[str, Any]], form: str, target: TextIO) -> Iterator[int]:
    table: csv.DictWriter[str] | None = None
    count = 0
    for count, row in enumerate(rows, 1):
        if form == "jsonl":
            target.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            if table is None:
                table = csv.DictWriter(target, list(row))
                table.writeheader()
            table.writerow({name: _cell(value) for name, value in row.items()})
        if count % _AT_ONCE == 0:
            yield count
    yield count


def _cell(value: object) -> object:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    # A spreadsheet takes a text that begins like this for a formula.
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value


def _moments(reader: Reader, since_ms: int | None, until_ms: int | None) -> Iterator[Moment]:
    cursor: str | None = None
    while True:
        page = reader.moments(since_ms=since_ms, until_ms=until_ms, cursor=cursor, limit=_AT_ONCE, tasks=None)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _flat(moment: Moment) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.json.decode(encode_moment(moment))
    return shown


def _trail(reader: Reader, moment: Moment) -> Iterator[dict[str, Any]]:
    for line in reader.trail(moment.id):
        said = msgspec.to_builtins(line.event)
        event = said.pop("event")
        for name in ("moment", "at_ms"):
            said.pop(name, None)
        at, decided = format_time(line.at_ms), format_time(line.now_ms)
        yield dict(zip(TRAIL, (moment.id, line.n, at, decided, event, said), strict=True))


@contextmanager
def _target(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
        return
    try:
        opened = file.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise UsageError(f"{file} is there already. Name a new file with --to") from None
    except OSError as wrong:
        raise UsageError(f"cannot write {file}: {wrong.strerror}") from wrong
    with opened:
        yield opened

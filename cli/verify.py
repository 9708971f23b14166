"""`andgate verify`: whether the journal is what it was, and everything shown from it is what it says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from andgate.errors import UsageError
from cli.progress import Progress
from cli.when import shown
from hub.evidence.frozen import database_of
from hub.evidence.verify import Verified, verify

_DIGITS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")
    parser.add_argument(
        "--head", metavar="HASH", help="a hash that hub/state published and somebody outside kept: is it in the chain?"
    )
    parser.add_argument("--key", metavar="HEX", help="the site's public key: what is sealed must be signed with it")
    parser.add_argument(
        "--archive",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="check this archive of sealed entries as well; may be given more than once",
    )
    parser.add_argument(
        "--scratch", metavar="DIR", type=Path, help="where everything is made again (default: with temporary files)"
    )


def run(args: argparse.Namespace) -> int:
    """Say what was checked and exit 0, or what is wrong and exit 1."""
    head = None if args.head is None else parse_hex(args.head, "--head", "chain.hash in hub/state")
    key = None if args.key is None else parse_hex(args.key, "--key", "the key that andgate verify shows")
    progress = Progress()
    try:
        found = verify(
            database_of(args.data),
            head=head,
            key=key,
            archives=args.archive,
            scratch=args.scratch,
            progress=progress,
        )
    finally:
        progress.done()
    _say(found, head)
    return 0 if found.sound(witnessed=head is not None) else 1


def parse_hex(text: str, option: str, what: str) -> bytes:
    """Read the 32 bytes of `what` that `option` names. Raises UsageError for anything else."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(text) != _DIGITS or not value:
        raise UsageError(f'{option}: "{text}" are not 64 hexadecimal digits. Give {what}')
    return value


def _say(found: Verified, head: bytes | None) -> None:
    if found.broken is not None:
        print(f"the chain is broken: {found.broken}", file=sys.stderr)
        print("nothing after that can be trusted, and nothing was compared with it", file=sys.stderr)
        if head is not None and found.witness is not None:
            _witness(found)
        return
    for seal in found.seals:
        how = "and the archive holds them, whole" if seal.archive else "archived elsewhere"
        print(f"sealed   entries {seal.first:,} to {seal.last:,}, before {seal.before}, {how}; by key {seal.key}")
    if found.entries == 0:
        print("the journal is empty")
    else:
        print(f"chain    {found.entries:,} entries, {found.first:,} to {found.entry:,}, of {found.site}: whole")
        print(f"head     {found.head.hex()} of {shown(found.now_ms)}")
    if head is not None:
        if found.witness is not None:
            _witness(found)
        else:
            print(
                "the hash that was asked for is of no entry here: the journal was cut, or changed since",
                file=sys.stderr,
            )
    if found.differences:
        for each in found.differences:
            print(each, file=sys.stderr)
        count = len(found.differences) + found.more
        left = f" ({found.more:,} of them not shown)" if found.more else ""
        print(f"{count:,} difference{'s' * (count > 1)} from what the journal says{left}", file=sys.stderr)
    else:
        rows = ", ".join(f"{count:,} in {table}" for table, count in found.rows.items() if count)
        print(f"rows     as the journal says: {rows or 'none'}")


def _witness(found: Verified) -> None:
    witness = found.witness
    if witness is not None:
        when = f" of {shown(witness.now_ms)}" if witness.entry else ", before the first one"
        print(f"witness  the hash that was asked for is of entry {witness.entry:,}{when}")

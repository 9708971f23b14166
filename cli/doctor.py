"""`andgate doctor`: whether a hub and its data are well, in one look; says what to do about what is not."""

from __future__ import annotations

import argparse
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from andgate.errors import AndgateError, PlanError, UsageError
from andgate.plan.parse import parse_plan
from cli.check import read
from cli.reload import hub_pid
from cli.when import shown
from hub.clock import SystemClock
from hub.config import parse_broker
from hub.evidence.backup import LAST
from hub.evidence.frozen import Frozen, database_of
from hub.store import Reader, chain, seals

HOUR_MS = 3_600_000
BACKUP_OLD_MS = 36 * HOUR_MS
AHEAD_MS = 60_000
LOOKED_AT = 10_000
"""Entries at the end of the chain; `andgate verify` looks at all."""
LITTLE_BYTES = 1 << 30
CONNECT_S = 5.0
OTHERS = 0o077

State = Literal["well", "look", "ill"]


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    state: State
    what: str
    found: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="the hub's data folder; it may run")
    parser.add_argument("--plan", metavar="FILE", type=Path, help="the plan file: is it right, and is it in force?")
    parser.add_argument("--broker", metavar="URL", help="the site's broker: can it be reached?")


def run(args: argparse.Namespace) -> int:
    """Print every finding; exit 1 if anything is ill."""
    now_ms = SystemClock().now_ms()
    ill = False
    for finding in examine(args.data, args.plan, args.broker, now_ms):
        print(f"{finding.state:<5} {finding.what:<9} {finding.found}")
        ill = ill or finding.state == "ill"
    return 1 if ill else 0


def examine(data: Path, plan: Path | None, broker: str | None, now_ms: int) -> Iterator[Finding]:
    """Yield what is found, most important first. UsageError where there is no data at all."""
    yield _hub(data)
    with Frozen(database_of(data)) as frozen:
        yield from _chain(frozen, now_ms)
        in_force = frozen.db.execute("select version from plan order by entry desc limit 1").fetchone()
    yield _disk(data)
    yield _rights(data)
    yield _backup(data, now_ms)
    if plan is not None:
        yield _plan(plan, None if in_force is None else in_force[0])
    if broker is not None:
        yield _broker(broker)
    with Reader(data) as reader:
        yield from _nodes(reader)
        unsent = reader.unsent()
        yield Finding("look" if unsent else "well", "pages", f"{unsent:,} wait to be sent")


def _hub(data: Path) -> Finding:
    try:
        return Finding("well", "hub", f"runs (process {hub_pid(data)})")
    except UsageError:
        return Finding("look", "hub", "does not run on this machine")


def _chain(frozen: Frozen, now_ms: int) -> Iterator[Finding]:
    db = frozen.db
    row = db.execute("select n, hash, now_ms from entry order by n desc limit 1").fetchone()
    if row is None:
        yield Finding("look", "journal", "is empty")
        return
    n, head, at_ms = row
    begin = max(n - LOOKED_AT, seals.beginning(db)[0])
    first = db.execute("select hash from entry where n = ?", (begin,)).fetchone()
    try:
        for _ in chain.walk(db, begin, first[0] if first else seals.beginning(db)[1]):
            pass
    except AndgateError as wrong:
        yield Finding("ill", "journal", f"{wrong}. andgate verify tells more; restore a backup")
        return
    yield Finding("well", "journal", f"{n:,} entries, the last {n - begin:,} looked at and whole; head {head.hex()}")
    if at_ms > now_ms + AHEAD_MS:
        yield Finding(
            "ill", "clock", f"the newest entry is of {shown(at_ms)}, and it is {shown(now_ms)}: set the clock"
        )
    else:
        yield Finding("well", "clock", f"it is {shown(now_ms)}; the newest entry is of {shown(at_ms)}")
    seal = seals.newest(db)
    if seal is not None and seal.rest is not None:
        yield Finding("look", "seal", "a retirement was interrupted: run andgate retire again")


def _disk(data: Path) -> Finding:
    size = database_of(data).stat().st_size
    free = shutil.disk_usage(data).free
    found = f"{free / 1e9:.1f} GB free beside a database of {size / 1e9:.1f} GB"
    if free < LITTLE_BYTES // 10:
        return Finding("ill", "disk", f"{found}: make room now, a full disk stops the judging")
    return Finding("look" if free < max(size, LITTLE_BYTES) else "well", "disk", found)


def _rights(data: Path) -> Finding:
    if data.stat().st_mode & OTHERS:
        return Finding("look", "rights", f"others on this machine can look into {data}: chmod 700")
    return Finding("well", "rights", "only its owner can look into the folder")


def _backup(data: Path, now_ms: int) -> Finding:
    try:
        made = (data / LAST).stat().st_mtime
        file = msgspec.json.decode((data / LAST).read_bytes())["file"]
    except (OSError, msgspec.MsgspecError, KeyError):
        return Finding("look", "backup", "none was ever made of this folder: andgate backup, every night")
    age_ms = max(now_ms - round(made * 1000), 0)  # a disk's clock may be a little ahead of ours
    found = f"{age_ms / HOUR_MS:.0f} hours ago, {file}"
    return Finding("look" if age_ms > BACKUP_OLD_MS else "well", "backup", found)


def _plan(file: Path, in_force: str | None) -> Finding:
    try:
        plan = parse_plan(read(file))
    except PlanError as wrong:
        return Finding("ill", "plan", f"{file} is wrong: {wrong.problems[0]}")
    if plan.version != in_force:
        return Finding("look", "plan", f"{file} is {plan.version}, in force is {in_force}: andgate reload")
    return Finding("well", "plan", f"{plan.version} is in force")


def _broker(url: str) -> Finding:
    broker = parse_broker(url)
    try:
        with socket.create_connection((broker.host, broker.port), timeout=CONNECT_S):
            return Finding("well", "broker", f"{broker} answers")
    except OSError as wrong:
        return Finding("ill", "broker", f"{broker} cannot be reached: {wrong}")


def _nodes(reader: Reader) -> Iterator[Finding]:
    nodes = [node for node in reader.nodes() if node.wanted is not None]
    wrong = [node for node in nodes if node.fault]
    yield Finding("look" if wrong else "well", "nodes", f"{len(nodes) - len(wrong):,} of {len(nodes):,} are well")
    for node in wrong[:20]:
        yield Finding("look", "node", f"{node.node}: {node.fault}")
    untimed = sum(node.untimed for node in nodes)
    if untimed:
        yield Finding("look", "time", f"{untimed:,} signals stand nowhere in time and are judged never")

"""`andgate twin`: the terminal against a running hub, the same days with and without paging, or one hard day."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
from pathlib import Path

from andgate.errors import UsageError
from andgate.plan import Plan
from edge.broker import Broker
from hub.clock import SystemClock
from twin.compare import compare, table
from twin.demo import until_told
from twin.flights import day_of
from twin.happenings import Level
from twin.hubcall import HubAddress, check_hub
from twin.show import Show
from twin.sites import plan_text, playable
from twin.wires import Wires
from twin.world import World

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
        "--hard-day",
        action="store_true",
        help="play a day of dead phones, a failing channel and a fire alarm before a hub of its own; "
        "print whether every threat was answered, or escalated to the end and explained",
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
    if args.hard_day:
        return _hard_day(args.seed)
    plan = playable(plan_text(args.plan))
    if args.compare:
        listening, paging = compare(plan, days=args.days, seed=args.seed)
        print(table(plan, listening, paging, days=args.days, seed=args.seed))
        return 0
    return _play(plan, args)


def _hard_day(seed: int) -> int:
    from twin.hardday.day import live  # noqa: PLC0415 - the others need no hub in this process
    from twin.hardday.report import report  # noqa: PLC0415

    logging.basicConfig(stream=sys.stderr, level=logging.CRITICAL)  # its channels fail, and are said to
    said, well = report(live(seed=seed), seed=seed)
    print(said)
    return 0 if well else 1


def _play(plan: Plan, args: argparse.Namespace) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    hub = HubAddress.at(args.hub, token=_token(args.token_file))
    broker = Broker.at(args.broker)
    check_hub(hub, plan)
    clock = SystemClock()
    with contextlib.ExitStack() as exits:
        data = args.data or Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="andgate-twin-")))
        told = exits.enter_context(until_told())
        world, levels = _up_to(plan, clock.now_ms(), seed=args.seed)
        show = Show(plan, hub=hub, broker=broker, data=data, clock=clock, levels=levels)
        exits.callback(show.close)
        show.open()
        show.begin(world, seed=args.seed)
        print(f"{plan.site.name} plays before {hub}, at the world's own pace. Ctrl-C ends it.", flush=True)
        told.wait()
    return 0


def _up_to(plan: Plan, now_ms: int, *, seed: int) -> tuple[World, dict[str, bool]]:
    """Return the terminal as it stands now, having played the day so far to itself, and what its sensors see."""
    today = day_of(now_ms, plan.site.timezone)
    world = World(plan, today, today=today, seed=seed)
    wires = Wires(plan, begins_ms=world.begins_ms)
    for happening in world.run(now_ms):
        if isinstance(happening, Level):
            wires.take(happening)
    wires.until(now_ms, lambda _: None)
    return world, wires.levels()


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"the token file {file} cannot be read: {wrong}") from wrong
    if not token or any(character.isspace() for character in token):
        raise UsageError(f"the token file {file} must hold one token and nothing else")
    return token


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 1 to {MOST_DAYS}")
    return int(text)

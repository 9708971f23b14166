"""`andgate demo`: an airport on this machine. Broker, hub, nodes on mock pins, and the terminal that drives them."""

from __future__ import annotations

import argparse
import contextlib
import logging
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

from msgspec import Struct

from andgate.errors import UsageError
from andgate.plan import Plan
from edge.broker import Broker
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Address, HubConfig, parse_address
from hub.store.store import DATABASE
from twin.clock import CurtainClock
from twin.crew import put_on_roster
from twin.curtain import Opening, openings
from twin.flights import day_begins_ms, day_of
from twin.hubcall import HubAddress
from twin.past import DAYS, PastDriver, live_through
from twin.show import Show
from twin.sites import plan_text, playable
from twin.wires import Wires
from twin.world import World

PLAN = "plan.toml"
"""In the data folder: the plan, so that `andgate hub` can go on with it."""
SPEED = 20.0
MOST_SPEED = 200.0
_SEATS_S, _SEATS_AT_LEAST_S, _SEATS_AT_MOST_S = 8.0, 30.0, 200.0
"""Real seconds for the audience to open the address and find its way; and the least and most of them in site time."""
_SEE_WITHIN_S = 25.0
"""Real seconds from the address to the verdict of the first threat."""
_SEE_AT_LEAST_S, _SEE_AT_MOST_S = 240.0, 900.0
"""The same in site seconds: a threat takes its three minutes even at the speed of the world."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--speed", type=_speed, default=SPEED, metavar="N", help="how many times as fast as the world (default 20)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed gives the same day (default 1)")
    parser.add_argument(
        "--listen",
        default="127.0.0.1:8080",
        metavar="HOST:PORT",
        help="where the dashboard is served (default %(default)s; port 0: any free one)",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep everything there; the next demo goes on the day after"
    )


def run(args: argparse.Namespace) -> int:
    """Open the airport, and close it on Ctrl-C."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    listen = _listen(args.listen)
    text = plan_text()
    plan = playable(text)
    with _folder(args.data) as data, until_told() as told, contextlib.suppress(_ToldError):
        _show(plan, text, data, listen, args, told)
    return 0


class _ToldError(Exception):
    """Somebody pressed Ctrl-C before the curtain rose."""


def _show(  # everything the demo consists of
    plan: Plan, text: str, data: Path, listen: Address, args: argparse.Namespace, told: threading.Event
) -> None:
    world_clock = SystemClock()
    today = day_of(world_clock.now_ms(), plan.site.timezone)
    past = _month(plan, text, data, today, args, told)
    clock = CurtainClock(world_clock, start_ms=past.ends_ms, rate=args.speed)
    config = HubConfig(plan=data / PLAN, data=data, broker_listen=Address("127.0.0.1", 0), listen=listen)
    with contextlib.ExitStack() as exits:
        hub = HubApp(config, clock)
        exits.callback(hub.stop)
        hub.start()
        hub.wait_web()
        show = Show(
            plan,
            hub=HubAddress.at(hub.http_url),
            broker=Broker.at(hub.broker_url),
            data=data / "nodes",
            clock=clock,
            levels=past.wires.levels(),
        )
        exits.callback(show.close)
        show.open()
        clock.raise_curtain()
        show.begin(past.world, seed=args.seed)
        _say(plan, clock, hub.http_url, past.opening)
        told.wait()


class _Past(Struct):
    """What the month before leaves behind."""

    opening: Opening
    world: World
    wires: Wires
    ends_ms: int


def _month(plan: Plan, text: str, data: Path, today: date, args: argparse.Namespace, told: threading.Event) -> _Past:
    """Find the instant to begin at, and live through everything before it."""
    print("Playing the month before ", end="", flush=True)

    def each_day() -> None:
        print(".", end="", flush=True)
        if told.is_set():
            raise _ToldError

    timezone = plan.site.timezone
    begins_ms = day_begins_ms(today - timedelta(days=DAYS), timezone)
    driver = PastDriver(data, plan, text, now_ms=begins_ms)
    try:
        put_on_roster(data, plan, now_ms=begins_ms)
        if driver.newest_ms:
            today = max(today, day_of(driver.newest_ms, timezone) + timedelta(days=1))
        within_s = min(max(_SEE_WITHIN_S * args.speed, _SEE_AT_LEAST_S), _SEE_AT_MOST_S)
        lead_s = min(max(_SEATS_S * args.speed, _SEATS_AT_LEAST_S), _SEATS_AT_MOST_S)
        opening = openings(plan, today, today=today, seed=args.seed, lead_s=lead_s, within_s=within_s)[0]
        world, wires, ends_ms = live_through(
            driver, plan, until_ms=opening.at_ms, today=today, seed=args.seed, each_day=each_day
        )
    finally:
        driver.end()
        print(flush=True)
    return _Past(opening, world, wires, ends_ms)


def _say(plan: Plan, clock: CurtainClock, url: str, opening: Opening) -> None:
    local = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).astimezone(ZoneInfo(plan.site.timezone))
    first = opening.moment
    in_s = max(0, round(clock.real_s((first.opened_ms - clock.now_ms()) / 1000)))
    print(
        f"{plan.site.name}, {local:%A} {local.day} {local:%B %Y}, {local:%H:%M}, "
        f"{clock.rate:g} times as fast as the world."
    )
    print(url)
    print(
        f"In about {in_s} s the line at {plan.touchpoints[first.touchpoint].name} reaches the mark: "
        "watch it turn yellow, the page go out and somebody come. Ctrl-C ends it.",
        flush=True,
    )


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """Yield the data folder with the plan in it: the one given, or one that is gone afterwards."""
    with contextlib.ExitStack() as exits:
        if given is None:
            data = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="andgate-demo-")))
        else:
            data = given
            try:
                data.mkdir(parents=True, exist_ok=True)
            except OSError as wrong:
                raise UsageError(
                    f"the folder {data} cannot be used: {wrong.strerror}. Name another with --data"
                ) from None
        if (data / DATABASE).exists() and not (data / PLAN).exists():
            raise UsageError(f"{data} holds a hub's data and not a demo's. Name another folder with --data")
        try:
            (data / PLAN).write_text(plan_text(), encoding="utf-8")
        except OSError as wrong:
            raise UsageError(
                f"the folder {data} cannot be written: {wrong.strerror}. Make room, or name another with --data"
            ) from None
        yield data


@contextlib.contextmanager
def until_told() -> Iterator[threading.Event]:
    """Yield what is set by Ctrl-C or SIGTERM."""
    told = threading.Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(text: str) -> Address:
    """Return the address to listen on, if it is free.

    Raises:
        UsageError: if it is no address, not on this machine only, or taken.
    """
    address = parse_address(text)
    if not address.loopback:
        raise UsageError(
            f"the demo knows no passwords, so it does not listen on {address}. Use 127.0.0.1:{address.port}, and from "
            f"another machine: ssh -L {address.port}:127.0.0.1:{address.port} THIS-MACHINE"
        )
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as wrong:
            raise UsageError(
                f"{address} cannot be listened on ({wrong.strerror}), perhaps another demo or hub runs there. Stop it, "
                f"or use another port: andgate demo --listen {address.host}:{address.port + 1}"
            ) from None
    return address


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= MOST_SPEED:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed from 1 to {MOST_SPEED:g}")
    return speed

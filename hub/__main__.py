"""`andgate hub`: the site's brain as a program."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from types import FrameType

from andgate.errors import AndgateError, PlanError, UsageError
from hub.app import HubApp
from hub.clock import SystemClock
from hub.config import Certificates, HubConfig, parse_address, parse_broker

_log = logging.getLogger("andgate.hub")

PID_FILE = "hub.pid"
"""In the data folder: whom `andgate reload` has to tell."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--plan", metavar="FILE", type=Path, required=True, help="the site's plan, a TOML file")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, required=True, help="folder of the database; made if needed"
    )
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="MQTT broker, mqtt://[USER:PASSWORD@]HOST[:PORT] or mqtts://...; without it the hub starts one itself",
    )
    parser.add_argument(
        "--broker-listen",
        metavar="HOST:PORT",
        default="127.0.0.1:1883",
        help="where the hub's own broker listens (default %(default)s; port 0: any free one)",
    )
    parser.add_argument("--broker-ca", metavar="FILE", type=Path, help="for mqtts://: the authority to trust")
    parser.add_argument("--broker-cert", metavar="FILE", type=Path, help="for mqtts://: the hub's certificate")
    parser.add_argument("--broker-key", metavar="FILE", type=Path, help="for mqtts://: the certificate's key")
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:8080",
        help="where the dashboard and the API are served (default %(default)s; port 0: any free one)",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="who may use the API, a TOML file; needed to listen on anything but loopback",
    )
    parser.add_argument(
        "--listen-only", action="store_true", help="judge and record, page nobody: what would happen without Andgate"
    )
    parser.add_argument(
        "--heartbeat",
        metavar="URL",
        help="asked every minute while all is well, so that a watch outside can call somebody when it is not",
    )


def config_of(args: argparse.Namespace) -> HubConfig:
    """Return the configuration that the arguments describe; UsageError for one that makes no sense."""
    return HubConfig(
        plan=args.plan,
        data=args.data,
        broker=None if args.broker is None else parse_broker(args.broker),
        broker_listen=parse_address(args.broker_listen),
        certificates=Certificates(ca=args.broker_ca, certificate=args.broker_cert, key=args.broker_key),
        listen=parse_address(args.listen),
        token_file=args.token_file,
        listen_only=args.listen_only,
        heartbeat=args.heartbeat,
    )


def run(args: argparse.Namespace) -> int:
    """Run the hub until SIGTERM or Ctrl-C; SIGHUP takes a changed plan. Returns the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    hub = HubApp(config_of(args), SystemClock())
    ending, reloading = threading.Event(), threading.Event()
    wake = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()
        wake.set()

    def reload(_number: int, _frame: FrameType | None) -> None:
        reloading.set()
        wake.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, reload)
    pid_file = args.data / PID_FILE
    hub.driver.broke = wake.set
    hub.start()
    _calm_collector()
    try:
        _write_pid(pid_file)
        # In one piece: where output is unbuffered, `print` writes a line and its end apart, and the log comes between.
        sys.stdout.write(f"broker     {hub.broker_url}\ndashboard  {hub.http_url}\n")
        sys.stdout.flush()
        while not ending.is_set() and not hub.driver.broken:
            wake.wait()
            wake.clear()
            if reloading.is_set():
                reloading.clear()
                _reload(hub)
    finally:
        hub.stop()
        with contextlib.suppress(OSError):
            pid_file.unlink()
    code = 0 if hub.driver.fault is None else 1
    _leave(code)
    return code


def _leave(code: int) -> None:
    """End at once where a thread is left, since the interpreter would wait for it.

    Everything is committed and closed by now. What is left is somebody else's: Apprise in the middle of a web hook that
    does not answer. What it was sending is sent again by the next start, marked so.
    """
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _write_pid(file: Path) -> None:
    try:
        file.write_text(f"{os.getpid()}\n", encoding="ascii")
    except OSError as wrong:
        raise UsageError(f"cannot write {file}: {wrong.strerror}. Make room, or name another --data folder") from None


def _calm_collector() -> None:
    """Keep what was loaded out of the collector's rounds and make them rare: each stops a burst for 50 ms."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _reload(hub: HubApp) -> None:
    """Ask for it, and log what comes of it; waiting here would keep Ctrl-C waiting while the disk refuses."""
    hub.reload().add_done_callback(lambda done: _reloaded(hub.config.plan, done))


def _reloaded(plan: Path, done: Future[str]) -> None:
    wrong = done.exception()
    if isinstance(wrong, PlanError):
        for problem in wrong.problems:
            _log.error("%s: %s", plan, problem)
        _log.error("the plan %s is wrong, so the running one stays", plan)
    elif wrong is not None:
        _log.error("the running plan stays: %s", wrong)
    else:
        _log.info("plan %s is in force", done.result())


def main() -> int:
    """Run as ``python -m hub``."""
    parser = argparse.ArgumentParser(prog="python -m hub", description=__doc__, allow_abbrev=False)
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except AndgateError as wrong:
        print(wrong, file=sys.stderr)
        return 2 if isinstance(wrong, PlanError | UsageError) else 1


if __name__ == "__main__":
    sys.exit(main())

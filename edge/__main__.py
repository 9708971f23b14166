"""``andgate edge``: one node."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from andgate.errors import AndgateError
from edge.devices.pins import NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this program's arguments to a parser."""
    parser.add_argument("--node", required=True, metavar="ID", help="the node's id in the plan")
    parser.add_argument("--broker", required=True, metavar="URL", help="mqtt://HOST:1883 or mqtts://HOST:8883")
    parser.add_argument("--data", required=True, metavar="DIR", type=Path, help="where its spool lives; one a node")
    parser.add_argument("--site", metavar="ID", help="the site's id; default: learnt from the hub, then kept")
    parser.add_argument("--pins", default="auto", choices=NAMES, help="which pins; mock to try things out")
    parser.add_argument("--ca", metavar="FILE", help="certificate authority of the broker (mqtts)")
    parser.add_argument("--cert", metavar="FILE", help="this node's certificate (mqtts)")
    parser.add_argument("--key", metavar="FILE", help="this node's private key (mqtts)")
    parser.add_argument("--verbose", action="store_true", help="say more")


def run(args: argparse.Namespace) -> int:
    """Run a node until SIGTERM or Ctrl-C; return 0, or 2 for wrong usage."""
    from edge.memory import one_heap  # noqa: PLC0415 - `--help` needs none of it

    one_heap()
    from edge.app import EdgeApp  # noqa: PLC0415
    from edge.broker import Broker  # noqa: PLC0415
    from edge.devices.pins import pins  # noqa: PLC0415

    logging.basicConfig(
        level=logging.DEBUG if args.verbose else logging.INFO, format="%(levelname).1s %(name)s: %(message)s"
    )
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        node = EdgeApp(
            args.node,
            args.site,
            broker_url=Broker.at(args.broker, ca=args.ca, certificate=args.cert, key=args.key),
            data_dir=args.data,
            pin_factory=pins(args.pins),
        )
        node.start()
    except AndgateError as wrong:
        print(f"andgate edge: {wrong}", file=sys.stderr)
        return 2
    print(f"andgate edge: node {args.node} is armed; spool in {args.data}", flush=True)
    ended.wait()
    node.stop()
    return 0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="andgate edge", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

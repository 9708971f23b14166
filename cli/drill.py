"""`andgate drill`: every channel of the coming shift is proven, from the hub to its far end."""

from __future__ import annotations

import argparse
import os
import threading
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from andgate.errors import UsageError

HUB = "http://127.0.0.1:8080"
LONGEST_S = 60.0
_LOOK_S = 0.25
_TOKEN = "ANDGATE_TOKEN"  # noqa: S105 - the name of a variable
_FINE = 300
_OUTCOME = {"proven": "well", "failed": "DEAD", "skipped": "not tried", "waiting": "no answer yet"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--hub", metavar="URL", default=HUB, help=f"where the running hub is; default {HUB}")
    parser.add_argument("--token", metavar="FILE", type=Path, help=f"a file with a token that may act; or set {_TOKEN}")
    parser.add_argument("--group", metavar="ID", help="only this group; default: all of them, and every node")
    sound = parser.add_mutually_exclusive_group()
    sound.add_argument("--silent", action="store_false", dest="loud", help="nothing sounds (default)")
    sound.add_argument(
        "--loud", action="store_true", dest="loud", help="send marked messages to people where nothing else proves it"
    )
    parser.set_defaults(loud=False)


def run(args: argparse.Namespace) -> int:
    """Begin the drill, wait for its end, print the table; exit 1 if anything was not proven."""
    with closing(_Hub(args.hub, _token(args.token))) as hub:
        drill = hub.ask("POST", "/api/v1/drills", {"group": args.group, "loud": args.loud})
        waited_s = 0.0
        while drill["state"] == "running" and waited_s < LONGEST_S:
            threading.Event().wait(_LOOK_S)
            waited_s += _LOOK_S
            drill = hub.ask("GET", f"/api/v1/drills/{drill['id']}")
    for line in table(drill["parts"]):
        print(line)
    failed = sum(part["state"] != "proven" and part["state"] != "skipped" for part in drill["parts"])
    skipped = sum(part["state"] == "skipped" for part in drill["parts"])
    proven = len(drill["parts"]) - failed - skipped
    print(f"{proven} proven, {failed} dead, {skipped} not tried" + (" (try --loud)" if skipped else ""))
    return 1 if failed or drill["state"] != "passed" else 0


def table(parts: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a drill: channel, person or group, latency, result."""
    rows = [("channel", "of", "ms", "result")]
    for part in parts:
        channel = f"way {part['name']}" if part["kind"] == "person" else part["name"]
        whose = part["person"] or part["group"] or "node"
        latency = "-" if part["latency_ms"] is None else str(part["latency_ms"])
        result = _OUTCOME[part["state"]] + (f": {part['note']}" if part["note"] else "")
        rows.append((channel, whose, latency, result))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in rows]


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(_TOKEN) or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(
            f"cannot read the token in {file}. Write the secret of a token that may act into it"
        ) from wrong


class _Hub:
    """A running hub's API."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"{url} is no address of a hub. Write one such as {HUB}")
        self._url = url
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, port, timeout=LONGEST_S)
        self._headers = {"accept": "application/json", "content-type": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return the answer. UsageError where nobody answers, or the hub refuses."""
        sent = None if body is None else msgspec.json.encode(body)
        try:
            self._connection.request(method, path, sent, self._headers)
            answer = self._connection.getresponse()
            said = msgspec.json.decode(answer.read())
        except OSError as wrong:
            raise UsageError(f"no hub answers at {self._url}. Name it with --hub URL") from wrong
        except msgspec.DecodeError as wrong:
            raise UsageError(f"what answers at {self._url} is no hub") from wrong
        if answer.status >= _FINE:
            words = [said.get("detail"), said.get("remedy")] if isinstance(said, dict) else []
            raise UsageError(" ".join(each for each in words if each) or f"the hub answers {answer.status}")
        return said

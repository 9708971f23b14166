"""From the plan's TOML text to a `Plan`, or to everything that is wrong in it.

Reading never stops at the first mistake: each table is read key by key (`tables`), what is wrong is noted with line and
remedy, and only at the end is a plan with problems refused, as a whole and in file order.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping

import msgspec

from andgate.errors import PlanError, Problem
from andgate.plan.alerts import read_alerts
from andgate.plan.floor import read_channels, read_groups, read_site, read_touchpoints
from andgate.plan.gates import read_interactions
from andgate.plan.hush import read_quiets
from andgate.plan.lines import find_lines
from andgate.plan.model import Alerts, Plan, Way
from andgate.plan.promises import read_expectations
from andgate.plan.quiet import Quiets
from andgate.plan.tables import Book, Table
from andgate.plan.ways import read_staff_ways
from andgate.plan.wiring import check_transmitters, read_nodes

MAX_PLAN_CHARS = 4_000_000
"""Ten times the plan of the largest airport; more is another file."""
_VERSION_DIGITS = 12
_AT_LINE = re.compile(r" \(at line ([0-9]+), column ([0-9]+)\)$")
_AT_END = " (at end of document)"


def parse_plan(text: str) -> Plan:
    """Return the plan that a TOML text says.

    Raises:
        PlanError: with every problem found, in file order; nothing else, whatever the text.
    """
    text = text.removeprefix("\ufeff")  # some editors begin every file with a byte order mark
    content = _toml(text)
    book = Book(find_lines(text))
    root = Table(book, (), content)
    site = read_site(root)
    channels = read_channels(root)
    groups = read_groups(root, root.names_under("channels"))
    touchpoints = read_touchpoints(root, root.names_under("groups"))
    places = root.names_under("touchpoints")
    nodes = read_nodes(root, places, root.names_under("groups"))
    ways = read_staff_ways(root)
    reached = {("channels", each.id): each.url for each in channels.values()}
    reached |= {("ways", each.id): each.url for each in ways.values()}
    check_transmitters(root, reached, nodes)
    expectations = read_expectations(root, places, root.names_under("groups"))
    keys = {name: expectation.key for name, expectation in expectations.items()}
    interactions = read_interactions(root, keys, root.names_under("expectations"))
    alerts = read_alerts(root, expectations)
    devices = {device.name: device for node in nodes.values() for device in node.devices.values()}
    quiet = read_quiets(root, touchpoints, devices, root.names_under("groups"), root.names_under("expectations"))
    root.close()
    if site is None or book.problems:
        raise PlanError(book.in_order())
    parts = (site, channels, groups, touchpoints, nodes, expectations, interactions)
    return Plan(*parts, version=_version(parts, alerts, quiet, ways), alerts=alerts, quiet=quiet, ways=ways)


def _version(parts: tuple[object, ...], alerts: Alerts | None, quiet: Quiets, ways: Mapping[str, Way]) -> str:
    """Return what a plan's content is known by. What is younger than plans is put around it only where it is used."""
    content: object = parts
    if alerts is not None:
        content = (content, alerts)
    if quiet != Quiets():
        content = (content, quiet)
    if ways:
        content = (content, ways)
    # "sorted" leaves the order of tables in the file out of the version, as well as comments and layout
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:_VERSION_DIGITS]


def _toml(text: str) -> dict[str, object]:
    """Return the tables of a TOML text; raise a PlanError where it is none."""
    if len(text) > MAX_PLAN_CHARS:
        raise _not_toml(0, f"the file has {len(text)} characters", "Check that this is a plan")
    try:
        text.encode()
        return tomllib.loads(text)
    except UnicodeEncodeError as wrong:
        line = text.count("\n", 0, wrong.start) + 1
        raise _not_toml(line, "a character is half of one", "Save the file as UTF-8") from None
    except RecursionError:
        raise _not_toml(0, "lists or tables lie too deep in each other", "Use headers such as [site]") from None
    except ValueError as wrong:  # also numbers with more digits than Python will read
        raise _syntax(text, str(wrong)) from None


def _syntax(text: str, message: str) -> PlanError:
    """Return the problem that tomllib's message tells."""
    match = _AT_LINE.search(message)
    if match is not None:
        what, line, column = message[: match.start()], int(match[1]), f" at column {match[2]}"
    elif message.endswith(_AT_END):
        what, line, column = message.removesuffix(_AT_END), text.rstrip("\n").count("\n") + 1, " at the end of the file"
    else:
        what, line, column = "a number has too many digits", 0, ""
    remedy = "Look at this line and the one before: texts stand in quotes, lists in brackets, every key once"
    return _not_toml(line, f"this is not TOML: {what}{column}", remedy)


def _not_toml(line: int, what: str, remedy: str) -> PlanError:
    """Return the refusal of a text that no table can be read from."""
    return PlanError([Problem(line=line, key="plan", what=what, remedy=remedy)])

"""Every topic of the MQTT contract, made and parsed here and nowhere else.

    Topics("agx").node_signal("desk-a1")          # andgate/v1/agx/node/desk-a1/signal
    parse("andgate/v1/agx/node/desk-a1/signal")   # Topic(site="agx", kind="node/signal", name="desk-a1")

`Topic.kind` is the topic without root, site and name; `Topic.name` is the node, feed, touchpoint or group in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal, get_args

from msgspec import Struct

from andgate.errors import TopicError, UsageError
from andgate.plan.tables import ID

ROOT = "andgate/v1"
"""The root of all topics; the number changes only when something in the contract breaks."""
_MAX_CHARS = 300
"""The longest topic of the contract has 156; what is longer is not looked at."""
_SHOWN = 80
_AT_SITE = 2

Kind = Literal[
    "hub/state",
    "hub/beat",
    "node/state",
    "node/signal",
    "node/receipt",
    "node/health",
    "node/time",
    "node/time/reply",
    "node/config",
    "node/command",
    "node/transmit",
    "node/page",
    "feed/signal",
    "feed/receipt",
    "touchpoint/moment",
    "group/board",
    "page",
    "answer",
    "verdict",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
RETAINED: frozenset[Kind] = frozenset({"hub/state", "node/state", "node/config", "touchpoint/moment", "group/board"})
"""States are published retained, so that who comes later sees them; a signal never is."""

_NAMELESS: dict[str, Kind] = {kind: kind for kind in KINDS if kind in {"hub/state", "hub/beat", "answer", "verdict"}}
_NAMED: dict[str, Kind] = {kind: kind for kind in KINDS if kind not in _NAMELESS}
_NAMES = {"node": "NODE", "feed": "FEED", "touchpoint": "TOUCHPOINT", "group": "GROUP", "page": "GROUP"}


class Topic(Struct, frozen=True):
    """A topic of the contract, taken apart."""

    site: str
    kind: Kind
    name: str = ""
    """Node, feed, touchpoint or group; empty for ``hub/state``, ``hub/beat``, ``answer`` and ``verdict``."""

    def __str__(self) -> str:
        """Return the whole topic, as `parse` takes it."""
        return f"{ROOT}/{self.site}/{_tail(self.kind, self.name)}"


def _tail(kind: Kind, name: str) -> str:
    """Return what follows the site: the name stands after the first word of a kind."""
    if kind in _NAMELESS:
        return kind
    owner, slash, said = kind.partition("/")
    return f"{owner}/{name}{slash}{said}"


@lru_cache(maxsize=8192)  # a site says the same few thousand topics again and again
def parse(topic: str) -> Topic:
    """Take a topic apart.

    Raises:
        TopicError: if the contract has no such topic; the message says what is wrong with it and what is right.
    """
    parts = topic.split("/") if len(topic) <= _MAX_CHARS else []
    if "/".join(parts[:_AT_SITE]) != ROOT:
        raise TopicError(f"{_show(topic)} is no topic of Andgate. All of them begin with {ROOT}/SITE/")
    site, tail = "".join(parts[_AT_SITE : _AT_SITE + 1]), parts[_AT_SITE + 1 :]
    if not ID.fullmatch(site):
        raise TopicError(f"{_show(topic)} has a bad site id. Write {ROOT}/SITE/... with the id in the plan")
    said = "/".join(tail)
    if said in _NAMELESS:
        return Topic(site=site, kind=_NAMELESS[said])
    said = "/".join((*tail[:1], *tail[2:]))
    kind = _NAMED.get(said) if len(tail) > 1 else None
    if kind is None:
        near = get_close_matches(said[:_SHOWN], KINDS, n=1, cutoff=0.4)
        shapes = [f"{ROOT}/{site}/{_tail(it, _NAMES.get(it.partition('/')[0], ''))}" for it in (near or KINDS)]  # type: ignore[arg-type]
        raise TopicError(f"{_show(topic)} is not in the contract. Perhaps one of: {', '.join(shapes)}")
    if not ID.fullmatch(tail[1]):
        what = _NAMES[tail[0]].lower()
        raise TopicError(f"{_show(topic)} has a bad {what} id. Use lower-case letters, digits and hyphens, at most 63")
    return Topic(site=site, kind=kind, name=tail[1])


def _show(topic: str) -> str:
    """Show a topic from outside, shortened and harmless in a log."""
    shown = ascii(topic[:_SHOWN])
    return f"Topic {shown}..." if len(topic) > _SHOWN else f"Topic {shown}"


class Topics:
    """Makes the topics of one site. Names must be ids, as a plan's always are.

    Raises:
        UsageError: from every method, for a name that is no id.
    """

    def __init__(self, site: str) -> None:
        """Make topics under ``andgate/v1/{site}/``."""
        self.site = site
        self.root = f"{ROOT}/{_checked(site)}"
        self.hub_state = f"{self.root}/hub/state"
        self.hub_beat = f"{self.root}/hub/beat"
        self.answer = f"{self.root}/answer"
        self.verdict = f"{self.root}/verdict"

    def node_state(self, node: str) -> str:
        """Return the topic of a node's birth, will and goodbye (retained)."""
        return f"{self.root}/node/{_checked(node)}/state"

    def node_signal(self, node: str) -> str:
        """Return the topic of a node's signals (never retained)."""
        return f"{self.root}/node/{_checked(node)}/signal"

    def node_receipt(self, node: str) -> str:
        """Return the topic on which the hub says what of a node's it has stored."""
        return f"{self.root}/node/{_checked(node)}/receipt"

    def node_health(self, node: str) -> str:
        """Return the topic of a node's health."""
        return f"{self.root}/node/{_checked(node)}/health"

    def node_time(self, node: str) -> str:
        """Return the topic on which a node asks for the time."""
        return f"{self.root}/node/{_checked(node)}/time"

    def node_time_reply(self, node: str) -> str:
        """Return the topic on which the hub tells a node the time."""
        return f"{self.root}/node/{_checked(node)}/time/reply"

    def node_config(self, node: str) -> str:
        """Return the topic of what a node should be (retained)."""
        return f"{self.root}/node/{_checked(node)}/config"

    def node_command(self, node: str) -> str:
        """Return the topic of the hub's commands to a node."""
        return f"{self.root}/node/{_checked(node)}/command"

    def node_transmit(self, node: str) -> str:
        """Return the topic on which the hub gives a node's transmitter something to send."""
        return f"{self.root}/node/{_checked(node)}/transmit"

    def node_page(self, node: str) -> str:
        """Return the topic on which a node says what became of a page that it was to sound, say or send."""
        return f"{self.root}/node/{_checked(node)}/page"

    def feed_signal(self, feed: str) -> str:
        """Return the topic of a feed's signals (never retained)."""
        return f"{self.root}/feed/{_checked(feed)}/signal"

    def feed_receipt(self, feed: str) -> str:
        """Return the topic on which the hub says which of a feed's signals it has stored."""
        return f"{self.root}/feed/{_checked(feed)}/receipt"

    def touchpoint_moment(self, touchpoint: str) -> str:
        """Return the topic of a touchpoint's moments (retained), which lamps, signs and boards live on."""
        return f"{self.root}/touchpoint/{_checked(touchpoint)}/moment"

    def group_board(self, group: str) -> str:
        """Return the topic of what a group has been paged about and is not over (retained)."""
        return f"{self.root}/group/{_checked(group)}/board"

    def page(self, group: str) -> str:
        """Return the topic of a group's pages."""
        return f"{self.root}/page/{_checked(group)}"

    def hub_filters(self) -> tuple[str, ...]:
        """Return what a hub subscribes to: everything that is said to it."""
        said = (
            "node/+/state",
            "node/+/signal",
            "node/+/health",
            "node/+/time",
            "node/+/page",
            "feed/+/signal",
            "answer",
        )
        return tuple(f"{self.root}/{tail}" for tail in said)

    def node_filters(self, node: str, touchpoints: Iterable[str] = (), groups: Iterable[str] = ()) -> tuple[str, ...]:
        """Return what a node subscribes to; its own state too, since a late will may call its newer session lost."""
        return (
            self.hub_state,
            self.hub_beat,
            self.node_state(node),
            self.node_receipt(node),
            self.node_time_reply(node),
            self.node_config(node),
            self.node_command(node),
            self.node_transmit(node),
            *(self.group_board(group) for group in groups),
            *(self.touchpoint_moment(touchpoint) for touchpoint in touchpoints),
        )


@lru_cache(maxsize=8192)
def _checked(name: str) -> str:
    """Return an id, so that no wildcard or slash ever gets into a topic."""
    if not ID.fullmatch(name):
        raise UsageError(f"{name[:_SHOWN]!r} is no id, so it cannot stand in a topic")
    return name

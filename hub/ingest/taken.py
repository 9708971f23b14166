"""What became of one message: the signals in it that are new, and the receipt to give once they are committed."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from andgate.moment.signals import Input
from andgate.wire.codec import body_digest
from andgate.wire.messages import FeedSignal, NodeSignal
from hub.ingest.boots import Boot
from hub.store import Store

AHEAD_MS = 60_000
"""So far in the future a signal is taken as if it happened at its receipt; clocks differ."""


class Taken(Struct):
    """What became of one message."""

    inputs: list[Input] = []
    """For the engine, in one `receive`."""
    more: bool = False
    accepted: int = 0
    duplicates: int = 0
    boots: dict[int, Boot] = {}
    """Boots to send a receipt for."""
    ids: list[str] = []
    """Feed ids to send a receipt for."""


def digest(member: NodeSignal | FeedSignal) -> bytes:
    """Return what tells a signal's content from another's."""
    return bytes.fromhex(body_digest(member))


def set_aside(store: Store, at_ms: int, topic: str, reason: str, member: NodeSignal | FeedSignal) -> None:
    """Quarantine one member of a message."""
    store.quarantine(at_ms, topic, reason, msgspec.json.encode(member))

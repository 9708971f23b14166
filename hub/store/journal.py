"""The journal: what each step of the engine took in and what it decided, each entry bound to the one before.

An entry's hash is SHA-256 over the hash before it and its own body, so nobody can change, drop or add an entry in the
middle without changing every hash after it. The head is published in ``hub/state``. The hash before entry 1 is 32 zero
bytes. Entry 1 holds the plan the site began with; with it a journal explains itself.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec
from msgspec import Struct, field

from andgate.moment.events import AnyEvent
from andgate.moment.moments import Moment
from andgate.moment.signals import Input

GENESIS = bytes(32)


class Body(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is hashed: one step of the engine."""

    n: int
    now: int
    """Site time of the step, UTC ms."""
    in_: tuple[Input, ...] = field(default=(), name="in")
    events: tuple[AnyEvent, ...] = ()
    moments: tuple[Moment, ...] = ()
    """Publications in order."""
    more: bool = False
    """The list said that more follows; pages already overdue waited."""


encode_body = msgspec.json.Encoder().encode
decode_body = msgspec.json.Decoder(Body).decode


class _Inputs(Struct, frozen=True):
    now: int
    in_: tuple[Input, ...] = field(default=(), name="in")
    more: bool = False


decode_inputs = msgspec.json.Decoder(_Inputs).decode
"""Only what a replay needs of a body; a third of the cost."""


def link(prev: bytes, body: bytes) -> bytes:
    """Return the hash of an entry."""
    return sha256(prev + body).digest()

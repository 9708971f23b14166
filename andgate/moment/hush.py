"""What keeps quiet, or ends it, as it comes in: kept in the journal, so that it explains why somebody was not paged.

Whatever is quiet, moments are judged all the same: of these only `Released` means anything to the engine.
"""

from __future__ import annotations

from msgspec import Struct

from andgate.plan.quiet import Scope


class Muted(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="muted", tag_field="kind"):
    """Somebody muted something, for a while."""

    id: str
    at_ms: int
    """When it was said."""
    by: str
    """Opaque id of the person or token."""
    owner: str
    """Opaque id of who answers for it."""
    reason: str
    scope: Scope = Scope()
    begin_ms: int
    end_ms: int
    faults: bool = False
    """Technicians are not paged of faults there either."""


class Unmuted(Struct, frozen=True, kw_only=True, tag="unmuted", tag_field="kind"):
    """Somebody ended a mute before its time; one that had not begun never will."""

    mute: str
    at_ms: int
    by: str


class Trained(Struct, frozen=True, kw_only=True, tag="trained", tag_field="kind"):
    """Devices are for training until a time; what they say then is judged apart."""

    id: str
    at_ms: int
    by: str
    who: str
    """A node, or ``node/device``."""
    trainer: str
    """Group that is paged instead of everybody else."""
    until_ms: int


class Untrained(Struct, frozen=True, kw_only=True, tag="untrained", tag_field="kind"):
    """They work for real again, before that time."""

    training: str
    at_ms: int
    by: str


class Listening(Struct, frozen=True, kw_only=True, tag="listening", tag_field="kind"):
    """From `at_ms` on the hub only listens (`on`), or pages again; said at each start that changes it."""

    at_ms: int
    on: bool


class Released(Struct, frozen=True, kw_only=True, tag="released", tag_field="kind"):
    """What kept these pages back has ended: whoever is still needed is paged now, once."""

    at_ms: int
    pages: tuple[tuple[str, str], ...]
    """(moment, group)."""


Hush = Muted | Unmuted | Trained | Untrained | Listening | Released

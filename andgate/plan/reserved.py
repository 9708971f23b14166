"""Names of signals that mean something by themselves, whatever a plan says; a plan may not use them for its own."""

from __future__ import annotations

MOVED = "moved"
"""Carries the open moments of its key to the touchpoint in `to`."""
SERVING = "serving"
"""The touchpoint begins to serve its key."""
RELEASED = "released"
"""The touchpoint has served its key."""
STAFFED = "staffed"
"""Value: how many desks are open. Recorded, judges nothing."""
BLIND = "blind"
"""Device `device` cannot be trusted to see from here on."""
SIGHTED = "sighted"
"""Device `device` sees again."""
WATCHED = "watched"
"""Device `device` had seen all along: the `blind` named in `retracts` is taken back. Only the hub says it."""
HEARD = "heard"
"""Node `device` said something for the first time since the plan has it. Only the hub says it."""
GAP = "gap"
"""A node's record of signals that are gone."""

HUBS_OWN = frozenset({WATCHED, HEARD})
"""Words of the hub: from anybody else they are refused."""
RESERVED = frozenset({MOVED, SERVING, RELEASED, STAFFED, BLIND, SIGHTED, WATCHED, HEARD, GAP})
"""Names a plan may not give to its own signals."""

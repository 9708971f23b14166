"""What is assumed of the quartz that counts a node's time, and how a long run of it is kept in a few places. Pure."""

from __future__ import annotations

BLOCK_MS = 64_000
"""Bounds and readings nearer than this to each other are one; nodes ask every 64 s at the slowest."""
BLOCKS_MOST = 48
"""Of each kind; older ones are thinned out, so that a day is known roughly and the last hour well."""
RATE_MOST = 600e-6
"""How fast two clocks part at most: a bad quartz has 100 millionths, NTP slews a machine's by up to 500."""
RATE_FAULT = 200e-6
"""A quartz that is worse than this is broken; shown, and followed all the same."""
WANDER = 10e-6
"""How much the rate of a quartz changes with its temperature in a building."""


def least(monos_ms: list[float]) -> int:
    """Return which one to leave out: neither the first nor the last, near to its neighbours for its age."""
    last_ms = monos_ms[-1]
    return min(
        range(1, len(monos_ms) - 1),
        key=lambda index: (monos_ms[index + 1] - monos_ms[index - 1]) / (last_ms - monos_ms[index] + BLOCK_MS),
    )

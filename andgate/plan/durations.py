"""Durations as people write them: ``45s``, ``3m``, ``1h30m``, ``250ms``."""

from __future__ import annotations

import re

MAX_DURATION_MS = 31 * 24 * 3_600_000
"""No promise to a customer standing somewhere runs longer than a month; a longer one is a slip of the pen."""

_SHAPE = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m(?!s))?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?")
_UNITS_MS = (3_600_000, 60_000, 1_000, 1)


def parse_duration(text: str) -> int | None:
    """Return a duration in whole milliseconds, or None where the text is not one.

    Hours, minutes, seconds and milliseconds in this order, each at most once; no signs, fractions or spaces.
    """
    match = _SHAPE.fullmatch(text)
    if match is None or not text:
        return None
    return sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS_MS, strict=True) if count)


def format_duration(ms: int) -> str:
    """Write whole milliseconds the way a plan does, in the largest units: ``90_000`` is ``1m30s``, ``0`` is ``0s``."""
    parts = []
    rest = ms
    for unit, name in zip(_UNITS_MS, ("h", "m", "s", "ms"), strict=True):
        count, rest = divmod(rest, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"

"""The faults of nodes and devices, from the one place where they have words."""

from __future__ import annotations

from hub.fleet.faults import KINDS
from scripts.reference.source import table

_PAGED = {"never": "no", "at once": "at once", "later": "after `technicians_after`, within `hours`"}


def kinds() -> str:
    """Return every fault with what to do about it, as a table."""
    rows = [[f"`{name}`", kind.words.replace("{}", "…"), kind.do, _PAGED[kind.pages]] for name, kind in KINDS.items()]
    return table(["fault", "it", "do", "technicians are paged"], rows)

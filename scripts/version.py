"""Fail unless the newest release in CHANGELOG.md is the version in the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import andgate

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Compare, and say what to mend."""
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if not headings or headings[0] != "Unreleased":
        print("CHANGELOG.md: the first heading must be `## [Unreleased]`", file=sys.stderr)
        return 1
    releases = [heading for heading in headings if heading != "Unreleased"]
    if releases and releases[0] != andgate.__version__:
        print(
            f"CHANGELOG.md's newest release is {releases[0]}, andgate.__version__ is {andgate.__version__}:"
            " make them the same",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

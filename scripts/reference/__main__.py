"""Write the generated files of docs/ that are no Markdown; with ``--check`` only say whether they are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from scripts.reference.asyncapi import document

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def main() -> int:
    """Write or check; return 1 where a checked file is out of date."""
    stale = 0
    for name, content in {"asyncapi.json": document()}.items():
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        file = DOCS / name
        if "--check" not in sys.argv:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            print(f"docs/reference/{name} is out of date: make docs", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())

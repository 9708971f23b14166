"""The tree of errors."""

from __future__ import annotations

from andgate import errors
from scripts.reference.source import line, shapes, table


def tree() -> str:
    """Return every error, what it is, and what it is beside an `AndgateError`."""
    rows = []
    for shape in shapes(errors).values():
        kind = getattr(errors, shape.name)
        if not issubclass(kind, Exception):
            continue
        depth = kind.__mro__.index(errors.AndgateError)
        builtin = next((base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"), "")
        indent = "&emsp;" * depth
        rows.append([f"{indent}`{shape.name}`", f"`{builtin}`" if depth else "", line(shape.doc)])
    return table(["error", "also a", "means"], rows)

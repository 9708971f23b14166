"""What Python forgets at run time: the docstring under a field, and an annotation as somebody wrote it."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Field:
    """One field of a struct."""

    name: str
    type: str
    default: str | None
    """As written; None where it is required."""
    doc: str


@dataclass(frozen=True)
class Shape:
    """One class as its source shows it."""

    name: str
    doc: str
    bases: tuple[str, ...]
    fields: tuple[Field, ...]


def shapes(module: ModuleType) -> dict[str, Shape]:
    """Return the module's classes by name, in the order of the file."""
    tree = ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))
    return {node.name: _shape(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def line(doc: str) -> str:
    """Return a docstring as one line of Markdown."""
    return " ".join(doc.split()).replace("``", "`").replace("|", "\\|")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _shape(node: ast.ClassDef) -> Shape:
    fields = []
    for at, statement in enumerate(node.body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        after = node.body[at + 1] if at + 1 < len(node.body) else None
        fields.append(
            Field(
                name=_renamed(statement.value) or statement.target.id,
                type=ast.unparse(statement.annotation),
                default=ast.unparse(statement.value) if statement.value else None,
                doc=_text(after),
            )
        )
    return Shape(
        name=node.name,
        doc=ast.get_docstring(node) or "",
        bases=tuple(ast.unparse(base) for base in node.bases),
        fields=tuple(fields),
    )


def _text(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return line(str(statement.value.value))
    return ""


def _renamed(value: ast.expr | None) -> str | None:
    """Return the name on the wire of ``field(..., name="from")``."""
    if isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return None

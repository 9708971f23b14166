"""The HTTP side of the contract, as the application itself describes it (OpenAPI)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

from hub.web.app import create_app
from scripts.reference.source import line, table


def document() -> dict[str, Any]:
    """Return the OpenAPI document. The application is made for it, not started, so what it stands on may be hollow."""
    return create_app(MagicMock(), MagicMock(), MagicMock()).openapi()


def overview() -> str:
    """Return one row for each operation."""
    rows = [
        [method, f"`{path}`", line(operation.get("summary", "")), _answers(operation)]
        for method, path, operation in _operations(document())
    ]
    return table(["", "path", "does", "answers"], rows)


def details() -> str:
    """Return every operation with its parameters and what it says of itself."""
    return "\n\n".join(_detail(*operation) for operation in _operations(document()))


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _detail(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"### {method} {path}"]
    said = operation.get("description") or operation.get("summary") or ""
    if said:
        parts.append(said.replace("``", "`").strip())
    parameters = [each for each in operation.get("parameters", []) if each["in"] in {"path", "query"}]
    if parameters:
        rows = [
            [f"`{each['name']}`", _type(each["schema"]), "required" if each.get("required") else "", _says(each)]
            for each in parameters
        ]
        parts.append(table(["parameter", "value", "", ""], rows))
    return "\n\n".join(parts)


def _says(parameter: dict[str, Any]) -> str:
    return line(parameter.get("description") or parameter["schema"].get("description") or "")


def _answers(operation: dict[str, Any]) -> str:
    return ", ".join(operation.get("responses", {}))


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"] if each.get("type") != "null")
    return str(schema.get("format") or schema.get("type", "text")).replace("string", "text")

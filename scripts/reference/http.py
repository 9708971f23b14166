"""The HTTP side of the contract, as the application itself describes it (OpenAPI)."""

from __future__ import annotations

import json
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
        [method, f"`{path}`", line(_said(operation)).partition(". ")[0].rstrip("."), _answers(operation)]
        for method, path, operation in _operations(document())
    ]
    return table(["", "path", "does", "answers"], rows)


def details() -> str:
    """Return every operation with its parameters and what it says of itself."""
    return "\n\n".join(_detail(*operation) for operation in _operations(document()))


def bodies() -> str:
    """Return every shape that is sent or answered, with its fields."""
    found = document()["components"]["schemas"]
    return "\n\n".join(_shape(name, schema) for name, schema in sorted(found.items()))


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _detail(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"### {method} {path}"]
    if _said(operation):
        parts.append(_said(operation))
    parameters = [each for each in operation.get("parameters", []) if each["in"] in {"path", "query"}]
    if parameters:
        rows = [
            [
                f"`{each['name']}`",
                _type(each["schema"]).removesuffix(" or null"),
                "required" if each.get("required") else "",
                _says(each),
            ]
            for each in parameters
        ]
        parts.append(table(["parameter", "value", "", ""], rows))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        parts.append(f"Takes {_type(body['schema'])}.")
        if "example" in body:
            parts.append(f"```json\n{json.dumps(body['example'], ensure_ascii=False)}\n```")
    for code, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if code.startswith("2") and schema:
            parts.append(f"Answers {code} with {_type(schema)}.")
    return "\n\n".join(parts)


def _shape(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        [f"`{key}`", _type(each), "" if key in required else "optional", line(each.get("description", ""))]
        for key, each in schema.get("properties", {}).items()
    ]
    said = line(schema.get("description", ""))
    return "\n\n".join(part for part in (f"### {name}", said, table(["field", "value", "", ""], rows)) if part)


def _said(operation: dict[str, Any]) -> str:
    return str(operation.get("description") or operation.get("summary") or "").replace("``", "`").strip()


def _says(parameter: dict[str, Any]) -> str:
    return line(parameter.get("description") or parameter["schema"].get("description") or "")


def _answers(operation: dict[str, Any]) -> str:
    return ", ".join(operation.get("responses", {}))


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[choice]))
    if schema.get("type") == "array":
        return f"a list of {_type(schema['items'])}" if schema.get("items") else "a list"
    names = {"string": "text", "boolean": "true or false", "integer": "whole number"}
    kind = str(schema.get("type", "anything"))
    return names.get(kind, kind)

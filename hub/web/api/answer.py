"""How handlers answer and document their answers: msgspec encodes, and its schemas stand in the OpenAPI."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response

from hub.web.problems import MEDIA_TYPE, ProblemDetails

REF = "#/components/schemas/{name}"

_encode = msgspec.json.Encoder().encode
_schemas: dict[str, type[msgspec.Struct]] = {"ProblemDetails": ProblemDetails}


def json(body: msgspec.Struct, status: int = 200) -> Response:
    """Return the JSON response; a moment is out of date at once, so nothing is cached."""
    return Response(_encode(body), status, {"cache-control": "no-store"}, "application/json")


def answers(kind: type[msgspec.Struct], *wrong: int, status: int = 200) -> dict[str, Any]:
    """Return a route's keyword arguments that document its answer and the problems it may end with."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": (kind.__doc__ or "").partition("\n")[0], "content": _content(kind)}
    }
    for each in sorted({401, 403, 422, *wrong}):
        responses[each] = {
            "description": _WRONG[each],
            "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="ProblemDetails")}}},
        }
    return {"responses": responses, "status_code": status, "response_class": Response}


def takes(kind: Any, *, required: bool = True, example: object = None) -> dict[str, Any]:  # noqa: ANN401 - a struct or a union
    """Return the ``openapi_extra`` that documents a body of type `kind`."""
    return {"requestBody": {"required": required, "content": _content(kind, example)}}


def schemas() -> dict[str, Any]:
    """Return the JSON schemas of every struct that a route has named, and of those inside them."""
    _, components = msgspec.json.schema_components(list(_schemas.values()), ref_template=REF)
    return components


def _content(kind: Any, example: object = None) -> dict[str, Any]:  # noqa: ANN401 - as in `takes`
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REF)
    for each in _structs(kind):
        _schemas[each.__name__] = each
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = msgspec.to_builtins(example)
    return {"application/json": content}


def _structs(kind: Any) -> list[type[msgspec.Struct]]:  # noqa: ANN401 - as in `takes`
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for inner in getattr(kind, "__args__", ()) for struct in _structs(inner)]


_WRONG = {
    400: "The request is broken.",
    401: "No token, or one that is not known.",
    403: "The token has not the right, or a page of another site asked.",
    404: "There is no such thing.",
    409: "It contradicts what is stored, or makes no sense for the moment as it is.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "An argument or the body is wrong.",
    503: "The hub cannot do it now.",
}

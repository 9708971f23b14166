"""A posted form: every page that changes something reads it the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from hub.web.api.arguments import raw_body
from hub.web.problems import ProblemError

if TYPE_CHECKING:
    from fastapi import Request

MOST_BYTES = 8_192
MOST_FIELDS = 60


async def form_of(request: Request) -> dict[str, str]:
    """Return a posted form's fields, the first of each name."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise ProblemError(415, "not-a-form", "The body is no form.", remedy="Use the page's own form.")
    body = await raw_body(request, MOST_BYTES)
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise ProblemError(
            413, "too-large", "The form has too many fields.", remedy="Use the page's own form."
        ) from None
    return {name: values[0].strip() for name, values in fields.items()}

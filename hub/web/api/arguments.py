"""Arguments and bodies: decoded, checked, and refused with the place and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from msgspec import Struct
from starlette.requests import ClientDisconnect

from andgate.errors import PayloadError, UsageError
from andgate.wire.codec import Decoder, format_time, parse_time
from andgate.wire.messages import MAX_PAYLOAD_BYTES
from hub.web.problems import ProblemError, unprocessable

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
LONGEST = 200
"""Most characters of an argument."""

Struct_ = TypeVar("Struct_", bound=Struct)

Filter = Annotated[str | None, Query(min_length=1, max_length=LONGEST)]
Cursor = Annotated[
    str | None, Query(min_length=1, max_length=LONGEST, description="`next` of the answer before; opaque.")
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Most items to answer with.")]


Instant = Annotated[str | None, Query(max_length=40, examples=["2026-11-21T00:00:00Z"])]


async def since(since: Annotated[Instant, Query(description="From this time on (RFC 3339).")] = None) -> int | None:
    """Return the argument ``since`` as UTC milliseconds."""
    return _time("since", since)


async def until(until: Annotated[Instant, Query(description="Before this time (RFC 3339).")] = None) -> int | None:
    """Return the argument ``until`` as UTC milliseconds."""
    return _time("until", until)


Since = Annotated[int | None, Depends(since)]
Until = Annotated[int | None, Depends(until)]


def _time(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        # An unescaped "+" of an offset arrives as a blank; nothing else in a time is one.
        at_ms = parse_time(text.replace(" ", "+"))
        format_time(at_ms)  # near the years 1 and 9999 an offset leads out of what can be written
    except (PayloadError, UsageError) as wrong:
        raise unprocessable(f"The argument {name} is wrong: {wrong}.") from wrong
    return at_ms


def span(since_ms: int | None, until_ms: int | None) -> None:
    """Refuse a span that ends before it begins."""
    if since_ms is not None and until_ms is not None and until_ms < since_ms:
        raise unprocessable("until is before since.", "Swap them.")


async def only_known(request: Request) -> None:
    """Refuse arguments that the route does not have, or has once and got twice: a typo would filter nothing."""
    route = request.scope["route"]
    known = set(_parameters(route.dependant))
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            takes = ", ".join(sorted(known)) or "none"
            raise unprocessable(f'There is no argument "{name[:LONGEST]}" here.', f"It takes: {takes}.")
        if name in seen:
            raise unprocessable(f'The argument "{name}" is given twice.', "Give it once.")
        seen.add(name)


def _parameters(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for inner in dependant.dependencies:
        yield from _parameters(inner)


async def raw_body(request: Request, limit: int) -> bytes:
    """Return the body, at most `limit` bytes (413 where it is longer)."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise ProblemError(
                    413, "too-large", f"The body is longer than {limit // 1024} KiB.", remedy="Send less at once."
                )
    except ClientDisconnect as gone:
        raise ProblemError(400, "cut-off", "The body ended too soon.", remedy="Send it again.") from gone
    return bytes(body)


async def read_body(request: Request, limit: int) -> bytes:
    """Return the JSON body, at most `limit` bytes; 415 where it says it is something else."""
    body = await raw_body(request, limit)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and (body or media_type):
        raise ProblemError(
            415,
            "not-json",
            f'The body is sent as "{media_type or "nothing"}".',
            remedy="Send JSON, with Content-Type: application/json.",
        )
    return body


async def read_struct(request: Request, decode: Decoder[Struct_]) -> Struct_:
    """Return the body as a struct; an empty body is an empty object."""
    return decode(await read_body(request, MAX_PAYLOAD_BYTES) or b"{}")

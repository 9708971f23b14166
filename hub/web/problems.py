"""Errors as problem details (RFC 9457): what is wrong, where, and how to mend it; never a traceback.

raise ProblemError(404, "unknown-moment", f'There is no moment "{id}".', remedy="List them at /api/v1/moments.")
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from andgate.errors import PayloadError, RefusedError, TopicError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error."""

    type: str
    """``urn:andgate:problem:<name>``: stable, for programs; the name never changes its meaning."""
    title: str
    """The same for every problem of this type and status."""
    status: int
    detail: str
    """What is wrong, where, and how to mend it."""
    instance: str
    """Path of the request."""
    index: int | None = None
    """Which member of the list it is about, from 0."""


ErrorPage = Callable[[Request, ProblemDetails], Awaitable[Response] | Response]
"""Draws a problem for a person; the pages set it as ``app.state.error_page``."""


class ProblemError(Exception):
    """Ends a request with problem details."""

    def __init__(
        self,
        status: int,
        name: str,
        what: str,
        *,
        remedy: str = "",
        index: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts: HTTP status, the type's name, what and where, how to mend it."""
        self.status = status
        self.name = name
        self.detail = f"{what} {remedy}".strip()
        self.index = index
        self.headers = dict(headers or {})
        super().__init__(self.detail)


def unprocessable(what: str, remedy: str = "") -> ProblemError:
    """Return the 422 for an argument or a body that is well formed and still wrong."""
    return ProblemError(422, "invalid", what, remedy=remedy)


def sentence(text: str) -> str:
    """Return a message of the library as a sentence: it begins small and has no full stop."""
    ended = text if text.endswith(".") else f"{text}."
    return ended[:1].upper() + ended[1:]


def from_wire(error: PayloadError | RefusedError | TopicError) -> ProblemError:
    """Return the problem that a `WireError` becomes: 409 for a contradiction with what is stored, else 422."""
    index = getattr(error, "index", None)
    if isinstance(error, RefusedError):
        if getattr(error, "conflict", False):
            return ProblemError(409, "conflict", sentence(str(error)), index=index)
        return ProblemError(422, "refused", sentence(str(error)), index=index)
    return ProblemError(422, "invalid", sentence(str(error)), index=index)


def details(problem: ProblemError, path: str) -> ProblemDetails:
    """Return the body for a problem met at `path`."""
    return ProblemDetails(
        type=f"urn:andgate:problem:{problem.name}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        instance=path,
        index=problem.index,
    )


def response(problem: ProblemError, path: str) -> Response:
    """Return the JSON response for a problem met at `path`."""
    body = msgspec.json.encode(details(problem, path))
    headers = {"cache-control": "no-store", **problem.headers}
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


async def send_problem(
    problem: ProblemError, scope: Scope, receive: Receive, send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer with a problem from below the application (a middleware)."""
    await response(problem, scope["path"])(scope, receive, send)


def install(app: FastAPI) -> None:
    """Make every error of `app` problem details; a browser that asks for a page gets one, where pages can draw it."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(PayloadError, _on_wire)
    app.add_exception_handler(RefusedError, _on_wire)
    app.add_exception_handler(Exception, _on_bug)


async def answer(request: Request, problem: ProblemError) -> Response:
    """Return JSON to programs, and to browsers the page that the screens draw (JSON where there is none)."""
    request.app.state.context.metrics.refused(problem.name)
    path = request.url.path
    draw: ErrorPage | None = getattr(request.app.state, "error_page", None)
    if draw is None or path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return response(problem, path)
    drawn = draw(request, details(problem, path))
    page = drawn if isinstance(drawn, Response) else await drawn
    page.headers.update(problem.headers)
    return page


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - says what `install` registered, for the type checker
    return await answer(request, error)


async def _on_wire(request: Request, error: Exception) -> Response:
    assert isinstance(error, PayloadError | RefusedError)  # noqa: S101 - as above
    return await answer(request, from_wire(error))


_HTTP = {
    404: ("not-found", "The API is described at /api/v1/openapi.json."),
    405: ("method-not-allowed", "See the Allow header, or /api/v1/openapi.json."),
    413: ("too-large", "Send a list in parts."),
}


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    name, remedy = _HTTP.get(error.status_code, ("http", ""))
    what = {
        404: f"There is nothing at {request.url.path}.",
        405: f"{request.url.path} does not take {request.method}.",
        413: "The body is too large.",
    }.get(error.status_code, str(error.detail))
    problem = ProblemError(error.status_code, name, what, remedy=remedy, headers=error.headers)
    return await answer(request, problem)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    wrong = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
    return await answer(request, unprocessable("; ".join(wrong) + "."))


async def _on_bug(request: Request, error: Exception) -> Response:
    log.error("a request to %s %s failed", request.method, request.url.path, exc_info=error)
    problem = ProblemError(
        500, "internal", "The hub made a mistake.", remedy="Its log says more; nothing that was accepted is lost."
    )
    return await answer(request, problem)

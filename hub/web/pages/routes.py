"""The addresses of the pages. `install` hangs them into the application."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from hub.web.api.arguments import raw_body
from hub.web.api.moments import act, name_of
from hub.web.auth import Caller, Needs
from hub.web.context import Context, context
from hub.web.login import local
from hub.web.pages import floor as floors
from hub.web.pages.render import STATIC, WHO_COOKIE, YEAR_S, Pages, who_of
from hub.web.pages.source import Source
from hub.web.problems import ProblemDetails, ProblemError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Scope

    from andgate.moment.signals import ActionKind

MOST_FORM_BYTES = 8_192

router = APIRouter(include_in_schema=False)

Here = Annotated[Context, Depends(context)]
Reader = Depends(Needs("read"))
Actor = Annotated[Caller, Depends(Needs("act"))]


def pages(request: Request) -> Pages:
    """Return the application's pages: a dependency."""
    found: Pages = request.app.state.pages
    return found


Draw = Annotated[Pages, Depends(pages)]


class Files(StaticFiles):
    """Static files that a browser asks for again each time, and mostly has already (ETag)."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer, and say that it must be asked again."""
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        return answer


def install(app: FastAPI) -> None:
    """Add pages, static files, error pages and the login page to the application."""
    here: Context = app.state.context
    app.state.pages = Pages(Source(here.driver, here.reader, here.clock))
    app.state.error_page = error_page
    app.mount("/static", Files(directory=STATIC), name="static")
    app.include_router(router)


def error_page(request: Request, problem: ProblemDetails) -> Response:
    """Draw a problem for a person."""
    drawn: Pages = request.app.state.pages
    return drawn.page(request, "error.html", status=problem.status, alive=False, problem=problem)


async def form_of(request: Request) -> dict[str, str]:
    """Return a posted form's fields, the first of each name."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise ProblemError(415, "not-a-form", "The body is no form.", remedy="Use the page's own form.")
    body = await raw_body(request, MOST_FORM_BYTES)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[0].strip() for name, values in fields.items()}


@router.get("/", dependencies=[Reader])
def floor(request: Request, draw: Draw) -> HTMLResponse:
    """Show what is happening now."""
    found = floors.floor(draw.source)
    return draw.page(request, "floor.html", here="floor", floor=found, places=len(draw.source.plan.touchpoints))


@router.get("/favicon.ico")
def favicon() -> Response:
    """Show browsers that ask for the old name where the mark is."""
    return RedirectResponse("/static/favicon.svg", 301)


@router.post("/screen", dependencies=[Reader])
async def screen(request: Request) -> Response:
    """Keep who stands at this screen, for claims made on it."""
    fields = await form_of(request)
    answer = RedirectResponse(local(fields.get("back", "/")), 303)
    who = "".join(letter for letter in fields.get("who", "")[:60] if letter.isprintable())
    if who:
        answer.set_cookie(WHO_COOKIE, quote(who), max_age=YEAR_S, samesite="lax")
    else:
        answer.delete_cookie(WHO_COOKIE)
    return answer


def who_acts(request: Request, who: Caller) -> str:
    """Return under which name a form acts: the token's, on an open hub the one this screen keeps."""
    kept = who_of(request) if who.via == "open" else None
    return name_of(who, kept or None)

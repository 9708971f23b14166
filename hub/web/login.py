"""``/login`` and ``/logout``: a browser trades a token for a cookie. The screens may draw the form in their style."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.web.api.arguments import raw_body
from hub.web.auth import Keyring, cookie_header
from hub.web.problems import ProblemError

MOST_BYTES = 4_096
FORM = "application/x-www-form-urlencoded"

LoginPage = Callable[[Request, str, str], Response]
"""Draws the form: request, where to go afterwards, what was wrong ("" at first); set as ``app.state.login_page``."""

router = APIRouter(include_in_schema=False)


def keyring(request: Request) -> Keyring | None:
    """Return the application's keyring; None on an open hub."""
    found: Keyring | None = request.app.state.keyring
    return found


Next = Annotated[str, Query(alias="next", max_length=2_000)]


@router.get("/login")
def form(request: Request, wanted: Next = "/") -> Response:
    """Ask for a token."""
    if keyring(request) is None:
        return RedirectResponse(local(wanted), 303)
    return _page(request, local(wanted), "")


@router.post("/login")
async def login(request: Request) -> Response:
    """Take a token; give a cookie, and go where the person wanted to."""
    keys = keyring(request)
    if keys is None:
        return RedirectResponse("/", 303)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise ProblemError(415, "not-a-form", "The body is no form.", remedy=f"Send it as {FORM}.")
    body = await raw_body(request, MOST_BYTES)
    fields = parse_qs(body.decode("utf-8", "replace"))
    wanted = local(fields.get("next", ["/"])[0])
    token = keys.by_secret(fields.get("token", [""])[0].strip())
    if token is None:
        return _page(request, wanted, "This token is not known.")
    answer = RedirectResponse(wanted, 303)
    answer.headers["set-cookie"] = cookie_header(keys.cookie(token), secure=request.url.scheme == "https")
    answer.headers["cache-control"] = "no-store"
    return answer


@router.post("/logout")
def logout(request: Request) -> Response:
    """Take the cookie away."""
    answer = RedirectResponse("/login", 303)
    answer.headers["set-cookie"] = cookie_header("", secure=request.url.scheme == "https", age_s=0)
    return answer


def local(wanted: str) -> str:
    """Return a path of this hub: what was wanted, or the front page where that leads elsewhere."""
    if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable():
        return wanted
    return "/"


def _page(request: Request, wanted: str, wrong: str) -> Response:
    draw: LoginPage | None = getattr(request.app.state, "login_page", None)
    page = draw(request, wanted, wrong) if draw is not None else HTMLResponse(_plain(wanted, wrong))
    page.status_code = 403 if wrong else 200
    page.headers["cache-control"] = "no-store"
    return page


def _plain(wanted: str, wrong: str) -> str:
    said = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Andgate: log in</title></head>
<body><main><h1>Andgate</h1>{said}
<form method="post" action="/login"><input type="hidden" name="next" value="{escape(wanted)}">
<p><label>Token <input name="token" type="password" autocomplete="current-password" required autofocus></label></p>
<p><button>Log in</button></p></form></main></body></html>"""

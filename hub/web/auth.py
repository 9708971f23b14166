"""Who is asking, and what they may do.

A hub on loopback without a token file is open: everybody there may do everything and is "somebody". With a token file
every request but a few names its caller, by ``Authorization: Bearer`` or, in a browser, by the cookie that ``/login``
gave it. The cookie is signed with the token's own digest: taking the token out of the file ends every login with it,
and the hub keeps no sessions.

A browser sends cookies, and reaches loopback, on behalf of any page it shows. So what changes something is refused
when the browser says that another site asked for it (``Sec-Fetch-Site``, else ``Origin``), and an open hub answers
only to names of this machine, or a page could rebind its own name to 127.0.0.1 and read along.
"""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

from fastapi import Request
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from hub.web.problems import ProblemError, send_problem
from hub.web.tokens import RIGHTS, Right, Token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from andgate.clock import Clock

COOKIE = "andgate"
COOKIE_S = 30 * 86_400
"""A board on a wall stays logged in; each visit in the second half of this time renews it."""
PUBLIC = frozenset(
    {"/healthz", "/readyz", "/login", "/logout", "/favicon.ico", "/phone/receipt", "/api/v1/openapi.json", "/alerts"}
)
PUBLIC_UNDER = ("/static/", "/alerts/", "/a/", "/phone/own/")
"""Passengers have no token: the link to their own wish is what they have. So has whoever got a page with a link, and
whoever makes their phone a pager."""
MOST_BODY_BYTES = 1024 * 1024
"""No body is longer than a long list of signals."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Caller(Struct, frozen=True):
    """Who asks. `id` is opaque: it is what the journal keeps."""

    id: str
    rights: frozenset[Right]
    via: Literal["open", "bearer", "cookie", "nobody"]

    def may(self, right: Right) -> bool:
        """Say whether this right is among them."""
        return right in self.rights or "admin" in self.rights


OPEN = Caller("somebody", RIGHTS, "open")
NOBODY = Caller("nobody", frozenset(), "nobody")


class Keyring:
    """The tokens; compares in constant time."""

    def __init__(self, tokens: Iterable[Token], clock: Clock) -> None:
        """Keep the tokens; `clock` dates the cookies."""
        self._tokens = tuple(tokens)
        self._clock = clock

    @property
    def supervised(self) -> bool:
        """Whether any token is a supervisor's; a file from before there were such says nothing of them."""
        return any("supervise" in token.rights for token in self._tokens)

    def by_secret(self, secret: str) -> Token | None:
        """Return the token with this secret; looks at every one, however early it matches."""
        digest = hashlib.sha256(secret.encode()).digest()
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def cookie(self, token: Token) -> str:
        """Return the cookie value that proves a login with `token` at this time."""
        said = f"{token.id}.{self._clock.now_ms() // 1000}"
        return f"{said}.{_sign(token, said)}"

    def by_cookie(self, value: str) -> tuple[Token, int] | None:
        """Return the token that a cookie proves and the cookie's age in seconds; None if it proves nothing."""
        said, _, signature = value.rpartition(".")
        name, _, issued = said.rpartition(".")
        if not (issued.isascii() and issued.isdigit()) or len(issued) > len("9999999999"):
            return None
        age_s = self._clock.now_ms() // 1000 - int(issued)
        for token in self._tokens:
            if token.id == name and hmac.compare_digest(_sign(token, said), signature) and age_s < COOKIE_S:
                return token, age_s
        return None


def _sign(token: Token, said: str) -> str:
    return hmac.new(token.digest, said.encode(), hashlib.sha256).hexdigest()


def caller(request: Request) -> Caller:
    """Return who makes this request."""
    found: Caller = request.scope.get("andgate.caller", NOBODY)
    return found


class Needs:
    """A dependency: the caller must have this right (403 otherwise)."""

    def __init__(self, right: Right) -> None:
        """Keep the right."""
        self.right = right

    async def __call__(self, request: Request) -> Caller:  # a plain function would cost a thread switch a request
        """Return the caller, who may."""
        who = caller(request)
        if not who.may(self.right):
            raise ProblemError(
                403,
                "forbidden",
                f'The token "{who.id}" may not do this.',
                remedy=f'Give it the right "{self.right}" in the token file.',
            )
        return who


class Door:
    """The middleware that lets callers in; without a valid token nothing behind it is reached."""

    def __init__(self, app: ASGIApp, *, keyring: Keyring | None, local_only: bool) -> None:
        """Guard `app`; no `keyring`: open, and then `local_only` refuses requests that name another machine."""
        self.app = app
        self.keyring = keyring
        self.local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the caller, check where the request comes from, pass it on or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            _refuse_large(headers)
            who = self._caller(scope, headers)
            if scope["method"] not in SAFE and who.via != "bearer":
                _refuse_other_sites(scope, headers)
        except ProblemError as problem:
            if problem.status == 401 and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):  # noqa: PLR2004 - the HTTP status
                wanted = scope["path"] + (
                    "?" + scope["query_string"].decode("latin-1") if scope["query_string"] else ""
                )
                await RedirectResponse(f"/login?next={quote(wanted)}", 303)(scope, receive, send)
                return
            await send_problem(problem, scope, receive, send)
            return
        scope["andgate.caller"] = who
        await self.app(scope, receive, send)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        if self.keyring is None:
            if self.local_only:
                _refuse_other_names(headers)
            return OPEN
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, secret = authorization.partition(" ")
            token = self.keyring.by_secret(secret.strip()) if scheme.lower() == "bearer" else None
            if token is None:
                raise _unauthorized("This token is not known.")
            return Caller(token.id, token.rights, "bearer")
        proven = self.keyring.by_cookie(cookie_of(headers))
        if proven is not None:
            token, age_s = proven
            if age_s > COOKIE_S // 2:
                scope["andgate.renew"] = self.keyring.cookie(token)
            return Caller(token.id, token.rights, "cookie")
        path: str = scope["path"]
        if path in PUBLIC or path.startswith(PUBLIC_UNDER):
            return NOBODY
        raise _unauthorized("This hub asks for a token.")


def cookie_of(headers: Headers) -> str:
    """Return the value of the login cookie, or an empty string."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def cookie_header(value: str, *, secure: bool, age_s: int = COOKIE_S) -> str:
    """Return the Set-Cookie header for a login (`age_s` 0: logout)."""
    ending = "; Secure" if secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{ending}"


def _unauthorized(what: str) -> ProblemError:
    return ProblemError(
        401,
        "unauthorized",
        what,
        remedy='Send "Authorization: Bearer TOKEN" with a token of the hub\'s token file; a browser logs in at /login.',
        headers={"www-authenticate": 'Bearer realm="andgate"'},
    )


def _refuse_large(headers: Headers) -> None:
    # Handlers count what they read; this spares reading what says ahead that it is too much.
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:18]) > MOST_BODY_BYTES:
        raise ProblemError(
            413,
            "too-large",
            f"The body has {length[:18]} bytes.",
            remedy=f"Send at most {MOST_BODY_BYTES // 1024} KiB at once.",
            headers={"connection": "close"},
        )


def _refuse_other_names(headers: Headers) -> None:
    host = host_name(headers.get("host", ""))
    if not is_loopback(host):
        raise ProblemError(
            421,
            "wrong-host",
            f'This hub is open to its own machine only and does not answer to the name "{host}".',
            remedy="Ask for 127.0.0.1 or localhost, or start the hub with --token-file.",
        )


def _refuse_other_sites(scope: Scope, headers: Headers) -> None:
    site = headers.get("sec-fetch-site")
    if site is not None:
        fine = site in {"same-origin", "none"}
    else:
        origin = headers.get("origin")
        fine = origin is None or urlsplit(origin).netloc == headers.get("host", "")
    if not fine:
        raise ProblemError(
            403,
            "other-site",
            f"{scope['method']} {scope['path']} was asked for by a page of another site.",
            remedy="Use the hub's own pages, or a program with a token.",
        )


def is_loopback(name: str) -> bool:
    """Say whether a host's name or address is this machine's own. ``127.evil.example`` is not."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """Return a Host header's name without the port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()

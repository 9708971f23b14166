"""What every response says to the browser: load nothing from elsewhere, be framed by nobody, guess no types."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from h11 import LocalProtocolError

from hub.web.auth import cookie_header

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No inline script or style, nothing from another host; a page that needs more does not work, by intent."""

ALWAYS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class SafeHeaders:
    """The outermost middleware: adds the headers to every response, and the renewed login cookie where one is due."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers when the response starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *ALWAYS]
                renewed = scope.get("andgate.renew")
                if renewed is not None:
                    headers.append((b"set-cookie", cookie_header(renewed, secure=scope["scheme"] == "https").encode()))
                message["headers"] = headers
            await send(message)

        try:
            await self.app(scope, receive, send_with)
        except LocalProtocolError as wrong:
            # The rest of the request was no HTTP: the server has refused it, and nobody hears our answer.
            log.debug("a request that broke off was not answered: %s", wrong)

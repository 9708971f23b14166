"""Who gets what goes out by mail and by a web hook, on this very machine."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.story.stage import WAIT_S

SECRET = "whsec_" + base64.b64encode(b"telephony" * 4).decode()
"""With which the telephony service's web hooks are signed."""


class AnyPort(Controller):
    """aiosmtpd's server on whichever port is free: it greets itself there when it starts."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class LetterBox:
    """An SMTP server that keeps what it gets, and can refuse it."""

    def __init__(self) -> None:
        self.refuses = False
        self.got: queue.Queue[tuple[str, str]] = queue.Queue()
        self._controller = AnyPort(self, hostname="127.0.0.1", port=0, ready_timeout=WAIT_S)
        self._controller.start()

    @property
    def port(self) -> int:
        return self._controller.port

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuses:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = letter.get_body(("plain", "html"))
        assert body is not None
        self.got.put((envelope.rcpt_tos[0], body.get_content()))
        return "250 kept"

    def letter(self) -> tuple[str, str]:
        """To whom, and what."""
        return self.got.get(timeout=WAIT_S)

    def close(self) -> None:
        self._controller.stop()


class Telephony:
    """A service that calls people: it keeps what it is asked to say."""

    def __init__(self) -> None:
        calls: queue.Queue[Any] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                calls.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._calls = calls
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def call(self) -> Any:
        """Whom to call, and what to say."""
        return self._calls.get(timeout=WAIT_S)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

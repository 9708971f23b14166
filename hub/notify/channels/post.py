"""One POST with an end to every wait, and what its answer asks for. No redirect is followed."""

from __future__ import annotations

import http.client
import socket
import ssl
from datetime import UTC
from email.utils import parsedate_to_datetime

from andgate.plan.addresses import HookAddress
from hub.notify.channels.threaded import CONNECT_S, READ_S, WHOLE_S, Deadline

LONGEST_PAUSE_S = 3600.0
"""No receiver puts a page off for longer than this at once."""
_FOR_NOW = {408, 425, 429}
_BROKEN = 500


def for_now(status: int) -> bool:
    """Say whether a status means that another try may help."""
    return status in _FOR_NOW or status >= _BROKEN


def pause_s(retry_after: str, now_ms: int) -> float:
    """Return how long ``Retry-After`` asks to wait: seconds or a date; 0 where it says nothing that can be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_ms / 1000
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


class Post:
    """One request, and how far it came."""

    def __init__(self, address: HookAddress, *, read_s: float = READ_S, whole_s: float = WHOLE_S) -> None:
        """Prepare a POST to `address`."""
        self._address = address
        self._read_s = read_s
        self._whole_s = whole_s
        self.doubt = False
        """The request is on its way; without an answer nobody can tell whether it was taken."""
        self.receipt = ""
        """What the answer's ``Andgate-Receipt`` says, in lower case."""
        self.wrong = ""
        """Why there is no answer, without a word out of the URL."""

    def send(self, body: bytes, headers: dict[str, str]) -> tuple[int | None, str]:
        """Return the answer's status and its ``Retry-After``; a status of None where there is none."""
        try:
            with socket.create_connection((self._address.host, self._address.port), CONNECT_S) as plain:
                plain.settimeout(self._read_s)
                with Deadline(plain, self._whole_s):
                    return self._exchange(plain, body, headers)
        except (OSError, http.client.HTTPException) as wrong:
            self.wrong = self._why(wrong)
            return None, ""

    def _exchange(self, plain: socket.socket, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        kind = http.client.HTTPSConnection if self._address.secure else http.client.HTTPConnection
        connection = kind(self._address.host, self._address.port)
        if self._address.secure:
            connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self._address.host)
        else:
            connection.sock = plain
        try:
            self.doubt = True
            connection.request("POST", self._address.target, body, {"Connection": "close", **headers})
            answer = connection.getresponse()
            self.receipt = answer.headers.get("Andgate-Receipt", "").strip().lower()
            return answer.status, answer.headers.get("Retry-After", "")
        finally:
            connection.close()

    def _why(self, wrong: Exception) -> str:
        if self.doubt:
            late = isinstance(wrong, TimeoutError)
            return "the receiver did not answer in time" if late else "the receiver broke off without an answer"
        if isinstance(wrong, ssl.SSLCertVerificationError):
            return "the receiver's certificate is not trusted here"
        if isinstance(wrong, ssl.SSLError):
            return "the receiver does not speak TLS as it should"
        if isinstance(wrong, socket.gaierror):
            return "the receiver's name is not known"
        return "the receiver does not answer" if isinstance(wrong, TimeoutError) else "the receiver cannot be reached"

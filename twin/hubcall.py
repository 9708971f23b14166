"""Words with a hub's API: is it there, does it have the same plan, and why a promise was broken."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from andgate.errors import UsageError
from andgate.plan import Plan

_TIMEOUT_S = 10.0


class _Named(msgspec.Struct):
    id: str


class _Touchpoints(msgspec.Struct):
    items: list[_Named]


class HubAddress(msgspec.Struct, frozen=True):
    """Where a hub's API is, and how to get in."""

    host: str
    port: int
    tls: bool = False
    token: str | None = None

    @classmethod
    def at(cls, url: str, *, token: str | None = None) -> HubAddress:
        """Read ``http://host:port``.

        Raises:
            UsageError: for anything else, with what to write.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as wrong:
            raise UsageError(f"the hub's address {url!r} is wrong: {wrong}. Write http://HOST:8080") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise UsageError(f"the hub's address {url!r} is wrong. Write http://HOST:8080")
        tls = parts.scheme == "https"
        return cls(parts.hostname, port or (443 if tls else 80), tls, token)

    def __str__(self) -> str:
        """``http://host:port``."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


def check_hub(hub: HubAddress, plan: Plan) -> None:
    """Refuse to play before nobody, or before a hub with another plan.

    Raises:
        UsageError: with what to do.
    """
    try:
        status, body = _call(hub, "GET", "/api/v1/touchpoints")
    except (OSError, UnicodeError, http.client.HTTPException) as wrong:  # UnicodeError: a host that cannot be
        raise UsageError(
            f"the hub at {hub} cannot be reached: {wrong}. Start one with `andgate hub`, or name it with --hub URL"
        ) from wrong
    if status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        raise UsageError(f"the hub at {hub} wants a token. Name a file with one: --token-file FILE")
    try:
        known = {touchpoint.id for touchpoint in msgspec.json.decode(body, type=_Touchpoints).items}
    except msgspec.MsgspecError as wrong:
        raise UsageError(f"what answers at {hub} is no hub (it says {status}). Name it with --hub URL") from wrong
    missing = [touchpoint for touchpoint in plan.touchpoints if touchpoint not in known]
    if missing:
        raise UsageError(
            f"the hub at {hub} has another plan: it knows no {', '.join(missing[:3])}. Give its plan with --plan FILE"
        )


def give_cause(hub: HubAddress, moment: str, cause: str) -> None:
    """Write down why a moment failed, as ``people: nobody free``.

    Raises:
        OSError: if the hub cannot be reached or does not take it.
    """
    post(hub, f"/api/v1/moments/{moment}/cause", {"cause": cause, "by": "supervisors-1"})


def give_remedy(hub: HubAddress, task: str, gave: Sequence[str], by: str) -> None:
    """Write down what was given to the customers of a failed moment; that ends its remedy task.

    Raises:
        OSError: if the hub cannot be reached or does not take it.
    """
    post(hub, f"/api/v1/moments/{task}/remedy", {"gave": list(gave), "by": by})


def post(hub: HubAddress, path: str, said: object) -> bytes:
    """Post JSON; return the answer.

    Raises:
        OSError: if the hub cannot be reached or does not take it.
    """
    status, answer = _call(hub, "POST", path, msgspec.json.encode(said))
    if status >= http.client.BAD_REQUEST:
        raise OSError(f"the hub at {hub} says {status}: {answer[:200].decode(errors='replace')}")
    return answer


def form(hub: HubAddress, path: str, fields: str) -> int:
    """Send a form of the hub's pages, as a phone's browser does; return the status.

    Raises:
        OSError: if the hub cannot be reached.
    """
    return _call(hub, "POST", path, fields.encode(), "application/x-www-form-urlencoded")[0]


def _call(
    hub: HubAddress, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
) -> tuple[int, bytes]:
    make = http.client.HTTPSConnection if hub.tls else http.client.HTTPConnection
    connection = make(hub.host, hub.port, timeout=_TIMEOUT_S)
    try:
        headers = {"Accept": "application/json", "Content-Type": kind}
        if hub.token is not None:
            headers["Authorization"] = f"Bearer {hub.token}"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()

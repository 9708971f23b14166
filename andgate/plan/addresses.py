"""Addresses of channels that are Andgate's own; every other URL is Apprise's business."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

ADDRESS = "{address}"
"""Where the address of one person goes, in a URL of the plan that is for many."""
SAMPLE = "4711"
"""An address that every sort of pager takes: with it such a URL can be looked at."""
SNPP_PORT = 444
_PAGER = re.compile(r"[A-Za-z0-9._@+-]{1,64}")
_RIC = re.compile(r"[0-9]{1,7}")
_FIRST_RIC, _LAST_RIC = 8, 2_097_151
"""Pagers' addresses have 21 bits; the first eight are nobody's."""
_IDLE = 2_007_664 >> 3
"""What fills an empty channel looks like a call to these eight: they are nobody's either."""
_BAUDS: dict[str, Literal[512, 1200, 2400]] = {"512": 512, "1200": 1200, "2400": 2400}
_FUNCTIONS = {"0", "1", "2", "3"}
_HOOK = ("webhook+https", "webhook+http")
_WAY = re.compile(r"way://([a-z0-9][a-z0-9-]{0,62})/(\S+)")
_PUSH = re.compile(r"webpush://([A-Za-z0-9._+-]+@[A-Za-z0-9.-]+)?", re.IGNORECASE)
_SECRET = "whsec_"  # noqa: S105 - what every secret begins with
_SHORTEST_SECRET, _LONGEST_SECRET = 24, 64
"""Bytes, as Standard Webhooks asks for."""


class PagerAddress(NamedTuple):
    """``snpp://HOST[:PORT]/PAGER[?two-way=1]``."""

    host: str
    port: int
    pager: str
    two_way: bool = False
    """The pager can say that it has a page, so the gateway is asked."""


class PocsagAddress(NamedTuple):
    """``pocsag://NODE/RIC[?baud=1200&function=3&numeric=1]``: a pager, through a node's transmitter."""

    node: str
    ric: int
    """The pager's address, 8 to 2097151."""
    baud: Literal[512, 1200, 2400]
    function: int
    numeric: bool


class HookAddress(NamedTuple):
    """``webhook+https://HOST[:PORT]/PATH[?QUERY]``, or with ``http``."""

    secure: bool
    host: str
    port: int
    target: str
    """Path and query, as the request says it."""


class WayAddress(NamedTuple):
    """``way://WAY/ADDRESS``: one person's own address, to be reached over one of the plan's ``[ways]``."""

    way: str
    address: str


def kind_of(url: str) -> str:
    """Return a URL's scheme in lower case: ``snpp``, ``webhook+https``, ``mailto``."""
    return url.partition("://")[0].lower()


def way_url(way: str, address: str) -> str:
    """Return the ``way://`` URL of somebody's own address."""
    return f"way://{way}/{quote(address, safe='@+')}"


def way_address(url: str) -> WayAddress | None:
    """Return what a ``way://`` URL says; None if it is none."""
    found = _WAY.fullmatch(url)
    return None if found is None else WayAddress(found[1], unquote(found[2]))


def is_hook(url: str) -> bool:
    """Say whether a URL is one of a signed web hook."""
    return kind_of(url) in _HOOK


def is_pager(url: str) -> bool:
    """Say whether a URL is one of pagers on the site's own broker, which answer there."""
    return kind_of(url) == "mqtt"


def pager_address(url: str) -> PagerAddress | None:
    """Return what an ``snpp://`` URL names; None if it is none."""
    parts = _parts(url)
    if parts is None or parts.scheme != "snpp" or parts.query not in {"", "two-way=1"}:
        return None
    host, port = parts.hostname, parts.port
    pager = parts.path.removeprefix("/")
    if host is None or not _PAGER.fullmatch(pager):
        return None
    return PagerAddress(host, SNPP_PORT if port is None else port, pager, two_way=bool(parts.query))


def pocsag_address(url: str) -> PocsagAddress | None:
    """Return what a ``pocsag://`` URL names; None if it is none."""
    parts = _parts(url)
    ric = "" if parts is None else parts.path.removeprefix("/")
    if parts is None or parts.scheme != "pocsag" or parts.hostname is None or parts.port is not None:
        return None
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    baud, function = said.pop("baud", "1200"), said.pop("function", "")
    numeric = said.pop("numeric", "0")
    function = function or ("0" if numeric == "1" else "3")
    if said or not _RIC.fullmatch(ric) or baud not in _BAUDS or function not in _FUNCTIONS or numeric not in {"0", "1"}:
        return None
    if not _FIRST_RIC <= int(ric) <= _LAST_RIC or int(ric) >> 3 == _IDLE:
        return None
    return PocsagAddress(parts.hostname, int(ric), _BAUDS[baud], int(function), numeric == "1")


def hook_address(url: str) -> HookAddress | None:
    """Return what a ``webhook+https://`` URL names; None if it is none."""
    parts = _parts(url)
    if parts is None or parts.scheme not in _HOOK or parts.hostname is None:
        return None
    secure = parts.scheme == _HOOK[0]
    port = parts.port if parts.port is not None else 443 if secure else 80
    query = f"?{parts.query}" if parts.query else ""
    return HookAddress(secure, parts.hostname, port, f"{parts.path or '/'}{query}")


def push_contact(url: str) -> str | None:
    """Return whom push services may write to, of ``webpush://`` (nobody: empty) or ``webpush://ME@HOST``; else None."""
    found = _PUSH.fullmatch(url)
    return None if found is None else found[1] or ""


def web_base(url: str) -> str | None:
    """Return an ``https://HOST[:PORT][/PATH]`` (or ``http://``) without a slash at its end; None if it is none."""
    parts = _parts(url)
    if parts is None or parts.scheme not in {"https", "http"} or parts.query:
        return None
    return url.rstrip("/")


def hook_key(secret: str) -> bytes | None:
    """Return the key that a secret stands for, 24 to 64 bytes; None if it is not ``whsec_`` and base64."""
    if not secret.startswith(_SECRET):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if _SHORTEST_SECRET <= len(key) <= _LONGEST_SECRET else None


def _parts(url: str) -> SplitResult | None:
    """Split a URL of printable ASCII that carries no user and no fragment; None where that fails."""
    if not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or port == 0 or parts.username is not None or parts.fragment:
        return None
    return parts

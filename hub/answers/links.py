"""The link in a page: signed, good for that one page, and nothing is stored of it before it is used.

A token names one delivery (`PageRow.id`) and carries 128 bits of an HMAC over what that delivery is: which page, to
whom, over what, when. So a token cannot be guessed or made to mean another page, and in a database that was put back,
where the same number may come to name another delivery, it is good for nothing.

The key is derived from the site's own, which signs what retention seals: it is in every backup, so links that are
under way outlive a restored hub.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import threading
from pathlib import Path

from andgate.errors import AndgateError
from hub.store import PageRow

_log = logging.getLogger(__name__)

GOOD_MS = 12 * 3_600_000
"""So long after its page was decided a link is good for anything, if what it is about lasts so long: a shift."""
PATH = "/a/"
_PURPOSE = b"andgate: links in pages"
_SIGNED_BYTES = 16
_NUMBER_BYTES = 8
_LONGEST = 64


class Links:
    """Writes and reads links; from any thread."""

    def __init__(self, data: Path) -> None:
        """Sign with the key of the data folder `data`; nothing is read or made before it is needed."""
        self._data = data
        self._lock = threading.Lock()
        self._key: bytes | None = None

    def token(self, row: PageRow) -> str:
        """Return the token of a delivery.

        Raises:
            AndgateError: the folder's key cannot be read, or made.
            OSError: the folder cannot.
        """
        return _text(self._signature(row) + row.id.to_bytes(_NUMBER_BYTES, "big").lstrip(b"\0"))

    def path(self, row: PageRow) -> str | None:
        """Return where a page can be answered; None where nobody can, or the key is away: the page itself must go."""
        if row.kind != "page" or (row.about is None and row.bundle != row.moment):
            return None
        try:
            return f"{PATH}{self.token(row)}"
        except (AndgateError, OSError) as wrong:
            _log.error("a page goes without a link to answer it: %s", wrong)
            return None

    def number(self, token: str) -> int | None:
        """Return the id of the delivery that a token names, whether it is genuine or not; None where it names none."""
        raw = _bytes(token)
        return None if raw is None else int.from_bytes(raw[_SIGNED_BYTES:], "big")

    def genuine(self, token: str, row: PageRow) -> bool:
        """Tell whether a token is that of this delivery."""
        raw = _bytes(token)
        return raw is not None and hmac.compare_digest(raw[:_SIGNED_BYTES], self._signature(row))

    def _signature(self, row: PageRow) -> bytes:
        with self._lock:
            if self._key is None:
                from hub.evidence.key import secret  # noqa: PLC0415 - a hub whose pages carry no links never pays for it

                self._key = secret(self._data, _PURPOSE)
        said = "\0".join((str(row.id), row.page, row.moment, row.group, row.channel, str(row.decided_ms)))
        return hmac.digest(self._key, said.encode(), "sha256")[:_SIGNED_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(token: str) -> bytes | None:
    if len(token) > _LONGEST or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    fits = _SIGNED_BYTES < len(raw) <= _SIGNED_BYTES + _NUMBER_BYTES
    return raw if fits and _text(raw) == token else None

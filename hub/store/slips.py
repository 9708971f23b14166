"""Slips: the word by which a phone says that it has a page, signed, so that nobody can say it who did not get it.

A phone need not be logged in to acknowledge what was encrypted for it alone. The slip names the delivery (or the part
of a drill) and carries 128 bits of an HMAC under a key that is derived from the hub's push key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.store.phones import Phones

_SIGNED_BYTES = 16
_LONGEST = 600


class Slips:
    """Writes and reads slips; from any thread."""

    def __init__(self, phones: Phones) -> None:
        """Sign with a key that is made of the hub's push key when it is needed first."""
        self._phones = phones
        self._key: bytes | None = None

    def write(self, about: str) -> str:
        """Return the slip for a delivery."""
        said = about.encode()
        return base64.urlsafe_b64encode(self._signature(said) + said).rstrip(b"=").decode()

    def read(self, slip: str) -> str | None:
        """Return what a slip is for; None where it is none of this hub's."""
        if len(slip) > _LONGEST:
            return None
        try:
            raw = base64.urlsafe_b64decode(slip + "=" * (-len(slip) % 4))
        except (binascii.Error, ValueError):
            return None
        signature, said = raw[:_SIGNED_BYTES], raw[_SIGNED_BYTES:]
        if not said or not hmac.compare_digest(signature, self._signature(said)):
            return None
        return said.decode("utf-8", "replace")

    def _signature(self, said: bytes) -> bytes:
        if self._key is None:
            number = self._phones.key().private_numbers().private_value
            self._key = hashlib.sha256(b"andgate slip" + number.to_bytes(32, "big")).digest()
        return hmac.new(self._key, said, hashlib.sha256).digest()[:_SIGNED_BYTES]

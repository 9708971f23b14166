"""Phones that asked to be paged: their subscriptions to web push, and the hub's own key for it (VAPID, RFC 8292).

Written by whoever has a connection for a moment, like an erasure: it happens once in a while, and is no part of the
journal. A subscription is of use only with the key it was made for, so it is kept with it; a hub that was restored
makes a new one, and its phones ask again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from andgate.errors import UsageError
from hub.store.beside import Beside
from hub.store.people import bump

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEY = "push.key"
MOST = 500
"""Phones of a site."""


class Phone(Struct, frozen=True):
    """One browser's subscription for one group. Whoever has all of it can page this phone."""

    group: str
    endpoint: str
    """Where its push service takes pages."""
    p256dh: bytes
    """Its public key, 65 bytes."""
    auth: bytes
    """What it shares with us, 16 bytes."""


class Phones(Beside):
    """The subscriptions of one data folder; from any thread."""

    def __init__(self, data: Path) -> None:
        """Look into `data`; nothing is read or made before it is needed."""
        super().__init__(data)
        self._data = data
        self._lock = threading.Lock()
        self._key: EllipticCurvePrivateKey | None = None

    # ---------------------------------------------------------------------------------------------- the key

    def key(self) -> EllipticCurvePrivateKey:
        """Return the hub's key; made at its first use, readable by the hub's user only.

        Raises:
            UsageError: the file is there and is no such key, or the folder cannot be written.
        """
        with self._lock:
            if self._key is None:
                self._key = _read_key(self._data / KEY)
            return self._key

    def public_key(self) -> bytes:
        """Return the hub's public key, 65 bytes, as a browser wants it."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - see `_read_key`

        return self.key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    # ---------------------------------------------------------------------------------------------- the phones

    def add(self, phone: Phone, now_ms: int) -> bool:
        """Keep a phone, once for each group; False where there are too many."""
        key = self.public_key()
        with self.write() as db:
            db.execute("delete from phone where key != ?", (key,))
            values = (phone.endpoint, phone.group, phone.p256dh, phone.auth, key, now_ms)
            (known,) = db.execute("select count(*) from phone where endpoint != ?", (phone.endpoint,)).fetchone()
            if known >= MOST:
                return False
            db.execute("insert or replace into phone values (?, ?, ?, ?, ?, ?)", values)
            return True

    def forget(self, endpoint: str, group: str | None = None) -> None:
        """Delete a phone, of one group or of all."""
        with self.write() as db:
            if group is None:
                db.execute("delete from phone where endpoint = ?", (endpoint,))
            else:
                db.execute("delete from phone where endpoint = ? and team = ?", (endpoint, group))

    def of(self, group: str) -> list[Phone]:
        """Return the phones of a group."""
        with self.read() as db:
            rows = db.execute(
                "select team, endpoint, p256dh, auth from phone where team = ? and key = ? order by since_ms, endpoint",
                (group, self.public_key()),
            ).fetchall()
        return [Phone(*row) for row in rows]

    def groups_of(self, endpoint: str) -> list[str]:
        """Return the groups that a phone is paged with."""
        with self.read() as db:
            rows = db.execute("select team from phone where endpoint = ? and key = ?", (endpoint, self.public_key()))
            return sorted(row[0] for row in rows)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction as `Beside` does; who can be reached by phone is a part of the book of people."""
        with super().write() as db:
            yield db
            bump(db)


def _read_key(file: Path) -> EllipticCurvePrivateKey:
    # 30 ms and some MB that a hub without phones never pays.
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    try:
        if not file.exists():
            made = ec.generate_private_key(ec.SECP256R1())
            text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            part = file.with_suffix(".part")
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as new:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            part.rename(file)
        found = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as wrong:
        raise UsageError(
            f"{file} is no key for web push ({type(wrong).__name__}). Delete it; phones ask again"
        ) from None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
        raise UsageError(f"{file} is no key for web push. Delete it; phones ask again")
    return found

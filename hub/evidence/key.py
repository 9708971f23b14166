"""The site's own key, which signs what retention seals: made at its first use, readable for its owner only."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from andgate.errors import StorageError
from hub.evidence.backup import KEY


def sign(data: Path, document: bytes) -> tuple[bytes, bytes]:
    """Sign with the key of the data folder `data`; return the public key and the signature (Ed25519).

    Raises:
        StorageError: what the folder holds as its key is none.
    """
    key = _key(data)
    return key.public_key().public_bytes_raw(), key.sign(document)


def secret(data: Path, purpose: bytes) -> bytes:
    """Return a secret of 32 bytes for one purpose, derived from the key of the data folder `data` (RFC 5869).

    Raises:
        StorageError: what the folder holds as its key is none.
    """
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(_key(data).private_bytes_raw())


def _key(data: Path) -> Ed25519PrivateKey:
    file = data / KEY
    if not file.exists():
        _make(file)
    text = file.read_text(encoding="ascii")
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    except ValueError as wrong:
        raise StorageError(f"{file} is not the key that was made there. Put it back from a backup") from wrong


def _make(file: Path) -> None:
    """Make a key, whole or not at all; of several who make one at the same time the first one's stays."""
    part = file.with_name(f"{file.name}.{token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as new:
            new.write(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
            new.flush()
            os.fsync(new.fileno())
        try:
            os.link(part, file)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def signed(key: bytes, document: bytes, signature: bytes) -> bool:
    """Whether the holder of a public key signed a document."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, document)
    except (InvalidSignature, ValueError):
        return False
    return True

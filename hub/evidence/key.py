"""The site's own key, which signs what retention seals: made at its first use, readable for its owner only."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from andgate.errors import StorageError
from hub.evidence.backup import KEY

_DIGITS = 64


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
    try:
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        text = Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n"
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as new:
            new.write(text)
            new.flush()
            os.fsync(new.fileno())
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    except ValueError as wrong:
        raise StorageError(f"{file} is not the key that was made there. Put it back from a backup") from wrong


def signed(key: bytes, document: bytes, signature: bytes) -> bool:
    """Whether the holder of a public key signed a document."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, document)
    except (InvalidSignature, ValueError):
        return False
    return True
